//! Looking around for a person, and pairing with what was chosen or is nearest.

use super::look;
use super::{Happening, Pairing, Purpose, SHORT_PAUSE, Sessions, random, words};
use crate::desk::Desk;
use crate::device_table;
use crate::error::CompanionError;
use crate::models;
use crate::show;
use crate::view::{FoundView, RequestId};
use device::{
    Advertisement, DeviceHandle, Plan, RadioFault, RadioView, ReasonCode, family, how_to_pair,
};
use reading::DeviceFacts;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use wire::Time;

impl Sessions {
    pub(crate) fn pair(
        &mut self,
        desk: &mut Desk,
        timeout: Duration,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let known: Vec<DeviceHandle> = desk
            .paired()?
            .into_iter()
            .map(|paired| paired.handle)
            .collect();
        let (radio, request) = self.begin_to_look(desk, "pair", now)?;
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            let found = look::nearest(&radio, timeout, &known).await;
            // The actor is gone only when everything is.
            let _closed = to_us.send(Happening::Found { request, found }).await;
        });
        Ok(request)
    }

    /// Looks around for a person who wants to choose.
    pub(crate) fn look(
        &mut self,
        desk: &mut Desk,
        timeout: Duration,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let (radio, request) = self.begin_to_look(desk, "look", now)?;
        self.near.clear();
        desk.found_changed();
        let (stop, mut stopped) = oneshot::channel::<()>();
        self.look = Some(stop);
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            let stopped = || matches!(stopped.try_recv(), Err(TryRecvError::Closed));
            let ended = look::around(&radio, timeout, stopped, &to_us).await;
            // The actor is gone only when everything is.
            let _closed = to_us.send(Happening::Looked { request, ended }).await;
        });
        Ok(request)
    }

    /// The radio is free for a look, and a request is made of it.
    fn begin_to_look(
        &mut self,
        desk: &mut Desk,
        what: &'static str,
        now: Time,
    ) -> Result<(RadioView, RequestId), CompanionError> {
        let radio = self.radio_to_pair(desk)?;
        if !matches!(self.pairing, Pairing::No) {
            return Err(busy());
        }
        let request = desk.new_request(what, now)?;
        self.pairing = Pairing::Looking;
        self.cancel_all();
        Ok((radio, request))
    }

    /// Pairs with a device that the last look has seen.
    pub(crate) fn pair_with(
        &mut self,
        desk: &mut Desk,
        found: &str,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        self.radio_to_pair(desk)?;
        let seen = self
            .near
            .iter()
            .find(|seen| device_table::id_of(&seen.device) == found)
            .cloned()
            .ok_or(CompanionError::Unknown {
                what: "a device near with this id",
            })?;
        match self.pairing {
            Pairing::No => {
                let request = desk.new_request("pair", now)?;
                self.cancel_all();
                self.pairing = Pairing::Found(request, seen);
                self.pair_when_free(desk, now)?;
                Ok(request)
            }
            Pairing::Looking if self.look.is_some() => {
                let request = desk.new_request("pair", now)?;
                self.chosen = Some((request, seen));
                self.look = None;
                Ok(request)
            }
            _ => Err(busy()),
        }
    }

    /// What the last look has seen.
    pub(crate) fn near(&self, desk: &Desk) -> Result<Vec<FoundView>, CompanionError> {
        let paired = desk.paired()?;
        let table = desk.models()?;
        let view = |seen: &Advertisement| FoundView {
            id: device_table::id_of(&seen.device),
            name: seen.name.clone(),
            family: family::of(&seen.services)
                .map_or("device", |family| family.name)
                .to_owned(),
            how_to_pair: how_to_pair(&table, &models::met_near(seen)),
            signal_dbm: seen.rssi,
            paired: paired.iter().any(|known| known.handle == seen.device),
        };
        Ok(self.near.iter().map(view).collect())
    }

    pub(super) fn looked(
        &mut self,
        request: RequestId,
        ended: Result<(), RadioFault>,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        self.look = None;
        self.pairing = Pairing::No;
        match ended {
            Ok(()) => desk.finish_request(request, Ok(None))?,
            Err(fault) => {
                let reason = reason_of(fault);
                desk.finish_request(request, Err((reason.code(), &words(reason))))?;
            }
        }
        match self.chosen.take() {
            Some((request, seen)) => {
                self.pairing = Pairing::Found(request, seen);
                self.pair_when_free(desk, now)
            }
            None => {
                self.again_later(SHORT_PAUSE, None);
                Ok(())
            }
        }
    }

    fn radio_to_pair(&self, desk: &Desk) -> Result<RadioView, CompanionError> {
        let radio = self.radio.as_ref().ok_or(CompanionError::NoRadio)?;
        if desk.is_locked() {
            return Err(CompanionError::Locked);
        }
        Ok(radio.view())
    }

    pub(super) fn found(
        &mut self,
        request: RequestId,
        found: Result<Option<Advertisement>, RadioFault>,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let reason = match found {
            Ok(Some(seen)) => {
                self.pairing = Pairing::Found(request, seen);
                return self.pair_when_free(desk, now);
            }
            Ok(None) => ReasonCode::NotFound,
            Err(fault) => reason_of(fault),
        };
        self.pairing = Pairing::No;
        self.again_later(SHORT_PAUSE, None);
        desk.finish_request(request, Err((reason.code(), &words(reason))))
    }

    /// Begins to pair with what was found, once no other session holds the device.
    pub(super) fn pair_when_free(
        &mut self,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Pairing::Found(request, seen) = &self.pairing else {
            return Ok(());
        };
        if self.stopped {
            let (request, reason) = (*request, ReasonCode::Cancelled);
            self.pairing = Pairing::No;
            return desk.finish_request(request, Err((reason.code(), &words(reason))));
        }
        if self.runs.values().any(|run| run.handle == seen.device) {
            return Ok(());
        }
        let offset = show::offset_min(desk.zone(), now)?;
        let plan = Plan {
            seen: true,
            manner: desk.manner(&models::met_near(seen))?,
            known: Some(DeviceFacts {
                address: seen.address,
                ..DeviceFacts::default()
            }),
            ..Plan::pair(seen.device.clone(), offset, random()?)
        };
        let purpose = Purpose::Pair {
            request: *request,
            name: seen.name.clone(),
            saved: None,
        };
        self.pairing = Pairing::Running;
        self.run(purpose, plan);
        Ok(())
    }
}

fn busy() -> CompanionError {
    CompanionError::input("a device is being paired already: wait until that has ended")
}

/// Why nothing could be looked for.
fn reason_of(fault: RadioFault) -> ReasonCode {
    match fault {
        RadioFault::Off => ReasonCode::BluetoothOff,
        RadioFault::Missing => ReasonCode::RadioGone,
        RadioFault::Denied => ReasonCode::NotAllowed,
        _ => ReasonCode::RadioFailed,
    }
}

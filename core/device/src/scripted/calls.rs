//! What a scripted radio does when it is called, and the faults that its script has for a call.

use super::memory::asks_for_records;
use super::{ADVERTISE, CLOCK, Device, ScriptedRadio, in_sight};
use crate::datetime::CurrentTime;
use crate::fault::RadioFault;
use crate::radio::{Attribute, DeviceHandle, Radio, RadioEvents, RadioState};
use crate::script::ScriptFault;
use crate::uuid::Uuid;
use async_trait::async_trait;
use reading::{DeviceTime, Moment};
use std::time::Duration;
use tokio::time::sleep;

/// For so long a platform is busy with a link that is up, before it says so: with what the device has, above all.
const SENDS_AT_ONCE: Duration = Duration::from_millis(50);

/// `None`: no fault; `Some(None)`: never an answer.
#[allow(
    clippy::option_option,
    reason = "two questions: is there a fault, and does it ever answer"
)]
pub(super) fn take_fault(faults: &mut [ScriptFault], name: &str) -> Option<Option<RadioFault>> {
    faults.iter_mut().find_map(|entry| match entry {
        ScriptFault::Call { call, fault, times } if call == name && *times > 0 => {
            *times -= 1;
            Some(*fault)
        }
        _ => None,
    })
}

impl ScriptedRadio {
    /// Makes a link, with the faults that its script has for it; gives its number, also of one that is up already.
    fn make_link(&self, device: &DeviceHandle) -> Result<u64, RadioFault> {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        let known = inner.devices.get_mut(device).ok_or(RadioFault::NotFound)?;
        if !known.is_linked() {
            if !in_sight(known, elapsed) {
                return Err(RadioFault::Timeout);
            }
            known.link += 1;
        }
        let link = known.link;
        for fault in &mut known.script.faults {
            match fault {
                ScriptFault::Drop {
                    drop_after_ms,
                    times,
                } if *times > 0 => {
                    *times -= 1;
                    let device = device.clone();
                    self.later(*drop_after_ms, move |radio| {
                        radio.unlink(&device, Some(link))
                    });
                    break;
                }
                ScriptFault::Radio {
                    radio_off_after_ms,
                    back_after_ms,
                } => {
                    let off = std::mem::replace(radio_off_after_ms, u64::MAX);
                    let back = off.saturating_add(*back_after_ms);
                    if off != u64::MAX {
                        self.later(off, |radio| radio.set_state(RadioState::Missing));
                        self.later(back, |radio| radio.set_state(RadioState::On));
                    }
                }
                _ => {}
            }
        }
        Ok(link)
    }

    /// Whether a device keeps its subscriptions and is bonded: then it begins to send.
    fn sends_at_once(&self, device: &DeviceHandle) -> bool {
        let begun = self.lock().devices.get_mut(device).and_then(|known| {
            let keeps = known.script.keeps_subscription && known.bonded;
            // Not again over a link that is up.
            let begins = keeps && known.subscribed.is_empty() && !known.measurements.is_empty();
            begins.then(|| {
                known.subscribed.extend(known.measurements.iter().copied());
                known.subscriptions += 1;
                known.subscriptions
            })
        });
        if let Some(subscription) = begun {
            self.send_frames(device.clone(), subscription);
        }
        begun.is_some()
    }
}

#[async_trait]
impl Radio for ScriptedRadio {
    async fn state(&self) -> RadioState {
        let (state, answers) = {
            let mut inner = self.lock();
            let mut all = inner.devices.values_mut();
            let fault = all.find_map(|known| take_fault(&mut known.script.faults, "state"));
            (inner.state, fault.is_none())
        };
        if answers {
            return state;
        }
        std::future::pending().await
    }

    fn events(&self) -> RadioEvents {
        self.events.listen()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        self.step(None, "scan").await?;
        sleep(self.scan_takes).await;
        let scan = {
            let mut inner = self.lock();
            inner.scan += if inner.scan.is_multiple_of(2) { 1 } else { 2 };
            inner.scan
        };
        let (radio, services) = (self.clone(), services.to_vec());
        tokio::spawn(async move {
            while radio.advertise(scan, &services) {
                sleep(ADVERTISE).await;
            }
        });
        Ok(())
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        let mut inner = self.lock();
        inner.scan += inner.scan % 2;
        Ok(())
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "connect").await?;
        let link = self.make_link(device)?;
        if !self.sends_at_once(device) {
            return Ok(());
        }
        sleep(SENDS_AT_ONCE).await;
        let linked = |known: &Device| known.is_linked() && known.link == link;
        let lasts = self.lock().devices.get(device).is_some_and(linked);
        lasts.then_some(()).ok_or(RadioFault::BrokeOff)
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.step(Some(device), "discover").await?;
        self.linked(device, |known| Ok(known.attributes.clone()))
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        self.step(Some(device), "subscribe").await?;
        let subscription = self.linked(device, |known| {
            if !known.attributes.contains(&attribute) {
                return Err(RadioFault::NotSupported);
            }
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            if !known.subscribed.insert(attribute) {
                return Ok(None);
            }
            known.subscriptions += 1;
            Ok(Some(known.subscriptions))
        })?;
        if let Some(subscription) = subscription {
            self.send_frames(device.clone(), subscription);
        }
        Ok(())
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        self.step(Some(device), "read").await?;
        let (now, offset) = (self.now(), self.utc_offset_min);
        self.linked(device, |known| {
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            match known.clock_behind_ms {
                Some(behind) if attribute == CLOCK => {
                    Ok(CurrentTime::of(now.plus_ms(-behind).civil(offset))
                        .encode()
                        .to_vec())
                }
                _ => known
                    .values
                    .get(&attribute)
                    .cloned()
                    .ok_or(RadioFault::NotSupported),
            }
        })
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.step(Some(device), "write").await?;
        let (now, offset) = (self.now(), self.utc_offset_min);
        let asked = self.linked(device, |known| {
            Ok(asks_for_records(known, attribute, bytes))
        })?;
        if let Some((request, sent)) = asked {
            self.send_kept(device.clone(), request, sent);
            return Ok(());
        }
        let spoken = self.linked(device, |known| {
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            Ok(known.takes_user_request(attribute, bytes))
        })?;
        if let Some(spoken) = spoken {
            self.answer_user(device, spoken);
            return Ok(());
        }
        self.linked(device, |known| {
            let set = bytes
                .first_chunk()
                .map(|time| DeviceTime::from_bytes(*time));
            match set.and_then(|time| time.civil()) {
                Some(local) if attribute == CLOCK && known.clock_behind_ms.is_some() => {
                    known.clock_behind_ms = Some(now.ms_since(Moment::from_civil(local, offset)));
                    Ok(())
                }
                _ => Err(RadioFault::NotSupported),
            }
        })
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "pair").await?;
        self.linked(device, |known| {
            known.bonded = true;
            Ok(())
        })
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.lock()
            .devices
            .get(device)
            .map(|known| known.bonded)
            .ok_or(RadioFault::NotFound)
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.lock()
            .devices
            .get(device)
            .map(Device::is_linked)
            .ok_or(RadioFault::NotFound)
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "disconnect").await?;
        self.unlink(device, None);
        Ok(())
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.lose_bond(device);
        Ok(())
    }
}

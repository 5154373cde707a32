//! What a session tells: its records, what it learnt of its device, and how it ended.

use super::{
    GATHER, Happening, NEAR_MS, NO_RADIO_PAUSE, PAUSE, Pairing, Purpose, SHORT_PAUSE, Sessions,
    words,
};
use crate::desk::Desk;
use crate::error::CompanionError;
use device::{CapturedRecord, ReasonCode, SessionEvent, SessionFacts, SessionReport};
use reading::Moment;
use std::time::Duration;
use wire::Time;

impl Sessions {
    /// Keeps records, and makes readings of those whose device is known already: nothing more is to be waited for then than
    /// this session's clock reading.
    pub(super) fn keep(&mut self, records: Vec<(u64, CapturedRecord)>, desk: &mut Desk, now: Time) {
        if records.is_empty() {
            return;
        }
        let (runs, records): (Vec<u64>, Vec<CapturedRecord>) = records.into_iter().unzip();
        desk.capture(&records, now);
        for (run, record) in runs.into_iter().zip(&records) {
            let done = match self.runs.get(&run) {
                Some(known) if known.facts.complete => self.gather(run, record.arrived, desk, now),
                Some(_) => Ok(()),
                None => desk.settle(record.connection, &SessionFacts::default(), now),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a device session");
            }
        }
    }

    pub(super) fn event(
        &mut self,
        run: u64,
        event: SessionEvent,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        match event {
            SessionEvent::Record(record) => {
                self.keep(vec![(run, record)], desk, now);
                Ok(())
            }
            SessionEvent::Facts(facts) => {
                let Some(run) = self.runs.get_mut(&run) else {
                    return Ok(());
                };
                run.facts = *facts;
                if !run.facts.complete {
                    return Ok(());
                }
                let device = match &mut run.purpose {
                    Purpose::Collect { device } => device.clone(),
                    Purpose::Pair { name, saved, .. } => saved
                        .insert(desk.save_device(
                            &run.handle,
                            name.clone(),
                            false,
                            &run.facts,
                            now,
                        )?)
                        .clone(),
                };
                desk.device_learnt(&device, &run.facts, now)?;
                desk.users_learnt(&device, run.user, &run.facts)?;
                desk.settle(run.connection, &run.facts, now)
            }
            SessionEvent::Mark(mark) => {
                let device = self.runs.get(&run).and_then(|run| match &run.purpose {
                    Purpose::Collect { device } => Some(device.clone()),
                    Purpose::Pair { saved, .. } => saved.clone(),
                });
                device.map_or(Ok(()), |device| desk.records_taken(&device, &mark))
            }
            SessionEvent::Trace(trace) => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.trace = Some(trace);
                }
                Ok(())
            }
            SessionEvent::Ended(report) => self.ended(run, &report, desk, now),
        }
    }

    /// Makes a reading of a record at once, and of those right behind it together.
    fn gather(
        &mut self,
        number: u64,
        arrived: Moment,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(run) = self.runs.get_mut(&number) else {
            return Ok(());
        };
        let last = run.last_record.replace(arrived);
        if run.gathering {
            return Ok(());
        }
        if last.is_none_or(|last| arrived.ms_since(last) >= NEAR_MS) {
            return desk.settle(run.connection, &run.facts, now);
        }
        run.gathering = true;
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GATHER).await;
            let _closed = to_us.send(Happening::Gathered { run: number }).await;
        });
        Ok(())
    }

    /// What came meanwhile. A session that has ended has seen to it itself.
    pub(super) fn gathered(
        &mut self,
        run: u64,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(run) = self.runs.get_mut(&run) else {
            return Ok(());
        };
        run.gathering = false;
        desk.settle(run.connection, &run.facts, now)
    }

    fn ended(
        &mut self,
        run: u64,
        report: &SessionReport,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(run) = self.runs.remove(&run) else {
            return Ok(());
        };
        if matches!(run.purpose, Purpose::Pair { .. }) {
            self.pairing = Pairing::No;
            self.again_later(SHORT_PAUSE, None);
        }
        self.pair_when_free(desk, now)?;
        // A look around that met nobody has nothing to tell, and there are many of them.
        let idle = matches!(report.reason, ReasonCode::NotFound | ReasonCode::Cancelled);
        if let Some(trace) = run.trace.filter(|_| !idle || report.records > 0) {
            let device = match &run.purpose {
                Purpose::Collect { device } => Some(device.as_str()),
                Purpose::Pair { saved, .. } => saved.as_deref(),
            };
            desk.keep_trace(device, report.reason, &trace, now)?;
        }
        let device = match run.purpose {
            Purpose::Collect { device } => {
                desk.settle(run.connection, &run.facts, now)?;
                desk.device_ended(&device, report, now)?;
                device
            }
            Purpose::Pair {
                request,
                name,
                saved,
            } => {
                let good = report.reason.is_good();
                if saved.is_none() && !good {
                    desk.settle(run.connection, &run.facts, now)?;
                    return desk.finish_request(
                        request,
                        Err((report.reason.code(), &words(report.reason))),
                    );
                }
                let device = desk.save_device(&run.handle, name, report.bonded, &run.facts, now)?;
                desk.settle(run.connection, &run.facts, now)?;
                desk.device_ended(&device, report, now)?;
                desk.finish_request(request, Ok(Some(&device)))?;
                device
            }
        };
        let pause = match report.reason {
            ReasonCode::BluetoothOff | ReasonCode::RadioGone | ReasonCode::NotAllowed => {
                NO_RADIO_PAUSE
            }
            ReasonCode::NotSupported
            | ReasonCode::Ambiguous
            | ReasonCode::PairingRefused
            | ReasonCode::PairingTimeout
            | ReasonCode::PasskeyWrong
            | ReasonCode::BondLost => PAUSE,
            _ => SHORT_PAUSE,
        };
        let rest = Duration::from_secs(report.rest_s.into());
        let pause = pause.max(rest);
        if !rest.is_zero() {
            let until = tokio::time::Instant::now() + rest;
            self.resting.insert(device.clone(), until);
        }
        self.again_later(pause, Some(device));
        Ok(())
    }
}

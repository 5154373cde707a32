//! The records that a device keeps, within a session: what arrives goes through the sync, whose writes go out as the
//! session's calls while its state is *syncing*.
//!
//! A device may send a new measurement by itself while the session still asks who it is, and another one after all that
//! it keeps has been taken: the sync takes those in too, so that nothing is delivered twice.

use super::{Session, State};
use crate::blood_pressure::BloodPressureFeature;
use crate::blood_pressure_record::CheckSum;
use crate::call::{Call, Effect};
use crate::family::Family;
use crate::fault::RadioFault;
use crate::radio::Attribute;
use crate::reason::ReasonCode;
use crate::stored::{
    RECORD_ACCESS, StoredEffect, StoredEvent, StoredMark, StoredOutcome, StoredPace, StoredReport,
    StoredService, StoredSync,
};
use crate::uuid::Uuid;
use reading::Moment;

/// The sync of one session.
pub(super) struct Stored {
    /// The service whose control point it writes to.
    service: Uuid,
    sync: StoredSync,
    /// Whether a cuff's records end with a check sum, where it said so.
    check: Option<CheckSum>,
    /// How the sync ended; what comes after that is only taken in.
    outcome: Option<StoredOutcome>,
}

impl Stored {
    /// Another sync, from this mark on.
    fn begin(&mut self, mark: StoredMark) {
        self.sync = StoredSync::new(self.sync.service(), mark, StoredPace::default());
        if let Some(check) = self.check {
            self.sync.set_check_sum(check);
        }
    }

    fn control_point(&self) -> Attribute {
        Attribute {
            service: self.service,
            characteristic: Uuid::short(RECORD_ACCESS),
        }
    }
}

impl Session {
    /// Whether the device keeps records that can be asked for; gives what else is to be subscribed to.
    pub(super) fn keeps_records(
        &mut self,
        family: &Family,
        offers: impl Fn(Attribute) -> bool,
    ) -> Vec<Attribute> {
        let Some(kind) = family.stored else {
            return Vec::new();
        };
        let attribute = |number: &u16| Attribute {
            service: family.service,
            characteristic: Uuid::short(*number),
        };
        // A cuff's memory needs the characteristic that carries it, too.
        let cuff = kind == StoredService::BloodPressure;
        let carries = !cuff || offers(attribute(&0x2b36));
        if !carries || !offers(attribute(&RECORD_ACCESS)) {
            return Vec::new();
        }
        let mark = self.plan.stored.clone();
        self.stored = Some(Stored {
            service: family.service,
            sync: StoredSync::new(kind, mark, StoredPace::default()),
            check: None,
            outcome: None,
        });
        let all = kind.characteristics().iter().map(attribute);
        all.filter(|one| offers(*one)).collect()
    }

    /// Whose records are asked for.
    pub(super) fn keeps(&self) -> Option<StoredService> {
        self.stored.as_ref().map(|stored| stored.sync.service())
    }

    /// The records are those of this session of the device: another one's numbers mean nothing in it.
    pub(super) fn of_session(&mut self, session: &[u8]) {
        if let Some(stored) = &mut self.stored {
            let mark = stored.sync.mark().of_session(session);
            stored.begin(mark);
        }
    }

    /// Whether this attribute is the control point of the records that are being asked for.
    pub(super) fn is_record_access(&self, attribute: Attribute) -> bool {
        self.stored
            .as_ref()
            .is_some_and(|stored| stored.control_point() == attribute)
    }

    /// Takes a value of the service whose records are asked for; false when it is none.
    pub(super) fn takes_stored(&mut self, of: Attribute, bytes: &[u8], now: Moment) -> bool {
        let Some(stored) = self.stored.as_ref().filter(|one| one.service == of.service) else {
            return false;
        };
        let Some(characteristic) = of.characteristic.as_short() else {
            return false;
        };
        if stored.control_point() != of {
            self.last_record = Some(now);
        }
        if self.is_early(characteristic, bytes) {
            return true;
        }
        let bytes = bytes.to_vec();
        self.stored_event(
            StoredEvent::Notified {
                characteristic,
                bytes,
            },
            now,
        );
        true
    }

    /// Asks for what the device keeps, unless that is done.
    pub(super) fn sync(&mut self, now: Moment) {
        let feature = self.facts.feature.map(BloodPressureFeature);
        if let (Some(stored), Some(feature)) = (&mut self.stored, feature) {
            let check = CheckSum::of(feature);
            stored.check = Some(check);
            stored.sync.set_check_sum(check);
        }
        let begun = self
            .stored
            .as_ref()
            .is_some_and(|stored| stored.outcome.is_none());
        let begins = self.begin_sensor(now);
        if !begun {
            return self.wait_for_more(now);
        }
        if !begins {
            if let Some(stored) = &mut self.stored {
                stored.outcome = Some(StoredOutcome::NotAnswering);
            }
            return self.wait_for_more(now);
        }
        self.wait(State::Syncing, 0, now);
        self.stored_event(StoredEvent::Tick, now);
    }

    /// Asks again for what a cuff indicated after its memory had been read: there it has a number.
    pub(super) fn syncs_again(&mut self, now: Moment) -> bool {
        let Some(stored) = &mut self.stored else {
            return false;
        };
        let again = stored.outcome == Some(StoredOutcome::Complete) && stored.sync.holds_live();
        if again {
            stored.outcome = None;
            self.wait(State::Syncing, 0, now);
            self.stored_event(StoredEvent::Tick, now);
        }
        again
    }

    /// The link is gone, and the queue with it: what the sync holds back is given.
    pub(super) fn end_sync(&mut self, now: Moment) {
        self.begin_sensor(now);
        self.stored_event(StoredEvent::Disconnected, now);
    }

    /// What the outcome says about the session, when nothing else does.
    pub(super) fn sync_fault(&self) -> Option<ReasonCode> {
        match self.stored.as_ref()?.outcome? {
            StoredOutcome::Busy => Some(ReasonCode::DeviceBusy),
            StoredOutcome::Incomplete => Some(ReasonCode::RecordsMissing),
            StoredOutcome::NotAnswering | StoredOutcome::Refused => Some(ReasonCode::NotAnswering),
            StoredOutcome::Complete
            | StoredOutcome::EndsOnly
            | StoredOutcome::NotSupported
            | StoredOutcome::Interrupted
            | StoredOutcome::Cancelled => None,
        }
    }

    pub(super) fn stored_event(&mut self, event: StoredEvent, now: Moment) {
        let Some(stored) = &mut self.stored else {
            return;
        };
        stored.sync.input(event, now);
        self.pump(now);
    }

    /// The platform's answer to a write that the sync wanted.
    pub(super) fn record_access_failed(&mut self, fault: RadioFault, now: Moment) {
        self.stored_event(StoredEvent::NotWritten(fault), now);
    }

    fn pump(&mut self, now: Moment) {
        let syncing = self.state == State::Syncing;
        while let Some(effect) = self
            .stored
            .as_mut()
            .and_then(|stored| stored.sync.poll_effect())
        {
            match effect {
                StoredEffect::Write(bytes) if syncing => self.ask_for_records(bytes, now),
                // It is written once the session gets there; nothing else writes.
                StoredEffect::Write(_) => {}
                StoredEffect::Deliver(record) => {
                    let context = record.context.into_iter();
                    let beside = self.sensor.beside();
                    let packets = std::iter::once(record.bytes).chain(record.more);
                    let packets = packets.chain(context);
                    let packets = packets.chain(beside).collect();
                    self.deliver(record.characteristic, packets, now);
                }
                StoredEffect::Done(report) => return self.synced(*report, now),
            }
        }
        if syncing {
            let sync = self
                .stored
                .as_ref()
                .and_then(|stored| stored.sync.deadline());
            self.until = sync;
        }
    }

    fn ask_for_records(&mut self, bytes: Vec<u8>, now: Moment) {
        if let Some(to) = self.stored.as_ref().map(Stored::control_point) {
            let within = self.plan.pace.step_ms;
            self.run(State::Syncing, Call::Write(to, bytes), within, now);
        }
    }

    /// The sync is over: its mark is kept, and what still comes is taken in under it.
    fn synced(&mut self, report: StoredReport, now: Moment) {
        self.repeated += report.repeated;
        self.effects
            .push_back(Effect::Mark(Box::new(report.mark.clone())));
        if let Some(stored) = &mut self.stored {
            let first = stored.outcome.get_or_insert(report.outcome);
            if *first == StoredOutcome::Interrupted {
                *first = report.outcome;
            }
            stored.begin(report.mark);
        }
        if self.state == State::Syncing {
            self.open_call = None;
            self.wait_for_more(now);
        }
    }
}

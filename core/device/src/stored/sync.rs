//! The machine: what happens, and what is said to the device. What is asked next is decided in `next`.

use super::intake::{Arrival, Intake};
use super::mark::{Memory, Print, StoredMark};
use super::next::Ask;
use super::{
    RECORD_ACCESS, StoredEffect, StoredEvent, StoredOutcome, StoredPace, StoredRecord,
    StoredReport, StoredService,
};
use crate::fault::RadioFault;
use crate::record_access::{
    RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Which,
};
use reading::Moment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// For the answer to what was asked.
    Waiting(Ask),
    /// For the answer to an abort.
    Aborting,
    /// For a device that was busy.
    BackingOff,
    Ended,
}

/// What is known of the records that the device keeps now.
#[derive(Default)]
pub(super) struct Seen {
    /// All that came in this sync, but for contexts.
    pub(super) prints: BTreeSet<Print>,
    /// The same by number; a number that came with different bytes stands with the last ones.
    pub(super) numbers: BTreeMap<u32, Print>,
    /// The last one that came.
    pub(super) last: Option<Print>,
}

/// The machine.
pub struct StoredSync {
    pub(super) service: StoredService,
    pub(super) pace: StoredPace,
    pub(super) memory: Memory,
    pub(super) intake: Intake,
    pub(super) seen: Seen,
    pub(super) known: super::next::Known,
    state: State,
    effects: VecDeque<StoredEffect>,
    /// To be written when nothing else is being written.
    outgoing: Option<Vec<u8>>,
    writing: bool,
    until: Option<Moment>,
    delivered: u32,
    pub(super) repeated: u32,
    /// How many records had come when the present request was made, or the device fell silent the last time.
    before: usize,
    tries: u32,
    back_offs: u32,
}

impl StoredSync {
    /// A sync that has not begun; the first [`StoredEvent::Tick`] starts it. The mark is that of the last sync with this
    /// device, or a new one.
    #[must_use]
    pub fn new(service: StoredService, mark: StoredMark, pace: StoredPace) -> Self {
        Self {
            service,
            pace,
            memory: Memory::new(mark),
            intake: Intake::new(service),
            seen: Seen::default(),
            known: super::next::Known::default(),
            state: State::New,
            effects: VecDeque::new(),
            outgoing: None,
            writing: false,
            until: None,
            delivered: 0,
            repeated: 0,
            before: 0,
            tries: 0,
            back_offs: 0,
        }
    }

    /// Takes in what happened.
    pub fn input(&mut self, event: StoredEvent, now: Moment) {
        if self.state == State::Ended {
            return;
        }
        match event {
            StoredEvent::Tick if self.state == State::New => self.begin(now),
            StoredEvent::Tick => {}
            StoredEvent::Notified {
                characteristic: RECORD_ACCESS,
                bytes,
            } => self.answered(&bytes, now),
            StoredEvent::Notified {
                characteristic,
                bytes,
            } => self.notified(characteristic, bytes, now),
            StoredEvent::Written => self.writing = false,
            StoredEvent::NotWritten(fault) => self.not_written(fault, now),
            StoredEvent::Disconnected => self.finish(StoredOutcome::Interrupted),
            StoredEvent::Cancel => self.finish(StoredOutcome::Cancelled),
        }
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            self.late(now);
        }
    }

    /// The next thing to do. One write is under way at a time.
    pub fn poll_effect(&mut self) -> Option<StoredEffect> {
        if let Some(effect) = self.effects.pop_front() {
            return Some(effect);
        }
        if self.writing {
            return None;
        }
        let bytes = self.outgoing.take()?;
        self.writing = true;
        Some(StoredEffect::Write(bytes))
    }

    /// What is remembered now; the next sync's when this one has not begun.
    #[must_use]
    pub fn mark(&self) -> StoredMark {
        self.memory.mark()
    }

    /// Whose records.
    #[must_use]
    pub const fn service(&self) -> StoredService {
        self.service
    }

    /// When to come back with [`StoredEvent::Tick`], if nothing happens before.
    #[must_use]
    pub const fn deadline(&self) -> Option<Moment> {
        self.until
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    fn begin(&mut self, now: Moment) {
        let step = self.next();
        self.step(step, now);
    }

    pub(super) fn step(&mut self, step: Result<Ask, StoredOutcome>, now: Moment) {
        match step {
            Ok(ask) => self.ask(ask, now),
            Err(outcome) => self.finish(outcome),
        }
    }

    fn ask(&mut self, ask: Ask, now: Moment) {
        let report = |which| match self.service {
            StoredService::HealthSensor if !self.known.plain_reports => {
                RecordRequest::CombinedReport(which)
            }
            _ => RecordRequest::Report(which),
        };
        let request = match ask {
            Ask::Count(which) => RecordRequest::Count(which),
            Ask::Report(which) => report(which),
        };
        self.before = self.seen.prints.len();
        if ask == Ask::Report(Which::Last) {
            // What is told then is what comes now, or nothing when it is lost.
            self.seen.last = None;
        }
        self.write(request, State::Waiting(ask), self.pace.answer_ms, now);
    }

    fn write(&mut self, request: RecordRequest, state: State, within_ms: i64, now: Moment) {
        self.outgoing = Some(request.encode());
        self.state = state;
        self.until = Some(now.plus_ms(within_ms));
    }

    fn notified(&mut self, characteristic: u16, bytes: Vec<u8>, now: Moment) {
        for arrival in self.intake.arrivals(characteristic, bytes) {
            self.arrived(arrival);
        }
        if self.seen.prints.len() > self.pace.most_records {
            return self.finish(StoredOutcome::Incomplete);
        }
        if matches!(self.state, State::Waiting(Ask::Report(_))) {
            self.until = Some(now.plus_ms(self.pace.answer_ms));
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        if self.service == StoredService::BloodPressure
            && self.intake.is_unannounced(arrival.characteristic)
        {
            return self.indicated(arrival);
        }
        let print = arrival.print();
        self.known.users |= super::cuff::names_user(&arrival);
        if !self.intake.is_unannounced(arrival.characteristic) {
            self.seen.prints.insert(print);
            self.seen.last = Some(print);
            if let Some(number) = arrival.number {
                self.seen.numbers.insert(number, print);
            }
        }
        if self.memory.knows(&print) {
            self.repeated += 1;
            return;
        }
        self.memory.learn(print);
        if self.was_indicated(&arrival) {
            self.repeated += 1;
            return;
        }
        let ready = self.intake.ready(arrival);
        self.deliver(ready);
    }

    pub(super) fn deliver(&mut self, records: Vec<StoredRecord>) {
        for record in records {
            self.delivered += 1;
            self.effects.push_back(StoredEffect::Deliver(record));
        }
    }

    /// What the control point indicated. An answer to something else than was asked is an old one.
    fn answered(&mut self, bytes: &[u8], now: Moment) {
        let Ok(response) = RecordAccess::decode_response(bytes) else {
            return;
        };
        match (self.state, response) {
            (State::Aborting, RecordResponse::Done { request: 3, .. }) => self.again(now),
            (State::Waiting(ask), response) => match (ask, response) {
                (Ask::Count(_), RecordResponse::Count(count)) => self.worked(ask, Some(count), now),
                (Ask::Report(_), RecordResponse::Combined(count)) => {
                    self.worked(ask, Some(count), now);
                }
                (Ask::Count(_), RecordResponse::Done { request: 4, result })
                | (
                    Ask::Report(_),
                    RecordResponse::Done {
                        request: 1 | 7,
                        result,
                    },
                ) => self.done(ask, result, now),
                _ => {}
            },
            _ => {}
        }
    }

    fn done(&mut self, ask: Ask, result: RecordResult, now: Moment) {
        match result {
            RecordResult::Success => self.worked(ask, None, now),
            RecordResult::NoRecords => self.worked(ask, Some(RecordCount::Short(0)), now),
            RecordResult::Busy | RecordResult::NotCompleted => self.busy(now),
            result => {
                let step = self.refused(ask, result);
                self.step(step, now);
            }
        }
    }

    fn worked(&mut self, ask: Ask, count: Option<RecordCount>, now: Moment) {
        let brought = self.seen.prints.len() > self.before;
        self.progressed(brought);
        self.learned(ask, count.map(RecordCount::get), brought);
        let step = self.next();
        self.step(step, now);
    }

    /// Something new came: patience begins anew.
    fn progressed(&mut self, brought: bool) {
        if brought {
            self.tries = 0;
            self.back_offs = 0;
        }
    }

    fn busy(&mut self, now: Moment) {
        self.progressed(self.seen.prints.len() > self.before);
        if self.back_offs >= self.pace.back_offs {
            return self.finish(StoredOutcome::Busy);
        }
        let wait = self.pace.back_off_ms << self.back_offs.min(16);
        self.back_offs += 1;
        self.outgoing = None;
        self.state = State::BackingOff;
        self.until = Some(now.plus_ms(wait));
    }

    fn not_written(&mut self, fault: RadioFault, now: Moment) {
        self.writing = false;
        match fault {
            RadioFault::NotConnected => self.finish(StoredOutcome::Interrupted),
            RadioFault::Busy => self.busy(now),
            // The deadline decides: the device may have had it all the same.
            RadioFault::Timeout => {}
            RadioFault::NotSupported => self.finish(StoredOutcome::NotSupported),
            _ => self.finish(StoredOutcome::Refused),
        }
    }

    /// A deadline has passed.
    fn late(&mut self, now: Moment) {
        match self.state {
            State::Waiting(_) => {
                self.writing = false;
                let abort = RecordRequest::Abort;
                self.write(abort, State::Aborting, self.pace.abort_ms, now);
            }
            State::Aborting => self.again(now),
            State::BackingOff => {
                self.begin_again();
                self.begin(now);
            }
            State::New | State::Ended => {}
        }
    }

    /// What was under way is over without an end of its own.
    fn again(&mut self, now: Moment) {
        self.writing = false;
        self.progressed(self.seen.prints.len() > self.before);
        self.tries += 1;
        if self.tries > self.pace.tries {
            return self.finish(StoredOutcome::NotAnswering);
        }
        self.begin_again();
        self.begin(now);
    }

    fn finish(&mut self, outcome: StoredOutcome) {
        let released = self.intake.release();
        self.deliver(released);
        if outcome == StoredOutcome::Complete && self.is_proven() {
            let newest = self.newest();
            self.memory.move_to(newest);
        }
        self.state = State::Ended;
        self.until = None;
        self.outgoing = None;
        self.effects
            .push_back(StoredEffect::Done(Box::new(StoredReport {
                outcome,
                mark: self.memory.mark(),
                announced: self.known.announced,
                delivered: self.delivered,
                repeated: self.repeated,
            })));
    }
}

/// Shows the state and nothing of the records.
impl std::fmt::Debug for StoredSync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSync")
            .field("service", &self.service)
            .field("state", &self.state)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

/// Which records from a number on.
pub(super) fn at_least(service: StoredService, number: u32) -> Which {
    Which::AtLeast(super::next::bound(service, number))
}

//! A model of a device with a memory, of each service that keeps records, and a link that loses, repeats and ends. It
//! answers what is written to its Record Access Control Point, and nothing else.

use crate::record::{Made, body, packets};
use reading::Moment;
use std::collections::{BTreeMap, VecDeque};
use teleward_device::{
    Bound, RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span,
    StoredEffect, StoredEvent, StoredMark, StoredPace, StoredRecord, StoredReport, StoredService,
    StoredSync, Which,
};

/// What the meter can do.
#[derive(Debug, Clone, Copy)]
pub struct Skills {
    pub all: bool,
    pub at_least: bool,
    pub range: bool,
    pub last: bool,
    pub count: bool,
    /// A health sensor: to report and count in one request, and not otherwise.
    pub combined: bool,
}

pub const FULL: Skills = Skills {
    all: true,
    at_least: true,
    range: true,
    last: true,
    count: true,
    combined: true,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub sequence: u32,
    /// What is to be delivered of it, but for what only the memory adds.
    pub measurement: Vec<u8>,
    pub context: Option<Vec<u8>>,
}

pub struct Meter {
    pub service: StoredService,
    pub skills: Skills,
    pub capacity: usize,
    pub memory: VecDeque<Kept>,
    /// The next number of each user; of a meter that knows none, the only one.
    pub next_sequence: Vec<u32>,
    /// Every measurement ever made, so that no two are alike.
    pub made: u32,
    /// The session of a CGM, which a reset begins anew.
    pub session: u8,
    /// Of the next segment.
    counter: u8,
}

impl Meter {
    pub fn new(skills: Skills, capacity: usize, first: u32) -> Self {
        Self::of(StoredService::Glucose, skills, capacity, first)
    }

    pub fn of(service: StoredService, skills: Skills, capacity: usize, first: u32) -> Self {
        let first = match service {
            StoredService::HealthSensor => first,
            _ => first & 0xffff,
        };
        Self {
            service,
            skills,
            capacity,
            memory: VecDeque::new(),
            next_sequence: vec![first],
            made: 0,
            session: 0,
            counter: 0,
        }
    }

    pub fn measure(&mut self, with_context: bool) {
        self.made += 1;
        let users = u32::try_from(self.next_sequence.len()).unwrap();
        // Not in turn: one of them may measure often before the other does.
        let user = if users > 1 { self.made / 3 % users } else { 0 };
        let next = &mut self.next_sequence[usize::try_from(user).unwrap()];
        let sequence = *next;
        *next = match self.service {
            StoredService::HealthSensor => sequence.wrapping_add(1),
            // A sensor measures each five minutes.
            StoredService::ContinuousGlucose => (sequence + 5) & 0xffff,
            _ => (sequence + 1) & 0xffff,
        };
        let made = Made {
            number: self.made,
            sequence,
            user: (users > 1).then(|| u8::try_from(user + 1).unwrap()),
            with_context: with_context && self.service == StoredService::Glucose,
        };
        let (measurement, context) = body(self.service, made);
        self.memory.push_back(Kept {
            sequence,
            measurement,
            context,
        });
        if self.memory.len() > self.capacity {
            self.memory.pop_front();
        }
    }

    /// Its memory is empty and its numbers begin anew, as after a change of batteries; or it is another meter.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.next_sequence.fill(0);
        self.session += 1;
    }

    fn chosen(&self, which: Which) -> Result<Vec<&Kept>, RecordResult> {
        let all = self.memory.iter();
        let (skill, chosen): (bool, Vec<&Kept>) = match which {
            Which::All => (self.skills.all, all.collect()),
            Which::First => (true, self.memory.front().into_iter().collect()),
            Which::Last => (self.skills.last, self.memory.back().into_iter().collect()),
            Which::AtLeast(bound) => {
                let from = self.number(bound);
                let chosen = all.filter(|one| one.sequence >= from).collect();
                (self.skills.at_least, chosen)
            }
            Which::Range(span) => {
                let (from, to) = match span {
                    Span::Number(from, to) => (Bound::Number(from), Bound::Number(to)),
                    Span::RecordNumber(from, to) => {
                        (Bound::RecordNumber(from), Bound::RecordNumber(to))
                    }
                    Span::UserFacingTime(..) => panic!("nothing is asked for by its time"),
                };
                let (from, to) = (self.number(from), self.number(to));
                let chosen = all.filter(|one| (from..=to).contains(&one.sequence));
                (self.skills.range, chosen.collect())
            }
            Which::AtMost(_) => panic!("the oldest ones are never asked for"),
        };
        skill
            .then_some(chosen)
            .ok_or(RecordResult::OperatorNotSupported)
    }

    /// A bound in the width that the service has.
    fn number(&self, bound: Bound) -> u32 {
        match (self.service, bound) {
            (StoredService::Oximeter, _) => panic!("its records have no numbers"),
            (StoredService::HealthSensor, Bound::RecordNumber(number)) => number,
            (StoredService::HealthSensor, _) => panic!("its numbers have 32 bits"),
            (_, Bound::Number(number)) => number.into(),
            _ => panic!("its numbers have 16 bits"),
        }
    }

    fn count(&self, of: usize) -> RecordCount {
        match self.service {
            StoredService::HealthSensor => RecordCount::Long(u32::try_from(of).unwrap()),
            _ => RecordCount::Short(u16::try_from(of).unwrap()),
        }
    }

    /// The notifications and indications that follow a write, the control point's answer last.
    pub fn answer(&mut self, request: RecordRequest) -> Vec<(u16, Vec<u8>)> {
        let says = |response| vec![(0x2a52, RecordAccess::Response(response).encode())];
        let done = |result| {
            let request = request.op();
            says(RecordResponse::Done { request, result })
        };
        let combined = self.service == StoredService::HealthSensor && self.skills.combined;
        match request {
            RecordRequest::Abort => done(RecordResult::Success),
            RecordRequest::Count(_) if !self.skills.count => done(RecordResult::OpNotSupported),
            RecordRequest::Count(which) => match self.chosen(which) {
                Err(result) => done(result),
                Ok(chosen) => says(RecordResponse::Count(self.count(chosen.len()))),
            },
            RecordRequest::Report(_) if combined => done(RecordResult::OpNotSupported),
            RecordRequest::CombinedReport(_) if !combined => done(RecordResult::OpNotSupported),
            RecordRequest::Report(which) | RecordRequest::CombinedReport(which) => {
                let chosen: Vec<Kept> = match self.chosen(which) {
                    Err(result) => return done(result),
                    Ok(chosen) => chosen.into_iter().cloned().collect(),
                };
                if chosen.is_empty() {
                    return done(RecordResult::NoRecords);
                }
                let mut out = packets(self.service, &chosen, &mut self.counter);
                out.extend(if combined {
                    says(RecordResponse::Combined(self.count(chosen.len())))
                } else {
                    done(RecordResult::Success)
                });
                out
            }
            RecordRequest::Delete(_) => panic!("nothing is ever deleted"),
        }
    }
}

/// What happens to one notification or indication on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    Lost,
    Twice,
    /// The link ends before it.
    Cut,
    /// The meter is used before it.
    Measured,
    /// The meter says that it is busy instead of what it was about to say.
    Busy,
}

pub struct Session {
    pub report: StoredReport,
    pub writes: Vec<Vec<u8>>,
    pub delivered: Vec<StoredRecord>,
    pub took_ms: i64,
}

/// One sync over one link.
pub fn session(
    meter: &mut Meter,
    mark: StoredMark,
    fates: &mut impl Iterator<Item = Fate>,
) -> Session {
    let start = Moment::from_ms(1_000_000);
    let mut now = start;
    let mut sync = StoredSync::new(meter.service, mark, StoredPace::default());
    let (mut writes, mut delivered) = (Vec::new(), Vec::new());
    let mut air: VecDeque<(u16, Vec<u8>)> = VecDeque::new();
    sync.input(StoredEvent::Tick, now);
    for _ in 0..100_000 {
        match sync.poll_effect() {
            Some(StoredEffect::Deliver(record)) => delivered.push(record),
            Some(StoredEffect::Done(report)) => {
                assert!(
                    sync.is_over() && sync.poll_effect().is_none() && sync.deadline().is_none()
                );
                let took_ms = now.ms_since(start);
                return Session {
                    report: *report,
                    writes,
                    delivered,
                    took_ms,
                };
            }
            Some(StoredEffect::Write(bytes)) => {
                let request = RecordAccess::decode_request(&bytes).unwrap();
                if request == RecordRequest::Abort {
                    air.clear();
                }
                air.extend(meter.answer(request));
                writes.push(bytes);
                sync.input(StoredEvent::Written, now);
            }
            None => {
                now = now.plus_ms(5);
                let Some((characteristic, bytes)) = air.pop_front() else {
                    let deadline = sync.deadline().expect("a sync that waits has a deadline");
                    now = now.max(deadline);
                    sync.input(StoredEvent::Tick, now);
                    continue;
                };
                let event = StoredEvent::Notified {
                    characteristic,
                    bytes,
                };
                match fates.next().unwrap_or(Fate::Arrives) {
                    Fate::Arrives => sync.input(event, now),
                    Fate::Lost => {}
                    Fate::Twice => {
                        sync.input(event.clone(), now);
                        // An indication is confirmed and comes once.
                        if characteristic != 0x2a52 {
                            sync.input(event, now);
                        }
                    }
                    Fate::Cut => sync.input(StoredEvent::Disconnected, now),
                    Fate::Measured => {
                        meter.measure(false);
                        // A cuff indicates what it measures, and keeps it.
                        if meter.service == StoredService::BloodPressure
                            && let Some(new) = meter.memory.back()
                        {
                            let (characteristic, bytes) = (0x2b34, new.measurement.clone());
                            let live = StoredEvent::Notified {
                                characteristic,
                                bytes,
                            };
                            sync.input(live, now);
                        }
                        sync.input(event, now);
                    }
                    Fate::Busy => {
                        air.clear();
                        let last = writes.last().map_or(4, |bytes| bytes[0]);
                        let busy = RecordResponse::Done {
                            request: last,
                            result: RecordResult::Busy,
                        };
                        let bytes = RecordAccess::Response(busy).encode();
                        sync.input(
                            StoredEvent::Notified {
                                characteristic: 0x2a52,
                                bytes,
                            },
                            now,
                        );
                    }
                }
            }
        }
    }
    panic!("a sync ends: {sync:?}");
}

/// What was delivered over all sessions: how often each frame.
#[derive(Default)]
pub struct Delivered(pub BTreeMap<Vec<u8>, u32>);

impl Delivered {
    pub fn take(&mut self, records: &[StoredRecord]) {
        for record in records {
            // A cuff's measurement is the same one, indicated or with header, number and characteristic in front.
            let front = if record.characteristic == 0x2b36 {
                5
            } else {
                0
            };
            let frame = Some(&record.bytes[front..]);
            let context = record.context.as_deref();
            for frame in [frame, context].into_iter().flatten() {
                *self.0.entry(frame.to_vec()).or_default() += 1;
            }
        }
    }
}

//! A model of a glucose meter with a memory, and a link that loses, repeats and ends. It answers what is written to its
//! Record Access Control Point, and nothing else.

use reading::{DeviceTime, Moment, Number};
use std::collections::{BTreeMap, VecDeque};
use teleward_device::{
    Bound, GlucoseConcentration, GlucoseContextFrame, GlucoseFrame, GlucoseSample, GlucoseUnit,
    RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span, StoredEffect,
    StoredEvent, StoredMark, StoredPace, StoredRecord, StoredReport, StoredService, StoredSync,
    Which,
};

/// What the meter can do.
#[derive(Debug, Clone, Copy)]
pub struct Skills {
    pub all: bool,
    pub at_least: bool,
    pub range: bool,
    pub last: bool,
    pub count: bool,
}

pub const FULL: Skills = Skills {
    all: true,
    at_least: true,
    range: true,
    last: true,
    count: true,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub sequence: u16,
    pub measurement: Vec<u8>,
    pub context: Option<Vec<u8>>,
}

pub struct Meter {
    pub skills: Skills,
    pub capacity: usize,
    pub memory: VecDeque<Kept>,
    pub next_sequence: u16,
    /// Every measurement ever made, so that no two are alike.
    pub made: u32,
}

impl Meter {
    pub fn new(skills: Skills, capacity: usize, first: u16) -> Self {
        Self {
            skills,
            capacity,
            memory: VecDeque::new(),
            next_sequence: first,
            made: 0,
        }
    }

    pub fn measure(&mut self, with_context: bool) {
        self.made += 1;
        let minute = u8::try_from(self.made % 60).unwrap();
        let hour = u8::try_from(self.made / 60 % 24).unwrap();
        let day = u8::try_from(self.made / 1440 + 1).unwrap();
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        let frame = GlucoseFrame {
            sequence,
            time: DeviceTime::from_bytes([0xea, 7, 11, day, hour, minute, 0]),
            time_offset_min: None,
            concentration: Some(GlucoseConcentration {
                value: Number::of(95, -5),
                sample: GlucoseSample::new(1, 1),
            }),
            unit: GlucoseUnit::KgPerL,
            status: None,
            context_follows: with_context,
            extra: Vec::new(),
        };
        let context = GlucoseContextFrame::decode(&[
            2,
            sequence.to_le_bytes()[0],
            sequence.to_le_bytes()[1],
            1,
        ])
        .unwrap();
        self.memory.push_back(Kept {
            sequence,
            measurement: frame.encode().unwrap(),
            // Unlike from one measurement to the next.
            context: with_context.then(|| {
                GlucoseContextFrame {
                    exercise: Some(teleward_device::Exercise {
                        duration_s: u16::try_from(self.made).unwrap(),
                        intensity_percent: 1,
                    }),
                    ..context
                }
                .encode()
                .unwrap()
            }),
        });
        if self.memory.len() > self.capacity {
            self.memory.pop_front();
        }
    }

    /// Its memory is empty and its numbers begin anew, as after a change of batteries; or it is another meter.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.next_sequence = 0;
    }

    fn chosen(&self, which: Which) -> Result<Vec<&Kept>, RecordResult> {
        let (skill, chosen): (bool, Vec<&Kept>) = match which {
            Which::All => (self.skills.all, self.memory.iter().collect()),
            Which::First => (true, self.memory.front().into_iter().collect()),
            Which::Last => (self.skills.last, self.memory.back().into_iter().collect()),
            Which::AtLeast(Bound::Number(from)) => (
                self.skills.at_least,
                self.memory
                    .iter()
                    .filter(|one| one.sequence >= from)
                    .collect(),
            ),
            Which::Range(Span::Number(from, to)) => (
                self.skills.range,
                self.memory
                    .iter()
                    .filter(|one| (from..=to).contains(&one.sequence))
                    .collect(),
            ),
            _ => (false, Vec::new()),
        };
        skill
            .then_some(chosen)
            .ok_or(RecordResult::OperatorNotSupported)
    }

    /// The notifications and indications that follow a write, the control point's answer last.
    pub fn answer(&self, request: RecordRequest) -> Vec<(u16, Vec<u8>)> {
        let done = |result| {
            let request = request.op();
            let response = RecordResponse::Done { request, result };
            vec![(0x2a52, RecordAccess::Response(response).encode())]
        };
        match request {
            RecordRequest::Abort => done(RecordResult::Success),
            RecordRequest::Count(_) if !self.skills.count => done(RecordResult::OpNotSupported),
            RecordRequest::Count(which) => match self.chosen(which) {
                Err(result) => done(result),
                Ok(chosen) => {
                    let count = RecordCount::Short(u16::try_from(chosen.len()).unwrap());
                    let response = RecordResponse::Count(count);
                    vec![(0x2a52, RecordAccess::Response(response).encode())]
                }
            },
            RecordRequest::Report(which) => match self.chosen(which) {
                Err(result) => done(result),
                Ok(chosen) if chosen.is_empty() => done(RecordResult::NoRecords),
                Ok(chosen) => {
                    let mut out = Vec::new();
                    for one in chosen {
                        out.push((0x2a18, one.measurement.clone()));
                        out.extend(one.context.iter().map(|context| (0x2a34, context.clone())));
                    }
                    out.extend(done(RecordResult::Success));
                    out
                }
            },
            RecordRequest::Delete(_) => panic!("nothing is ever deleted"),
            RecordRequest::CombinedReport(_) => done(RecordResult::OpNotSupported),
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
    let mut sync = StoredSync::new(StoredService::Glucose, mark, StoredPace::default());
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
            for frame in [Some(&record.bytes), record.context.as_ref()]
                .into_iter()
                .flatten()
            {
                *self.0.entry(frame.clone()).or_default() += 1;
            }
        }
    }
}

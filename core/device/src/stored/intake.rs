//! What arrives, as records, for the sync and for a meter that keeps none: a CGM's notification taken apart, a health
//! sensor's and a cuff's segments joined, and a glucose meter's measurement held until its context is there.

use super::cuff::Cuff;
use super::mark::Print;
use super::{StoredRecord, StoredService};
use crate::blood_pressure_record::CheckSum;
use crate::cgm::CgmFrame;
use crate::glucose::{GlucoseContextFrame, GlucoseFrame};
use crate::health_sensor::SegmentJoiner;
use std::collections::BTreeMap;

const MEASUREMENT: u16 = 0x2a18;
const CONTEXT: u16 = 0x2a34;

/// How many measurements wait for their context, and how many contexts for their measurement: a context comes right
/// behind its measurement, and more than this are not kept back.
const HELD: usize = 64;

/// One record as it came.
pub(crate) struct Arrival {
    pub(crate) characteristic: u16,
    pub(crate) number: Option<u32>,
    pub(crate) bytes: Vec<u8>,
    /// Further packets, of a record that could not be joined.
    pub(crate) more: Vec<Vec<u8>>,
}

impl Arrival {
    /// All by which it is known again: what a cuff keeps also as what it indicates.
    pub(crate) fn prints(&self) -> Vec<Print> {
        [vec![self.print()], super::cuff::twins(self)].concat()
    }

    /// By what it is known again.
    pub(super) fn print(&self) -> Print {
        match self.more.as_slice() {
            [] => Print::of(self.characteristic, self.number, &self.bytes),
            more => {
                let all = [self.bytes.as_slice(), &more.concat()].concat();
                Print::of(self.characteristic, self.number, &all)
            }
        }
    }
}

/// Takes notifications apart and joins them.
pub(crate) struct Intake {
    service: StoredService,
    joiner: SegmentJoiner,
    live: SegmentJoiner,
    measurements: BTreeMap<u32, Vec<u8>>,
    contexts: BTreeMap<u32, Vec<u8>>,
    pub(super) cuff: Cuff,
}

impl Intake {
    pub(crate) fn new(service: StoredService) -> Self {
        Self {
            service,
            joiner: SegmentJoiner::default(),
            live: SegmentJoiner::default(),
            measurements: BTreeMap::new(),
            contexts: BTreeMap::new(),
            cuff: Cuff::default(),
        }
    }

    /// Whether a cuff's records end with a check sum.
    pub(crate) fn set_check_sum(&mut self, check: CheckSum) {
        self.cuff.set_check_sum(check);
    }

    /// The records in a notification. What cannot be read is a record without a number: it is kept as it is and told.
    pub(crate) fn arrivals(&mut self, characteristic: u16, bytes: Vec<u8>) -> Vec<Arrival> {
        let one = |number: Option<u32>, bytes| {
            vec![Arrival {
                characteristic,
                number,
                bytes,
                more: Vec::new(),
            }]
        };
        match (self.service, characteristic) {
            (StoredService::Glucose, MEASUREMENT) => {
                let read = GlucoseFrame::decode(&bytes).ok();
                one(read.map(|read| read.sequence.into()), bytes)
            }
            (StoredService::Glucose, CONTEXT) => {
                let read = GlucoseContextFrame::decode(&bytes).ok();
                one(read.map(|read| read.sequence.into()), bytes)
            }
            (StoredService::ContinuousGlucose, 0x2aa7) => split(&bytes),
            (StoredService::HealthSensor, 0x2bdd) => match self.joiner.feed(&bytes).record {
                Some(record) => {
                    let number = record.first_chunk::<4>().map(|n| u32::from_le_bytes(*n));
                    one(number, record)
                }
                None => Vec::new(),
            },
            (StoredService::HealthSensor, 0x2b8b) => match self.live.feed(&bytes).record {
                Some(record) => one(None, record),
                None => Vec::new(),
            },
            (StoredService::Oximeter, 0x2a5e) => one(None, bytes),
            (StoredService::BloodPressure, 0x2b36) => self.cuff.records(bytes),
            (StoredService::BloodPressure, 0x2b34 | 0x2a35) => one(None, bytes),
            _ => Vec::new(),
        }
    }

    /// A record that was not there before: what can be delivered now.
    pub(crate) fn ready(&mut self, arrival: Arrival) -> Vec<StoredRecord> {
        let Arrival {
            characteristic,
            number,
            bytes,
            more,
        } = arrival;
        let alone = |number, bytes, more| StoredRecord {
            characteristic,
            number,
            bytes,
            more,
            context: None,
        };
        let Some(sequence) = number.filter(|_| self.service == StoredService::Glucose) else {
            return vec![alone(number, bytes, more)];
        };
        let waits = |bytes: &[u8]| GlucoseFrame::decode(bytes).is_ok_and(|m| m.context_follows);
        match characteristic {
            CONTEXT => match self.measurements.remove(&sequence) {
                Some(measurement) => vec![joined(sequence, measurement, bytes)],
                None => keep(&mut self.contexts, sequence, bytes, CONTEXT),
            },
            _ if waits(&bytes) => match self.contexts.remove(&sequence) {
                Some(context) => vec![joined(sequence, bytes, context)],
                None => keep(&mut self.measurements, sequence, bytes, MEASUREMENT),
            },
            _ => vec![alone(number, bytes, more)],
        }
    }

    /// Whether no count announces it: a context, or what a sensor or a cuff measures just now.
    pub(crate) fn is_unannounced(&self, characteristic: u16) -> bool {
        matches!(
            (self.service, characteristic),
            (StoredService::Glucose, CONTEXT)
                | (StoredService::HealthSensor, 0x2b8b)
                | (StoredService::BloodPressure, 0x2b34 | 0x2a35)
        )
    }

    /// The measurements whose context has not come.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = u32> {
        self.measurements.keys().copied()
    }

    /// Nothing more will come: what was held is given without its other half.
    pub(crate) fn release(&mut self) -> Vec<StoredRecord> {
        let measurements = std::mem::take(&mut self.measurements).into_iter();
        let contexts = std::mem::take(&mut self.contexts).into_iter();
        let measurements = measurements.map(|(number, bytes)| half(number, bytes, MEASUREMENT));
        let contexts = contexts.map(|(number, bytes)| half(number, bytes, CONTEXT));
        let indicated = self.cuff.release();
        measurements.chain(contexts).chain(indicated).collect()
    }
}

fn joined(number: u32, bytes: Vec<u8>, context: Vec<u8>) -> StoredRecord {
    StoredRecord {
        context: Some(context),
        ..half(number, bytes, MEASUREMENT)
    }
}

fn half(number: u32, bytes: Vec<u8>, characteristic: u16) -> StoredRecord {
    StoredRecord {
        characteristic,
        number: Some(number),
        bytes,
        more: Vec::new(),
        context: None,
    }
}

/// Keeps it back; what stood there under the same number, or is too much, is given as it is.
fn keep(
    held: &mut BTreeMap<u32, Vec<u8>>,
    number: u32,
    bytes: Vec<u8>,
    characteristic: u16,
) -> Vec<StoredRecord> {
    let before = held.insert(number, bytes).map(|bytes| (number, bytes));
    let over = if held.len() > HELD {
        held.pop_first()
    } else {
        None
    };
    let given = before.into_iter().chain(over);
    given
        .map(|(number, bytes)| half(number, bytes, characteristic))
        .collect()
}

/// The records of a CGM's notification; from where it cannot be read on, the rest as one record without a number.
fn split(frame: &[u8]) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut rest = frame;
    while !rest.is_empty() {
        let (record, after) = CgmFrame::split(rest).unwrap_or((rest, &[]));
        let read = CgmFrame::decode(record).ok();
        let first = read.as_ref().and_then(|frame| frame.records.first());
        arrivals.push(Arrival {
            characteristic: 0x2aa7,
            // The minute of a damaged record may be the damage.
            number: first
                .filter(|record| record.crc_ok() != Some(false))
                .map(|record| record.time_offset_min.into()),
            bytes: record.to_vec(),
            more: Vec::new(),
        });
        rest = after;
    }
    arrivals
}

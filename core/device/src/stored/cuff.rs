//! A cuff with a memory, within the sync. Segments of 0x2B36 go in, records come out, as one segment each.
//!
//! A cuff may indicate a measurement (0x2B34, 0x2A35) and keep it too. In the memory it has a number, by which another
//! phone knows it as well: so what is indicated is held until the memory has been read, and gives way to the record
//! there. What has a time is known by it in later links too, whichever of the two was delivered; what has none is never
//! taken for another measurement.

use super::StoredRecord;
use super::intake::Arrival;
use super::mark::Print;
use super::sync::StoredSync;
use crate::blood_pressure_record::{BloodPressureRecord, CheckSum, Recorded};
use crate::bytes::DecodeError;
use crate::capture::has_own_key;
use crate::packets::PacketJoiner;

const ENHANCED: u16 = 0x2b34;
const RECORD: u16 = 0x2b36;

/// More than these are not held: a cuff measures once in a minute at the most.
const HELD: usize = 16;

/// What is held of a cuff.
pub(super) struct Cuff {
    joiner: PacketJoiner,
    /// Whether its records end with a check sum, where it said so.
    check: Option<CheckSum>,
    /// What it indicated: characteristic and value.
    held: Vec<(u16, Vec<u8>)>,
}

impl Default for Cuff {
    fn default() -> Self {
        Self {
            joiner: PacketJoiner::new(RECORD),
            check: None,
            held: Vec::new(),
        }
    }
}

impl Cuff {
    pub(super) fn set_check_sum(&mut self, check: CheckSum) {
        self.check = Some(check);
    }

    /// The records that are finished by a segment. Half of one is left out: the cuff still has it, and is asked again.
    pub(super) fn records(&mut self, segment: Vec<u8>) -> Vec<Arrival> {
        if self.joiner.has_just_taken(&segment) {
            return Vec::new();
        }
        let groups = self.joiner.push(segment).into_iter();
        groups.filter_map(|packets| self.record(packets)).collect()
    }

    fn record(&self, packets: Vec<Vec<u8>>) -> Option<Arrival> {
        let joined = match self.check {
            Some(check) => BloodPressureRecord::join(&packets, check),
            None => BloodPressureRecord::join_by_length(&packets),
        };
        match joined {
            Ok(record) => Some(Arrival {
                characteristic: RECORD,
                number: Some(record.sequence.into()),
                bytes: record.whole(),
                more: Vec::new(),
            }),
            // It is all there and does not fit: the number may be the damage.
            Err(DecodeError::Crc) => {
                let mut packets = packets.into_iter();
                let bytes = packets.next()?;
                Some(Arrival {
                    characteristic: RECORD,
                    number: None,
                    bytes,
                    more: packets.collect(),
                })
            }
            Err(_) => None,
        }
    }

    /// Holds what was indicated; gives the oldest one when there are too many.
    fn hold(&mut self, live: Arrival) -> Option<StoredRecord> {
        self.held.push((live.characteristic, live.bytes));
        (self.held.len() > HELD).then(|| alone(self.held.remove(0)))
    }

    /// Takes back what was indicated and stands in the memory; one for one, also where nothing but the link says so.
    fn take_back(&mut self, record: &BloodPressureRecord) -> bool {
        let same = |(characteristic, value): &(u16, Vec<u8>)| {
            *characteristic == record.recorded && *value == record.value
        };
        let at = self.held.iter().position(same);
        at.map(|at| self.held.remove(at)).is_some()
    }

    /// The memory has been read, or the link is gone.
    pub(super) fn release(&mut self) -> Vec<StoredRecord> {
        std::mem::take(&mut self.held)
            .into_iter()
            .map(alone)
            .collect()
    }
}

fn alone((characteristic, bytes): (u16, Vec<u8>)) -> StoredRecord {
    StoredRecord {
        characteristic,
        number: None,
        bytes,
        more: Vec::new(),
        context: None,
    }
}

/// A whole record of the memory.
fn whole(arrival: &Arrival) -> Option<BloodPressureRecord> {
    arrival
        .number
        .filter(|_| arrival.characteristic == RECORD)?;
    BloodPressureRecord::join(&[&arrival.bytes], CheckSum::Absent).ok()
}

/// By what a measurement is known, kept or indicated, beside its own print.
pub(super) fn twins(arrival: &Arrival) -> Vec<Print> {
    match (arrival.characteristic, whole(arrival)) {
        (ENHANCED | 0x2a35, _) => vec![Print::of(RECORD, None, &arrival.bytes)],
        (_, Some(record)) => vec![
            Print::of(record.recorded, None, &record.value),
            Print::of(RECORD, None, &record.value),
        ],
        _ => Vec::new(),
    }
}

/// Whether a record names its user: then numbers may count for each user, and what another one measured may lie below
/// the mark.
pub(super) fn names_user(arrival: &Arrival) -> bool {
    let read = whole(arrival).and_then(|record| record.measurement().ok());
    let slot = read.and_then(|read| read.values().user_slot);
    slot.is_some_and(|slot| slot != 0xff)
}

/// Whether a record has a time by which it is known, indicated or kept: seconds are always one.
fn is_timed(record: &BloodPressureRecord) -> bool {
    match record.measurement() {
        Ok(Recorded::Enhanced(frame)) => {
            frame.fields.time.is_some() || frame.fields.user_facing_time.is_some()
        }
        _ => false,
    }
}

impl StoredSync {
    /// Whether the cuff's records end with a check sum, as its feature says; else their length tells.
    pub fn set_check_sum(&mut self, check: CheckSum) {
        self.intake.set_check_sum(check);
    }

    /// Whether the device has indicated something that another sync may find in its memory.
    #[must_use]
    pub fn holds_live(&self) -> bool {
        !self.intake.cuff.held.is_empty()
    }

    /// What a cuff indicates just now: held, unless it is known.
    pub(super) fn indicated(&mut self, live: Arrival) {
        if has_own_key(live.characteristic, std::slice::from_ref(&live.bytes)) {
            let print = Print::of(live.characteristic, None, &live.bytes);
            let kept = Print::of(RECORD, None, &live.bytes);
            if self.memory.knows(&print) || self.memory.knows(&kept) {
                self.repeated += 1;
                return;
            }
            self.memory.learn(print);
        }
        let over = self.intake.cuff.hold(live);
        self.deliver(over.into_iter().collect());
    }

    /// Whether a record of the memory was delivered when it was indicated.
    pub(super) fn was_indicated(&mut self, arrival: &Arrival) -> bool {
        let Some(record) = whole(arrival) else {
            return false;
        };
        let timed = is_timed(&record);
        if self.intake.cuff.take_back(&record) {
            self.repeated += 1;
        } else if timed && self.memory.knows(&Print::of(ENHANCED, None, &record.value)) {
            return true;
        }
        if timed {
            self.memory.learn(Print::of(RECORD, None, &record.value));
        }
        false
    }
}

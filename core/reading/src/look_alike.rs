//! Which readings are *possibly the same*: records without a key of their own that arrived twice, or really were two.
//!
//! A cuff without clock and record number may indicate the same record again after a lost link, or the person may
//! have measured twice with the same result. Nobody can tell, so both are kept, marked, and counted once, visibly.

use crate::{Reading, ReadingId};
use std::collections::HashMap;

/// Look-alikes further apart than this are two measurements.
pub const LOOK_ALIKE_WINDOW_MS: i64 = 10 * 60 * 1000;

/// Whether two readings are possibly the same: different ids, neither with a key of its own, the same bytes from the
/// same user slot of the same device, arrived within ten minutes of each other.
#[must_use]
pub fn possibly_same(a: &Reading, b: &Reading) -> bool {
    let apart = a.timing.arrived.ms_since(b.timing.arrived);
    a.id != b.id && apart.abs() <= LOOK_ALIKE_WINDOW_MS && like(a).is_some() && like(a) == like(b)
}

/// For each reading, the one it is possibly the same as: the first of its group, which alone is counted. A group
/// holds what arrived within ten minutes of its first. The answer does not depend on the order of the input.
#[must_use]
pub fn look_alikes<'a>(
    readings: impl IntoIterator<Item = &'a Reading>,
) -> HashMap<ReadingId, ReadingId> {
    let mut inputs: Vec<&Reading> = readings.into_iter().collect();
    inputs.sort_by_key(|reading| (reading.timing.arrived, reading.id));
    inputs.dedup_by_key(|reading| reading.id);
    let mut first_of_group: HashMap<_, &Reading> = HashMap::new();
    let mut found = HashMap::new();
    for reading in inputs {
        let Some(key) = like(reading) else { continue };
        match first_of_group.get(&key) {
            Some(first) if possibly_same(first, reading) => {
                found.insert(reading.id, first.id);
            }
            _ => {
                first_of_group.insert(key, reading);
            }
        }
    }
    found
}

/// What two look-alikes share; `None` for a reading that has a key of its own.
fn like(reading: &Reading) -> Option<(Vec<u8>, Option<u8>, Vec<u8>)> {
    let device = reading.device()?;
    if reading.may_be_merged() {
        return None;
    }
    let slot = reading.measurement.user_slot();
    Some((device.identity.id_bytes(), slot, device.packets.concat()))
}

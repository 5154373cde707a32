//! What a heart rate strap sent (0x2A37): one frame, or all frames of a measurement that [`crate::stream`] took.
//!
//! The rate of several is their median, the lower one of the two in the middle: a rate that the strap did send, and one
//! that a single false beat does not move. Frames that hold no value are none of it.

use super::Record;
use crate::bytes::DecodeError;
use crate::heart_rate::HeartRateFrame;
use reading::{HeartRate, Measurement, Number};

pub(super) fn record(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let frames = packets.iter().map(|packet| HeartRateFrame::decode(packet));
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let newest = frames.last().ok_or(DecodeError::Packets)?;
    let rate = match frames.as_slice() {
        [only] => Some(only.heart_rate),
        several => median(several),
    };
    let contacts = frames.iter().map(|frame| frame.contact);
    let measurement = Measurement::HeartRate(HeartRate {
        heart_rate: rate.map(|rate| Number::of(rate.into(), 0)),
        // It was worn throughout, or it was not.
        contact: contacts.flatten().min(),
        energy_kj: newest.energy_kj,
        rr_1024: frames
            .iter()
            .flat_map(|frame| frame.rr_1024.iter().copied())
            .collect(),
    });
    let extra = frames.iter().flat_map(|frame| frame.extra.iter().copied());
    Ok(Record {
        live: true,
        ..Record::of(measurement, None, extra.collect())
    })
}

fn median(frames: &[HeartRateFrame]) -> Option<u16> {
    let worn = frames.iter().filter(|frame| frame.contact != Some(false));
    let mut rates: Vec<u16> = worn.filter_map(|frame| frame.value().ok()).collect();
    rates.sort_unstable();
    let middle = rates.len().checked_sub(1)? / 2;
    rates.get(middle).copied()
}

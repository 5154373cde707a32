//! One notification of a heart rate strap (0x2A37).

use super::Record;
use crate::bytes::DecodeError;
use crate::heart_rate::HeartRateFrame;
use reading::{HeartRate, Measurement, Number};

pub(super) fn record(packet: &[u8]) -> Result<Record, DecodeError> {
    let frame = HeartRateFrame::decode(packet)?;
    let measurement = Measurement::HeartRate(HeartRate {
        heart_rate: Some(Number::of(frame.heart_rate.into(), 0)),
        contact: frame.contact,
        energy_kj: frame.energy_kj,
        rr_1024: frame.rr_1024,
    });
    Ok(Record::of(measurement, None, frame.extra))
}

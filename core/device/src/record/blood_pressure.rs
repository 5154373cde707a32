//! A cuff's record (0x2A35).

use super::Record;
use crate::blood_pressure::BloodPressureFrame;
use crate::bytes::DecodeError;
use reading::Measurement;

pub(super) fn record(packet: &[u8]) -> Result<Record, DecodeError> {
    let frame = BloodPressureFrame::decode(packet)?;
    let measurement = Measurement::BloodPressure(frame.values());
    Ok(Record::of(measurement, frame.time, frame.extra))
}

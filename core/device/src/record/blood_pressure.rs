//! A cuff's record: a measurement (0x2A35), an enhanced one (0x2B34), or either out of its memory (0x2B36), where it has
//! a number.
//!
//! An enhanced measurement counts seconds. What the cuff showed comes before its UTC, because it is what the cuff's own
//! clock, as it is read, can correct; either becomes the seven bytes of a Date Time.

use super::Record;
use crate::blood_pressure::BloodPressureFrame;
use crate::blood_pressure_record::{BloodPressureRecord, Recorded};
use crate::bytes::DecodeError;
use crate::enhanced_blood_pressure::EnhancedBloodPressureFrame;
use reading::{DeviceTime, Measurement};

pub(super) fn record(packet: &[u8]) -> Result<Record, DecodeError> {
    BloodPressureFrame::decode(packet).map(classic)
}

pub(super) fn enhanced(packet: &[u8]) -> Result<Record, DecodeError> {
    EnhancedBloodPressureFrame::decode(packet).map(with_seconds)
}

/// One that stands in the cuff's memory.
pub(super) fn stored(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let record = BloodPressureRecord::join_by_length(packets)?;
    let read = match record.measurement()? {
        Recorded::Classic(frame) => classic(frame),
        Recorded::Enhanced(frame) => with_seconds(frame),
    };
    Ok(Record {
        number: record.sequence.to_le_bytes().to_vec(),
        ..read
    })
}

fn classic(frame: BloodPressureFrame) -> Record {
    let measurement = Measurement::BloodPressure(frame.values());
    Record::of(measurement, frame.time, frame.extra)
}

fn with_seconds(frame: EnhancedBloodPressureFrame) -> Record {
    let measurement = Measurement::BloodPressure(frame.values());
    let fields = frame.fields;
    let seconds = fields.user_facing_time.or(fields.time);
    let time = seconds.map(|seconds| DeviceTime::from_civil(fields.epoch.after(seconds)));
    Record {
        utc: fields.user_facing_time.is_none(),
        ..Record::of(measurement, time, fields.extra)
    }
}

//! An oximeter's record: a spot check (0x2A5E). What streams (0x2A5F) is none.

use super::Record;
use crate::bytes::DecodeError;
use crate::oximeter::SpotCheckFrame;
use reading::{Measurement, Oximetry};

pub(super) fn record(packet: &[u8]) -> Result<Record, DecodeError> {
    let frame = SpotCheckFrame::decode(packet)?;
    let measurement = Measurement::Spo2(Oximetry {
        spo2: Some(frame.normal.spo2),
        pulse_rate: Some(frame.normal.pulse_rate),
        pulse_amplitude_index: frame.pulse_amplitude_index,
        measurement_status: frame.measurement_status.map(|status| status.0),
        device_status: frame.device_status.map(|status| status.0),
    });
    Ok(Record {
        clock_fault: frame.device_clock_not_set,
        ..Record::of(measurement, frame.time, frame.extra)
    })
}

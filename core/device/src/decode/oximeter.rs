//! The Pulse Oximeter Service's frames for `teleward decode`.

use super::{Entry, Fields, extra, names, text};
use crate::bytes::DecodeError;
use crate::oximeter::{ContinuousFrame, SpotCheckFrame};
use crate::oximeter_status::{OximeterDeviceStatus, OximeterFeature, OximeterMeasurementStatus};
use reading::to_hex;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 3] = [
    Entry {
        characteristic: 0x2a5e,
        kind: "spo2",
        about: "PLX Spot-Check Measurement",
        fields: spot_check,
    },
    Entry {
        characteristic: 0x2a5f,
        kind: "spo2_continuous",
        about: "PLX Continuous Measurement",
        fields: continuous,
    },
    Entry {
        characteristic: 0x2a60,
        kind: "pulse_oximeter_feature",
        about: "PLX Features",
        fields: feature,
    },
];

fn spot_check(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = SpotCheckFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("spo2", text(read.normal.spo2)),
        ("pulse_rate", text(read.normal.pulse_rate)),
    ];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(measurement_status(read.measurement_status));
    fields.extend(device_status(read.device_status));
    let index = read.pulse_amplitude_index;
    fields.extend(index.map(|index| ("pulse_amplitude_index", text(index))));
    fields.push(("device_clock_not_set", read.device_clock_not_set.into()));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn continuous(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = ContinuousFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("spo2", text(read.normal.spo2)),
        ("pulse_rate", text(read.normal.pulse_rate)),
    ];
    if let Some(fast) = read.fast {
        fields.push(("spo2_fast", text(fast.spo2)));
        fields.push(("pulse_rate_fast", text(fast.pulse_rate)));
    }
    if let Some(slow) = read.slow {
        fields.push(("spo2_slow", text(slow.spo2)));
        fields.push(("pulse_rate_slow", text(slow.pulse_rate)));
    }
    fields.extend(measurement_status(read.measurement_status));
    fields.extend(device_status(read.device_status));
    let index = read.pulse_amplitude_index;
    fields.extend(index.map(|index| ("pulse_amplitude_index", text(index))));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = OximeterFeature::decode(frame)?;
    let mut fields: Fields = vec![("features", names(read.names()))];
    if read.reserved() != 0 {
        let bits = read.reserved().to_be_bytes();
        fields.push(("features_reserved", to_hex(&bits).into()));
    }
    fields.extend(measurement_status(read.measurement_status));
    fields.extend(device_status(read.device_status));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn measurement_status(status: Option<OximeterMeasurementStatus>) -> Fields {
    let Some(status) = status else {
        return Vec::new();
    };
    let mut fields: Fields = vec![("measurement_status", names(status.names()))];
    if status.reserved() != 0 {
        let bits = status.reserved().to_be_bytes();
        fields.push(("measurement_status_reserved", to_hex(&bits).into()));
    }
    fields
}

fn device_status(status: Option<OximeterDeviceStatus>) -> Fields {
    let Some(status) = status else {
        return Vec::new();
    };
    let mut fields: Fields = vec![("device_status", names(status.names()))];
    if status.reserved() != 0 {
        // As wide as the field: three bytes.
        let bits = status.reserved().to_be_bytes();
        fields.push(("device_status_reserved", to_hex(&bits[1..]).into()));
    }
    fields
}

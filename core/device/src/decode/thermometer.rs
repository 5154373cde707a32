//! The Health Thermometer Service's frames for `teleward decode`.

use super::{Entry, Fields, extra, text};
use crate::bytes::DecodeError;
use crate::thermometer::{MeasurementInterval, TemperatureFrame, TemperatureType};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 4] = [
    Entry {
        characteristic: 0x2a1c,
        kind: "temperature",
        about: "Temperature Measurement",
        fields: temperature,
    },
    Entry {
        characteristic: 0x2a1e,
        kind: "intermediate_temperature",
        about: "Intermediate Temperature, never a reading",
        fields: temperature,
    },
    Entry {
        characteristic: 0x2a1d,
        kind: "temperature_type",
        about: "Temperature Type",
        fields: site,
    },
    Entry {
        characteristic: 0x2a21,
        kind: "measurement_interval",
        about: "Measurement Interval",
        fields: interval,
    },
];

fn temperature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = TemperatureFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("temperature", text(read.temperature)),
        ("unit", read.unit.ucum().into()),
    ];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(read.site.map(|site| ("site", text(site))));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn site(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = TemperatureType::decode(frame)?;
    Ok(vec![("site", text(read.0))])
}

fn interval(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = MeasurementInterval::decode(frame)?;
    Ok(vec![("interval_s", text(read.0))])
}

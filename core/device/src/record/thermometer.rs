//! A thermometer's record (0x2A1C).

use super::Record;
use crate::bytes::DecodeError;
use crate::thermometer::{TemperatureFrame, TemperatureUnit};
use reading::{Measurement, Temperature};

pub(super) fn record(packet: &[u8]) -> Result<Record, DecodeError> {
    let frame = TemperatureFrame::decode(packet)?;
    let measurement = Measurement::Temperature(Temperature {
        temperature: frame.temperature,
        unit: match frame.unit {
            TemperatureUnit::Celsius => reading::TemperatureUnit::Celsius,
            TemperatureUnit::Fahrenheit => reading::TemperatureUnit::Fahrenheit,
        },
        site: frame.site,
    });
    Ok(Record::of(measurement, frame.time, frame.extra))
}

//! What a record says, whatever the device: the measurement, its time, its number. One arm a characteristic.

mod blood_pressure;
pub(crate) mod cgm;
mod glucose;
pub(crate) mod health_sensor;
mod heart_rate;
mod oximeter;
mod scale;
mod thermometer;

use crate::bytes::DecodeError;
use crate::elapsed_time::ElapsedTime;
use reading::{DeviceTime, Doubt, Measurement, Moment};

/// A record, read.
pub(crate) struct Record {
    /// What was measured, with what is no reading kept out of the numbers.
    pub(crate) measurement: Measurement,
    /// The device's time, as sent.
    pub(crate) device_time: Option<DeviceTime>,
    /// What the device's clock showed, where that is not `device_time` itself.
    pub(crate) shown_time: Option<DeviceTime>,
    /// Whether that time is UTC; else it is local.
    pub(crate) utc: bool,
    /// The device's time where it is an Elapsed Time, in the place of the two above.
    pub(crate) elapsed: Option<ElapsedTime>,
    /// Whether the device says that its clock was wrong.
    pub(crate) clock_fault: bool,
    /// Its sequence number as sent; empty where there is none.
    pub(crate) number: Vec<u8>,
    /// Bytes after the last field.
    pub(crate) extra: Vec<u8>,
    /// Whether it was measured while it arrived: a stream that keeps nothing.
    pub(crate) live: bool,
    /// What the device says against it beside the measurement itself.
    pub(crate) doubts: Vec<Doubt>,
}

impl Record {
    /// A record with nothing but a time.
    fn of(measurement: Measurement, device_time: Option<DeviceTime>, extra: Vec<u8>) -> Self {
        Self {
            measurement: measurement.sifted(),
            device_time,
            shown_time: device_time,
            utc: false,
            elapsed: None,
            clock_fault: false,
            number: Vec::new(),
            extra,
            live: false,
            doubts: Vec::new(),
        }
    }

    /// The time that can place it: what the clock showed, at the phone's offset, unless the device itself calls it wrong.
    pub(crate) fn trusted_time(&self, utc_offset_min: i16) -> Option<DeviceTime> {
        let shown = self.shown_time.filter(|_| !self.clock_fault);
        match shown.and_then(|time| time.civil()).filter(|_| self.utc) {
            Some(utc) => {
                let local = Moment::from_civil(utc, 0).civil(utc_offset_min);
                Some(DeviceTime::from_civil(local))
            }
            None => shown,
        }
    }

    /// Whether it says itself which record it is: then the same bytes again are the same record.
    pub(crate) fn has_own_key(&self) -> bool {
        let usable = self.device_time.is_some_and(|time| time.is_usable());
        let time = (usable || self.elapsed.is_some()) && !self.clock_fault;
        time || !self.number.is_empty()
    }
}

/// Reads a record: all packets of one characteristic.
///
/// # Errors
/// [`DecodeError`] for what is no frame, or never a reading.
pub(crate) fn read(characteristic: u16, packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    match characteristic {
        0x2a35 => blood_pressure::record(one(packets)?),
        0x2b34 => blood_pressure::enhanced(one(packets)?),
        0x2b36 => blood_pressure::stored(packets),
        0x2a9d => scale::weight(one(packets)?),
        0x2a9c => scale::body_composition(packets),
        0x2a1c => thermometer::record(one(packets)?),
        0x2a5e => oximeter::record(one(packets)?),
        0x2a18 => glucose::record(packets),
        0x2b8b => health_sensor::live(packets),
        0x2bdd => health_sensor::stored(packets),
        0x2aa7 => cgm::record(packets),
        0x2a37 => heart_rate::record(packets),
        // What streams, what is still being measured, features and contexts.
        0x2a36 | 0x2b35 | 0x2a1e | 0x2a5f | 0x2a34 | 0x2a49 | 0x2a9e | 0x2a9b | 0x2a60 | 0x2a51 => {
            Err(DecodeError::NotAReading { characteristic })
        }
        _ => Err(DecodeError::NotSupported { characteristic }),
    }
}

fn one(packets: &[Vec<u8>]) -> Result<&[u8], DecodeError> {
    match packets {
        [packet] => Ok(packet),
        _ => Err(DecodeError::Packets),
    }
}

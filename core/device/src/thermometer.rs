//! Temperature Measurement (0x2A1C), Intermediate Temperature (0x2A1E, never a reading), Temperature Type (0x2A1D) and
//! Measurement Interval (0x2A21): Health Thermometer Service, layouts of the GATT Specification Supplement.

use crate::NotAValue;
use crate::bits::only_known;
use crate::bytes::{Cursor, DecodeError};
use crate::float::{float, to_float};
use reading::{Decimal, DeviceTime, Number};

const FAHRENHEIT: u8 = 0x01;
const TIME: u8 = 0x02;
const SITE: u8 = 0x04;
const KNOWN: u8 = 0x07;

/// The unit of a temperature; values are kept in the unit in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemperatureUnit {
    /// Degree Celsius.
    Celsius,
    /// Degree Fahrenheit.
    Fahrenheit,
}

impl TemperatureUnit {
    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::Celsius => "Cel",
            Self::Fahrenheit => "[degF]",
        }
    }
}

/// A frame of 0x2A1C or 0x2A1E.
#[derive(Clone, PartialEq, Eq)]
pub struct TemperatureFrame {
    /// The temperature.
    pub temperature: Number,
    /// Its unit.
    pub unit: TemperatureUnit,
    /// The device's time.
    pub time: Option<DeviceTime>,
    /// Where it was taken, the standard's number: 1 armpit, 2 body, 3 ear, 4 finger, 5 gastrointestinal tract, 6 mouth,
    /// 7 rectum, 8 toe, 9 eardrum.
    pub site: Option<u8>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for TemperatureFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TemperatureFrame")
    }
}

impl TemperatureFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        only_known(u32::from(flags), u32::from(KNOWN))?;
        let has = |bit| flags & bit != 0;
        let temperature = float(cursor.u32("temperature")?);
        let time = has(TIME).then(|| cursor.take("time")).transpose()?;
        let site = has(SITE).then(|| cursor.u8("site")).transpose()?;
        Ok(Self {
            temperature,
            unit: if has(FAHRENHEIT) {
                TemperatureUnit::Fahrenheit
            } else {
                TemperatureUnit::Celsius
            },
            time: time.map(DeviceTime::from_bytes),
            site,
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated thermometer does; `None` when the temperature does not fit a FLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(FAHRENHEIT, self.unit == TemperatureUnit::Fahrenheit);
        set(TIME, self.time.is_some());
        set(SITE, self.site.is_some());
        let mut frame = vec![flags];
        frame.extend(to_float(self.temperature)?.to_le_bytes());
        frame.extend(self.time.iter().flat_map(DeviceTime::bytes));
        frame.extend(self.site);
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The temperature, when it is one. What comes as 0x2A1E is never a reading, whatever stands in it.
    ///
    /// # Errors
    /// [`NotAValue`].
    pub const fn value(&self) -> Result<Decimal, NotAValue> {
        NotAValue::unless_number(self.temperature)
    }
}

/// Temperature Type (0x2A1D): where this thermometer always measures, by the numbers of [`TemperatureFrame::site`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemperatureType(pub u8);

impl TemperatureType {
    /// Reads the byte.
    ///
    /// # Errors
    /// [`DecodeError`] when there is not one.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let site = cursor.u8("site")?;
        cursor.end()?;
        Ok(Self(site))
    }

    /// The byte.
    #[must_use]
    pub const fn encode(self) -> [u8; 1] {
        [self.0]
    }
}

/// Measurement Interval (0x2A21): seconds between measurements; 0 is none by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasurementInterval(pub u16);

impl MeasurementInterval {
    /// Reads the two bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not two.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let seconds = cursor.u16("interval")?;
        cursor.end()?;
        Ok(Self(seconds))
    }

    /// The two bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }
}

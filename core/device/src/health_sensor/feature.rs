//! Health Sensor Features (0x2BF3) and the control point (0x2BF4).

use super::value::{codes, write_codes, write_list};
use crate::bytes::{Cursor, DecodeError};

const SPECIALISATIONS: u8 = 0x01;

/// Health Sensor Features: what a sensor observes, and as what it does so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSensorFeatures {
    /// MDC codes of its observations.
    pub types: Vec<u32>,
    /// Device specialisations (IEEE 11073-10101, partition 8) as sent, each of three or four bytes: the sources differ.
    pub specialisations: Option<Vec<Vec<u8>>>,
}

impl HealthSensorFeatures {
    /// Reads the value.
    ///
    /// # Errors
    /// [`DecodeError`] for a value that ends early, has reserved flags, or whose specialisations are neither of three
    /// nor of four bytes each.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        if flags & !SPECIALISATIONS != 0 {
            return Err(DecodeError::ReservedFlags {
                bits: u32::from(flags & !SPECIALISATIONS),
            });
        }
        let types = codes(&mut cursor, "types")?;
        let specialisations = if flags & SPECIALISATIONS != 0 {
            Some(specialisations(&mut cursor)?)
        } else {
            None
        };
        cursor.end()?;
        Ok(Self {
            types,
            specialisations,
        })
    }

    /// The value; `None` when there are more than a byte can count, or the specialisations are not of one size.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut frame = vec![u8::from(self.specialisations.is_some())];
        write_codes(&mut frame, &self.types)?;
        if let Some(list) = &self.specialisations {
            let size = list.first().map_or(4, Vec::len);
            write_list(&mut frame, list, |frame, one| {
                frame.extend(one);
                (one.len() == size && matches!(size, 3 | 4)).then_some(())
            })?;
        }
        Some(frame)
    }
}

fn specialisations(cursor: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    const FIELD: &str = "specialisations";
    let count = usize::from(cursor.u8(FIELD)?);
    let size = if cursor.left() == 3 * count { 3 } else { 4 };
    (0..count)
        .map(|_| cursor.bytes(size, FIELD).map(<[u8]>::to_vec))
        .collect()
}

/// What is written to the control point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthSensorControl {
    /// Send observations as they are made (1).
    StartLive,
    /// No longer (2).
    StopLive,
}

impl HealthSensorControl {
    /// Reads what was written, as a simulated sensor does.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let op = match cursor.u8("op code")? {
            1 => Self::StartLive,
            2 => Self::StopLive,
            _ => return Err(DecodeError::BadValue { field: "op code" }),
        };
        cursor.end()?;
        Ok(op)
    }

    /// The byte to write.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        vec![match self {
            Self::StartLive => 1,
            Self::StopLive => 2,
        }]
    }
}

/// What the control point indicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthSensorResult {
    /// 0x80: done.
    Success,
    /// 0x81: the sensor is busy or does not know this request; the sources differ.
    Refused,
    /// 0x82: it cannot send observations now.
    Cannot,
    /// A code that no source gives a meaning.
    Other(u8),
}

impl HealthSensorResult {
    /// Reads what a sensor indicated; a request is [`DecodeError::DeviceOnly`].
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let code = cursor.u8("result")?;
        cursor.end()?;
        Ok(match code {
            1 | 2 => return Err(DecodeError::DeviceOnly),
            0x80 => Self::Success,
            0x81 => Self::Refused,
            0x82 => Self::Cannot,
            code => Self::Other(code),
        })
    }

    /// The code as sent.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0x80,
            Self::Refused => 0x81,
            Self::Cannot => 0x82,
            Self::Other(code) => code,
        }
    }

    /// The byte to indicate.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        vec![self.code()]
    }
}

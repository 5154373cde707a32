//! Current Time (0x2A2B, Current Time Service): ten bytes. The first seven are a Date Time, local, without zone.

use crate::bytes::{Cursor, DecodeError};
use jiff::civil;
use reading::DeviceTime;

/// What a Current Time says, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentTime {
    /// The wall clock.
    pub time: DeviceTime,
    /// 1 Monday … 7 Sunday, 0 unknown.
    pub weekday: u8,
    /// 1/256 of a second.
    pub fractions: u8,
    /// Bits: 0 manual, 1 external reference, 2 zone changed, 3 summer time changed.
    pub adjust_reason: u8,
}

impl CurrentTime {
    /// Reads the ten bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not ten. What the time itself says may be unknown or impossible.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self {
            time: DeviceTime::from_bytes(cursor.take("time")?),
            weekday: cursor.u8("weekday")?,
            fractions: cursor.u8("fractions")?,
            adjust_reason: cursor.u8("adjust reason")?,
        };
        cursor.end()?;
        Ok(read)
    }

    /// A wall clock as it is written to a device: set from an external reference.
    #[must_use]
    pub fn of(at: civil::DateTime) -> Self {
        Self {
            time: DeviceTime::from_civil(at),
            weekday: u8::try_from(at.weekday().to_monday_one_offset()).unwrap_or(0),
            fractions: u8::try_from(i32::from(at.millisecond()) * 256 / 1000).unwrap_or(0),
            adjust_reason: 0x02,
        }
    }

    /// The ten bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..7].copy_from_slice(self.time.bytes());
        bytes[7] = self.weekday;
        bytes[8] = self.fractions;
        bytes[9] = self.adjust_reason;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_current_time_is_ten_bytes() {
        let at = civil::date(2026, 11, 24).at(7, 10, 30, 500_000_000);
        let time = CurrentTime::of(at);
        assert_eq!(time.encode(), [0xea, 7, 11, 24, 7, 10, 30, 2, 128, 2]);
        assert_eq!(CurrentTime::decode(&time.encode()), Ok(time));
        assert_eq!(
            CurrentTime::decode(&[0; 9]).map_err(|e| e.code()),
            Err("short_frame")
        );
        assert_eq!(
            CurrentTime::decode(&[0; 11]),
            Err(DecodeError::TooLong { extra: 1 })
        );
    }
}

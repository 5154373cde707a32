//! The time as a device sent it: Date Time (0x2A08, GATT Specification Supplement), seven bytes, local, no zone.

use crate::hex;
use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Seven bytes as sent: u16 year (0 unknown), u8 month (0 unknown), u8 day (0 unknown), u8 hour, minute, second,
/// little-endian. What cannot be a date is kept all the same; it is only not usable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceTime([u8; 7]);

impl DeviceTime {
    /// From the bytes as sent.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 7]) -> Self {
        Self(bytes)
    }

    /// A wall clock as a device would send it; fractions of a second are cut off.
    #[must_use]
    pub fn from_civil(at: civil::DateTime) -> Self {
        let [low, high] = u16::try_from(at.year()).unwrap_or(0).to_le_bytes();
        let part = |value: i8| u8::try_from(value).unwrap_or(0);
        Self([
            low,
            high,
            part(at.month()),
            part(at.day()),
            part(at.hour()),
            part(at.minute()),
            part(at.second()),
        ])
    }

    /// The bytes as sent.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 7] {
        &self.0
    }

    /// The wall clock, when all of it is known and possible: a year of 1582 to 9999, a day that exists, no second 60.
    /// Only such a time can place a reading, and only such a time counts as *usable* in a `ReadingId`.
    #[must_use]
    pub fn civil(&self) -> Option<civil::DateTime> {
        let [low, high, month, day, hour, minute, second] = self.0;
        let year = u16::from_le_bytes([low, high]);
        if !(1582..=9999).contains(&year) || second > 59 {
            return None;
        }
        let part = |value: u8| i8::try_from(value).ok();
        civil::DateTime::new(
            i16::try_from(year).ok()?,
            part(month)?,
            part(day)?,
            part(hour)?,
            part(minute)?,
            part(second)?,
            0,
        )
        .ok()
    }

    /// Whether all of it is known and possible.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.civil().is_some()
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, each part as sent, unknown ones `00`.
impl fmt::Display for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high, month, day, hour, minute, second] = self.0;
        let year = u16::from_le_bytes([low, high]);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )
    }
}

impl fmt::Debug for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DeviceTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        hex::fixed::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for DeviceTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hex::fixed::deserialize(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_with_an_unknown_or_impossible_part_is_not_usable_but_kept() {
        for (bytes, text, usable) in [
            ([0xe8, 7, 6, 15, 17, 17, 27], "2024-06-15T17:17:27", true),
            ([0, 0, 6, 15, 17, 17, 27], "0000-06-15T17:17:27", false),
            ([0xe8, 7, 0, 15, 17, 17, 27], "2024-00-15T17:17:27", false),
            ([0xe8, 7, 6, 0, 17, 17, 27], "2024-06-00T17:17:27", false),
            ([0xe7, 7, 2, 29, 17, 17, 27], "2023-02-29T17:17:27", false),
            ([0xe8, 7, 6, 15, 24, 0, 0], "2024-06-15T24:00:00", false),
            ([0xe8, 7, 6, 15, 17, 17, 60], "2024-06-15T17:17:60", false),
            (
                [0xff, 0xff, 255, 255, 255, 255, 255],
                "65535-255-255T255:255:255",
                false,
            ),
        ] {
            let time = DeviceTime::from_bytes(bytes);
            assert_eq!(time.to_string(), text);
            assert_eq!(time.is_usable(), usable, "{text}");
            assert_eq!(time.bytes(), &bytes);
        }
    }
}

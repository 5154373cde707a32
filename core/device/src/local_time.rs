//! Local Time Information (0x2A0F, Current Time Service): the zone and the summer time by which a device shows its time.

use crate::bytes::{Cursor, DecodeError};

/// Zone and summer time, as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTimeInformation {
    /// Offset of the standard time from UTC in quarters of an hour, −48 to 56; −128 unknown. Summer time does not
    /// change it.
    pub zone: i8,
    /// Summer time now: 0 none, 2 half an hour, 4 one hour, 8 two hours, 255 unknown.
    pub summer_time: u8,
}

impl LocalTimeInformation {
    /// Reads the two bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not two.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self {
            zone: cursor.i8("zone")?,
            summer_time: cursor.u8("summer time")?,
        };
        cursor.end()?;
        Ok(read)
    }

    /// The two bytes.
    #[must_use]
    pub fn encode(self) -> [u8; 2] {
        [self.zone.to_le_bytes()[0], self.summer_time]
    }

    /// Minutes of the standard time from UTC; `None` when unknown or reserved.
    #[must_use]
    pub fn zone_min(self) -> Option<i16> {
        (-48..=56)
            .contains(&self.zone)
            .then(|| i16::from(self.zone) * 15)
    }

    /// Minutes that summer time adds; `None` when unknown or reserved.
    #[must_use]
    pub const fn summer_time_min(self) -> Option<i16> {
        match self.summer_time {
            0 => Some(0),
            2 => Some(30),
            4 => Some(60),
            8 => Some(120),
            _ => None,
        }
    }

    /// Minutes of the shown time from UTC; `None` when a part of it is unknown.
    #[must_use]
    pub fn offset_min(self) -> Option<i16> {
        Some(self.zone_min()? + self.summer_time_min()?)
    }
}

//! Elapsed Time (0x2BF2): Elapsed Time Service 1.0 and GATT Specification Supplement 3.82. Nine bytes inside other
//! values (a Generic Health Sensor's observations) and when it is written, eleven when the clock itself is read.
//!
//! Checked against Zephyr's `bluetooth/services/ets.h`. Mind that the service is 0x183F; 0x1847 is Device Time.

use crate::bytes::{Cursor, DecodeError};
use jiff::civil;
use reading::Decimal;

/// What the count is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeline {
    /// A counter that began anywhere.
    Ticks,
    /// Since 2000-01-01T00:00:00 UTC.
    Utc,
    /// Since 2000-01-01T00:00:00 of the device's local time.
    Local,
}

impl Timeline {
    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ticks => "ticks",
            Self::Utc => "utc",
            Self::Local => "local",
        }
    }
}

/// Where the device's clock got its time from, when nothing is its source: it was never set.
const NOT_SYNCHRONISED: u8 = 7;

/// The nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElapsedTime {
    /// Bits: 0 ticks, 1 UTC, 2-3 resolution, 4 offset used, 5 on the present timeline; 6 and 7 have no meaning.
    pub flags: u8,
    /// How many units of the resolution, 48 bits.
    pub count: u64,
    /// 0 unknown, 1 network, 2 satellites, 3 radio, 4 by hand, 5 atomic clock, 6 mobile network, 7 not synchronised.
    pub source: u8,
    /// Zone and summer time together, in quarter hours; means nothing unless the flags say that it is used.
    pub offset_quarters: i8,
}

impl ElapsedTime {
    /// Reads the nine bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not nine.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self::read(&mut cursor)?;
        cursor.end()?;
        Ok(read)
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            flags: cursor.u8("time flags")?,
            count: cursor.u48("time value")?,
            source: cursor.u8("time source")?,
            offset_quarters: cursor.i8("time offset")?,
        })
    }

    /// The nine bytes; `None` when the count has more than 48 bits.
    #[must_use]
    pub fn encode(self) -> Option<[u8; 9]> {
        let [a, b, c, d, e, f, 0, 0] = self.count.to_le_bytes() else {
            return None;
        };
        let [offset] = self.offset_quarters.to_le_bytes();
        Some([self.flags, a, b, c, d, e, f, self.source, offset])
    }

    /// What the count is.
    #[must_use]
    pub const fn timeline(self) -> Timeline {
        match (self.flags & 1 != 0, self.flags & 2 != 0) {
            (true, _) => Timeline::Ticks,
            (false, true) => Timeline::Utc,
            (false, false) => Timeline::Local,
        }
    }

    /// One unit of the count, in seconds: 1, 0.1, 0.001 or 0.0001.
    #[must_use]
    pub const fn resolution(self) -> Decimal {
        Decimal::new(1, self.exponent())
    }

    const fn exponent(self) -> i8 {
        match self.flags >> 2 & 3 {
            0 => 0,
            1 => -1,
            2 => -3,
            _ => -4,
        }
    }

    /// The count in seconds, with the digits of its resolution.
    #[must_use]
    pub fn seconds(self) -> Decimal {
        Decimal::new(i64::try_from(self.count).unwrap_or(0), self.exponent())
    }

    /// The wall clock that it says, UTC or local by the timeline; `None` for ticks and beyond the year 9999.
    #[must_use]
    pub fn civil(self) -> Option<civil::DateTime> {
        if self.timeline() == Timeline::Ticks {
            return None;
        }
        // The resolution in hundreds of microseconds, which 48 bits of seconds do not overflow.
        let units = match self.exponent() {
            0 => 10_000,
            -1 => 1_000,
            -3 => 10,
            _ => 1,
        };
        let ticks = i64::try_from(self.count).ok()?.checked_mul(units)?;
        let since = jiff::SignedDuration::new(ticks / 10_000, 0)
            + jiff::SignedDuration::from_micros(ticks % 10_000 * 100);
        civil::date(2000, 1, 1)
            .at(0, 0, 0, 0)
            .checked_add(since)
            .ok()
    }

    /// Minutes from UTC to the device's local time, when it says so.
    #[must_use]
    pub fn offset_min(self) -> Option<i16> {
        let used = self.flags & 0x10 != 0 && self.timeline() != Timeline::Ticks;
        used.then(|| i16::from(self.offset_quarters) * 15)
    }

    /// Whether it is on the timeline on which the clock runs now: the clock has not jumped since.
    #[must_use]
    pub const fn is_current(self) -> bool {
        self.flags & 0x20 != 0
    }

    /// Whether the clock was set from somewhere. "By hand" is somewhere; "unknown" and "not synchronised" are not.
    #[must_use]
    pub fn is_synchronised(self) -> bool {
        self.timeline() != Timeline::Ticks && (1..NOT_SYNCHRONISED).contains(&self.source)
    }

    /// Flag bits to which the standard gives no meaning. They move nothing: the value is of fixed length.
    #[must_use]
    pub const fn reserved(self) -> u8 {
        self.flags & 0xc0
    }
}

/// The eleven bytes: the clock as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElapsedClock {
    /// Its time.
    pub time: ElapsedTime,
    /// Bits: 0 it needs to be set.
    pub status: u8,
    /// Bits: 0 applies summer time by itself, 1 changes zone by itself.
    pub capabilities: u8,
}

impl ElapsedClock {
    /// Reads the eleven bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not eleven.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self {
            time: ElapsedTime::read(&mut cursor)?,
            status: cursor.u8("clock status")?,
            capabilities: cursor.u8("clock capabilities")?,
        };
        cursor.end()?;
        Ok(read)
    }

    /// The eleven bytes; `None` where [`ElapsedTime::encode`] is.
    #[must_use]
    pub fn encode(self) -> Option<Vec<u8>> {
        let mut frame = self.time.encode()?.to_vec();
        frame.extend([self.status, self.capabilities]);
        Some(frame)
    }

    /// Whether the device says that its clock is not set: no time of it is one.
    #[must_use]
    pub const fn clock_fault(self) -> bool {
        self.status & 1 != 0
    }
}

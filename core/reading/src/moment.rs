//! An instant to the millisecond. The same numbers as `wire::Time`, in a crate that knows nothing of the road.

use jiff::{Timestamp, civil, tz::Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Milliseconds since 1970-01-01 UTC, within the years 1 to 9998, so that any offset of a zone stays within four
/// digits of a year.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(i64);

/// A text was not an instant in our spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an instant of the form YYYY-MM-DDTHH:MM:SS.mmm with Z or an offset")]
pub struct MomentError;

/// 0001-01-02T00:00:00Z and 9999-12-30T00:00:00Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_510_400_000..=253_402_128_000_000;

/// Offsets of zones lie within ±14 hours (UTC+14, Kiribati); the rest is a fault of somebody's.
pub(crate) const MAX_OFFSET_MIN: i16 = 14 * 60;

impl Moment {
    /// From milliseconds since 1970; what lies outside the range is moved to its nearest end.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Later by so many milliseconds (earlier when negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; negative when this is the earlier one.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The wall clock at this instant where the offset from UTC is so many minutes.
    #[must_use]
    pub fn civil(self, offset_min: i16) -> civil::DateTime {
        Offset::UTC.to_datetime(self.plus_ms(i64::from(offset_min) * 60_000).timestamp())
    }

    /// The instant at which a wall clock shows `local` where the offset from UTC is so many minutes.
    #[must_use]
    pub fn from_civil(local: civil::DateTime, offset_min: i16) -> Self {
        let utc = Offset::UTC
            .to_timestamp(local)
            .map_or(0, Timestamp::as_millisecond);
        Self::from_ms(utc.saturating_sub(i64::from(offset_min) * 60_000))
    }

    /// RFC 3339 with milliseconds and this offset, `+00:00` for zero: `2024-06-15T19:17:27.000+02:00`.
    #[must_use]
    pub fn at_offset(self, offset_min: i16) -> String {
        let offset_min = offset_min.clamp(-MAX_OFFSET_MIN, MAX_OFFSET_MIN);
        let sign = if offset_min < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_min.abs() / 60, offset_min.abs() % 60);
        format!(
            "{}{sign}{hours:02}:{minutes:02}",
            wall(self.civil(offset_min))
        )
    }

    /// Reads an instant and its offset in minutes: exactly what [`Moment::at_offset`] and `Display` write.
    ///
    /// # Errors
    /// [`MomentError`] for any other spelling or an impossible date.
    pub fn parse_with_offset(text: &str) -> Result<(Self, i16), MomentError> {
        let (local, zone) = text.split_at_checked(23).ok_or(MomentError)?;
        let offset_min = match zone.as_bytes() {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0]
                if [h1, h0, m1, m0].iter().all(|c| c.is_ascii_digit()) =>
            {
                let two = |a: &u8, b: &u8| i16::from(a - b'0') * 10 + i16::from(b - b'0');
                let (hours, minutes) = (two(h1, h0), two(m1, m0));
                let total = hours * 60 + minutes;
                if minutes > 59 || total > MAX_OFFSET_MIN || (*sign == b'-' && total == 0) {
                    return Err(MomentError);
                }
                if *sign == b'-' { -total } else { total }
            }
            _ => return Err(MomentError),
        };
        let shape = b"0000-00-00T00:00:00.000";
        let fits = local.bytes().zip(shape).all(|(c, s)| {
            if *s == b'0' {
                c.is_ascii_digit()
            } else {
                c == *s
            }
        });
        // jiff would read second 60 as 59; a leap second is no spelling of ours.
        if !fits || &local[17..19] == "60" {
            return Err(MomentError);
        }
        let civil: civil::DateTime = local.parse().map_err(|_| MomentError)?;
        let moment = Self::from_civil(civil, offset_min);
        // Whatever the range moved is not what was written.
        if moment.civil(offset_min) != civil {
            return Err(MomentError);
        }
        Ok((moment, offset_min))
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn wall(at: civil::DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// RFC 3339, UTC, milliseconds, `Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", wall(self.civil(0)))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::hex::parsed(from, |text| match Self::parse_with_offset(text) {
            Ok((moment, _)) if text.ends_with('Z') => Ok(moment),
            _ => Err(MomentError),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_its_offset_and_read_back() {
        let moment = Moment::from_ms(1_718_471_847_250);
        assert_eq!(moment.to_string(), "2024-06-15T17:17:27.250Z");
        assert_eq!(moment.at_offset(120), "2024-06-15T19:17:27.250+02:00");
        assert_eq!(moment.at_offset(-210), "2024-06-15T13:47:27.250-03:30");
        assert_eq!(moment.at_offset(0), "2024-06-15T17:17:27.250+00:00");
        for offset in [-840, -210, -1, 0, 1, 120, 840] {
            assert_eq!(
                Moment::parse_with_offset(&moment.at_offset(offset)),
                Ok((moment, offset))
            );
        }
    }

    #[test]
    fn other_spellings_and_impossible_dates_are_refused() {
        for bad in [
            "",
            "2024-06-15",
            "2024-06-15T17:17:27Z",
            "2024-06-15T17:17:27.250",
            "2024-06-15 17:17:27.250Z",
            "2024-02-30T17:17:27.250Z",
            "2024-06-15T24:00:00.000Z",
            "2024-06-15T17:17:60.000Z",
            "2024-06-15T17:17:27.250+15:00",
            "2024-06-15T17:17:27.250-00:00",
            "2024-06-15T17:17:27.250+0200",
            "2024-06-15T17:17:27.250z",
            "0000-01-01T00:00:00.000Z",
            "2024-06-15T17:17:27.25éZ",
        ] {
            assert_eq!(Moment::parse_with_offset(bad), Err(MomentError), "{bad}");
        }
    }
}

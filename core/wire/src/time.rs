//! An instant, to the millisecond, in UTC: `2026-11-24T07:10:00.000Z` and no other spelling.

use jiff::Timestamp;
use std::time::Duration;

/// Milliseconds since 1970-01-01 UTC. Signed: a clock may be set to anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(i64);

/// A text was not a time in our one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the form YYYY-MM-DDTHH:MM:SS.mmmZ")]
pub struct TimeError;

/// 0000-01-01 and 9999-12-30T21:59:59.999: four digits of a year, less the day that time zones may take at the end.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_199_999;

impl Time {
    /// From milliseconds since 1970; what lies outside the years 0 to 9999 is moved to the nearest inside.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// The system clock's reading: for the edges only, never inside logic.
    #[must_use]
    pub fn system() -> Self {
        Self::from_ms(Timestamp::now().as_millisecond())
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_ms(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Earlier by `by`.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self::from_ms(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long since `earlier`; zero when that lies ahead, as after a clock was set back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads the one spelling.
    ///
    /// # Errors
    /// [`TimeError`] for any other spelling, an impossible date or a leap second.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let shape = b"0000-00-00T00:00:00.000Z";
        let fits = text.len() == shape.len()
            && text.bytes().zip(shape).all(|(c, s)| {
                if *s == b'0' {
                    c.is_ascii_digit()
                } else {
                    c == *s
                }
            });
        if !fits || &text[17..19] > "59" {
            return Err(TimeError);
        }
        let at: Timestamp = text.parse().map_err(|_| TimeError)?;
        Ok(Self(at.as_millisecond()))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = Timestamp::from_millisecond(self.0).map_err(|_| std::fmt::Error)?;
        write!(f, "{at:.3}")
    }
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Time({self})")
    }
}

impl std::str::FromStr for Time {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        for text in [
            "2026-11-24T07:10:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "0000-01-01T00:00:00.000Z",
            "9999-12-30T21:59:59.999Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        for bad in [
            "2026-11-24T07:10:00Z",
            "2026-11-24T07:10:00.000+00:00",
            "2026-11-24t07:10:00.000z",
            "2026-11-24 07:10:00.000Z",
            "2026-02-30T07:10:00.000Z",
            "2026-11-24T07:10:60.000Z",
            "2026-11-24T07:10:00.0000Z",
            "",
            "2026-11-24T24:00:00.000Z",
        ] {
            assert_eq!(Time::parse(bad), Err(TimeError), "{bad:?}");
        }
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_span() {
        let (early, late) = (Time::from_ms(1000), Time::from_ms(3500));
        assert_eq!(late.since(early), Duration::from_millis(2500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(
            Time::from_ms(i64::MAX).plus(Duration::from_secs(1)),
            Time::from_ms(i64::MAX)
        );
    }
}

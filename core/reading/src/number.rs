//! A measured number, or one of the five special values that stand where no number is (IEEE 11073-20601, 7.4.2).

use crate::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What a device sent in the place of a number. The special values stay distinct and are never shown as a number: a
/// cuff that failed says "measurement failed", not 2047.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// An exact decimal.
    Value(Decimal),
    /// NaN: no result.
    NotANumber,
    /// NRes: there is a result that cannot be expressed at this resolution.
    NotAtThisResolution,
    /// Above what the device can express.
    PlusInfinity,
    /// Below what the device can express.
    MinusInfinity,
    /// A bit pattern that the standard keeps for later.
    Reserved,
}

impl Number {
    /// The decimal, when it is one.
    #[must_use]
    pub const fn value(self) -> Option<Decimal> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// An exact decimal from mantissa and exponent.
    #[must_use]
    pub const fn of(mantissa: i64, exponent: i8) -> Self {
        Self::Value(Decimal::new(mantissa, exponent))
    }

    const fn special(self) -> Option<&'static str> {
        match self {
            Self::Value(_) => None,
            Self::NotANumber => Some("nan"),
            Self::NotAtThisResolution => Some("nres"),
            Self::PlusInfinity => Some("+inf"),
            Self::MinusInfinity => Some("-inf"),
            Self::Reserved => Some("reserved"),
        }
    }
}

/// As `teleward decode` prints it: `36.40`, `nan`, `nres`, `+inf`, `-inf`, `reserved`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.special()) {
            (_, Some(name)) => f.write_str(name),
            (Self::Value(value), None) => value.fmt(f),
            (_, None) => Ok(()),
        }
    }
}

impl FromStr for Number {
    type Err = crate::DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "nan" => Self::NotANumber,
            "nres" => Self::NotAtThisResolution,
            "+inf" => Self::PlusInfinity,
            "-inf" => Self::MinusInfinity,
            "reserved" => Self::Reserved,
            number => Self::Value(number.parse()?),
        })
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(to),
            other => to.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::hex::parsed(from, Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-READING-002: special values stay distinct from one another and from numbers.
    #[test]
    fn special_values_stay_distinct() {
        let all = [
            Number::NotANumber,
            Number::NotAtThisResolution,
            Number::PlusInfinity,
            Number::MinusInfinity,
            Number::Reserved,
            Number::of(2047, 0),
        ];
        for one in all {
            assert_eq!(one.to_string().parse(), Ok(one));
            assert_eq!(all.iter().filter(|other| **other == one).count(), 1);
        }
        assert_eq!(Number::NotANumber.value(), None);
    }
}

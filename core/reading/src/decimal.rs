//! An exact decimal: the digits that were sent, no more and no fewer.
//!
//! `72.50` and `72.5` are different statements of a device, and a binary float cannot tell them apart; so a value is
//! an integer mantissa and a power of ten, as in IEEE 11073-20601 (SFLOAT, FLOAT), and is compared as such.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// `mantissa` × 10^`exponent`. Equal only when both are equal: 72.50 ≠ 72.5.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i64,
    exponent: i8,
}

/// A text was not a decimal number that can be kept exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most 18 digits")]
pub struct DecimalError;

/// More digits than this do not fit the mantissa; no device sends more than eight.
const MAX_DIGITS: usize = 18;

impl Decimal {
    /// From mantissa and exponent as sent.
    #[must_use]
    pub const fn new(mantissa: i64, exponent: i8) -> Self {
        Self { mantissa, exponent }
    }

    /// The digits as an integer.
    #[must_use]
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// The power of ten.
    #[must_use]
    pub const fn exponent(self) -> i8 {
        self.exponent
    }

    /// Whether the value is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The value for drawing a chart or comparing with a limit; never for storing or sending.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "its name says so")]
    pub fn approximate(self) -> f64 {
        self.mantissa as f64 * 10f64.powi(i32::from(self.exponent))
    }

    /// A JSON number token that [`Decimal::from_str`] reads back to the same mantissa and exponent. A positive
    /// exponent is written as one (`12e1`), because `120` would claim a digit that the device did not send.
    #[must_use]
    pub fn token(self) -> String {
        if self.exponent > 0 {
            format!("{}e{}", self.mantissa, self.exponent)
        } else {
            self.to_string()
        }
    }
}

/// Plain digits, as on a screen: `36.40`, `-0.05`, `120`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let places = usize::from(self.exponent.unsigned_abs());
        if self.mantissa == 0 && self.exponent > 0 {
            f.write_str("0")
        } else if self.exponent >= 0 {
            write!(f, "{sign}{digits}{}", "0".repeat(places))
        } else if digits.len() > places {
            let (whole, part) = digits.split_at(digits.len() - places);
            write!(f, "{sign}{whole}.{part}")
        } else {
            write!(f, "{sign}0.{}{digits}", "0".repeat(places - digits.len()))
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}e{}", self.mantissa, self.exponent)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads a JSON number token (RFC 8259 section 6) of at most 18 digits; `-0` is refused, since a mantissa has no
    /// negative zero.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, power) = match rest.split_once(['e', 'E']) {
            Some((number, power)) => (number, exponent(power)?),
            None => (rest, 0),
        };
        let (whole, part) = match number.split_once('.') {
            Some((_, "")) => return Err(DecimalError),
            Some((whole, part)) => (whole, part),
            None => (number, ""),
        };
        let digits_only = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if whole.is_empty()
            || (whole.len() > 1 && whole.starts_with('0'))
            || !digits_only(whole)
            || !digits_only(part)
        {
            return Err(DecimalError);
        }
        // Leading zeros carry no digits of the mantissa: 0.0000000000000000001 is one digit.
        let digits = format!("{whole}{part}");
        let digits = digits.trim_start_matches('0');
        if digits.len() > MAX_DIGITS {
            return Err(DecimalError);
        }
        let mantissa: i64 = if digits.is_empty() {
            0
        } else {
            digits.parse().map_err(|_| DecimalError)?
        };
        if negative && mantissa == 0 {
            return Err(DecimalError);
        }
        let places = i32::try_from(part.len()).map_err(|_| DecimalError)?;
        Ok(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            exponent: i8::try_from(power - places).map_err(|_| DecimalError)?,
        })
    }
}

fn exponent(text: &str) -> Result<i32, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(DecimalError);
    }
    let value: i32 = digits.parse().map_err(|_| DecimalError)?;
    Ok(if text.starts_with('-') { -value } else { value })
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.token())
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::hex::parsed(from, Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-READING-001: a number keeps the digits that the device sent, on the screen and on the way.
    #[test]
    fn digits_are_kept() {
        for (mantissa, exponent, shown, token) in [
            (3640, -2, "36.40", "36.40"),
            (364, -1, "36.4", "36.4"),
            (124, 0, "124", "124"),
            (12, 1, "120", "12e1"),
            (0, -2, "0.00", "0.00"),
            (0, 3, "0", "0e3"),
            (-5, -2, "-0.05", "-0.05"),
            (-1234, -3, "-1.234", "-1.234"),
            (7, -4, "0.0007", "0.0007"),
        ] {
            let value = Decimal::new(mantissa, exponent);
            assert_eq!(value.to_string(), shown);
            assert_eq!(value.token(), token);
            assert_eq!(token.parse(), Ok(value));
        }
        assert_ne!("72.50".parse::<Decimal>(), "72.5".parse::<Decimal>());
    }

    #[test]
    fn what_is_no_json_number_is_refused() {
        for bad in [
            "",
            "-",
            "+1",
            "01",
            ".5",
            "5.",
            "1e",
            "1e+",
            "0x1",
            "1_0",
            " 1",
            "1 ",
            "NaN",
            "-0",
            "-0.0",
            "1.2.3",
            "1234567890123456789",
            "1e999",
            "1e200",
            "٣",
        ] {
            assert_eq!(bad.parse::<Decimal>(), Err(DecimalError), "{bad}");
        }
    }
}

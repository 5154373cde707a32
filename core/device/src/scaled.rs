//! Whole numbers with a resolution, as scales send them: 16840 at 0.005 kg is exactly 84.200 kg. The digits are those
//! that the resolution gives, so that nothing is rounded and nothing is claimed.

use crate::NotAValue;
use reading::Decimal;
use std::fmt;

/// One step is `step` × 10^`exponent` of a unit.
#[derive(Clone, Copy)]
pub(crate) struct Resolution {
    step: u16,
    exponent: i8,
}

impl Resolution {
    /// 0.1: percent, body mass index, inch, ohm.
    pub(crate) const TENTH: Self = Self::of(1, -1);

    const fn of(step: u16, exponent: i8) -> Self {
        Self { step, exponent }
    }

    /// The number that `raw` stands for.
    pub(crate) fn read(self, raw: u16) -> Decimal {
        Decimal::new(i64::from(raw) * i64::from(self.step), self.exponent)
    }

    /// The word for a number; `None` when it has other digits than the resolution, is no multiple of it, or too large.
    pub(crate) fn write(self, value: Decimal) -> Option<u16> {
        let step = i64::from(self.step);
        let fits = value.exponent() == self.exponent && value.mantissa() % step == 0;
        fits.then(|| u16::try_from(value.mantissa() / step).ok())?
    }
}

/// The units of a scale's frame, chosen by one flag for all its masses and lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScaleUnits {
    /// Masses in 0.005 kg, lengths in 0.001 m.
    Metric,
    /// Masses in 0.01 lb, lengths in 0.1 in.
    Imperial,
}

impl ScaleUnits {
    /// UCUM code of the masses.
    #[must_use]
    pub const fn mass_ucum(self) -> &'static str {
        match self {
            Self::Metric => "kg",
            Self::Imperial => "[lb_av]",
        }
    }

    /// UCUM code of the height.
    #[must_use]
    pub const fn length_ucum(self) -> &'static str {
        match self {
            Self::Metric => "m",
            Self::Imperial => "[in_i]",
        }
    }

    pub(crate) const fn mass(self) -> Resolution {
        match self {
            Self::Metric => Resolution::of(5, -3),
            Self::Imperial => Resolution::of(1, -2),
        }
    }

    pub(crate) const fn length(self) -> Resolution {
        match self {
            Self::Metric => Resolution::of(1, -3),
            Self::Imperial => Resolution::TENTH,
        }
    }
}

/// What a scale measured, or that it could not (FFFF, "measurement unsuccessful").
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measured {
    /// The number.
    Value(Decimal),
    /// The scale says that it failed.
    Unsuccessful,
}

/// FFFF.
const UNSUCCESSFUL: u16 = 0xffff;

impl Measured {
    pub(crate) fn read(raw: u16, resolution: Resolution) -> Self {
        match raw {
            UNSUCCESSFUL => Self::Unsuccessful,
            raw => Self::Value(resolution.read(raw)),
        }
    }

    /// The word; `None` when the number does not fit, or would be the word of "unsuccessful".
    pub(crate) fn write(self, resolution: Resolution) -> Option<u16> {
        match self {
            Self::Unsuccessful => Some(UNSUCCESSFUL),
            Self::Value(value) => resolution.write(value).filter(|raw| *raw != UNSUCCESSFUL),
        }
    }

    /// The number.
    ///
    /// # Errors
    /// [`NotAValue::Failed`] when the scale says that it failed.
    pub const fn value(self) -> Result<Decimal, NotAValue> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Unsuccessful => Err(NotAValue::Failed),
        }
    }
}

/// As `teleward decode` prints it: the digits, or `unsuccessful`.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Unsuccessful => f.write_str("unsuccessful"),
        }
    }
}

/// A measurement stays out of logs.
impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value",
            Self::Unsuccessful => "Unsuccessful",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEVICE-061: a scale's whole numbers become exact decimals with the digits of the resolution.
    #[test]
    fn every_word_goes_there_and_back_exactly() {
        for raw in 0..=u16::MAX {
            for units in [ScaleUnits::Metric, ScaleUnits::Imperial] {
                for resolution in [units.mass(), units.length(), Resolution::TENTH] {
                    assert_eq!(resolution.write(resolution.read(raw)), Some(raw));
                    let measured = Measured::read(raw, resolution);
                    assert_eq!(measured.write(resolution), Some(raw));
                    assert_eq!(measured.value().is_err(), raw == 0xffff);
                }
            }
        }
        let mass = ScaleUnits::Metric.mass();
        assert_eq!(mass.read(16_840).to_string(), "84.200");
        assert_eq!(mass.write(Decimal::new(84_201, -3)), None, "no multiple");
        assert_eq!(mass.write(Decimal::new(8_420, -2)), None, "other digits");
        assert_eq!(mass.write(Decimal::new(-5, -3)), None, "below zero");
        assert_eq!(
            Measured::Value(mass.read(0xffff)).write(mass),
            None,
            "the word of a failed weighing"
        );
    }
}

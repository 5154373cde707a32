//! The unit of a concentration of glucose, and the same concentration in the other one.
//!
//! Here and nowhere else: whoever shows glucose in a unit that it was not sent in, a phone, a hub or a clinic, shows the same
//! digits. What is kept and sent on stays as it came. The arithmetic is exact, in whole numbers; only the last step rounds.

use crate::{Decimal, Number, Value};
use serde::{Deserialize, Serialize};

/// The unit of a concentration. Meters send kg/L or mol/L; ten to the power of 5 or 3 makes them these, digit for digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GlucoseUnit {
    /// Milligrams a decilitre.
    #[serde(rename = "mg/dL")]
    MilligramsPerDecilitre,
    /// Millimoles a litre.
    #[serde(rename = "mmol/L")]
    MillimolesPerLitre,
}

impl GlucoseUnit {
    pub(crate) const ALL: [Self; 2] = [Self::MilligramsPerDecilitre, Self::MillimolesPerLitre];

    /// mg/dL in 1 mmol/L. Glucose, C6H12O6, has a molar mass of 180.156 g/mol (IUPAC's conventional atomic weights: C 12.011,
    /// H 1.008, O 15.999), so 1 mmol is 180.156 mg, and a litre has ten decilitres.
    pub const MG_PER_DL_IN_1_MMOL_PER_L: Decimal = Decimal::new(180_156, -4);

    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::MilligramsPerDecilitre => "mg/dL",
            Self::MillimolesPerLitre => "mmol/L",
        }
    }

    /// The exponent of a converted value: what meters show in that unit, and no finer than the conversion is good for.
    const fn exponent(self) -> i8 {
        match self {
            Self::MilligramsPerDecilitre => 0,
            Self::MillimolesPerLitre => -1,
        }
    }

    /// A concentration in this unit, in another one: with one decimal in mmol/L and none in mg/dL, halves away from zero. In its
    /// own unit it keeps its digits. Nothing when it has more digits than can be reckoned with, which no meter sends.
    ///
    /// ```
    /// use teleward_reading::{Decimal, GlucoseUnit::*};
    ///
    /// let sent: Decimal = "105".parse()?;
    /// let shown = MilligramsPerDecilitre.convert(sent, MillimolesPerLitre);
    /// assert_eq!(shown.map(|shown| shown.to_string()).as_deref(), Some("5.8"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn convert(self, concentration: Decimal, to: Self) -> Option<Decimal> {
        if self == to {
            return Some(concentration);
        }
        let factor = Self::MG_PER_DL_IN_1_MMOL_PER_L;
        let size = u128::from(concentration.mantissa().unsigned_abs());
        let by = u128::from(factor.mantissa().unsigned_abs());
        let tens = |of: i8| i32::from(of);
        // A fraction, and the power of ten that makes it a count of the last digit that is shown.
        let (above, below, power) = match to {
            Self::MilligramsPerDecilitre => (size.checked_mul(by)?, 1, tens(factor.exponent())),
            Self::MillimolesPerLitre => (size, by, -tens(factor.exponent())),
        };
        let power = power + tens(concentration.exponent()) - tens(to.exponent());
        let ten = 10_u128.checked_pow(power.unsigned_abs())?;
        let (above, below) = if power < 0 {
            (above, ten.checked_mul(below)?)
        } else {
            (above.checked_mul(ten)?, below)
        };
        let twice = above.checked_mul(2)?.checked_add(below)?;
        let rounded = i64::try_from(twice / below.checked_mul(2)?).ok()?;
        let mantissa = if concentration.is_negative() {
            -rounded
        } else {
            rounded
        };
        Some(Decimal::new(mantissa, to.exponent()))
    }
}

impl Value {
    /// The unit of this value when it is a concentration of glucose. The trend of a sensor is none: it is a change in a minute.
    #[must_use]
    pub fn glucose_unit(&self) -> Option<GlucoseUnit> {
        let mut units = GlucoseUnit::ALL.into_iter();
        units.find(|unit| self.name == "glucose" && self.unit == unit.ucum())
    }

    /// This concentration of glucose in another unit. HI and LO have no number, and are read in that unit all the same.
    /// Nothing where there is nothing to convert: it has the unit already, is no concentration of glucose, or has more digits
    /// than can be reckoned with.
    #[must_use]
    pub fn in_glucose_unit(&self, to: GlucoseUnit) -> Option<Self> {
        let from = self.glucose_unit().filter(|from| *from != to)?;
        let number = match self.number {
            Some(Number::Value(sent)) => Some(Number::Value(from.convert(sent, to)?)),
            none => none,
        };
        Some(Self {
            number,
            unit: to.ucum(),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::GlucoseUnit::{MilligramsPerDecilitre as Mass, MillimolesPerLitre as Amount};
    use super::*;

    /// A decimal of one unit in the other, as text.
    fn converted(text: &str, from: GlucoseUnit, to: GlucoseUnit) -> Option<String> {
        let sent: Decimal = text.parse().unwrap();
        Some(from.convert(sent, to)?.to_string())
    }

    fn glucose(number: Option<Number>, unit: &'static str) -> Value {
        Value {
            name: "glucose".into(),
            number,
            unit,
        }
    }

    /// REQ-READING-055: both units agree with what guidelines say of them (ADA, Standards of Care: 54, 70, 100, 126, 180, 200,
    /// 250 and 300 mg/dL are 3.0, 3.9, 5.6, 7.0, 10.0, 11.1, 13.9 and 16.7 mmol/L).
    #[test]
    fn glucose_is_what_guidelines_say_in_both_units() {
        for (mass, amount) in [
            ("54", "3.0"),
            ("70", "3.9"),
            ("100", "5.6"),
            ("126", "7.0"),
            ("180", "10.0"),
            ("200", "11.1"),
            ("250", "13.9"),
            ("300", "16.7"),
        ] {
            assert_eq!(converted(mass, Mass, Amount).as_deref(), Some(amount));
        }
        for (mass, amount) in [
            ("54", "3.0"),
            ("70", "3.9"),
            ("101", "5.6"),
            ("126", "7.0"),
            ("180", "10.0"),
            ("200", "11.1"),
            ("250", "13.9"),
            ("301", "16.7"),
        ] {
            assert_eq!(converted(amount, Amount, Mass).as_deref(), Some(mass));
        }
    }

    /// REQ-READING-055: it is rounded once, from the exact value, halves away from zero.
    #[test]
    fn only_the_last_step_rounds() {
        for (from, to, sent, shown) in [
            // 99.0858 / 18.0156 is 5.5 exactly
            (Mass, Amount, "99.0858", "5.5"),
            // 5.55 × 18.0156 is 99.98658
            (Amount, Mass, "5.55", "100"),
            // 0.90078 / 18.0156 is 0.05 exactly
            (Mass, Amount, "0.90078", "0.1"),
            (Mass, Amount, "0.90077", "0.0"),
            (Mass, Amount, "-0.90078", "-0.1"),
            (Mass, Amount, "-0.90077", "0.0"),
            (Mass, Amount, "0", "0.0"),
            (Amount, Mass, "0.0", "0"),
            // as a device with a positive exponent sends it
            (Mass, Amount, "1e3", "55.5"),
            (Amount, Mass, "12e1", "2162"),
            (Amount, Mass, "123456789012345678", "2224148128130814797"),
        ] {
            assert_eq!(converted(sent, from, to).as_deref(), Some(shown), "{sent}");
        }
    }

    /// REQ-READING-055: what has the unit already keeps its digits, and what cannot be reckoned with is no other number.
    #[test]
    fn nothing_else_is_made_a_number() {
        assert_eq!(converted("5.80", Amount, Amount).as_deref(), Some("5.80"));
        assert_eq!(converted("1e9", Mass, Mass).as_deref(), Some("1000000000"));
        for (sent, from, to) in [
            ("999999999999999999", Amount, Mass),
            ("1e99", Mass, Amount),
            ("1e-99", Amount, Mass),
        ] {
            assert_eq!(converted(sent, from, to), None, "{sent}");
        }
        for text in ["", "5,8", "HI", ".5", "123456789012345678901234567890"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    /// REQ-READING-055: a value is converted with its unit; HI and LO stay what they are, and a sensor's trend as it was sent.
    #[test]
    fn a_value_is_read_in_the_other_unit_with_it() {
        let sent = glucose(Some(Number::of(105, 0)), "mg/dL");
        let read = sent.in_glucose_unit(Amount).unwrap();
        assert!(read == glucose(Some(Number::of(58, -1)), "mmol/L"));
        assert!(sent.in_glucose_unit(Mass).is_none());
        for none in [
            Some(Number::PlusInfinity),
            Some(Number::MinusInfinity),
            None,
        ] {
            let read = glucose(none, "mg/dL").in_glucose_unit(Amount).unwrap();
            assert!(read == glucose(none, "mmol/L"));
        }
        let trend = Value {
            name: "trend".into(),
            number: Some(Number::of(2, 0)),
            unit: "mg/dL/min",
        };
        let weight = Value {
            name: "weight".into(),
            number: Some(Number::of(80, 0)),
            unit: "kg",
        };
        let endless = glucose(Some(Number::of(1, 99)), "mg/dL");
        assert_eq!(sent.glucose_unit(), Some(Mass));
        assert_eq!((trend.glucose_unit(), weight.glucose_unit()), (None, None));
        for other in [trend, weight, endless] {
            assert!(other.in_glucose_unit(Amount).is_none());
        }
    }
}

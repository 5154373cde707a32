//! Units of observations: from the code of ISO/IEEE 11073-10101 (partition 4, the term alone) to UCUM, in one table. A unit
//! that does not stand here is never guessed.
//!
//! Sources of the numbers: C, CSR's header of the codes of 11073-20601, -10415 and -10441
//! (`CSR_BT_PHDC_IEEE_ASN_NOM_CODES_H__`); P, Philips' `UnitCode.kt` (BLE-GHS-Server-Simulator). UCUM's codes are those of
//! its specification 2.1; of the annotations only that of steps is kept, because without it nothing would be left. What C
//! and P call by the same number differently is not here: 6752 (steps a minute, or g/lb/h), 6784 (calories, or g/lb/min).

use serde::{Deserialize, Deserializer, Serialize};

/// A unit, by its UCUM code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Ucum(&'static str);

/// A unit that does not stand in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a unit of an observation")]
pub struct UcumError;

impl Ucum {
    /// Samples and other things that are counted.
    pub(crate) const ONE: Self = Self("1");
    /// Seconds.
    pub(crate) const SECOND: Self = Self("s");

    /// The unit of an MDC code.
    #[must_use]
    pub fn of_mdc(code: u16) -> Option<Self> {
        let found = UNITS.iter().find(|(mdc, _)| *mdc == code);
        found.map(|(_, ucum)| Self(ucum))
    }

    /// The unit of a UCUM code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let found = UNITS.iter().find(|(_, ucum)| *ucum == code);
        found.map(|(_, ucum)| Self(ucum))
    }

    /// Its UCUM code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// All of them, each with an MDC code of it.
    pub fn all() -> impl Iterator<Item = (u16, Self)> {
        UNITS.iter().map(|(mdc, ucum)| (*mdc, Self(ucum)))
    }
}

/// Beside a measurement it stays out of logs.
impl std::fmt::Debug for Ucum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ucum")
    }
}

impl<'de> Deserialize<'de> for Ucum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::hex::parsed(from, |text| Self::of_code(text).ok_or(UcumError))
    }
}

const UNITS: &[(u16, &str)] = &[
    (512, "1"),        // C P: dimensionless
    (544, "%"),        // C P
    (736, "deg"),      // C P
    (1280, "m"),       // C P
    (1297, "cm"),      // C P
    (1298, "mm"),      // P
    (1344, "[ft_i]"),  // C
    (1376, "[in_i]"),  // C P
    (1600, "L"),       // P
    (1618, "mL"),      // P
    (1728, "g"),       // C P
    (1731, "kg"),      // C P
    (1746, "mg"),      // P
    (1747, "ug"),      // P
    (1760, "[lb_av]"), // C P
    (1952, "kg/m2"),   // C
    (2112, "g/dL"),    // P
    (2130, "mg/dL"),   // P
    (2176, "s"),       // P
    (2194, "ms"),      // P
    (2208, "min"),     // C P
    (2240, "h"),       // C P
    (2272, "d"),       // C P
    (2368, "a"),       // C P
    (2528, "/min"),    // P
    (2720, "/min"),    // C P: beats
    (2752, "/min"),    // P: pulses
    (2784, "/min"),    // C P: breaths
    (2816, "m/s"),     // P
    (3040, "L/s"),     // P
    (3058, "mL/s"),    // P
    (3072, "L/min"),   // P
    (3090, "mL/min"),  // P
    (3842, "hPa"),     // P
    (3843, "kPa"),     // C P
    (3872, "mm[Hg]"),  // C P
    (3904, "cm[H2O]"), // P
    (3968, "J"),       // C P
    (4032, "W"),       // C P
    (4274, "mV"),      // P
    (4275, "uV"),      // P
    (4288, "Ohm"),     // P
    (4416, "[degF]"),  // P
    (4722, "mmol/L"),  // P
    (6048, "Cel"),     // C P
    (6560, "m/min"),   // C P
    (6656, "{steps}"), // C
    (8355, "kcal"),    // P
];

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-READING-051: each MDC code of a unit has one UCUM code, and what does not stand in the table is no unit.
    #[test]
    fn a_unit_stands_in_the_table_or_is_none() {
        for (n, (mdc, ucum)) in UNITS.iter().enumerate() {
            assert!(UNITS[..n].iter().all(|(other, _)| other < mdc), "{mdc}");
            let unit = Ucum::of_mdc(*mdc).unwrap();
            assert_eq!(Ucum::of_code(ucum), Some(unit));
            let stored = serde_json::to_string(&unit).unwrap();
            assert_eq!(serde_json::from_str::<Ucum>(&stored).unwrap(), unit);
        }
        for (mdc, ucum) in [
            (0, "mmHg"),
            (6752, "{steps}/min"),
            (6784, "cal"),
            (u16::MAX, ""),
        ] {
            assert_eq!(Ucum::of_mdc(mdc), None);
            assert_eq!(Ucum::of_code(ucum), None);
            assert!(serde_json::from_str::<Ucum>(&format!("{ucum:?}")).is_err());
        }
        assert_eq!(Ucum::of_code("1"), Some(Ucum::ONE));
        assert_eq!(Ucum::of_code("s"), Some(Ucum::SECOND));
    }
}

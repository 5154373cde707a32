//! Codes of ISO/IEEE 11073-10101, 32 bits: the partition, then the term. What a sensor observes is one; a few have a name
//! here, the others are called by their number.
//!
//! Sources of the numbers: CSR's header of the codes of 11073-20601, -10415 and -10441
//! (`CSR_BT_PHDC_IEEE_ASN_NOM_CODES_H__`), Philips' `ObservationType.kt` (BLE-GHS-Server-Simulator), and what RTMMS answers
//! for lung function as a public list of the German Medical Informatics Initiative has it. The standard was not at hand.

use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Mdc(u32);

/// A number that is no code: 0, or one that an integer of FHIR does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an MDC code: it is a number from 1 to 2147483647")]
pub struct MdcError;

/// What is observed of a person: physiology (2), disease management (128), health and fitness (129), living independently
/// (130). The others hold what is no measurement: attributes of devices (1, 8), units (4), settings (258), predicted values
/// (514), and what a maker means by its own.
const OF_A_PERSON: [u32; 4] = [2, 128, 129, 130];

impl Mdc {
    /// The code with this number; `None` for 0 and for what an integer of FHIR does not hold.
    #[must_use]
    pub const fn new(code: u32) -> Option<Self> {
        if code == 0 || code > i32::MAX.cast_unsigned() {
            return None;
        }
        Some(Self(code))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether it stands in a partition of what is observed of a person.
    #[must_use]
    pub fn is_of_a_person(self) -> bool {
        OF_A_PERSON.contains(&(self.0 >> 16))
    }

    /// Its stable name, where it has one here.
    #[must_use]
    pub fn known_name(self) -> Option<&'static str> {
        self.known().map(|(_, name, _)| *name)
    }

    /// Its stable name: `respiratory_rate`; `mdc_147457` for one without.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self.known_name() {
            Some(name) => name.into(),
            None => format!("mdc_{}", self.0).into(),
        }
    }

    /// In words: "Respiratory rate"; "Observation (MDC 147457)" for one without.
    #[must_use]
    pub fn words(self) -> Cow<'static, str> {
        match self.known() {
            Some((_, _, words)) => (*words).into(),
            None => format!("Observation (MDC {})", self.0).into(),
        }
    }

    fn known(self) -> Option<&'static (u32, &'static str, &'static str)> {
        NAMES.iter().find(|(code, ..)| *code == self.0)
    }
}

/// The number, as it stands in a URL or in FHIR.
impl fmt::Display for Mdc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was observed stays out of logs.
impl fmt::Debug for Mdc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mdc")
    }
}

impl FromStr for Mdc {
    type Err = MdcError;

    /// Reads a number in the one way in which it is written: no sign, no zero in front.
    fn from_str(text: &str) -> Result<Self, MdcError> {
        let read = text.parse().ok().and_then(Self::new);
        read.filter(|code| code.to_string() == text).ok_or(MdcError)
    }
}

impl<'de> Deserialize<'de> for Mdc {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = u32::deserialize(from)?;
        Self::new(code).ok_or_else(|| serde::de::Error::custom(MdcError))
    }
}

/// What home sensors observe and no kind of reading has: the code, its stable name, and in words.
const NAMES: &[(u32, &str, &str)] = &[
    (131_328, "ecg", "ECG"),
    (131_329, "ecg_lead_i", "ECG, lead I"),
    (149_530, "oximeter_pulse", "Pulse rate of an oximeter"),
    (149_546, "cuff_pulse", "Pulse rate of a cuff"),
    (150_448, "perfusion_index", "Perfusion index"),
    (150_452, "pulse_wave", "Pulse wave of an oximeter"),
    (151_562, "respiratory_rate", "Respiratory rate"),
    (151_680, "vital_capacity", "Vital capacity"),
    (152_584, "peak_flow", "Peak expiratory flow"),
    (
        152_585,
        "peak_flow_best",
        "Peak expiratory flow, personal best",
    ),
    (
        152_586,
        "fev1",
        "Forced expiratory volume in 1 second (FEV1)",
    ),
    (
        152_587,
        "fev6",
        "Forced expiratory volume in 6 seconds (FEV6)",
    ),
    (160_220, "hba1c", "HbA1c"),
    (160_260, "inr", "INR"),
    (188_740, "height", "Body height"),
    (188_748, "fat_percent", "Body fat percentage"),
    (188_752, "bmi", "Body mass index"),
    (188_928, "fvc", "Forced vital capacity (FVC)"),
    (188_948, "fev1_fvc", "FEV1 of FVC"),
    (188_960, "fef_25_75", "Mean flow from 25 to 75 % of FVC"),
    (8_454_247, "distance", "Distance"),
    (8_454_263, "energy", "Energy"),
    (8_454_269, "activity_time", "Time of activity"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-READING-052: a code that home sensors use has a name and words, any other one says its number; each name once.
    #[test]
    fn a_code_has_words_or_says_its_number() {
        let words = |code| Mdc::new(code).unwrap().words();
        assert_eq!(words(151_562), "Respiratory rate");
        assert_eq!(words(147_457), "Observation (MDC 147457)");
        assert_eq!(Mdc::new(147_457).unwrap().name(), "mdc_147457");
        for (n, (code, name, _)) in NAMES.iter().enumerate() {
            let code = Mdc::new(*code).unwrap();
            assert!(code.is_of_a_person(), "{name}");
            assert_eq!(code.name(), *name);
            assert!(
                NAMES[..n]
                    .iter()
                    .all(|(other, known, _)| Mdc(*other) < code && known != name)
            );
        }
    }

    /// REQ-READING-052: what is no measurement of a person is told from what is: a battery, a unit, a setting, a prediction.
    #[test]
    fn partitions_tell_what_is_of_a_person() {
        for (code, of_a_person) in [
            (151_562, true),
            (8_417_752, true),
            (8_454_247, true),
            (67_996, false),
            (262_688, false),
            (528_388, false),
            (16_929_196, false),
            (33_707_016, false),
            (67_174_401, false),
        ] {
            assert_eq!(Mdc::new(code).unwrap().is_of_a_person(), of_a_person);
        }
        assert_eq!(Mdc::new(0), None);
        assert_eq!(Mdc::new(1 << 31), None);
        for bad in ["", "0", "01", "+1", "-1", "1.0", "2147483648", " 1"] {
            assert_eq!(bad.parse::<Mdc>(), Err(MdcError), "{bad}");
        }
    }
}

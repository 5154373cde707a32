//! What was measured: one variant a kind, and what all kinds can be asked.

use crate::parts::{Found, Gap};
use crate::{
    BloodPressure, BodyComposition, Doubt, Glucose, GlucoseCgm, HeartRate, Kind, Observation,
    Oximetry, Parts, Temperature, Weight,
};
use serde::{Deserialize, Serialize};

/// The values, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "values")]
#[non_exhaustive]
pub enum Measurement {
    /// Blood pressure.
    BloodPressure(BloodPressure),
    /// Weight.
    Weight(Weight),
    /// Body temperature.
    Temperature(Temperature),
    /// Oxygen saturation.
    Spo2(Oximetry),
    /// Blood glucose.
    Glucose(Glucose),
    /// Heart rate.
    HeartRate(HeartRate),
    /// Body composition.
    BodyComposition(BodyComposition),
    /// Glucose of a sensor under the skin.
    GlucoseCgm(GlucoseCgm),
    /// What a health sensor observes and none of the others takes.
    Observation(Observation),
}

/// The same question to whichever kind it is.
macro_rules! each {
    ($measurement:expr, $values:ident => $answer:expr) => {
        match $measurement {
            Measurement::BloodPressure($values) => $answer,
            Measurement::Weight($values) => $answer,
            Measurement::Temperature($values) => $answer,
            Measurement::Spo2($values) => $answer,
            Measurement::Glucose($values) => $answer,
            Measurement::HeartRate($values) => $answer,
            Measurement::BodyComposition($values) => $answer,
            Measurement::GlucoseCgm($values) => $answer,
            Measurement::Observation($values) => $answer,
        }
    };
}

impl Measurement {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::BloodPressure(_) => Kind::BloodPressure,
            Self::Weight(_) => Kind::Weight,
            Self::Temperature(_) => Kind::Temperature,
            Self::Spo2(_) => Kind::Spo2,
            Self::Glucose(_) => Kind::Glucose,
            Self::HeartRate(_) => Kind::HeartRate,
            Self::BodyComposition(_) => Kind::BodyComposition,
            Self::GlucoseCgm(_) => Kind::GlucoseCgm,
            Self::Observation(_) => Kind::Observation,
        }
    }

    /// Taken apart, for screens and for FHIR.
    #[must_use]
    pub fn parts(&self) -> Parts {
        each!(self, values => values.parts())
    }

    /// What is no reading stays out of the numbers: control solution, demonstration, a pulse of 0, HI and LO.
    #[must_use]
    pub fn sifted(self) -> Self {
        match self {
            Self::Spo2(values) => Self::Spo2(values.sifted()),
            Self::Glucose(values) => Self::Glucose(values.sifted()),
            Self::HeartRate(values) => Self::HeartRate(values.sifted()),
            Self::GlucoseCgm(values) => Self::GlucoseCgm(values.sifted()),
            other => other,
        }
    }

    /// The user slot as sent; FF is "unknown user".
    #[must_use]
    pub fn user_slot(&self) -> Option<u8> {
        self.parts().user_slot
    }

    /// What the measurement itself says against being trusted.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = each!(self, values => values.doubts());
        let parts = self.parts();
        if parts.user_slot == Some(0xff) {
            doubts.push(Doubt::UserUnknown);
        }
        if parts.bits.iter().any(|bits| bits.reserved != 0) {
            doubts.push(Doubt::NotUnderstood);
        }
        doubts
    }

    /// The measurement of a kind from what a resource says.
    pub(crate) fn from_parts(kind: Kind, found: &Found) -> Result<Self, Gap> {
        Ok(match kind {
            Kind::BloodPressure => Self::BloodPressure(BloodPressure::from_parts(found)?),
            Kind::Weight => Self::Weight(Weight::from_parts(found)?),
            Kind::Temperature => Self::Temperature(Temperature::from_parts(found)?),
            Kind::Spo2 => Self::Spo2(Oximetry::from_parts(found)?),
            Kind::Glucose => Self::Glucose(Glucose::from_parts(found)?),
            Kind::HeartRate => Self::HeartRate(HeartRate::from_parts(found)?),
            Kind::BodyComposition => Self::BodyComposition(BodyComposition::from_parts(found)?),
            Kind::GlucoseCgm => Self::GlucoseCgm(GlucoseCgm::from_parts(found)?),
            // Its numbers have codes and no names: `fhir::observed` reads them.
            Kind::Observation => return Err(Gap::Number("observation")),
        })
    }
}

//! The kinds of measurement. Their names are those of `teleward decode`, and stand in every `ReadingId`: they never
//! change (`docs/formats/reading-id.md`).

use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Blood pressure.
    BloodPressure,
    /// Weight.
    Weight,
    /// Body temperature.
    Temperature,
    /// Oxygen saturation.
    Spo2,
    /// Blood glucose.
    Glucose,
    /// Heart rate.
    HeartRate,
    /// Body composition.
    BodyComposition,
    /// Glucose of a sensor under the skin.
    GlucoseCgm,
    /// What a health sensor observes and none of the others takes.
    Observation,
}

impl Kind {
    /// All of them, in the order in which a screen shows them.
    pub const ALL: [Self; 9] = [
        Self::BloodPressure,
        Self::Weight,
        Self::Temperature,
        Self::Spo2,
        Self::Glucose,
        Self::HeartRate,
        Self::BodyComposition,
        Self::GlucoseCgm,
        Self::Observation,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood_pressure",
            Self::Weight => "weight",
            Self::Temperature => "temperature",
            Self::Spo2 => "spo2",
            Self::Glucose => "glucose",
            Self::HeartRate => "heart_rate",
            Self::BodyComposition => "body_composition",
            Self::GlucoseCgm => "glucose_cgm",
            Self::Observation => "observation",
        }
    }

    /// The packets of a record that make its id: all, except that what a person told a meter about a record is no part
    /// of it. A record is the same with its context, without it, and with one that changed. Of a CGM the first packet is
    /// the record, and what its session and the sensor say of all records stands behind it.
    #[must_use]
    pub fn id_packets(self, packets: &[Vec<u8>]) -> &[Vec<u8>] {
        match self {
            Self::Glucose | Self::GlucoseCgm => packets.get(..1).unwrap_or_default(),
            _ => packets,
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_everywhere() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            let stored = serde_json::to_string(&kind).unwrap();
            assert_eq!(stored, format!("{:?}", kind.name()));
        }
        assert_eq!(Kind::from_name("mood"), None);
    }
}

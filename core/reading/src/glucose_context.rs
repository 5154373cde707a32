//! Glucose Measurement Context (0x2A34, GATT Specification Supplement): what a person told the meter about a record.

use crate::parts::{Coded, Found, Gap, keep_out_of_logs, optional};
use crate::{Number, Parts};
use serde::{Deserialize, Serialize};

/// The context of one record; it is joined to it by the sequence number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlucoseContext {
    /// What was eaten: the standard's number.
    pub carbohydrate_id: Option<u8>,
    /// How much of it, grams (sent in kilograms).
    pub carbohydrate: Option<Number>,
    /// Before or after which meal: the standard's number.
    pub meal: Option<u8>,
    /// Who measured: the standard's number.
    pub tester: Option<u8>,
    /// How the person was: the standard's number.
    pub health: Option<u8>,
    /// How long the exercise was, seconds; plus infinity when the meter could not count so far (FFFF).
    pub exercise_duration: Option<Number>,
    /// How hard it was, percent.
    pub exercise_intensity: Option<Number>,
    /// Which medicine: the standard's number.
    pub medication_id: Option<u8>,
    /// How much of it, in `medication_unit`.
    pub medication: Option<Number>,
    /// The unit of the medicine.
    pub medication_unit: Option<MedicationUnit>,
    /// HbA1c, percent.
    pub hba1c: Option<Number>,
}

/// Before or after which meal: what a person may say of a glucose that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meal {
    /// Before a meal.
    Before,
    /// After a meal.
    After,
    /// Nothing eaten for long.
    Fasting,
    /// Neither.
    Casual,
    /// Before going to bed.
    Bedtime,
}

impl Meal {
    /// The standard's number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Before => 1,
            Self::After => 2,
            Self::Fasting => 3,
            Self::Casual => 4,
            Self::Bedtime => 5,
        }
    }
}

/// The unit of a medicine (sent in kilograms or litres).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MedicationUnit {
    /// Milligram.
    #[serde(rename = "mg")]
    Milligram,
    /// Millilitre.
    #[serde(rename = "mL")]
    Millilitre,
}

const MEDICATION_UNITS: [&str; 2] = ["mg", "mL"];
const CARBOHYDRATES: [&str; 8] = [
    "",
    "breakfast",
    "lunch",
    "dinner",
    "snack",
    "drink",
    "supper",
    "brunch",
];
const MEALS: [&str; 6] = [
    "",
    "before_meal",
    "after_meal",
    "fasting",
    "casual",
    "bedtime",
];
const TESTERS: [&str; 4] = ["", "self", "health_professional", "laboratory"];
const HEALTH: [&str; 6] = [
    "",
    "minor_issues",
    "major_issues",
    "during_menses",
    "under_stress",
    "no_issues",
];
const MEDICINES: [&str; 6] = [
    "",
    "rapid_acting_insulin",
    "short_acting_insulin",
    "intermediate_acting_insulin",
    "long_acting_insulin",
    "pre_mixed_insulin",
];

keep_out_of_logs!(GlucoseContext);

impl GlucoseContext {
    pub(crate) fn add_to(&self, parts: &mut Parts) {
        let unit = self.medication_unit.map_or(0, MedicationUnit::code);
        let unit_name = MEDICATION_UNITS[usize::from(unit)];
        parts.values.extend(
            [
                optional("carbohydrate", self.carbohydrate, "g"),
                optional("exercise_duration", self.exercise_duration, "s"),
                optional("exercise_intensity", self.exercise_intensity, "%"),
                optional("medication", self.medication, unit_name),
                optional("hba1c", self.hba1c, "%"),
            ]
            .into_iter()
            .flatten(),
        );
        let coded = [
            ("carbohydrate_id", self.carbohydrate_id, &CARBOHYDRATES[..]),
            ("meal", self.meal, &MEALS),
            ("tester", self.tester, &TESTERS),
            ("health", self.health, &HEALTH),
            ("medication_id", self.medication_id, &MEDICINES),
            (
                "medication_unit",
                self.medication_unit.map(MedicationUnit::code),
                &MEDICATION_UNITS,
            ),
        ];
        let told = coded.into_iter();
        parts
            .coded
            .extend(told.filter_map(|(name, code, words)| Some(Coded::of(name, code?, words))));
        // A context that says nothing is still one.
        parts.coded.push(Coded {
            name: "context",
            code: 1,
            word: None,
        });
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Option<Self>, Gap> {
        if found.coded::<u8>("context")?.is_none() {
            return Ok(None);
        }
        let unit = match found.coded::<u8>("medication_unit")? {
            None => None,
            Some(0) => Some(MedicationUnit::Milligram),
            Some(1) => Some(MedicationUnit::Millilitre),
            Some(_) => return Err(Gap::Code("medication_unit")),
        };
        Ok(Some(Self {
            carbohydrate_id: found.coded("carbohydrate_id")?,
            carbohydrate: found.number("carbohydrate"),
            meal: found.coded("meal")?,
            tester: found.coded("tester")?,
            health: found.coded("health")?,
            exercise_duration: found.number("exercise_duration"),
            exercise_intensity: found.number("exercise_intensity"),
            medication_id: found.coded("medication_id")?,
            medication: found.number("medication"),
            medication_unit: unit,
            hba1c: found.number("hba1c"),
        }))
    }
}

impl MedicationUnit {
    const fn code(self) -> u8 {
        match self {
            Self::Milligram => 0,
            Self::Millilitre => 1,
        }
    }
}

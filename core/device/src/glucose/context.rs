//! Glucose Measurement Context (0x2A34): what the person entered beside a measurement, joined to it by its sequence
//! number.

use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use reading::Number;

const CARBOHYDRATE: u8 = 0x01;
const MEAL: u8 = 0x02;
const TESTER_HEALTH: u8 = 0x04;
const EXERCISE: u8 = 0x08;
const MEDICATION: u8 = 0x10;
const LITRES: u8 = 0x20;
const HBA1C: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// What was eaten.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Carbohydrate {
    /// 1 breakfast, 2 lunch, 3 dinner, 4 snack, 5 drink, 6 supper, 7 brunch.
    pub id: u8,
    /// Kilograms.
    pub kg: Number,
}

/// Exercise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// Seconds; 65,535 means longer than that.
    pub duration_s: u16,
    /// Percent.
    pub intensity_percent: u8,
}

/// How much was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dose {
    /// Kilograms.
    Kg(Number),
    /// Litres.
    L(Number),
}

/// What was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Medication {
    /// 1 rapid acting insulin, 2 short, 3 intermediate, 4 long acting, 5 pre-mixed.
    pub id: u8,
    /// How much.
    pub dose: Dose,
}

/// A frame of 0x2A34.
#[derive(Clone, PartialEq, Eq)]
pub struct GlucoseContextFrame {
    /// The measurement's sequence number.
    pub sequence: u16,
    /// Extended Flags, all of them reserved: kept. The fields known today stand where they stand whatever it says.
    pub extended_flags: Option<u8>,
    /// What was eaten.
    pub carbohydrate: Option<Carbohydrate>,
    /// 1 before a meal, 2 after, 3 fasting, 4 casual, 5 bedtime.
    pub meal: Option<u8>,
    /// Who measured, in the low half (1 self, 2 professional, 3 laboratory, 15 not available), and how the person was,
    /// in the high half (1 minor issues, 2 major, 3 during menses, 4 under stress, 5 none, 15 not available).
    pub tester_health: Option<u8>,
    /// Exercise.
    pub exercise: Option<Exercise>,
    /// What was taken.
    pub medication: Option<Medication>,
    /// Whether the frame's flags say litres where no medication stands.
    pub bare_litres: bool,
    /// HbA1c in percent.
    pub hba1c_percent: Option<Number>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// What a person ate and took stays out of logs.
impl std::fmt::Debug for GlucoseContextFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlucoseContextFrame")
    }
}

impl GlucoseContextFrame {
    /// Reads a frame. All eight flags have a meaning.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        let has = |bit| flags & bit != 0;
        let sequence = cursor.u16("sequence number")?;
        let extended_flags = has(EXTENDED)
            .then(|| cursor.u8("extended flags"))
            .transpose()?;
        let carbohydrate = if has(CARBOHYDRATE) {
            Some(Carbohydrate {
                id: cursor.u8("carbohydrate")?,
                kg: sfloat(cursor.u16("carbohydrate mass")?),
            })
        } else {
            None
        };
        let meal = has(MEAL).then(|| cursor.u8("meal")).transpose()?;
        let tester_health = has(TESTER_HEALTH)
            .then(|| cursor.u8("tester and health"))
            .transpose()?;
        let exercise = if has(EXERCISE) {
            Some(Exercise {
                duration_s: cursor.u16("exercise duration")?,
                intensity_percent: cursor.u8("exercise intensity")?,
            })
        } else {
            None
        };
        let medication = if has(MEDICATION) {
            let id = cursor.u8("medication")?;
            let amount = sfloat(cursor.u16("medication amount")?);
            let dose = if has(LITRES) {
                Dose::L(amount)
            } else {
                Dose::Kg(amount)
            };
            Some(Medication { id, dose })
        } else {
            None
        };
        let hba1c = has(HBA1C).then(|| cursor.u16("HbA1c")).transpose()?;
        Ok(Self {
            sequence,
            extended_flags,
            carbohydrate,
            meal,
            tester_health,
            exercise,
            bare_litres: has(LITRES) && medication.is_none(),
            medication,
            hba1c_percent: hba1c.map(sfloat),
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated meter does; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let litres = matches!(
            self.medication,
            Some(Medication {
                dose: Dose::L(_),
                ..
            })
        );
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(CARBOHYDRATE, self.carbohydrate.is_some());
        set(MEAL, self.meal.is_some());
        set(TESTER_HEALTH, self.tester_health.is_some());
        set(EXERCISE, self.exercise.is_some());
        set(MEDICATION, self.medication.is_some());
        set(
            LITRES,
            litres || self.bare_litres && self.medication.is_none(),
        );
        set(HBA1C, self.hba1c_percent.is_some());
        set(EXTENDED, self.extended_flags.is_some());
        let mut frame = vec![flags];
        frame.extend(self.sequence.to_le_bytes());
        frame.extend(self.extended_flags);
        if let Some(carbohydrate) = self.carbohydrate {
            frame.push(carbohydrate.id);
            frame.extend(to_sfloat(carbohydrate.kg)?.to_le_bytes());
        }
        frame.extend(self.meal);
        frame.extend(self.tester_health);
        if let Some(exercise) = self.exercise {
            frame.extend(exercise.duration_s.to_le_bytes());
            frame.push(exercise.intensity_percent);
        }
        if let Some(medication) = self.medication {
            let (Dose::Kg(amount) | Dose::L(amount)) = medication.dose;
            frame.push(medication.id);
            frame.extend(to_sfloat(amount)?.to_le_bytes());
        }
        if let Some(hba1c) = self.hba1c_percent {
            frame.extend(to_sfloat(hba1c)?.to_le_bytes());
        }
        frame.extend(&self.extra);
        Some(frame)
    }
}

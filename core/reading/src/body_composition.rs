//! Body composition: what a scale measures by impedance (Body Composition Measurement, 0x2A9C, GATT Specification
//! Supplement), all packets of one measurement.

use crate::parts::{Found, Gap, Value, keep_out_of_logs, optional};
use crate::{Doubt, MassUnit, Number, Parts};
use serde::{Deserialize, Serialize};

/// One measurement.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyComposition {
    /// Body fat, percent; NaN when the scale says that it failed (FFFF, "measurement unsuccessful").
    pub fat_percent: Number,
    /// The unit of all masses; it decides that of the height too.
    pub unit: MassUnit,
    /// Basal metabolism, kilojoule.
    pub basal_metabolism: Option<Number>,
    /// Muscle, percent.
    pub muscle_percent: Option<Number>,
    /// Muscle, mass.
    pub muscle_mass: Option<Number>,
    /// All but fat, mass.
    pub fat_free_mass: Option<Number>,
    /// All but fat and bone, mass.
    pub soft_lean_mass: Option<Number>,
    /// Water, mass.
    pub body_water_mass: Option<Number>,
    /// Impedance, ohm.
    pub impedance: Option<Number>,
    /// Weight.
    pub weight: Option<Number>,
    /// The height that the scale was told: centimetres beside kilograms, inches beside pounds.
    pub height: Option<Number>,
    /// The user slot as sent; FF is "unknown user".
    pub user_slot: Option<u8>,
}

keep_out_of_logs!(BodyComposition);

impl BodyComposition {
    pub(crate) fn parts(&self) -> Parts {
        let mass = self.unit.ucum();
        let mut values = vec![Value {
            name: "fat_percent".into(),
            number: Some(self.fat_percent),
            unit: "%",
        }];
        let rest = [
            optional("basal_metabolism", self.basal_metabolism, "kJ"),
            optional("muscle_percent", self.muscle_percent, "%"),
            optional("muscle_mass", self.muscle_mass, mass),
            optional("fat_free_mass", self.fat_free_mass, mass),
            optional("soft_lean_mass", self.soft_lean_mass, mass),
            optional("body_water_mass", self.body_water_mass, mass),
            optional("impedance", self.impedance, "Ohm"),
            optional("weight", self.weight, mass),
            optional("height", self.height, self.unit.height_ucum()),
        ];
        values.extend(rest.into_iter().flatten());
        Parts {
            values,
            main: 1,
            unit: Some(mass),
            user_slot: self.user_slot,
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            fat_percent: found.needed("fat_percent")?,
            unit: found.unit(&MassUnit::ALL, MassUnit::ucum)?,
            basal_metabolism: found.number("basal_metabolism"),
            muscle_percent: found.number("muscle_percent"),
            muscle_mass: found.number("muscle_mass"),
            fat_free_mass: found.number("fat_free_mass"),
            soft_lean_mass: found.number("soft_lean_mass"),
            body_water_mass: found.number("body_water_mass"),
            impedance: found.number("impedance"),
            weight: found.number("weight"),
            height: found.number("height"),
            user_slot: found.user_slot,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        Doubt::of_number(Some(self.fat_percent))
            .into_iter()
            .collect()
    }
}

//! Weight: what a scale (Weight Measurement, 0x2A9D, GATT Specification Supplement) or a person says.

use crate::parts::{Found, Gap, Value, keep_out_of_logs, optional};
use crate::{Doubt, Number, Parts};
use serde::{Deserialize, Serialize};

/// One weighing.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// The weight, in `unit`; NaN when the scale says that it failed (FFFF, "measurement unsuccessful").
    pub weight: Number,
    /// The unit of the weight; it decides that of the height too.
    pub unit: MassUnit,
    /// Body mass index as the scale computed it, kg/m².
    pub bmi: Option<Number>,
    /// The height that the scale was told: centimetres beside kilograms, inches beside pounds.
    pub height: Option<Number>,
    /// The user slot as sent; FF is "unknown user".
    pub user_slot: Option<u8>,
}

/// The unit of a mass. Values are kept in the unit in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MassUnit {
    /// Kilogram.
    #[serde(rename = "kg")]
    Kilogram,
    /// Pound.
    #[serde(rename = "[lb_av]")]
    Pound,
}

impl MassUnit {
    pub(crate) const ALL: [Self; 2] = [Self::Kilogram, Self::Pound];

    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Pound => "[lb_av]",
        }
    }

    /// UCUM code of the heights that go with it.
    #[must_use]
    pub const fn height_ucum(self) -> &'static str {
        match self {
            Self::Kilogram => "cm",
            Self::Pound => "[in_i]",
        }
    }
}

keep_out_of_logs!(Weight);

impl Weight {
    pub(crate) fn parts(&self) -> Parts {
        let mut values = vec![Value {
            name: "weight".into(),
            number: Some(self.weight),
            unit: self.unit.ucum(),
        }];
        values.extend(optional("bmi", self.bmi, "kg/m2"));
        values.extend(optional("height", self.height, self.unit.height_ucum()));
        Parts {
            values,
            main: 1,
            unit: Some(self.unit.ucum()),
            user_slot: self.user_slot,
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            weight: found.needed("weight")?,
            unit: found.unit(&MassUnit::ALL, MassUnit::ucum)?,
            bmi: found.number("bmi"),
            height: found.number("height"),
            user_slot: found.user_slot,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        Doubt::of_number(Some(self.weight)).into_iter().collect()
    }
}

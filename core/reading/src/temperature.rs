//! Body temperature: what a thermometer (Temperature Measurement, 0x2A1C, GATT Specification Supplement) or a person
//! says.

use crate::parts::{Coded, Found, Gap, Value, keep_out_of_logs};
use crate::{Doubt, Number, Parts};
use serde::{Deserialize, Serialize};

/// One temperature.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Temperature {
    /// The temperature, in `unit`.
    pub temperature: Number,
    /// Its unit.
    pub unit: TemperatureUnit,
    /// Where it was taken: the standard's number (Temperature Type, 0x2A1D).
    pub site: Option<u8>,
}

/// The unit of a temperature. Values are kept in the unit in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TemperatureUnit {
    /// Degree Celsius.
    #[serde(rename = "Cel")]
    Celsius,
    /// Degree Fahrenheit.
    #[serde(rename = "[degF]")]
    Fahrenheit,
}

impl TemperatureUnit {
    const ALL: [Self; 2] = [Self::Celsius, Self::Fahrenheit];

    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::Celsius => "Cel",
            Self::Fahrenheit => "[degF]",
        }
    }
}

/// Where a temperature was taken, by the standard's number.
const SITES: [&str; 10] = [
    "",
    "armpit",
    "body",
    "ear",
    "finger",
    "gastrointestinal_tract",
    "mouth",
    "rectum",
    "toe",
    "eardrum",
];

keep_out_of_logs!(Temperature);

impl Temperature {
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            values: vec![Value {
                name: "temperature".into(),
                number: Some(self.temperature),
                unit: self.unit.ucum(),
            }],
            main: 1,
            unit: Some(self.unit.ucum()),
            coded: self
                .site
                .map(|site| Coded::of("site", site, &SITES))
                .into_iter()
                .collect(),
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            temperature: found.needed("temperature")?,
            unit: found.unit(&TemperatureUnit::ALL, TemperatureUnit::ucum)?,
            site: found.coded("site")?,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        Doubt::of_number(Some(self.temperature))
            .into_iter()
            .collect()
    }
}

//! Heart rate: one notification of a heart rate sensor (Heart Rate Measurement, 0x2A37, GATT Specification Supplement),
//! or what a person counted.

use crate::parts::{Coded, Found, Gap, Series, Value, keep_out_of_logs};
use crate::{Decimal, Doubt, Number, Parts};
use serde::{Deserialize, Serialize};

/// One heart rate. Build it with [`HeartRate::sifted`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartRate {
    /// Beats per minute. Nothing when the sensor had none (0).
    pub heart_rate: Option<Number>,
    /// Whether the sensor touches the skin; nothing when it cannot tell.
    pub contact: Option<bool>,
    /// Energy spent since it was last reset, kilojoule.
    pub energy_kj: Option<u16>,
    /// The times between beats, oldest first, in 1/1024 s.
    pub rr_1024: Vec<u16>,
}

keep_out_of_logs!(HeartRate);

impl HeartRate {
    /// What is no reading stays out of the numbers: a rate of 0.
    #[must_use]
    pub fn sifted(self) -> Self {
        let none = |number: &Number| number.value().is_some_and(|rate| rate.mantissa() == 0);
        Self {
            heart_rate: self.heart_rate.filter(|rate| !none(rate)),
            ..self
        }
    }

    pub(crate) fn parts(&self) -> Parts {
        let contact = self
            .contact
            .map(|on| Coded::of("contact", u8::from(on), &["none", "skin"]));
        let energy = self.energy_kj.map(|energy| Coded {
            name: "energy_kj",
            code: energy.into(),
            word: None,
        });
        let series = Series {
            name: "rr_1024",
            numbers: self
                .rr_1024
                .iter()
                .map(|rr| Decimal::new((*rr).into(), 0))
                .collect(),
        };
        Parts {
            values: vec![Value {
                name: "heart_rate".into(),
                number: self.heart_rate,
                unit: "/min",
            }],
            main: 1,
            series: (!self.rr_1024.is_empty())
                .then_some(series)
                .into_iter()
                .collect(),
            coded: contact.into_iter().chain(energy).collect(),
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        let contact = match found.coded::<u8>("contact")? {
            None => None,
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) => return Err(Gap::Code("contact")),
        };
        let rr = found
            .series("rr_1024")
            .iter()
            .map(|rr| match rr.exponent() {
                0 => u16::try_from(rr.mantissa()).map_err(|_| Gap::Code("rr_1024")),
                _ => Err(Gap::Code("rr_1024")),
            });
        Ok(Self {
            heart_rate: found.main("heart_rate")?,
            contact,
            energy_kj: found.coded("energy_kj")?,
            rr_1024: rr.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let loose = (self.contact == Some(false)).then_some(Doubt::Disturbed);
        let number = Doubt::of_number(self.heart_rate);
        loose.into_iter().chain(number).collect()
    }
}

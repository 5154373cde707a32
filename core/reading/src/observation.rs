//! An observation that no other kind takes: what a Generic Health Sensor (0x2B8B, 0x2BDD) observes by a code of ISO/IEEE
//! 11073-10101, with its value and unit as they were sent.

use crate::parts::{Coded, Value, keep_out_of_logs, optional};
use crate::{Decimal, Doubt, Mdc, Number, Parts, Samples, Ucum};
use serde::{Deserialize, Serialize};

/// How many numbers a compound has at most.
pub const MOST_PARTS: usize = 16;

/// A number with its unit.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// What was sent.
    pub number: Number,
    /// Its unit.
    pub unit: Ucum,
}

/// One number of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservationPart {
    /// What it is.
    pub code: Mdc,
    /// Its number.
    pub quantity: Quantity,
}

/// What was observed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservationValue {
    /// A number.
    Number(Quantity),
    /// Several numbers, each with its code.
    Compound(Vec<ObservationPart>),
    /// Samples.
    Samples(Box<Samples>),
    /// One of the codes that the observation can have.
    Code(Mdc),
}

/// One observation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    code: Mdc,
    value: ObservationValue,
    user_slot: Option<u8>,
}

keep_out_of_logs!(Quantity, ObservationPart, ObservationValue, Observation);

impl Observation {
    /// An observation; `None` when the code, or that of a part, is of nothing that is observed of a person, and for a
    /// compound without a part, with more than [`MOST_PARTS`], or with one twice.
    #[must_use]
    pub fn new(code: Mdc, value: ObservationValue, user_slot: Option<u8>) -> Option<Self> {
        let parts: &[ObservationPart] = match &value {
            ObservationValue::Compound(parts) => {
                let fit = (1..=MOST_PARTS).contains(&parts.len());
                fit.then_some(parts.as_slice())?
            }
            _ => &[],
        };
        let once = |(n, part): (usize, &ObservationPart)| {
            parts[..n].iter().all(|other| other.code != part.code)
        };
        let of_a_person =
            code.is_of_a_person() && parts.iter().all(|part| part.code.is_of_a_person());
        (of_a_person && parts.iter().enumerate().all(once)).then_some(Self {
            code,
            value,
            user_slot,
        })
    }

    /// What was observed.
    #[must_use]
    pub const fn code(&self) -> Mdc {
        self.code
    }

    /// Its value.
    #[must_use]
    pub const fn value(&self) -> &ObservationValue {
        &self.value
    }

    /// The sensor's number of its patient, as sent.
    #[must_use]
    pub const fn user_slot(&self) -> Option<u8> {
        self.user_slot
    }

    fn numbers(&self) -> Vec<(Mdc, Quantity)> {
        match &self.value {
            ObservationValue::Number(quantity) => vec![(self.code, *quantity)],
            ObservationValue::Compound(parts) => parts
                .iter()
                .map(|part| (part.code, part.quantity))
                .collect(),
            ObservationValue::Samples(_) | ObservationValue::Code(_) => Vec::new(),
        }
    }

    pub(crate) fn parts(&self) -> Parts {
        let numbers = self.numbers();
        let mut parts = Parts {
            main: numbers.len(),
            values: numbers
                .into_iter()
                .map(|(code, quantity)| Value {
                    name: code.name(),
                    number: Some(quantity.number),
                    unit: quantity.unit.code(),
                })
                .collect(),
            user_slot: self.user_slot,
            coded: vec![coded("observation", self.code)],
            ..Parts::default()
        };
        match &self.value {
            ObservationValue::Number(quantity) => parts.unit = Some(quantity.unit.code()),
            ObservationValue::Samples(samples) => {
                parts.main = 1;
                parts.values = counted(samples);
            }
            ObservationValue::Code(code) => parts.coded.push(coded("value", *code)),
            ObservationValue::Compound(_) => {}
        }
        parts
    }

    /// It failed when none of its numbers is one; the first says why.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let numbers = self.numbers();
        let is_one = |(_, quantity): &(Mdc, Quantity)| quantity.number.value().is_some();
        match numbers.first() {
            Some((_, first)) if !numbers.iter().any(is_one) => {
                Doubt::of_number(Some(first.number)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

fn coded(name: &'static str, code: Mdc) -> Coded {
    Coded {
        name,
        // A code is never larger than that.
        code: i32::try_from(code.number()).unwrap_or(i32::MAX),
        word: code.known_name(),
    }
}

/// What stands for samples where there is no room for them: how many, how long, the lowest and the highest.
fn counted(samples: &Samples) -> Vec<Value> {
    let value = |name, decimal: Option<Decimal>, unit: Ucum| {
        optional(name, decimal.map(Number::Value), unit.code())
    };
    let count = i64::try_from(samples.samples().len()).ok();
    let (low, high) = samples.range().unzip();
    let told = [
        value("samples", count.map(|n| Decimal::new(n, 0)), Ucum::ONE),
        value("duration", samples.duration_s(), Ucum::SECOND),
        value("lowest", low, samples.unit()),
        value("highest", high, samples.unit()),
    ];
    told.into_iter().flatten().collect()
}

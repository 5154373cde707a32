//! A measurement taken apart into what every kind is made of: numbers with units, coded statements, status bits.
//!
//! In: one of the kinds' own structs. Out: [`Parts`], which a screen lists and FHIR is written from, without knowing
//! the kind. The way back is `Found`: what a FHIR resource says, from which each kind makes its own struct again.

use crate::{Decimal, Number};
use std::borrow::Cow;

/// One number of a measurement.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// Its name, as `teleward decode` prints it: `systolic`, `weight`, … Of an observation the name of its code.
    pub name: Cow<'static, str>,
    /// What was sent. Nothing where the kind's main number is not there, or is no patient's: control solution,
    /// demonstration, calibration.
    pub number: Option<Number>,
    /// Its UCUM code.
    pub unit: &'static str,
}

/// A statement that is one of few: a body site, a meal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    /// What it is about: `site`, `meal`, …
    pub name: &'static str,
    /// The standard's number, as sent.
    pub code: i32,
    /// Its stable name; nothing where the standard gives the number no meaning.
    pub word: Option<&'static str>,
}

impl Coded {
    /// A code with its word, if the list has one at its place.
    pub(crate) fn of(name: &'static str, code: u8, words: &[&'static str]) -> Self {
        let word = words.get(usize::from(code)).copied();
        Self {
            name,
            code: code.into(),
            word: word.filter(|word| !word.is_empty()),
        }
    }
}

/// A field of status bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Bits {
    /// Its name: `status`, `measurement_status`, …
    pub name: &'static str,
    /// As sent.
    pub bits: u32,
    /// How many bytes it has.
    pub bytes: usize,
    /// What is said, in the order of the bits.
    pub flags: Vec<&'static str>,
    /// Those that are set and have no meaning.
    pub reserved: u32,
}

/// Numbers of one name in a row, oldest first.
#[derive(Clone, PartialEq, Eq)]
pub struct Series {
    /// Its name, which says the unit: `rr_1024`.
    pub name: &'static str,
    /// The numbers.
    pub numbers: Vec<Decimal>,
}

/// A measurement, taken apart.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The numbers; the main ones first.
    pub values: Vec<Value>,
    /// How many are main ones: without any of them nothing was measured.
    pub main: usize,
    /// Numbers in a row.
    pub series: Vec<Series>,
    /// The unit that the device or person chose, where there is a choice.
    pub unit: Option<&'static str>,
    /// The user slot as sent; FF is "unknown user".
    pub user_slot: Option<u8>,
    /// Coded statements.
    pub coded: Vec<Coded>,
    /// Status bits.
    pub bits: Vec<Bits>,
}

impl Parts {
    /// The main numbers.
    #[must_use]
    pub fn main(&self) -> &[Value] {
        &self.values[..self.main.min(self.values.len())]
    }

    /// Everything that the device says about the measurement, by its stable names.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        self.bits.iter().flat_map(|bits| bits.flags.iter().copied())
    }
}

macro_rules! keep_out_of_logs {
    ($($name:ident),*) => {$(
        /// A measurement stays out of logs.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
pub(crate) use keep_out_of_logs;
keep_out_of_logs!(Value, Coded, Bits, Series, Parts);

/// Bits by name: the place in the list is the number of the bit.
pub(crate) fn bits(name: &'static str, bits: u32, bytes: usize, names: &[&'static str]) -> Bits {
    let set = |bit: &usize| bits >> bit & 1 == 1;
    let known = (0..names.len()).filter(|bit| !names[*bit].is_empty());
    Bits {
        name,
        bits,
        bytes,
        flags: known.clone().filter(set).map(|bit| names[bit]).collect(),
        reserved: known.fold(bits, |left, bit| left & !(1 << bit)),
    }
}

/// A number that may be left out.
pub(crate) fn optional(
    name: &'static str,
    number: Option<Number>,
    unit: &'static str,
) -> Option<Value> {
    number.map(|number| Value {
        name: name.into(),
        number: Some(number),
        unit,
    })
}

/// What a resource says, by the names of [`Parts`].
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) numbers: Vec<(&'static str, Option<Number>)>,
    pub(crate) series: Vec<(&'static str, Vec<Decimal>)>,
    pub(crate) unit: Option<String>,
    pub(crate) user_slot: Option<u8>,
    pub(crate) coded: Vec<(&'static str, i32)>,
    pub(crate) bits: Vec<(&'static str, u32)>,
}

/// What must be there and is not, or is not one of those that can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// No number of this name.
    Number(&'static str),
    /// No unit, or none of this kind.
    Unit,
    /// A coded statement or bits of this name out of range.
    Code(&'static str),
}

impl Found {
    /// A number that may be left out.
    pub(crate) fn number(&self, name: &str) -> Option<Number> {
        let found = self.numbers.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, number)| *number)
    }

    /// A number that must be there, though it may be one that is not given.
    pub(crate) fn main(&self, name: &'static str) -> Result<Option<Number>, Gap> {
        let found = self.numbers.iter().find(|(known, _)| *known == name);
        found.map(|(_, number)| *number).ok_or(Gap::Number(name))
    }

    /// A number that must be there.
    pub(crate) fn needed(&self, name: &'static str) -> Result<Number, Gap> {
        self.main(name)?.ok_or(Gap::Number(name))
    }

    /// The unit, one of these.
    pub(crate) fn unit<U: Copy>(
        &self,
        units: &[U],
        ucum: impl Fn(U) -> &'static str,
    ) -> Result<U, Gap> {
        let wanted = self.unit.as_deref().ok_or(Gap::Unit)?;
        let found = units.iter().find(|unit| ucum(**unit) == wanted);
        found.copied().ok_or(Gap::Unit)
    }

    /// Numbers in a row; none when they are left out.
    pub(crate) fn series(&self, name: &str) -> &[Decimal] {
        let found = self.series.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, numbers)| numbers)
    }

    /// A coded statement that may be left out.
    pub(crate) fn coded<T: TryFrom<i32>>(&self, name: &'static str) -> Result<Option<T>, Gap> {
        let found = self.coded.iter().find(|(known, _)| *known == name);
        let code = found.map(|(_, code)| T::try_from(*code));
        code.transpose().map_err(|_| Gap::Code(name))
    }

    /// Status bits that may be left out.
    pub(crate) fn bits<T: TryFrom<u32>>(&self, name: &'static str) -> Result<Option<T>, Gap> {
        let found = self.bits.iter().find(|(known, _)| *known == name);
        let bits = found.map(|(_, bits)| T::try_from(*bits));
        bits.transpose().map_err(|_| Gap::Code(name))
    }
}

//! The value of an observation, by its class. Everything that is repeated has its number in front, so that no memory
//! is taken but for bytes that are there.

use super::HealthObservation;
use super::observation::Within;
use crate::NotAValue;
use crate::bytes::{Cursor, DecodeError};
use crate::float::{float, to_float};
use reading::Number;

/// What was observed.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Class 1: a number with its unit.
    Numeric {
        /// The MDC code of the unit.
        unit: u16,
        /// The number.
        value: Number,
    },
    /// Class 2: a code.
    Discrete(u32),
    /// Class 3: a text.
    Text(String),
    /// Class 4: samples.
    Samples(Box<SampleArray>),
    /// Class 5: several codes at once.
    Events(Vec<u32>),
    /// Class 6: several bits at once.
    State(StateValue),
    /// Class 7: several values of one observation.
    Compound(Vec<Part>),
    /// Class 8: items with a type and a format each.
    Items(Vec<Item>),
    /// Class 255: several observations at once; none of them is a bundle.
    Bundle(Vec<HealthObservation>),
}

/// Samples: value = sample × scale + offset.
#[derive(Clone, PartialEq, Eq)]
pub struct SampleArray {
    /// The MDC code of the unit.
    pub unit: u16,
    /// Factor.
    pub scale: Number,
    /// Offset.
    pub offset: Number,
    /// Seconds from one period to the next.
    pub period_s: Number,
    /// Samples in a period.
    pub per_period: u8,
    /// Bytes of a sample, at least one.
    pub sample_size: u8,
    /// The samples as sent. The sources do not say whether they have a sign.
    pub data: Vec<u8>,
}

/// Bits with a mask that says which of them can be set, and one that says which are states (the others are events).
#[derive(Clone, PartialEq, Eq)]
pub struct StateValue {
    /// Which bits the device supports.
    pub supported: Vec<u8>,
    /// Which are states.
    pub states: Vec<u8>,
    /// The bits, as many bytes as each mask.
    pub bits: Vec<u8>,
}

/// One of several values.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// MDC code.
    pub kind: u32,
    /// Its value, of any class but 7 and 255.
    pub value: Value,
}

/// An item with its own type and format.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// MDC code.
    pub kind: u32,
    /// The Bluetooth format type of the value.
    pub format: u8,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value(class {})", self.class())
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for SampleArray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SampleArray")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for StateValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateValue")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Part")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Item")
    }
}

pub(super) const COMPOUND: u8 = 7;
pub(super) const BUNDLE: u8 = 0xff;
const CLASS: DecodeError = DecodeError::BadValue { field: "class" };

/// So many u32.
pub(super) fn codes(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Vec<u32>, DecodeError> {
    let count = cursor.u8(field)?;
    (0..count).map(|_| cursor.u32(field)).collect()
}

pub(super) fn items(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, DecodeError> {
    let count = cursor.u8("number of items")?;
    (0..count)
        .map(|_| {
            let kind = cursor.u32("item type")?;
            let length = cursor.u16("item length")?;
            let format = cursor.u8("item format")?;
            let bytes = cursor.bytes(length.into(), "item")?.to_vec();
            Ok(Item {
                kind,
                format,
                bytes,
            })
        })
        .collect()
}

/// How many there are, and they, or nothing when they are more than a byte can count.
pub(super) fn write_list<T>(
    body: &mut Vec<u8>,
    list: &[T],
    mut write: impl FnMut(&mut Vec<u8>, &T) -> Option<()>,
) -> Option<()> {
    body.push(u8::try_from(list.len()).ok()?);
    list.iter().try_for_each(|one| write(body, one))
}

pub(super) fn write_codes(body: &mut Vec<u8>, list: &[u32]) -> Option<()> {
    write_list(body, list, |body, code| {
        body.extend(code.to_le_bytes());
        Some(())
    })
}

pub(super) fn write_items(body: &mut Vec<u8>, list: &[Item]) -> Option<()> {
    write_list(body, list, |body, item| {
        body.extend(item.kind.to_le_bytes());
        body.extend(u16::try_from(item.bytes.len()).ok()?.to_le_bytes());
        body.push(item.format);
        body.extend(&item.bytes);
        Some(())
    })
}

impl Value {
    /// The class, as sent.
    #[must_use]
    pub const fn class(&self) -> u8 {
        match self {
            Self::Numeric { .. } => 1,
            Self::Discrete(_) => 2,
            Self::Text(_) => 3,
            Self::Samples(_) => 4,
            Self::Events(_) => 5,
            Self::State(_) => 6,
            Self::Compound(_) => COMPOUND,
            Self::Items(_) => 8,
            Self::Bundle(_) => BUNDLE,
        }
    }

    /// Reads the value of a class. A bundle holds no bundle and a compound no compound, so that the depth is bounded.
    pub(super) fn read(
        class: u8,
        cursor: &mut Cursor<'_>,
        within: Within,
    ) -> Result<Self, DecodeError> {
        match class {
            COMPOUND => {
                let count = cursor.u8("number of parts")?;
                let parts = (0..count).map(|_| {
                    let kind = cursor.u32("part type")?;
                    let class = cursor.u8("part class")?;
                    let value = Self::read_plain(class, cursor)?;
                    Ok(Part { kind, value })
                });
                parts
                    .collect::<Result<_, DecodeError>>()
                    .map(Self::Compound)
            }
            BUNDLE => {
                let Within::Record(form) = within else {
                    return Err(CLASS);
                };
                let count = cursor.u8("number of observations")?;
                let within = Within::Bundle(form);
                let observations = (0..count).map(|_| HealthObservation::read(cursor, within));
                observations
                    .collect::<Result<_, DecodeError>>()
                    .map(Self::Bundle)
            }
            class => Self::read_plain(class, cursor),
        }
    }

    fn read_plain(class: u8, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        Ok(match class {
            1 => Self::Numeric {
                unit: cursor.u16("unit")?,
                value: float(cursor.u32("value")?),
            },
            2 => Self::Discrete(cursor.u32("value")?),
            3 => {
                let length = cursor.u16("text length")?;
                let bytes = cursor.bytes(length.into(), "text")?.to_vec();
                let text = String::from_utf8(bytes);
                Self::Text(text.map_err(|_| DecodeError::BadValue { field: "text" })?)
            }
            4 => Self::Samples(Box::new(SampleArray::read(cursor)?)),
            5 => Self::Events(codes(cursor, "events")?),
            6 => {
                let size = usize::from(cursor.u8("mask size")?);
                let mut mask = |field| cursor.bytes(size, field).map(<[u8]>::to_vec);
                Self::State(StateValue {
                    supported: mask("supported mask")?,
                    states: mask("state mask")?,
                    bits: mask("state")?,
                })
            }
            8 => Self::Items(items(cursor)?),
            _ => return Err(CLASS),
        })
    }

    /// Writes the value without its class; `None` when something does not fit its field.
    pub(super) fn write(&self, body: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Numeric { unit, value } => {
                body.extend(unit.to_le_bytes());
                body.extend(to_float(*value)?.to_le_bytes());
            }
            Self::Discrete(code) => body.extend(code.to_le_bytes()),
            Self::Text(text) => {
                body.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
                body.extend(text.as_bytes());
            }
            Self::Samples(samples) => samples.write(body)?,
            Self::Events(events) => write_codes(body, events)?,
            Self::State(state) => {
                let size = state.bits.len();
                if state.supported.len() != size || state.states.len() != size {
                    return None;
                }
                body.push(u8::try_from(size).ok()?);
                body.extend(
                    [&state.supported, &state.states, &state.bits]
                        .into_iter()
                        .flatten(),
                );
            }
            Self::Compound(parts) => write_list(body, parts, |body, part| {
                if matches!(part.value.class(), COMPOUND | BUNDLE) {
                    return None;
                }
                body.extend(part.kind.to_le_bytes());
                body.push(part.value.class());
                part.value.write(body)
            })?,
            Self::Items(items) => write_items(body, items)?,
            Self::Bundle(observations) => write_list(body, observations, |body, one| {
                if one.value.class() == BUNDLE {
                    return None;
                }
                body.extend(one.encode()?);
                Some(())
            })?,
        }
        Some(())
    }

    /// Why there is no number, where a number should be. In a compound or a bundle each part is asked by itself.
    pub(super) const fn not_a_value(&self) -> Option<NotAValue> {
        match self {
            Self::Numeric { value, .. } => NotAValue::of(*value),
            _ => None,
        }
    }
}

impl SampleArray {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let unit = cursor.u16("unit")?;
        let scale = float(cursor.u32("scale")?);
        let offset = float(cursor.u32("offset")?);
        let period_s = float(cursor.u32("period")?);
        let per_period = cursor.u8("samples in a period")?;
        let sample_size = cursor.u8("sample size")?;
        if sample_size == 0 {
            return Err(DecodeError::BadValue {
                field: "sample size",
            });
        }
        let count = cursor.u32("number of samples")?;
        let length = u64::from(count) * u64::from(sample_size);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Self {
            unit,
            scale,
            offset,
            period_s,
            per_period,
            sample_size,
            data: cursor.bytes(length, "samples")?.to_vec(),
        })
    }

    fn write(&self, body: &mut Vec<u8>) -> Option<()> {
        body.extend(self.unit.to_le_bytes());
        for number in [self.scale, self.offset, self.period_s] {
            body.extend(to_float(number)?.to_le_bytes());
        }
        body.extend([self.per_period, self.sample_size]);
        body.extend(self.count()?.to_le_bytes());
        body.extend(&self.data);
        Some(())
    }

    /// How many samples; `None` when the bytes are no whole number of them.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        let size = usize::from(self.sample_size);
        if size == 0 || !self.data.len().is_multiple_of(size) {
            return None;
        }
        u32::try_from(self.data.len() / size).ok()
    }
}

//! `teleward decode`: one JSON object a frame, fields as `docs/formats/cli.md` lists them.

mod blood_pressure;
mod cgm;
mod control_points;
mod device_information;
mod elapsed_time;
mod enhanced_blood_pressure;
mod glucose;
mod health_sensor;
mod heart_rate;
mod oximeter;
mod scale;
mod thermometer;
mod time;

use crate::bytes::DecodeError;
use reading::to_hex;
use serde_json::{Map, Value};

/// The fields of one frame, in the order in which they are printed.
type Fields = Vec<(&'static str, Value)>;

/// One characteristic that `teleward decode` knows.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its 16-bit number.
    pub characteristic: u16,
    /// The stable name of what it carries.
    pub kind: &'static str,
    /// Its name in the standard, for `teleward decode --list`.
    pub about: &'static str,
    fields: fn(&[u8]) -> Result<Fields, DecodeError>,
}

/// All characteristics that can be decoded, family by family.
pub fn entries() -> impl Iterator<Item = Entry> {
    blood_pressure::ENTRIES
        .into_iter()
        .chain(glucose::ENTRIES)
        .chain(cgm::ENTRIES)
        .chain(health_sensor::ENTRIES)
        .chain(elapsed_time::ENTRIES)
        .chain(enhanced_blood_pressure::ENTRIES)
        .chain(thermometer::ENTRIES)
        .chain(scale::ENTRIES)
        .chain(heart_rate::ENTRIES)
        .chain(oximeter::ENTRIES)
        .chain(control_points::ENTRIES)
        .chain(device_information::ENTRIES)
        .chain(time::ENTRIES)
}

/// One frame, decoded or not. Both are printed as one line of JSON.
#[derive(Clone, PartialEq, Eq)]
pub enum Decoded {
    /// The fields.
    Frame(Value),
    /// Why not; the exit status is then 1.
    Malformed(DecodeError),
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Decoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(_) => f.write_str("Frame"),
            Self::Malformed(error) => write!(f, "Malformed({})", error.code()),
        }
    }
}

impl Decoded {
    /// The object to print: the fields, or `{"error":{"code","message"}}`.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Frame(fields) => fields.clone(),
            Self::Malformed(error) => serde_json::json!({
                "error": {"code": error.code(), "message": error.to_string()},
            }),
        }
    }

    /// Whether the frame was understood.
    #[must_use]
    pub const fn is_frame(&self) -> bool {
        matches!(self, Self::Frame(_))
    }
}

/// Decodes one frame of a characteristic, given by its 16-bit number.
#[must_use]
pub fn decode_json(characteristic: u16, frame: &[u8]) -> Decoded {
    let Some(entry) = entries().find(|entry| entry.characteristic == characteristic) else {
        return Decoded::Malformed(DecodeError::NotSupported { characteristic });
    };
    object(&entry, frame).map_or_else(Decoded::Malformed, Decoded::Frame)
}

/// The object of one frame.
fn object(entry: &Entry, frame: &[u8]) -> Result<Value, DecodeError> {
    let fields = (entry.fields)(frame)?;
    let number = format!("{:04x}", entry.characteristic).into();
    let mut object = Map::new();
    object.insert("characteristic".to_owned(), number);
    object.insert("kind".to_owned(), entry.kind.into());
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    object.extend(fields.into_iter().map(named));
    Ok(Value::Object(object))
}

/// A number or a time as text, the digits as sent.
fn text(value: impl std::fmt::Display) -> Value {
    value.to_string().into()
}

/// A list of names.
fn names(names: impl Iterator<Item = &'static str>) -> Value {
    names.collect::<Vec<_>>().into()
}

/// The bytes after the last field, when there are some.
fn extra(bytes: &[u8]) -> Option<(&'static str, Value)> {
    (!bytes.is_empty()).then(|| ("extra", to_hex(bytes).into()))
}

//! `teleward decode`: one JSON object a frame, fields as `docs/formats/cli.md` lists them.

use crate::blood_pressure::{BloodPressureFeature, BloodPressureFrame};
use crate::bytes::DecodeError;
use reading::{StatusFlag, to_hex};
use serde_json::{Map, Value};

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
    let fields = match characteristic {
        0x2a35 => measurement(frame),
        0x2a36 => intermediate(frame),
        0x2a49 => feature(frame),
        _ => Err(DecodeError::NotSupported { characteristic }),
    };
    match fields {
        Err(error) => Decoded::Malformed(error),
        Ok(fields) => {
            let mut object = Map::new();
            object.insert(
                "characteristic".to_owned(),
                format!("{characteristic:04x}").into(),
            );
            object.extend(
                fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            );
            Decoded::Frame(Value::Object(object))
        }
    }
}

type Fields = Vec<(&'static str, Value)>;

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("kind", "blood_pressure".into()),
        ("systolic", text(read.systolic)),
        ("diastolic", text(read.diastolic)),
        ("mean_arterial", text(read.mean_arterial)),
    ];
    fields.extend(common(&read));
    Ok(fields)
}

fn intermediate(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("kind", "intermediate_cuff_pressure".into()),
        ("cuff_pressure", text(read.systolic)),
    ];
    fields.extend(common(&read));
    Ok(fields)
}

fn common(read: &BloodPressureFrame) -> Fields {
    let mut fields: Fields = vec![("unit", read.unit.ucum().into())];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(read.pulse_rate.map(|pulse| ("pulse_rate", text(pulse))));
    fields.extend(read.user_slot.map(|slot| ("user_slot", text(slot))));
    if let Some(status) = read.status {
        let names: Vec<&str> = status.flags().map(StatusFlag::code).collect();
        fields.push(("status", names.into()));
        if status.reserved() != 0 {
            fields.push((
                "status_reserved",
                to_hex(&status.reserved().to_be_bytes()).into(),
            ));
        }
    }
    if !read.extra.is_empty() {
        fields.push(("extra", to_hex(&read.extra).into()));
    }
    fields
}

fn feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFeature::decode(frame)?;
    let names: Vec<&str> = read.names().collect();
    let mut fields: Fields = vec![
        ("kind", "blood_pressure_feature".into()),
        ("features", names.into()),
    ];
    if read.reserved() != 0 {
        fields.push((
            "features_reserved",
            to_hex(&read.reserved().to_be_bytes()).into(),
        ));
    }
    Ok(fields)
}

fn text(value: impl std::fmt::Display) -> Value {
    value.to_string().into()
}

//! The frames of the Weight Scale and Body Composition Services for `teleward decode`.

use super::{Entry, Fields, extra, names, text};
use crate::body_composition::{BodyCompositionFeature, BodyCompositionFrame};
use crate::bytes::DecodeError;
use crate::weight::{WeightFeature, WeightFrame};
use reading::to_hex;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 4] = [
    Entry {
        characteristic: 0x2a9d,
        kind: "weight",
        about: "Weight Measurement",
        fields: weight,
    },
    Entry {
        characteristic: 0x2a9e,
        kind: "weight_scale_feature",
        about: "Weight Scale Feature",
        fields: weight_feature,
    },
    Entry {
        characteristic: 0x2a9c,
        kind: "body_composition",
        about: "Body Composition Measurement",
        fields: body_composition,
    },
    Entry {
        characteristic: 0x2a9b,
        kind: "body_composition_feature",
        about: "Body Composition Feature",
        fields: body_composition_feature,
    },
];

fn weight(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = WeightFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("weight", text(read.weight)),
        ("unit", read.units.mass_ucum().into()),
    ];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(read.user_slot.map(|slot| ("user_slot", text(slot))));
    if let Some(size) = read.size {
        fields.push(("bmi", text(size.bmi)));
        fields.push(("height", text(size.height)));
        fields.push(("height_unit", read.units.length_ucum().into()));
    }
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn body_composition(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BodyCompositionFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("fat_percent", text(read.fat_percent)),
        ("unit", read.units.mass_ucum().into()),
    ];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(read.user_slot.map(|slot| ("user_slot", text(slot))));
    let basal = read.basal_metabolism_kj;
    fields.extend(basal.map(|energy| ("basal_metabolism_kj", text(energy))));
    for (name, value) in [
        ("muscle_percent", read.muscle_percent),
        ("muscle_mass", read.muscle_mass),
        ("fat_free_mass", read.fat_free_mass),
        ("soft_lean_mass", read.soft_lean_mass),
        ("body_water_mass", read.body_water_mass),
        ("impedance_ohm", read.impedance_ohm),
    ] {
        fields.extend(value.map(|value| (name, text(value))));
    }
    fields.extend(read.weight.map(|weight| ("weight", text(weight))));
    if let Some(height) = read.height {
        fields.push(("height", text(height)));
        fields.push(("height_unit", read.units.length_ucum().into()));
    }
    fields.push(("multiple_packet", read.multiple_packet.into()));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn weight_feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = WeightFeature::decode(frame)?;
    let mut fields: Fields = vec![
        ("features", names(read.names())),
        ("weight_resolution", text(read.weight_resolution())),
        ("height_resolution", text(read.height_resolution())),
    ];
    fields.extend(features_reserved(read.reserved()));
    Ok(fields)
}

fn body_composition_feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BodyCompositionFeature::decode(frame)?;
    let mut fields: Fields = vec![
        ("features", names(read.names())),
        ("weight_resolution", text(read.weight_resolution())),
        ("height_resolution", text(read.height_resolution())),
    ];
    fields.extend(features_reserved(read.reserved()));
    Ok(fields)
}

fn features_reserved(bits: u32) -> Option<(&'static str, serde_json::Value)> {
    (bits != 0).then(|| ("features_reserved", to_hex(&bits.to_be_bytes()).into()))
}

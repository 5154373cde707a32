//! The Glucose Service's frames for `teleward decode`.

use super::{Entry, Fields, extra, names, text};
use crate::bytes::DecodeError;
use crate::glucose::{Dose, GlucoseContextFrame, GlucoseFeature, GlucoseFrame};
use reading::to_hex;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 3] = [
    Entry {
        characteristic: 0x2a18,
        kind: "glucose",
        about: "Glucose Measurement",
        fields: measurement,
    },
    Entry {
        characteristic: 0x2a34,
        kind: "glucose_context",
        about: "Glucose Measurement Context",
        fields: context,
    },
    Entry {
        characteristic: 0x2a51,
        kind: "glucose_feature",
        about: "Glucose Feature",
        fields: feature,
    },
];

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = GlucoseFrame::decode(frame)?;
    let mut fields: Fields = vec![("sequence", text(read.sequence)), ("time", text(read.time))];
    fields.extend(
        read.time_offset_min
            .map(|min| ("time_offset_min", text(min))),
    );
    if let Some(concentration) = read.concentration {
        fields.extend([
            ("concentration", text(concentration.value)),
            ("unit", read.unit.ucum().into()),
            ("sample_type", text(concentration.sample.kind())),
            ("sample_location", text(concentration.sample.location())),
        ]);
    }
    if let Some(status) = read.status {
        fields.push(("status", names(status.names())));
        if status.reserved() != 0 {
            fields.push((
                "status_reserved",
                to_hex(&status.reserved().to_be_bytes()).into(),
            ));
        }
    }
    fields.push(("context_follows", read.context_follows.into()));
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn context(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = GlucoseContextFrame::decode(frame)?;
    let mut fields: Fields = vec![("sequence", text(read.sequence))];
    if let Some(flags) = read.extended_flags {
        fields.push(("extended_flags", to_hex(&[flags]).into()));
    }
    if let Some(carbohydrate) = read.carbohydrate {
        fields.extend([
            ("carbohydrate_id", text(carbohydrate.id)),
            ("carbohydrate_kg", text(carbohydrate.kg)),
        ]);
    }
    fields.extend(read.meal.map(|meal| ("meal", text(meal))));
    if let Some(both) = read.tester_health {
        fields.extend([("tester", text(both & 0x0f)), ("health", text(both >> 4))]);
    }
    if let Some(exercise) = read.exercise {
        fields.extend([
            ("exercise_duration_s", text(exercise.duration_s)),
            (
                "exercise_intensity_percent",
                text(exercise.intensity_percent),
            ),
        ]);
    }
    if let Some(medication) = read.medication {
        fields.push(("medication_id", text(medication.id)));
        fields.push(match medication.dose {
            Dose::Kg(amount) => ("medication_kg", text(amount)),
            Dose::L(amount) => ("medication_l", text(amount)),
        });
    }
    fields.extend(
        read.hba1c_percent
            .map(|percent| ("hba1c_percent", text(percent))),
    );
    fields.extend(extra(&read.extra));
    Ok(fields)
}

fn feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = GlucoseFeature::decode(frame)?;
    let mut fields: Fields = vec![("features", names(read.names()))];
    if read.reserved() != 0 {
        fields.push((
            "features_reserved",
            to_hex(&read.reserved().to_be_bytes()).into(),
        ));
    }
    Ok(fields)
}

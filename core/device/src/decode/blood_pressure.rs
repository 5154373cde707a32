//! The Blood Pressure Service's frames for `teleward decode`.

use super::{Entry, Fields, extra, names, text};
use crate::blood_pressure::{BloodPressureFeature, BloodPressureFrame};
use crate::bytes::DecodeError;
use reading::{StatusFlag, to_hex};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 3] = [
    MEASUREMENT,
    Entry {
        characteristic: 0x2a36,
        kind: "intermediate_cuff_pressure",
        about: "Intermediate Cuff Pressure, never a reading",
        fields: intermediate,
    },
    Entry {
        characteristic: 0x2a49,
        kind: "blood_pressure_feature",
        about: "Blood Pressure Feature",
        fields: feature,
    },
];

/// What a record may hold, too.
pub(super) const MEASUREMENT: Entry = Entry {
    characteristic: 0x2a35,
    kind: "blood_pressure",
    about: "Blood Pressure Measurement",
    fields: measurement,
};

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("systolic", text(read.systolic)),
        ("diastolic", text(read.diastolic)),
        ("mean_arterial", text(read.mean_arterial)),
    ];
    fields.extend(common(&read));
    Ok(fields)
}

fn intermediate(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![("cuff_pressure", text(read.systolic))];
    fields.extend(common(&read));
    Ok(fields)
}

fn common(read: &BloodPressureFrame) -> Fields {
    let mut fields: Fields = vec![("unit", read.unit.ucum().into())];
    fields.extend(read.time.map(|time| ("time", text(time))));
    fields.extend(read.pulse_rate.map(|pulse| ("pulse_rate", text(pulse))));
    fields.extend(read.user_slot.map(|slot| ("user_slot", text(slot))));
    if let Some(status) = read.status {
        fields.push(("status", names(status.flags().map(StatusFlag::code))));
        if status.reserved() != 0 {
            fields.push((
                "status_reserved",
                to_hex(&status.reserved().to_be_bytes()).into(),
            ));
        }
    }
    fields.extend(extra(&read.extra));
    fields
}

fn feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = BloodPressureFeature::decode(frame)?;
    let mut fields: Fields = vec![("features", names(read.names()))];
    if read.reserved() != 0 {
        fields.push((
            "features_reserved",
            to_hex(&read.reserved().to_be_bytes()).into(),
        ));
    }
    Ok(fields)
}

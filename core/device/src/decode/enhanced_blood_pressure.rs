//! The frames that version 1.1 added to the Blood Pressure Service, for `teleward decode`.

use super::{Entry, Fields, blood_pressure, extra, names, object, text};
use crate::blood_pressure_record::{BloodPressureRecord, CheckSum, RecordSegment};
use crate::bytes::DecodeError;
use crate::enhanced_blood_pressure::{
    EnhancedBloodPressureFrame, EnhancedCuffPressureFrame, EnhancedFields,
};
use reading::{StatusFlag, to_hex};
use serde_json::Value;

/// What this family can print.
pub(super) const ENTRIES: [Entry; 3] = [
    MEASUREMENT,
    Entry {
        characteristic: 0x2b35,
        kind: "enhanced_intermediate_cuff_pressure",
        about: "Enhanced Intermediate Cuff Pressure, never a reading",
        fields: intermediate,
    },
    Entry {
        characteristic: 0x2b36,
        kind: "blood_pressure_record",
        about: "Blood Pressure Record, one segment",
        fields: record,
    },
];

const MEASUREMENT: Entry = Entry {
    characteristic: 0x2b34,
    kind: "enhanced_blood_pressure",
    about: "Enhanced Blood Pressure Measurement",
    fields: measurement,
};

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = EnhancedBloodPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![
        ("systolic", text(read.systolic)),
        ("diastolic", text(read.diastolic)),
        ("mean_arterial", text(read.mean_arterial)),
    ];
    fields.extend(common(&read.fields));
    Ok(fields)
}

fn intermediate(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = EnhancedCuffPressureFrame::decode(frame)?;
    let mut fields: Fields = vec![("cuff_pressure", text(read.cuff_pressure))];
    fields.extend(common(&read.fields));
    Ok(fields)
}

fn common(read: &EnhancedFields) -> Fields {
    let at = |seconds| text(read.epoch.after(seconds));
    let mut fields: Fields = vec![("unit", read.unit.ucum().into())];
    fields.extend(read.time.map(|time| ("time", at(time))));
    fields.extend(read.pulse_rate.map(|pulse| ("pulse_rate", text(pulse))));
    fields.extend(read.user_slot.map(|slot| ("user_slot", text(slot))));
    if let Some(status) = read.status {
        fields.push(("status", names(status.flags().map(StatusFlag::code))));
        if status.reserved() != 0 {
            let bits = status.reserved().to_be_bytes();
            fields.push(("status_reserved", to_hex(&bits).into()));
        }
    }
    let facing = read.user_facing_time;
    fields.extend(facing.map(|time| ("user_facing_time", at(time))));
    fields.push(("epoch", text(read.epoch.year())));
    fields.extend(extra(&read.extra));
    fields
}

/// One segment; the whole record, when it is the only one. Whether a check sum ends it stands in the cuff's feature and
/// not in the frame: two bytes that fit are one, and two bytes too many that do not fit are a wrong one.
fn record(frame: &[u8]) -> Result<Fields, DecodeError> {
    let segment = RecordSegment::decode(frame)?;
    let mut fields: Fields = vec![
        ("first", segment.first.into()),
        ("last", segment.last.into()),
        ("segment", text(segment.counter)),
        ("sequence", text(segment.sequence)),
        ("recorded", format!("{:04x}", segment.recorded).into()),
    ];
    let read = |check| {
        let record = BloodPressureRecord::join(&[frame], check).ok()?;
        value(&record)
    };
    if let Some(value) = read(CheckSum::Present) {
        fields.push(("record", value));
        fields.push(("crc_ok", true.into()));
    } else if let Some(value) = read(CheckSum::Absent) {
        let two_more = value["extra"].as_str().is_some_and(|hex| hex.len() == 4);
        fields.push(("record", value));
        fields.extend(two_more.then(|| ("crc_ok", false.into())));
    } else {
        fields.push(("part", to_hex(&segment.part).into()));
    }
    Ok(fields)
}

/// The object of what is recorded, when it is a whole blood pressure.
fn value(record: &BloodPressureRecord) -> Option<Value> {
    let known = [MEASUREMENT, blood_pressure::MEASUREMENT];
    let entry = known
        .into_iter()
        .find(|entry| entry.characteristic == record.recorded)?;
    object(&entry, &record.value).ok()
}

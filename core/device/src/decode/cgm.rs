//! The Continuous Glucose Monitoring Service's frames for `teleward decode`.

use super::{Entry, Fields, names, text};
use crate::bits;
use crate::bytes::DecodeError;
use crate::cgm::{
    CgmControl, CgmControlResponse, CgmFeature, CgmFrame, CgmLevel, CgmRecord, CgmSessionRunTime,
    CgmSessionStart, CgmStatus, CgmStatusFrame,
};
use reading::to_hex;
use serde_json::{Map, Value};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 6] = [
    Entry {
        characteristic: 0x2aa7,
        kind: "continuous_glucose",
        about: "CGM Measurement",
        fields: measurement,
    },
    Entry {
        characteristic: 0x2aa8,
        kind: "continuous_glucose_feature",
        about: "CGM Feature",
        fields: feature,
    },
    Entry {
        characteristic: 0x2aa9,
        kind: "continuous_glucose_status",
        about: "CGM Status",
        fields: status,
    },
    Entry {
        characteristic: 0x2aaa,
        kind: "continuous_glucose_start",
        about: "CGM Session Start Time",
        fields: start,
    },
    Entry {
        characteristic: 0x2aab,
        kind: "continuous_glucose_run_time",
        about: "CGM Session Run Time",
        fields: run_time,
    },
    Entry {
        characteristic: 0x2aac,
        kind: "continuous_glucose_control",
        about: "CGM Specific Ops Control Point, what a sensor answers",
        fields: control,
    },
];

fn measurement(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmFrame::decode(frame)?;
    let records: Vec<Value> = read.records.iter().map(record).collect();
    Ok(vec![("records", records.into())])
}

fn record(read: &CgmRecord) -> Value {
    let mut fields: Fields = vec![
        ("glucose_mg_dl", text(read.glucose)),
        ("time_offset_min", text(read.time_offset_min)),
    ];
    if read.status.is_present() {
        fields.extend(annunciation(read.status));
    }
    fields.extend(read.trend.map(|trend| ("trend_mg_dl_min", text(trend))));
    fields.extend(
        read.quality
            .map(|quality| ("quality_percent", text(quality))),
    );
    fields.extend(read.crc_ok().map(|ok| ("crc_ok", ok.into())));
    fields.extend(super::extra(&read.extra));
    object(fields)
}

fn object(fields: Fields) -> Value {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    Value::Object(fields.into_iter().map(named).collect::<Map<_, _>>())
}

fn annunciation(status: CgmStatus) -> Fields {
    let mut fields: Fields = vec![("status", names(status.names()))];
    fields.extend(reserved("status_reserved", status.reserved()));
    fields
}

/// Three octets of reserved bits, when one is set.
fn reserved(name: &'static str, bits: u32) -> Option<(&'static str, Value)> {
    (bits != 0).then(|| (name, to_hex(&bits.to_be_bytes()[1..]).into()))
}

/// A check sum that does not fit is an error before it comes here.
fn crc_ok(crc: bool) -> Option<(&'static str, Value)> {
    crc.then(|| ("crc_ok", true.into()))
}

fn feature(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmFeature::decode(frame)?;
    let mut fields: Fields = vec![("features", names(read.names()))];
    fields.extend(reserved("features_reserved", read.reserved()));
    fields.extend([
        ("sample_type", text(read.sample.kind())),
        ("sample_location", text(read.sample.location())),
    ]);
    fields.extend(crc_ok(read.has_crc()));
    if !read.has_crc() && read.crc != 0xffff {
        fields.extend(super::extra(&read.crc.to_le_bytes()));
    }
    Ok(fields)
}

fn status(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmStatusFrame::decode(frame)?;
    let mut fields: Fields = vec![("time_offset_min", text(read.time_offset_min))];
    fields.extend(annunciation(read.annunciation()));
    fields.extend(crc_ok(read.crc));
    Ok(fields)
}

fn start(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmSessionStart::decode(frame)?;
    let mut fields: Fields = vec![
        ("time", text(read.time)),
        ("time_zone", text(read.time_zone)),
        ("dst_offset", text(read.dst_offset)),
    ];
    fields.extend(crc_ok(read.crc));
    Ok(fields)
}

fn run_time(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmSessionRunTime::decode(frame)?;
    let mut fields: Fields = vec![("run_time_h", text(read.hours))];
    fields.extend(crc_ok(read.crc));
    Ok(fields)
}

const CALIBRATION_STATUS: [&str; 3] = ["rejected", "out_of_range", "pending"];

fn control(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = CgmControl::<CgmControlResponse>::decode(frame)?;
    let mut fields: Fields = vec![("op", text(frame.first().copied().unwrap_or_default()))];
    match read.what {
        CgmControlResponse::Interval(min) => fields.push(("interval_min", text(min))),
        CgmControlResponse::Calibration(calibration) => {
            let status = u32::from(calibration.status);
            fields.extend([
                ("glucose_mg_dl", text(calibration.glucose)),
                ("time_offset_min", text(calibration.time_offset_min)),
                ("sample_type", text(calibration.sample.kind())),
                ("sample_location", text(calibration.sample.location())),
                (
                    "next_time_offset_min",
                    text(calibration.next_time_offset_min),
                ),
                ("record_number", text(calibration.record_number)),
                ("status", names(bits::named(status, 0, &CALIBRATION_STATUS))),
            ]);
            if calibration.status & 0xf8 != 0 {
                let bits = to_hex(&[calibration.status & 0xf8]);
                fields.push(("status_reserved", bits.into()));
            }
        }
        CgmControlResponse::Level(level, number) => {
            fields.push((level_name(level), text(number)));
        }
        CgmControlResponse::Done { request, result } => {
            fields.extend([
                ("request_op", text(request)),
                ("result", text(result.code())),
            ]);
        }
    }
    fields.extend(crc_ok(read.crc));
    Ok(fields)
}

const fn level_name(level: CgmLevel) -> &'static str {
    match level {
        CgmLevel::PatientHigh => "patient_high_mg_dl",
        CgmLevel::PatientLow => "patient_low_mg_dl",
        CgmLevel::Hypo => "hypo_mg_dl",
        CgmLevel::Hyper => "hyper_mg_dl",
        CgmLevel::RateOfDecrease => "rate_of_decrease_mg_dl_min",
        CgmLevel::RateOfIncrease => "rate_of_increase_mg_dl_min",
    }
}

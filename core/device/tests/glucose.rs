//! Literal frames of the Glucose Service (0x2A18, 0x2A34, 0x2A51), and what is never a glucose value.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{DeviceTime, Number, from_hex};
use teleward_device::{
    Carbohydrate, Dose, Exercise, GlucoseConcentration, GlucoseContextFrame, GlucoseFeature,
    GlucoseFrame, GlucoseSample, GlucoseStatus, GlucoseUnit, Medication, NotAValue, decode_json,
};

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

fn printed(characteristic: u16, frame: &str) -> String {
    decode_json(characteristic, &hex(frame)).json().to_string()
}

/// REQ-DEVICE-080: each frame of the Glucose Service prints the fields that the standard gives it. The first five are
/// the cases of Current Health's Android Peripheral Framework (`GlucoseMeasurementDataTests.kt`).
#[test]
fn measurements_print_their_fields() {
    for (frame, json) in [
        (
            "00 0100 d00701 0203 0405",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"1","time":"2000-01-02T03:04:05","context_follows":false}"#,
        ),
        (
            "02 0100 d0070102030405 3411 1a",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"1","time":"2000-01-02T03:04:05","concentration":"3080","unit":"kg/L","sample_type":"10","sample_location":"1","context_follows":false}"#,
        ),
        (
            "06 0400 d0070102030405 3411 34",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"4","time":"2000-01-02T03:04:05","concentration":"3080","unit":"mol/L","sample_type":"4","sample_location":"3","context_follows":false}"#,
        ),
        (
            "01 0400 d0070102030405 3456",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"4","time":"2000-01-02T03:04:05","time_offset_min":"22068","context_follows":false}"#,
        ),
        (
            "0b 0400 d0070102030405 3456 3411 49 500f",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"4","time":"2000-01-02T03:04:05","time_offset_min":"22068","concentration":"3080","unit":"kg/L","sample_type":"9","sample_location":"4","status":["strip_type_incorrect","result_too_low","temperature_too_low","read_interrupted","general_device_fault","time_fault"],"context_follows":false}"#,
        ),
        // 98 mg/dL as it is sent, an hour before the base time; context follows.
        (
            "13 2a00 ea070b18071e00 c4ff 62b0 11",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"42","time":"2026-11-24T07:30:00","time_offset_min":"-60","concentration":"0.00098","unit":"kg/L","sample_type":"1","sample_location":"1","context_follows":true}"#,
        ),
        // Everything at once, reserved status bits and bytes behind.
        (
            "1f ffff 000000 00000000 0000 fe07 f8 ffff beef",
            r#"{"characteristic":"2a18","kind":"glucose","sequence":"65535","time":"0000-00-00T00:00:00","time_offset_min":"0","concentration":"+inf","unit":"mol/L","sample_type":"8","sample_location":"15","status":["device_battery_low","sensor_malfunction","sample_insufficient","strip_insertion_error","strip_type_incorrect","result_too_high","result_too_low","temperature_too_high","temperature_too_low","read_interrupted","general_device_fault","time_fault"],"status_reserved":"f000","context_follows":true,"extra":"beef"}"#,
        ),
    ] {
        assert_eq!(printed(0x2a18, frame), json, "{frame}");
    }
}

/// REQ-DEVICE-080. The first frame is Nordic's (Android-BLE-Common-Library, `GlucoseMeasurementContextDataCallbackTest`)
/// with its numbers written as SFLOATs.
#[test]
fn contexts_and_features_print_their_fields() {
    for (characteristic, frame, json) in [
        (
            0x2a34,
            "ff 0000 b3 03 6400 04 12 3c00 32 04 d3e4 59f1",
            r#"{"characteristic":"2a34","kind":"glucose_context","sequence":"0","extended_flags":"b3","carbohydrate_id":"3","carbohydrate_kg":"100","meal":"4","tester":"2","health":"1","exercise_duration_s":"60","exercise_intensity_percent":"50","medication_id":"4","medication_l":"12.35","hba1c_percent":"34.5"}"#,
        ),
        (
            0x2a34,
            "00 0100",
            r#"{"characteristic":"2a34","kind":"glucose_context","sequence":"1"}"#,
        ),
        (
            0x2a34,
            "5b 2a00 01 28d0 01 ffff 64 01 0aa0 41f0 00",
            r#"{"characteristic":"2a34","kind":"glucose_context","sequence":"42","carbohydrate_id":"1","carbohydrate_kg":"0.040","meal":"1","exercise_duration_s":"65535","exercise_intensity_percent":"100","medication_id":"1","medication_kg":"0.000010","hba1c_percent":"6.5","extra":"00"}"#,
        ),
        (
            0x2a51,
            "2102",
            r#"{"characteristic":"2a51","kind":"glucose_feature","features":["low_battery_detection","result_range_detection","time_fault_detection"]}"#,
        ),
        (
            0x2a51,
            "00fc",
            r#"{"characteristic":"2a51","kind":"glucose_feature","features":["multiple_bonds"],"features_reserved":"f800"}"#,
        ),
        (
            0x2a51,
            "0000",
            r#"{"characteristic":"2a51","kind":"glucose_feature","features":[]}"#,
        ),
    ] {
        assert_eq!(printed(characteristic, frame), json, "{frame}");
    }
}

/// REQ-DEVICE-081: what ends early, or announces what is not known, is an error with its code.
#[test]
fn malformed_frames_are_errors() {
    for (characteristic, frame, code) in [
        (0x2a18, "", "short_frame"),
        (0x2a18, "00 0100 d00701020304", "short_frame"),
        (0x2a18, "02 0100 d0070102030405 3411", "short_frame"),
        (0x2a18, "08 0100 d0070102030405 00", "short_frame"),
        (0x2a18, "20 0100 d0070102030405", "reserved_flags"),
        (0x2a18, "80 0100 d0070102030405", "reserved_flags"),
        // Nordic's third case: a context that ends before its HbA1c.
        (
            0x2a34,
            "ff 0000 b3 03 6400 04 12 3c00 32 04 d3e4",
            "short_frame",
        ),
        (0x2a34, "00", "short_frame"),
        (0x2a34, "08 0100 3c00", "short_frame"),
        (0x2a51, "21", "short_frame"),
        (0x2a51, "210200", "trailing_bytes"),
    ] {
        let json: serde_json::Value =
            serde_json::from_str(&printed(characteristic, frame)).unwrap();
        assert_eq!(json["error"]["code"], code, "{characteristic:04x} {frame}");
    }
}

/// REQ-DEVICE-082, HAZ-DEVICE-015: a control solution, HI and LO, a failed strip and a missing number are no glucose
/// value, whatever number stands beside them; a wrong clock is said apart.
#[test]
fn what_is_no_value_is_recognised() {
    let base = "0100 ea070b18071e00";
    for (flags, rest, expected, clock_fault) in [
        ("02", "62b0 11", None, false),
        ("0a", "62b0 11 0100", None, false),
        ("0a", "62b0 11 0008", None, true),
        ("02", "62b0 1a", Some(NotAValue::ControlSolution), false),
        ("02", "62b0 41", Some(NotAValue::ControlSolution), false),
        ("0a", "62b0 1a 2008", Some(NotAValue::ControlSolution), true),
        ("02", "fe07 11", Some(NotAValue::AboveRange), false),
        ("02", "0208 11", Some(NotAValue::BelowRange), false),
        ("0a", "62b0 11 2000", Some(NotAValue::AboveRange), false),
        ("0a", "62b0 11 4000", Some(NotAValue::BelowRange), false),
        ("0a", "62b0 11 0200", Some(NotAValue::Failed), false),
        ("0a", "62b0 11 0400", Some(NotAValue::Failed), false),
        ("0a", "62b0 11 8000", Some(NotAValue::Failed), false),
        ("0a", "62b0 11 2002", Some(NotAValue::Failed), false),
        ("0a", "62b0 11 0004", Some(NotAValue::Failed), false),
        ("02", "ff07 11", Some(NotAValue::Failed), false),
        ("02", "0008 11", Some(NotAValue::NoNumber), false),
        ("02", "0108 11", Some(NotAValue::NoNumber), false),
        ("00", "", Some(NotAValue::NoNumber), false),
        ("08", "2000", Some(NotAValue::AboveRange), false),
    ] {
        let frame = GlucoseFrame::decode(&hex(&format!("{flags} {base} {rest}"))).unwrap();
        assert_eq!(frame.not_a_value(), expected, "{flags} {rest}");
        assert_eq!(frame.clock_fault(), clock_fault, "{flags} {rest}");
    }
}

#[test]
fn nothing_measured_is_shown_by_debug() {
    let frame = GlucoseFrame::decode(&hex("0a 0100 ea070b18071e00 62b0 11 2000")).unwrap();
    let shown = format!("{frame:?} {:?} {:?}", frame.concentration, frame.status);
    assert_eq!(
        shown,
        "GlucoseFrame Some(GlucoseConcentration) Some(GlucoseStatus)"
    );
}

fn number() -> impl Strategy<Value = Number> {
    any::<u16>().prop_map(teleward_device::float::sfloat)
}

fn measurement() -> impl Strategy<Value = GlucoseFrame> {
    (
        any::<(u16, [u8; 7], Option<i16>, Option<u16>, bool)>(),
        proptest::option::of((number(), any::<u8>())),
        any::<bool>(),
        proptest::collection::vec(any::<u8>(), 0..4),
    )
        .prop_map(
            |((sequence, time, offset, status, follows), value, moles, extra)| GlucoseFrame {
                sequence,
                time: DeviceTime::from_bytes(time),
                time_offset_min: offset,
                concentration: value.map(|(value, sample)| GlucoseConcentration {
                    value,
                    sample: GlucoseSample(sample),
                }),
                unit: if moles {
                    GlucoseUnit::MolPerL
                } else {
                    GlucoseUnit::KgPerL
                },
                status: status.map(GlucoseStatus),
                context_follows: follows,
                extra,
            },
        )
}

fn context() -> impl Strategy<Value = GlucoseContextFrame> {
    (
        any::<(u16, Option<u8>, Option<u8>, Option<u8>, Option<(u16, u8)>)>(),
        proptest::option::of((any::<u8>(), number())),
        proptest::option::of((any::<u8>(), number(), any::<bool>())),
        proptest::option::of(number()),
        proptest::collection::vec(any::<u8>(), 0..4),
    )
        .prop_map(
            |(
                (sequence, extended_flags, meal, tester_health, exercise),
                food,
                taken,
                hba1c,
                extra,
            )| {
                GlucoseContextFrame {
                    sequence,
                    extended_flags,
                    carbohydrate: food.map(|(id, kg)| Carbohydrate { id, kg }),
                    meal,
                    tester_health,
                    exercise: exercise.map(|(duration_s, intensity_percent)| Exercise {
                        duration_s,
                        intensity_percent,
                    }),
                    medication: taken.map(|(id, amount, litres)| Medication {
                        id,
                        dose: if litres {
                            Dose::L(amount)
                        } else {
                            Dose::Kg(amount)
                        },
                    }),
                    bare_litres: false,
                    hba1c_percent: hba1c,
                    extra,
                }
            },
        )
}

proptest! {
    /// REQ-DEVICE-080, REQ-DEVICE-081: written and read back it is the same; cut anywhere before its extra bytes it is
    /// an error.
    #[test]
    fn a_measurement_goes_there_and_back(frame in measurement()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(GlucoseFrame::decode(&bytes), Ok(frame.clone()));
        for end in 0..bytes.len() - frame.extra.len() {
            prop_assert_eq!(GlucoseFrame::decode(&bytes[..end]).map_err(|e| e.code()), Err("short_frame"));
        }
    }

    #[test]
    fn a_context_goes_there_and_back(frame in context()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(GlucoseContextFrame::decode(&bytes), Ok(frame.clone()));
        for end in 0..bytes.len() - frame.extra.len() {
            prop_assert_eq!(GlucoseContextFrame::decode(&bytes[..end]).map_err(|e| e.code()), Err("short_frame"));
        }
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error_and_frames_are_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
        for characteristic in [0x2a18, 0x2a34, 0x2a51] {
            let decoded = decode_json(characteristic, &bytes);
            prop_assert_eq!(decoded.json().get("error").is_none(), decoded.is_frame());
        }
        if let Ok(frame) = GlucoseFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), Some(bytes.clone()));
        }
        if let Ok(frame) = GlucoseContextFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), Some(bytes.clone()));
        }
        if let Ok(feature) = GlucoseFeature::decode(&bytes) {
            prop_assert_eq!(feature.encode().to_vec(), bytes);
        }
    }
}

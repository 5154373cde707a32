//! Literal frames of the Continuous Glucose Monitoring Service (0x2AA7 to 0x2AAC), with and without check sum. The check
//! sums were computed apart from this code, by the catalogue's CRC-16/MCRF4XX.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{DeviceTime, Number, from_hex};
use teleward_device::{
    CgmCalibration, CgmControl, CgmControlRequest, CgmControlResponse, CgmCrc, CgmFeature,
    CgmFrame, CgmLevel, CgmRecord, CgmResult, CgmSessionRunTime, CgmSessionStart, CgmStatus,
    CgmStatusFrame, GlucoseSample, NotAValue, decode_json,
};

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

fn printed(characteristic: u16, frame: &str) -> String {
    decode_json(characteristic, &hex(frame)).json().to_string()
}

/// REQ-DEVICE-083: one record or several, with or without check sum, print the fields that the standard gives them.
#[test]
fn measurements_print_their_records() {
    for (frame, json) in [
        (
            "06 00 7800 3c00",
            r#"{"characteristic":"2aa7","kind":"continuous_glucose","records":[{"glucose_mg_dl":"120","time_offset_min":"60"}]}"#,
        ),
        (
            "0f e3 7800 3c00 28 0f 81 05f0 6400 821b",
            r#"{"characteristic":"2aa7","kind":"continuous_glucose","records":[{"glucose_mg_dl":"120","time_offset_min":"60","status":["sensor_malfunction","general_device_fault","time_sync_required","calibration_not_allowed","calibration_recommended","calibration_required","below_patient_low","result_too_high"],"trend_mg_dl_min":"0.5","quality_percent":"100","crc_ok":true}]}"#,
        ),
        // Two records in one notification, one of them damaged on the way.
        (
            "08 00 5f00 0500 7f30 08 00 5f00 0600 7f30",
            r#"{"characteristic":"2aa7","kind":"continuous_glucose","records":[{"glucose_mg_dl":"95","time_offset_min":"5","crc_ok":true},{"glucose_mg_dl":"95","time_offset_min":"6","crc_ok":false}]}"#,
        ),
        // Reserved status bits, one octet only, and a byte that nothing announced.
        (
            "08 40 fe07 0000 c1 aa",
            r#"{"characteristic":"2aa7","kind":"continuous_glucose","records":[{"glucose_mg_dl":"+inf","time_offset_min":"0","status":["time_sync_required","calibration_pending"],"status_reserved":"008000","extra":"aa"}]}"#,
        ),
        (
            "07 80 ff07 ffff c0",
            r#"{"characteristic":"2aa7","kind":"continuous_glucose","records":[{"glucose_mg_dl":"nan","time_offset_min":"65535","status":[],"status_reserved":"0000c0"}]}"#,
        ),
    ] {
        assert_eq!(printed(0x2aa7, frame), json, "{frame}");
    }
}

/// REQ-DEVICE-083: what a sensor says about itself and its session.
#[test]
fn session_values_print_their_fields() {
    for (characteristic, frame, json) in [
        (
            0x2aa8,
            "001000 59 f049",
            r#"{"characteristic":"2aa8","kind":"continuous_glucose_feature","features":["e2e_crc"],"sample_type":"9","sample_location":"5","crc_ok":true}"#,
        ),
        (
            0x2aa8,
            "0fe0ff 59 ffff",
            r#"{"characteristic":"2aa8","kind":"continuous_glucose_feature","features":["calibration","patient_alerts","hypo_alerts","hyper_alerts","multiple_bonds","multiple_sessions","trend","quality"],"features_reserved":"fe0000","sample_type":"9","sample_location":"5"}"#,
        ),
        (
            0x2aa8,
            "000000 59 0000",
            r#"{"characteristic":"2aa8","kind":"continuous_glucose_feature","features":[],"sample_type":"9","sample_location":"5","extra":"0000"}"#,
        ),
        (
            0x2aa9,
            "3c00 010000",
            r#"{"characteristic":"2aa9","kind":"continuous_glucose_status","time_offset_min":"60","status":["session_stopped"]}"#,
        ),
        (
            0x2aa9,
            "3c00 010000 b5c9",
            r#"{"characteristic":"2aa9","kind":"continuous_glucose_status","time_offset_min":"60","status":["session_stopped"],"crc_ok":true}"#,
        ),
        (
            0x2aaa,
            "ea070b1c070a00 04 00",
            r#"{"characteristic":"2aaa","kind":"continuous_glucose_start","time":"2026-11-28T07:10:00","time_zone":"4","dst_offset":"0"}"#,
        ),
        (
            0x2aaa,
            "ea070b1c070a00 04 00 7f6d",
            r#"{"characteristic":"2aaa","kind":"continuous_glucose_start","time":"2026-11-28T07:10:00","time_zone":"4","dst_offset":"0","crc_ok":true}"#,
        ),
        (
            0x2aaa,
            "00000000000000 80 ff",
            r#"{"characteristic":"2aaa","kind":"continuous_glucose_start","time":"0000-00-00T00:00:00","time_zone":"-128","dst_offset":"255"}"#,
        ),
        (
            0x2aab,
            "a800",
            r#"{"characteristic":"2aab","kind":"continuous_glucose_run_time","run_time_h":"168"}"#,
        ),
        (
            0x2aab,
            "a800 8791",
            r#"{"characteristic":"2aab","kind":"continuous_glucose_run_time","run_time_h":"168","crc_ok":true}"#,
        ),
    ] {
        assert_eq!(printed(characteristic, frame), json, "{frame}");
    }
}

/// REQ-DEVICE-084: what a sensor answers at its control point, the interval in either width.
#[test]
fn control_answers_print_their_fields() {
    for (frame, fields) in [
        ("03 05", r#""op":"3","interval_min":"5""#),
        ("03 05 7d8d", r#""op":"3","interval_min":"5","crc_ok":true"#),
        ("03 2c01", r#""op":"3","interval_min":"300""#),
        (
            "06 6400 0a00 11 2c01 0100 04",
            r#""op":"6","glucose_mg_dl":"100","time_offset_min":"10","sample_type":"1","sample_location":"1","next_time_offset_min":"300","record_number":"1","status":["pending"]"#,
        ),
        (
            "06 6400 0a00 11 2c01 0100 04 a43f",
            r#""op":"6","glucose_mg_dl":"100","time_offset_min":"10","sample_type":"1","sample_location":"1","next_time_offset_min":"300","record_number":"1","status":["pending"],"crc_ok":true"#,
        ),
        ("09 b400", r#""op":"9","patient_high_mg_dl":"180""#),
        ("0c 4600", r#""op":"12","patient_low_mg_dl":"70""#),
        (
            "0f 4600 4261",
            r#""op":"15","hypo_mg_dl":"70","crc_ok":true"#,
        ),
        ("12 fa00", r#""op":"18","hyper_mg_dl":"250""#),
        ("15 1ef0", r#""op":"21","rate_of_decrease_mg_dl_min":"3.0""#),
        ("18 0300", r#""op":"24","rate_of_increase_mg_dl_min":"3""#),
        ("1c 04 01", r#""op":"28","request_op":"4","result":"1""#),
        (
            "1c 04 01 ec6f",
            r#""op":"28","request_op":"4","result":"1","crc_ok":true"#,
        ),
        ("1c 1a 09", r#""op":"28","request_op":"26","result":"9""#),
    ] {
        let head = r#"{"characteristic":"2aac","kind":"continuous_glucose_control","#;
        assert_eq!(
            printed(0x2aac, frame),
            format!("{head}{fields}}}"),
            "{frame}"
        );
    }
}

/// REQ-DEVICE-085: what ends early, has a size that cannot be, flags that are not known or a check sum that does not
/// fit, is an error with its code.
#[test]
fn malformed_frames_are_errors() {
    for (characteristic, frame, code) in [
        (0x2aa7, "", "short_frame"),
        (0x2aa7, "06 00 7800 3c", "short_frame"),
        (0x2aa7, "00", "bad_value"),
        (0x2aa7, "05 00 7800 3c", "bad_value"),
        (0x2aa7, "06 80 7800 3c00", "short_frame"),
        (0x2aa7, "06 04 7800 3c00", "reserved_flags"),
        (0x2aa7, "06 00 7800 3c00 07", "short_frame"),
        (0x2aa8, "001000 59 f0", "short_frame"),
        (0x2aa8, "001000 59 f149", "crc_mismatch"),
        (0x2aa8, "001000 59 f049 00", "trailing_bytes"),
        (0x2aa9, "3c00 0100", "short_frame"),
        (0x2aa9, "3c00 010000 b5", "trailing_bytes"),
        (0x2aa9, "3c00 010000 b5c8", "crc_mismatch"),
        (0x2aaa, "ea070b1c070a00 04", "short_frame"),
        (0x2aaa, "ea070b1d070a00 04 00 7f6d", "crc_mismatch"),
        (0x2aab, "a8", "short_frame"),
        (0x2aab, "a800 8792", "crc_mismatch"),
        (0x2aac, "", "short_frame"),
        (0x2aac, "03", "short_frame"),
        (0x2aac, "06 6400 0a00 11 2c01 0100", "short_frame"),
        (0x2aac, "1c 04", "short_frame"),
        (0x2aac, "1c 04 01 ec6e", "crc_mismatch"),
        (0x2aac, "01 05", "device_only"),
        (0x2aac, "08", "device_only"),
        (0x2aac, "1a", "device_only"),
        (0x2aac, "00", "bad_value"),
        (0x2aac, "1d", "bad_value"),
    ] {
        let json: serde_json::Value =
            serde_json::from_str(&printed(characteristic, frame)).unwrap();
        assert_eq!(json["error"]["code"], code, "{characteristic:04x} {frame}");
    }
}

/// REQ-DEVICE-082, HAZ-DEVICE-016: a damaged record, a failed sensor and a result beyond its range are no glucose
/// value; a clock that must be set is said apart.
#[test]
fn what_is_no_value_is_recognised() {
    for (frame, expected, clock_fault) in [
        ("06 00 7800 3c00", None, false),
        ("07 80 7800 3c00 01", None, false),
        ("07 40 7800 3c00 01", None, true),
        ("07 80 7800 3c00 08", Some(NotAValue::Failed), false),
        ("07 80 7800 3c00 04", Some(NotAValue::Failed), false),
        ("07 80 7800 3c00 20", Some(NotAValue::Failed), false),
        ("07 40 7800 3c00 10", Some(NotAValue::Failed), false),
        ("07 20 7800 3c00 40", Some(NotAValue::BelowRange), false),
        ("07 20 7800 3c00 80", Some(NotAValue::AboveRange), false),
        ("07 20 7800 3c00 3f", None, false),
        ("06 00 fe07 3c00", Some(NotAValue::AboveRange), false),
        ("06 00 0208 3c00", Some(NotAValue::BelowRange), false),
        ("06 00 ff07 3c00", Some(NotAValue::Failed), false),
        ("08 00 5f00 0500 7f30", None, false),
        ("08 00 5f00 0500 7f31", Some(NotAValue::Damaged), false),
    ] {
        let read = CgmFrame::decode(&hex(frame)).unwrap();
        assert_eq!(read.records[0].not_a_value(), expected, "{frame}");
        assert_eq!(read.records[0].clock_fault(), clock_fault, "{frame}");
    }
}

/// REQ-DEVICE-084: what is written to a sensor are the standard's bytes.
#[test]
fn requests_are_the_standards_bytes() {
    let calibration = CgmCalibration {
        glucose: Number::of(100, 0),
        time_offset_min: 10,
        sample: GlucoseSample::new(1, 1),
        next_time_offset_min: 0,
        record_number: 0,
        status: 0,
    };
    for (what, crc, bytes) in [
        (CgmControlRequest::SetInterval(5), false, "01 05"),
        (CgmControlRequest::SetInterval(5), true, "01 05 cdbe"),
        (CgmControlRequest::GetInterval, false, "02"),
        (
            CgmControlRequest::SetCalibration(calibration),
            false,
            "04 6400 0a00 11 0000 0000 00",
        ),
        (CgmControlRequest::GetCalibration(0xffff), false, "05 ffff"),
        (
            CgmControlRequest::SetLevel(CgmLevel::PatientHigh, Number::of(180, 0)),
            false,
            "07 b400",
        ),
        (CgmControlRequest::GetLevel(CgmLevel::Hypo), false, "0e"),
        (
            CgmControlRequest::SetLevel(CgmLevel::RateOfIncrease, Number::of(3, 0)),
            false,
            "16 0300",
        ),
        (CgmControlRequest::ResetAlert, false, "19"),
        (CgmControlRequest::Start, true, "1a 5cb0"),
        (CgmControlRequest::Stop, false, "1b"),
    ] {
        let control = CgmControl { what, crc };
        assert_eq!(control.encode(), Some(hex(bytes)), "{bytes}");
        assert_eq!(
            CgmControl::<CgmControlRequest>::decode(&hex(bytes)),
            Ok(control)
        );
        let answer = CgmControl::<CgmControlResponse>::decode(&hex(bytes));
        assert_eq!(answer.map_err(|e| e.code()), Err("device_only"), "{bytes}");
    }
    let wrong = CgmControl::<CgmControlRequest>::decode(&hex("01 05 cdbf"));
    assert_eq!(wrong.map_err(|e| e.code()), Err("crc_mismatch"));
    let answer = CgmControl::<CgmControlRequest>::decode(&hex("1c 04 01"));
    assert_eq!(answer.map_err(|e| e.code()), Err("bad_value"));
}

fn number() -> impl Strategy<Value = Number> {
    any::<u16>().prop_map(teleward_device::float::sfloat)
}

fn record() -> impl Strategy<Value = CgmRecord> {
    (
        number(),
        any::<(u16, Option<u8>, Option<u8>, Option<u8>, bool)>(),
        proptest::option::of(number()),
        proptest::option::of(number()),
    )
        .prop_map(
            |(glucose, (offset, status, calibration, warning, crc), trend, quality)| CgmRecord {
                glucose,
                time_offset_min: offset,
                status: CgmStatus {
                    status,
                    calibration,
                    warning,
                },
                trend,
                quality,
                crc: crc.then_some(CgmCrc::Fits),
                extra: Vec::new(),
            },
        )
}

fn response() -> impl Strategy<Value = CgmControl<CgmControlResponse>> {
    let level = prop_oneof![
        Just(CgmLevel::PatientHigh),
        Just(CgmLevel::PatientLow),
        Just(CgmLevel::Hypo),
        Just(CgmLevel::Hyper),
        Just(CgmLevel::RateOfDecrease),
        Just(CgmLevel::RateOfIncrease),
    ];
    let calibration = (number(), any::<(u16, u8, u16, u16, u8)>());
    let what = prop_oneof![
        any::<u16>().prop_map(CgmControlResponse::Interval),
        (level, number()).prop_map(|(level, number)| CgmControlResponse::Level(level, number)),
        any::<(u8, u8)>().prop_map(|(request, code)| CgmControlResponse::Done {
            request,
            result: CgmResult::from_code(code),
        }),
        calibration.prop_map(|(glucose, (time, sample, next, record_number, status))| {
            CgmControlResponse::Calibration(CgmCalibration {
                glucose,
                time_offset_min: time,
                sample: GlucoseSample(sample),
                next_time_offset_min: next,
                record_number,
                status,
            })
        }),
    ];
    (what, any::<bool>()).prop_map(|(what, crc)| CgmControl { what, crc })
}

proptest! {
    /// REQ-DEVICE-083, REQ-DEVICE-085: written and read back they are the same; cut at any byte they are an error,
    /// unless the cut is between two records.
    #[test]
    fn records_go_there_and_back(records in proptest::collection::vec(record(), 1..4)) {
        let ends: Vec<usize> = records.iter().scan(0, |end, one| {
            *end += one.encode().unwrap().len();
            Some(*end)
        }).collect();
        let frame = CgmFrame { records };
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(CgmFrame::decode(&bytes), Ok(frame.clone()));
        for end in (0..bytes.len()).filter(|end| !ends.contains(end)) {
            prop_assert_eq!(CgmFrame::decode(&bytes[..end]).map_err(|e| e.code()), Err("short_frame"));
        }
    }

    #[test]
    fn session_values_go_there_and_back(
        (bits, sample, offset, status) in any::<(u32, u8, u16, [u8; 3])>(),
        (time, zone, dst, hours, crc) in any::<([u8; 7], i8, u8, u16, bool)>(),
    ) {
        let feature = CgmFeature::new(bits & 0x00ff_ffff, GlucoseSample(sample));
        prop_assert_eq!(CgmFeature::decode(&feature.encode().unwrap()), Ok(feature));
        let status = CgmStatusFrame { time_offset_min: offset, status, crc };
        prop_assert_eq!(CgmStatusFrame::decode(&status.encode()), Ok(status));
        let start = CgmSessionStart { time: DeviceTime::from_bytes(time), time_zone: zone, dst_offset: dst, crc };
        prop_assert_eq!(CgmSessionStart::decode(&start.encode()), Ok(start));
        let run = CgmSessionRunTime { hours, crc };
        prop_assert_eq!(CgmSessionRunTime::decode(&run.encode()), Ok(run));
        for end in 0..5 {
            prop_assert!(CgmStatusFrame::decode(&status.encode()[..end]).is_err());
        }
        for end in 0..9 {
            prop_assert!(CgmSessionStart::decode(&start.encode()[..end]).is_err());
        }
    }

    /// REQ-DEVICE-084.
    #[test]
    fn control_answers_go_there_and_back(control in response()) {
        let bytes = control.encode().unwrap();
        // An interval of up to 255 minutes is written in one byte; two bytes with a check sum are four.
        prop_assert_eq!(CgmControl::<CgmControlResponse>::decode(&bytes), Ok(control));
    }

    /// REQ-DEVICE-085: one flipped bit in a frame with a check sum is never taken for the value.
    #[test]
    fn a_flipped_bit_is_found(hours in any::<u16>(), bit in 0_usize..32) {
        let mut bytes = CgmSessionRunTime { hours, crc: true }.encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(CgmSessionRunTime::decode(&bytes).map_err(|e| e.code()), Err("crc_mismatch"));
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error_and_frames_are_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        for characteristic in 0x2aa7..=0x2aac {
            let decoded = decode_json(characteristic, &bytes);
            prop_assert_eq!(decoded.json().get("error").is_none(), decoded.is_frame());
        }
        if let Ok(frame) = CgmFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), Some(bytes.clone()));
        }
        if let Ok(feature) = CgmFeature::decode(&bytes) {
            prop_assert_eq!(feature.encode(), Some(bytes.clone()));
        }
        if let Ok(control) = CgmControl::<CgmControlRequest>::decode(&bytes) {
            prop_assert_eq!(control.encode(), Some(bytes));
        }
    }
}

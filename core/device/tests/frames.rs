//! Literal frames of 0x2A35, 0x2A36 and 0x2A49, and what `teleward decode` prints for them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{Doubt, Moment, Number, PressureUnit, from_hex};
use teleward_device::{
    BloodPressureFrame, CapturedRecord, DeviceHandle, Identity, SessionFacts, decode_json,
    to_reading,
};

fn printed(characteristic: u16, hex: &str) -> String {
    let bytes = from_hex(&hex.replace(' ', "")).unwrap();
    decode_json(characteristic, &bytes).json().to_string()
}

/// REQ-DEVICE-011: each frame prints the fields that the standard gives it, digits as sent.
#[test]
fn frames_print_their_fields() {
    for (characteristic, hex, json) in [
        (
            0x2a35,
            "16 7c00 5600 6100 e807060f11111b 3300 0000",
            r#"{"characteristic":"2a35","kind":"blood_pressure","systolic":"124","diastolic":"86","mean_arterial":"97","unit":"mm[Hg]","time":"2024-06-15T17:17:27","pulse_rate":"51","status":[]}"#,
        ),
        (
            0x2a35,
            "16 ff07 ff07 ff07 e80706170e230a ff07 0000",
            r#"{"characteristic":"2a35","kind":"blood_pressure","systolic":"nan","diastolic":"nan","mean_arterial":"nan","unit":"mm[Hg]","time":"2024-06-23T14:35:10","pulse_rate":"nan","status":[]}"#,
        ),
        (
            0x2a35,
            "00 8000 5200 0000",
            r#"{"characteristic":"2a35","kind":"blood_pressure","systolic":"128","diastolic":"82","mean_arterial":"0","unit":"mm[Hg]"}"#,
        ),
        (
            0x2a35,
            "1f a5f0 71f0 fe07 0000000f11111b 0208 ff 7fc0 beef",
            r#"{"characteristic":"2a35","kind":"blood_pressure","systolic":"16.5","diastolic":"11.3","mean_arterial":"+inf","unit":"kPa","time":"0000-00-15T17:17:27","pulse_rate":"-inf","user_slot":"255","status":["body_movement","cuff_too_loose","irregular_pulse","improper_position"],"status_reserved":"c058","extra":"beef"}"#,
        ),
        (
            0x2a35,
            "04 0008 0108 38ee 0300",
            r#"{"characteristic":"2a35","kind":"blood_pressure","systolic":"nres","diastolic":"reserved","mean_arterial":"-4.56","unit":"mm[Hg]","pulse_rate":"3"}"#,
        ),
        (
            0x2a36,
            "00 6400 ff07 ff07",
            r#"{"characteristic":"2a36","kind":"intermediate_cuff_pressure","cuff_pressure":"100","unit":"mm[Hg]"}"#,
        ),
        (
            0x2a49,
            "2502",
            r#"{"characteristic":"2a49","kind":"blood_pressure_feature","features":["body_movement_detection","irregular_pulse_detection","multiple_bonds"],"features_reserved":"0200"}"#,
        ),
    ] {
        assert_eq!(printed(characteristic, hex), json, "{hex}");
    }
}

/// REQ-DEVICE-012: what is no frame is an error with its code, never a guess.
#[test]
fn malformed_frames_are_errors() {
    for (characteristic, hex, code) in [
        (0x2a35, "", "short_frame"),
        (0x2a35, "16 7c00 5600 61", "short_frame"),
        (0x2a35, "02 7c00 5600 6100 e807060f1111", "short_frame"),
        (0x2a35, "04 7c00 5600 6100 33", "short_frame"),
        (0x2a35, "08 7c00 5600 6100", "short_frame"),
        (0x2a35, "10 7c00 5600 6100 00", "short_frame"),
        (
            0x2a35,
            "56 7c00 5600 6100 e807060f111100 3300 00 0000",
            "reserved_flags",
        ),
        (0x2a36, "80 6400 ff07 ff07", "reserved_flags"),
        (0x2a49, "25", "short_frame"),
        (0x2a49, "250000", "trailing_bytes"),
        (0x2a00, "00", "unknown_characteristic"),
    ] {
        let json: serde_json::Value = serde_json::from_str(&printed(characteristic, hex)).unwrap();
        assert_eq!(json["error"]["code"], code, "{hex}");
        assert!(
            json["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
}

fn record(characteristic: u16, hex: &str) -> CapturedRecord {
    CapturedRecord {
        device: DeviceHandle("cuff".to_owned()),
        characteristic,
        packets: vec![from_hex(&hex.replace(' ', "")).unwrap()],
        arrived: Moment::from_ms(1_718_471_850_000),
        utc_offset_min: 0,
        connection: [3; 16],
        ordinal: 0,
    }
}

fn identity(provisional: bool) -> Identity {
    Identity {
        device: reading::DeviceIdentity::Address([0xc4; 6]),
        provisional,
    }
}

/// REQ-DEVICE-013: an intermediate cuff pressure is never a reading. HAZ-DEVICE-001.
#[test]
fn an_intermediate_cuff_pressure_is_never_a_reading() {
    let record = record(0x2a36, "00 6400 ff07 ff07");
    let made = to_reading(&record, &SessionFacts::default(), &identity(false), [1; 16]);
    assert_eq!(made.unwrap_err().code(), "not_a_reading");
}

/// REQ-DEVICE-014: what is doubtful about a reading is said, and does not hold it back. HAZ-DEVICE-002.
#[test]
fn doubts_are_said() {
    use Doubt::*;
    for (hex, provisional, doubts) in [
        (
            "16 7c00 5600 6100 e807060f11111b 3300 0000",
            false,
            vec![ClockNotRead],
        ),
        (
            "16 ff07 ff07 ff07 e807060f11111b ff07 0000",
            false,
            vec![MeasurementFailed, ClockNotRead],
        ),
        (
            "12 7c00 5600 6100 e907060f11111b 2200",
            false,
            vec![Disturbed, DeviceTimeAhead],
        ),
        (
            "02 7c00 5600 6100 0000060f11111b",
            true,
            vec![DeviceTimeUnusable, IdentityProvisional],
        ),
        (
            "08 7c00 5600 6100 ff",
            false,
            vec![NoDeviceTime, UserUnknown],
        ),
        (
            "10 7c00 5600 6100 4000",
            false,
            vec![NoDeviceTime, NotUnderstood],
        ),
        (
            "00 7c00 5600 6100 aa",
            false,
            vec![NoDeviceTime, NotUnderstood],
        ),
        // An irregular pulse is a finding about the patient, not a doubt about the measurement.
        ("10 7c00 5600 6100 0400", false, vec![NoDeviceTime]),
    ] {
        let facts = SessionFacts::default();
        let reading = to_reading(
            &record(0x2a35, hex),
            &facts,
            &identity(provisional),
            [1; 16],
        )
        .unwrap();
        assert_eq!(reading.doubts, doubts, "{hex}");
        assert_eq!(reading.computed_id(), Ok(reading.id));
    }
}

#[test]
fn a_simulated_cuff_writes_what_a_real_one_does() {
    let frame = BloodPressureFrame {
        systolic: Number::of(124, 0),
        diastolic: Number::of(86, 0),
        mean_arterial: Number::of(97, 0),
        unit: PressureUnit::MmHg,
        time: Some(reading::DeviceTime::from_bytes([
            0xe8, 7, 6, 15, 17, 17, 27,
        ])),
        pulse_rate: Some(Number::of(51, 0)),
        user_slot: None,
        status: Some(reading::BloodPressureStatus(0)),
        extra: Vec::new(),
    };
    let bytes = from_hex("167c0056006100e807060f11111b33000000").unwrap();
    assert_eq!(frame.encode(), Some(bytes));
    let too_large = BloodPressureFrame {
        systolic: Number::of(5_000, 0),
        ..frame
    };
    assert_eq!(too_large.encode(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_frame_or_an_error_and_frames_are_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
        for characteristic in [0x2a35, 0x2a36, 0x2a49] {
            let decoded = decode_json(characteristic, &bytes);
            prop_assert_eq!(decoded.json().get("error").is_none(), decoded.is_frame());
        }
        if let Ok(frame) = BloodPressureFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), Some(bytes));
        }
    }
}

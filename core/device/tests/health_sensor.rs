//! Records of the Generic Health Sensor Service: literal ones, of every class, and those that are none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{Number, from_hex};
use teleward_device::health_sensor::{
    HealthObservation, HealthSensorControl, HealthSensorFeatures, HealthSensorResult, Item,
    ObservationStatus, Part, SampleArray, StateValue, StoredObservation, Value,
};
use teleward_device::{ElapsedTime, NotAValue, decode_json};

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

fn printed(characteristic: u16, frame: &str) -> String {
    decode_json(characteristic, &hex(frame)).json().to_string()
}

/// A pulse oximeter's bundle in STMicroelectronics' `ghs_app.c`: 98 % and 98 a minute on 2021-11-20 at 11:50:10 UTC.
const OXIMETER: &str = "ff 2f00 4200 22729d2b29000006 00 01 3c4c0200 02 \
    01 0c00 0100 b84b0200 2002 62000000 01 0c00 0100 1a480200 a00a 62000000";

/// REQ-DEVICE-087: a public record is read, with a segment header before it, as it comes.
#[test]
fn a_public_bundle_prints_its_fields() {
    let json = r#"{"characteristic":"2b8b","kind":"health_observation","segment_first":true,"segment_last":true,"segment_counter":"5","class":"255","time":{"timeline":"utc","seconds":"690724210","resolution_s":"1","time":"2021-11-20T11:50:10","time_source":"6","current_timeline":true},"supplemental_types":["150588"],"observations":[{"class":"1","type":"150456","unit":"544","value":"98"},{"class":"1","type":"149530","unit":"2720","value":"98"}]}"#;
    assert_eq!(printed(0x2b8b, &format!("17 {OXIMETER}")), json);
    let read = HealthObservation::decode(&hex(OXIMETER)).unwrap();
    assert_eq!(hex(OXIMETER).len(), 50);
    assert_eq!(read.encode(), Some(hex(OXIMETER)));
    assert!(
        read.time
            .is_some_and(|time| time.is_current() && time.is_synchronised())
    );
    let stored = printed(0x2bdd, &format!("03 07000000 {OXIMETER}"));
    assert!(
        stored.contains(r#""segment_counter":"0","record_number":"7","class":"255""#),
        "{stored}"
    );
}

/// REQ-DEVICE-087: each of the nine classes, everything that can stand before the value, and a segment of more.
#[test]
fn every_class_prints_its_fields() {
    for (body, fields) in [
        (
            "01 0c00 0100 b84b0200 2002 ffff7f00",
            r#""class":"1","type":"150456","unit":"544","value":"nan""#,
        ),
        (
            "01 0800 0000 2002 6c0100ff",
            r#""class":"1","unit":"544","value":"36.4""#,
        ),
        ("02 0600 0000 0a000000", r#""class":"2","value":"10""#),
        ("03 0600 0000 0200 c3a9", r#""class":"3","text":"é""#),
        (
            "04 1c00 0000 2002 010000ff 00000000 0a0000fd 01 02 02000000 01000200",
            r#""class":"4","unit":"544","scale":"0.1","offset":"0","period_s":"0.010","samples_per_period":"1","sample_bytes":"2","samples":"01000200""#,
        ),
        (
            "05 0b00 0000 02 01000000 02000000",
            r#""class":"5","events":["1","2"]"#,
        ),
        (
            "06 0600 0000 01 ff 0f 05",
            r#""class":"6","supported":"ff","states":"0f","bits":"05""#,
        ),
        (
            "07 1700 0000 02 b84b0200 01 2002 62000000 1a480200 02 07000000",
            r#""class":"7","parts":[{"type":"150456","class":"1","unit":"544","value":"98"},{"type":"149530","class":"2","value":"7"}]"#,
        ),
        (
            "08 0c00 0000 01 01000000 0200 06 beef",
            r#""class":"8","items":[{"type":"1","format":"6","bytes":"beef"}]"#,
        ),
        (
            "02 2f00 fc03 000000 fe 83ff 09000000 02 00 01 01000000 02 03000000 04000000 01 01000000 0000 1b 0a000000",
            r#""class":"2","duration_s":"0.00","status":["invalid","questionable","setting","threshold_error","thresholds_disabled"],"status_reserved":"3f00","observation_id":"9","patient":"2","supplemental_types":[],"derived_from":["1"],"member_of":["3","4"],"extras":[{"type":"1","format":"27","bytes":""}],"value":"10""#,
        ),
    ] {
        let head = r#"{"characteristic":"2b8b","kind":"health_observation","segment_first":true,"segment_last":true,"segment_counter":"0","#;
        // The length is written here by hand; what counts is that it is right.
        let mut frame = hex(&format!("03 {body}"));
        let length = u16::try_from(frame.len() - 4).unwrap();
        frame[2..4].copy_from_slice(&length.to_le_bytes());
        let json = decode_json(0x2b8b, &frame).json().to_string();
        assert_eq!(json, format!("{head}{fields}}}"), "{body}");
    }
    assert_eq!(
        printed(0x2bdd, "fd 0700"),
        r#"{"characteristic":"2bdd","kind":"stored_health_observation","segment_first":true,"segment_last":false,"segment_counter":"63","piece":"0700"}"#
    );
}

/// REQ-DEVICE-088: the length may count itself, or the class as well: each record fits one form only.
#[test]
fn the_length_is_read_in_each_form() {
    let standard = HealthObservation::decode(&hex(OXIMETER)).unwrap();
    for ahead in [2, 3] {
        let mut record = hex(OXIMETER);
        for at in [1, 21, 36] {
            record[at] += ahead;
        }
        assert_eq!(
            HealthObservation::decode(&record),
            Ok(standard.clone()),
            "{ahead}"
        );
    }
    for (at, to) in [(1, 0x30), (1, 0x2e), (1, 0x33), (21, 0x0d), (36, 0x0e)] {
        let mut record = hex(OXIMETER);
        record[at] = to;
        assert!(HealthObservation::decode(&record).is_err(), "{at} {to}");
    }
}

/// REQ-DEVICE-088: what is no record is an error with its code.
#[test]
fn malformed_records_are_errors() {
    for (characteristic, frame, code) in [
        (0x2b8b, "", "short_frame"),
        (0x2b8b, "03", "short_frame"),
        (0x2b8b, "03 01 0c00 0100", "short_frame"),
        (
            0x2b8b,
            "03 01 0c00 0100 b84b0200 2002 62000000 00",
            "trailing_bytes",
        ),
        (
            0x2b8b,
            "03 01 0d00 0100 b84b0200 2002 62000000 00",
            "trailing_bytes",
        ),
        (
            0x2b8b,
            "03 01 0c00 0104 b84b0200 2002 62000000",
            "reserved_flags",
        ),
        (0x2b8b, "03 00 0600 0000 0a000000", "bad_value"),
        (0x2b8b, "03 09 0600 0000 0a000000", "bad_value"),
        (0x2b8b, "03 03 0500 0000 0100 ff", "bad_value"),
        // A bundle in a bundle, a compound in a compound, samples of no bytes.
        (0x2b8b, "03 ff 0900 0000 01 ff 0300 0000 00", "bad_value"),
        (0x2b8b, "03 07 0900 0000 01 01000000 07 00", "bad_value"),
        (
            0x2b8b,
            "03 04 1600 0000 2002 010000ff 00000000 0a0000fd 01 00 00000000",
            "bad_value",
        ),
        // More samples than there are bytes, in any address space.
        (
            0x2b8b,
            "03 04 1600 0000 2002 010000ff 00000000 0a0000fd 01 ff ffffffff",
            "short_frame",
        ),
        (0x2bdd, "03 070000", "short_frame"),
        (0x2bf3, "00", "short_frame"),
        (0x2bf3, "02 00", "reserved_flags"),
        (0x2bf3, "00 00 00", "trailing_bytes"),
        (0x2bf3, "01 00 01 0110", "short_frame"),
        (0x2bf4, "", "short_frame"),
        (0x2bf4, "01", "device_only"),
        (0x2bf4, "02", "device_only"),
        (0x2bf4, "80 00", "trailing_bytes"),
    ] {
        let json: serde_json::Value =
            serde_json::from_str(&printed(characteristic, frame)).unwrap();
        assert_eq!(json["error"]["code"], code, "{characteristic:04x} {frame}");
    }
    // As deep as a record can be: an error, and no stack that overflows.
    let deep: Vec<u8> = [0xff, 0xff, 0xff, 0, 0, 1]
        .into_iter()
        .cycle()
        .take(60_000)
        .collect();
    assert!(HealthObservation::decode(&deep).is_err());
}

/// REQ-DEVICE-089: what a sensor offers, and what its control point says.
#[test]
fn features_and_control_print_their_fields() {
    for (characteristic, frame, json) in [
        (
            0x2bf3,
            "00 02 b84b0200 1a480200",
            r#"{"characteristic":"2bf3","kind":"health_sensor_features","types":["150456","149530"]}"#,
        ),
        (
            0x2bf3,
            "01 01 b84b0200 01 04100801",
            r#"{"characteristic":"2bf3","kind":"health_sensor_features","types":["150456"],"specialisations":["04100801"]}"#,
        ),
        (
            0x2bf3,
            "01 00 02 041001 071001",
            r#"{"characteristic":"2bf3","kind":"health_sensor_features","types":[],"specialisations":["041001","071001"]}"#,
        ),
        (
            0x2bf4,
            "80",
            r#"{"characteristic":"2bf4","kind":"health_sensor_control","result":"128"}"#,
        ),
        (
            0x2bf4,
            "81",
            r#"{"characteristic":"2bf4","kind":"health_sensor_control","result":"129"}"#,
        ),
        (
            0x2bf4,
            "ff",
            r#"{"characteristic":"2bf4","kind":"health_sensor_control","result":"255"}"#,
        ),
    ] {
        assert_eq!(printed(characteristic, frame), json, "{frame}");
    }
    for control in [
        HealthSensorControl::StartLive,
        HealthSensorControl::StopLive,
    ] {
        assert_eq!(HealthSensorControl::decode(&control.encode()), Ok(control));
    }
    assert!(
        HealthSensorControl::decode(&[3]).is_err() && HealthSensorControl::decode(&[1, 0]).is_err()
    );
    let result = HealthSensorResult::decode(&[0x82]).unwrap();
    assert_eq!(
        (result, result.encode()),
        (HealthSensorResult::Cannot, vec![0x82])
    );
}

/// REQ-DEVICE-082, HAZ-DEVICE-018: what was not measured, is invalid or is no number is no value of the patient.
#[test]
fn what_is_no_value_is_recognised() {
    let numeric = |value| Value::Numeric { unit: 544, value };
    let of = |status: Option<u16>, value| HealthObservation {
        status: status.map(ObservationStatus),
        ..HealthObservation::of(Some(150_456), value)
    };
    for (status, number, expected) in [
        (None, Number::of(98, 0), None),
        (Some(0), Number::of(98, 0), None),
        (Some(0x0002), Number::of(98, 0), None),
        (Some(0x0060), Number::of(98, 0), None),
        (Some(0x0001), Number::of(98, 0), Some(NotAValue::Invalid)),
        (
            Some(0x0004),
            Number::of(98, 0),
            Some(NotAValue::Unavailable),
        ),
        (
            Some(0x0008),
            Number::of(98, 0),
            Some(NotAValue::Calibrating),
        ),
        (Some(0x0010), Number::of(98, 0), Some(NotAValue::Test)),
        (Some(0x0080), Number::of(98, 0), Some(NotAValue::Setting)),
        (None, Number::NotANumber, Some(NotAValue::Failed)),
        (None, Number::PlusInfinity, Some(NotAValue::AboveRange)),
        (None, Number::MinusInfinity, Some(NotAValue::BelowRange)),
    ] {
        assert_eq!(
            of(status, numeric(number)).not_a_value(),
            expected,
            "{status:?}"
        );
    }
    let timed = |flags, source| HealthObservation {
        time: Some(ElapsedTime {
            flags,
            count: 1,
            source,
            offset_quarters: 0,
        }),
        ..of(None, numeric(Number::of(98, 0)))
    };
    assert!(
        timed(0x02, 7).clock_fault(),
        "not synchronised, old timeline"
    );
    assert!(timed(0x01, 1).clock_fault(), "ticks of an old timeline");
    assert!(
        !timed(0x22, 7).clock_fault(),
        "the present timeline can be mapped"
    );
    assert!(!timed(0x02, 1).clock_fault(), "synchronised");
}

fn plain() -> impl Strategy<Value = Value> {
    let float = || any::<u32>().prop_map(teleward_device::float::float);
    let bytes = || proptest::collection::vec(any::<u8>(), 0..12);
    prop_oneof![
        (any::<u16>(), float()).prop_map(|(unit, value)| Value::Numeric { unit, value }),
        any::<u32>().prop_map(Value::Discrete),
        ".{0,12}".prop_map(Value::Text),
        (
            any::<(u16, u8)>(),
            float(),
            float(),
            float(),
            1_u8..4,
            bytes()
        )
            .prop_map(
                |((unit, per_period), scale, offset, period_s, sample_size, mut data)| {
                    data.truncate(data.len() / usize::from(sample_size) * usize::from(sample_size));
                    Value::Samples(Box::new(SampleArray {
                        unit,
                        scale,
                        offset,
                        period_s,
                        per_period,
                        sample_size,
                        data,
                    }))
                }
            ),
        proptest::collection::vec(any::<u32>(), 0..4).prop_map(Value::Events),
        bytes().prop_map(|bits| Value::State(StateValue {
            supported: bits.clone(),
            states: bits.clone(),
            bits
        })),
        items().prop_map(Value::Items),
    ]
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (
        any::<u32>(),
        any::<u8>(),
        proptest::collection::vec(any::<u8>(), 0..5),
    )
        .prop_map(|(kind, format, bytes)| Item {
            kind,
            format,
            bytes,
        });
    proptest::collection::vec(item, 0..3)
}

fn observation(value: impl Strategy<Value = Value>) -> impl Strategy<Value = HealthObservation> {
    let list = || proptest::option::of(proptest::collection::vec(any::<u32>(), 0..3));
    let time = (any::<(u8, u8, i8)>(), 0_u64..1 << 48).prop_map(
        |((flags, source, offset_quarters), count)| ElapsedTime {
            flags,
            count,
            source,
            offset_quarters,
        },
    );
    (
        any::<(
            Option<u32>,
            Option<u32>,
            Option<u16>,
            Option<u32>,
            Option<u8>,
        )>(),
        proptest::option::of(time),
        (list(), list(), list()),
        proptest::option::of(items()),
        value,
    )
        .prop_map(
            |((kind, duration, status, id, patient), time, lists, extras, value)| {
                HealthObservation {
                    kind,
                    time,
                    duration_s: duration.map(teleward_device::float::float),
                    status: status.map(ObservationStatus),
                    id,
                    patient,
                    supplemental: lists.0,
                    derived_from: lists.1,
                    member_of: lists.2,
                    extras,
                    value,
                }
            },
        )
}

fn any_value() -> impl Strategy<Value = Value> {
    let parts = proptest::collection::vec((any::<u32>(), plain()), 0..3);
    let parts = parts.prop_map(|parts| {
        Value::Compound(
            parts
                .into_iter()
                .map(|(kind, value)| Part { kind, value })
                .collect(),
        )
    });
    prop_oneof![
        4 => plain(),
        1 => parts,
        1 => proptest::collection::vec(observation(plain()), 0..3).prop_map(Value::Bundle),
    ]
}

proptest! {
    /// REQ-DEVICE-087, REQ-DEVICE-088: written and read back it is the same; cut at any byte it is an error.
    #[test]
    fn a_record_goes_there_and_back(observation in observation(any_value()), record_number in any::<u32>()) {
        let stored = StoredObservation { record_number, observation };
        let bytes = stored.encode().unwrap();
        prop_assert_eq!(StoredObservation::decode(&bytes), Ok(stored.clone()));
        prop_assert_eq!(HealthObservation::decode(&bytes[4..]), Ok(stored.observation));
        for end in 0..bytes.len() {
            prop_assert!(StoredObservation::decode(&bytes[..end]).is_err(), "cut at {}", end);
        }
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80), class in prop_oneof![0_u8..10, Just(255)], flags in 0_u16..0x0800) {
        for characteristic in [0x2b8b, 0x2bdd, 0x2bf3, 0x2bf4] {
            let decoded = decode_json(characteristic, &bytes);
            prop_assert_eq!(decoded.json().get("error").is_none(), decoded.is_frame());
        }
        if let Ok(features) = HealthSensorFeatures::decode(&bytes) {
            prop_assert_eq!(features.encode(), Some(bytes.clone()));
        }
        // The same bytes behind a head that leads somewhere.
        let length = u16::try_from(bytes.len() + 2).unwrap();
        let record = [&[class], &length.to_le_bytes()[..], &flags.to_le_bytes()[..], &bytes].concat();
        if let Ok(read) = HealthObservation::decode(&record) {
            prop_assert_eq!(read.encode(), Some(record));
        }
    }
}

//! What is no reading stays out of the numbers, and what is doubtful about one is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod common;

use common::*;
use std::borrow::Cow;
use teleward_reading::*;

fn doubts(measurement: Measurement) -> Vec<&'static str> {
    let doubts = Doubt::in_order(measurement.doubts());
    doubts.into_iter().map(Doubt::code).collect()
}

fn numbers(measurement: &Measurement) -> Vec<(&'static str, Option<String>)> {
    let parts = measurement.parts();
    let told = |value: &Value| {
        let Cow::Borrowed(name) = value.name else {
            panic!("a code without a name")
        };
        (name, value.number.map(|number| number.to_string()))
    };
    parts.values.iter().map(told).collect()
}

/// REQ-READING-021: what a demonstration, a test or a calibration shows, what is invalid, and a pulse of 0 are no
/// numbers, whatever the frame holds. HAZ-READING-001: a number that is no patient's is taken for the patient's.
#[test]
fn an_oximeter_that_measures_nobody_gives_no_number() {
    for (status, code) in [
        (1 << 10, "not_from_patient"),
        (1 << 11, "not_from_patient"),
        (1 << 12, "calibrating"),
        (1 << 13, "measurement_failed"),
        (1 << 15, "measurement_failed"),
    ] {
        let sent = Oximetry {
            measurement_status: Some(status),
            device_status: None,
            ..oximetry()
        };
        let kept = Measurement::Spo2(sent.sifted());
        assert_eq!(numbers(&kept), [("spo2", None)], "{code}");
        assert_eq!(doubts(kept), [code]);
    }
    let mute = Oximetry {
        pulse_rate: Some(Number::of(0, 1)),
        measurement_status: Some(1 << 6 | 1 << 14),
        device_status: Some(1 << 3),
        ..oximetry()
    };
    let mute = Measurement::Spo2(mute.sifted());
    assert_eq!(numbers(&mute).len(), 2, "no pulse");
    assert_eq!(doubts(mute), ["disturbed", "questionable", "preliminary"]);
    let fine = Oximetry {
        device_status: Some(1),
        ..oximetry()
    };
    assert_eq!(doubts(Measurement::Spo2(fine)), [""; 0]);
}

/// REQ-READING-022: a control solution is never a patient's value, and HI and LO stay what they are, also where a
/// meter sends a number beside them.
#[test]
fn a_meter_keeps_control_solution_and_the_ends_of_its_range_apart() {
    let kept = |change: fn(&mut Glucose)| {
        let mut sent = glucose();
        change(&mut sent);
        let kept = Measurement::Glucose(sent.sifted());
        let shown = numbers(&kept).remove(0).1;
        (shown, doubts(kept))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(kept(|_| ()), (some("105"), vec![]));
    assert_eq!(
        kept(|g| g.sample_type = Some(10)),
        (None, vec!["control_solution"])
    );
    assert_eq!(
        kept(|g| g.sample_location = Some(4)),
        (None, vec!["control_solution"])
    );
    assert_eq!(
        kept(|g| g.status = Some(1 << 5)),
        (some("+inf"), vec!["above_range"])
    );
    assert_eq!(
        kept(|g| g.status = Some(1 << 6)),
        (some("-inf"), vec!["below_range"])
    );
    assert_eq!(
        kept(|g| g.concentration = Some(Number::PlusInfinity)),
        (some("+inf"), vec!["above_range"])
    );
    assert_eq!(
        kept(|g| g.concentration = None),
        (None, vec!["measurement_failed"])
    );
    assert_eq!(
        kept(|g| g.status = Some(1 << 2)),
        (None, vec!["measurement_failed"])
    );
    assert_eq!(
        kept(|g| g.status = Some(1 << 15)),
        (some("105"), vec!["not_understood"])
    );
    assert_eq!(
        kept(|g| g.status = Some(1)),
        (some("105"), vec![]),
        "a battery is no doubt"
    );
}

/// REQ-READING-023: a failed weighing, a heart rate of 0 and a thermometer out of its range are no numbers.
#[test]
fn what_failed_says_so() {
    let failed = Weight {
        weight: Number::NotANumber,
        user_slot: Some(0xff),
        ..weight()
    };
    assert_eq!(
        doubts(Measurement::Weight(failed)),
        ["measurement_failed", "user_unknown"]
    );
    let still = HeartRate {
        heart_rate: Some(Number::of(0, 0)),
        contact: Some(false),
        energy_kj: None,
        rr_1024: vec![],
    };
    let still = Measurement::HeartRate(still.sifted());
    assert_eq!(numbers(&still), [("heart_rate", None)]);
    assert_eq!(doubts(still), ["measurement_failed", "disturbed"]);
    let hot = Temperature {
        temperature: Number::PlusInfinity,
        unit: TemperatureUnit::Celsius,
        site: None,
    };
    assert_eq!(doubts(Measurement::Temperature(hot)), ["above_range"]);
}

/// REQ-READING-045: a sensor's failures leave no number and no trend, HI and LO stay what they are, alerts leave the number.
#[test]
fn a_sensors_failures_are_no_numbers() {
    let none: &[_] = &[("glucose", None)];
    for (status, glucose, said) in [
        (0x00_00_04, None, &["measurement_failed"][..]),
        (0x00_20_00, None, &["measurement_failed"]),
        (0x80_00_00, Some("+inf"), &["above_range"]),
        (0x40_00_00, Some("-inf"), &["below_range"]),
        (0xc0_00_00, Some("nan"), &["measurement_failed"]),
        (0x3f_47_13, Some("120"), &[]),
        (0x00_08_00, Some("120"), &["questionable"]),
        (0x00_00_40, Some("120"), &["not_understood"]),
    ] {
        let sent = GlucoseCgm {
            status: Some(status),
            ..cgm()
        };
        let kept = Measurement::GlucoseCgm(sent.sifted());
        match glucose {
            None => assert_eq!(numbers(&kept), none, "{status:06x}"),
            Some(number) => assert_eq!(
                numbers(&kept),
                [
                    ("glucose", Some(number.to_owned())),
                    ("trend", Some("-1.2".to_owned()))
                ]
            ),
        }
        assert_eq!(doubts(kept), said, "{status:06x}");
    }
    let control = GlucoseCgm {
        sample_type: Some(10),
        ..cgm()
    };
    let control = Measurement::GlucoseCgm(control.sifted());
    assert_eq!(numbers(&control), none);
    assert_eq!(doubts(control), ["control_solution"]);
}

/// REQ-READING-050: an observation is told by the names of its codes with digits and units, samples by how many, how long
/// and from where to where; it failed when none of its numbers is one.
#[test]
fn an_observation_is_told_by_its_codes() {
    let told = |name: &str| {
        let all = observations();
        let (_, reading) = all.iter().find(|(known, _)| *known == name).unwrap();
        let parts = reading.measurement.parts();
        let numbers = parts.values.iter().map(|value| {
            let number = value
                .number
                .map_or_else(|| "none".into(), |one| one.to_string());
            format!("{} {number} {}", value.name, value.unit)
        });
        let coded = parts.coded.iter();
        let coded = coded.map(|coded| format!("{} {} {:?}", coded.name, coded.code, coded.word));
        let told: Vec<String> = numbers.chain(coded).collect();
        (told.join(", "), doubts(reading.measurement.clone()))
    };
    let some = |text: &str, doubts: &[&'static str]| (text.to_owned(), doubts.to_vec());
    assert_eq!(
        told("device-observation"),
        some(
            "respiratory_rate 14.0 /min, observation 151562 Some(\"respiratory_rate\")",
            &[]
        )
    );
    assert_eq!(
        told("device-observation-failed"),
        some(
            "respiratory_rate nan /min, observation 151562 Some(\"respiratory_rate\")",
            &["measurement_failed"]
        )
    );
    assert_eq!(
        told("device-observation-compound"),
        some(
            "fev1 2.85 L, peak_flow 412 L/min, fev1_fvc nan %, observation 188928 Some(\"fvc\")",
            &[]
        )
    );
    assert_eq!(
        told("device-observation-samples"),
        some(
            "samples 8 1, duration 0.032 s, lowest -1.100 mV, highest 2.500 mV, \
             observation 131329 Some(\"ecg_lead_i\")",
            &[]
        )
    );
    assert_eq!(
        told("device-observation-code"),
        some("observation 184327 None, value 147232 None", &[])
    );
}

/// REQ-READING-054, HAZ-READING-012: what is of no person, one code twice, none and too many parts are no observation.
#[test]
fn an_observation_is_bounded() {
    let rate = || ObservationValue::Number(quantity(Number::of(14, 0), "/min"));
    let compound = |codes: &mut dyn Iterator<Item = u32>| {
        let parts = codes
            .map(|code| part(code, Number::of(1, 0), "1"))
            .collect();
        Observation::new(mdc(188_928), ObservationValue::Compound(parts), None)
    };
    let most = u32::try_from(MOST_PARTS).unwrap();
    assert!(compound(&mut (150_000..150_000 + most)).is_some());
    assert!(compound(&mut (150_000..=150_000 + most)).is_none());
    assert!(compound(&mut std::iter::empty::<u32>()).is_none());
    assert!(compound(&mut [150_000, 150_000].into_iter()).is_none());
    assert!(compound(&mut [150_000, 67_996].into_iter()).is_none());
    assert!(Observation::new(mdc(151_562), rate(), None).is_some());
    assert!(Observation::new(mdc(67_996), rate(), None).is_none());
    assert!(Observation::new(mdc(33_707_016), rate(), None).is_none());
}

/// REQ-READING-024: what a person told the meter about a record does not make it another one.
#[test]
fn a_glucose_record_is_the_same_with_and_without_its_context() {
    let record = |frames: &[&str]| {
        numbered(
            of_kind(Measurement::Glucose(glucose()), 0x2a18, frames),
            &[7, 0],
        )
        .id
    };
    let frame = "0b0700e807060f0d331ec4ff69b0110000";
    assert_eq!(record(&[frame]), record(&[frame, "02070002"]));
    assert_ne!(
        record(&[frame]),
        record(&["0b0700e807060f0d331ec4ff6ab0110000"])
    );
    let weight = |frames: &[&str]| of_kind(Measurement::Weight(weight()), 0x2a9d, frames).id;
    assert_ne!(weight(&["00"]), weight(&["00", "01"]));
}

/// REQ-READING-025: a row written before there were kinds opens for ever, and each kind's name in it never changes.
#[test]
fn stored_rows_keep_their_shape() {
    let old = r#"{"kind":"blood_pressure","values":{"systolic":"124","diastolic":"86.0","mean_arterial":"97","pulse_rate":"51.0","unit":"mm[Hg]","user_slot":1,"status":37}}"#;
    let read: Measurement = serde_json::from_str(old).unwrap();
    assert!(read == full().measurement);
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
    let names: Vec<String> = kinds()
        .iter()
        .map(|(_, reading)| {
            let row = serde_json::to_value(&reading.measurement).unwrap();
            let name = row["kind"].as_str().unwrap().to_owned();
            assert_eq!(name, reading.kind().name());
            name
        })
        .collect();
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::BloodPressure)
    {
        assert!(
            names.iter().any(|name| name == kind.name()),
            "{kind:?} has no golden file"
        );
    }
}

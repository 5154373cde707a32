//! What a Generic Health Sensor observes and no other kind takes: an observation of its own, or kept as it came.

use crate::health_sensor::{Sensor, a_minute_ago, at, numeric};
use crate::{doubts, told};
use proptest::prelude::*;
use reading::{
    Decimal, Kind, Measurement, Number, Observation, ObservationValue, Reading, Source, Ucum,
    from_observation, to_hex, to_observation,
};
use std::collections::BTreeSet;
use teleward_device::health_sensor::{Item, Part, SampleArray, Value};
use teleward_device::{
    CapturedRecord, DecodeError, DeviceHandle, HealthObservation, Identity, ObservationStatus,
    SessionFacts, StoredObservation, to_reading,
};

fn part(kind: u32, unit: u16, value: Number) -> Part {
    Part {
        kind,
        value: Value::Numeric { unit, value },
    }
}

fn of(kind: u32, value: Value) -> HealthObservation {
    HealthObservation::of(Some(kind), value)
}

/// Samples of a pulse wave, in percent, ten milliseconds apart.
fn array(sample_size: u8, data: &[u8]) -> SampleArray {
    SampleArray {
        unit: 544,
        scale: Number::of(1, -1),
        offset: Number::of(5, 0),
        period_s: Number::of(10, -3),
        per_period: 1,
        sample_size,
        data: data.to_vec(),
    }
}

fn wave(array: SampleArray) -> HealthObservation {
    of(150_452, Value::Samples(Box::new(array)))
}

/// A record that is sent live, as it becomes a reading without a session.
fn read(observation: &HealthObservation) -> Result<Reading, DecodeError> {
    let record = CapturedRecord {
        device: DeviceHandle("device".into()),
        characteristic: 0x2b8b,
        packets: vec![observation.encode().unwrap()],
        arrived: crate::now(),
        utc_offset_min: 120,
        connection: [8; 16],
        ordinal: 0,
    };
    let device = reading::DeviceIdentity::strongest(None, "Maker", "Sensor", "0001", None);
    let identity = Identity {
        device: device.unwrap(),
        provisional: false,
    };
    to_reading(&record, &SessionFacts::default(), &identity, [1; 16])
}

fn observed(reading: &Reading) -> &Observation {
    match &reading.measurement {
        Measurement::Observation(observation) => observation,
        other => panic!("{:?}", other.kind()),
    }
}

/// REQ-DEVICE-210: what no other kind takes becomes an observation with the sensor's code, digits and unit, one reading
/// whether it is sent live or kept.
#[tokio::test(start_paused = true)]
async fn what_no_other_kind_takes_is_an_observation() {
    let spirometry = Value::Compound(vec![
        part(152_586, 1_600, Number::of(285, -2)),
        part(152_584, 3_072, Number::of(412, 0)),
        part(188_948, 544, Number::NotANumber),
    ]);
    for (observation, wanted) in [
        (
            numeric(151_562, 2_784, Number::of(140, -1)),
            "respiratory_rate 14.0 /min",
        ),
        (
            numeric(149_530, 2_720, Number::of(64, 0)),
            "oximeter_pulse 64 /min",
        ),
        (
            numeric(147_457, 1_731, Number::of(842, -1)),
            "mdc_147457 84.2 kg",
        ),
        (
            of(188_928, spirometry),
            "fev1 2.85 L, peak_flow 412 L/min, fev1_fvc nan %",
        ),
        (
            wave(array(2, &[1, 0, 0x10, 0x27, 3, 0])),
            "samples 3 1, duration 0.030 s, lowest 5.1 %, highest 1005.0 %",
        ),
        (of(184_327, Value::Discrete(147_232)), ""),
    ] {
        let observation = at(a_minute_ago(), observation);
        let live = Sensor {
            live: vec![observation.clone()],
            ..Sensor::default()
        };
        let stored = Sensor {
            stored: vec![observation.clone()],
            ..Sensor::default()
        };
        let mut ids = BTreeSet::new();
        for outcome in [live.collected().await, stored.collected().await] {
            let reading = outcome.readings().remove(0).unwrap();
            assert_eq!(
                (reading.kind(), told(&reading)),
                (Kind::Observation, wanted.to_owned())
            );
            assert_eq!(doubts(&reading), [""; 0]);
            assert_eq!(
                observed(&reading).code().number(),
                observation.kind.unwrap()
            );
            let back = from_observation(&line(&reading)).unwrap().reading;
            assert!(back == reading, "{wanted}");
            ids.insert(reading.id);
        }
        assert_eq!(ids.len(), 1, "sent live and kept, it is one reading");
    }
}

fn line(reading: &Reading) -> String {
    let gateway = reading::Gateway {
        install: [1; 16],
        software: "0".to_owned(),
    };
    to_observation(reading, &"ab".repeat(16), &gateway)
}

/// REQ-DEVICE-210: what the sensor doubts is said, and what it calls no value makes no reading; its patient's number stays.
#[test]
fn an_observation_says_what_the_sensor_doubts() {
    let rate = |number, bits| HealthObservation {
        status: Some(ObservationStatus(bits)),
        patient: Some(3),
        ..numeric(151_562, 2_784, number)
    };
    let reading = read(&rate(Number::of(14, 0), 0x22)).unwrap();
    let said = doubts(&reading);
    assert_eq!(said, ["no_device_time", "questionable", "preliminary"]);
    assert_eq!(reading.measurement.user_slot(), Some(3));
    let failed = read(&rate(Number::NotANumber, 0)).unwrap();
    assert!(doubts(&failed).contains(&"measurement_failed"));
    for bits in [0x01, 0x04, 0x08, 0x10, 0x80] {
        let void = read(&rate(Number::of(14, 0), bits)).unwrap_err();
        assert_eq!(void.code(), "not_a_reading");
    }
}

/// REQ-DEVICE-211, HAZ-READING-012: a unit that is not known, another kind's code that did not fit it, what is of the sensor
/// and not of a person, a control solution, and what could be read in two ways make no reading.
#[test]
fn nothing_of_an_observation_is_guessed() {
    let rate = |unit| numeric(151_562, unit, Number::of(14, 0));
    let compound = |parts| of(188_928, Value::Compound(parts));
    let fev1 = || part(152_586, 1_600, Number::of(285, -2));
    let item = Item {
        kind: 151_562,
        format: 6,
        bytes: vec![14],
    };
    let bundle = Value::Bundle(vec![rate(2_784)]);
    let scaled = SampleArray {
        scale: Number::NotANumber,
        ..array(1, &[1])
    };
    let of_no_unit = SampleArray {
        unit: 6_752,
        ..array(1, &[1])
    };
    for (observation, code) in [
        (rate(9_999), "unknown_type"),
        (rate(6_784), "unknown_type"),
        (numeric(150_456, 2_720, Number::of(97, 0)), "unknown_type"),
        (numeric(150_021, 3_872, Number::of(128, 0)), "unknown_type"),
        (numeric(160_184, 544, Number::of(5, 0)), "unknown_type"),
        (of(150_456, Value::Discrete(147_232)), "unknown_type"),
        (numeric(67_996, 544, Number::of(80, 0)), "unknown_type"),
        (
            numeric(33_707_016, 3_072, Number::of(480, 0)),
            "unknown_type",
        ),
        (numeric(160_208, 2_130, Number::of(105, 0)), "not_a_reading"),
        (numeric(160_276, 512, Number::of(1, 0)), "not_a_reading"),
        (of(151_562, Value::Text("fast".to_owned())), "unknown_type"),
        (of(151_562, Value::Events(vec![147_232])), "unknown_type"),
        (of(151_562, Value::Items(vec![item])), "unknown_type"),
        (of(184_327, Value::Discrete(0)), "unknown_type"),
        (of(184_327, Value::Discrete(u32::MAX)), "unknown_type"),
        (HealthObservation::of(None, bundle), "unknown_type"),
        (compound(vec![]), "unknown_type"),
        (compound(vec![fev1(), fev1()]), "unknown_type"),
        (
            compound(vec![fev1(), part(150_456, 544, Number::of(97, 0))]),
            "unknown_type",
        ),
        (
            compound(vec![fev1(), part(152_584, 9_999, Number::of(4, 0))]),
            "unknown_type",
        ),
        (
            compound(vec![Part {
                kind: 152_586,
                value: Value::Discrete(1),
            }]),
            "unknown_type",
        ),
        (wave(array(1, &[1, 0x80])), "unknown_type"),
        (wave(array(2, &[1, 0, 0, 0xff])), "unknown_type"),
        (wave(array(5, &[0; 5])), "unknown_type"),
        (wave(array(1, &[])), "unknown_type"),
        (wave(array(1, &[0; 8_193])), "unknown_type"),
        (wave(scaled), "unknown_type"),
        (wave(of_no_unit), "unknown_type"),
    ] {
        let error = read(&observation).unwrap_err();
        assert_eq!(
            error.code(),
            code,
            "{}",
            to_hex(&observation.encode().unwrap())
        );
    }
    assert!(read(&wave(array(1, &[0x7f; 8_192]))).is_ok());
}

/// REQ-DEVICE-212: what stands in the golden observations is what their frames say.
#[test]
fn golden_observations_are_what_their_frames_say() {
    let golden = [
        include_str!("../../../../tests/golden/fhir/device-observation.json"),
        include_str!("../../../../tests/golden/fhir/device-observation-failed.json"),
        include_str!("../../../../tests/golden/fhir/device-observation-compound.json"),
        include_str!("../../../../tests/golden/fhir/device-observation-samples.json"),
        include_str!("../../../../tests/golden/fhir/device-observation-code.json"),
    ];
    for text in golden {
        let written = from_observation(text).unwrap().reading;
        let Source::Device(source) = &written.source else {
            panic!("a sensor's")
        };
        let kept = StoredObservation::decode(&source.packets[0]).unwrap();
        let again = read(&kept.observation).unwrap();
        assert!(again.measurement == written.measurement);
        assert_eq!(again.timing.elapsed, written.timing.elapsed);
    }
}

fn number() -> impl Strategy<Value = Number> {
    (-8_000_000_i64..8_000_000, -9_i8..9)
        .prop_map(|(mantissa, exponent)| Number::of(mantissa, exponent))
}

fn unit() -> impl Strategy<Value = (u16, Ucum)> {
    proptest::sample::select(Ucum::all().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// REQ-DEVICE-212: whatever number, compound, samples or code a sensor encodes, the reading holds.
    #[test]
    fn what_is_encoded_comes_back(
        code in 188_929_u32..196_608,
        (mdc, ucum) in unit(),
        numbers in proptest::collection::vec(number(), 1..5),
        (size, samples) in (1_u8..=4, proptest::collection::vec(0_u32..128, 1..40)),
        (scale, offset, period) in (1_i64..9_999, -9_999_i64..9_999, 1_i64..9_999),
    ) {
        let first = numbers[0];
        let reading = read(&numeric(code, mdc, first)).unwrap();
        let ObservationValue::Number(quantity) = observed(&reading).value() else { unreachable!() };
        prop_assert_eq!((quantity.number, quantity.unit), (first, ucum));

        let parts = numbers.iter().zip(131_500..).map(|(number, kind)| part(kind, mdc, *number));
        let reading = read(&of(code, Value::Compound(parts.collect()))).unwrap();
        let ObservationValue::Compound(parts) = observed(&reading).value() else { unreachable!() };
        let back: Vec<_> = parts.iter().map(|part| part.quantity.number).collect();
        prop_assert_eq!(&back, &numbers);
        prop_assert!(parts.iter().zip(131_500..).all(|(part, kind)| part.code.number() == kind && part.quantity.unit == ucum));

        let bytes = |sample: &u32| sample.to_le_bytes()[..usize::from(size)].to_vec();
        let sent = SampleArray {
            unit: mdc,
            scale: Number::of(scale, -3),
            offset: Number::of(offset, -2),
            period_s: Number::of(period, -4),
            ..array(size, &samples.iter().flat_map(bytes).collect::<Vec<_>>())
        };
        let reading = read(&of(code, Value::Samples(Box::new(sent)))).unwrap();
        let ObservationValue::Samples(back) = observed(&reading).value() else { unreachable!() };
        prop_assert_eq!(back.samples(), &samples[..]);
        prop_assert_eq!((back.factor(), back.offset()), (Decimal::new(scale, -3), Decimal::new(offset, -2)));
        prop_assert_eq!((back.period_s(), back.unit()), (Decimal::new(period, -4), ucum));

        let answer = code + 1;
        let reading = read(&of(code, Value::Discrete(answer))).unwrap();
        let ObservationValue::Code(back) = observed(&reading).value() else { unreachable!() };
        prop_assert_eq!(back.number(), answer);
    }
}

/// REQ-DEVICE-213: an observation that is sent again with the same time is taken once, whatever it observes and whether it
/// becomes a reading; without a time it is taken as often as it came.
#[tokio::test(start_paused = true)]
async fn a_repeated_observation_is_taken_once() {
    let unknown = numeric(151_562, 9_999, Number::of(14, 0));
    let text = of(151_562, Value::Text("fast".to_owned()));
    for observation in [unknown, text, wave(array(1, &[1, 2]))] {
        let timed = at(a_minute_ago(), observation.clone());
        for (sent, taken) in [(timed, 1), (observation, 2)] {
            let sensor = Sensor {
                live: vec![sent.clone(), sent],
                ..Sensor::default()
            };
            assert_eq!(sensor.collected().await.records.len(), taken);
        }
    }
}

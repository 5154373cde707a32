//! A Generic Health Sensor: segments joined, live and from its memory, placed by its Elapsed Time, each as the kind that
//! any other device of its sort gives.

use crate::{Outcome, collect, doubts, now, radio, told};
use proptest::prelude::*;
use reading::{Kind, Moment, Number, TimeBasis, to_hex};
use std::collections::BTreeSet;
use teleward_device::health_sensor::{Part, Value};
use teleward_device::{
    ElapsedClock, ElapsedTime, HealthObservation, ObservationStatus, ReasonCode, StoredMark,
    StoredObservation,
};

/// Seconds from 2000-01-01T00:00:00Z to the start of the session, 2024-06-15T17:17:27Z.
const NOW_S: u64 = 771_787_047;
const UTC: u8 = 0x02;
const TICKS: u8 = 0x01;
const CURRENT: u8 = 0x20;
const NETWORK: u8 = 1;
const NEVER: u8 = 7;

/// A minute ago, by a clock that was set from the network.
pub(crate) fn a_minute_ago() -> ElapsedTime {
    time(UTC | CURRENT, NETWORK, NOW_S - 60)
}

fn time(flags: u8, source: u8, count: u64) -> ElapsedTime {
    ElapsedTime {
        flags,
        count,
        source,
        offset_quarters: 0,
    }
}

pub(crate) fn numeric(kind: u32, unit: u16, number: Number) -> HealthObservation {
    HealthObservation::of(
        Some(kind),
        Value::Numeric {
            unit,
            value: number,
        },
    )
}

pub(crate) fn at(time: ElapsedTime, observation: HealthObservation) -> HealthObservation {
    HealthObservation {
        time: Some(time),
        ..observation
    }
}

/// A saturation and a pulse, so many minutes ago by a clock that was set from the network.
fn oximetry(minutes: u64) -> HealthObservation {
    let members = vec![
        numeric(150_456, 544, Number::of(97, 0)),
        numeric(149_530, 2720, Number::of(64, 0)),
    ];
    let count = NOW_S - minutes * 60;
    at(
        time(UTC | CURRENT, NETWORK, count),
        HealthObservation::of(None, Value::Bundle(members)),
    )
}

/// The segments of a body, at most so many bytes each, counted from a number on.
fn segments(body: &[u8], longest: usize, from: &mut u8) -> Vec<Vec<u8>> {
    let pieces: Vec<&[u8]> = body.chunks(longest).collect();
    let last = pieces.len() - 1;
    let segment = |(n, piece): (usize, &&[u8])| {
        let ends = u8::from(n == 0) | u8::from(n == last) << 1;
        let header = (*from & 63) << 2 | ends;
        *from = from.wrapping_add(1);
        [&[header], *piece].concat()
    };
    pieces.iter().enumerate().map(segment).collect()
}

#[derive(Default)]
pub(crate) struct Sensor {
    pub(crate) live: Vec<HealthObservation>,
    pub(crate) stored: Vec<HealthObservation>,
    pub(crate) clock: Option<ElapsedTime>,
    pub(crate) more: String,
}

impl Sensor {
    fn script(&self) -> String {
        let mut counter = 0;
        let frames: Vec<String> = self
            .live
            .iter()
            .flat_map(|one| segments(&one.encode().unwrap(), 19, &mut counter))
            .map(|bytes| format!(r#"{{"bytes":"{}"}}"#, to_hex(&bytes)))
            .collect();
        let mut counter = 0;
        let kept: Vec<String> = self
            .stored
            .iter()
            .zip(1_u32..)
            .map(|(observation, record_number)| {
                let stored = StoredObservation {
                    record_number,
                    observation: observation.clone(),
                };
                let packets: Vec<String> = segments(&stored.encode().unwrap(), 19, &mut counter)
                    .iter()
                    .map(|bytes| format!(r#"["2bdd","{}"]"#, to_hex(bytes)))
                    .collect();
                format!(
                    r#"{{"number":{record_number},"packets":[{}]}}"#,
                    packets.join(",")
                )
            })
            .collect();
        let clock = self.clock.map_or(String::new(), |time| {
            let clock = ElapsedClock {
                time,
                status: 0,
                capabilities: 0,
            };
            format!(r#","183f/2bf2":"{}""#, to_hex(&clock.encode().unwrap()))
        });
        let stored = if kept.is_empty() {
            String::new()
        } else {
            format!(
                r#","stored":{{"service":"1840","records":[{}]}}"#,
                kept.join(",")
            )
        };
        format!(
            r#""services":["1840"],"measurements":["1840/2b8b"],"values":{{"180a/2a25":"313233"{clock}}},
            "frames":[{}]{stored}{}"#,
            frames.join(","),
            self.more
        )
    }

    pub(crate) async fn collected(&self) -> Outcome {
        collect(&radio(&self.script()), StoredMark::default()).await
    }
}

/// REQ-DEVICE-134: observations of types that are known become the kind that any other device of their sort gives, with
/// the sensor's digits, whether they are sent live or kept.
#[tokio::test(start_paused = true)]
async fn known_types_become_known_kinds() {
    let set = time(UTC | CURRENT, NETWORK, NOW_S - 60);
    let part = |kind, unit, mantissa, exponent| Part {
        kind,
        value: Value::Numeric {
            unit,
            value: Number::of(mantissa, exponent),
        },
    };
    let pressure = Value::Compound(vec![
        part(150_021, 3872, 128, 0),
        part(150_022, 3872, 82, 0),
        part(150_023, 3872, 97, 0),
    ]);
    let pressure = HealthObservation::of(Some(150_020), pressure);
    let cuff = Value::Bundle(vec![
        pressure.clone(),
        numeric(149_546, 2720, Number::of(71, 0)),
    ]);
    for (observation, kind, wanted) in [
        (oximetry(1), Kind::Spo2, "spo2 97 %, pulse_rate 64 /min"),
        (
            at(set, numeric(150_364, 6048, Number::of(3_640, -2))),
            Kind::Temperature,
            "temperature 36.40 Cel",
        ),
        (
            at(set, numeric(188_736, 1731, Number::of(842, -1))),
            Kind::Weight,
            "weight 84.2 kg",
        ),
        (
            at(set, pressure),
            Kind::BloodPressure,
            "systolic 128 mm[Hg], diastolic 82 mm[Hg], mean_arterial 97 mm[Hg]",
        ),
        (
            at(set, HealthObservation::of(None, cuff)),
            Kind::BloodPressure,
            "systolic 128 mm[Hg], diastolic 82 mm[Hg], mean_arterial 97 mm[Hg], pulse_rate 71 /min",
        ),
        (
            at(set, numeric(160_184, 4722, Number::of(583, -2))),
            Kind::Glucose,
            "glucose 5.83 mmol/L",
        ),
        (
            at(set, numeric(147_842, 2720, Number::of(61, 0))),
            Kind::HeartRate,
            "heart_rate 61 /min",
        ),
    ] {
        let live = Sensor {
            live: vec![observation.clone()],
            ..Sensor::default()
        };
        let stored = Sensor {
            stored: vec![observation.clone()],
            ..Sensor::default()
        };
        let (live, stored) = (live.collected().await, stored.collected().await);
        let mut ids = BTreeSet::new();
        for outcome in [&live, &stored] {
            assert_eq!(outcome.report.reason, ReasonCode::Done, "{wanted}");
            let reading = outcome.readings().remove(0).unwrap();
            assert_eq!((reading.kind(), told(&reading)), (kind, wanted.to_owned()));
            assert_eq!(reading.timing.basis, TimeBasis::DeviceSynced);
            assert_eq!(reading.timing.effective, now().plus_ms(-60_000), "{wanted}");
            assert_eq!(doubts(&reading), [""; 0]);
            assert_eq!(reading.computed_id(), Ok(reading.id));
            ids.insert(reading.id);
        }
        assert_eq!(ids.len(), 1, "sent live and kept, it is one reading");
        // The record that was kept has its number in front.
        let body = to_hex(&observation.encode().unwrap());
        assert_eq!(live.raw(), [body.as_str()]);
        assert_eq!(stored.raw(), [format!("01000000{body}")]);
    }
}

/// REQ-DEVICE-135: what is not known, is of two kinds, or is no value, is kept as it came and makes no reading.
/// HAZ-READING-012.
#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_kept() {
    let set = time(UTC | CURRENT, NETWORK, NOW_S - 60);
    let spo2 = || numeric(150_456, 544, Number::of(97, 0));
    let weight = || numeric(188_736, 1731, Number::of(842, -1));
    let stated = |bits| HealthObservation {
        status: Some(ObservationStatus(bits)),
        ..spo2()
    };
    let bundle = |members| HealthObservation::of(None, Value::Bundle(members));
    let other_time = at(time(UTC | CURRENT, NETWORK, NOW_S - 90), spo2());
    for (observation, code) in [
        (numeric(150_456, 2720, Number::of(97, 0)), "unknown_type"),
        (bundle(vec![spo2(), weight()]), "unknown_type"),
        (bundle(vec![spo2(), spo2()]), "unknown_type"),
        (bundle(vec![]), "unknown_type"),
        (bundle(vec![other_time]), "unknown_type"),
        (
            HealthObservation::of(Some(150_456), Value::Discrete(97)),
            "unknown_type",
        ),
        (stated(0x01), "not_a_reading"),
        (stated(0x04), "not_a_reading"),
        (stated(0x08), "not_a_reading"),
        (stated(0x10), "not_a_reading"),
        (stated(0x80), "not_a_reading"),
        (bundle(vec![stated(0x10)]), "not_a_reading"),
    ] {
        let observation = at(set, observation);
        let sensor = Sensor {
            live: vec![observation.clone()],
            ..Sensor::default()
        };
        let outcome = sensor.collected().await;
        assert_eq!(outcome.raw(), [to_hex(&observation.encode().unwrap())]);
        let error = outcome.readings().remove(0).unwrap_err();
        assert_eq!(error.code(), code);
    }
    // What is doubtful and a value all the same says so.
    let sensor = Sensor {
        live: vec![
            at(set, stated(0x22)),
            at(set, numeric(150_456, 544, Number::NotANumber)),
        ],
        ..Sensor::default()
    };
    let readings = sensor.collected().await.readings();
    let said: Vec<_> = readings
        .iter()
        .map(|one| doubts(one.as_ref().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            vec!["questionable", "preliminary"],
            vec!["measurement_failed"]
        ]
    );
}

/// REQ-DEVICE-132: what a sensor kept on a counter, or by a clock that nobody set, is placed by its clock as read; on an
/// old timeline it stands at arrival and says so.
#[tokio::test(start_paused = true)]
async fn a_counter_is_placed_by_the_clock() {
    let spo2 = |time| at(time, numeric(150_456, 544, Number::of(97, 0)));
    for (flags, source) in [(TICKS, NEVER), (UTC, NEVER), (0, 0)] {
        let sensor = Sensor {
            stored: vec![
                spo2(time(flags | CURRENT, source, 5_000)),
                spo2(time(flags, source, 9_000)),
            ],
            clock: Some(time(flags | CURRENT, source, 8_600)),
            ..Sensor::default()
        };
        let outcome = sensor.collected().await;
        let readings: Vec<_> = outcome.readings().into_iter().map(Result::unwrap).collect();
        let [placed, lost] = readings.as_slice() else {
            panic!("{}", readings.len())
        };
        let before = now().ms_since(placed.timing.effective);
        assert!((before - 3_600_000).abs() < 1_000, "{before}");
        assert_eq!(placed.timing.basis, TimeBasis::DeviceClock);
        assert!(
            placed.timing.clock.is_some(),
            "the two clocks stand beside it"
        );
        assert_eq!(lost.timing.basis, TimeBasis::Arrival);
        assert_eq!(doubts(lost), ["device_time_unusable"]);
        assert!(lost.timing.clock.is_none());
        assert!(placed.may_be_merged());
        // A time that places nothing tells nothing apart.
        assert!(!lost.may_be_merged());
        let line = reading::to_observation(placed, &"ab".repeat(16), &gateway());
        let counts = line.contains(r#""code":"67983""#) && line.contains(r#""value":8600e3"#);
        assert_eq!(counts, flags == TICKS, "{line}");
        assert!(reading::from_observation(&line).unwrap().reading == *placed);
    }
}

fn gateway() -> reading::Gateway {
    reading::Gateway {
        install: [1; 16],
        software: "0".to_owned(),
    }
}

/// REQ-DEVICE-136: wherever the link breaks, records of many segments come all, each once, with what is sent live among
/// them; half of one makes no reading.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_between_segments_loses_nothing() {
    for cut in (5..220).step_by(9) {
        let sensor = Sensor {
            live: vec![oximetry(0)],
            stored: (1..9).map(oximetry).collect(),
            more: format!(r#","faults":[{{"drop_after_ms":{cut},"times":2}}]"#),
            ..Sensor::default()
        };
        let radio = radio(&sensor.script());
        let (mut mark, mut ids, mut came) = (StoredMark::default(), BTreeSet::new(), 0);
        for _ in 0..5 {
            let outcome = collect(&radio, mark).await;
            came += outcome.records.len();
            ids.extend(outcome.readings().into_iter().map(|one| one.unwrap().id));
            mark = outcome.mark;
        }
        // The live one is lost where the link broke within it: it is in no memory.
        assert!(
            (8..=9).contains(&ids.len()) && came == ids.len(),
            "{cut}: {came}, {}",
            ids.len()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// REQ-DEVICE-134: whatever number and moment, the reading holds the digits that were sent, never ahead of arrival.
    #[test]
    fn digits_and_moment_stay(mantissa in -8_000_000_i64..8_000_000, exponent in -4_i8..4, ago in -500_i64..5_000) {
        let count = u64::try_from(i64::try_from(NOW_S).unwrap() - ago).unwrap();
        let sensor = Sensor {
            live: vec![at(time(UTC | CURRENT, NETWORK, count), numeric(150_364, 6048, Number::of(mantissa, exponent)))],
            ..Sensor::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = runtime.block_on(sensor.collected());
        let reading = outcome.readings().remove(0).unwrap();
        prop_assert_eq!(told(&reading), format!("temperature {} Cel", Number::of(mantissa, exponent)));
        let said = Moment::from_ms(now().ms() - ago * 1_000);
        let ahead = said.ms_since(reading.timing.arrived) > 120_000;
        let stands = if ahead { reading.timing.arrived } else { said };
        prop_assert_eq!(reading.timing.effective, stands);
        prop_assert_eq!(reading.timing.is_sure(), !ahead);
    }
}

//! A continuous glucose sensor: records by minutes since its session began, placed by the minute that it is at.

use crate::{Outcome, collect, doubts, now, radio, told};
use reading::{DeviceTime, Kind, Number, TimeBasis, to_hex};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use teleward_device::{
    CgmCrc, CgmFeature, CgmRecord, CgmSessionStart, CgmStatus, CgmStatusFrame, DecodeError,
    GlucoseSample, ReasonCode, StoredMark,
};

/// Every fifth minute one: 100 mg/dL and a step for each.
fn record(n: u16, crc: Option<CgmCrc>) -> Vec<u8> {
    of(
        n,
        Number::of(100 + i64::from(n % 50), 0),
        CgmStatus::default(),
        crc,
    )
}

fn of(n: u16, glucose: Number, status: CgmStatus, crc: Option<CgmCrc>) -> Vec<u8> {
    let record = CgmRecord {
        glucose,
        time_offset_min: n * 5,
        status,
        trend: Some(Number::of(-12, -1)),
        quality: Some(Number::of(98, 0)),
        crc,
        extra: Vec::new(),
    };
    record.encode().unwrap()
}

/// A sensor whose session began at this time of its own clock and is at this minute.
struct Sensor {
    start: [u8; 7],
    minute: u16,
    crc: bool,
    kept: Vec<(u16, Vec<u8>)>,
    more: String,
}

/// 2024-06-15 10:00:00.
const TEN: [u8; 7] = [0xe8, 7, 6, 15, 10, 0, 0];

impl Sensor {
    fn of(records: u16) -> Self {
        let kept = (0..records).map(|n| (n * 5, record(n, None))).collect();
        Self {
            start: TEN,
            minute: 600,
            crc: false,
            kept,
            more: String::new(),
        }
    }

    fn values(&self) -> Vec<(&'static str, Vec<u8>)> {
        let start = CgmSessionStart {
            time: DeviceTime::from_bytes(self.start),
            time_zone: -128,
            dst_offset: 255,
            crc: self.crc,
        };
        let at = CgmStatusFrame {
            time_offset_min: self.minute,
            status: [0; 3],
            crc: self.crc,
        };
        let bits = if self.crc { 0x1000 } else { 0 };
        let feature = CgmFeature::new(bits, GlucoseSample::new(9, 5));
        vec![
            ("181f/2aa8", feature.encode().unwrap()),
            ("181f/2aaa", start.encode()),
            ("181f/2aa9", at.encode()),
            ("180a/2a25", b"123".to_vec()),
        ]
    }

    fn script(&self) -> String {
        let values: Vec<String> = self
            .values()
            .iter()
            .map(|(of, bytes)| format!(r#""{of}":"{}""#, to_hex(bytes)))
            .collect();
        let mut kept = String::new();
        for (n, (minute, bytes)) in self.kept.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let bytes = to_hex(bytes);
            write!(
                kept,
                r#"{comma}{{"number":{minute},"packets":[["2aa7","{bytes}"]]}}"#
            )
            .unwrap();
        }
        format!(
            r#""services":["181f"],"measurements":["181f/2aa7"],"values":{{{}}},
            "stored":{{"service":"181f","records":[{kept}]}}{}"#,
            values.join(","),
            self.more
        )
    }

    async fn collected(&self, stored: StoredMark) -> Outcome {
        collect(&radio(&self.script()), stored).await
    }
}

/// REQ-DEVICE-126: a sensor's records come all and once, from the last minute on, and each is placed by the minute that
/// the sensor is at, whatever its wall clock was set to.
#[tokio::test(start_paused = true)]
async fn records_are_placed_by_the_sensors_minutes() {
    for start in [TEN, [0xd0, 7, 1, 1, 0, 0, 0]] {
        let sensor = Sensor {
            start,
            ..Sensor::of(40)
        };
        let first = sensor.collected(StoredMark::default()).await;
        assert_eq!(
            (first.report.reason, first.report.records),
            (ReasonCode::Done, 40)
        );
        for (n, reading) in first.readings().into_iter().enumerate() {
            let reading = reading.unwrap();
            assert_eq!(reading.kind(), Kind::GlucoseCgm);
            assert_eq!(
                told(&reading),
                format!("glucose {} mg/dL, trend -1.2 mg/dL/min", 100 + n)
            );
            assert_eq!(doubts(&reading), [""; 0]);
            assert_eq!(reading.timing.basis, TimeBasis::DeviceClock);
            let before = now().ms_since(reading.timing.effective);
            let minutes = i64::try_from(600 - n * 5).unwrap();
            // The clock was read within the second.
            assert!((before - minutes * 60_000).abs() < 1_000, "{n}: {before}");
            assert_eq!(reading.computed_id(), Ok(reading.id));
        }
        let again = sensor.collected(first.mark.clone()).await;
        assert_eq!(
            (again.report.reason, again.report.records),
            (ReasonCode::NothingNew, 0)
        );
        let longer = Sensor {
            start,
            ..Sensor::of(43)
        };
        assert_eq!(longer.collected(first.mark).await.report.records, 3);
    }
}

/// REQ-DEVICE-127: a new sensor is another session: the same minute with the same bytes is another record.
#[tokio::test(start_paused = true)]
async fn a_new_sensor_begins_anew() {
    let old = Sensor::of(6).collected(StoredMark::default()).await;
    let fresh = Sensor {
        start: [0xe8, 7, 6, 25, 10, 0, 0],
        ..Sensor::of(6)
    };
    let new = fresh.collected(old.mark.clone()).await;
    assert_eq!(new.report.records, 6, "nothing of it was taken before");
    let ids: BTreeSet<_> = old
        .readings()
        .into_iter()
        .chain(new.readings())
        .map(|reading| reading.unwrap().id)
        .collect();
    assert_eq!(ids.len(), 12);
    // And the mark of before is of no use: nor does it harm, when the old sensor comes again.
    let back = Sensor::of(6).collected(new.mark).await;
    let again: BTreeSet<_> = back
        .readings()
        .into_iter()
        .map(|one| one.unwrap().id)
        .collect();
    assert!(again.is_subset(&ids), "the same record has the same id");
}

/// REQ-DEVICE-128: where the sensor makes check sums, a record whose sum does not fit, or that has none, is kept and is
/// no reading; where it makes none, two bytes more are not taken for one. HAZ-DEVICE-013.
#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_kept_and_is_no_reading() {
    let kept = [
        (5, record(1, Some(CgmCrc::Fits))),
        (10, record(2, Some(CgmCrc::Wrong(0x1234)))),
        (15, record(3, None)),
    ];
    let sensor = Sensor {
        crc: true,
        kept: kept.to_vec(),
        ..Sensor::of(0)
    };
    let outcome = sensor.collected(StoredMark::default()).await;
    let read: Vec<_> = outcome.readings();
    let faults: BTreeSet<Option<&str>> = read
        .iter()
        .map(|one| one.as_ref().err().map(DecodeError::code))
        .collect();
    assert_eq!(faults, [None, Some("crc_mismatch")].into());
    assert_eq!(read.iter().filter(|one| one.is_ok()).count(), 1);
    let plain = Sensor {
        kept: kept[1..2].to_vec(),
        ..Sensor::of(0)
    };
    let outcome = plain.collected(StoredMark::default()).await;
    let reading = outcome.readings().remove(0).unwrap();
    assert_eq!(reading.device().unwrap().extra, [0x34, 0x12]);
    assert_eq!(doubts(&reading), ["not_understood"]);
}

/// REQ-DEVICE-129: what the sensor says about itself is no value: a number beside a failure is none, HI and LO stay what
/// they are, and an alert about a number leaves it. HAZ-READING-011.
#[tokio::test(start_paused = true)]
async fn what_a_sensor_says_of_itself_is_no_value() {
    for (status, wanted, said) in [
        ([0x08, 0, 0], "glucose – mg/dL", &["measurement_failed"][..]),
        ([0, 0x10, 0], "glucose – mg/dL", &["measurement_failed"]),
        (
            [0, 0, 0x80],
            "glucose +inf mg/dL, trend -1.2 mg/dL/min",
            &["above_range"],
        ),
        (
            [0, 0, 0x40],
            "glucose -inf mg/dL, trend -1.2 mg/dL/min",
            &["below_range"],
        ),
        (
            [0x02, 0, 0x15],
            "glucose 61 mg/dL, trend -1.2 mg/dL/min",
            &[],
        ),
        (
            [0, 0x08, 0],
            "glucose 61 mg/dL, trend -1.2 mg/dL/min",
            &["questionable"],
        ),
        // The sensor's clock is to be set: its minutes place nothing.
        (
            [0, 0x01, 0],
            "glucose 61 mg/dL, trend -1.2 mg/dL/min",
            &["device_time_unusable"],
        ),
    ] {
        let status = CgmStatus::all(status);
        let sensor = Sensor {
            kept: vec![(5, of(1, Number::of(61, 0), status, None))],
            ..Sensor::of(0)
        };
        let outcome = sensor.collected(StoredMark::default()).await;
        let reading = outcome.readings().remove(0).unwrap();
        assert_eq!(told(&reading), wanted);
        assert_eq!(doubts(&reading), said, "{wanted}");
    }
}

/// REQ-DEVICE-126: without the session's beginning no minute says anything: none are asked for, and what the sensor sends
/// by itself stands at its arrival.
#[tokio::test(start_paused = true)]
async fn a_sensor_that_does_not_say_when_it_began_is_told() {
    let sensor = Sensor {
        start: [0; 7],
        more: format!(r#","frames":[{{"bytes":"{}"}}]"#, to_hex(&record(9, None))),
        ..Sensor::of(9)
    };
    let outcome = sensor.collected(StoredMark::default()).await;
    assert_eq!(
        (outcome.report.reason, outcome.report.records),
        (ReasonCode::NotAnswering, 1)
    );
    let reading = outcome.readings().remove(0).unwrap();
    assert_eq!(reading.timing.basis, TimeBasis::Arrival);
    assert_eq!(doubts(&reading), ["device_time_unusable"]);
    assert!(!reading.may_be_merged());
}

/// REQ-DEVICE-127: wherever the link breaks, the sessions after it bring the rest, each record once, with what the sensor
/// sends by itself among them.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_loses_nothing() {
    for cut in (5..250).step_by(9) {
        let live = to_hex(&[record(30, None), record(31, None)].concat());
        let mut sensor = Sensor::of(32);
        sensor.more = format!(
            r#","frames":[{{"bytes":"{live}","after_ms":20}}],"faults":[{{"drop_after_ms":{cut},"times":2}}]"#
        );
        let radio = radio(&sensor.script());
        let (mut mark, mut ids, mut came) = (StoredMark::default(), BTreeSet::new(), 0);
        for _ in 0..5 {
            let outcome = collect(&radio, mark).await;
            came += outcome.records.len();
            ids.extend(outcome.readings().into_iter().map(|one| one.unwrap().id));
            mark = outcome.mark;
        }
        // One that came before the session could be read stands at its arrival, and may come again with its minute.
        assert!(
            came - ids.len() == 0 && (32..=34).contains(&ids.len()),
            "{cut}: {came}"
        );
    }
}

//! A cuff with a memory (0x2B36 by Record Access Control Point) and what it indicates just now (0x2B34): each measurement
//! comes once, with its number where the memory has it.

use crate::{Outcome, collect, doubts, now, radio, told};
use reading::{Gateway, Kind, Moment, Number, PressureUnit, TimeBasis, Timing, to_hex};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use teleward_device::{
    BloodPressureFrame, BloodPressureRecord, CheckSum, DecodeError, EnhancedBloodPressureFrame,
    EnhancedFields, Epoch, ReasonCode, StoredMark,
};

/// Seconds from 2000-01-01T00:00:00Z to the start of the session, 2024-06-15T17:17:27Z; the phone is at +02:00.
const NOW_S: u32 = 771_787_047;
const OFFSET_S: u32 = 7_200;

/// Measurement `n`, so many minutes ago: its UTC, and what the cuff showed.
fn measured(n: u16) -> EnhancedBloodPressureFrame {
    let at = NOW_S - 6_000 + u32::from(n) * 60;
    EnhancedBloodPressureFrame {
        systolic: Number::of(120 + i64::from(n), 0),
        diastolic: Number::of(80, 0),
        mean_arterial: Number::of(93, 0),
        fields: EnhancedFields {
            unit: PressureUnit::MmHg,
            epoch: Epoch::Y2000,
            time: Some(at),
            pulse_rate: Some(Number::of(61, 0)),
            user_slot: None,
            status: None,
            user_facing_time: Some(at + OFFSET_S),
            extra: Vec::new(),
        },
    }
}

fn value(n: u16) -> Vec<u8> {
    measured(n).encode().unwrap()
}

/// Measurement `n` as the memory keeps it.
fn kept(n: u16) -> BloodPressureRecord {
    BloodPressureRecord {
        sequence: 100 + n,
        recorded: 0x2b34,
        value: value(n),
    }
}

/// A cuff; it sends no more than 20 bytes at once.
#[derive(Clone)]
struct Cuff {
    check: CheckSum,
    memory: Vec<BloodPressureRecord>,
    live: Vec<(u32, Vec<u8>)>,
    more: String,
}

impl Cuff {
    fn of(memory: impl IntoIterator<Item = u16>) -> Self {
        Self {
            check: CheckSum::Present,
            memory: memory.into_iter().map(kept).collect(),
            live: Vec::new(),
            more: String::new(),
        }
    }

    fn script(&self) -> String {
        let feature = match self.check {
            CheckSum::Present => "4000",
            CheckSum::Absent => "0000",
        };
        let mut records = String::new();
        for (n, record) in self.memory.iter().enumerate() {
            let packets = record.encode(20, self.check).unwrap();
            let packets: Vec<String> = packets
                .iter()
                .map(|packet| format!(r#"["2b36","{}"]"#, to_hex(packet)))
                .collect();
            let (comma, number) = (if n == 0 { "" } else { "," }, record.sequence);
            let packets = packets.join(",");
            write!(
                records,
                r#"{comma}{{"number":{number},"packets":[{packets}]}}"#
            )
            .unwrap();
        }
        let live: Vec<String> = self
            .live
            .iter()
            .map(|(after_ms, bytes)| {
                format!(r#"{{"after_ms":{after_ms},"bytes":"{}"}}"#, to_hex(bytes))
            })
            .collect();
        // An empty memory is one all the same.
        let record = if self.memory.is_empty() {
            r#","more":["1810/2b36"]"#
        } else {
            ""
        };
        format!(
            r#""measurements":["1810/2b34"],"values":{{"180a/2a25":"313233","1810/2a49":"{feature}"}},
            "frames":[{}],"stored":{{"service":"1810","records":[{records}]}}{record}{}"#,
            live.join(","),
            self.more
        )
    }

    async fn collected(&self, stored: StoredMark) -> Outcome {
        collect(&radio(&self.script()), stored).await
    }
}

fn whole(n: u16) -> String {
    to_hex(&kept(n).whole())
}

/// REQ-DEVICE-201: a cuff's memory is read like a meter's: all the first time, later from the mark on; each record is an
/// ordinary blood pressure with its number, its time corrected by the cuff's clock, and goes through FHIR.
#[tokio::test(start_paused = true)]
async fn a_cuffs_memory_comes_all_and_once() {
    for check in [CheckSum::Present, CheckSum::Absent] {
        let cuff = Cuff {
            check,
            more: r#","clock_behind_s":360"#.to_owned(),
            ..Cuff::of(0..5)
        };
        let first = cuff.collected(StoredMark::default()).await;
        assert_eq!(
            (first.report.reason, first.report.records),
            (ReasonCode::Done, 5)
        );
        assert_eq!(first.raw(), (0..5).map(whole).collect::<Vec<_>>());
        for (n, reading) in first.readings().into_iter().enumerate() {
            let reading = reading.unwrap();
            assert_eq!(reading.kind(), Kind::BloodPressure);
            let systolic = 120 + n;
            assert_eq!(
                told(&reading),
                format!(
                    "systolic {systolic} mm[Hg], diastolic 80 mm[Hg], mean_arterial 93 mm[Hg], pulse_rate 61 /min"
                )
            );
            assert_eq!(doubts(&reading), [""; 0]);
            let reading::Source::Device(source) = &reading.source else {
                panic!("a device sent it");
            };
            let number = u16::try_from(100 + n).unwrap();
            assert_eq!(source.record_number, number.to_le_bytes());
            assert_eq!(reading.timing.basis, TimeBasis::DeviceClock);
            let ago = now().ms_since(reading.timing.effective);
            let wanted = 6_000_000 - 60_000 * i64::try_from(n).unwrap() - 360_000;
            assert!((ago - wanted).abs() < 2_000, "{n}: {ago}, not {wanted}");
            assert_eq!(reading.computed_id(), Ok(reading.id));
            let gateway = Gateway {
                install: [1; 16],
                software: "0.1.0".to_owned(),
            };
            let line = reading::to_observation(&reading, &"ab".repeat(16), &gateway);
            let observed = reading::from_observation(&line).unwrap();
            assert_eq!(observed.reading, reading);
        }
        let again = cuff.collected(first.mark.clone()).await;
        assert_eq!(
            (again.report.reason, again.report.records),
            (ReasonCode::NothingNew, 0)
        );
        let more = Cuff {
            check,
            ..Cuff::of(0..7)
        };
        let more = more.collected(first.mark).await;
        assert_eq!(more.raw(), [whole(5), whole(6)]);
    }
}

/// REQ-DEVICE-201: an empty memory, and one that answers nothing but "not supported", are no fault.
#[tokio::test(start_paused = true)]
async fn an_empty_memory_is_no_fault() {
    let empty = Cuff::of([]).collected(StoredMark::default()).await;
    assert_eq!(
        (empty.report.reason, empty.report.records),
        (ReasonCode::NothingNew, 0)
    );
    // Without the characteristic that carries records there is no memory, whatever control point stands there.
    let script = format!(
        r#""measurements":["1810/2a35"],"more":["1810/2a52"],"frames":[{{"bytes":"{}"}}]"#,
        to_hex(&classic())
    );
    let plain = collect(&radio(&script), StoredMark::default()).await;
    assert_eq!(plain.raw(), [to_hex(&classic())]);
    assert_eq!(plain.report.reason, ReasonCode::Done);
}

fn classic() -> Vec<u8> {
    reading::from_hex("167c0056006100e807060f13111b33000000").unwrap()
}

/// REQ-DEVICE-202, HAZ-DEVICE-200: what a cuff indicates and keeps too is one reading, the one with the number; what it
/// indicates and does not keep is taken as it is; whether it comes first, last or again in another link.
#[tokio::test(start_paused = true)]
async fn what_is_indicated_and_kept_is_one_reading() {
    for after_ms in [0, 60, 1_500] {
        let both = Cuff {
            live: vec![(after_ms, value(4))],
            ..Cuff::of(0..5)
        };
        let outcome = both.collected(StoredMark::default()).await;
        let came: BTreeSet<String> = outcome.raw().into_iter().collect();
        assert_eq!(came, (0..5).map(whole).collect(), "after {after_ms} ms");
        assert_eq!(
            (outcome.report.reason, outcome.report.records),
            (ReasonCode::Done, 5),
            "after {after_ms} ms"
        );

        let only_live = Cuff {
            live: vec![(after_ms, value(5))],
            ..Cuff::of(0..5)
        };
        let outcome = only_live.collected(outcome.mark).await;
        assert_eq!(outcome.raw(), [to_hex(&value(5))], "after {after_ms} ms");
        let reading = outcome.readings().remove(0).unwrap();
        assert_eq!(reading.kind(), Kind::BloodPressure);
        assert_eq!(reading.computed_id(), Ok(reading.id));

        // The memory has it later, and sends it again.
        let later = Cuff {
            live: vec![(after_ms, value(6)), (0, value(5))],
            ..Cuff::of(0..7)
        };
        let outcome = later.collected(outcome.mark).await;
        assert_eq!(outcome.raw(), [whole(6)], "after {after_ms} ms");
    }
}

/// REQ-DEVICE-215: what a cuff with a memory sends before it is known what it has is one reading: as it was sent when its
/// memory was never read or the link is over, else as the memory has it.
#[tokio::test(start_paused = true)]
async fn what_is_indicated_before_the_list_is_one_reading() {
    let at_once = |live: u16, memory: u16, more: &str| Cuff {
        live: vec![(0, value(live))],
        more: format!(r#","keeps_subscription":true,"bonded":true{more}"#),
        ..Cuff::of(0..memory)
    };
    let first = at_once(4, 5, "").collected(StoredMark::default()).await;
    let mut wanted = vec![to_hex(&value(4))];
    wanted.extend((0..4).map(whole));
    assert_eq!(first.raw(), wanted);
    let next = at_once(5, 6, "").collected(first.mark).await;
    assert_eq!(next.raw(), [whole(5)]);
    let breaks = r#","faults":[{"drop_after_ms":20}]"#;
    let broken = at_once(6, 7, breaks).collected(next.mark).await;
    assert_eq!(broken.raw(), [to_hex(&value(6))]);
    assert_eq!(broken.report.reason, ReasonCode::ClosedEarly);
    let after = Cuff::of(0..8).collected(broken.mark).await;
    assert_eq!(after.raw(), [whole(7)]);
    // The same of one whose memory was never read.
    let broken = at_once(2, 3, breaks).collected(StoredMark::default()).await;
    assert_eq!(broken.raw(), [to_hex(&value(2))]);
    let after = Cuff::of(0..3).collected(broken.mark).await;
    assert_eq!(after.raw(), [whole(0), whole(1)]);
}

/// REQ-DEVICE-202: two measurements without a time may be alike and are two; within a link one that was indicated gives
/// way to one that is kept.
#[tokio::test(start_paused = true)]
async fn measurements_without_a_time_are_counted() {
    let timeless = |n: u16| {
        let mut frame = measured(0);
        (frame.fields.time, frame.fields.user_facing_time) = (None, None);
        BloodPressureRecord {
            sequence: n,
            recorded: 0x2b34,
            value: frame.encode().unwrap(),
        }
    };
    let alike = timeless(0).value;
    let cuff = Cuff {
        memory: vec![timeless(0), timeless(1)],
        live: vec![(0, alike.clone()), (0, alike.clone()), (0, alike.clone())],
        ..Cuff::of([])
    };
    let outcome = cuff.collected(StoredMark::default()).await;
    let wanted = [
        to_hex(&timeless(0).whole()),
        to_hex(&timeless(1).whole()),
        to_hex(&alike),
    ];
    assert_eq!(outcome.raw(), wanted);
    let ids: BTreeSet<_> = outcome
        .readings()
        .into_iter()
        .map(|reading| reading.unwrap().id)
        .collect();
    assert_eq!(ids.len(), 3);
}

/// REQ-DEVICE-202: a cuff that indicates both layouts is asked for the one that says more, with a memory and without.
#[tokio::test(start_paused = true)]
async fn of_two_layouts_one_is_taken() {
    let frames = format!(
        r#"{{"of":"1810/2b34","bytes":"{}"}},{{"of":"1810/2a35","bytes":"{}"}}"#,
        to_hex(&value(1)),
        to_hex(&classic())
    );
    let script = format!(r#""measurements":["1810/2b34","1810/2a35"],"frames":[{frames}]"#);
    let outcome = collect(&radio(&script), StoredMark::default()).await;
    assert_eq!(outcome.raw(), [to_hex(&value(1))]);
    assert_eq!(outcome.report.reason, ReasonCode::Done);
}

/// REQ-DEVICE-201: seconds in UTC alone are placed as UTC; seconds since 1900 and a stored 0x2A35 are read too.
#[tokio::test(start_paused = true)]
async fn each_time_is_placed() {
    let placed = |frame: EnhancedBloodPressureFrame| {
        let record = BloodPressureRecord {
            value: frame.encode().unwrap(),
            ..kept(0)
        };
        async move {
            let cuff = Cuff {
                memory: vec![record],
                ..Cuff::of([])
            };
            let outcome = cuff.collected(StoredMark::default()).await;
            let Timing {
                effective, basis, ..
            } = outcome.readings().remove(0).unwrap().timing;
            (effective, basis)
        }
    };
    let at = Moment::from_ms(now().ms() - 6_000_000);
    let (mut utc, mut shown, mut old) = (measured(0), measured(0), measured(0));
    utc.fields.user_facing_time = None;
    shown.fields.time = None;
    old.fields.epoch = Epoch::Y1900;
    for seconds in [&mut old.fields.time, &mut old.fields.user_facing_time] {
        *seconds = seconds.map(|seconds| seconds + 3_155_673_600);
    }
    for frame in [utc, shown, old] {
        assert_eq!(placed(frame).await, (at, TimeBasis::DeviceAsSent));
    }
    let record = BloodPressureRecord {
        sequence: 7,
        recorded: 0x2a35,
        value: classic(),
    };
    let cuff = Cuff {
        memory: vec![record],
        ..Cuff::of([])
    };
    let outcome = cuff.collected(StoredMark::default()).await;
    let frame = BloodPressureFrame::decode(&classic()).unwrap();
    let reading = outcome.readings().remove(0).unwrap();
    assert_eq!(reading.timing.device_time, frame.time);
    assert_eq!(
        reading.measurement,
        reading::Measurement::BloodPressure(frame.values())
    );
}

/// HAZ-DEVICE-201: a record that was damaged on the way is asked for again; one that stands damaged in the memory is kept
/// as it came, makes no reading and is told; so is an intermediate pressure that is kept.
#[tokio::test(start_paused = true)]
async fn a_damaged_record_makes_no_reading() {
    let cuff = Cuff::of(0..3);
    let packets = kept(1).encode(20, CheckSum::Present).unwrap();
    let last = to_hex(packets.last().unwrap());
    let flipped = format!("{}{}", &last[..last.len() - 4], "beef");
    let script = cuff.script().replace(&last, &flipped);
    let outcome = collect(&radio(&script), StoredMark::default()).await;
    assert_eq!(outcome.report.reason, ReasonCode::RecordsMissing);
    let damaged = format!("{} {flipped}", to_hex(&packets[0]));
    let came: BTreeSet<String> = outcome.raw().into_iter().collect();
    assert_eq!(came, [whole(0), damaged, whole(2)].into());
    let faults: Vec<_> = outcome
        .readings()
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!(faults, [DecodeError::Crc]);

    let intermediate = BloodPressureRecord {
        recorded: 0x2b35,
        value: vec![0, 0x7c, 0],
        ..kept(0)
    };
    let cuff = Cuff {
        memory: vec![intermediate, kept(1)],
        ..Cuff::of([])
    };
    let outcome = cuff.collected(StoredMark::default()).await;
    assert_eq!(outcome.report.reason, ReasonCode::Done);
    let characteristic = 0x2b35;
    let readings = outcome.readings();
    assert_eq!(
        readings[0],
        Err(DecodeError::NotAReading { characteristic })
    );
    assert!(readings[1].is_ok());
}

/// REQ-DEVICE-201: what another user of the cuff measured is taken, although its number lies below the mark.
#[tokio::test(start_paused = true)]
async fn another_users_numbers_count_for_themselves() {
    let of = |user: u8, sequence: u16, n: u16| {
        let mut frame = measured(n);
        frame.fields.user_slot = Some(user);
        BloodPressureRecord {
            sequence,
            recorded: 0x2b34,
            value: frame.encode().unwrap(),
        }
    };
    let before = vec![of(1, 40, 0), of(1, 41, 1)];
    let mut cuff = Cuff {
        memory: before,
        ..Cuff::of([])
    };
    let first = cuff.collected(StoredMark::default()).await;
    assert_eq!(first.report.records, 2);
    cuff.memory.extend([of(2, 0, 2), of(1, 42, 3)]);
    let second = cuff.collected(first.mark).await;
    let came: BTreeSet<String> = second.raw().into_iter().collect();
    let wanted = [of(2, 0, 2), of(1, 42, 3)].map(|record| to_hex(&record.whole()));
    assert_eq!(came, wanted.into());
    assert_eq!(second.report.reason, ReasonCode::Done);
}

/// REQ-DEVICE-202, HAZ-DEVICE-200: wherever the link breaks, the next sessions bring the rest, and nothing twice, also of
/// what was indicated when it broke.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_loses_and_doubles_nothing() {
    for cut in (10..420).step_by(7) {
        let cuff = Cuff {
            live: vec![(40, value(9)), (100, value(20))],
            more: format!(r#","faults":[{{"drop_after_ms":{cut},"times":2}}]"#),
            ..Cuff::of(0..10)
        };
        let radio = radio(&cuff.script());
        let (mut mark, mut all) = (StoredMark::default(), Vec::new());
        for _ in 0..5 {
            let outcome = collect(&radio, mark).await;
            all.extend(outcome.raw());
            mark = outcome.mark;
            if matches!(
                outcome.report.reason,
                ReasonCode::Done | ReasonCode::NothingNew
            ) {
                break;
            }
        }
        let values = all.iter().map(|raw| {
            let whole = to_hex(&[3]);
            raw.strip_prefix(&whole)
                .map_or(raw.as_str(), |raw| &raw[8..])
        });
        let mut values: Vec<String> = values.map(str::to_owned).collect();
        values.sort_unstable();
        let mut wanted: Vec<String> = (0..10).chain([20]).map(|n| to_hex(&value(n))).collect();
        wanted.sort_unstable();
        assert_eq!(values, wanted, "cut after {cut} ms");
    }
}

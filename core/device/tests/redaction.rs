//! Redacted traces of any session of any family: they run again to the same decisions, and hold none of its values.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{DeviceFacts, Moment, from_hex, to_hex};
use serde_json::Value;
use std::sync::Arc;
use teleward_device::crc::with_crc;
use teleward_device::health_sensor::segments;
use teleward_device::{
    ClockManner, DeviceHandle, Manner, Plan, Script, ScriptedRadio, SessionEvent, StoredMark,
    TraceMode, replay, run_session,
};

/// Stands in every number and every count of seconds below, and in nothing that a trace may hold.
const SECRET: [u8; 2] = [0xad, 0xbe];
/// 2024-06-15, as a Date Time begins.
const DAY: [u8; 4] = [0xe8, 7, 6, 15];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Cuff,
    EnhancedCuff,
    Scale,
    BodyScale,
    Thermometer,
    Oximeter,
    Meter,
    Strap,
    Sensor,
    HealthSensor,
}

const FAMILIES: [Family; 10] = [
    Family::Cuff,
    Family::EnhancedCuff,
    Family::Scale,
    Family::BodyScale,
    Family::Thermometer,
    Family::Oximeter,
    Family::Meter,
    Family::Strap,
    Family::Sensor,
    Family::HealthSensor,
];

/// When a measurement was made, as far as the device says.
#[derive(Debug, Clone, Copy)]
enum When {
    Known,
    YearZero,
    Unsaid,
}

fn date(when: When, n: u8) -> Vec<u8> {
    match when {
        When::Known => [&DAY[..], &[10, n, 0]].concat(),
        When::YearZero => vec![0, 0, 6, 15, 10, n, 0],
        When::Unsaid => Vec::new(),
    }
}

type Sent = Vec<(&'static str, Vec<u8>)>;

/// The packets of measurement `n` as they are sent without being asked for.
fn measured(family: Family, when: When, n: u8, counter: &mut u8) -> Sent {
    let timed = !matches!(when, When::Unsaid);
    let flag = |bit: u8| if timed { bit } else { 0 };
    let (secret, own) = (SECRET.as_slice(), [n, 0xc0]);
    let seconds = if timed {
        [&[n], secret, &[0x2e]].concat()
    } else {
        Vec::new()
    };
    let time = date(when, n);
    match family {
        Family::Cuff => {
            let start = [&[0x1c | flag(2)], secret, &own, secret].concat();
            let end = [secret, &[n % 2], &[n, 0]].concat();
            vec![("1810/2a35", [start, time, end].concat())]
        }
        Family::EnhancedCuff => {
            let user = if n.is_multiple_of(3) { 8 } else { 0 };
            let flags = 0x54 | user | flag(0x22);
            let slot = if user == 0 { vec![] } else { vec![1] };
            let start = [&[flags], secret, &own, secret, &seconds].concat();
            vec![(
                "1810/2b34",
                [start, [secret, &slot, &[n, 0], &seconds].concat()].concat(),
            )]
        }
        Family::Scale => {
            let start = [&[0x0c | flag(2)], secret].concat();
            let end = [&[2], secret, &own].concat();
            vec![("181d/2a9d", [start, time, end].concat())]
        }
        Family::BodyScale => {
            let start = [&[0x7c | flag(2), 0x10], own.as_slice()].concat();
            let first = [start, time, [&[3], secret, secret, secret, secret].concat()].concat();
            let second = [
                &[0x80, 0x1f],
                own.as_slice(),
                secret,
                secret,
                secret,
                secret,
                secret,
            ];
            vec![("181b/2a9c", first), ("181b/2a9c", second.concat())]
        }
        Family::Thermometer => {
            let start = [&[0x04 | flag(2), n], secret, &[0xfe]].concat();
            vec![("1809/2a1c", [start, time, vec![6]].concat())]
        }
        Family::Oximeter => {
            let unset = if n.is_multiple_of(3) { 0x10 } else { 0 };
            let start = [&[0x0e | flag(1) | unset], secret, &own].concat();
            let end = [secret, secret, &[0], secret].concat();
            vec![("1822/2a5e", [start, time, end].concat())]
        }
        Family::Meter => {
            let follows = n.is_multiple_of(3);
            let time = if timed { time } else { vec![0; 7] };
            let start = [if follows { 0x1b } else { 0x0b }, n, 0];
            let end = [secret, secret, &[0x11, n, 0]].concat();
            let measurement = [start.to_vec(), time, end].concat();
            let context = [&[8, n, 0], secret, &[n]].concat();
            let context = follows.then_some(("1808/2a34", context));
            std::iter::once(("1808/2a18", measurement))
                .chain(context)
                .collect()
        }
        Family::Strap => {
            let rate = if n.is_multiple_of(4) { 0 } else { 60 + n };
            let flags = if n.is_multiple_of(5) { 0x14 } else { 0x16 };
            vec![("180d/2a37", [&[flags, rate], secret].concat())]
        }
        Family::Sensor => {
            let [low, high] = (u16::from(n) * 5).to_le_bytes();
            let record = |size| [&[size, 3], secret, &[low, high], secret, &own].concat();
            let bytes = if timed {
                with_crc(record(12))
            } else {
                record(10)
            };
            vec![("181f/2aa7", bytes)]
        }
        Family::HealthSensor => {
            let body = observation(when, n);
            let (cut, next) = segments(&body, *counter, if n.is_multiple_of(2) { 9 } else { 200 });
            *counter = next;
            cut.into_iter().map(|one| ("1840/2b8b", one)).collect()
        }
    }
}

/// A saturation, alone, in a bundle with a pulse, invalid or as a text; or samples of a type that nobody knows.
fn observation(when: When, n: u8) -> Vec<u8> {
    let time = match when {
        When::Known => [&[0x22, n], SECRET.as_slice(), &[0x2e, 0, 0, 1, 0]].concat(),
        When::YearZero => [&[0x01, n], SECRET.as_slice(), &[0x2e, 0, 0, 7, 0]].concat(),
        When::Unsaid => Vec::new(),
    };
    let number = |kind: u32, unit: u16| {
        let (kind, unit) = (kind.to_le_bytes(), unit.to_le_bytes());
        (kind, [&unit[..], &SECRET, &[n, 0]].concat())
    };
    let whole = |class: u8, flags: u16, body: Vec<u8>| {
        let body = [flags.to_le_bytes().to_vec(), body].concat();
        let length = u16::try_from(body.len()).unwrap().to_le_bytes();
        [&[class], &length[..], &body].concat()
    };
    let timed = if time.is_empty() { 0 } else { 2 };
    let status = [u8::from(n % 4 == 3), 0];
    let (spo2, value) = number(150_456, 544);
    let (pulse, rate) = number(149_530, 2_720);
    match n % 4 {
        0 | 3 => {
            let body = [&spo2[..], &time, &status, &value].concat();
            whole(1, 9 | timed, body)
        }
        1 => {
            let one = |kind: [u8; 4], value: &[u8]| whole(1, 1, [&kind[..], value].concat());
            let members = [one(spo2, &value), one(pulse, &rate)].concat();
            whole(0xff, timed, [time, vec![2], members].concat())
        }
        _ if n == 6 => {
            let kind = [0x07, 0x40, 0x02, 0x00];
            let scale = [0x20, 0x02, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0xfd];
            let data = [[1, 2, 2, 0, 0, 0].as_slice(), &SECRET, &[n, 0]].concat();
            whole(4, 1 | timed, [&kind[..], &time, &scale, &data].concat())
        }
        _ => {
            let text = [&[2, 0], SECRET.as_slice()].concat();
            whole(3, 1 | timed, [&spo2[..], &time, &text].concat())
        }
    }
}

/// The service that keeps records, and what is sent for record `n` of it.
fn kept(family: Family, when: When, n: u8, counter: &mut u8) -> Option<(&'static str, Sent)> {
    let plain = |counter: &mut u8| measured(family, when, n, counter);
    Some(match family {
        Family::Meter => ("1808", plain(counter)),
        Family::Sensor => ("181f", plain(counter)),
        Family::Oximeter => ("1822", plain(counter)),
        Family::EnhancedCuff => {
            let (_, value) = plain(counter).remove(0);
            let head = |ends: u8| [ends, n, 0, 0x34, 0x2b];
            let (first, last) = value.split_at(10);
            let first = [&head(1)[..], first].concat();
            let last = [&head(4 | 2)[..], last].concat();
            let whole = with_crc([first.as_slice(), &last].concat());
            let last = whole[first.len()..].to_vec();
            ("1810", vec![("1810/2b36", first), ("1810/2b36", last)])
        }
        Family::HealthSensor => {
            let body = [&[n, 0, 0, 0], observation(when, n).as_slice()].concat();
            let (cut, next) = segments(&body, *counter, 11);
            *counter = next;
            let sent = cut.into_iter().map(|one| ("1840/2bdd", one));
            ("1840", sent.collect())
        }
        _ => return None,
    })
}

/// One measurement that is sent.
#[derive(Debug, Clone)]
struct Live {
    n: u8,
    when: When,
    times: u32,
    after_ms: u32,
    /// So many bytes are missing at the end of each packet.
    short: usize,
}

#[derive(Debug, Clone)]
struct Link {
    live: Vec<Live>,
    /// So many records the device keeps by then, if it keeps any.
    memory: Option<u8>,
    drop_after_ms: Option<u32>,
    /// Its clock tells itself.
    clock: Option<u8>,
}

fn live() -> impl Strategy<Value = Live> {
    let when =
        prop_oneof![3 => Just(When::Known), 1 => Just(When::YearZero), 1 => Just(When::Unsaid)];
    let after = prop_oneof![3 => 0_u32..30, 1 => Just(1_000_u32), 1 => Just(2_500)];
    let short = prop_oneof![6 => Just(0_usize), 1 => 1_usize..4];
    (0_u8..9, when, 1_u32..4, after, short).prop_map(|(n, when, times, after_ms, short)| Live {
        n,
        when,
        times,
        after_ms,
        short,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (
        proptest::collection::vec(live(), 0..8),
        proptest::option::of(0_u8..9),
        proptest::option::of(5_u32..400),
        proptest::option::weighted(0.3, 0_u8..50),
    )
        .prop_map(|(live, memory, drop_after_ms, clock)| Link {
            live,
            memory,
            drop_after_ms,
            clock,
        })
}

fn script(family: Family, link: &Link) -> String {
    let mut counter = 0;
    let mut frames = Vec::new();
    let mut frame = |of: &str, bytes: &[u8], after_ms: u32, times: u32| {
        let bytes = to_hex(bytes);
        frames.push(format!(
            r#"{{"of":"{of}","bytes":"{bytes}","after_ms":{after_ms},"times":{times}}}"#
        ));
    };
    let mut of: Vec<&str> = match family {
        Family::Meter => vec!["1808/2a18", "1808/2a34"],
        _ => measured(family, When::Known, 1, &mut 0)
            .iter()
            .map(|(of, _)| *of)
            .take(1)
            .collect(),
    };
    if let Some(minute) = link.clock {
        of.push("1805/2a2b");
        frame(
            "1805/2a2b",
            &[&DAY[..], &[19, minute, 0, 6, 0, 0]].concat(),
            0,
            2,
        );
    }
    for one in &link.live {
        for (of, mut bytes) in measured(family, one.when, one.n, &mut counter) {
            bytes.truncate(bytes.len().saturating_sub(one.short).max(1));
            frame(of, &bytes, one.after_ms, one.times);
        }
    }
    let mut counter = 0;
    let stored = link.memory.and_then(|records| {
        let records = (0..records).map(|n| kept(family, When::Known, n, &mut counter));
        let records: Vec<(&str, Sent)> = records.collect::<Option<_>>()?;
        let (service, _) = *records.first().map(|(service, _)| (service, ())).as_ref()?;
        let record = |(n, (_, sent)): (usize, &(&str, Sent))| {
            let packet =
                |(of, bytes): &(&str, Vec<u8>)| format!(r#"["{}","{}"]"#, &of[5..], to_hex(bytes));
            let packets: Vec<String> = sent.iter().map(packet).collect();
            let number = if family == Family::Sensor { n * 5 } else { n };
            format!(r#"{{"number":{number},"packets":[{}]}}"#, packets.join(","))
        };
        let records: Vec<String> = records.iter().enumerate().map(record).collect();
        Some(format!(
            r#","stored":{{"service":"{service}","records":[{}]}}"#,
            records.join(",")
        ))
    });
    let sensor = match family {
        Family::Sensor => {
            let start = to_hex(&[&DAY[..], &[10, 0, 0, 4, 4]].concat());
            format!(r#","181f/2aa8":"00000059ffff","181f/2aaa":"{start}","181f/2aa9":"5802000000""#)
        }
        Family::EnhancedCuff => r#","1810/2a49":"4000""#.to_owned(),
        _ => String::new(),
    };
    let of: Vec<String> = of.iter().map(|of| format!(r#""{of}""#)).collect();
    let services: Vec<String> = of.iter().map(|of| format!("{}\"", &of[..5])).collect();
    let faults = link
        .drop_after_ms
        .map_or(String::new(), |ms| format!(r#"{{"drop_after_ms":{ms}}}"#));
    format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"device","address":"c4c4c4c4c4c4","services":[{}],
        "measurements":[{}],"values":{{"180a/2a25":"53523132","180f/2a19":"50"{sensor}}},
        "frames":[{}]{},"faults":[{faults}]}}]}}"#,
        services.join(","),
        of.join(","),
        frames.join(","),
        stored.unwrap_or_default()
    )
}

/// The trace of a session, and how far it took the records.
async fn traced(
    script: &str,
    mode: TraceMode,
    stored: StoredMark,
    clock: bool,
) -> (String, StoredMark) {
    // Not at a whole second.
    let now = Moment::from_ms(1_718_471_847_321);
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), now).unwrap();
    let handle = DeviceHandle("device".to_owned());
    let mut manner = Manner::default();
    if clock {
        manner.clock = ClockManner::FirstNotification {
            wrong_by_ms: 600_000,
        };
    }
    let plan = Plan {
        stored: stored.clone(),
        trace: mode,
        manner,
        ..Plan::collect(handle, false, DeviceFacts::default(), 120, [8; 16])
    };
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    run_session(Arc::new(radio), plan, now, to, std::future::pending()).await;
    let (mut text, mut mark) = (None, stored);
    while let Some(event) = from.recv().await {
        match event {
            SessionEvent::Trace(trace) => text = Some(trace.text().to_owned()),
            SessionEvent::Mark(newer) => mark = *newer,
            _ => {}
        }
    }
    (text.unwrap(), mark)
}

/// The bytes of every value and answer in a trace, without a check sum that was made anew.
fn bytes(text: &str) -> Vec<Vec<u8>> {
    let line = |line: &str| -> Option<Vec<u8>> {
        let line: Value = serde_json::from_str(line).unwrap();
        let input = &line["in"];
        let hex = input["value"]["bytes"]
            .as_str()
            .or(input["answer"]["result"]["bytes"].as_str())?;
        let mut bytes = from_hex(hex).unwrap();
        let of = input["value"]["of"].as_str().unwrap_or_default();
        if of.ends_with("2aa7") || of.ends_with("2b36") {
            bytes.truncate(bytes.len().saturating_sub(2));
        }
        Some(bytes)
    };
    text.lines().filter_map(line).collect()
}

fn holds(text: &str, what: &[u8]) -> bool {
    let bytes = bytes(text);
    let mut windows = bytes.iter().flat_map(|one| one.windows(what.len()));
    windows.any(|window| window == what)
}

/// The hashes of records in a mark or in a trace's first line.
fn hashes(json: &str) -> Vec<String> {
    let quoted = json.split('"');
    let hash = |text: &str| text.split_once(':').map(|(_, hash)| hash.to_owned());
    quoted
        .filter_map(hash)
        .filter(|hash| hash.len() == 32)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// REQ-DEVICE-204, REQ-DEVICE-205: whatever a device of any family sends, repeats, keeps and breaks off, in a first
    /// session and in one that goes on from it, the redacted trace runs again to the same decisions and holds no number,
    /// no date and no hash of a record; a full trace runs again too, and does hold them.
    #[test]
    fn any_session_runs_again_and_tells_nothing(
        family in proptest::sample::select(&FAMILIES[..]),
        links in proptest::collection::vec(link(), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let mut mark = StoredMark::default();
        for link in &links {
            let script = script(family, link);
            let clock = link.clock.is_some();
            let run = |mode| runtime.block_on(traced(&script, mode, mark.clone(), clock));
            let (redacted, after) = run(TraceMode::Redacted);
            let again = replay(&redacted).unwrap();
            prop_assert_eq!(again.differs, None, "{}", redacted);
            prop_assert!(!holds(&redacted, &SECRET), "{}", redacted);
            prop_assert!(!holds(&redacted, &DAY), "{}", redacted);
            for mark in [&mark, &after] {
                for hash in hashes(&serde_json::to_string(mark).unwrap()) {
                    prop_assert!(!redacted.contains(&hash), "{}", redacted);
                }
            }
            let (full, same) = run(TraceMode::Full);
            prop_assert_eq!(replay(&full).unwrap().differs, None, "{}", full);
            prop_assert_eq!(&same, &after, "what is written down decides nothing");
            let (sent, kept) = (bytes(&full), bytes(&redacted));
            prop_assert_eq!(sent.len(), kept.len());
            mark = after;
        }
    }
}

/// REQ-DEVICE-204: the search above finds what it looks for, in a full trace of each family.
#[tokio::test(start_paused = true)]
async fn a_full_trace_holds_what_a_redacted_one_does_not() {
    for family in FAMILIES {
        let live = Live {
            n: 1,
            when: When::Known,
            times: 1,
            after_ms: 0,
            short: 0,
        };
        let link = Link {
            live: vec![live],
            memory: Some(2),
            drop_after_ms: None,
            clock: None,
        };
        let script = script(family, &link);
        let new = StoredMark::default;
        let (full, mark) = traced(&script, TraceMode::Full, new(), false).await;
        assert!(holds(&full, &SECRET), "{family:?}");
        let (redacted, _) = traced(&script, TraceMode::Redacted, new(), false).await;
        assert!(!holds(&redacted, &SECRET), "{family:?}");
        let keeps = kept(family, When::Known, 1, &mut 0).is_some();
        assert_eq!(
            !hashes(&serde_json::to_string(&mark).unwrap()).is_empty(),
            keeps
        );
    }
}

/// REQ-DEVICE-205: a first line with a mark is read, and one without is that of a session that began with none.
#[tokio::test(start_paused = true)]
async fn a_mark_stands_in_the_first_line() {
    let memory = |records| Link {
        live: Vec::new(),
        memory: Some(records),
        drop_after_ms: None,
        clock: None,
    };
    let first = script(Family::Meter, &memory(4));
    let (_, mark) = traced(&first, TraceMode::Redacted, StoredMark::default(), false).await;
    let next = script(Family::Meter, &memory(6));
    let (text, _) = traced(&next, TraceMode::Redacted, mark, false).await;
    let (head, steps) = text.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    // Contexts count too; of what came before the newest record only its number in a row is told.
    assert_eq!(head["stored"]["known"][0], 4);
    assert!(head["stored"]["newest"].as_str().unwrap().starts_with("3:"));
    let records = |text: &str| text.matches(r#""out":{"record""#).count();
    assert_eq!(records(&text), 2);
    head.as_object_mut().unwrap().remove("stored");
    let again = replay(&format!("{head}\n{steps}")).unwrap();
    assert!(
        again.differs.is_some(),
        "without the mark more is delivered"
    );
}

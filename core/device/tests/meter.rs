//! Sessions with a glucose meter that keeps its records: all of them come, each once, whatever happens to the link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceFacts, DeviceTime, Moment, Number};
use std::fmt::Write as _;
use std::sync::Arc;
use teleward_device::{
    CapturedRecord, DeviceHandle, GlucoseConcentration, GlucoseFrame, GlucoseSample, GlucoseUnit,
    Plan, ReasonCode, Script, ScriptedRadio, SessionEvent, SessionReport, StoredMark, Trace,
    TraceMode, replay, run_session,
};

fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

fn meter() -> DeviceHandle {
    DeviceHandle("meter".to_owned())
}

/// Record `n` of the meter; each third one has a context.
fn record(n: u16) -> (Vec<u8>, Option<Vec<u8>>) {
    let [minute, hour] = [n % 60, n / 60].map(|part| u8::try_from(part).unwrap());
    let frame = GlucoseFrame {
        sequence: n,
        time: DeviceTime::from_bytes([0xe8, 7, 6, 14, hour, minute, 0]),
        time_offset_min: None,
        concentration: Some(GlucoseConcentration {
            value: Number::of(90 + i64::from(n), -5),
            sample: GlucoseSample::new(1, 1),
        }),
        unit: GlucoseUnit::KgPerL,
        status: None,
        context_follows: n.is_multiple_of(3),
        extra: Vec::new(),
    };
    let [low, high] = n.to_le_bytes();
    let context = n.is_multiple_of(3).then(|| vec![2, low, high, 1]);
    (frame.encode().unwrap(), context)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn radio(records: u16, faults: &str) -> ScriptedRadio {
    let mut kept = String::new();
    for n in 0..records {
        let (frame, context) = record(n);
        let context = context.map(|bytes| format!(r#",["2a34","{}"]"#, hex(&bytes)));
        let (comma, context) = (if n == 0 { "" } else { "," }, context.unwrap_or_default());
        let frame = hex(&frame);
        write!(
            kept,
            r#"{comma}{{"number":{n},"packets":[["2a18","{frame}"]{context}]}}"#
        )
        .unwrap();
    }
    let script = format!(
        r#"{{"devices":[{{"device":"meter","services":["1808"],"measurements":[],
            "values":{{"180a/2a25":"313233"}},"stored":{{"service":"1808","records":[{kept}]}},"faults":[{faults}]}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

struct Outcome {
    report: SessionReport,
    records: Vec<CapturedRecord>,
    mark: StoredMark,
    trace: Option<Trace>,
}

async fn run(radio: &ScriptedRadio, stored: StoredMark, trace: TraceMode) -> Outcome {
    let plan = Plan {
        stored: stored.clone(),
        trace,
        ..Plan::collect(meter(), false, DeviceFacts::default(), 120, [8; 16])
    };
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let report = run_session(
        Arc::new(radio.clone()),
        plan,
        now(),
        to,
        std::future::pending(),
    )
    .await;
    let mut outcome = Outcome {
        report,
        records: Vec::new(),
        mark: stored,
        trace: None,
    };
    while let Some(event) = from.recv().await {
        match event {
            SessionEvent::Record(record) => outcome.records.push(record),
            SessionEvent::Mark(mark) => outcome.mark = *mark,
            SessionEvent::Trace(trace) => outcome.trace = Some(trace),
            SessionEvent::Facts(_) | SessionEvent::Ended(_) => {}
        }
    }
    outcome
}

fn numbers(records: &[CapturedRecord]) -> Vec<u16> {
    let number =
        |record: &CapturedRecord| GlucoseFrame::decode(&record.packets[0]).unwrap().sequence;
    records.iter().map(number).collect()
}

/// REQ-DEVICE-047: a meter's records come all, each once, joined to their contexts; the next session brings what is new.
#[tokio::test(start_paused = true)]
async fn a_meters_records_come_all_and_once() {
    let first = run(&radio(200, ""), StoredMark::default(), TraceMode::Off).await;
    assert_eq!(
        (first.report.reason, first.report.records),
        (ReasonCode::Done, 200)
    );
    let mut came = numbers(&first.records);
    came.sort_unstable();
    assert_eq!(came, (0..200).collect::<Vec<_>>());
    for record in &first.records {
        let n = GlucoseFrame::decode(&record.packets[0]).unwrap().sequence;
        let packets = if n.is_multiple_of(3) { 2 } else { 1 };
        assert_eq!(
            record.packets.len(),
            packets,
            "record {n} and its context are one"
        );
    }
    let again = run(&radio(200, ""), first.mark.clone(), TraceMode::Off).await;
    assert_eq!(
        (again.report.reason, again.records.len()),
        (ReasonCode::NothingNew, 0)
    );
    let more = run(&radio(203, ""), first.mark, TraceMode::Off).await;
    assert_eq!(numbers(&more.records), [200, 201, 202]);
}

/// REQ-DEVICE-048: wherever the link breaks, the next sessions bring the rest, and nothing twice.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_in_the_middle_loses_nothing() {
    let last = 60 + 5 * 60;
    for cut in (20..last).step_by(7) {
        let radio = radio(40, &format!(r#"{{"drop_after_ms":{cut},"times":2}}"#));
        let (mut mark, mut all, mut endings) = (StoredMark::default(), Vec::new(), Vec::new());
        let mut contexts = 0;
        while endings.len() < 5 {
            let outcome = run(&radio, mark, TraceMode::Off).await;
            // A context whose measurement went before the cut comes alone.
            let (alone, whole): (Vec<_>, Vec<_>) = outcome
                .records
                .into_iter()
                .partition(|record| record.characteristic == 0x2a34);
            contexts += alone.len()
                + whole
                    .iter()
                    .filter(|record| record.packets.len() == 2)
                    .count();
            all.extend(numbers(&whole));
            endings.push(outcome.report.reason);
            mark = outcome.mark;
            if endings
                .last()
                .is_some_and(|reason| matches!(reason, ReasonCode::Done | ReasonCode::NothingNew))
            {
                break;
            }
        }
        let came = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(
            all,
            (0..40).collect::<Vec<_>>(),
            "cut after {cut} ms: {endings:?}"
        );
        assert_eq!((came, contexts), (40, 14), "cut after {cut} ms: none twice");
    }
}

/// REQ-DEVICE-049: a session that took stored records runs again from its redacted trace, which holds none of them.
#[tokio::test(start_paused = true)]
async fn a_meters_session_runs_again() {
    for (records, faults) in [(7, ""), (9, r#"{"drop_after_ms":70}"#), (0, "")] {
        let outcome = run(
            &radio(records, faults),
            StoredMark::default(),
            TraceMode::Redacted,
        )
        .await;
        let trace = outcome.trace.unwrap();
        let again = replay(trace.text()).unwrap();
        assert_eq!(again.differs, None, "{records} records, {faults}");
        assert_eq!(again.report.unwrap().reason, outcome.report.reason);
        for n in 0..records {
            assert!(
                !trace.text().contains(&hex(&record(n).0[3..12])),
                "record {n} in the trace"
            );
        }
    }
}

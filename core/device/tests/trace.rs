//! Sessions written down and run again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::Moment;
use std::sync::Arc;
use teleward_device::{
    DeviceHandle, Plan, ReasonCode, Script, ScriptedRadio, SessionEvent, Trace, TraceError,
    TraceMode, replay, run_session,
};

const FIRST: &str = "167c0056006100e807060f13111b33000000";
const SECOND: &str = "167d0056006100e807060f13121b33000000";

/// What stands in the scripts below and must not stand in a redacted trace: frames, numbers, serial number, name,
/// address, System ID and date, in the spellings in which a trace could hold them.
const SECRETS: [&str; 10] = [
    FIRST,
    SECOND,
    "7c0056006100",
    "53523132333435",
    "SR12345",
    "c4c4c4c4c4c4",
    "Annas cuff",
    "41636d6500",
    "1122334455667788",
    "2024-06",
];

fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

async fn traced(device: &str, mode: TraceMode) -> (ReasonCode, Option<Trace>) {
    let script = format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"c4:c4:c4:c4:c4:c4","address":"c4c4c4c4c4c4","name":"Annas cuff",
        "values":{{"180a/2a23":"1122334455667788","180a/2a29":"41636d6500","180a/2a25":"53523132333435","180f/2a19":"50"}},
        {device}}}]}}"#
    );
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap();
    let device = DeviceHandle("c4:c4:c4:c4:c4:c4".to_owned());
    let plan = Plan {
        trace: mode,
        ..Plan::pair(device, 120, [7; 16])
    };
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let report = run_session(Arc::new(radio), plan, now(), to, std::future::pending()).await;
    let mut trace = None;
    while let Some(event) = from.recv().await {
        if let SessionEvent::Trace(one) = event {
            assert!(trace.replace(one).is_none(), "one trace a session");
        }
    }
    (report.reason, trace)
}

/// Each ends in its own way: what a trace must be able to tell again.
fn scripts() -> Vec<String> {
    vec![
        format!(
            r#""needs_pairing":true,"clock_behind_s":7200,"frames":[{{"bytes":"{FIRST}","times":2}},{{"after_ms":900,"bytes":"{SECOND}"}}]"#
        ),
        format!(
            r#""clock_behind_s":1,"frames":[{{"bytes":"{FIRST}"}},{{"after_ms":5000,"bytes":"{SECOND}"}}],"faults":[{{"drop_after_ms":40}}]"#
        ),
        r#""frames":[{"bytes":"007c0056006100"},{"bytes":"007c0056006100"},{"bytes":"16ff07"}]"#
            .to_owned(),
        r#""visible_for_ms":0"#.to_owned(),
        r#""needs_pairing":true,"faults":[{"call":"pair","fault":"passkey_wrong"}]"#.to_owned(),
        r#""faults":[{"radio_off_after_ms":30,"back_after_ms":90000}]"#.to_owned(),
        r#""faults":[{"call":"subscribe"}]"#.to_owned(),
    ]
}

/// REQ-DEVICE-040: a trace, full or redacted, runs again through the machine to the same decisions and the same end.
#[tokio::test(start_paused = true)]
async fn a_trace_runs_again_to_the_same_end() {
    let mut reasons = Vec::new();
    for script in scripts() {
        for mode in [TraceMode::Full, TraceMode::Redacted] {
            let (reason, trace) = traced(&script, mode).await;
            let again = replay(trace.expect("a trace was wanted").text()).unwrap();
            assert_eq!(again.differs, None, "{script}, {mode:?}");
            assert_eq!(again.report.map(|report| report.reason), Some(reason));
            assert_eq!(again.redacted, mode == TraceMode::Redacted);
            assert!(again.steps > 2 && !again.cut);
            reasons.push(reason);
        }
    }
    reasons.dedup();
    assert!(
        reasons.len() >= 5,
        "the scripts end in many ways: {reasons:?}"
    );
    assert_eq!(traced(&scripts()[0], TraceMode::Off).await.1, None);
}

/// REQ-DEVICE-041: a redacted trace holds no value and no identity; a full one does, so the search can find them.
#[tokio::test(start_paused = true)]
async fn a_redacted_trace_holds_no_value_and_no_identity() {
    for script in scripts() {
        let trace = traced(&script, TraceMode::Redacted).await.1.unwrap();
        for secret in SECRETS {
            assert!(
                !trace.text().contains(secret),
                "{secret} in {}",
                trace.text()
            );
        }
    }
    let full = traced(&scripts()[0], TraceMode::Full).await.1.unwrap();
    for secret in [FIRST, "53523132333435", "1122334455667788", "2024-06"] {
        assert!(full.text().contains(secret), "{secret}");
    }
    assert!(!format!("{full:?}").contains(FIRST), "it stays out of logs");
}

/// REQ-DEVICE-042: a machine that decides otherwise than the trace says is found, at the line.
#[tokio::test(start_paused = true)]
async fn another_decision_is_found() {
    let trace = traced(&scripts()[0], TraceMode::Redacted).await.1.unwrap();
    let lines: Vec<&str> = trace.text().lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("\"record\""))
        .unwrap();
    let without: Vec<&str> = [&lines[..at], &lines[at + 1..]].concat();
    let found = replay(&without.join("\n")).unwrap().differs.unwrap();
    assert_eq!(
        (found.line, found.then.is_some() && found.now.is_none()),
        (at + 1, false)
    );
    let other = trace.text().replace("\"ordinal\":0", "\"ordinal\":5");
    let found = replay(&other).unwrap().differs.unwrap();
    assert_eq!(found.line, at + 1);
    assert!(found.then.unwrap().contains("5") && found.now.unwrap().contains("0"));
    // What breaks off is no difference: the session may have been killed.
    let broken = replay(&lines[..3].join("\n")).unwrap();
    assert_eq!(broken.report, None);
}

/// REQ-DEVICE-043: what is no trace, or one of a later version, is refused in words that quote nothing.
#[tokio::test(start_paused = true)]
async fn what_is_no_trace_is_refused() {
    let trace = traced(&scripts()[0], TraceMode::Full).await.1.unwrap();
    for (text, says) in [
        (String::new(), "no trace"),
        ("hello".to_owned(), "no trace"),
        (r#"{"trace":"other","v":1}"#.to_owned(), "no trace"),
        (trace.text().replacen("\"v\":1", "\"v\":2", 1), "version 2"),
        (trace.text().replace(FIRST, "167c0056x"), "cannot be read"),
        (
            trace.text().replacen("\"ms\":0", "\"ms\":\"0\"", 1),
            "line 2",
        ),
    ] {
        let error = replay(&text).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("167c0056"), "{error}");
        assert!(matches!(
            error,
            TraceError::NotATrace | TraceError::Version { .. } | TraceError::Line { .. }
        ));
    }
}

/// Traces that are kept for good, each of them a session that once went wrong or nearly did; to keep another one is to
/// put its file there. `TELEWARD_BLESS=1` writes the first ones anew.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces");

/// What the first kept traces are, in the order of [`scripts`].
const NAMES: [&str; 7] = [
    "pairing-and-a-slow-clock",
    "hangs-up-between-two-records",
    "timeless-twins-and-a-broken-frame",
    "not-found",
    "wrong-passkey",
    "adapter-goes-away",
    "never-lets-us-subscribe",
];

/// REQ-DEVICE-044: each kept trace leads the machine of today to the decisions that stand in it.
#[tokio::test(start_paused = true)]
async fn kept_traces_lead_where_they_led() {
    if std::env::var_os("TELEWARD_BLESS").is_some() {
        for (name, script) in NAMES.iter().zip(scripts()) {
            let trace = traced(&script, TraceMode::Redacted).await.1.unwrap();
            std::fs::write(format!("{KEPT}/{name}.ndjson"), trace.text()).unwrap();
        }
    }
    let mut files: Vec<_> = std::fs::read_dir(KEPT)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= NAMES.len(), "the kept traces are there");
    for file in files {
        let again = replay(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(again.differs, None, "{}", file.display());
        assert!(again.redacted, "{} holds values", file.display());
        assert!(again.cut || again.report.is_some(), "{}", file.display());
    }
}

proptest! {
    /// No text from outside makes a replay panic, and no step of a damaged trace either.
    #[test]
    fn any_text_is_answered(text in ".{0,200}", ms in any::<i64>(), call in any::<u32>()) {
        let _any = replay(&text);
        let head = r#"{"trace":"teleward/session","v":1,"redacted":true,"began":"2000-01-01T00:00:00.000Z","goal":"pair","bonded":false,"seen":false,"known":false,"utc_offset_min":0,"pace":{"scan_ms":1,"connect_ms":1,"attempts":2,"retry_pause_ms":1,"discover_ms":1,"step_ms":1,"pair_ms":1,"first_record_ms":1,"quiet_ms":1,"drain_ms":1,"disconnect_ms":1,"cool_down_ms":1,"clock_tolerance_ms":1}}"#;
        let steps = format!("{head}\n{{\"ms\":{ms},\"in\":\"tick\"}}\n{{\"ms\":1,\"in\":{{\"answer\":{{\"call\":{call},\"result\":\"done\"}}}}}}");
        prop_assert!(replay(&steps).is_ok());
    }
}

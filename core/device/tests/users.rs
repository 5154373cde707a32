//! Devices that keep their users apart, played by the scripted radio in simulated time: nothing is registered or agreed to
//! that nobody has said, and nothing about users keeps a reading back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceFacts, Moment};
use std::sync::Arc;
use teleward_device::{
    ConsentCode, DeviceHandle, Notice, Plan, ReasonCode, Script, ScriptedRadio, SessionEvent,
    SessionReport, TraceMode, UserFacts, UserOutcome, UserPlan, replay, run_session,
};

const READING: &str = "167c0056006100e807060f13111b33000000";

fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

fn cuff() -> DeviceHandle {
    DeviceHandle("cuff".to_owned())
}

fn radio(users: &str, more: &str) -> ScriptedRadio {
    let script = format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"cuff","values":{{"180a/2a24":"4250"}},
        "frames":[{{"bytes":"{READING}"}}],"users":{users}{more}}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

fn code(code: u16) -> ConsentCode {
    ConsentCode::new(code).unwrap()
}

fn pairing(user: UserPlan) -> Plan {
    Plan {
        user,
        ..Plan::pair(cuff(), 120, [7; 16])
    }
}

fn collecting(user: UserPlan) -> Plan {
    Plan {
        user,
        ..Plan::collect(cuff(), false, DeviceFacts::default(), 120, [8; 16])
    }
}

struct Outcome {
    report: SessionReport,
    users: Option<UserFacts>,
    trace: String,
}

async fn run(radio: &ScriptedRadio, plan: Plan) -> Outcome {
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let never = std::future::pending();
    let report = run_session(Arc::new(radio.clone()), plan, now(), to, never).await;
    let (mut users, mut trace) = (None, String::new());
    while let Ok(event) = from.try_recv() {
        match event {
            SessionEvent::Facts(facts) => users = facts.users,
            SessionEvent::Trace(kept) => trace = kept.text().to_owned(),
            _ => {}
        }
    }
    Outcome {
        report,
        users,
        trace,
    }
}

fn facts(count: Option<u8>, outcome: UserOutcome) -> Option<UserFacts> {
    Some(UserFacts { count, outcome })
}

/// REQ-DEVICE-100: while nobody has said who the patient is on the device, nothing is registered and nothing agreed to; it is
/// told, with how many users there are, and the device's other readings are taken.
#[tokio::test(start_paused = true)]
async fn nobody_is_registered_without_being_asked() {
    let closed = radio(r#"{"codes":{"1":1111},"room":2,"closed":true}"#, "");
    let outcome = run(&closed, pairing(UserPlan::Unsaid)).await;
    assert_eq!(
        (outcome.report.reason, outcome.report.records),
        (ReasonCode::Done, 0)
    );
    assert_eq!(outcome.users, facts(Some(1), UserOutcome::Unsaid));
    assert_eq!(outcome.report.notices, [Notice::UserUnsaid]);
    let again = run(&closed, pairing(UserPlan::Unsaid)).await;
    assert_eq!(
        again.users,
        facts(Some(1), UserOutcome::Unsaid),
        "none was made"
    );
    let open = radio(r#"{"room":2}"#, "");
    let outcome = run(&open, collecting(UserPlan::Unsaid)).await;
    assert_eq!(outcome.report.records, 1);
    assert_eq!(outcome.users, facts(None, UserOutcome::Unsaid));
    // A device that knows of no users is not spoken to about them.
    let plain = radio("null", "");
    let plan = pairing(UserPlan::Register { code: code(1) });
    let outcome = run(&plain, plan).await;
    assert_eq!((outcome.report.records, outcome.users), (1, None));
    assert!(outcome.report.notices.is_empty());
}

/// REQ-DEVICE-101: a patient who wants to becomes a user in a free slot, and what the device keeps for its users is taken in
/// the same session, also when it asks for pairing on the way; later the remembered code does.
#[tokio::test(start_paused = true)]
async fn a_new_user_is_registered_and_known_again() {
    for more in ["", r#","needs_pairing":true"#] {
        let radio = radio(r#"{"codes":{"1":1111},"room":3,"closed":true}"#, more);
        let register = UserPlan::Register { code: code(42) };
        let outcome = run(&radio, pairing(register)).await;
        assert_eq!(outcome.users, facts(None, UserOutcome::Registered(2)));
        assert_eq!(outcome.report.records, 1, "{more}");
        assert!(outcome.report.notices.is_empty());
        radio.push_frame(&cuff(), vec![0, 0x7c, 0, 0x56, 0, 0x61, 0]);
        let consent = UserPlan::Consent {
            slot: 2,
            code: code(42),
        };
        let plan = Plan {
            bonded: outcome.report.bonded,
            ..collecting(consent)
        };
        let outcome = run(&radio, plan).await;
        assert_eq!(outcome.users, facts(None, UserOutcome::Consented(2)));
        assert_eq!(outcome.report.records, 1, "{more}");
    }
}

/// REQ-DEVICE-102: a code that the device does not take any more is told as rejected, so that it is dropped; nothing else is
/// tried, and readings that need no consent are taken.
#[tokio::test(start_paused = true)]
async fn a_rejected_code_is_told_and_nothing_is_guessed() {
    let radio = radio(r#"{"codes":{"1":1111},"room":3}"#, "");
    radio.change_code(&cuff(), 1, 2222);
    let consent = UserPlan::Consent {
        slot: 1,
        code: code(1111),
    };
    let outcome = run(&radio, collecting(consent)).await;
    assert_eq!(outcome.users, facts(None, UserOutcome::Rejected(1)));
    assert_eq!(outcome.report.records, 1);
    assert_eq!(outcome.report.notices, [Notice::UserCodeRejected]);
}

/// REQ-DEVICE-103: a full device and one that never answers are told, each in its time, and keep no reading back.
#[tokio::test(start_paused = true)]
async fn a_full_or_silent_device_keeps_nothing_back() {
    let register = UserPlan::Register { code: code(42) };
    for (users, outcome) in [
        (r#"{"codes":{"1":1},"room":1}"#, UserOutcome::Refused),
        (r#"{"room":1,"silent":true}"#, UserOutcome::NoAnswer),
    ] {
        let told = run(&radio(users, ""), pairing(register)).await;
        assert_eq!(told.users, facts(None, outcome));
        assert_eq!(
            (told.report.reason, told.report.records),
            (ReasonCode::Done, 1)
        );
        assert_eq!(told.report.notices, [Notice::UserRefused]);
    }
    for fault in [
        r#","faults":[{"call":"write"}]"#,
        r#","faults":[{"call":"write","fault":"not_supported"}]"#,
    ] {
        let told = run(&radio(r#"{"room":1}"#, fault), pairing(register)).await;
        assert_eq!(
            (told.report.reason, told.report.records),
            (ReasonCode::Done, 1)
        );
        assert_eq!(told.report.notices, [Notice::UserRefused], "{fault}");
    }
    let broken = r#","faults":[{"drop_after_ms":45,"times":1}]"#;
    let told = run(
        &radio(r#"{"room":1,"silent":true,"closed":true}"#, broken),
        pairing(register),
    )
    .await;
    assert_eq!(told.report.reason, ReasonCode::LinkLost);
}

/// REQ-DEVICE-104: a code stands in no trace, redacted or full, and the session is decided again without it.
#[tokio::test(start_paused = true)]
async fn a_code_is_in_no_trace() {
    for mode in [TraceMode::Redacted, TraceMode::Full] {
        let radio = radio(r#"{"codes":{"1":4660},"room":2,"closed":true}"#, "");
        let user = UserPlan::Consent {
            slot: 1,
            code: code(4660),
        };
        let plan = Plan {
            trace: mode,
            ..collecting(user)
        };
        let outcome = run(&radio, plan).await;
        assert_eq!(outcome.users, facts(None, UserOutcome::Consented(1)));
        assert!(outcome.trace.contains(r#""user":{"consent":1}"#));
        for secret in ["4660", "3412", "1234"] {
            assert!(!outcome.trace.contains(secret), "{secret}");
        }
        let again = replay(&outcome.trace).unwrap();
        assert_eq!(again.differs, None);
        assert_eq!(again.report, Some(outcome.report));
    }
    assert!(!format!("{:?}", UserPlan::Register { code: code(4660) }).contains("4660"));
}

//! A bonded cuff that keeps our subscription: it sends as soon as the link is up, within the call to connect, and nobody
//! but us has what it sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceFacts, Moment};
use std::sync::Arc;
use teleward_device::{
    Answer, Attribute, Call, DeviceHandle, Effect, Event, Plan, RadioEvent, ReasonCode, Script,
    ScriptedRadio, Session, SessionEvent, SessionFacts, SessionReport, Uuid, run_session,
};

const FIRST: &str = "167c0056006100e807060f13111b33000000";
const SECOND: &str = "167d0056006100e807060f13121b33000000";
const TIMELESS: &str = "007c0056006100";

/// 2024-06-15T17:17:27Z; the phone is at +02:00.
fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

fn cuff() -> DeviceHandle {
    DeviceHandle("cuff".to_owned())
}

/// A radio with such a cuff.
fn radio(frames: &str, faults: &str) -> ScriptedRadio {
    let script = format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"cuff","address":"c4c4c4c4c4c4","needs_pairing":true,
        "bonded":true,"keeps_subscription":true,"frames":[{frames}],"faults":[{faults}]}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

fn frame(bytes: &str) -> String {
    format!(r#"{{"bytes":"{bytes}"}}"#)
}

struct Outcome {
    report: SessionReport,
    raw: Vec<String>,
    facts: Option<SessionFacts>,
}

async fn collect(radio: &ScriptedRadio) -> Outcome {
    let plan = Plan::collect(cuff(), true, DeviceFacts::default(), 120, [8; 16]);
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let radio = Arc::new(radio.clone());
    let report = run_session(radio, plan, now(), to, std::future::pending()).await;
    let (mut raw, mut facts) = (Vec::new(), None);
    while let Some(event) = from.recv().await {
        match event {
            SessionEvent::Record(record) => raw.push(reading::to_hex(&record.packets.concat())),
            SessionEvent::Facts(new) => facts = Some(*new),
            _ => {}
        }
    }
    Outcome { report, raw, facts }
}

/// REQ-DEVICE-214: what is sent before anything is subscribed to in this link is taken, once, with a time and without.
#[tokio::test(start_paused = true)]
async fn what_is_sent_within_the_call_to_connect_is_taken_once() {
    for frames in [
        vec![FIRST],
        vec![FIRST, SECOND],
        vec![FIRST, FIRST],
        vec![TIMELESS],
    ] {
        let sent: Vec<String> = frames.iter().copied().map(frame).collect();
        let outcome = collect(&radio(&sent.join(","), "")).await;
        let mut wanted = frames;
        wanted.dedup();
        assert_eq!(outcome.raw, wanted);
        assert_eq!(outcome.report.reason, ReasonCode::Done);
        assert!(outcome.facts.unwrap().complete);
    }
}

/// REQ-DEVICE-214: a cuff that hangs up at once after it has sent has closed early. It is no lost bond, and it is not
/// connected to again, as there is nothing to be had.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_after_a_value_is_no_lost_bond() {
    let drops = r#"{"drop_after_ms":20,"times":3}"#;
    let radio = radio(&frame(FIRST), drops);
    let first = collect(&radio).await;
    assert_eq!(
        (first.report.reason, first.raw),
        (ReasonCode::ClosedEarly, vec![FIRST.to_owned()])
    );
    assert!(
        first.facts.unwrap().complete,
        "a reading can be made of what is known"
    );
    // Two links are left that break without a word: the first session made one.
    let second = collect(&radio).await;
    assert_eq!(second.report.reason, ReasonCode::BondLost);
    let third = collect(&radio).await;
    assert_eq!(third.report.reason, ReasonCode::NothingNew);
}

/// What the machine wants, with the number of the call under way.
fn effects(session: &mut Session, call: &mut u32) -> Vec<&'static str> {
    let effects = std::iter::from_fn(|| session.poll_effect());
    effects
        .map(|effect| match effect {
            Effect::Run { call: number, what } => {
                *call = number;
                match what {
                    Call::Connect => "connect",
                    Call::Disconnect => "disconnect",
                    _ => "another call",
                }
            }
            Effect::Deliver(_) => "record",
            Effect::Facts(_) => "facts",
            Effect::Mark(_) => "mark",
            Effect::Ended(report) => report.reason.code(),
        })
        .collect()
}

/// REQ-DEVICE-214: the same when the platform tells of the value after the end of the link.
#[test]
fn a_value_behind_the_end_of_its_link_ends_the_session_too() {
    let collect = Plan::collect(cuff(), true, DeviceFacts::default(), 120, [8; 16]);
    let mut session = Session::new(Plan {
        seen: true,
        ..collect
    });
    let mut call = 0;
    session.input(Event::Tick, now());
    assert_eq!(effects(&mut session, &mut call), ["connect"]);
    let gone = RadioEvent::Disconnected(cuff());
    session.input(Event::Radio(gone), now());
    assert_eq!(effects(&mut session, &mut call), ["disconnect"]);
    let result = Ok(Answer::Done);
    session.input(Event::Answer { call, result }, now());
    assert!(effects(&mut session, &mut call).is_empty());
    let value = RadioEvent::Value {
        device: cuff(),
        attribute: Attribute {
            service: Uuid::BLOOD_PRESSURE,
            characteristic: Uuid::MEASUREMENT,
        },
        bytes: reading::from_hex(FIRST).unwrap(),
    };
    session.input(Event::Radio(value), now());
    assert_eq!(effects(&mut session, &mut call), ["record"]);
    let mut rest = Vec::new();
    while let Some(until) = session.deadline() {
        session.input(Event::Tick, until);
        rest.extend(effects(&mut session, &mut call));
    }
    assert_eq!(rest, ["mark", "facts", "closed_early"]);
}

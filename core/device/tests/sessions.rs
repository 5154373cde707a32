//! Sessions of a scripted radio in simulated time: each ends in its reason, and no record is lost or doubled.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceFacts, Moment, TimeBasis};
use std::sync::Arc;
use std::time::Duration;
use teleward_device::{
    CapturedRecord, DeviceHandle, Identity, Notice, Plan, Radio as _, RadioFault, RadioState,
    ReasonCode, Script, ScriptedRadio, SessionEvent, SessionFacts, SessionReport, find_devices,
    identity_at_pairing, run_session, to_reading,
};
use tokio::time::Instant;

/// 2024-06-15T17:17:27Z; the phone is at +02:00.
fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}
const FIRST: &str = "167c0056006100e807060f13111b33000000";
const AT_19_11: &str = "167c0056006100e807060f130b0033000000";
const SECOND: &str = "167d0056006100e807060f13121b33000000";
const TIMELESS: &str = "007c0056006100";

struct Outcome {
    report: SessionReport,
    records: Vec<CapturedRecord>,
    facts: Option<SessionFacts>,
}

fn radio(device: &str) -> ScriptedRadio {
    let script = format!(
        r#"{{"utc_offset_min":120,"devices":[{{"device":"cuff","address":"c4c4c4c4c4c4","name":"Cuff",
        "values":{{"180a/2a29":"41636d6500","180a/2a24":"4250","180a/2a25":"313233","180f/2a19":"50","1810/2a49":"2500"}},
        {device}}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

fn cuff() -> DeviceHandle {
    DeviceHandle("cuff".to_owned())
}

fn pairing() -> Plan {
    Plan::pair(cuff(), 120, [7; 16])
}

fn collecting(bonded: bool) -> Plan {
    Plan::collect(cuff(), bonded, DeviceFacts::default(), 120, [8; 16])
}

async fn run(radio: &ScriptedRadio, plan: Plan) -> Outcome {
    run_until(radio, plan, std::future::pending()).await
}

async fn run_until(
    radio: &ScriptedRadio,
    plan: Plan,
    cancel: impl Future<Output = ()> + Send,
) -> Outcome {
    let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
    let report = run_session(Arc::new(radio.clone()), plan, now(), to, cancel).await;
    let (mut records, mut facts, mut ends) = (Vec::new(), None, 0);
    while let Ok(event) = from.try_recv() {
        assert_eq!(ends, 0, "nothing comes after the end");
        match event {
            SessionEvent::Record(record) => records.push(record),
            SessionEvent::Facts(new) => facts = Some(*new),
            SessionEvent::Mark(_) => {}
            SessionEvent::Trace(_) => panic!("nobody wanted a trace"),
            SessionEvent::Ended(ended) => {
                assert_eq!(ended, report);
                ends += 1;
            }
        }
    }
    assert_eq!(ends, 1, "exactly one end");
    assert_eq!(usize::try_from(report.records), Ok(records.len()));
    assert_eq!(
        radio.is_connected(&cuff()).await,
        Ok(false),
        "no link is left behind"
    );
    Outcome {
        report,
        records,
        facts,
    }
}

fn raw(outcome: &Outcome) -> Vec<String> {
    let records = outcome.records.iter();
    records
        .map(|record| reading::to_hex(&record.packets.concat()))
        .collect()
}

/// REQ-DEVICE-003: a cuff is paired when it asks, its identity and clock are read, its reading is taken.
#[tokio::test(start_paused = true)]
async fn pairing_reads_identity_and_clock_and_takes_what_comes() {
    let radio = radio(&format!(
        r#""needs_pairing":true,"clock_behind_s":360,"frames":[{{"bytes":"{AT_19_11}"}}]"#
    ));
    let outcome = run(&radio, pairing()).await;
    assert_eq!(outcome.report.reason, ReasonCode::Done);
    assert!(outcome.report.bonded);
    assert_eq!(raw(&outcome), [AT_19_11]);
    let facts = outcome.facts.unwrap();
    assert_eq!(facts.device.maker.as_deref(), Some("Acme"));
    assert_eq!(
        (facts.battery_percent, facts.feature),
        (Some(80), Some(0x25))
    );
    let clock = facts.clock.clone().unwrap();
    assert!(
        clock.set_at.is_some(),
        "a clock that is wrong is set, after it was read"
    );
    let offset = clock.offset_ms(120).unwrap();
    assert!((359_000..=361_000).contains(&offset), "{offset}");
    // Made into a reading, its time is six minutes later than the cuff said.
    let identity = Identity {
        device: identity_at_pairing(&facts.device).unwrap(),
        provisional: false,
    };
    assert_eq!(format!("{:?}", identity.device), "DeviceIdentity(dis)");
    let reading = to_reading(&outcome.records[0], &facts, &identity, [1; 16]).unwrap();
    assert_eq!(reading.timing.basis, TimeBasis::DeviceClock);
    let from_device = Moment::from_ms(1_718_471_460_000);
    assert!((359_000..=361_000).contains(&reading.timing.effective.ms_since(from_device)));
    assert_eq!(reading.computed_id(), Ok(reading.id));
}

/// REQ-DEVICE-004: a frame that is indicated twice is one record if it has a usable time; otherwise both are kept.
#[tokio::test(start_paused = true)]
async fn a_frame_indicated_twice_is_one_record_only_with_a_time() {
    let radio_with_time = radio(&format!(
        r#""frames":[{{"bytes":"{FIRST}","times":3}},{{"bytes":"{SECOND}"}}]"#
    ));
    let outcome = run(&radio_with_time, collecting(false)).await;
    assert_eq!(raw(&outcome), [FIRST, SECOND]);
    assert_eq!(outcome.report.repeated, 2);
    let without = radio(&format!(r#""frames":[{{"bytes":"{TIMELESS}","times":2}}]"#));
    let outcome = run(&without, collecting(false)).await;
    assert_eq!(raw(&outcome), [TIMELESS, TIMELESS]);
    assert_eq!(
        outcome
            .records
            .iter()
            .map(|r| r.ordinal)
            .collect::<Vec<_>>(),
        [0, 1]
    );
}

/// REQ-DEVICE-005: each ending has its own reason.
#[tokio::test(start_paused = true)]
async fn each_ending_has_its_own_reason() {
    for (script, plan, reason) in [
        (r#""services":["1816"]"#, pairing(), ReasonCode::NotFound),
        (
            r#""visible_from_ms":90000"#,
            collecting(true),
            ReasonCode::NotFound,
        ),
        (r#""measurements":[]"#, pairing(), ReasonCode::NotSupported),
        (r#""more":["1810/2a35"]"#, pairing(), ReasonCode::Ambiguous),
        ("\"frames\":[]", collecting(true), ReasonCode::NothingNew),
        ("\"frames\":[]", pairing(), ReasonCode::Done),
        (
            r#""needs_pairing":true"#,
            collecting(true),
            ReasonCode::BondLost,
        ),
        (
            r#""faults":[{"call":"subscribe","fault":"key_missing"}]"#,
            collecting(true),
            ReasonCode::BondLost,
        ),
        (
            r#""needs_pairing":true,"faults":[{"call":"pair","fault":"pairing_refused"}]"#,
            pairing(),
            ReasonCode::PairingRefused,
        ),
        (
            r#""needs_pairing":true,"faults":[{"call":"pair","fault":"passkey_wrong"}]"#,
            pairing(),
            ReasonCode::PasskeyWrong,
        ),
        (
            r#""needs_pairing":true,"faults":[{"call":"pair"}]"#,
            pairing(),
            ReasonCode::PairingTimeout,
        ),
        (
            r#""faults":[{"call":"connect","fault":"other","times":2}]"#,
            collecting(true),
            ReasonCode::ConnectFailed,
        ),
        (
            r#""faults":[{"call":"connect","times":2}]"#,
            collecting(true),
            ReasonCode::ConnectFailed,
        ),
        (
            r#""faults":[{"call":"discover"}]"#,
            collecting(true),
            ReasonCode::NotAnswering,
        ),
        (
            r#""faults":[{"call":"subscribe"}]"#,
            collecting(true),
            ReasonCode::NotAnswering,
        ),
        (
            r#""faults":[{"call":"subscribe","fault":"not_supported"}]"#,
            pairing(),
            ReasonCode::NotSupported,
        ),
        (
            r#""faults":[{"drop_after_ms":3000}]"#,
            collecting(true),
            ReasonCode::LinkLost,
        ),
        (
            r#""faults":[{"drop_after_ms":2,"times":2}]"#,
            pairing(),
            ReasonCode::PairingRefused,
        ),
        (
            r#""faults":[{"drop_after_ms":2,"times":2}]"#,
            collecting(true),
            ReasonCode::BondLost,
        ),
        (
            r#""faults":[{"drop_after_ms":2,"times":2}]"#,
            collecting(false),
            ReasonCode::LinkLost,
        ),
        (
            r#""faults":[{"radio_off_after_ms":1000,"back_after_ms":500}]"#,
            collecting(true),
            ReasonCode::RadioGone,
        ),
        (
            r#""faults":[{"call":"scan","fault":"off"}]"#,
            collecting(true),
            ReasonCode::BluetoothOff,
        ),
        (
            r#""faults":[{"call":"scan","fault":"denied"}]"#,
            collecting(true),
            ReasonCode::NotAllowed,
        ),
        (
            r#""faults":[{"call":"scan","fault":"other"}]"#,
            collecting(true),
            ReasonCode::RadioFailed,
        ),
    ] {
        let outcome = run(&radio(script), plan).await;
        assert_eq!(outcome.report.reason, reason, "{script}");
    }
}

/// REQ-DEVICE-006: a link that breaks loses no record; what is left comes with the next connection.
#[tokio::test(start_paused = true)]
async fn a_broken_link_loses_nothing() {
    let radio = radio(&format!(
        r#""frames":[{{"bytes":"{FIRST}"}},{{"after_ms":5000,"bytes":"{SECOND}"}}],
           "faults":[{{"drop_after_ms":25}},{{"call":"read"}}]"#
    ));
    let first = run(&radio, collecting(true)).await;
    assert_eq!(first.report.reason, ReasonCode::ClosedEarly);
    assert_eq!(raw(&first), [FIRST]);
    assert!(
        first.facts.unwrap().complete,
        "a reading can be made of what is known"
    );
    let mut patient = collecting(true);
    patient.pace.quiet_ms = 10_000;
    let second = run(&radio, patient).await;
    assert_eq!(
        (second.report.reason, raw(&second)),
        (ReasonCode::Done, vec![SECOND.to_owned()])
    );
}

/// REQ-DEVICE-007: a cuff that is visible for three seconds only is caught.
#[tokio::test(start_paused = true)]
async fn three_seconds_are_enough() {
    let radio = radio(&format!(
        r#""visible_from_ms":20000,"visible_for_ms":3000,"frames":[{{"after_ms":500,"bytes":"{FIRST}"}}],
           "faults":[{{"call":"connect","fault":"not_connected"}}]"#
    ));
    let outcome = run(&radio, collecting(true)).await;
    assert_eq!(
        (outcome.report.reason, raw(&outcome)),
        (ReasonCode::Done, vec![FIRST.to_owned()])
    );
}

/// REQ-DEVICE-008: readings are accepted while set-up is still running, and a mute value does not hold them up.
#[tokio::test(start_paused = true)]
async fn readings_are_taken_while_set_up_still_runs() {
    let radio = radio(&format!(
        r#""faults":[{{"call":"read"}}],"frames":[{{"after_ms":1000,"bytes":"{FIRST}"}}]"#
    ));
    let outcome = run(&radio, pairing()).await;
    assert_eq!(
        (outcome.report.reason, raw(&outcome)),
        (ReasonCode::Done, vec![FIRST.to_owned()])
    );
}

/// REQ-DEVICE-009: a session can be cancelled at any instant and ends in order, with what it has.
#[tokio::test(start_paused = true)]
async fn a_session_is_safe_to_cancel_at_any_instant() {
    for at in (0..400).step_by(3) {
        let radio = radio(&format!(
            r#""needs_pairing":true,"clock_behind_s":3600,"frames":[{{"bytes":"{FIRST}"}}]"#
        ));
        let stop = tokio::time::sleep(Duration::from_millis(at));
        let outcome = run_until(&radio, pairing(), stop).await;
        let sent = 1 - radio.frames_left(&cuff());
        assert_eq!(outcome.records.len(), sent, "cancelled at {at} ms");
        assert!(
            matches!(
                outcome.report.reason,
                ReasonCode::Cancelled | ReasonCode::Done
            ),
            "{at}: {}",
            outcome.report.reason
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_comes_back_serves_the_next_session() {
    let radio = radio(&format!(
        r#""frames":[{{"after_ms":4000,"bytes":"{FIRST}"}}],"faults":[{{"radio_off_after_ms":1000,"back_after_ms":500}}]"#
    ));
    assert_eq!(
        run(&radio, collecting(true)).await.report.reason,
        ReasonCode::RadioGone
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(raw(&run(&radio, collecting(true)).await), [FIRST]);
}

/// REQ-DEVICE-021: a bonded device whose link comes up and breaks at once, twice in a row, has lost its bond; one that
/// never comes up has not.
#[tokio::test(start_paused = true)]
async fn links_that_break_within_the_call_to_connect_show_a_lost_bond() {
    let broke = r#"{"call":"connect","fault":"broke_off"}"#;
    let failed = r#"{"call":"connect","fault":"not_connected"}"#;
    for (faults, plan, reason) in [
        ([broke, broke], collecting(true), ReasonCode::BondLost),
        ([broke, broke], pairing(), ReasonCode::PairingRefused),
        ([broke, broke], collecting(false), ReasonCode::ConnectFailed),
        ([broke, failed], collecting(true), ReasonCode::ConnectFailed),
        (
            [failed, failed],
            collecting(true),
            ReasonCode::ConnectFailed,
        ),
        (
            [broke, r#"{"drop_after_ms":2}"#],
            collecting(true),
            ReasonCode::BondLost,
        ),
    ] {
        let radio = radio(&format!(r#""faults":[{}]"#, faults.join(",")));
        let outcome = run(&radio, plan).await;
        assert_eq!(outcome.report.reason, reason, "{faults:?}");
    }
    // Once is bad reception.
    let radio = radio(&format!(
        r#""frames":[{{"bytes":"{FIRST}"}}],"faults":[{broke}]"#
    ));
    let outcome = run(&radio, collecting(true)).await;
    assert_eq!(
        (outcome.report.reason, raw(&outcome)),
        (ReasonCode::Done, vec![FIRST.to_owned()])
    );
}

/// REQ-DEVICE-022: an adapter that is unplugged is off for a moment before it is gone: the reason says that it is gone.
#[tokio::test(start_paused = true)]
async fn an_adapter_that_goes_by_way_of_off_is_gone() {
    for (then, reason) in [
        (Some(RadioState::Missing), ReasonCode::RadioGone),
        (None, ReasonCode::BluetoothOff),
    ] {
        // While it looks, and within a link.
        for (near, at) in [
            (r#""visible_from_ms":60000"#, 500),
            ("\"frames\":[]", 1_000),
        ] {
            let radio = radio(near);
            let steering = radio.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(at)).await;
                steering.set_state(RadioState::Off);
                tokio::time::sleep(Duration::from_millis(600)).await;
                then.into_iter().for_each(|state| steering.set_state(state));
            });
            let outcome = run(&radio, collecting(true)).await;
            assert_eq!(outcome.report.reason, reason, "{near}");
        }
    }
}

/// REQ-DEVICE-217: a radio that does not say whether it can be used ends a session, and a look, in time; until then the
/// session can be cancelled.
#[tokio::test(start_paused = true)]
async fn a_radio_that_does_not_say_its_state_is_not_waited_for() {
    let silent = || radio(r#""faults":[{"call":"state"}]"#);
    let began = Instant::now();
    let outcome = run(&silent(), collecting(true)).await;
    assert_eq!(outcome.report.reason, ReasonCode::RadioFailed);
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    let stop = tokio::time::sleep(Duration::from_secs(1));
    let outcome = run_until(&silent(), collecting(true), stop).await;
    assert_eq!(outcome.report.reason, ReasonCode::Cancelled);
    assert_eq!(began.elapsed(), Duration::from_secs(11));
    let found = find_devices(&silent(), Duration::from_secs(1), |_| {}).await;
    assert_eq!(found, Err(RadioFault::Timeout));
}

/// REQ-DEVICE-010: a malformed frame is kept as it is and told; it never becomes a reading.
#[tokio::test(start_paused = true)]
async fn a_malformed_frame_is_kept_and_is_no_reading() {
    let radio = radio(
        r#""frames":[{"bytes":"167c00"},{"bytes":"567c0056006100e807060f1311003300000000"}]"#,
    );
    let outcome = run(&radio, collecting(true)).await;
    assert_eq!(outcome.records.len(), 2);
    let codes: Vec<_> = outcome
        .records
        .iter()
        .map(|r| r.fault().map(|f| f.code()))
        .collect();
    assert_eq!(codes, [Some("short_frame"), Some("reserved_flags")]);
}

#[test]
fn a_script_that_is_not_well_formed_is_refused() {
    for bad in [
        "",
        "{}",
        r#"{"devices":[{"device":"a","speed":9}]}"#,
        r#"{"devices":[{"device":"a","faults":[{"call":"read","fault":"tired"}]}]}"#,
    ] {
        assert!(Script::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_script_of_the_documentation_plays() {
    let page = include_str!("../../../docs/radio-scripts.md");
    let script = page.split("```").nth(1).unwrap().trim_start_matches("json");
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), now()).unwrap();
    let device = DeviceHandle("cuff-1".to_owned());
    let (to, _events) = tokio::sync::mpsc::unbounded_channel();
    let plan = Plan::pair(device, 60, [7; 16]);
    let report = run_session(Arc::new(radio), plan, now(), to, std::future::pending()).await;
    // The script's link breaks before a quiet time has passed after the record.
    assert_eq!(
        (report.reason, report.records, report.repeated),
        (ReasonCode::ClosedEarly, 1, 1)
    );
}

/// REQ-DEVICE-046: a low battery, a clock that was set and one that could not be set are told beside the ending.
#[tokio::test(start_paused = true)]
async fn what_is_no_reason_to_end_is_noticed() {
    for (script, notices) in [
        (r#""clock_behind_s":5"#, vec![]),
        (r#""clock_behind_s":7200"#, vec![Notice::ClockSet]),
        (
            r#""clock_behind_s":7200,"faults":[{"call":"write","fault":"other"}]"#,
            vec![Notice::ClockRefused],
        ),
    ] {
        let script = format!(r#""frames":[{{"bytes":"{FIRST}"}}],{script}"#);
        let outcome = run(&radio(&script), pairing()).await;
        assert_eq!(outcome.report.reason, ReasonCode::Done, "{script}");
        assert_eq!(outcome.report.notices, notices, "{script}");
    }
    for (percent, notices) in [("10", vec![]), ("0f", vec![Notice::BatteryLow])] {
        let script = format!(
            r#"{{"devices":[{{"device":"cuff","values":{{"180f/2a19":"{percent}"}},"frames":[{{"bytes":"{FIRST}"}}]}}]}}"#
        );
        let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap();
        assert_eq!(run(&radio, pairing()).await.report.notices, notices);
    }
}

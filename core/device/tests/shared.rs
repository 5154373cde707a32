//! Several who use one scripted radio at once, in simulated time: its one scan serves all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceFacts, Moment};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use teleward_device::{
    DeviceHandle, Plan, Radio, RadioEvent, RadioFault, RadioState, ReasonCode, Script,
    ScriptedRadio, SharedRadio, Uuid, find_devices, run_session,
};
use tokio::time::{Instant, sleep, timeout};

fn now() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

const CUFF: Uuid = Uuid::BLOOD_PRESSURE;
const SCALE: Uuid = Uuid::short(0x181d);

/// Two cuffs with a record each, and a scale; `faults` are the first cuff's.
fn radio(faults: &str) -> ScriptedRadio {
    let script = format!(
        r#"{{"devices":[
        {{"device":"cuff-1","frames":[{{"bytes":"167c0056006100e807060f13111b33000000"}}],"faults":[{faults}]}},
        {{"device":"cuff-2","frames":[{{"bytes":"167d0056006100e807060f13121b33000000"}}]}},
        {{"device":"scale","services":["181d"],"measurements":["181d/2a9d"]}}]}}"#
    );
    ScriptedRadio::new(Script::parse(&script).unwrap(), now()).unwrap()
}

fn handle(name: &str) -> DeviceHandle {
    DeviceHandle(name.to_owned())
}

/// What is seen from now on for a while.
async fn seen(radio: &dyn Radio, for_ms: u64) -> BTreeSet<String> {
    let mut events = radio.events();
    let mut seen = BTreeSet::new();
    let end = Instant::now() + Duration::from_millis(for_ms);
    while let Ok(Some(event)) = timeout(end - Instant::now(), events.next()).await {
        if let RadioEvent::Seen(one) = event {
            seen.insert(one.device.0);
        }
    }
    seen
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// REQ-DEVICE-170, HAZ-DEVICE-170: two devices that show at once are both collected, by sessions that share one scan.
#[tokio::test(start_paused = true)]
async fn two_devices_that_show_at_once_are_both_collected() {
    let shared = SharedRadio::new(Arc::new(radio("")));
    let session = |name: &str| {
        let plan = Plan::collect(handle(name), false, DeviceFacts::default(), 120, [8; 16]);
        let (to, from) = tokio::sync::mpsc::unbounded_channel();
        let run = run_session(
            Arc::new(shared.view()),
            plan,
            now(),
            to,
            std::future::pending(),
        );
        async move { (run.await, from) }
    };
    let ((first, _), (second, _)) = tokio::join!(session("cuff-1"), session("cuff-2"));
    assert_eq!(
        [first.reason, second.reason],
        [ReasonCode::Done, ReasonCode::Done]
    );
    assert_eq!([first.records, second.records], [1, 1]);
}

/// REQ-DEVICE-170: what each looks for is seen, also when one starts later, looks for something else, and stops first.
#[tokio::test(start_paused = true)]
async fn one_scan_serves_all_who_look() {
    let radio = radio("");
    let shared = SharedRadio::new(Arc::new(radio.clone()));
    let (cuffs, scales) = (shared.view(), shared.view());
    cuffs.start_scan(&[CUFF]).await.unwrap();
    assert_eq!(seen(&radio, 1_000).await, names(&["cuff-1", "cuff-2"]));
    scales.start_scan(&[SCALE]).await.unwrap();
    let all = names(&["cuff-1", "cuff-2", "scale"]);
    assert_eq!(seen(&radio, 1_000).await, all);
    cuffs.stop_scan().await.unwrap();
    assert!(seen(&radio, 1_000).await.contains("scale"));
    let found = find_devices(&shared.view(), Duration::from_secs(1), |_| {}).await;
    assert_eq!(found.unwrap().len(), 3);
    assert!(seen(&radio, 1_000).await.contains("scale"));
    scales.stop_scan().await.unwrap();
    assert_eq!(seen(&radio, 1_000).await, names(&[]));
}

/// REQ-DEVICE-171: a call that is dropped before its answer leaves no scan behind, nor does one who is gone.
#[tokio::test(start_paused = true)]
async fn who_is_gone_looks_for_nothing() {
    let radio = radio("");
    let shared = SharedRadio::new(Arc::new(radio.clone()));
    let (first, second) = (shared.view(), shared.view());
    // The scripted radio takes 5 ms to answer.
    let dropped = timeout(Duration::from_millis(1), first.start_scan(&[CUFF])).await;
    assert!(dropped.is_err(), "dropped before its answer");
    second.start_scan(&[CUFF]).await.unwrap();
    drop(second);
    assert!(seen(&radio, 1_000).await.contains("cuff-1"));
    drop((first, shared));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(seen(&radio, 1_000).await, names(&[]));
}

/// REQ-DEVICE-172: a radio that is busy, or fails, for a moment is asked again; one that goes on doing so is told.
#[tokio::test(start_paused = true)]
async fn a_radio_that_fails_for_a_moment_is_asked_again() {
    let fails = |fault: &str, times: u32| {
        let radio = radio(&format!(
            r#"{{"call":"scan","fault":"{fault}","times":{times}}}"#
        ));
        let shared = SharedRadio::new(Arc::new(radio.clone()));
        async move {
            let view = shared.view();
            let started = view.start_scan(&[CUFF]).await;
            (started, seen(&radio, 10_000).await.contains("cuff-1"))
        }
    };
    assert_eq!(fails("busy", 3).await, (Ok(()), true));
    assert_eq!(fails("other", 3).await, (Ok(()), true));
    assert_eq!(fails("other", 4).await, (Err(RadioFault::Other), true));
    assert_eq!(fails("denied", 1).await, (Err(RadioFault::Denied), true));
    assert_eq!(fails("denied", 9).await, (Err(RadioFault::Denied), false));
}

/// REQ-DEVICE-173: while one connects the others' scan rests; a device that does not answer holds them up for five seconds.
#[tokio::test(start_paused = true)]
async fn a_scan_rests_while_one_connects_but_not_for_long() {
    let radio = radio(r#"{"call":"connect"}"#);
    let shared = SharedRadio::new(Arc::new(radio.clone()));
    let (looks, connects) = (shared.view(), shared.view());
    looks.start_scan(&[CUFF]).await.unwrap();
    let never = tokio::spawn(async move { connects.connect(&handle("cuff-1")).await });
    sleep(Duration::from_millis(50)).await;
    assert_eq!(seen(&radio, 4_500).await, names(&[]));
    assert!(seen(&radio, 1_500).await.contains("cuff-2"));
    never.abort();
    assert!(seen(&radio, 500).await.contains("cuff-2"));
    looks.stop_scan().await.unwrap();
    assert_eq!(seen(&radio, 1_000).await, names(&[]));
}

/// REQ-DEVICE-174: when a radio that went away is back, it scans again for those who look.
#[tokio::test(start_paused = true)]
async fn a_radio_that_comes_back_goes_on_looking() {
    let radio = radio("");
    let shared = SharedRadio::new(Arc::new(radio.clone()));
    let view = shared.view();
    view.start_scan(&[CUFF]).await.unwrap();
    radio.set_state(RadioState::Missing);
    assert_eq!(seen(&radio, 1_000).await, names(&[]));
    radio.set_state(RadioState::On);
    assert!(seen(&radio, 1_000).await.contains("cuff-1"));
}

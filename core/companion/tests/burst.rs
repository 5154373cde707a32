//! Records that come in a burst: all of them become readings, and none waits for the session's end.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use device::{Pace, Radio, Script, ScriptedRadio};
use reading::Moment;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use teleward_companion::{
    Companion, Config, HistoryQuery, Ports, RequestState, Revision, Topic, View,
};
use vault::MemoryVault;
use wire::Time;

/// A glucose meter with so many records, a minute apart.
fn meter(records: u16) -> String {
    let record = |number: u16| {
        let [low, high] = number.to_le_bytes();
        let (hour, minute) = (number / 60, number % 60);
        format!(
            r#"{{"number": {number}, "packets": [["2a18", "02{low:02x}{high:02x}ea070b01{hour:02x}{minute:02x}0069b012"]]}}"#
        )
    };
    let records: Vec<String> = (0..records).map(record).collect();
    format!(
        r#"{{"utc_offset_min": 0, "devices": [{{"device": "meter", "name": "Meter", "address": "c4c4c4c4c4c4",
            "services": ["1808"], "measurements": ["1808/2a18"], "values": {{"180a/2a25": "303132"}}, "frames": [],
            "stored": {{"service": "1808", "records": [{}]}}}}]}}"#,
        records.join(",")
    )
}

/// A cuff that sends three readings without a time, the last two right behind the first.
const CUFF: &str = r#"{"utc_offset_min": 0, "devices": [{
    "device": "cuff", "name": "Cuff", "address": "c4c4c4c4c4c4", "services": ["1810"],
    "values": {"180a/2a25": "303132"}, "frames": [
        {"bytes": "007c0056006100", "after_ms": 100}, {"bytes": "007d0056006100", "after_ms": 10},
        {"bytes": "007e0056006100", "after_ms": 10}]}]}"#;

fn open(folder: &Path, script: &str, pace: Pace) -> Companion {
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), started).unwrap();
    let config = Config {
        zone: Some("UTC".to_owned()),
        device_pace: pace,
        ..Config::new(folder)
    };
    let ports = Ports {
        key_vault: Arc::new(MemoryVault::new()),
        radio: Some(Arc::new(radio) as Arc<dyn Radio>),
    };
    Companion::open(config, ports).unwrap()
}

async fn readings(companion: &Companion) -> usize {
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = companion
            .history(HistoryQuery::default(), cursor)
            .await
            .unwrap();
        count += page.readings.len();
        match page.next {
            Some(next) => cursor = Some(next),
            None => return count,
        }
    }
}

async fn is_running(companion: &Companion) -> bool {
    let View::Requests(requests) = companion.view(Topic::Requests).await.unwrap() else {
        unreachable!()
    };
    requests
        .iter()
        .any(|request| request.state == RequestState::Running)
}

/// REQ-DEVICE-153: of a burst of records each becomes a reading.
#[tokio::test]
async fn a_burst_becomes_readings() {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        quiet_ms: 100,
        cool_down_ms: 50,
        ..Pace::default()
    };
    let companion = open(folder.path(), &meter(150), pace);
    companion.pair(Duration::from_secs(5)).await.unwrap();
    let mut revision = Revision(0);
    while is_running(&companion).await {
        revision = companion.next_change(revision).await.unwrap().revision;
    }
    assert_eq!(readings(&companion).await, 150);
    companion.close().await;
}

/// REQ-DEVICE-153: what comes right behind a record is a reading within seconds, although the session goes on.
#[tokio::test]
async fn nothing_waits_for_the_end_of_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        quiet_ms: 600_000,
        ..Pace::default()
    };
    let companion = open(folder.path(), CUFF, pace);
    companion.pair(Duration::from_secs(5)).await.unwrap();
    let all = async {
        let mut revision = Revision(0);
        while readings(&companion).await < 3 {
            revision = companion.next_change(revision).await.unwrap().revision;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .unwrap();
    assert!(is_running(&companion).await, "the session has ended");
    companion.close().await;
}

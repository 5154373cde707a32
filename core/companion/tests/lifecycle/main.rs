//! The whole companion with a scripted radio and no network: pairing, collecting, locking, pausing, closing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own functions"
)]

mod families;
mod pairing;
mod people;

use device::{DeviceHandle, Script, ScriptedRadio};
use reading::{Moment, PressureUnit};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use teleward_companion::{
    Answer, Changes, Companion, CompanionError, Config, DeviceView, FoundView, Frame, HistoryQuery,
    ManualReading, ManualValues, Network, Person, Ports, QuestionView, ReadingView, RequestId,
    RequestState, Revision, Stage, Status, Topic, UserChoice, View, Whose,
};
use vault::MemoryVault;
use wire::Time;

const GOOD: &str = "1480005200610042000000";

fn cuff(frames: &str) -> String {
    format!(
        r#"{{"utc_offset_min": 0, "devices": [{{
            "device": "cuff-1", "name": "Virtual Cuff", "address": "c4c4c4c4c4c4", "services": ["1810"],
            "values": {{"180a/2a29": "4163746d65", "180a/2a24": "4250", "180a/2a25": "303132333435"}},
            "frames": [{frames}]}}]}}"#
    )
}

fn radio(frames: &str) -> ScriptedRadio {
    scripted(&cuff(frames))
}

/// What this script plays, from now on.
fn scripted(script: &str) -> ScriptedRadio {
    let started = Moment::from_ms(Time::system().ms());
    ScriptedRadio::new(Script::parse(script).unwrap(), started).unwrap()
}

fn config(dir: &Path) -> Config {
    let quick = device::Pace {
        quiet_ms: 100,
        first_record_ms: 3_000,
        cool_down_ms: 50,
        ..device::Pace::default()
    };
    Config {
        zone: Some("UTC".to_owned()),
        device_pace: quick,
        ..Config::new(dir)
    }
}

fn open(
    dir: &Path,
    vault: &Arc<MemoryVault>,
    radio: Option<ScriptedRadio>,
) -> Result<Companion, CompanionError> {
    let radio = radio.map(|radio| Arc::new(radio) as Arc<dyn device::Radio>);
    Companion::open(
        config(dir),
        Ports {
            key_vault: vault.clone(),
            radio,
        },
    )
}

async fn readings(companion: &Companion) -> Vec<ReadingView> {
    companion
        .history(HistoryQuery::default(), None)
        .await
        .unwrap()
        .readings
}

async fn status(companion: &Companion) -> Status {
    let View::Status(status) = companion.view(Topic::Status).await.unwrap() else {
        unreachable!()
    };
    status
}

async fn devices(companion: &Companion) -> Vec<DeviceView> {
    let View::Devices(devices) = companion.view(Topic::Devices).await.unwrap() else {
        unreachable!()
    };
    devices
}

/// Waits by changes, never by the clock alone.
async fn until<T>(companion: &Companion, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut seen = Revision(0);
    let wait = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            let Changes { revision, .. } = companion.next_change(seen).await.unwrap();
            seen = revision;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .expect("it never came")
}

async fn outcome(companion: &Companion, id: RequestId) -> RequestState {
    until(companion, async || {
        let View::Requests(all) = companion.view(Topic::Requests).await.unwrap() else {
            unreachable!()
        };
        let state = all
            .into_iter()
            .find(|request| request.id == id)
            .unwrap()
            .state;
        (state != RequestState::Running).then_some(state)
    })
    .await
}

async fn paired(companion: &Companion) -> String {
    let request = companion.pair(Duration::from_secs(10)).await.unwrap();
    match outcome(companion, request).await {
        RequestState::Done { result } => result.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// REQ-COMPANION-016: a cuff is paired, its readings come by themselves, the failed one as what it is; two consumers see it.
#[tokio::test]
async fn a_paired_cuff_sends_its_readings_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let radio = radio(&format!(r#"{{"after_ms": 10, "bytes": "{GOOD}"}}"#));
    let companion = open(dir.path(), &Arc::default(), Some(radio.clone())).unwrap();
    let id = paired(&companion).await;
    let first = until(&companion, async || readings(&companion).await.pop()).await;
    assert_eq!(
        (first.kind.as_str(), first.typed, first.stage),
        ("blood_pressure", false, Stage::Waiting)
    );
    let values: Vec<_> = first
        .values
        .iter()
        .map(|v| (v.name.as_str(), v.value.as_deref()))
        .collect();
    assert_eq!(
        values[..2],
        [("systolic", Some("128")), ("diastolic", Some("82"))]
    );

    let device = devices(&companion).await.pop().unwrap();
    assert_eq!(
        (device.id.as_str(), device.name.as_str()),
        (id.as_str(), "Virtual Cuff")
    );
    assert_eq!(
        (device.maker.as_deref(), device.serial_tail.as_deref()),
        (Some("Actme"), Some("2345"))
    );

    let other_consumer = async {
        until(&companion, async || {
            (readings(&companion).await.len() == 2).then_some(())
        })
        .await
    };
    let failed = vec![0x00, 0xff, 0x07, 0xff, 0x07, 0xff, 0x07];
    radio.push_frame(&DeviceHandle("cuff-1".to_owned()), failed);
    tokio::join!(other_consumer, async {
        until(&companion, async || {
            (readings(&companion).await.len() == 2).then_some(())
        })
        .await;
    });
    let failed = &readings(&companion).await[0];
    assert_eq!(
        (
            failed.values[0].value.as_deref(),
            failed.values[0].absent.as_deref()
        ),
        (None, Some("nan"))
    );
    assert!(failed.doubts.contains(&"measurement_failed".to_owned()));

    let request = companion.forget(&id).await.unwrap();
    assert_eq!(
        outcome(&companion, request).await,
        RequestState::Done { result: None }
    );
    assert_eq!(
        (
            devices(&companion).await.len(),
            readings(&companion).await.len()
        ),
        (0, 2)
    );
    companion.close().await;
}

/// REQ-HUB-001: a paired device's battery, bond, last sync and clock, as it was before it was set, can be seen; all of
/// it is still there after a restart.
#[tokio::test]
async fn what_a_device_said_of_itself_can_be_seen() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::default();
    let script = r#"{"utc_offset_min": 0, "devices": [{
        "device": "cuff-1", "name": "Virtual Cuff", "address": "c4c4c4c4c4c4", "needs_pairing": true,
        "values": {"180a/2a25": "303132333435", "180f/2a19": "50"}, "clock_behind_s": 360,
        "frames": [{"after_ms": 10, "bytes": "1480005200610042000000"}]}]}"#;
    let radio = scripted(script);
    let before = Time::system();
    let companion = open(dir.path(), &vault, Some(radio)).unwrap();
    let id = paired(&companion).await;
    let known = async |companion: &Companion| devices(companion).await.pop().unwrap();
    let device = known(&companion).await;
    assert_eq!((device.id.as_str(), device.bonded), (id.as_str(), true));
    assert_eq!(device.battery_percent, Some(80));
    // Current Time counts whole seconds.
    let behind = device.clock_behind_ms.unwrap();
    assert!((359_000..=361_000).contains(&behind), "{behind} ms behind");
    assert!(device.clock_read_at.unwrap() >= before);
    assert!(device.synced_at.unwrap() >= before);
    companion.close().await;

    let companion = open(dir.path(), &vault, None).unwrap();
    let again = known(&companion).await;
    assert_eq!(
        (
            again.bonded,
            again.battery_percent,
            again.synced_at.is_some()
        ),
        (true, Some(80), true)
    );
    assert!(again.clock_behind_ms.is_some() && again.clock_read_at.is_some());
    companion.close().await;
}

/// REQ-COMPANION-017: a cuff's reading taken while the keys are locked is in the spool and, after the unlock, in the
/// journal once, under the device's own identity.
#[tokio::test]
async fn a_locked_hub_goes_on_collecting() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::new());
    let first = open(dir.path(), &vault, Some(radio(""))).unwrap();
    paired(&first).await;
    first.close().await;
    vault.lock();
    let radio = radio(&format!(r#"{{"after_ms": 10, "bytes": "{GOOD}"}}"#));
    let companion = open(dir.path(), &vault, Some(radio)).unwrap();
    until(&companion, async || {
        (status(&companion).await.spooled > 0).then_some(())
    })
    .await;
    assert_eq!(
        companion.history(HistoryQuery::default(), None).await,
        Err(CompanionError::Locked)
    );
    assert_eq!(
        companion.pair(Duration::from_secs(1)).await,
        Err(CompanionError::Locked)
    );
    vault.unlock();
    companion.resume().await.unwrap();
    until(&companion, async || {
        (readings(&companion).await.len() == 1).then_some(())
    })
    .await;
    let reading = readings(&companion).await.remove(0);
    assert!(!reading.doubts.contains(&"identity_provisional".to_owned()));
    assert_eq!(status(&companion).await.spooled, 0);
    companion.close().await;
}

/// REQ-COMPANION-018: one process per folder; closed, it opens again with everything; paused, calls say so.
#[tokio::test]
async fn a_folder_is_opened_by_one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::new());
    let companion = open(dir.path(), &vault, None).unwrap();
    assert_eq!(
        open(dir.path(), &vault, None).unwrap_err(),
        CompanionError::InUse
    );
    let manual = ManualReading {
        draft_id: "cd".repeat(16),
        measured_at: Time::system(),
        values: ManualValues::BloodPressure {
            systolic: "128".into(),
            diastolic: "82".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
    };
    let id = companion.record_manual(manual.clone()).await.unwrap();
    companion.pause(Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        companion.record_manual(manual).await,
        Err(CompanionError::Paused)
    );
    assert_eq!(
        companion.drain(Duration::from_secs(1)).await.unwrap_err(),
        CompanionError::Paused
    );
    companion.resume().await.unwrap();
    let report = companion.drain(Duration::from_secs(1)).await.unwrap();
    assert_eq!((report.handed_over, report.still_waiting), (0, 1));
    companion.network_changed(Network::Available).await.unwrap();
    assert_eq!(
        companion.pair(Duration::from_secs(1)).await,
        Err(CompanionError::NoRadio)
    );
    let newest = companion.next_change(Revision(0)).await.unwrap().revision;
    let (waiting, ()) = tokio::join!(companion.next_change(newest), companion.close());
    assert_eq!(
        waiting,
        Err(CompanionError::Closed),
        "a wait ends when the companion is closed"
    );
    assert_eq!(
        companion.view(Topic::Status).await,
        Err(CompanionError::Closed)
    );
    let again = open(dir.path(), &vault, None).unwrap();
    assert_eq!(readings(&again).await[0].id, id);
}

/// REQ-COMPANION-019: a frame that a shell submits is decoded under the paired device's identity; a malformed one is refused.
#[tokio::test]
async fn a_shell_may_submit_frames_of_a_paired_device() {
    let dir = tempfile::tempdir().unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio(""))).unwrap();
    let device = paired(&companion).await;
    let frame = Frame {
        device,
        characteristic: 0x2a35,
        bytes: vec![0x00, 0x80, 0, 0x52, 0, 0x61, 0],
        received: Time::system(),
    };
    let first = companion.submit_frame(frame.clone()).await.unwrap();
    assert!(first.new);
    let second = companion.submit_frame(frame.clone()).await.unwrap();
    assert!(
        second.new,
        "without a clock and a number, nobody knows that it is the same"
    );
    let history = readings(&companion).await;
    assert_eq!(history[0].possibly_same_as.as_ref(), Some(&first.reading));
    let View::Queue(queue) = companion.view(Topic::Queue).await.unwrap() else {
        unreachable!()
    };
    assert_eq!(queue.waiting, 1, "look-alikes are counted once");
    let short = Frame {
        bytes: vec![0x00, 0x80],
        ..frame.clone()
    };
    assert!(matches!(
        companion.submit_frame(short).await,
        Err(CompanionError::BadInput { .. })
    ));
    let cuff_pressure = Frame {
        characteristic: 0x2a36,
        ..frame.clone()
    };
    assert!(matches!(
        companion.submit_frame(cuff_pressure).await,
        Err(CompanionError::BadInput { .. })
    ));
    let stranger = Frame {
        device: "00".into(),
        ..frame
    };
    assert!(matches!(
        companion.submit_frame(stranger).await,
        Err(CompanionError::Unknown { .. })
    ));
    companion.close().await;
}

/// REQ-COMPANION-024: sessions with devices are written down, without values and identities, and can be handed on.
#[tokio::test]
async fn a_session_is_written_down_and_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let frames = format!(r#"{{"bytes": "{GOOD}"}}"#);
    let companion = open(folder.path(), &vault, Some(radio(&frames))).unwrap();
    let device = paired(&companion).await;
    let kept = companion.traces().await.unwrap();
    let pairing = kept.last().expect("the pairing was written down");
    assert_eq!(pairing.device.as_deref(), Some(device.as_str()));
    let text = companion.trace(pairing.id).await.unwrap();
    let again = device::replay(&text).unwrap();
    assert!(again.redacted && again.differs.is_none(), "{again:?}");
    assert_eq!(again.report.unwrap().reason.code(), pairing.reason);
    for secret in [GOOD, "303132333435", "4163746d65", "c4c4c4c4c4c4", "cuff-1"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let unknown = companion.trace(pairing.id + 1_000).await.unwrap_err();
    assert!(
        matches!(unknown, CompanionError::Unknown { .. }),
        "{unknown}"
    );
    companion.close().await;
}

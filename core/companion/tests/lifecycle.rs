//! The whole companion with a scripted radio and no network: pairing, collecting, locking, pausing, closing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own functions"
)]

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
    let started = Moment::from_ms(Time::system().ms());
    ScriptedRadio::new(Script::parse(&cuff(frames)).unwrap(), started).unwrap()
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

/// REQ-COMPANION-060: a body composition scale, a glucose sensor and a health sensor are paired, and each one's readings come
/// by themselves as what they are; half of a record and what nobody knows are kept and make none.
#[tokio::test]
async fn a_body_scale_and_two_sensors_are_collected_from() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"{"devices": [
        {"device": "scale", "address": "c4c4c4c4c4c1", "services": ["181d", "181b"], "measurements": ["181b/2a9c"],
         "values": {"180a/2a24": "53", "180a/2a25": "3131"},
         "frames": [{"bytes": "7e10eb00e807060f13111b036419a701801b0032"}, {"bytes": "801feb00802ff0230314c841d606"},
                    {"bytes": "7e10ec00e807060f13121b036419a701801b0032"}]},
        {"device": "sensor", "address": "c4c4c4c4c4c2", "services": ["181f"], "measurements": ["181f/2aa7"],
         "values": {"180a/2a24": "54", "180a/2a25": "3132", "181f/2aa8": "00000059ffff",
                    "181f/2aaa": "e807060f0a000080ff", "181f/2aa9": "1400000000"},
         "stored": {"service": "181f", "records": [{"number": 5, "packets": [["2aa7", "060064000500"]]},
                    {"number": 10, "packets": [["2aa7", "060069000a00"]]}]}},
        {"device": "health", "address": "c4c4c4c4c4c3", "services": ["1840"], "measurements": ["1840/2b8b"],
         "values": {"180a/2a24": "43", "180a/2a25": "3133"},
         "frames": [{"bytes": "03011500030040e1020022843e002e00000100c3064a0300ff"},
                    {"bytes": "0701150003000140020022843e002e00000100c3064a0300ff"}]}]}"#;
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    for _ in 0..3 {
        paired(&companion).await;
    }
    let all = until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 4)
    })
    .await;
    let mut told: Vec<String> = all
        .iter()
        .map(|reading| {
            let value = &reading.values[0];
            let text = value.value.clone().unwrap_or_default();
            format!("{} {text} {}", reading.kind, value.unit)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "body_composition 23.5 %",
            "glucose_cgm 100 mg/dL",
            "glucose_cgm 105 mg/dL",
            "weight 84.2 kg"
        ]
    );
    companion.close().await;
}

/// REQ-COMPANION-080: a cuff's memory is collected by itself, record for record, once over many sessions; what the cuff
/// indicated and keeps too is one reading.
#[tokio::test]
async fn a_cuffs_memory_is_collected_once() {
    let dir = tempfile::tempdir().unwrap();
    let value = |systolic: &str, time: &str| format!("46{systolic}0052006100{time}4200");
    let (first, second, third) = (
        value("80", "80009832"),
        value("82", "bc009832"),
        value("84", "f8009832"),
    );
    let script = format!(
        r#"{{"devices": [{{"device": "cuff", "address": "c4c4c4c4c4c1", "services": ["1810"], "measurements": ["1810/2b34"],
         "values": {{"180a/2a24": "43", "180a/2a25": "3133", "1810/2a49": "0000"}},
         "frames": [{{"bytes": "{second}"}}, {{"bytes": "{third}"}}],
         "stored": {{"service": "1810", "records": [{{"number": 7, "packets": [["2b36", "030700342b{first}"]]}},
                    {{"number": 8, "packets": [["2b36", "030800342b{second}"]]}}]}}}}]}}"#
    );
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    paired(&companion).await;
    until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 3)
    })
    .await;
    // The pairing, and two sessions that collect.
    let sessions = tokio::time::timeout(Duration::from_secs(20), async {
        while companion.traces().await.unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    sessions.await.expect("the cuff is met again and again");
    let mut told: Vec<String> = readings(&companion)
        .await
        .iter()
        .map(|reading| {
            assert_eq!(reading.kind, "blood_pressure");
            reading.values[0].value.clone().unwrap_or_default()
        })
        .collect();
    told.sort();
    assert_eq!(told, ["128", "130", "132"]);
    companion.close().await;
}

/// REQ-COMPANION-040: a scale and a thermometer are paired beside the cuff, and each one's readings come by themselves as
/// what they are.
#[tokio::test]
async fn a_scale_and_a_thermometer_stand_beside_the_cuff() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"{"devices": [
        {"device": "scale", "address": "c4c4c4c4c4c1", "services": ["181d"], "measurements": ["181d/2a9d"],
         "values": {"180a/2a24": "53", "180a/2a25": "3131"},
         "frames": [{"bytes": "02c841ea070b1808000000"}, {"bytes": "02ffffea070b1808010000"}]},
        {"device": "thermometer", "address": "c4c4c4c4c4c2", "services": ["1809"], "measurements": ["1809/2a1c"],
         "values": {"180a/2a24": "54", "180a/2a25": "3132"}, "frames": [{"bytes": "04380e00fe06"}]},
        {"device": "cuff", "address": "c4c4c4c4c4c3",
         "values": {"180a/2a24": "43", "180a/2a25": "3133"}, "frames": [{"bytes": "1480005200610042000000"}]}]}"#;
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    for _ in 0..3 {
        paired(&companion).await;
    }
    let all = until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 4)
    })
    .await;
    let told = |kind: &str| {
        let of_kind = all.iter().filter(|reading| reading.kind == kind);
        let first = |reading: &ReadingView| {
            let value = &reading.values[0];
            let text = value.value.clone().or(value.absent.clone());
            format!("{} {}", text.unwrap(), value.unit)
        };
        let mut told: Vec<String> = of_kind.map(first).collect();
        told.sort();
        told
    };
    assert_eq!(told("weight"), ["84.200 kg", "nan kg"]);
    assert_eq!(told("temperature"), ["36.40 Cel"]);
    assert_eq!(told("blood_pressure"), ["128 mm[Hg]"]);
    let failed = all
        .iter()
        .find(|reading| reading.doubts.contains(&"measurement_failed".to_owned()));
    assert_eq!(failed.unwrap().kind, "weight");
    let warm = all.iter().find(|reading| reading.kind == "temperature");
    let site = &warm.unwrap().details[0];
    assert_eq!(
        (site.name.as_str(), site.word.as_deref()),
        ("site", Some("mouth"))
    );
    companion.close().await;
}

/// A record of 10:00 and so many minutes, by a user of the cuff.
fn of_user(user: u8, minute: u8) -> String {
    format!("1e800052006100ea070b1c0a{minute:02x}004200{user:02x}0000")
}

async fn questions(companion: &Companion) -> Vec<(RequestId, QuestionView)> {
    let View::Requests(all) = companion.view(Topic::Requests).await.unwrap() else {
        unreachable!()
    };
    all.into_iter()
        .filter_map(|request| match request.state {
            RequestState::Asked { question } => Some((request.id, question)),
            _ => None,
        })
        .collect()
}

/// REQ-COMPANION-057: two people on one cuff: each new user is asked about and none is assigned; answered, the patient's
/// readings go on by themselves, the other person's stay here, and a guest's are asked about each time.
#[tokio::test]
async fn two_people_use_one_cuff() {
    let dir = tempfile::tempdir().unwrap();
    let frames: Vec<String> = [(1, 0), (2, 1), (0xff, 2)]
        .map(|(user, minute)| {
            format!(
                r#"{{"after_ms": 10, "bytes": "{}"}}"#,
                of_user(user, minute)
            )
        })
        .into();
    let radio = radio(&frames.join(","));
    let companion = open(dir.path(), &Arc::default(), Some(radio.clone())).unwrap();
    let id = paired(&companion).await;
    let asked = until(&companion, async || {
        let asked = questions(&companion).await;
        (asked.len() == 3).then_some(asked)
    })
    .await;
    for reading in readings(&companion).await {
        assert_eq!(reading.whose, Whose::Asked);
        assert!(reading.doubts.contains(&"possibly_not_me".to_owned()));
    }
    for (question, view) in asked {
        assert_eq!(view.device.as_deref(), Some(id.as_str()));
        assert!(view.text.starts_with("Your Virtual Cuff "), "{}", view.text);
        let answer = match view.user {
            Some(1) => Answer::Me,
            Some(2) => Answer::SomebodyElse,
            other => {
                assert_eq!(other, None);
                continue;
            }
        };
        assert_eq!(companion.answer(question, answer).await, Ok(1));
    }
    let handle = DeviceHandle("cuff-1".to_owned());
    for (user, minute) in [(1, 3), (2, 4), (0xff, 5)] {
        let bytes = reading::from_hex(&of_user(user, minute)).unwrap();
        radio.push_frame(&handle, bytes);
    }
    let all = until(&companion, async || {
        let all = readings(&companion).await;
        (all.len() == 6).then_some(all)
    })
    .await;
    let how = |reading: &ReadingView| (reading.whose, reading.stage);
    let of = |wanted: Whose| all.iter().filter(move |reading| reading.whose == wanted);
    assert_eq!(of(Whose::Mine).count(), 2);
    assert_eq!(of(Whose::Asked).count(), 2);
    for theirs in of(Whose::SomebodyElses) {
        assert_eq!(how(theirs), (Whose::SomebodyElses, Stage::KeptHere));
    }
    let left = questions(&companion).await;
    assert_eq!((left.len(), left[0].1.readings.len()), (1, 2));

    let mine = of(Whose::Mine).next().unwrap().id.clone();
    companion.not_me(&mine).await.unwrap();
    let refused = companion.answer(RequestId(9_999), Answer::Me).await;
    assert!(matches!(refused, Err(CompanionError::Unknown { .. })));
    // Paired again, the device keeps what was said about its users.
    let request = companion.look(Duration::from_millis(300)).await.unwrap();
    outcome(&companion, request).await;
    let request = companion.pair_with(&id).await.unwrap();
    outcome(&companion, request).await;
    let users = devices(&companion).await.pop().unwrap().users;
    let users: Vec<_> = users.iter().map(|user| (user.slot, user.person)).collect();
    assert_eq!(users, [(1, Person::Me), (2, Person::SomebodyElse)]);
    companion.close().await;
}

/// REQ-COMPANION-058: a device that gives its readings to registered users only is told as such; when the patient wants to be
/// one, the next session registers them, their readings come and are theirs, and the code outlives the process and no view.
#[tokio::test]
async fn a_patient_becomes_a_user_of_a_device() {
    let dir = tempfile::tempdir().unwrap();
    let frame = format!(r#"{{"bytes": "{GOOD}"}}"#);
    let users = r#""users": {"codes": {"1": 1111}, "room": 4, "closed": true}, "frames""#;
    let script = cuff(&frame).replace(r#""frames""#, users);
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), started).unwrap();
    let vault = Arc::default();
    let companion = open(dir.path(), &vault, Some(radio.clone())).unwrap();
    let id = paired(&companion).await;
    let noticed = async |companion: &Companion| {
        let notices = devices(companion).await.pop().unwrap().notices;
        let codes = notices.into_iter().map(|notice| notice.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(noticed(&companion).await, ["user_unsaid"]);
    assert!(readings(&companion).await.is_empty());
    let wrong = UserChoice::Existing {
        slot: 1,
        code: 12_345,
    };
    assert!(matches!(
        companion.use_user(&id, wrong).await,
        Err(CompanionError::BadInput { .. })
    ));
    companion.use_user(&id, UserChoice::New).await.unwrap();
    let first = until(&companion, async || readings(&companion).await.pop()).await;
    assert_eq!(first.whose, Whose::Mine, "it was the patient's own session");
    let device = until(&companion, async || {
        let device = devices(&companion).await.pop().unwrap();
        (device.notices.is_empty() && device.synced_at.is_some()).then_some(device)
    })
    .await;
    let known: Vec<_> = device
        .users
        .iter()
        .map(|user| (user.slot, user.person))
        .collect();
    assert_eq!(known, [(2, Person::Me)]);
    companion.close().await;

    radio.push_frame(
        &DeviceHandle("cuff-1".to_owned()),
        reading::from_hex(&of_user(2, 7)).unwrap(),
    );
    let companion = open(dir.path(), &vault, Some(radio.clone())).unwrap();
    until(&companion, async || {
        (readings(&companion).await.len() == 2).then_some(())
    })
    .await;
    assert!(questions(&companion).await.is_empty());
    // Reset by somebody: the code is dropped, and nothing is guessed.
    radio.change_code(&DeviceHandle("cuff-1".to_owned()), 2, 1);
    until(&companion, async || {
        (noticed(&companion).await == ["user_code_rejected"]).then_some(())
    })
    .await;
    until(&companion, async || {
        (noticed(&companion).await == ["user_unsaid"]).then_some(())
    })
    .await;
    companion.close().await;
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
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(script).unwrap(), started).unwrap();
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

#[tokio::test]
async fn a_cuff_that_is_not_there_is_said_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let started = Moment::from_ms(Time::system().ms());
    let nobody = ScriptedRadio::new(Script::parse(r#"{"devices": []}"#).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(nobody)).unwrap();
    let request = companion.pair(Duration::from_millis(10)).await.unwrap();
    let RequestState::Failed { code, text } = outcome(&companion, request).await else {
        panic!("nobody was there")
    };
    assert_eq!(code, "not_found");
    assert!(text.contains("Hold it near"));
    companion.close().await;
}

/// REQ-COMPANION-020: a cuff that lost its bond is told as such, and is paired again as the same device.
#[tokio::test]
async fn a_cuff_that_lost_its_bond_is_paired_again_as_the_same_device() {
    let dir = tempfile::tempdir().unwrap();
    let started = Moment::from_ms(Time::system().ms());
    let script = cuff("").replace(r#""frames""#, r#""needs_pairing": true, "frames""#);
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio.clone())).unwrap();
    let handle = DeviceHandle("cuff-1".to_owned());
    let first = paired(&companion).await;
    radio.lose_bond(&handle);
    let ending = async || {
        devices(&companion)
            .await
            .pop()?
            .last_ending
            .filter(|ending| ending == "bond_lost")
    };
    until(&companion, ending).await;
    device::Radio::forget(&radio, &handle).await.unwrap();
    radio.push_frame(&handle, vec![0x00, 0x80, 0, 0x52, 0, 0x61, 0]);
    assert_eq!(paired(&companion).await, first);
    until(&companion, async || {
        (readings(&companion).await.len() == 1).then_some(())
    })
    .await;
    assert_eq!(devices(&companion).await.len(), 1);
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

async fn found(companion: &Companion) -> Vec<FoundView> {
    let View::Found(found) = companion.view(Topic::Found).await.unwrap() else {
        unreachable!()
    };
    found
}

/// REQ-COMPANION-025: a person looks around, chooses one of several devices, and exactly that one is paired.
#[tokio::test]
async fn a_person_chooses_among_the_devices_that_are_near() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let script = format!(
        r#"{{"devices": [
            {{"device": "cuff-1", "name": "Hers", "address": "c4c4c4c4c4c4", "frames": [{{"bytes": "{GOOD}"}}]}},
            {{"device": "cuff-2", "name": "His", "address": "d4d4d4d4d4d4", "frames": [{{"bytes": "{GOOD}"}}]}}]}}"#
    );
    let started = Moment::from_ms(Time::system().ms());
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), started).unwrap();
    let companion = open(folder.path(), &vault, Some(radio)).unwrap();
    let unknown = companion.pair_with("0011223344556677").await.unwrap_err();
    assert!(
        matches!(unknown, CompanionError::Unknown { .. }),
        "{unknown}"
    );

    let look = companion.look(Duration::from_secs(60)).await.unwrap();
    let second = companion.look(Duration::from_secs(1)).await.unwrap_err();
    assert!(
        matches!(second, CompanionError::BadInput { .. }),
        "{second}"
    );
    let both = until(&companion, async || {
        Some(found(&companion).await).filter(|found| found.len() == 2)
    })
    .await;
    assert!(
        both.iter()
            .all(|one| one.family == "blood pressure cuff" && !one.paired)
    );
    // Each says what to do, by its family or its model.
    let steps = |name: &str| {
        let one = both.iter().find(|one| one.name.as_deref() == Some(name));
        one.map(|one| one.how_to_pair.concat()).unwrap_or_default()
    };
    assert!(
        steps("Hers").contains("Bluetooth button"),
        "{}",
        steps("Hers")
    );
    let his = both.iter().find(|one| one.name.as_deref() == Some("His"));
    let his = his.unwrap().id.clone();
    // The look has most of its minute to go: choosing ends it.
    let pairing = companion.pair_with(&his).await.unwrap();
    assert_eq!(
        outcome(&companion, look).await,
        RequestState::Done { result: None }
    );
    let done = outcome(&companion, pairing).await;
    assert_eq!(
        done,
        RequestState::Done {
            result: Some(his.clone())
        }
    );
    let paired = devices(&companion).await;
    assert_eq!(paired.len(), 1);
    assert_eq!(
        (paired[0].id.as_str(), paired[0].name.as_str()),
        (his.as_str(), "His")
    );
    let near: Vec<bool> = found(&companion)
        .await
        .iter()
        .map(|one| one.paired)
        .collect();
    assert_eq!(
        near.iter().filter(|paired| **paired).count(),
        1,
        "the other is near, and not paired"
    );
    companion.close().await;
}

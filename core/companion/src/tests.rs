//! The desk against a clinic and a relay in memory: lost requests, lost answers, crashes between any two steps,
//! restarts while locked, clocks set back, a relay that forges and repeats.

use crate::config::Config;
use crate::desk::Desk;
use crate::engine::{Ask, Call, Effect, Event};
use crate::error::CompanionError;
use crate::input::{JoinOptions, ManualReading, ManualValues, Network};
use crate::sim::{Fate, World};
use crate::view::{
    HistoryQuery, LinkState, QueueView, ReadingView, RequestState, Stage, Status, Topic, View,
};
use post::{Line, RelayError};
use proptest::prelude::*;
use reading::{GlucoseUnit, MassUnit, Meal, PressureUnit, TemperatureUnit};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vault::{FileVault, MemoryVault};
use wire::Time;

mod full;
mod journal;
mod models;
mod person;

const START: i64 = 1_790_000_000_000;

/// One phone in one world. `desk` is `None` only inside a crash.
struct Phone {
    dir: tempfile::TempDir,
    vault: Arc<MemoryVault>,
    desk: Option<Desk>,
    world: World,
    open_calls: VecDeque<Call>,
    clock: i64,
    taken: Vec<String>,
}

impl Phone {
    fn new() -> Self {
        let (dir, vault) = (tempfile::tempdir().unwrap(), Arc::new(MemoryVault::new()));
        let world = World::new(Time::from_ms(START));
        let mut phone = Self {
            dir,
            vault,
            desk: None,
            world,
            open_calls: VecDeque::new(),
            clock: START,
            taken: vec![],
        };
        phone.restart();
        phone
    }

    fn joined() -> Self {
        let mut phone = Self::new();
        phone.join();
        phone.settle();
        phone
    }

    fn now(&self) -> Time {
        Time::from_ms(self.clock)
    }

    fn desk(&mut self) -> &mut Desk {
        self.desk.as_mut().unwrap()
    }

    fn config(dir: &Path) -> Config {
        Config {
            zone: Some("Europe/Berlin".to_owned()),
            ..Config::new(dir)
        }
    }

    /// What was running is gone; what is in the database and the vault is not.
    fn restart(&mut self) {
        self.desk = None;
        self.open_calls.clear();
        let now = self.now();
        let mut desk = Desk::open(Self::config(self.dir.path()), self.vault.clone(), now).unwrap();
        desk.tick(now);
        self.desk = Some(desk);
        self.gather();
    }

    fn gather(&mut self) {
        while let Some(effect) = self.desk().poll_effect() {
            match effect {
                Effect::Ask(call) => self.open_calls.push_back(call),
                Effect::Cancel(ticket) => self.open_calls.retain(|call| call.ticket != ticket),
                Effect::Changed(_) => {}
            }
        }
    }

    fn join(&mut self) {
        let (invite, now) = (self.world.invite_text(), self.now());
        self.desk()
            .join(
                &invite,
                &JoinOptions {
                    label: "Phone".into(),
                },
                now,
            )
            .unwrap();
        self.gather();
    }

    fn take_reading(&mut self) {
        let (manual, now) = (manual(self), self.now());
        let id = self.desk().record_manual(&manual, now).unwrap();
        self.taken.push(id);
        self.gather();
    }

    fn answer(&mut self, which: usize, fate: Fate) {
        if self.open_calls.is_empty() {
            return;
        }
        let call = self
            .open_calls
            .remove(which % self.open_calls.len())
            .unwrap();
        let answer = self.world.answer(&call, fate);
        let now = self.now();
        self.desk().event(
            Event::Answer {
                ticket: call.ticket,
                answer,
            },
            now,
        );
        self.gather();
    }

    fn tick(&mut self, later_ms: i64) {
        self.clock += later_ms;
        let now = self.now();
        self.desk().tick(now);
        self.gather();
    }

    /// Everything works for a while: time passes, the relay answers, the station runs.
    fn settle(&mut self) {
        for _ in 0..12 {
            for _ in 0..60 {
                self.answer(0, Fate::Good);
            }
            let now = self.now();
            self.world.station_runs(now);
            self.tick(11 * 60 * 1000);
        }
    }

    fn status(&mut self) -> Status {
        match self.desk().view(Topic::Status, 0).unwrap() {
            View::Status(status) => status,
            _ => unreachable!("status was asked for"),
        }
    }

    fn queue(&mut self) -> QueueView {
        self.desk().queue().unwrap()
    }

    fn history(&mut self) -> Vec<ReadingView> {
        let query = HistoryQuery {
            limit: 200,
            ..HistoryQuery::default()
        };
        self.desk().history(&query, None).unwrap().readings
    }

    fn findings(&mut self) -> Vec<String> {
        self.status()
            .findings
            .into_iter()
            .map(|finding| finding.code)
            .collect()
    }

    fn findings_after_resume(&mut self) -> Vec<String> {
        let now = self.now();
        self.desk().resume(now).unwrap();
        self.findings()
    }

    fn link_state(&mut self) -> LinkState {
        self.status().link.unwrap().state
    }
}

/// The next reading that this phone's patient types.
fn manual(phone: &Phone) -> ManualReading {
    let n = phone.taken.len();
    ManualReading {
        draft_id: format!("{n:032x}"),
        measured_at: phone.now(),
        values: ManualValues::BloodPressure {
            systolic: format!("{}", 110 + n % 60),
            diastolic: "70".to_owned(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
    }
}

/// REQ-COMPANION-002: joining, a reading, its acknowledgement and a person's look, in the patient's four words.
#[test]
fn a_reading_goes_all_the_way_and_the_answer_comes_back() {
    let mut phone = Phone::new();
    assert!(phone.status().link.is_none());
    phone.take_reading();
    phone.join();
    let stage = |phone: &mut Phone| phone.history()[0].stage;
    assert_eq!(stage(&mut phone), Stage::Waiting);
    for _ in 0..8 {
        phone.answer(0, Fate::Good);
    }
    assert_eq!(stage(&mut phone), Stage::AtThePostOffice);
    phone.settle();
    assert_eq!(stage(&mut phone), Stage::AtTheClinic);
    assert_eq!(phone.link_state(), LinkState::Pending);
    let status = phone.status();
    let link = status.link.unwrap();
    assert_eq!(link.check_words.len(), 6);
    assert_eq!(
        (
            link.clinic.as_deref(),
            link.circle.len(),
            link.circle[0].this
        ),
        (Some("Clinic"), 1, true)
    );
    assert_eq!(
        phone.queue(),
        QueueView {
            at_clinic: 1,
            oldest: None,
            ..phone.queue()
        }
    );
    let now = phone.now();
    phone.world.welcome(vault::LinkState::Confirmed, now);
    phone.world.see_everything(now);
    phone.settle();
    assert_eq!(stage(&mut phone), Stage::LookedAt);
    assert_eq!(phone.link_state(), LinkState::Confirmed);
    assert_eq!(phone.findings(), Vec::<String>::new());
    let View::Requests(requests) = phone.desk().view(Topic::Requests, 0).unwrap() else {
        unreachable!()
    };
    assert!(matches!(requests[0].state, RequestState::Done { .. }));
    phone.desk().dismiss(requests[0].id).unwrap();
}

/// REQ-COMPANION-003: an invite that another phone used, or that nobody knows, fails in words and can be replaced.
#[test]
fn a_used_invite_is_said_and_a_new_one_can_follow() {
    let mut phone = Phone::new();
    assert!(matches!(
        phone.desk().join(
            "https://example.org/",
            &JoinOptions::default(),
            Time::from_ms(START)
        ),
        Err(CompanionError::BadInput { .. })
    ));
    phone.join();
    let again = phone.world.invite_text();
    assert!(matches!(
        phone
            .desk()
            .join(&again, &JoinOptions::default(), Time::from_ms(START)),
        Err(CompanionError::AlreadyJoined)
    ));
    let call = phone
        .open_calls
        .iter()
        .find(|call| matches!(call.ask, Ask::Claim(_)))
        .unwrap()
        .clone();
    let contested = RelayError::Refused {
        code: wire::api::ErrorCode::Contested,
        retry_after: None,
    };
    phone.desk().event(
        Event::Answer {
            ticket: call.ticket,
            answer: Err(contested),
        },
        Time::from_ms(START),
    );
    phone.gather();
    assert_eq!(phone.link_state(), LinkState::Ended);
    let View::Requests(requests) = phone.desk().view(Topic::Requests, 0).unwrap() else {
        unreachable!()
    };
    assert!(
        matches!(&requests[0].state, RequestState::Failed { text, .. } if text.contains("clinic"))
    );
    phone.restart();
    phone.join();
    phone.settle();
    assert_eq!(phone.link_state(), LinkState::Pending);
}

/// REQ-COMPANION-004: a reading taken while the keys are locked is in the spool, and in the journal after the unlock, once.
#[test]
fn a_reading_taken_while_locked_is_kept_and_drained_once() {
    let mut phone = Phone::joined();
    phone.vault.lock();
    phone.restart();
    assert!(phone.status().locked);
    phone.take_reading();
    assert_eq!(phone.status().spooled, 1);
    assert!(matches!(
        phone.desk().history(&HistoryQuery::default(), None),
        Err(CompanionError::Locked)
    ));
    phone.restart();
    assert_eq!(phone.status().spooled, 1, "it is on the disk");
    phone.vault.unlock();
    phone.tick(1000);
    assert_eq!((phone.status().spooled, phone.history().len()), (0, 1));
    phone.settle();
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
    assert_eq!(phone.world.readings.len(), 1);
}

/// REQ-COMPANION-005: content that the station refuses is sealed again once; a second refusal is told and kept.
#[test]
fn refused_content_is_sealed_again_once() {
    let mut phone = Phone::joined();
    phone.world.refuse_next = 1;
    phone.take_reading();
    phone.settle();
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
    assert_eq!(phone.world.readings.len(), 1);
    assert!(phone.findings().is_empty());

    let mut phone = Phone::joined();
    phone.take_reading();
    phone.world.refuse_next = 2;
    phone.settle();
    assert_eq!(phone.findings(), ["refused_twice"]);
    assert_eq!(
        phone.history()[0].stage,
        Stage::Waiting,
        "it is never called stored"
    );
}

/// REQ-COMPANION-006: forged receipts, strangers' letters, noise and replays change nothing and are told in words.
#[test]
fn a_lying_relay_is_found_and_nothing_false_is_accepted() {
    let mut phone = Phone::joined();
    phone.world.forged_receipts = 1;
    phone.take_reading();
    for _ in 0..5 {
        phone.answer(0, Fate::Good);
    }
    assert_eq!(phone.history()[0].stage, Stage::Waiting);
    let now = phone.now();
    phone.world.slip_in_rubbish(now);
    for _ in 0..12 {
        phone.world.replay();
    }
    phone.settle();
    let mut findings = phone.findings();
    findings.sort();
    assert_eq!(
        findings,
        ["forged_receipt", "quarantined", "quarantined", "replays"]
    );
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
}

/// REQ-COMPANION-007: a letter under a roster that has not come waits, and is released when the roster comes by mail or relay.
#[test]
fn a_letter_under_an_unknown_roster_waits_for_it() {
    for by_mail_only in [true, false] {
        let mut phone = Phone::joined();
        let now = phone.now();
        phone.world.next_roster(by_mail_only, now);
        phone.world.welcome(vault::LinkState::Confirmed, now);
        phone.settle();
        assert_eq!(phone.link_state(), LinkState::Confirmed);
        assert_eq!(phone.status().link.unwrap().roster_n, Some(2));
        assert!(phone.findings().is_empty());
    }
}

/// REQ-COMPANION-008: a restored station gets again what it lost: files that are here as they are, the rest sealed anew.
#[test]
fn a_restored_station_gets_everything_again() {
    let mut phone = Phone::joined();
    phone.take_reading();
    phone.settle();
    phone.world.readings.clear();
    let now = phone.now();
    phone.world.resend_everything(now);
    phone.settle();
    assert_eq!(phone.world.readings.len(), 1);
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
}

/// REQ-COMPANION-009: silent for `beat_hours`, the phone says that it is alive; nobody answers only because of that.
#[test]
fn a_silent_phone_sends_a_heartbeat() {
    let mut phone = Phone::joined();
    let before = phone.desk().counts().0;
    phone.settle();
    assert_eq!(
        phone.desk().counts().0,
        before,
        "nothing to say, nothing said"
    );
    phone.tick(24 * 3600 * 1000);
    phone.settle();
    assert_eq!(phone.desk().counts().0, before + 1);
    let (now, next_by) = (phone.now(), phone.now().plus(Duration::from_secs(7200)));
    phone.world.beat(next_by, now);
    phone.settle();
    assert_eq!(phone.status().link.unwrap().next_by, Some(next_by));
}

/// REQ-COMPANION-021: a clinic that is silent beyond its own promise is told, until it is heard again.
#[test]
fn a_silent_clinic_is_told_until_it_is_heard() {
    let mut phone = Phone::joined();
    let now = phone.now();
    phone.world.beat(now.plus(Duration::from_secs(3600)), now);
    phone.settle();
    assert_eq!(
        phone.findings(),
        ["no_sign_of_clinic"],
        "two hours have passed meanwhile"
    );
    let now = phone.now();
    phone
        .world
        .beat(now.plus(Duration::from_secs(24 * 3600)), now);
    phone.settle();
    assert!(phone.findings().is_empty());
}

/// REQ-COMPANION-022: the recovery key on paper opens everything that was sent, and only its public half is kept.
#[test]
fn the_recovery_sheet_opens_all_that_was_sent() {
    let mut phone = Phone::new();
    let sheet = phone.desk().prepare_recovery().unwrap();
    phone.restart();
    phone.join();
    phone.take_reading();
    phone.settle();
    phone.take_reading();
    phone.settle();
    assert!(phone.status().link.unwrap().has_recovery);
    assert!(matches!(
        phone.desk().prepare_recovery(),
        Err(CompanionError::AlreadyJoined)
    ));
    let sent = phone.world.sent();
    assert_eq!(sent.len(), 3);
    for file in sent {
        vault::open_file(&file, std::slice::from_ref(sheet.identity())).unwrap();
    }
    let secret = sheet.identity().expose_seed().expose();
    let now = phone.now();
    phone.desk().pause(now).unwrap();
    let kept = std::fs::read(phone.dir.path().join("companion.db")).unwrap();
    assert!(!kept.windows(32).any(|window| window == secret));
    assert_eq!(phone.findings_after_resume(), Vec::<String>::new());
}

/// REQ-COMPANION-023: a letter that the relay hides is told as missing, and is read when the relay shows it after all.
#[test]
fn a_hidden_letter_is_missed_and_found_when_it_is_shown() {
    let mut phone = Phone::joined();
    let now = phone.now();
    phone.world.welcome(vault::LinkState::Confirmed, now);
    phone.world.hide(true);
    let now = phone.now();
    phone
        .world
        .beat(now.plus(Duration::from_secs(99 * 3600)), now);
    phone.settle();
    assert_eq!(phone.link_state(), LinkState::Pending);
    assert_eq!(phone.findings(), ["gap"]);
    phone.world.hide(false);
    phone.settle();
    assert_eq!(phone.link_state(), LinkState::Confirmed);
    assert!(phone.findings().is_empty(), "the gap has mended");
}

/// REQ-COMPANION-010: paused, nothing is asked and no file is open; offline, readings are kept and sent later.
#[test]
fn paused_and_offline_lose_nothing() {
    let mut phone = Phone::joined();
    let now = phone.now();
    phone.desk().pause(now).unwrap();
    phone.gather();
    assert!(phone.open_calls.is_empty());
    assert!(matches!(
        phone.desk().view(Topic::Queue, 0),
        Err(CompanionError::Paused)
    ));
    phone.desk().resume(now).unwrap();
    phone.desk().network_changed(Network::Gone, now);
    phone.gather();
    phone.take_reading();
    assert!(phone.open_calls.is_empty());
    assert!(phone.queue().trouble.unwrap().contains("no network"));
    phone.desk().network_changed(Network::Available, now);
    phone.gather();
    phone.settle();
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
    assert_eq!(phone.queue().trouble, None);
}

/// REQ-COMPANION-011: the same draft twice is one reading; input that cannot be is refused and loses nothing.
#[test]
fn a_draft_saved_twice_is_one_reading() {
    let mut phone = Phone::new();
    phone.take_reading();
    let manual = ManualReading {
        draft_id: format!("{:032x}", 0),
        measured_at: phone.now(),
        values: ManualValues::BloodPressure {
            systolic: "128".into(),
            diastolic: "82".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: Some("61".into()),
        },
    };
    let now = phone.now();
    let id = phone.desk().record_manual(&manual, now).unwrap();
    assert_eq!(id, phone.taken[0]);
    assert_eq!(phone.history().len(), 1);
    let with_systolic = |text: &str| ManualReading {
        values: ManualValues::BloodPressure {
            systolic: text.into(),
            diastolic: "82".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
        ..manual.clone()
    };
    for bad in [
        ManualReading {
            draft_id: "x".into(),
            ..manual.clone()
        },
        with_systolic("12o"),
        with_systolic("60"),
        ManualReading {
            measured_at: now.plus(Duration::from_secs(86_400)),
            ..manual.clone()
        },
    ] {
        assert!(matches!(
            phone.desk().record_manual(&bad, now),
            Err(CompanionError::BadInput { .. })
        ));
    }
    assert_eq!(phone.history().len(), 1);
}

/// REQ-COMPANION-041: each kind that a person can type reaches the clinic as typed, in the digits that were typed.
#[test]
fn every_kind_that_is_typed_reaches_the_clinic() {
    let mut phone = Phone::joined();
    let typed = [
        ManualValues::Weight {
            weight: "84.20".into(),
            unit: MassUnit::Kilogram,
        },
        ManualValues::Temperature {
            temperature: " 36.4".into(),
            unit: TemperatureUnit::Celsius,
        },
        ManualValues::Spo2 {
            spo2: "97".into(),
            pulse_rate: Some(String::new()),
        },
        ManualValues::Glucose {
            concentration: "5.80".into(),
            unit: GlucoseUnit::MillimolesPerLitre,
            meal: Some(Meal::Fasting),
        },
        ManualValues::HeartRate {
            heart_rate: "61".into(),
        },
    ];
    for (n, values) in typed.into_iter().enumerate() {
        let now = phone.now();
        let manual = ManualReading {
            draft_id: format!("{:032x}", 0xa0 + n),
            measured_at: now,
            values,
        };
        phone.desk().record_manual(&manual, now).unwrap();
        phone.gather();
    }
    phone.settle();
    let mut told: Vec<String> = phone
        .history()
        .iter()
        .map(|reading| {
            assert_eq!((reading.typed, reading.stage), (true, Stage::AtTheClinic));
            let value = &reading.values[0];
            let text = value.value.as_deref().unwrap();
            format!("{} {text} {}", reading.kind, value.unit)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "glucose 5.80 mmol/L",
            "heart_rate 61 /min",
            "spo2 97 %",
            "temperature 36.4 Cel",
            "weight 84.20 kg",
        ]
    );
    let now = phone.now();
    let slip = ManualReading {
        draft_id: "cd".repeat(16),
        measured_at: now,
        values: ManualValues::Weight {
            weight: "8420".into(),
            unit: MassUnit::Kilogram,
        },
    };
    let refused = phone.desk().record_manual(&slip, now);
    assert!(matches!(refused, Err(CompanionError::BadInput { .. })));
}

/// REQ-COMPANION-012: data without their keys (a copied folder), and a second process, are refused in words.
#[test]
fn a_copied_folder_and_a_second_process_are_refused() {
    let phone = Phone::new();
    let open = |vault| Desk::open(Phone::config(phone.dir.path()), vault, phone.now());
    assert!(matches!(
        open(phone.vault.clone()),
        Err(CompanionError::InUse)
    ));
    let dir = phone.dir.path().to_owned();
    let copy = tempfile::tempdir().unwrap();
    drop(phone.desk);
    std::fs::copy(dir.join("companion.db"), copy.path().join("companion.db")).unwrap();
    let other = Arc::new(FileVault::open(&copy.path().join("keys"), None).unwrap());
    let opened = Desk::open(Phone::config(copy.path()), other, Time::from_ms(START));
    assert!(matches!(opened, Err(CompanionError::KeysMissing)));
}

/// REQ-COMPANION-013: nothing readable of a reading stands in the data folder.
#[test]
fn no_value_stands_in_the_clear() {
    let mut phone = Phone::new();
    let now = phone.now();
    let manual = ManualReading {
        draft_id: "ab".repeat(16),
        measured_at: now,
        values: ManualValues::BloodPressure {
            systolic: "177.25".into(),
            diastolic: "99.75".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
    };
    phone.desk().record_manual(&manual, now).unwrap();
    phone.join();
    phone.settle();
    phone.desk().pause(now).unwrap();
    for file in std::fs::read_dir(phone.dir.path()).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            continue;
        }
        let bytes = std::fs::read(file).unwrap();
        for known in [
            &b"177.25"[..],
            b"17725",
            b"99.75",
            b"blood_pressure",
            b"systolic",
        ] {
            assert!(!bytes.windows(known.len()).any(|window| window == known));
        }
    }
}

/// REQ-COMPANION-015: trouble with the network is shown in words while it lasts, and the work goes on after it.
#[test]
fn a_call_to_nowhere_is_told_and_tried_again() {
    let mut phone = Phone::joined();
    phone.take_reading();
    for _ in 0..phone.open_calls.len() {
        phone.answer(0, Fate::LostBefore);
    }
    assert!(phone.queue().trouble.unwrap().contains("cannot be reached"));
    assert!(!phone.desk().is_running(Line::Send));
    phone.settle();
    assert_eq!(phone.queue().trouble, None);
    assert_eq!(phone.history()[0].stage, Stage::AtTheClinic);
}

#[derive(Debug, Clone)]
enum Step {
    Take,
    Answer(usize, Fate),
    Crash,
    CrashLocked,
    Unlock,
    Station,
    Tick(i64),
    Forge,
    Replay,
    Rubbish,
    Pause,
    Refuse,
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![
        4 => Just(Fate::Good), 1 => Just(Fate::LostBefore), 2 => Just(Fate::LostAfter), 1 => Just(Fate::Busy), 1 => Just(Fate::Full),
    ];
    prop_oneof![
        3 => Just(Step::Take),
        12 => (0..4_usize, fate).prop_map(|(which, fate)| Step::Answer(which, fate)),
        3 => Just(Step::Crash),
        1 => Just(Step::CrashLocked),
        2 => Just(Step::Unlock),
        3 => Just(Step::Station),
        3 => prop_oneof![0..3_600_000_i64, Just(-40 * 24 * 3_600_000_i64), Just(3 * 24 * 3_600_000_i64)].prop_map(Step::Tick),
        1 => Just(Step::Forge),
        1 => Just(Step::Replay),
        1 => Just(Step::Rubbish),
        1 => Just(Step::Pause),
        1 => Just(Step::Refuse),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// REQ-COMPANION-014: under any interleaving of lost requests, lost answers, crashes, locked starts, forged receipts,
    /// replays, pauses and clocks set back, each reading is at the clinic once and acknowledged, and the chain is whole.
    #[test]
    fn each_reading_is_acknowledged_exactly_once(steps in proptest::collection::vec(step(), 0..70)) {
        let mut phone = Phone::new();
        phone.join();
        for step in steps {
            let now = phone.now();
            match step {
                Step::Take => phone.take_reading(),
                Step::Answer(which, fate) => phone.answer(which, fate),
                Step::Crash => phone.restart(),
                Step::CrashLocked => { phone.vault.lock(); phone.restart() }
                Step::Unlock => { phone.vault.unlock(); phone.tick(0) }
                Step::Station => phone.world.station_runs(now),
                Step::Tick(later) => phone.tick(later),
                Step::Forge => phone.world.forged_receipts = 1,
                Step::Replay => phone.world.replay(),
                Step::Rubbish => phone.world.slip_in_rubbish(now),
                Step::Pause => {
                    phone.desk().pause(now).unwrap();
                    phone.gather();
                    prop_assert!(phone.open_calls.is_empty());
                    phone.desk().resume(now).unwrap();
                    phone.gather();
                }
                Step::Refuse => phone.world.refuse_next = u32::from(phone.world.refused.is_empty()),
            }
        }
        phone.vault.unlock();
        phone.world.forged_receipts = 0;
        phone.tick(0);
        phone.settle();
        phone.tick(25 * 3600 * 1000);
        phone.settle();

        let mut wanted = phone.taken.clone();
        wanted.sort();
        let at_clinic: Vec<String> = phone.world.readings.keys().map(ToString::to_string).collect();
        prop_assert_eq!(&at_clinic, &wanted);
        let history = phone.history();
        prop_assert_eq!(history.len(), wanted.len());
        for reading in history {
            prop_assert_eq!(reading.stage, Stage::AtTheClinic);
        }
        let queue = phone.queue();
        prop_assert_eq!((queue.waiting, queue.at_post_office, queue.stuck, queue.oldest), (0, 0, 0, None));
        // one reading, one envelope, unless that envelope was refused
        for envelopes in phone.world.readings.values() {
            prop_assert_eq!(envelopes.len(), 1);
        }
        prop_assert_eq!(&phone.world.findings, &Vec::<String>::new(), "the clinic sees a whole chain");
    }
}

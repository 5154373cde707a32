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

mod any_order;
mod full;
mod journal;
mod mail;
mod models;
mod person;
mod typed;

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

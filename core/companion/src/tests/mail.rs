//! Mail that is late, hidden, forged, refused or of a restored station.

use super::*;

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

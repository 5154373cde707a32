//! The sync of stored records against a model of a device with a memory, of each service: the same set, once, whatever
//! the link does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

#[path = "stored/meter.rs"]
mod meter;
#[path = "stored/record.rs"]
mod record;

use meter::{Delivered, FULL, Fate, Meter, Session, Skills, session};
use proptest::prelude::*;
use reading::to_hex;
use teleward_device::{StoredMark, StoredOutcome, StoredService};

fn filled(skills: Skills, first: u32, count: u32) -> Meter {
    let mut meter = Meter::new(skills, 1000, first);
    (0..count).for_each(|_| meter.measure(false));
    meter
}

fn quiet(meter: &mut Meter, mark: StoredMark) -> Session {
    session(meter, mark, &mut std::iter::empty())
}

fn with(meter: &mut Meter, mark: StoredMark, fates: &[Fate]) -> Session {
    session(meter, mark, &mut fates.iter().copied())
}

fn writes(session: &Session) -> Vec<String> {
    session.writes.iter().map(|bytes| to_hex(bytes)).collect()
}

/// REQ-DEVICE-092: the first time all is counted and fetched, later what comes after the mark, and the mark moves.
#[test]
fn the_first_sync_takes_all_and_the_next_what_is_new() {
    let mut meter = filled(FULL, 0, 3);
    let first = quiet(&mut meter, StoredMark::default());
    assert_eq!(writes(&first), ["0401", "0101", "0106"]);
    assert_eq!(first.report.outcome, StoredOutcome::Complete);
    assert_eq!(
        (first.report.announced, first.report.delivered),
        (Some(3), 3)
    );
    assert_eq!(first.report.mark.newest().and_then(|p| p.number()), Some(2));

    meter.measure(false);
    let second = quiet(&mut meter, first.report.mark);
    assert_eq!(writes(&second), ["0403010200", "0103010200", "0106"]);
    assert_eq!((second.report.delivered, second.report.repeated), (1, 2));
    assert_eq!(second.delivered[0].number, Some(3));

    let third = quiet(&mut meter, second.report.mark.clone());
    assert_eq!(
        (third.report.outcome, third.report.delivered),
        (StoredOutcome::Complete, 0)
    );
    assert_eq!(third.report.mark, second.report.mark);
}

/// REQ-DEVICE-092: an empty meter is no fault.
#[test]
fn an_empty_meter_is_complete() {
    let session = quiet(&mut filled(FULL, 0, 0), StoredMark::default());
    assert_eq!(session.report.outcome, StoredOutcome::Complete);
    assert_eq!(
        (session.report.announced, session.report.mark),
        (Some(0), StoredMark::default())
    );
}

/// REQ-DEVICE-093: what was lost is asked for by its numbers; records that the person deleted are not missed.
#[test]
fn gaps_are_asked_for_again() {
    use Fate::{Arrives, Lost};
    let mut meter = filled(FULL, 0, 6);
    let fates = [Arrives, Arrives, Lost, Arrives, Arrives, Lost, Lost];
    let session = with(&mut meter, StoredMark::default(), &fates);
    assert_eq!(
        writes(&session)[..6],
        [
            "0401",
            "0101",
            "04040101000100",
            "01040101000100",
            "0404010400ffff",
            "0104010400ffff"
        ]
    );
    assert_eq!(
        (session.report.outcome, session.report.delivered),
        (StoredOutcome::Complete, 6)
    );

    let mut meter = filled(FULL, 0, 6);
    meter.memory.remove(3);
    let session = quiet(&mut meter, StoredMark::default());
    assert_eq!(writes(&session), ["0401", "0101", "04040103000300", "0106"]);
    assert_eq!(
        (session.report.outcome, session.report.delivered),
        (StoredOutcome::Complete, 5)
    );
}

/// REQ-DEVICE-094, HAZ-DEVICE-019: numbers that go over the top, a meter that was reset and one that was swapped are
/// found by the mark's record, and read whole.
#[test]
fn a_wrap_a_reset_and_a_swap_are_found() {
    let mut meter = filled(FULL, 65_530, 4);
    let mark = quiet(&mut meter, StoredMark::default()).report.mark;
    assert_eq!(mark.newest().and_then(|p| p.number()), Some(65_533));
    (0..5).for_each(|_| meter.measure(false));
    let wrapped = quiet(&mut meter, mark);
    assert_eq!(
        (wrapped.report.outcome, wrapped.report.delivered),
        (StoredOutcome::Complete, 5)
    );
    assert_eq!(
        wrapped.report.mark.newest().and_then(|p| p.number()),
        Some(2)
    );
    let next = quiet(&mut meter, wrapped.report.mark);
    assert_eq!(
        (next.report.outcome, next.report.delivered),
        (StoredOutcome::Complete, 0)
    );

    for new_records in [2, 9, 20] {
        let mut meter = filled(FULL, 0, 9);
        let mark = quiet(&mut meter, StoredMark::default()).report.mark;
        meter.reset();
        (0..new_records).for_each(|_| meter.measure(false));
        let after = quiet(&mut meter, mark);
        assert_eq!(
            (after.report.outcome, after.report.delivered),
            (StoredOutcome::Complete, new_records),
            "{new_records}"
        );
    }
}

/// REQ-DEVICE-095: silence ends in an abort and another try; what came is not asked for again.
#[test]
fn silence_is_aborted_and_tried_again() {
    use Fate::{Arrives, Lost};
    let mut meter = filled(FULL, 0, 4);
    // Two records come; the others and the answer do not.
    let fates = [Arrives, Arrives, Arrives, Lost, Lost, Lost];
    let session = with(&mut meter, StoredMark::default(), &fates);
    assert_eq!(
        writes(&session),
        [
            "0401",
            "0101",
            "0300",
            "0401",
            "0404010200ffff",
            "0104010200ffff",
            "0106"
        ]
    );
    assert_eq!(
        (
            session.report.outcome,
            session.report.delivered,
            session.report.repeated
        ),
        (StoredOutcome::Complete, 4, 1)
    );

    let silent = with(&mut meter, StoredMark::default(), &[Lost; 500]);
    assert_eq!(silent.report.outcome, StoredOutcome::NotAnswering);
    assert!(silent.took_ms <= 4 * 15_000, "{}", silent.took_ms);
}

/// REQ-DEVICE-095: a busy meter is left alone for a while, longer each time, and not for ever.
#[test]
fn a_busy_meter_is_left_alone() {
    let mut meter = filled(FULL, 0, 4);
    let session = with(&mut meter, StoredMark::default(), &[Fate::Busy, Fate::Busy]);
    assert_eq!(
        (session.report.outcome, session.report.delivered),
        (StoredOutcome::Complete, 4)
    );
    assert!(session.took_ms >= 3_000, "{}", session.took_ms);
    let busy = with(&mut meter, StoredMark::default(), &[Fate::Busy; 100]);
    assert_eq!(
        (busy.report.outcome, busy.writes.len()),
        (StoredOutcome::Busy, 5)
    );
}

/// REQ-DEVICE-096: a meter that knows no "from here on" is asked for all each time, and what is known is left out; one
/// that knows no count is asked until nothing new comes; one that knows its ends only gives those.
#[test]
fn meters_that_know_less_are_read_all_the_same() {
    for skills in [
        Skills {
            at_least: false,
            ..FULL
        },
        Skills {
            at_least: false,
            range: false,
            last: false,
            ..FULL
        },
        Skills {
            count: false,
            ..FULL
        },
        Skills {
            at_least: false,
            range: false,
            last: false,
            count: false,
            ..FULL
        },
    ] {
        let mut meter = filled(skills, 7, 5);
        let first = with(
            &mut meter,
            StoredMark::default(),
            &[Fate::Arrives, Fate::Lost],
        );
        assert_eq!(
            (first.report.outcome, first.report.delivered),
            (StoredOutcome::Complete, 5),
            "{skills:?}"
        );
        meter.measure(false);
        let second = quiet(&mut meter, first.report.mark);
        assert_eq!(
            (second.report.outcome, second.report.delivered),
            (StoredOutcome::Complete, 1),
            "{skills:?}"
        );
    }
    // Both records are lost, and nothing but the meter's "success" says that there were some.
    let skills = Skills {
        range: false,
        count: false,
        ..FULL
    };
    let mut meter = filled(skills, 0, 2);
    let fates = [Fate::Arrives, Fate::Lost, Fate::Lost];
    let lost = with(&mut meter, StoredMark::default(), &fates);
    assert_eq!(
        (lost.report.outcome, lost.report.delivered),
        (StoredOutcome::Complete, 2)
    );
    assert_eq!(
        lost.report.mark.newest(),
        None,
        "nobody can say that this is all"
    );
    let ends = Skills {
        all: false,
        at_least: false,
        range: false,
        ..FULL
    };
    let session = quiet(&mut filled(ends, 0, 5), StoredMark::default());
    let numbers: Vec<_> = session
        .delivered
        .iter()
        .map(|record| record.number)
        .collect();
    assert_eq!(
        (session.report.outcome, numbers),
        (StoredOutcome::EndsOnly, vec![Some(4), Some(0)])
    );
}

/// REQ-DEVICE-097: a context is joined to its measurement; one that was lost is asked for again; one that comes after
/// its measurement was delivered is not lost, and nothing is delivered twice.
#[test]
fn contexts_are_joined() {
    use Fate::{Arrives, Cut, Lost};
    let mut meter = Meter::new(FULL, 10, 0);
    meter.measure(true);
    meter.measure(false);
    let whole = quiet(&mut meter, StoredMark::default());
    assert_eq!(whole.delivered.len(), 2);
    assert_eq!(whole.delivered[0].context, meter.memory[0].context);
    assert_eq!(whole.delivered[1].context, None);

    let asked = with(&mut meter, StoredMark::default(), &[Arrives, Arrives, Lost]);
    assert!(
        writes(&asked).contains(&"01040100000000".to_owned()),
        "{:?}",
        writes(&asked)
    );
    assert_eq!(
        asked
            .delivered
            .iter()
            .filter(|record| record.context.is_some())
            .count(),
        1
    );
    assert_eq!(asked.report.outcome, StoredOutcome::Complete);

    let cut = with(&mut meter, StoredMark::default(), &[Arrives, Arrives, Cut]);
    assert_eq!(cut.report.outcome, StoredOutcome::Interrupted);
    assert_eq!((cut.delivered.len(), &cut.delivered[0].context), (1, &None));
    let late = quiet(&mut meter, cut.report.mark);
    let contexts: Vec<_> = late
        .delivered
        .iter()
        .filter(|r| r.characteristic == 0x2a34)
        .collect();
    assert_eq!((contexts.len(), late.delivered.len()), (1, 2));
    assert_eq!(Some(&contexts[0].bytes), meter.memory[0].context.as_ref());
}

/// HAZ-DEVICE-019: a mark that was written down and read again is the same; a broken one is refused.
#[test]
fn a_mark_survives_being_written_down() {
    let mark = quiet(&mut filled(FULL, 0, 3), StoredMark::default())
        .report
        .mark;
    let text = serde_json::to_string(&mark).unwrap();
    assert_eq!(serde_json::from_str::<StoredMark>(&text).unwrap(), mark);
    assert!(serde_json::from_str::<StoredMark>(&text.replace("2:", "2;")).is_err());
    assert!(!format!("{mark:?}").contains("2:"));
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Arrives),
        3 => Just(Fate::Lost),
        2 => Just(Fate::Twice),
        1 => Just(Fate::Cut),
        1 => Just(Fate::Measured),
        1 => Just(Fate::Busy),
    ]
}

/// What happens to the meter between two links.
#[derive(Debug, Clone, Copy)]
enum Between {
    Nothing,
    Measured(u8, bool),
    Reset,
    Deleted(u8),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        2 => Just(Between::Nothing),
        4 => (1_u8..8, any::<bool>()).prop_map(|(n, context)| Between::Measured(n, context)),
        1 => Just(Between::Reset),
        1 => any::<u8>().prop_map(Between::Deleted),
    ]
}

/// Whose records.
fn service() -> impl Strategy<Value = StoredService> {
    prop_oneof![
        Just(StoredService::Glucose),
        Just(StoredService::ContinuousGlucose),
        Just(StoredService::HealthSensor),
        Just(StoredService::Oximeter),
        Just(StoredService::BloodPressure),
    ]
}

/// The number of the first record: often shortly before the numbers go over the top.
fn first() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(3),
        Just(65_520),
        Just(u32::MAX - 15),
        any::<u32>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    /// REQ-DEVICE-098, REQ-DEVICE-200, HAZ-DEVICE-019: whatever is lost, repeated, cut off, measured, deleted or reset in
    /// between, each record of any service is delivered at most once; a sync that says "complete" has delivered all that
    /// the device kept when it began; and one undisturbed sync at the end makes it the same set as without any
    /// disturbance.
    #[test]
    fn any_interleaving_yields_the_same_set_once(
        service in service(),
        links in proptest::collection::vec((between(), proptest::collection::vec(fate(), 0..60)), 1..6),
        first in first(),
        (at_least, range, last, count, combined) in any::<(bool, bool, bool, bool, bool)>(),
        capacity in 4_usize..40,
        users in 1_usize..3,
    ) {
        // Without ranges only the number of records tells what is missing, and a memory that overwrites its oldest
        // record while it is read keeps that number: such a device is not used while it is read. So it is where numbers
        // have holes (a sensor's minutes), are none, or count for each user. Without a count nothing tells: what is lost
        // then comes with the next sync.
        let cuff = service == StoredService::BloodPressure;
        let gapless = !matches!(service, StoredService::ContinuousGlucose | StoredService::Oximeter);
        let exact = range && count && gapless && !(cuff && users > 1);
        let skills = Skills { all: true, at_least, range, last, count, combined };
        let mut meter = Meter::of(service, skills, capacity, first);
        if cuff {
            meter.next_sequence.resize(users, first & 0xff);
        }
        let mut delivered = Delivered::default();
        let mut mark = StoredMark::default();
        for (between, fates) in links {
            match between {
                Between::Nothing => {}
                Between::Measured(n, context) => (0..n).for_each(|_| meter.measure(context)),
                Between::Reset => {
                    meter.reset();
                    if service == StoredService::ContinuousGlucose {
                        mark = mark.of_session(&[meter.session]);
                    }
                }
                Between::Deleted(at) if !meter.memory.is_empty() => {
                    meter.memory.remove(usize::from(at) % meter.memory.len());
                }
                Between::Deleted(_) => {}
            }
            let kept = meter.memory.clone();
            let mut fates = fates.into_iter().map(|fate| match fate {
                Fate::Measured if !exact => Fate::Arrives,
                fate => fate,
            });
            let session = session(&mut meter, mark, &mut fates);
            delivered.take(&session.delivered);
            if session.report.outcome == StoredOutcome::Complete {
                // What was overwritten while it was read can be had no more.
                for one in kept.iter().filter(|one| meter.memory.contains(one)) {
                    let measured = delivered.0.contains_key(&one.measurement);
                    prop_assert!(!count || measured, "not delivered: {}", one.sequence);
                }
            }
            let text = serde_json::to_string(&session.report.mark).unwrap();
            mark = serde_json::from_str(&text).unwrap();
        }
        let end = quiet(&mut meter, mark);
        delivered.take(&end.delivered);
        prop_assert_eq!(end.report.outcome, StoredOutcome::Complete);
        prop_assert!(delivered.0.values().all(|times| *times == 1), "delivered twice");
        for one in &meter.memory {
            prop_assert!(delivered.0.contains_key(&one.measurement), "not delivered: {}", one.sequence);
        }
        let again = quiet(&mut meter, end.report.mark);
        prop_assert_eq!((again.report.outcome, again.report.delivered), (StoredOutcome::Complete, 0));
    }
}

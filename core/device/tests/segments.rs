//! The joiner of segments: whatever happens to notifications on the way, a record comes whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use teleward_device::health_sensor::{Joined, segments};
use teleward_device::{JoinFault, SegmentJoiner};

fn record(record: &[u8]) -> Joined {
    Joined {
        record: Some(record.to_vec()),
        fault: None,
    }
}

fn fault(fault: JoinFault) -> Joined {
    Joined {
        record: None,
        fault: Some(fault),
    }
}

fn pending() -> Joined {
    Joined::default()
}

fn fed(joiner: &mut SegmentJoiner, notifications: &[&[u8]]) -> Vec<Joined> {
    notifications.iter().map(|one| joiner.feed(one)).collect()
}

/// REQ-DEVICE-090: a record in one segment, a record in three, the counter running on and over its end.
#[test]
fn records_are_joined() {
    let mut joiner = SegmentJoiner::default();
    let fed = fed(
        &mut joiner,
        &[&[0xf3, 1], &[0xf5, 2], &[0xf8, 3], &[0xfe, 4], &[0x03, 5]],
    );
    assert_eq!(
        fed,
        [
            record(&[1]),
            pending(),
            pending(),
            record(&[2, 3, 4]),
            record(&[5])
        ]
    );
    assert_eq!(
        segments(&[2, 3, 4], 61, 2),
        (vec![vec![0xf5, 2], vec![0xf8, 3], vec![0xfe, 4]], 0)
    );
}

/// REQ-DEVICE-090: a lost segment costs its record and no other one, and is told once.
#[test]
fn a_lost_segment_costs_its_record() {
    for (notifications, expected) in [
        // The middle one.
        (
            vec![&[0x01, 1][..], &[0x0a, 3], &[0x0f, 4]],
            vec![pending(), fault(JoinFault::Lost), record(&[4])],
        ),
        // The last one: told when the next record begins, which is whole.
        (
            vec![&[0x01, 1], &[0x0b, 4]],
            vec![
                pending(),
                Joined {
                    record: Some(vec![4]),
                    fault: Some(JoinFault::Lost),
                },
            ],
        ),
        // The first one.
        (
            vec![&[0x03, 0], &[0x08, 2], &[0x0e, 3], &[0x13, 4]],
            vec![
                record(&[0]),
                fault(JoinFault::Lost),
                pending(),
                record(&[4]),
            ],
        ),
        // A whole record.
        (
            vec![&[0x03, 0], &[0x0b, 2]],
            vec![
                record(&[0]),
                Joined {
                    record: Some(vec![2]),
                    fault: Some(JoinFault::Lost),
                },
            ],
        ),
        // Nothing is known before the first notification.
        (vec![&[0x0a, 3], &[0x0f, 4]], vec![pending(), record(&[4])]),
    ] {
        assert_eq!(
            fed(&mut SegmentJoiner::default(), &notifications),
            expected,
            "{notifications:?}"
        );
    }
}

/// REQ-DEVICE-090: a notification that comes twice counts once; one out of order costs its record; an empty one too.
#[test]
fn repeats_and_disorder_are_told_apart() {
    let mut joiner = SegmentJoiner::default();
    let twice = fed(
        &mut joiner,
        &[&[0x01, 1], &[0x01, 1], &[0x06, 2], &[0x06, 2], &[0x0b, 3]],
    );
    assert_eq!(
        twice,
        [
            pending(),
            pending(),
            record(&[1, 2]),
            pending(),
            record(&[3])
        ]
    );
    let mut joiner = SegmentJoiner::default();
    let swapped = fed(
        &mut joiner,
        &[&[0x01, 1], &[0x08, 3], &[0x04, 2], &[0x0e, 4]],
    );
    assert!(
        swapped.iter().all(|one| one.record.is_none()),
        "{swapped:?}"
    );
    let mut joiner = SegmentJoiner::default();
    let empty = fed(&mut joiner, &[&[0x01, 1], &[0x04], &[0x0a, 3], &[0x0f, 4]]);
    assert_eq!(empty[1], fault(JoinFault::Empty));
    assert_eq!(empty[3].record, Some(vec![4]));
    assert!(empty[2].record.is_none());
}

/// REQ-DEVICE-091, HAZ-DEVICE-018: two records of the same length whose segments are interleaved are never mixed into
/// one, whether each counts for itself or one counter runs through.
#[test]
fn interleaved_records_are_never_mixed() {
    let one_counter: [&[u8]; 5] = [
        &[0x01, 1, 1],
        &[0x05, 2, 2],
        &[0x0a, 1, 9],
        &[0x0e, 2, 9],
        &[0x13, 3],
    ];
    let told = fed(&mut SegmentJoiner::default(), &one_counter);
    assert_eq!(told[1], fault(JoinFault::Interleaved));
    assert!(told[..4].iter().all(|one| one.record.is_none()), "{told:?}");
    assert_eq!(told[4], record(&[3]), "the next one is whole");
    let own_counters: [&[u8]; 5] = [
        &[0x01, 1, 1],
        &[0x29, 2, 2],
        &[0x06, 1, 9],
        &[0x2e, 2, 9],
        &[0x33, 3],
    ];
    let told = fed(&mut SegmentJoiner::default(), &own_counters);
    assert!(told[..4].iter().all(|one| one.record.is_none()), "{told:?}");
    assert_eq!(told[4].record, Some(vec![3]));
}

/// REQ-DEVICE-091: no more is kept than the limit says, and what comes after is joined again.
#[test]
fn memory_is_bounded() {
    let mut joiner = SegmentJoiner::new(10);
    let (cut, next) = segments(&[7; 1000], 0, 5);
    let told: Vec<Joined> = cut
        .iter()
        .map(|one| joiner.feed(one))
        .inspect(|_| ())
        .collect();
    assert_eq!(told[2], fault(JoinFault::TooLong { limit: 10 }));
    assert_eq!(
        told.iter().filter(|one| one.fault.is_some()).count(),
        1,
        "told once"
    );
    assert!(joiner.kept() <= 10);
    let (cut, _) = segments(&[8; 10], next, 5);
    assert_eq!(
        cut.iter()
            .filter_map(|one| joiner.feed(one).record)
            .collect::<Vec<_>>(),
        [vec![8; 10]]
    );
    joiner.feed(&[0x01, 1]);
    assert!(joiner.reset() && joiner.kept() == 0 && !joiner.reset());
}

proptest! {
    /// REQ-DEVICE-090: at any size of a notification, records are cut and joined back.
    #[test]
    fn records_are_cut_and_joined_at_any_size(
        records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 1..5),
        mtu in 1_usize..260,
        counter in 0_u8..64,
    ) {
        let mut joiner = SegmentJoiner::default();
        let (mut counter, mut joined) = (counter, Vec::new());
        for record in &records {
            let (cut, next) = segments(record, counter, mtu);
            counter = next;
            for one in &cut {
                prop_assert!(one.len() <= mtu.max(2));
                let fed = joiner.feed(one);
                prop_assert_eq!(fed.fault, None);
                joined.extend(fed.record);
            }
        }
        prop_assert_eq!(joined, records);
    }

    /// REQ-DEVICE-090, REQ-DEVICE-091: with notifications lost and repeated (fewer than 64 in a row), what comes out
    /// are whole records of those that were sent, each at most once, in their order; each untouched one is among them.
    #[test]
    fn what_comes_out_is_whole(
        lengths in proptest::collection::vec(1_usize..40, 1..12),
        fates in proptest::collection::vec(0_u8..8, 1..64),
        mtu in 2_usize..12,
    ) {
        let mut joiner = SegmentJoiner::default();
        let (mut counter, mut out, mut untouched, mut told) = (0, Vec::new(), Vec::new(), false);
        let mut fates = fates.into_iter().cycle();
        let records: Vec<Vec<u8>> = lengths.iter().enumerate()
            .map(|(at, length)| vec![u8::try_from(at).unwrap(); *length]).collect();
        for record in &records {
            let (cut, next) = segments(record, counter, mtu);
            counter = next;
            let mut whole = true;
            for one in &cut {
                let times = match fates.next() { Some(0) => 0, Some(1) => 2, _ => 1 };
                whole &= times > 0;
                for _ in 0..times {
                    let fed = joiner.feed(one);
                    told |= fed.fault.is_some();
                    out.extend(fed.record);
                }
            }
            if whole {
                untouched.push(record.clone());
            }
        }
        prop_assert_eq!(&out, &untouched);
        let missing = records.last() != untouched.last() || records.first() != untouched.first();
        prop_assert!(told || missing || out == records, "a loss in the middle is told");
        prop_assert!(joiner.kept() <= 40);
    }

    #[test]
    fn any_notifications_are_taken(notifications in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 0..40)) {
        let mut joiner = SegmentJoiner::new(16);
        for one in &notifications {
            let fed = joiner.feed(one);
            prop_assert!(fed.record.is_none_or(|record| !record.is_empty() && record.len() <= 16));
            prop_assert!(joiner.kept() <= 16);
        }
    }
}

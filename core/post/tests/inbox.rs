//! The inbox: cursors per relay key, every file once, trouble with one never in the way of the others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own functions")]

use proptest::prelude::*;
use store::{Database, Migration, Schema};
use teleward_post::inbox::{self, Listed, NotFetched};
use teleward_post::{PostError, RelayError, SCHEMA};
use wire::api::{ErrorCode, Item, Items};
use wire::{EnvelopeId, Kid, MailboxId, Time};

const TABLES: Schema = Schema {
    application_id: 1,
    migrations: &[Migration {
        number: 1,
        sql: &[SCHEMA],
    }],
};
const BOX: MailboxId = MailboxId([1; 16]);
const URL: &str = "https://relay.example";

fn open(dir: &tempfile::TempDir) -> Database {
    Database::open(&dir.path().join("db"), TABLES).unwrap()
}
fn run<T>(db: &Database, work: impl FnOnce(&store::Tx<'_>) -> Result<T, PostError>) -> T {
    db.write(work).unwrap()
}
fn id(n: u8) -> EnvelopeId {
    EnvelopeId([n; 32])
}
fn page(relay: u8, items: &[(u64, u8)]) -> Items {
    let items = items
        .iter()
        .map(|(n, file)| Item {
            n: *n,
            id: id(*file),
            size: 10,
        })
        .collect();
    Items {
        v: 1,
        relay: Kid([relay; 32]),
        items,
        more: false,
    }
}
fn list(db: &Database, page: &Items) -> Listed {
    let after = run(db, |tx| inbox::cursor(tx, BOX, URL));
    run(db, |tx| {
        inbox::listed(tx, BOX, URL, after, page, Time::from_ms(0))
    })
}
fn fetch_all(db: &Database, now: Time) -> Vec<EnvelopeId> {
    let mut fetched = Vec::new();
    while let Some(entry) = run(db, |tx| inbox::next_to_fetch(tx, None, now)) {
        run(db, |tx| inbox::fetched(tx, &entry, entry.id.as_bytes()));
        fetched.push(entry.id);
    }
    fetched
}
fn consume_all(db: &Database) -> Vec<EnvelopeId> {
    let mut consumed = Vec::new();
    while let Some((entry, bytes)) = run(db, |tx| inbox::next_to_consume(tx, None)) {
        assert_eq!(bytes, entry.id.as_bytes());
        run(db, |tx| inbox::consumed(tx, &entry, Time::from_ms(5)));
        consumed.push(entry.id);
    }
    consumed
}

/// REQ-POST-037: a list with nothing new writes nothing, so that asking often costs no disk.
#[test]
fn a_list_with_nothing_new_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 2)]));
    let log = dir.path().join("db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    let before = size();
    for _ in 0..10 {
        list(&db, &page(7, &[]));
        list(&db, &page(7, &[(2, 2)]));
    }
    assert_eq!(size(), before);
    list(&db, &page(7, &[(3, 3)]));
    assert!(size() > before, "what is new is written");
}

/// REQ-POST-011: a file listed twice is processed once and told as a replay; from another relay it is no finding.
#[test]
fn a_replay_is_seen_and_not_processed() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 2)]));
    let again = list(&db, &page(7, &[(3, 1)]));
    assert_eq!(
        again,
        Listed::Page {
            new: 0,
            replayed: vec![id(1)],
            contradicts: false,
            more: false
        }
    );
    assert_eq!(fetch_all(&db, Time::from_ms(0)), [id(1), id(2)]);
    assert_eq!(consume_all(&db), [id(1), id(2)]);
}

/// REQ-POST-012: another receipt key at the same address has a cursor of its own, from 0.
#[test]
fn a_restored_relay_is_listed_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 2)]));
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 2);
    assert_eq!(
        list(&db, &page(8, &[(3, 3)])),
        Listed::OtherRelay,
        "asked for with the other relay's cursor"
    );
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 0);
    let listed = list(&db, &page(8, &[(1, 2), (2, 3)]));
    assert_eq!(
        listed,
        Listed::Page {
            new: 1,
            replayed: vec![],
            contradicts: false,
            more: false
        }
    );
    assert_eq!(fetch_all(&db, Time::from_ms(0)), [id(1), id(2), id(3)]);
    assert_eq!(run(&db, |tx| inbox::relay_at(tx, URL)), Some(Kid([8; 32])));
}

/// REQ-POST-018: a letter that the relay left out of its list is found when the list is asked for again.
#[test]
fn a_hidden_letter_is_found_by_listing_again() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (3, 3), (4, 4)]));
    fetch_all(&db, Time::from_ms(0));
    consume_all(&db);
    assert!(again(&db, None), "number 2 was never listed");
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 1);
    let listed = list(&db, &page(7, &[(2, 2), (3, 3), (4, 4)]));
    assert_eq!(
        listed,
        Listed::Page {
            new: 1,
            replayed: vec![],
            contradicts: false,
            more: false
        }
    );
    assert_eq!(fetch_all(&db, Time::from_ms(0)), [id(2)]);
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 4);
    assert!(!again(&db, None), "nothing is missing any more");
    assert!(again(&db, Some(Some(id(3)))), "the chain misses something");
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 3);
    assert!(again(&db, Some(None)));
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 0);
}

fn again(db: &Database, gap: Option<Option<EnvelopeId>>) -> bool {
    run(db, |tx| inbox::list_missing_again(tx, BOX, URL, gap))
}

/// REQ-POST-030: a number far beyond all others does not move the list away from what is there.
#[test]
fn a_huge_number_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (9_007_199_254_740_991, 9)]));
    assert_eq!(list(&db, &page(7, &[])), unchanged());
    assert!(again(&db, None));
    list(&db, &page(7, &[(2, 2)]));
    let entries = fetch_all(&db, Time::from_ms(0));
    assert_eq!(entries, [id(1), id(2), id(9)]);
    assert!(!again(&db, None), "the list goes on behind number 2");
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 2);
}

/// REQ-POST-030: nor do old files under new numbers.
#[test]
fn replays_at_later_numbers_hide_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 1), (3, 1)]));
    assert!(again(&db, None));
    list(&db, &page(7, &[(2, 2)]));
    assert_eq!(fetch_all(&db, Time::from_ms(0)), [id(1), id(2)]);
    assert!(
        !again(&db, None),
        "the list goes on behind number 2 as it is"
    );
    assert_eq!(run(&db, |tx| inbox::cursor(tx, BOX, URL)), 2);
    list(&db, &page(7, &[(3, 3)]));
    assert_eq!(fetch_all(&db, Time::from_ms(0)), [id(3)]);
    assert!(!again(&db, None));
}

fn unchanged() -> Listed {
    Listed::Page {
        new: 0,
        replayed: vec![],
        contradicts: false,
        more: false,
    }
}

/// REQ-POST-031: a number that a relay gives to another file later does not keep the second from being fetched, and
/// the contradiction is told.
#[test]
fn a_number_with_two_files_loses_neither() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 8)]));
    fetch_all(&db, Time::from_ms(0));
    let early = again_from_the_start(&db, &page(7, &[(1, 1), (2, 2)]));
    assert_eq!(
        early,
        Listed::Page {
            new: 0,
            replayed: vec![],
            contradicts: true,
            more: false
        },
        "what was fetched is consumed first"
    );
    assert_eq!(consume_all(&db), [id(1), id(8)]);
    let listed = again_from_the_start(&db, &page(7, &[(1, 1), (2, 2), (3, 8)]));
    let Listed::Page {
        new, contradicts, ..
    } = listed
    else {
        panic!("{listed:?}")
    };
    assert_eq!((new, contradicts), (2, true));
    fetch_all(&db, Time::from_ms(0));
    assert_eq!(
        consume_all(&db),
        [id(2), id(8)],
        "twice is once to the host"
    );
}

fn again_from_the_start(db: &Database, page: &Items) -> Listed {
    again(db, Some(None));
    list(db, page)
}

/// REQ-POST-032: a file that a relay listed and would not give is asked for again when it lists it again; so is one whose
/// size it made too large.
#[test]
fn what_was_withheld_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    let mut lied = page(7, &[(1, 1), (2, 2)]);
    lied.items[1].size = u64::MAX >> 12;
    list(&db, &lied);
    let gone = RelayError::Refused {
        code: ErrorCode::Foreign,
        retry_after: None,
    };
    let mut now = Time::from_ms(0);
    for _ in 0..3 {
        let entry = run(&db, |tx| inbox::next_to_fetch(tx, None, now)).unwrap();
        assert_eq!(entry.id, id(1), "what is too large is not fetched");
        run(&db, |tx| inbox::not_fetched(tx, &entry, &gone, now, 0));
        now = now.plus(teleward_post::LONGEST);
    }
    assert_eq!(run(&db, |tx| inbox::next_to_fetch(tx, None, now)), None);
    assert!(again(&db, None));
    list(&db, &page(7, &[(1, 1), (2, 2)]));
    assert_eq!(fetch_all(&db, now), [id(1), id(2)]);
    assert_eq!(consume_all(&db), [id(1), id(2)]);
}

/// REQ-POST-013: a file that cannot be fetched waits and is given up only when the relay no longer has it.
#[test]
fn a_file_in_trouble_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 2)]));
    let mut now = Time::from_ms(0);
    let next = |now| run(&db, |tx| inbox::next_to_fetch(tx, None, now));
    let bad = next(now).unwrap();
    let liar = RelayError::BadAnswer("other bytes");
    let told = |entry: inbox::Entry, why: &RelayError, now| {
        run(&db, |tx| inbox::not_fetched(tx, &entry, why, now, 0))
    };
    assert_eq!(told(bad, &liar, now), NotFetched::FileWaits);
    assert_eq!(next(now).unwrap().id, id(2));
    let portal = RelayError::NotARelay { status: 200 };
    assert_eq!(told(bad, &portal, now), NotFetched::LineWaits);
    fetch_all(&db, now);
    let gone = RelayError::Refused {
        code: ErrorCode::Foreign,
        retry_after: None,
    };
    let mut last = NotFetched::FileWaits;
    for _ in 0..3 {
        now = now.plus(teleward_post::LONGEST);
        if let Some(entry) = next(now) {
            assert_eq!(entry.id, id(1));
            last = told(entry, &gone, now);
        }
    }
    assert_eq!(last, NotFetched::GivenUp);
    assert_eq!(next(now.plus(teleward_post::LONGEST)), None);
}

/// REQ-POST-014: mail may be released only up to the first file that is not consumed, and not before its time.
#[test]
fn release_stops_at_the_first_unconsumed_file() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir);
    list(&db, &page(7, &[(1, 1), (2, 2), (4, 4)]));
    let through = |before| {
        run(&db, |tx| {
            inbox::releasable(tx, BOX, Kid([7; 32]), Time::from_ms(before))
        })
    };
    assert_eq!(through(100), None);
    fetch_all(&db, Time::from_ms(0));
    let (first, _) = run(&db, |tx| inbox::next_to_consume(tx, None)).unwrap();
    run(&db, |tx| inbox::consumed(tx, &first, Time::from_ms(50)));
    assert_eq!(through(100), Some(1));
    assert_eq!(through(49), None);
    consume_all(&db);
    assert_eq!(through(100), Some(4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// REQ-POST-015: any cutting of the work into pages, crashes and repeats consumes each file exactly once.
    #[test]
    fn every_file_is_consumed_once(files in 0..20_u8, steps in proptest::collection::vec(0..5_u8, 0..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(&dir);
        let mut consumed = Vec::new();
        let finish = std::iter::repeat_n([0, 1, 2], usize::from(files) + 1).flatten();
        for step in steps.into_iter().chain(finish) {
            match step {
                0 => {
                    let after = run(&db, |tx| inbox::cursor(tx, BOX, URL));
                    let rest: Vec<_> = (1..=files).filter(|n| u64::from(*n) > after).map(|n| (u64::from(n), n)).take(3).collect();
                    list(&db, &page(7, &rest));
                }
                1 => {
                    if let Some(entry) = run(&db, |tx| inbox::next_to_fetch(tx, None, Time::from_ms(0))) {
                        run(&db, |tx| inbox::fetched(tx, &entry, b"x"));
                    }
                }
                2 => {
                    if let Some((entry, _)) = run(&db, |tx| inbox::next_to_consume(tx, None)) {
                        run(&db, |tx| inbox::consumed(tx, &entry, Time::from_ms(0)));
                        consumed.push(entry.id);
                    }
                }
                3 => {
                    // the host fails: its transaction, and with it the consumption, never happened
                    if let Some((entry, _)) = run(&db, |tx| inbox::next_to_consume(tx, None)) {
                        let failed: Result<(), PostError> = db.write(|tx| {
                            inbox::consumed(tx, &entry, Time::from_ms(0))?;
                            Err(PostError::Unknown)
                        });
                        prop_assert!(failed.is_err());
                    }
                }
                _ => {
                    drop(db);
                    db = open(&dir);
                }
            }
        }
        consumed.sort_unstable();
        prop_assert_eq!(consumed, (1..=files).map(id).collect::<Vec<_>>());
    }
}

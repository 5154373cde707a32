//! The outbox's promises, among them a property: whatever happens between phone and relay, states only go forward,
//! nothing unacknowledged loses its bytes, and every file ends acknowledged once.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use proptest::prelude::*;
use std::time::Duration;
use store::{Database, Migration, Schema};
use teleward_post::outbox::{self, Blame, Cover, Lane, Position, State};
use teleward_post::{PostError, RelayError, SCHEMA};
use wire::api::ErrorCode;
use wire::receipt::{Durable, Receipt};
use wire::{EnvelopeId, Kid, MailboxId, Sealed, SigningKey, Time};

const TABLES: Schema = Schema {
    application_id: 1,
    migrations: &[Migration {
        number: 1,
        sql: &[SCHEMA],
    }],
};
const BOX: MailboxId = MailboxId([1; 16]);
const KID: Kid = Kid([2; 32]);

fn relay() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}
fn at(ms: i64) -> Time {
    Time::from_ms(1_000_000_000_000 + ms)
}
/// A file with the outer shape of an envelope.
fn sealed(number: u64) -> Sealed {
    let stanza = format!(
        "-> mlkem768x25519 {}\n{}\n",
        "A".repeat(1493) + "A",
        "A".repeat(43)
    );
    let mut bytes = format!("age-encryption.org/v1\n{stanza}--- {}\n", "A".repeat(43)).into_bytes();
    bytes.extend_from_slice(&[0; 32]);
    bytes.extend_from_slice(&number.to_be_bytes());
    Sealed::parse(bytes).unwrap()
}
fn receipt(id: EnvelopeId, n: u64, size: u64) -> Receipt {
    Receipt {
        v: 1,
        mailbox: BOX,
        id,
        size,
        n,
        at: at(0),
        durable: Durable::Disk,
    }
}
struct Post {
    db: Database,
    _dir: tempfile::TempDir,
}
impl Post {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            db: Database::open(&dir.path().join("db"), TABLES).unwrap(),
            _dir: dir,
        }
    }
    fn run<T>(
        &self,
        work: impl FnOnce(&store::Tx<'_>) -> Result<T, PostError>,
    ) -> Result<T, PostError> {
        self.db.write(work)
    }
    fn add(&self, lane: Lane, now: Time) -> EnvelopeId {
        self.add_to(BOX, lane, now)
    }
    fn add_to(&self, mailbox: MailboxId, lane: Lane, now: Time) -> EnvelopeId {
        self.run(|tx| {
            let seq = outbox::head(tx, mailbox, KID)?.map_or(1, |(seq, _)| seq + 1);
            let file = sealed(seq * 1000 + u64::from(mailbox.0[0]));
            outbox::insert(
                tx,
                Position {
                    mailbox,
                    kid: KID,
                    seq,
                },
                lane,
                &file,
                now,
            )?;
            Ok(file.id())
        })
        .unwrap()
    }
    fn next(&self, now: Time) -> Option<EnvelopeId> {
        self.run(|tx| outbox::next(tx, None, now))
            .unwrap()
            .map(|file| file.id)
    }
    fn hand(&self, id: EnvelopeId) {
        self.run(|tx| outbox::handed(tx, id, at(1))).unwrap();
    }
    fn receive(&self, id: EnvelopeId, n: u64, now: Time) {
        let size = self
            .run(|tx| outbox::get(tx, id))
            .unwrap()
            .unwrap()
            .bytes
            .len() as u64;
        let text = receipt(id, n, size).sign(&relay());
        self.run(|tx| outbox::received(tx, id, &text, &[relay().public()], now))
            .unwrap();
    }
}

/// REQ-POST-004: alerts overtake vitals, vitals overtake media; within a lane the oldest goes first.
#[test]
fn alerts_overtake_vitals_and_vitals_overtake_media() {
    let post = Post::new();
    let media = post.add(Lane::Media, at(0));
    let first = post.add(Lane::Vitals, at(1));
    let second = post.add(Lane::Vitals, at(2));
    let alert = post.add(Lane::Alert, at(3));
    let mut order = Vec::new();
    while let Some(id) = post.next(at(4)) {
        post.hand(id);
        post.receive(id, order.len() as u64 + 1, at(4));
        order.push(id);
    }
    assert_eq!(order, [alert, first, second, media]);
}

/// REQ-POST-005: a file that the relay refuses for good is set aside in view; the others go on.
#[test]
fn one_bad_file_does_not_block_the_queue() {
    let post = Post::new();
    let bad = post.add(Lane::Vitals, at(0));
    let good = post.add(Lane::Vitals, at(1));
    let no = |code| RelayError::Refused {
        code,
        retry_after: None,
    };
    assert_eq!(
        post.run(|tx| outbox::not_taken(tx, bad, &no(ErrorCode::Header), at(2), 0))
            .unwrap(),
        Blame::File
    );
    assert_eq!(post.next(at(2)), Some(good));
    let status = post.run(|tx| outbox::status(tx, None)).unwrap();
    assert_eq!(
        (status.waiting, status.stuck, status.oldest),
        (2, 1, Some(at(0)))
    );
    assert!(
        post.run(|tx| outbox::get(tx, bad)).unwrap().is_some(),
        "its bytes are kept"
    );
    post.run(outbox::try_again).unwrap();
    assert_eq!(post.next(at(2)), Some(bad));
}

/// REQ-POST-006: a full or ended mailbox waits by itself; other mailboxes go on, and it is tried again.
#[test]
fn a_full_mailbox_does_not_block_others() {
    let post = Post::new();
    let full = post.add(Lane::Alert, at(0));
    let other = post.add_to(MailboxId([5; 16]), Lane::Media, at(1));
    let no = RelayError::Refused {
        code: ErrorCode::Quota,
        retry_after: Some(Duration::from_secs(60)),
    };
    assert_eq!(
        post.run(|tx| outbox::not_taken(tx, full, &no, at(0), 0))
            .unwrap(),
        Blame::Mailbox
    );
    assert_eq!(post.next(at(1000)), Some(other));
    assert_eq!(
        post.run(|tx| outbox::status(tx, Some(BOX)))
            .unwrap()
            .trouble
            .as_deref(),
        Some("quota")
    );
    assert_eq!(post.next(at(61_000)), Some(full));
    assert_eq!(
        post.next(at(-100_000_000)),
        Some(full),
        "a clock set back does not stop it"
    );
    post.hand(full);
    post.receive(full, 1, at(62_000));
    assert_eq!(
        post.run(|tx| outbox::status(tx, Some(BOX)))
            .unwrap()
            .trouble,
        None
    );
    let gone = RelayError::Unreachable(teleward_post::Reach::Timeout);
    assert_eq!(
        post.run(|tx| outbox::not_taken(tx, other, &gone, at(0), 0))
            .unwrap(),
        Blame::Line
    );
}

/// REQ-POST-007: only a receipt of a rostered relay key, for this file in this mailbox, counts.
#[test]
fn a_forged_or_foreign_receipt_changes_nothing() {
    let post = Post::new();
    let (id, other) = (post.add(Lane::Vitals, at(0)), post.add(Lane::Vitals, at(0)));
    post.hand(id);
    let size = sealed(0).bytes().len() as u64;
    let forger = SigningKey::from_seed(&[8; 32]);
    let good = receipt(id, 1, size);
    let bad = [
        good.sign(&forger),
        receipt(other, 1, size).sign(&relay()),
        receipt(id, 1, size + 1).sign(&relay()),
        receipt(id, 0, size).sign(&relay()),
        Receipt {
            mailbox: MailboxId([9; 16]),
            ..good.clone()
        }
        .sign(&relay()),
        "not.a.receipt".to_owned(),
    ];
    for text in bad {
        let refused = post.run(|tx| outbox::received(tx, id, &text, &[relay().public()], at(1)));
        assert!(matches!(refused, Err(PostError::Receipt(_))));
    }
    assert_eq!(
        post.run(|tx| outbox::state(tx, id)).unwrap(),
        Some(State::Handed)
    );
    post.receive(id, 1, at(2));
    assert_eq!(
        post.run(|tx| outbox::newest_receipts(tx, BOX)).unwrap(),
        [(relay().kid(), 1, id)]
    );
}

/// REQ-POST-008: an acknowledgement drops exactly what it covers; one that names what was never sent covers nothing.
#[test]
fn an_acknowledgement_covers_what_it_names() {
    let post = Post::new();
    let ids: Vec<_> = (0..4).map(|i| post.add(Lane::Vitals, at(i))).collect();
    ids[..3].iter().for_each(|id| post.hand(*id));
    let ack = |cover| post.run(|tx| outbox::acknowledge(tx, BOX, KID, cover, at(9)));
    for bad in [
        Cover::Through(2, ids[0]),
        Cover::Through(9, ids[0]),
        Cover::Through(0, ids[0]),
        Cover::Through(4, ids[3]),
        Cover::One(4, ids[3]),
        Cover::One(u64::MAX, ids[0]),
    ] {
        assert!(
            matches!(ack(bad), Err(PostError::NotOurs { .. })),
            "{bad:?}"
        );
    }
    assert_eq!(ack(Cover::One(3, ids[2])).unwrap(), [(3, ids[2])]);
    assert_eq!(
        ack(Cover::Through(2, ids[1])).unwrap(),
        [(1, ids[0]), (2, ids[1])]
    );
    assert_eq!(ack(Cover::Through(3, ids[2])).unwrap(), [], "twice is once");
    assert!(
        post.run(|tx| outbox::get(tx, ids[0])).unwrap().is_none(),
        "the bytes are gone"
    );
    assert_eq!(
        post.run(|tx| outbox::head(tx, BOX, KID)).unwrap(),
        Some((4, ids[3])),
        "the chain remembers"
    );
}

/// REQ-POST-009: an acknowledgement overdue by a day sends the same bytes again.
#[test]
fn an_overdue_acknowledgement_sends_the_same_bytes_again() {
    let post = Post::new();
    let id = post.add(Lane::Vitals, at(0));
    post.hand(id);
    post.receive(id, 1, at(0));
    let day = 24 * 3600 * 1000;
    assert_eq!(post.next(at(day - 1)), None);
    assert_eq!(post.next(at(day)), Some(id));
    post.receive(id, 1, at(day));
    assert_eq!(post.next(at(day + 1)), None);
}

#[test]
fn what_was_never_handed_over_can_be_dropped_and_sealed_anew() {
    let post = Post::new();
    let ids: Vec<_> = (0..3).map(|i| post.add(Lane::Vitals, at(i))).collect();
    post.hand(ids[0]);
    assert_eq!(
        post.run(|tx| outbox::drop_unhanded(tx, BOX, KID))
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        post.run(|tx| outbox::head(tx, BOX, KID)).unwrap(),
        Some((1, ids[0]))
    );
}

#[derive(Debug, Clone)]
enum Step {
    Add(u8),
    /// The request is lost before the relay, the answer after it, or neither.
    Send(u8),
    /// The other end acknowledges up to a file that the relay has.
    Acknowledge,
    Reopen,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// REQ-POST-010: whatever is lost or cut off on the way, each file arrives and is acknowledged exactly once.
    #[test]
    fn every_file_ends_acknowledged_once(steps in proptest::collection::vec(
        prop_oneof![
            (0..3_u8).prop_map(Step::Add), (0..3_u8).prop_map(Step::Send), (0..3_u8).prop_map(Step::Send),
            Just(Step::Acknowledge), Just(Step::Reopen),
        ], 0..40)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut post = Post { db: Database::open(&path, TABLES).unwrap(), _dir: tempfile::tempdir().unwrap() };
        // (file, arrival number); and what was acknowledged
        let (mut relay_has, mut done, mut added): (Vec<EnvelopeId>, Vec<EnvelopeId>, Vec<EnvelopeId>) = Default::default();
        let mut clock = 0;
        let mut finish = vec![];
        for _ in 0..steps.len() + 1 {
            finish.extend([Step::Send(2), Step::Acknowledge]);
        }
        for step in steps.into_iter().chain(finish) {
            clock += 1;
            match step {
                Step::Add(lane) => added.push(post.add([Lane::Alert, Lane::Vitals, Lane::Media][usize::from(lane)], at(clock))),
                Step::Send(fate) => {
                    let Some(id) = post.next(at(clock)) else { continue };
                    post.hand(id);
                    if fate == 0 { continue }
                    if !relay_has.contains(&id) { relay_has.push(id) }
                    if fate == 1 { continue }
                    let n = relay_has.iter().position(|x| *x == id).unwrap() as u64 + 1;
                    post.receive(id, n, at(clock));
                }
                Step::Acknowledge => {
                    // the station sees the longest prefix of the chain that is at the relay
                    let have = added.iter().take_while(|id| relay_has.contains(id)).count();
                    if have == 0 { continue }
                    let cover = Cover::Through(have as u64, added[have - 1]);
                    let new = post.run(|tx| outbox::acknowledge(tx, BOX, KID, cover, at(clock))).unwrap();
                    done.extend(new.into_iter().map(|(_, id)| id));
                }
                Step::Reopen => {
                    drop(post);
                    post = Post { db: Database::open(&path, TABLES).unwrap(), _dir: tempfile::tempdir().unwrap() };
                }
            }
            for id in added.iter().filter(|id| !done.contains(id)) {
                prop_assert!(post.run(|tx| outbox::get(tx, *id)).unwrap().is_some());
            }
        }
        done.sort_unstable();
        added.sort_unstable();
        prop_assert_eq!(done, added);
        let status = post.run(|tx| outbox::status(tx, None)).unwrap();
        prop_assert_eq!((status.waiting, status.at_relay, status.oldest), (0, 0, None));
    }
}

//! The chain of a mailbox: positions, gaps, forks, copies, replays, and the same answer in any order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed arrangement fails the test"
)]

use proptest::prelude::*;
use std::time::Duration;
use teleward_vault::{
    Chain, ChainEffect, ChainEvent, Finding, GRACE, Got, Novelty, Place, Positions, REPLAYS_TOLD,
    Standing,
};
use wire::{EnvelopeId, Hash, Kid, MailboxId, Time, sha256};

const BOX: MailboxId = MailboxId([1; 16]);
const KID: Kid = Kid([2; 32]);

fn at(seconds: u64) -> Time {
    Time::from_ms(1_800_000_000_000).plus(Duration::from_secs(seconds))
}

fn id(seq: u64) -> EnvelopeId {
    EnvelopeId(sha256(&[b"file", &seq.to_be_bytes()]).0)
}

/// An honest sender's file number `seq`.
fn place(seq: u64) -> Place {
    let prev = if seq == 1 {
        EnvelopeId(Hash::ZERO.0)
    } else {
        id(seq - 1)
    };
    Place {
        kid: KID,
        seq,
        prev,
        id: id(seq),
        header: sha256(&[b"header", &seq.to_be_bytes()]),
        standing: Standing::Released,
    }
}

fn take(chain: &mut Chain, place: Place, now: Time) -> Vec<ChainEffect> {
    chain.input(ChainEvent::Placed(place), now);
    effects(chain)
}

fn effects(chain: &mut Chain) -> Vec<ChainEffect> {
    std::iter::from_fn(|| chain.poll_effect()).collect()
}

fn tick(chain: &mut Chain, now: Time) -> Vec<ChainEffect> {
    chain.input(ChainEvent::Tick, now);
    effects(chain)
}

fn found(effects: &[ChainEffect]) -> Vec<&'static str> {
    let code = |effect: &ChainEffect| match effect {
        ChainEffect::Found(finding) => finding.code(),
        ChainEffect::Mended(_) => "mended",
    };
    effects.iter().map(code).collect()
}

fn with(seqs: &[u64]) -> Chain {
    let mut chain = Chain::new(BOX);
    for seq in seqs {
        assert!(take(&mut chain, place(*seq), at(0)).is_empty());
    }
    chain
}

/// REQ-VAULT-017: the position is the last before the first that is missing; what lies beyond is said apart.
#[test]
fn positions_stop_at_the_first_gap() {
    let chain = with(&[1, 2, 4, 6]);
    assert_eq!(chain.got(), [Got(KID, 2, id(2))]);
    assert_eq!(
        chain.positions(&KID),
        Positions {
            stored: Some((2, id(2))),
            also: vec![(4, id(4)), (6, id(6))],
            missing: vec![3, 5]
        }
    );
    assert_eq!(Chain::new(BOX).positions(&KID), Positions::default());
    assert!(
        with(&[2]).got().is_empty(),
        "nothing is covered while the first is missing"
    );
}

/// REQ-VAULT-018: a gap is told once, after a grace time, and mends when the rest comes.
/// HAZ-VAULT-003: mail that went missing is not noticed.
#[test]
fn a_gap_is_told_once_and_mends() {
    let mut chain = with(&[1, 4]);
    let due = at(0).plus(GRACE);
    assert_eq!(chain.deadline(), Some(due));
    assert!(tick(&mut chain, due.minus(Duration::from_millis(1))).is_empty());
    let gap = Finding::Gap {
        mailbox: BOX,
        kid: KID,
        from: 2,
        to: 3,
    };
    assert_eq!(tick(&mut chain, due), [ChainEffect::Found(gap.clone())]);
    assert!(tick(&mut chain, due.plus(GRACE)).is_empty());
    assert_eq!(chain.deadline(), None);
    assert!(
        take(&mut chain, place(3), due.plus(GRACE)).is_empty(),
        "still open"
    );
    assert_eq!(
        take(&mut chain, place(2), due.plus(GRACE)),
        [ChainEffect::Mended(gap)]
    );
    assert_eq!(chain.got(), [Got(KID, 4, id(4))]);
}

/// REQ-VAULT-019: two headers at one place are a fork; one header in two files is a copy; neither delays anything.
#[test]
fn a_fork_is_not_a_copy() {
    let mut chain = with(&[1, 2]);
    let copy = Place {
        id: EnvelopeId([9; 32]),
        ..place(2)
    };
    assert_eq!(chain.judge(&copy), Novelty::Copy);
    assert_eq!(found(&take(&mut chain, copy, at(1))), ["copy"]);
    let fork = Place {
        id: EnvelopeId([8; 32]),
        header: Hash([8; 32]),
        ..place(2)
    };
    assert_eq!(chain.judge(&fork), Novelty::Fork);
    assert_eq!(found(&take(&mut chain, fork, at(1))), ["fork"]);
    assert!(
        take(&mut chain, fork, at(2)).is_empty(),
        "the same file again says nothing new"
    );
    assert_eq!(chain.judge(&place(2)), Novelty::Held);
    assert_eq!(chain.got(), [Got(KID, 2, id(2))]);
}

/// REQ-VAULT-020: of two copies the one that a later letter names stands in the acknowledgement.
#[test]
fn the_copy_that_a_later_letter_names_stands() {
    let mut chain = Chain::new(BOX);
    let copy = Place {
        id: EnvelopeId([9; 32]),
        ..place(1)
    };
    take(&mut chain, copy, at(0));
    take(&mut chain, place(1), at(0));
    assert_eq!(chain.got(), [Got(KID, 1, copy.id)], "the first that came");
    take(&mut chain, place(3), at(0));
    take(&mut chain, place(2), at(0));
    assert_eq!(chain.got(), [Got(KID, 3, id(3))]);
    let mut chain = Chain::new(BOX);
    for place in [copy, place(1), Place { seq: 3, ..place(3) }] {
        take(&mut chain, place, at(0));
    }
    take(
        &mut chain,
        Place {
            prev: id(1),
            ..place(2)
        },
        at(0),
    );
    assert_eq!(chain.positions(&KID).stored, Some((3, id(3))));
}

/// REQ-VAULT-021: a predecessor that is none of those held is told after the grace time, unless the right one comes.
#[test]
fn a_broken_chain_is_told_after_the_grace_time() {
    let mut chain = with(&[1]);
    let stray = Place {
        prev: EnvelopeId([9; 32]),
        ..place(2)
    };
    assert!(take(&mut chain, stray, at(60)).is_empty());
    let due = at(60).plus(GRACE);
    assert_eq!(chain.deadline(), Some(due));
    assert_eq!(found(&tick(&mut chain, due)), ["broken_chain"]);
    assert!(tick(&mut chain, due.plus(GRACE)).is_empty());

    let mut chain = with(&[1]);
    take(&mut chain, stray, at(60));
    let named = Place {
        id: EnvelopeId([9; 32]),
        ..place(1)
    };
    assert_eq!(found(&take(&mut chain, named, at(61))), ["copy"]);
    assert!(tick(&mut chain, due).is_empty(), "the named one came");

    let mut chain = Chain::new(BOX);
    take(
        &mut chain,
        Place {
            prev: EnvelopeId([9; 32]),
            ..place(1)
        },
        at(0),
    );
    assert_eq!(
        found(&tick(&mut chain, at(0).plus(GRACE))),
        ["broken_chain"],
        "the first has no predecessor"
    );
}

/// REQ-VAULT-022: a file that could not be read gets its number from the next one that names it.
#[test]
fn a_refused_file_gets_its_number_from_the_next() {
    for refused_first in [true, false] {
        let mut chain = with(&[1]);
        if refused_first {
            chain.input(ChainEvent::Unplaced(id(2)), at(1));
            assert_eq!(chain.number_of(id(2)), None);
            take(&mut chain, place(3), at(2));
        } else {
            take(&mut chain, place(3), at(1));
            chain.input(ChainEvent::Unplaced(id(2)), at(2));
        }
        assert_eq!(chain.number_of(id(2)), Some(2));
        assert_eq!(chain.got(), [Got(KID, 3, id(3))], "refused ones count");
        assert!(tick(&mut chain, at(2).plus(GRACE)).is_empty());
    }
    let mut chain = with(&[1]);
    chain.input(ChainEvent::Unplaced(EnvelopeId([9; 32])), at(1));
    take(&mut chain, place(3), at(2));
    assert_eq!(
        chain.got(),
        [Got(KID, 1, id(1))],
        "a stranger's file closes no gap"
    );
}

/// REQ-VAULT-023: replays are told from the tenth a day.
#[test]
fn replays_are_told_from_the_tenth_a_day() {
    let mut chain = with(&[1]);
    let mut told = Vec::new();
    for _ in 0..REPLAYS_TOLD * 2 {
        chain.input(ChainEvent::Replayed(id(1)), at(0));
        told.extend(effects(&mut chain));
    }
    assert_eq!(found(&told), ["replays"]);
    for n in 1..=REPLAYS_TOLD {
        chain.input(ChainEvent::Replayed(id(1)), at(24 * 3600));
        assert_eq!(effects(&mut chain).len(), usize::from(n == REPLAYS_TOLD));
    }
}

/// REQ-VAULT-024: an acknowledgement of what was never sent covers nothing.
#[test]
fn an_acknowledgement_of_something_else_is_a_finding() {
    let sent = |seq: u64| (seq <= 3).then(|| id(seq));
    assert_eq!(Finding::got(BOX, &Got(KID, 3, id(3)), sent), None);
    for got in [Got(KID, 4, id(4)), Got(KID, 3, id(2))] {
        assert_eq!(
            Finding::got(BOX, &got, sent).unwrap().code(),
            "got_beyond_sent"
        );
    }
}

#[test]
fn a_waiting_file_is_stored_only_once_it_is_released() {
    let mut chain = with(&[1]);
    take(
        &mut chain,
        Place {
            standing: Standing::Waiting,
            ..place(3)
        },
        at(0),
    );
    assert!(chain.positions(&KID).also.is_empty());
    take(&mut chain, place(3), at(1));
    assert_eq!(chain.positions(&KID).also, [(3, id(3))]);
}

#[test]
fn senders_are_named_most_recently_heard_first() {
    let mut chain = Chain::new(BOX);
    for n in 1..=10_u8 {
        take(
            &mut chain,
            Place {
                kid: Kid([n; 32]),
                ..place(1)
            },
            at(n.into()),
        );
    }
    let got = chain.got();
    assert_eq!(got.len(), 8);
    assert_eq!((got[0].0, got[7].0), (Kid([10; 32]), Kid([3; 32])));
}

#[test]
fn a_jump_to_a_huge_number_costs_nothing() {
    let mut chain = with(&[1]);
    take(
        &mut chain,
        Place {
            prev: id(9),
            ..place(1 << 53)
        },
        at(0),
    );
    assert_eq!(chain.positions(&KID).missing.len(), 64);
    assert_eq!(found(&tick(&mut chain, at(0).plus(GRACE))), ["gap"]);
    assert!(serde_json::to_string(&chain).unwrap().len() < 2000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// REQ-VAULT-025: whatever order letters come in, and however often, an honest chain ends whole and without findings;
    /// stored and loaded in between, it goes on the same.
    #[test]
    fn an_honest_sender_in_any_order_leaves_no_finding(
        order in Just((1..=40_u64).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..40_usize, 0..20),
        reload in 0..40_usize,
    ) {
        let mut chain = Chain::new(BOX);
        for (i, seq) in order.iter().enumerate() {
            prop_assert!(take(&mut chain, place(*seq), at(0)).is_empty());
            if i == reload {
                let text = serde_json::to_string(&chain).unwrap();
                let loaded: Chain = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&loaded, &chain);
                chain = loaded;
            }
            let positions = chain.positions(&KID);
            let head = positions.stored.map_or(0, |(seq, _)| seq);
            prop_assert!((1..=head).all(|seq| order[..=i].contains(&seq)), "nothing missing is covered");
            prop_assert!(!order[..=i].contains(&(head + 1)));
            prop_assert_eq!(positions.also.len() as u64 + head, i as u64 + 1);
        }
        for i in again {
            prop_assert!(take(&mut chain, place(order[i]), at(1)).is_empty());
        }
        prop_assert_eq!(chain.got(), [Got(KID, 40, id(40))]);
        prop_assert!(tick(&mut chain, at(0).plus(GRACE * 2)).is_empty());
    }

    /// What is missing after the grace time is told, each number once, however the chain was fed.
    #[test]
    fn whatever_is_missing_is_told(kept in proptest::collection::btree_set(1..60_u64, 1..40)) {
        let mut chain = Chain::new(BOX);
        let mut told: Vec<u64> = Vec::new();
        let tell = |told: &mut Vec<u64>, effects: Vec<ChainEffect>| {
            for effect in effects {
                if let ChainEffect::Found(Finding::Gap { from, to, .. }) = effect {
                    told.extend(from..=to);
                }
            }
        };
        for (i, seq) in kept.iter().enumerate() {
            let effects = take(&mut chain, place(*seq), at(i as u64 * 3600));
            tell(&mut told, effects);
        }
        let effects = tick(&mut chain, at(1_000_000));
        tell(&mut told, effects);
        let last = *kept.last().unwrap();
        let missing: Vec<u64> = (1..last).filter(|seq| !kept.contains(seq)).collect();
        prop_assert_eq!(told, missing);
    }
}

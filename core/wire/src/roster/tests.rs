//! Which lines count.

use super::*;
use std::time::Duration;

fn root(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn roster(n: u32, prev: Hash, by: u8, next: u8) -> Roster {
    let key = |seed| SigningKey::from_seed(&[seed; 32]).public();
    Roster {
        v: 1,
        n,
        prev,
        at: Time::from_ms(0).plus(Duration::from_secs(n.into())),
        root: root(by).public(),
        next_root: next_root_hash(&root(next).public()),
        clinic: Clinic {
            name: "Clinic".into(),
            phone: "1".into(),
            emergency: "2".into(),
            languages: vec!["en".into()],
        },
        stations: vec![Station {
            sign: key(50),
            auth: key(51),
            age: "age1pq1qq".into(),
            state: StationState::Active,
            since: Time::from_ms(0),
        }],
        escrow: vec![],
        relays: vec![Relay {
            url: "https://relay.example".into(),
            receipt: vec![key(52)],
            state: RelayState::Active,
            until: None,
        }],
        mirrors: vec![],
        beat_hours: 24,
        keep_days: 14,
        cover: Cover {
            hours: "Mon-Fri 8-17".into(),
            text: "We look on working days.".into(),
        },
        notices: vec![],
        review_by: None,
    }
}

fn hash_of(jws: &str) -> Hash {
    sha256(&[jws.as_bytes()])
}

/// Rosters 1 and 2 by root 1 (next: 2), roster 3 by root 2 (next: 3).
fn three() -> [String; 3] {
    let one = roster(1, Hash::ZERO, 1, 2).sign(&root(1)).unwrap();
    let two = roster(2, hash_of(&one), 1, 2).sign(&root(1)).unwrap();
    let three = roster(3, hash_of(&two), 2, 3).sign(&root(2)).unwrap();
    [one, two, three]
}

fn chain(lines: &[String]) -> RosterChain {
    let mut chain = RosterChain::pinned(root(1).public());
    for line in lines {
        assert_eq!(chain.feed(line), Ok(RosterNews::Accepted));
    }
    chain
}

#[test]
fn an_announced_root_takes_over_and_lines_may_come_twice() {
    let lines = three();
    let mut chain = chain(&lines);
    assert_eq!(chain.newest().unwrap().roster.n, 3);
    assert_eq!(chain.feed(&lines[1]), Ok(RosterNews::Held));
    assert_eq!(chain.get(2).unwrap().hash, hash_of(&lines[1]));
}

#[test]
fn a_joiner_starts_at_the_first_roster_of_its_root() {
    let lines = three();
    let mut chain = RosterChain::pinned(root(2).public());
    let news: Vec<_> = chain.feed_lines(&lines.join("\n")).collect();
    assert_eq!(
        news,
        [
            Ok(RosterNews::BeforeStart),
            Ok(RosterNews::BeforeStart),
            Ok(RosterNews::Accepted)
        ]
    );
    assert_eq!(chain.feed(&lines[0]), Ok(RosterNews::BeforeStart));
}

#[test]
fn a_roster_that_does_not_follow_is_refused() {
    let lines = three();
    let (one, two, three) = (hash_of(&lines[0]), hash_of(&lines[1]), hash_of(&lines[2]));
    let after_two = |line: Roster, by: u8| chain(&lines[..2]).feed(&line.sign(&root(by)).unwrap());
    assert_eq!(
        after_two(roster(3, one, 1, 2), 1),
        Err(RosterRefusal::Broken(3))
    );
    assert_eq!(
        after_two(roster(4, two, 1, 2), 1),
        Err(RosterRefusal::Gap {
            wanted: 3,
            found: 4
        })
    );
    assert_eq!(
        after_two(roster(3, two, 1, 4), 1),
        Err(RosterRefusal::Rotation(3)),
        "next root changed alone"
    );
    assert_eq!(
        after_two(roster(3, two, 4, 5), 4),
        Err(RosterRefusal::ForeignRoot)
    );
    assert_eq!(
        after_two(roster(3, two, 2, 1), 2),
        Err(RosterRefusal::Rotation(3)),
        "a used root announced again"
    );
    let mut other = roster(2, one, 1, 2);
    other.keep_days = 15;
    assert_eq!(after_two(other, 1), Err(RosterRefusal::Fork(2)));
    // the old root may not go on after the new one took over
    let mut all = chain(&lines);
    let late = roster(4, three, 1, 2).sign(&root(1)).unwrap();
    assert_eq!(all.feed(&late), Err(RosterRefusal::Rotation(4)));
    assert_eq!(all.newest().unwrap().roster.n, 3);
}

#[test]
fn a_signature_by_another_key_than_the_roster_names_is_refused() {
    let forged = jws::sign_json(&root(9), TYP, &roster(1, Hash::ZERO, 1, 2));
    let refused = RosterChain::pinned(root(1).public()).feed(&forged);
    assert_eq!(refused, Err(RosterRefusal::Statement(JwsError::Kid)));
}

#[test]
fn content_that_contradicts_the_format_is_never_signed() {
    let bad = |change: fn(&mut Roster)| {
        let mut roster = roster(1, Hash::ZERO, 1, 2);
        change(&mut roster);
        matches!(roster.sign(&root(1)), Err(RosterRefusal::Content(_)))
    };
    assert!(bad(|r| r.v = 2));
    assert!(bad(|r| r.n = 2));
    assert!(bad(|r| r.stations.clear()));
    assert!(bad(|r| r.stations[0].age = "age1xyz".into()));
    assert!(bad(
        |r| r.relays[0].url = "https://relay.example/path".into()
    ));
    assert!(bad(|r| r.relays[0].url = "https://relay.example/".into()));
    assert!(bad(|r| r.next_root = next_root_hash(&r.root)));
    assert!(bad(|r| r.escrow = (0..16)
        .map(|i| Escrow {
            age: format!("age1pq1q{i}"),
            label: String::new()
        })
        .collect()));
}

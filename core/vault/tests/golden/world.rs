//! One small clinic with fixed keys: two rosters, one link, two circles.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use teleward_vault::{
    AgeIdentity, AgeRecipient, Circle, CircleChain, CircleLink, Invite, LinkState, Role,
};
use wire::roster::{
    Clinic, Cover, Escrow, Relay, RelayState, Roster, RosterChain, Station, StationState,
    next_root_hash,
};
use wire::{Hash, PublicKey, SigningKey, Time, sha256};

pub const RELAY: &str = "https://relay.example";
pub const SECRET: [u8; 32] = [0x42; 32];

/// Seeds by name: 32 equal bytes each.
pub mod seed {
    pub const ROOT: u8 = 1;
    pub const NEXT_ROOT: u8 = 2;
    pub const THIRD_ROOT: u8 = 3;
    pub const STATION_SIGN: u8 = 10;
    pub const STATION_AUTH: u8 = 11;
    pub const STATION_AGE: u8 = 12;
    pub const RESERVE_SIGN: u8 = 13;
    pub const NEW_SIGN: u8 = 14;
    pub const NEW_AUTH: u8 = 15;
    pub const NEW_AGE: u8 = 16;
    pub const BAD_SIGN: u8 = 17;
    pub const BAD_AUTH: u8 = 18;
    pub const BAD_AGE: u8 = 19;
    pub const ESCROW_AGE: u8 = 20;
    pub const RECEIPT: u8 = 25;
    pub const INSTALL_SIGN: u8 = 30;
    pub const INSTALL_AUTH: u8 = 31;
    pub const INSTALL_AGE: u8 = 32;
    pub const RECOVERY: u8 = 33;
    pub const NEW_RECOVERY: u8 = 34;
    pub const STRANGER: u8 = 40;
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub fn public(seed: u8) -> PublicKey {
    key(seed).public()
}

/// Made once each: these keys are costly without optimisation.
pub fn age(seed: u8) -> AgeIdentity {
    static MADE: Mutex<BTreeMap<u8, AgeIdentity>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    made.entry(seed)
        .or_insert_with(|| AgeIdentity::from_seed(&[seed; 32]).unwrap())
        .clone()
}

pub fn to(seed: u8) -> AgeRecipient {
    age(seed).recipient().clone()
}

/// 2026-11-24T07:00:00.000Z, and hours after it.
pub fn at(hours: u64) -> Time {
    Time::parse("2026-11-24T07:00:00.000Z")
        .unwrap()
        .plus(Duration::from_secs(hours * 3600))
}

pub fn invite() -> Invite {
    Invite::new(RELAY, public(seed::ROOT), &SECRET, at(72), 1).unwrap()
}

fn station(sign: u8, auth: u8, age: u8, state: StationState, since: Time) -> Station {
    Station {
        sign: public(sign),
        auth: public(auth),
        age: to(age).to_string(),
        state,
        since,
    }
}

pub fn roster(n: u32, prev: Hash, stations: Vec<Station>, root: u8, next: u8) -> Roster {
    Roster {
        v: 1,
        n,
        prev,
        at: at(u64::from(n - 1) * 240),
        root: public(root),
        next_root: next_root_hash(&public(next)),
        clinic: Clinic {
            name: "Practice Dr. Ahlgren".into(),
            phone: "+46 8 123 45 67".into(),
            emergency: "112".into(),
            languages: vec!["sv".into(), "en".into()],
        },
        stations,
        escrow: vec![Escrow {
            age: to(seed::ESCROW_AGE).to_string(),
            label: "Regional archive".into(),
        }],
        relays: vec![Relay {
            url: RELAY.into(),
            receipt: vec![public(seed::RECEIPT)],
            state: RelayState::Active,
            until: None,
        }],
        mirrors: vec!["https://clinic.example/teleward.ndjson".into()],
        beat_hours: 24,
        keep_days: 14,
        cover: Cover {
            hours: "Mon–Fri 8–17".into(),
            text: "We look at readings on working days.".into(),
        },
        notices: vec![],
        review_by: Some(at(24 * 365)),
    }
}

/// Roster 1: a station, its reserve, and a second station. Roster 2, ten days later, by the same root: the first two
/// retired, the second compromised, a new one active.
pub fn roster_lines() -> [String; 2] {
    static MADE: OnceLock<[String; 2]> = OnceLock::new();
    MADE.get_or_init(make_roster_lines).clone()
}

fn make_roster_lines() -> [String; 2] {
    use StationState::{Active, Compromised, Reserve, Retired};
    let one = roster(
        1,
        Hash::ZERO,
        vec![
            station(
                seed::STATION_SIGN,
                seed::STATION_AUTH,
                seed::STATION_AGE,
                Active,
                at(0),
            ),
            station(
                seed::RESERVE_SIGN,
                seed::STATION_AUTH,
                seed::STATION_AGE,
                Reserve,
                at(0),
            ),
            station(seed::BAD_SIGN, seed::BAD_AUTH, seed::BAD_AGE, Active, at(0)),
        ],
        seed::ROOT,
        seed::NEXT_ROOT,
    );
    let one = one.sign(&key(seed::ROOT)).unwrap();
    let two = roster(
        2,
        sha256(&[one.as_bytes()]),
        vec![
            station(
                seed::STATION_SIGN,
                seed::STATION_AUTH,
                seed::STATION_AGE,
                Retired,
                at(240),
            ),
            station(
                seed::RESERVE_SIGN,
                seed::STATION_AUTH,
                seed::STATION_AGE,
                Retired,
                at(240),
            ),
            station(
                seed::BAD_SIGN,
                seed::BAD_AUTH,
                seed::BAD_AGE,
                Compromised,
                at(240),
            ),
            station(
                seed::NEW_SIGN,
                seed::NEW_AUTH,
                seed::NEW_AGE,
                Active,
                at(240),
            ),
        ],
        seed::ROOT,
        seed::NEXT_ROOT,
    );
    [one, two.sign(&key(seed::ROOT)).unwrap()]
}

/// The rosters from `first` to `last`.
pub fn rosters(first: usize, last: usize) -> RosterChain {
    let mut chain = RosterChain::pinned(public(seed::ROOT));
    for line in &roster_lines()[first - 1..last] {
        chain.feed(line).unwrap();
    }
    chain
}

fn install(state: LinkState, since: Time) -> CircleLink {
    CircleLink {
        kid: key(seed::INSTALL_SIGN).kid(),
        age: to(seed::INSTALL_AGE),
        role: Role::Patient,
        label: "Phone".into(),
        since,
        state,
    }
}

/// Circle 1 is that of a pending link; circle 2, after a person confirmed it, has another recovery key.
pub fn circle_texts() -> [String; 2] {
    static MADE: OnceLock<[String; 2]> = OnceLock::new();
    MADE.get_or_init(make_circle_texts).clone()
}

fn make_circle_texts() -> [String; 2] {
    let mut chain = CircleChain::new(Some(to(seed::RECOVERY)));
    let one: Circle = chain.next(
        vec![install(LinkState::Pending, at(1))],
        Some(to(seed::RECOVERY)),
    );
    chain.feed(&one.to_text()).unwrap();
    let two = chain.next(
        vec![install(LinkState::Confirmed, at(2))],
        Some(to(seed::NEW_RECOVERY)),
    );
    [one.to_text(), two.to_text()]
}

/// The first `count` circles of the link.
pub fn circles(count: usize) -> CircleChain {
    let mut chain = CircleChain::new(Some(to(seed::RECOVERY)));
    for text in &circle_texts()[..count] {
        chain.feed(text).unwrap();
    }
    chain
}

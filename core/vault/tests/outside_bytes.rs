//! Whatever comes from outside, each reader ends with a value or a typed error.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed arrangement fails the test"
)]

use proptest::prelude::*;
use std::sync::OnceLock;
use teleward_vault::{
    Ack, AgeIdentity, AgeRecipient, Beat, Circle, CircleChain, Content as _, Invite, Join, Outcome,
    Plaintext, RecoverySheet, Resend, RootSheet, RosterMail, Seen, UpContext, UpSender, Void,
    Welcome, open_up,
};
use wire::roster::RosterChain;
use wire::{EnvelopeId, MailboxId, SigningKey, sha256};

fn golden(path: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/../../tests/golden/{path}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

/// Good bytes with a few replaced, removed or put in.
fn damaged(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    proptest::collection::vec((0..length, any::<u8>(), 0..3_u8), 0..4).prop_map(move |edits| {
        let mut bytes = good.clone();
        for (at, byte, kind) in edits {
            let at = at.min(bytes.len() - 1);
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.splice(at..=at, [])),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn every_text_reader(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let answers = [
        Invite::parse(&text).is_ok(),
        Circle::parse(&text).is_ok(),
        CircleChain::default().feed(&text).is_ok(),
        RecoverySheet::parse(&text).is_ok(),
        RootSheet::parse(&text).is_ok(),
        text.parse::<AgeRecipient>().is_ok(),
        Join::parse(bytes).is_ok(),
        Welcome::parse(bytes).is_ok(),
        Ack::parse(bytes).is_ok(),
        Seen::parse(bytes).is_ok(),
        Beat::parse(bytes).is_ok(),
        Void::parse(bytes).is_ok(),
        Resend::parse(bytes).is_ok(),
        RosterMail::parse(bytes).is_ok(),
        Plaintext::parse(bytes).is_ok_and(|plain| plain.content().is_ok()),
    ];
    assert!(
        answers.into_iter().filter(|taken| *taken).count() <= 3,
        "kinds of content are told apart"
    );
}

/// A plaintext as a station finds it, from a golden file.
fn plaintext() -> Vec<u8> {
    let station = AgeIdentity::from_seed(&[12; 32]).unwrap();
    teleward_vault::open_file(&golden("envelope/accept-readings.age"), &[station])
        .unwrap()
        .expose()
        .clone()
}

/// What the station of the golden files holds: made once, since its keys are costly without optimisation.
struct Station {
    good: Vec<u8>,
    up: MailboxId,
    identities: [AgeIdentity; 1],
    rosters: RosterChain,
    circles: CircleChain,
}

fn station() -> &'static Station {
    static MADE: OnceLock<Station> = OnceLock::new();
    MADE.get_or_init(|| {
        let text = |path: &str| String::from_utf8(golden(path)).unwrap();
        let mut rosters = RosterChain::pinned(SigningKey::from_seed(&[1; 32]).public());
        rosters
            .feed(text("roster/rosters.ndjson").lines().next().unwrap())
            .unwrap();
        let mut circles = CircleChain::default();
        circles.feed(&text("circle/1.json")).unwrap();
        let join: serde_json::Value = serde_json::from_str(&text("join/expected.json")).unwrap();
        Station {
            good: golden("envelope/accept-readings.age"),
            up: join["up"].as_str().unwrap().parse().unwrap(),
            identities: [AgeIdentity::from_seed(&[12; 32]).unwrap()],
            rosters,
            circles,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// REQ-VAULT-031: no bytes from outside make a reader panic.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        every_text_reader(&bytes);
    }

    /// REQ-VAULT-031: no bytes from outside make a reader panic.
    #[test]
    fn damaged_texts_are_answered(
        join in damaged(golden("join/content.json")),
        circle in damaged(golden("circle/1.json")),
        plaintext in damaged(plaintext()),
    ) {
        every_text_reader(&join);
        every_text_reader(&circle);
        every_text_reader(&plaintext);
    }

    /// REQ-VAULT-032: a file that was changed in any byte is never released.
    /// HAZ-VAULT-001: a reading forged or altered on the way is shown as the patient's.
    #[test]
    fn a_changed_file_is_never_released(file in damaged(golden("envelope/accept-readings.age"))) {
        let station = station();
        let context = UpContext {
            mailbox: station.up,
            identities: &station.identities,
            rosters: &station.rosters,
            sender: UpSender::Joined { sign: SigningKey::from_seed(&[30; 32]).public(), join: EnvelopeId([9; 32]) },
            circles: &station.circles,
        };
        let id = EnvelopeId(sha256(&[&file]).0);
        let released = matches!(open_up(id, file.clone(), &context), Outcome::Released(_));
        prop_assert_eq!(released, file == station.good);
    }
}

//! Envelopes: what is released and what waits, one file each; those that are wrong are listed in `rejects`.

use crate::files::{expected, kept};
use crate::letter::{Letter, grease_bytes};
use crate::plain::join;
use crate::world::{
    age, at, circle_texts, circles, invite, key, public, roster_lines, rosters, seed, to,
};
use serde_json::{Value, json};
use teleward_vault::{
    Ack, AgeIdentity, CircleChain, Content as _, DownContext, JoinTerms, LinkState, Outcome, Proof,
    Recipients, Refusal, RosterMail, Stored, UpContext, UpSender, WaitReason, Welcome, open_down,
    open_up, seal_file,
};
use wire::{EnvelopeId, Hash, Sealed, Time, sha256};

/// One file with what its reader holds and what it must say.
pub struct Case {
    pub name: &'static str,
    pub file: Vec<u8>,
    pub up: bool,
    /// The link: `open`, `withdrawn`, or joined.
    pub link: &'static str,
    pub rosters: (usize, usize),
    pub circles: usize,
    pub arrived: Time,
    pub says: String,
}

pub const READINGS: &[u8] = b"{\"resourceType\":\"Observation\",\"id\":\"example\"}\n";
/// Recipients up under roster 1 and circle 1, and under roster 2 and circle 2.
pub const UP_1: &[u8] = &[
    seed::STATION_AGE,
    seed::BAD_AGE,
    seed::ESCROW_AGE,
    seed::RECOVERY,
];
pub const UP_2: &[u8] = &[seed::NEW_AGE, seed::ESCROW_AGE, seed::NEW_RECOVERY];
pub const DOWN_1: &[u8] = &[seed::INSTALL_AGE, seed::RECOVERY];
pub const DOWN_2: &[u8] = &[seed::INSTALL_AGE, seed::NEW_RECOVERY];

pub fn readings() -> Letter {
    Letter::new(true, "readings", READINGS, 1, 1, UP_1)
}

pub fn seen() -> Letter {
    let content =
        json!({"v": 1, "readings": [Hash([5; 32])], "at": at(4), "by": "nurse"}).to_string() + "\n";
    Letter::new(false, "seen", content.as_bytes(), 1, 1, DOWN_1)
}

pub fn joining() -> Letter {
    let content = join().to_content().unwrap();
    let proof = Proof::make(
        &invite().proof_key(),
        invite().up(),
        key(seed::INSTALL_SIGN).kid(),
        &sha256(&[&content]),
    );
    Letter::new(true, "join", &content, 1, 0, UP_1)
        .set("seq", json!(1))
        .set("prev", json!(Hash::ZERO))
        .set("proof", json!(proof))
}

fn says(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Released(released) => format!("released {}", released.header.kind),
        Outcome::Waiting(waiting) => format!("waiting {}", waiting.reason.code()),
        Outcome::Quarantined(quarantined) => format!("quarantined {}", quarantined.reason.code()),
    }
}

pub fn refused(reason: Refusal) -> String {
    format!("quarantined {}", reason.code())
}

fn waits(reason: WaitReason) -> String {
    format!("waiting {}", reason.code())
}

pub struct Cases(Vec<Case>);

impl Cases {
    pub fn file(
        &mut self,
        name: &'static str,
        up: bool,
        make: impl FnOnce() -> Vec<u8>,
        says: String,
    ) -> &mut Case {
        let file = kept("envelope", &format!("{name}.age"), make);
        self.0.push(Case {
            name,
            file,
            up,
            link: "joined",
            rosters: (1, 1),
            circles: 1,
            arrived: at(5),
            says,
        });
        self.0.last_mut().unwrap()
    }

    pub fn letter(&mut self, name: &'static str, letter: &Letter, says: String) -> &mut Case {
        let up = letter.header["box"] != json!(invite().down());
        self.file(name, up, || letter.seal(), says)
    }

    fn released(&mut self) {
        let ok = |kind: &str| format!("released {kind}");
        self.letter("accept-join", &joining(), ok("join")).link = "open";
        self.letter("accept-readings", &readings(), ok("readings"));
        let case = self.letter(
            "accept-readings-under-roster-2-circle-2",
            &Letter::new(true, "readings", READINGS, 2, 2, UP_2),
            ok("readings"),
        );
        (case.rosters, case.circles) = ((1, 2), 2);
        let case = self.letter(
            "accept-readings-under-the-older-roster",
            &readings(),
            ok("readings"),
        );
        (case.rosters, case.circles) = ((1, 2), 2);
        self.letter(
            "accept-empty-beat",
            &Letter::new(true, "beat", b"", 1, 1, UP_1),
            ok("beat"),
        );
        self.letter(
            "accept-unknown-type",
            &Letter::new(true, "postcard", b"{}\n", 1, 1, UP_1),
            ok("postcard"),
        );
        self.letter(
            "accept-unknown-member",
            &readings().set("later", json!({"a": [1]})),
            ok("readings"),
        );
        self.letter("accept-seen", &seen(), ok("seen"));
        let [circle, _] = circle_texts();
        let welcome = Welcome {
            v: 1,
            join: EnvelopeId([9; 32]),
            state: LinkState::Pending,
            enrolment: "0f".repeat(16),
            circle,
            plan: None,
        };
        self.letter(
            "accept-welcome",
            &Letter::new(false, "welcome", &welcome.to_content(), 1, 0, DOWN_1),
            ok("welcome"),
        )
        .circles = 0;
        let ack = Ack {
            v: 1,
            stored: Some(Stored {
                seq: 2,
                id: EnvelopeId([8; 32]),
            }),
            also: vec![(4, EnvelopeId([6; 32]))],
            refused: vec![],
            missing: vec![3],
            log: Hash([3; 32]),
        };
        self.letter(
            "accept-ack",
            &Letter::new(false, "ack", &ack.to_content(), 1, 1, DOWN_1),
            ok("ack"),
        );
        self.letter(
            "accept-by-the-reserve-key",
            &seen().by(seed::RESERVE_SIGN),
            ok("seen"),
        );
        let case = self.letter("accept-by-a-key-retired-later", &seen(), ok("seen"));
        (case.rosters, case.arrived) = ((1, 2), at(240 + 14 * 24));
    }

    fn waiting(&mut self) {
        self.letter("wait-for-the-join", &readings(), waits(WaitReason::Sender))
            .link = "open";
        self.letter(
            "wait-for-roster-2",
            &Letter::new(
                true,
                "readings",
                READINGS,
                2,
                1,
                &[seed::NEW_AGE, seed::ESCROW_AGE, seed::STATION_AGE],
            ),
            waits(WaitReason::Roster(2)),
        );
        self.letter(
            "wait-for-circle-2",
            &Letter::new(
                true,
                "readings",
                READINGS,
                1,
                2,
                &[
                    seed::STATION_AGE,
                    seed::BAD_AGE,
                    seed::ESCROW_AGE,
                    seed::NEW_RECOVERY,
                ],
            ),
            waits(WaitReason::Circle(2)),
        );
        self.letter(
            "wait-for-circle-2-down",
            &Letter::new(false, "seen", b"{}\n", 1, 2, DOWN_2),
            waits(WaitReason::Circle(2)),
        );
        self.letter(
            "wait-for-a-newer-program",
            &readings().set("v", json!(2)),
            waits(WaitReason::Update),
        );
        let mail = RosterMail {
            v: 1,
            jws: roster_lines()[1].clone(),
        };
        self.letter(
            "wait-for-the-roster-that-it-carries",
            &Letter::new(false, "roster", &mail.to_content(), 2, 1, DOWN_1).by(seed::NEW_SIGN),
            waits(WaitReason::Sender),
        );
        let case = self.letter(
            "wait-for-a-person-late-join",
            &joining(),
            waits(WaitReason::LateJoin),
        );
        (case.link, case.arrived) = ("open", at(72 + 7 * 24 + 1));
    }
}

fn read(case: &Case) -> Outcome {
    let invite = invite();
    let (rosters, circles) = (
        rosters(case.rosters.0, case.rosters.1),
        circles(case.circles),
    );
    let mut id = EnvelopeId(sha256(&[&case.file]).0);
    if case.name == "reject-not-the-file-of-its-id" {
        id.0[0] ^= 1;
    }
    if !case.up {
        let identity = age(seed::INSTALL_AGE);
        let context = DownContext {
            mailbox: invite.down(),
            identity: &identity,
            rosters: &rosters,
            circles: &circles,
            arrived: case.arrived,
        };
        return open_down(id, case.file.clone(), &context);
    }
    let identities: Vec<AgeIdentity> = [seed::STATION_AGE, seed::NEW_AGE].map(age).into();
    let proof_key = invite.proof_key();
    let terms = JoinTerms {
        proof_key: &proof_key,
        expires: invite.expires(),
        listed: case.arrived,
        withdrawn: case.link == "withdrawn",
        late_allowed: false,
    };
    let empty = CircleChain::default();
    let (sender, circles) = match case.link {
        "joined" => (
            UpSender::Joined {
                sign: public(seed::INSTALL_SIGN),
                join: EnvelopeId([9; 32]),
            },
            &circles,
        ),
        _ => (UpSender::Open(terms), &empty),
    };
    let context = UpContext {
        mailbox: invite.up(),
        identities: &identities,
        rosters: &rosters,
        sender,
        circles,
    };
    open_up(id, case.file.clone(), &context)
}

/// REQ-VAULT-014: what verifies is released; what may come to verify waits; everything else is quarantined with its reason.
#[test]
fn every_golden_envelope_is_read_as_expected() {
    let mut cases = Cases(Vec::new());
    cases.released();
    cases.waiting();
    cases.files();
    cases.headers();
    cases.contents();
    cases.joins();
    let mut wrong = Vec::new();
    let rows: Vec<Value> = cases
        .0
        .iter()
        .map(|case| {
            let says = says(&read(case));
            if says != case.says {
                wrong.push(format!("{}: wanted {:?}, came {says:?}", case.name, case.says));
            }
            json!({
                "file": format!("{}.age", case.name), "direction": if case.up { "up" } else { "down" },
                "link": case.link, "rosters_held": [case.rosters.0, case.rosters.1], "circles_held": case.circles,
                "arrived": case.arrived, "outcome": case.says,
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let seeds = json!({
        "station_age": [seed::STATION_AGE, seed::NEW_AGE], "install_sign": seed::INSTALL_SIGN,
        "install_age": seed::INSTALL_AGE,
    });
    expected(
        "envelope",
        &json!({
            "seeds_of_32_equal_bytes": seeds, "rosters": "../roster/rosters.ndjson", "circles": "../circle/",
            "recovery_named_in_the_join": to(seed::RECOVERY), "invite": "../invite/expected.json", "files": rows,
        }),
    );
}

/// REQ-VAULT-015: a file's size shows the number of recipients and a padded length, and nothing finer.
#[test]
fn sizes_on_the_wire_are_padded() {
    let recipients = Recipients::down(&to(seed::INSTALL_AGE), None).unwrap();
    let size = |content: usize| {
        let mut text = vec![b'x'; content.saturating_sub(1)];
        text.push(b'\n');
        let letter = Letter::new(true, "readings", &text, 1, 1, &[seed::INSTALL_AGE]);
        let file = seal_file(recipients.as_slice(), &letter.plaintext()).unwrap();
        let grease = grease_bytes(&file);
        (
            file.len() - grease,
            Sealed::parse(file).unwrap().hybrid_stanzas(),
        )
    };
    let (small, _) = size(2);
    for content in [40, 200, 1500, 2200] {
        assert_eq!(
            size(content),
            (small, 1),
            "{content} bytes of content look like 2"
        );
    }
    assert_ne!(size(4000).0, small);
    assert_eq!(size(5000).0, size(5050).0);
}

/// REQ-VAULT-016: the crate's own writer gives what its reader takes, and its header is the documented one.
#[test]
fn our_writer_and_our_reader_agree() {
    use teleward_vault::{Draft, Kind, Plaintext, RosterRef, seal_envelope};
    let held = rosters(1, 1);
    let recipients =
        Recipients::up(&held.newest().unwrap().roster, Some(&to(seed::RECOVERY))).unwrap();
    let beat = serde_json::from_value(readings().header["beat"].clone()).unwrap();
    let draft = Draft {
        mailbox: invite().up(),
        seq: 2,
        prev: Some(EnvelopeId([7; 32])),
        kind: Kind::Readings,
        at: at(3),
        roster: RosterRef::from(held.newest().unwrap()),
        circle: 1,
        recipients: &recipients,
        content: READINGS,
        got: &[],
        re: None,
        proof: None,
        beat: Some(beat),
    };
    let sealed = seal_envelope(&draft, &key(seed::INSTALL_SIGN)).unwrap();
    let plain = Plaintext::open(&sealed.sealed, &[age(seed::RECOVERY)]).unwrap();
    assert_eq!(
        serde_json::to_value(plain.claimed()).unwrap(),
        readings().header
    );
    assert_eq!(plain.content().unwrap(), READINGS);
    assert_eq!(plain.header_hash(), sealed.header);
}

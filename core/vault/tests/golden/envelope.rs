//! Envelopes: what is released, what waits, and every way to be wrong, one file each.
//!
//! The writer here is another one than the crate's: it puts header, content and padding together by hand, so that it
//! can also do it wrongly.

use crate::files::{expected, kept};
use crate::plain::join;
use crate::world::{
    age, at, circle_texts, circles, invite, key, public, roster_lines, rosters, seed, to,
};
use serde_json::{Value, json};
use teleward_vault::{Ack, Content as _, Recipients, RosterMail, Stored, Welcome};
use teleward_vault::{
    AgeIdentity, CircleChain, DownContext, JoinTerms, LinkState, Outcome, Proof, Refusal,
    UpContext, UpSender, WaitReason, open_down, open_up, padded, seal_file,
};
use wire::{EnvelopeId, Hash, Sealed, SigningKey, Time, b64u, jws, sha256};

/// One file with what its reader holds and what it must say.
struct Case {
    name: &'static str,
    file: Vec<u8>,
    up: bool,
    /// The link: `open`, `withdrawn`, or joined.
    link: &'static str,
    rosters: (usize, usize),
    circles: usize,
    arrived: Time,
    says: String,
}

#[derive(Clone)]
struct Letter {
    header: Value,
    content: Vec<u8>,
    signer: SigningKey,
    typ: &'static str,
    to: Vec<u8>,
    padding: Option<Vec<u8>>,
    h: Option<String>,
}

impl Letter {
    fn new(up: bool, kind: &str, content: &[u8], roster: usize, circle: u64, to: &[u8]) -> Self {
        let lines = roster_lines();
        let invite = invite();
        let mut strings: Vec<String> = to
            .iter()
            .map(|seed| crate::world::to(*seed).to_string())
            .collect();
        strings.sort();
        let text = strings
            .iter()
            .fold(String::from("teleward/v1/to\n"), |text, s| text + s + "\n");
        let mut header = json!({
            "v": 1, "box": if up { invite.up() } else { invite.down() }, "seq": 2, "prev": Hash([7; 32]),
            "type": kind, "at": at(3), "roster": [roster, sha256(&[lines[roster - 1].as_bytes()])], "circle": circle,
            "to": sha256(&[text.as_bytes()]), "len": content.len(), "sha256": sha256(&[content]), "got": [],
        });
        if up {
            header["beat"] = json!({
                "next_by": at(27), "depth": 1, "oldest": at(2), "stuck": 0, "refused": [], "receipts": [],
                "clock": {"offset_ms": -120, "sure": true}, "app": "teleward/0.1.0",
            });
        }
        Self {
            header,
            content: content.to_vec(),
            signer: key(if up {
                seed::INSTALL_SIGN
            } else {
                seed::STATION_SIGN
            }),
            typ: "tw-env-1",
            to: to.to_vec(),
            padding: None,
            h: None,
        }
    }

    fn set(mut self, member: &str, value: Value) -> Self {
        self.header[member] = value;
        self
    }

    fn by(mut self, seed: u8) -> Self {
        self.signer = key(seed);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// P, built by hand.
    fn plaintext(&self) -> Vec<u8> {
        let h = self.h.clone().unwrap_or_else(|| {
            jws::sign(
                &self.signer,
                self.typ,
                serde_json::to_string(&self.header).unwrap().as_bytes(),
            )
        });
        let mut plaintext = h.into_bytes();
        plaintext.push(b'\n');
        plaintext.extend_from_slice(&self.content);
        if let Some(padding) = &self.padding {
            plaintext.extend_from_slice(padding);
        } else {
            let length = padded(plaintext.len() + 1);
            plaintext.resize(length - 1, b' ');
            plaintext.push(b'\n');
        }
        plaintext
    }

    fn seal(&self) -> Vec<u8> {
        let to: Vec<_> = self.to.iter().map(|seed| to(*seed)).collect();
        seal_file(&to, &self.plaintext()).unwrap()
    }
}

const READINGS: &[u8] = b"{\"resourceType\":\"Observation\",\"id\":\"example\"}\n";
/// Recipients up under roster 1 and circle 1, and under roster 2 and circle 2.
const UP_1: &[u8] = &[
    seed::STATION_AGE,
    seed::BAD_AGE,
    seed::ESCROW_AGE,
    seed::RECOVERY,
];
const UP_2: &[u8] = &[seed::NEW_AGE, seed::ESCROW_AGE, seed::NEW_RECOVERY];
const DOWN_1: &[u8] = &[seed::INSTALL_AGE, seed::RECOVERY];
const DOWN_2: &[u8] = &[seed::INSTALL_AGE, seed::NEW_RECOVERY];

fn readings() -> Letter {
    Letter::new(true, "readings", READINGS, 1, 1, UP_1)
}

fn seen() -> Letter {
    let content =
        json!({"v": 1, "readings": [Hash([5; 32])], "at": at(4), "by": "nurse"}).to_string() + "\n";
    Letter::new(false, "seen", content.as_bytes(), 1, 1, DOWN_1)
}

fn joining() -> Letter {
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

fn refused(reason: Refusal) -> String {
    format!("quarantined {}", reason.code())
}

fn waits(reason: WaitReason) -> String {
    format!("waiting {}", reason.code())
}

struct Cases(Vec<Case>);

impl Cases {
    fn file(
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

    fn letter(&mut self, name: &'static str, letter: &Letter, says: String) -> &mut Case {
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

    fn files(&mut self) {
        let good = || readings().seal();
        self.file(
            "reject-not-the-file-of-its-id",
            true,
            good,
            refused(Refusal::WrongFile),
        );
        self.file(
            "reject-cut-off",
            true,
            || {
                let mut f = good();
                f.truncate(f.len() - 1);
                f
            },
            refused(Refusal::Damaged),
        );
        self.file(
            "reject-payload-changed",
            true,
            || {
                let mut f = good();
                *f.last_mut().unwrap() ^= 1;
                f
            },
            refused(Refusal::Damaged),
        );
        self.file(
            "reject-header-mac-changed",
            true,
            || change_mac(good()),
            refused(Refusal::Damaged),
        );
        self.file(
            "reject-classical-stanza",
            true,
            || mixed(&readings().plaintext()),
            refused(Refusal::Shape),
        );
        self.file(
            "reject-two-grease-stanzas",
            true,
            || with_stanzas(good(), "-> a-grease\n\n-> b-grease\n\n"),
            refused(Refusal::Shape),
        );
        self.file(
            "reject-seventeen-stanzas",
            true,
            || seal_file(&vec![to(seed::STATION_AGE); 17], b"x\n").unwrap(),
            refused(Refusal::Shape),
        );
        self.file(
            "reject-not-age",
            true,
            || b"age-encryption.org/v2\n".to_vec(),
            refused(Refusal::Shape),
        );
        self.letter(
            "reject-sealed-to-others",
            &readings().with(|l| l.to = vec![seed::STRANGER]),
            refused(Refusal::NoKey),
        );
    }

    fn headers(&mut self) {
        let bad = |what| refused(Refusal::Header(what));
        let text = |text: &str| readings().with(|l| l.h = Some(text.to_owned()));
        let raw =
            |payload: &str| jws::sign(&key(seed::INSTALL_SIGN), "tw-env-1", payload.as_bytes());
        let payload = serde_json::to_string(&readings().header).unwrap();
        self.letter(
            "reject-unsigned",
            &text("A letter that nobody signed."),
            refused(Refusal::NoHeader),
        );
        self.letter(
            "reject-another-typ",
            &readings().with(|l| l.typ = "tw-receipt-1"),
            refused(Refusal::NoHeader),
        );
        self.letter(
            "reject-header-of-9-kib",
            &readings().set("later", json!("x".repeat(6700))),
            refused(Refusal::NoHeader),
        );
        self.letter(
            "reject-member-twice",
            &text(&raw(&payload.replacen("\"v\":1", "\"v\":1,\"v\":1", 1))),
            bad(""),
        );
        self.letter(
            "reject-number-1.0",
            &text(&raw(&payload.replacen("\"seq\":2", "\"seq\":2.0", 1))),
            bad(""),
        );
        self.letter(
            "reject-number-1e0",
            &text(&raw(&payload.replacen("\"circle\":1", "\"circle\":1e0", 1))),
            bad(""),
        );
        self.letter(
            "reject-number-minus-0",
            &text(&raw(&payload.replacen("-120", "-0", 1))),
            bad(""),
        );
        self.letter(
            "reject-number-beyond-2-53",
            &text(&raw(&payload.replacen(
                "\"seq\":2",
                "\"seq\":9007199254740992",
                1,
            ))),
            bad(""),
        );
        self.letter(
            "reject-byte-order-mark",
            &text(&raw(&format!("\u{feff}{payload}"))),
            bad(""),
        );
        self.letter(
            "reject-lone-surrogate",
            &text(&raw(&payload.replacen("teleward/0.1.0", "\\ud800", 1))),
            bad(""),
        );
        self.letter(
            "reject-time-without-milliseconds",
            &readings().set("at", json!("2026-11-24T10:00:00Z")),
            bad(""),
        );
        self.letter(
            "reject-upper-case-hex",
            &text(&raw(&payload.replacen(
                &invite().up().to_string(),
                &invite().up().to_string().to_uppercase(),
                1,
            ))),
            bad(""),
        );
        self.letter("reject-seq-0", &readings().set("seq", json!(0)), bad(""));
        self.letter(
            "reject-nine-got",
            &readings().set(
                "got",
                json!(vec![
                    json!([key(seed::STATION_SIGN).kid(), 1, Hash([1; 32])]);
                    9
                ]),
            ),
            bad(""),
        );
        self.letter(
            "reject-proof-outside-a-join",
            &readings().set("proof", json!(b64u::encode([1; 32]))),
            bad(""),
        );
        self.letter(
            "reject-no-to",
            &readings().with(|l| {
                l.header.as_object_mut().unwrap().shift_remove("to");
            }),
            bad(""),
        );
        self.letter(
            "reject-len-over-1-mib",
            &readings().set("len", json!(1_048_577)),
            bad(""),
        );
        self.letter(
            "reject-five-refused",
            &readings().with(|l| {
                l.header["beat"]["refused"] =
                    json!(vec![json!({"id": Hash([1; 32]), "reason": "x"}); 5])
            }),
            bad(""),
        );
        self.letter(
            "reject-nine-receipts",
            &readings().with(|l| {
                l.header["beat"]["receipts"] =
                    json!(vec![json!([key(seed::RECEIPT).kid(), 1, Hash([1; 32])]); 9])
            }),
            bad(""),
        );
        self.letter(
            "reject-unknown-sender",
            &readings().by(seed::STRANGER),
            refused(Refusal::UnknownSender),
        );
        let forged = raw(&payload)
            .rsplit_once('.')
            .map(|(signed, _)| format!("{signed}.{}", b64u::encode(key(seed::STRANGER).sign(b""))))
            .unwrap();
        self.letter(
            "reject-signature",
            &text(&forged),
            refused(Refusal::Signature),
        );
        self.letter(
            "reject-unknown-sender-down",
            &seen().by(seed::STRANGER),
            refused(Refusal::UnknownSender),
        );
        let case = self.letter(
            "reject-compromised-key",
            &seen().by(seed::BAD_SIGN),
            refused(Refusal::CompromisedKey),
        );
        case.rosters = (1, 2);
        let case = self.letter(
            "reject-retired-key-states-its-retirement",
            &Letter::new(false, "seen", b"{}\n", 2, 1, DOWN_1),
            refused(Refusal::RetiredKey),
        );
        case.rosters = (1, 2);
        let case = self.letter(
            "reject-retired-key-after-keep-days",
            &seen(),
            refused(Refusal::RetiredKey),
        );
        (case.rosters, case.arrived) = ((1, 2), at(240 + 14 * 24 + 1));
    }

    fn contents(&mut self) {
        let spaces = |letter: Letter, change: fn(&mut Vec<u8>)| {
            letter.with(|l| {
                let head = jws::sign(
                    &l.signer,
                    l.typ,
                    serde_json::to_string(&l.header).unwrap().as_bytes(),
                );
                let used = head.len() + 1 + l.content.len();
                let mut padding = vec![b' '; padded(used + 1) - used - 1];
                padding.push(b'\n');
                change(&mut padding);
                l.padding = Some(padding);
            })
        };
        self.letter(
            "reject-wrong-box",
            &readings().set("box", json!(Hash([4; 32]).to_string()[..32])),
            refused(Refusal::WrongBox),
        );
        self.letter(
            "reject-len-too-long",
            &readings().set("len", json!(READINGS.len() + 1)),
            refused(Refusal::ContentHash),
        );
        self.letter(
            "reject-len-beyond-the-end",
            &readings().set("len", json!(100_000)),
            refused(Refusal::Length),
        );
        self.letter(
            "reject-content-changed",
            &readings().with(|l| l.content[2] ^= 1),
            refused(Refusal::ContentHash),
        );
        let open_end = Letter::new(
            true,
            "readings",
            READINGS.strip_suffix(b"\n").unwrap(),
            1,
            1,
            UP_1,
        );
        self.letter(
            "reject-content-without-lf",
            &open_end,
            refused(Refusal::Length),
        );
        self.letter(
            "reject-padding-not-spaces",
            &spaces(readings(), |p| p[3] = b'x'),
            refused(Refusal::Padding),
        );
        self.letter(
            "reject-padding-too-long",
            &spaces(readings(), |p| p.insert(0, b' ')),
            refused(Refusal::Padding),
        );
        self.letter(
            "reject-padding-too-short",
            &spaces(readings(), |p| {
                *p = [&vec![b' '; p.len() - 2][..], b"\n"].concat()
            }),
            refused(Refusal::Padding),
        );
        self.letter(
            "reject-padding-without-lf",
            &spaces(readings(), |p| *p.last_mut().unwrap() = b' '),
            refused(Refusal::Padding),
        );
        self.letter(
            "reject-one-stanza-more",
            &readings().with(|l| l.to.push(seed::STRANGER)),
            refused(Refusal::StanzaCount),
        );
        self.letter(
            "reject-one-stanza-less",
            &readings().with(|l| l.to.truncate(3)),
            refused(Refusal::StanzaCount),
        );
        let outsider = Letter::new(
            true,
            "readings",
            READINGS,
            1,
            1,
            &[UP_1, &[seed::STRANGER]].concat(),
        );
        self.letter(
            "reject-an-outsider-among-the-recipients",
            &outsider,
            refused(Refusal::Recipients),
        );
        let old = Letter::new(true, "readings", READINGS, 1, 2, UP_1);
        self.letter(
            "reject-recovery-of-another-circle",
            &old,
            refused(Refusal::Recipients),
        )
        .circles = 2;
        let none = Letter::new(false, "seen", b"{}\n", 1, 1, &[seed::INSTALL_AGE]);
        self.letter(
            "reject-recovery-left-out-down",
            &none,
            refused(Refusal::Recipients),
        );
        self.letter(
            "reject-roster-before-the-first",
            &readings(),
            refused(Refusal::OldRoster),
        )
        .rosters = (2, 2);
        self.letter(
            "reject-roster-of-another-hash",
            &readings().set("roster", json!([1, Hash([1; 32])])),
            refused(Refusal::RosterFork),
        );
    }

    fn joins(&mut self) {
        let proof_by = |seed: u8| {
            let secret = teleward_vault::ProofKey::from_bytes(&[seed; 32]);
            json!(Proof::make(
                &secret,
                invite().up(),
                key(self::seed::INSTALL_SIGN).kid(),
                &sha256(&[&join().to_content().unwrap()])
            ))
        };
        let mut open = |name, letter: &Letter, reason| {
            self.letter(name, letter, refused(reason)).link = "open"
        };
        open(
            "reject-join-with-another-proof",
            &joining().set("proof", proof_by(9)),
            Refusal::JoinProof,
        );
        open(
            "reject-join-without-proof",
            &joining().with(|l| {
                l.header.as_object_mut().unwrap().shift_remove("proof");
            }),
            Refusal::JoinProof,
        );
        open(
            "reject-join-seq-2",
            &joining().set("seq", json!(2)),
            Refusal::JoinPlace,
        );
        open(
            "reject-join-circle-1",
            &joining().set("circle", json!(1)),
            Refusal::JoinPlace,
        );
        open(
            "reject-join-with-got",
            &joining().set(
                "got",
                json!([[key(seed::STATION_SIGN).kid(), 1, Hash([1; 32])]]),
            ),
            Refusal::JoinPlace,
        );
        open(
            "reject-join-signed-by-another",
            &joining().by(seed::STRANGER),
            Refusal::UnknownSender,
        );
        open(
            "reject-join-content",
            &Letter::new(true, "join", b"{\"v\":1}\n", 1, 0, UP_1),
            Refusal::JoinContent,
        );
        open(
            "reject-join-in-the-other-box",
            &joining().set("box", json!(Hash([4; 32]).to_string()[..32])),
            Refusal::WrongBox,
        );
        let sealed_to = |l: &mut Letter| l.to = vec![seed::STATION_AGE];
        open(
            "reject-join-stanza-less",
            &joining().with(sealed_to),
            Refusal::StanzaCount,
        );
        self.letter(
            "reject-join-withdrawn",
            &joining(),
            refused(Refusal::InviteWithdrawn),
        )
        .link = "withdrawn";
        self.letter(
            "reject-second-join",
            &joining(),
            refused(Refusal::SecondJoin),
        );
    }
}

fn header_end(file: &[u8]) -> usize {
    file.windows(4).position(|w| w == b"\n---").unwrap() + 1
}

fn change_mac(mut file: Vec<u8>) -> Vec<u8> {
    let at = header_end(&file) + 4;
    file[at] = if file[at] == b'A' { b'B' } else { b'A' };
    file
}

fn with_stanzas(mut file: Vec<u8>, stanzas: &str) -> Vec<u8> {
    let at = header_end(&file);
    file.splice(at..at, stanzas.bytes());
    file
}

/// A file to one hybrid and one classical recipient, as a writer without our rule could make it.
fn mixed(plaintext: &[u8]) -> Vec<u8> {
    struct Unlabelled(teleward_vault::AgeRecipient);
    impl age::Recipient for Unlabelled {
        fn wrap_file_key(
            &self,
            key: &age_core::format::FileKey,
        ) -> Result<
            (
                Vec<age_core::format::Stanza>,
                std::collections::HashSet<String>,
            ),
            age::EncryptError,
        > {
            let (stanzas, _) = age::Recipient::wrap_file_key(&self.0, key)?;
            Ok((stanzas, std::collections::HashSet::new()))
        }
    }
    let (hybrid, classical) = (
        Unlabelled(to(seed::STATION_AGE)),
        age::x25519::Identity::generate().to_public(),
    );
    let both: [&dyn age::Recipient; 2] = [&hybrid, &classical];
    let mut file = Vec::new();
    let mut writer = age::Encryptor::with_recipients(both.into_iter())
        .unwrap()
        .wrap_output(&mut file)
        .unwrap();
    std::io::Write::write_all(&mut writer, plaintext).unwrap();
    writer.finish().unwrap();
    file
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

/// What the one grease stanza takes; zero without one.
fn grease_bytes(file: &[u8]) -> usize {
    let header = std::str::from_utf8(&file[..header_end(file)]).unwrap();
    header
        .split_inclusive('\n')
        .scan(false, |inside, line| {
            if let Some(tag) = line.strip_prefix("-> ") {
                *inside = tag
                    .split_whitespace()
                    .next()
                    .is_some_and(|tag| tag.ends_with("-grease"));
            }
            Some(if *inside { line.len() } else { 0 })
        })
        .sum()
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

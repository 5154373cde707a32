//! Every way in which an envelope can be wrong for good, one file each.

use crate::envelope::{Cases, DOWN_1, READINGS, UP_1, joining, readings, refused, seen};
use crate::letter::{Letter, armoured, change_mac, mixed, with_stanzas, without_stanzas};
use crate::plain::join;
use crate::world::{at, invite, key, seed, to};
use serde_json::json;
use teleward_vault::{Proof, Refusal, padded, seal_file};
use wire::{Hash, b64u, jws, sha256};

impl Cases {
    pub fn files(&mut self) {
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
        self.file(
            "reject-armoured",
            true,
            || armoured(&good()),
            refused(Refusal::Shape),
        );
        self.file(
            "reject-without-a-stanza",
            true,
            || without_stanzas(&good()),
            refused(Refusal::Shape),
        );
        self.letter(
            "reject-sealed-to-others",
            &readings().with(|l| l.to = vec![seed::STRANGER]),
            refused(Refusal::NoKey),
        );
    }

    pub fn headers(&mut self) {
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
        self.letter(
            "reject-seventeen-parts",
            &readings().set(
                "parts",
                json!(vec![
                    json!({"id": Hash([1; 32]), "len": 1, "sha256": Hash([1; 32])});
                    17
                ]),
            ),
            bad(""),
        );
        let mut latin = payload
            .replacen("teleward/0.1.0", "tel?ward", 1)
            .into_bytes();
        let place = latin.iter().position(|byte| *byte == b'?').unwrap();
        latin[place] = 0xe9;
        self.letter(
            "reject-not-utf-8",
            &text(&jws::sign(&key(seed::INSTALL_SIGN), "tw-env-1", &latin)),
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

    pub fn contents(&mut self) {
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

    pub fn joins(&mut self) {
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

//! Formats without a signature or a seal: padmé, words, invite, join content, circle, paper.

use crate::files::{expected, same};
use crate::world::{SECRET, circle_texts, invite, key, public, seed, to};
use serde_json::{Value, json};
use teleward_vault::{
    App, Circle, CircleChain, CircleRefusal, Invite, InviteError, Join, Proof, RecoverySheet, Role,
    RootSheet, check_words, padded, padme,
};
use wire::{EnvelopeId, b64u, sha256};

/// REQ-VAULT-002: lengths are padded as Padmé says.
#[test]
fn padme_lengths() {
    let lengths = [
        0, 1, 2, 9, 100, 4096, 4097, 4352, 5000, 65_537, 1_000_000, 1_056_770, 1_081_344,
    ];
    let rows: Vec<Value> = lengths
        .iter()
        .map(|l| json!({"length": l, "padme": padme(*l), "envelope": padded(*l)}))
        .collect();
    expected("padme", &json!({ "rows": rows }));
}

/// REQ-VAULT-005: both sides show the same check words for one join.
#[test]
fn check_words_of_joins() {
    let rows: Vec<Value> = [[0; 32], [0xff; 32], [0x5a; 32]]
        .into_iter()
        .map(|id| {
            let join = EnvelopeId(id);
            let words = check_words(&public(seed::ROOT), join);
            json!({"clinic_root": public(seed::ROOT), "join": join, "words": words.words, "digits": words.digits})
        })
        .collect();
    expected("words", &json!({ "rows": rows }));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// REQ-VAULT-006: an invite is read in one spelling, and everything else is refused in words.
#[test]
fn invites() {
    let invite = invite();
    let text = invite.to_text().expose().clone();
    let (address, fragment) = text.split_once('#').unwrap();
    let bytes = b64u::decode(fragment).unwrap();
    assert_eq!(bytes.len(), 73);
    assert_eq!(Invite::parse(&format!("  {text}\n")).unwrap(), invite);

    let with = |bytes: &[u8]| format!("{address}#{}", b64u::encode(bytes));
    let with_byte = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        with(&bytes)
    };
    let mut small_order = bytes.clone();
    small_order[1..33].copy_from_slice(&[&[1_u8][..], &[0; 31]].concat());
    let refused = [
        (
            "unknown first byte",
            with_byte(0, 2),
            InviteError::UpdateApp,
        ),
        (
            "unknown first byte, other length",
            with(&[&[7_u8][..], &bytes[1..40]].concat()),
            InviteError::UpdateApp,
        ),
        ("first byte 0", with_byte(0, 0), InviteError::UpdateApp),
        ("72 bytes", with(&bytes[..72]), InviteError::NotAnInvite),
        (
            "74 bytes",
            with(&[&bytes[..], &[0]].concat()),
            InviteError::NotAnInvite,
        ),
        ("no bytes", format!("{address}#"), InviteError::NotAnInvite),
        ("no fragment", address.to_owned(), InviteError::NotAnInvite),
        ("padding", format!("{text}=="), InviteError::NotAnInvite),
        ("spare bits", spare_bits(&text), InviteError::NotAnInvite),
        (
            "a blank inside",
            text.replace('#', "# "),
            InviteError::NotAnInvite,
        ),
        (
            "root of small order",
            with(&small_order),
            InviteError::NotAnInvite,
        ),
        (
            "another path",
            text.replace("/i#", "/j#"),
            InviteError::NotAnInvite,
        ),
        (
            "a longer path",
            text.replace("/i#", "/x/i#"),
            InviteError::NotAnInvite,
        ),
        (
            "a query",
            text.replace("/i#", "/i?a#"),
            InviteError::NotAnInvite,
        ),
        (
            "a user name",
            text.replace("https://", "https://a@"),
            InviteError::NotAnInvite,
        ),
        (
            "another scheme",
            text.replace("https", "ftp"),
            InviteError::NotAnInvite,
        ),
        (
            "http to a public name",
            text.replace("https", "http"),
            InviteError::Unprotected,
        ),
        (
            "http to a public address",
            text.replace("https://relay.example", "http://8.8.8.8"),
            InviteError::Unprotected,
        ),
    ];
    let refused: Vec<Value> = refused
        .iter()
        .map(|(case, text, reason)| {
            assert_eq!(Invite::parse(text), Err(*reason), "{case}");
            json!({"case": case, "text": text, "reason": format!("{reason:?}")})
        })
        .collect();
    let near: Vec<Value> = [
        "http://127.0.0.1:8080",
        "http://192.168.1.20",
        "http://[::1]:8080",
        "http://localhost:8080",
    ]
    .iter()
    .map(|relay| {
        let near = Invite::parse(&text.replace("https://relay.example", relay)).unwrap();
        assert!(near.is_unprotected());
        assert_eq!(near.relay(), *relay);
        json!(near.to_text().expose())
    })
    .collect();
    expected(
        "invite",
        &json!({
            "clinic_root": invite.root(), "secret": hex(&SECRET), "expires": invite.expires(), "roster": invite.roster(),
            "text": text,
            "derived": {
                "claim_public": invite.claim_key().public(), "claim_kid": invite.claim_key().kid(),
                "proof_key": hex(invite.proof_key().expose()), "up": invite.up(), "down": invite.down(),
            },
            "accept_with_warning": near,
            "reject": refused,
        }),
    );
}

/// The last character stands for 2 bits of 6: another of the same two bits is another spelling of the same bytes.
fn spare_bits(text: &str) -> String {
    let (head, last) = text.split_at(text.len() - 1);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet
        .iter()
        .position(|c| [*c] == last.as_bytes())
        .unwrap();
    format!("{head}{}", char::from(alphabet[index + 1]))
}

pub fn join() -> Join {
    Join {
        v: 1,
        sign: public(seed::INSTALL_SIGN),
        auth: public(seed::INSTALL_AUTH),
        age: to(seed::INSTALL_AGE),
        recovery: Some(to(seed::RECOVERY)),
        role: Role::Patient,
        label: "Phone".into(),
        app: App {
            name: "teleward".into(),
            version: "0.1.0".into(),
            os: "linux".into(),
        },
    }
}

/// REQ-VAULT-007: a join's content is one line of known members, and its proof binds box, key and content.
#[test]
fn joins() {
    let content = join().to_content().unwrap();
    same("join", "content.json", &content);
    assert_eq!(Join::parse(&content).unwrap(), join());
    let hash = sha256(&[&content]);
    let (up, kid) = (invite().up(), key(seed::INSTALL_SIGN).kid());
    let proof = Proof::make(&invite().proof_key(), up, kid, &hash);
    assert!(proof.is_right(&invite().proof_key(), up, kid, &hash));
    assert!(!proof.is_right(&invite().proof_key(), invite().down(), kid, &hash));
    assert!(!proof.is_right(&invite().proof_key(), up, key(seed::STRANGER).kid(), &hash));
    assert!(!proof.is_right(&invite().proof_key(), up, kid, &sha256(&[b"other"])));

    let line = String::from_utf8(content.clone()).unwrap();
    let edits = [
        (
            "label of 65 characters",
            line.replace("\"Phone\"", &format!("\"{}\"", "x".repeat(65))),
        ),
        (
            "control character in a label",
            line.replace("\"Phone\"", "\"Ph\\u0007one\""),
        ),
        ("another version", line.replace("{\"v\":1", "{\"v\":2")),
        (
            "a number that is no plain integer",
            line.replace("{\"v\":1", "{\"v\":1.0"),
        ),
        (
            "a member twice",
            line.replace("{\"v\":1", "{\"v\":1,\"v\":1"),
        ),
        (
            "a recipient that is not hybrid",
            line.replace(to(seed::INSTALL_AGE).as_str(), "age1xyz"),
        ),
        (
            "one key for two uses",
            line.replace(
                &public(seed::INSTALL_AUTH).to_string(),
                &public(seed::INSTALL_SIGN).to_string(),
            ),
        ),
        (
            "a key of small order",
            line.replace(
                &public(seed::INSTALL_AUTH).to_string(),
                &b64u::encode([0; 32]),
            ),
        ),
        ("no final LF", line.trim_end().to_owned()),
        ("two lines", format!("{line}\n")),
        ("no role", line.replace("\"role\":\"patient\",", "")),
        ("a byte order mark", format!("\u{feff}{line}")),
    ];
    let refused: Vec<Value> = edits
        .iter()
        .map(|(case, text)| {
            assert_ne!(*text, line, "{case}");
            assert!(Join::parse(text.as_bytes()).is_err(), "{case}");
            json!({"case": case, "content": text})
        })
        .collect();
    let later = line.replace("{\"v\":1", "{\"v\":1,\"news\":[1]");
    assert_eq!(
        Join::parse(later.as_bytes()).unwrap(),
        join(),
        "unknown members are ignored"
    );
    expected(
        "join",
        &json!({
            "content": "content.json", "sha256": hash, "up": up, "kid": kid, "proof": proof,
            "proof_key": hex(invite().proof_key().expose()), "accept_with_unknown_member": later, "reject": refused,
        }),
    );
}

/// REQ-VAULT-008: circles follow one another by number and hash, in whatever order they come.
#[test]
fn circle_chain() {
    let [one, two] = circle_texts();
    same("circle", "1.json", one.as_bytes());
    same("circle", "2.json", two.as_bytes());
    let fed = |texts: &[&String]| {
        let mut chain = CircleChain::new(Some(to(seed::RECOVERY)));
        texts
            .iter()
            .map(|text| chain.feed(text))
            .collect::<Vec<_>>()
            .pop()
            .unwrap()
    };
    let edit = |text: &String, from: &str, to: &str| {
        let edited = text.replace(from, to);
        assert_ne!(*text, edited);
        edited
    };
    let relabelled = edit(&two, "\"Phone\"", "\"Fone\"");
    let unfit = edit(
        &two,
        &sha256(&[one.as_bytes()]).to_string(),
        &sha256(&[b"x"]).to_string(),
    );
    let cases = [
        (
            "second circle of one number",
            vec![&one, &two, &relabelled],
            CircleRefusal::Fork(2),
        ),
        (
            "does not follow",
            vec![&one, &unfit],
            CircleRefusal::Broken(2),
        ),
        (
            "is not followed",
            vec![&unfit, &one],
            CircleRefusal::Broken(1),
        ),
    ];
    let mut refused: Vec<Value> = cases
        .iter()
        .map(|(case, texts, reason)| {
            assert_eq!(fed(texts), Err(*reason), "{case}");
            json!({"case": case, "in_order": texts, "reason": format!("{reason:?}")})
        })
        .collect();
    for (case, text) in [
        ("no final LF", one.trim_end().to_owned()),
        ("number 0", edit(&one, "\"n\":1", "\"n\":0")),
        (
            "the first with a predecessor",
            edit(&two, "\"n\":2", "\"n\":1"),
        ),
        ("the second without", edit(&one, "\"n\":1", "\"n\":2")),
        ("another version", edit(&one, "{\"v\":1", "{\"v\":2")),
    ] {
        assert_eq!(Circle::parse(&text), Err(CircleRefusal::Content), "{case}");
        refused.push(json!({"case": case, "in_order": [text], "reason": "Content"}));
    }
    assert!(fed(&[&two, &one]).is_ok(), "any order");
    expected(
        "circle",
        &json!({"accept_in_any_order": ["1.json", "2.json"], "reject": refused}),
    );
}

/// REQ-VAULT-009: what stands on paper gives back the same key, by words and by code.
#[test]
fn sheets() {
    let recovery = RecoverySheet::of(crate::world::age(seed::RECOVERY));
    let root = RootSheet::of(key(seed::ROOT));
    for text in [
        recovery.words().expose(),
        recovery.code().expose(),
        &recovery.words().expose().to_uppercase(),
    ] {
        assert_eq!(
            RecoverySheet::parse(text).unwrap().recipient(),
            recovery.recipient()
        );
    }
    for text in [root.words().expose(), root.code().expose()] {
        assert_eq!(RootSheet::parse(text).unwrap().public(), root.public());
    }
    let words = recovery.words().expose().clone();
    let (first, rest) = words.split_once(' ').unwrap();
    let refused = [
        ("23 words", rest.to_owned()),
        ("words out of order", format!("{rest} {first}")),
        (
            "a word that is not in the list",
            format!("telewardish {rest}"),
        ),
        ("a code cut off", recovery.code().expose()[..40].to_owned()),
        (
            "a code in lower case",
            recovery.code().expose().to_lowercase(),
        ),
        ("the code of a root sheet", root.code().expose().clone()),
    ];
    for (case, text) in &refused {
        assert!(RecoverySheet::parse(text).is_err(), "{case}");
    }
    assert!(RootSheet::parse(recovery.code().expose()).is_err());
    assert!(recovery.qr_svg().unwrap().expose().starts_with("<?xml"));
    expected(
        "recovery",
        &json!({
            "recovery": {"seed": hex(&[seed::RECOVERY; 32]), "words": words, "code": recovery.code().expose(),
                         "recipient": recovery.recipient()},
            "root": {"seed": hex(&[seed::ROOT; 32]), "words": root.words().expose(), "code": root.code().expose(),
                     "public": root.public()},
            "reject_as_recovery": refused.iter().map(|(case, text)| json!({"case": case, "text": text})).collect::<Vec<_>>(),
        }),
    );
}

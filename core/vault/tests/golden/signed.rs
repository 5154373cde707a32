//! Signed statements and requests: made again byte by byte (Ed25519 is deterministic), and refused when altered.

use crate::files::{expected, same};
use crate::world::{RELAY, at, invite, key, public, roster, roster_lines, rosters, seed};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use curve25519_dalek::{EdwardsPoint, traits::Identity as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use std::time::Duration;
use wire::jws::{self, Unverified};
use wire::receipt::{Durable, Receipt};
use wire::request::{Clock, MAX_VALIDITY, Parts, Signed, sign};
use wire::roster::{RosterChain, StationState, next_root_hash};
use wire::{EnvelopeId, Hash, SigningKey, b64u, sha256};

fn signed_with(header: &str, payload: &[u8], key: &SigningKey) -> String {
    let signed = format!("{}.{}", b64u::encode(header), b64u::encode(payload));
    format!("{signed}.{}", b64u::encode(key.sign(signed.as_bytes())))
}

/// REQ-VAULT-010: a statement has one header, one type and one key; everything else is refused.
#[test]
fn statements() {
    let (signer, kid) = (key(seed::INSTALL_SIGN), key(seed::INSTALL_SIGN).kid());
    let payload = br#"{"v":1,"text":"one"}"#;
    let good = jws::sign(&signer, "tw-example-1", payload);
    same("jws", "good.jws", good.as_bytes());
    let header = |text: &str| signed_with(&text.replace("KID", &kid.to_string()), payload, &signer);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let mut s_plus_l = b64u::decode(signature).unwrap();
    add_l(&mut s_plus_l[32..]);
    let signed = format!("{head}.{body}");
    let cofactored = cofactored_only(seed::INSTALL_SIGN, signed.as_bytes());
    let small = r_of_small_order(seed::INSTALL_SIGN, signed.as_bytes());
    let cases = [
        (
            "crit-b64",
            header(
                r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","crit":["b64"],"b64":false}"#,
            ),
        ),
        (
            "jwk",
            header(&format!(
                r#"{{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","jwk":{{"x":"{}"}}}}"#,
                signer.public()
            )),
        ),
        (
            "jku",
            header(
                r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","jku":"https://x.example"}"#,
            ),
        ),
        (
            "x5c",
            header(r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","x5c":[]}"#),
        ),
        (
            "x5u",
            header(
                r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","x5u":"https://x.example"}"#,
            ),
        ),
        (
            "x5t-s256",
            header(r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","x5t#S256":"AA"}"#),
        ),
        (
            "b64-alone",
            header(r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","b64":true}"#),
        ),
        (
            "alg-es256",
            header(r#"{"alg":"ES256","kid":"KID","typ":"tw-example-1"}"#),
        ),
        ("no-typ", header(r#"{"alg":"Ed25519","kid":"KID"}"#)),
        ("spare-bits", spare_bit(&good)),
        (
            "alg-none",
            header(r#"{"alg":"none","kid":"KID","typ":"tw-example-1"}"#),
        ),
        (
            "alg-eddsa",
            header(r#"{"alg":"EdDSA","kid":"KID","typ":"tw-example-1"}"#),
        ),
        (
            "no-kid",
            header(r#"{"alg":"Ed25519","typ":"tw-example-1"}"#),
        ),
        (
            "member-twice",
            header(r#"{"alg":"Ed25519","kid":"KID","typ":"tw-example-1","alg":"Ed25519"}"#),
        ),
        ("another-typ", jws::sign(&signer, "tw-other-1", payload)),
        (
            "another-key",
            jws::sign(&key(seed::STRANGER), "tw-example-1", payload),
        ),
        (
            "payload-changed",
            format!(
                "{head}.{}.{signature}",
                b64u::encode(br#"{"v":1,"text":"two"}"#)
            ),
        ),
        (
            "signature-of-nothing",
            format!("{head}.{body}.{}", b64u::encode([0; 64])),
        ),
        (
            "s-beyond-the-order",
            format!("{head}.{body}.{}", b64u::encode(&s_plus_l)),
        ),
        (
            "cofactored-only",
            format!("{head}.{body}.{}", b64u::encode(cofactored)),
        ),
        (
            "r-of-small-order",
            format!("{head}.{body}.{}", b64u::encode(small)),
        ),
        ("padded-base64", format!("{good}=")),
        ("detached", format!("{head}..{signature}")),
        ("four-parts", format!("{good}.{signature}")),
        ("blank-at-the-end", format!("{good} ")),
    ];
    let taken = |text: &str| {
        let statement = Unverified::parse(text, "tw-example-1").map_err(|e| e.to_string())?;
        statement
            .verify(&signer.public())
            .map(<[u8]>::to_vec)
            .map_err(|e| e.to_string())
    };
    assert_eq!(taken(&good).unwrap(), payload);
    let refused: Vec<Value> = cases
        .iter()
        .map(|(case, text)| {
            same("jws", &format!("reject-{case}.jws"), text.as_bytes());
            json!({"file": format!("reject-{case}.jws"), "reason": taken(text).unwrap_err()})
        })
        .collect();
    expected(
        "jws",
        &json!({
            "typ": "tw-example-1", "public": signer.public(), "kid": kid, "accept": "good.jws",
            "payload": "{\"v\":1,\"text\":\"one\"}", "reject": refused,
        }),
    );
}

/// The last character with a bit set that stands for nothing: the same bytes to a lax reader.
fn spare_bit(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = text.split_at(text.len() - 1);
    let at = LETTERS
        .iter()
        .position(|c| [*c] == last.as_bytes())
        .unwrap();
    format!("{rest}{}", char::from(LETTERS[at | 1]))
}

/// A signature by the right key that fits only when both sides of the equation are multiplied by 8, as some readers do:
/// its R has a part of small order, which that makes vanish, and is of large order itself.
fn cofactored_only(seed: u8, message: &[u8]) -> [u8; 64] {
    let nonce = Scalar::from_bytes_mod_order_wide(&wide(&[b"a nonce of its own", message]));
    let r = ED25519_BASEPOINT_POINT * nonce + EIGHT_TORSION[1];
    let (signature, [left, right]) = made_with(seed, nonce, r, message);
    assert_ne!(left, right, "a reader without the cofactor refuses it");
    assert_eq!(
        left.mul_by_cofactor(),
        right.mul_by_cofactor(),
        "a lax one takes it"
    );
    signature
}

/// A signature by the right key without a nonce: it fits, and its R, the neutral point, is of small order. It gives the
/// private key away, since S is k times that.
fn r_of_small_order(seed: u8, message: &[u8]) -> [u8; 64] {
    let (signature, [left, right]) =
        made_with(seed, Scalar::ZERO, EdwardsPoint::identity(), message);
    assert_eq!(left, right, "a lax reader takes it");
    signature
}

/// The signature with this R, and the two sides of its equation.
fn made_with(
    seed: u8,
    nonce: Scalar,
    r: EdwardsPoint,
    message: &[u8],
) -> ([u8; 64], [EdwardsPoint; 2]) {
    let (mut secret, expanded) = ([0; 32], wide(&[&[seed; 32]]));
    secret.copy_from_slice(&expanded[..32]);
    let a = Scalar::from_bytes_mod_order(clamp_integer(secret));
    let public = ED25519_BASEPOINT_POINT * a;
    assert_eq!(public.compress().to_bytes(), *key(seed).public().as_bytes());
    let r_bytes = r.compress().to_bytes();
    let k = wide(&[&r_bytes, public.compress().as_bytes(), message]);
    let k = Scalar::from_bytes_mod_order_wide(&k);
    let s = nonce + k * a;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r_bytes);
    signature[32..].copy_from_slice(s.as_bytes());
    (signature, [ED25519_BASEPOINT_POINT * s, r + public * k])
}

/// SHA-512 of the parts.
fn wide(parts: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// Adds the group's order to a little-endian scalar: the same equation, another spelling.
fn add_l(s: &mut [u8]) {
    const L: [u8; 16] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14,
    ];
    let mut carry = 0_u16;
    for (i, byte) in s.iter_mut().enumerate() {
        let l = if i < 16 { L[i] } else { u8::from(i == 31) << 4 };
        let sum = u16::from(*byte) + u16::from(l) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// REQ-VAULT-011: rosters follow one another; the root changes only as announced.
#[test]
fn roster_chain() {
    let [one, two] = roster_lines();
    let stations = || rosters(1, 2).newest().unwrap().roster.stations.clone();
    let by = |n: u32, prev: &String, root: u8, next: u8| {
        let prev = sha256(&[prev.as_bytes()]);
        roster(n, prev, stations(), root, next)
            .sign(&key(root))
            .unwrap()
    };
    let three = by(3, &two, seed::NEXT_ROOT, seed::THIRD_ROOT);
    same(
        "roster",
        "rosters.ndjson",
        format!("{one}\n{two}\n{three}\n").as_bytes(),
    );

    let twisted = |change: fn(&mut wire::roster::Roster)| {
        let mut twisted = roster(
            3,
            sha256(&[two.as_bytes()]),
            stations(),
            seed::ROOT,
            seed::NEXT_ROOT,
        );
        change(&mut twisted);
        jws::sign_json(&key(seed::ROOT), "tw-roster-1", &twisted)
    };
    let mut other = rosters(1, 2).newest().unwrap().roster.clone();
    other.keep_days = 30;
    let fork = jws::sign_json(&key(seed::ROOT), "tw-roster-1", &other);
    let cases = [
        ("does-not-follow", by(3, &one, seed::ROOT, seed::NEXT_ROOT)),
        ("leaves-one-out", by(4, &two, seed::ROOT, seed::NEXT_ROOT)),
        (
            "next-root-changed-alone",
            by(3, &two, seed::ROOT, seed::THIRD_ROOT),
        ),
        (
            "root-not-announced",
            by(3, &two, seed::THIRD_ROOT, seed::STRANGER),
        ),
        (
            "announces-a-used-root",
            by(3, &two, seed::NEXT_ROOT, seed::ROOT),
        ),
        (
            "announces-itself",
            twisted(|r| r.next_root = next_root_hash(&r.root)),
        ),
        ("fork-of-roster-2", fork),
        (
            "signed-by-another-key",
            jws::sign_json(
                &key(seed::STRANGER),
                "tw-roster-1",
                &rosters(1, 2).newest().unwrap().roster,
            ),
        ),
        (
            "another-typ",
            jws::sign_json(
                &key(seed::ROOT),
                "tw-env-1",
                &rosters(1, 2).newest().unwrap().roster,
            ),
        ),
        ("another-version", twisted(|r| r.v = 2)),
        (
            "classical-recipient",
            twisted(|r| r.stations[0].age = "age1qqqqq".into()),
        ),
        (
            "seventeen-recipients",
            twisted(|r| {
                r.escrow = (0..17)
                    .map(|i| wire::roster::Escrow {
                        age: format!("age1pq1q{i}"),
                        label: String::new(),
                    })
                    .collect()
            }),
        ),
        (
            "nobody-receives",
            twisted(|r| {
                r.escrow.clear();
                r.stations.retain(|s| s.state != StationState::Active);
            }),
        ),
        (
            "relay-with-a-path",
            twisted(|r| r.relays[0].url = "https://relay.example/a".into()),
        ),
        ("no-heartbeat", twisted(|r| r.beat_hours = 0)),
    ];
    let refused: Vec<Value> = cases
        .iter()
        .map(|(case, line)| {
            same("roster", &format!("reject-{case}.jws"), line.as_bytes());
            let refusal = rosters(1, 2).feed(line).unwrap_err();
            json!({"file": format!("reject-{case}.jws"), "after": 2, "reason": refusal.to_string()})
        })
        .collect();
    let mut chain = RosterChain::pinned(public(seed::ROOT));
    assert!(
        chain
            .feed_lines(&format!("{one}\n{two}\n{three}\n"))
            .all(|news| news.is_ok())
    );
    let hashes = [&one, &two, &three].map(|line| sha256(&[line.as_bytes()]));
    let refused_late = chain
        .feed(&by(4, &three, seed::ROOT, seed::NEXT_ROOT))
        .unwrap_err();
    // a joiner who began at roster 3 is offered another past by the key that signed it
    let mut joiner = RosterChain::pinned(public(seed::NEXT_ROOT));
    joiner.feed(&three).unwrap();
    let older = roster(
        2,
        sha256(&[one.as_bytes()]),
        stations(),
        seed::NEXT_ROOT,
        seed::THIRD_ROOT,
    );
    let older = older.sign(&key(seed::NEXT_ROOT)).unwrap();
    same(
        "roster",
        "reject-older-than-the-first.jws",
        older.as_bytes(),
    );
    let refused_older = joiner.feed(&older).unwrap_err();
    expected(
        "roster",
        &json!({
            "pinned_root": public(seed::ROOT), "accept_in_order": "rosters.ndjson",
            "hashes": hashes,
            "next_root_of_1": next_root_hash(&public(seed::NEXT_ROOT)),
            "the_old_root_after_roster_3": refused_late.to_string(), "reject": refused,
            "reject_by_a_joiner": {"pinned_root": public(seed::NEXT_ROOT), "accept": 3,
                "file": "reject-older-than-the-first.jws", "reason": refused_older.to_string()},
        }),
    );
}

/// REQ-VAULT-012: a receipt counts by a known key, for this file in this box.
#[test]
fn receipts() {
    let (mailbox, id) = (invite().up(), EnvelopeId([0xab; 32]));
    let receipt = Receipt {
        v: 1,
        mailbox,
        id,
        size: 7455,
        n: 3,
        at: at(1),
        durable: Durable::Disk,
    };
    let good = receipt.sign(&key(seed::RECEIPT));
    same("receipt", "good.jws", good.as_bytes());
    let keys = [public(seed::RECEIPT)];
    let counts = |text: &str| {
        let (receipt, _) = Receipt::verify(text, &keys).map_err(|e| e.to_string())?;
        receipt.covers(mailbox, id, 7455).map_err(|e| e.to_string())
    };
    counts(&good).unwrap();
    let other = |change: fn(&mut Receipt)| {
        let mut other = receipt.clone();
        change(&mut other);
        other.sign(&key(seed::RECEIPT))
    };
    let cases = [
        ("foreign-key", receipt.sign(&key(seed::STRANGER))),
        ("another-file", other(|r| r.id = EnvelopeId([0xcd; 32]))),
        (
            "another-box",
            other(|r| r.mailbox = wire::MailboxId([1; 16])),
        ),
        ("another-size", other(|r| r.size = 1)),
        ("number-0", other(|r| r.n = 0)),
        ("durable-unknown", durable_unknown(&good)),
        ("another-version", other(|r| r.v = 2)),
        (
            "another-typ",
            jws::sign_json(&key(seed::RECEIPT), "tw-env-1", &receipt),
        ),
    ];
    let refused: Vec<Value> = cases
        .iter()
        .map(|(case, text)| {
            same("receipt", &format!("reject-{case}.jws"), text.as_bytes());
            json!({"file": format!("reject-{case}.jws"), "reason": counts(text).unwrap_err()})
        })
        .collect();
    expected(
        "receipt",
        &json!({"relay_key": keys[0], "box": mailbox, "id": id, "size": 7455, "accept": "good.jws", "reject": refused}),
    );
}

/// The good receipt with a durability that this version does not know, signed all the same.
fn durable_unknown(good: &str) -> String {
    let statement = Unverified::parse(good, "tw-receipt-1").unwrap();
    let mut payload: Value = wire::json::parse(statement.payload_before_check()).unwrap();
    payload["durable"] = json!("memory");
    jws::sign_json(&key(seed::RECEIPT), "tw-receipt-1", &payload)
}

/// REQ-VAULT-013: a request's signature counts for exactly that request, within its time.
#[test]
fn requests() {
    let signer = key(seed::INSTALL_AUTH);
    let body = b"{\"v\":1}";
    let parts = |digest: Option<Hash>| Parts {
        method: "POST",
        authority: "relay.example",
        path: "/v1/claim",
        query: "",
        digest,
    };
    let (created, expires) = (at(0), at(0).plus(Duration::from_secs(300)));
    let post = sign(
        &parts(Some(sha256(&[body]))),
        &signer,
        created,
        expires,
        [7; 16],
    );
    let list = Parts {
        method: "GET",
        path: "/v1/rosters",
        query: "after=0",
        ..parts(None)
    };
    let get = sign(&list, &signer, created, expires, [8; 16]);

    let taken = |input: &str, signature: &str, digest: Option<&str>, parts: &Parts<'_>| {
        let signed = Signed::parse(input, signature, digest).map_err(|e| e.to_string())?;
        signed
            .verify(parts, &signer.public())
            .map_err(|e| e.to_string())?;
        Ok::<_, String>(signed.clock(at(0), MAX_VALIDITY))
    };
    assert_eq!(
        taken(&get.signature_input, &get.signature, None, &list),
        Ok(Clock::Good)
    );
    let of_body = parts(Some(sha256(&[body])));
    let digest = post.content_digest.as_deref();
    assert_eq!(
        taken(&post.signature_input, &post.signature, digest, &of_body),
        Ok(Clock::Good)
    );
    assert!(taken(&post.signature_input, &post.signature, None, &of_body).is_err());

    let input = &get.signature_input;
    let inputs = [
        ("an algorithm named", format!("{input};alg=\"ed25519\"")),
        ("another tag", input.replace("teleward-1", "other")),
        (
            "components in another order",
            input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        ),
        ("a component left out", input.replace(" \"@query\"", "")),
        ("parameters in another order", reorder(input)),
        ("the label twice", format!("{input}, {input}")),
        ("another label only", input.replacen("tw=", "sig1=", 1)),
        (
            "a nonce cut short",
            input.replace("CAgICAgICAgICAgICAgICA", "CAgI"),
        ),
        (
            "a number with a sign",
            input.replace(";created=", ";created=+"),
        ),
        ("an unknown parameter", format!("{input};later=1")),
        (
            "a number with a leading zero",
            input.replace(";created=", ";created=0"),
        ),
        (
            "another key named",
            input.replace(
                &signer.kid().to_string(),
                &key(seed::STRANGER).kid().to_string(),
            ),
        ),
        (
            "content-digest covered without a body",
            input.replace("\"@query\"", "\"@query\" \"content-digest\""),
        ),
    ];
    let mut refused: Vec<Value> = inputs
        .iter()
        .map(|(case, input)| {
            assert_ne!(*input, get.signature_input, "{case}");
            assert!(taken(input, &get.signature, None, &list).is_err(), "{case}");
            json!({"case": case, "signature_input": input, "signature": get.signature})
        })
        .collect();
    let others = [
        (
            "another method",
            Parts {
                method: "PUT",
                ..list
            },
        ),
        (
            "another authority",
            Parts {
                authority: "other.example",
                ..list
            },
        ),
        (
            "another path",
            Parts {
                path: "/v1/links",
                ..list
            },
        ),
        (
            "another query",
            Parts {
                query: "after=1",
                ..list
            },
        ),
    ];
    for (case, parts) in others {
        assert!(
            taken(input, &get.signature, None, &parts).is_err(),
            "{case}"
        );
        refused.push(json!({
            "case": case, "method": parts.method, "authority": parts.authority, "path": parts.path,
            "query": parts.query, "signature_input": input, "signature": get.signature,
        }));
    }
    let sha512 = digest.unwrap().replace("sha-256", "sha-512");
    let bodies = [
        ("a body without content-digest", None),
        ("a digest by another function", Some(sha512)),
        ("two digests", digest.map(|d| format!("{d}, {d}"))),
        ("a digest cut short", digest.map(|d| d.replace("=:", ":"))),
    ];
    for (case, digest) in bodies {
        let (input, signature) = (&post.signature_input, &post.signature);
        let taken = taken(input, signature, digest.as_deref(), &of_body);
        assert!(taken.is_err(), "{case}");
        refused.push(json!({
            "case": case, "method": "POST", "path": "/v1/claim", "query": "", "body": "{\"v\":1}",
            "content_digest": digest, "signature_input": input, "signature": signature,
        }));
    }
    let unsigned = taken(input, &post.signature, None, &list);
    assert!(unsigned.is_err(), "the signature of another request");
    refused.push(json!({
        "case": "the signature of another request", "signature_input": input, "signature": post.signature,
    }));
    let late = Signed::parse(input, &get.signature, None).unwrap();
    assert_eq!(
        late.clock(expires.plus(Duration::from_secs(1)), MAX_VALIDITY),
        Clock::Off
    );
    assert_eq!(
        late.clock(created.minus(Duration::from_secs(121)), MAX_VALIDITY),
        Clock::Off
    );
    assert_eq!(
        late.clock(created.minus(Duration::from_secs(120)), MAX_VALIDITY),
        Clock::Good
    );
    let row = |parts: &Parts<'_>, headers: &wire::request::Headers, body: Option<&str>| {
        json!({
            "method": parts.method, "authority": parts.authority, "path": parts.path, "query": parts.query, "body": body,
            "content_digest": headers.content_digest, "signature_input": headers.signature_input,
            "signature": headers.signature,
        })
    };
    expected(
        "request",
        &json!({
            "relay": RELAY, "public": signer.public(), "kid": signer.kid(), "now": at(0),
            "accept": [row(&list, &get, None), row(&of_body, &post, Some("{\"v\":1}"))], "reject": refused,
        }),
    );
}

fn reorder(input: &str) -> String {
    let (head, params) = input.split_once(");").unwrap();
    let mut params: Vec<_> = params.split(';').collect();
    params.swap(0, 1);
    format!("{head});{}", params.join(";"))
}

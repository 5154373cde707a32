//! Whatever comes from outside, each reader ends with a value or a typed error.

use proptest::prelude::*;
use teleward_wire::jws::{self, Unverified};
use teleward_wire::receipt::Receipt;
use teleward_wire::request::{Parts, Signed, sign};
use teleward_wire::roster::RosterChain;
use teleward_wire::{Hash, Sealed, SigningKey, Time, b64u, json};

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

const PARTS: Parts<'static> = Parts {
    method: "GET",
    authority: "r.example",
    path: "/v1/links",
    query: "after=0",
    digest: None,
};

/// A good text with a few characters replaced, removed or inserted.
fn damaged(good: String) -> impl Strategy<Value = String> {
    let length = good.len();
    proptest::collection::vec((0..length, any::<u8>(), 0..3_u8), 0..4).prop_map(move |edits| {
        let mut bytes = good.clone().into_bytes();
        for (at, byte, kind) in edits {
            let at = at.min(bytes.len() - 1);
            match kind {
                0 => bytes[at] = byte & 0x7f,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte & 0x7f),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn signed() -> teleward_wire::request::Headers {
    sign(
        &PARTS,
        &key(),
        Time::from_ms(0),
        Time::from_ms(300_000),
        [7; 16],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// REQ-WIRE-001: no bytes from outside make a reader panic.
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let text = String::from_utf8_lossy(&bytes);
        let mut chain = RosterChain::pinned(key().public());
        prop_assert!(chain.feed(&text).is_err());
        prop_assert!(Receipt::verify(&text, &[key().public()]).is_err());
        prop_assert!(Unverified::parse(&text, "t").is_err());
        prop_assert!(Signed::parse(&text, &text, Some(&text)).is_err());
        prop_assert!(Sealed::parse(bytes.clone()).is_err());
        if let Ok(read) = b64u::decode(&bytes) {
            prop_assert_eq!(b64u::encode(read), text.clone());
        }
        if json::check(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    /// REQ-WIRE-002: base64url, hex and times have one spelling each.
    #[test]
    fn one_value_has_one_text(bytes in any::<[u8; 32]>(), ms in -62_167_219_200_000..253_402_207_199_999_i64) {
        prop_assert_eq!(b64u::decode_array::<32>(b64u::encode(bytes)).unwrap(), bytes);
        prop_assert_eq!(Hash(bytes).to_string().parse::<Hash>().unwrap(), Hash(bytes));
        prop_assert_eq!(Time::parse(&Time::from_ms(ms).to_string()).unwrap().ms(), ms);
    }

    /// REQ-WIRE-003: a signature counts for exactly the request that was signed, in one spelling.
    #[test]
    fn a_damaged_signature_never_verifies(
        input in damaged(signed().signature_input),
        signature in damaged(signed().signature),
    ) {
        let good = signed();
        if let Ok(read) = Signed::parse(&input, &signature, None)
            && read.verify(&PARTS, &key().public()).is_ok()
        {
            // spaces around it, or other labels beside it, are all that may differ
            prop_assert!(input.contains(&good.signature_input) && signature.contains(&good.signature));
        }
    }

    /// REQ-WIRE-004: a statement counts in exactly the bytes that were signed.
    #[test]
    fn a_damaged_statement_never_verifies(text in damaged(jws::sign(&key(), "t", b"{\"v\":1}"))) {
        if let Ok(read) = Unverified::parse(&text, "t")
            && read.verify(&key().public()).is_ok()
        {
            prop_assert_eq!(text, jws::sign(&key(), "t", b"{\"v\":1}"));
        }
    }
}

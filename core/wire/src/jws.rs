//! Signed statements: compact JWS (RFC 7515), Ed25519 (`alg` "Ed25519", RFC 9864).
//!
//! The protected header has exactly `alg`, `kid`, `typ`. `typ` separates domains, and the key comes from context
//! (a roster, a circle, an invite), never from the statement. Signed are the bytes as they stand: nothing is ever
//! serialised again.

use crate::{Hash, KeyError, Kid, PublicKey, SigningKey, b64u, json, sha256};
use serde::{Deserialize, Serialize};

/// Why a statement was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts of canonical base64url.
    #[error("not a compact JWS")]
    NotCompact,
    /// A header member that is missing, unknown or of another value.
    #[error("a JWS header other than {{alg: Ed25519, kid, typ}}")]
    Header,
    /// A statement of another kind.
    #[error("a statement of another type than {wanted}")]
    Typ {
        /// The `typ` that this reader takes.
        wanted: &'static str,
    },
    /// Signed by a key other than the one that context demands.
    #[error("signed by another key")]
    Kid,
    /// The signature does not verify.
    #[error(transparent)]
    Signature(#[from] KeyError),
    /// The payload is not what this type of statement holds.
    #[error("the statement's content: {0}")]
    Payload(#[from] json::JsonError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected {
    alg: String,
    kid: Kid,
    typ: String,
}

/// Signs `payload` as it stands.
#[must_use]
pub fn sign(key: &SigningKey, typ: &str, payload: &[u8]) -> String {
    let protected = json::to_string(&Protected {
        alg: "Ed25519".into(),
        kid: key.kid(),
        typ: typ.into(),
    });
    let mut text = b64u::encode(protected);
    text.push('.');
    text.push_str(&b64u::encode(payload));
    let signature = key.sign(text.as_bytes());
    text.push('.');
    text.push_str(&b64u::encode(signature));
    text
}

/// Signs a record as one line of JSON.
#[must_use]
pub fn sign_json<T: Serialize>(key: &SigningKey, typ: &str, record: &T) -> String {
    sign(key, typ, json::to_string(record).as_bytes())
}

/// A well-formed statement that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    text: String,
    signed: usize,
    kid: Kid,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl Unverified {
    /// Takes a statement of the one `typ` that this reader accepts.
    ///
    /// # Errors
    /// [`JwsError`]: not compact, another header, another type.
    pub fn parse(text: &str, typ: &'static str) -> Result<Self, JwsError> {
        let mut dots = text.match_indices('.').map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(JwsError::NotCompact);
        };
        let header = b64u::decode(&text[..first]).map_err(|_| JwsError::NotCompact)?;
        let payload = b64u::decode(&text[first + 1..second]).map_err(|_| JwsError::NotCompact)?;
        let signature =
            b64u::decode_array(&text[second + 1..]).map_err(|_| JwsError::NotCompact)?;
        let header: Protected = json::parse(&header).map_err(|_| JwsError::Header)?;
        if header.alg != "Ed25519" {
            return Err(JwsError::Header);
        }
        if header.typ != typ {
            return Err(JwsError::Typ { wanted: typ });
        }
        Ok(Self {
            text: text.to_owned(),
            signed: second,
            kid: header.kid,
            payload,
            signature,
        })
    }

    /// The key that the statement names: a hint for looking in one's own lists, never a reason to trust.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.kid
    }

    /// The payload before any check, for the two cases where the key stands inside it (a first roster, a join).
    #[must_use]
    pub fn payload_before_check(&self) -> &[u8] {
        &self.payload
    }

    /// The statement's exact bytes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the statement's exact bytes.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&[self.text.as_bytes()])
    }

    /// Checks the signature and gives the payload.
    ///
    /// # Errors
    /// [`JwsError::Kid`] when the statement names another key, [`JwsError::Signature`] when it does not verify.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], JwsError> {
        if key.kid() != self.kid {
            return Err(JwsError::Kid);
        }
        key.verify(&self.text.as_bytes()[..self.signed], &self.signature)?;
        Ok(&self.payload)
    }

    /// Checks the signature and reads the payload as strict JSON.
    ///
    /// # Errors
    /// As [`Self::verify`], and [`JwsError::Payload`].
    pub fn verify_json<T: serde::de::DeserializeOwned>(
        &self,
        key: &PublicKey,
    ) -> Result<T, JwsError> {
        Ok(json::parse(self.verify(key)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn with_header(header: &str) -> String {
        let signed = format!("{}.{}", b64u::encode(header), b64u::encode("{}"));
        let signature = b64u::encode(key().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    #[test]
    fn a_statement_verifies_under_its_own_key_and_type_only() {
        let text = sign(&key(), "tw-test-1", b"{\"v\":1}");
        let statement = Unverified::parse(&text, "tw-test-1").unwrap();
        assert_eq!(statement.verify(&key().public()).unwrap(), b"{\"v\":1}");
        assert_eq!(
            statement.verify(&SigningKey::from_seed(&[2; 32]).public()),
            Err(JwsError::Kid)
        );
        assert_eq!(
            Unverified::parse(&text, "tw-other-1"),
            Err(JwsError::Typ {
                wanted: "tw-other-1"
            })
        );
    }

    #[test]
    fn only_the_three_header_members_are_taken() {
        let kid = key().kid();
        assert!(
            Unverified::parse(
                &with_header(&format!(r#"{{"typ":"t","kid":"{kid}","alg":"Ed25519"}}"#)),
                "t"
            )
            .is_ok()
        );
        for header in [
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"t","crit":["b64"]}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"t","jwk":{{}}}}"#),
            format!(r#"{{"alg":"Ed25519","kid":"{kid}","typ":"t","alg":"Ed25519"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"t"}}"#),
            format!(r#"{{"alg":"none","kid":"{kid}","typ":"t"}}"#),
            format!(
                r#"{{"alg":"Ed25519","typ":"t","kid":"{}"}}"#,
                "A".repeat(42)
            ),
            r#"{"alg":"Ed25519","typ":"t"}"#.to_owned(),
        ] {
            assert_eq!(
                Unverified::parse(&with_header(&header), "t"),
                Err(JwsError::Header),
                "{header}"
            );
        }
    }

    #[test]
    fn an_altered_statement_is_refused() {
        let text = sign(&key(), "t", b"{\"v\":1}");
        let (head, rest) = text.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let other = format!("{head}.{}.{signature}", b64u::encode("{\"v\":2}"));
        let refused = Unverified::parse(&other, "t")
            .unwrap()
            .verify(&key().public())
            .map(<[u8]>::to_vec);
        assert_eq!(refused, Err(JwsError::Signature(KeyError::BadSignature)));
        for bad in [
            format!("{text}."),
            format!("{text}="),
            text.replace('.', ".."),
            String::new(),
            "a.b".into(),
        ] {
            assert_eq!(
                Unverified::parse(&bad, "t"),
                Err(JwsError::NotCompact),
                "{bad}"
            );
        }
    }
}

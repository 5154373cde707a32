//! Ed25519 keys (RFC 8032) and their thumbprints (RFC 7638).
//!
//! Verification is cofactorless; A and R must be canonically encoded and not of small order, S must be below L.
//! Two verifiers that disagree about a signature would disagree about a medical record.

use crate::{Kid, b64u, sha256};
use ed25519_dalek::Signer as _;
use ed25519_dalek::{Signature, Verifier as _};
use zeroize::Zeroizing;

/// Why a key or a signature was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes of canonical base64url, not a canonical point, or a point of small order.
    #[error("not a usable Ed25519 public key")]
    BadKey,
    /// The signature does not belong to these bytes and this key.
    #[error("the signature does not verify")]
    BadSignature,
}

/// An Ed25519 key that signs. Wiped from memory when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From a 32-byte seed (RFC 8032's private key).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// A new key from the system's random generator: for the edges only.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self::from_seed(&seed))
    }

    /// The seed, to be stored where secrets are kept.
    #[must_use]
    pub fn expose_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The public half's thumbprint.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.public().kid()
    }

    /// Signs the bytes as they stand.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey(… of {})", self.kid())
    }
}

/// An Ed25519 public key: 32 bytes that are known to be a canonical point of large order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From the raw 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::BadKey`] when they are no canonical point or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if canonical_point(bytes) {
            Ok(Self(*bytes))
        } else {
            Err(KeyError::BadKey)
        }
    }

    /// The raw 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// RFC 7638 thumbprint of the key as an OKP JWK (RFC 8037 section 2).
    #[must_use]
    pub fn kid(&self) -> Kid {
        let x = b64u::encode(self.0);
        Kid(sha256(&[
            br#"{"crv":"Ed25519","kty":"OKP","x":""#,
            x.as_bytes(),
            br#""}"#,
        ])
        .0)
    }

    /// Checks a signature over the bytes as they stand.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn verify(&self, bytes: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let mut r = [0; 32];
        r.copy_from_slice(&signature[..32]);
        if !canonical_point(&r) {
            return Err(KeyError::BadSignature);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| KeyError::BadKey)?;
        // `verify` is cofactorless, recomputes R and compares bytes, and refuses S ≥ L
        key.verify(bytes, &Signature::from_bytes(signature))
            .map_err(|_| KeyError::BadSignature)
    }
}

/// A canonical encoding of a point that is not of small order.
fn canonical_point(bytes: &[u8; 32]) -> bool {
    // p = 2^255 − 19, little-endian; y must be below it, and x = 0 (y = ±1, both of small order) has no sign
    let mut y = *bytes;
    y[31] &= 0x7f;
    let p = {
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        p
    };
    let below_p = y.iter().rev().cmp(p.iter().rev()).is_lt();
    below_p && ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok_and(|point| !point.is_weak())
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", b64u::encode(self.0))
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&b64u::encode(self.0))
    }
}

impl std::str::FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&b64u::decode_array(text).map_err(|_| KeyError::BadKey)?)
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037_appendix_a_3() {
        let key: PublicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
            .parse()
            .unwrap();
        assert_eq!(
            key.kid().to_string(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn keys_of_small_order_and_other_spellings_of_a_point_are_refused() {
        let small_order = [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        ];
        let not_canonical = [
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        for hex in small_order.iter().chain(&not_canonical) {
            let bytes: crate::Hash = hex.parse().unwrap();
            assert_eq!(
                PublicKey::from_bytes(&bytes.0),
                Err(KeyError::BadKey),
                "{hex}"
            );
        }
    }

    #[test]
    fn a_signature_with_s_beyond_the_order_is_refused() {
        let key = SigningKey::from_seed(&[7; 32]);
        let mut signature = key.sign(b"reading");
        key.public().verify(b"reading", &signature).unwrap();
        assert_eq!(
            key.public().verify(b"reading!", &signature),
            Err(KeyError::BadSignature)
        );
        // add L to S: the same equation modulo L, another spelling
        let l: [u8; 32] = {
            let mut l = [0; 32];
            l[..16].copy_from_slice(&[
                0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
                0xde, 0x14,
            ]);
            l[31] = 0x10;
            l
        };
        let mut carry = 0_u16;
        for (s, l) in signature[32..].iter_mut().zip(l) {
            let sum = u16::from(*s) + u16::from(l) + carry;
            (*s, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert_eq!(
            key.public().verify(b"reading", &signature),
            Err(KeyError::BadSignature)
        );
    }

    #[test]
    fn a_secret_key_is_never_printed() {
        let key = SigningKey::from_seed(&[7; 32]);
        assert!(!format!("{key:?}").contains(&b64u::encode([7; 32])));
        assert!(!format!("{key:?}").contains("0707"));
    }
}

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
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::BadKey)?;
        // what is below p has one more second spelling, x = 0 with a sign, and that is of small order (y = ±1)
        if is_below_p(bytes) && !key.is_weak() {
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
        if SMALL_ORDER_Y.contains(&without_sign(r)) {
            return Err(KeyError::BadSignature);
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| KeyError::BadKey)?;
        // `verify` is cofactorless and refuses S ≥ L; it computes R anew, encodes it and compares bytes, so that an R
        // that is not canonical fits nothing
        key.verify(bytes, &Signature::from_bytes(signature))
            .map_err(|_| KeyError::BadSignature)
    }
}

/// y of the eight points of small order (the 8-torsion of edwards25519), little-endian without the sign of x.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// y without the sign of x.
fn without_sign(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] &= 0x7f;
    bytes
}

/// Whether y, little-endian without the sign of x, is below p = 2^255 − 19.
fn is_below_p(bytes: &[u8; 32]) -> bool {
    let y = without_sign(*bytes);
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0xed, 0x7f);
    y.iter().rev().cmp(p.iter().rev()).is_lt()
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
        let not_canonical = [
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        let not_canonical = not_canonical.map(|hex| hex.parse::<crate::Hash>().unwrap().0);
        let negative = |mut y: [u8; 32]| {
            y[31] |= 0x80;
            y
        };
        let small_order = SMALL_ORDER_Y.into_iter().flat_map(|y| [y, negative(y)]);
        for bytes in small_order.clone().chain(not_canonical) {
            assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::BadKey));
        }
        // y = 1 and y = -1 have x = 0, which has no sign: of the ten spellings eight are points' own
        for bytes in small_order {
            let point = ed25519_dalek::VerifyingKey::from_bytes(&bytes).unwrap();
            assert!(point.is_weak() && is_below_p(&bytes));
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

//! The age key pair that everything is sealed to: ML-KEM-768 and X25519 together (X-Wing), stanza `mlkem768x25519`.
//!
//! In: seeds and the strings `AGE-SECRET-KEY-PQ-1…` and `age1pq1…`. Out: recipients and identities that the `age`
//! crate takes. Standard: C2SP `age.md` (hybrid recipient), HPKE base mode with X-Wing, HKDF-SHA256 and
//! ChaCha20-Poly1305, info `age-encryption.org/mlkem768x25519`, no AAD.
//!
//! An X25519 share of small order is refused on both sides (RFC 7748 section 6.1): it would give a shared secret that
//! anybody knows, and Go's age refuses it too.

use crate::Sensitive;
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Checksum, Hrp};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use std::collections::HashSet;
use zeroize::{Zeroize as _, Zeroizing};

const TAG: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const LABEL: &str = "postquantum";
const ENCAPSULATION_BYTES: usize = 1120;
const PUBLIC_BYTES: usize = 1216;
/// A file key of 16 bytes with its tag.
const WRAPPED_BYTES: usize = FILE_KEY_BYTES + 16;
const RECIPIENT_HRP: &str = "age1pq";
const IDENTITY_HRP: &str = "age-secret-key-pq-";

type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type PublicKey = <XWing as hpke::Kem>::PublicKey;
type Encapped = <XWing as hpke::Kem>::EncappedKey;

/// A text or bytes were no key of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeKeyError {
    /// Not `age1pq1…`.
    #[error("not a hybrid age recipient (age1pq1…)")]
    Recipient,
    /// Not `AGE-SECRET-KEY-PQ-1…`.
    #[error("not a hybrid age identity (AGE-SECRET-KEY-PQ-1…)")]
    Identity,
}

/// Bech32 (BIP 173) without its limit of 90 characters, as age uses it.
enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = 6;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

/// Whoever a file is sealed to: `age1pq1…`, 1,959 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgeRecipient {
    text: String,
    bytes: Vec<u8>,
}

impl AgeRecipient {
    fn from_public(bytes: Vec<u8>) -> Result<Self, AgeKeyError> {
        let wanted = AgeKeyError::Recipient;
        if bytes.len() != PUBLIC_BYTES || is_small_order(&bytes[PUBLIC_BYTES - 32..]) {
            return Err(wanted);
        }
        PublicKey::from_bytes(&bytes).map_err(|_| wanted)?;
        let hrp = Hrp::parse(RECIPIENT_HRP).map_err(|_| wanted)?;
        let text = bech32::encode_lower::<LongBech32>(hrp, &bytes).map_err(|_| wanted)?;
        Ok(Self { text, bytes })
    }

    /// The string, exactly as it stands in rosters, circles and hashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::str::FromStr for AgeRecipient {
    type Err = AgeKeyError;
    fn from_str(text: &str) -> Result<Self, AgeKeyError> {
        let bytes = unbech32(text, RECIPIENT_HRP).ok_or(AgeKeyError::Recipient)?;
        let read = Self::from_public(bytes)?;
        // one spelling: lower case, spare bits zero
        if read.text == text {
            Ok(read)
        } else {
            Err(AgeKeyError::Recipient)
        }
    }
}

impl std::fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AgeRecipient({}…)", &self.text[..16])
    }
}

impl serde::Serialize for AgeRecipient {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for AgeRecipient {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl age::Recipient for AgeRecipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let failed = |_| age::EncryptError::Io(std::io::Error::other("key encapsulation failed"));
        let public = PublicKey::from_bytes(&self.bytes).map_err(failed)?;
        let (encapped, body) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            INFO,
            file_key.expose_secret(),
            &[],
        )
        .map_err(failed)?;
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![BASE64_STANDARD_NO_PAD.encode(encapped.to_bytes())],
            body,
        };
        Ok((vec![stanza], HashSet::from([LABEL.to_owned()])))
    }
}

/// The secret that opens what was sealed to its [`AgeRecipient`]. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct AgeIdentity {
    seed: Sensitive<[u8; 32]>,
    private: PrivateKey,
    recipient: AgeRecipient,
}

impl AgeIdentity {
    /// From the 32-byte X-Wing seed.
    ///
    /// # Errors
    /// [`AgeKeyError`] for the one seed in 2^250 whose X25519 share is of small order.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, AgeKeyError> {
        let private = PrivateKey::from_bytes(seed).map_err(|_| AgeKeyError::Identity)?;
        let public = XWing::sk_to_pk(&private).to_bytes().to_vec();
        Ok(Self {
            seed: Sensitive::new(*seed),
            recipient: AgeRecipient::from_public(public)?,
            private,
        })
    }

    /// A new one from the system's random generator: for the edges only.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        loop {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut_slice())?;
            if let Ok(identity) = Self::from_seed(&seed) {
                return Ok(identity);
            }
        }
    }

    /// Reads `AGE-SECRET-KEY-PQ-1…`.
    ///
    /// # Errors
    /// [`AgeKeyError::Identity`].
    pub fn parse(text: &str) -> Result<Self, AgeKeyError> {
        let wanted = AgeKeyError::Identity;
        if text.bytes().any(|c| c.is_ascii_lowercase()) {
            return Err(wanted);
        }
        let bytes = Zeroizing::new(unbech32(text, IDENTITY_HRP).ok_or(wanted)?);
        let mut seed = Zeroizing::new([0; 32]);
        if bytes.len() != 32 {
            return Err(wanted);
        }
        seed.copy_from_slice(&bytes);
        Self::from_seed(&seed)
    }

    /// Reads an age identity file: one identity a line, `#` comments and empty lines left out.
    ///
    /// # Errors
    /// [`AgeKeyError::Identity`] for any other line, and for a file without one.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, AgeKeyError> {
        let found: Vec<_> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Self::parse)
            .collect::<Result<_, _>>()?;
        if found.is_empty() {
            return Err(AgeKeyError::Identity);
        }
        Ok(found)
    }

    /// `AGE-SECRET-KEY-PQ-1…`, to be written where secrets are kept.
    #[must_use]
    pub fn expose_text(&self) -> Sensitive<String> {
        let text = Hrp::parse(IDENTITY_HRP)
            .ok()
            .and_then(|hrp| bech32::encode_upper::<LongBech32>(hrp, self.seed.expose()).ok());
        Sensitive::new(text.unwrap_or_default())
    }

    /// The seed, to be written where secrets are kept.
    #[must_use]
    pub fn expose_seed(&self) -> &Sensitive<[u8; 32]> {
        &self.seed
    }

    /// Whom to seal to.
    #[must_use]
    pub fn recipient(&self) -> &AgeRecipient {
        &self.recipient
    }
}

impl std::fmt::Debug for AgeIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AgeIdentity(… of {:?})", self.recipient)
    }
}

impl age::Identity for AgeIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag != TAG {
            return None;
        }
        let bad = Some(Err(age::DecryptError::InvalidHeader));
        let [argument] = stanza.args.as_slice() else {
            return bad;
        };
        let Ok(encapped) = BASE64_STANDARD_NO_PAD.decode(argument) else {
            return bad;
        };
        if encapped.len() != ENCAPSULATION_BYTES
            || stanza.body.len() != WRAPPED_BYTES
            || is_small_order(&encapped[ENCAPSULATION_BYTES - 32..])
        {
            return bad;
        }
        let Ok(encapped) = Encapped::from_bytes(&encapped) else {
            return bad;
        };
        let opened = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.private,
            &encapped,
            INFO,
        )
        .and_then(|mut context| context.open(&stanza.body, &[]));
        // another recipient's stanza: not for us
        let mut key = opened.ok()?;
        let file_key = FileKey::try_init_with_mut(|to| {
            if key.len() == to.len() {
                to.copy_from_slice(&key);
                Ok(())
            } else {
                Err(age::DecryptError::InvalidHeader)
            }
        });
        key.zeroize();
        Some(file_key)
    }
}

/// Whether X25519 with this point gives zero for every scalar. A clamped scalar is a multiple of 8, so any will tell.
fn is_small_order(point: &[u8]) -> bool {
    <[u8; 32]>::try_from(point).map_or(true, |point| {
        x25519_dalek::x25519([1; 32], point) == [0; 32]
    })
}

fn unbech32(text: &str, hrp: &str) -> Option<Vec<u8>> {
    let checked = CheckedHrpstring::new::<LongBech32>(text).ok()?;
    if !checked.hrp().as_str().eq_ignore_ascii_case(hrp) {
        return None;
    }
    Some(checked.byte_iter().collect())
}

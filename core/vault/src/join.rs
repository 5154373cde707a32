//! The join: the first envelope of a link, in which an install names its keys and proves that it held the invite.
//!
//! In: the install's public keys, or the content of a received join. Out: the content's bytes, the proof for the
//! header, and the check words that both sides show. See `docs/formats/join.md`.

use crate::AgeRecipient;
use crate::invite::ProofKey;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use wire::{EnvelopeId, Hash, Kid, MailboxId, PublicKey, b64u, json, sha256};

/// Labels and app names are at most so long, in characters.
pub const MAX_LABEL_CHARS: usize = 64;

/// Who is at the other end of an install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The patient's own phone.
    Patient,
    /// Somebody who helps.
    Caregiver,
    /// A small box that stays at home.
    Hub,
    /// A role of a later version: shown as such.
    #[serde(other)]
    Unknown,
}

/// The program that joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The system it runs on.
    pub os: String,
}

/// The content of a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Version of the format: 1.
    pub v: u32,
    /// Signs envelopes up, this join among them.
    pub sign: PublicKey,
    /// Signs relay requests; the station compares it with the claim.
    pub auth: PublicKey,
    /// Receives envelopes down.
    pub age: AgeRecipient,
    /// The patient's recovery key, if there is one.
    pub recovery: Option<AgeRecipient>,
    /// Who is at the other end.
    pub role: Role,
    /// What the patient calls this install.
    pub label: String,
    /// The program.
    pub app: App,
}

/// The content is no join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the content of a join: {0}")]
pub struct JoinError(pub &'static str);

impl Join {
    /// The content's bytes: one line of JSON and LF.
    ///
    /// # Errors
    /// [`JoinError`] when a reader would refuse it.
    pub fn to_content(&self) -> Result<Vec<u8>, JoinError> {
        self.check()?;
        let mut content = json::to_string(self).into_bytes();
        content.push(b'\n');
        Ok(content)
    }

    /// Reads the content of a join.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn parse(content: &[u8]) -> Result<Self, JoinError> {
        let line = content.strip_suffix(b"\n").ok_or(JoinError("no line"))?;
        if line.contains(&b'\n') {
            return Err(JoinError("more than one line"));
        }
        let join: Self =
            json::parse(line).map_err(|_| JoinError("other members than a join has"))?;
        join.check()?;
        Ok(join)
    }

    fn check(&self) -> Result<(), JoinError> {
        let fits = |text: &String| {
            text.chars().count() <= MAX_LABEL_CHARS && !text.chars().any(char::is_control)
        };
        if self.v != 1 {
            return Err(JoinError("another version of the format"));
        }
        if ![&self.label, &self.app.name, &self.app.version, &self.app.os]
            .into_iter()
            .all(fits)
        {
            return Err(JoinError(
                "a label of more than 64 characters or with control characters",
            ));
        }
        if self.sign == self.auth {
            return Err(JoinError("one key for two uses"));
        }
        Ok(())
    }
}

/// The proof in a join's header: HMAC-SHA256 under the invite's proof key.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proof(#[serde(with = "b64u::serde_array")] [u8; 32]);

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Proof {
    /// HMAC over "teleward/v1/join\n" ‖ up ‖ LF ‖ kid ‖ LF ‖ content hash in hex, without a final LF.
    #[must_use]
    pub fn make(key: &ProofKey, up: MailboxId, kid: Kid, content: &Hash) -> Self {
        let message = format!("teleward/v1/join\n{up}\n{kid}\n{content}");
        // HMAC takes a key of any length
        let code = Hmac::<Sha256>::new_from_slice(key.expose()).map(|mut mac| {
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().into()
        });
        Self(code.unwrap_or_default())
    }

    /// Whether it is the right one, in constant time.
    #[must_use]
    pub fn is_right(&self, key: &ProofKey, up: MailboxId, kid: Kid, content: &Hash) -> bool {
        Self::make(key, up, kid, content).0.ct_eq(&self.0).into()
    }
}

/// What both sides show so that two people can compare it: six words, or twenty digits in fives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckWords {
    /// Six English BIP-39 words.
    pub words: [&'static str; 6],
    /// The same 66 bits as a number of 20 digits, with a blank after each five.
    pub digits: String,
}

/// The check words of a join: the first 66 bits of SHA-256("teleward/v1/words\n" ‖ root ‖ join id).
#[must_use]
pub fn check_words(root: &PublicKey, join: EnvelopeId) -> CheckWords {
    let hash = sha256(&[b"teleward/v1/words\n", root.as_bytes(), join.as_bytes()]).0;
    let bits = hash[..9]
        .iter()
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte))
        >> 6;
    let list = bip39::Language::English.word_list();
    let word = |i: u32| {
        let index = usize::try_from(bits >> (55 - 11 * i) & 0x7ff).unwrap_or_default();
        list[index]
    };
    let plain = format!("{bits:020}");
    let digits = [&plain[..5], &plain[5..10], &plain[10..15], &plain[15..]].join(" ");
    CheckWords {
        words: [word(0), word(1), word(2), word(3), word(4), word(5)],
        digits,
    }
}

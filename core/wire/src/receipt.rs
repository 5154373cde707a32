//! The relay's signed word that a file is on its disk (`typ: tw-receipt-1`).
//!
//! A receipt ends retrying at that relay and nothing more: it never says that the clinic has the reading.

use crate::jws::{JwsError, Unverified};
use crate::{EnvelopeId, Kid, MailboxId, PublicKey, SigningKey, Time, jws};
use serde::{Deserialize, Serialize};

/// The `typ` of a receipt.
pub const TYP: &str = "tw-receipt-1";

/// How firmly the relay holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durable {
    /// On this relay's own disk.
    Disk,
    /// On more than one machine.
    Replicated,
}

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the format: 1.
    pub v: u32,
    /// The mailbox.
    #[serde(rename = "box")]
    pub mailbox: MailboxId,
    /// The file.
    pub id: EnvelopeId,
    /// Its size in bytes.
    pub size: u64,
    /// Arrival number in this mailbox, from 1, without gaps, never used again.
    pub n: u64,
    /// When it arrived first.
    pub at: Time,
    /// How firmly it is held.
    pub durable: Durable,
}

/// Why a receipt was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a receipt, or its signature is wrong.
    #[error("not a signed receipt: {0}")]
    Statement(#[from] JwsError),
    /// Signed by a key that no held roster names: no receipt at all.
    #[error("signed by a key that no roster of this clinic names")]
    ForeignKey,
    /// For another file, mailbox, size or version.
    #[error("a receipt for something else")]
    SomethingElse,
}

impl Receipt {
    /// Signs it.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        jws::sign_json(key, TYP, self)
    }

    /// Reads a receipt signed by one of `keys`, and says by which.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(text: &str, keys: &[PublicKey]) -> Result<(Self, Kid), ReceiptError> {
        let statement = Unverified::parse(text, TYP)?;
        let kid = statement.kid();
        let key = keys
            .iter()
            .find(|key| key.kid() == kid)
            .ok_or(ReceiptError::ForeignKey)?;
        let receipt: Self = statement.verify_json(key)?;
        if receipt.v == 1 {
            Ok((receipt, kid))
        } else {
            Err(ReceiptError::SomethingElse)
        }
    }

    /// Whether it is for this file in this mailbox.
    ///
    /// # Errors
    /// [`ReceiptError::SomethingElse`].
    pub fn covers(
        &self,
        mailbox: MailboxId,
        id: EnvelopeId,
        size: u64,
    ) -> Result<(), ReceiptError> {
        if (self.mailbox, self.id, self.size) == (mailbox, id, size) && self.n > 0 {
            Ok(())
        } else {
            Err(ReceiptError::SomethingElse)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_relays_word_for_this_file_counts() {
        let (key, other) = (
            SigningKey::from_seed(&[1; 32]),
            SigningKey::from_seed(&[2; 32]),
        );
        let (mailbox, id) = (MailboxId([3; 16]), EnvelopeId([4; 32]));
        let receipt = Receipt {
            v: 1,
            mailbox,
            id,
            size: 5792,
            n: 1,
            at: Time::from_ms(0),
            durable: Durable::Disk,
        };
        let text = receipt.sign(&key);
        let (read, kid) = Receipt::verify(&text, &[other.public(), key.public()]).unwrap();
        assert_eq!((&read, kid), (&receipt, key.kid()));
        read.covers(mailbox, id, 5792).unwrap();
        assert_eq!(
            read.covers(mailbox, EnvelopeId([5; 32]), 5792),
            Err(ReceiptError::SomethingElse)
        );
        assert_eq!(
            Receipt::verify(&text, &[other.public()]),
            Err(ReceiptError::ForeignKey)
        );
        assert!(matches!(
            Receipt::verify(&text[1..], &[key.public()]),
            Err(ReceiptError::Statement(_))
        ));
    }
}

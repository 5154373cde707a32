//! What is printed on paper: the patient's recovery key and the clinic's root keys, as 24 words and as a QR code.
//!
//! Words are English BIP-39 words of the same 32 bytes; their last word carries a checksum of 8 bits.

use crate::qr::{QrTooLong, qr_svg};
use crate::{AgeIdentity, AgeRecipient, Sensitive};
use bip39::{Language, Mnemonic};
use wire::{PublicKey, SigningKey, b64u};
use zeroize::Zeroizing;

const ROOT_PREFIX: &str = "teleward-root-1:";

/// What was typed or scanned is no sheet of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Words that are not in the list, or another number of them than 24.
    #[error("not 24 words of the list; check the spelling of each word on the sheet")]
    Words,
    /// 24 words of the list whose checksum is wrong.
    #[error("the words do not fit together; one of them is wrong or out of order")]
    Checksum,
    /// Not the text of this sheet's QR code.
    #[error("not the code of this kind of sheet")]
    Code,
    /// No randomness, or a seed that makes no key.
    #[error("no key could be made")]
    Key,
}

/// 32 bytes as 24 words.
#[must_use]
pub fn words(seed: &[u8; 32]) -> Sensitive<String> {
    // 32 bytes are one of BIP-39's lengths, so there is always an answer
    let text = Mnemonic::from_entropy_in(Language::English, seed).map(|m| {
        let mut text = String::with_capacity(24 * 9);
        for word in m.words() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    });
    Sensitive::new(text.unwrap_or_default())
}

/// 24 words, in any case and with any spaces between, as 32 bytes.
///
/// # Errors
/// [`SheetError::Words`] or [`SheetError::Checksum`].
pub fn parse_words(text: &str) -> Result<Sensitive<[u8; 32]>, SheetError> {
    let list: Zeroizing<Vec<String>> =
        Zeroizing::new(text.split_whitespace().map(str::to_lowercase).collect());
    if list.len() != 24 {
        return Err(SheetError::Words);
    }
    let joined = Zeroizing::new(list.join(" "));
    let mnemonic =
        Mnemonic::parse_in_normalized(Language::English, &joined).map_err(|error| match error {
            bip39::Error::InvalidChecksum => SheetError::Checksum,
            _ => SheetError::Words,
        })?;
    let (entropy, length) = mnemonic.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    let mut seed = Zeroizing::new([0; 32]);
    if length != 32 {
        return Err(SheetError::Words);
    }
    seed.copy_from_slice(&entropy[..32]);
    Ok(Sensitive::new(*seed))
}

/// The patient's recovery key: opens everything that was sent, signs nothing, is kept on paper only.
#[derive(Debug, Clone)]
pub struct RecoverySheet(AgeIdentity);

impl RecoverySheet {
    /// A new key: for the edges only.
    ///
    /// # Errors
    /// [`SheetError::Key`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, SheetError> {
        AgeIdentity::generate()
            .map(Self)
            .map_err(|_| SheetError::Key)
    }

    /// The sheet of an existing key.
    #[must_use]
    pub fn of(identity: AgeIdentity) -> Self {
        Self(identity)
    }

    /// Reads what a person typed (24 words) or scanned (`AGE-SECRET-KEY-PQ-1…`).
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn parse(text: &str) -> Result<Self, SheetError> {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            let seed = parse_words(text)?;
            return AgeIdentity::from_seed(seed.expose())
                .map(Self)
                .map_err(|_| SheetError::Key);
        }
        AgeIdentity::parse(text)
            .map(Self)
            .map_err(|_| SheetError::Code)
    }

    /// The 24 words, separated by one space.
    #[must_use]
    pub fn words(&self) -> Sensitive<String> {
        words(self.0.expose_seed().expose())
    }

    /// The text of the QR code: an age identity, which stock tools open files with.
    #[must_use]
    pub fn code(&self) -> Sensitive<String> {
        self.0.expose_text()
    }

    /// The QR code as SVG.
    ///
    /// # Errors
    /// Never for this length; the type says what could be.
    pub fn qr_svg(&self) -> Result<Sensitive<String>, QrTooLong> {
        qr_svg(self.code().expose()).map(Sensitive::new)
    }

    /// Whom to seal to: the public half, which the join names.
    #[must_use]
    pub fn recipient(&self) -> &AgeRecipient {
        self.0.recipient()
    }

    /// The key itself, for opening.
    #[must_use]
    pub fn identity(&self) -> &AgeIdentity {
        &self.0
    }
}

/// One clinic root key on one sheet of paper. It signs rosters and is never on the running station.
#[derive(Debug, Clone)]
pub struct RootSheet(SigningKey);

impl RootSheet {
    /// A new key: for the edges only.
    ///
    /// # Errors
    /// [`SheetError::Key`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, SheetError> {
        SigningKey::generate()
            .map(Self)
            .map_err(|_| SheetError::Key)
    }

    /// The sheet of an existing key.
    #[must_use]
    pub fn of(key: SigningKey) -> Self {
        Self(key)
    }

    /// Reads what a person typed (24 words) or scanned (`teleward-root-1:…`).
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn parse(text: &str) -> Result<Self, SheetError> {
        let text = text.trim();
        if let Some(code) = text.strip_prefix(ROOT_PREFIX) {
            let seed: Zeroizing<[u8; 32]> =
                Zeroizing::new(b64u::decode_array(code).map_err(|_| SheetError::Code)?);
            return Ok(Self(SigningKey::from_seed(&seed)));
        }
        if !text.contains(char::is_whitespace) {
            return Err(SheetError::Code);
        }
        Ok(Self(SigningKey::from_seed(parse_words(text)?.expose())))
    }

    /// The 24 words, separated by one space.
    #[must_use]
    pub fn words(&self) -> Sensitive<String> {
        words(&self.0.expose_seed())
    }

    /// The text of the QR code.
    #[must_use]
    pub fn code(&self) -> Sensitive<String> {
        Sensitive::new(format!(
            "{ROOT_PREFIX}{}",
            b64u::encode(self.0.expose_seed().as_slice())
        ))
    }

    /// The QR code as SVG.
    ///
    /// # Errors
    /// Never for this length; the type says what could be.
    pub fn qr_svg(&self) -> Result<Sensitive<String>, QrTooLong> {
        qr_svg(self.code().expose()).map(Sensitive::new)
    }

    /// The public half, which invites and rosters name.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// The key itself, for signing a roster.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.0
    }
}

//! Whole age files: sealed to hybrid recipients, or under a passphrase; opened to the very end or not at all.
//!
//! age gives out plaintext before the last chunk is verified. Here nothing leaves before the end: what is opened goes
//! into a buffer that is wiped when a later chunk fails.

use crate::{AgeIdentity, AgeRecipient, Sensitive};
use age::secrecy::SecretString;
use std::io::{Read as _, Write as _};
use zeroize::Zeroizing;

/// scrypt work factor (log2 N) for passphrase files: what Go age writes, about a second of one core.
pub const WORK_FACTOR: u8 = 18;
/// The highest work factor that is opened: some sixteen seconds. More is an attack on the reader.
const MAX_WORK_FACTOR: u8 = 22;

/// Why a file was not sealed or not opened. Names no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeFileError {
    /// The header is not age v1, or one that must not be.
    #[error("not an age v1 file, or its header is damaged")]
    Header,
    /// None of the keys at hand opens it.
    #[error("sealed to other keys than those at hand; use the key it was sealed to")]
    NoMatch,
    /// The passphrase does not open it.
    #[error("the passphrase does not open this file; check it and try again")]
    Passphrase,
    /// The passphrase work factor is too high to try.
    #[error("the file asks for more passphrase work than is allowed")]
    TooMuchWork,
    /// Header or payload were changed or cut off.
    #[error("changed or cut off after it was sealed")]
    Damaged,
    /// Sealing to nobody, or the system gave no randomness.
    #[error("could not be sealed: {0}")]
    Seal(&'static str),
}

/// Seals `plaintext` to these recipients.
///
/// # Errors
/// [`AgeFileError::Seal`].
pub fn seal_file(recipients: &[AgeRecipient], plaintext: &[u8]) -> Result<Vec<u8>, AgeFileError> {
    let all = recipients
        .iter()
        .map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(all)
        .map_err(|_| AgeFileError::Seal("no usable recipient"))?;
    // header: about 1.6 KB a recipient; payload: a tag for each 64 KiB
    write(encryptor, plaintext, recipients.len() * 1700 + 1024)
}

/// Opens a file with whichever of the identities fits.
///
/// # Errors
/// [`AgeFileError`]; then nothing of the plaintext was given out.
pub fn open_file(
    file: &[u8],
    identities: &[AgeIdentity],
) -> Result<Sensitive<Vec<u8>>, AgeFileError> {
    let all = identities
        .iter()
        .map(|identity| identity as &dyn age::Identity);
    read(file, all, AgeFileError::NoMatch)
}

/// Seals under a passphrase, so that every age ever released can open it. `work_factor` is [`WORK_FACTOR`] but in tests.
///
/// # Errors
/// [`AgeFileError::Seal`].
pub fn seal_with_passphrase(
    passphrase: &Sensitive<String>,
    plaintext: &[u8],
    work_factor: u8,
) -> Result<Vec<u8>, AgeFileError> {
    let mut recipient =
        age::scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
    recipient.set_work_factor(work_factor);
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(|_| AgeFileError::Seal("no usable passphrase"))?;
    write(encryptor, plaintext, 1024)
}

/// Opens a passphrase file.
///
/// # Errors
/// [`AgeFileError`].
pub fn open_with_passphrase(
    file: &[u8],
    passphrase: &Sensitive<String>,
) -> Result<Sensitive<Vec<u8>>, AgeFileError> {
    let mut identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    read(
        file,
        std::iter::once(&identity as &dyn age::Identity),
        AgeFileError::Passphrase,
    )
}

fn write(
    encryptor: age::Encryptor,
    plaintext: &[u8],
    overhead: usize,
) -> Result<Vec<u8>, AgeFileError> {
    let failed = |_| AgeFileError::Seal("the file could not be written");
    let mut file = Vec::with_capacity(overhead + plaintext.len() + plaintext.len() / 4096 + 32);
    let mut writer = encryptor.wrap_output(&mut file).map_err(failed)?;
    writer.write_all(plaintext).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

fn read<'a>(
    file: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
    no_match: AgeFileError,
) -> Result<Sensitive<Vec<u8>>, AgeFileError> {
    let mut reader = start(file, identities, no_match)?;
    // room for all of it at once: a growing buffer would leave copies behind
    let mut plaintext = Zeroizing::new(Vec::with_capacity(file.len()));
    reader
        .read_to_end(&mut plaintext)
        .map_err(|_| AgeFileError::Damaged)?;
    Ok(Sensitive::from(std::mem::take(&mut *plaintext)))
}

/// Reads the header and finds the file key.
fn start<'a, 'f>(
    file: &'f [u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
    no_match: AgeFileError,
) -> Result<age::stream::StreamReader<&'f [u8]>, AgeFileError> {
    if !stanzas_end_as_they_must(file) {
        return Err(AgeFileError::Header);
    }
    let decryptor = age::Decryptor::new_buffered(file).map_err(|_| AgeFileError::Header)?;
    decryptor.decrypt(identities).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::DecryptionFailed => no_match,
        age::DecryptError::ExcessiveWork { .. } => AgeFileError::TooMuchWork,
        age::DecryptError::InvalidMac => AgeFileError::Damaged,
        _ => AgeFileError::Header,
    })
}

/// Each stanza's body ends in a line shorter than 64 characters, perhaps empty (C2SP `age.md`). The age crate also
/// takes stanzas without that line, as files from before the specification had them; two readers must not differ.
fn stanzas_end_as_they_must(file: &[u8]) -> bool {
    let mut lines = file.split(|c| *c == b'\n').skip(1);
    while let Some(line) = lines.next() {
        if !line.starts_with(b"-> ") {
            // the MAC line, or what the age crate refuses
            return true;
        }
        loop {
            let Some(body) = lines.next() else {
                return false;
            };
            if body
                .iter()
                .any(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/')))
            {
                return false;
            }
            if body.len() < 64 {
                break;
            }
        }
    }
    true
}

#[cfg(test)]
mod vectors;

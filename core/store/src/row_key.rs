//! Sealed rows: single values under the install's database key, bound to the place where they stand.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random 24-byte nonce; additional data are table, column
//! and row, each with its length before it, so that a value copied to another place does not open.
//! Layout of a sealed value: version 1 (one byte) ‖ nonce (24) ‖ ciphertext and tag.

use crate::StoreError;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// What identifies the row, as bytes.
    pub row: &'a [u8],
}

impl Place<'_> {
    fn additional_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for field in [self.table.as_bytes(), self.column.as_bytes(), self.row] {
            data.extend_from_slice(&(field.len() as u64).to_be_bytes());
            data.extend_from_slice(field);
        }
        data
    }
}

/// The key that seals rows. Wiped from memory when dropped, never shown.
pub struct RowKey(XChaCha20Poly1305);

impl std::fmt::Debug for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowKey(…)")
    }
}

impl RowKey {
    /// From the install's 32-byte database key.
    #[must_use]
    pub fn new(database_key: &[u8; 32]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        // 32 bytes are within HKDF's limit of 255 blocks, so expanding cannot fail.
        let expanded =
            Hkdf::<Sha256>::new(None, database_key).expand(b"teleward/v1/rows", key.as_mut());
        debug_assert!(expanded.is_ok());
        Self(XChaCha20Poly1305::new(chacha20poly1305::Key::from_slice(
            key.as_ref(),
        )))
    }

    /// Seals one value for one place.
    ///
    /// # Errors
    /// [`StoreError::NoRandom`].
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::NoRandom)?;
        let payload = Payload {
            msg: plain,
            aad: &place.additional_data(),
        };
        let sealed = self
            .0
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| StoreError::BadValue { what: place.table })?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what stands in a place.
    ///
    /// # Errors
    /// [`StoreError::RowDoesNotOpen`]: another key, another place, or altered.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let refused = StoreError::RowDoesNotOpen {
            table: place.table,
            column: place.column,
        };
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(refused);
        };
        let Some((nonce, body)) = rest.split_at_checked(NONCE) else {
            return Err(refused);
        };
        let payload = Payload {
            msg: body,
            aad: &place.additional_data(),
        };
        match self.0.decrypt(XNonce::from_slice(nonce), payload) {
            Ok(plain) => Ok(Zeroizing::new(plain)),
            Err(_) => Err(refused),
        }
    }
}

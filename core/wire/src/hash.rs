//! SHA-256 values, written as 64 lower-case hex characters.

use sha2::{Digest as _, Sha256};

crate::id::hex_id! {
    /// A SHA-256 value.
    Hash, 32
}

impl Hash {
    /// What stands where there is no earlier hash: 64 zeros.
    pub const ZERO: Self = Self([0; 32]);
}

/// SHA-256 of the pieces, one after the other.
#[must_use]
pub fn sha256(pieces: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    Hash(hasher.finalize().into())
}

//! Canonical base64url: no padding, no whitespace, spare bits zero (RFC 4648 section 5). Anything else is refused,
//! so that one byte string has one text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text was not canonical base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url (no padding, no spaces, spare bits zero)")]
pub struct NotCanonical;

/// Bytes to text.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Text to bytes.
///
/// # Errors
/// [`NotCanonical`] for padding, foreign characters, or spare bits that are not zero.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotCanonical)
}

/// Text to exactly `N` bytes.
///
/// # Errors
/// [`NotCanonical`], also for another length.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Result<[u8; N], NotCanonical> {
    decode(text)?.try_into().map_err(|_| NotCanonical)
}

/// `#[serde(with = "b64u::serde_array")]` for byte arrays.
pub mod serde_array {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the array as base64url text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::encode(bytes))
    }

    /// Reads base64url text of exactly `N` bytes.
    ///
    /// # Errors
    /// When the text is not canonical or has another length.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        super::decode_array(text.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_and_nothing_else_is_read() {
        assert_eq!(encode([0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8"), Ok(vec![0xfb, 0xff]));
        for bad in ["-_8=", "-_9", "+/8", "-_8 ", "-_8\n", "A"] {
            assert_eq!(decode(bad), Err(NotCanonical), "{bad:?}");
        }
        assert_eq!(decode_array::<3>("-_8"), Err(NotCanonical));
    }
}

//! Lower-case hex, the one way in which bytes are written down in readings.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// A text was not lower-case hex of the expected length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not lower-case hex of the expected length")]
pub struct HexError;

/// Bytes as lower-case hex.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Lower-case hex as bytes.
///
/// # Errors
/// [`HexError`] for an odd length, a capital or anything that is no hex digit.
pub fn from_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(HexError),
    };
    if !text.len().is_multiple_of(2) {
        return Err(HexError);
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// Hex of exactly `N` bytes.
pub(crate) fn array<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    from_hex(text)?.try_into().map_err(|_| HexError)
}

/// `#[serde(with = "hex::bytes")]` for `Vec<u8>`.
pub(crate) mod bytes {
    use super::{Deserialize, Deserializer, Serializer, from_hex, to_hex};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from_hex(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "hex::packets")]` for `Vec<Vec<u8>>`.
pub(crate) mod packets {
    use super::{Deserialize, Deserializer, Serializer, from_hex, to_hex};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer>(packets: &[Vec<u8>], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(packets.iter().map(|packet| to_hex(packet)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(from)?
            .iter()
            .map(|text| from_hex(text).map_err(D::Error::custom))
            .collect()
    }
}

/// `#[serde(with = "hex::fixed")]` for `[u8; N]`.
pub(crate) mod fixed {
    use super::{Deserialize, Deserializer, Serializer, array, to_hex};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        array(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "hex::optional")]` for `Option<[u8; N]>`.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Serializer, array, to_hex};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &Option<[u8; N]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_some(&to_hex(bytes)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| array(&text).map_err(D::Error::custom))
            .transpose()
    }
}

/// Reads a serde string through a parser of ours.
pub(crate) fn parsed<'de, D, T, E>(
    from: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: std::fmt::Display,
{
    parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_there_and_back_and_nowhere_else() {
        assert_eq!(to_hex(&[0x00, 0x9f, 0xff]), "009fff");
        assert_eq!(from_hex("009fff"), Ok(vec![0x00, 0x9f, 0xff]));
        for bad in ["0", "0G", "FF", "0 ", "é"] {
            assert_eq!(from_hex(bad), Err(HexError), "{bad}");
        }
        assert_eq!(array::<2>("00"), Err(HexError));
    }
}

//! Ids. Each is a type of its own, and each has one text form: lower-case hex, but for [`Kid`], which is the
//! 43-character thumbprint of RFC 7638. That text is also what stands inside hashes, MACs and prologues.

use crate::b64u;

/// A text was not an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {wanted}")]
pub struct IdError {
    /// What would have been right, in words.
    pub wanted: &'static str,
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let nibble = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    unhex(text).ok_or(IdError {
        wanted: if N == 16 {
            "32 lower-case hex characters"
        } else {
            "64 lower-case hex characters"
        },
    })
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The raw bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse_hex(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hex_id;

hex_id! {
    /// The id of a sealed file: SHA-256 of all its bytes.
    EnvelopeId, 32
}
hex_id! {
    /// The id of a mailbox, derived from an invite's secret; no secret itself, and without meaning.
    MailboxId, 16
}
hex_id! {
    /// The id of one companion on one phone or hub, made at its first start.
    InstallId, 16
}

/// A key's thumbprint (RFC 7638): its name in every statement and request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kid(pub [u8; 32]);

impl std::fmt::Display for Kid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&b64u::encode(self.0))
    }
}

impl std::fmt::Debug for Kid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kid({self})")
    }
}

impl std::str::FromStr for Kid {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        b64u::decode_array(text).map(Self).map_err(|_| IdError {
            wanted: "a 43-character key thumbprint",
        })
    }
}

impl serde::Serialize for Kid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Kid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text() {
        let text = "00112233445566778899aabbccddeeff";
        let id: MailboxId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        for bad in [
            "",
            "00",
            "00112233445566778899AABBCCDDEEFF",
            "00112233445566778899aabbccddeefg",
            " 0112233445566778899aabbccddeeff",
        ] {
            assert!(bad.parse::<MailboxId>().is_err(), "{bad:?}");
        }
        assert!("A".repeat(42).parse::<Kid>().is_err());
        assert!("A".repeat(43).parse::<Kid>().is_ok());
    }
}

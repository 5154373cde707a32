//! The outer shape of a sealed file: a binary age v1 header with the allowed stanzas, then a payload.
//!
//! This is what relay and outbox check before they take bytes, and all they can check: it needs no key and shows no
//! content. Layout: the age specification (C2SP `age.md`), narrowed by `docs/formats/envelope.md`.

use crate::{EnvelopeId, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The largest envelope in bytes, a grease stanza not counted.
pub const MAX_ENVELOPE_BYTES: usize = 1_179_648;
/// Room for the one grease stanza that some age writers add.
pub const MAX_GREASE_BYTES: usize = 4096;
/// Recipients of one file: what 16 clinics' machines, escrow and recovery may need at most.
pub const MAX_STANZAS: usize = 16;

const INTRO: &[u8] = b"age-encryption.org/v1\n";
const TAG: &str = "mlkem768x25519";
/// X-Wing encapsulation: ML-KEM-768 ciphertext (1,088 bytes) and an X25519 share (32 bytes).
const ENCAPSULATION_BYTES: usize = 1120;
/// A 16-byte file key under ChaCha20-Poly1305.
const BODY_BYTES: usize = 32;
/// A payload holds a 16-byte nonce and at least one chunk with its 16-byte tag.
const MIN_PAYLOAD_BYTES: usize = 32;

/// Why bytes are no sealed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// Over the limit.
    #[error("larger than {MAX_ENVELOPE_BYTES} bytes")]
    TooLarge,
    /// No age v1 header, or one that ends too early.
    #[error("no binary age v1 file, or one that was cut off")]
    NotAge,
    /// A stanza of a kind that is not allowed here.
    #[error("a recipient stanza that is not allowed (only {TAG}, and one grease)")]
    Stanza,
    /// No recipient or too many.
    #[error("{0} recipients; 1 to {MAX_STANZAS} are allowed")]
    Count(usize),
}

/// An envelope that is well formed on the outside. Its id is the hash of all its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
    id: EnvelopeId,
    stanzas: usize,
}

impl Sealed {
    /// Takes bytes that have the outer shape of an envelope.
    ///
    /// # Errors
    /// [`SealedError`], without any part of the bytes.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, SealedError> {
        let shape = shape(&bytes)?;
        let id = EnvelopeId(sha256(&[&bytes]).0);
        Ok(Self {
            bytes,
            id,
            stanzas: shape.stanzas,
        })
    }

    /// SHA-256 of the whole file.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        self.id
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, by value.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many recipients the file has: anyone who holds it can see this.
    #[must_use]
    pub fn hybrid_stanzas(&self) -> usize {
        self.stanzas
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.id, self.bytes.len())
    }
}

struct Shape {
    stanzas: usize,
}

fn shape(bytes: &[u8]) -> Result<Shape, SealedError> {
    if bytes.len() > MAX_ENVELOPE_BYTES + MAX_GREASE_BYTES {
        return Err(SealedError::TooLarge);
    }
    let mut rest = bytes.strip_prefix(INTRO).ok_or(SealedError::NotAge)?;
    let (mut stanzas, mut grease) = (0, 0);
    loop {
        let (line, after) = line(rest)?;
        if let Some(mac) = line.strip_prefix("--- ") {
            if decode::<32>(mac).is_none() || after.len() < MIN_PAYLOAD_BYTES {
                return Err(SealedError::NotAge);
            }
            break;
        }
        let mut words = line
            .strip_prefix("-> ")
            .ok_or(SealedError::NotAge)?
            .split(' ');
        let tag = words.next().unwrap_or_default();
        let (body, after) = body(after)?;
        if tag == TAG {
            let one = words
                .next()
                .and_then(decode::<ENCAPSULATION_BYTES>)
                .is_some()
                && words.next().is_none();
            if !one || body.len() != 43 || decode::<BODY_BYTES>(&body).is_none() {
                return Err(SealedError::Stanza);
            }
            stanzas += 1;
        } else if tag.ends_with("-grease") && grease == 0 {
            grease = rest.len() - after.len();
        } else {
            return Err(SealedError::Stanza);
        }
        rest = after;
    }
    if !(1..=MAX_STANZAS).contains(&stanzas) {
        return Err(SealedError::Count(stanzas));
    }
    if grease > MAX_GREASE_BYTES || bytes.len() - grease > MAX_ENVELOPE_BYTES {
        return Err(SealedError::TooLarge);
    }
    Ok(Shape { stanzas })
}

/// One header line of printable ASCII, without its LF.
fn line(from: &[u8]) -> Result<(&str, &[u8]), SealedError> {
    let end = from
        .iter()
        .position(|c| *c == b'\n')
        .ok_or(SealedError::NotAge)?;
    let text = std::str::from_utf8(&from[..end]).map_err(|_| SealedError::NotAge)?;
    if text.bytes().all(|c| (b' '..=b'~').contains(&c)) {
        Ok((text, &from[end + 1..]))
    } else {
        Err(SealedError::NotAge)
    }
}

/// A stanza's body: base64 lines of 64 characters, the last one shorter, perhaps empty.
fn body(mut from: &[u8]) -> Result<(String, &[u8]), SealedError> {
    let mut text = String::new();
    loop {
        let (piece, after) = line(from)?;
        text.push_str(piece);
        from = after;
        match piece.len() {
            64 => {}
            0..64 => return Ok((text, from)),
            _ => return Err(SealedError::NotAge),
        }
    }
}

/// age writes unpadded standard base64.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(tag: &str, arguments: &[usize], body: usize) -> String {
        let mut text = format!("-> {tag}");
        for argument in arguments {
            text.push(' ');
            text.push_str(&STANDARD_NO_PAD.encode(vec![1; *argument]));
        }
        text.push('\n');
        let body = STANDARD_NO_PAD.encode(vec![2; body]);
        for piece in body.as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(piece).unwrap());
            text.push('\n');
        }
        if body.len().is_multiple_of(64) {
            text.push('\n');
        }
        text
    }

    fn file(stanzas: &[String], payload: usize) -> Vec<u8> {
        let mut bytes = INTRO.to_vec();
        stanzas
            .iter()
            .for_each(|s| bytes.extend_from_slice(s.as_bytes()));
        bytes.extend_from_slice(format!("--- {}\n", STANDARD_NO_PAD.encode([3; 32])).as_bytes());
        bytes.resize(bytes.len() + payload, 4);
        bytes
    }

    fn hybrid() -> String {
        stanza(TAG, &[1120], 32)
    }

    #[test]
    fn a_file_of_hybrid_stanzas_and_one_grease_is_taken() {
        let sealed = Sealed::parse(file(
            &[hybrid(), stanza("xY-grease", &[5, 9], 48), hybrid()],
            4128,
        ))
        .unwrap();
        assert_eq!(sealed.hybrid_stanzas(), 2);
        assert_eq!(sealed.id().0, sha256(&[sealed.bytes()]).0);
    }

    #[test]
    fn everything_else_is_refused() {
        let bad = |stanzas: &[String]| Sealed::parse(file(stanzas, 4128)).unwrap_err();
        assert_eq!(bad(&[]), SealedError::Count(0));
        assert_eq!(bad(&vec![hybrid(); 17]), SealedError::Count(17));
        assert_eq!(bad(&[stanza("a-grease", &[], 3)]), SealedError::Count(0));
        assert_eq!(
            bad(&[
                hybrid(),
                stanza("a-grease", &[], 3),
                stanza("b-grease", &[], 3)
            ]),
            SealedError::Stanza
        );
        assert_eq!(
            bad(&[hybrid(), stanza("X25519", &[32], 32)]),
            SealedError::Stanza
        );
        assert_eq!(bad(&[stanza("scrypt", &[16, 2], 32)]), SealedError::Stanza);
        assert_eq!(bad(&[stanza(TAG, &[1119], 32)]), SealedError::Stanza);
        assert_eq!(bad(&[stanza(TAG, &[1120, 1], 32)]), SealedError::Stanza);
        assert_eq!(bad(&[stanza(TAG, &[1120], 33)]), SealedError::Stanza);
        assert_eq!(
            bad(&[hybrid(), stanza("a-grease", &[], 5000)]),
            SealedError::TooLarge
        );
        assert_eq!(
            Sealed::parse(file(&[hybrid()], MAX_ENVELOPE_BYTES)).unwrap_err(),
            SealedError::TooLarge
        );
        assert_eq!(
            Sealed::parse(file(&[hybrid()], 31)).unwrap_err(),
            SealedError::NotAge
        );
        assert_eq!(
            Sealed::parse(b"age-encryption.org/v2\n".to_vec()).unwrap_err(),
            SealedError::NotAge
        );
        let whole = file(&[hybrid()], 4128);
        for cut in 0..whole.len() - 4128 + 31 {
            assert!(
                Sealed::parse(whole[..cut].to_vec()).is_err(),
                "cut at {cut}"
            );
        }
    }
}

//! An envelope's inside: P = H ‖ LF ‖ C ‖ spaces ‖ LF in a binary age file. Sealing, and reading step by step.
//!
//! H is the signed header, C the content, and spaces fill P to its padded length. [`seal_envelope`] makes a file from
//! a [`Draft`]; [`Plaintext`] takes one apart without judging who sent it, which is what tools without a database
//! need. Judging is in [`crate::open_up`] and [`crate::open_down`].

use crate::age_file::{AgeFileError, open_file, seal_file};
use crate::header::{
    Got, Header, HeaderBeat, HeaderError, Kind, MAX_CONTENT_BYTES, MAX_HEADER_BYTES, RosterRef, TYP,
};
use crate::join::Proof;
use crate::padme::padded;
use crate::refusal::Refusal;
use crate::{AgeIdentity, Recipients, Sensitive};
use wire::jws::{JwsError, Unverified};
use wire::{EnvelopeId, Hash, Kid, MailboxId, PublicKey, Sealed, SigningKey, Time, jws, sha256};
use zeroize::Zeroizing;

/// Everything that an envelope is made of.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// The mailbox it goes to.
    pub mailbox: MailboxId,
    /// Its number under the signing key in this box.
    pub seq: u64,
    /// The id of the one before; `None` for the first.
    pub prev: Option<EnvelopeId>,
    /// What it holds.
    pub kind: Kind,
    /// Now.
    pub at: Time,
    /// The newest roster held.
    pub roster: RosterRef,
    /// The circle whose recovery key is among the recipients.
    pub circle: u64,
    /// To whom.
    pub recipients: &'a Recipients,
    /// The content: empty, or ending in LF.
    pub content: &'a [u8],
    /// What the sealer has of the opposite mailbox: [`crate::Chain::got`].
    pub got: &'a [Got],
    /// The envelope that this one answers.
    pub re: Option<EnvelopeId>,
    /// In a join.
    pub proof: Option<Proof>,
    /// Up: always.
    pub beat: Option<HeaderBeat>,
}

/// A sealed envelope, with what its sender keeps about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnvelope {
    /// The file.
    pub sealed: Sealed,
    /// SHA-256 of the header's exact bytes.
    pub header: Hash,
}

/// Why nothing was sealed: each is a mistake of the caller, or a system without randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More content than an envelope takes: make smaller batches.
    #[error("{0} bytes of content; an envelope takes {MAX_CONTENT_BYTES}")]
    ContentTooLarge(usize),
    /// Content that does not end in LF.
    #[error("content that does not end in a line feed")]
    NoLineEnd,
    /// Numbers that cannot be: seq 0, or a first one with a predecessor.
    #[error("a place in the chain that cannot be")]
    Place,
    /// The age file could not be written.
    #[error(transparent)]
    Age(#[from] AgeFileError),
}

/// Seals one envelope. The header stays within 8 KiB by leaving out receipts first; it never fails over them.
///
/// # Errors
/// [`SealError`].
pub fn seal_envelope(draft: &Draft<'_>, key: &SigningKey) -> Result<SealedEnvelope, SealError> {
    let content = draft.content;
    if content.len() > MAX_CONTENT_BYTES {
        return Err(SealError::ContentTooLarge(content.len()));
    }
    if content.last().is_some_and(|last| *last != b'\n') {
        return Err(SealError::NoLineEnd);
    }
    if draft.seq == 0 || (draft.seq == 1) != draft.prev.is_none() {
        return Err(SealError::Place);
    }
    let mut header = Header {
        v: 1,
        mailbox: draft.mailbox,
        seq: draft.seq,
        prev: draft.prev.unwrap_or(EnvelopeId(Hash::ZERO.0)),
        kind: draft.kind.clone(),
        at: draft.at,
        roster: draft.roster,
        circle: draft.circle,
        to: draft.recipients.to(),
        len: content.len() as u64,
        sha256: sha256(&[content]),
        got: draft.got.to_vec(),
        re: draft.re,
        proof: draft.proof,
        beat: draft.beat.clone(),
        parts: Vec::new(),
    };
    header.trim();
    let mut h = jws::sign_json(key, TYP, &header);
    while h.len() > MAX_HEADER_BYTES && header.drop_something() {
        h = jws::sign_json(key, TYP, &header);
    }
    seal_parts(&h, content, draft.recipients)
}

/// Seals a header line and a content as they stand.
pub(crate) fn seal_parts(
    h: &str,
    content: &[u8],
    to: &Recipients,
) -> Result<SealedEnvelope, SealError> {
    let length = padded(h.len() + 1 + content.len() + 1);
    let mut plaintext = Zeroizing::new(Vec::with_capacity(length));
    plaintext.extend_from_slice(h.as_bytes());
    plaintext.push(b'\n');
    plaintext.extend_from_slice(content);
    plaintext.resize(length - 1, b' ');
    plaintext.push(b'\n');
    let file = seal_file(to.as_slice(), &plaintext)?;
    let sealed = Sealed::parse(file)
        .map_err(|_| AgeFileError::Seal("the file has another shape than allowed"))?;
    Ok(SealedEnvelope {
        sealed,
        header: sha256(&[h.as_bytes()]),
    })
}

/// An opened envelope that nobody has judged yet.
#[derive(Debug, Clone)]
pub struct Plaintext {
    statement: Unverified,
    header: Header,
    /// Everything after the header's LF.
    rest: Sensitive<Vec<u8>>,
}

impl Plaintext {
    /// Opens a file to its end with whichever identity fits, and reads its header line.
    ///
    /// # Errors
    /// [`Refusal`]: no key fits, damaged, no header, or [`Refusal::Newer`].
    pub fn open(sealed: &Sealed, identities: &[AgeIdentity]) -> Result<Self, Refusal> {
        let plaintext = open_file(sealed.bytes(), identities).map_err(|error| match error {
            AgeFileError::NoMatch => Refusal::NoKey,
            _ => Refusal::Damaged,
        })?;
        Self::parse(plaintext.expose())
    }

    /// Reads a plaintext. A pure function of its bytes.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn parse(plaintext: &[u8]) -> Result<Self, Refusal> {
        let line = plaintext
            .iter()
            .take(MAX_HEADER_BYTES + 1)
            .position(|c| *c == b'\n');
        let end = line.ok_or(Refusal::NoHeader)?;
        let text = std::str::from_utf8(&plaintext[..end]).map_err(|_| Refusal::NoHeader)?;
        let statement = Unverified::parse(text, TYP).map_err(|_| Refusal::NoHeader)?;
        let header =
            Header::parse(statement.payload_before_check()).map_err(|error| match error {
                HeaderError::Newer => Refusal::Newer,
                HeaderError::Rules(what) => Refusal::Header(what),
            })?;
        Ok(Self {
            statement,
            header,
            rest: Sensitive::new(plaintext[end + 1..].to_vec()),
        })
    }

    /// The key that the header names: a hint for looking in one's own lists.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.statement.kid()
    }

    /// What the header says, before anybody checked its signature.
    #[must_use]
    pub fn claimed(&self) -> &Header {
        &self.header
    }

    /// SHA-256 of the header's exact bytes.
    #[must_use]
    pub fn header_hash(&self) -> Hash {
        self.statement.hash()
    }

    /// Checks the header's signature.
    ///
    /// # Errors
    /// [`Refusal::Signature`], or [`Refusal::UnknownSender`] when it names another key.
    pub fn verify(&self, key: &PublicKey) -> Result<&Header, Refusal> {
        self.statement.verify(key).map_err(|error| match error {
            JwsError::Kid => Refusal::UnknownSender,
            _ => Refusal::Signature,
        })?;
        Ok(&self.header)
    }

    /// The content, if length, hash and padding are as the header says.
    ///
    /// # Errors
    /// [`Refusal::Length`], [`Refusal::ContentHash`], [`Refusal::Padding`].
    pub fn content(&self) -> Result<&[u8], Refusal> {
        let rest = self.rest.expose();
        let len = usize::try_from(self.header.len).map_err(|_| Refusal::Length)?;
        let content = rest
            .get(..len)
            .filter(|_| rest.len() > len)
            .ok_or(Refusal::Length)?;
        if sha256(&[content]) != self.header.sha256 {
            return Err(Refusal::ContentHash);
        }
        if content.last().is_some_and(|last| *last != b'\n') {
            return Err(Refusal::Length);
        }
        let head = self.statement.text().len() + 1;
        let padding = rest[len..].strip_suffix(b"\n").ok_or(Refusal::Padding)?;
        if padding.iter().any(|c| *c != b' ') || head + rest.len() != padded(head + len + 1) {
            return Err(Refusal::Padding);
        }
        Ok(content)
    }
}

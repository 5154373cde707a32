//! The signed first line of every envelope (`typ: tw-env-1`): where it belongs, what it holds, to whom it is sealed.
//!
//! The members are those of `docs/formats/envelope.md`. Unknown members are ignored; an unknown `type` is kept and
//! reported; another `v` waits for an update of the program.

use crate::join::Proof;
use serde::{Deserialize, Serialize};
use wire::{EnvelopeId, Hash, Kid, MailboxId, Time, json};

/// The `typ` of a header.
pub const TYP: &str = "tw-env-1";
/// A header's JWS is at most so long.
pub const MAX_HEADER_BYTES: usize = 8192;
/// An envelope's content is at most so long.
pub const MAX_CONTENT_BYTES: usize = 1024 * 1024;
/// Entries of [`Header::got`] at most.
pub const MAX_GOT: usize = 8;
/// Entries of [`HeaderBeat::refused`] at most.
pub const MAX_REFUSED: usize = 4;
/// Entries of [`HeaderBeat::receipts`] at most.
pub const MAX_RECEIPTS: usize = 8;
const MAX_PARTS: usize = 16;
const MAX_APP_CHARS: usize = 64;
const MAX_REASON_CHARS: usize = 32;

/// What an envelope holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// The first envelope of a link, up.
    Join,
    /// The clinic's answer to a join, down.
    Welcome,
    /// All links of the patient, down.
    Circle,
    /// A roster as `{v, jws}`, down.
    Roster,
    /// Readings, one FHIR resource a line, up.
    Readings,
    /// Later words about readings, one a line, up.
    Amend,
    /// The clinic's instructions as `{v, jws}`, down.
    Plan,
    /// What the station has, down.
    Ack,
    /// What a person looked at, down.
    Seen,
    /// A sign of life; empty content up.
    Beat,
    /// Readings that will not come, up.
    Void,
    /// Send again what came after a number, down.
    Resend,
    /// A signed table as `{v, jws}`, down.
    Data,
    /// Any other name: kept and reported, never sent by this version.
    Other(String),
}

impl Kind {
    /// Its name in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Join => "join",
            Self::Welcome => "welcome",
            Self::Circle => "circle",
            Self::Roster => "roster",
            Self::Readings => "readings",
            Self::Amend => "amend",
            Self::Plan => "plan",
            Self::Ack => "ack",
            Self::Seen => "seen",
            Self::Beat => "beat",
            Self::Void => "void",
            Self::Resend => "resend",
            Self::Data => "data",
            Self::Other(name) => name,
        }
    }

    /// Whether an envelope of this kind wants an answer: nobody sends one only because of an `ack`, `beat` or `seen`.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        !matches!(self, Self::Ack | Self::Beat | Self::Seen)
    }

    /// Whether a down envelope of this kind is sealed under the circle that the receiver last named, and not under
    /// the newest: what the receiver needs in order to hold the newest.
    #[must_use]
    pub fn goes_under_named_circle(&self) -> bool {
        matches!(self, Self::Welcome | Self::Circle | Self::Roster)
    }
}

impl From<&str> for Kind {
    fn from(name: &str) -> Self {
        match name {
            "join" => Self::Join,
            "welcome" => Self::Welcome,
            "circle" => Self::Circle,
            "roster" => Self::Roster,
            "readings" => Self::Readings,
            "amend" => Self::Amend,
            "plan" => Self::Plan,
            "ack" => Self::Ack,
            "seen" => Self::Seen,
            "beat" => Self::Beat,
            "void" => Self::Void,
            "resend" => Self::Resend,
            "data" => Self::Data,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::from(
            std::borrow::Cow::<'de, str>::deserialize(from)?.as_ref(),
        ))
    }
}

/// `[kid, seq, id]`: the last envelope of a sender before the first that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Got(pub Kid, pub u64, pub EnvelopeId);

/// A file that could not be taken, and why: a code, never content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The file.
    pub id: EnvelopeId,
    /// The reason's code.
    pub reason: String,
}

/// `[relay kid, n, id]`: the highest arrival number that a relay signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HighestReceipt(pub Kid, pub u64, pub EnvelopeId);

/// How far the sender's clock is from its relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockState {
    /// Relay minus sender, in milliseconds.
    pub offset_ms: i64,
    /// Whether the sender believes it.
    pub sure: bool,
}

/// A number and a hash, written as a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterRef(pub u32, pub Hash);

impl From<&wire::roster::Accepted> for RosterRef {
    fn from(held: &wire::roster::Accepted) -> Self {
        Self(held.roster.n, held.hash)
    }
}

/// The state of an install, in every up header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderBeat {
    /// When the sender means to be heard again at the latest.
    pub next_by: Time,
    /// Readings and files that are not acknowledged.
    pub depth: u64,
    /// The oldest of them.
    pub oldest: Option<Time>,
    /// How many of them do not go on by themselves.
    pub stuck: u64,
    /// What the sender quarantined, newest first, at most [`MAX_REFUSED`].
    pub refused: Vec<Refused>,
    /// The relays' highest receipts, at most [`MAX_RECEIPTS`].
    pub receipts: Vec<HighestReceipt>,
    /// The sender's clock.
    pub clock: ClockState,
    /// "name/version".
    pub app: String,
}

/// One part that an envelope lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Hash of the part's file.
    pub id: EnvelopeId,
    /// Length of its raw bytes.
    pub len: u64,
    /// SHA-256 of its raw bytes.
    pub sha256: Hash,
}

/// An envelope's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format: 1.
    pub v: u32,
    /// The mailbox it belongs to.
    #[serde(rename = "box")]
    pub mailbox: MailboxId,
    /// Its number under this key in this box, from 1.
    pub seq: u64,
    /// The id of the one before; zeros for the first.
    pub prev: EnvelopeId,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was sealed.
    pub at: Time,
    /// The newest roster that the sealer held.
    pub roster: RosterRef,
    /// The circle whose recovery key is a recipient; 0 before the first.
    pub circle: u64,
    /// [`crate::Recipients::to`].
    pub to: Hash,
    /// Length of the content.
    pub len: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
    /// What the sealer has of the opposite mailbox.
    pub got: Vec<Got>,
    /// The envelope that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<EnvelopeId>,
    /// In a join only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// In every up header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beat: Option<HeaderBeat>,
    /// Parts that belong to the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// Why a header's payload was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Made for a later version: keep it.
    Newer,
    /// Never right.
    Rules(&'static str),
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

impl Header {
    /// Reads the payload of a header's JWS.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, HeaderError> {
        let VersionOnly { v } =
            json::parse(payload).map_err(|_| HeaderError::Rules("not a header"))?;
        if v > 1 {
            return Err(HeaderError::Newer);
        }
        let header: Self =
            json::parse(payload).map_err(|_| HeaderError::Rules("members of another shape"))?;
        let rule = |holds: bool, what| {
            if holds {
                Ok(())
            } else {
                Err(HeaderError::Rules(what))
            }
        };
        rule(v == 1, "v is 0")?;
        rule(header.seq > 0, "seq is 0")?;
        rule(header.len <= MAX_CONTENT_BYTES as u64, "len is over 1 MiB")?;
        rule(header.got.len() <= MAX_GOT, "more than 8 entries in got")?;
        rule(header.parts.len() <= MAX_PARTS, "more than 16 parts")?;
        rule(
            header.proof.is_none() || header.kind == Kind::Join,
            "a proof outside a join",
        )?;
        if let Some(beat) = &header.beat {
            rule(
                beat.refused.len() <= MAX_REFUSED,
                "more than 4 entries in beat.refused",
            )?;
            rule(
                beat.receipts.len() <= MAX_RECEIPTS,
                "more than 8 entries in beat.receipts",
            )?;
        }
        Ok(header)
    }

    /// Brings lists and texts within their limits, so that a sealer never fails over them.
    pub(crate) fn trim(&mut self) {
        self.got.truncate(MAX_GOT);
        if let Some(beat) = &mut self.beat {
            beat.refused.truncate(MAX_REFUSED);
            for refused in &mut beat.refused {
                cut(&mut refused.reason, MAX_REASON_CHARS);
            }
            beat.receipts.truncate(MAX_RECEIPTS);
            cut(&mut beat.app, MAX_APP_CHARS);
        }
    }

    /// Drops what can be spared, one thing at a time: receipts first, then refusals, then retired senders in `got`.
    /// `false` when there is nothing left to drop.
    pub(crate) fn drop_something(&mut self) -> bool {
        if let Some(beat) = &mut self.beat {
            if beat.receipts.pop().is_some() {
                return true;
            }
            if beat.refused.pop().is_some() {
                return true;
            }
        }
        self.got.len() > 1 && self.got.pop().is_some()
    }
}

fn cut(text: &mut String, chars: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars) {
        text.truncate(at);
    }
}

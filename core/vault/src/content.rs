//! The contents that are ours: one JSON object and LF each. Readings are FHIR and belong to the crate `reading`.

use crate::circle::LinkState;
use crate::header::Kind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::{EnvelopeId, Hash, Time, json};

/// The bytes are not the content of this kind of envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the content of this kind of envelope")]
pub struct ContentError;

/// A content of ours: one JSON object a content, with `v`.
pub trait Content: Serialize + DeserializeOwned {
    /// The kind of envelope that holds it.
    const KIND: Kind;

    /// Its bytes: one line of JSON and LF.
    fn to_content(&self) -> Vec<u8> {
        let mut content = json::to_string(self).into_bytes();
        content.push(b'\n');
        content
    }

    /// Reads the bytes of a released envelope.
    ///
    /// # Errors
    /// [`ContentError`]: the sender signed something that this version cannot read. Keep it and report it.
    fn parse(content: &[u8]) -> Result<Self, ContentError> {
        let line = content.strip_suffix(b"\n").ok_or(ContentError)?;
        json::parse(line).map_err(|_| ContentError)
    }
}

/// The clinic's answer to a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Version of the format: 1.
    pub v: u32,
    /// The join that it answers.
    pub join: EnvelopeId,
    /// How far the link is.
    pub state: LinkState,
    /// The enrolment's id, 16 bytes as hex.
    pub enrolment: String,
    /// The circle's bytes as a string; goes into [`crate::CircleChain::feed`].
    pub circle: String,
    /// The plan's JWS, once confirmed.
    pub plan: Option<String>,
}

impl Content for Welcome {
    const KIND: Kind = Kind::Welcome;
}

/// A roster that travels as mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterMail {
    /// Version of the format: 1.
    pub v: u32,
    /// The roster's JWS.
    pub jws: String,
}

impl Content for RosterMail {
    const KIND: Kind = Kind::Roster;
}

/// `[seq, id]`, or `{seq, id}` in [`Ack::stored`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Number in the chain.
    pub seq: u64,
    /// The file.
    pub id: EnvelopeId,
}

/// A file that the station could not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckRefused {
    /// The file.
    pub id: EnvelopeId,
    /// Its number, if that could be read.
    pub seq: Option<u64>,
    /// The reason's code.
    pub reason: String,
}

/// What the station has. The newest replaces older ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Version of the format: 1.
    pub v: u32,
    /// The last before the first that is missing; `null` before the first.
    pub stored: Option<Stored>,
    /// What was released beyond the first gap.
    pub also: Vec<(u64, EnvelopeId)>,
    /// What could not be taken.
    pub refused: Vec<AckRefused>,
    /// Numbers that have not come.
    pub missing: Vec<u64>,
    /// The head of the station's audit log.
    pub log: Hash,
}

impl Content for Ack {
    const KIND: Kind = Kind::Ack;
}

/// A person at the clinic looked at these readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Version of the format: 1.
    pub v: u32,
    /// Reading ids, in hex.
    pub readings: Vec<Hash>,
    /// When.
    pub at: Time,
    /// The role of the person, never a name.
    pub by: String,
}

impl Content for Seen {
    const KIND: Kind = Kind::Seen;
}

/// The station's sign of life. (An install's is empty; its state stands in the header.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When the station means to be heard again at the latest.
    pub next_by: Time,
    /// When readings were last looked through by rule.
    pub evaluated: Option<Time>,
    /// The newest roster's number.
    pub roster: u32,
    /// The head of the station's audit log.
    pub log: Hash,
}

impl Content for Beat {
    const KIND: Kind = Kind::Beat;
}

/// Readings that will not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Version of the format: 1.
    pub v: u32,
    /// Reading ids, in hex.
    pub ids: Vec<Hash>,
    /// A code.
    pub reason: String,
}

impl Content for Void {
    const KIND: Kind = Kind::Void;
}

/// A restored station asks for what it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resend {
    /// Version of the format: 1.
    pub v: u32,
    /// The last number that it has; 0 when it has none.
    pub after: u64,
}

impl Content for Resend {
    const KIND: Kind = Kind::Resend;
}

//! What is remembered of a device's records from one sync to the next.

use crate::capture::has_own_key;
use reading::{from_hex, to_hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};

/// By what a record is known again: its number and the first 16 bytes of the SHA-256 of characteristic and bytes. A
/// meter that was reset or swapped has the number, and other bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Print {
    number: Option<u32>,
    hash: [u8; 16],
}

/// A short measurement can be guessed from its hash: it stays out of logs.
impl std::fmt::Debug for Print {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Print")
    }
}

impl Print {
    /// The print of a record.
    #[must_use]
    pub fn of(characteristic: u16, number: Option<u32>, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(characteristic.to_be_bytes());
        hash.update(bytes);
        let hash: [u8; 32] = hash.finalize().into();
        let (half, _) = hash.split_at(16);
        Self {
            number,
            hash: half.try_into().unwrap_or([0; 16]),
        }
    }

    /// That of a record of which nothing but its number is known: unlike all others.
    pub(crate) fn other(number: Option<u32>, n: u32) -> Self {
        let mut hash = [0xff; 16];
        hash[12..].copy_from_slice(&n.to_be_bytes());
        Self { number, hash }
    }

    /// The record's number, where it has one.
    #[must_use]
    pub const fn number(&self) -> Option<u32> {
        self.number
    }
}

/// `number:hash`, the number empty when there is none.
impl Serialize for Print {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let number = self.number.map(|n| n.to_string()).unwrap_or_default();
        to.serialize_str(&format!("{number}:{}", to_hex(&self.hash)))
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::custom("not a print of a record");
        let (number, hash) = text.split_once(':').ok_or_else(wrong)?;
        let number = match number {
            "" => None,
            number => Some(number.parse().map_err(|_| wrong())?),
        };
        let hash = from_hex(hash).ok().and_then(|hash| hash.try_into().ok());
        Ok(Self {
            number,
            hash: hash.ok_or_else(wrong)?,
        })
    }
}

/// How far a device's records have been taken. The newest one moves only when nothing was missing; what was delivered
/// is remembered at once, so that a sync that was cut off delivers nothing twice.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMark {
    newest: Option<Print>,
    known: VecDeque<Print>,
    /// Where numbers count within a session only (a CGM's minutes): which one, as the device names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    session: String,
}

impl std::fmt::Debug for StoredMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredMark({} known)", self.known.len())
    }
}

impl StoredMark {
    /// How many records are remembered; the oldest are forgotten first. Home meters keep up to about 2,000, and what is
    /// forgotten and sent again has the same `ReadingId`.
    pub const CAPACITY: usize = 4_096;

    /// The mark within this session. Of another session nothing was taken yet: there the same number and the same bytes
    /// are another record.
    #[must_use]
    pub fn of_session(self, session: &[u8]) -> Self {
        let session = to_hex(session);
        if self.session == session {
            return self;
        }
        Self {
            session,
            ..Self::default()
        }
    }

    /// The newest record of the last sync that was complete.
    #[must_use]
    pub const fn newest(&self) -> Option<Print> {
        self.newest
    }

    /// Something was taken as the device sent it by itself. What has no time is never taken for another measurement.
    pub(crate) fn took(&mut self, characteristic: u16, value: &[u8]) {
        if has_own_key(characteristic, &[value.to_vec()]) {
            let mut memory = Memory::new(std::mem::take(self));
            memory.learn(Print::of(characteristic, None, value));
            *self = memory.mark();
        }
    }

    /// What was delivered, the oldest first.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Print> {
        self.known.iter()
    }

    /// The session that numbers count in; empty where they do not.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// A mark of its parts.
    pub(crate) fn of_parts(newest: Option<Print>, known: Vec<Print>, session: String) -> Self {
        Self {
            newest,
            known: known.into(),
            session,
        }
    }
}

/// A mark at work: with the same knowledge, quick to ask.
pub(super) struct Memory {
    mark: StoredMark,
    known: HashSet<Print>,
}

impl Memory {
    pub(super) fn new(mut mark: StoredMark) -> Self {
        let over = mark.known.len().saturating_sub(StoredMark::CAPACITY);
        mark.known.drain(..over);
        let known = mark.known.iter().copied().collect();
        Self { mark, known }
    }

    pub(super) const fn newest(&self) -> Option<Print> {
        self.mark.newest
    }

    pub(super) fn knows(&self, print: &Print) -> bool {
        self.known.contains(print)
    }

    pub(super) fn learn(&mut self, print: Print) {
        if !self.known.insert(print) {
            return;
        }
        self.mark.known.push_back(print);
        if self.mark.known.len() > StoredMark::CAPACITY
            && let Some(oldest) = self.mark.known.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn move_to(&mut self, newest: Option<Print>) {
        self.mark.newest = newest.or(self.mark.newest);
    }

    pub(super) fn mark(&self) -> StoredMark {
        self.mark.clone()
    }
}

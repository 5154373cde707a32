//! The three outcomes of reading an envelope: released, waiting, quarantined.

use crate::Sensitive;
use crate::chain::Place;
use crate::header::Header;
use crate::join::Join;
use crate::refusal::Refusal;

/// What became of a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It counts.
    Released(Box<Released>),
    /// It may come to count: keep the file, fetch the roster, try again at each new roster, circle or join.
    Waiting(Waiting),
    /// It never counts: keep the file as evidence.
    Quarantined(Quarantined),
}

impl Outcome {
    /// Its place in the chain, if its header's signature verified and it belongs in this box.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Released(released) => Some(&released.place),
            Self::Waiting(waiting) => waiting.place.as_ref(),
            Self::Quarantined(quarantined) => quarantined.place.as_ref(),
        }
    }
}

/// An envelope that counts.
#[derive(Debug, Clone)]
pub struct Released {
    /// Its place in the chain: feed it to [`crate::Chain`].
    pub place: Place,
    /// Its header, verified.
    pub header: Header,
    /// Its content.
    pub content: Sensitive<Vec<u8>>,
    /// In the first envelope of a link: who joined.
    pub join: Option<Join>,
}

/// What an envelope waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The link's join, or a roster that names the key.
    Sender,
    /// This roster, or one that follows it.
    Roster(u32),
    /// This circle.
    Circle(u64),
    /// A person: the join came long after the invite had expired.
    LateJoin,
    /// A newer version of this program.
    Update,
}

impl WaitReason {
    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Roster(_) => "roster",
            Self::Circle(_) => "circle",
            Self::LateJoin => "late_join",
            Self::Update => "update",
        }
    }
}

/// An envelope that may come to count.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What it waits for.
    pub reason: WaitReason,
    /// Its place in the chain, if its signature verified.
    pub place: Option<Place>,
    /// A roster that it carries: feed it to the roster chain, which judges it by its own signature, and try again.
    pub roster: Option<String>,
}

/// An envelope that never counts.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// What is wrong.
    pub reason: Refusal,
    /// Its place in the chain, if its signature verified.
    pub place: Option<Place>,
}

//! The circle: all links of one patient at the clinic, and the recovery key that opens their mail.
//!
//! A circle counts per link: 1 in the link's first welcome, +1 each time, each naming the hash of the one before.
//! Both sides keep the circles of a link in a [`CircleChain`]: the station to know what it sent, the install to know
//! what it holds. See `docs/formats/join.md`.

use crate::AgeRecipient;
use crate::join::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{Hash, Kid, Time, json, sha256};

/// How far a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Joined; nobody has compared the check words.
    Pending,
    /// A person at the clinic has confirmed it.
    Confirmed,
    /// Ended: its keys count no more.
    Ended,
    /// A state of a later version: shown as such.
    #[serde(other)]
    Unknown,
}

/// One link of a circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleLink {
    /// Its signing key.
    pub kid: Kid,
    /// Its recipient.
    pub age: AgeRecipient,
    /// Who is at its other end.
    pub role: Role,
    /// What the patient calls it.
    pub label: String,
    /// The start of its present state.
    pub since: Time,
    /// How far it is.
    pub state: LinkState,
}

/// One circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circle {
    /// Version of the format: 1.
    pub v: u32,
    /// Its number on this link, from 1.
    pub n: u64,
    /// SHA-256 of the previous one's bytes; zeros for the first.
    pub prev: Hash,
    /// All links of the patient.
    pub links: Vec<CircleLink>,
    /// The key on the patient's recovery sheet.
    pub recovery: Option<AgeRecipient>,
}

impl Circle {
    /// Its bytes, ending in LF: what stands in a `circle` envelope, and as a string in a welcome.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = json::to_string(self);
        text.push('\n');
        text
    }

    /// Reads the bytes of a circle.
    ///
    /// # Errors
    /// [`CircleRefusal::Content`].
    pub fn parse(text: &str) -> Result<Self, CircleRefusal> {
        let line = text.strip_suffix('\n').filter(|line| !line.contains('\n'));
        let circle: Self = line
            .and_then(|line| json::parse(line.as_bytes()).ok())
            .ok_or(CircleRefusal::Content)?;
        if circle.v != 1 || circle.n == 0 || (circle.n == 1) != (circle.prev == Hash::ZERO) {
            return Err(CircleRefusal::Content);
        }
        Ok(circle)
    }
}

/// Why a circle was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CircleRefusal {
    /// Not one line of a circle.
    #[error("not the content of a circle")]
    Content,
    /// Another circle of this number is held.
    #[error("a second circle {0} with other content")]
    Fork(u64),
    /// It does not follow the one before it, or the one after it does not follow it.
    #[error("circle {0} does not fit those beside it")]
    Broken(u64),
}

/// What came of a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircleNews {
    /// It is the newest now.
    Newest,
    /// Taken, and an older one than the newest.
    Older,
    /// It was held already.
    Held,
}

/// The circles of one link. To be kept in a row; starts with the recovery key that the join named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CircleChain {
    joined_with: Option<AgeRecipient>,
    held: BTreeMap<u64, String>,
}

impl CircleChain {
    /// Of a link whose join names this recovery key.
    #[must_use]
    pub fn new(recovery_of_join: Option<AgeRecipient>) -> Self {
        Self {
            joined_with: recovery_of_join,
            held: BTreeMap::new(),
        }
    }

    /// Takes a circle's bytes, in any order.
    ///
    /// # Errors
    /// [`CircleRefusal`]; nothing changes then, and a fork or a broken one is a finding.
    pub fn feed(&mut self, text: &str) -> Result<CircleNews, CircleRefusal> {
        let circle = Circle::parse(text)?;
        let n = circle.n;
        if let Some(held) = self.held.get(&n) {
            return if held == text {
                Ok(CircleNews::Held)
            } else {
                Err(CircleRefusal::Fork(n))
            };
        }
        let hash = |text: &String| sha256(&[text.as_bytes()]);
        let follows = self
            .held
            .get(&(n - 1))
            .is_none_or(|before| hash(before) == circle.prev);
        let is_followed = n
            .checked_add(1)
            .and_then(|after| self.held.get(&after))
            .and_then(|after| Circle::parse(after).ok())
            .is_none_or(|after| after.prev == sha256(&[text.as_bytes()]));
        if !(follows && is_followed) {
            return Err(CircleRefusal::Broken(n));
        }
        let news = if self.newest_n() < n {
            CircleNews::Newest
        } else {
            CircleNews::Older
        };
        self.held.insert(n, text.to_owned());
        Ok(news)
    }

    /// The next circle to be sent on this link.
    #[must_use]
    pub fn next(&self, links: Vec<CircleLink>, recovery: Option<AgeRecipient>) -> Circle {
        let prev = self
            .held
            .last_key_value()
            .map_or(Hash::ZERO, |(_, text)| sha256(&[text.as_bytes()]));
        Circle {
            v: 1,
            n: self.newest_n() + 1,
            prev,
            links,
            recovery,
        }
    }

    /// The newest one's number; 0 before the first.
    #[must_use]
    pub fn newest_n(&self) -> u64 {
        self.held.last_key_value().map_or(0, |(n, _)| *n)
    }

    /// The newest one.
    #[must_use]
    pub fn newest(&self) -> Option<Circle> {
        self.held
            .last_key_value()
            .and_then(|(_, text)| Circle::parse(text).ok())
    }

    /// The recovery key under circle `n` (0: the one that the join named); `None` when that circle is not held.
    #[must_use]
    pub fn recovery(&self, n: u64) -> Option<Option<AgeRecipient>> {
        if n == 0 {
            return Some(self.joined_with.clone());
        }
        self.held
            .get(&n)
            .and_then(|text| Circle::parse(text).ok())
            .map(|circle| circle.recovery)
    }
}

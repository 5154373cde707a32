//! The clinic's roster: who its stations are, which relays carry its mail, and which root signs the next one.
//!
//! In: JWS lines (`typ: tw-roster-1`) from anywhere. Out: the chain of those that count, and a refusal for each that
//! does not. Where a line came from does not matter; what it says and who signed it does. The rules are those of
//! `docs/formats/roster.md`.

mod chain;
#[cfg(test)]
mod tests;

pub use chain::{Accepted, RosterChain, RosterNews};

use crate::jws::JwsError;
use crate::{Hash, Kid, PublicKey, SigningKey, Time, jws, sha256};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The `typ` of a roster.
pub const TYP: &str = "tw-roster-1";
/// One roster's JWS in bytes at most: 16 stations with 2 KB keys, their relays and notices, with room to spare.
pub const MAX_ROSTER_BYTES: usize = 256 * 1024;
/// Active stations, escrow and recovery together.
pub const MAX_RECIPIENTS: usize = 16;

/// The content of one roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Version of the format: 1.
    pub v: u32,
    /// 1 for the first, +1 each time.
    pub n: u32,
    /// SHA-256 of the previous roster's JWS bytes; zeros for the first.
    pub prev: Hash,
    /// When it was signed.
    pub at: Time,
    /// The key that signs this roster.
    pub root: PublicKey,
    /// [`next_root_hash`] of the key that may take over.
    pub next_root: Hash,
    /// The clinic in words.
    pub clinic: Clinic,
    /// The station keys, past and present.
    pub stations: Vec<Station>,
    /// Further recipients of everything that is sent up.
    #[serde(default)]
    pub escrow: Vec<Escrow>,
    /// Where mail goes.
    pub relays: Vec<Relay>,
    /// Static copies of the roster file.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// A sign of life at least so often, both ways.
    pub beat_hours: u32,
    /// How long the relay keeps mail after it was stored.
    pub keep_days: u32,
    /// When somebody looks at readings.
    pub cover: Cover,
    /// Words to every patient.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// When the clinic means to look through this roster again.
    #[serde(default)]
    pub review_by: Option<Time>,
}

/// The clinic in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Its name.
    pub name: String,
    /// Its telephone number.
    pub phone: String,
    /// The number to call in an emergency.
    pub emergency: String,
    /// BCP 47 tags, most used first.
    pub languages: Vec<String>,
}

/// What a station key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationState {
    /// Signs, and receives.
    Active,
    /// Signs after a restore; kept in the backup until then.
    Reserve,
    /// Still opens old mail; signs nothing new.
    Retired,
    /// Counts for nothing, at once.
    Compromised,
    /// A state of a later version: counts for nothing here.
    #[serde(other)]
    Unknown,
}

/// One station's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Signs envelopes down.
    pub sign: PublicKey,
    /// Signs relay requests.
    pub auth: PublicKey,
    /// age recipient (`age1pq1…`).
    pub age: String,
    /// What the keys may do.
    pub state: StationState,
    /// The start of that state.
    pub since: Time,
}

/// A recipient outside the stations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escrow {
    /// age recipient (`age1pq1…`).
    pub age: String,
    /// Whose it is, in words.
    pub label: String,
}

/// Whether a relay takes new mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayState {
    /// Reads and writes.
    Active,
    /// Reads only, until a day.
    Leaving,
    /// A state of a later version: not used.
    #[serde(other)]
    Unknown,
}

/// One relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Scheme and authority, without a path.
    pub url: String,
    /// The keys that sign its receipts, present and reserve.
    pub receipt: Vec<PublicKey>,
    /// Whether it takes new mail.
    pub state: RelayState,
    /// The last day of one that is leaving.
    #[serde(default)]
    pub until: Option<Time>,
}

/// When somebody looks at readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// "Mon–Fri 8–17".
    pub hours: String,
    /// A sentence for patients.
    pub text: String,
}

/// Words to every patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id, so that it is shown once.
    pub id: String,
    /// The words.
    pub text: String,
    /// How urgent.
    pub severity: String,
}

/// The hash under which a next root is announced: SHA-256("teleward/v1/root\n" ‖ raw key).
#[must_use]
pub fn next_root_hash(root: &PublicKey) -> Hash {
    sha256(&[b"teleward/v1/root\n", root.as_bytes()])
}

impl Roster {
    /// The stations that receive now.
    pub fn active_stations(&self) -> impl Iterator<Item = &Station> {
        self.stations
            .iter()
            .filter(|station| station.state == StationState::Active)
    }

    /// The station whose signing key has this thumbprint, in whatever state.
    #[must_use]
    pub fn station(&self, sign: Kid) -> Option<&Station> {
        self.stations
            .iter()
            .find(|station| station.sign.kid() == sign)
    }

    /// Every key whose receipts count.
    pub fn receipt_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.relays.iter().flat_map(|relay| &relay.receipt)
    }

    /// Signs this roster.
    ///
    /// # Errors
    /// [`RosterRefusal::Content`] when a reader would refuse it.
    pub fn sign(&self, root: &SigningKey) -> Result<String, RosterRefusal> {
        self.check()?;
        if root.public() != self.root {
            return Err(RosterRefusal::Content("root is not the signing key"));
        }
        let text = jws::sign_json(root, TYP, self);
        if text.len() > MAX_ROSTER_BYTES {
            Err(RosterRefusal::TooLarge)
        } else {
            Ok(text)
        }
    }

    fn check(&self) -> Result<(), RosterRefusal> {
        let refuse = |what| Err(RosterRefusal::Content(what));
        if self.v != 1 {
            return refuse("another version of the format; update the app");
        }
        if self.n == 0 || (self.n == 1) != (self.prev == Hash::ZERO) {
            return refuse("n and prev do not fit");
        }
        if next_root_hash(&self.root) == self.next_root {
            return refuse("the next root is the present one");
        }
        let recipients = self
            .active_stations()
            .map(|s| &s.age)
            .chain(self.escrow.iter().map(|e| &e.age));
        let recipients: HashSet<&String> = recipients.collect();
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return refuse("1 to 16 recipients are allowed");
        }
        let hybrid = |age: &String| {
            age.starts_with("age1pq1")
                && age
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !self
            .stations
            .iter()
            .map(|s| &s.age)
            .chain(self.escrow.iter().map(|e| &e.age))
            .all(hybrid)
        {
            return refuse("a recipient that is not age1pq1…");
        }
        if self
            .relays
            .iter()
            .any(|relay| !relay_url_is_plain(&relay.url))
        {
            return refuse("a relay URL with a path, a query or another scheme than http(s)");
        }
        if self.beat_hours == 0 || self.keep_days == 0 {
            return refuse("beat_hours and keep_days are at least 1");
        }
        Ok(())
    }
}

/// Scheme and authority, nothing else.
fn relay_url_is_plain(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.ends_with('/')
    })
}

/// Why a roster was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterRefusal {
    /// Over [`MAX_ROSTER_BYTES`].
    #[error("a roster of more than {MAX_ROSTER_BYTES} bytes")]
    TooLarge,
    /// Not a statement of this type, or its signature is wrong.
    #[error("not a signed roster: {0}")]
    Statement(#[from] JwsError),
    /// Signed by a key that is neither pinned, current nor announced.
    #[error("signed by a key that this clinic has not announced")]
    ForeignRoot,
    /// The members contradict the format.
    #[error("a roster that contradicts the format: {0}")]
    Content(&'static str),
    /// The same number with other bytes: somebody shows two histories.
    #[error("roster fork: a second roster {0} with other content")]
    Fork(u32),
    /// A number below the newest that is not held.
    #[error("roster {0} is older than those held and is none of them")]
    Older(u32),
    /// A number that leaves out at least one.
    #[error("roster {found} came, {wanted} is missing before it")]
    Gap {
        /// The number that would be next.
        wanted: u32,
        /// The number that came.
        found: u32,
    },
    /// `prev` is not the newest held roster.
    #[error("roster {0} does not follow the one held")]
    Broken(u32),
    /// Root and next root changed in a way that nobody announced.
    #[error("roster {0} changes the root without announcement, or announces a used key")]
    Rotation(u32),
}

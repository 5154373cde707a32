//! The clinic's roster: who its stations are, which relays carry its mail, and which root signs the next one.
//!
//! In: JWS lines (`typ: tw-roster-1`) from anywhere. Out: the chain of those that count, and a refusal for each that
//! does not. Where a line came from does not matter; what it says and who signed it does. The rules are those of
//! `docs/formats/roster.md`.

use crate::jws::{JwsError, Unverified};
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

/// What came of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RosterNews {
    /// It is the newest now.
    Accepted,
    /// It was held already.
    Held,
    /// It lies before the first that the pinned root signed.
    BeforeStart,
}

/// One accepted roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// SHA-256 of its JWS bytes.
    pub hash: Hash,
    /// Its content.
    pub roster: Roster,
    /// Its JWS, as it came.
    pub jws: String,
}

/// The rosters that count, oldest first, from the first one signed by the pinned root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterChain {
    pinned: PublicKey,
    held: Vec<Accepted>,
}

impl RosterChain {
    /// An empty chain that begins with the root of an invite (or of a tenant).
    #[must_use]
    pub fn pinned(root: PublicKey) -> Self {
        Self {
            pinned: root,
            held: Vec::new(),
        }
    }

    /// Takes one line, if it counts.
    ///
    /// # Errors
    /// [`RosterRefusal`]; nothing changes then. [`RosterRefusal::Fork`] and [`RosterRefusal::Older`] are findings.
    pub fn feed(&mut self, line: &str) -> Result<RosterNews, RosterRefusal> {
        if line.len() > MAX_ROSTER_BYTES {
            return Err(RosterRefusal::TooLarge);
        }
        let statement = Unverified::parse(line, TYP)?;
        let hash = statement.hash();
        if self.held.iter().any(|held| held.hash == hash) {
            return Ok(RosterNews::Held);
        }
        let claimed: Roster =
            crate::json::parse(statement.payload_before_check()).map_err(JwsError::from)?;
        let Some(newest) = self.held.last() else {
            if claimed.root != self.pinned {
                return Ok(RosterNews::BeforeStart);
            }
            statement.verify(&claimed.root)?;
            claimed.check()?;
            self.held.push(Accepted {
                hash,
                roster: claimed,
                jws: line.to_owned(),
            });
            return Ok(RosterNews::Accepted);
        };
        let current = &newest.roster;
        let first = self.held.first().map_or(0, |held| held.roster.n);
        let kept_root = claimed.root == current.root;
        let announced = next_root_hash(&claimed.root) == current.next_root;
        let known_root = self
            .held
            .iter()
            .any(|held| held.roster.root == claimed.root);
        if !(kept_root || announced || known_root) {
            // an earlier root may have signed what lies before our start; nobody else signs for this clinic
            return if claimed.n < first {
                Ok(RosterNews::BeforeStart)
            } else {
                Err(RosterRefusal::ForeignRoot)
            };
        }
        statement.verify(&claimed.root)?;
        claimed.check()?;
        let n = claimed.n;
        if n <= current.n {
            let fork = self.held.iter().any(|held| held.roster.n == n);
            return Err(if fork {
                RosterRefusal::Fork(n)
            } else {
                RosterRefusal::Older(n)
            });
        }
        if n != current.n + 1 {
            return Err(RosterRefusal::Gap {
                wanted: current.n + 1,
                found: n,
            });
        }
        if claimed.prev != newest.hash {
            return Err(RosterRefusal::Broken(n));
        }
        let unchanged = kept_root && claimed.next_root == current.next_root;
        let fresh = self.held.iter().all(|held| {
            held.roster.next_root != claimed.next_root
                && next_root_hash(&held.roster.root) != claimed.next_root
        });
        if !(unchanged || (announced && fresh)) {
            return Err(RosterRefusal::Rotation(n));
        }
        self.held.push(Accepted {
            hash,
            roster: claimed,
            jws: line.to_owned(),
        });
        Ok(RosterNews::Accepted)
    }

    /// Takes a published file: one JWS a line, each ended by LF. Stops at nothing: every line gets its answer.
    pub fn feed_lines<'a>(
        &mut self,
        ndjson: &'a str,
    ) -> impl Iterator<Item = Result<RosterNews, RosterRefusal>> + use<'a, '_> {
        ndjson
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| self.feed(line))
    }

    /// The root that this chain began with.
    #[must_use]
    pub fn root(&self) -> PublicKey {
        self.pinned
    }

    /// The newest, or `None` before the first.
    #[must_use]
    pub fn newest(&self) -> Option<&Accepted> {
        self.held.last()
    }

    /// Roster number `n`, if held.
    #[must_use]
    pub fn get(&self, n: u32) -> Option<&Accepted> {
        self.held.iter().find(|held| held.roster.n == n)
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Accepted] {
        &self.held
    }

    /// Every key of any held roster whose receipts count.
    #[must_use]
    pub fn receipt_keys(&self) -> Vec<PublicKey> {
        let mut keys: Vec<_> = self
            .held
            .iter()
            .flat_map(|held| held.roster.receipt_keys().copied())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn root(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    fn roster(n: u32, prev: Hash, by: u8, next: u8) -> Roster {
        let key = |seed| SigningKey::from_seed(&[seed; 32]).public();
        Roster {
            v: 1,
            n,
            prev,
            at: Time::from_ms(0).plus(Duration::from_secs(n.into())),
            root: root(by).public(),
            next_root: next_root_hash(&root(next).public()),
            clinic: Clinic {
                name: "Clinic".into(),
                phone: "1".into(),
                emergency: "2".into(),
                languages: vec!["en".into()],
            },
            stations: vec![Station {
                sign: key(50),
                auth: key(51),
                age: "age1pq1qq".into(),
                state: StationState::Active,
                since: Time::from_ms(0),
            }],
            escrow: vec![],
            relays: vec![Relay {
                url: "https://relay.example".into(),
                receipt: vec![key(52)],
                state: RelayState::Active,
                until: None,
            }],
            mirrors: vec![],
            beat_hours: 24,
            keep_days: 14,
            cover: Cover {
                hours: "Mon-Fri 8-17".into(),
                text: "We look on working days.".into(),
            },
            notices: vec![],
            review_by: None,
        }
    }

    fn hash_of(jws: &str) -> Hash {
        sha256(&[jws.as_bytes()])
    }

    /// Rosters 1 and 2 by root 1 (next: 2), roster 3 by root 2 (next: 3).
    fn three() -> [String; 3] {
        let one = roster(1, Hash::ZERO, 1, 2).sign(&root(1)).unwrap();
        let two = roster(2, hash_of(&one), 1, 2).sign(&root(1)).unwrap();
        let three = roster(3, hash_of(&two), 2, 3).sign(&root(2)).unwrap();
        [one, two, three]
    }

    fn chain(lines: &[String]) -> RosterChain {
        let mut chain = RosterChain::pinned(root(1).public());
        for line in lines {
            assert_eq!(chain.feed(line), Ok(RosterNews::Accepted));
        }
        chain
    }

    #[test]
    fn an_announced_root_takes_over_and_lines_may_come_twice() {
        let lines = three();
        let mut chain = chain(&lines);
        assert_eq!(chain.newest().unwrap().roster.n, 3);
        assert_eq!(chain.feed(&lines[1]), Ok(RosterNews::Held));
        assert_eq!(chain.get(2).unwrap().hash, hash_of(&lines[1]));
    }

    #[test]
    fn a_joiner_starts_at_the_first_roster_of_its_root() {
        let lines = three();
        let mut chain = RosterChain::pinned(root(2).public());
        let news: Vec<_> = chain.feed_lines(&lines.join("\n")).collect();
        assert_eq!(
            news,
            [
                Ok(RosterNews::BeforeStart),
                Ok(RosterNews::BeforeStart),
                Ok(RosterNews::Accepted)
            ]
        );
        assert_eq!(chain.feed(&lines[0]), Ok(RosterNews::BeforeStart));
    }

    #[test]
    fn a_roster_that_does_not_follow_is_refused() {
        let lines = three();
        let (one, two, three) = (hash_of(&lines[0]), hash_of(&lines[1]), hash_of(&lines[2]));
        let after_two =
            |line: Roster, by: u8| chain(&lines[..2]).feed(&line.sign(&root(by)).unwrap());
        assert_eq!(
            after_two(roster(3, one, 1, 2), 1),
            Err(RosterRefusal::Broken(3))
        );
        assert_eq!(
            after_two(roster(4, two, 1, 2), 1),
            Err(RosterRefusal::Gap {
                wanted: 3,
                found: 4
            })
        );
        assert_eq!(
            after_two(roster(3, two, 1, 4), 1),
            Err(RosterRefusal::Rotation(3)),
            "next root changed alone"
        );
        assert_eq!(
            after_two(roster(3, two, 4, 5), 4),
            Err(RosterRefusal::ForeignRoot)
        );
        assert_eq!(
            after_two(roster(3, two, 2, 1), 2),
            Err(RosterRefusal::Rotation(3)),
            "a used root announced again"
        );
        let mut other = roster(2, one, 1, 2);
        other.keep_days = 15;
        assert_eq!(after_two(other, 1), Err(RosterRefusal::Fork(2)));
        // the old root may not go on after the new one took over
        let mut all = chain(&lines);
        let late = roster(4, three, 1, 2).sign(&root(1)).unwrap();
        assert_eq!(all.feed(&late), Err(RosterRefusal::Rotation(4)));
        assert_eq!(all.newest().unwrap().roster.n, 3);
    }

    #[test]
    fn a_signature_by_another_key_than_the_roster_names_is_refused() {
        let forged = jws::sign_json(&root(9), TYP, &roster(1, Hash::ZERO, 1, 2));
        let refused = RosterChain::pinned(root(1).public()).feed(&forged);
        assert_eq!(refused, Err(RosterRefusal::Statement(JwsError::Kid)));
    }

    #[test]
    fn content_that_contradicts_the_format_is_never_signed() {
        let bad = |change: fn(&mut Roster)| {
            let mut roster = roster(1, Hash::ZERO, 1, 2);
            change(&mut roster);
            matches!(roster.sign(&root(1)), Err(RosterRefusal::Content(_)))
        };
        assert!(bad(|r| r.v = 2));
        assert!(bad(|r| r.n = 2));
        assert!(bad(|r| r.stations.clear()));
        assert!(bad(|r| r.stations[0].age = "age1xyz".into()));
        assert!(bad(
            |r| r.relays[0].url = "https://relay.example/path".into()
        ));
        assert!(bad(|r| r.relays[0].url = "https://relay.example/".into()));
        assert!(bad(|r| r.next_root = next_root_hash(&r.root)));
        assert!(bad(|r| r.escrow = (0..16)
            .map(|i| Escrow {
                age: format!("age1pq1q{i}"),
                label: String::new()
            })
            .collect()));
    }
}

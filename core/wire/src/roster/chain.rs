//! The rosters that count: each line is taken, held already, or refused with its reason.

use super::{MAX_ROSTER_BYTES, Roster, RosterRefusal, TYP, next_root_hash};
use crate::jws::{JwsError, Unverified};
use crate::{Hash, PublicKey};

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

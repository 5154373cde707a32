//! Whose signature counts: the stations of a roster, and the installs whose joins are among the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use vault::{AgeRecipient, Join, Kind, Plaintext, Recipients, Refusal};
use wire::jws::Unverified;
use wire::roster::{RosterChain, StationState, TYP};
use wire::{Kid, MailboxId, PublicKey};

use super::files::Found;

/// Where keys to trust come from.
#[derive(clap::Args)]
pub struct Sources {
    /// The clinic's rosters: one JWS a line, as a relay or mirror gives them.
    #[arg(long)]
    rosters: Option<PathBuf>,
    /// The clinic's root key (base64url), as the invite has it. Without it, the file's own first root is believed.
    #[arg(long, requires = "rosters", allow_hyphen_values = true)]
    root: Option<PublicKey>,
    /// A signing key (base64url) to believe, such as an install's from the station's record.
    #[arg(long, allow_hyphen_values = true)]
    key: Vec<PublicKey>,
}

/// What is believed.
pub struct Trust {
    keys: BTreeMap<Kid, PublicKey>,
    rosters: Option<RosterChain>,
    /// By the mailbox that a join came in: its sender's key, and the recovery key that it named.
    joins: BTreeMap<MailboxId, (PublicKey, Option<AgeRecipient>)>,
    /// Whether the root was given, and not taken from the file itself.
    pub root_given: bool,
}

/// Why it could not be decided whether an envelope is genuine.
pub enum Doubt {
    /// It is wrong.
    Wrong(Refusal),
    /// There is no key to tell by.
    NoKeyToTell,
}

impl From<Refusal> for Doubt {
    fn from(reason: Refusal) -> Self {
        Self::Wrong(reason)
    }
}

impl Trust {
    /// Reads the sources.
    pub fn from(sources: &Sources) -> Result<Self> {
        let keys = sources.key.iter().map(|key| (key.kid(), *key)).collect();
        let rosters = sources
            .rosters
            .as_deref()
            .map(|file| rosters(file, sources.root))
            .transpose()?;
        Ok(Self {
            keys,
            rosters,
            joins: BTreeMap::new(),
            root_given: sources.root.is_some(),
        })
    }

    /// A join carries its own key, and says so under its own signature; one join counts for each mailbox.
    pub fn learn(&mut self, plain: &Plaintext) {
        let header = plain.claimed();
        if header.kind != Kind::Join || header.seq != 1 {
            return;
        }
        let Some(join) = plain
            .content()
            .ok()
            .and_then(|content| Join::parse(content).ok())
        else {
            return;
        };
        if plain.verify(&join.sign).is_ok() {
            self.joins
                .entry(header.mailbox)
                .or_insert((join.sign, join.recovery));
        }
    }

    /// Whether an envelope is genuine: signature, content, recipients.
    pub fn judge(&self, found: &Found, plain: &Plaintext) -> Result<Vec<&'static str>, Doubt> {
        let header = plain.claimed();
        let kid = plain.kid();
        let station = self.rosters.as_ref().and_then(|chain| {
            chain
                .all()
                .iter()
                .rev()
                .find_map(|held| held.roster.station(kid))
        });
        let join = self
            .joins
            .get(&header.mailbox)
            .filter(|(key, _)| key.kid() == kid);
        let key = match (station, join, self.keys.get(&kid)) {
            (Some(station), ..) if station.state == StationState::Compromised => {
                return Err(Refusal::CompromisedKey.into());
            }
            (Some(station), ..) => station.sign,
            (None, Some((key, _)), _) | (None, None, Some(key)) => *key,
            (None, None, None)
                if self.joins.contains_key(&header.mailbox) && self.rosters.is_some() =>
            {
                return Err(Refusal::UnknownSender.into());
            }
            (None, None, None) => return Err(Doubt::NoKeyToTell),
        };
        plain.verify(&key)?;
        plain.content()?;
        let mut unsaid = Vec::new();
        if !self.recipients_are_right(found, plain, station.is_some())? {
            unsaid.push("its recipients were not compared: the roster or circle that it names is not at hand");
        }
        Ok(unsaid)
    }

    /// False when there is nothing to compare with.
    fn recipients_are_right(
        &self,
        found: &Found,
        plain: &Plaintext,
        down: bool,
    ) -> Result<bool, Refusal> {
        let header = plain.claimed();
        let Some(held) = self
            .rosters
            .as_ref()
            .and_then(|chain| chain.get(header.roster.0))
        else {
            return Ok(false);
        };
        if held.hash != header.roster.1 {
            return Err(Refusal::RosterFork);
        }
        // Later circles travel in mail that only an install opens; down mail goes to an install's own key.
        let recovery = self
            .joins
            .get(&header.mailbox)
            .filter(|_| header.circle == 0 && !down);
        let Some((_, recovery)) = recovery else {
            return Ok(false);
        };
        let wanted =
            Recipients::up(&held.roster, recovery.as_ref()).map_err(|_| Refusal::Recipients)?;
        if wanted.count() != found.stanzas {
            return Err(Refusal::StanzaCount);
        }
        if wanted.to() == header.to {
            Ok(true)
        } else {
            Err(Refusal::Recipients)
        }
    }
}

fn rosters(file: &Path, root: Option<PublicKey>) -> Result<RosterChain> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let root = match root {
        Some(root) => root,
        None => first_root(&text)
            .with_context(|| format!("{} does not begin with a roster", file.display()))?,
    };
    let mut chain = RosterChain::pinned(root);
    for (at, line) in chain.feed_lines(&text).enumerate() {
        line.with_context(|| format!("line {} of {}", at + 1, file.display()))?;
    }
    if chain.newest().is_none() {
        bail!(
            "no roster in {} is signed by this root: check --root",
            file.display()
        );
    }
    Ok(chain)
}

/// The root that the first line claims; its signature is checked when it is fed.
fn first_root(text: &str) -> Option<PublicKey> {
    let first = Unverified::parse(text.lines().next()?, TYP).ok()?;
    let claimed: Value = serde_json::from_slice(first.payload_before_check()).ok()?;
    claimed["root"].as_str()?.parse().ok()
}

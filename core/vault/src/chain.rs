//! The chain of one mailbox, seen from its reader: who sent what, in which order, and what is wrong with it.
//!
//! In: [`ChainEvent`]s with `now`. Out: [`ChainEffect`]s (findings, and findings that have mended), and at any time
//! the positions that headers and acknowledgements state ([`Chain::got`], [`Chain::standing`]). Moved by
//! [`Chain::input`], says what it wants told by [`Chain::poll_effect`], wants [`ChainEvent::Tick`] at
//! [`Chain::deadline`]. Keep it in a row (serde) and take its effects in the same transaction: they are not stored.
//!
//! What lies beyond a gap is kept until the gap closes: its amount is bounded by the relay's quota for the sender.
//!
//! Position never delays content: the chain makes findings and nothing else. The rules are those of
//! `docs/formats/envelope.md`.

mod sender;

use crate::finding::Finding;
use crate::header::{Got, MAX_GOT};
use sender::{Held, Sender};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use wire::{EnvelopeId, Hash, Kid, MailboxId, Time};

/// How long a missing or unfitting predecessor may take to come before it is told.
pub const GRACE: Duration = Duration::from_secs(15 * 60);
/// From so many replays a day on, they are told.
pub const REPLAYS_TOLD: u32 = 10;
/// So many files are remembered that could not be read at all.
const MAX_UNPLACED: usize = 64;
/// So many missing numbers are listed in an acknowledgement.
const MAX_MISSING: usize = 64;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What became of a file that has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It counts.
    Released,
    /// It may come to count.
    Waiting,
    /// It never counts.
    Refused,
}

/// A file's place in the chain, from a header whose signature verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who signed.
    pub kid: Kid,
    /// Its number.
    pub seq: u64,
    /// The id that it names as the one before.
    pub prev: EnvelopeId,
    /// Its own id.
    pub id: EnvelopeId,
    /// SHA-256 of its header's exact bytes.
    pub header: Hash,
    /// What became of it.
    pub standing: Standing,
}

/// What happens to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainEvent {
    /// A file with a verified header: when it was first read, and again when its standing changes.
    Placed(Place),
    /// A file whose header could not be read or verified.
    Unplaced(EnvelopeId),
    /// The same id was listed at a second number by the same relay.
    Replayed(EnvelopeId),
    /// Time passed.
    Tick,
}

/// What a chain wants told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainEffect {
    /// Something is wrong.
    Found(Finding),
    /// It has come right: the finding with this subject may be closed.
    Mended(Finding),
}

/// What a file is to the places held, before it is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// Nothing is held at this place.
    New,
    /// This very file is held.
    Held,
    /// Another file with the same header is held: the content is the same.
    Copy,
    /// A file with another header is held.
    Fork,
    /// Older than what is remembered.
    Old,
}

/// Where a sender stands: what an acknowledgement says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Positions {
    /// The last before the first that is missing.
    pub stored: Option<(u64, EnvelopeId)>,
    /// Released beyond it.
    pub also: Vec<(u64, EnvelopeId)>,
    /// Missing numbers, the lowest 64.
    pub missing: Vec<u64>,
}

/// The chain of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    mailbox: MailboxId,
    senders: BTreeMap<Kid, Sender>,
    /// Files without a place: a later `prev` may give them one.
    unplaced: VecDeque<EnvelopeId>,
    replays: Replays,
    #[serde(skip)]
    effects: VecDeque<ChainEffect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Replays {
    day: i64,
    count: u32,
}

impl Chain {
    /// An empty chain of this mailbox.
    #[must_use]
    pub fn new(mailbox: MailboxId) -> Self {
        Self {
            mailbox,
            senders: BTreeMap::new(),
            unplaced: VecDeque::new(),
            replays: Replays::default(),
            effects: VecDeque::new(),
        }
    }

    /// Takes an event.
    pub fn input(&mut self, event: ChainEvent, now: Time) {
        match event {
            ChainEvent::Placed(place) => self.placed(&place, now),
            ChainEvent::Unplaced(id) => self.unplaced(id, now),
            ChainEvent::Replayed(id) => self.replayed(id, now),
            ChainEvent::Tick => {}
        }
        self.overdue(now);
    }

    /// What is to be told, oldest first.
    pub fn poll_effect(&mut self) -> Option<ChainEffect> {
        self.effects.pop_front()
    }

    /// When the next gap or break is to be told, if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let gaps = self.senders.values().filter_map(Sender::gap_deadline);
        let breaks = self
            .senders
            .values()
            .flat_map(Sender::broken)
            .map(|(_, since)| since.plus(GRACE));
        gaps.chain(breaks).min()
    }

    /// What this file would be to the chain.
    #[must_use]
    pub fn judge(&self, place: &Place) -> Novelty {
        let Some(sender) = self.senders.get(&place.kid) else {
            return Novelty::New;
        };
        let Some(held) = sender.held.get(&place.seq) else {
            return if place.seq <= sender.head {
                Novelty::Old
            } else {
                Novelty::New
            };
        };
        if held.iter().any(|held| held.id == place.id) {
            Novelty::Held
        } else if held.iter().any(|held| held.header == Some(place.header)) {
            Novelty::Copy
        } else if held.iter().all(|held| held.header.is_none()) {
            Novelty::New
        } else {
            Novelty::Fork
        }
    }

    /// What headers of the opposite direction state: per sender the last before the first that is missing, most
    /// recently heard first, at most eight.
    #[must_use]
    pub fn got(&self) -> Vec<Got> {
        let mut heard: Vec<_> = self
            .senders
            .iter()
            .map(|(kid, sender)| (sender.heard(), kid, sender))
            .collect();
        heard.sort_by_key(|(heard, ..)| std::cmp::Reverse(*heard));
        let position = |(_, kid, sender): (_, &Kid, &Sender)| {
            sender.position().map(|(seq, id)| Got(*kid, seq, id))
        };
        heard
            .into_iter()
            .filter_map(position)
            .take(MAX_GOT)
            .collect()
    }

    /// Every key that has signed something here.
    pub fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.senders.keys()
    }

    /// Where this sender stands.
    #[must_use]
    pub fn positions(&self, kid: &Kid) -> Positions {
        let Some(sender) = self.senders.get(kid) else {
            return Positions::default();
        };
        let mut missing = Vec::new();
        for (from, to) in sender.gaps() {
            missing.extend((from..=to).take(MAX_MISSING - missing.len()));
        }
        let beyond = sender.held.range(sender.head.saturating_add(1)..);
        let also = beyond.flat_map(|(seq, files)| {
            files
                .iter()
                .filter(|held| held.standing == Standing::Released)
                .map(|held| (*seq, held.id))
        });
        Positions {
            stored: sender.position(),
            also: also.collect(),
            missing,
        }
    }

    /// The number of a refused file, if a verified `prev` has given it one.
    #[must_use]
    pub fn number_of(&self, id: EnvelopeId) -> Option<u64> {
        let numbered = |sender: &Sender| {
            sender
                .held
                .iter()
                .find(|(_, files)| files.iter().any(|held| held.id == id))
                .map(|(seq, _)| *seq)
        };
        self.senders.values().find_map(numbered)
    }

    fn placed(&mut self, place: &Place, now: Time) {
        let novelty = self.judge(place);
        let (mailbox, kid) = (self.mailbox, place.kid);
        let sender = self.senders.entry(kid).or_default();
        match novelty {
            Novelty::Held => {
                let files = sender.held.get_mut(&place.seq);
                if let Some(held) =
                    files.and_then(|files| files.iter_mut().find(|held| held.id == place.id))
                {
                    held.standing = place.standing;
                    held.header = Some(place.header);
                    held.prev = Some(place.prev);
                }
                return;
            }
            Novelty::Old => return,
            Novelty::Copy => {
                self.effects.push_back(ChainEffect::Found(Finding::Copy {
                    mailbox,
                    kid,
                    seq: place.seq,
                    id: place.id,
                }));
            }
            Novelty::Fork => {
                self.effects.push_back(ChainEffect::Found(Finding::Fork {
                    mailbox,
                    kid,
                    seq: place.seq,
                }));
            }
            Novelty::New => {}
        }
        sender.insert(
            place.seq,
            Held {
                id: place.id,
                header: Some(place.header),
                prev: Some(place.prev),
                arrived: now,
                standing: place.standing,
                told_broken: false,
            },
        );
        self.unplaced.retain(|id| *id != place.id);
        self.name_unplaced(kid, place.seq, place.prev, now);
        self.mend(kid);
    }

    /// A verified `prev` gives a file that could not be read its number.
    fn name_unplaced(&mut self, kid: Kid, seq: u64, prev: EnvelopeId, now: Time) {
        let Some(before) = seq.checked_sub(1).filter(|before| *before > 0) else {
            return;
        };
        if !self.unplaced.contains(&prev) {
            return;
        }
        self.unplaced.retain(|id| *id != prev);
        let sender = self.senders.entry(kid).or_default();
        if before > sender.head {
            sender.insert(
                before,
                Held {
                    id: prev,
                    header: None,
                    prev: None,
                    arrived: now,
                    standing: Standing::Refused,
                    told_broken: false,
                },
            );
        }
    }

    fn unplaced(&mut self, id: EnvelopeId, now: Time) {
        if self.unplaced.contains(&id) || self.number_of(id).is_some() {
            return;
        }
        self.unplaced.push_back(id);
        if self.unplaced.len() > MAX_UNPLACED {
            self.unplaced.pop_front();
        }
        let named_by = self.senders.iter().find_map(|(kid, sender)| {
            let names = |held: &Held| held.prev == Some(id);
            sender
                .held
                .iter()
                .find(|(_, files)| files.iter().any(names))
                .map(|(seq, _)| (*kid, *seq))
        });
        if let Some((kid, seq)) = named_by {
            self.name_unplaced(kid, seq, id, now);
            self.mend(kid);
        }
    }

    fn replayed(&mut self, _id: EnvelopeId, now: Time) {
        let day = now.ms().div_euclid(DAY_MS);
        if self.replays.day != day {
            self.replays = Replays { day, count: 0 };
        }
        self.replays.count = self.replays.count.saturating_add(1);
        if self.replays.count == REPLAYS_TOLD {
            self.effects.push_back(ChainEffect::Found(Finding::Replays {
                mailbox: self.mailbox,
                day,
            }));
        }
    }

    /// Tells the gaps and breaks whose grace time is over.
    fn overdue(&mut self, now: Time) {
        let mailbox = self.mailbox;
        for (kid, sender) in &mut self.senders {
            for (from, to) in sender.gaps().collect::<Vec<_>>() {
                let due = sender
                    .known_since(to)
                    .is_some_and(|since| since.plus(GRACE) <= now);
                if due && !sender.is_told(from, to) {
                    sender.told.retain(|(a, b)| *b < from || to < *a);
                    sender.told.push((from, to));
                    self.effects.push_back(ChainEffect::Found(Finding::Gap {
                        mailbox,
                        kid: *kid,
                        from,
                        to,
                    }));
                }
            }
            let broken: Vec<_> = sender
                .broken()
                .filter(|(_, since)| since.plus(GRACE) <= now)
                .collect();
            for ((seq, id), _) in broken {
                let files = sender.held.get_mut(&seq).map(|files| files.iter_mut());
                for held in files.into_iter().flatten().filter(|held| held.id == id) {
                    held.told_broken = true;
                }
                self.effects
                    .push_back(ChainEffect::Found(Finding::BrokenChain {
                        mailbox,
                        kid: *kid,
                        seq,
                    }));
            }
        }
    }

    /// Closes told gaps of which nothing is missing any more.
    fn mend(&mut self, kid: Kid) {
        let mailbox = self.mailbox;
        let Some(sender) = self.senders.get_mut(&kid) else {
            return;
        };
        let gaps: Vec<_> = sender.gaps().collect();
        let open = |(from, to): &(u64, u64)| gaps.iter().any(|(a, b)| a <= to && from <= b);
        let (kept, mended): (Vec<_>, Vec<_>) = sender.told.iter().partition(|told| open(told));
        sender.told = kept;
        for (from, to) in mended {
            self.effects.push_back(ChainEffect::Mended(Finding::Gap {
                mailbox,
                kid,
                from,
                to,
            }));
        }
    }
}

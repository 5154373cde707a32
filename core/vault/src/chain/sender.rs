//! One sender's files by number: where it stands, what is missing, what does not fit.

use super::{GRACE, Standing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{EnvelopeId, Hash, Time};

/// So many places at and below the head are remembered; a relay keeps tombstones for what is older.
const WINDOW: u64 = 128;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sender {
    /// The last number before the first that is missing.
    pub(super) head: u64,
    /// Files by number; at and below the head only the newest [`WINDOW`] numbers.
    pub(super) held: BTreeMap<u64, Vec<Held>>,
    /// Gaps that were told.
    pub(super) told: Vec<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) id: EnvelopeId,
    /// `None` for a file without a verified header that a later `prev` named.
    pub(super) header: Option<Hash>,
    pub(super) prev: Option<EnvelopeId>,
    pub(super) arrived: Time,
    pub(super) standing: Standing,
    pub(super) told_broken: bool,
}

impl Sender {
    pub(super) fn insert(&mut self, seq: u64, held: Held) {
        self.held.entry(seq).or_default().push(held);
        while self.held.contains_key(&self.head.saturating_add(1)) {
            self.head += 1;
        }
        let oldest = self.head.saturating_sub(WINDOW);
        self.held = self.held.split_off(&oldest);
    }

    pub(super) fn heard(&self) -> Option<Time> {
        self.held.values().flatten().map(|held| held.arrived).max()
    }

    /// The head, and the id that stands for it: the one that a later `prev` names, else the first that came.
    pub(super) fn position(&self) -> Option<(u64, EnvelopeId)> {
        let files = self.held.get(&self.head)?;
        let named = self.held.get(&(self.head + 1)).and_then(|after| {
            files
                .iter()
                .find(|held| after.iter().any(|later| later.prev == Some(held.id)))
        });
        named.or(files.first()).map(|held| (self.head, held.id))
    }

    /// Runs of missing numbers, lowest first.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut last = self.head;
        self.held
            .range(self.head.saturating_add(1)..)
            .filter_map(move |(seq, _)| {
                let gap = (last + 1 < *seq).then(|| (last + 1, seq - 1));
                last = *seq;
                gap
            })
    }

    /// When it was first known that numbers up to `to` exist.
    pub(super) fn known_since(&self, to: u64) -> Option<Time> {
        self.held
            .range(to.saturating_add(1)..)
            .flat_map(|(_, files)| files)
            .map(|held| held.arrived)
            .min()
    }

    pub(super) fn is_told(&self, from: u64, to: u64) -> bool {
        self.told.iter().any(|(a, b)| *a <= from && to <= *b)
    }

    pub(super) fn gap_deadline(&self) -> Option<Time> {
        let untold = self.gaps().filter(|(from, to)| !self.is_told(*from, *to));
        untold
            .filter_map(|(_, to)| self.known_since(to))
            .min()
            .map(|since| since.plus(GRACE))
    }

    /// Files whose `prev` is none of the ids held before them and that were not told, with the time since when.
    pub(super) fn broken(&self) -> impl Iterator<Item = ((u64, EnvelopeId), Time)> {
        self.held.iter().flat_map(move |(seq, files)| {
            files.iter().filter_map(move |held| {
                let prev = held.prev.filter(|_| !held.told_broken)?;
                if *seq == 1 {
                    return (prev.0 != Hash::ZERO.0).then_some(((*seq, held.id), held.arrived));
                }
                let before = self.held.get(&(seq - 1))?;
                if before.iter().any(|before| before.id == prev) {
                    return None;
                }
                let known = before.iter().map(|before| before.arrived).min()?;
                Some(((*seq, held.id), known.max(held.arrived)))
            })
        })
    }
}

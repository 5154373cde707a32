//! What a device sends before it is known what it has. A device that keeps our subscription with its bond may send as soon
//! as the link is encrypted, which is within the call to connect (ADR 47), and hang up right after it.
//!
//! What stands for itself is taken at once: it was confirmed, and nobody else may have it. A record of a memory that was
//! read before is held until the list says that it will be read again, or the link is over. A frame of a stream is nothing
//! by itself.

use super::Session;
use crate::call::Effect;
use crate::family::{FAMILIES, Family};
use crate::plan::{Goal, Plan};
use crate::radio::Attribute;
use crate::stored::StoredService;
use crate::uuid::Uuid;
use reading::Moment;

/// More than these are not held, but taken as they are.
const HELD: usize = 64;

/// What came before the list did.
pub(super) struct Early {
    /// The device's characteristics are known in this link.
    listed: bool,
    /// The device has sent something in this link.
    sent: bool,
    /// Records of the device's memory were taken in an earlier session.
    has_memory: bool,
    held: Vec<(Attribute, Vec<u8>)>,
    /// Something was taken that a memory may turn out to have, too.
    took: bool,
}

impl Early {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            listed: false,
            sent: false,
            has_memory: plan.stored.newest().is_some(),
            held: Vec::new(),
            took: false,
        }
    }

    /// A link is being made.
    pub(super) const fn begin(&mut self) {
        self.listed = false;
        self.sent = false;
    }

    /// The device has sent something.
    pub(super) const fn heard(&mut self) {
        self.sent = true;
    }

    /// Whether it has, in this link.
    pub(super) const fn has_heard(&self) -> bool {
        self.sent
    }

    /// Whether what this family sends waits for the memory in which it may stand.
    fn waits_for_memory(&self, family: &Family) -> bool {
        match family.stored {
            // Most cuffs have none that could be asked.
            Some(StoredService::BloodPressure) => self.has_memory,
            stored => stored.is_some(),
        }
    }
}

impl Session {
    /// Whether a value is not to be taken now, because it came before the list did.
    pub(super) fn comes_early(&mut self, of: Attribute, bytes: &[u8]) -> bool {
        let family = FAMILIES
            .iter()
            .find(|family| family.attributes().any(|one| one == of));
        let Some(family) = family.filter(|_| !self.early.listed) else {
            return false;
        };
        if family.stream.is_some() {
            return true;
        }
        if self.early.waits_for_memory(family) && self.early.held.len() < HELD {
            self.early.held.push((of, bytes.to_vec()));
            return true;
        }
        self.took_unlisted(of, bytes);
        false
    }

    /// The device is known now: what was held is taken as what comes from here on.
    pub(super) fn take_early(&mut self, now: Moment) {
        self.early.listed = true;
        for (of, bytes) in std::mem::take(&mut self.early.held) {
            self.value(of, bytes, now);
        }
    }

    /// The link is over: what is still held is taken as it is, and remembered for the next session with a memory.
    pub(super) fn end_early(&mut self, now: Moment) {
        let unlisted = !self.early.listed;
        for (of, bytes) in self.early.held.clone() {
            self.took_unlisted(of, &bytes);
        }
        self.take_early(now);
        if unlisted && self.early.took {
            let mark = Box::new(self.plan.stored.clone());
            self.effects.push_back(Effect::Mark(mark));
        }
    }

    /// It may turn out that the cuff has a memory, in which the same measurement stands: there it is known, then.
    fn took_unlisted(&mut self, of: Attribute, bytes: &[u8]) {
        if of.service == Uuid::BLOOD_PRESSURE
            && let Some(number) = of.characteristic.as_short()
        {
            self.plan.stored.took(number, bytes);
            self.early.took = true;
        }
    }

    /// Whether this link brought something, so that nothing is gained by another attempt: whatever is left comes in the
    /// next session.
    pub(super) fn has_sent(&self) -> bool {
        self.early.sent && self.plan.goal == Goal::Collect
    }
}

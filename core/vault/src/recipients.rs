//! To whom an envelope is sealed, and the hash by which its header says so.

use crate::{AgeKeyError, AgeRecipient};
use wire::roster::{MAX_RECIPIENTS, Roster};
use wire::{Hash, sha256};

/// Why there are no recipients to seal to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientsError {
    /// A string in the roster is no hybrid recipient.
    #[error("the roster names a recipient that is no key: {0}")]
    Key(#[from] AgeKeyError),
    /// Too many, or none.
    #[error("{0} recipients; 1 to {MAX_RECIPIENTS} are allowed")]
    Count(usize),
}

/// A set of recipients, each once, sorted by their strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients(Vec<AgeRecipient>);

impl Recipients {
    /// Up: the roster's active stations, its escrow, and the recovery key of the circle that the header names.
    ///
    /// # Errors
    /// [`RecipientsError`]. Call it when a roster or a circle is made, so that no sealer meets one.
    pub fn up(roster: &Roster, recovery: Option<&AgeRecipient>) -> Result<Self, RecipientsError> {
        let named = roster
            .active_stations()
            .map(|s| &s.age)
            .chain(roster.escrow.iter().map(|e| &e.age));
        let mut all = named
            .map(|text| text.parse())
            .collect::<Result<Vec<AgeRecipient>, _>>()?;
        all.extend(recovery.cloned());
        Self::of(all)
    }

    /// Down: the install, and the recovery key of the circle that the header names.
    ///
    /// # Errors
    /// [`RecipientsError::Count`].
    pub fn down(
        install: &AgeRecipient,
        recovery: Option<&AgeRecipient>,
    ) -> Result<Self, RecipientsError> {
        Self::of(std::iter::once(install).chain(recovery).cloned().collect())
    }

    fn of(mut all: Vec<AgeRecipient>) -> Result<Self, RecipientsError> {
        all.sort_unstable();
        all.dedup();
        if (1..=MAX_RECIPIENTS).contains(&all.len()) {
            Ok(Self(all))
        } else {
            Err(RecipientsError::Count(all.len()))
        }
    }

    /// SHA-256("teleward/v1/to\n" ‖ each string, in order, followed by LF).
    #[must_use]
    pub fn to(&self) -> Hash {
        let mut text = String::from("teleward/v1/to\n");
        for recipient in &self.0 {
            text.push_str(recipient.as_str());
            text.push('\n');
        }
        sha256(&[text.as_bytes()])
    }

    /// In order.
    #[must_use]
    pub fn as_slice(&self) -> &[AgeRecipient] {
        &self.0
    }

    /// How many stanzas a file to them has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

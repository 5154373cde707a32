//! The install's own entries and its first start.

use crate::error::CompanionError;
use crate::keys::{self, Keys};
use crate::meta;
use std::io::ErrorKind;
use std::time::Duration;
use store::Database;
use vault::{AgeRecipient, KeyVault, SpoolError};
use wire::{InstallId, Time};

pub(super) const INSTALL: &str = "install";
pub(super) const RECIPIENT: &str = "recipient";
pub(super) const RECOVERY_NEXT: &str = "recovery_next";

impl From<SpoolError> for CompanionError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Disk(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => Self::DiskFull,
            other => Self::Storage {
                what: other.to_string(),
            },
        }
    }
}

/// Within `span` of each other; a time that lies ahead means that the clock was set back, and counts as long ago.
pub(super) fn within(since: Time, now: Time, span: Duration) -> bool {
    since <= now && now.since(since) < span
}

pub(super) fn check_label(label: &str) -> Result<(), CompanionError> {
    if label.chars().count() > 64 || label.chars().any(char::is_control) {
        return Err(CompanionError::input(
            "a label has at most 64 characters and no control characters",
        ));
    }
    Ok(())
}

pub(super) fn read_meta(
    db: &Database,
) -> Result<Option<(InstallId, AgeRecipient)>, CompanionError> {
    db.read(|tx| {
        let (Some(install), Some(recipient)) = (meta::get(tx, INSTALL)?, meta::get(tx, RECIPIENT)?)
        else {
            return Ok(None);
        };
        let damaged = || CompanionError::internal("the install's own entry is damaged");
        let install = InstallId(install.try_into().map_err(|_| damaged())?);
        let recipient = std::str::from_utf8(&recipient)
            .ok()
            .and_then(|text| text.parse().ok());
        Ok(Some((install, recipient.ok_or_else(damaged)?)))
    })
}

/// Keys first, durably, then the row that says they exist.
pub(super) fn first_start(
    db: &Database,
    vault: &dyn KeyVault,
) -> Result<(InstallId, AgeRecipient, Keys), CompanionError> {
    let keys = keys::make(vault)?;
    fault::point("companion.first_keys");
    let mut install = [0; 16];
    getrandom::fill(&mut install).map_err(|_| CompanionError::internal("no random bytes"))?;
    let recipient = keys.own.recipient().clone();
    db.write(|tx| -> Result<(), CompanionError> {
        meta::set(tx, INSTALL, &install)?;
        meta::set(tx, RECIPIENT, recipient.as_str().as_bytes())
    })?;
    Ok((InstallId(install), recipient, Keys::Open(Box::new(keys))))
}

/// Spreads the retries of many installs; needs no secrecy.
pub(super) fn seed_of(install: InstallId, now: Time) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = install.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ now.ms().unsigned_abs()
}

//! The companion's one error: few variants, each of which says what the person or the shell can do.
//!
//! Errors of the parts are joined here and nowhere else. No text carries anything clinical or secret.

use post::{PostError, RelayError};
use store::{LockError, StoreError};

/// Why a call had no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompanionError {
    /// Another process has the data folder.
    #[error(
        "another program already runs on this data folder: stop it first, or choose another folder"
    )]
    InUse,
    /// No room on the disk.
    #[error(
        "the disk is full: nothing was lost, but nothing new can be kept until some space is freed"
    )]
    DiskFull,
    /// The data come from a newer version.
    #[error(
        "the data folder was written by a newer version (schema {found}, this one knows {known}): update the app; nothing was changed"
    )]
    UpdateNeeded {
        /// The folder's schema.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// The data folder cannot be read or written.
    #[error("the data folder cannot be used: {what}")]
    Storage {
        /// In words.
        what: String,
    },
    /// The device was not unlocked since it was started. Readings are kept all the same.
    #[error("this device has not been unlocked since it was started: unlock it once and try again")]
    Locked,
    /// The keys of this install are gone (its data came without them, from a copy or a restored backup).
    #[error(
        "the keys of this install are missing: it cannot go on with these data; join again with a new invite"
    )]
    KeysMissing,
    /// What was typed or scanned is not right.
    #[error("{what}")]
    BadInput {
        /// What is wrong and what to do.
        what: String,
    },
    /// Nothing can be done before joining.
    #[error("not joined to a clinic yet: scan an invite first")]
    NotJoined,
    /// This install already has a link.
    #[error("already joined to a clinic: one clinic per install for now")]
    AlreadyJoined,
    /// No such reading, device or request.
    #[error("{what} is not known here")]
    Unknown {
        /// What was named.
        what: &'static str,
    },
    /// [`crate::Companion::pause`] is in force.
    #[error("paused: call resume first")]
    Paused,
    /// [`crate::Companion::close`] was called, or the companion ended.
    #[error("closed: open it again")]
    Closed,
    /// No radio was given to this companion.
    #[error("there is no Bluetooth here: type readings in, or submit frames")]
    NoRadio,
    /// The relay or the network.
    #[error("{what}")]
    Network {
        /// In words.
        what: String,
    },
    /// A fault of ours. The data are as they were.
    #[error("something went wrong inside ({what}); nothing was lost: report this with the log")]
    Internal {
        /// Where, without content.
        what: String,
    },
}

impl CompanionError {
    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::Internal { what: what.into() }
    }

    pub(crate) fn input(what: impl std::fmt::Display) -> Self {
        Self::BadInput {
            what: what.to_string(),
        }
    }
}

impl From<StoreError> for CompanionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::NewerSchema { found, known } => Self::UpdateNeeded { found, known },
            StoreError::Paused => Self::Paused,
            StoreError::Sqlite { .. } | StoreError::BadValue { .. } => {
                Self::internal(error.to_string())
            }
            _ => Self::Storage {
                what: error.to_string(),
            },
        }
    }
}

impl From<store::rusqlite::Error> for CompanionError {
    fn from(error: store::rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<LockError> for CompanionError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Taken(_) => Self::InUse,
            LockError::Io(e) => Self::Storage {
                what: e.to_string(),
            },
        }
    }
}

impl From<PostError> for CompanionError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Store(e) => e.into(),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<RelayError> for CompanionError {
    fn from(error: RelayError) -> Self {
        Self::Network {
            what: error.to_string(),
        }
    }
}

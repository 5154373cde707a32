//! What can go wrong at a station, in words for whoever has to act. No text carries anything clinical or secret.

use std::path::PathBuf;

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClinicError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The outbox or inbox.
    #[error(transparent)]
    Post(#[from] post::PostError),
    /// The relay said no or nothing.
    #[error("the relay at {url}: {source}")]
    Relay {
        /// The relay's address.
        url: String,
        /// What it said.
        source: post::RelayError,
    },
    /// The key files.
    #[error("the station's keys: {0}")]
    Keys(#[from] vault::KeyVaultError),
    /// The data folder belongs to a running station.
    #[error(transparent)]
    Lock(#[from] store::LockError),
    /// A file of the operator's.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Sealing failed: the roster or a key is not what it must be.
    #[error("a letter could not be sealed: {0}")]
    Seal(String),
    /// The operator has to change something.
    #[error("{0}")]
    Setup(String),
    /// A table of devices that is not adopted.
    #[error(transparent)]
    Table(#[from] crate::device_tables::TableRefused),
    /// Asked for something that is not there, or cannot be now.
    #[error("{text}")]
    No {
        /// What kind of no.
        kind: No,
        /// A stable code for the console.
        code: &'static str,
        /// In words.
        text: &'static str,
    },
    /// Something that this program wrote cannot be read by it.
    #[error(
        "the station's database holds something that cannot be read: {0}; keep it and restore the last backup beside it"
    )]
    Kept(&'static str),
}

/// Kinds of no, one for each status that the console's interface knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// 400.
    Bad,
    /// 401.
    SignedOut,
    /// 403.
    Forbidden,
    /// 404.
    Unknown,
    /// 409.
    Conflict,
    /// 410.
    Gone,
    /// 429, with seconds to wait.
    SlowDown(u64),
}

impl ClinicError {
    pub(crate) fn bad(code: &'static str, text: &'static str) -> Self {
        Self::No {
            kind: No::Bad,
            code,
            text,
        }
    }

    pub(crate) fn conflict(code: &'static str, text: &'static str) -> Self {
        Self::No {
            kind: No::Conflict,
            code,
            text,
        }
    }

    pub(crate) fn unknown() -> Self {
        Self::No {
            kind: No::Unknown,
            code: "unknown",
            text: "There is nothing here by this name.",
        }
    }

    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

impl From<store::rusqlite::Error> for ClinicError {
    fn from(error: store::rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

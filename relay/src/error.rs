//! Why a request, or the relay itself, had no success. No text carries an id, an address or bytes.

use wire::api::ErrorCode;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The request cannot be read.
    #[error("the request cannot be read")]
    Malformed,
    /// The signature is right, the clock is not.
    #[error("your clock and mine differ too much")]
    Clock,
    /// Unknown, foreign, expired, replayed: all one.
    #[error("nothing here for you")]
    Foreign,
    /// Another key has it.
    #[error("another key has claimed this")]
    Contested,
    /// The rosters do not follow those held.
    #[error("these rosters do not follow those held")]
    Roster,
    /// Over a limit.
    #[error("larger than allowed")]
    TooLarge,
    /// The bytes are not what the request says.
    #[error("the bytes are not what the request says they are")]
    Hash,
    /// Not the outer shape of an envelope.
    #[error("not the outer shape of an envelope")]
    Header,
    /// Too often.
    #[error("too many requests; wait a moment")]
    SlowDown,
    /// Too much waits already.
    #[error("busy; try again soon")]
    Busy,
    /// The body did not come, or not in time.
    #[error("the body did not come whole")]
    Interrupted,
    /// Full, or the day's share is used.
    #[error("this mailbox is full, or its share of the day is used")]
    Quota,
    /// The relay is ending.
    #[error("the relay is ending")]
    Stopped,
    /// The data come from a newer version.
    #[error(
        "the data were written by a newer version (schema {found}, this one knows {known}): update this program; nothing was changed"
    )]
    NewerSchema {
        /// The schema found.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A tenant's name or key is in use.
    #[error("a clinic of this name, or one with this key, is admitted already")]
    Taken,
    /// What is kept contradicts itself.
    #[error("the data folder is damaged: {0}; restore it from a backup")]
    Damaged(&'static str),
    /// Another relay runs on these data.
    #[error("another relay already runs on this data folder")]
    InUse,
    /// Configuration that cannot be.
    #[error("{0}")]
    Config(String),
    /// The disk.
    #[error("the disk: {0}")]
    Disk(String),
}

impl RelayError {
    /// The code of the closed list.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed => ErrorCode::Malformed,
            Self::Clock => ErrorCode::Clock,
            Self::Contested => ErrorCode::Contested,
            Self::Roster => ErrorCode::Roster,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Hash => ErrorCode::Hash,
            Self::Header => ErrorCode::Header,
            Self::SlowDown => ErrorCode::SlowDown,
            Self::Quota => ErrorCode::Quota,
            Self::Foreign => ErrorCode::Foreign,
            _ => ErrorCode::Busy,
        }
    }

    /// What a caller is told: faults of the relay's own stay in its log.
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self.code() {
            ErrorCode::Malformed => "the request cannot be read",
            ErrorCode::Clock => "your clock and mine differ too much",
            ErrorCode::Foreign => "nothing here for you",
            ErrorCode::Contested => "another key has claimed this",
            ErrorCode::Roster => "these rosters do not follow those held",
            ErrorCode::TooLarge => "larger than allowed",
            ErrorCode::Hash => "the bytes are not what the request says they are",
            ErrorCode::Header => "not the outer shape of an envelope",
            ErrorCode::SlowDown => "too many requests; wait a moment",
            ErrorCode::Busy => "busy; try again soon",
            ErrorCode::Quota => "this mailbox is full, or its share of the day is used",
        }
    }
}

impl From<rusqlite::Error> for RelayError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's text may quote a value; its code says enough
        Self::Disk(
            error
                .sqlite_error_code()
                .map_or_else(|| "the database".to_owned(), |code| format!("{code:?}")),
        )
    }
}

impl From<std::io::Error> for RelayError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error.kind().to_string())
    }
}

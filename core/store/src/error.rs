//! What can go wrong with the database, in words for the person who has to act.

use rusqlite::ErrorCode;

/// A failed database call. No text carries a value from a row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room for the commit; nothing of it was written.
    #[error(
        "the disk is full: nothing was lost, but nothing new can be kept until some space is freed"
    )]
    DiskFull,
    /// The file comes from a newer version of this program.
    #[error(
        "the database has schema {found}, this program knows up to {known}: install the newer version again; the file was not touched"
    )]
    NewerSchema {
        /// The file's schema number.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// A file that some other program made.
    #[error(
        "the file is not a database of this kind: check the data folder; the file was not touched"
    )]
    NotOurs,
    /// The pages do not hang together.
    #[error("the database file is damaged: keep it, and restore the last backup beside it")]
    Damaged,
    /// Somebody else holds the file.
    #[error("the database is in use by another program: close that one first")]
    Busy,
    /// [`crate::Database::pause`] was called and [`crate::Database::resume`] was not.
    #[error("the database is paused: resume first")]
    Paused,
    /// A sealed value did not open: wrong key, or moved or altered.
    #[error(
        "a sealed row does not open with this install's key (table {table}, column {column}); it was kept as it is"
    )]
    RowDoesNotOpen {
        /// Where it stands.
        table: &'static str,
        /// And in which column.
        column: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the system's random generator failed: nothing was written")]
    NoRandom,
    /// A row held what its column does not allow.
    #[error("a stored value of {what} cannot be read; it was kept as it is")]
    BadValue {
        /// Table and column.
        what: &'static str,
    },
    /// The file cannot be reached or made.
    #[error("cannot open the data folder or its database: {0}")]
    Io(#[from] std::io::Error),
    /// Anything else that SQLite says, by its code alone.
    #[error("the database refused a statement (SQLite code {code})")]
    Sqlite {
        /// SQLite's extended result code, or −1 for an error of the binding itself.
        code: i32,
        /// For callers that look closer; never printed.
        source: SqliteDetail,
    },
}

/// SQLite's own error, kept out of `Debug` and `Display` since it may quote SQL.
pub struct SqliteDetail(pub rusqlite::Error);

impl std::fmt::Debug for SqliteDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteDetail")
    }
}
impl std::fmt::Display for SqliteDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SQLite error")
    }
}
impl std::error::Error for SqliteDetail {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return Self::Sqlite {
                code: -1,
                source: SqliteDetail(error),
            };
        };
        match failure.code {
            ErrorCode::DiskFull => Self::DiskFull,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DatabaseCorrupt => Self::Damaged,
            ErrorCode::NotADatabase => Self::NotOurs,
            // SQLite reports a write that met ENOSPC or a quota only by this code.
            ErrorCode::SystemIoFailure
                if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE
                    && no_space_was_the_cause() =>
            {
                Self::DiskFull
            }
            _ => Self::Sqlite {
                code: failure.extended_code,
                source: SqliteDetail(error),
            },
        }
    }
}

/// The system's last error, read at once after SQLite's call: "no space left" or "quota exceeded".
fn no_space_was_the_cause() -> bool {
    matches!(
        std::io::Error::last_os_error().kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

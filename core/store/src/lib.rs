//! The one database of an install or a station: opening, migrations, transactions, sealed rows.
//!
//! In: SQL and plain values of the owner's own tables (this crate knows none of them). Out: durable commits and
//! typed errors that say what to do next. Called by `post`, `companion` and `clinic`.
//!
//! 1. [`Database::open`] takes a [`Schema`] and brings the file to it; a newer file is refused untouched.
//! 2. [`Database::write`] runs one transaction. There is one writer; when it returns, the commit is on the disk
//!    (SQLite in WAL mode with `synchronous=FULL`, <https://sqlite.org/pragma.html#pragma_synchronous>).
//! 3. [`RowKey`] seals single values, bound to the place where they stand.
//! 4. [`Database::pause`] lets go of every file lock, as a phone that is about to be suspended must.
//! 5. [`DirLock`] keeps a second process out of the same data folder.

mod database;
mod error;
mod lock;
mod row_key;
mod schema;

pub use database::{Database, Tx};
pub use error::StoreError;
pub use lock::{DirLock, LockError};
pub use row_key::{Place, RowKey};
pub use rusqlite;
pub use schema::{Migration, Schema};

/// The kill points of this crate (see `fault`).
pub const FAULT_POINTS: &[&str] = &["store.migrate", "store.commit", "store.committed"];

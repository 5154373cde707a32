//! The relay's database: opening, versions, and reading back who may do what.

use crate::RelayError;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// The newest schema that this program knows.
pub const SCHEMA: i64 = 1;

const CREATE: &str = "
CREATE TABLE tenant (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, root BLOB NOT NULL, ended INTEGER NOT NULL DEFAULT 0, link_changes INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE tenant_key (key BLOB PRIMARY KEY, tenant INTEGER NOT NULL REFERENCES tenant, ended INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE link (
  up BLOB PRIMARY KEY, down BLOB NOT NULL UNIQUE, tenant INTEGER NOT NULL REFERENCES tenant, claim BLOB, auth BLOB, claim_until INTEGER NOT NULL,
  quota_bytes INTEGER NOT NULL, quota_per_day INTEGER NOT NULL, contested INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0,
  change INTEGER NOT NULL, changed_hour INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX link_change ON link (tenant, change);
CREATE TABLE mailbox (box BLOB PRIMARY KEY, next_n INTEGER NOT NULL, bytes INTEGER NOT NULL, day INTEGER NOT NULL, day_count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE envelope (box BLOB NOT NULL, n INTEGER NOT NULL, id BLOB NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL, released INTEGER NOT NULL DEFAULT 0,
  bytes BLOB, PRIMARY KEY (box, n)) STRICT;
CREATE UNIQUE INDEX envelope_id ON envelope (box, id);
CREATE TABLE roster (tenant INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL, jws TEXT NOT NULL, PRIMARY KEY (tenant, n)) STRICT, WITHOUT ROWID;
CREATE TABLE nonce (key BLOB NOT NULL, nonce BLOB NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (key, nonce)) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_expires ON nonce (expires);
";

/// Opens the database for writing, making it at the first start. A newer schema is refused without touching it.
///
/// # Errors
/// [`RelayError::NewerSchema`], or those of SQLite.
pub fn open(path: &Path) -> Result<Connection, RelayError> {
    if let Some(found) = number_in_header(path)?.filter(|found| *found > SCHEMA) {
        return Err(RelayError::NewerSchema {
            found,
            known: SCHEMA,
        });
    }
    if path.exists() {
        let probe = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let found = schema_number(&probe)?;
        if found > SCHEMA {
            return Err(RelayError::NewerSchema {
                found,
                known: SCHEMA,
            });
        }
    }
    let mut db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(10))?;
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000;")?;
    if schema_number(&db)? == 0 {
        let tx = change(&mut db)?;
        // looked at again with the lock held: two may start at once
        if schema_number(&tx)? == 0 {
            tx.execute_batch(&format!("{CREATE} PRAGMA user_version = {SCHEMA};"))?;
        }
        tx.commit()?;
    }
    Ok(db)
}

fn schema_number(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// A transaction that will write. It waits for the lock now: one that read first and wrote later would be refused at once
/// when another process had written in between (SQLITE_BUSY_SNAPSHOT, <https://sqlite.org/rescode.html>).
///
/// # Errors
/// Those of SQLite.
pub fn change(db: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    db.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// The schema number in the file's first hundred bytes (<https://sqlite.org/fileformat.html>, offset 60), read before
/// SQLite opens the file and makes others beside it.
fn number_in_header(path: &Path) -> Result<Option<i64>, RelayError> {
    let mut header = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let number = header.get(60..64).and_then(|four| four.try_into().ok());
    Ok(number.map(|four| i64::from(u32::from_be_bytes(four))))
}

/// Opens the database for reading.
///
/// # Errors
/// As [`open`].
pub fn open_to_read(path: &Path) -> Result<Connection, RelayError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(Duration::from_secs(10))?;
    let found = schema_number(&db)?;
    if found > SCHEMA {
        Err(RelayError::NewerSchema {
            found,
            known: SCHEMA,
        })
    } else {
        Ok(db)
    }
}

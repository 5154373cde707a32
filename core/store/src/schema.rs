//! Numbered migrations: the only way in which a database gets or changes its tables.

use crate::StoreError;
use rusqlite::Connection;

/// One step: from schema `number − 1` to schema `number`, in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// From 1, without gaps.
    pub number: u32,
    /// The statements. What once left the house is never edited; a change is a new migration.
    pub sql: &'static [&'static str],
}

/// What a database of one kind looks like.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// SQLite's application id (<https://sqlite.org/fileformat.html>, offset 68): tells a companion's file from a
    /// station's.
    pub application_id: u32,
    /// All steps, in order.
    pub migrations: &'static [Migration],
}

impl Schema {
    /// The newest schema number.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.migrations.last().map_or(0, |m| m.number)
    }

    /// Refuses by the file's first hundred bytes alone, before SQLite opens it (and could write beside it).
    pub(crate) fn check_header(&self, header: &[u8]) -> Result<(), StoreError> {
        if header.is_empty() {
            return Ok(());
        }
        let number = |at: usize| {
            header
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(u32::from_be_bytes)
        };
        let (Some(version), Some(application), true) = (
            number(60),
            number(68),
            header.starts_with(b"SQLite format 3\0"),
        ) else {
            return Err(StoreError::NotOurs);
        };
        self.check_numbers(version, application)
    }

    fn check_numbers(&self, version: u32, application: u32) -> Result<(), StoreError> {
        if application != self.application_id && (version, application) != (0, 0) {
            return Err(StoreError::NotOurs);
        }
        if version > self.newest() {
            return Err(StoreError::NewerSchema {
                found: version,
                known: self.newest(),
            });
        }
        Ok(())
    }

    /// Brings an open database to the newest schema.
    pub(crate) fn migrate(&self, db: &mut Connection) -> Result<(), StoreError> {
        let number = |db: &Connection, name: &str| -> Result<u32, StoreError> {
            let n: i64 = db.pragma_query_value(None, name, |row| row.get(0))?;
            // The application id is a signed 32-bit number to SQLite.
            Ok(u32::try_from(n & 0xffff_ffff).unwrap_or(0))
        };
        let (version, application) = (number(db, "user_version")?, number(db, "application_id")?);
        self.check_numbers(version, application)?;
        for step in self.migrations.iter().filter(|m| m.number > version) {
            let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for sql in step.sql {
                tx.execute_batch(sql)?;
            }
            let application = i32::from_be_bytes(self.application_id.to_be_bytes());
            tx.pragma_update(None, "application_id", application)?;
            tx.pragma_update(None, "user_version", step.number)?;
            fault::point("store.migrate");
            tx.commit()?;
        }
        if version < self.newest() {
            // So that the number in the file's header is true for the next program that looks.
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}

//! Single values of the install, by name.

use crate::error::CompanionError;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};

pub(crate) fn get(tx: &Tx<'_>, name: &str) -> Result<Option<Vec<u8>>, CompanionError> {
    Ok(tx
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?)
}

pub(crate) fn set(tx: &Tx<'_>, name: &str, value: &[u8]) -> Result<(), CompanionError> {
    tx.execute(
        "INSERT INTO meta(name, value) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

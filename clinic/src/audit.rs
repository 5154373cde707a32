//! The audit log: one line an act, each bound to the one before by its hash. The head goes out in acknowledgements and
//! heartbeats, so that phones are its witnesses.
//!
//! In: who did what to which id. Out: rows, and the head. A line is JSON and holds ids and codes, nothing clinical.
//! hash(n) = SHA-256(hash(n − 1) ‖ line(n)), with 32 zero bytes before the first.

use crate::error::ClinicError;
use serde::Serialize;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use wire::{Hash, Time, sha256};

/// Who acts when no person does.
pub(crate) const STATION: &str = "station";

#[derive(Serialize)]
struct Line<'a> {
    n: i64,
    at: Time,
    by: &'a str,
    act: &'a str,
    about: &'a str,
}

/// Writes one act. `by` is an account's id or [`STATION`]; `about` an id.
pub(crate) fn note(
    tx: &Tx<'_>,
    by: &str,
    act: &str,
    about: &str,
    now: Time,
) -> Result<(), ClinicError> {
    let (last, before) = last(tx)?;
    let n = last + 1;
    let line = wire::json::to_string(&Line {
        n,
        at: now,
        by,
        act,
        about,
    });
    let hash = sha256(&[before.as_bytes(), line.as_bytes()]);
    tx.prepare_cached("INSERT INTO audit(n, line, hash) VALUES (?1, ?2, ?3)")?
        .execute(params![n, line, hash.0])?;
    Ok(())
}

/// The head: the newest hash, zeros before the first.
pub(crate) fn head(tx: &Tx<'_>) -> Result<Hash, ClinicError> {
    Ok(last(tx)?.1)
}

fn last(tx: &Tx<'_>) -> Result<(i64, Hash), ClinicError> {
    let found = tx
        .prepare_cached("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, Hash(row.get(1)?))))
        .optional()?;
    Ok(found.unwrap_or((0, Hash::ZERO)))
}

/// Whether every line still has the hash that was made of it; the number of the first that has not.
pub(crate) fn first_broken(tx: &Tx<'_>) -> Result<Option<i64>, ClinicError> {
    let mut rows = tx.prepare("SELECT n, line, hash FROM audit ORDER BY n")?;
    let mut rows = rows.query([])?;
    let (mut before, mut wanted) = (Hash::ZERO, 1);
    while let Some(row) = rows.next()? {
        let (n, line, hash): (i64, String, [u8; 32]) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if n != wanted || sha256(&[before.as_bytes(), line.as_bytes()]).0 != hash {
            return Ok(Some(n));
        }
        (before, wanted) = (Hash(hash), n + 1);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::SCHEMA;
    use store::Database;

    /// REQ-CLINIC-001: a line of the audit log that was changed, left out or put in shows.
    #[test]
    fn a_changed_line_shows() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("a.db"), SCHEMA).unwrap();
        db.write(|tx| {
            for n in 0..5 {
                note(tx, STATION, "test", &n.to_string(), Time::from_ms(n))?;
            }
            assert_eq!(first_broken(tx)?, None);
            assert_ne!(head(tx)?, Hash::ZERO);
            Ok::<_, ClinicError>(())
        })
        .unwrap();
        for (harm, shows) in [
            (
                "UPDATE audit SET line = replace(line, 'test', 'none') WHERE n = 3",
                3,
            ),
            ("DELETE FROM audit WHERE n = 2", 3),
        ] {
            let found = db.write(|tx| {
                tx.execute(harm, [])?;
                let found = first_broken(tx)?;
                Err::<(), _>(found.map_or(ClinicError::Kept("nothing"), |n| {
                    ClinicError::Setup(n.to_string())
                }))
            });
            assert_eq!(found.unwrap_err().to_string(), shows.to_string());
        }
    }
}

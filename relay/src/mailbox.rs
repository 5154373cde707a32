//! What happens to envelopes: put, list, get, release. Each is one piece of work for the writer, or one read.

use crate::RelayError;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::api::{Item, Items, PAGE, Quota};
use wire::{EnvelopeId, Kid, MailboxId, Time};

/// Envelopes up to this size lie in the database, so that one commit makes bytes and row durable.
pub const INLINE_BYTES: usize = 64 * 1024;

/// A file that was taken, or had been before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its arrival number.
    pub n: u64,
    /// When it arrived first.
    pub at: Time,
    /// Its size.
    pub size: u64,
    /// Whether this was the first time.
    pub first: bool,
}

/// Where a large envelope's bytes lie.
#[must_use]
pub fn file_path(folder: &Path, mailbox: MailboxId, id: EnvelopeId) -> PathBuf {
    folder.join(mailbox.to_string()).join(id.to_string())
}

/// Takes an envelope. `inline` is `None` when its bytes are on the disk already.
pub fn put(
    tx: &Transaction<'_>,
    mailbox: MailboxId,
    id: EnvelopeId,
    size: u64,
    inline: Option<&[u8]>,
    quota: Quota,
    now: Time,
) -> Result<Taken, RelayError> {
    if let Some(taken) = held(tx, mailbox, id)? {
        return Ok(taken);
    }
    let (n, bytes, today, count) = room(tx, mailbox, size, quota, now)?;
    tx.prepare_cached(
        "INSERT INTO envelope (box, n, id, size, at, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![mailbox.0, n, id.0, signed(size), now.ms(), inline])?;
    tx.prepare_cached(
        "INSERT INTO mailbox (box, next_n, bytes, day, day_count) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (box) DO UPDATE SET next_n = ?2, bytes = ?3, day = ?4, day_count = ?5",
    )?
    .execute(params![
        mailbox.0,
        n + 1,
        bytes + signed(size),
        today,
        count + 1
    ])?;
    Ok(Taken {
        n: unsigned(n),
        at: now,
        size,
        first: true,
    })
}

/// What was said of this file when it came first, even if it was released since.
pub fn held(
    db: &Connection,
    mailbox: MailboxId,
    id: EnvelopeId,
) -> Result<Option<Taken>, RelayError> {
    Ok(db
        .prepare_cached("SELECT n, at, size FROM envelope WHERE box = ?1 AND id = ?2")?
        .query_row(params![mailbox.0, id.0], |row| {
            Ok(Taken {
                n: unsigned(row.get(0)?),
                at: Time::from_ms(row.get(1)?),
                size: unsigned(row.get(2)?),
                first: false,
            })
        })
        .optional()?)
}

/// The next number, the bytes held, the day and its count, if the mailbox may take so many more.
///
/// # Errors
/// [`RelayError::Quota`].
pub fn room(
    db: &Connection,
    mailbox: MailboxId,
    size: u64,
    quota: Quota,
    now: Time,
) -> Result<(i64, i64, i64, i64), RelayError> {
    let today = now.seconds().div_euclid(86_400);
    let counts = db
        .prepare_cached("SELECT next_n, bytes, day, day_count FROM mailbox WHERE box = ?1")?
        .query_row([mailbox.0], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let (n, bytes, day, count) = counts.unwrap_or((1, 0, today, 0));
    let count = if day == today { count } else { 0 };
    if unsigned(bytes).saturating_add(size) > quota.bytes || unsigned(count) >= quota.per_day {
        return Err(RelayError::Quota);
    }
    Ok((n, bytes, today, count))
}

/// What lies in a mailbox behind `after`.
pub fn list(
    db: &Connection,
    mailbox: MailboxId,
    after: u64,
    relay: Kid,
) -> Result<Items, RelayError> {
    let mut rows = db.prepare_cached("SELECT n, id, size FROM envelope WHERE box = ?1 AND n > ?2 AND released = 0 ORDER BY n LIMIT ?3")?;
    let rows = rows.query_map(params![mailbox.0, signed(after), PAGE as i64 + 1], |row| {
        Ok(Item {
            n: unsigned(row.get(0)?),
            id: EnvelopeId(row.get(1)?),
            size: unsigned(row.get(2)?),
        })
    })?;
    let mut items = rows.collect::<Result<Vec<_>, _>>()?;
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Ok(Items {
        v: 1,
        relay,
        items,
        more,
    })
}

/// One envelope's bytes; `None` when it is not here or was released.
pub fn get(
    db: &Connection,
    folder: &Path,
    mailbox: MailboxId,
    id: EnvelopeId,
) -> Result<Option<Vec<u8>>, RelayError> {
    let held = db
        .prepare_cached("SELECT bytes FROM envelope WHERE box = ?1 AND id = ?2 AND released = 0")?
        .query_row(params![mailbox.0, id.0], |row| {
            row.get::<_, Option<Vec<u8>>>(0)
        })
        .optional()?;
    match held {
        None => Ok(None),
        Some(Some(bytes)) => Ok(Some(bytes)),
        Some(None) => Ok(Some(std::fs::read(file_path(folder, mailbox, id))?)),
    }
}

/// Releases everything up to `through`; tombstones stay, so that the same file is never a new one. Gives the files to remove.
pub fn release(
    tx: &Transaction<'_>,
    mailbox: MailboxId,
    through: u64,
) -> Result<Vec<EnvelopeId>, RelayError> {
    let mut freed: i64 = 0;
    let mut files = Vec::new();
    {
        let mut rows = tx.prepare_cached("SELECT id, size, bytes IS NULL FROM envelope WHERE box = ?1 AND n <= ?2 AND released = 0")?;
        let mut rows = rows.query(params![mailbox.0, signed(through)])?;
        while let Some(row) = rows.next()? {
            freed += row.get::<_, i64>(1)?;
            if row.get(2)? {
                files.push(EnvelopeId(row.get(0)?));
            }
        }
    }
    tx.prepare_cached("UPDATE envelope SET released = 1, bytes = NULL WHERE box = ?1 AND n <= ?2 AND released = 0")?
        .execute(params![mailbox.0, signed(through)])?;
    tx.prepare_cached("UPDATE mailbox SET bytes = bytes - ?2 WHERE box = ?1")?
        .execute(params![mailbox.0, freed])?;
    Ok(files)
}

/// Removes files that no row names any more: what a kill left between a file and its row, or between a release and the
/// removal. Only for the writer's thread, which alone makes rows. Gives how many went.
pub fn sweep(db: &Connection, folder: &Path, older_than: Duration) -> Result<u64, RelayError> {
    let mut gone = 0;
    let mut live = db.prepare_cached(
        "SELECT 1 FROM envelope WHERE box = ?1 AND id = ?2 AND released = 0 AND bytes IS NULL",
    )?;
    for mailbox in std::fs::read_dir(folder)? {
        let mailbox = mailbox?;
        let name = mailbox.file_name();
        let Some(id) = name.to_str().and_then(|n| n.parse::<MailboxId>().ok()) else {
            continue;
        };
        for file in std::fs::read_dir(mailbox.path())? {
            let file = file?;
            let name = file.file_name();
            let envelope = name.to_str().and_then(|n| n.parse::<EnvelopeId>().ok());
            let kept = match envelope {
                Some(envelope) => live.exists(params![id.0, envelope.0])?,
                None => false,
            };
            let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !kept && age >= older_than {
                std::fs::remove_file(file.path())?;
                gone += 1;
            }
        }
    }
    Ok(gone)
}

/// SQLite's integers have a sign; ours here have none and stay far below 2^63.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

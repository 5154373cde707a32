//! What the patient has said about readings that went out already: statements that wait for their letter, or are in one.
//!
//! In: a statement, with its time. Out: batches to be sealed. A statement stays for good (its reading's trace) and follows
//! its letter as a reading does: refused once it is sealed again, lost with a station it is sent again.

use crate::error::CompanionError;
use crate::finding;
use reading::ReadingId;
use store::Tx;
use store::rusqlite::params;
use vault::{Amendment, Amends, Finding};
use wire::{EnvelopeId, Hash, MailboxId, Time};

/// Statements in one envelope at most: 60 KiB.
const BATCH: u32 = 400;

/// Enters a statement. Its time is later than that of any earlier one about the same reading, whatever the clock does.
pub(crate) fn say(
    tx: &Tx<'_>,
    reading: ReadingId,
    what: Amends,
    user: Option<u8>,
    now: Time,
) -> Result<(), CompanionError> {
    tx.prepare_cached(
        "INSERT INTO amendment(reading, what, at, user_slot)
         SELECT ?1, ?2, max(?3, coalesce(max(at) + 1, ?3)), ?4 FROM amendment WHERE reading = ?1",
    )?
    .execute(params![reading.0, what.as_str(), now.ms(), user])?;
    Ok(())
}

/// The clinic will not have the reading: what waits to be said about it is not sent either.
pub(crate) fn take_back(tx: &Tx<'_>, reading: ReadingId) -> Result<(), CompanionError> {
    tx.prepare_cached("DELETE FROM amendment WHERE reading = ?1 AND state = 1")?
        .execute([reading.0])?;
    Ok(())
}

/// Statements that wait for their letter, oldest first.
pub(crate) fn next_batch(tx: &Tx<'_>) -> Result<Vec<(i64, Amendment)>, CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT id, reading, what, at, user_slot FROM amendment WHERE state = 1 ORDER BY id LIMIT ?1",
    )?;
    let rows = rows.query_map([BATCH], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, [u8; 32]>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, i64>(3)?,
            row.get::<_, Option<u8>>(4)?,
        ))
    })?;
    let mut batch = Vec::new();
    for row in rows {
        let (id, reading, what, at, user) = row?;
        let what = Amends::from_name(&what)
            .ok_or_else(|| CompanionError::internal("a kept statement cannot be read"))?;
        let said = Amendment {
            v: 1,
            reading: Hash(reading),
            what,
            at: Time::from_ms(at),
            user,
        };
        batch.push((id, said));
    }
    Ok(batch)
}

/// Notes which envelope these statements went into.
pub(crate) fn in_envelope(
    tx: &Tx<'_>,
    ids: &[i64],
    envelope: EnvelopeId,
) -> Result<(), CompanionError> {
    let mut update =
        tx.prepare_cached("UPDATE amendment SET state = 2, envelope = ?2 WHERE id = ?1")?;
    for id in ids {
        update.execute(params![id, envelope.0])?;
    }
    Ok(())
}

/// The station has these envelopes.
pub(crate) fn stored(
    tx: &Tx<'_>,
    envelopes: &[EnvelopeId],
    now: Time,
) -> Result<(), CompanionError> {
    let mut update = tx.prepare_cached(
        "UPDATE amendment SET stored_at = coalesce(stored_at, ?2) WHERE envelope = ?1 AND state = 2",
    )?;
    for id in envelopes {
        update.execute(params![id.0, now.ms()])?;
    }
    Ok(())
}

/// The station could not take this envelope: its statements are sealed again, once; a second refusal is told.
pub(crate) fn refused(
    tx: &Tx<'_>,
    up: MailboxId,
    envelope: EnvelopeId,
    now: Time,
) -> Result<(), CompanionError> {
    let aside = tx
        .prepare_cached(
            "UPDATE amendment SET state = 3, envelope = NULL, stored_at = NULL WHERE envelope = ?1 AND state = 2 AND refused > 0",
        )?
        .execute([envelope.0])?;
    tx.prepare_cached(
        "UPDATE amendment SET state = 1, envelope = NULL, refused = 1, stored_at = NULL WHERE envelope = ?1 AND state = 2",
    )?
    .execute([envelope.0])?;
    if aside > 0 {
        let found = Finding::RefusedTwice {
            mailbox: up,
            id: envelope,
        };
        finding::note(tx, &found, now)?;
    }
    Ok(())
}

/// These envelopes are gone, and their content is wanted again.
pub(crate) fn send_again(tx: &Tx<'_>, envelopes: &[EnvelopeId]) -> Result<(), CompanionError> {
    let mut update = tx.prepare_cached(
        "UPDATE amendment SET state = 1, envelope = NULL, refused = 0, stored_at = NULL WHERE envelope = ?1 AND state = 2",
    )?;
    for id in envelopes {
        update.execute([id.0])?;
    }
    Ok(())
}

/// Drops what was said about readings that are gone, once the clinic has it.
pub(crate) fn purge(tx: &Tx<'_>) -> Result<(), CompanionError> {
    tx.execute(
        "DELETE FROM amendment WHERE stored_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reading r WHERE r.id = amendment.reading)",
        [],
    )?;
    Ok(())
}

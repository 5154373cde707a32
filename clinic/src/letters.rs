//! Letters down before they are sealed: content waits here until its link's turn to be handed over, so that nothing
//! carries an old roster, and content of a letter that a phone refused can be sealed once more.

use crate::error::ClinicError;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::Kind;
use wire::{EnvelopeId, MailboxId, Time};

/// One letter that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub row: i64,
    pub kind: Kind,
    pub content: Vec<u8>,
    pub re: Option<EnvelopeId>,
}

/// Puts content into the queue of a link.
pub(crate) fn queue(
    tx: &Tx<'_>,
    up: MailboxId,
    kind: &Kind,
    content: &[u8],
    re: Option<EnvelopeId>,
    now: Time,
) -> Result<(), ClinicError> {
    tx.prepare_cached(
        "INSERT INTO letter(up, kind, content, re, queued_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        up.0,
        kind.as_str(),
        content,
        re.map(|id| id.0),
        now.ms()
    ])?;
    Ok(())
}

/// The link's next letter.
pub(crate) fn next(tx: &Tx<'_>, up: MailboxId) -> Result<Option<Waiting>, ClinicError> {
    Ok(tx
        .prepare_cached("SELECT id, kind, content, re FROM letter WHERE up = ?1 AND envelope IS NULL ORDER BY id LIMIT 1")?
        .query_row([up.0], |row| {
            let kind: String = row.get(1)?;
            Ok(Waiting {
                row: row.get(0)?,
                kind: Kind::from(kind.as_str()),
                content: row.get(2)?,
                re: row.get::<_, Option<[u8; 32]>>(3)?.map(EnvelopeId),
            })
        })
        .optional()?)
}

/// The phones that a letter to all goes to.
pub(crate) fn confirmed_links(tx: &Tx<'_>) -> Result<Vec<MailboxId>, ClinicError> {
    let mut rows =
        tx.prepare_cached("SELECT up FROM link WHERE state = 'confirmed' ORDER BY up")?;
    let rows = rows.query_map([], |row| row.get(0).map(MailboxId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a letter waits to be sealed.
pub(crate) fn any_waits(tx: &Tx<'_>) -> Result<bool, ClinicError> {
    let waits = "SELECT EXISTS(SELECT 1 FROM letter l JOIN link ON link.up = l.up
        WHERE l.envelope IS NULL AND link.state IN ('pending', 'confirmed'))";
    Ok(tx.query_row(waits, [], |row| row.get(0))?)
}

/// The letter is in this envelope now.
pub(crate) fn sealed(tx: &Tx<'_>, row: i64, envelope: EnvelopeId) -> Result<(), ClinicError> {
    tx.prepare_cached("UPDATE letter SET envelope = ?2 WHERE id = ?1")?
        .execute(params![row, envelope.0])?;
    Ok(())
}

/// What came of a phone's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The content goes once more.
    Queued,
    /// It was refused before: a person is told.
    Twice,
    /// Nothing to send again (an acknowledgement, or unknown, or told already).
    Nothing,
}

/// A phone refused an envelope: its content is sealed again, once.
pub(crate) fn refused(
    tx: &Tx<'_>,
    up: MailboxId,
    envelope: EnvelopeId,
) -> Result<Again, ClinicError> {
    let found: Option<(i64, bool)> = tx
        .query_row(
            "SELECT id, again FROM letter WHERE up = ?1 AND envelope = ?2",
            params![up.0, envelope.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match found {
        None => Ok(Again::Nothing),
        Some((_, true)) => Ok(Again::Twice),
        Some((row, false)) => {
            tx.execute(
                "UPDATE letter SET again = 1, envelope = NULL WHERE id = ?1",
                [row],
            )?;
            Ok(Again::Queued)
        }
    }
}

/// Envelopes that were dropped before they left: their content goes back to the queue.
pub(crate) fn back(tx: &Tx<'_>, envelopes: &[EnvelopeId]) -> Result<(), ClinicError> {
    let mut update = tx.prepare_cached("UPDATE letter SET envelope = NULL WHERE envelope = ?1")?;
    for id in envelopes {
        update.execute([id.0])?;
    }
    Ok(())
}

/// The phone has these: their content is needed no more.
pub(crate) fn arrived(
    tx: &Tx<'_>,
    envelopes: impl IntoIterator<Item = EnvelopeId>,
) -> Result<(), ClinicError> {
    let mut delete = tx.prepare_cached("DELETE FROM letter WHERE envelope = ?1")?;
    for id in envelopes {
        delete.execute([id.0])?;
    }
    Ok(())
}

/// Nothing more is sent on this link; returns how many letters were dropped.
pub(crate) fn drop_all(tx: &Tx<'_>, up: MailboxId) -> Result<usize, ClinicError> {
    Ok(tx.execute(
        "DELETE FROM letter WHERE up = ?1 AND envelope IS NULL",
        [up.0],
    )?)
}

/// The links that have something to say or to answer at `now`.
pub(crate) fn due(
    tx: &Tx<'_>,
    now: Time,
    beat_before: Time,
) -> Result<Vec<MailboxId>, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT up FROM link l WHERE state IN ('pending', 'confirmed') AND (
           answer_due <= ?1 OR answer_due > ?1 + 3600000
           OR EXISTS (SELECT 1 FROM letter WHERE letter.up = l.up AND envelope IS NULL)
           OR EXISTS (SELECT 1 FROM reading_via v WHERE v.up = l.up AND v.seen = 'due')
           OR coalesce(sealed_at, 0) <= ?2 OR sealed_at > ?1)",
    )?;
    let rows = rows.query_map(params![now.ms(), beat_before.ms()], |row| {
        row.get(0).map(MailboxId)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

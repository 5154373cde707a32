//! Sealed files on their way out: `sealed → handed → received → acknowledged`, each durable before the next.
//!
//! In: sealed files with their place in the chain, what the relay answered, what the other end acknowledged. Out:
//! which file goes next, and where everything stands. Each function works inside the host's transaction, so that a
//! file, its number and whatever else the host keeps about it change together or not at all.
//!
//! A receipt ends retrying and nothing more; only an acknowledgement drops the bytes, and the row stays even then.

use crate::backoff::{Backoff, LONGEST};
use crate::error::{PostError, RelayError};
use bytes::Bytes;
use std::time::Duration;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, Row, named_params, params};
use wire::api::ErrorCode;
use wire::receipt::Receipt;
use wire::{EnvelopeId, Kid, MailboxId, PublicKey, Sealed, Time};

/// An acknowledgement that is overdue by so long makes the same bytes go again (`docs/formats/`, receipt).
pub const OVERDUE: Duration = Duration::from_secs(24 * 3600);

/// Which mail goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// What a person should see at once, and what keeps the link itself alive.
    Alert = 0,
    /// Readings and everything small.
    Vitals = 1,
    /// Large and patient.
    Media = 2,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// In the database, never shown to anybody.
    Sealed = 1,
    /// May have left; will never be sealed again.
    Handed = 2,
    /// A relay signed for it.
    Received = 3,
    /// The other end has it; the bytes are gone from here.
    Acknowledged = 4,
}

impl State {
    fn read(n: i64) -> Result<Self, PostError> {
        match n {
            1 => Ok(Self::Sealed),
            2 => Ok(Self::Handed),
            3 => Ok(Self::Received),
            4 => Ok(Self::Acknowledged),
            _ => Err(PostError::DamagedFile),
        }
    }
}

/// A file's place in the chain of one key in one mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The mailbox it goes to.
    pub mailbox: MailboxId,
    /// The key that signed it.
    pub kid: Kid,
    /// Its number, from 1.
    pub seq: u64,
}

/// A file to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its place in the chain.
    pub position: Position,
    /// Its id.
    pub id: EnvelopeId,
    /// Which lane it is in.
    pub lane: Lane,
    /// How far it is.
    pub state: State,
    /// Its bytes.
    pub bytes: Bytes,
}

/// The last file of a chain: its number and id.
///
/// # Errors
/// Those of the database.
pub fn head(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    kid: Kid,
) -> Result<Option<(u64, EnvelopeId)>, PostError> {
    let found = tx
        .prepare_cached(
            "SELECT seq, id FROM post_out WHERE box = ?1 AND kid = ?2 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![mailbox.0, kid.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })
        .optional()?;
    found
        .map(|(seq, id)| Ok((unsigned(seq)?, EnvelopeId(id))))
        .transpose()
}

/// Takes a sealed file. Call it in the transaction that read [`head`] and keeps everything else about the file.
///
/// # Errors
/// Those of the database, also when the place in the chain is taken.
pub fn insert(
    tx: &Tx<'_>,
    at: Position,
    lane: Lane,
    sealed: &Sealed,
    now: Time,
) -> Result<(), PostError> {
    tx.prepare_cached(
        "INSERT INTO post_out(box, kid, seq, id, lane, bytes, size, sealed_at)
         VALUES (:box, :kid, :seq, :id, :lane, :bytes, :size, :now)",
    )?
    .execute(named_params! {
        ":box": at.mailbox.0, ":kid": at.kid.0, ":seq": signed(at.seq)?, ":id": sealed.id().0, ":lane": lane as i64,
        ":bytes": sealed.bytes(), ":size": signed(sealed.bytes().len() as u64)?, ":now": now.ms(),
    })?;
    Ok(())
}

/// The file whose turn it is: by lane, then by age; then whatever was received and is overdue for acknowledgement.
/// Files and mailboxes in trouble are passed over. `mailbox` narrows it to one.
///
/// # Errors
/// Those of the database.
pub fn next(
    tx: &Tx<'_>,
    mailbox: Option<MailboxId>,
    now: Time,
) -> Result<Option<Outgoing>, PostError> {
    let found = tx
        .prepare_cached(
            "SELECT o.box, o.kid, o.seq, o.id, o.lane, o.state, o.bytes FROM post_out o
             LEFT JOIN post_out_box b ON b.box = o.box
             WHERE o.state < 4 AND o.trouble IS NULL AND o.bytes IS NOT NULL
               AND (:box IS NULL OR o.box = :box)
               AND (o.state < 3 OR abs(:now - o.received_at) >= :overdue)
               AND (b.box IS NULL OR b.retry_at <= :now OR b.retry_at > :now + :longest)
             ORDER BY o.state = 3, o.lane, o.place LIMIT 1",
        )?
        .query_row(
            named_params! {
                ":box": mailbox.map(|m| m.0), ":now": now.ms(),
                ":overdue": millis(OVERDUE), ":longest": millis(LONGEST),
            },
            |row| Ok(read_outgoing(row)),
        )
        .optional()?;
    found.transpose()
}

/// One file by its id, with its bytes; `None` when it is unknown or acknowledged.
///
/// # Errors
/// Those of the database.
pub fn get(tx: &Tx<'_>, id: EnvelopeId) -> Result<Option<Outgoing>, PostError> {
    let found = tx
        .prepare_cached(
            "SELECT box, kid, seq, id, lane, state, bytes FROM post_out WHERE id = ?1 AND bytes IS NOT NULL",
        )?
        .query_row([id.0], |row| Ok(read_outgoing(row)))
        .optional()?;
    found.transpose()
}

/// Marks the file before the first byte of it leaves; after this it is never sealed again.
///
/// # Errors
/// [`PostError::Unknown`], or those of the database.
pub fn handed(tx: &Tx<'_>, id: EnvelopeId, now: Time) -> Result<(), PostError> {
    let changed = tx
        .prepare_cached("UPDATE post_out SET state = max(state, 2), handed_at = coalesce(handed_at, ?2) WHERE id = ?1")?
        .execute(params![id.0, now.ms()])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(PostError::Unknown)
    }
}

/// Checks the relay's receipt against the keys of the held rosters and the file it must be for, and keeps it.
///
/// # Errors
/// [`PostError::Receipt`] when it does not count (the file stays where it was), or those of the database.
pub fn received(
    tx: &Tx<'_>,
    id: EnvelopeId,
    receipt: &str,
    keys: &[PublicKey],
    now: Time,
) -> Result<(Receipt, Kid), PostError> {
    let (text, (receipt, relay)) = (receipt, Receipt::verify(receipt, keys)?);
    let row: Option<([u8; 16], i64)> = tx
        .prepare_cached("SELECT box, size FROM post_out WHERE id = ?1")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mailbox, size) = row.ok_or(PostError::Unknown)?;
    receipt.covers(MailboxId(mailbox), id, unsigned(size)?)?;
    tx.prepare_cached(
        "UPDATE post_out SET state = max(state, 3), received_at = ?2, trouble = NULL WHERE id = ?1",
    )?
    .execute(params![id.0, now.ms()])?;
    tx.prepare_cached("DELETE FROM post_out_box WHERE box = ?1")?
        .execute([mailbox])?;
    tx.prepare_cached(
        "INSERT INTO post_receipt(id, relay, box, n, at, jws) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT(id, relay) DO NOTHING",
    )?
    .execute(params![
        id.0,
        relay.0,
        mailbox,
        signed(receipt.n)?,
        receipt.at.ms(),
        text
    ])?;
    Ok((receipt, relay))
}

/// Whose matter a failed hand-over is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The relay's or the network's: everything waits a while.
    Line,
    /// This mailbox's (full, ended): the others go on.
    Mailbox,
    /// This file's: it is set aside in view, the others go on.
    File,
}

/// Notes why a hand-over had no success, and says whether the rest can go on.
///
/// # Errors
/// Those of the database.
pub fn not_taken(
    tx: &Tx<'_>,
    id: EnvelopeId,
    why: &RelayError,
    now: Time,
    jitter: u32,
) -> Result<Blame, PostError> {
    if why.ends_retry() {
        tx.prepare_cached("UPDATE post_out SET trouble = ?2 WHERE id = ?1")?
            .execute(params![id.0, code_text(why)])?;
        return Ok(Blame::File);
    }
    if !matches!(
        why.code(),
        Some(ErrorCode::Quota | ErrorCode::Foreign | ErrorCode::Contested)
    ) {
        return Ok(Blame::Line);
    }
    let mailbox: Option<[u8; 16]> = tx
        .prepare_cached("SELECT box FROM post_out WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let Some(mailbox) = mailbox else {
        return Ok(Blame::Line);
    };
    let failures: Option<u32> = tx
        .prepare_cached("SELECT failures FROM post_out_box WHERE box = ?1")?
        .query_row([mailbox], |row| row.get(0))
        .optional()?;
    let (failures, retry_at) = after_failure(failures.unwrap_or(0), why.retry_after(), now, jitter);
    tx.prepare_cached(
        "INSERT INTO post_out_box(box, failures, retry_at, trouble) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT(box) DO UPDATE SET failures = excluded.failures, retry_at = excluded.retry_at, trouble = excluded.trouble",
    )?
    .execute(params![mailbox, failures, retry_at.ms(), code_text(why)])?;
    Ok(Blame::Mailbox)
}

/// Lets mailboxes and files in trouble be tried at once: a person asked, or the network or the app is another one.
///
/// # Errors
/// Those of the database.
pub fn try_again(tx: &Tx<'_>) -> Result<(), PostError> {
    tx.execute("DELETE FROM post_out_box", [])?;
    tx.execute(
        "UPDATE post_out SET trouble = NULL WHERE trouble IS NOT NULL",
        [],
    )?;
    Ok(())
}

/// What the other end says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// Everything up to and with this file.
    Through(u64, EnvelopeId),
    /// This file alone.
    One(u64, EnvelopeId),
}

/// Applies an acknowledgement: the covered files' bytes go. Returns those that were not acknowledged before.
///
/// # Errors
/// [`PostError::NotOurs`] when it names a file that was never sent at that number: it covers nothing, and is a finding.
pub fn acknowledge(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    kid: Kid,
    cover: Cover,
    now: Time,
) -> Result<Vec<(u64, EnvelopeId)>, PostError> {
    let (from, seq, id) = match cover {
        Cover::Through(seq, id) => (1, seq, id),
        Cover::One(seq, id) => (seq, seq, id),
    };
    let not_ours = || PostError::NotOurs { seq };
    let stored = i64::try_from(seq).map_err(|_| not_ours())?;
    let held: Option<[u8; 32]> = tx
        .prepare_cached("SELECT id FROM post_out WHERE box = ?1 AND kid = ?2 AND seq = ?3")?
        .query_row(params![mailbox.0, kid.0, stored], |row| row.get(0))
        .optional()?;
    if held != Some(id.0) {
        return Err(not_ours());
    }
    let mut rows = tx.prepare_cached(
        "SELECT seq, id, state FROM post_out WHERE box = ?1 AND kid = ?2 AND seq BETWEEN ?3 AND ?4 AND state < 4 ORDER BY seq",
    )?;
    let rows = rows.query_map(params![mailbox.0, kid.0, signed(from)?, stored], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut covered = Vec::new();
    for row in rows {
        let (seq, id, state) = row?;
        // What never left cannot have arrived.
        if State::read(state)? == State::Sealed {
            return Err(not_ours());
        }
        covered.push((unsigned(seq)?, EnvelopeId(id)));
    }
    let mut done = tx.prepare_cached(
        "UPDATE post_out SET state = 4, bytes = NULL, trouble = NULL, acknowledged_at = ?2 WHERE id = ?1",
    )?;
    for (_, id) in &covered {
        done.execute(params![id.0, now.ms()])?;
    }
    Ok(covered)
}

/// Drops what was sealed and never handed over, from the highest number down, so that its content can be sealed
/// anew (a compromised recipient). Returns the ids of the dropped files.
///
/// # Errors
/// Those of the database.
pub fn drop_unhanded(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    kid: Kid,
) -> Result<Vec<EnvelopeId>, PostError> {
    let mut dropped = tx.prepare_cached(
        "DELETE FROM post_out WHERE box = ?1 AND kid = ?2 AND state = 1
           AND seq > coalesce((SELECT max(seq) FROM post_out WHERE box = ?1 AND kid = ?2 AND state > 1), 0) RETURNING id",
    )?;
    let ids = dropped.query_map(params![mailbox.0, kid.0], |row| row.get(0).map(EnvelopeId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The other end lost what came after a number (a restored station): files that are still here go again as they are;
/// the ids of those whose bytes are gone are returned, so that their content can be sealed anew.
///
/// # Errors
/// Those of the database.
pub fn send_again(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    kid: Kid,
    after: u64,
) -> Result<Vec<EnvelopeId>, PostError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "UPDATE post_out SET state = 2 WHERE box = ?1 AND kid = ?2 AND seq > ?3 AND state = 3",
    )?
    .execute(params![mailbox.0, kid.0, after])?;
    let mut gone =
        tx.prepare_cached("SELECT id FROM post_out WHERE box = ?1 AND kid = ?2 AND seq > ?3 AND state = 4 ORDER BY seq")?;
    let gone = gone.query_map(params![mailbox.0, kid.0, after], |row| {
        row.get(0).map(EnvelopeId)
    })?;
    Ok(gone.collect::<Result<_, _>>()?)
}

/// Where the outgoing mail stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Files that no relay has signed for.
    pub waiting: u64,
    /// Files at a relay that the other end has not acknowledged.
    pub at_relay: u64,
    /// Files that the relay refuses for good.
    pub stuck: u64,
    /// When the oldest file without acknowledgement was sealed.
    pub oldest: Option<Time>,
    /// When a relay last signed for something.
    pub last_receipt: Option<Time>,
    /// When the other end last acknowledged something.
    pub last_acknowledgement: Option<Time>,
    /// The relay's newest complaint about a mailbox, as a code of its closed list.
    pub trouble: Option<String>,
}

/// Where the outgoing mail stands, in all mailboxes or in one.
///
/// # Errors
/// Those of the database.
pub fn status(tx: &Tx<'_>, mailbox: Option<MailboxId>) -> Result<Status, PostError> {
    let time = |ms: Option<i64>| ms.map(Time::from_ms);
    let mut status = tx
        .prepare_cached(
            "SELECT total(state < 3), total(state = 3), total(trouble IS NOT NULL),
                    min(CASE WHEN state < 4 THEN sealed_at END), max(received_at), max(acknowledged_at)
             FROM post_out WHERE ?1 IS NULL OR box = ?1",
        )?
        .query_row([mailbox.map(|m| m.0)], |row| {
            Ok(Status {
                waiting: count(row, 0)?,
                at_relay: count(row, 1)?,
                stuck: count(row, 2)?,
                oldest: time(row.get(3)?),
                last_receipt: time(row.get(4)?),
                last_acknowledgement: time(row.get(5)?),
                trouble: None,
            })
        })?;
    status.trouble = tx
        .prepare_cached("SELECT trouble FROM post_out_box WHERE ?1 IS NULL OR box = ?1 ORDER BY retry_at DESC LIMIT 1")?
        .query_row([mailbox.map(|m| m.0)], |row| row.get(0))
        .optional()?;
    Ok(status)
}

/// The newest receipt of each relay for a mailbox: relay key, arrival number, file. For heartbeats.
///
/// # Errors
/// Those of the database.
pub fn newest_receipts(
    tx: &Tx<'_>,
    mailbox: MailboxId,
) -> Result<Vec<(Kid, u64, EnvelopeId)>, PostError> {
    let mut rows = tx.prepare_cached(
        "SELECT relay, max(n), id FROM post_receipt WHERE box = ?1 GROUP BY relay ORDER BY relay",
    )?;
    let rows = rows.query_map([mailbox.0], |row| {
        Ok((
            Kid(row.get(0)?),
            row.get::<_, i64>(1)?,
            EnvelopeId(row.get(2)?),
        ))
    })?;
    rows.map(|row| {
        row.map_err(PostError::from)
            .and_then(|(kid, n, id)| Ok((kid, unsigned(n)?, id)))
    })
    .collect()
}

/// How far a file is; `None` when it is unknown.
///
/// # Errors
/// Those of the database.
pub fn state(tx: &Tx<'_>, id: EnvelopeId) -> Result<Option<State>, PostError> {
    tx.prepare_cached("SELECT state FROM post_out WHERE id = ?1")?
        .query_row([id.0], |row| row.get::<_, i64>(0))
        .optional()?
        .map(State::read)
        .transpose()
}

pub(crate) fn after_failure(
    failures: u32,
    asked: Option<Duration>,
    now: Time,
    jitter: u32,
) -> (u32, Time) {
    let mut backoff = Backoff::after(failures);
    backoff.failed(now, asked, jitter);
    (backoff.failures(), backoff.wait_until(now).unwrap_or(now))
}

pub(crate) fn signed(n: u64) -> Result<i64, PostError> {
    i64::try_from(n).map_err(|_| PostError::Range)
}

pub(crate) fn unsigned(n: i64) -> Result<u64, PostError> {
    u64::try_from(n).map_err(|_| PostError::Range)
}

pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn code_text(why: &RelayError) -> String {
    why.code().map_or_else(
        || "unclear".to_owned(),
        |code| wire::json::to_string(&code).trim_matches('"').to_owned(),
    )
}

fn count(row: &Row<'_>, at: usize) -> store::rusqlite::Result<u64> {
    // A sum of zeros and ones; SQLite's `total` is a float, exact up to 2^53.
    let n: f64 = row.get(at)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows"
    )]
    Ok(n as u64)
}

fn read_outgoing(row: &Row<'_>) -> Result<Outgoing, PostError> {
    let lane = match row.get::<_, i64>(4)? {
        0 => Lane::Alert,
        1 => Lane::Vitals,
        _ => Lane::Media,
    };
    Ok(Outgoing {
        position: Position {
            mailbox: MailboxId(row.get(0)?),
            kid: Kid(row.get(1)?),
            seq: unsigned(row.get(2)?)?,
        },
        id: EnvelopeId(row.get(3)?),
        lane,
        state: State::read(row.get(5)?)?,
        bytes: row.get::<_, Vec<u8>>(6)?.into(),
    })
}

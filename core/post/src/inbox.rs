//! Mail that came: listed, fetched, consumed; nothing is fetched twice and nothing is skipped.
//!
//! In: pages of a mailbox and fetched bytes. Out: what to fetch next and what the host has not consumed yet. A cursor
//! is kept per mailbox and relay receipt key, since another key means another relay (or a restored one) that counts
//! from 1. The numbers are the relay's and decide nothing but where to go on; order and gaps are told by the chain
//! inside the files.

use crate::backoff::LONGEST;
use crate::error::{PostError, RelayError};
use crate::outbox::{after_failure, millis, signed, unsigned};
use store::Tx;
use store::rusqlite::{OptionalExtension as _, named_params, params};
use wire::api::{ErrorCode, Item, Items};
use wire::{EnvelopeId, Kid, MAX_ENVELOPE_BYTES, MailboxId, Time};

/// A file that the relay lists and does not give is asked for so often.
const ASK_FOR_GONE: u32 = 3;

/// What came of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// It was entered.
    Page {
        /// Files to fetch.
        new: u64,
        /// Files listed under a second number.
        replayed: Vec<EnvelopeId>,
        /// Whether a number stands for another file than it did before, or a file has a size that none can have.
        contradicts: bool,
        /// Whether to ask for the next page.
        more: bool,
    },
    /// The address answers with another receipt key than last time: ask again, its cursor is another one.
    OtherRelay,
}

/// The number after which to list a mailbox at the relay with this address.
///
/// # Errors
/// Those of the database.
pub fn cursor(tx: &Tx<'_>, mailbox: MailboxId, url: &str) -> Result<u64, PostError> {
    let after: Option<i64> = tx
        .prepare_cached(
            "SELECT c.after FROM post_cursor c JOIN post_relay r ON r.relay = c.relay WHERE c.box = ?1 AND r.url = ?2",
        )?
        .query_row(params![mailbox.0, url], |row| row.get(0))
        .optional()?;
    unsigned(after.unwrap_or(0))
}

/// Enters a page that was asked for with `after`.
///
/// # Errors
/// Those of the database.
pub fn listed(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    url: &str,
    after: u64,
    page: &Items,
    now: Time,
) -> Result<Listed, PostError> {
    let known: Option<[u8; 32]> = tx
        .prepare_cached("SELECT relay FROM post_relay WHERE url = ?1")?
        .query_row([url], |row| row.get(0))
        .optional()?;
    if known != Some(page.relay.0) {
        tx.prepare_cached(
            "INSERT INTO post_relay(url, relay) VALUES (?1, ?2) ON CONFLICT(url) DO UPDATE SET relay = excluded.relay",
        )?
        .execute(params![url, page.relay.0])?;
    }
    if after != cursor(tx, mailbox, url)? {
        return Ok(Listed::OtherRelay);
    }
    let (mut new, mut replayed, mut contradicts, mut last) = (0, Vec::new(), false, after);
    for item in &page.items {
        let entered = enter(tx, mailbox, page.relay, item, now)?;
        if entered == Entered::NotYet {
            return Ok(Listed::Page {
                new,
                replayed,
                contradicts: true,
                more: false,
            });
        }
        new += u64::from(matches!(entered, Entered::New | Entered::InPlaceOfAnother));
        // A relay that keeps the formats has taken no file of such a size.
        contradicts |= entered == Entered::InPlaceOfAnother || !fetchable(item);
        replayed.extend((entered == Entered::Replayed).then_some(item.id));
        last = last.max(item.n);
    }
    // Most lists are empty: they must cost no write, or a station with many mailboxes writes all day.
    tx.prepare_cached(
        "INSERT INTO post_cursor(box, relay, after) VALUES (?1, ?2, ?3)
         ON CONFLICT(box, relay) DO UPDATE SET after = excluded.after WHERE excluded.after > after",
    )?
    .execute(params![mailbox.0, page.relay.0, signed(last)?])?;
    Ok(Listed::Page {
        new,
        replayed,
        contradicts,
        more: page.more,
    })
}

/// What one item of a page was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entered {
    New,
    /// A file that this mailbox does not know, at a number that stood for another one.
    InPlaceOfAnother,
    /// Known at another number of this relay.
    Replayed,
    /// As it was listed before, or known from another relay.
    Known,
    /// The file that the number stood for has to be consumed first.
    NotYet,
}

fn fetchable(item: &Item) -> bool {
    item.size <= MAX_ENVELOPE_BYTES as u64 + 4096
}

fn enter(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    relay: Kid,
    item: &Item,
    now: Time,
) -> Result<Entered, PostError> {
    let n = signed(item.n)?;
    let fetchable = fetchable(item);
    let at_number: Option<([u8; 32], i64)> = tx
        .prepare_cached("SELECT id, state FROM post_in WHERE box = ?1 AND relay = ?2 AND n = ?3")?
        .query_row(params![mailbox.0, relay.0, n], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if at_number.is_some_and(|(id, _)| id == item.id.0) {
        // Given up, or listed with a size that no file has: listed anew, it is asked for anew.
        tx.prepare_cached(
            "UPDATE post_in SET state = 1, failures = 0, retry_at = NULL, size = ?4
             WHERE box = ?1 AND relay = ?2 AND n = ?3 AND state IN (5, 6) AND ?5",
        )?
        .execute(params![
            mailbox.0,
            relay.0,
            n,
            signed(item.size)?,
            fetchable
        ])?;
        return Ok(Entered::Known);
    }
    let before: Option<[u8; 32]> = tx
        .prepare_cached(
            "SELECT relay FROM post_in WHERE box = ?1 AND id = ?2 ORDER BY relay = ?3 DESC LIMIT 1",
        )?
        .query_row(params![mailbox.0, item.id.0, relay.0], |row| row.get(0))
        .optional()?;
    let (state, entered) = match (before, at_number) {
        (Some(known), _) if known == relay.0 => (4, Entered::Replayed),
        (Some(_), _) => (4, Entered::Known),
        (None, Some((_, 2))) => return Ok(Entered::NotYet),
        (None, Some(_)) => (if fetchable { 1 } else { 6 }, Entered::InPlaceOfAnother),
        (None, None) => (if fetchable { 1 } else { 6 }, Entered::New),
    };
    // What stood there is forgotten only for a file that is not known yet: a letter that comes a second time does
    // nothing twice, one that is never fetched is lost.
    tx.prepare_cached(
        "INSERT INTO post_in(box, relay, n, id, size, state, listed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(box, relay, n) DO UPDATE SET id = excluded.id, size = excluded.size, state = excluded.state,
           listed_at = excluded.listed_at, bytes = NULL, consumed_at = NULL, failures = 0, retry_at = NULL
         WHERE excluded.state <> 4",
    )?
    .execute(params![
        mailbox.0,
        relay.0,
        n,
        item.id.0,
        signed(item.size)?,
        state,
        now.ms()
    ])?;
    Ok(entered)
}

/// Lists again from before whatever is missing: numbers that this relay never listed or gave to a file that it had listed
/// elsewhere, files that it listed and did not give, and what should come after `gap` (`Some(None)`: from the start), a place where the chain inside the files shows
/// a hole. What was listed already is passed over. Returns whether anything is to be listed again.
///
/// # Errors
/// Those of the database.
pub fn list_missing_again(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    url: &str,
    gap: Option<Option<EnvelopeId>>,
) -> Result<bool, PostError> {
    let Some(relay) = relay_at(tx, url)? else {
        return Ok(false);
    };
    // The last number before the first that is missing. A relay that came back from a backup leaves out what it had
    // released: that costs a longer list now and then, and nothing else.
    let whole: i64 = tx
        .prepare_cached(
            "SELECT coalesce((SELECT min(n) FROM (SELECT 0 AS n UNION ALL SELECT n FROM post_in WHERE box = ?1 AND relay = ?2) a
               WHERE NOT EXISTS (SELECT 1 FROM post_in b WHERE b.box = ?1 AND b.relay = ?2 AND b.n = a.n + 1
                                   AND b.state NOT IN (5, 6)
                                   AND NOT (b.state = 4 AND EXISTS (SELECT 1 FROM post_in c
                                     WHERE c.box = ?1 AND c.relay = ?2 AND c.id = b.id AND c.n <> b.n)))), 0)",
        )?
        .query_row(params![mailbox.0, relay.0], |row| row.get(0))?;
    let before_gap: Option<i64> = match gap {
        None => None,
        Some(None) => Some(0),
        Some(Some(file)) => tx
            .prepare_cached("SELECT min(n) FROM post_in WHERE box = ?1 AND relay = ?2 AND id = ?3")?
            .query_row(params![mailbox.0, relay.0, file.0], |row| {
                Ok(Some(row.get::<_, Option<i64>>(0)?.unwrap_or(0)))
            })?,
    };
    let from = before_gap.map_or(whole, |before| before.min(whole));
    let set_back = tx
        .prepare_cached(
            "UPDATE post_cursor SET after = ?3 WHERE box = ?1 AND relay = ?2 AND after > ?3",
        )?
        .execute(params![mailbox.0, relay.0, from])?;
    Ok(set_back > 0)
}

/// A listed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The relay's receipt key.
    pub relay: Kid,
    /// Its arrival number there.
    pub n: u64,
    /// The file.
    pub id: EnvelopeId,
}

/// The next file to fetch, in all mailboxes or one. One that makes trouble waits, the others go on.
///
/// # Errors
/// Those of the database.
pub fn next_to_fetch(
    tx: &Tx<'_>,
    mailbox: Option<MailboxId>,
    now: Time,
) -> Result<Option<Entry>, PostError> {
    let found = tx
        .prepare_cached(
            "SELECT box, relay, n, id FROM post_in WHERE state = 1 AND (:box IS NULL OR box = :box)
               AND (retry_at IS NULL OR retry_at <= :now OR retry_at > :now + :longest) ORDER BY n LIMIT 1",
        )?
        .query_row(
            named_params! { ":box": mailbox.map(|m| m.0), ":now": now.ms(), ":longest": millis(LONGEST) },
            |row| Ok((MailboxId(row.get(0)?), Kid(row.get(1)?), row.get::<_, i64>(2)?, EnvelopeId(row.get(3)?))),
        )
        .optional()?;
    found
        .map(|(mailbox, relay, n, id)| {
            Ok(Entry {
                mailbox,
                relay,
                n: unsigned(n)?,
                id,
            })
        })
        .transpose()
}

/// Keeps the bytes of a fetched file, which the client has checked against its id.
///
/// # Errors
/// Those of the database.
pub fn fetched(tx: &Tx<'_>, entry: &Entry, bytes: &[u8]) -> Result<(), PostError> {
    tx.prepare_cached(
        "UPDATE post_in SET state = 2, bytes = ?4 WHERE box = ?1 AND relay = ?2 AND n = ?3 AND state = 1",
    )?
    .execute(params![entry.mailbox.0, entry.relay.0, signed(entry.n)?, bytes])?;
    Ok(())
}

/// What follows from a file that could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFetched {
    /// The relay's or the network's matter: everything waits a while.
    LineWaits,
    /// This file waits, the others go on.
    FileWaits,
    /// The relay lists it and does not have it: it is asked for again only when it is listed again.
    GivenUp,
}

/// Notes that a file could not be fetched, and says whether the rest can go on.
///
/// # Errors
/// Those of the database.
pub fn not_fetched(
    tx: &Tx<'_>,
    entry: &Entry,
    why: &RelayError,
    now: Time,
    jitter: u32,
) -> Result<NotFetched, PostError> {
    let its_own_fault =
        matches!(why, RelayError::BadAnswer(_)) || why.code() == Some(ErrorCode::Foreign);
    if !its_own_fault {
        return Ok(NotFetched::LineWaits);
    }
    let key = params![entry.mailbox.0, entry.relay.0, signed(entry.n)?];
    let failures: u32 = tx
        .prepare_cached("SELECT failures FROM post_in WHERE box = ?1 AND relay = ?2 AND n = ?3")?
        .query_row(key, |row| row.get(0))?;
    let (failures, retry_at) = after_failure(failures, why.retry_after(), now, jitter);
    let gone = why.code() == Some(ErrorCode::Foreign) && failures >= ASK_FOR_GONE;
    tx.prepare_cached(
        "UPDATE post_in SET failures = ?4, retry_at = ?5, state = CASE WHEN ?6 THEN 5 ELSE state END
         WHERE box = ?1 AND relay = ?2 AND n = ?3",
    )?
    .execute(params![entry.mailbox.0, entry.relay.0, signed(entry.n)?, failures, retry_at.ms(), gone])?;
    Ok(if gone {
        NotFetched::GivenUp
    } else {
        NotFetched::FileWaits
    })
}

/// The next fetched file that the host has not consumed, with its bytes.
///
/// # Errors
/// Those of the database.
pub fn next_to_consume(
    tx: &Tx<'_>,
    mailbox: Option<MailboxId>,
) -> Result<Option<(Entry, Vec<u8>)>, PostError> {
    let found = tx
        .prepare_cached(
            "SELECT box, relay, n, id, bytes FROM post_in WHERE state = 2 AND (?1 IS NULL OR box = ?1)
             ORDER BY listed_at, n LIMIT 1",
        )?
        .query_row([mailbox.map(|m| m.0)], |row| {
            let ids = (MailboxId(row.get(0)?), Kid(row.get(1)?), EnvelopeId(row.get(3)?));
            Ok((ids, row.get::<_, i64>(2)?, row.get(4)?))
        })
        .optional()?;
    found
        .map(|((mailbox, relay, id), n, bytes)| {
            Ok((
                Entry {
                    mailbox,
                    relay,
                    n: unsigned(n)?,
                    id,
                },
                bytes,
            ))
        })
        .transpose()
}

/// Marks a file as consumed and drops its bytes. Call it in the transaction that keeps what the file did.
///
/// # Errors
/// Those of the database.
pub fn consumed(tx: &Tx<'_>, entry: &Entry, now: Time) -> Result<(), PostError> {
    tx.prepare_cached(
        "UPDATE post_in SET state = 3, bytes = NULL, consumed_at = ?4 WHERE box = ?1 AND relay = ?2 AND n = ?3",
    )?
    .execute(params![entry.mailbox.0, entry.relay.0, signed(entry.n)?, now.ms()])?;
    Ok(())
}

/// Up to which number a relay may release a mailbox's mail: everything below was consumed before `before`.
///
/// # Errors
/// Those of the database.
pub fn releasable(
    tx: &Tx<'_>,
    mailbox: MailboxId,
    relay: Kid,
    before: Time,
) -> Result<Option<u64>, PostError> {
    let through: Option<i64> = tx
        .prepare_cached(
            "SELECT max(n) FROM post_in WHERE box = :box AND relay = :relay AND n < coalesce((
               SELECT min(n) FROM post_in WHERE box = :box AND relay = :relay
                 AND NOT (state >= 3 AND coalesce(consumed_at, listed_at) <= :before)), 9223372036854775807)",
        )?
        .query_row(named_params! { ":box": mailbox.0, ":relay": relay.0, ":before": before.ms() }, |row| row.get(0))?;
    through.map(unsigned).transpose()
}

/// The receipt key that the relay at this address last answered with.
///
/// # Errors
/// Those of the database.
pub fn relay_at(tx: &Tx<'_>, url: &str) -> Result<Option<Kid>, PostError> {
    Ok(tx
        .prepare_cached("SELECT relay FROM post_relay WHERE url = ?1")?
        .query_row([url], |row| row.get(0).map(Kid))
        .optional()?)
}

//! The journal: every reading this install took, immutable, sealed at rest, kept for its retention time.
//!
//! In: readings as they are decoded or typed. Out: batches to be sealed, pages to be shown, and each reading's stage.
//! The same record read twice is one row (`ReadingId`); look-alikes that cannot be told apart are two rows, the later
//! one marked *possibly the same*, and are counted once.

use crate::amendment;
use crate::error::CompanionError;
use crate::finding;
use crate::view::{
    Cursor, HistoryPage, HistoryQuery, Person, QueueView, ReadingView, RequestId, Stage, Whose,
};
use post::outbox;
use reading::{Reading, ReadingId};
use store::rusqlite::{OptionalExtension as _, Row, named_params, params};
use store::{Place, RowKey, Tx};
use vault::{Amends, Finding};
use wire::{EnvelopeId, MailboxId, Time};

/// Readings in one envelope at most.
pub(crate) const BATCH_READINGS: u32 = 100;
/// Bytes of readings in one envelope, roughly: far below the envelope's limit, one short upload on a slow line.
const BATCH_BYTES: i64 = 256 * 1024;
/// A reading on a page at most.
const PAGE_MOST: u32 = 200;

/// What became of a reading that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    Known,
}

/// Whose a reading is, and what a later answer finds it by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The device's id here.
    pub device: Option<&'a str>,
    /// The user that the device named.
    pub user: Option<u8>,
    pub whose: Whose,
}

impl Owner<'_> {
    /// What a person typed is the patient's.
    pub(crate) const PATIENT: Owner<'static> = Owner {
        device: None,
        user: None,
        whose: Whose::Mine,
    };
}

/// `reading.state` of one that stays here: somebody else's, never sent.
const KEPT_HERE: i64 = 4;

const fn column(whose: Whose) -> i64 {
    match whose {
        Whose::Mine => 0,
        Whose::Asked => 1,
        Whose::SomebodyElses => 2,
    }
}

fn place(id: &ReadingId) -> Place<'_> {
    Place {
        table: "reading",
        column: "sealed",
        row: &id.0,
    }
}

/// Enters a reading, once.
pub(crate) fn add(
    tx: &Tx<'_>,
    key: &RowKey,
    reading: &Reading,
    owner: &Owner<'_>,
    now: Time,
) -> Result<Added, CompanionError> {
    let id = reading.id;
    let known = tx
        .prepare_cached("SELECT 1 FROM reading WHERE id = ?1")?
        .query_row([id.0], |_| Ok(()))
        .optional()?
        .is_some();
    if known {
        return Ok(Added::Known);
    }
    let body = serde_json::to_vec(reading)
        .map_err(|_| CompanionError::internal("a reading cannot be written down"))?;
    // Somebody else's is like none of the patient's.
    let same_as = match owner.whose {
        Whose::SomebodyElses => None,
        Whose::Mine | Whose::Asked => look_alike(tx, key, reading)?,
    };
    tx.prepare_cached(
        "INSERT INTO reading(id, received_at, sealed, size, lane, same_as, device, user_slot, person, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        id.0,
        now.ms(),
        key.seal(place(&id), &body)?,
        i64::try_from(body.len()).unwrap_or(i64::MAX),
        outbox::Lane::Vitals as i64,
        same_as.map(|id| id.0),
        owner.device,
        owner.user,
        column(owner.whose),
        match owner.whose {
            Whose::SomebodyElses => KEPT_HERE,
            Whose::Mine | Whose::Asked => 1,
        },
    ])?;
    Ok(Added::New)
}

/// Says whose a reading is. One that was in a letter already is followed by a statement; one that never was is kept here or
/// sent with what was said. Saying the same again changes nothing. `slot` is what the patient spoke of, if it was not the
/// reading itself.
pub(crate) fn settle(
    tx: &Tx<'_>,
    id: ReadingId,
    person: Person,
    slot: Option<u8>,
    now: Time,
) -> Result<(), CompanionError> {
    let known = tx
        .prepare_cached(
            "SELECT person, state = 4 OR (state = 1 AND refused = 0 AND NOT EXISTS
               (SELECT 1 FROM sent WHERE sent.reading = reading.id)) FROM reading WHERE id = ?1",
        )?
        .query_row([id.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        })
        .optional()?;
    let (before, never_sent) = known.ok_or(CompanionError::Unknown {
        what: "a reading with this id",
    })?;
    let (whose, what) = match person {
        Person::Me => (Whose::Mine, Amends::Me),
        Person::SomebodyElse => (Whose::SomebodyElses, Amends::NotMe),
    };
    if before == column(whose) {
        return Ok(());
    }
    tx.prepare_cached("UPDATE reading SET person = ?2, question = NULL WHERE id = ?1")?
        .execute(params![id.0, column(whose)])?;
    if never_sent && person == Person::SomebodyElse {
        tx.prepare_cached("UPDATE reading SET state = ?2 WHERE id = ?1")?
            .execute(params![id.0, KEPT_HERE])?;
        return amendment::take_back(tx, id);
    }
    if never_sent {
        tx.prepare_cached("UPDATE reading SET state = 1 WHERE id = ?1")?
            .execute([id.0])?;
    }
    // Also of one that goes out only now: it may have been written down with a doubt.
    amendment::say(tx, id, what, slot, now)
}

/// The readings that wait for the answer to a question.
pub(crate) fn asked_under(
    tx: &Tx<'_>,
    question: RequestId,
) -> Result<Vec<ReadingId>, CompanionError> {
    newest_under(tx, question, u32::MAX)
}

/// The newest of them.
pub(crate) fn newest_under(
    tx: &Tx<'_>,
    question: RequestId,
    most: u32,
) -> Result<Vec<ReadingId>, CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT id FROM reading WHERE question = ?1 ORDER BY place DESC LIMIT ?2",
    )?;
    let rows = rows.query_map(params![question.0, most], |row| row.get(0).map(ReadingId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An earlier reading that may be the same measurement, when this one cannot be told apart by clock or number.
fn look_alike(
    tx: &Tx<'_>,
    key: &RowKey,
    reading: &Reading,
) -> Result<Option<ReadingId>, CompanionError> {
    if reading.may_be_merged() {
        return Ok(None);
    }
    let mut rows = tx.prepare_cached(
        "SELECT id, sealed FROM reading WHERE same_as IS NULL AND person <> 2 ORDER BY place DESC LIMIT 50",
    )?;
    let rows = rows.query_map([], |row| {
        Ok((ReadingId(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
    })?;
    for row in rows {
        let (id, sealed) = row?;
        let Ok(other) = open(key, id, &sealed) else {
            continue;
        };
        if reading::possibly_same(&other, reading) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn open(key: &RowKey, id: ReadingId, sealed: &[u8]) -> Result<Reading, CompanionError> {
    let body = key.open(place(&id), sealed)?;
    serde_json::from_slice(&body)
        .map_err(|_| CompanionError::internal("a kept reading cannot be read"))
}

/// Readings that wait to be sealed, oldest first, as many as go into one envelope. A row that cannot be read is set
/// aside with a finding; it does not block the others.
pub(crate) fn next_batch(
    tx: &Tx<'_>,
    key: &RowKey,
    now: Time,
) -> Result<Vec<Reading>, CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT id, sealed, size FROM reading WHERE state = 1 ORDER BY lane, place LIMIT ?1",
    )?;
    let rows = rows.query_map([BATCH_READINGS], |row| {
        Ok((
            ReadingId(row.get(0)?),
            row.get::<_, Vec<u8>>(1)?,
            row.get::<_, i64>(2)?,
        ))
    })?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let (id, sealed, size) = row?;
        bytes += size;
        if bytes > BATCH_BYTES && !batch.is_empty() {
            break;
        }
        match open(key, id, &sealed) {
            Ok(reading) => batch.push(reading),
            Err(_) => {
                set_aside(tx, id)?;
                finding::note_own(tx, finding::LOST_ROW, &id.to_string(), now)?;
            }
        }
    }
    Ok(batch)
}

/// Takes a reading that cannot be sent out of the queue; it stays in the journal.
pub(crate) fn set_aside(tx: &Tx<'_>, id: ReadingId) -> Result<(), CompanionError> {
    tx.execute("UPDATE reading SET state = 3 WHERE id = ?1", [id.0])?;
    Ok(())
}

/// Notes which envelope these readings went into.
pub(crate) fn in_envelope(
    tx: &Tx<'_>,
    readings: &[ReadingId],
    envelope: EnvelopeId,
) -> Result<(), CompanionError> {
    let mut update =
        tx.prepare_cached("UPDATE reading SET state = 2, envelope = ?2 WHERE id = ?1")?;
    let mut sent =
        tx.prepare_cached("INSERT OR IGNORE INTO sent(envelope, reading) VALUES (?1, ?2)")?;
    for id in readings {
        update.execute(params![id.0, envelope.0])?;
        sent.execute(params![envelope.0, id.0])?;
    }
    Ok(())
}

/// The station has these envelopes: their readings are at the clinic.
pub(crate) fn stored(
    tx: &Tx<'_>,
    envelopes: &[EnvelopeId],
    now: Time,
) -> Result<(), CompanionError> {
    let mut update = tx.prepare_cached(
        "UPDATE reading SET stored_at = coalesce(stored_at, ?2) WHERE id IN (SELECT reading FROM sent WHERE envelope = ?1)",
    )?;
    for id in envelopes {
        update.execute(params![id.0, now.ms()])?;
    }
    Ok(())
}

/// The station could not take this envelope: its readings are sealed again, once. Returns whether they are; a second
/// refusal sets them aside with a finding.
pub(crate) fn refused(
    tx: &Tx<'_>,
    up: MailboxId,
    envelope: EnvelopeId,
    now: Time,
) -> Result<bool, CompanionError> {
    let again = tx
        .prepare_cached(
            "UPDATE reading SET state = 1, envelope = NULL, refused = 1, stored_at = NULL
             WHERE envelope = ?1 AND state = 2 AND refused = 0",
        )?
        .execute([envelope.0])?;
    let aside = tx
        .prepare_cached("UPDATE reading SET state = 3, envelope = NULL, stored_at = NULL WHERE envelope = ?1 AND state = 2 AND refused > 0")?
        .execute([envelope.0])?;
    // Its place in the chain may be covered all the same; that says nothing about its content.
    tx.prepare_cached("DELETE FROM sent WHERE envelope = ?1")?
        .execute([envelope.0])?;
    if aside > 0 {
        finding::note(
            tx,
            &Finding::RefusedTwice {
                mailbox: up,
                id: envelope,
            },
            now,
        )?;
    }
    Ok(again > 0)
}

/// A restored station asks for what it lost: readings whose envelope is one of these and whose file is gone are
/// sealed again; files that are still here go again as they are.
pub(crate) fn send_again(tx: &Tx<'_>, envelopes: &[EnvelopeId]) -> Result<(), CompanionError> {
    let mut update = tx.prepare_cached(
        "UPDATE reading SET state = 1, envelope = NULL, refused = 0, stored_at = NULL WHERE envelope = ?1 AND state = 2",
    )?;
    for id in envelopes {
        update.execute([id.0])?;
    }
    Ok(())
}

/// A person at the clinic looked at these.
pub(crate) fn seen(tx: &Tx<'_>, readings: &[ReadingId], at: Time) -> Result<(), CompanionError> {
    let mut update =
        tx.prepare_cached("UPDATE reading SET seen_at = coalesce(seen_at, ?2) WHERE id = ?1")?;
    for id in readings {
        update.execute(params![id.0, at.ms()])?;
    }
    Ok(())
}

/// Drops readings that are past their time and at the clinic, or never meant for it. What it should have is kept.
pub(crate) fn purge(tx: &Tx<'_>, before: Time) -> Result<usize, CompanionError> {
    tx.execute(
        "DELETE FROM sent WHERE reading IN (SELECT id FROM reading WHERE received_at < ?1 AND stored_at IS NOT NULL)",
        [before.ms()],
    )?;
    let dropped = tx.execute(
        "DELETE FROM reading WHERE received_at < ?1 AND (stored_at IS NOT NULL OR state = 4)",
        [before.ms()],
    )?;
    amendment::purge(tx)?;
    Ok(dropped)
}

const STAGE: &str = "CASE WHEN r.state = 4 THEN -1 WHEN r.seen_at IS NOT NULL THEN 3 WHEN r.stored_at IS NOT NULL THEN 2
  WHEN o.state >= 3 THEN 1 ELSE 0 END";

/// One page, newest first.
pub(crate) fn page(
    tx: &Tx<'_>,
    key: &RowKey,
    query: &HistoryQuery,
    from: Option<Cursor>,
) -> Result<HistoryPage, CompanionError> {
    let limit = if query.limit == 0 {
        50
    } else {
        query.limit.min(PAGE_MOST)
    } as usize;
    let mut rows = tx.prepare_cached(&format!(
        "SELECT r.place, r.id, r.sealed, r.received_at, {STAGE}, r.same_as, r.stored_at, r.seen_at, r.person,
                (SELECT max(a.at) FROM amendment a WHERE a.reading = r.id),
                (SELECT a.stored_at FROM amendment a WHERE a.reading = r.id ORDER BY a.at DESC LIMIT 1)
         FROM reading r LEFT JOIN post_out o ON o.id = r.envelope WHERE r.place < ?1 ORDER BY r.place DESC"
    ))?;
    let mut rows = rows.query([from.map_or(i64::MAX, |cursor| cursor.0)])?;
    let mut page = HistoryPage {
        readings: Vec::new(),
        next: None,
    };
    let mut last = None;
    while let Some(row) = rows.next()? {
        // A row that does not open is told by a finding when it should be sent; the others are shown.
        let Some(view) = view(row, key)? else {
            continue;
        };
        if query.kind.as_ref().is_some_and(|kind| *kind != view.kind) {
            continue;
        }
        if page.readings.len() == limit {
            page.next = last;
            break;
        }
        last = Some(Cursor(row.get(0)?));
        page.readings.push(view);
    }
    Ok(page)
}

fn view(row: &Row<'_>, key: &RowKey) -> Result<Option<ReadingView>, CompanionError> {
    let time = |ms: Option<i64>| ms.map(Time::from_ms);
    let id = ReadingId(row.get(1)?);
    let Ok(reading) = open(key, id, &row.get::<_, Vec<u8>>(2)?) else {
        return Ok(None);
    };
    let mut view = crate::show::reading(&reading);
    view.received = Time::from_ms(row.get(3)?);
    view.stage = match row.get::<_, i64>(4)? {
        3 => Stage::LookedAt,
        2 => Stage::AtTheClinic,
        1 => Stage::AtThePostOffice,
        0 => Stage::Waiting,
        _ => Stage::KeptHere,
    };
    view.possibly_same_as = row
        .get::<_, Option<[u8; 32]>>(5)?
        .map(|id| ReadingId(id).to_string());
    view.stored_at = time(row.get(6)?);
    view.seen_at = time(row.get(7)?);
    view.whose = match row.get::<_, i64>(8)? {
        0 => Whose::Mine,
        1 => Whose::Asked,
        _ => Whose::SomebodyElses,
    };
    view.said_at = time(row.get(9)?);
    view.said_stored_at = time(row.get(10)?);
    Ok(Some(view))
}

/// Where the readings stand, for the patient. Look-alikes are counted once.
pub(crate) fn queue(tx: &Tx<'_>, up: Option<MailboxId>) -> Result<QueueView, CompanionError> {
    let mail = outbox::status(tx, up)?;
    let aside: i64 = tx.query_row("SELECT count(*) FROM reading WHERE state = 3", [], |row| {
        row.get(0)
    })?;
    let mut queue = QueueView {
        stuck: mail.stuck + u64::try_from(aside).unwrap_or(0),
        last_receipt: mail.last_receipt,
        last_acknowledgement: mail.last_acknowledgement,
        ..QueueView::default()
    };
    let mut rows = tx.prepare_cached(&format!(
        "SELECT {STAGE} AS stage, count(*), min(r.received_at) FROM reading r LEFT JOIN post_out o ON o.id = r.envelope
         WHERE r.same_as IS NULL GROUP BY stage"
    ))?;
    let rows = rows.query_map([], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?,
        ))
    })?;
    for row in rows {
        let (stage, count, oldest) = row?;
        let count = u64::try_from(count).unwrap_or(0);
        match stage {
            0 => queue.waiting = count,
            1 => queue.at_post_office = count,
            2 => queue.at_clinic = count,
            _ => {}
        }
        if (0..2).contains(&stage) {
            let oldest = Time::from_ms(oldest);
            queue.oldest = Some(queue.oldest.map_or(oldest, |other| other.min(oldest)));
        }
    }
    Ok(queue)
}

/// How many readings wait and since when, for heartbeats.
pub(crate) fn depth(tx: &Tx<'_>) -> Result<(u64, Option<Time>), CompanionError> {
    let (count, oldest): (i64, Option<i64>) = tx
        .prepare_cached(
            "SELECT count(*), min(received_at) FROM reading WHERE stored_at IS NULL AND state <> 4",
        )?
        .query_row(named_params! {}, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((u64::try_from(count).unwrap_or(0), oldest.map(Time::from_ms)))
}

//! Sealing, just before the hand-over: number, file, chain head and contents' rows in one transaction.

use super::App;
use crate::amendment;
use crate::error::CompanionError;
use crate::journal;
use crate::keys::{InstallKeys, LinkKeys};
use crate::link::{self, Link};
use crate::view::LinkState;
use post::outbox::{self, Lane, Position};
use reading::ReadingId;
use std::time::Duration;
use store::Tx;
use vault::{
    Draft, HeaderBeat, HighestReceipt, Kind, Proof, Recipients, Refused, RosterRef, seal_envelope,
};
use wire::{EnvelopeId, Time};

/// Content of one envelope of readings: well below the format's 1 MiB, and a short upload on a slow line.
const CONTENT_BYTES: usize = 512 * 1024;

/// What goes into one envelope.
pub(crate) struct Letter<'a> {
    pub kind: Kind,
    pub content: &'a [u8],
    pub lane: Lane,
    pub proof: Option<Proof>,
}

/// Seals whatever waits: a batch of readings, else what was said about readings, else a heartbeat that is due. `None` when nothing does.
pub(crate) fn seal_next(
    tx: &Tx<'_>,
    keys: &InstallKeys,
    own: &LinkKeys,
    link: &Link,
    app: &App,
    now: Time,
) -> Result<Option<EnvelopeId>, CompanionError> {
    if matches!(link.state, LinkState::Joining | LinkState::Ended) {
        return Ok(None);
    }
    let (mut content, mut ids): (Vec<u8>, Vec<ReadingId>) = Default::default();
    for reading in journal::next_batch(tx, &keys.rows, now)? {
        let line = reading::to_observation(&reading, &link.up.to_string(), &app.gateway);
        if !content.is_empty() && content.len() + line.len() + 1 > CONTENT_BYTES {
            break;
        }
        content.extend_from_slice(line.as_bytes());
        content.push(b'\n');
        ids.push(reading.id);
    }
    if !ids.is_empty() {
        let letter = Letter {
            kind: Kind::Readings,
            content: &content,
            lane: Lane::Vitals,
            proof: None,
        };
        let id = seal(tx, own, link, app, &letter, now)?;
        journal::in_envelope(tx, &ids, id)?;
        return Ok(Some(id));
    }
    let (said, lines): (Vec<i64>, String) = amendment::next_batch(tx)?
        .into_iter()
        .map(|(id, said)| (id, said.to_line()))
        .unzip();
    if !said.is_empty() {
        let letter = Letter {
            kind: Kind::Amend,
            content: lines.as_bytes(),
            lane: Lane::Vitals,
            proof: None,
        };
        let id = seal(tx, own, link, app, &letter, now)?;
        amendment::in_envelope(tx, &said, id)?;
        return Ok(Some(id));
    }
    if !beat_is_due(link, now) {
        return Ok(None);
    }
    let letter = Letter {
        kind: Kind::Beat,
        content: &[],
        lane: Lane::Vitals,
        proof: None,
    };
    seal(tx, own, link, app, &letter, now).map(Some)
}

/// Silent for `beat_hours`; a last letter that lies ahead means that the clock was set back, and counts as long ago.
fn beat_is_due(link: &Link, now: Time) -> bool {
    link.sealed_at
        .is_none_or(|at| at > now || now.since(at) >= beat_every(link))
}

fn beat_every(link: &Link) -> Duration {
    let hours = link
        .newest_roster()
        .map_or(24, |held| held.roster.beat_hours);
    Duration::from_secs(u64::from(hours) * 3600)
}

/// Seals one letter and puts it into the outbox.
pub(crate) fn seal(
    tx: &Tx<'_>,
    own: &LinkKeys,
    link: &Link,
    app: &App,
    letter: &Letter<'_>,
    now: Time,
) -> Result<EnvelopeId, CompanionError> {
    let held = link
        .newest_roster()
        .ok_or_else(|| CompanionError::internal("sealing without a roster"))?;
    let kid = own.sign.kid();
    let (seq, prev) = match outbox::head(tx, link.up, kid)? {
        Some((seq, id)) => (seq + 1, Some(id)),
        None => (1, None),
    };
    let circle = link.circles.newest_n();
    let recovery = link.circles.recovery(circle).flatten();
    let recipients = Recipients::up(&held.roster, recovery.as_ref()).map_err(|e| {
        CompanionError::internal(format!("the clinic's roster cannot be sealed to: {e}"))
    })?;
    let got = link.chain.got();
    let draft = Draft {
        mailbox: link.up,
        seq,
        prev,
        kind: letter.kind.clone(),
        at: now,
        roster: RosterRef::from(held),
        circle,
        recipients: &recipients,
        content: letter.content,
        got: &got,
        re: None,
        proof: letter.proof,
        beat: Some(beat(tx, link, app, now)?),
    };
    let envelope =
        seal_envelope(&draft, &own.sign).map_err(|e| CompanionError::internal(e.to_string()))?;
    let position = Position {
        mailbox: link.up,
        kid,
        seq,
    };
    outbox::insert(tx, position, letter.lane, &envelope.sealed, now)?;
    link::set_sealed_at(tx, link.up, now)?;
    Ok(envelope.sealed.id())
}

fn beat(tx: &Tx<'_>, link: &Link, app: &App, now: Time) -> Result<HeaderBeat, CompanionError> {
    let (depth, oldest) = journal::depth(tx)?;
    let mail = outbox::status(tx, Some(link.up))?;
    let receipts = outbox::newest_receipts(tx, link.up)?;
    Ok(HeaderBeat {
        next_by: now.plus(beat_every(link)),
        depth,
        oldest,
        stuck: mail.stuck,
        refused: refused(tx)?,
        receipts: receipts
            .into_iter()
            .map(|(relay, n, id)| HighestReceipt(relay, n, id))
            .collect(),
        clock: app.clock,
        app: format!("{}/{}", app.app.name, app.app.version),
    })
}

/// What was quarantined here, newest first.
fn refused(tx: &Tx<'_>) -> Result<Vec<Refused>, CompanionError> {
    let mut rows =
        tx.prepare_cached("SELECT id, reason FROM mail_refused ORDER BY at DESC LIMIT 4")?;
    let rows = rows.query_map([], |row| {
        Ok(Refused {
            id: EnvelopeId(row.get(0)?),
            reason: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

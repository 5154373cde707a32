//! Letters to phones: sealed just before they are handed over. Number, file, chain head and what the letter says are
//! one transaction.
//!
//! Whatever is sealed covers what came (`got`); an acknowledgement goes only when there is nothing else to say, or when
//! it has more to say than `got` can: gaps, refusals, letters beyond a gap.

use super::open::{Desk, EVIDENCE};
use crate::audit;
use crate::error::ClinicError;
use crate::letters;
use crate::link::{self, Link};
use post::outbox::{self, Lane, Position};
use std::time::Duration;
use store::Tx;
use store::rusqlite::params;
use vault::{
    Ack, AckRefused, Beat, Content as _, Draft, Kind, Recipients, RosterMail, RosterRef, Seen,
    Stored, seal_envelope,
};
use wire::{EnvelopeId, Hash, MailboxId, Time};

/// Reading ids in one `seen` letter at most.
const SEEN_AT_ONCE: usize = 200;
/// Refusals in one acknowledgement at most, newest first.
const REFUSED_AT_ONCE: usize = 64;

/// How long a station may be silent before its own heartbeat: a little less than promised, so that it is in time.
pub(crate) fn beat_every(desk: &Desk<'_>) -> Duration {
    let promised = promised(desk);
    promised - (promised / 12)
}

fn promised(desk: &Desk<'_>) -> Duration {
    let hours = desk
        .rosters
        .newest()
        .map_or(24, |held| held.roster.beat_hours);
    Duration::from_secs(u64::from(hours) * 3600)
}

/// Seals everything that a link has to say now. Returns how many letters.
pub(crate) fn seal_due(
    tx: &Tx<'_>,
    desk: &Desk<'_>,
    up: MailboxId,
    now: Time,
) -> Result<u64, ClinicError> {
    let Some(link) = link::load(tx, up)? else {
        return Ok(0);
    };
    if !link.state.is_joined() {
        return Ok(0);
    }
    let mut sealing = Sealing {
        tx,
        desk,
        link,
        now,
        count: 0,
    };
    sealing.rosters()?;
    while let Some(letter) = letters::next(tx, up)? {
        let id = sealing.seal(&letter.kind, &letter.content, letter.re, Lane::Alert)?;
        letters::sealed(tx, letter.row, id)?;
    }
    sealing.seen()?;
    sealing.answer()?;
    sealing.beat()?;
    let Sealing { link, count, .. } = sealing;
    link::save(tx, &link)?;
    Ok(count)
}

struct Sealing<'a> {
    tx: &'a Tx<'a>,
    desk: &'a Desk<'a>,
    link: Link,
    now: Time,
    count: u64,
}

impl Sealing<'_> {
    fn seal(
        &mut self,
        kind: &Kind,
        content: &[u8],
        re: Option<EnvelopeId>,
        lane: Lane,
    ) -> Result<EnvelopeId, ClinicError> {
        let newest = self
            .desk
            .rosters
            .newest()
            .ok_or(ClinicError::Kept("no roster"))?;
        let joined = self
            .link
            .joined
            .as_ref()
            .ok_or(ClinicError::Kept("a link without its join"))?;
        let key = &self.desk.keys.sign;
        let circle = if kind.goes_under_named_circle() {
            self.link.named_circle
        } else {
            self.link.circles.newest_n()
        };
        let recovery = self.link.circles.recovery(circle).flatten();
        let failed = |what: &dyn std::fmt::Display| ClinicError::Seal(what.to_string());
        let recipients =
            Recipients::down(&joined.age, recovery.as_ref()).map_err(|e| failed(&e))?;
        let (seq, prev) = match outbox::head(self.tx, self.link.down, key.kid())? {
            Some((seq, id)) => (seq + 1, Some(id)),
            None => (1, None),
        };
        let got = self.link.chain.got();
        let draft = Draft {
            mailbox: self.link.down,
            seq,
            prev,
            kind: kind.clone(),
            at: self.now,
            roster: RosterRef::from(newest),
            circle,
            recipients: &recipients,
            content,
            got: &got,
            re,
            proof: None,
            beat: None,
        };
        let envelope = seal_envelope(&draft, key).map_err(|e| failed(&e))?;
        fault::point("clinic.sealed");
        let at = Position {
            mailbox: self.link.down,
            kid: key.kid(),
            seq,
        };
        outbox::insert(self.tx, at, lane, &envelope.sealed, self.now)?;
        self.link.sealed_at = Some(self.now);
        self.count += 1;
        Ok(envelope.sealed.id())
    }

    /// A phone that names an older roster gets those after it by mail, once each.
    fn rosters(&mut self) -> Result<(), ClinicError> {
        let from = self.link.roster_stated.max(self.link.roster_mailed);
        if self.link.roster_stated == 0 {
            return Ok(());
        }
        let newer: Vec<(u32, String)> = self
            .desk
            .rosters
            .all()
            .iter()
            .filter(|held| held.roster.n > from)
            .map(|held| (held.roster.n, held.jws.clone()))
            .collect();
        for (n, jws) in newer {
            letters::queue(
                self.tx,
                self.link.up,
                &Kind::Roster,
                &RosterMail { v: 1, jws }.to_content(),
                None,
                self.now,
            )?;
            self.link.roster_mailed = n;
        }
        Ok(())
    }

    fn seen(&mut self) -> Result<(), ClinicError> {
        loop {
            let mut rows = self.tx.prepare_cached(
                "SELECT v.id, r.seen_at, r.seen_role FROM reading_via v
                 JOIN reading r ON r.id = v.id AND r.patient = v.patient
                 WHERE v.up = ?1 AND v.seen = 'due' ORDER BY r.seen_at, r.seen_role LIMIT ?2",
            )?;
            let limit = i64::try_from(SEEN_AT_ONCE).unwrap_or(i64::MAX);
            let due: Vec<([u8; 32], i64, Option<String>)> = rows
                .query_map(params![self.link.up.0, limit], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<_, _>>()?;
            let Some((_, at, by)) = due.first().cloned() else {
                return Ok(());
            };
            let ids: Vec<[u8; 32]> = due
                .into_iter()
                .take_while(|(_, a, b)| (*a, b) == (at, &by))
                .map(|(id, ..)| id)
                .collect();
            let seen = Seen {
                v: 1,
                readings: ids.iter().map(|id| Hash(*id)).collect(),
                at: Time::from_ms(at),
                by: by.unwrap_or_else(|| "clinician".to_owned()),
            };
            let content = seen.to_content();
            letters::queue(self.tx, self.link.up, &Kind::Seen, &content, None, self.now)?;
            if let Some(letter) = letters::next(self.tx, self.link.up)? {
                let id = self.seal(&letter.kind, &letter.content, None, Lane::Vitals)?;
                letters::sealed(self.tx, letter.row, id)?;
            }
            let mut told = self
                .tx
                .prepare_cached("UPDATE reading_via SET seen = 'told' WHERE up = ?1 AND id = ?2")?;
            for id in ids {
                told.execute(params![self.link.up.0, id])?;
            }
        }
    }

    fn answer(&mut self) -> Result<(), ClinicError> {
        let Some(due) = self.link.answer_due else {
            return Ok(());
        };
        // what has just been sealed covers it; a due time far ahead means that the clock was set back
        if due > self.now && self.count == 0 && due.since(self.now) <= Duration::from_secs(3600) {
            return Ok(());
        }
        let ack = self.ack()?;
        let more_to_say =
            !(ack.also.is_empty() && ack.missing.is_empty() && ack.refused.is_empty());
        if self.count == 0 || more_to_say {
            let re = self.link.answer_re;
            self.seal(&Kind::Ack, &ack.to_content(), re, Lane::Vitals)?;
        }
        (self.link.answer_due, self.link.answer_re) = (None, None);
        Ok(())
    }

    fn ack(&self) -> Result<Ack, ClinicError> {
        let joined = self
            .link
            .joined
            .as_ref()
            .ok_or(ClinicError::Kept("a link without its join"))?;
        let positions = self.link.chain.positions(&joined.sign.kid());
        let mut rows = self.tx.prepare_cached(
            "SELECT id, reason FROM envelope WHERE up = ?1 AND state = 'quarantined' AND arrived > ?2
             ORDER BY arrived DESC LIMIT ?3",
        )?;
        let limit = i64::try_from(REFUSED_AT_ONCE).unwrap_or(i64::MAX);
        let rows = rows.query_map(
            params![self.link.up.0, self.now.minus(EVIDENCE).ms(), limit],
            |row| {
                let id = EnvelopeId(row.get(0)?);
                let reason: Option<String> = row.get(1)?;
                Ok(AckRefused {
                    id,
                    seq: self.link.chain.number_of(id),
                    reason: reason.unwrap_or_default(),
                })
            },
        )?;
        Ok(Ack {
            v: 1,
            stored: positions.stored.map(|(seq, id)| Stored { seq, id }),
            also: positions.also,
            refused: rows.collect::<Result<_, _>>()?,
            missing: positions.missing,
            log: audit::head(self.tx)?,
        })
    }

    fn beat(&mut self) -> Result<(), ClinicError> {
        let due = self
            .link
            .sealed_at
            .is_none_or(|at| at > self.now || self.now.since(at) >= beat_every(self.desk));
        if !due || self.count > 0 {
            return Ok(());
        }
        let beat = Beat {
            next_by: self.now.plus(promised(self.desk)),
            evaluated: None,
            roster: self.desk.rosters.newest().map_or(0, |held| held.roster.n),
            log: audit::head(self.tx)?,
        };
        self.seal(&Kind::Beat, &beat.to_content(), None, Lane::Vitals)
            .map(drop)
    }
}

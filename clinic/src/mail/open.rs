//! Letters from phones: opened in the formats' order, applied, kept waiting, or set aside, with findings in words.
//!
//! Every effect is idempotent: a letter opened again (after a crash, after a join or a roster) changes nothing twice.
//! Position in the chain makes findings and never holds content back. The raw file is kept whatever comes of it.

use super::{amendments, readings};
use crate::audit;
use crate::circle;
use crate::error::ClinicError;
use crate::finding;
use crate::keys::StationKeys;
use crate::letters::{self, Again};
use crate::link;
use crate::link::{Joined, Link, State};
use post::PostError;
use post::outbox::{self, Cover};
use std::time::Duration;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::{
    AgeRecipient, Chain, ChainEffect, ChainEvent, CircleChain, Finding, GRACE, Header, JoinTerms,
    Kind, Outcome, Released, UpContext, UpSender, WaitReason, open_up,
};
use wire::roster::RosterChain;
use wire::{EnvelopeId, Hash, MailboxId, Time};

/// A refused letter is kept as evidence for so long.
pub(crate) const EVIDENCE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the station holds, the same for all links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub keys: &'a StationKeys,
    pub rosters: &'a RosterChain,
    /// Since when the newest roster is held here.
    pub roster_since: Time,
    /// Whether this station came back from a backup: phones may hold circles that it does not.
    pub restored: bool,
}

/// What a letter changed, for those who watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct News {
    pub readings: bool,
    pub links: bool,
    pub findings: bool,
}

/// Opens one letter that came in a link's `up`. `listed` is when the station first saw it at a relay.
pub(crate) fn consume(
    tx: &Tx<'_>,
    desk: &Desk<'_>,
    up: MailboxId,
    id: EnvelopeId,
    bytes: &[u8],
    now: Time,
) -> Result<News, ClinicError> {
    let link = link::load(tx, up)?.ok_or(ClinicError::Kept("mail of an unknown link"))?;
    let mut opening = Opening {
        tx,
        desk,
        link,
        now,
        news: News::default(),
        adopted: None,
    };
    opening.open(id, bytes, now)?;
    if opening.news.links {
        // a join opens what came before it in the list
        opening.try_waiting()?;
    }
    opening.finish()
}

/// Opens again what waits on a link, and tells what has waited for a day or has not come in time.
pub(crate) fn look_again(
    tx: &Tx<'_>,
    desk: &Desk<'_>,
    up: MailboxId,
    now: Time,
) -> Result<News, ClinicError> {
    let Some(link) = link::load(tx, up)? else {
        return Ok(News::default());
    };
    let mut opening = Opening {
        tx,
        desk,
        link,
        now,
        news: News::default(),
        adopted: None,
    };
    opening.try_waiting()?;
    opening.overdue()?;
    opening.finish()
}

/// Files that the relay lists a second time: counted, and told when there are many.
pub(crate) fn replayed(
    tx: &Tx<'_>,
    up: MailboxId,
    ids: &[EnvelopeId],
    now: Time,
) -> Result<News, ClinicError> {
    let Some(mut link) = link::load(tx, up)? else {
        return Ok(News::default());
    };
    ids.iter()
        .for_each(|id| link.chain.input(ChainEvent::Replayed(*id), now));
    let findings = tell_chain(tx, up, &mut link.chain, now)?;
    link::save(tx, &link)?;
    Ok(News {
        findings,
        ..News::default()
    })
}

/// Where a link's chain misses something: the file before the first missing number, `Some(None)` when that is the first.
pub(crate) fn gap(tx: &Tx<'_>, up: MailboxId) -> Result<Option<Option<EnvelopeId>>, ClinicError> {
    let Some(link) = link::load(tx, up)? else {
        return Ok(None);
    };
    let mut positions = link.chain.kids().map(|kid| link.chain.positions(kid));
    Ok(positions
        .find(|at| !at.missing.is_empty())
        .map(|at| at.stored.map(|(_, id)| id)))
}

/// The links that need [`look_again`]: something waits, a grace time is over, or a phone is overdue.
pub(crate) fn to_look_at(tx: &Tx<'_>, now: Time) -> Result<Vec<MailboxId>, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT up, chain FROM link WHERE state IN ('waiting', 'pending', 'confirmed')
           OR EXISTS (SELECT 1 FROM envelope e WHERE e.up = link.up AND e.state = 'waiting')",
    )?;
    let rows = rows.query_map([], |row| {
        Ok((row.get(0).map(MailboxId)?, row.get::<_, String>(1)?))
    })?;
    let mut due = Vec::new();
    for row in rows {
        let (up, chain) = row?;
        let chain: Chain =
            wire::json::parse(chain.as_bytes()).map_err(|_| ClinicError::Kept("a chain"))?;
        let waits: bool = tx
            .prepare_cached(
                "SELECT EXISTS(SELECT 1 FROM envelope WHERE up = ?1 AND state = 'waiting')",
            )?
            .query_row([up.0], |row| row.get(0))?;
        let overdue: bool = tx
            .prepare_cached("SELECT EXISTS(SELECT 1 FROM link WHERE up = ?1 AND state <> 'ended' AND next_by <= ?2)")?
            .query_row(params![up.0, now.minus(GRACE).ms()], |row| row.get(0))?;
        if waits || overdue || chain.deadline().is_some_and(|at| at <= now) {
            due.push(up);
        }
    }
    Ok(due)
}

fn tell_chain(
    tx: &Tx<'_>,
    up: MailboxId,
    chain: &mut Chain,
    now: Time,
) -> Result<bool, ClinicError> {
    let mut told = false;
    while let Some(effect) = chain.poll_effect() {
        told = true;
        match effect {
            ChainEffect::Found(found) => {
                finding::note(tx, Some(up), &found, now)?;
            }
            ChainEffect::Mended(found) => finding::mended(tx, &found, now)?,
        }
    }
    Ok(told)
}

/// One run over letters of one link, in one transaction.
struct Opening<'a> {
    tx: &'a Tx<'a>,
    desk: &'a Desk<'a>,
    link: Link,
    now: Time,
    news: News,
    /// The circles with one that was lost with a backup and that this letter names.
    adopted: Option<CircleChain>,
}

impl Opening<'_> {
    fn finish(mut self) -> Result<News, ClinicError> {
        self.link.chain.input(ChainEvent::Tick, self.now);
        self.news.findings |= tell_chain(self.tx, self.link.up, &mut self.link.chain, self.now)?;
        link::save(self.tx, &self.link)?;
        Ok(self.news)
    }

    fn judge(&mut self, id: EnvelopeId, bytes: &[u8], listed: Time) -> Outcome {
        let outcome = self.open_under(&self.link.circles, id, bytes, listed);
        let Outcome::Waiting(waiting) = &outcome else {
            return outcome;
        };
        let WaitReason::Circle(n) = waiting.reason else {
            return outcome;
        };
        if !self.desk.restored || n <= self.link.circles.newest_n() {
            return outcome;
        }
        // A circle that was sent after the backup was made. Its recovery key is one that this enrolment already has, or
        // the letter goes on waiting: the recipients' hash decides.
        let known =
            (0..=self.link.circles.newest_n()).filter_map(|held| self.link.circles.recovery(held));
        let mut recoveries: Vec<Option<AgeRecipient>> = known.chain([None]).collect();
        recoveries.dedup();
        for recovery in recoveries {
            let Some(circles) = with_circle(&self.link.circles, n, recovery) else {
                continue;
            };
            let again = self.open_under(&circles, id, bytes, listed);
            if matches!(again, Outcome::Released(_)) {
                self.adopted = Some(circles);
                return again;
            }
        }
        outcome
    }

    fn open_under(
        &self,
        circles: &CircleChain,
        id: EnvelopeId,
        bytes: &[u8],
        listed: Time,
    ) -> Outcome {
        let sender = match &self.link.joined {
            Some(joined) => UpSender::Joined {
                sign: joined.sign,
                join: joined.id,
            },
            None => UpSender::Open(JoinTerms {
                proof_key: &self.link.proof,
                expires: self.link.expires,
                listed,
                withdrawn: self.link.withdrawn,
                late_allowed: self.link.late_allowed,
            }),
        };
        let context = UpContext {
            mailbox: self.link.up,
            identities: &self.desk.keys.ages,
            rosters: self.desk.rosters,
            sender,
            circles,
        };
        open_up(id, bytes.to_vec(), &context)
    }

    fn open(&mut self, id: EnvelopeId, bytes: &[u8], listed: Time) -> Result<(), ClinicError> {
        let outcome = self.judge(id, bytes, listed);
        let place = outcome.place().copied();
        let event = place.map_or(ChainEvent::Unplaced(id), ChainEvent::Placed);
        match outcome {
            Outcome::Released(released) => {
                self.link.chain.input(event, self.now);
                let first = self.keep(id, bytes, "released", None, Some(&released.header))?;
                if first {
                    self.release(&released)?;
                }
                Ok(())
            }
            Outcome::Waiting(waiting) => {
                if place.is_some() {
                    self.link.chain.input(event, self.now);
                }
                self.keep(id, bytes, "waiting", Some(waiting.reason.code()), None)?;
                if waiting.reason == WaitReason::LateJoin && self.link.joined.is_none() {
                    self.link.state = State::Waiting;
                    self.link.since = self.now;
                    self.tx.execute(
                        "UPDATE link SET join_id = ?2 WHERE up = ?1",
                        params![self.link.up.0, id.0],
                    )?;
                    self.news.links = true;
                }
                self.tell_waiting(id, waiting.reason)
            }
            Outcome::Quarantined(quarantined) => {
                self.link.chain.input(event, self.now);
                let reason = quarantined.reason.code();
                self.keep(id, bytes, "quarantined", Some(reason), None)?;
                let what = format!("{} {id} {reason}", self.link.up);
                audit::note(self.tx, audit::STATION, "letter_refused", &what, self.now)?;
                self.answer(id);
                self.tell(&Finding::quarantined(self.link.up, id, quarantined.reason))
            }
        }
    }

    /// Keeps the raw file and what became of it; whether it was not released before.
    fn keep(
        &self,
        id: EnvelopeId,
        bytes: &[u8],
        state: &str,
        reason: Option<&str>,
        header: Option<&Header>,
    ) -> Result<bool, ClinicError> {
        let before: Option<String> = self
            .tx
            .prepare_cached("SELECT state FROM envelope WHERE up = ?1 AND id = ?2")?
            .query_row(params![self.link.up.0, id.0], |row| row.get(0))
            .optional()?;
        if before.as_deref() == Some("released") {
            return Ok(false);
        }
        self.tx
            .prepare_cached(
                "INSERT INTO envelope(up, id, state, reason, kind, seq, at, arrived, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(up, id) DO UPDATE SET
                   state = excluded.state, reason = excluded.reason, kind = excluded.kind, seq = excluded.seq, at = excluded.at",
            )?
            .execute(params![
                self.link.up.0,
                id.0,
                state,
                reason,
                header.map(|h| h.kind.as_str()),
                header.map(|h| i64::try_from(h.seq).unwrap_or(i64::MAX)),
                header.map(|h| h.at.ms()),
                self.now.ms(),
                bytes
            ])?;
        Ok(true)
    }

    fn tell_waiting(&mut self, id: EnvelopeId, reason: WaitReason) -> Result<(), ClinicError> {
        let since: i64 = self
            .tx
            .prepare_cached("SELECT arrived FROM envelope WHERE up = ?1 AND id = ?2")?
            .query_row(params![self.link.up.0, id.0], |row| row.get(0))?;
        match Finding::waiting(self.link.up, id, reason, Time::from_ms(since), self.now) {
            Some(found) => self.tell(&found),
            None => Ok(()),
        }
    }

    fn try_waiting(&mut self) -> Result<(), ClinicError> {
        let mut rows = self.tx.prepare_cached(
            "SELECT id, bytes, arrived FROM envelope WHERE up = ?1 AND state = 'waiting' ORDER BY arrived, rowid",
        )?;
        let rows = rows.query_map([self.link.up.0], |row| {
            Ok((
                EnvelopeId(row.get(0)?),
                row.get::<_, Vec<u8>>(1)?,
                Time::from_ms(row.get(2)?),
            ))
        })?;
        let waiting: Vec<_> = rows.collect::<Result<_, _>>()?;
        for (id, bytes, listed) in waiting {
            self.open(id, &bytes, listed)?;
        }
        Ok(())
    }

    fn release(&mut self, released: &Released) -> Result<(), ClinicError> {
        let (header, id) = (&released.header, released.place.id);
        let content = released.content.expose().as_slice();
        if let Some(join) = &released.join {
            self.joined(id, join)?;
        }
        self.heard(header)?;
        match &header.kind {
            Kind::Join | Kind::Beat => {}
            Kind::Readings => {
                let kept = readings::keep(self.tx, &self.link, id, content, self.now)?;
                self.news.readings |= kept.new > 0;
                if kept.unreadable > 0 {
                    self.unreadable(id, &header.kind)?;
                }
            }
            Kind::Amend => {
                let kept = amendments::keep(self.tx, &self.link, id, content, self.now)?;
                self.news.readings |= kept.new > 0;
                for reading in &kept.foreign {
                    let (mailbox, reading) = (self.link.up, reading.to_string());
                    self.tell(&Finding::ForeignAmendment { mailbox, reading })?;
                }
                if kept.unreadable > 0 {
                    self.unreadable(id, &header.kind)?;
                }
            }
            // reserved or of a later version: the raw file is kept, a person is told
            other => self.unreadable(id, other)?,
        }
        if header.kind.wants_answer() {
            self.answer(id);
        }
        self.got(header)?;
        self.refusals(header)
    }

    fn answer(&mut self, id: EnvelopeId) {
        // sealed by the next run of the sender, which the office starts at once: well within the formats' minute
        self.link.answer_due = Some(
            self.link
                .answer_due
                .map_or(self.now, |before| before.min(self.now)),
        );
        self.link.answer_re = Some(id);
    }

    fn unreadable(&mut self, id: EnvelopeId, kind: &Kind) -> Result<(), ClinicError> {
        let found = Finding::UnreadableContent {
            mailbox: self.link.up,
            id,
            kind: kind.as_str().chars().take(32).collect(),
        };
        self.tell(&found)
    }

    fn joined(&mut self, id: EnvelopeId, join: &vault::Join) -> Result<(), ClinicError> {
        let link = &mut self.link;
        (link.state, link.since) = (State::Pending, self.now);
        link.circles = CircleChain::new(join.recovery.clone());
        link.joined = Some(Joined {
            id,
            sign: join.sign,
            auth: join.auth,
            age: join.age.clone(),
            role: join.role,
            label: join.label.clone(),
        });
        let app = [&join.app.name, &join.app.version, &join.app.os]
            .map(String::as_str)
            .join(" ");
        self.tx.execute(
            "UPDATE link SET app = ?2, recovery = ?3, claimed_at = coalesce(claimed_at, ?4) WHERE up = ?1",
            params![link.up.0, app.trim(), join.recovery.as_ref().map(AgeRecipient::as_str), self.now.ms()],
        )?;
        link::save(self.tx, link)?;
        // other relays of the roster learn of the link, with the key that joined
        if let Some(newest) = self.desk.rosters.newest() {
            for relay in newest
                .roster
                .relays
                .iter()
                .filter(|r| r.state == wire::roster::RelayState::Active)
            {
                self.tx.execute(
                    "INSERT INTO registration(up, relay, wanted) VALUES (?1, ?2, 'registered') ON CONFLICT DO NOTHING",
                    params![link.up.0, relay.url],
                )?;
            }
        }
        circle::welcome_pending(self.tx, link, self.now)?;
        audit::note(
            self.tx,
            audit::STATION,
            "joined",
            &link.up.to_string(),
            self.now,
        )?;
        self.news.links = true;
        Ok(())
    }

    /// What the header says of the sender itself.
    fn heard(&mut self, header: &Header) -> Result<(), ClinicError> {
        let link = &mut self.link;
        link.heard_at = Some(self.now);
        link.named_circle = link.named_circle.max(header.circle);
        if let Some(circles) = self.adopted.take() {
            // the phone holds a circle that was lost here; ours go on behind it
            link.circles = circles;
            circle::tell_again(self.tx, link, self.now)?;
        }
        link.roster_stated = link.roster_stated.max(header.roster.0);
        if let Some(beat) = &header.beat {
            link.next_by = Some(beat.next_by);
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            self.tx
                .prepare_cached("UPDATE link SET queue_depth = ?2, queue_oldest = ?3, queue_stuck = ?4 WHERE up = ?1")?
                .execute(params![link.up.0, number(beat.depth), beat.oldest.map(Time::ms), number(beat.stuck)])?;
        }
        finding::heard_again(self.tx, link.up, self.now)?;
        self.news.links = true;
        let (up, Some(kid)) = (link.up, link.joined.as_ref().map(|j| j.sign.kid())) else {
            return Ok(());
        };
        if let Some(found) = Finding::clock(up, kid, header.at, self.now) {
            self.tell(&found)?;
        }
        let newest = self.desk.rosters.newest().map_or(0, |held| held.roster.n);
        let behind = Finding::roster_behind(
            up,
            kid,
            header.roster.0,
            header.at,
            newest,
            self.desk.roster_since,
        );
        behind.map_or(Ok(()), |found| self.tell(&found))
    }

    /// What the phone has of ours: those files and their content may go.
    fn got(&mut self, header: &Header) -> Result<(), ClinicError> {
        let own = self.desk.keys.sign.kid();
        for got in &header.got {
            match outbox::acknowledge(
                self.tx,
                self.link.down,
                got.0,
                Cover::Through(got.1, got.2),
                self.now,
            ) {
                Ok(covered) => letters::arrived(self.tx, covered.into_iter().map(|(_, id)| id))?,
                Err(PostError::NotOurs { seq }) if got.0 == own => {
                    self.tell(&Finding::GotBeyondSent {
                        mailbox: self.link.down,
                        kid: got.0,
                        seq,
                    })?;
                }
                // an earlier key of this station, whose last letters a restored database does not know
                Err(PostError::NotOurs { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    /// Letters of ours that the phone set aside: their content goes once more.
    fn refusals(&mut self, header: &Header) -> Result<(), ClinicError> {
        let refused = header
            .beat
            .as_ref()
            .map(|beat| beat.refused.clone())
            .unwrap_or_default();
        for one in refused {
            let mailbox = self.link.down;
            match letters::refused(self.tx, self.link.up, one.id)? {
                Again::Queued => {
                    let reason = one
                        .reason
                        .chars()
                        .filter(|c| c.is_ascii_lowercase() || *c == '_')
                        .take(32)
                        .collect();
                    self.tell(&Finding::RefusedByPeer {
                        mailbox,
                        id: one.id,
                        reason,
                    })?;
                }
                Again::Twice => self.tell(&Finding::RefusedTwice {
                    mailbox,
                    id: one.id,
                })?,
                Again::Nothing => {}
            }
        }
        Ok(())
    }

    fn overdue(&mut self) -> Result<(), ClinicError> {
        let (Some(next_by), Some(since)) = (self.link.next_by, self.link.heard_at) else {
            return Ok(());
        };
        if self.link.state.is_joined() && next_by.plus(GRACE) <= self.now {
            return self.tell(&Finding::NotHeard {
                mailbox: self.link.up,
                since,
            });
        }
        Ok(())
    }

    fn tell(&mut self, found: &Finding) -> Result<(), ClinicError> {
        self.news.findings |= finding::note(self.tx, Some(self.link.up), found, self.now)?;
        Ok(())
    }
}

/// The chain with a circle of this number and recovery key, whose own text is not held. It has no links, by which
/// `circle` knows it again.
fn with_circle(
    circles: &CircleChain,
    n: u64,
    recovery: Option<AgeRecipient>,
) -> Option<CircleChain> {
    let mut lost = circles.next(Vec::new(), recovery);
    if lost.n != n {
        // the one before it is not held either: any hash but zeros
        (lost.n, lost.prev) = (n, Hash([0xff; 32]));
    }
    let mut with = circles.clone();
    with.feed(&lost.to_text()).ok()?;
    Some(with)
}

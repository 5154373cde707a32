//! What came from the clinic: opened in the formats' order, applied, kept waiting, or set aside, with findings in words.
//!
//! Every effect is idempotent, so that a letter that is opened again (after a crash, or because a roster came) changes
//! nothing twice. Position in the chain makes findings and never holds content back.

use crate::amendment;
use crate::error::CompanionError;
use crate::finding;
use crate::journal;
use crate::keys::{InstallKeys, LinkKeys};
use crate::link::{self, Link};
use crate::models::{self, Taken};
use crate::view::Topic;
use post::PostError;
use post::outbox::{self, Cover};
use reading::ReadingId;
use std::collections::BTreeSet;
use std::time::Duration;
use store::Tx;
use store::rusqlite::params;
use vault::{
    Ack, Beat, Chain, ChainEffect, ChainEvent, CircleNews, CircleRefusal, Content, Data, DataMail,
    DownContext, Finding, Header, Kind, LinkState, Outcome, Place, Released, Resend, RosterMail,
    Seen, WaitReason, Welcome, open_down,
};
use wire::{EnvelopeId, Time};

/// A refused letter is kept as evidence for so long.
const EVIDENCE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Opens one letter that came. Returns what it changed.
pub(crate) fn consume(
    tx: &Tx<'_>,
    keys: &InstallKeys,
    own: &LinkKeys,
    link: &Link,
    id: EnvelopeId,
    bytes: Vec<u8>,
    now: Time,
) -> Result<Vec<Topic>, CompanionError> {
    let mut opening = Opening::new(tx, keys, own, link, now);
    opening.open(id, bytes)?;
    opening.finish()
}

/// Opens again what waits, after a roster or a circle came; tells what has waited for a day.
pub(crate) fn try_waiting(
    tx: &Tx<'_>,
    keys: &InstallKeys,
    own: &LinkKeys,
    link: &Link,
    now: Time,
) -> Result<Vec<Topic>, CompanionError> {
    let mut opening = Opening::new(tx, keys, own, link, now);
    for id in waiting(tx)? {
        let bytes: Vec<u8> = tx.query_row(
            "SELECT bytes FROM mail_waiting WHERE id = ?1",
            [id.0],
            |row| row.get(0),
        )?;
        opening.open(id, bytes)?;
    }
    tx.execute(
        "DELETE FROM mail_refused WHERE at < ?1",
        [now.minus(EVIDENCE).ms()],
    )?;
    opening.finish()
}

/// Whether a letter waits for a roster that a relay may have.
pub(crate) fn waits_for_roster(tx: &Tx<'_>) -> Result<bool, CompanionError> {
    Ok(tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM mail_waiting WHERE reason IN ('roster', 'sender'))",
        [],
        |row| row.get(0),
    )?)
}

fn waiting(tx: &Tx<'_>) -> Result<Vec<EnvelopeId>, CompanionError> {
    let mut rows = tx.prepare_cached("SELECT id FROM mail_waiting ORDER BY since, id")?;
    let rows = rows.query_map([], |row| row.get(0).map(EnvelopeId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// After a page of the mailbox: letters that it lists a second time are counted, and told when there are many; gaps
/// whose grace time is over are told.
pub(crate) fn listed(
    tx: &Tx<'_>,
    link: &Link,
    replayed: &[EnvelopeId],
    now: Time,
) -> Result<(), CompanionError> {
    let due = link
        .chain
        .deadline()
        .is_some_and(|deadline| deadline <= now);
    if replayed.is_empty() && !due {
        return Ok(());
    }
    let mut chain = link.chain.clone();
    chain.input(ChainEvent::Tick, now);
    for id in replayed {
        chain.input(ChainEvent::Replayed(*id), now);
    }
    tell(tx, &mut chain, now)?;
    link::set_chain(tx, link.up, &chain)
}

fn tell(tx: &Tx<'_>, chain: &mut Chain, now: Time) -> Result<bool, CompanionError> {
    let mut told = false;
    while let Some(effect) = chain.poll_effect() {
        told = true;
        match effect {
            ChainEffect::Found(found) => {
                finding::note(tx, &found, now)?;
            }
            ChainEffect::Mended(found) => finding::clear(tx, &found)?,
        }
    }
    Ok(told)
}

/// One run over letters, in one transaction. The link is this run's own copy and grows with what is opened.
struct Opening<'a> {
    tx: &'a Tx<'a>,
    keys: &'a InstallKeys,
    own: &'a LinkKeys,
    link: Link,
    now: Time,
    topics: BTreeSet<Topic>,
}

impl<'a> Opening<'a> {
    fn new(
        tx: &'a Tx<'a>,
        keys: &'a InstallKeys,
        own: &'a LinkKeys,
        link: &Link,
        now: Time,
    ) -> Self {
        Self {
            tx,
            keys,
            own,
            link: link.clone(),
            now,
            topics: BTreeSet::new(),
        }
    }

    /// Keeps the chain and tells what it found.
    fn finish(mut self) -> Result<Vec<Topic>, CompanionError> {
        self.link.chain.input(ChainEvent::Tick, self.now);
        if tell(self.tx, &mut self.link.chain, self.now)? {
            self.topics.insert(Topic::Status);
        }
        link::set_chain(self.tx, self.link.up, &self.link.chain)?;
        Ok(self.topics.into_iter().collect())
    }

    fn open(&mut self, id: EnvelopeId, bytes: Vec<u8>) -> Result<(), CompanionError> {
        let context = DownContext {
            mailbox: self.link.down,
            identity: &self.own.age,
            rosters: &self.link.rosters,
            circles: &self.link.circles,
            arrived: self.now,
        };
        let outcome = open_down(id, bytes.clone(), &context);
        let event = outcome
            .place()
            .map_or(ChainEvent::Unplaced(id), |place: &Place| {
                ChainEvent::Placed(*place)
            });
        let (tx, now) = (self.tx, self.now.ms());
        match outcome {
            Outcome::Released(released) => {
                self.link.chain.input(event, self.now);
                tx.execute("DELETE FROM mail_waiting WHERE id = ?1", [id.0])?;
                self.release(&released)
            }
            Outcome::Waiting(waiting) => {
                if waiting.place.is_some() {
                    self.link.chain.input(event, self.now);
                }
                tx.execute(
                    "INSERT INTO mail_waiting(id, up, bytes, since, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT(id) DO UPDATE SET reason = excluded.reason",
                    params![id.0, self.link.up.0, bytes, now, waiting.reason.code()],
                )?;
                let since: i64 = tx.query_row(
                    "SELECT since FROM mail_waiting WHERE id = ?1",
                    [id.0],
                    |row| row.get(0),
                )?;
                let since = Time::from_ms(since);
                if let Some(found) =
                    Finding::waiting(self.link.down, id, waiting.reason, since, self.now)
                {
                    self.tell(&found)?;
                }
                match waiting.roster {
                    Some(jws) => self.feed_roster(&jws),
                    None if waiting.reason == WaitReason::Update => {
                        self.tell_own(finding::NEWER, &id.to_string())
                    }
                    None => Ok(()),
                }
            }
            Outcome::Quarantined(quarantined) => {
                self.link.chain.input(event, self.now);
                tx.execute("DELETE FROM mail_waiting WHERE id = ?1", [id.0])?;
                tx.execute(
                    "INSERT INTO mail_refused(id, up, reason, at, bytes) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(id) DO NOTHING",
                    params![id.0, self.link.up.0, quarantined.reason.code(), now, bytes],
                )?;
                self.tell(&Finding::quarantined(
                    self.link.down,
                    id,
                    quarantined.reason,
                ))
            }
        }
    }

    fn release(&mut self, released: &Released) -> Result<(), CompanionError> {
        let header = &released.header;
        self.heard(header)?;
        if let Some(found) = Finding::clock(self.link.down, released.place.kid, header.at, self.now)
        {
            self.tell(&found)?;
        }
        let content = released.content.expose().as_slice();
        match &header.kind {
            Kind::Welcome => self.read(released, Self::welcome)?,
            Kind::Circle => match std::str::from_utf8(content) {
                Ok(text) => self.circle(text)?,
                Err(_) => self.unreadable(released)?,
            },
            Kind::Roster => self.read(released, |this, mail: RosterMail| {
                this.feed_roster(&mail.jws)
            })?,
            Kind::Ack => self.read(released, Self::ack)?,
            Kind::Seen => self.read(released, Self::seen)?,
            Kind::Beat => self.read(released, |this, beat: Beat| {
                link::set_heard(this.tx, this.link.up, this.now, Some(beat.next_by))
            })?,
            Kind::Resend => self.read(released, Self::resend)?,
            Kind::Data => self.read(released, Self::data)?,
            // Kept by the clinic until this version knows plans; nothing else is sent down.
            Kind::Plan => {}
            other => self.tell_own(finding::UNKNOWN_KIND, other.as_str())?,
        }
        self.got(header)
    }

    fn read<T: Content>(
        &mut self,
        released: &Released,
        apply: impl FnOnce(&mut Self, T) -> Result<(), CompanionError>,
    ) -> Result<(), CompanionError> {
        match T::parse(released.content.expose()) {
            Ok(value) => apply(self, value),
            Err(_) => self.unreadable(released),
        }
    }

    fn unreadable(&mut self, released: &Released) -> Result<(), CompanionError> {
        let kind = released.header.kind.to_string();
        self.tell(&Finding::UnreadableContent {
            mailbox: self.link.down,
            id: released.place.id,
            kind,
        })
    }

    fn heard(&mut self, header: &Header) -> Result<(), CompanionError> {
        let hours = self
            .link
            .newest_roster()
            .map_or(24, |held| held.roster.beat_hours);
        let next_by = header.at.plus(Duration::from_secs(u64::from(hours) * 3600));
        self.topics.insert(Topic::Status);
        finding::clear_silence(self.tx)?;
        link::set_heard(self.tx, self.link.up, self.now, Some(next_by))
    }

    fn welcome(&mut self, welcome: Welcome) -> Result<(), CompanionError> {
        if Some(welcome.join) != self.link.join_id {
            return self.tell_own(finding::WELCOME_OF_ANOTHER, &welcome.join.to_string());
        }
        link::set_welcomed(self.tx, self.link.up, welcome.state == LinkState::Confirmed)?;
        self.circle(&welcome.circle)
    }

    fn circle(&mut self, text: &str) -> Result<(), CompanionError> {
        match self.link.circles.feed(text) {
            Ok(CircleNews::Held) => Ok(()),
            Ok(_) => {
                self.topics.insert(Topic::Status);
                link::set_circles(self.tx, &self.keys.rows, self.link.up, &self.link.circles)
            }
            Err(CircleRefusal::Fork(n) | CircleRefusal::Broken(n)) => {
                self.tell(&Finding::CircleWrong {
                    mailbox: self.link.down,
                    n,
                })
            }
            Err(CircleRefusal::Content) => self.tell(&Finding::CircleWrong {
                mailbox: self.link.down,
                n: 0,
            }),
        }
    }

    fn feed_roster(&mut self, jws: &str) -> Result<(), CompanionError> {
        if link::feed_rosters(self.tx, &self.link, jws, self.now)? {
            // It was accepted just now by a copy of this chain.
            self.link
                .rosters
                .feed(jws)
                .map_err(|_| CompanionError::internal("a roster accepted and refused"))?;
            self.topics.insert(Topic::Status);
        }
        Ok(())
    }

    /// Refusals first: a refused file counts in the positions too.
    fn ack(&mut self, ack: Ack) -> Result<(), CompanionError> {
        for refused in &ack.refused {
            journal::refused(self.tx, self.link.up, refused.id, self.now)?;
            amendment::refused(self.tx, self.link.up, refused.id, self.now)?;
        }
        if let Some(stored) = ack.stored {
            self.cover(Cover::Through(stored.seq, stored.id))?;
        }
        for (seq, id) in ack.also {
            self.cover(Cover::One(seq, id))?;
        }
        Ok(())
    }

    /// What any letter says of the opposite mailbox.
    fn got(&mut self, header: &Header) -> Result<(), CompanionError> {
        let kid = self.own.sign.kid();
        let ours = header.got.iter().find(|got| got.0 == kid).copied();
        ours.map_or(Ok(()), |got| self.cover(Cover::Through(got.1, got.2)))
    }

    fn cover(&mut self, cover: Cover) -> Result<(), CompanionError> {
        match outbox::acknowledge(self.tx, self.link.up, self.own.sign.kid(), cover, self.now) {
            Ok(covered) if covered.is_empty() => Ok(()),
            Ok(covered) => {
                let ids: Vec<EnvelopeId> = covered.into_iter().map(|(_, id)| id).collect();
                self.topics.extend([Topic::Queue, Topic::Status]);
                amendment::stored(self.tx, &ids, self.now)?;
                journal::stored(self.tx, &ids, self.now)
            }
            Err(PostError::NotOurs { seq }) => self.tell(&Finding::GotBeyondSent {
                mailbox: self.link.up,
                kid: self.own.sign.kid(),
                seq,
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn seen(&mut self, seen: Seen) -> Result<(), CompanionError> {
        let ids: Vec<ReadingId> = seen.readings.iter().map(|id| ReadingId(id.0)).collect();
        self.topics.insert(Topic::Queue);
        journal::seen(self.tx, &ids, seen.at)
    }

    fn resend(&mut self, resend: Resend) -> Result<(), CompanionError> {
        let gone = outbox::send_again(self.tx, self.link.up, self.own.sign.kid(), resend.after)?;
        self.topics.insert(Topic::Queue);
        amendment::send_again(self.tx, &gone)?;
        journal::send_again(self.tx, &gone)
    }

    /// A table that the clinic has adopted. What does not count leaves the one before in force.
    fn data(&mut self, mail: DataMail) -> Result<(), CompanionError> {
        let taken = match Data::verify(&mail.jws, &self.link.rosters) {
            Ok(data) => models::take(self.tx, &data)?,
            Err(refusal) => {
                tracing::warn!(%refusal, "a table that does not count");
                Taken::Unreadable
            }
        };
        match taken {
            Taken::New => {
                self.topics.insert(Topic::Devices);
                Ok(())
            }
            Taken::Held => Ok(()),
            Taken::Foreign => self.tell_own(finding::UNKNOWN_KIND, "data"),
            Taken::Unreadable => self.tell_own(finding::BAD_TABLE, "device table"),
        }
    }

    fn tell(&mut self, found: &Finding) -> Result<(), CompanionError> {
        self.topics.insert(Topic::Status);
        finding::note(self.tx, found, self.now).map(drop)
    }

    fn tell_own(&mut self, kind: finding::Own, subject: &str) -> Result<(), CompanionError> {
        self.topics.insert(Topic::Status);
        finding::note_own(self.tx, kind, subject, self.now)
    }
}

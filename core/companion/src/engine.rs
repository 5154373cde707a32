//! The patient's mail as one machine without sockets, clocks or tasks.
//!
//! In: [`Event`]s with `now` (answers of the relay, ticks, the shell's lifecycle), and commands that write the
//! database. Out: [`Effect`]s (calls to a relay, topics that changed). Moved by [`Engine::input`], says what it wants
//! by [`Engine::poll_effect`], wants [`Event::Tick`] at [`Engine::deadline`]. The actor runs it with a real relay, the
//! property tests with a lying one and with crashes between any two steps: all that lasts is in the database, and each
//! step is one transaction.

use crate::error::CompanionError;
use crate::keys::{InstallKeys, Keys};
use crate::link::{self, Link};
use crate::view::{LinkState, Topic};
use crate::{finding, join, mail, request};
use bytes::Bytes;
use post::outbox::{self, Blame};
use post::{
    Courier, Effect as CourierEffect, Event as CourierEvent, Line, Outcome, Pace, RelayError, inbox,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use store::Database;
use vault::Finding;
use wire::api::{Claim, ErrorCode, Items};
use wire::{EnvelopeId, MailboxId, SigningKey, Time};

/// What the host is to ask of a relay.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Claim(Claim),
    Rosters {
        after: u32,
    },
    Put {
        mailbox: MailboxId,
        id: EnvelopeId,
        bytes: Bytes,
    },
    List {
        mailbox: MailboxId,
        after: u64,
    },
    Get {
        mailbox: MailboxId,
        id: EnvelopeId,
    },
    /// Open the WebSocket and report [`Event::LiveOpen`], arrivals, and its end as this call's answer.
    Live,
}

/// One question, answered by [`Event::Answer`] with its ticket.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub ticket: u64,
    pub relay: String,
    pub key: Arc<SigningKey>,
    pub ask: Ask,
}

/// What a relay said.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Done,
    Rosters(String),
    Receipt(String),
    Items(Items),
    File(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The answer to a call.
    Answer {
        ticket: u64,
        answer: Result<Answer, RelayError>,
    },
    /// The live line is up.
    LiveOpen,
    /// Something lies in our mailbox.
    Arrival(MailboxId),
    /// There may be something to send or to collect.
    Wanted(Line),
    NetworkChanged,
    Tick,
}

#[derive(Debug)]
pub(crate) enum Effect {
    Ask(Call),
    /// Break this call off; no answer is wanted.
    Cancel(u64),
    Changed(Vec<Topic>),
}

/// What a ticket was for.
#[derive(Debug, Clone)]
enum Purpose {
    Claim,
    JoinRosters,
    Put(EnvelopeId),
    List { after: u64 },
    Get(inbox::Entry),
    Rosters,
    Live,
}

impl Purpose {
    fn line(&self) -> Line {
        match self {
            Self::Claim | Self::JoinRosters | Self::Put(_) => Line::Send,
            Self::List { .. } | Self::Get(_) => Line::Collect,
            Self::Rosters => Line::Rosters,
            Self::Live => Line::Live,
        }
    }
}

/// Trouble with the relay and when it was last reached: told, not kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contact {
    pub reached_at: Option<Time>,
    pub trouble: Option<String>,
    pub handed_over: u64,
    pub collected: u64,
}

pub(crate) struct Engine {
    pub(crate) db: Database,
    pub(crate) keys: Keys,
    pub(crate) link: Option<Link>,
    pub(crate) app: mail::App,
    pub(crate) contact: Contact,
    courier: Courier,
    effects: VecDeque<Effect>,
    asked: BTreeMap<u64, Purpose>,
    next_ticket: u64,
    jitter: u32,
    list_again: bool,
}

impl Engine {
    /// Over an open database; `seed` is random.
    pub(crate) fn new(
        db: Database,
        keys: Keys,
        app: mail::App,
        pace: Pace,
        seed: u64,
    ) -> Result<Self, CompanionError> {
        let mut engine = Self {
            db,
            keys,
            link: None,
            app,
            contact: Contact::default(),
            courier: Courier::new(pace, seed),
            effects: VecDeque::new(),
            asked: BTreeMap::new(),
            next_ticket: 1,
            // Any odd number will do; the courier's own jitter comes from the seed.
            jitter: 0x9e37_79b9,
            list_again: true,
        };
        engine.reload_link()?;
        Ok(engine)
    }

    pub(crate) fn input(&mut self, event: Event, now: Time) {
        let event = match event {
            Event::Answer { ticket, answer } => {
                let Some(purpose) = self.asked.remove(&ticket) else {
                    return;
                };
                self.answered(purpose, answer, now);
                CourierEvent::Tick
            }
            Event::LiveOpen => {
                self.changed(&[Topic::Status]);
                CourierEvent::LiveOpen
            }
            Event::Arrival(mailbox) => {
                if self.link.as_ref().is_none_or(|link| link.down != mailbox) {
                    return;
                }
                CourierEvent::Wanted(Line::Collect)
            }
            Event::Wanted(line) => CourierEvent::Wanted(line),
            Event::NetworkChanged => CourierEvent::NetworkChanged,
            Event::Tick => CourierEvent::Tick,
        };
        self.courier(event, now);
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        self.courier.deadline(now)
    }

    /// Whether a line is at work.
    pub(crate) fn is_running(&self, line: Line) -> bool {
        self.courier.is_running(line)
    }

    pub(crate) fn live_is_open(&self) -> bool {
        self.courier.live_is_open()
    }

    /// Stops all lines, writes the log back and closes the database.
    pub(crate) fn pause(&mut self, now: Time) -> Result<(), CompanionError> {
        self.courier(CourierEvent::Pause, now);
        Ok(self.db.pause()?)
    }

    pub(crate) fn resume(&mut self, now: Time) -> Result<(), CompanionError> {
        self.db.resume()?;
        self.reload_link()?;
        self.courier(CourierEvent::Resume, now);
        Ok(())
    }

    /// The shell says that there is no network: nothing is tried.
    pub(crate) fn offline(&mut self, now: Time) {
        self.courier(CourierEvent::Pause, now);
        self.contact.trouble = Some("there is no network; everything is kept".to_owned());
        self.changed(&[Topic::Status, Topic::Queue]);
    }

    pub(crate) fn online(&mut self, now: Time) {
        self.contact.trouble = None;
        self.courier(CourierEvent::Resume, now);
        self.changed(&[Topic::Status, Topic::Queue]);
    }

    /// What is in the way of outgoing mail, in words: the link's end, a full mailbox, or the network.
    pub(crate) fn trouble(&self) -> Result<Option<String>, CompanionError> {
        let Some(link) = &self.link else {
            return Ok(self.contact.trouble.clone());
        };
        if link.trouble.is_some() {
            return Ok(link.trouble.clone());
        }
        let mailbox = self
            .db
            .read(|tx| outbox::status(tx, Some(link.up)))?
            .trouble;
        let code =
            mailbox.and_then(|code| serde_json::from_value(serde_json::Value::String(code)).ok());
        let words = code.map(|code| {
            RelayError::Refused {
                code,
                retry_after: None,
            }
            .to_string()
        });
        Ok(words.or_else(|| self.contact.trouble.clone()))
    }

    pub(crate) fn changed(&mut self, topics: &[Topic]) {
        self.effects.push_back(Effect::Changed(topics.to_vec()));
    }

    /// Reads the link again, after a transaction changed it.
    pub(crate) fn reload_link(&mut self) -> Result<(), CompanionError> {
        let row_key = self.keys.get().map(|keys| &keys.rows);
        self.link = self.db.read(|tx| link::load(tx, row_key))?;
        Ok(())
    }

    /// The keys, once the link's own are loaded too.
    fn ready(&self) -> Option<(&InstallKeys, &Link, &crate::keys::LinkKeys)> {
        let (keys, link) = (self.keys.get()?, self.link.as_ref()?);
        let own = keys.link.as_ref().filter(|own| own.up == link.up)?;
        (link.state != LinkState::Ended).then_some((keys, link, own))
    }

    fn courier(&mut self, event: CourierEvent, now: Time) {
        self.courier.input(event, now);
        while let Some(effect) = self.courier.poll_effect() {
            match effect {
                CourierEffect::Start(line) => {
                    self.list_again |= line == Line::Collect;
                    self.go_on(line, now);
                }
                CourierEffect::Stop(line) => self.stop(line, now),
            }
        }
    }

    fn stop(&mut self, line: Line, now: Time) {
        let tickets: Vec<u64> = self
            .asked
            .iter()
            .filter(|(_, purpose)| purpose.line() == line)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in tickets {
            self.asked.remove(&ticket);
            self.effects.push_back(Effect::Cancel(ticket));
        }
        self.courier
            .input(CourierEvent::Done(line, Outcome::Stopped), now);
    }

    /// Takes the next step of a running line, or ends its run.
    fn go_on(&mut self, line: Line, now: Time) {
        let step = match line {
            Line::Send => self.next_to_send(now),
            Line::Collect => self.next_to_collect(now),
            Line::Rosters => self.ask_rosters(),
            Line::Live => self.ask_live(),
        };
        match step {
            Ok(true) => {}
            Ok(false) => self.end(line, Outcome::Finished, now),
            Err(error) => self.fail(line, &error.to_string(), None, now),
        }
    }

    fn end(&mut self, line: Line, outcome: Outcome, now: Time) {
        self.courier(CourierEvent::Done(line, outcome), now);
    }

    fn fail(
        &mut self,
        line: Line,
        trouble: &str,
        retry_after: Option<std::time::Duration>,
        now: Time,
    ) {
        // The live line is a hint: its failures are no trouble of the patient's.
        if line != Line::Live && self.contact.trouble.as_deref() != Some(trouble) {
            self.contact.trouble = Some(trouble.to_owned());
            self.changed(&[Topic::Status, Topic::Queue]);
        }
        self.end(line, Outcome::Failed { retry_after }, now);
    }

    fn ask(&mut self, purpose: Purpose, relay: String, key: Arc<SigningKey>, ask: Ask) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.asked.insert(ticket, purpose);
        self.effects.push_back(Effect::Ask(Call {
            ticket,
            relay,
            key,
            ask,
        }));
    }

    fn next_to_send(&mut self, now: Time) -> Result<bool, CompanionError> {
        if self
            .link
            .as_ref()
            .is_some_and(|link| link.state == LinkState::Joining)
        {
            return self.next_to_join(now);
        }
        let Some((keys, link, own)) = self.ready() else {
            return Ok(false);
        };
        let (relay, auth) = (link.relay_url(), own.auth.clone());
        let waiting = self.db.read(|tx| outbox::next(tx, Some(link.up), now))?;
        let file = match waiting {
            Some(file) => Some(file),
            None => self.db.write(|tx| -> Result<_, CompanionError> {
                match mail::seal_next(tx, keys, own, link, &self.app, now)? {
                    Some(id) => Ok(outbox::get(tx, id)?),
                    None => Ok(None),
                }
            })?,
        };
        let Some(file) = file else { return Ok(false) };
        fault::point("companion.sealed");
        self.db.write(|tx| outbox::handed(tx, file.id, now))?;
        fault::point("companion.handed");
        let ask = Ask::Put {
            mailbox: file.position.mailbox,
            id: file.id,
            bytes: file.bytes,
        };
        self.ask(Purpose::Put(file.id), relay, auth, ask);
        Ok(true)
    }

    /// Joining: claim, then rosters up to the invite's, then the join is sealed and goes like any other file.
    fn next_to_join(&mut self, now: Time) -> Result<bool, CompanionError> {
        let Some((keys, link, own)) = self.ready() else {
            return Ok(false);
        };
        let relay = link.relay.clone();
        if !link.claimed {
            let claim = Claim {
                v: 1,
                auth: own.auth.public(),
            };
            let key = own.claim_key()?;
            self.ask(Purpose::Claim, relay, key, Ask::Claim(claim));
            return Ok(true);
        }
        let held = link.rosters.newest().map_or(0, |held| held.roster.n);
        if held == 0 || held < link.roster_at_least {
            let key = own.claim_key()?;
            self.ask(
                Purpose::JoinRosters,
                relay,
                key,
                Ask::Rosters { after: held },
            );
            return Ok(true);
        }
        self.db
            .write(|tx| join::seal(tx, keys, own, link, &self.app, now))?;
        fault::point("companion.join_sealed");
        self.reload_link()?;
        self.changed(&[Topic::Status, Topic::Queue]);
        self.next_to_send(now)
    }

    /// Consumes what was fetched, fetches what was listed, lists once more until the relay has nothing further.
    fn next_to_collect(&mut self, now: Time) -> Result<bool, CompanionError> {
        loop {
            let Some((_, link, own)) = self
                .ready()
                .filter(|(_, link, _)| link.state != LinkState::Joining)
            else {
                return Ok(false);
            };
            let (relay, auth, down) = (link.relay_url(), own.auth.clone(), link.down);
            if let Some((entry, bytes)) =
                self.db.read(|tx| inbox::next_to_consume(tx, Some(down)))?
            {
                self.consume(&entry, bytes, now)?;
                continue;
            }
            if let Some(entry) = self
                .db
                .read(|tx| inbox::next_to_fetch(tx, Some(down), now))?
            {
                self.ask(
                    Purpose::Get(entry),
                    relay,
                    auth,
                    Ask::Get {
                        mailbox: down,
                        id: entry.id,
                    },
                );
                return Ok(true);
            }
            if !self.list_again {
                return Ok(false);
            }
            let after = self.db.read(|tx| inbox::cursor(tx, down, &relay))?;
            self.ask(
                Purpose::List { after },
                relay,
                auth,
                Ask::List {
                    mailbox: down,
                    after,
                },
            );
            return Ok(true);
        }
    }

    fn ask_rosters(&mut self) -> Result<bool, CompanionError> {
        let Some((_, link, own)) = self
            .ready()
            .filter(|(_, link, _)| link.state != LinkState::Joining)
        else {
            return Ok(false);
        };
        let after = link.rosters.newest().map_or(0, |held| held.roster.n);
        let (relay, auth) = (link.relay_url(), own.auth.clone());
        self.ask(Purpose::Rosters, relay, auth, Ask::Rosters { after });
        Ok(true)
    }

    fn ask_live(&mut self) -> Result<bool, CompanionError> {
        let Some((_, link, own)) = self
            .ready()
            .filter(|(_, link, _)| link.state != LinkState::Joining)
        else {
            return Ok(false);
        };
        let (relay, auth) = (link.relay_url(), own.auth.clone());
        self.ask(Purpose::Live, relay, auth, Ask::Live);
        Ok(true)
    }

    fn answered(&mut self, purpose: Purpose, answer: Result<Answer, RelayError>, now: Time) {
        let line = purpose.line();
        if line != Line::Live
            && !matches!(
                answer,
                Err(RelayError::Unreachable(_) | RelayError::NotARelay { .. })
            )
        {
            self.contact.reached_at = Some(now);
        }
        let told = match answer {
            Ok(answer) => self.told(purpose, answer, now),
            Err(why) => self.refused(purpose, &why, now),
        };
        match told {
            Ok(Next::GoOn) => self.go_on(line, now),
            Ok(Next::End) => self.end(line, Outcome::Finished, now),
            Ok(Next::Wait(why)) => self.fail(line, &why.to_string(), why.retry_after(), now),
            Err(error) => self.fail(line, &error.to_string(), None, now),
        }
    }

    fn told(
        &mut self,
        purpose: Purpose,
        answer: Answer,
        now: Time,
    ) -> Result<Next, CompanionError> {
        let wrong = Next::Wait(RelayError::BadAnswer("an answer to another question"));
        if self.contact.trouble.take().is_some() {
            self.changed(&[Topic::Status, Topic::Queue]);
        }
        match (purpose, answer) {
            (Purpose::Claim, Answer::Done) => {
                self.change_link(|tx, link| link::set_claimed(tx, link.up))?;
                fault::point("companion.claimed");
                Ok(Next::GoOn)
            }
            (Purpose::JoinRosters, Answer::Rosters(lines)) => {
                let before = self.newest_roster();
                self.feed_rosters(&lines, now)?;
                let enough = self
                    .link
                    .as_ref()
                    .is_some_and(|link| self.newest_roster() >= link.roster_at_least.max(1));
                if enough || self.newest_roster() > before {
                    return Ok(Next::GoOn);
                }
                Ok(Next::Wait(RelayError::BadAnswer(
                    "its rosters are older than the invite; asked again later",
                )))
            }
            (Purpose::Put(id), Answer::Receipt(text)) => self.receipt(id, &text, now),
            (Purpose::List { after }, Answer::Items(page)) => {
                self.listed(after, &page, now)?;
                Ok(Next::GoOn)
            }
            (Purpose::Get(entry), Answer::File(bytes)) => {
                self.db.write(|tx| inbox::fetched(tx, &entry, &bytes))?;
                self.contact.collected += 1;
                fault::point("companion.fetched");
                Ok(Next::GoOn)
            }
            (Purpose::Rosters, Answer::Rosters(lines)) => {
                self.feed_rosters(&lines, now)?;
                Ok(Next::End)
            }
            (Purpose::Live, _) => {
                self.changed(&[Topic::Status]);
                Ok(Next::Wait(RelayError::Unreachable(post::Reach::CutOff)))
            }
            _ => Ok(wrong),
        }
    }

    fn refused(
        &mut self,
        purpose: Purpose,
        why: &RelayError,
        now: Time,
    ) -> Result<Next, CompanionError> {
        let jitter = self.next_jitter();
        match purpose {
            Purpose::Claim
                if matches!(why.code(), Some(ErrorCode::Contested | ErrorCode::Foreign)) =>
            {
                self.change_link(|tx, link| {
                    let text = if why.code() == Some(ErrorCode::Contested) {
                        why.to_string()
                    } else {
                        "the relay does not know this invite, or it has expired: ask the clinic for a new one".to_owned()
                    };
                    link::end(tx, link.up, &text)?;
                    request::fail(tx, link.request, "invite", &text)
                })?;
                self.changed(&Topic::ALL);
                Ok(Next::End)
            }
            Purpose::Put(id) => match self
                .db
                .write(|tx| outbox::not_taken(tx, id, why, now, jitter))?
            {
                Blame::Line => Ok(Next::Wait(why.clone())),
                Blame::Mailbox | Blame::File => {
                    self.changed(&[Topic::Status, Topic::Queue]);
                    Ok(Next::GoOn)
                }
            },
            Purpose::Get(entry) => {
                let line_waits = self.db.write(|tx| -> Result<bool, CompanionError> {
                    if matches!(why, RelayError::BadAnswer(_)) {
                        finding::note(
                            tx,
                            &Finding::WrongBytes {
                                mailbox: entry.mailbox,
                                id: entry.id,
                            },
                            now,
                        )?;
                    }
                    Ok(inbox::not_fetched(tx, &entry, why, now, jitter)?)
                })?;
                Ok(if line_waits {
                    Next::Wait(why.clone())
                } else {
                    Next::GoOn
                })
            }
            Purpose::Live => {
                self.changed(&[Topic::Status]);
                Ok(Next::Wait(why.clone()))
            }
            Purpose::Claim | Purpose::JoinRosters | Purpose::List { .. } | Purpose::Rosters => {
                Ok(Next::Wait(why.clone()))
            }
        }
    }

    fn receipt(&mut self, id: EnvelopeId, text: &str, now: Time) -> Result<Next, CompanionError> {
        let Some(link) = &self.link else {
            return Ok(Next::End);
        };
        let keys = link.rosters.receipt_keys();
        let kept = self.db.write(|tx| -> Result<bool, CompanionError> {
            match outbox::received(tx, id, text, &keys, now) {
                Ok(_) => {}
                Err(post::PostError::Receipt(_)) => {
                    finding::note(
                        tx,
                        &Finding::ForgedReceipt {
                            mailbox: link.up,
                            id,
                        },
                        now,
                    )?;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
            if link.join_id == Some(id) {
                request::done(tx, link.request, Some(&link.up.to_string()))?;
            }
            Ok(true)
        })?;
        fault::point("companion.received");
        self.changed(&Topic::ALL);
        if kept {
            self.contact.handed_over += 1;
            Ok(Next::GoOn)
        } else {
            Ok(Next::Wait(RelayError::BadAnswer(
                "a receipt that does not count",
            )))
        }
    }

    fn listed(&mut self, after: u64, page: &Items, now: Time) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        let (down, url) = (link.down, link.relay_url());
        let again = self.db.write(|tx| -> Result<bool, CompanionError> {
            match inbox::listed(tx, down, &url, after, page, now)? {
                inbox::Listed::OtherRelay => Ok(true),
                inbox::Listed::Page { replayed, more, .. } => {
                    mail::replayed(tx, link, &replayed, now)?;
                    Ok(more)
                }
            }
        })?;
        self.list_again = again;
        self.reload_link()
    }

    fn consume(
        &mut self,
        entry: &inbox::Entry,
        bytes: Vec<u8>,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some((keys, link, own)) = self.ready() else {
            return Ok(());
        };
        let topics = self.db.write(|tx| {
            let topics = mail::consume(tx, keys, own, link, entry.id, bytes, now)?;
            inbox::consumed(tx, entry, now)?;
            Ok::<_, CompanionError>(topics)
        })?;
        fault::point("companion.consumed");
        self.after_mail(&topics, now)
    }

    /// Takes roster lines from wherever they came; new ones may release waiting mail.
    pub(crate) fn feed_rosters(&mut self, lines: &str, now: Time) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        if !self
            .db
            .write(|tx| link::feed_rosters(tx, link, lines, now))?
        {
            return Ok(());
        }
        fault::point("companion.rosters");
        self.reload_link()?;
        self.changed(&[Topic::Status]);
        self.try_waiting_mail(now)
    }

    /// After anything that may release waiting mail: a roster or a circle.
    fn try_waiting_mail(&mut self, now: Time) -> Result<(), CompanionError> {
        let Some((keys, link, own)) = self.ready() else {
            return Ok(());
        };
        let topics = self
            .db
            .write(|tx| mail::try_waiting(tx, keys, own, link, now))?;
        if topics.is_empty() {
            Ok(())
        } else {
            self.after_mail(&topics, now)
        }
    }

    fn after_mail(&mut self, topics: &[Topic], now: Time) -> Result<(), CompanionError> {
        let roster_before = self.newest_roster();
        let circle_before = self.link.as_ref().map(|link| link.circles.newest_n());
        self.reload_link()?;
        self.changed(topics);
        let circle_now = self.link.as_ref().map(|link| link.circles.newest_n());
        if self.newest_roster() != roster_before || circle_now != circle_before {
            self.try_waiting_mail(now)?;
        }
        let unknown_roster = self.db.read(mail::waits_for_roster)?;
        if unknown_roster {
            self.courier.input(CourierEvent::Wanted(Line::Rosters), now);
        }
        // An acknowledgement may have sent content back to be sealed again.
        self.courier.input(CourierEvent::Wanted(Line::Send), now);
        Ok(())
    }

    fn change_link(
        &mut self,
        change: impl FnOnce(&store::Tx<'_>, &Link) -> Result<(), CompanionError>,
    ) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        self.db.write(|tx| change(tx, link))?;
        self.changed(&[Topic::Status]);
        self.reload_link()
    }

    fn newest_roster(&self) -> u32 {
        self.link
            .as_ref()
            .and_then(|link| link.rosters.newest())
            .map_or(0, |held| held.roster.n)
    }

    /// Xorshift: spreading retries needs no secrecy.
    fn next_jitter(&mut self) -> u32 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 17;
        self.jitter ^= self.jitter << 5;
        self.jitter
    }
}

/// How a line's run goes on after an answer.
enum Next {
    GoOn,
    End,
    Wait(RelayError),
}

//! The patient's mail as one machine without sockets, clocks or tasks.
//!
//! In: [`Event`]s with `now` (answers of the relay, ticks, the shell's lifecycle), and commands that write the
//! database. Out: [`Effect`]s (calls to a relay, topics that changed). Moved by [`Engine::input`], says what it wants
//! by [`Engine::poll_effect`], wants [`Event::Tick`] at [`Engine::deadline`]. The actor runs it with a real relay, the
//! property tests with a lying one and with crashes between any two steps: all that lasts is in the database, and each
//! step is one transaction.

mod answers;
mod words;

pub(crate) use words::{Answer, Ask, Call, Contact, Effect, Event};

use crate::error::CompanionError;
use crate::keys::{InstallKeys, Keys};
use crate::link::{self, Link};
use crate::view::{LinkState, Topic};
use crate::{join, mail};
use post::outbox;
use post::{
    Courier, Effect as CourierEffect, Event as CourierEvent, Line, Outcome, Pace, RelayError, inbox,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use store::Database;
use wire::api::Claim;
use wire::{SigningKey, Time};
use words::Purpose;

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
    /// Pages of the present run, lists since missing letters were looked for, and such looks.
    pages: u32,
    lists: u32,
    looks: u32,
    /// Up to which number this process has told the relay to release; told again after a restart, which changes nothing.
    released: u64,
}

/// What was read is left at the relay for so many days, as the roster says; this is for one that came without.
const KEEP_DAYS: u32 = 14;

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
            pages: 0,
            lists: 0,
            looks: 0,
            released: 0,
        };
        // A new process may be a new version: what the relay refused for good is tried once more.
        engine.db.write(outbox::try_again)?;
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
            Event::NetworkChanged => {
                self.try_refused_again();
                CourierEvent::NetworkChanged
            }
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

    /// What was refused for good was perhaps refused by something on the way: on another network it is tried once more.
    fn try_refused_again(&mut self) {
        if let Err(error) = self.db.write(outbox::try_again) {
            tracing::warn!(%error, "trying again what the relay refused");
        }
    }

    pub(crate) fn online(&mut self, now: Time) {
        self.contact.trouble = None;
        self.try_refused_again();
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
                    if line == Line::Collect {
                        (self.list_again, self.pages) = (true, 0);
                    }
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

    fn fail(&mut self, line: Line, trouble: &str, retry_after: Option<Duration>, now: Time) {
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
                return self.release_read(now);
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

    /// Lets the relay drop what was read: a mailbox that only grows is full one day, and then the clinic is not heard.
    fn release_read(&mut self, now: Time) -> Result<bool, CompanionError> {
        let Some((_, link, own)) = self.ready() else {
            return Ok(false);
        };
        let (relay, auth, mailbox) = (link.relay_url(), own.auth.clone(), link.down);
        let days = link
            .newest_roster()
            .map_or(KEEP_DAYS, |held| held.roster.keep_days);
        let before = now.minus(Duration::from_secs(u64::from(days) * 24 * 3600));
        let through = self.db.read(|tx| {
            let Some(kid) = inbox::relay_at(tx, &relay)? else {
                return Ok::<_, CompanionError>(None);
            };
            Ok(inbox::releasable(tx, mailbox, kid, before)?)
        })?;
        let Some(through) = through.filter(|through| *through > self.released) else {
            return Ok(false);
        };
        let ask = Ask::Release { mailbox, through };
        self.ask(Purpose::Release { through }, relay, auth, ask);
        Ok(true)
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
}

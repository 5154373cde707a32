//! Where commands meet the database: the engine, the journal, the keys and the spool of one install.
//!
//! In: commands with `now`. Out: values, after their commit. No sockets and no tasks: the actor and the property tests
//! run the same desk.

use crate::captured::Spooled;
mod install;
mod persons;
mod records;

use self::install::{RECOVERY_NEXT, check_label, first_start, read_meta, seed_of, within};
use crate::config::Config;
use crate::device_table;
use crate::engine::{Effect, Engine, Event};
use crate::error::CompanionError;
use crate::input::{Frame, JoinOptions, ManualReading, Network, Submitted};
use crate::journal::{self, Added, Owner};
use crate::keys::{self, Keys};
use crate::link::{self, NewLink};
use crate::view::{
    Cursor, DeviceView, HistoryPage, HistoryQuery, LinkState, QueueView, RequestId, Topic, View,
};
use crate::{finding, mail, meta, person, request, show, tables};
use device::{CapturedRecord, DeviceHandle};
use post::Line;
use reading::Reading;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use store::{Database, DirLock};
use vault::{ClockState, Finding, Invite, KeyVault, RecoverySheet, Spool};
use wire::{InstallId, Time};

/// Old readings are looked for so often.
const PURGE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// One install's desk.
pub(crate) struct Desk {
    engine: Engine,
    vault: Arc<dyn KeyVault>,
    spool: Spool,
    install: InstallId,
    config: Config,
    purged_at: Option<Time>,
    /// When the shell said that there is no network; looked past after a while.
    offline_since: Option<Time>,
    /// Records that could not be written down yet.
    unwritten: VecDeque<CapturedRecord>,
    _lock: DirLock,
}

impl Desk {
    pub(crate) fn open(
        config: Config,
        vault: Arc<dyn KeyVault>,
        now: Time,
    ) -> Result<Self, CompanionError> {
        let lock = DirLock::take(&config.data_dir)?;
        let db = Database::open(&config.data_dir.join("companion.db"), tables::SCHEMA)?;
        let (install, recipient, mut keys) = match read_meta(&db)? {
            Some((install, recipient)) => (install, recipient, keys::load(vault.as_ref())?),
            None => first_start(&db, vault.as_ref())?,
        };
        if let Keys::Open(keys) = &mut keys {
            keys.load_link(vault.as_ref(), &db)?;
        }
        let spool =
            Spool::open(&config.data_dir.join("spool"), recipient).map_err(CompanionError::from)?;
        let app = mail::App::new(&config, install)?;
        db.write(request::fail_interrupted)?;
        let engine = Engine::new(db, keys, app, config.pace, seed_of(install, now))?;
        let mut desk = Self {
            engine,
            vault,
            spool,
            install,
            config,
            purged_at: None,
            offline_since: None,
            unwritten: VecDeque::new(),
            _lock: lock,
        };
        desk.drain_spool(now)?;
        Ok(desk)
    }

    /// The database itself, for tests of what it cannot take.
    #[cfg(test)]
    pub(crate) fn database(&self) -> &Database {
        &self.engine.db
    }

    // What the actor moves.

    pub(crate) fn event(&mut self, event: Event, now: Time) {
        self.engine.input(event, now);
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        self.engine.poll_effect()
    }

    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        self.engine.deadline(now)
    }

    /// Looks at keys and clocks; says whether the keys have come just now.
    pub(crate) fn tick(&mut self, now: Time) -> bool {
        if self.is_paused() {
            return false;
        }
        let unlocked = self.try_unlock(now);
        self.forget_invite();
        self.write_held_records(now);
        if self
            .offline_since
            .is_some_and(|since| !within(since, now, self.config.pace.send))
        {
            self.network_changed(Network::Available, now);
        }
        if self
            .purged_at
            .is_none_or(|at| !within(at, now, PURGE_EVERY))
        {
            self.purged_at = Some(now);
            let before = now.minus(Duration::from_secs(
                u64::from(self.config.keep_readings_days) * 24 * 3600,
            ));
            let purged = self.engine.db.write(|tx| -> Result<_, CompanionError> {
                journal::purge(tx, before)?;
                person::close_empty(tx)
            });
            if let Err(error) = purged {
                tracing::warn!(%error, "dropping readings past their time");
            }
        }
        if let Err(error) = self.tell_silence(now) {
            tracing::warn!(%error, "telling that the clinic is silent");
        }
        self.engine.input(Event::Tick, now);
        unlocked
    }

    pub(crate) fn pause(&mut self, now: Time) -> Result<(), CompanionError> {
        self.engine.pause(now)
    }

    pub(crate) fn resume(&mut self, now: Time) -> Result<(), CompanionError> {
        self.offline_since = None;
        self.engine.resume(now)?;
        self.drain_spool(now)?;
        self.tick(now);
        Ok(())
    }

    pub(crate) fn network_changed(&mut self, network: Network, now: Time) {
        match network {
            Network::Gone => {
                self.offline_since = Some(now);
                self.engine.offline(now);
            }
            Network::Available if self.offline_since.take().is_some() => self.engine.online(now),
            Network::Available => self.engine.input(Event::NetworkChanged, now),
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.engine.db.is_paused()
    }

    pub(crate) fn is_running(&self, line: Line) -> bool {
        self.engine.is_running(line)
    }

    /// Files handed over and collected since the start.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (
            self.engine.contact.handed_over,
            self.engine.contact.collected,
        )
    }

    pub(crate) fn relay_url(&self) -> Option<String> {
        self.engine.link.as_ref().map(link::Link::relay_url)
    }

    pub(crate) fn zone(&self) -> Option<&str> {
        self.config.zone.as_deref()
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.engine.keys.get().is_none()
    }

    /// The relay's clock minus ours, as the last refusal taught: told in heartbeats.
    pub(crate) fn set_clock_offset(&mut self, offset_ms: i64) {
        self.engine.app.clock = ClockState {
            offset_ms,
            sure: offset_ms != 0,
        };
    }

    // Commands that carry data: they return after their commit.

    /// Keeps a reading: in the journal, or, while the keys are out of reach, in the spool. `device` took it; without one
    /// a person typed it.
    pub(crate) fn keep(
        &mut self,
        reading: &Reading,
        device: Option<&DeviceHandle>,
        now: Time,
    ) -> Result<Added, CompanionError> {
        if self.is_paused() {
            return Err(CompanionError::Paused);
        }
        let Some(keys) = self.engine.keys.get() else {
            self.write_spool(&Spooled::Reading(Box::new(reading.clone())))?;
            return Ok(Added::New);
        };
        let added = self.engine.db.write(|tx| match device {
            Some(device) => person::enter(tx, &keys.rows, device, reading.clone(), None, now),
            None => journal::add(tx, &keys.rows, reading, &Owner::PATIENT, now),
        });
        let added = match added {
            Ok(added) => added,
            Err(error) => {
                // The caller is told; so is whoever looks at the status.
                self.engine.contact.trouble = Some(error.to_string());
                self.engine.changed(&[Topic::Status, Topic::Queue]);
                return Err(error);
            }
        };
        fault::point("companion.journalled");
        if added == Added::New {
            self.engine.changed(&[Topic::Queue, Topic::Requests]);
            self.engine.input(Event::Wanted(Line::Send), now);
        }
        Ok(added)
    }

    pub(crate) fn record_manual(
        &mut self,
        manual: &ManualReading,
        now: Time,
    ) -> Result<String, CompanionError> {
        let reading = show::typed(manual, self.install, self.zone(), now)?;
        self.keep(&reading, None, now)?;
        Ok(reading.id.to_string())
    }

    pub(crate) fn submit_frame(
        &mut self,
        frame: &Frame,
        now: Time,
    ) -> Result<Submitted, CompanionError> {
        let keys = self.engine.keys.get().ok_or(CompanionError::Locked)?;
        let paired = self
            .engine
            .db
            .read(|tx| device_table::get(tx, Some(&keys.rows), &frame.device))?;
        let paired = paired.ok_or(CompanionError::Unknown {
            what: "a paired device with this id",
        })?;
        let reading = show::from_frame(frame, &paired, self.install, self.zone())?;
        let added = self.keep(&reading, Some(&paired.handle), now)?;
        Ok(Submitted {
            reading: reading.id.to_string(),
            new: added == Added::New,
        })
    }

    pub(crate) fn prepare_recovery(&mut self) -> Result<RecoverySheet, CompanionError> {
        if self
            .engine
            .link
            .as_ref()
            .is_some_and(|link| link.state != LinkState::Ended)
        {
            return Err(CompanionError::AlreadyJoined);
        }
        let sheet =
            RecoverySheet::generate().map_err(|_| CompanionError::internal("no random bytes"))?;
        let recipient = sheet.recipient().to_string();
        self.engine
            .db
            .write(|tx| meta::set(tx, RECOVERY_NEXT, recipient.as_bytes()))?;
        Ok(sheet)
    }

    /// Keys first, durably; then the link's row. What follows is the engine's.
    pub(crate) fn join(
        &mut self,
        invite: &str,
        options: &JoinOptions,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let invite = Invite::parse(invite.trim()).map_err(CompanionError::input)?;
        check_label(&options.label)?;
        let Some(keys) = self.engine.keys.get_mut() else {
            return Err(CompanionError::Locked);
        };
        if self
            .engine
            .link
            .as_ref()
            .is_some_and(|link| link.state != LinkState::Ended)
        {
            return Err(CompanionError::AlreadyJoined);
        }
        let (up, down) = (invite.up(), invite.down());
        keys.make_link(self.vault.as_ref(), &invite)?;
        fault::point("companion.link_keys");
        let request = self.engine.db.write(|tx| -> Result<_, CompanionError> {
            let recovery =
                meta::get(tx, RECOVERY_NEXT)?.and_then(|bytes| String::from_utf8(bytes).ok());
            let request = request::new(tx, "join", now)?;
            let new = NewLink {
                up,
                down,
                root: invite.root(),
                relay: invite.relay(),
                roster_at_least: invite.roster(),
                expires: invite.expires(),
                label: &options.label,
                recovery: recovery.as_deref(),
                request,
            };
            link::insert(tx, &new)?;
            Ok(request)
        })?;
        fault::point("companion.joining");
        self.engine.reload_link()?;
        self.engine.changed(&[Topic::Status, Topic::Requests]);
        self.engine.input(Event::Wanted(Line::Send), now);
        Ok(request)
    }

    pub(crate) fn dismiss(&mut self, request: RequestId) -> Result<(), CompanionError> {
        self.engine.db.write(|tx| request::dismiss(tx, request))?;
        self.engine.changed(&[Topic::Requests]);
        Ok(())
    }

    pub(crate) fn new_request(
        &mut self,
        kind: &str,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let id = self.engine.db.write(|tx| request::new(tx, kind, now))?;
        self.engine.changed(&[Topic::Requests]);
        Ok(id)
    }

    pub(crate) fn finish_request(
        &mut self,
        id: RequestId,
        outcome: Result<Option<&str>, (&str, &str)>,
    ) -> Result<(), CompanionError> {
        self.engine.db.write(|tx| match outcome {
            Ok(result) => request::done(tx, Some(id), result),
            Err((code, text)) => request::fail(tx, Some(id), code, text),
        })?;
        self.engine.changed(&[Topic::Requests]);
        Ok(())
    }

    // The read side.

    pub(crate) fn view(&self, topic: Topic, clock_offset_ms: i64) -> Result<View, CompanionError> {
        Ok(match topic {
            Topic::Status => {
                let findings = self.engine.db.read(finding::all)?;
                let spooled = self.spool.len()?;
                View::Status(show::status(
                    &self.engine,
                    self.install,
                    findings,
                    spooled,
                    clock_offset_ms,
                ))
            }
            Topic::Devices => View::Devices(self.devices()?),
            Topic::Queue => View::Queue(self.queue()?),
            Topic::Requests => View::Requests(self.requests()?),
            // The sessions know what is near; without them nothing is.
            Topic::Found => View::Found(Vec::new()),
        })
    }

    pub(crate) fn found_changed(&mut self) {
        self.engine.changed(&[Topic::Found]);
    }

    pub(crate) fn devices(&self) -> Result<Vec<DeviceView>, CompanionError> {
        Ok(self.paired()?.iter().map(device_table::view).collect())
    }

    pub(crate) fn queue(&self) -> Result<QueueView, CompanionError> {
        let up = self.engine.link.as_ref().map(|link| link.up);
        let mut queue = self.engine.db.read(|tx| journal::queue(tx, up))?;
        queue.trouble = self.engine.trouble()?;
        Ok(queue)
    }

    pub(crate) fn history(
        &self,
        query: &HistoryQuery,
        cursor: Option<Cursor>,
    ) -> Result<HistoryPage, CompanionError> {
        let keys = self.engine.keys.get().ok_or(CompanionError::Locked)?;
        self.engine
            .db
            .read(|tx| journal::page(tx, &keys.rows, query, cursor))
    }

    fn try_unlock(&mut self, now: Time) -> bool {
        if self.engine.keys.get().is_some() {
            return false;
        }
        let opened = keys::load(self.vault.as_ref()).and_then(|mut keys| {
            if let Keys::Open(open) = &mut keys {
                open.load_link(self.vault.as_ref(), &self.engine.db)?;
            }
            Ok(keys)
        });
        let Ok(keys @ Keys::Open(_)) = opened else {
            return false;
        };
        self.engine.keys = keys;
        let settled = self
            .engine
            .reload_link()
            .and_then(|()| self.drain_spool(now));
        if let Err(error) = settled {
            tracing::warn!(%error, "after the unlock");
        }
        self.engine.changed(&Topic::ALL);
        for line in [Line::Send, Line::Collect, Line::Rosters, Line::Live] {
            self.engine.input(Event::Wanted(line), now);
        }
        true
    }

    /// The station promised to be heard by now and was not.
    fn tell_silence(&mut self, now: Time) -> Result<(), CompanionError> {
        let Some(link) = &self.engine.link else {
            return Ok(());
        };
        let (Some(since), Some(next_by)) = (link.heard_at, link.next_by) else {
            return Ok(());
        };
        let found = Finding::NoSignOfClinic {
            mailbox: link.down,
            since,
        };
        if next_by < now && self.engine.db.write(|tx| finding::note(tx, &found, now))? {
            self.engine.changed(&[Topic::Status]);
        }
        Ok(())
    }

    /// Once the clinic has answered the join, nothing needs the invite's secret any more.
    fn forget_invite(&mut self) {
        let welcome = [LinkState::Pending, LinkState::Confirmed];
        let joined = self
            .engine
            .link
            .as_ref()
            .is_some_and(|link| welcome.contains(&link.state));
        if let (true, Some(keys)) = (joined, self.engine.keys.get_mut())
            && let Err(error) = keys.forget_invite(self.vault.as_ref())
        {
            tracing::warn!(%error, "forgetting an invite");
        }
    }
}

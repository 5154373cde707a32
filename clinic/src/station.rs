//! The station itself: database, keys, rosters, and what people and letters do to them. No sockets: the edges
//! (`office`, `http`) call it with `now` and random bytes.

use crate::accounts;
use crate::changes::Changes;
use crate::error::ClinicError;
use crate::keys::{self, StationKeys};
use crate::mail::open::{Desk, News};
use crate::mail::{open, seal};
use crate::tables;
use crate::{letters, link};
use post::inbox;
use std::path::{Path, PathBuf};
use store::rusqlite::{OptionalExtension as _, params};
use store::{Database, Tx};
use tokio::sync::Notify;
use vault::Sensitive;
use wire::roster::RosterChain;
use wire::{MailboxId, PublicKey, Time};

/// The database's file in the data folder.
pub(crate) const DATABASE: &str = "station.db";

/// One station, open.
#[derive(Debug)]
pub(crate) struct Station {
    pub dir: PathBuf,
    pub db: Database,
    pub keys: StationKeys,
    pub rosters: RosterChain,
    pub roster_since: Time,
    pub zone: String,
    pub restored: bool,
    pub changes: Changes,
    /// Rung when there may be something to send.
    pub to_send: Notify,
    /// Rung when relays have to be told of links.
    pub relay: std::sync::Mutex<RelayState>,
}

/// What the console shows of the relay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelayState {
    pub reached: bool,
    pub since: Time,
    pub last_contact: Option<Time>,
}

impl Station {
    /// Opens a station's data folder. The caller holds its lock.
    pub(crate) fn open(
        dir: &Path,
        passphrase: Option<&Sensitive<String>>,
        now: Time,
    ) -> Result<Self, ClinicError> {
        let path = dir.join(DATABASE);
        if !path.is_file() {
            return Err(ClinicError::Setup(format!(
                "there is no clinic in {}: make one with `teleward clinic init`, or bring one back with `teleward clinic restore`",
                dir.display()
            )));
        }
        let keys = StationKeys::load(&keys::open(dir, passphrase)?)?;
        let db = Database::open(&path, tables::SCHEMA)?;
        let (rosters, roster_since, zone, restored) = db.read(|tx| {
            let (rosters, since) = read_rosters(tx)?;
            let zone = meta(tx, "zone")?.ok_or(ClinicError::Kept("no zone"))?;
            Ok::<_, ClinicError>((rosters, since, zone, meta(tx, "restored_at")?.is_some()))
        })?;
        db.read(|tx| match crate::audit::first_broken(tx)? {
            Some(n) => Err(ClinicError::Setup(format!(
                "the audit log was changed at line {n}; keep this data folder as evidence and restore the last backup elsewhere"
            ))),
            None => Ok(()),
        })?;
        let relay = std::sync::Mutex::new(RelayState {
            reached: false,
            since: now,
            last_contact: None,
        });
        Ok(Self {
            dir: dir.to_owned(),
            db,
            keys,
            rosters,
            roster_since,
            zone,
            restored,
            changes: Changes::default(),
            to_send: Notify::new(),
            relay,
        })
    }

    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            keys: &self.keys,
            rosters: &self.rosters,
            roster_since: self.roster_since,
            restored: self.restored,
        }
    }

    /// The relay that invites name and mail is collected from first.
    pub(crate) fn relay_url(&self) -> Result<String, ClinicError> {
        let newest = self
            .rosters
            .newest()
            .ok_or(ClinicError::Kept("no roster"))?;
        let active = newest
            .roster
            .relays
            .iter()
            .find(|r| r.state == wire::roster::RelayState::Active);
        active
            .map(|relay| relay.url.clone())
            .ok_or(ClinicError::Kept("no relay"))
    }

    /// Opens the next fetched letter, if there is one; returns whether there was.
    pub(crate) fn consume_next(&self, now: Time) -> Result<bool, ClinicError> {
        let outcome = self.db.write(|tx| {
            let Some((entry, bytes)) = inbox::next_to_consume(tx, None)? else {
                return Ok(None);
            };
            let news = open::consume(tx, &self.desk(), entry.mailbox, entry.id, &bytes, now)?;
            inbox::consumed(tx, &entry, now)?;
            fault::point("clinic.opened");
            Ok::<_, ClinicError>(Some((patient_of(tx, entry.mailbox)?, news)))
        })?;
        let Some((patient, news)) = outcome else {
            return Ok(false);
        };
        fault::point("clinic.stored");
        self.changes.tell_news(patient, news);
        Ok(true)
    }

    /// What time alone brings: grace times that end, phones that are overdue, letters that wait for a day.
    pub(crate) fn look_again(&self, now: Time) -> Result<(), ClinicError> {
        let due = self.db.read(|tx| open::to_look_at(tx, now))?;
        for up in due {
            let (patient, news) = self.db.write(|tx| {
                let news = open::look_again(tx, &self.desk(), up, now)?;
                Ok::<_, ClinicError>((patient_of(tx, up)?, news))
            })?;
            self.changes.tell_news(patient, news);
        }
        // queued by a command beside this process
        if self.db.read(letters::any_waits)? {
            self.to_send.notify_one();
        }
        Ok(())
    }

    /// Seals what links have to say, one link a transaction. Returns how many letters.
    pub(crate) fn seal_due(&self, now: Time) -> Result<u64, ClinicError> {
        let beat_before = now.minus(seal::beat_every(&self.desk()));
        let due = self.db.read(|tx| letters::due(tx, now, beat_before))?;
        let mut count = 0;
        for up in due {
            count += self
                .db
                .write(|tx| seal::seal_due(tx, &self.desk(), up, now))?;
        }
        Ok(count)
    }

    pub(crate) fn told(&self, up: MailboxId, news: News) -> Result<(), ClinicError> {
        let patient = self.db.read(|tx| patient_of(tx, up))?;
        self.changes.tell_news(patient, news);
        Ok(())
    }

    /// Tells what concerns no single patient.
    pub(crate) fn told_all(&self, news: News) {
        self.changes.tell_news(None, news);
    }

    /// The relay answered, or did not. Told only when that changes.
    pub(crate) fn relay_reached(&self, reached: bool, now: Time) {
        let changed = {
            let mut state = self
                .relay
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let changed = state.reached != reached || state.last_contact.is_none() && reached;
            if changed {
                (state.reached, state.since) = (reached, now);
            }
            if reached {
                state.last_contact = Some(now);
            }
            changed
        };
        if changed {
            self.changes.tell([], [crate::changes::Topic::Status]);
        }
    }

    /// A link that signs the first administrator in, while nobody has signed in yet.
    pub(crate) fn first_link(
        &self,
        token: [u8; 32],
        now: Time,
    ) -> Result<Option<String>, ClinicError> {
        self.db.write(|tx| match accounts::first_start(tx)? {
            Some(account) => {
                accounts::make_link(tx, &account, token, crate::audit::STATION, now).map(Some)
            }
            None => Ok(None),
        })
    }
}

/// The patient whose link this is.
pub(crate) fn patient_of(tx: &Tx<'_>, up: MailboxId) -> Result<Option<String>, ClinicError> {
    Ok(link::load(tx, up)?.map(|link| link.patient))
}

/// One remark about the whole station.
pub(crate) fn meta(tx: &Tx<'_>, key: &str) -> Result<Option<String>, ClinicError> {
    Ok(tx
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?)
}

pub(crate) fn set_meta(tx: &Tx<'_>, key: &str, value: &str) -> Result<(), ClinicError> {
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        params![key, value],
    )?;
    Ok(())
}

/// The rosters as they are kept, and since when the newest is here.
pub(crate) fn read_rosters(tx: &Tx<'_>) -> Result<(RosterChain, Time), ClinicError> {
    let root: PublicKey = meta(tx, "root")?
        .and_then(|text| text.parse().ok())
        .ok_or(ClinicError::Kept("no clinic root"))?;
    let mut chain = RosterChain::pinned(root);
    let mut rows = tx.prepare("SELECT jws, held_at FROM roster ORDER BY n")?;
    let mut since = Time::from_ms(0);
    let rows = rows.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    for row in rows {
        let (jws, held_at) = row?;
        chain
            .feed(&jws)
            .map_err(|_| ClinicError::Kept("a roster"))?;
        since = Time::from_ms(held_at);
    }
    if chain.newest().is_none() {
        return Err(ClinicError::Kept("no roster"));
    }
    Ok((chain, since))
}

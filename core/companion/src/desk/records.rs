//! Records of devices: kept at once wherever they can be, made readings when their device is known; the spool.

use super::Desk;
use crate::captured::{self, Spooled};
use crate::device_table::{self, Paired, Who};
use crate::engine::Event;
use crate::error::CompanionError;
use crate::finding;
use crate::journal::{self, Owner};
use crate::models;
use crate::person::People;
use crate::show;
use crate::trace_table;
use crate::view::{Topic, TraceView};
use device::{
    CapturedRecord, DeviceHandle, Manner, Met, QuirkTable, ReasonCode, SessionFacts, SessionReport,
    StoredMark, Trace,
};
use post::Line;
use wire::Time;

/// Records held in memory while the disk takes nothing: more than a cuff stores.
const UNWRITTEN_MOST: usize = 1000;

impl Desk {
    pub(super) fn write_spool(&mut self, entry: &Spooled) -> Result<(), CompanionError> {
        fault::point("companion.spool");
        self.spool.put(wire::json::to_string(entry).as_bytes())?;
        fault::point("companion.spooled");
        self.engine.changed(&[Topic::Status]);
        Ok(())
    }

    /// Keeps raw records the moment they arrive; they become readings by [`Desk::settle`]. The device has been told that
    /// they arrived and will not send them again: what cannot be written now is held and tried again.
    pub(crate) fn capture(&mut self, records: &[CapturedRecord], now: Time) {
        if let Err(error) = self.write_records(records, now) {
            tracing::warn!(%error, "keeping records");
            self.engine.contact.trouble = Some(error.to_string());
            self.engine.changed(&[Topic::Status, Topic::Queue]);
            let room = UNWRITTEN_MOST.saturating_sub(self.unwritten.len());
            self.unwritten.extend(records.iter().take(room).cloned());
        }
    }

    fn write_records(
        &mut self,
        records: &[CapturedRecord],
        now: Time,
    ) -> Result<(), CompanionError> {
        let keys = self.engine.keys.get().filter(|_| !self.is_paused());
        // Paused, the database is closed; the spool is not.
        let Some(keys) = keys else {
            // One that is in the spool already and is held too becomes one record again by its connection and number.
            return records
                .iter()
                .try_for_each(|record| self.write_spool(&Spooled::Record(record.clone())));
        };
        self.engine.db.write(|tx| {
            records
                .iter()
                .try_for_each(|record| captured::keep(tx, &keys.rows, record, now))
        })?;
        fault::point("companion.captured");
        Ok(())
    }

    pub(super) fn write_held_records(&mut self, now: Time) {
        let held: Vec<CapturedRecord> = self.unwritten.drain(..).collect();
        if !held.is_empty() && self.write_records(&held, now).is_err() {
            self.unwritten.extend(held);
        }
    }

    /// Makes readings of a connection's records, with what its session has learnt.
    pub(crate) fn settle(
        &mut self,
        connection: [u8; 16],
        facts: &SessionFacts,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(keys) = self.engine.keys.get().filter(|_| !self.is_paused()) else {
            return self.write_spool(&Spooled::Facts {
                connection,
                facts: Box::new(facts.clone()),
            });
        };
        let install = self.install;
        let new = self
            .engine
            .db
            .write(|tx| captured::settle(tx, &keys.rows, install, &connection, facts, now))?;
        fault::point("companion.settled");
        self.has_new(new, now);
        Ok(())
    }

    /// Makes readings of records that wait for a session which is not `running`, or for too long.
    pub(crate) fn settle_old(
        &mut self,
        running: &[[u8; 16]],
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(keys) = self.engine.keys.get().filter(|_| !self.is_paused()) else {
            return Ok(());
        };
        if self.engine.db.read(captured::is_empty)? {
            return Ok(());
        }
        let install = self.install;
        let new = self
            .engine
            .db
            .write(|tx| captured::settle_old(tx, &keys.rows, install, running, now))?;
        self.has_new(new, now);
        Ok(())
    }

    pub(super) fn has_new(&mut self, readings: u32, now: Time) {
        if readings > 0 {
            self.engine.changed(&[Topic::Queue, Topic::Requests]);
            self.engine.input(Event::Wanted(Line::Send), now);
        }
    }

    /// The table of models that counts.
    pub(crate) fn models(&self) -> Result<QuirkTable, CompanionError> {
        self.engine.db.read(models::current)
    }

    /// How to treat a device of which so much is known.
    pub(crate) fn manner(&self, met: &Met) -> Result<Manner, CompanionError> {
        Ok(Manner::of(&self.models()?, met))
    }

    pub(crate) fn paired(&self) -> Result<Vec<Paired>, CompanionError> {
        let key = self.engine.keys.get().map(|keys| &keys.rows);
        self.engine.db.read(|tx| device_table::all(tx, key))
    }

    /// Fixes a device's identity for good.
    pub(crate) fn save_device(
        &mut self,
        handle: &DeviceHandle,
        name: Option<String>,
        bonded: bool,
        facts: &SessionFacts,
        now: Time,
    ) -> Result<String, CompanionError> {
        let keys = self.engine.keys.get().ok_or(CompanionError::Locked)?;
        let who = Who {
            name,
            facts: facts.device.clone(),
            identity: captured::identity_of(&facts.device, handle),
            stored: StoredMark::default(),
            people: People::default(),
        };
        let id = self.engine.db.write(|tx| {
            // A device that is paired again keeps the identity that stands in its readings.
            let before = device_table::get(tx, Some(&keys.rows), &device_table::id_of(handle))?;
            let who = match before.and_then(|paired| paired.who) {
                Some(before) => Who {
                    identity: before.identity,
                    stored: before.stored,
                    people: before.people,
                    ..who.clone()
                },
                None => who.clone(),
            };
            device_table::save(tx, &keys.rows, handle, bonded, &who, now)
        })?;
        fault::point("companion.paired");
        self.engine.changed(&[Topic::Devices]);
        Ok(id)
    }

    /// Keeps how far a device's stored records were taken. While the keys are out of reach it is not kept: then they are
    /// taken once more, and each stays one reading by its id.
    pub(crate) fn records_taken(
        &mut self,
        id: &str,
        mark: &StoredMark,
    ) -> Result<(), CompanionError> {
        let Some(keys) = self.engine.keys.get().filter(|_| !self.is_paused()) else {
            return Ok(());
        };
        // What was delivered before is durable only if all of it could be written.
        if !self.unwritten.is_empty() {
            return Ok(());
        }
        self.engine
            .db
            .write(|tx| device_table::set_mark(tx, &keys.rows, id, mark))
    }

    pub(crate) fn device_learnt(
        &mut self,
        id: &str,
        facts: &SessionFacts,
        now: Time,
    ) -> Result<(), CompanionError> {
        let offset = show::offset_min(self.zone(), now)?;
        self.engine
            .db
            .write(|tx| device_table::learnt(tx, id, facts, offset, now))?;
        self.engine.changed(&[Topic::Devices]);
        Ok(())
    }

    pub(crate) fn device_ended(
        &mut self,
        id: &str,
        report: &SessionReport,
        now: Time,
    ) -> Result<(), CompanionError> {
        self.engine
            .db
            .write(|tx| device_table::ended(tx, id, report, now))?;
        self.engine.changed(&[Topic::Devices]);
        Ok(())
    }

    /// Keeps a session's trace, unless the keys are out of reach.
    pub(crate) fn keep_trace(
        &mut self,
        device: Option<&str>,
        reason: ReasonCode,
        trace: &Trace,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(keys) = self.engine.keys.get().filter(|_| !self.is_paused()) else {
            return Ok(());
        };
        self.engine
            .db
            .write(|tx| trace_table::keep(tx, &keys.rows, device, reason.code(), trace, now))
    }

    pub(crate) fn traces(&self) -> Result<Vec<TraceView>, CompanionError> {
        self.engine.db.read(trace_table::all)
    }

    pub(crate) fn trace(&self, id: i64) -> Result<String, CompanionError> {
        let keys = self.engine.keys.get().ok_or(CompanionError::Locked)?;
        self.engine
            .db
            .read(|tx| trace_table::get(tx, &keys.rows, id))
    }

    pub(crate) fn forget_device(&mut self, id: &str) -> Result<(), CompanionError> {
        if !self.engine.db.write(|tx| device_table::remove(tx, id))? {
            return Err(CompanionError::Unknown {
                what: "a paired device with this id",
            });
        }
        self.engine.changed(&[Topic::Devices]);
        Ok(())
    }

    /// Moves what was kept while locked into the journal: first the commit, then the file goes, so that a crash in
    /// between repeats and the reading's id makes it one.
    pub(super) fn drain_spool(&mut self, now: Time) -> Result<(), CompanionError> {
        let Some(keys) = self.engine.keys.get() else {
            return Ok(());
        };
        let (db, install) = (&self.engine.db, self.install);
        let drained = self
            .spool
            .drain(&keys.own, |id, body| -> Result<(), CompanionError> {
                db.write(|tx| match serde_json::from_slice(body.expose()) {
                    Ok(Spooled::Reading(reading)) => {
                        journal::add(tx, &keys.rows, &reading, &Owner::PATIENT, now).map(drop)
                    }
                    Ok(Spooled::Record(record)) => captured::keep(tx, &keys.rows, &record, now),
                    Ok(Spooled::Facts { connection, facts }) => {
                        captured::settle(tx, &keys.rows, install, &connection, &facts, now)
                            .map(drop)
                    }
                    Err(_) => finding::note_own(tx, finding::LOST_ROW, &id.to_string(), now),
                })?;
                fault::point("companion.spool_drained");
                Ok(())
            })?;
        if drained.set_aside > 0 {
            self.engine
                .db
                .write(|tx| finding::note_own(tx, finding::LOST_ROW, "spool", now))?;
        }
        if drained.taken > 0 {
            self.engine.changed(&[Topic::Queue, Topic::Status]);
            self.engine.input(Event::Wanted(Line::Send), now);
        }
        Ok(())
    }
}

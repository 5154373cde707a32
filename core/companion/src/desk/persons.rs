//! What the patient says about whose readings are: data commands, each one transaction.

use super::Desk;
use crate::engine::Event;
use crate::error::CompanionError;
use crate::journal;
use crate::keys::InstallKeys;
use crate::person;
use crate::request;
use crate::view::{Answer, Person, RequestId, RequestView, Topic, UserChoice};
use device::{SessionFacts, UserPlan};
use post::Line;
use reading::ReadingId;
use store::Tx;
use wire::Time;

impl Desk {
    pub(crate) fn requests(&self) -> Result<Vec<RequestView>, CompanionError> {
        let key = self.engine.keys.get().map(|keys| &keys.rows);
        self.engine.db.read(|tx| {
            let questions = person::questions(tx, key)?;
            request::all(tx, questions)
        })
    }

    pub(crate) fn answer(
        &mut self,
        question: RequestId,
        answer: Answer,
        now: Time,
    ) -> Result<u32, CompanionError> {
        self.say(now, |tx, keys| {
            person::answer(tx, &keys.rows, question, answer, now)
        })
    }

    pub(crate) fn slot_is(
        &mut self,
        device: &str,
        slot: u8,
        person: Person,
        now: Time,
    ) -> Result<u32, CompanionError> {
        self.say(now, |tx, keys| {
            person::slot_is(tx, &keys.rows, device, slot, person, now)
        })
    }

    /// Keeps what the patient wants to be on a device.
    pub(crate) fn use_user(
        &mut self,
        device: &str,
        choice: UserChoice,
        now: Time,
    ) -> Result<(), CompanionError> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|_| CompanionError::internal("no random bytes"))?;
        // Four bytes over 10,000 codes: the bias is below one in 400,000.
        let fresh = u16::try_from(u32::from_be_bytes(random) % 10_000).unwrap_or(0);
        self.say(now, |tx, keys| {
            person::want(tx, &keys.rows, device, choice, fresh)
        })
    }

    /// Keeps what a session learnt of a device's users. While the keys are out of reach it is not kept: the next one learns
    /// it again.
    pub(crate) fn users_learnt(
        &mut self,
        device: &str,
        plan: UserPlan,
        facts: &SessionFacts,
    ) -> Result<(), CompanionError> {
        let keys = self.engine.keys.get().filter(|_| !self.is_paused());
        let (Some(keys), Some(users)) = (keys, facts.users) else {
            return Ok(());
        };
        self.engine
            .db
            .write(|tx| person::learnt(tx, &keys.rows, device, plan, users))?;
        self.engine.changed(&[Topic::Devices]);
        Ok(())
    }

    pub(crate) fn reading_is(
        &mut self,
        reading: &str,
        person: Person,
        now: Time,
    ) -> Result<(), CompanionError> {
        let id: ReadingId = reading.parse().map_err(CompanionError::input)?;
        self.say(now, |tx, _| {
            journal::settle(tx, id, person, None, now)?;
            person::close_empty(tx)
        })
    }

    fn say<T>(
        &mut self,
        now: Time,
        write: impl FnOnce(&Tx<'_>, &InstallKeys) -> Result<T, CompanionError>,
    ) -> Result<T, CompanionError> {
        if self.is_paused() {
            return Err(CompanionError::Paused);
        }
        let keys = self.engine.keys.get().ok_or(CompanionError::Locked)?;
        let said = self.engine.db.write(|tx| write(tx, keys))?;
        self.engine
            .changed(&[Topic::Requests, Topic::Queue, Topic::Devices]);
        self.engine.input(Event::Wanted(Line::Send), now);
        Ok(said)
    }
}

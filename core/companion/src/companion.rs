//! The face: one handle, any number of clones of its parts behind it, one actor on one thread.
//!
//! Every method is `async` and works in any executor: it hands a command to the actor and waits for the answer. A
//! cancelled wait cancels nothing that was begun. Dropping the handle ends the actor.

use crate::actor::{self, Command, Start};
use crate::change::{ChangeWatch, Changes, Revision};
use crate::config::Config;
use crate::error::CompanionError;
use crate::input::{Frame, JoinOptions, ManualReading, Network, Submitted};
use crate::view::{
    Answer, Cursor, DrainReport, HistoryPage, HistoryQuery, Person, RequestId, Topic, TraceView,
    UserChoice, View,
};
use device::Radio;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use vault::{KeyVault, RecoverySheet};

/// What the platform lends to the companion.
pub struct Ports {
    /// Where keys are kept.
    pub key_vault: Arc<dyn KeyVault>,
    /// What reaches devices, if anything does.
    pub radio: Option<Arc<dyn Radio>>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports")
            .field("radio", &self.radio.is_some())
            .finish_non_exhaustive()
    }
}

/// The core running for one patient on one install.
#[derive(Debug)]
pub struct Companion {
    commands: mpsc::Sender<Command>,
    changes: ChangeWatch,
}

/// Commands that may wait for the actor at once; a caller beyond that waits its turn.
const WAITING_COMMANDS: usize = 64;

impl Companion {
    /// Opens the data folder, making it at the first start, and begins to work. The only constructor.
    ///
    /// # Errors
    /// [`CompanionError::InUse`], [`CompanionError::UpdateNeeded`], [`CompanionError::KeysMissing`],
    /// [`CompanionError::DiskFull`], [`CompanionError::Storage`]; [`CompanionError::Locked`] only at the very first
    /// start, when there are no keys yet. Later, a locked device opens, and readings go to the spool.
    pub fn open(config: Config, ports: Ports) -> Result<Self, CompanionError> {
        let (commands, inbox) = mpsc::channel(WAITING_COMMANDS);
        let changes = actor::start(Start {
            config,
            ports,
            commands: inbox,
        })?;
        Ok(Self { commands, changes })
    }

    /// One topic's present state.
    ///
    /// # Errors
    /// [`CompanionError::Paused`], [`CompanionError::Closed`], or those of the database.
    pub async fn view(&self, topic: Topic) -> Result<View, CompanionError> {
        self.ask(|reply| Command::View { topic, reply }).await
    }

    /// A page of the journal, newest first.
    ///
    /// # Errors
    /// [`CompanionError::Locked`] while the keys are out of reach; otherwise as for [`Companion::view`].
    pub async fn history(
        &self,
        query: HistoryQuery,
        cursor: Option<Cursor>,
    ) -> Result<HistoryPage, CompanionError> {
        self.ask(|reply| Command::History {
            query,
            cursor,
            reply,
        })
        .await
    }

    /// Waits until something changed after `after`; start with `Revision(0)`. Any number of consumers may wait, each
    /// with its own revision.
    ///
    /// # Errors
    /// [`CompanionError::Closed`].
    pub async fn next_change(&self, after: Revision) -> Result<Changes, CompanionError> {
        self.changes.next(after).await.ok_or(CompanionError::Closed)
    }

    /// Makes the patient's recovery key. The sheet (words and QR) is shown once and kept nowhere; its public half is
    /// named in the next [`Companion::join`].
    ///
    /// # Errors
    /// [`CompanionError::AlreadyJoined`], since only a person at the clinic can change it later.
    pub async fn prepare_recovery(&self) -> Result<RecoverySheet, CompanionError> {
        self.ask(|reply| Command::PrepareRecovery { reply }).await
    }

    /// Joins the clinic of an invite. The request is done when the relay has the join; the check words stand in
    /// `view(status)` as soon as it is sealed.
    ///
    /// # Errors
    /// [`CompanionError::BadInput`] for something that is no invite or has expired, [`CompanionError::AlreadyJoined`],
    /// [`CompanionError::Locked`].
    pub async fn join(
        &self,
        invite: &str,
        options: JoinOptions,
    ) -> Result<RequestId, CompanionError> {
        let invite = invite.to_owned();
        self.ask(|reply| Command::Join {
            invite,
            options,
            reply,
        })
        .await
    }

    /// Keeps a typed reading; returns its id after the commit.
    ///
    /// # Errors
    /// [`CompanionError::BadInput`], or those of the database.
    pub async fn record_manual(&self, manual: ManualReading) -> Result<String, CompanionError> {
        self.ask(|reply| Command::RecordManual { manual, reply })
            .await
    }

    /// Keeps a measurement that the shell took from a device itself; returns after the commit.
    ///
    /// # Errors
    /// [`CompanionError::BadInput`] for a frame that cannot be decoded, or those of the database.
    pub async fn submit_frame(&self, frame: Frame) -> Result<Submitted, CompanionError> {
        self.ask(|reply| Command::SubmitFrame { frame, reply })
            .await
    }

    /// Looks for a device that is ready to pair, pairs with it and takes what it holds. The request's result is the
    /// device's id.
    ///
    /// # Errors
    /// [`CompanionError::NoRadio`], or those of the database.
    pub async fn pair(&self, timeout: Duration) -> Result<RequestId, CompanionError> {
        self.ask(|reply| Command::Pair { timeout, reply }).await
    }

    /// Looks around for devices, for so long; they stand in `view(found)` as they are found, the nearest first, until the
    /// next look. The request is done when the look has ended.
    ///
    /// # Errors
    /// As for [`Companion::pair`].
    pub async fn look(&self, timeout: Duration) -> Result<RequestId, CompanionError> {
        self.ask(|reply| Command::Look { timeout, reply }).await
    }

    /// Pairs with a device that stands in `view(found)`, and takes what it holds; a look that still goes on ends. The
    /// request's result is the device's id.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`] when it is not there; otherwise as for [`Companion::pair`].
    pub async fn pair_with(&self, found: &str) -> Result<RequestId, CompanionError> {
        let found = found.to_owned();
        self.ask(|reply| Command::PairWith { found, reply }).await
    }

    /// Forgets a paired device; its readings stay.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`].
    pub async fn forget(&self, device: &str) -> Result<RequestId, CompanionError> {
        let device = device.to_owned();
        self.ask(|reply| Command::Forget { device, reply }).await
    }

    /// Answers a question of `view(requests)`: the readings under it are settled, at the clinic too, and the answer about a
    /// slot is remembered for this device. Returns after the commit, with the number of readings.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`] when it does not stand open: it was answered, or there are further readings under a newer
    /// one; [`CompanionError::Locked`], or those of the database.
    pub async fn answer(&self, question: RequestId, answer: Answer) -> Result<u32, CompanionError> {
        self.ask(|reply| Command::Answer {
            question,
            answer,
            reply,
        })
        .await
    }

    /// Says whose a device's slot is, from now on, also when that was said otherwise before. A question about it is answered
    /// by this; readings that were settled earlier stay as they are. Returns after the commit, with the number of readings.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`], [`CompanionError::BadInput`] for 255, [`CompanionError::Locked`].
    pub async fn slot_is(
        &self,
        device: &str,
        slot: u8,
        person: Person,
    ) -> Result<u32, CompanionError> {
        let device = device.to_owned();
        self.ask(|reply| Command::SlotIs {
            device,
            slot,
            person,
            reply,
        })
        .await
    }

    /// Says which of a device's users the patient is, where the device keeps its users apart by codes (a notice of
    /// `view(devices)` says `user_unsaid`). Returns after the commit; the device's next session registers or agrees, and its
    /// notices say what came of it.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`], [`CompanionError::BadInput`] for a code of more than four digits or user 255,
    /// [`CompanionError::Locked`].
    pub async fn use_user(&self, device: &str, choice: UserChoice) -> Result<(), CompanionError> {
        let device = device.to_owned();
        self.ask(|reply| Command::UseUser {
            device,
            choice,
            reply,
        })
        .await
    }

    /// *It was not me*: this reading is somebody else's. One that the clinic has, or will have, becomes void there with its
    /// trace kept; one that was never in a letter stays here. Returns after the commit; saying it twice is saying it once.
    ///
    /// There is one patient a companion: the reading does not go to the other person. Their own companion takes it from the
    /// device, or they type it.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`], [`CompanionError::BadInput`] for what is no id, or those of the database.
    pub async fn not_me(&self, reading: &str) -> Result<(), CompanionError> {
        self.reading_is(reading, Person::SomebodyElse).await
    }

    /// *It was me after all*: takes [`Companion::not_me`] back, or says of one reading that was asked about that it is the
    /// patient's.
    ///
    /// # Errors
    /// As for [`Companion::not_me`].
    pub async fn me(&self, reading: &str) -> Result<(), CompanionError> {
        self.reading_is(reading, Person::Me).await
    }

    async fn reading_is(&self, reading: &str, person: Person) -> Result<(), CompanionError> {
        let reading = reading.to_owned();
        self.ask(|reply| Command::ReadingIs {
            reading,
            person,
            reply,
        })
        .await
    }

    /// The newest sessions with devices that were written down, newest first.
    ///
    /// # Errors
    /// [`CompanionError::Paused`], [`CompanionError::Closed`], or those of the database.
    pub async fn traces(&self) -> Result<Vec<TraceView>, CompanionError> {
        self.ask(|reply| Command::Traces { reply }).await
    }

    /// One of them, as NDJSON (`docs/formats/trace.md`).
    ///
    /// # Errors
    /// [`CompanionError::Unknown`], or [`CompanionError::Locked`] while the keys are out of reach.
    pub async fn trace(&self, id: i64) -> Result<String, CompanionError> {
        self.ask(|reply| Command::Trace { id, reply }).await
    }

    /// Removes a finished request from `view(requests)`.
    ///
    /// # Errors
    /// [`CompanionError::Unknown`].
    pub async fn dismiss(&self, request: RequestId) -> Result<(), CompanionError> {
        self.ask(|reply| Command::Dismiss { request, reply }).await
    }

    /// Ends all work, writes the database's log back and closes it, so that the system can suspend the process.
    /// Returns when that is done; at the latest after `deadline`, when it goes on in the background.
    ///
    /// # Errors
    /// Those of the database; it is closed all the same.
    pub async fn pause(&self, deadline: Duration) -> Result<(), CompanionError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::Pause { deadline, reply })
            .await
            .map_err(|_| CompanionError::Closed)?;
        answer.await.map_err(|_| CompanionError::Closed)?
    }

    /// Opens the database again and goes on, also in a background launch.
    ///
    /// # Errors
    /// As for [`Companion::open`].
    pub async fn resume(&self) -> Result<(), CompanionError> {
        self.ask(|reply| Command::Resume { reply }).await
    }

    /// A hint that the network is another one, or gone. It only changes when things are tried.
    ///
    /// # Errors
    /// [`CompanionError::Closed`].
    pub async fn network_changed(&self, network: Network) -> Result<(), CompanionError> {
        self.ask(|reply| Command::NetworkChanged { network, reply })
            .await
    }

    /// Sends and collects what there is, for at most `budget`: what a background wake-up calls.
    ///
    /// # Errors
    /// [`CompanionError::Paused`], [`CompanionError::Closed`].
    pub async fn drain(&self, budget: Duration) -> Result<DrainReport, CompanionError> {
        self.ask(|reply| Command::Drain { budget, reply }).await
    }

    /// Ends all work and closes the data folder; returns when another process may open it.
    pub async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close { reply }).await.is_ok() {
            // Either the actor says that it has closed, or it is gone already.
            let _closed = answer.await;
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CompanionError>>) -> Command,
    ) -> Result<T, CompanionError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| CompanionError::Closed)?;
        answer.await.map_err(|_| CompanionError::Closed)?
    }
}

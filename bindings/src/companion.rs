//! The one object: open, read, be told, command, and the app's lifecycle.

use crate::TelewardError;
use crate::key_vault::{Foreign, KeyVault};
use crate::radio::{self, RadioAnswer, RadioEvent};
use crate::records::{
    self, Config, Frame, JoinOptions, ManualReading, NetworkHint, OpenRadio, Submitted,
};
use crate::views::{
    Answer, Changes, DrainReport, HistoryPage, HistoryQuery, Person, RecoverySheet, Topic, Trace,
    UserChoice, View,
};
use std::sync::{Arc, PoisonError, RwLock};

type Core = ::companion::Companion;

/// The core running for one patient on one install.
#[derive(Debug, uniffi::Object)]
pub struct Companion {
    open: RwLock<Option<Open>>,
}

/// What there is until it is shut down. The radio goes last: the core ends its links through it.
struct Open {
    core: Option<Arc<Core>>,
    radio: OpenRadio,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}

/// Opens the data folder, making it at the first start, and begins to work: the only constructor.
///
/// # Errors
/// `UnlockFirst` only at the very first start; `NotPossible` when another process has the folder; `UpdateApp`,
/// `FreeSpace`, `JoinFirst` (keys missing), `Fault`.
#[uniffi::export]
pub fn open(config: Config, key_vault: Arc<dyn KeyVault>) -> Result<Arc<Companion>, TelewardError> {
    let radio = OpenRadio::new(config.radio.as_ref())?;
    let ports = ::companion::Ports {
        key_vault: Arc::new(Foreign(key_vault)),
        radio: radio.port(),
    };
    let core = Some(Arc::new(Core::open((&config).into(), ports)?));
    Ok(Arc::new(Companion {
        open: RwLock::new(Some(Open { core, radio })),
    }))
}

impl Companion {
    fn core(&self) -> Result<Arc<Core>, TelewardError> {
        self.with(|open| open.core.clone().ok_or_else(closed))
    }

    fn with<T>(
        &self,
        what: impl FnOnce(&Open) -> Result<T, TelewardError>,
    ) -> Result<T, TelewardError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        what(open.as_ref().ok_or_else(closed)?)
    }

    fn change<T>(&self, what: impl FnOnce(&mut Option<Open>) -> T) -> T {
        what(&mut self.open.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn closed() -> TelewardError {
    ::companion::CompanionError::Closed.into()
}

#[uniffi::export]
impl Companion {
    /// One topic's present state.
    pub async fn view(&self, topic: Topic) -> Result<View, TelewardError> {
        Ok(self.core()?.view(topic.into()).await?.into())
    }

    /// A page of the journal, newest first; `cursor` is the page's `next`.
    pub async fn history(
        &self,
        query: HistoryQuery,
        cursor: Option<i64>,
    ) -> Result<HistoryPage, TelewardError> {
        Ok(self
            .core()?
            .history(query.into(), cursor.map(::companion::Cursor))
            .await?
            .into())
    }

    /// Waits until something changed after `revision`; start with 0. Any number of consumers, each with its own
    /// revision; a cancelled wait loses nothing.
    pub async fn next_change(&self, revision: u64) -> Result<Changes, TelewardError> {
        Ok(self
            .core()?
            .next_change(::companion::Revision(revision))
            .await?
            .into())
    }

    /// Makes the patient's recovery key. The sheet is shown once and kept nowhere.
    pub async fn prepare_recovery(&self) -> Result<RecoverySheet, TelewardError> {
        self.core()?.prepare_recovery().await?.try_into()
    }

    /// Joins the clinic of an invite. Gives a request's number; its outcome stays in `view(requests)`.
    pub async fn join(&self, invite: String, options: JoinOptions) -> Result<i64, TelewardError> {
        Ok(self
            .core()?
            .join(
                &invite,
                ::companion::JoinOptions {
                    label: options.label,
                },
            )
            .await?
            .0)
    }

    /// Keeps a typed reading; gives its id after the commit.
    pub async fn record_manual(&self, reading: ManualReading) -> Result<String, TelewardError> {
        Ok(self.core()?.record_manual(reading.into()).await?)
    }

    /// Keeps a measurement that the shell took itself; returns after the commit.
    pub async fn submit_frame(&self, frame: Frame) -> Result<Submitted, TelewardError> {
        let done = self.core()?.submit_frame(frame.into()).await?;
        Ok(Submitted {
            reading: done.reading,
            is_new: done.new,
        })
    }

    /// Looks for a device that is ready to pair, for at most so long. Gives a request's number.
    pub async fn pair(&self, timeout_ms: u64) -> Result<i64, TelewardError> {
        Ok(self.core()?.pair(records::span(timeout_ms)).await?.0)
    }

    /// Looks around for devices, for so long; they stand in `view(found)` as they are found. Gives a request's number.
    pub async fn look(&self, timeout_ms: u64) -> Result<i64, TelewardError> {
        Ok(self.core()?.look(records::span(timeout_ms)).await?.0)
    }

    /// Pairs with a device that stands in `view(found)`. Gives a request's number.
    pub async fn pair_with(&self, found: String) -> Result<i64, TelewardError> {
        Ok(self.core()?.pair_with(&found).await?.0)
    }

    /// The newest sessions with devices that were written down, newest first.
    pub async fn traces(&self) -> Result<Vec<Trace>, TelewardError> {
        let traces = self.core()?.traces().await?;
        Ok(traces.into_iter().map(Into::into).collect())
    }

    /// One of them as text, without values and identities unless the patient agreed to more.
    pub async fn trace(&self, id: i64) -> Result<String, TelewardError> {
        Ok(self.core()?.trace(id).await?)
    }

    /// Forgets a paired device; its readings stay. Gives a request's number.
    pub async fn forget(&self, device: String) -> Result<i64, TelewardError> {
        Ok(self.core()?.forget(&device).await?.0)
    }

    /// Answers a question of `view(requests)`; gives the number of readings that waited for it, after the commit.
    pub async fn answer(&self, question: i64, answer: Answer) -> Result<u32, TelewardError> {
        let question = ::companion::RequestId(question);
        Ok(self.core()?.answer(question, answer.into()).await?)
    }

    /// Says who a device's user is from now on; gives the number of readings that waited for it, after the commit.
    pub async fn slot_is(
        &self,
        device: String,
        slot: u8,
        person: Person,
    ) -> Result<u32, TelewardError> {
        Ok(self.core()?.slot_is(&device, slot, person.into()).await?)
    }

    /// Says which of a device's users the patient is, where the device keeps them apart by codes. Returns after the commit; the
    /// device's next session does it, and its notices say what came of it.
    pub async fn use_user(&self, device: String, choice: UserChoice) -> Result<(), TelewardError> {
        Ok(self.core()?.use_user(&device, choice.into()).await?)
    }

    /// It was not me: the reading becomes void at the clinic, its trace kept. Returns after the commit.
    pub async fn not_me(&self, reading: String) -> Result<(), TelewardError> {
        Ok(self.core()?.not_me(&reading).await?)
    }

    /// It was me after all. Returns after the commit.
    pub async fn me(&self, reading: String) -> Result<(), TelewardError> {
        Ok(self.core()?.me(&reading).await?)
    }

    /// Removes a finished request from `view(requests)`.
    pub async fn dismiss(&self, request: i64) -> Result<(), TelewardError> {
        Ok(self
            .core()?
            .dismiss(::companion::RequestId(request))
            .await?)
    }

    /// The shell's own radio answers a call that the core has started. An answer that nobody waits for any more is ignored.
    /// Returns at once, also from within that call.
    pub fn radio_answer(&self, call: u64, answer: RadioAnswer) -> Result<(), TelewardError> {
        let answer = radio::answer(answer)?;
        self.with(|open| {
            open.radio.own()?.answer(call, answer);
            Ok(())
        })
    }

    /// The shell's own radio tells what happened by itself. Values and the end of their link are told in the order in which
    /// they came, from one thread. Returns at once.
    pub fn radio_event(&self, event: RadioEvent) -> Result<(), TelewardError> {
        let event = radio::event(event)?;
        self.with(|open| {
            open.radio.own()?.tell(event);
            Ok(())
        })
    }

    /// Ends all work and closes the database, so that the system may suspend the process.
    pub async fn pause(&self, deadline_ms: u64) -> Result<(), TelewardError> {
        Ok(self.core()?.pause(records::span(deadline_ms)).await?)
    }

    /// Opens the database again and goes on, also in a background launch.
    pub async fn resume(&self) -> Result<(), TelewardError> {
        Ok(self.core()?.resume().await?)
    }

    /// The network is another one, or gone.
    pub async fn network_changed(&self, hint: NetworkHint) -> Result<(), TelewardError> {
        let hint = match hint {
            NetworkHint::Available => ::companion::Network::Available,
            NetworkHint::Gone => ::companion::Network::Gone,
        };
        Ok(self.core()?.network_changed(hint).await?)
    }

    /// Sends and collects what there is, for at most so long: what a background wake-up calls.
    pub async fn drain(&self, budget_ms: u64) -> Result<DrainReport, TelewardError> {
        Ok(self.core()?.drain(records::span(budget_ms)).await?.into())
    }

    /// Ends all work; returns when another process may open the data folder. Waits of other threads end with
    /// `ReopenFirst`. Not called `close`, which in Kotlin releases the object and is not `suspend`.
    pub async fn shut_down(&self) -> Result<(), TelewardError> {
        let core = self.change(|open| open.as_mut().and_then(|open| open.core.take()));
        if let Some(core) = core {
            core.close().await;
        }
        self.change(|open| *open = None);
        Ok(())
    }
}

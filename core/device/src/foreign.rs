//! A radio that somebody else drives: an app's shell, where its platform does better than our own radio (bonding, waiting
//! connections, links that outlive the process).
//!
//! In: [`Radio`]'s calls. Out, through a [`RadioPort`]: each call with a number, which only starts work. Back, from any
//! thread: the call's answer by [`ForeignRadio::answer`], and what happened by itself by [`ForeignRadio::tell`]. Neither
//! waits for anything, so that a port may use them from within a call.
//!
//! What the port need not see to, because it is done here:
//!
//! - One thread of our own makes the calls, in order: a port that blocks holds up the radio and nothing else.
//! - An answer to a call that was given up, or to one of an earlier process, is ignored.
//! - A call that gets no answer ends by the session's deadline, and after its [patience](RadioCall::patience) at the latest.
//! - The end of a link is told once, and ends what was asked over that link; no value is told of a link that is over.
//! - What is seen is told while somebody looks, when it names a service that is looked for.

mod open_calls;

use crate::fault::RadioFault;
use crate::links::Links;
use crate::radio::{
    Advertisement, Attribute, DeviceHandle, Fanout, Radio, RadioEvent, RadioEvents, RadioState,
};
use crate::uuid::Uuid;
use async_trait::async_trait;
use open_calls::OpenCalls;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Calls that may wait for a port that blocks; one more is answered [`RadioFault::Timeout`].
const WAITING: usize = 64;

/// What is asked of the port: [`Radio`]'s calls, by value.
#[derive(Clone, PartialEq, Eq)]
pub enum RadioCall {
    /// Whether the radio can be used: [`RadioAnswer::State`].
    State,
    /// Look for devices that name one of these services.
    StartScan(Vec<Uuid>),
    /// Stop looking.
    StopScan,
    /// Connect.
    Connect(DeviceHandle),
    /// List what the device has, duplicates and all: [`RadioAnswer::Attributes`].
    Discover(DeviceHandle),
    /// Subscribe to notifications or indications.
    Subscribe(DeviceHandle, Attribute),
    /// Read: [`RadioAnswer::Bytes`].
    Read(DeviceHandle, Attribute),
    /// Write with response.
    Write(DeviceHandle, Attribute, Vec<u8>),
    /// Pair and bond.
    Pair(DeviceHandle),
    /// Whether a bond exists: [`RadioAnswer::Flag`].
    IsBonded(DeviceHandle),
    /// Whether a link exists: [`RadioAnswer::Flag`].
    IsConnected(DeviceHandle),
    /// End the link, or the attempt to make one.
    Disconnect(DeviceHandle),
    /// Remove the bond.
    Forget(DeviceHandle),
}

impl RadioCall {
    /// How long the port may take, whoever asks. A session's own deadlines come first; this is for calls that nobody else
    /// would end.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        Duration::from_secs(match self {
            Self::State | Self::IsBonded(_) | Self::IsConnected(_) => 5,
            Self::StartScan(_) | Self::StopScan | Self::Disconnect(_) | Self::Forget(_) => 15,
            Self::Connect(_)
            | Self::Discover(_)
            | Self::Subscribe(..)
            | Self::Read(..)
            | Self::Write(..)
            | Self::Pair(_) => 120,
        })
    }
}

/// Names the call; devices and what is written to them are nobody's business.
impl std::fmt::Debug for RadioCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::State => "State",
            Self::StartScan(_) => "StartScan",
            Self::StopScan => "StopScan",
            Self::Connect(_) => "Connect",
            Self::Discover(_) => "Discover",
            Self::Subscribe(..) => "Subscribe",
            Self::Read(..) => "Read",
            Self::Write(..) => "Write",
            Self::Pair(_) => "Pair",
            Self::IsBonded(_) => "IsBonded",
            Self::IsConnected(_) => "IsConnected",
            Self::Disconnect(_) => "Disconnect",
            Self::Forget(_) => "Forget",
        })
    }
}

/// The answer to a call that worked.
#[derive(Clone, PartialEq, Eq)]
pub enum RadioAnswer {
    /// It is done.
    Done,
    /// What the device has.
    Attributes(Vec<Attribute>),
    /// A value.
    Bytes(Vec<u8>),
    /// Yes or no.
    Flag(bool),
    /// Whether the radio can be used.
    State(RadioState),
}

/// Values stay out of logs.
impl std::fmt::Debug for RadioAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Attributes(_) => "Attributes",
            Self::Bytes(_) => "Bytes",
            Self::Flag(_) => "Flag",
            Self::State(_) => "State",
        })
    }
}

/// Who drives the radio.
pub trait RadioPort: Send + Sync {
    /// Starts a call. Its answer comes back by [`ForeignRadio::answer`] with this number, later or from within.
    ///
    /// # Errors
    /// The call could not be started: this is its answer.
    fn start(&self, call: u64, what: RadioCall) -> Result<(), RadioFault>;
}

struct Shared {
    to_port: SyncSender<(u64, RadioCall)>,
    calls: OpenCalls,
    /// The services that are looked for, while somebody looks.
    looking: Mutex<Option<Vec<Uuid>>>,
    links: Links,
    events: Fanout,
}

/// The radio of a [`RadioPort`]. Clones are the same radio; when the last is gone, so is its thread.
#[derive(Clone)]
pub struct ForeignRadio(Arc<Shared>);

impl std::fmt::Debug for ForeignRadio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignRadio")
    }
}

impl ForeignRadio {
    /// A radio whose calls are numbered from `first_call` on: a number of which no earlier process of this install has
    /// come near, since a platform may answer across processes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(port: Arc<dyn RadioPort>, first_call: u64) -> std::io::Result<Self> {
        let (to_port, calls) = sync_channel(WAITING);
        let events = Fanout::default();
        let shared = Arc::new(Shared {
            to_port,
            calls: OpenCalls::new(first_call),
            looking: Mutex::default(),
            links: Links::new(events.clone()),
            events,
        });
        let weak = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("teleward-radio".to_owned())
            .spawn(move || make_calls(&calls, &weak, port.as_ref()))?;
        Ok(Self(shared))
    }

    /// The answer to a call. One that nobody waits for any more is ignored.
    pub fn answer(&self, call: u64, result: Result<RadioAnswer, RadioFault>) {
        self.0.answer(call, result);
    }

    /// Something happened by itself. Values and the end of their link are to be told in the order in which they came.
    pub fn tell(&self, event: RadioEvent) {
        match event {
            RadioEvent::Seen(seen) => {
                if self.0.is_looked_for(&seen) {
                    self.0.events.send(&RadioEvent::Seen(seen));
                }
            }
            RadioEvent::Disconnected(device) => self.0.calls.end_link(&device, &self.0.links),
            RadioEvent::Value { ref device, .. } => {
                if self.0.links.is_known(device) {
                    self.0.events.send(&event);
                }
            }
            RadioEvent::Pairing(_) => self.0.events.send(&event),
            RadioEvent::State(state) => self.0.turned(state),
        }
    }

    /// How many calls wait for an answer.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.0.calls.len()
    }

    async fn ask(&self, what: RadioCall) -> Result<RadioAnswer, RadioFault> {
        let within = what.patience();
        let mut waiting = self.0.calls.open(&what, &self.0.links);
        self.0
            .to_port
            .try_send((waiting.call, what))
            .map_err(|_| RadioFault::Timeout)?;
        match tokio::time::timeout(within, &mut waiting.answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(RadioFault::Timeout),
        }
    }

    async fn done(&self, what: RadioCall) -> Result<(), RadioFault> {
        match self.ask(what).await? {
            RadioAnswer::Done => Ok(()),
            _ => Err(RadioFault::Other),
        }
    }

    async fn flag(&self, what: RadioCall) -> Result<bool, RadioFault> {
        match self.ask(what).await? {
            RadioAnswer::Flag(flag) => Ok(flag),
            _ => Err(RadioFault::Other),
        }
    }
}

/// The radio's thread: makes the calls, one after the other, until the radio is gone.
fn make_calls(calls: &Receiver<(u64, RadioCall)>, radio: &Weak<Shared>, port: &dyn RadioPort) {
    while let Ok((call, what)) = calls.recv() {
        let Some(shared) = radio.upgrade() else {
            return;
        };
        // What ends something is started even if its caller has given up meanwhile.
        let ends = matches!(
            what,
            RadioCall::StopScan | RadioCall::Disconnect(_) | RadioCall::Forget(_)
        );
        if !ends && !shared.calls.is_open(call) {
            continue;
        }
        if let Err(fault) = port.start(call, what) {
            shared.answer(call, Err(fault));
        }
    }
}

impl Shared {
    fn answer(&self, call: u64, result: Result<RadioAnswer, RadioFault>) {
        self.calls.answer(call, result, &self.links);
    }

    fn looking(&self) -> std::sync::MutexGuard<'_, Option<Vec<Uuid>>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_looked_for(&self, seen: &Advertisement) -> bool {
        let looking = self.looking();
        let Some(wanted) = looking.as_ref() else {
            return false;
        };
        seen.services.iter().any(|service| wanted.contains(service))
    }

    fn turned(&self, state: RadioState) {
        if let Err(fault) = state.usable() {
            *self.looking() = None;
            self.calls.end_all(fault, &self.links);
        }
        self.events.send(&RadioEvent::State(state));
    }
}

#[async_trait]
impl Radio for ForeignRadio {
    /// A port that does not say in time has no radio to use.
    async fn state(&self) -> RadioState {
        match self.ask(RadioCall::State).await {
            Ok(RadioAnswer::State(state)) => state,
            Err(RadioFault::Off) => RadioState::Off,
            Err(RadioFault::Denied) => RadioState::Denied,
            Ok(_) | Err(_) => RadioState::Missing,
        }
    }

    fn events(&self) -> RadioEvents {
        self.0.events.listen()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        // Before the call: the first device may be seen before its answer.
        *self.0.looking() = Some(services.to_vec());
        let started = self.done(RadioCall::StartScan(services.to_vec())).await;
        if started.is_err() && started != Err(RadioFault::Busy) {
            *self.0.looking() = None;
        }
        started
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        *self.0.looking() = None;
        self.done(RadioCall::StopScan).await
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.done(RadioCall::Connect(device.clone())).await
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.0.links.require(device)?;
        match self.ask(RadioCall::Discover(device.clone())).await? {
            RadioAnswer::Attributes(attributes) => Ok(attributes),
            _ => Err(RadioFault::Other),
        }
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        self.0.links.require(device)?;
        self.done(RadioCall::Subscribe(device.clone(), attribute))
            .await
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        self.0.links.require(device)?;
        match self.ask(RadioCall::Read(device.clone(), attribute)).await? {
            RadioAnswer::Bytes(bytes) => Ok(bytes),
            _ => Err(RadioFault::Other),
        }
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.0.links.require(device)?;
        let call = RadioCall::Write(device.clone(), attribute, bytes.to_vec());
        self.done(call).await
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.done(RadioCall::Pair(device.clone())).await
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.flag(RadioCall::IsBonded(device.clone())).await
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.flag(RadioCall::IsConnected(device.clone())).await
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.done(RadioCall::Disconnect(device.clone())).await
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.done(RadioCall::Forget(device.clone())).await
    }
}

/// An address as a platform writes it: 12 hex digits, with or without colons, most significant byte first.
#[must_use]
pub fn address_of(text: &str) -> Option<[u8; 6]> {
    let digits = text.replace(':', "").to_lowercase();
    reading::from_hex(&digits).ok()?.try_into().ok()
}

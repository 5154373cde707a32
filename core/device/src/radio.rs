//! What reaches devices: one trait that a platform fills, keyed by device, service and characteristic.
//!
//! All protocol logic sits above it. An implementation moves bytes and states, waits for nothing but the platform, and
//! never drops a value because a listener is slow.

use crate::fault::RadioFault;
use crate::uuid::Uuid;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// A device as one radio names it: an opaque text that stays the same for this device on this phone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceHandle(pub String);

/// A handle may hold an address, which is personal data.
impl fmt::Debug for DeviceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceHandle")
    }
}

/// Whether the radio can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RadioState {
    /// It is on.
    On,
    /// It is switched off.
    Off,
    /// There is none.
    Missing,
    /// The system does not let us use it.
    Denied,
}

impl RadioState {
    /// Whether anything can be asked of a radio in this state.
    ///
    /// # Errors
    /// [`RadioFault::Off`], [`RadioFault::Missing`] or [`RadioFault::Denied`].
    pub const fn usable(self) -> Result<(), RadioFault> {
        match self {
            Self::On => Ok(()),
            Self::Off => Err(RadioFault::Off),
            Self::Missing => Err(RadioFault::Missing),
            Self::Denied => Err(RadioFault::Denied),
        }
    }
}

/// What a device sent out while it was being looked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Advertisement {
    /// The device.
    pub device: DeviceHandle,
    /// Its name, if it gives one.
    pub name: Option<String>,
    /// Its address, most significant byte first, where the platform tells.
    pub address: Option<[u8; 6]>,
    /// The services that it names.
    pub services: Vec<Uuid>,
    /// Data of makers: company number and bytes.
    pub makers_data: Vec<(u16, Vec<u8>)>,
    /// Strength of the signal in dBm.
    pub rssi: Option<i16>,
}

impl fmt::Debug for Advertisement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advertisement")
            .field("services", &self.services)
            .field("rssi", &self.rssi)
            .finish_non_exhaustive()
    }
}

/// A characteristic that a device has. The same pair twice means that the device has it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attribute {
    /// The service.
    pub service: Uuid,
    /// The characteristic within it.
    pub characteristic: Uuid,
}

/// What a radio tells without being asked.
#[derive(Clone, PartialEq, Eq)]
pub enum RadioEvent {
    /// A device was seen.
    Seen(Advertisement),
    /// A link is gone.
    Disconnected(DeviceHandle),
    /// A device sent a value to which we are subscribed.
    Value {
        /// The device.
        device: DeviceHandle,
        /// The characteristic.
        attribute: Attribute,
        /// The bytes as sent.
        bytes: Vec<u8>,
    },
    /// The platform has begun to pair with a device by itself, because a call needed it, and a person is asked.
    Pairing(DeviceHandle),
    /// The radio itself changed.
    State(RadioState),
}

/// Values and addresses stay out of logs.
impl fmt::Debug for RadioEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen(_) => f.write_str("Seen"),
            Self::Disconnected(_) => f.write_str("Disconnected"),
            Self::Value {
                attribute, bytes, ..
            } => {
                write!(
                    f,
                    "Value({}, {} bytes)",
                    attribute.characteristic,
                    bytes.len()
                )
            }
            Self::Pairing(_) => f.write_str("Pairing"),
            Self::State(state) => write!(f, "State({state:?})"),
        }
    }
}

/// A radio. Object-safe; shared between sessions. Each call may be dropped before it has answered.
///
/// It has one scan, as platforms have: who shares it does so by [`SharedRadio`](crate::SharedRadio), which never starts a
/// second one before the first was stopped.
#[async_trait]
pub trait Radio: Send + Sync {
    /// Whether it can be used.
    async fn state(&self) -> RadioState;

    /// All events from now on. Each listener gets each event; a slow one loses nothing.
    fn events(&self) -> RadioEvents;

    /// Starts looking for devices that name one of these services; those already known count when they are seen.
    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault>;

    /// Stops looking.
    async fn stop_scan(&self) -> Result<(), RadioFault>;

    /// Connects.
    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault>;

    /// Lists what a connected device has, duplicates and all.
    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault>;

    /// Subscribes to notifications or indications.
    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault>;

    /// Reads a value.
    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault>;

    /// Writes a value and waits for the answer.
    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault>;

    /// Pairs and bonds with a device.
    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault>;

    /// Whether a bond with the device exists on this side.
    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault>;

    /// Whether a link exists.
    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault>;

    /// Ends the link.
    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault>;

    /// Removes the bond. Only ever on a person's explicit word: a removed bond breaks the device's next sync.
    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault>;
}

/// A listener's queue of events, without bound.
pub struct RadioEvents(mpsc::UnboundedReceiver<RadioEvent>);

impl RadioEvents {
    /// The next event; `None` when the radio is gone.
    pub async fn next(&mut self) -> Option<RadioEvent> {
        self.0.recv().await
    }

    /// An event that is already there.
    pub fn try_next(&mut self) -> Option<RadioEvent> {
        self.0.try_recv().ok()
    }
}

/// Hands each event to each listener; for implementations of [`Radio`].
#[derive(Clone, Default)]
pub struct Fanout(Arc<Mutex<Vec<mpsc::UnboundedSender<RadioEvent>>>>);

impl Fanout {
    /// A new listener.
    #[must_use]
    pub fn listen(&self) -> RadioEvents {
        let (to, from) = mpsc::unbounded_channel();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(to);
        RadioEvents(from)
    }

    /// Hands an event to all who still listen.
    pub fn send(&self, event: &RadioEvent) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|to| to.send(event.clone()).is_ok());
    }
}

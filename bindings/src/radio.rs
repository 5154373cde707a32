//! The shell's own radio, where the platform's Bluetooth does better than the core's: what the core asks of it, what it
//! answers, and what it tells by itself.

use crate::TelewardError;
use device::{ForeignRadio, RadioCall, RadioPort};
use std::sync::Arc;

/// Whether the radio can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RadioState {
    /// It is on.
    On,
    /// It is switched off.
    Off,
    /// There is none.
    Missing,
    /// The system does not let the app use it.
    Denied,
}

/// What went wrong with a call to the radio.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RadioFault {
    /// The device wants a bond or encryption first.
    NeedsPairing,
    /// A bond exists on this side and the device does not know it.
    KeyMissing,
    /// The device, or the person, said no to pairing.
    PairingRefused,
    /// Nobody answered while pairing.
    PairingTimeout,
    /// Wrong digits.
    PasskeyWrong,
    /// There is no link.
    NotConnected,
    /// The link came up and broke before the call to connect was through.
    BrokeOff,
    /// The device is not there.
    NotFound,
    /// The call took too long.
    Timeout,
    /// Another call is under way; it may work a moment later.
    Busy,
    /// The device, or this platform, does not do this.
    NotSupported,
    /// The device took the time and ignored some of its fields (Current Time, ATT 0x80).
    FieldsIgnored,
    /// Bluetooth is off.
    Off,
    /// There is no adapter.
    Missing,
    /// The system says no.
    Denied,
    /// Anything else.
    Other,
    /// What the platform says, in its own words (`status: 133`, a `CBATTError`'s description): the core makes sense of it
    /// and keeps nothing of the text.
    Text {
        /// The words.
        text: String,
    },
}

/// A platform's words may name a device.
impl std::fmt::Debug for RadioFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&device::RadioFault::from(self.clone()), f)
    }
}

impl From<RadioFault> for device::RadioFault {
    fn from(fault: RadioFault) -> Self {
        match fault {
            RadioFault::NeedsPairing => Self::NeedsPairing,
            RadioFault::KeyMissing => Self::KeyMissing,
            RadioFault::PairingRefused => Self::PairingRefused,
            RadioFault::PairingTimeout => Self::PairingTimeout,
            RadioFault::PasskeyWrong => Self::PasskeyWrong,
            RadioFault::NotConnected => Self::NotConnected,
            RadioFault::BrokeOff => Self::BrokeOff,
            RadioFault::NotFound => Self::NotFound,
            RadioFault::Timeout => Self::Timeout,
            RadioFault::Busy => Self::Busy,
            RadioFault::NotSupported => Self::NotSupported,
            RadioFault::FieldsIgnored => Self::FieldsIgnored,
            RadioFault::Off => Self::Off,
            RadioFault::Missing => Self::Missing,
            RadioFault::Denied => Self::Denied,
            RadioFault::Other => Self::Other,
            RadioFault::Text { text } => Self::from_text(&text),
        }
    }
}

/// Why a call to the shell's radio could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum RadioError {
    /// It could not: the call ends with this.
    #[error("the call could not be started")]
    Failed {
        /// What went wrong.
        fault: RadioFault,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for RadioError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        // its reason holds a whole stack trace of the shell, which does not belong in an error
        Self::Failed {
            fault: RadioFault::Other,
        }
    }
}

/// A characteristic of a device. UUIDs are four hex digits, or the long form.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RadioAttribute {
    /// The service.
    pub service: String,
    /// The characteristic within it.
    pub characteristic: String,
}

impl From<device::Attribute> for RadioAttribute {
    fn from(attribute: device::Attribute) -> Self {
        Self {
            service: attribute.service.to_string(),
            characteristic: attribute.characteristic.to_string(),
        }
    }
}

impl TryFrom<RadioAttribute> for device::Attribute {
    type Error = TelewardError;

    fn try_from(attribute: RadioAttribute) -> Result<Self, TelewardError> {
        Ok(Self {
            service: uuid(&attribute.service)?,
            characteristic: uuid(&attribute.characteristic)?,
        })
    }
}

fn uuid(text: &str) -> Result<device::Uuid, TelewardError> {
    text.parse()
        .map_err(|error: device::UuidError| TelewardError::CorrectInput {
            reason: error.to_string(),
        })
}

/// The answer to a call.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RadioAnswer {
    /// It is done.
    Done,
    /// To `discover`: what the device has. What it has twice is listed twice.
    Attributes {
        /// All of it.
        attributes: Vec<RadioAttribute>,
    },
    /// To `read`: the value.
    Bytes {
        /// As the device sent it.
        bytes: Vec<u8>,
    },
    /// To `is_bonded` and `is_connected`.
    Flag {
        /// Yes or no.
        flag: bool,
    },
    /// To `state`.
    State {
        /// Whether the radio can be used.
        state: RadioState,
    },
    /// It did not work.
    Failed {
        /// What went wrong.
        fault: RadioFault,
    },
}

/// What a device sent out while it was being looked for.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct SeenDevice {
    /// How the platform names it: a text that stays the same for this device on this phone.
    pub device: String,
    /// The services that it names.
    pub services: Vec<String>,
    /// Its name, if it gives one.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Its address as 12 hex digits, with or without colons, where the platform tells and it lasts (public, or random and
    /// static).
    #[uniffi(default = None)]
    pub address: Option<String>,
    /// Strength of the signal in dBm.
    #[uniffi(default = None)]
    pub rssi: Option<i16>,
    /// Data of makers, by company number.
    #[uniffi(default = None)]
    pub makers_data: Option<Vec<MakersData>>,
}

/// Data of one maker in an advertisement.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct MakersData {
    /// The company's number.
    pub company: u16,
    /// The bytes behind it.
    pub bytes: Vec<u8>,
}

/// What the radio tells without being asked.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RadioEvent {
    /// A device was seen.
    Seen {
        /// What it sent out.
        seen: SeenDevice,
    },
    /// A link is gone, whoever ended it.
    Disconnected {
        /// The device.
        device: String,
    },
    /// A device sent a value to which the core is subscribed.
    Value {
        /// The device.
        device: String,
        /// The characteristic.
        attribute: RadioAttribute,
        /// The bytes as sent.
        bytes: Vec<u8>,
    },
    /// The platform has begun to pair with a device by itself, and a person is asked.
    Pairing {
        /// The device.
        device: String,
    },
    /// The radio itself changed.
    State {
        /// Whether it can be used.
        state: RadioState,
    },
}

/// A radio that the shell drives. Each call only starts work and returns at once; its answer comes back by
/// `Companion.radio_answer` with the call's number, what happens by itself by `Companion.radio_event`, both from any thread
/// and also from within a call. Calls come one after the other, from one thread of the core's own, and may come before
/// `open` has returned.
#[uniffi::export(foreign)]
pub trait Radio: Send + Sync {
    /// Whether the radio can be used: answer `State`.
    fn state(&self, call: u64) -> Result<(), RadioError>;
    /// Look for devices that name one of these services, also for those that are known; in place of an earlier look.
    fn start_scan(&self, call: u64, services: Vec<String>) -> Result<(), RadioError>;
    /// Stop looking.
    fn stop_scan(&self, call: u64) -> Result<(), RadioError>;
    /// Connect; `Done` when the link is up. It may wait for the device as long as the platform likes: the core ends the
    /// attempt by `disconnect`.
    fn connect(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// List what a connected device has: answer `Attributes`.
    fn discover(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// Subscribe to notifications or indications; `Done` when the device has agreed.
    fn subscribe(
        &self,
        call: u64,
        device: String,
        attribute: RadioAttribute,
    ) -> Result<(), RadioError>;
    /// Read a value: answer `Bytes`.
    fn read(&self, call: u64, device: String, attribute: RadioAttribute) -> Result<(), RadioError>;
    /// Write a value with response; `Done` when the device has answered.
    fn write(
        &self,
        call: u64,
        device: String,
        attribute: RadioAttribute,
        bytes: Vec<u8>,
    ) -> Result<(), RadioError>;
    /// Pair and bond; `NotSupported` where the platform only pairs by itself.
    fn pair(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// Whether a bond exists on this side: answer `Flag`, or `NotSupported` where the platform does not say.
    fn is_bonded(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// Whether a link exists: answer `Flag`.
    fn is_connected(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// End the link, or the attempt to make one; none there is no error.
    fn disconnect(&self, call: u64, device: String) -> Result<(), RadioError>;
    /// Remove the bond, or say `NotSupported` where only the person can, in the system's settings.
    fn forget(&self, call: u64, device: String) -> Result<(), RadioError>;
}

/// The shell's radio in the core's words.
struct Foreign(Arc<dyn Radio>);

impl RadioPort for Foreign {
    fn start(&self, call: u64, what: RadioCall) -> Result<(), device::RadioFault> {
        let radio = &self.0;
        let started = match what {
            RadioCall::State => radio.state(call),
            RadioCall::StartScan(services) => {
                radio.start_scan(call, services.iter().map(ToString::to_string).collect())
            }
            RadioCall::StopScan => radio.stop_scan(call),
            RadioCall::Connect(device) => radio.connect(call, device.0),
            RadioCall::Discover(device) => radio.discover(call, device.0),
            RadioCall::Subscribe(device, of) => radio.subscribe(call, device.0, of.into()),
            RadioCall::Read(device, of) => radio.read(call, device.0, of.into()),
            RadioCall::Write(device, of, bytes) => radio.write(call, device.0, of.into(), bytes),
            RadioCall::Pair(device) => radio.pair(call, device.0),
            RadioCall::IsBonded(device) => radio.is_bonded(call, device.0),
            RadioCall::IsConnected(device) => radio.is_connected(call, device.0),
            RadioCall::Disconnect(device) => radio.disconnect(call, device.0),
            RadioCall::Forget(device) => radio.forget(call, device.0),
        };
        started.map_err(|RadioError::Failed { fault }| fault.into())
    }
}

/// The shell's radio for the core; its calls are numbered from a moment in milliseconds on, so that no two processes give
/// one number twice.
pub(crate) fn open(radio: Arc<dyn Radio>, now_ms: i64) -> Result<ForeignRadio, TelewardError> {
    let first = u64::try_from(now_ms).unwrap_or(0) << 20;
    ForeignRadio::new(Arc::new(Foreign(radio)), first).map_err(|_| TelewardError::Fault {
        reason: "the system gives no thread for the radio".to_owned(),
    })
}

/// An answer in the core's words.
pub(crate) fn answer(
    answer: RadioAnswer,
) -> Result<Result<device::RadioAnswer, device::RadioFault>, TelewardError> {
    use device::RadioAnswer as A;
    Ok(Ok(match answer {
        RadioAnswer::Done => A::Done,
        RadioAnswer::Attributes { attributes } => {
            let attributes = attributes.into_iter().map(TryInto::try_into);
            A::Attributes(attributes.collect::<Result<_, _>>()?)
        }
        RadioAnswer::Bytes { bytes } => A::Bytes(bytes),
        RadioAnswer::Flag { flag } => A::Flag(flag),
        RadioAnswer::State { state } => A::State(state.into()),
        RadioAnswer::Failed { fault } => return Ok(Err(fault.into())),
    }))
}

/// An event in the core's words.
pub(crate) fn event(event: RadioEvent) -> Result<device::RadioEvent, TelewardError> {
    use device::{DeviceHandle, RadioEvent as E};
    Ok(match event {
        RadioEvent::Seen { seen } => E::Seen(seen.try_into()?),
        RadioEvent::Disconnected { device } => E::Disconnected(DeviceHandle(device)),
        RadioEvent::Value {
            device,
            attribute,
            bytes,
        } => E::Value {
            device: DeviceHandle(device),
            attribute: attribute.try_into()?,
            bytes,
        },
        RadioEvent::Pairing { device } => E::Pairing(DeviceHandle(device)),
        RadioEvent::State { state } => E::State(state.into()),
    })
}

impl From<RadioState> for device::RadioState {
    fn from(state: RadioState) -> Self {
        match state {
            RadioState::On => Self::On,
            RadioState::Off => Self::Off,
            RadioState::Missing => Self::Missing,
            RadioState::Denied => Self::Denied,
        }
    }
}

impl TryFrom<SeenDevice> for device::Advertisement {
    type Error = TelewardError;

    fn try_from(seen: SeenDevice) -> Result<Self, TelewardError> {
        let services = seen.services.iter().map(|text| uuid(text));
        let address = seen.address.map(|text| {
            device::address_of(&text).ok_or(TelewardError::CorrectInput {
                reason: "an address is 12 hex digits, with or without colons".to_owned(),
            })
        });
        let makers_data = seen.makers_data.unwrap_or_default().into_iter();
        Ok(Self {
            device: device::DeviceHandle(seen.device),
            name: seen.name,
            address: address.transpose()?,
            services: services.collect::<Result<_, _>>()?,
            makers_data: makers_data.map(|one| (one.company, one.bytes)).collect(),
            rssi: seen.rssi,
        })
    }
}

//! Bytes to readings, and the life of one device as a state machine.
//!
//! In the order in which a newcomer meets them:
//!
//! 1. [`Number`](reading::Number) words in [`float`], [`BloodPressureFrame`], [`CurrentTime`] and the small
//!    characteristics in [`information`]: what stands in a frame, there and back.
//! 2. [`decode_json`]: the same for `teleward decode`.
//! 3. [`CapturedRecord`] and [`SessionFacts`]: what a session hands on; [`to_reading`] makes a reading of them.
//! 4. [`Session`]: the per-device state machine (scan, connect, subscribe, pair when asked, identity, clock, listen,
//!    disconnect, cool down), without I/O. It ends in exactly one [`ReasonCode`].
//! 5. [`Radio`]: what reaches devices; [`ScriptedRadio`] replays a script, [`BtleplugRadio`] is the real one (feature
//!    `btleplug`; on Linux with a pairing agent of its own). [`RadioFault::from_text`] makes sense of what platforms say.
//! 6. [`run_session`] joins a machine and a radio; [`find_devices`] lists what is near.

pub mod blood_pressure;
mod bytes;
mod call;
mod capture;
mod datetime;
mod decode;
mod driver;
pub mod float;
pub mod information;
mod machine;
mod plan;
mod radio;
mod reason;
mod scripted;
mod uuid;

#[cfg(all(feature = "btleplug", target_os = "linux"))]
mod bluez;
#[cfg(feature = "btleplug")]
mod btle;

pub use blood_pressure::{BloodPressureFeature, BloodPressureFrame};
pub use bytes::DecodeError;
pub use call::{Answer, Call, Effect, Event};
pub use capture::{
    CapturedRecord, DECODER_VERSION, Identity, SessionFacts, identity_at_pairing, to_reading,
};
pub use datetime::CurrentTime;
pub use decode::{Decoded, decode_json};
pub use driver::{SessionEvent, find_devices, run_session};
pub use machine::Session;
pub use plan::{Goal, Pace, Plan};
pub use radio::{
    Advertisement, Attribute, DeviceHandle, Fanout, Radio, RadioEvent, RadioEvents, RadioFault,
    RadioState,
};
pub use reason::{ReasonCode, SessionReport};
pub use scripted::{
    Script, ScriptError, ScriptFault, ScriptedDevice, ScriptedFrame, ScriptedRadio,
};
pub use uuid::Uuid;

#[cfg(feature = "btleplug")]
pub use btle::{BtleplugRadio, PairingPrompt, PasskeyQuestion, SilentPrompt};

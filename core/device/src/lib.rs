//! Bytes to readings, and the life of one device as a state machine.
//!
//! In the order in which a newcomer meets them:
//!
//! 1. [`Number`](reading::Number) words in [`float`], [`BloodPressureFrame`], [`CurrentTime`] and the small
//!    characteristics in [`information`]: what stands in a frame, there and back. [`GlucoseFrame`], [`CgmFrame`],
//!    [`HealthObservation`] with its [`SegmentJoiner`], [`ElapsedTime`]; [`NotAValue`] says what is no value in them.
//! 2. [`decode_json`]: the same for `teleward decode`.
//! 3. [`CapturedRecord`] and [`SessionFacts`]: what a session hands on; [`to_reading`] makes a reading of them.
//! 4. [`Session`]: the per-device state machine (scan, connect, subscribe, pair when asked, identity, clock, listen,
//!    disconnect, cool down), without I/O. It ends in exactly one [`ReasonCode`].
//!    [`StoredSync`] takes the records that a device keeps, each once; it is to run inside a session.
//! 5. [`Radio`]: what reaches devices; [`ScriptedRadio`] replays a script, [`BtleplugRadio`] is the real one (feature
//!    `btleplug`; on Linux with a pairing agent of its own), [`ForeignRadio`] is one that an app's shell drives through a
//!    [`RadioPort`]. [`RadioFault::from_text`] makes sense of what platforms say.
//! 6. [`run_session`] joins a machine and a radio; [`find_devices`] lists what is near. Several at once share a radio by
//!    [`SharedRadio`].
//! 7. [`Trace`]: a session written down, without values and identities if so wanted, and [`replay`], which runs it again.
//!
//! ```
//! use reading::Moment;
//! use std::sync::Arc;
//! use teleward_device::*;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Moment::from_ms(1_718_471_847_000);
//! let script = Script::parse(r#"{"devices": [{"device": "cuff-1", "frames": [{"bytes": "00800052006100"}]}]}"#)?;
//! let radio = Arc::new(ScriptedRadio::new(script, now)?);
//! let (to, mut events) = tokio::sync::mpsc::unbounded_channel();
//! let plan = Plan::pair(DeviceHandle("cuff-1".to_owned()), 120, [7; 16]);
//! let report = run_session(radio, plan, now, to, std::future::pending()).await;
//! assert_eq!((report.reason, report.records), (ReasonCode::Done, 1));
//! while let Some(event) = events.recv().await {
//!     if let SessionEvent::Record(record) = event {
//!         assert!(record.fault().is_none(), "to be journalled, then made into a reading");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod bits;
pub mod blood_pressure;
mod blood_pressure_record;
mod body_composition;
mod bytes;
mod call;
mod capture;
pub mod cgm;
pub mod crc;
mod datetime;
mod decode;
mod driver;
pub mod elapsed_time;
mod enhanced_blood_pressure;
pub mod family;
mod fault;
pub mod float;
mod foreign;
pub mod glucose;
mod guide;
pub mod health_sensor;
mod heart_rate;
mod identifiers;
pub mod information;
mod links;
mod local_time;
mod look;
mod machine;
mod manner;
mod not_a_value;
mod notice;
mod oximeter;
mod oximeter_status;
mod packets;
mod placement;
mod plan;
mod quirks;
mod radio;
mod reason;
mod record;
mod record_access;
mod scaled;
mod scan;
mod script;
mod scripted;
mod shared;
pub mod stored;
mod stream;
mod thermometer;
mod trace;
mod user_control;
mod user_plan;
mod uuid;
mod weight;

#[cfg(all(feature = "btleplug", target_os = "linux"))]
mod bluez;
#[cfg(feature = "btleplug")]
mod btle;
#[cfg(feature = "btleplug")]
mod prompt;

pub use blood_pressure::{BloodPressureFeature, BloodPressureFrame};
pub use bytes::DecodeError;
pub use call::{Answer, Call, Effect, Event};
pub use capture::{
    CapturedRecord, DECODER_VERSION, Identity, SessionFacts, identity_at_pairing, to_reading,
};
pub use cgm::{
    CgmCalibration, CgmControl, CgmControlRequest, CgmControlResponse, CgmCrc, CgmFeature,
    CgmFrame, CgmLevel, CgmRecord, CgmResult, CgmSessionRunTime, CgmSessionStart, CgmStatus,
    CgmStatusFrame,
};
pub use datetime::CurrentTime;
pub use decode::{Decoded, Entry, decode_json, entries};
pub use driver::{SessionEvent, run_session};
pub use elapsed_time::{ElapsedClock, ElapsedTime, Timeline};
pub use fault::RadioFault;
pub use foreign::{ForeignRadio, RadioAnswer, RadioCall, RadioPort, address_of};
pub use glucose::{
    Carbohydrate, Dose, Exercise, GlucoseConcentration, GlucoseContextFrame, GlucoseFeature,
    GlucoseFrame, GlucoseSample, GlucoseStatus, GlucoseUnit, Medication,
};
pub use guide::how_to_pair;
pub use health_sensor::{
    HealthObservation, HealthSensorControl, HealthSensorFeatures, HealthSensorResult, JoinFault,
    ObservationStatus, Segment, SegmentJoiner, StoredObservation,
};
pub use look::{LookAround, find_devices};
pub use machine::Session;
pub use manner::{ClockManner, Manner, PairingMoment, own_layouts};
pub use not_a_value::NotAValue;
pub use notice::Notice;
pub use plan::{Goal, Pace, Plan};
pub use radio::{
    Advertisement, Attribute, DeviceHandle, Fanout, Radio, RadioEvent, RadioEvents, RadioState,
};
pub use reason::{ReasonCode, SessionReport};
pub use record_access::{
    Bound, RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span, Which,
};
pub use script::{
    Script, ScriptError, ScriptFault, ScriptedDevice, ScriptedFrame, ScriptedMemory, ScriptedRecord,
};
pub use scripted::ScriptedRadio;
pub use shared::{RadioView, SharedRadio};
pub use stored::{
    Print, StoredEffect, StoredEvent, StoredMark, StoredOutcome, StoredPace, StoredRecord,
    StoredReport, StoredService, StoredSync,
};
pub use stream::{Stream, StreamEffect, StreamEvent, StreamOutcome, StreamPace, StreamService};
pub use trace::{Difference, Replay, Trace, TraceError, TraceMode, replay};
pub use user_plan::{UserFacts, UserOutcome, UserPlan};
pub use uuid::{Uuid, UuidError};

// The families of devices, a file each.
pub use blood_pressure_record::{BloodPressureRecord, CheckSum, RecordSegment, Recorded};
pub use body_composition::{BodyCompositionFeature, BodyCompositionFrame};
pub use enhanced_blood_pressure::{
    EnhancedBloodPressureFrame, EnhancedCuffPressureFrame, EnhancedFields, Epoch,
};
pub use heart_rate::HeartRateFrame;
pub use identifiers::{Certification, CertificationList, PnpId, SystemId};
pub use local_time::LocalTimeInformation;
pub use oximeter::{ContinuousFrame, Saturation, SpotCheckFrame};
pub use oximeter_status::{OximeterDeviceStatus, OximeterFeature, OximeterMeasurementStatus};
pub use packets::PacketJoiner;
pub use quirks::{Behaviour, Devices, Met, Proof, Quirk, QuirkError, QuirkTable, TestFrame};
pub use scaled::{Measured, ScaleUnits};
pub use thermometer::{MeasurementInterval, TemperatureFrame, TemperatureType, TemperatureUnit};
pub use user_control::{
    ChangeIncrement, ConsentCode, UserIndex, UserRequest, UserResponse, UserResult,
};
pub use weight::{BodySize, WeightFeature, WeightFrame};

#[cfg(feature = "btleplug")]
pub use btle::BtleplugRadio;
#[cfg(feature = "btleplug")]
pub use prompt::{PairingPrompt, PasskeyQuestion, SilentPrompt};

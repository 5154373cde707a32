//! What a reading is: one measuring event with its values, exactly as the device or the person gave them.
//!
//! In the order in which a newcomer meets them:
//!
//! 1. [`Decimal`] and [`Number`]: exact numbers and the five values of IEEE 11073-20601 that are none.
//! 2. [`Measurement`], one variant a [`Kind`]: [`BloodPressure`], [`Weight`], [`Temperature`], [`Oximetry`], [`Glucose`],
//!    [`HeartRate`], [`BodyComposition`], and [`Observation`] for what none of these takes. [`Parts`] is each of them taken
//!    apart, for screens and for FHIR.
//! 3. [`Moment`], [`DeviceTime`] and [`Timing`]: who said when, and how sure that is.
//! 4. [`DeviceIdentity`] and [`ReadingId`]: the same record read twice, by two phones, is one reading.
//! 5. [`Reading`]: all of it together, with the raw frame; [`typed_reading`] makes one from what a person typed.
//! 6. [`look_alikes`]: which readings without a key of their own are possibly the same.
//! 7. [`fhir`]: one FHIR R4 `Observation` a line, out and in again without loss.
//!
//! ```
//! use teleward_reading::*;
//!
//! let reading = typed_reading(&TypedForm {
//!     install: [1; 16],
//!     draft: [2; 16],
//!     values: TypedValues::BloodPressure {
//!         systolic: "128".parse()?,
//!         diastolic: "82.0".parse()?,
//!         pulse_rate: None,
//!         unit: PressureUnit::MmHg,
//!     },
//!     measured: Moment::from_ms(1_718_452_800_000),
//!     utc_offset_min: 120,
//!     typed: Moment::from_ms(1_718_452_860_000),
//! })?;
//! let gateway = Gateway { install: [1; 16], software: "0.1.0".to_owned() };
//! let line = to_observation(&reading, "00112233445566778899aabbccddeeff", &gateway);
//! assert!(line.contains(r#""value":82.0"#), "digits stay as they were typed");
//! assert_eq!(from_observation(&line)?.reading, reading);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here does I/O, reads a clock or draws a random number. `core/device` makes readings from frames, the
//! companion keeps and sends them, the station takes them in again.

mod blood_pressure;
mod body_composition;
mod cgm;
mod decimal;
mod device_time;
mod doubt;
pub mod fhir;
mod glucose;
mod glucose_context;
mod glucose_unit;
mod heart_rate;
mod hex;
mod id;
mod identity;
pub mod json;
mod kind;
mod look_alike;
mod mdc;
mod measurement;
mod moment;
mod number;
mod observation;
mod oximetry;
mod parts;
#[allow(
    clippy::module_inception,
    reason = "the crate is named for what this module holds"
)]
mod reading;
mod samples;
mod temperature;
mod timing;
mod typed;
mod ucum;
mod weight;

pub use blood_pressure::{BloodPressure, BloodPressureStatus, PressureUnit, StatusFlag};
pub use body_composition::BodyComposition;
pub use cgm::{CGM_STATUS, GlucoseCgm};
pub use decimal::{Decimal, DecimalError};
pub use device_time::DeviceTime;
pub use doubt::Doubt;
pub use fhir::{Gateway, Observed, entered_in_error, from_observation, to_observation};
pub use glucose::Glucose;
pub use glucose_context::{GlucoseContext, Meal, MedicationUnit};
pub use glucose_unit::GlucoseUnit;
pub use heart_rate::HeartRate;
pub use hex::{HexError, from_hex, to_hex};
pub use id::{
    IdError, Place, ReadingId, RecordFields, device_reading_id, number_in_front, typed_reading_id,
};
pub use identity::{DeviceIdentity, IdentityError};
pub use kind::Kind;
pub use look_alike::{LOOK_ALIKE_WINDOW_MS, look_alikes, possibly_same};
pub use mdc::{Mdc, MdcError};
pub use measurement::Measurement;
pub use moment::{Moment, MomentError};
pub use number::Number;
pub use observation::{MOST_PARTS, Observation, ObservationPart, ObservationValue, Quantity};
pub use oximetry::{OXIMETER_DEVICE_STATUS, OXIMETER_MEASUREMENT_STATUS, Oximetry};
pub use parts::{Bits, Coded, Parts, Series, Value};
pub use reading::{DeviceFacts, DeviceSource, Reading, Source, TypedSource};
pub use samples::{MOST_SAMPLES, Samples};
pub use temperature::{Temperature, TemperatureUnit};
pub use timing::{AHEAD_TOLERANCE_MS, ClockReading, TimeBasis, Timing, time_of};
pub use typed::{TypedError, TypedForm, TypedValues, typed_reading};
pub use ucum::{Ucum, UcumError};
pub use weight::{MassUnit, Weight};

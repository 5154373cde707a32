//! Generic Health Sensor Service 1.0 (0x1840): Live Health Observations (0x2B8B), Stored Health Observations (0x2BDD),
//! Health Sensor Features (0x2BF3) and its control point (0x2BF4).
//!
//! In the order in which bytes take it: [`SegmentJoiner`] makes one record of the notifications, [`HealthObservation`]
//! reads it, [`StoredObservation`] reads one that has a record number in front. Codes are those of IEEE 11073-10101.
//!
//! The text of the standard was not at hand. What is read here agrees in STMicroelectronics' `ghs.h` and `ghs_app.c`
//! (STM32CubeWBA), Realtek's `ghss_gatt_svc.h` and Philips' BLE-GHS-Server-Simulator but for what
//! `docs/adr/0026-open-places-of-glucose-and-health-sensor-frames.md` lists.

mod feature;
mod observation;
mod segment;
mod value;

pub use feature::{HealthSensorControl, HealthSensorFeatures, HealthSensorResult};
pub use observation::{HealthObservation, ObservationStatus, StoredObservation};
pub use segment::{JoinFault, Joined, Segment, SegmentJoiner, segments};
pub use value::{Item, Part, SampleArray, StateValue, Value};

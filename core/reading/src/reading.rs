//! A reading: one measuring event with its values, its time, where it came from, and what is doubtful about it.

use crate::{
    DeviceIdentity, Doubt, IdError, Kind, Measurement, Place, ReadingId, RecordFields, Timing,
    device_reading_id, hex, number_in_front, typed_reading_id,
};
use serde::{Deserialize, Serialize};

/// One measuring event. Immutable: a correction is a statement of its own that names this id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The same record, read twice or by two phones, has the same id.
    pub id: ReadingId,
    /// What was measured.
    pub measurement: Measurement,
    /// When, and how sure that is.
    pub timing: Timing,
    /// A device, or a person who typed it.
    pub source: Source,
    /// What is doubtful, each once, in the order of [`Doubt::ALL`].
    pub doubts: Vec<Doubt>,
}

/// Where a reading came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A device sent it.
    Device(Box<DeviceSource>),
    /// A person typed it.
    Typed(TypedSource),
}

/// A record that a device sent, as it was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSource {
    /// The identity that was fixed when the device was paired.
    pub identity: DeviceIdentity,
    /// What the device says about itself.
    pub facts: DeviceFacts,
    /// The characteristic that carried the record, 16 bits.
    pub characteristic: u16,
    /// The raw bytes, all packets of the record.
    #[serde(with = "hex::packets")]
    pub packets: Vec<Vec<u8>>,
    /// The version of the decoder that read them.
    pub decoder: String,
    /// Sequence or record number as sent, for kinds that have one.
    #[serde(with = "hex::bytes")]
    pub record_number: Vec<u8>,
    /// Whether the device says that its own time is wrong.
    pub clock_fault: bool,
    /// Bytes that were left over.
    #[serde(with = "hex::bytes")]
    pub extra: Vec<u8>,
    /// Where the record stood in its connection.
    pub place: Place,
}

/// The raw frame is the measurement: it stays out of logs.
impl std::fmt::Debug for DeviceSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "DeviceSource({:?}, {:04x})",
            self.identity, self.characteristic
        )
    }
}

/// What a device says about itself: strings of the Device Information Service as sent, without trailing NUL.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// Manufacturer Name String (0x2A29).
    pub maker: Option<String>,
    /// Model Number String (0x2A24).
    pub model: Option<String>,
    /// Serial Number String (0x2A25).
    pub serial: Option<String>,
    /// Firmware Revision String (0x2A26).
    pub firmware: Option<String>,
    /// Hardware Revision String (0x2A27).
    pub hardware: Option<String>,
    /// Software Revision String (0x2A28).
    pub software: Option<String>,
    /// System ID (0x2A23), as sent, whether it identifies the device or not.
    #[serde(with = "hex::optional")]
    pub system_id: Option<[u8; 8]>,
    /// The address with which it was bonded, most significant byte first; where the platform tells it.
    #[serde(with = "hex::optional")]
    pub address: Option<[u8; 6]>,
}

/// Serial numbers and addresses are personal data and stay out of logs.
impl std::fmt::Debug for DeviceFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceFacts")
            .field("maker", &self.maker)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// What a person typed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedSource {
    /// The install at which it was typed.
    #[serde(with = "hex::fixed")]
    pub install: [u8; 16],
    /// Random, drawn when the form was opened.
    #[serde(with = "hex::fixed")]
    pub draft: [u8; 16],
}

impl std::fmt::Debug for TypedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TypedSource")
    }
}

/// The id alone: a measurement stays out of logs.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reading({:?}, {:?})", self.kind(), self.id)
    }
}

impl Reading {
    /// What was measured.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.measurement.kind()
    }

    /// The device's part, when a device sent it.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceSource> {
        match &self.source {
            Source::Device(device) => Some(device),
            Source::Typed(_) => None,
        }
    }

    /// Whether the same id means the same event wherever it was read: a usable device time, a record number, or a
    /// typed draft. Without it, a second copy is never merged and may only be *possibly the same*
    /// ([`look_alikes`](crate::look_alikes)).
    #[must_use]
    pub fn may_be_merged(&self) -> bool {
        self.record_fields()
            .is_none_or(|record| record.has_own_key())
    }

    /// The id that follows from what the reading holds; anything else in `id` is a contradiction.
    ///
    /// # Errors
    /// [`IdError`] when the contents make none.
    pub fn computed_id(&self) -> Result<ReadingId, IdError> {
        match (&self.source, self.record_fields()) {
            (Source::Typed(typed), _) => Ok(typed_reading_id(&typed.install, &typed.draft)),
            (Source::Device(_), Some(record)) => device_reading_id(&record),
            (Source::Device(_), None) => Err(IdError::NoRecord),
        }
    }

    fn record_fields(&self) -> Option<RecordFields<'_>> {
        let device = self.device()?;
        Some(RecordFields {
            device: &device.identity,
            user_slot: self.measurement.user_slot(),
            kind: self.kind(),
            device_time: self.timing.device_time,
            elapsed: self.timing.elapsed,
            clock_fault: device.clock_fault,
            record_number: Some(&device.record_number),
            packets: &device.packets,
            numbered: number_in_front(device.characteristic, self.timing.elapsed),
            place: Some(device.place),
        })
    }
}

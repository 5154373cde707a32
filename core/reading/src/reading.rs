//! A reading: one measuring event with its values, its time, where it came from, and what is doubtful about it.

use crate::{
    BloodPressure, DeviceIdentity, IdError, Place, ReadingId, RecordFields, Timing,
    device_reading_id, hex, typed_reading_id,
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

/// The values, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "values")]
#[non_exhaustive]
pub enum Measurement {
    /// Blood pressure.
    BloodPressure(BloodPressure),
}

/// The kinds of measurement; the names are those of `teleward decode` and stand in every `ReadingId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Blood pressure.
    BloodPressure,
}

impl Kind {
    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood_pressure",
        }
    }
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

/// Something about a reading that a reader should know before trusting it. A doubt never holds a reading back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Neither pressure is a number: the cuff could not measure.
    MeasurementFailed,
    /// The cuff says that the measurement was disturbed (movement, loose cuff, position).
    Disturbed,
    /// The device sent no time of its own; arrival stands in its place.
    NoDeviceTime,
    /// The device sent a time that is not known to it or cannot be; arrival stands in its place.
    DeviceTimeUnusable,
    /// The device's time would lie in the future; arrival stands in its place.
    DeviceTimeAhead,
    /// The device's clock could not be read, so that its time stands uncorrected.
    ClockNotRead,
    /// The device's identity could not be read in time, and a provisional one stands in its place.
    IdentityProvisional,
    /// The device did not say which of its users measured.
    UserUnknown,
    /// The record holds bytes or bits to which the standard gives no meaning; they are kept.
    NotUnderstood,
}

impl Doubt {
    /// All of them, in the order in which a reading lists them.
    pub const ALL: [Self; 9] = [
        Self::MeasurementFailed,
        Self::Disturbed,
        Self::NoDeviceTime,
        Self::DeviceTimeUnusable,
        Self::DeviceTimeAhead,
        Self::ClockNotRead,
        Self::IdentityProvisional,
        Self::UserUnknown,
        Self::NotUnderstood,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MeasurementFailed => "measurement_failed",
            Self::Disturbed => "disturbed",
            Self::NoDeviceTime => "no_device_time",
            Self::DeviceTimeUnusable => "device_time_unusable",
            Self::DeviceTimeAhead => "device_time_ahead",
            Self::ClockNotRead => "clock_not_read",
            Self::IdentityProvisional => "identity_provisional",
            Self::UserUnknown => "user_unknown",
            Self::NotUnderstood => "not_understood",
        }
    }

    /// The doubt with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.code() == code)
    }

    /// What it says, in words for a screen.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::MeasurementFailed => "The cuff could not measure.",
            Self::Disturbed => "The cuff says that the measurement was disturbed.",
            Self::NoDeviceTime => "The device sent no time; the time of arrival is shown.",
            Self::DeviceTimeUnusable => {
                "The device does not know the time; the time of arrival is shown."
            }
            Self::DeviceTimeAhead => {
                "The device's time cannot be right; the time of arrival is shown."
            }
            Self::ClockNotRead => "The device's clock could not be checked.",
            Self::IdentityProvisional => "The device's own identity could not be read.",
            Self::UserUnknown => "The device did not say which of its users measured.",
            Self::NotUnderstood => "The record holds something that is not understood yet.",
        }
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
        match self.measurement {
            Measurement::BloodPressure(_) => Kind::BloodPressure,
        }
    }

    /// The blood pressure, when it is one.
    #[must_use]
    pub const fn blood_pressure(&self) -> Option<&BloodPressure> {
        match &self.measurement {
            Measurement::BloodPressure(values) => Some(values),
        }
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
        let Measurement::BloodPressure(values) = &self.measurement;
        Some(RecordFields {
            device: &device.identity,
            user_slot: values.user_slot,
            kind: self.kind(),
            device_time: self.timing.device_time,
            clock_fault: device.clock_fault,
            record_number: Some(&device.record_number),
            packets: &device.packets,
            place: Some(device.place),
        })
    }
}

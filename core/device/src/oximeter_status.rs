//! What pulse oximeters say about their measurements and themselves, and PLX Features (0x2A60), which says what they can
//! say: Pulse Oximeter Service 1.0.1.

use crate::NotAValue;
use crate::bits::named;
use crate::bytes::{Cursor, DecodeError};
use reading::{OXIMETER_DEVICE_STATUS, OXIMETER_MEASUREMENT_STATUS};

/// Measurement Status, the 16 bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OximeterMeasurementStatus(pub u16);

/// Bits without a name.
const RESERVED: u16 = 0x001f;

/// The bits that say that what was sent is no value of a patient.
const NO_VALUE: [(u16, NotAValue); 5] = [
    (1 << 10, NotAValue::Demonstration),
    (1 << 11, NotAValue::Test),
    (1 << 12, NotAValue::Calibrating),
    (1 << 13, NotAValue::Unavailable),
    (1 << 15, NotAValue::Invalid),
];

impl OximeterMeasurementStatus {
    /// What it says, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        named(
            u32::from(self.0 & !RESERVED),
            0,
            &OXIMETER_MEASUREMENT_STATUS,
        )
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & RESERVED
    }

    /// Why there is no value, if so. Early, stored and questionable data are values, to be marked as such.
    #[must_use]
    pub fn not_a_value(self) -> Option<NotAValue> {
        let set = NO_VALUE.into_iter().find(|(bit, _)| self.0 & bit != 0);
        set.map(|(_, why)| why)
    }
}

/// Device and Sensor Status, the 24 bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OximeterDeviceStatus(pub u32);

impl OximeterDeviceStatus {
    /// What it says, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        named(self.0, 0, &OXIMETER_DEVICE_STATUS)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u32 {
        self.0 & 0x00ff_0000
    }

    /// The three bytes; `None` above 24 bits.
    pub(crate) fn bytes(self) -> Option<[u8; 3]> {
        let [low, middle, high, 0] = self.0.to_le_bytes() else {
            return None;
        };
        Some([low, middle, high])
    }
}

/// PLX Features: what the oximeter can tell, the bits as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OximeterFeature {
    /// Its features.
    pub features: u16,
    /// Which bits of the measurement status it can set.
    pub measurement_status: Option<OximeterMeasurementStatus>,
    /// Which bits of the device status it can set.
    pub device_status: Option<OximeterDeviceStatus>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// The names of the bits, from bit 0.
const FEATURES: [&str; 8] = [
    "measurement_status",
    "device_status",
    "measurement_storage",
    "time_stamp",
    "spo2_fast",
    "spo2_slow",
    "pulse_amplitude_index",
    "multiple_bonds",
];

impl OximeterFeature {
    /// Reads a frame. Reserved features are kept: they announce no fields.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let features = cursor.u16("features")?;
        let has = |bit| features & bit != 0;
        let measurement = has(0x01)
            .then(|| cursor.u16("measurement status support"))
            .transpose()?;
        let device = has(0x02)
            .then(|| cursor.u24("device status support"))
            .transpose()?;
        Ok(Self {
            features,
            measurement_status: measurement.map(OximeterMeasurementStatus),
            device_status: device.map(OximeterDeviceStatus),
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated oximeter does; `None` when the features do not announce the fields that are
    /// there.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let announced = [self.features & 0x01 != 0, self.features & 0x02 != 0];
        if announced
            != [
                self.measurement_status.is_some(),
                self.device_status.is_some(),
            ]
        {
            return None;
        }
        let mut frame = self.features.to_le_bytes().to_vec();
        if let Some(status) = self.measurement_status {
            frame.extend(status.0.to_le_bytes());
        }
        if let Some(status) = self.device_status {
            frame.extend(status.bytes()?);
        }
        frame.extend(&self.extra);
        Some(frame)
    }

    /// What it can tell, in the order of the bits.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        named(u32::from(self.features), 0, &FEATURES)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(&self) -> u16 {
        self.features & 0xff00
    }
}

//! Blood Pressure Measurement (0x2A35), Intermediate Cuff Pressure (0x2A36, never a reading) and Blood Pressure
//! Feature (0x2A49): Blood Pressure Service, layouts of the GATT Specification Supplement.

use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use reading::{BloodPressure, BloodPressureStatus, DeviceTime, Number, PressureUnit};

const KPA: u8 = 0x01;
const TIME: u8 = 0x02;
const PULSE: u8 = 0x04;
const USER: u8 = 0x08;
const STATUS: u8 = 0x10;
const KNOWN: u8 = 0x1f;

/// A frame of 0x2A35 or 0x2A36.
#[derive(Clone, PartialEq, Eq)]
pub struct BloodPressureFrame {
    /// Systolic; in an intermediate frame the current cuff pressure.
    pub systolic: Number,
    /// Diastolic.
    pub diastolic: Number,
    /// Mean arterial pressure.
    pub mean_arterial: Number,
    /// The unit of all three.
    pub unit: PressureUnit,
    /// The device's time.
    pub time: Option<DeviceTime>,
    /// Beats per minute.
    pub pulse_rate: Option<Number>,
    /// User slot, FF unknown.
    pub user_slot: Option<u8>,
    /// Measurement status.
    pub status: Option<BloodPressureStatus>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for BloodPressureFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BloodPressureFrame")
    }
}

impl BloodPressureFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        if flags & !KNOWN != 0 {
            return Err(DecodeError::ReservedFlags {
                bits: u32::from(flags & !KNOWN),
            });
        }
        let has = |bit| flags & bit != 0;
        let systolic = sfloat(cursor.u16("systolic")?);
        let diastolic = sfloat(cursor.u16("diastolic")?);
        let mean_arterial = sfloat(cursor.u16("mean arterial")?);
        let time = has(TIME).then(|| cursor.take("time")).transpose()?;
        let pulse_rate = has(PULSE).then(|| cursor.u16("pulse rate")).transpose()?;
        let user_slot = has(USER).then(|| cursor.u8("user")).transpose()?;
        let status = has(STATUS).then(|| cursor.u16("status")).transpose()?;
        Ok(Self {
            systolic,
            diastolic,
            mean_arterial,
            unit: if has(KPA) {
                PressureUnit::KPa
            } else {
                PressureUnit::MmHg
            },
            time: time.map(DeviceTime::from_bytes),
            pulse_rate: pulse_rate.map(sfloat),
            user_slot,
            status: status.map(BloodPressureStatus),
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated cuff does; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(KPA, self.unit == PressureUnit::KPa);
        set(TIME, self.time.is_some());
        set(PULSE, self.pulse_rate.is_some());
        set(USER, self.user_slot.is_some());
        set(STATUS, self.status.is_some());
        let mut frame = vec![flags];
        for number in [self.systolic, self.diastolic, self.mean_arterial] {
            frame.extend(to_sfloat(number)?.to_le_bytes());
        }
        frame.extend(self.time.iter().flat_map(DeviceTime::bytes));
        if let Some(pulse) = self.pulse_rate {
            frame.extend(to_sfloat(pulse)?.to_le_bytes());
        }
        frame.extend(self.user_slot);
        frame.extend(self.status.iter().flat_map(|status| status.0.to_le_bytes()));
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The values of a measurement.
    #[must_use]
    pub const fn values(&self) -> BloodPressure {
        BloodPressure {
            systolic: self.systolic,
            diastolic: self.diastolic,
            mean_arterial: Some(self.mean_arterial),
            pulse_rate: self.pulse_rate,
            unit: self.unit,
            user_slot: self.user_slot,
            status: self.status,
        }
    }
}

/// Blood Pressure Feature: what the cuff can tell, the bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BloodPressureFeature(pub u16);

/// The names of the bits, from bit 0.
const FEATURES: [&str; 9] = [
    "body_movement_detection",
    "cuff_fit_detection",
    "irregular_pulse_detection",
    "pulse_rate_range_detection",
    "measurement_position_detection",
    "multiple_bonds",
    "e2e_crc",
    "user_data_service",
    "user_facing_time",
];

impl BloodPressureFeature {
    /// Reads the two bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not two.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let bits = cursor.u16("feature")?;
        cursor.end()?;
        Ok(Self(bits))
    }

    /// What it can tell, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FEATURES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, name)| name)
    }

    /// Whether the cuff's records (0x2B36) end with a check sum.
    #[must_use]
    pub const fn has_crc(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & 0xfe00
    }
}

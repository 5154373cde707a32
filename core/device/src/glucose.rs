//! Glucose Measurement (0x2A18), Glucose Measurement Context (0x2A34, in [`context`](GlucoseContextFrame)) and Glucose
//! Feature (0x2A51): Glucose Service 1.0.1, layouts of the GATT Specification Supplement.
//!
//! A meter sends kg/L or mol/L, whatever its screen shows: kg/L × 100 000 = mg/dL, mol/L × 1000 = mmol/L. Type and
//! location share a byte, the type in the low half.

mod context;

pub use context::{Carbohydrate, Dose, Exercise, GlucoseContextFrame, Medication};

use crate::NotAValue;
use crate::bits;
use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use reading::{DeviceTime, Number};

const OFFSET: u8 = 0x01;
const CONCENTRATION: u8 = 0x02;
const MOLES: u8 = 0x04;
const STATUS: u8 = 0x08;
const CONTEXT: u8 = 0x10;
const KNOWN: u8 = 0x1f;

/// What a concentration is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlucoseUnit {
    /// Kilograms a litre.
    KgPerL,
    /// Moles a litre.
    MolPerL,
}

impl GlucoseUnit {
    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::KgPerL => "kg/L",
            Self::MolPerL => "mol/L",
        }
    }
}

/// What was measured, and where it was taken: four bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlucoseSample(pub u8);

impl GlucoseSample {
    /// From the two codes, of which the low four bits count.
    #[must_use]
    pub const fn new(kind: u8, location: u8) -> Self {
        Self(kind & 0x0f | location << 4)
    }

    /// 1/2 capillary whole blood/plasma, 3/4 venous, 5/6 arterial, 7/8 undetermined, 9 interstitial fluid, 10 control
    /// solution.
    #[must_use]
    pub const fn kind(self) -> u8 {
        self.0 & 0x0f
    }

    /// 1 finger, 2 alternate site, 3 earlobe, 4 control solution, 5 subcutaneous tissue (CGM), 15 not available.
    #[must_use]
    pub const fn location(self) -> u8 {
        self.0 >> 4
    }

    /// Whether either half says that this is a test of the meter. Some meters say it in one half only.
    #[must_use]
    pub const fn is_control_solution(self) -> bool {
        self.kind() == 10 || self.location() == 4
    }
}

/// Sensor Status Annunciation, the bits as sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GlucoseStatus(pub u16);

/// What a meter says about a result stays out of logs.
impl std::fmt::Debug for GlucoseStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlucoseStatus")
    }
}

/// The names of the bits, from bit 0.
const STATUSES: [&str; 12] = [
    "device_battery_low",
    "sensor_malfunction",
    "sample_insufficient",
    "strip_insertion_error",
    "strip_type_incorrect",
    "result_too_high",
    "result_too_low",
    "temperature_too_high",
    "temperature_too_low",
    "read_interrupted",
    "general_device_fault",
    "time_fault",
];

impl GlucoseStatus {
    /// What is set, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        bits::named(u32::from(self.0), 0, &STATUSES)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & 0xf000
    }

    /// Whether the device says that its clock was wrong.
    #[must_use]
    pub const fn time_fault(self) -> bool {
        self.0 & 0x0800 != 0
    }

    /// What it says about the result: a failure of strip, sample or sensor outweighs "too high".
    const fn not_a_value(self) -> Option<NotAValue> {
        // Malfunction, sample, insertion, type, both temperatures, interrupted, fault.
        if self.0 & 0x079e != 0 {
            Some(NotAValue::Failed)
        } else if self.0 & 0x0020 != 0 {
            Some(NotAValue::AboveRange)
        } else if self.0 & 0x0040 != 0 {
            Some(NotAValue::BelowRange)
        } else {
            None
        }
    }
}

/// A concentration with the sample it was measured in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GlucoseConcentration {
    /// How much.
    pub value: Number,
    /// In what.
    pub sample: GlucoseSample,
}

/// A frame of 0x2A18.
#[derive(Clone, PartialEq, Eq)]
pub struct GlucoseFrame {
    /// Sequence number; wraps after 65,535.
    pub sequence: u16,
    /// The device's base time, local.
    pub time: DeviceTime,
    /// Minutes to be added to the base time: the person has set the clock since.
    pub time_offset_min: Option<i16>,
    /// The value.
    pub concentration: Option<GlucoseConcentration>,
    /// The unit of the value; the frame has one even where there is no value.
    pub unit: GlucoseUnit,
    /// Status.
    pub status: Option<GlucoseStatus>,
    /// Whether a frame of 0x2A34 with the same sequence number follows.
    pub context_follows: bool,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for GlucoseFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlucoseFrame")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for GlucoseConcentration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GlucoseConcentration")
    }
}

impl GlucoseFrame {
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
        let sequence = cursor.u16("sequence number")?;
        let time = DeviceTime::from_bytes(cursor.take("base time")?);
        let time_offset_min = has(OFFSET).then(|| cursor.i16("time offset")).transpose()?;
        let concentration = if has(CONCENTRATION) {
            Some(GlucoseConcentration {
                value: sfloat(cursor.u16("concentration")?),
                sample: GlucoseSample(cursor.u8("type and location")?),
            })
        } else {
            None
        };
        let status = has(STATUS).then(|| cursor.u16("status")).transpose()?;
        Ok(Self {
            sequence,
            time,
            time_offset_min,
            concentration,
            unit: if has(MOLES) {
                GlucoseUnit::MolPerL
            } else {
                GlucoseUnit::KgPerL
            },
            status: status.map(GlucoseStatus),
            context_follows: has(CONTEXT),
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated meter does; `None` when the concentration does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(OFFSET, self.time_offset_min.is_some());
        set(CONCENTRATION, self.concentration.is_some());
        set(MOLES, self.unit == GlucoseUnit::MolPerL);
        set(STATUS, self.status.is_some());
        set(CONTEXT, self.context_follows);
        let mut frame = vec![flags];
        frame.extend(self.sequence.to_le_bytes());
        frame.extend(self.time.bytes());
        frame.extend(self.time_offset_min.iter().flat_map(|m| m.to_le_bytes()));
        if let Some(concentration) = self.concentration {
            frame.extend(to_sfloat(concentration.value)?.to_le_bytes());
            frame.push(concentration.sample.0);
        }
        frame.extend(self.status.iter().flat_map(|status| status.0.to_le_bytes()));
        frame.extend(&self.extra);
        Some(frame)
    }

    /// Why this is no value of the patient, if it is none. A control solution outweighs everything else.
    #[must_use]
    pub fn not_a_value(&self) -> Option<NotAValue> {
        let Some(concentration) = self.concentration else {
            let told = self.status.and_then(GlucoseStatus::not_a_value);
            return Some(told.unwrap_or(NotAValue::NoNumber));
        };
        if concentration.sample.is_control_solution() {
            return Some(NotAValue::ControlSolution);
        }
        let told = self.status.and_then(GlucoseStatus::not_a_value);
        told.or(NotAValue::of(concentration.value))
    }

    /// Whether the device says that its time is not to be trusted; the value may be right all the same.
    #[must_use]
    pub fn clock_fault(&self) -> bool {
        self.status.is_some_and(GlucoseStatus::time_fault)
    }
}

/// Glucose Feature: what the meter can tell, the bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlucoseFeature(pub u16);

/// The names of the bits, from bit 0.
const FEATURES: [&str; 11] = [
    "low_battery_detection",
    "sensor_malfunction_detection",
    "sample_size_detection",
    "strip_insertion_error_detection",
    "strip_type_error_detection",
    "result_range_detection",
    "temperature_range_detection",
    "read_interrupt_detection",
    "general_device_fault_detection",
    "time_fault_detection",
    "multiple_bonds",
];

impl GlucoseFeature {
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

    /// The two bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }

    /// What it can tell, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        bits::named(u32::from(self.0), 0, &FEATURES)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & 0xf800
    }
}

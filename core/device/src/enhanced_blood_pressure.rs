//! Enhanced Blood Pressure Measurement (0x2B34) and Enhanced Intermediate Cuff Pressure (0x2B35, never a reading): Blood
//! Pressure Service 1.1, layouts of the GATT Specification Supplement.
//!
//! They differ from 0x2A35 and 0x2A36 in their times, which count seconds, and 0x2B35 holds one pressure where 0x2A36
//! holds three words.

use crate::bits::only_known;
use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use jiff::{Span, civil};
use reading::{BloodPressure, BloodPressureStatus, Number, PressureUnit};

const KPA: u8 = 0x01;
const TIME: u8 = 0x02;
const PULSE: u8 = 0x04;
const USER: u8 = 0x08;
const STATUS: u8 = 0x10;
const FACING: u8 = 0x20;
const SINCE_2000: u8 = 0x40;
const KNOWN: u8 = 0x7f;

/// From when a cuff counts its seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Epoch {
    /// 1 January 1900, 00:00:00.
    Y1900,
    /// 1 January 2000, 00:00:00.
    Y2000,
}

impl Epoch {
    /// The year.
    #[must_use]
    pub const fn year(self) -> i16 {
        match self {
            Self::Y1900 => 1900,
            Self::Y2000 => 2000,
        }
    }

    /// The wall clock so many seconds later, at the latest in the year 2136.
    #[must_use]
    pub fn after(self, seconds: u32) -> civil::DateTime {
        let start = civil::date(self.year(), 1, 1).at(0, 0, 0, 0);
        start.saturating_add(Span::new().seconds(seconds))
    }
}

/// What both frames have beside their pressures.
#[derive(Clone, PartialEq, Eq)]
pub struct EnhancedFields {
    /// The unit of the pressures.
    pub unit: PressureUnit,
    /// From when both times count.
    pub epoch: Epoch,
    /// The time in UTC, seconds.
    pub time: Option<u32>,
    /// Beats per minute.
    pub pulse_rate: Option<Number>,
    /// User slot, FF unknown.
    pub user_slot: Option<u8>,
    /// Measurement status.
    pub status: Option<BloodPressureStatus>,
    /// The time that the cuff showed, seconds.
    pub user_facing_time: Option<u32>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A frame of 0x2B34.
#[derive(Clone, PartialEq, Eq)]
pub struct EnhancedBloodPressureFrame {
    /// Systolic.
    pub systolic: Number,
    /// Diastolic.
    pub diastolic: Number,
    /// Mean arterial pressure.
    pub mean_arterial: Number,
    /// The rest.
    pub fields: EnhancedFields,
}

/// A frame of 0x2B35.
#[derive(Clone, PartialEq, Eq)]
pub struct EnhancedCuffPressureFrame {
    /// The pressure of the cuff now.
    pub cuff_pressure: Number,
    /// The rest.
    pub fields: EnhancedFields,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for EnhancedFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnhancedFields")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for EnhancedBloodPressureFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnhancedBloodPressureFrame")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for EnhancedCuffPressureFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnhancedCuffPressureFrame")
    }
}

impl EnhancedBloodPressureFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = flags(&mut cursor)?;
        Ok(Self {
            systolic: sfloat(cursor.u16("systolic")?),
            diastolic: sfloat(cursor.u16("diastolic")?),
            mean_arterial: sfloat(cursor.u16("mean arterial")?),
            fields: EnhancedFields::read(flags, cursor)?,
        })
    }

    /// Writes a frame, as a simulated cuff does; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let pressures = [self.systolic, self.diastolic, self.mean_arterial];
        self.fields.write(&pressures)
    }

    /// The values of a measurement.
    #[must_use]
    pub const fn values(&self) -> BloodPressure {
        BloodPressure {
            systolic: self.systolic,
            diastolic: self.diastolic,
            mean_arterial: Some(self.mean_arterial),
            pulse_rate: self.fields.pulse_rate,
            unit: self.fields.unit,
            user_slot: self.fields.user_slot,
            status: self.fields.status,
        }
    }
}

impl EnhancedCuffPressureFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = flags(&mut cursor)?;
        Ok(Self {
            cuff_pressure: sfloat(cursor.u16("cuff pressure")?),
            fields: EnhancedFields::read(flags, cursor)?,
        })
    }

    /// Writes a frame, as a simulated cuff does; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        self.fields.write(&[self.cuff_pressure])
    }
}

fn flags(cursor: &mut Cursor<'_>) -> Result<u8, DecodeError> {
    let flags = cursor.u8("flags")?;
    only_known(u32::from(flags), u32::from(KNOWN))?;
    Ok(flags)
}

impl EnhancedFields {
    fn read(flags: u8, mut cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let has = |bit| flags & bit != 0;
        let time = has(TIME).then(|| cursor.u32("time")).transpose()?;
        let pulse_rate = has(PULSE).then(|| cursor.u16("pulse rate")).transpose()?;
        let user_slot = has(USER).then(|| cursor.u8("user")).transpose()?;
        let status = has(STATUS).then(|| cursor.u16("status")).transpose()?;
        let facing = has(FACING)
            .then(|| cursor.u32("user facing time"))
            .transpose()?;
        Ok(Self {
            unit: if has(KPA) {
                PressureUnit::KPa
            } else {
                PressureUnit::MmHg
            },
            epoch: if has(SINCE_2000) {
                Epoch::Y2000
            } else {
                Epoch::Y1900
            },
            time,
            pulse_rate: pulse_rate.map(sfloat),
            user_slot,
            status: status.map(BloodPressureStatus),
            user_facing_time: facing,
            extra: cursor.rest().to_vec(),
        })
    }

    fn write(&self, pressures: &[Number]) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(KPA, self.unit == PressureUnit::KPa);
        set(TIME, self.time.is_some());
        set(PULSE, self.pulse_rate.is_some());
        set(USER, self.user_slot.is_some());
        set(STATUS, self.status.is_some());
        set(FACING, self.user_facing_time.is_some());
        set(SINCE_2000, self.epoch == Epoch::Y2000);
        let mut frame = vec![flags];
        for pressure in pressures {
            frame.extend(to_sfloat(*pressure)?.to_le_bytes());
        }
        frame.extend(self.time.iter().flat_map(|time| time.to_le_bytes()));
        if let Some(pulse) = self.pulse_rate {
            frame.extend(to_sfloat(pulse)?.to_le_bytes());
        }
        frame.extend(self.user_slot);
        frame.extend(self.status.iter().flat_map(|status| status.0.to_le_bytes()));
        let facing = self.user_facing_time.iter();
        frame.extend(facing.flat_map(|time| time.to_le_bytes()));
        frame.extend(&self.extra);
        Some(frame)
    }
}

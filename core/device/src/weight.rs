//! Weight Measurement (0x2A9D) and Weight Scale Feature (0x2A9E): Weight Scale Service, layouts of the GATT
//! Specification Supplement.

use crate::NotAValue;
use crate::bits::{named, only_known};
use crate::bytes::{Cursor, DecodeError};
use crate::scaled::{Measured, Resolution, ScaleUnits};
use reading::{Decimal, DeviceTime};

const IMPERIAL: u8 = 0x01;
const TIME: u8 = 0x02;
const USER: u8 = 0x04;
const SIZE: u8 = 0x08;
const KNOWN: u8 = 0x0f;

/// A frame of 0x2A9D.
#[derive(Clone, PartialEq, Eq)]
pub struct WeightFrame {
    /// The weight, or that weighing failed.
    pub weight: Measured,
    /// The units of weight and height.
    pub units: ScaleUnits,
    /// The device's time.
    pub time: Option<DeviceTime>,
    /// User slot, FF unknown.
    pub user_slot: Option<u8>,
    /// What the scale worked out from a height that somebody told it.
    pub size: Option<BodySize>,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// Body mass index and height; a scale sends both or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BodySize {
    /// Body mass index, kg/m², in tenths.
    pub bmi: Decimal,
    /// Height, in the unit of lengths.
    pub height: Decimal,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for WeightFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WeightFrame")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for BodySize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodySize")
    }
}

impl WeightFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        only_known(u32::from(flags), u32::from(KNOWN))?;
        let has = |bit| flags & bit != 0;
        let units = if has(IMPERIAL) {
            ScaleUnits::Imperial
        } else {
            ScaleUnits::Metric
        };
        let weight = cursor.u16("weight")?;
        let time = has(TIME).then(|| cursor.take("time")).transpose()?;
        let user_slot = has(USER).then(|| cursor.u8("user")).transpose()?;
        let size = if has(SIZE) {
            Some(BodySize {
                bmi: Resolution::TENTH.read(cursor.u16("body mass index")?),
                height: units.length().read(cursor.u16("height")?),
            })
        } else {
            None
        };
        Ok(Self {
            weight: Measured::read(weight, units.mass()),
            units,
            time: time.map(DeviceTime::from_bytes),
            user_slot,
            size,
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated scale does; `None` when a number is no multiple of its resolution or too large.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(IMPERIAL, self.units == ScaleUnits::Imperial);
        set(TIME, self.time.is_some());
        set(USER, self.user_slot.is_some());
        set(SIZE, self.size.is_some());
        let mut frame = vec![flags];
        frame.extend(self.weight.write(self.units.mass())?.to_le_bytes());
        frame.extend(self.time.iter().flat_map(DeviceTime::bytes));
        frame.extend(self.user_slot);
        if let Some(size) = self.size {
            frame.extend(Resolution::TENTH.write(size.bmi)?.to_le_bytes());
            frame.extend(self.units.length().write(size.height)?.to_le_bytes());
        }
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The weight, when it is one.
    ///
    /// # Errors
    /// [`NotAValue::Failed`] for a failed weighing.
    pub const fn value(&self) -> Result<Decimal, NotAValue> {
        self.weight.value()
    }
}

/// Weight Scale Feature: what the scale can tell, the bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightFeature(pub u32);

/// The names of the bits, from bit 0.
const FEATURES: [&str; 3] = ["time_stamp", "multiple_users", "bmi"];

impl WeightFeature {
    /// Reads the four bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not four.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let bits = cursor.u32("feature")?;
        cursor.end()?;
        Ok(Self(bits))
    }

    /// The four bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// What it can tell, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        named(self.0, 0, &FEATURES)
    }

    /// How finely it weighs, the standard's number (bits 3–6): 0 not said, 1 to 7 for 0.5, 0.2, 0.1, 0.05, 0.02, 0.01
    /// and 0.005 kg (1, 0.5, 0.2, 0.1, 0.05, 0.02 and 0.01 lb).
    #[must_use]
    pub const fn weight_resolution(self) -> u32 {
        self.0 >> 3 & 0x0f
    }

    /// How finely it knows a height, the standard's number (bits 7–9): 0 not said, 1 to 3 for 0.01, 0.005 and 0.001 m
    /// (1, 0.5 and 0.1 in).
    #[must_use]
    pub const fn height_resolution(self) -> u32 {
        self.0 >> 7 & 0x07
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u32 {
        self.0 & 0xffff_fc00
    }
}

//! Body Composition Measurement (0x2A9C) and Body Composition Feature (0x2A9B): Body Composition Service, layouts of
//! the GATT Specification Supplement.
//!
//! A measurement that is too long for one indication comes in two, both with the flag "multiple packets" and the share
//! of fat; time and user stand in the first one only. [`BodyCompositionFrame::join`] makes one frame of them.

use crate::NotAValue;
use crate::bits::{named, only_known};
use crate::bytes::{Cursor, DecodeError};
use crate::scaled::{Measured, Resolution, ScaleUnits};
use reading::{Decimal, DeviceTime};

const IMPERIAL: u16 = 0x0001;
const TIME: u16 = 0x0002;
const USER: u16 = 0x0004;
const BASAL: u16 = 0x0008;
const MUSCLE_PERCENT: u16 = 0x0010;
const MUSCLE_MASS: u16 = 0x0020;
const FAT_FREE: u16 = 0x0040;
const SOFT_LEAN: u16 = 0x0080;
const WATER: u16 = 0x0100;
const IMPEDANCE: u16 = 0x0200;
const WEIGHT: u16 = 0x0400;
const HEIGHT: u16 = 0x0800;
const MULTIPLE: u16 = 0x1000;
const KNOWN: u16 = 0x1fff;

/// A packet of 0x2A9C, or what two of them say together.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyCompositionFrame {
    /// Share of fat in percent, in tenths, or that the measurement failed.
    pub fat_percent: Measured,
    /// The units of all masses and of the height.
    pub units: ScaleUnits,
    /// The device's time.
    pub time: Option<DeviceTime>,
    /// User slot, FF unknown.
    pub user_slot: Option<u8>,
    /// Basal metabolism in kilojoule.
    pub basal_metabolism_kj: Option<u16>,
    /// Share of muscle in percent, in tenths.
    pub muscle_percent: Option<Decimal>,
    /// Mass of the muscles.
    pub muscle_mass: Option<Decimal>,
    /// Mass without fat.
    pub fat_free_mass: Option<Decimal>,
    /// Mass without fat and bones.
    pub soft_lean_mass: Option<Decimal>,
    /// Mass of the water.
    pub body_water_mass: Option<Decimal>,
    /// Impedance in ohm, in tenths.
    pub impedance_ohm: Option<Decimal>,
    /// The weight, or that weighing failed.
    pub weight: Option<Measured>,
    /// The height.
    pub height: Option<Decimal>,
    /// Another packet belongs to this one. After [`BodyCompositionFrame::join`]: and it did not come.
    pub multiple_packet: bool,
    /// Bytes after the last field.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for BodyCompositionFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyCompositionFrame")
    }
}

impl BodyCompositionFrame {
    /// Reads one packet.
    ///
    /// # Errors
    /// [`DecodeError`] for a packet that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(packet);
        let flags = cursor.u16("flags")?;
        only_known(u32::from(flags), u32::from(KNOWN))?;
        let units = if flags & IMPERIAL == 0 {
            ScaleUnits::Metric
        } else {
            ScaleUnits::Imperial
        };
        let fat_percent = Measured::read(cursor.u16("fat percentage")?, Resolution::TENTH);
        let has = |bit| flags & bit != 0;
        let time = has(TIME).then(|| cursor.take("time")).transpose()?;
        let user_slot = has(USER).then(|| cursor.u8("user")).transpose()?;
        let mut word = |bit, field| has(bit).then(|| cursor.u16(field)).transpose();
        let mass = units.mass();
        let basal_metabolism_kj = word(BASAL, "basal metabolism")?;
        let muscle_percent = word(MUSCLE_PERCENT, "muscle percentage")?;
        let muscle_mass = word(MUSCLE_MASS, "muscle mass")?;
        let fat_free_mass = word(FAT_FREE, "fat free mass")?;
        let soft_lean_mass = word(SOFT_LEAN, "soft lean mass")?;
        let body_water_mass = word(WATER, "body water mass")?;
        let impedance = word(IMPEDANCE, "impedance")?;
        let weight = word(WEIGHT, "weight")?;
        let height = word(HEIGHT, "height")?;
        Ok(Self {
            fat_percent,
            units,
            time: time.map(DeviceTime::from_bytes),
            user_slot,
            basal_metabolism_kj,
            muscle_percent: muscle_percent.map(|raw| Resolution::TENTH.read(raw)),
            muscle_mass: muscle_mass.map(|raw| mass.read(raw)),
            fat_free_mass: fat_free_mass.map(|raw| mass.read(raw)),
            soft_lean_mass: soft_lean_mass.map(|raw| mass.read(raw)),
            body_water_mass: body_water_mass.map(|raw| mass.read(raw)),
            impedance_ohm: impedance.map(|raw| Resolution::TENTH.read(raw)),
            weight: weight.map(|raw| Measured::read(raw, mass)),
            height: height.map(|raw| units.length().read(raw)),
            multiple_packet: has(MULTIPLE),
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes one packet, as a simulated scale does; `None` when a number is no multiple of its resolution or too
    /// large.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = self.leading_flags();
        if self.multiple_packet {
            flags |= MULTIPLE;
        }
        let mut packet = self.packet(flags, &self.words()?)?;
        packet.extend(&self.extra);
        Some(packet)
    }

    /// The flags of what stands before the words: units, time, user.
    fn leading_flags(&self) -> u16 {
        let set = |bit, on: bool| if on { bit } else { 0 };
        set(IMPERIAL, self.units == ScaleUnits::Imperial)
            | set(TIME, self.time.is_some())
            | set(USER, self.user_slot.is_some())
    }

    /// The fields of two bytes, each with its flag, in their order.
    fn words(&self) -> Option<Vec<(u16, u16)>> {
        let (mass, length) = (self.units.mass(), self.units.length());
        let mut words = Vec::new();
        words.extend(self.basal_metabolism_kj.map(|energy| (BASAL, energy)));
        for (bit, value, resolution) in [
            (MUSCLE_PERCENT, self.muscle_percent, Resolution::TENTH),
            (MUSCLE_MASS, self.muscle_mass, mass),
            (FAT_FREE, self.fat_free_mass, mass),
            (SOFT_LEAN, self.soft_lean_mass, mass),
            (WATER, self.body_water_mass, mass),
            (IMPEDANCE, self.impedance_ohm, Resolution::TENTH),
        ] {
            if let Some(value) = value {
                words.push((bit, resolution.write(value)?));
            }
        }
        if let Some(weight) = self.weight {
            words.push((WEIGHT, weight.write(mass)?));
        }
        if let Some(height) = self.height {
            words.push((HEIGHT, length.write(height)?));
        }
        Some(words)
    }

    /// A packet with these flags beside those of its words; time and user stand in it as the flags say.
    fn packet(&self, flags: u16, words: &[(u16, u16)]) -> Option<Vec<u8>> {
        let all = words.iter().fold(flags, |flags, (bit, _)| flags | bit);
        let mut packet = all.to_le_bytes().to_vec();
        packet.extend(self.fat_percent.write(Resolution::TENTH)?.to_le_bytes());
        if flags & TIME != 0 {
            packet.extend(self.time.iter().flat_map(DeviceTime::bytes));
        }
        if flags & USER != 0 {
            packet.extend(self.user_slot);
        }
        packet.extend(words.iter().flat_map(|(_, raw)| raw.to_le_bytes()));
        Some(packet)
    }

    /// Writes a whole measurement in packets of at most `longest` bytes (the ATT MTU less three): one, or two when one
    /// is too short. `None` when a number cannot be written, or two are too short as well.
    #[must_use]
    pub fn encode_packets(&self, longest: usize) -> Option<Vec<Vec<u8>>> {
        let whole = Self {
            multiple_packet: false,
            ..self.clone()
        };
        let whole = whole.encode()?;
        if whole.len() <= longest {
            return Some(vec![whole]);
        }
        let flags = self.leading_flags() | MULTIPLE;
        let words = self.words()?;
        let room = longest.checked_sub(self.packet(flags, &[])?.len())? / 2;
        let (first, second) = words.split_at_checked(room).unwrap_or((&words, &[]));
        let first = self.packet(flags, first)?;
        let mut second = self.packet(flags & (IMPERIAL | MULTIPLE), second)?;
        second.extend(&self.extra);
        (second.len() <= longest).then(|| vec![first, second])
    }

    /// Whether `next` is the second half of the measurement of which this is the first: both say that there are two
    /// packets, in the same units and with the same share of fat, and `next` says nothing that this one said, nor when
    /// and of whom.
    #[must_use]
    pub fn is_continued_by(&self, next: &Self) -> bool {
        self.multiple_packet
            && next.multiple_packet
            && self.units == next.units
            && self.fat_percent == next.fat_percent
            && next.time.is_none()
            && next.user_slot.is_none()
            && self.fields() & next.fields() == 0
    }

    /// Which of the fields of two bytes are there, by their flags.
    fn fields(&self) -> u16 {
        [
            (BASAL, self.basal_metabolism_kj.is_some()),
            (MUSCLE_PERCENT, self.muscle_percent.is_some()),
            (MUSCLE_MASS, self.muscle_mass.is_some()),
            (FAT_FREE, self.fat_free_mass.is_some()),
            (SOFT_LEAN, self.soft_lean_mass.is_some()),
            (WATER, self.body_water_mass.is_some()),
            (IMPEDANCE, self.impedance_ohm.is_some()),
            (WEIGHT, self.weight.is_some()),
            (HEIGHT, self.height.is_some()),
        ]
        .into_iter()
        .filter(|(_, on)| *on)
        .fold(0, |flags, (bit, _)| flags | bit)
    }

    /// Makes one frame of all packets of a measurement. A first packet whose second never came is given as it is, with
    /// [`BodyCompositionFrame::multiple_packet`] still set.
    ///
    /// # Errors
    /// [`DecodeError`] of a packet; [`DecodeError::Packets`] when these packets are not one measurement.
    pub fn join<P: AsRef<[u8]>>(packets: &[P]) -> Result<Self, DecodeError> {
        match packets {
            [only] => Self::decode(only.as_ref()),
            [first, second] => {
                let first = Self::decode(first.as_ref())?;
                let second = Self::decode(second.as_ref())?;
                if first.is_continued_by(&second) {
                    Ok(first.with(second))
                } else {
                    Err(DecodeError::Packets)
                }
            }
            _ => Err(DecodeError::Packets),
        }
    }

    fn with(self, second: Self) -> Self {
        Self {
            basal_metabolism_kj: self.basal_metabolism_kj.or(second.basal_metabolism_kj),
            muscle_percent: self.muscle_percent.or(second.muscle_percent),
            muscle_mass: self.muscle_mass.or(second.muscle_mass),
            fat_free_mass: self.fat_free_mass.or(second.fat_free_mass),
            soft_lean_mass: self.soft_lean_mass.or(second.soft_lean_mass),
            body_water_mass: self.body_water_mass.or(second.body_water_mass),
            impedance_ohm: self.impedance_ohm.or(second.impedance_ohm),
            weight: self.weight.or(second.weight),
            height: self.height.or(second.height),
            multiple_packet: false,
            extra: [self.extra, second.extra].concat(),
            ..self
        }
    }

    /// The share of fat, when it is one.
    ///
    /// # Errors
    /// [`NotAValue::Failed`].
    pub const fn fat_value(&self) -> Result<Decimal, NotAValue> {
        self.fat_percent.value()
    }

    /// The weight, when it is one; it may be one although the share of fat is none. `None` when the scale sends no
    /// weight here.
    #[must_use]
    pub fn weight_value(&self) -> Option<Result<Decimal, NotAValue>> {
        self.weight.map(Measured::value)
    }
}

/// Body Composition Feature: what the scale can tell, the bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCompositionFeature(pub u32);

/// The names of the bits, from bit 0.
const FEATURES: [&str; 11] = [
    "time_stamp",
    "multiple_users",
    "basal_metabolism",
    "muscle_percentage",
    "muscle_mass",
    "fat_free_mass",
    "soft_lean_mass",
    "body_water_mass",
    "impedance",
    "weight",
    "height",
];

impl BodyCompositionFeature {
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

    /// How finely it weighs (bits 11–14), by the numbers of
    /// [`WeightFeature::weight_resolution`](crate::WeightFeature::weight_resolution).
    #[must_use]
    pub const fn weight_resolution(self) -> u32 {
        self.0 >> 11 & 0x0f
    }

    /// How finely it knows a height (bits 15–17), by the numbers of
    /// [`WeightFeature::height_resolution`](crate::WeightFeature::height_resolution).
    #[must_use]
    pub const fn height_resolution(self) -> u32 {
        self.0 >> 15 & 0x07
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u32 {
        self.0 & 0xfffc_0000
    }
}

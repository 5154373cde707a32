//! Blood pressure: what a cuff (Blood Pressure Measurement, 0x2A35, GATT Specification Supplement) or a person says.

use crate::parts::{Bits, Found, Gap, Value, optional};
use crate::{Doubt, Number, Parts};
use serde::{Deserialize, Serialize};

/// One measurement of blood pressure.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloodPressure {
    /// The upper pressure, in `unit`.
    pub systolic: Number,
    /// The lower pressure, in `unit`.
    pub diastolic: Number,
    /// Mean arterial pressure, in `unit`; a cuff always has the field, a person does not type it.
    pub mean_arterial: Option<Number>,
    /// Beats per minute.
    pub pulse_rate: Option<Number>,
    /// The unit of the pressures, as sent.
    pub unit: PressureUnit,
    /// The user slot as sent; FF is "unknown user".
    pub user_slot: Option<u8>,
    /// What the cuff says about the measurement itself.
    pub status: Option<BloodPressureStatus>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for BloodPressure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BloodPressure")
    }
}

impl BloodPressure {
    /// Whether the measurement failed: neither pressure is a number.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.systolic.value().is_none() && self.diastolic.value().is_none()
    }

    pub(crate) fn parts(&self) -> Parts {
        let unit = self.unit.ucum();
        let pressure = |name: &'static str, number| Value {
            name: name.into(),
            number: Some(number),
            unit,
        };
        let mut values = vec![
            pressure("systolic", self.systolic),
            pressure("diastolic", self.diastolic),
        ];
        values.extend(optional("mean_arterial", self.mean_arterial, unit));
        values.extend(optional("pulse_rate", self.pulse_rate, "/min"));
        let status = self.status.map(|status| Bits {
            name: "status",
            bits: u32::from(status.0),
            bytes: 2,
            flags: status.flags().map(StatusFlag::code).collect(),
            reserved: u32::from(status.reserved()),
        });
        Parts {
            values,
            main: 2,
            unit: Some(unit),
            user_slot: self.user_slot,
            bits: status.into_iter().collect(),
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            systolic: found.needed("systolic")?,
            diastolic: found.needed("diastolic")?,
            mean_arterial: found.number("mean_arterial"),
            pulse_rate: found.number("pulse_rate"),
            unit: found.unit(&[PressureUnit::MmHg, PressureUnit::KPa], PressureUnit::ucum)?,
            user_slot: found.user_slot,
            status: found.bits("status")?.map(BloodPressureStatus),
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let disturbed = |flag| {
            matches!(
                flag,
                StatusFlag::BodyMovement | StatusFlag::CuffTooLoose | StatusFlag::ImproperPosition
            )
        };
        let failed = self.has_failed().then_some(Doubt::MeasurementFailed);
        let status = self.status.iter().flat_map(|status| status.flags());
        let disturbed = status
            .into_iter()
            .any(disturbed)
            .then_some(Doubt::Disturbed);
        failed.into_iter().chain(disturbed).collect()
    }
}

/// The unit of a pressure. Values are kept in the unit in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PressureUnit {
    /// Millimetres of mercury.
    #[serde(rename = "mm[Hg]")]
    MmHg,
    /// Kilopascal.
    #[serde(rename = "kPa")]
    KPa,
}

impl PressureUnit {
    /// Its UCUM code.
    #[must_use]
    pub const fn ucum(self) -> &'static str {
        match self {
            Self::MmHg => "mm[Hg]",
            Self::KPa => "kPa",
        }
    }
}

/// Measurement Status, the 16 bits as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BloodPressureStatus(pub u16);

/// One statement of a cuff about its measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusFlag {
    /// Bit 0: the person moved.
    BodyMovement,
    /// Bit 1: the cuff was too loose.
    CuffTooLoose,
    /// Bit 2: the pulse was irregular.
    IrregularPulse,
    /// Bits 3–4 = 1: the pulse was above the range of the cuff.
    PulseRateAboveRange,
    /// Bits 3–4 = 2: the pulse was below the range of the cuff.
    PulseRateBelowRange,
    /// Bit 5: the arm or body was not in the right position.
    ImproperPosition,
}

impl StatusFlag {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 6] = [
        Self::BodyMovement,
        Self::CuffTooLoose,
        Self::IrregularPulse,
        Self::PulseRateAboveRange,
        Self::PulseRateBelowRange,
        Self::ImproperPosition,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BodyMovement => "body_movement",
            Self::CuffTooLoose => "cuff_too_loose",
            Self::IrregularPulse => "irregular_pulse",
            Self::PulseRateAboveRange => "pulse_rate_above_range",
            Self::PulseRateBelowRange => "pulse_rate_below_range",
            Self::ImproperPosition => "improper_position",
        }
    }

    const fn mask(self) -> (u16, u16) {
        match self {
            Self::BodyMovement => (0x01, 0x01),
            Self::CuffTooLoose => (0x02, 0x02),
            Self::IrregularPulse => (0x04, 0x04),
            Self::PulseRateAboveRange => (0x18, 0x08),
            Self::PulseRateBelowRange => (0x18, 0x10),
            Self::ImproperPosition => (0x20, 0x20),
        }
    }
}

impl BloodPressureStatus {
    /// What is said, in the order of the bits.
    pub fn flags(self) -> impl Iterator<Item = StatusFlag> {
        StatusFlag::ALL.into_iter().filter(move |flag| {
            let (mask, value) = flag.mask();
            self.0 & mask == value
        })
    }

    /// The bits to which the standard gives no meaning: bits 6–15, and both of bits 3–4 at once.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        let range = if self.0 & 0x18 == 0x18 { 0x18 } else { 0 };
        self.0 & 0xffc0 | range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_bits_have_their_names() {
        let codes = |bits| {
            BloodPressureStatus(bits)
                .flags()
                .map(StatusFlag::code)
                .collect::<Vec<_>>()
        };
        assert!(codes(0).is_empty());
        assert_eq!(
            codes(0x2d),
            [
                "body_movement",
                "irregular_pulse",
                "pulse_rate_above_range",
                "improper_position"
            ]
        );
        assert_eq!(codes(0x12), ["cuff_too_loose", "pulse_rate_below_range"]);
        assert!(
            codes(0x18).is_empty(),
            "a reserved pulse range says nothing"
        );
        assert_eq!(BloodPressureStatus(0x18).reserved(), 0x18);
        assert_eq!(BloodPressureStatus(0x8047).reserved(), 0x8040);
    }
}

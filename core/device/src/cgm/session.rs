//! What a CGM says about itself and its session: CGM Feature (0x2AA8), CGM Status (0x2AA9), CGM Session Start Time
//! (0x2AAA), CGM Session Run Time (0x2AAB). All of fixed length; the last three with a check sum behind them when the
//! sensor does that. A check sum that does not fit is an error: a wrong start would make every record's time wrong.

use super::CgmStatus;
use crate::bits;
use crate::bytes::{Cursor, DecodeError};
use crate::crc::{crc16, with_crc, without_crc};
use crate::glucose::GlucoseSample;
use reading::DeviceTime;

/// Takes the check sum off a value that has `length` bytes without it, and says whether there was one.
pub(super) fn unchecked(frame: &[u8], length: usize) -> Result<(&[u8], bool), DecodeError> {
    if frame.len() == length + 2 {
        without_crc(frame).map(|value| (value, true))
    } else {
        Ok((frame, false))
    }
}

/// A value with the check sum that it came with, or without.
pub(super) fn checked(value: Vec<u8>, crc: bool) -> Vec<u8> {
    if crc { with_crc(value) } else { value }
}

/// CGM Feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmFeature {
    /// The bits as sent, 24 of them.
    pub bits: u32,
    /// What is measured, and where.
    pub sample: GlucoseSample,
    /// The check sum's place. FFFF where the sensor makes none.
    pub crc: u16,
}

const FEATURES: [&str; 17] = [
    "calibration",
    "patient_alerts",
    "hypo_alerts",
    "hyper_alerts",
    "rate_alerts",
    "device_specific_alert",
    "sensor_malfunction_detection",
    "temperature_range_detection",
    "result_range_detection",
    "low_battery_detection",
    "sensor_type_error_detection",
    "general_device_fault_detection",
    "e2e_crc",
    "multiple_bonds",
    "multiple_sessions",
    "trend",
    "quality",
];

impl CgmFeature {
    /// Reads the six bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not six, or they claim a check sum that does not fit.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self {
            bits: cursor.u24("feature")?,
            sample: GlucoseSample(cursor.u8("type and location")?),
            crc: cursor.u16("check sum")?,
        };
        cursor.end()?;
        if read.has_crc() {
            without_crc(frame)?;
        }
        Ok(read)
    }

    /// A feature with the check sum that belongs to it.
    #[must_use]
    pub fn new(bits: u32, sample: GlucoseSample) -> Self {
        let crc = 0xffff;
        let mut made = Self { bits, sample, crc };
        if made.has_crc() {
            made.crc = crc16(&made.covered());
        }
        made
    }

    fn covered(self) -> [u8; 4] {
        let [a, b, c, _] = self.bits.to_le_bytes();
        [a, b, c, self.sample.0]
    }

    /// The six bytes; `None` when the bits are more than 24.
    #[must_use]
    pub fn encode(self) -> Option<Vec<u8>> {
        let mut frame = self.covered().to_vec();
        frame.extend(self.crc.to_le_bytes());
        (self.bits < 1 << 24).then_some(frame)
    }

    /// Whether the sensor puts a check sum behind what it sends.
    #[must_use]
    pub const fn has_crc(self) -> bool {
        self.bits & 0x1000 != 0
    }

    /// What it can do, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        bits::named(self.bits, 0, &FEATURES)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u32 {
        self.bits & 0xfe_0000
    }
}

/// CGM Status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CgmStatusFrame {
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// The three octets.
    pub status: [u8; 3],
    /// Whether a check sum stood behind it, and fitted.
    pub crc: bool,
}

/// What a sensor says about a result stays out of logs.
impl std::fmt::Debug for CgmStatusFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CgmStatusFrame")
    }
}

impl CgmStatusFrame {
    /// Reads five bytes, or seven with the check sum.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let (value, crc) = unchecked(frame, 5)?;
        let mut cursor = Cursor::new(value);
        let read = Self {
            time_offset_min: cursor.u16("time offset")?,
            status: cursor.take("status")?,
            crc,
        };
        cursor.end()?;
        Ok(read)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut value = self.time_offset_min.to_le_bytes().to_vec();
        value.extend(self.status);
        checked(value, self.crc)
    }

    /// What the octets say.
    #[must_use]
    pub const fn annunciation(self) -> CgmStatus {
        CgmStatus::all(self.status)
    }
}

/// CGM Session Start Time. Every record's time is counted from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmSessionStart {
    /// Local.
    pub time: DeviceTime,
    /// Standard time's offset from UTC in quarter hours; −128 not known.
    pub time_zone: i8,
    /// Summer time: 0 none, 2 half an hour, 4 one hour, 8 two hours, 255 not known.
    pub dst_offset: u8,
    /// Whether a check sum stood behind it, and fitted.
    pub crc: bool,
}

impl CgmSessionStart {
    /// Reads nine bytes, or eleven with the check sum.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let (value, crc) = unchecked(frame, 9)?;
        let mut cursor = Cursor::new(value);
        let read = Self {
            time: DeviceTime::from_bytes(cursor.take("start time")?),
            time_zone: cursor.i8("time zone")?,
            dst_offset: cursor.u8("summer time")?,
            crc,
        };
        cursor.end()?;
        Ok(read)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut value = self.time.bytes().to_vec();
        value.extend(self.time_zone.to_le_bytes());
        value.push(self.dst_offset);
        checked(value, self.crc)
    }
}

/// CGM Session Run Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmSessionRunTime {
    /// How long the sensor is expected to work, in hours from the start.
    pub hours: u16,
    /// Whether a check sum stood behind it, and fitted.
    pub crc: bool,
}

impl CgmSessionRunTime {
    /// Reads two bytes, or four with the check sum.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let (value, crc) = unchecked(frame, 2)?;
        let mut cursor = Cursor::new(value);
        let hours = cursor.u16("run time")?;
        cursor.end()?;
        Ok(Self { hours, crc })
    }

    /// The bytes.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        checked(self.hours.to_le_bytes().to_vec(), self.crc)
    }
}

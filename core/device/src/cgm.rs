//! CGM Measurement (0x2AA7): Continuous Glucose Monitoring Service 1.0.2, layout of the GATT Specification Supplement.
//! The characteristics that are read once are in `session`, the control point is in `control`.
//!
//! One notification holds one or more records, each with its own length and, where the sensor does it (0x2AA8 bit 12),
//! its own check sum. A record has no time of its own: minutes since the session began (0x2AAA).

mod control;
mod session;

pub use control::{
    CgmCalibration, CgmControl, CgmControlRequest, CgmControlResponse, CgmLevel, CgmResult,
};
pub use session::{CgmFeature, CgmSessionRunTime, CgmSessionStart, CgmStatusFrame};

use crate::NotAValue;
use crate::bits;
use crate::bytes::{Cursor, DecodeError};
use crate::crc::crc16;
use crate::float::{sfloat, to_sfloat};
use reading::{CGM_STATUS, Number};

const TREND: u8 = 0x01;
const QUALITY: u8 = 0x02;
const WARNING: u8 = 0x20;
const CALIBRATION: u8 = 0x40;
const STATUS: u8 = 0x80;
const KNOWN: u8 = 0xe3;

/// Size, flags, glucose, offset: no record is shorter.
const LEAST: usize = 6;

/// Sensor Status Annunciation: three octets, of which a measurement has only those that say something.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct CgmStatus {
    /// Status.
    pub status: Option<u8>,
    /// Calibration and temperature.
    pub calibration: Option<u8>,
    /// Warnings.
    pub warning: Option<u8>,
}

/// What a sensor says about a result stays out of logs.
impl std::fmt::Debug for CgmStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CgmStatus")
    }
}

/// Bits without a name.
const RESERVED: u32 = 0x0080c0;

impl CgmStatus {
    /// All three octets, as CGM Status (0x2AA9) has them.
    #[must_use]
    pub const fn all([status, calibration, warning]: [u8; 3]) -> Self {
        Self {
            status: Some(status),
            calibration: Some(calibration),
            warning: Some(warning),
        }
    }

    /// The 24 bits, an octet that is left out as zeros.
    #[must_use]
    pub fn bits(self) -> u32 {
        u32::from_le_bytes([
            self.status.unwrap_or(0),
            self.calibration.unwrap_or(0),
            self.warning.unwrap_or(0),
            0,
        ])
    }

    /// Whether there is any octet.
    #[must_use]
    pub const fn is_present(self) -> bool {
        self.status.is_some() || self.calibration.is_some() || self.warning.is_some()
    }

    /// What is set, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        bits::named(self.bits() & !RESERVED, 0, &CGM_STATUS)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub fn reserved(self) -> u32 {
        self.bits() & RESERVED
    }

    /// Whether the sensor says that its clock must be set.
    #[must_use]
    pub fn clock_fault(self) -> bool {
        self.bits() & 0x100 != 0
    }

    fn not_a_value(self) -> Option<NotAValue> {
        let bits = self.bits();
        // Type incorrect, malfunction, fault; temperature too high, too low.
        if bits & 0x00_30_2c != 0 {
            Some(NotAValue::Failed)
        } else if bits & 0x40_00_00 != 0 {
            Some(NotAValue::BelowRange)
        } else if bits & 0x80_00_00 != 0 {
            Some(NotAValue::AboveRange)
        } else {
            None
        }
    }
}

/// One record of a frame of 0x2AA7.
#[derive(Clone, PartialEq, Eq)]
pub struct CgmRecord {
    /// mg/dL.
    pub glucose: Number,
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// Status.
    pub status: CgmStatus,
    /// mg/dL in a minute.
    pub trend: Option<Number>,
    /// Percent.
    pub quality: Option<Number>,
    /// The check sum as sent, and whether it fits.
    pub crc: Option<CgmCrc>,
    /// Bytes between the last field and the check sum.
    pub extra: Vec<u8>,
}

/// A check sum as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgmCrc {
    /// It fits.
    Fits,
    /// It does not; this was sent.
    Wrong(u16),
}

/// A frame of 0x2AA7.
#[derive(Clone, PartialEq, Eq)]
pub struct CgmFrame {
    /// Its records, at least one.
    pub records: Vec<CgmRecord>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for CgmRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CgmRecord")
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for CgmFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CgmFrame({} records)", self.records.len())
    }
}

impl CgmFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame without a record, a record that ends early, is shorter than its fields or has
    /// reserved flags. A check sum that does not fit is no error of the frame: the other records are whole.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut records = Vec::new();
        let mut rest = frame;
        loop {
            let (record, after) = Self::split(rest)?;
            records.push(CgmRecord::decode(record)?);
            if after.is_empty() {
                return Ok(Self { records });
            }
            rest = after;
        }
    }

    /// The bytes of the first record, and those behind it.
    ///
    /// # Errors
    /// [`DecodeError`] when the size is impossible or there are fewer bytes.
    pub fn split(frame: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
        let mut cursor = Cursor::new(frame);
        let size = usize::from(cursor.u8("size")?);
        if size < LEAST {
            return Err(DecodeError::BadValue { field: "size" });
        }
        frame.split_at_checked(size).ok_or(DecodeError::Short {
            field: "record",
            need: size,
            have: frame.len(),
        })
    }

    /// Writes a frame, as a simulated sensor does; `None` where [`CgmRecord::encode`] is.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let records: Option<Vec<Vec<u8>>> = self.records.iter().map(CgmRecord::encode).collect();
        records
            .filter(|records| !records.is_empty())
            .map(|records| records.concat())
    }
}

impl CgmRecord {
    /// Reads a record of exactly these bytes. Whether there is a check sum follows from the length: two bytes behind
    /// the last field are one, more than two end in one when it fits.
    fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(record);
        cursor.u8("size")?;
        let flags = cursor.u8("flags")?;
        if flags & !KNOWN != 0 {
            return Err(DecodeError::ReservedFlags {
                bits: u32::from(flags & !KNOWN),
            });
        }
        let has = |bit| flags & bit != 0;
        let glucose = sfloat(cursor.u16("glucose")?);
        let time_offset_min = cursor.u16("time offset")?;
        let status = has(STATUS).then(|| cursor.u8("status")).transpose()?;
        let calibration = has(CALIBRATION)
            .then(|| cursor.u8("calibration and temperature"))
            .transpose()?;
        let warning = has(WARNING).then(|| cursor.u8("warning")).transpose()?;
        let trend = has(TREND).then(|| cursor.u16("trend")).transpose()?;
        let quality = has(QUALITY).then(|| cursor.u16("quality")).transpose()?;
        let (crc, extra) = check(record, cursor.rest());
        Ok(Self {
            glucose,
            time_offset_min,
            status: CgmStatus {
                status,
                calibration,
                warning,
            },
            trend: trend.map(sfloat),
            quality: quality.map(sfloat),
            crc,
            extra: extra.to_vec(),
        })
    }

    /// Writes a record; `None` when a number does not fit an SFLOAT, the record would be longer than 255 bytes, or its
    /// extra bytes would be taken for a check sum.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(TREND, self.trend.is_some());
        set(QUALITY, self.quality.is_some());
        set(WARNING, self.status.warning.is_some());
        set(CALIBRATION, self.status.calibration.is_some());
        set(STATUS, self.status.status.is_some());
        let mut record = vec![0, flags];
        record.extend(to_sfloat(self.glucose)?.to_le_bytes());
        record.extend(self.time_offset_min.to_le_bytes());
        record.extend(self.status.status);
        record.extend(self.status.calibration);
        record.extend(self.status.warning);
        for number in [self.trend, self.quality].into_iter().flatten() {
            record.extend(to_sfloat(number)?.to_le_bytes());
        }
        let fields = record.len();
        record.extend(&self.extra);
        let crc = usize::from(self.crc.is_some()) * 2;
        record[0] = u8::try_from(record.len() + crc).ok()?;
        match self.crc {
            None => {}
            Some(CgmCrc::Fits) => record = crate::crc::with_crc(record),
            Some(CgmCrc::Wrong(crc)) => record.extend(crc.to_le_bytes()),
        }
        let (again, extra) = check(&record, &record[fields..]);
        (again == self.crc && extra == self.extra).then_some(record)
    }

    /// Whether the check sum fits; `None` when there is none.
    #[must_use]
    pub fn crc_ok(&self) -> Option<bool> {
        self.crc.map(|crc| crc == CgmCrc::Fits)
    }

    /// Why this is no value of the patient, if it is none.
    #[must_use]
    pub fn not_a_value(&self) -> Option<NotAValue> {
        if self.crc_ok() == Some(false) {
            return Some(NotAValue::Damaged);
        }
        self.status.not_a_value().or(NotAValue::of(self.glucose))
    }

    /// Whether the sensor says that its clock must be set: the time of this record is then not to be trusted.
    #[must_use]
    pub fn clock_fault(&self) -> bool {
        self.status.clock_fault()
    }
}

/// The check sum and the bytes before it, out of what stands behind the last field.
fn check<'a>(record: &[u8], behind: &'a [u8]) -> (Option<CgmCrc>, &'a [u8]) {
    let Some((extra, crc)) = behind.split_last_chunk::<2>() else {
        return (None, behind);
    };
    let sent = u16::from_le_bytes(*crc);
    let fits = crc16(&record[..record.len() - 2]) == sent;
    match (fits, extra.is_empty()) {
        (true, _) => (Some(CgmCrc::Fits), extra),
        (false, true) => (Some(CgmCrc::Wrong(sent)), extra),
        (false, false) => (None, behind),
    }
}

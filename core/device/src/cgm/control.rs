//! CGM Specific Ops Control Point (0x2AAC): what is written to a sensor and what it indicates.
//!
//! Op codes come in threes (set, get, answer), but for the four single ones. A row of the GATT Specification Supplement
//! names 0x0F as the response code; that is the answer for the hypo level, and the response is 0x1C (Nordic's and
//! RivieraWaves' stacks agree). The interval is one byte in the service and two in one row of the supplement: both are
//! read, the length tells them apart.

use super::session::{checked, unchecked};
use crate::bytes::{Cursor, DecodeError};
use crate::float::{sfloat, to_sfloat};
use crate::glucose::GlucoseSample;
use reading::Number;

/// A limit of which the sensor warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgmLevel {
    /// Patient high, mg/dL.
    PatientHigh,
    /// Patient low, mg/dL.
    PatientLow,
    /// Hypo, mg/dL.
    Hypo,
    /// Hyper, mg/dL.
    Hyper,
    /// Rate of decrease, mg/dL in a minute.
    RateOfDecrease,
    /// Rate of increase, mg/dL in a minute.
    RateOfIncrease,
}

const LEVELS: [CgmLevel; 6] = [
    CgmLevel::PatientHigh,
    CgmLevel::PatientLow,
    CgmLevel::Hypo,
    CgmLevel::Hyper,
    CgmLevel::RateOfDecrease,
    CgmLevel::RateOfIncrease,
];

impl CgmLevel {
    /// The op code that sets it; asking for it is the next one, its answer the one after that.
    const fn op(self) -> u8 {
        7 + 3 * self as u8
    }
}

/// A calibration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CgmCalibration {
    /// mg/dL, measured with another meter.
    pub glucose: Number,
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// With what and where.
    pub sample: GlucoseSample,
    /// When the next one is due, in minutes since the session began.
    pub next_time_offset_min: u16,
    /// Its number; the sensor gives it.
    pub record_number: u16,
    /// Bits: 0 rejected, 1 out of range, 2 pending. The sensor gives it.
    pub status: u8,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for CgmCalibration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CgmCalibration")
    }
}

/// What is asked of a sensor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CgmControlRequest {
    /// Send a measurement every so many minutes (1); 0 stops, 255 is as often as it can.
    SetInterval(u8),
    /// Say how often (2).
    GetInterval,
    /// Take this calibration (4).
    SetCalibration(CgmCalibration),
    /// Say this one, by its number; FFFF the last one (5).
    GetCalibration(u16),
    /// Warn from here on.
    SetLevel(CgmLevel, Number),
    /// Say from where on it warns.
    GetLevel(CgmLevel),
    /// End the alert (25).
    ResetAlert,
    /// Begin a session (26).
    Start,
    /// End the session (27).
    Stop,
}

/// Limits and calibrations stay out of logs.
impl std::fmt::Debug for CgmControlRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SetInterval(_) => "SetInterval",
            Self::GetInterval => "GetInterval",
            Self::SetCalibration(_) => "SetCalibration",
            Self::GetCalibration(_) => "GetCalibration",
            Self::SetLevel(..) => "SetLevel",
            Self::GetLevel(_) => "GetLevel",
            Self::ResetAlert => "ResetAlert",
            Self::Start => "Start",
            Self::Stop => "Stop",
        })
    }
}

/// What a sensor answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CgmControlResponse {
    /// It sends every so many minutes (3).
    Interval(u16),
    /// A calibration (6).
    Calibration(CgmCalibration),
    /// A limit.
    Level(CgmLevel, Number),
    /// The end of a request (28).
    Done {
        /// The op code of the request, as sent.
        request: u8,
        /// How it ended.
        result: CgmResult,
    },
}

/// Limits and calibrations stay out of logs.
impl std::fmt::Debug for CgmControlResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interval(_) => "Interval",
            Self::Calibration(_) => "Calibration",
            Self::Level(..) => "Level",
            Self::Done { .. } => "Done",
        })
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgmResult {
    /// 1: done.
    Success,
    /// 2: the sensor does not know this request.
    OpNotSupported,
    /// 3: what was given is wrong.
    InvalidOperand,
    /// 4: it was begun and not ended.
    NotCompleted,
    /// 5: what was given is out of range.
    OutOfRange,
    /// A code to which the standard gives no meaning.
    Other(u8),
}

impl CgmResult {
    /// From the code as sent.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Success,
            2 => Self::OpNotSupported,
            3 => Self::InvalidOperand,
            4 => Self::NotCompleted,
            5 => Self::OutOfRange,
            code => Self::Other(code),
        }
    }

    /// The code as sent.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 1,
            Self::OpNotSupported => 2,
            Self::InvalidOperand => 3,
            Self::NotCompleted => 4,
            Self::OutOfRange => 5,
            Self::Other(code) => code,
        }
    }
}

/// A value of the control point with the check sum that it came with, or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmControl<T> {
    /// What it says.
    pub what: T,
    /// Whether a check sum stands behind it.
    pub crc: bool,
}

const OP: DecodeError = DecodeError::BadValue { field: "op code" };

/// Reads one operand of exactly `length` bytes, with or without a check sum behind it.
fn operand<T>(
    frame: &[u8],
    length: usize,
    read: impl FnOnce(&mut Cursor<'_>) -> Result<T, DecodeError>,
) -> Result<CgmControl<T>, DecodeError> {
    let (value, crc) = unchecked(frame, 1 + length)?;
    let mut cursor = Cursor::new(value);
    cursor.u8("op code")?;
    let what = read(&mut cursor)?;
    cursor.end()?;
    Ok(CgmControl { what, crc })
}

fn calibration(cursor: &mut Cursor<'_>) -> Result<CgmCalibration, DecodeError> {
    Ok(CgmCalibration {
        glucose: sfloat(cursor.u16("glucose")?),
        time_offset_min: cursor.u16("calibration time")?,
        sample: GlucoseSample(cursor.u8("type and location")?),
        next_time_offset_min: cursor.u16("next calibration time")?,
        record_number: cursor.u16("calibration record number")?,
        status: cursor.u8("calibration status")?,
    })
}

/// The limit of an op code, and whether it is set (0), asked for (1) or told (2).
fn level(op: u8) -> Option<(CgmLevel, u8)> {
    let from = op.checked_sub(7)?;
    let level = LEVELS.get(usize::from(from / 3))?;
    Some((*level, from % 3))
}

impl CgmControl<CgmControlResponse> {
    /// Reads what a sensor indicated; a request is [`DecodeError::DeviceOnly`].
    ///
    /// # Errors
    /// [`DecodeError`]; a check sum that does not fit is one of them.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        use CgmControlResponse::{Calibration, Done, Interval, Level};
        let op = Cursor::new(frame).u8("op code")?;
        match op {
            3 if matches!(frame.len(), 3 | 5) => {
                operand(frame, 2, |c| c.u16("interval").map(Interval))
            }
            3 => operand(frame, 1, |c| {
                c.u8("interval").map(|min| Interval(min.into()))
            }),
            6 => operand(frame, 10, |c| calibration(c).map(Calibration)),
            28 => operand(frame, 2, |c| {
                Ok(Done {
                    request: c.u8("request op code")?,
                    result: CgmResult::from_code(c.u8("result")?),
                })
            }),
            1 | 2 | 4 | 5 | 25..=27 => Err(DecodeError::DeviceOnly),
            _ => match level(op).ok_or(OP)? {
                (which, 2) => operand(frame, 2, |c| Ok(Level(which, sfloat(c.u16("level")?)))),
                _ => Err(DecodeError::DeviceOnly),
            },
        }
    }

    /// The bytes to indicate; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        match self.what {
            CgmControlResponse::Interval(min) => {
                value.push(3);
                match u8::try_from(min) {
                    Ok(min) => value.push(min),
                    Err(_) => value.extend(min.to_le_bytes()),
                }
            }
            CgmControlResponse::Calibration(calibration) => {
                value.push(6);
                calibration.write(&mut value)?;
            }
            CgmControlResponse::Level(level, number) => {
                value.push(level.op() + 2);
                value.extend(to_sfloat(number)?.to_le_bytes());
            }
            CgmControlResponse::Done { request, result } => {
                value.extend([28, request, result.code()]);
            }
        }
        Some(checked(value, self.crc))
    }
}

impl CgmControl<CgmControlRequest> {
    /// Reads what was written to a sensor, as a simulated one does; an answer is a [`DecodeError::BadValue`].
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        use CgmControlRequest::{
            GetCalibration, GetInterval, GetLevel, ResetAlert, SetCalibration, SetInterval,
            SetLevel, Start, Stop,
        };
        let op = Cursor::new(frame).u8("op code")?;
        let bare = |what| operand(frame, 0, |_| Ok(what));
        match op {
            1 => operand(frame, 1, |c| c.u8("interval").map(SetInterval)),
            2 => bare(GetInterval),
            4 => operand(frame, 10, |c| calibration(c).map(SetCalibration)),
            5 => operand(frame, 2, |c| c.u16("record number").map(GetCalibration)),
            25 => bare(ResetAlert),
            26 => bare(Start),
            27 => bare(Stop),
            _ => match level(op).ok_or(OP)? {
                (which, 0) => operand(frame, 2, |c| Ok(SetLevel(which, sfloat(c.u16("level")?)))),
                (which, 1) => bare(GetLevel(which)),
                _ => Err(OP),
            },
        }
    }

    /// The bytes to write; `None` when a number does not fit an SFLOAT.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        match self.what {
            CgmControlRequest::SetInterval(min) => value.extend([1, min]),
            CgmControlRequest::GetInterval => value.push(2),
            CgmControlRequest::SetCalibration(calibration) => {
                value.push(4);
                calibration.write(&mut value)?;
            }
            CgmControlRequest::GetCalibration(number) => {
                value.push(5);
                value.extend(number.to_le_bytes());
            }
            CgmControlRequest::SetLevel(level, number) => {
                value.push(level.op());
                value.extend(to_sfloat(number)?.to_le_bytes());
            }
            CgmControlRequest::GetLevel(level) => value.push(level.op() + 1),
            CgmControlRequest::ResetAlert => value.push(25),
            CgmControlRequest::Start => value.push(26),
            CgmControlRequest::Stop => value.push(27),
        }
        Some(checked(value, self.crc))
    }
}

impl CgmCalibration {
    fn write(&self, value: &mut Vec<u8>) -> Option<()> {
        value.extend(to_sfloat(self.glucose)?.to_le_bytes());
        value.extend(self.time_offset_min.to_le_bytes());
        value.push(self.sample.0);
        value.extend(self.next_time_offset_min.to_le_bytes());
        value.extend(self.record_number.to_le_bytes());
        value.push(self.status);
        Some(())
    }
}

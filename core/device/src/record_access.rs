//! Record Access Control Point (0x2A52): how stored records are asked for, and what the device answers (GATT
//! Specification Supplement; Glucose, CGM, Pulse Oximeter, Blood Pressure and Generic Health Sensor Services).
//!
//! The sync machine writes what [`RecordAccess`] encodes and reads the indications with
//! [`RecordAccess::decode_response`]. Simulated devices do the reverse. Nothing here deletes unless it is asked to.

use crate::bytes::{Cursor, DecodeError};
use reading::DeviceTime;

/// Which records. It is the operator and the operand in one, so that no operator stands without its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that are stored.
    All,
    /// The oldest one.
    First,
    /// The newest one.
    Last,
    /// Up to and with this one.
    AtMost(Bound),
    /// From and with this one.
    AtLeast(Bound),
    /// From the first bound to the second, both included, by one filter.
    Range(Span),
}

/// One end of a choice, by the filter of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Filter 1, u16: the sequence number (Glucose, Blood Pressure), or the time offset in minutes (CGM).
    Number(u16),
    /// Filter 2: the user-facing time (Glucose, Blood Pressure).
    UserFacingTime(DeviceTime),
    /// Filter 1, u32: the record number (Generic Health Sensor).
    RecordNumber(u32),
}

/// Both ends of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Filter 1, u16.
    Number(u16, u16),
    /// Filter 2.
    UserFacingTime(DeviceTime, DeviceTime),
    /// Filter 1, u32 (Generic Health Sensor).
    RecordNumber(u32, u32),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordRequest {
    /// Send these records (1).
    Report(Which),
    /// Delete these records (2).
    Delete(Which),
    /// End what is under way (3).
    Abort,
    /// Say how many these records are (4).
    Count(Which),
    /// Send these records, then say how many they were (7).
    CombinedReport(Which),
}

/// What a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordResponse {
    /// To [`RecordRequest::Count`] (5): how many.
    Count(RecordCount),
    /// The end of a request (6).
    Done {
        /// The op code of the request, as sent.
        request: u8,
        /// How it ended.
        result: RecordResult,
    },
    /// To [`RecordRequest::CombinedReport`] (8): all were sent, so many.
    Combined(RecordCount),
}

/// A number of records, in the width of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordCount {
    /// u16: all services but the Generic Health Sensor.
    Short(u16),
    /// u32: Generic Health Sensor.
    Long(u32),
}

impl RecordCount {
    /// How many.
    #[must_use]
    pub const fn get(self) -> u32 {
        match self {
            Self::Short(count) => count as u32,
            Self::Long(count) => count,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordResult {
    /// 1: done.
    Success,
    /// 2: the device does not know this request.
    OpNotSupported,
    /// 3: an operator that this request cannot have.
    InvalidOperator,
    /// 4: the device does not know this operator.
    OperatorNotSupported,
    /// 5: the filter or a bound is wrong.
    InvalidOperand,
    /// 6: none stored that fit. An end like [`RecordResult::Success`], and no fault.
    NoRecords,
    /// 7: what was under way could not be ended.
    AbortFailed,
    /// 8: it was begun and not ended.
    NotCompleted,
    /// 9: the device does not know this filter.
    OperandNotSupported,
    /// 10: something else is under way; ask later.
    Busy,
    /// A code to which the standard gives no meaning.
    Other(u8),
}

const RESULTS: [RecordResult; 10] = [
    RecordResult::Success,
    RecordResult::OpNotSupported,
    RecordResult::InvalidOperator,
    RecordResult::OperatorNotSupported,
    RecordResult::InvalidOperand,
    RecordResult::NoRecords,
    RecordResult::AbortFailed,
    RecordResult::NotCompleted,
    RecordResult::OperandNotSupported,
    RecordResult::Busy,
];

impl RecordResult {
    /// From the code as sent.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        let known = usize::from(code)
            .checked_sub(1)
            .and_then(|at| RESULTS.get(at));
        known.copied().unwrap_or(Self::Other(code))
    }

    /// The code as sent.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 1,
            Self::OpNotSupported => 2,
            Self::InvalidOperator => 3,
            Self::OperatorNotSupported => 4,
            Self::InvalidOperand => 5,
            Self::NoRecords => 6,
            Self::AbortFailed => 7,
            Self::NotCompleted => 8,
            Self::OperandNotSupported => 9,
            Self::Busy => 10,
            Self::Other(code) => code,
        }
    }
}

/// The control point: everything that is written to it and indicated from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAccess {
    /// Written to a device.
    Request(RecordRequest),
    /// Indicated by a device.
    Response(RecordResponse),
}

impl RecordAccess {
    /// "Send these records."
    #[must_use]
    pub fn encode_report(which: Which) -> Vec<u8> {
        RecordRequest::Report(which).encode()
    }

    /// "How many are these records?"
    #[must_use]
    pub fn encode_count(which: Which) -> Vec<u8> {
        RecordRequest::Count(which).encode()
    }

    /// "End what is under way."
    #[must_use]
    pub fn encode_abort() -> Vec<u8> {
        RecordRequest::Abort.encode()
    }

    /// "Send these records, then say how many they were" (Generic Health Sensor).
    #[must_use]
    pub fn encode_combined_report(which: Which) -> Vec<u8> {
        RecordRequest::CombinedReport(which).encode()
    }

    /// Reads what a device indicated; a request is [`DecodeError::DeviceOnly`]. A count of four bytes is the u32 of the
    /// Generic Health Sensor, one of two bytes the u16 of all other services.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode_response(frame: &[u8]) -> Result<RecordResponse, DecodeError> {
        if matches!(frame.first(), Some(1..=4 | 7)) {
            return Err(DecodeError::DeviceOnly);
        }
        match Self::decode(frame)? {
            Self::Response(response) => Ok(response),
            Self::Request(_) => Err(DecodeError::DeviceOnly),
        }
    }

    /// Reads what was written to a device, as a simulated device does.
    ///
    /// # Errors
    /// [`DecodeError`]; [`DecodeError::BadValue`] names the op code, operator or filter for which a device has a code
    /// of its own. A response is a [`DecodeError::BadValue`] of the op code.
    pub fn decode_request(frame: &[u8]) -> Result<RecordRequest, DecodeError> {
        match Self::decode(frame)? {
            Self::Request(request) => Ok(request),
            Self::Response(_) => Err(OP),
        }
    }

    /// Reads either.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        Self::split(frame).map(|(read, _)| read)
    }

    /// Reads either, and the bytes behind it. The operator of an answer is always "null" and says nothing; what some
    /// device sends in its place does not make its answer another one.
    pub(crate) fn split(frame: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let mut cursor = Cursor::new(frame);
        let op = cursor.u8("op code")?;
        let operator = cursor.u8("operator")?;
        let read = match op {
            5 => Self::Response(RecordResponse::Count(count(&mut cursor)?)),
            6 => Self::Response(RecordResponse::Done {
                request: cursor.u8("request op code")?,
                result: RecordResult::from_code(cursor.u8("result")?),
            }),
            8 => Self::Response(RecordResponse::Combined(count(&mut cursor)?)),
            1 => Self::Request(RecordRequest::Report(which(operator, &mut cursor)?)),
            2 => Self::Request(RecordRequest::Delete(which(operator, &mut cursor)?)),
            3 if operator != 0 => return Err(OPERATOR),
            3 => Self::Request(RecordRequest::Abort),
            4 => Self::Request(RecordRequest::Count(which(operator, &mut cursor)?)),
            7 => Self::Request(RecordRequest::CombinedReport(which(operator, &mut cursor)?)),
            _ => return Err(OP),
        };
        if matches!(read, Self::Request(_)) && cursor.left() > 0 {
            // A device must not take a wrong request for the one that it begins like.
            return Err(DecodeError::TooLong {
                extra: cursor.left(),
            });
        }
        Ok((read, cursor.rest()))
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.encode(),
            Self::Response(response) => response.encode(),
        }
    }
}

const OP: DecodeError = DecodeError::BadValue { field: "op code" };
const OPERATOR: DecodeError = DecodeError::BadValue { field: "operator" };
const FILTER: DecodeError = DecodeError::BadValue { field: "filter" };

/// Two bytes or four.
fn count(cursor: &mut Cursor<'_>) -> Result<RecordCount, DecodeError> {
    if cursor.left() == 4 {
        cursor.u32("count").map(RecordCount::Long)
    } else {
        cursor.u16("count").map(RecordCount::Short)
    }
}

fn which(operator: u8, cursor: &mut Cursor<'_>) -> Result<Which, DecodeError> {
    Ok(match operator {
        1 => Which::All,
        2 => Which::AtMost(bound(cursor)?),
        3 => Which::AtLeast(bound(cursor)?),
        4 => Which::Range(span(cursor)?),
        5 => Which::First,
        6 => Which::Last,
        _ => return Err(OPERATOR),
    })
}

/// The filter, then one bound. The width of a number follows from how much there is of it.
fn bound(cursor: &mut Cursor<'_>) -> Result<Bound, DecodeError> {
    match cursor.u8("filter")? {
        1 if cursor.left() == 4 => cursor.u32("bound").map(Bound::RecordNumber),
        1 => cursor.u16("bound").map(Bound::Number),
        2 => time(cursor, "bound").map(Bound::UserFacingTime),
        _ => Err(FILTER),
    }
}

/// The filter, then two bounds.
fn span(cursor: &mut Cursor<'_>) -> Result<Span, DecodeError> {
    Ok(match cursor.u8("filter")? {
        1 if cursor.left() == 8 => {
            Span::RecordNumber(cursor.u32("minimum")?, cursor.u32("maximum")?)
        }
        1 => Span::Number(cursor.u16("minimum")?, cursor.u16("maximum")?),
        2 => Span::UserFacingTime(time(cursor, "minimum")?, time(cursor, "maximum")?),
        _ => return Err(FILTER),
    })
}

fn time(cursor: &mut Cursor<'_>, field: &'static str) -> Result<DeviceTime, DecodeError> {
    cursor.take(field).map(DeviceTime::from_bytes)
}

impl RecordRequest {
    /// The op code, as a response names it.
    #[must_use]
    pub const fn op(&self) -> u8 {
        match self {
            Self::Report(_) => 1,
            Self::Delete(_) => 2,
            Self::Abort => 3,
            Self::Count(_) => 4,
            Self::CombinedReport(_) => 7,
        }
    }

    /// Which records; `None` for [`RecordRequest::Abort`].
    #[must_use]
    pub const fn which(&self) -> Option<Which> {
        match self {
            Self::Report(which)
            | Self::Delete(which)
            | Self::Count(which)
            | Self::CombinedReport(which) => Some(*which),
            Self::Abort => None,
        }
    }

    /// The bytes to write.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![self.op()];
        match self.which() {
            None => frame.push(0),
            Some(Which::All) => frame.push(1),
            Some(Which::AtMost(bound)) => {
                frame.push(2);
                bound.write(&mut frame);
            }
            Some(Which::AtLeast(bound)) => {
                frame.push(3);
                bound.write(&mut frame);
            }
            Some(Which::Range(span)) => {
                frame.push(4);
                span.write(&mut frame);
            }
            Some(Which::First) => frame.push(5),
            Some(Which::Last) => frame.push(6),
        }
        frame
    }
}

impl Bound {
    fn write(&self, frame: &mut Vec<u8>) {
        match self {
            Self::Number(number) => {
                frame.push(1);
                frame.extend(number.to_le_bytes());
            }
            Self::UserFacingTime(time) => {
                frame.push(2);
                frame.extend(time.bytes());
            }
            Self::RecordNumber(number) => {
                frame.push(1);
                frame.extend(number.to_le_bytes());
            }
        }
    }
}

impl Span {
    fn write(&self, frame: &mut Vec<u8>) {
        match self {
            Self::Number(from, to) => {
                frame.push(1);
                frame.extend([from, to].into_iter().flat_map(|n| n.to_le_bytes()));
            }
            Self::UserFacingTime(from, to) => {
                frame.push(2);
                frame.extend([from, to].into_iter().flat_map(DeviceTime::bytes));
            }
            Self::RecordNumber(from, to) => {
                frame.push(1);
                frame.extend([from, to].into_iter().flat_map(|n| n.to_le_bytes()));
            }
        }
    }
}

impl RecordResponse {
    /// The bytes to indicate.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Count(count) => count.frame(5),
            Self::Done { request, result } => vec![6, 0, *request, result.code()],
            Self::Combined(count) => count.frame(8),
        }
    }
}

impl RecordCount {
    fn frame(self, op: u8) -> Vec<u8> {
        let mut frame = vec![op, 0];
        match self {
            Self::Short(count) => frame.extend(count.to_le_bytes()),
            Self::Long(count) => frame.extend(count.to_le_bytes()),
        }
        frame
    }
}

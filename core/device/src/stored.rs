//! The sync of records that a device keeps, as a machine without I/O. It runs inside a [`Session`](crate::Session), which
//! has subscribed to the measurements and to the Record Access Control Point (0x2A52) before it starts this one.
//!
//! ```text
//! count → fetch from the mark → is the mark's record the one we know? → anything missing? → the newest → move the mark
//!            └ all, when it is not, or the numbers have wrapped ┘        └ ask for it again ┘
//! ```
//!
//! The host calls [`StoredSync::input`] with what happened, does all that [`StoredSync::poll_effect`] has to give, and
//! comes back at [`StoredSync::deadline`]. Each sync ends in one [`StoredEffect::Done`]; its [`StoredMark`] is kept and
//! given to the next sync with this device, whatever the outcome: then each record is delivered once, whatever is cut
//! off, lost or repeated. Nothing is ever deleted on the device.
//!
//! Which records, and what a record is, differs by [`StoredService`]. A new one is an arm in `stored/intake.rs`.

mod cuff;
mod holes;
pub(crate) mod intake;
mod mark;
mod next;
mod sync;

pub use mark::{Print, StoredMark};
pub use sync::StoredSync;

use crate::fault::RadioFault;

/// The Record Access Control Point, to which every [`StoredEffect::Write`] goes.
pub const RECORD_ACCESS: u16 = 0x2a52;

/// Whose records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredService {
    /// 0x2A18, with 0x2A34 joined to it; numbered from 0 to 65,535 and again from 0.
    Glucose,
    /// 0x2AA7; a record's number is its minute in the session.
    ContinuousGlucose,
    /// 0x2BDD, and 0x2B8B, which it sends by itself and no count announces; numbered with 32 bits; what is fetched is reported and counted in one request.
    HealthSensor,
    /// 0x2A5E; without a number: everything is fetched, and what is known is left out.
    Oximeter,
    /// 0x2B36, with 0x2B34 or 0x2A35 inside, in segments that are joined; numbered from 0 to 65,535 and again from 0,
    /// perhaps for each user. What the cuff indicates just now (0x2B34, 0x2A35) no count announces; it is held until its
    /// memory has been read, where it may stand with its number.
    BloodPressure,
}

impl StoredService {
    /// The largest number, where records have one.
    const fn largest(self) -> Option<u32> {
        match self {
            Self::Glucose | Self::ContinuousGlucose | Self::BloodPressure => Some(u16::MAX as u32),
            Self::HealthSensor => Some(u32::MAX),
            Self::Oximeter => None,
        }
    }

    /// The characteristics to subscribe to before the sync starts, the control point last.
    #[must_use]
    pub const fn characteristics(self) -> &'static [u16] {
        match self {
            Self::Glucose => &[0x2a18, 0x2a34, RECORD_ACCESS],
            Self::ContinuousGlucose => &[0x2aa7, RECORD_ACCESS],
            Self::HealthSensor => &[0x2b8b, 0x2bdd, RECORD_ACCESS],
            Self::Oximeter => &[0x2a5e, RECORD_ACCESS],
            Self::BloodPressure => &[0x2b34, 0x2b36, RECORD_ACCESS],
        }
    }
}

/// How patient a sync is, and how much it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPace {
    /// Waiting for an answer, or for the next record, in milliseconds.
    pub answer_ms: i64,
    /// Waiting for the answer to an abort.
    pub abort_ms: i64,
    /// How often to begin again after silence, as long as nothing new comes.
    pub tries: u32,
    /// The first wait for a device that is busy; doubled each time.
    pub back_off_ms: i64,
    /// How often to wait for a device that is busy.
    pub back_offs: u32,
    /// How often to ask for what is missing while nothing new comes.
    pub rounds: u32,
    /// More records than this are not taken in one sync: its memory is bounded.
    pub most_records: usize,
}

impl Default for StoredPace {
    fn default() -> Self {
        Self {
            answer_ms: 10_000,
            abort_ms: 5_000,
            tries: 3,
            back_off_ms: 1_000,
            back_offs: 4,
            rounds: 3,
            most_records: 70_000,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredEvent {
    /// The sync begins, or time has passed.
    Tick,
    /// The device notified or indicated a value.
    Notified {
        /// Of this characteristic.
        characteristic: u16,
        /// The value.
        bytes: Vec<u8>,
    },
    /// What was to be written is written.
    Written,
    /// It could not be written.
    NotWritten(RadioFault),
    /// The link has ended, and what was still in the queue has been given.
    Disconnected,
    /// The person or the system wants it to end.
    Cancel,
}

/// A value is a measurement: it stays out of logs.
impl std::fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tick => f.write_str("Tick"),
            Self::Notified { characteristic, .. } => write!(f, "Notified({characteristic:04x})"),
            Self::Written => f.write_str("Written"),
            Self::NotWritten(fault) => write!(f, "NotWritten({fault:?})"),
            Self::Disconnected => f.write_str("Disconnected"),
            Self::Cancel => f.write_str("Cancel"),
        }
    }
}

/// What the sync wants.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredEffect {
    /// Write this to 0x2A52, and answer with [`StoredEvent::Written`] or [`StoredEvent::NotWritten`].
    Write(Vec<u8>),
    /// A record that was not delivered before: to be journalled at once.
    Deliver(StoredRecord),
    /// The end. Nothing comes after it.
    Done(Box<StoredReport>),
}

/// A record is a measurement: it stays out of logs.
impl std::fmt::Debug for StoredEffect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(_) => f.write_str("Write"),
            Self::Deliver(record) => write!(f, "{record:?}"),
            Self::Done(report) => write!(f, "{report:?}"),
        }
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The characteristic that carried it. 0x2A34 when a context came whose measurement was delivered before.
    pub characteristic: u16,
    /// Its number, where it has one.
    pub number: Option<u32>,
    /// Its bytes: one record of a CGM's notification; a health sensor's with its segments joined; a cuff's as one segment
    /// without check sum; else the value as it came.
    pub bytes: Vec<u8>,
    /// Further packets as they came, of a cuff's record whose check sum does not fit.
    pub more: Vec<Vec<u8>>,
    /// The context (0x2A34) of the same number.
    pub context: Option<Vec<u8>>,
}

/// A record is a measurement: it stays out of logs.
impl std::fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredRecord({:04x})", self.characteristic)
    }
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoredOutcome {
    /// All that the device keeps is delivered, now or before, as far as the device can tell: one that can neither
    /// count nor be asked for a range is read again from the same mark the next time.
    Complete,
    /// The device announces more than it sends, again and again.
    Incomplete,
    /// The device knows neither "all" nor "from here on": its first and last record were taken.
    EndsOnly,
    /// The device keeps no records that could be asked for.
    NotSupported,
    /// It was busy each time.
    Busy,
    /// It fell silent, again and again.
    NotAnswering,
    /// What was to be written was refused.
    Refused,
    /// The link ended.
    Interrupted,
    /// The person or the system wanted it to end.
    Cancelled,
}

/// The end of a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// How.
    pub outcome: StoredOutcome,
    /// For the next sync with this device. Keep it once all that was delivered before is durable.
    pub mark: StoredMark,
    /// How many records the device announced last.
    pub announced: Option<u32>,
    /// How many were delivered.
    pub delivered: u32,
    /// How many came that were known.
    pub repeated: u32,
}

//! What is said between a session's machine and its host.

use crate::capture::{CapturedRecord, SessionFacts};
use crate::fault::RadioFault;
use crate::radio::{Attribute, RadioEvent};
use crate::reason::SessionReport;
use crate::stored::StoredMark;
use crate::uuid::Uuid;

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The session begins, or time has passed.
    Tick,
    /// The radio told something.
    Radio(RadioEvent),
    /// A call has its answer.
    Answer {
        /// Which call; 0 is the host's own question before the first one, whether the radio can be used.
        call: u32,
        /// Its result.
        result: Result<Answer, RadioFault>,
    },
    /// The person or the system wants it to end.
    Cancel,
}

/// The result of a call.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// What the device has.
    Attributes(Vec<Attribute>),
    /// A value.
    Bytes(Vec<u8>),
    /// Yes or no.
    Flag(bool),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Attributes(_) => "Attributes",
            Self::Bytes(_) => "Bytes",
            Self::Flag(_) => "Flag",
        })
    }
}

/// A call to the radio.
#[derive(Clone, PartialEq, Eq)]
pub enum Call {
    /// Look for the device.
    StartScan(Vec<Uuid>),
    /// Stop looking.
    StopScan,
    /// Connect.
    Connect,
    /// List what it has.
    Discover,
    /// Subscribe.
    Subscribe(Attribute),
    /// Pair.
    Pair,
    /// Read.
    Read(Attribute),
    /// Write.
    Write(Attribute, Vec<u8>),
    /// Ask whether a bond exists.
    IsBonded,
    /// End the link.
    Disconnect,
}

/// Names the call; what is written to a device is nobody's business.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StartScan(_) => f.write_str("StartScan"),
            Self::StopScan => f.write_str("StopScan"),
            Self::Connect => f.write_str("Connect"),
            Self::Discover => f.write_str("Discover"),
            Self::Subscribe(of) => write!(f, "Subscribe({})", of.characteristic),
            Self::Pair => f.write_str("Pair"),
            Self::Read(of) => write!(f, "Read({})", of.characteristic),
            Self::Write(of, _) => write!(f, "Write({})", of.characteristic),
            Self::IsBonded => f.write_str("IsBonded"),
            Self::Disconnect => f.write_str("Disconnect"),
        }
    }
}

/// What the machine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make a call; a call before it that has no answer yet is to be given up.
    Run {
        /// Its number, to stand in the answer.
        call: u32,
        /// The call.
        what: Call,
    },
    /// A record: to be journalled at once.
    Deliver(CapturedRecord),
    /// What is known about the device so far.
    Facts(Box<SessionFacts>),
    /// How far its stored records were taken: for the next session, once what was delivered before is durable.
    Mark(Box<StoredMark>),
    /// The end. Nothing comes after it.
    Ended(SessionReport),
}

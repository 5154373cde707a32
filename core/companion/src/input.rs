//! What comes in through commands.

use reading::PressureUnit;
use wire::Time;

/// What a joiner may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinOptions {
    /// How the clinic's list calls this install ("Mum's phone"): at most 64 characters, no control characters.
    pub label: String,
}

/// A blood pressure that a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualReading {
    /// 16 random bytes as 32 hex characters, made when the form was opened: the same draft twice is one reading.
    pub draft_id: String,
    /// When it was measured.
    pub measured_at: Time,
    /// The upper pressure in `unit`, as typed.
    pub systolic: String,
    /// The lower pressure in `unit`, as typed.
    pub diastolic: String,
    /// The unit of both.
    pub unit: PressureUnit,
    /// Beats a minute, as typed.
    pub pulse_rate: Option<String>,
}

/// A frame that a shell took from a device itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The paired device it came from (`view(devices)`).
    pub device: String,
    /// The characteristic, as its 16-bit number.
    pub characteristic: u16,
    /// The bytes, as sent.
    pub bytes: Vec<u8>,
    /// When they arrived.
    pub received: Time,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The reading's id.
    pub reading: String,
    /// Whether it was new; the same record twice is one reading.
    pub new: bool,
}

/// A shell's hint about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// There is one, perhaps another than before: pauses end.
    Available,
    /// There is none: nothing is tried until there is one, or until the usual look at the queue.
    Gone,
}

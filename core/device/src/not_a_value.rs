//! Why something that is right in its form holds no value of the patient: what a demonstration, a failed weighing, a
//! control solution or an oximeter without a pulse sends must never become a number.
//!
//! Each frame says so itself: those with one value by `not_a_value()`, those with several by `Result<_, NotAValue>`.
//! The decoders keep all that was sent; whoever makes readings asks before a number goes anywhere.

use reading::{Decimal, Number};

/// Why it is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotAValue {
    /// A test of the device with a solution, no blood of anybody.
    #[error("the device was tested with a control solution")]
    ControlSolution,
    /// "HI": more than the device can measure. Not a number, and an emergency all the same.
    #[error("the result is above the range of the device")]
    AboveRange,
    /// "LO": less than the device can measure. Not a number, and an emergency all the same.
    #[error("the result is below the range of the device")]
    BelowRange,
    /// The measurement failed (NaN, FFFF of a scale, a fault of sensor, strip or sample): a number that stands beside it
    /// is not to be trusted.
    #[error("the measurement failed")]
    Failed,
    /// A pulse or a saturation of 0: no pulse was found.
    #[error("no pulse was found")]
    NoPulse,
    /// Shown to sell the device.
    #[error("the device demonstrates itself")]
    Demonstration,
    /// The device says that the measurement is invalid.
    #[error("the device says that the measurement is invalid")]
    Invalid,
    /// The device says that there is no measurement.
    #[error("the device says that no measurement is available")]
    Unavailable,
    /// The device is being calibrated.
    #[error("the device calibrates itself")]
    Calibrating,
    /// Made for a test of the device.
    #[error("the device tests itself")]
    Test,
    /// What the device was set to, not what it measured.
    #[error("this is a setting of the device")]
    Setting,
    /// The field is left out, or a special value stands in it that names no number (NRes, or one reserved for later).
    #[error("the device gives no number")]
    NoNumber,
    /// The check sum does not fit.
    #[error("the value was damaged on the way")]
    Damaged,
}

impl NotAValue {
    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ControlSolution => "control_solution",
            Self::AboveRange => "above_range",
            Self::BelowRange => "below_range",
            Self::Failed => "failed",
            Self::NoPulse => "no_pulse",
            Self::Demonstration => "demonstration",
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Calibrating => "calibrating",
            Self::Test => "test",
            Self::Setting => "setting",
            Self::NoNumber => "no_number",
            Self::Damaged => "damaged",
        }
    }

    /// What a number says about itself.
    pub(crate) const fn of(number: Number) -> Option<Self> {
        match Self::unless_number(number) {
            Ok(_) => None,
            Err(why) => Some(why),
        }
    }

    /// The decimal that stands in a number.
    pub(crate) const fn unless_number(number: Number) -> Result<Decimal, Self> {
        match number {
            Number::Value(value) => Ok(value),
            Number::NotANumber => Err(Self::Failed),
            Number::PlusInfinity => Err(Self::AboveRange),
            Number::MinusInfinity => Err(Self::BelowRange),
            Number::NotAtThisResolution | Number::Reserved => Err(Self::NoNumber),
        }
    }

    /// A pulse or a saturation: as a number, and 0 is none.
    pub(crate) const fn unless_rate(number: Number) -> Result<Decimal, Self> {
        match Self::unless_number(number) {
            Ok(rate) if rate.mantissa() == 0 => Err(Self::NoPulse),
            rate => rate,
        }
    }
}

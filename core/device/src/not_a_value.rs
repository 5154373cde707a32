//! Why a frame that is right in its form holds no value of the patient.
//!
//! Each frame of glucose, CGM and Generic Health Sensor answers `not_a_value()`; whoever makes readings asks it before
//! a number goes anywhere. Such a frame is kept and shown as what it is, and stays out of every chart and limit.

use reading::Number;

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
    /// Sensor, strip or sample failed: a number that stands beside it is not to be trusted.
    #[error("the measurement failed")]
    Failed,
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
    /// The field is left out, or NaN, NRes or a reserved word stands in it.
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
        match number {
            Number::Value(_) => None,
            Number::PlusInfinity => Some(Self::AboveRange),
            Number::MinusInfinity => Some(Self::BelowRange),
            _ => Some(Self::NoNumber),
        }
    }
}

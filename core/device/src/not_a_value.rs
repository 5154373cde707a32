//! Why a frame that is right in its form holds no value of the patient.
//!
//! Each frame of glucose, CGM and Generic Health Sensor answers `not_a_value()`; whoever makes readings asks it before
//! a number goes anywhere. Such a frame is kept and shown as what it is, and stays out of every chart and limit.

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotAValue {
    /// A test of the device with a solution, no blood of anybody.
    ControlSolution,
    /// "HI": more than the device can measure. Not a number, and an emergency all the same.
    AboveRange,
    /// "LO": less than the device can measure. Not a number, and an emergency all the same.
    BelowRange,
    /// Sensor, strip or sample failed: a number that stands beside it is not to be trusted.
    Failed,
    /// The device says itself that the value is not valid.
    Invalid,
    /// The device did not measure: not available, calibrating, a test, a setting.
    NotMeasured,
    /// The field is left out, or NaN, NRes or a reserved word stands in it.
    NoNumber,
    /// The check sum does not fit: damaged on the way.
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
            Self::NotMeasured => "not_measured",
            Self::NoNumber => "no_number",
            Self::Damaged => "damaged",
        }
    }

    /// What a number says about itself.
    pub(crate) const fn of(number: reading::Number) -> Option<Self> {
        match number {
            reading::Number::Value(_) => None,
            reading::Number::PlusInfinity => Some(Self::AboveRange),
            reading::Number::MinusInfinity => Some(Self::BelowRange),
            _ => Some(Self::NoNumber),
        }
    }
}

//! What is doubtful about a reading: said with it, wherever it is shown.

use crate::Number;
use serde::{Deserialize, Serialize};

/// Something about a reading that a reader should know before trusting it. A doubt never holds a reading back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// There is no number: the device could not measure.
    MeasurementFailed,
    /// The device says that the measurement was disturbed (movement, loose cuff, weak signal, spoilt strip).
    Disturbed,
    /// The device sent no time of its own; arrival stands in its place.
    NoDeviceTime,
    /// The device sent a time that is not known to it or cannot be; arrival stands in its place.
    DeviceTimeUnusable,
    /// The device's time would lie in the future; arrival stands in its place.
    DeviceTimeAhead,
    /// The device's clock could not be read, so that its time stands uncorrected.
    ClockNotRead,
    /// The device's identity could not be read in time, and a provisional one stands in its place.
    IdentityProvisional,
    /// The device did not say which of its users measured.
    UserUnknown,
    /// Nobody has said yet whether the patient or somebody else measured; the patient is asked.
    PossiblyNotMe,
    /// The record holds bytes or bits to which the standard gives no meaning; they are kept.
    NotUnderstood,
    /// It was a control solution, not blood.
    ControlSolution,
    /// The device was demonstrating or testing itself.
    NotFromPatient,
    /// The device was being calibrated.
    Calibrating,
    /// Above what the device can measure (HI).
    AboveRange,
    /// Below what the device can measure (LO).
    BelowRange,
    /// The device itself calls the measurement questionable.
    Questionable,
    /// The device was still measuring.
    Preliminary,
}

impl Doubt {
    /// All of them, in the order in which a reading lists them.
    pub const ALL: [Self; 17] = [
        Self::MeasurementFailed,
        Self::Disturbed,
        Self::NoDeviceTime,
        Self::DeviceTimeUnusable,
        Self::DeviceTimeAhead,
        Self::ClockNotRead,
        Self::IdentityProvisional,
        Self::UserUnknown,
        Self::PossiblyNotMe,
        Self::NotUnderstood,
        Self::ControlSolution,
        Self::NotFromPatient,
        Self::Calibrating,
        Self::AboveRange,
        Self::BelowRange,
        Self::Questionable,
        Self::Preliminary,
    ];

    /// Each once, in the order in which a reading lists them.
    #[must_use]
    pub fn in_order(doubts: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let said: Vec<Self> = doubts.into_iter().collect();
        Self::ALL
            .into_iter()
            .filter(|doubt| said.contains(doubt))
            .collect()
    }

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MeasurementFailed => "measurement_failed",
            Self::Disturbed => "disturbed",
            Self::NoDeviceTime => "no_device_time",
            Self::DeviceTimeUnusable => "device_time_unusable",
            Self::DeviceTimeAhead => "device_time_ahead",
            Self::ClockNotRead => "clock_not_read",
            Self::IdentityProvisional => "identity_provisional",
            Self::UserUnknown => "user_unknown",
            Self::PossiblyNotMe => "possibly_not_me",
            Self::NotUnderstood => "not_understood",
            Self::ControlSolution => "control_solution",
            Self::NotFromPatient => "not_from_patient",
            Self::Calibrating => "calibrating",
            Self::AboveRange => "above_range",
            Self::BelowRange => "below_range",
            Self::Questionable => "questionable",
            Self::Preliminary => "preliminary",
        }
    }

    /// The doubt with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.code() == code)
    }

    /// Whether it says why there is no number at all.
    #[must_use]
    pub const fn leaves_no_number(self) -> bool {
        matches!(
            self,
            Self::ControlSolution
                | Self::NotFromPatient
                | Self::Calibrating
                | Self::MeasurementFailed
                | Self::AboveRange
                | Self::BelowRange
        )
    }

    /// What a main number says that is none: failed, or out of the device's range.
    pub(crate) const fn of_number(number: Option<Number>) -> Option<Self> {
        match number {
            Some(Number::Value(_)) => None,
            Some(Number::PlusInfinity) => Some(Self::AboveRange),
            Some(Number::MinusInfinity) => Some(Self::BelowRange),
            _ => Some(Self::MeasurementFailed),
        }
    }

    /// What it says, in words for a screen.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::MeasurementFailed => "The device could not measure.",
            Self::Disturbed => "The device says that the measurement was disturbed.",
            Self::NoDeviceTime => "The device sent no time; the time of arrival is shown.",
            Self::DeviceTimeUnusable => {
                "The device does not know the time; the time of arrival is shown."
            }
            Self::DeviceTimeAhead => {
                "The device's time cannot be right; the time of arrival is shown."
            }
            Self::ClockNotRead => "The device's clock could not be checked.",
            Self::IdentityProvisional => "The device's own identity could not be read.",
            Self::UserUnknown => "The device did not say which of its users measured.",
            Self::PossiblyNotMe => "It is not sure that it was the patient who measured.",
            Self::NotUnderstood => "The record holds something that is not understood yet.",
            Self::ControlSolution => "It was a control solution, not blood.",
            Self::NotFromPatient => "The device was demonstrating or testing itself.",
            Self::Calibrating => "The device was being calibrated.",
            Self::AboveRange => "Above what the device can measure.",
            Self::BelowRange => "Below what the device can measure.",
            Self::Questionable => "The device itself calls the measurement questionable.",
            Self::Preliminary => "The device was still measuring.",
        }
    }
}

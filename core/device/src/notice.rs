//! What a session noticed about a device that is no reason to end: told beside the ending, with what to do about it.

use serde::{Deserialize, Serialize};

/// A battery at or below this is called low: about a week of daily use for a cuff with four AA cells is left then, time
/// enough to buy new ones. No standard gives a number; Battery Service 1.1 leaves "critical" to the device.
pub(crate) const BATTERY_LOW_PERCENT: u8 = 15;

/// One thing that was noticed. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Its battery is nearly empty.
    BatteryLow,
    /// Its clock was wrong and has been set.
    ClockSet,
    /// Its clock is wrong, and it did not let itself be set.
    ClockRefused,
    /// It keeps its users apart, and nobody has said who the patient is there.
    UserUnsaid,
    /// It does not take the code of the patient's user any more.
    UserCodeRejected,
    /// It could not make the patient a user, or let them be the one that they are.
    UserRefused,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::BatteryLow,
        Self::ClockSet,
        Self::ClockRefused,
        Self::UserUnsaid,
        Self::UserCodeRejected,
        Self::UserRefused,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BatteryLow => "battery_low",
            Self::ClockSet => "clock_set",
            Self::ClockRefused => "clock_refused",
            Self::UserUnsaid => "user_unsaid",
            Self::UserCodeRejected => "user_code_rejected",
            Self::UserRefused => "user_refused",
        }
    }

    /// The notice with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.code() == code)
    }

    /// What was noticed, for the patient.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::BatteryLow => "Your device's battery is nearly empty.",
            Self::ClockSet => "Your device's clock was wrong. It has been set.",
            Self::ClockRefused => "Your device's clock is wrong and could not be set.",
            Self::UserUnsaid => "Your device has several users and does not know you yet.",
            Self::UserCodeRejected => "Your device does not take the code of its user any more.",
            Self::UserRefused => "Your device could not agree on a user.",
        }
    }

    /// What to do next; empty when there is nothing to do.
    #[must_use]
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::BatteryLow => "Put new batteries in soon.",
            Self::ClockSet => "",
            Self::ClockRefused => "Set date and time on the device itself (see its leaflet).",
            Self::UserUnsaid => "Say in the app which of its users you are.",
            Self::UserCodeRejected => "Say again in the app which of its users you are.",
            Self::UserRefused => {
                "Make room for a user on the device (see its leaflet), and try again."
            }
        }
    }
}

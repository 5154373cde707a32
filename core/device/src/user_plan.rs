//! What a session says to a device that keeps its users apart, and what came of it (User Data Service, 0x181C).
//!
//! In: the host's plan, with the code that it remembers. Out: [`UserFacts`]. A code stands in no text that is made here.

use crate::user_control::ConsentCode;
use serde::{Deserialize, Serialize};

/// Which user a session is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserPlan {
    /// Nobody has said: nothing is registered and nothing agreed to.
    #[default]
    Unsaid,
    /// The patient's slot, with the code that it was registered with.
    Consent {
        /// The slot.
        slot: u8,
        /// Its code.
        code: ConsentCode,
    },
    /// The patient wants to be a new user of the device.
    Register {
        /// The code that the host will remember.
        code: ConsentCode,
    },
}

/// What a session learnt of a device's users. That there is such a thing means that the device keeps users apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    /// How many users it has, if it told.
    pub count: Option<u8>,
    /// What came of the plan.
    pub outcome: UserOutcome,
}

/// What came of a session's plan for the user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserOutcome {
    /// Nobody had said who the patient is there.
    #[default]
    Unsaid,
    /// The session was this user's.
    Consented(u8),
    /// A new user was made, in this slot.
    Registered(u8),
    /// The device does not take this slot's code: it is to be dropped.
    Rejected(u8),
    /// The device could not do it.
    Refused,
    /// It gave no answer in time.
    NoAnswer,
}

impl UserOutcome {
    /// The slot whose session it was.
    #[must_use]
    pub const fn slot(self) -> Option<u8> {
        match self {
            Self::Consented(slot) | Self::Registered(slot) => Some(slot),
            Self::Unsaid | Self::Rejected(_) | Self::Refused | Self::NoAnswer => None,
        }
    }
}

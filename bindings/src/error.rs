//! The one error. Its variants say what the person or the shell can do; the text is for logs and support.

/// Why a call had no success, and what helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum TelewardError {
    /// Unlock the device, then try again. Readings are kept all the same.
    #[error("{reason}")]
    UnlockFirst {
        /// In words.
        reason: String,
    },
    /// Correct what was typed or scanned.
    #[error("{reason}")]
    CorrectInput {
        /// What is wrong and what to do.
        reason: String,
    },
    /// Join a clinic first, or again.
    #[error("{reason}")]
    JoinFirst {
        /// In words.
        reason: String,
    },
    /// Free some space.
    #[error("{reason}")]
    FreeSpace {
        /// In words.
        reason: String,
    },
    /// Install the newer app.
    #[error("{reason}")]
    UpdateApp {
        /// In words.
        reason: String,
    },
    /// Try again later; nothing was lost.
    #[error("{reason}")]
    TryLater {
        /// In words.
        reason: String,
    },
    /// Call `resume()` or `open()` first.
    #[error("{reason}")]
    ReopenFirst {
        /// In words.
        reason: String,
    },
    /// What was named is not there, or not possible on this device.
    #[error("{reason}")]
    NotPossible {
        /// In words.
        reason: String,
    },
    /// A fault of ours: show the telephone number, keep the log.
    #[error("{reason}")]
    Fault {
        /// Where, without content.
        reason: String,
    },
}

impl From<::companion::CompanionError> for TelewardError {
    fn from(error: ::companion::CompanionError) -> Self {
        use ::companion::CompanionError as E;
        let reason = error.to_string();
        match error {
            E::Locked => Self::UnlockFirst { reason },
            E::BadInput { .. } => Self::CorrectInput { reason },
            E::NotJoined | E::KeysMissing => Self::JoinFirst { reason },
            E::DiskFull => Self::FreeSpace { reason },
            E::UpdateNeeded { .. } => Self::UpdateApp { reason },
            E::Network { .. } => Self::TryLater { reason },
            E::Paused | E::Closed => Self::ReopenFirst { reason },
            E::InUse | E::AlreadyJoined | E::Unknown { .. } | E::NoRadio => {
                Self::NotPossible { reason }
            }
            E::Storage { .. } | E::Internal { .. } => Self::Fault { reason },
        }
    }
}

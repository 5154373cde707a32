//! What can go wrong with the post, in words for patient and clinic. No text carries an address or content.

use std::time::Duration;
use wire::api::ErrorCode;

/// How far a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No address, no route, refused, or the TLS handshake failed.
    NoConnection,
    /// Nothing came in time.
    Timeout,
    /// It broke in the middle.
    CutOff,
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoConnection => "no connection",
            Self::Timeout => "no answer in time",
            Self::CutOff => "the connection broke",
        })
    }
}

/// Why a request to a relay had no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// The network's fault, or the relay is down.
    #[error("the relay cannot be reached ({0}); everything is kept and tried again")]
    Unreachable(Reach),
    /// The relay said no, with one of its codes.
    #[error("{}", words(*code))]
    Refused {
        /// From the closed list.
        code: ErrorCode,
        /// How long the relay asks to wait.
        retry_after: Option<Duration>,
    },
    /// Something answered, but not a relay: a captive portal, a proxy, another program.
    #[error(
        "the address answers, but not as a relay does (HTTP {status}); is there a sign-in page on this network?"
    )]
    NotARelay {
        /// The HTTP status.
        status: u16,
    },
    /// A relay that sends what it must not send.
    #[error("the relay's answer was refused: {0}")]
    BadAnswer(&'static str),
    /// The address in an invite or roster is none.
    #[error("not the address of a relay (https://name[:port], without a path)")]
    BadUrl,
    /// The given certificate authority cannot be read.
    #[error("the given certificate is not readable PEM")]
    BadCertificate,
    /// The system gave no random bytes.
    #[error("the system's random generator failed; nothing was sent")]
    NoRandom,
}

impl RelayError {
    /// The relay's code, if it said one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether sending the same bytes again is useless, so that the next file's turn comes.
    #[must_use]
    pub fn ends_retry(&self) -> bool {
        // A clock that stays wrong after the correction is a matter of time, not of this file.
        self.code()
            .is_some_and(|code| code != ErrorCode::Clock && code.ends_retry())
    }

    /// How long the relay asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn words(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed => {
            "the relay cannot read this request: update the app, or tell the clinic"
        }
        ErrorCode::Clock => "this device's clock is far off: set date and time to automatic",
        ErrorCode::Foreign => {
            "the relay does not know this link: it may have been ended; call the clinic"
        }
        ErrorCode::Contested => "this invite was already used by another phone: call the clinic",
        ErrorCode::Roster => "the relay holds another roster than the one that was to follow",
        ErrorCode::TooLarge => "the relay does not take files of this size",
        ErrorCode::Hash => "the file changed on its way; it is kept here",
        ErrorCode::Header => "the relay does not take this kind of file; it is kept here",
        ErrorCode::SlowDown => "the relay asks to slow down; everything is kept and tried again",
        ErrorCode::Busy => "the relay is busy; everything is kept and tried again",
        ErrorCode::Quota => {
            "the post box at the relay is full: readings are kept on this device until there is room; tell the clinic if this stays"
        }
    }
}

/// Why outbox or inbox did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A stored file is no longer one.
    #[error("a stored file is damaged; it was set aside, the others go on")]
    DamagedFile,
    /// No such file in the outbox.
    #[error("no such file in the outbox")]
    Unknown,
    /// A receipt that does not count.
    #[error("the relay's receipt was refused: {0}")]
    Receipt(#[from] wire::receipt::ReceiptError),
    /// Somebody acknowledges what was never sent: a finding.
    #[error(
        "an acknowledgement names a file at number {seq} that was not sent there; it covers nothing"
    )]
    NotOurs {
        /// The number it named.
        seq: u64,
    },
    /// A number that the database cannot hold.
    #[error("a number is out of range")]
    Range,
}

impl From<store::rusqlite::Error> for PostError {
    fn from(error: store::rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

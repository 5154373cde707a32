//! What a shell says once, when it opens the companion.

use post::Pace;
use std::path::PathBuf;

/// What this install is to its patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The patient's own phone.
    Patient,
    /// A caregiver's phone.
    Caregiver,
    /// A small box at home.
    Hub,
}

/// What a shell says once.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that is this install's alone; made when it is missing.
    pub data_dir: PathBuf,
    /// The app's name, for the clinic (at most 64 characters, no control characters).
    pub app_name: String,
    /// The app's version, likewise.
    pub app_version: String,
    /// The operating system, likewise.
    pub os: String,
    /// What this install is.
    pub role: Role,
    /// The patient's time zone as an IANA name; the system's when it is `None`.
    pub zone: Option<String>,
    /// Certificates (PEM) of further authorities for the relay's TLS, beside the public ones.
    pub relay_roots_pem: Option<Vec<u8>>,
    /// How often the post does what.
    pub pace: Pace,
    /// How patient device sessions are.
    pub device_pace: device::Pace,
    /// What is written down of each device session, for support; a full trace needs the patient's consent.
    pub trace: device::TraceMode,
    /// How long readings stay in the journal, in days; 13 months by default.
    pub keep_readings_days: u32,
}

impl Config {
    /// The usual settings for a data folder.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            app_name: "Teleward".to_owned(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            os: std::env::consts::OS.to_owned(),
            role: Role::Patient,
            zone: None,
            relay_roots_pem: None,
            pace: Pace::default(),
            device_pace: device::Pace::default(),
            trace: device::TraceMode::Redacted,
            keep_readings_days: 396,
        }
    }
}

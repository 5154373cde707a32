//! Mail to and from the clinic: what is sealed next, and what becomes of what came.
//!
//! Everything here happens inside the engine's transactions: number, file, chain head and the rows that the file is
//! about change together.

mod open;
mod seal;

pub(crate) use open::{consume, listed, try_waiting, waits_for_roster};
pub(crate) use seal::{Letter, seal, seal_next};

use crate::config::{Config, Role};
use crate::error::CompanionError;
use reading::Gateway;
use vault::ClockState;
use wire::InstallId;

/// What this install says about itself in its mail.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub role: vault::Role,
    pub app: vault::App,
    /// How it stands in observations.
    pub gateway: Gateway,
    /// The relay's clock minus ours, as last learnt.
    pub clock: ClockState,
}

impl App {
    pub(crate) fn new(config: &Config, install: InstallId) -> Result<Self, CompanionError> {
        let app = vault::App {
            name: config.app_name.clone(),
            version: config.app_version.clone(),
            os: config.os.clone(),
        };
        for text in [&app.name, &app.version, &app.os] {
            if text.chars().count() > vault::MAX_LABEL_CHARS || text.chars().any(char::is_control) {
                return Err(CompanionError::input(
                    "app name, version and system have at most 64 characters and no control characters",
                ));
            }
        }
        let role = match config.role {
            Role::Patient => vault::Role::Patient,
            Role::Caregiver => vault::Role::Caregiver,
            Role::Hub => vault::Role::Hub,
        };
        let gateway = Gateway {
            install: install.0,
            software: config.app_version.clone(),
        };
        Ok(Self {
            role,
            app,
            gateway,
            clock: ClockState {
                offset_ms: 0,
                sure: false,
            },
        })
    }
}

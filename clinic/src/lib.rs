//! The clinic's station: opens what patients send, keeps the record, answers, and serves the console.
//!
//! It runs inside the clinic's trust boundary and holds the clinic's keys. In the order in which a newcomer meets them:
//!
//! 1. [`init`]: a clinic is made: root keys on paper, station keys as files, the first roster, the first account.
//! 2. [`serve`]: a station runs: `office` fetches and hands over mail, `http` serves the console and its interface.
//! 3. `mail::open`, `mail::readings`, `mail::seal`: one letter in, what it holds, one letter out; `letters` holds content
//!    until it is sealed, `circle` and `invites` are what people do to links, `finding` what is wrong, in words.
//! 4. `accounts`, `throttle`: who may look. `audit`: who did what, bound by hashes.
//! 5. [`backup`] and [`restore`]: a station that comes back without reviving a chain.
//! 6. [`command`]: `teleward clinic …`.
//!
//! Logic takes `now` and random bytes as arguments and works inside one transaction of the caller's; sockets, clock and
//! randomness are in `office`, `http`, `serve`, `rim` and `command`.

mod accounts;
mod audit;
mod backup;
mod changes;
mod circle;
pub mod command;
mod device_tables;
mod error;
mod finding;
mod hand_out;
mod http;
mod init;
mod invites;
mod keys;
mod letters;
mod link;
mod mail;
mod next_roster;
mod office;
mod rim;
mod serve;
mod sheets;
mod shown;
mod station;
mod tables;
mod throttle;

pub use backup::{BackupMade, backup, restore};
pub use device_tables::{CheckTable, TableRefused};
pub use error::{ClinicError, No};
pub use init::{InitOptions, Made, RootPlace, init};
pub use serve::{Running, StationConfig, Tls, serve};

/// The kill points of this crate (see `fault`).
pub const FAULT_POINTS: &[&str] = &[
    "clinic.listed",
    "clinic.fetched",
    "clinic.opened",
    "clinic.stored",
    "clinic.sealed",
    "clinic.handed",
    "clinic.invite.kept",
];

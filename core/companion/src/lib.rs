//! The patient's side put together: journal, sync, devices, lifecycle, on one install at one clinic.
//!
//! In: what devices send and people type, an invite, what the clinic mails, and the shell's lifecycle. Out: views,
//! changes, and mail. Callers are `bindings` and `cli`'s hub; both see [`Companion`] and plain records only.
//!
//! Inside, in the order of a reading's way:
//!
//! 1. `sessions`: one device session each, over whatever [`device::Radio`] there is.
//! 2. `journal`: readings, immutable, each once; the *spool* in their place while the keys are locked.
//! 3. `person`: whose a reading is, and what must be asked; `amendment`: what is said about it afterwards.
//! 4. `mail`: sealing just before the hand-over; opening what came; findings in words.
//! 5. `engine`: all of the post as one machine without sockets (`input`, `poll_effect`, `deadline`).
//! 6. `desk`: commands and views over the database. `actor`: routes, and decides nothing.
//!
//! ```no_run
//! # async fn example() -> Result<(), companion::CompanionError> {
//! use companion::{Companion, Config, JoinOptions, Ports, Revision, Topic};
//! use std::sync::Arc;
//!
//! let keys = vault::FileVault::open("/var/lib/hub/keys".as_ref(), None)?;
//! let companion = Companion::open(Config::new("/var/lib/hub"), Ports { key_vault: Arc::new(keys), radio: None })?;
//! companion.join("https://relay.example/i#…", JoinOptions { label: "Living room".into() }).await?;
//! let mut seen = Revision(0);
//! loop {
//!     let changes = companion.next_change(seen).await?;
//!     if changes.topics.contains(&Topic::Status) {
//!         let _status = companion.view(Topic::Status).await?;
//!     }
//!     seen = changes.revision;
//! }
//! # }
//! # extern crate teleward_companion as companion;
//! ```
//!
//! What happens in a process that is killed anywhere is decided by the database alone: each step is one transaction,
//! and the property tests crash between any two.

mod actor;
mod amendment;
mod caller;
mod captured;
mod change;
mod companion;
mod config;
mod desk;
mod device_table;
mod engine;
mod error;
mod finding;
mod input;
mod join;
mod journal;
mod keys;
mod link;
mod mail;
mod meta;
mod models;
mod person;
mod request;
mod sessions;
mod show;
#[cfg(test)]
mod sim;
mod tables;
#[cfg(test)]
mod tests;
mod trace_table;
pub mod view;

pub use change::{Changes, Revision};
pub use companion::{Companion, Ports};
pub use config::{Config, Role};
pub use device::TraceMode;
pub use error::CompanionError;
pub use input::{Frame, JoinOptions, ManualReading, ManualValues, Network, Submitted};
pub use post::Pace;
pub use tables::SCHEMA;
pub use view::{
    Answer, CircleView, Cursor, DetailView, DeviceView, DrainReport, FindingView, FoundView,
    HistoryPage, HistoryQuery, LinkState, LinkView, NoticeView, Person, QuestionView, QueueView,
    ReadingView, RequestId, RequestState, RequestView, Stage, Status, Topic, TraceView, UserChoice,
    UserView, ValueView, View, Whose,
};

/// The kill points of this crate (see `fault`).
pub const FAULT_POINTS: &[&str] = &[
    "companion.first_keys",
    "companion.link_keys",
    "companion.joining",
    "companion.claimed",
    "companion.rosters",
    "companion.join_sealed",
    "companion.journalled",
    "companion.captured",
    "companion.settled",
    "companion.paired",
    "companion.spool",
    "companion.spooled",
    "companion.spool_drained",
    "companion.sealed",
    "companion.handed",
    "companion.received",
    "companion.fetched",
    "companion.consumed",
];

//! The post: from a sealed file to the relay and back, durable, resumable, exactly once in effect.
//!
//! This crate begins at [`wire::Sealed`]: it can neither open a file nor name a reading. In the order of the way:
//!
//! 1. [`outbox`]: sealed files and how far each is: `sealed → handed → received → acknowledged`, each durable before
//!    the next. Alerts overtake vitals, vitals overtake media; one bad file never blocks the others.
//! 2. [`RelayClient`]: the relay's HTTP interface and WebSocket, for phone and station alike, each request signed
//!    (RFC 9421, `wire::request`).
//! 3. [`inbox`]: what the relay lists and what was fetched, kept until the host has consumed it; a cursor per relay
//!    key.
//! 4. [`Courier`]: when to send, collect, ask for rosters, and listen: a machine without clock, socket or random
//!    generator, with [`Backoff`] for what failed.
//!
//! The tables are in [`SCHEMA`], which the host puts into a migration of its own database.

mod backoff;
mod client;
mod courier;
mod error;
pub mod inbox;
mod live;
pub mod outbox;
mod tables;

pub use backoff::{Backoff, LONGEST};
pub use client::{ClientOptions, RelayClient};
pub use courier::{Courier, Effect, Event, Line, Outcome, Pace};
pub use error::{PostError, Reach, RelayError};
pub use live::{Live, LiveFrame, MAX_CALL_BYTES};
pub use tables::SCHEMA;

/// The kill points of this crate (see `fault`).
pub const FAULT_POINTS: &[&str] = &[
    "post.put.sent",
    "post.put.answered",
    "post.get.answered",
    "post.list.answered",
];

//! The relay: a blind post office between companions and stations.
//!
//! In: signed requests (RFC 9421) of keys that descend from an admitted clinic. Out: receipts that are signed only after
//! the bytes are on the disk. It sees ciphertext, sizes and hours; it depends on `wire` alone and cannot open anything.
//!
//! Read in this order: `state` (who may do what), `writer` (one thread, group commit), `mailbox` and `links` (what is
//! stored), `auth` (from a request to a key), `http` (the interface; `mail` and `clinics` behind it), `live` (the WebSocket).

mod auth;
mod backup;
mod body;
mod clinics;
pub mod command;
mod connections;
mod error;
mod http;
mod keys;
mod links;
mod live;
mod mail;
mod mailbox;
mod metrics;
mod page;
mod schema;
mod serve;
mod state;
mod writer;

pub use auth::{Authorities, Proxy};
pub use backup::{Verified, backup, restore, verify};
pub use error::RelayError;
pub use serve::{Limits, RelayConfig, Running, Tls, serve};

use rusqlite::Connection;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::watch;
use wire::{Kid, SigningKey};

/// Where a process may be killed in a test.
pub const FAULT_POINTS: &[&str] = &[
    "relay.before_commit",
    "relay.after_commit",
    "relay.file_written",
    "relay.released",
];

/// Everything that a running relay holds.
struct Relay {
    directory: Arc<RwLock<state::Directory>>,
    writer: writer::Writer,
    readers: Mutex<Vec<Connection>>,
    database: PathBuf,
    files: PathBuf,
    receipt: SigningKey,
    authorities: Authorities,
    buckets: Mutex<auth::Buckets>,
    proxy: Proxy,
    bodies: body::Budget,
    nonces: Mutex<HashMap<Kid, u32>>,
    live: live::Live,
    metrics: metrics::Metrics,
    metrics_token: Option<String>,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl Relay {
    /// Reads with a connection of the pool, opening one more when all are in use.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, RelayError>,
    ) -> Result<T, RelayError> {
        let pooled = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let db = match pooled {
            Some(db) => db,
            None => schema::open_to_read(&self.database)?,
        };
        let outcome = work(&db);
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(db);
        outcome
    }
}

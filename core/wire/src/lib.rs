//! What crosses the relay, and nothing that is inside it.
//!
//! This crate holds the words that phone, relay and station share on the road: ids, times, signatures, rosters,
//! receipts, signed requests and the outer shape of a sealed file. It cannot open an envelope and cannot name a
//! reading: a relay that depends on this crate alone stays blind.
//!
//! The layouts are those of `docs/formats/`. In the order in which a newcomer meets them:
//!
//! 1. [`Time`], the ids in [`mod@id`], [`b64u`] and [`json`]: how bytes are written down.
//! 2. [`SigningKey`], [`PublicKey`] and [`jws`]: how a statement is signed (RFC 7515, Ed25519 of RFC 8032).
//! 3. [`roster`]: the clinic's signed list that says which keys and relays count.
//! 4. [`Sealed`]: a file that is well formed enough to travel.
//! 5. [`receipt`]: the relay's word that it is on its disk.
//! 6. [`request`] and [`api`]: the relay's HTTP interface (RFC 9421, profiled).
//!
//! Nothing here reads a clock or a random generator: `now` and random bytes come in as arguments.

pub mod api;
pub mod b64u;
mod hash;
pub mod id;
pub mod json;
pub mod jws;
mod key;
pub mod receipt;
pub mod request;
pub mod roster;
mod sealed;
mod time;

pub use hash::{Hash, sha256};
pub use id::{EnvelopeId, InstallId, Kid, MailboxId};
pub use key::{KeyError, PublicKey, SigningKey};
pub use sealed::{MAX_ENVELOPE_BYTES, MAX_GREASE_BYTES, MAX_STANZAS, Sealed, SealedError};
pub use time::{Time, TimeError};

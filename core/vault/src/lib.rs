//! Keys, invites, circles and envelopes: the only place that seals and opens mail.
//!
//! The formats are those of `docs/formats/`; files are standard age files that stock tools open. In the order in which
//! a newcomer meets them:
//!
//! 1. [`AgeIdentity`], [`AgeRecipient`], [`seal_file`], [`open_file`]: one sealed file (X-Wing; ML-KEM-768 + X25519).
//! 2. [`KeyVault`], [`Spool`], [`RecoverySheet`], [`RootSheet`]: where secrets are, and what happens while they are
//!    locked.
//! 3. [`Invite`], [`Join`], [`check_words`], [`CircleChain`]: how a phone comes to a clinic.
//! 4. [`Header`], [`Draft`], [`seal_envelope`]: one letter out.
//! 5. [`open_up`], [`open_down`], [`Chain`], [`Finding`]: one letter in, and what is wrong with the mail as a whole.
//!
//! Logic takes `now` as an argument. Sealing draws on the system's random generator inside age and HPKE, which offer
//! no other way; nothing is decided by it.
//!
//! A letter, sealed by an install and read by its station:
//!
//! ```
//! use vault::{open_up, seal_envelope, AgeIdentity, CircleChain, Draft, HeaderBeat, Kind, Outcome, Recipients};
//! # use teleward_vault as vault;
//! # use wire::roster::*;
//! # use wire::{Hash, MailboxId, EnvelopeId, SigningKey, Time};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now = Time::from_ms(1_800_000_000_000);
//! # let root = SigningKey::from_seed(&[1; 32]);
//! # let station = AgeIdentity::from_seed(&[2; 32])?;
//! # let install = SigningKey::from_seed(&[3; 32]);
//! # let up = MailboxId([4; 16]);
//! # let mut rosters = RosterChain::pinned(root.public());
//! # rosters.feed(&Roster {
//! #     v: 1, n: 1, prev: Hash::ZERO, at: now, root: root.public(),
//! #     next_root: next_root_hash(&SigningKey::from_seed(&[9; 32]).public()),
//! #     clinic: Clinic { name: "Clinic".into(), phone: "1".into(), emergency: "2".into(), languages: vec![] },
//! #     stations: vec![Station { sign: SigningKey::from_seed(&[5; 32]).public(),
//! #         auth: SigningKey::from_seed(&[6; 32]).public(), age: station.recipient().to_string(),
//! #         state: StationState::Active, since: now }],
//! #     escrow: vec![], relays: vec![], mirrors: vec![], beat_hours: 24, keep_days: 14,
//! #     cover: Cover { hours: String::new(), text: String::new() }, notices: vec![], review_by: None,
//! # }.sign(&root)?)?;
//! # let beat = HeaderBeat { next_by: now, depth: 1, oldest: None, stuck: 0, refused: vec![], receipts: vec![],
//! #     clock: Default::default(), app: "doc/1".into() };
//! let roster = rosters.newest().ok_or("no roster")?;
//! let recipients = Recipients::up(&roster.roster, None)?;
//! let sent = seal_envelope(
//!     &Draft {
//!         mailbox: up, seq: 1, prev: None, kind: Kind::Readings, at: now, roster: roster.into(), circle: 0,
//!         recipients: &recipients, content: b"{\"resourceType\":\"Observation\"}\n", got: &[], re: None, proof: None,
//!         beat: Some(beat),
//!     },
//!     &install,
//! )?;
//!
//! let context = vault::UpContext {
//!     mailbox: up,
//!     identities: &[station],
//!     rosters: &rosters,
//!     sender: vault::UpSender::Joined { sign: install.public(), join: EnvelopeId([0; 32]) },
//!     circles: &CircleChain::default(),
//! };
//! let Outcome::Released(letter) = open_up(sent.sealed.id(), sent.sealed.into_bytes(), &context) else {
//!     return Err("not released".into());
//! };
//! assert_eq!(letter.header.kind, Kind::Readings);
//! # Ok(())
//! # }
//! ```

mod age_file;
mod age_key;
mod amendment;
mod chain;
mod circle;
mod content;
mod data;
mod durable;
mod envelope;
mod finding;
mod header;
mod invite;
mod join;
mod key_vault;
mod open;
mod outcome;
mod padme;
mod paper;
mod qr;
mod recipients;
mod refusal;
mod sensitive;
mod spool;

pub use age_file::{
    AgeFileError, WORK_FACTOR, open_file, open_with_passphrase, seal_file, seal_with_passphrase,
};
pub use age_key::{AgeIdentity, AgeKeyError, AgeRecipient};
pub use amendment::{Amendment, Amendments, Amends};
pub use chain::{
    Chain, ChainEffect, ChainEvent, GRACE, Novelty, Place, Positions, REPLAYS_TOLD, Standing,
};
pub use circle::{Circle, CircleChain, CircleLink, CircleNews, CircleRefusal, LinkState};
pub use content::{
    Ack, AckRefused, Beat, Content, ContentError, Resend, RosterMail, Seen, Stored, Void, Welcome,
};
pub use data::{Data, DataMail, DataRefusal, DataTopic};
pub use envelope::{Draft, Plaintext, SealError, SealedEnvelope, seal_envelope};
pub use finding::{CLOCK_AHEAD, Finding, ROSTER_LATE, Side, WAITING_TOLD, Words};
pub use header::{
    ClockState, Got, Header, HeaderBeat, HighestReceipt, Kind, MAX_CONTENT_BYTES, MAX_GOT,
    MAX_HEADER_BYTES, MAX_RECEIPTS, MAX_REFUSED, Part, Refused, RosterRef, TYP,
};
pub use invite::{Invite, InviteError, JOIN_GRACE, ProofKey};
pub use join::{App, CheckWords, Join, JoinError, MAX_LABEL_CHARS, Proof, Role, check_words};
pub use key_vault::{FileVault, KeyVault, KeyVaultError, MemoryVault};
pub use open::{DownContext, JoinTerms, UpContext, UpSender, open_down, open_up};
pub use outcome::{Outcome, Quarantined, Released, WaitReason, Waiting};
pub use padme::{FLOOR, padded, padme};
pub use paper::{RecoverySheet, RootSheet, SheetError, parse_words, words};
pub use qr::{QrTooLong, qr_svg};
pub use recipients::{Recipients, RecipientsError};
pub use refusal::Refusal;
pub use sensitive::Sensitive;
pub use spool::{Drained, Spool, SpoolError, SpoolId};

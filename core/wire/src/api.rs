//! Bodies and paths of the relay's HTTP interface. The document that binds is the relay's OpenAPI file.

use crate::{EnvelopeId, Kid, MailboxId, PublicKey, Time};
use serde::{Deserialize, Serialize};

/// At most so many items in one answer.
pub const PAGE: usize = 500;
/// Media type of a receipt.
pub const JOSE: &str = "application/jose";
/// Media type of sealed files.
pub const OCTETS: &str = "application/octet-stream";
/// Media type of rosters.
pub const NDJSON: &str = "application/x-ndjson";

/// Paths of requests.
pub mod path {
    use crate::{EnvelopeId, MailboxId};

    /// Claims a link.
    pub const CLAIM: &str = "/v1/claim";
    /// Publishes and reads rosters.
    pub const ROSTERS: &str = "/v1/rosters";
    /// Registers and lists links.
    pub const LINKS: &str = "/v1/links";
    /// Adds or ends a tenant's keys.
    pub const TENANT_KEYS: &str = "/v1/tenant/keys";
    /// The WebSocket.
    pub const LIVE: &str = "/v1/live";

    /// One envelope.
    #[must_use]
    pub fn envelope(mailbox: MailboxId, id: EnvelopeId) -> String {
        format!("/v1/mailboxes/{mailbox}/envelopes/{id}")
    }

    /// A mailbox's list.
    #[must_use]
    pub fn envelopes(mailbox: MailboxId) -> String {
        format!("/v1/mailboxes/{mailbox}/envelopes")
    }

    /// Releases a mailbox's oldest mail.
    #[must_use]
    pub fn release(mailbox: MailboxId) -> String {
        format!("/v1/mailboxes/{mailbox}/release")
    }

    /// One link, by its `up` mailbox.
    #[must_use]
    pub fn link(up: MailboxId) -> String {
        format!("/v1/links/{up}")
    }
}

/// `POST /v1/claim`, signed by the invite's claim key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// 1.
    pub v: u32,
    /// The install's key for requests.
    pub auth: PublicKey,
}

/// One file in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Arrival number.
    pub n: u64,
    /// The file.
    pub id: EnvelopeId,
    /// Its size in bytes.
    pub size: u64,
}

/// Answer to `GET …/envelopes?after=n`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// 1.
    pub v: u32,
    /// The relay's receipt key: cursors are kept per key.
    pub relay: Kid,
    /// At most [`PAGE`], by `n`; released ones are missing.
    pub items: Vec<Item>,
    /// Whether there are further ones.
    pub more: bool,
}

/// `POST …/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Everything up to this arrival number.
    pub through: u64,
    /// Parts, by id.
    #[serde(default)]
    pub parts: Vec<EnvelopeId>,
}

/// What a link may store and send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Bytes that lie in each of its mailboxes.
    pub bytes: u64,
    /// Files a day and mailbox.
    pub per_day: u64,
}

/// `POST /v1/links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// 1.
    pub v: u32,
    /// Phone to clinic.
    pub up: MailboxId,
    /// Clinic to phone.
    pub down: MailboxId,
    /// The key that may claim, at the invite's relay.
    pub claim: Option<PublicKey>,
    /// The install's key, where it is known already.
    pub auth: Option<PublicKey>,
    /// End of the first claim.
    pub claim_until: Time,
    /// What it may store and send.
    pub quota: Quota,
}

/// How far a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Nobody has claimed it.
    Open,
    /// One key has.
    Claimed,
    /// A second key tried.
    Contested,
    /// Writing has ended.
    Revoked,
}

/// One change of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkItem {
    /// Number of the change, from 1, per tenant.
    pub n: u64,
    /// The link.
    pub up: MailboxId,
    /// How far it is.
    pub state: LinkState,
    /// The hour of the change.
    pub at_hour: Time,
}

/// Answer to `GET /v1/links?after=n`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkItems {
    /// 1.
    pub v: u32,
    /// At most [`PAGE`], by `n`; each link once, at its newest change.
    pub items: Vec<LinkItem>,
    /// Whether there are further ones.
    pub more: bool,
}

/// `POST /v1/links/{up}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkChange {
    /// Only [`LinkState::Revoked`].
    pub state: LinkState,
}

/// `POST /v1/tenant/keys`: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantKeys {
    /// 1.
    pub v: u32,
    /// A further auth key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<PublicKey>,
    /// An auth key that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Kid>,
}

/// A text frame of `/v1/live`: something lies in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The mailbox.
    #[serde(rename = "box")]
    pub mailbox: MailboxId,
    /// Its newest arrival number.
    pub n: u64,
}

/// The closed list of error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request cannot be read.
    Malformed,
    /// 401: the signature is right, the clock is not.
    Clock,
    /// 404: unknown, foreign, expired, replayed: all one.
    Foreign,
    /// 409: another key has claimed this link.
    Contested,
    /// 409: the rosters do not follow those held.
    Roster,
    /// 413: over a limit.
    TooLarge,
    /// 422: the bytes are not what the request says they are.
    Hash,
    /// 422: not the outer shape of an envelope.
    Header,
    /// 429: too often.
    SlowDown,
    /// 503: not now.
    Busy,
    /// 507: the mailbox is full, or its day's share is used.
    Quota,
}

impl ErrorCode {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Clock => 401,
            Self::Foreign => 404,
            Self::Contested | Self::Roster => 409,
            Self::TooLarge => 413,
            Self::Hash | Self::Header => 422,
            Self::SlowDown => 429,
            Self::Busy => 503,
            Self::Quota => 507,
        }
    }

    /// Whether sending the same request again is useless.
    #[must_use]
    pub fn ends_retry(self) -> bool {
        matches!(self.status(), 400 | 401 | 413 | 422)
    }
}

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// From the closed list.
    pub code: ErrorCode,
    /// In words.
    pub text: String,
    /// Seconds to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The relay's time, with [`ErrorCode::Clock`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Time>,
}

//! What goes into the engine and what comes out: events, calls to a relay, answers.

use crate::view::Topic;
use bytes::Bytes;
use post::{Line, RelayError, inbox};
use std::sync::Arc;
use wire::api::{Claim, Items};
use wire::{EnvelopeId, MailboxId, SigningKey, Time};

/// What the host is to ask of a relay.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Claim(Claim),
    Rosters {
        after: u32,
    },
    Put {
        mailbox: MailboxId,
        id: EnvelopeId,
        bytes: Bytes,
    },
    List {
        mailbox: MailboxId,
        after: u64,
    },
    Get {
        mailbox: MailboxId,
        id: EnvelopeId,
    },
    /// The relay may drop what was read, up to this number.
    Release {
        mailbox: MailboxId,
        through: u64,
    },
    /// Open the WebSocket and report [`Event::LiveOpen`], arrivals, and its end as this call's answer.
    Live,
}

/// One question, answered by [`Event::Answer`] with its ticket.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub ticket: u64,
    pub relay: String,
    pub key: Arc<SigningKey>,
    pub ask: Ask,
}

/// What a relay said.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Done,
    Rosters(String),
    Receipt(String),
    Items(Items),
    File(Vec<u8>),
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// The answer to a call.
    Answer {
        ticket: u64,
        answer: Result<Answer, RelayError>,
    },
    /// The live line is up.
    LiveOpen,
    /// Something lies in our mailbox.
    Arrival(MailboxId),
    /// There may be something to send or to collect.
    Wanted(Line),
    NetworkChanged,
    Tick,
}

#[derive(Debug)]
pub(crate) enum Effect {
    Ask(Call),
    /// Break this call off; no answer is wanted.
    Cancel(u64),
    Changed(Vec<Topic>),
}

/// What a ticket was for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    Claim,
    JoinRosters,
    Put(EnvelopeId),
    List { after: u64 },
    Get(inbox::Entry),
    Release { through: u64 },
    Rosters,
    Live,
}

impl Purpose {
    pub(super) fn line(&self) -> Line {
        match self {
            Self::Claim | Self::JoinRosters | Self::Put(_) => Line::Send,
            Self::List { .. } | Self::Get(_) | Self::Release { .. } => Line::Collect,
            Self::Rosters => Line::Rosters,
            Self::Live => Line::Live,
        }
    }
}

/// Trouble with the relay and when it was last reached: told, not kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contact {
    pub reached_at: Option<Time>,
    pub trouble: Option<String>,
    pub handed_over: u64,
    pub collected: u64,
}

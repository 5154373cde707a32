//! Findings: something wrong with the mail, in words. Nothing here is clinical and nothing is secret.
//!
//! Each finding has a stable code, a subject (so that it is told once), words for the side or sides that can see it,
//! and what a person does next. The table in `docs/formats/findings.md` is checked against this file.

use crate::header::Got;
use crate::outcome::WaitReason;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wire::roster::RosterRefusal;
use wire::{EnvelopeId, Kid, MailboxId, Time};

/// A file waits so long before it is told.
pub const WAITING_TOLD: Duration = Duration::from_secs(24 * 3600);
/// A header's time may lie so far ahead of the reader's clock.
pub const CLOCK_AHEAD: Duration = Duration::from_secs(15 * 60);
/// A sender may go on naming an older roster for so long after it could have held the newer one.
pub const ROSTER_LATE: Duration = Duration::from_secs(48 * 3600);

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// People at the clinic.
    Clinic,
    /// The patient.
    Patient,
}

/// What a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What happened.
    pub text: String,
    /// What to do.
    pub next_step: &'static str,
}

/// Something wrong with the mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the members are the ids that the variant's sentence speaks of"
)]
pub enum Finding {
    /// Numbers `from` to `to` of a sender have not come in the grace time.
    Gap {
        mailbox: MailboxId,
        kid: Kid,
        from: u64,
        to: u64,
    },
    /// Two different headers with one key, box and number.
    Fork {
        mailbox: MailboxId,
        kid: Kid,
        seq: u64,
    },
    /// The envelope before this one is another than the one it names.
    BrokenChain {
        mailbox: MailboxId,
        kid: Kid,
        seq: u64,
    },
    /// One header in two files: a recipient sealed it again.
    Copy {
        mailbox: MailboxId,
        kid: Kid,
        seq: u64,
        id: EnvelopeId,
    },
    /// Ten or more files of a day were listed again under new numbers.
    Replays { mailbox: MailboxId, day: i64 },
    /// The sender states an older roster long after a newer one was there.
    RosterBehind {
        mailbox: MailboxId,
        kid: Kid,
        stated: u32,
    },
    /// A second roster of one number.
    RosterFork { n: u32 },
    /// A roster line that does not count.
    RosterRefused { reason: String },
    /// An acknowledgement of something that was never sent.
    GotBeyondSent {
        mailbox: MailboxId,
        kid: Kid,
        seq: u64,
    },
    /// A header's time lies far ahead.
    ClockOff { mailbox: MailboxId, kid: Kid },
    /// A file has waited for a day.
    WaitingLong {
        mailbox: MailboxId,
        id: EnvelopeId,
        reason: String,
    },
    /// A file was quarantined.
    Quarantined {
        mailbox: MailboxId,
        id: EnvelopeId,
        reason: String,
    },
    /// The other side quarantined a file of ours.
    RefusedByPeer {
        mailbox: MailboxId,
        id: EnvelopeId,
        reason: String,
    },
    /// The other side refused the same content twice.
    RefusedTwice { mailbox: MailboxId, id: EnvelopeId },
    /// A second circle of one number, or one that does not fit.
    CircleWrong { mailbox: MailboxId, n: u64 },
    /// Content that the sender signed and this version cannot read.
    UnreadableContent {
        mailbox: MailboxId,
        id: EnvelopeId,
        kind: String,
    },
    /// A receipt that no relay of a held roster signed, or for something else.
    ForgedReceipt { mailbox: MailboxId, id: EnvelopeId },
    /// The relay handed out other bytes than those asked for.
    WrongBytes { mailbox: MailboxId, id: EnvelopeId },
    /// The relay refuses a file of ours for good.
    NotTaken { mailbox: MailboxId, id: EnvelopeId },
    /// The relay lists a file and says that it does not have it.
    Withheld { mailbox: MailboxId, id: EnvelopeId },
    /// The relay's list of a mailbox contradicts itself or an earlier one.
    WrongList { mailbox: MailboxId },
    /// The relay shows fewer of the clinic's rosters than it had taken.
    RosterWithheld { relay: String, n: u32 },
    /// The invite's relay is not in the roster.
    RelayNotInRoster { relay: String },
    /// Another key than the claimed one, or a second one, tried to use an invite.
    Contested { mailbox: MailboxId },
    /// The key that claimed is not the one that the join names.
    ClaimDiffers { mailbox: MailboxId },
    /// A join came long after its invite expired.
    LateJoin { mailbox: MailboxId, id: EnvelopeId },
    /// One reading under two patients.
    WrongPerson { reading: String },
    /// An install spoke about a reading that it did not send.
    ForeignAmendment { mailbox: MailboxId, reading: String },
    /// The install promised to be heard by now.
    NotHeard { mailbox: MailboxId, since: Time },
    /// The station promised to be heard by now.
    NoSignOfClinic { mailbox: MailboxId, since: Time },
}

impl Finding {
    /// The finding for a quarantined file.
    #[must_use]
    pub fn quarantined(mailbox: MailboxId, id: EnvelopeId, reason: Refusal) -> Self {
        Self::Quarantined {
            mailbox,
            id,
            reason: reason.code().to_owned(),
        }
    }

    /// The finding for a file that waits since `since`, once it is time.
    #[must_use]
    pub fn waiting(
        mailbox: MailboxId,
        id: EnvelopeId,
        reason: WaitReason,
        since: Time,
        now: Time,
    ) -> Option<Self> {
        if reason == WaitReason::LateJoin {
            return Some(Self::LateJoin { mailbox, id });
        }
        (since.plus(WAITING_TOLD) <= now).then(|| Self::WaitingLong {
            mailbox,
            id,
            reason: reason.code().to_owned(),
        })
    }

    /// The finding for a roster line that was not taken. A line that only comes too early is none.
    #[must_use]
    pub fn roster(refusal: &RosterRefusal) -> Option<Self> {
        let reason = match refusal {
            RosterRefusal::Fork(n) => return Some(Self::RosterFork { n: *n }),
            RosterRefusal::Gap { .. } => return None,
            RosterRefusal::TooLarge => "too_large",
            RosterRefusal::Statement(_) => "signature",
            RosterRefusal::ForeignRoot => "foreign_root",
            RosterRefusal::Content(_) => "content",
            RosterRefusal::Older(_) => "older",
            RosterRefusal::Broken(_) => "broken",
            RosterRefusal::Rotation(_) => "rotation",
        };
        Some(Self::RosterRefused {
            reason: reason.to_owned(),
        })
    }

    /// Judges an acknowledgement position: `None` when it is the sender's own file at that number. `sent` gives the
    /// id that this sender put at a number.
    #[must_use]
    pub fn got(
        mailbox: MailboxId,
        got: &Got,
        sent: impl FnOnce(u64) -> Option<EnvelopeId>,
    ) -> Option<Self> {
        let Got(kid, seq, id) = *got;
        (sent(seq) != Some(id)).then_some(Self::GotBeyondSent { mailbox, kid, seq })
    }

    /// Judges a header's time against the reader's clock.
    #[must_use]
    pub fn clock(mailbox: MailboxId, kid: Kid, at: Time, now: Time) -> Option<Self> {
        (at > now.plus(CLOCK_AHEAD)).then_some(Self::ClockOff { mailbox, kid })
    }

    /// Judges the roster that a header sealed at `at` states, when the reader holds `newest` since `held_since`.
    #[must_use]
    pub fn roster_behind(
        mailbox: MailboxId,
        kid: Kid,
        stated: u32,
        at: Time,
        newest: u32,
        held_since: Time,
    ) -> Option<Self> {
        (stated < newest && at > held_since.plus(ROSTER_LATE)).then_some(Self::RosterBehind {
            mailbox,
            kid,
            stated,
        })
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "gap",
            Self::Fork { .. } => "fork",
            Self::BrokenChain { .. } => "broken_chain",
            Self::Copy { .. } => "copy",
            Self::Replays { .. } => "replays",
            Self::RosterBehind { .. } => "roster_behind",
            Self::RosterFork { .. } => "roster_fork",
            Self::RosterRefused { .. } => "roster_refused",
            Self::GotBeyondSent { .. } => "got_beyond_sent",
            Self::ClockOff { .. } => "clock_off",
            Self::WaitingLong { .. } => "waiting_long",
            Self::Quarantined { .. } => "quarantined",
            Self::RefusedByPeer { .. } => "refused_by_peer",
            Self::RefusedTwice { .. } => "refused_twice",
            Self::CircleWrong { .. } => "circle_wrong",
            Self::UnreadableContent { .. } => "unreadable_content",
            Self::ForgedReceipt { .. } => "forged_receipt",
            Self::WrongBytes { .. } => "wrong_bytes",
            Self::NotTaken { .. } => "not_taken",
            Self::Withheld { .. } => "withheld",
            Self::WrongList { .. } => "wrong_list",
            Self::RosterWithheld { .. } => "roster_withheld",
            Self::RelayNotInRoster { .. } => "relay_not_in_roster",
            Self::Contested { .. } => "contested",
            Self::ClaimDiffers { .. } => "claim_differs",
            Self::LateJoin { .. } => "late_join",
            Self::WrongPerson { .. } => "wrong_person",
            Self::ForeignAmendment { .. } => "foreign_amendment",
            Self::NotHeard { .. } => "not_heard",
            Self::NoSignOfClinic { .. } => "no_sign_of_clinic",
        }
    }

    /// What it is about, as text: the same finding about the same thing is told once.
    #[must_use]
    pub fn subject(&self) -> String {
        let code = self.code();
        match self {
            Self::Gap {
                mailbox, kid, from, ..
            } => format!("{code} {mailbox} {kid} {from}"),
            Self::Fork { mailbox, kid, seq }
            | Self::BrokenChain { mailbox, kid, seq }
            | Self::GotBeyondSent { mailbox, kid, seq } => format!("{code} {mailbox} {kid} {seq}"),
            Self::Replays { mailbox, day } => format!("{code} {mailbox} {day}"),
            Self::RosterBehind {
                mailbox,
                kid,
                stated,
            } => format!("{code} {mailbox} {kid} {stated}"),
            Self::ClockOff { mailbox, kid } => format!("{code} {mailbox} {kid}"),
            Self::RosterFork { n } => format!("{code} {n}"),
            Self::RosterRefused { reason } => format!("{code} {reason}"),
            Self::CircleWrong { mailbox, n } => format!("{code} {mailbox} {n}"),
            Self::Copy { mailbox, id, .. }
            | Self::WaitingLong { mailbox, id, .. }
            | Self::Quarantined { mailbox, id, .. }
            | Self::RefusedByPeer { mailbox, id, .. }
            | Self::RefusedTwice { mailbox, id }
            | Self::UnreadableContent { mailbox, id, .. }
            | Self::ForgedReceipt { mailbox, id }
            | Self::WrongBytes { mailbox, id }
            | Self::NotTaken { mailbox, id }
            | Self::Withheld { mailbox, id }
            | Self::LateJoin { mailbox, id } => format!("{code} {mailbox} {id}"),
            Self::RelayNotInRoster { relay } => format!("{code} {relay}"),
            Self::RosterWithheld { relay, n } => format!("{code} {relay} {n}"),
            Self::WrongList { mailbox }
            | Self::Contested { mailbox }
            | Self::ClaimDiffers { mailbox } => format!("{code} {mailbox}"),
            Self::WrongPerson { reading } => format!("{code} {reading}"),
            Self::ForeignAmendment { mailbox, reading } => format!("{code} {mailbox} {reading}"),
            Self::NotHeard { mailbox, since } | Self::NoSignOfClinic { mailbox, since } => {
                format!("{code} {mailbox} {since}")
            }
        }
    }

    /// What this side is told; `None` when it cannot see it or can do nothing with it.
    #[must_use]
    pub fn words(&self, side: Side) -> Option<Words> {
        match side {
            Side::Clinic => self.for_clinic(),
            Side::Patient => self.for_patient(),
        }
    }
}

mod words;

#[cfg(test)]
mod table;

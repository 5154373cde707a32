//! Findings: something wrong with the mail, in words. Nothing here is clinical and nothing is secret.
//!
//! Each finding has a stable code, a subject (so that it is told once), words for the side or sides that can see it,
//! and what a person does next. The table in `docs/formats/findings.md` is checked against this file.

use crate::header::Got;
use crate::open::WaitReason;
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
            Self::RelayNotInRoster { .. } => "relay_not_in_roster",
            Self::Contested { .. } => "contested",
            Self::ClaimDiffers { .. } => "claim_differs",
            Self::LateJoin { .. } => "late_join",
            Self::WrongPerson { .. } => "wrong_person",
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
            | Self::LateJoin { mailbox, id } => format!("{code} {mailbox} {id}"),
            Self::RelayNotInRoster { relay } => format!("{code} {relay}"),
            Self::Contested { mailbox } | Self::ClaimDiffers { mailbox } => {
                format!("{code} {mailbox}")
            }
            Self::WrongPerson { reading } => format!("{code} {reading}"),
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

    fn for_clinic(&self) -> Option<Words> {
        let words = |text: String, next_step| Some(Words { text, next_step });
        match self {
            Self::Gap { from, to, .. } => words(
                format!("{} from this phone {} not arrived; later ones have.", letters(*from, *to), have(*from, *to)),
                "The phone sends again by itself. If this is still open tomorrow, call the patient: readings may be missing.",
            ),
            Self::Fork { seq, .. } => words(
                format!("Two different letters number {seq} came with this phone's signature. Both are kept."),
                "Its keys may have been copied. Call the patient and replace the phone's link.",
            ),
            Self::BrokenChain { seq, .. } => words(
                format!("Letter number {seq} does not follow the letter before it that arrived here."),
                "The relay or a copy of the phone may be showing two histories. Call the patient and compare the latest readings.",
            ),
            Self::Copy { seq, .. } => words(
                format!("Letter number {seq} came a second time in another wrapping. It was counted once."),
                "Somebody who may read this mail has wrapped it again. Ask those who hold escrow or station keys.",
            ),
            Self::Replays { .. } => words(
                "The relay delivered the same letters again ten times or more today. Each was counted once.".into(),
                "Tell the relay's operator if it goes on.",
            ),
            Self::RosterBehind { stated, .. } => words(
                format!("This phone still uses the clinic's list number {stated}, though a newer one has been out for two days."),
                "Check that the relay serves the newest list; otherwise ask the patient to update the app.",
            ),
            Self::RosterFork { n } => words(
                format!("There are two different clinic lists with number {n}."),
                "The root key was used twice. Stop making lists and call your support before the next one.",
            ),
            Self::RosterRefused { .. } => words(
                "A list of clinic keys was offered that does not follow the one in use. It was not accepted.".into(),
                "If nobody at the clinic has just made a new list, tell the relay's operator.",
            ),
            Self::GotBeyondSent { seq, .. } => words(
                format!("This phone confirms letter number {seq}, which the station has not sent in this form."),
                "If the station was restored from a backup, this is expected once. Otherwise replace the phone's link.",
            ),
            Self::ClockOff { .. } => words(
                "This phone's clock is more than a quarter of an hour ahead.".into(),
                "Ask the patient to set date and time to automatic. Times of typed readings may be wrong.",
            ),
            Self::WaitingLong { reason, .. } => words(
                format!("A letter from this phone has waited a day to be read ({reason})."),
                "Check that the station holds the newest list and that the patient has joined. The letter is kept.",
            ),
            Self::Quarantined { reason, .. } => words(
                format!("A letter on this link was not accepted ({reason}). It is kept apart as evidence."),
                "The phone is asked to send its content again. If it happens again, call the patient.",
            ),
            Self::RefusedByPeer { reason, .. } => words(
                format!("The phone could not accept a letter from the station ({reason})."),
                "The station sends its content once more by itself.",
            ),
            Self::RefusedTwice { .. } => words(
                "The phone could not accept a letter, nor its second copy.".into(),
                "Call the patient; the app may need an update.",
            ),
            Self::UnreadableContent { kind, .. } => words(
                format!("This phone sent something of a kind that this station cannot read ({kind}). It is kept."),
                "Update the station.",
            ),
            Self::ForgedReceipt { .. } => words(
                "The relay answered with a receipt that is not its own. It does not count; the letter is sent again.".into(),
                "Tell the relay's operator. Nothing is lost.",
            ),
            Self::WrongBytes { .. } => words(
                "The relay handed out another file than the one it listed. It was not accepted.".into(),
                "Tell the relay's operator. The right file is asked for again.",
            ),
            Self::Contested { .. } => words(
                "A second device tried to use this invite.".into(),
                "Call the patient. If the wrong device joined first, end its link and make a new invite.",
            ),
            Self::ClaimDiffers { .. } => words(
                "The device that claimed this invite is not the one that joined.".into(),
                "Do not confirm it. End the link and make a new invite.",
            ),
            Self::LateJoin { .. } => words(
                "A device joined more than a week after its invite had expired.".into(),
                "Call the patient, and allow it or make a new invite.",
            ),
            Self::WrongPerson { .. } => words(
                "The same measurement came under two patients.".into(),
                "Find out who used the device, and mark the other reading as not this person's.",
            ),
            Self::NotHeard { since, .. } => words(
                format!("Not heard from this phone since {since}."),
                "Call the patient if it goes on: no news is not good news.",
            ),
            Self::CircleWrong { .. } | Self::RelayNotInRoster { .. } | Self::NoSignOfClinic { .. } => None,
        }
    }

    fn for_patient(&self) -> Option<Words> {
        let words = |text: String, next_step| Some(Words { text, next_step });
        match self {
            Self::Gap { from, to, .. } => words(
                format!("{} from your clinic {} not arrived; later ones have.", letters(*from, *to), have(*from, *to)),
                "Nothing to do now. Call your clinic if this is still here tomorrow.",
            ),
            Self::Fork { .. } | Self::BrokenChain { .. } => words(
                "Two letters from your clinic contradict each other. Both are kept.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::Copy { .. } => words(
                "A letter from your clinic came twice in different wrappings. It was counted once.".into(),
                "Tell your clinic when you next speak to them.",
            ),
            Self::Replays { .. } => words(
                "The same letters were delivered again and again today. Each was counted once.".into(),
                "Tell your clinic if it goes on.",
            ),
            Self::RosterBehind { .. } => words(
                "Your clinic's station uses an older list of keys than your phone holds.".into(),
                "Tell your clinic when you next speak to them.",
            ),
            Self::RosterFork { .. } => words(
                "Two different lists of your clinic's keys are about. Only the first one counts here.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::RosterRefused { .. } => words(
                "A list of clinic keys was offered that does not follow the one in use. It was not accepted.".into(),
                "Tell your clinic. Your readings go on to the keys you already hold.",
            ),
            Self::GotBeyondSent { .. } => words(
                "An acknowledgement names a letter that this phone did not send. It was not believed, and nothing was deleted.".into(),
                "Tell your clinic.",
            ),
            Self::ClockOff { .. } => words(
                "Your clinic's clock and this phone's clock are far apart.".into(),
                "Set date and time to automatic.",
            ),
            Self::WaitingLong { .. } => words(
                "A letter from your clinic cannot be read yet, because something it refers to has not come for a day. It is kept.".into(),
                "Update the app, and tell your clinic if this stays.",
            ),
            Self::Quarantined { .. } => words(
                "A letter came that is not in order. It was not accepted.".into(),
                "Your clinic is told and sends it again. Call them if you are waiting for something.",
            ),
            Self::RefusedByPeer { .. } => words(
                "Your clinic could not accept a letter from this phone. It is sent again.".into(),
                "Nothing to do now.",
            ),
            Self::RefusedTwice { .. } => words(
                "Your clinic could not accept a letter, nor its second copy. The readings in it are kept on this phone.".into(),
                "Call your clinic.",
            ),
            Self::CircleWrong { .. } => words(
                "The list of your phones at the clinic contradicts an earlier one. The earlier one counts.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::UnreadableContent { .. } => words(
                "Your clinic sent something that this version of the app cannot show. It is kept.".into(),
                "Update the app.",
            ),
            Self::ForgedReceipt { .. } => words(
                "The post office answered with a receipt that is not its own. It does not count; the letter is sent again.".into(),
                "Tell your clinic if it goes on. Nothing is lost.",
            ),
            Self::WrongBytes { .. } => words(
                "The post office handed out another letter than the one it listed. It was not accepted.".into(),
                "Tell your clinic if it goes on.",
            ),
            Self::RelayNotInRoster { .. } => words(
                "The post office named in the invite is not in your clinic's own list.".into(),
                "Compare the check words with your clinic before you trust this link.",
            ),
            Self::Contested { .. } => words(
                "This invite was already used by another device.".into(),
                "Call your clinic and ask for a new one.",
            ),
            Self::NoSignOfClinic { since, .. } => words(
                format!("No sign from your clinic since {since}."),
                "If you feel unwell, call. Your readings are kept and sent when the connection is back.",
            ),
            Self::ClaimDiffers { .. } | Self::LateJoin { .. } | Self::WrongPerson { .. } | Self::NotHeard { .. } => None,
        }
    }
}

fn letters(from: u64, to: u64) -> String {
    if from == to {
        format!("Letter number {from}")
    } else {
        format!("Letters number {from} to {to}")
    }
}

fn have(from: u64, to: u64) -> &'static str {
    if from == to { "has" } else { "have" }
}

//! Reading an envelope, in the order of `docs/formats/envelope.md`: (a) hash, (b) age to the very end, (c) header,
//! key and signature, (d) box, length, hash, padding, stanzas, (e) recipients. Three outcomes: **released** at once
//! and in any order, **waiting** for a key, roster or circle that is not held yet, **quarantined** as wrong whatever
//! arrives. Pure: what the reader holds comes in as a context, and calling twice gives the same answer.
//!
//! The station calls [`open_up`], an install calls [`open_down`].

use crate::chain::{Place, Standing};
use crate::content::{Content as _, RosterMail};
use crate::envelope::Plaintext;
use crate::header::Kind;
use crate::invite::{JOIN_GRACE, ProofKey};
use crate::join::Join;
use crate::outcome::{Outcome, Quarantined, Released, WaitReason, Waiting};
use crate::refusal::Refusal;
use crate::{AgeIdentity, CircleChain, Recipients, Sensitive};
use std::time::Duration;
use wire::roster::{Roster, RosterChain, StationState};
use wire::{EnvelopeId, Kid, MailboxId, PublicKey, Sealed, Time};

/// What a station holds about one link.
#[derive(Debug, Clone)]
pub struct UpContext<'a> {
    /// The link's `up`.
    pub mailbox: MailboxId,
    /// The station's keys, past ones too.
    pub identities: &'a [AgeIdentity],
    /// The clinic's rosters.
    pub rosters: &'a RosterChain,
    /// Who may write here.
    pub sender: UpSender<'a>,
    /// The circles sent on this link; empty before the join.
    pub circles: &'a CircleChain,
}

/// Who may write up on a link.
#[derive(Debug, Clone)]
pub enum UpSender<'a> {
    /// Nobody has joined yet.
    Open(JoinTerms<'a>),
    /// This install joined.
    Joined {
        /// Its signing key.
        sign: PublicKey,
        /// Its join.
        join: EnvelopeId,
    },
}

/// On what terms a join is taken.
#[derive(Debug, Clone)]
pub struct JoinTerms<'a> {
    /// The invite's.
    pub proof_key: &'a ProofKey,
    /// The invite's.
    pub expires: Time,
    /// When the station first saw the file in a list.
    pub listed: Time,
    /// Whether the invite was withdrawn.
    pub withdrawn: bool,
    /// Whether a person allowed a late join.
    pub late_allowed: bool,
}

/// What an install holds about its link.
#[derive(Debug, Clone)]
pub struct DownContext<'a> {
    /// The link's `down`.
    pub mailbox: MailboxId,
    /// The install's key.
    pub identity: &'a AgeIdentity,
    /// The clinic's rosters.
    pub rosters: &'a RosterChain,
    /// The circles received on this link, and the recovery key that the join named.
    pub circles: &'a CircleChain,
    /// When the file arrived.
    pub arrived: Time,
}

/// Reads a file from a link's `up`, at the station.
#[must_use]
pub fn open_up(id: EnvelopeId, file: Vec<u8>, context: &UpContext<'_>) -> Outcome {
    let (sealed, plain) = match unseal(id, file, context.identities) {
        Ok(opened) => opened,
        Err(reason) => return unopened(reason),
    };
    let reader = Reader {
        sealed: &sealed,
        plain: &plain,
        mailbox: context.mailbox,
        rosters: context.rosters,
    };
    match &context.sender {
        UpSender::Open(terms) if plain.claimed().kind == Kind::Join => reader.join(context, terms),
        UpSender::Open(_) => reader.wait(WaitReason::Sender, Verified::No),
        UpSender::Joined { sign, join } => {
            let header = plain.claimed();
            if header.kind == Kind::Join && id != *join {
                return quarantine(Refusal::SecondJoin);
            }
            if let Err(reason) = plain.verify(sign) {
                return quarantine(reason);
            }
            reader.verified(|roster| {
                let recovery = context.circles.recovery(header.circle)?;
                Some(Recipients::up(roster, recovery.as_ref()))
            })
        }
    }
}

/// Reads a file from a link's `down`, at an install.
#[must_use]
pub fn open_down(id: EnvelopeId, file: Vec<u8>, context: &DownContext<'_>) -> Outcome {
    let (sealed, plain) = match unseal(id, file, std::slice::from_ref(context.identity)) {
        Ok(opened) => opened,
        Err(reason) => return unopened(reason),
    };
    let reader = Reader {
        sealed: &sealed,
        plain: &plain,
        mailbox: context.mailbox,
        rosters: context.rosters,
    };
    let Some(key) = context
        .rosters
        .all()
        .iter()
        .rev()
        .find_map(|held| held.roster.station(plain.kid()))
    else {
        let newest = context.rosters.newest().map_or(0, |held| held.roster.n);
        return if plain.claimed().roster.0 > newest {
            reader.wait(WaitReason::Sender, Verified::No)
        } else {
            quarantine(Refusal::UnknownSender)
        };
    };
    if let Err(reason) = plain.verify(&key.sign) {
        return quarantine(reason);
    }
    if let Err(reason) = may_sign(
        context.rosters,
        plain.kid(),
        plain.claimed().roster.0,
        context.arrived,
    ) {
        return reader.hold(reason.into());
    }
    reader.verified(|_| {
        let recovery = context.circles.recovery(plain.claimed().circle)?;
        Some(Recipients::down(
            context.identity.recipient(),
            recovery.as_ref(),
        ))
    })
}

/// Whether a station key's signature counts, by the newest roster held.
fn may_sign(rosters: &RosterChain, kid: Kid, stated: u32, arrived: Time) -> Result<(), Refusal> {
    let state = |roster: &Roster| {
        roster
            .station(kid)
            .map(|station| (station.state, station.since))
    };
    let Some(newest) = rosters.newest() else {
        return Err(Refusal::UnknownSender);
    };
    match state(&newest.roster) {
        Some((StationState::Active | StationState::Reserve, _)) => Ok(()),
        Some((StationState::Retired, since)) => {
            let first = rosters
                .all()
                .iter()
                .find(|held| matches!(state(&held.roster), Some((StationState::Retired, _))))
                .map_or(0, |held| held.roster.n);
            let keep = Duration::from_secs(u64::from(newest.roster.keep_days) * 24 * 3600);
            if stated < first && arrived <= since.plus(keep) {
                Ok(())
            } else {
                Err(Refusal::RetiredKey)
            }
        }
        Some((StationState::Compromised, _)) => Err(Refusal::CompromisedKey),
        // a state of a later version, or a key that the newest roster no longer lists
        Some((StationState::Unknown, _)) | None => Err(Refusal::UnknownSender),
    }
}

/// Steps (a) and (b), and the header of (c).
fn unseal(
    id: EnvelopeId,
    file: Vec<u8>,
    identities: &[AgeIdentity],
) -> Result<(Sealed, Plaintext), Refusal> {
    if wire::sha256(&[&file]).0 != id.0 {
        return Err(Refusal::WrongFile);
    }
    let sealed = Sealed::parse(file).map_err(|_| Refusal::Shape)?;
    let plain = Plaintext::open(&sealed, identities)?;
    Ok((sealed, plain))
}

fn unopened(reason: Refusal) -> Outcome {
    if reason == Refusal::Newer {
        Outcome::Waiting(Waiting {
            reason: WaitReason::Update,
            place: None,
            roster: None,
        })
    } else {
        quarantine(reason)
    }
}

fn quarantine(reason: Refusal) -> Outcome {
    Outcome::Quarantined(Quarantined {
        reason,
        place: None,
    })
}

#[derive(Clone, Copy)]
enum Verified {
    Yes,
    No,
}

/// Why a verified envelope is not released.
enum Hold {
    Wait(WaitReason),
    Refuse(Refusal),
}

impl From<Refusal> for Hold {
    fn from(reason: Refusal) -> Self {
        Self::Refuse(reason)
    }
}

/// One opened file and what is needed to judge it.
struct Reader<'a> {
    sealed: &'a Sealed,
    plain: &'a Plaintext,
    mailbox: MailboxId,
    rosters: &'a RosterChain,
}

impl Reader<'_> {
    /// The place in this box's chain: only for a verified header, and none for one of another box.
    fn place(&self, standing: Standing) -> Option<Place> {
        let header = self.plain.claimed();
        (header.mailbox == self.mailbox).then(|| Place {
            kid: self.plain.kid(),
            seq: header.seq,
            prev: header.prev,
            id: self.sealed.id(),
            header: self.plain.header_hash(),
            standing,
        })
    }

    fn hold(&self, hold: Hold) -> Outcome {
        match hold {
            Hold::Wait(reason) => self.wait(reason, Verified::Yes),
            Hold::Refuse(reason) => Outcome::Quarantined(Quarantined {
                reason,
                place: self.place(Standing::Refused),
            }),
        }
    }

    fn wait(&self, reason: WaitReason, verified: Verified) -> Outcome {
        let place = match verified {
            Verified::Yes => self.place(Standing::Waiting),
            Verified::No => None,
        };
        // a roster verifies by its own signature: it may be what this very envelope waits for
        let roster = (self.plain.claimed().kind == Kind::Roster)
            .then(|| {
                self.plain
                    .content()
                    .ok()
                    .and_then(|content| RosterMail::parse(content).ok())
            })
            .flatten()
            .map(|mail| mail.jws);
        Outcome::Waiting(Waiting {
            reason,
            place,
            roster,
        })
    }

    /// Steps (d) and (e), after the signature. `recipients` is `None` while the circle is not held.
    fn verified(
        &self,
        recipients: impl FnOnce(&Roster) -> Option<Result<Recipients, crate::RecipientsError>>,
    ) -> Outcome {
        match self.judge(recipients) {
            Ok(content) => self.release(content, None),
            Err(hold) => self.hold(hold),
        }
    }

    fn release(&self, content: Vec<u8>, join: Option<Join>) -> Outcome {
        let Some(place) = self.place(Standing::Released) else {
            return quarantine(Refusal::WrongBox);
        };
        Outcome::Released(Box::new(Released {
            place,
            header: self.plain.claimed().clone(),
            content: Sensitive::new(content),
            join,
        }))
    }

    fn judge(
        &self,
        recipients: impl FnOnce(&Roster) -> Option<Result<Recipients, crate::RecipientsError>>,
    ) -> Result<Vec<u8>, Hold> {
        let header = self.plain.claimed();
        if header.mailbox != self.mailbox {
            return Err(Refusal::WrongBox.into());
        }
        let content = self.plain.content()?;
        let (n, hash) = (header.roster.0, header.roster.1);
        let first = self
            .rosters
            .all()
            .first()
            .map_or(u32::MAX, |held| held.roster.n);
        let newest = self.rosters.newest().map_or(0, |held| held.roster.n);
        if n > newest {
            return Err(Hold::Wait(WaitReason::Roster(n)));
        }
        if n < first {
            return Err(Refusal::OldRoster.into());
        }
        let Some(held) = self.rosters.get(n).filter(|held| held.hash == hash) else {
            return Err(Refusal::RosterFork.into());
        };
        let Some(wanted) = recipients(&held.roster) else {
            return Err(Hold::Wait(WaitReason::Circle(header.circle)));
        };
        let wanted = wanted.map_err(|_| Refusal::Recipients)?;
        if wanted.to() != header.to {
            return Err(Refusal::Recipients.into());
        }
        if wanted.count() != self.sealed.hybrid_stanzas() {
            return Err(Refusal::StanzaCount.into());
        }
        Ok(content.to_vec())
    }

    /// A join names its own key, so its content is read first and counts only with the proof.
    fn join(&self, context: &UpContext<'_>, terms: &JoinTerms<'_>) -> Outcome {
        let header = self.plain.claimed();
        if header.mailbox != self.mailbox {
            return quarantine(Refusal::WrongBox);
        }
        let content = match self.plain.content() {
            Ok(content) => content,
            Err(reason) => return quarantine(reason),
        };
        let Ok(join) = Join::parse(content) else {
            return quarantine(Refusal::JoinContent);
        };
        if let Err(reason) = self.plain.verify(&join.sign) {
            return quarantine(reason);
        }
        let proven = header.proof.is_some_and(|proof| {
            proof.is_right(
                terms.proof_key,
                context.mailbox,
                self.plain.kid(),
                &header.sha256,
            )
        });
        if !proven {
            return quarantine(Refusal::JoinProof);
        }
        if header.seq != 1 || header.circle != 0 || !header.got.is_empty() {
            return quarantine(Refusal::JoinPlace);
        }
        if terms.withdrawn {
            return quarantine(Refusal::InviteWithdrawn);
        }
        match self.judge(|roster| Some(Recipients::up(roster, join.recovery.as_ref()))) {
            Err(hold) => self.hold(hold),
            Ok(_) if terms.listed > terms.expires.plus(JOIN_GRACE) && !terms.late_allowed => {
                self.wait(WaitReason::LateJoin, Verified::Yes)
            }
            Ok(content) => self.release(content, Some(join)),
        }
    }
}

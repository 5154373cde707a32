//! Invites and what becomes of links by the hand of a person: made, withdrawn, confirmed, ended.
//!
//! In: who asks, with `now` and random bytes. Out: rows, and what relays have to be told (`registration` rows, which the
//! office works off).

use crate::audit;
use crate::circle;
use crate::error::ClinicError;
use crate::letters;
use crate::link::{self, Link, State};
use crate::mail::open::{self, Desk};
use post::outbox;
use std::time::Duration;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::{Chain, CircleChain, Invite};
use wire::{MailboxId, Time};

/// An invite can be claimed for so long.
pub(crate) const VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// What a link may store at a relay and send in a day: a year of readings, and a busy day of a hub.
pub(crate) const QUOTA: wire::api::Quota = wire::api::Quota {
    bytes: 256 * 1024 * 1024,
    per_day: 5_000,
};
/// Open invites of one patient at most.
const OPEN_AT_ONCE: i64 = 10;

/// How an invite reaches the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// Shown to the patient on the spot.
    #[default]
    Hand,
    /// By letter or message: somebody may read it on the way, so the phone that joins with it is confirmed by the check
    /// words only (formats, section 1).
    Letter,
}

/// Enters an invite's link; it is shown only after the relay knows it ([`made`]).
pub(crate) fn make(
    tx: &Tx<'_>,
    id: &str,
    invite: &Invite,
    patient: &str,
    way: Way,
    by: &str,
    now: Time,
) -> Result<(), ClinicError> {
    let known: bool = tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM patient WHERE id = ?1)",
        [patient],
        |row| row.get(0),
    )?;
    if !known {
        return Err(ClinicError::unknown());
    }
    let open: i64 = tx.query_row(
        "SELECT count(*) FROM link WHERE patient = ?1 AND state = 'invited' AND withdrawn_at IS NULL AND expires > ?2",
        params![patient, now.ms()],
        |row| row.get(0),
    )?;
    if open >= OPEN_AT_ONCE {
        return Err(ClinicError::conflict(
            "too_many_invites",
            "This patient has ten open invites. Withdraw those that are not needed.",
        ));
    }
    let (up, down) = (invite.up(), invite.down());
    tx.execute(
        "INSERT INTO link(up, down, patient, invite, root, proof, claim, expires, made_at, made_by, state, since, circles, chain, by_letter)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'making', ?9, ?11, ?12, ?13)",
        params![
            up.0,
            down.0,
            patient,
            id,
            invite.root().as_bytes(),
            invite.proof_key().expose(),
            invite.claim_key().public().as_bytes(),
            invite.expires().ms(),
            now.ms(),
            by,
            wire::json::to_string(&CircleChain::default()),
            wire::json::to_string(&Chain::new(up)),
            way == Way::Letter
        ],
    )?;
    Ok(())
}

/// The relay has registered the link: the invite may be shown.
pub(crate) fn made(
    tx: &Tx<'_>,
    up: MailboxId,
    relay: &str,
    by: &str,
    now: Time,
) -> Result<(), ClinicError> {
    tx.execute(
        "UPDATE link SET state = 'invited' WHERE up = ?1 AND state = 'making'",
        [up.0],
    )?;
    tx.execute(
        "INSERT INTO registration(up, relay, wanted, done) VALUES (?1, ?2, 'registered', 1)
         ON CONFLICT(up, relay) DO UPDATE SET done = 1",
        params![up.0, relay],
    )?;
    audit::note(tx, by, "invite_made", &up.to_string(), now)
}

/// The relay did not register it: it was never shown and is forgotten.
pub(crate) fn not_made(tx: &Tx<'_>, up: MailboxId) -> Result<(), ClinicError> {
    tx.execute(
        "DELETE FROM link WHERE up = ?1 AND state = 'making'",
        [up.0],
    )?;
    Ok(())
}

/// Withdraws an invite that nobody has joined with.
pub(crate) fn withdraw(
    tx: &Tx<'_>,
    invite: &str,
    by: &str,
    now: Time,
) -> Result<String, ClinicError> {
    let found: Option<([u8; 16], String, String, bool)> = tx
        .query_row(
            "SELECT up, patient, state, withdrawn_at IS NOT NULL FROM link WHERE invite = ?1",
            [invite],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let (up, patient, state, withdrawn) = found.ok_or_else(ClinicError::unknown)?;
    if withdrawn {
        return Ok(patient);
    }
    if state != "invited" {
        return Err(ClinicError::conflict(
            "used",
            "Somebody has joined with this invite. End that phone's link instead.",
        ));
    }
    tx.execute(
        "UPDATE link SET withdrawn_at = ?2 WHERE up = ?1",
        params![up, now.ms()],
    )?;
    revoke(tx, MailboxId(up))?;
    audit::note(tx, by, "invite_withdrawn", &MailboxId(up).to_string(), now)?;
    Ok(patient)
}

/// How a person made sure whose phone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Words,
    InPerson,
}

/// A person confirms a link. A join that came late is allowed by the same act.
pub(crate) fn confirm(
    tx: &Tx<'_>,
    desk: &Desk<'_>,
    up: MailboxId,
    how: How,
    by: &str,
    now: Time,
) -> Result<String, ClinicError> {
    let mut found = link::load(tx, up)?.ok_or_else(ClinicError::unknown)?;
    if found.state == State::Waiting {
        found.late_allowed = true;
        link::save(tx, &found)?;
        open::look_again(tx, desk, up, now)?;
        found = link::load(tx, up)?.ok_or_else(ClinicError::unknown)?;
    }
    match found.state {
        State::Pending if found.by_letter && how == How::InPerson => {
            return Err(ClinicError::conflict(
                "words_only",
                "This invite went by letter or message. Compare the six check words, also when the patient is here.",
            ));
        }
        State::Pending => {}
        State::Confirmed => return Ok(found.patient),
        State::Ended => {
            return Err(ClinicError::conflict(
                "ended",
                "This link has ended. Make a new invite.",
            ));
        }
        State::Making | State::Invited | State::Waiting => {
            return Err(ClinicError::conflict(
                "not_joined",
                "Nobody has joined with this invite yet.",
            ));
        }
    }
    (found.state, found.since) = (State::Confirmed, now);
    let how = match how {
        How::Words => "words",
        How::InPerson => "in_person",
    };
    tx.execute(
        "UPDATE link SET confirmed_at = ?2, confirmed_by = ?3, confirmed_how = ?4 WHERE up = ?1",
        params![up.0, now.ms(), by, how],
    )?;
    audit::note(
        tx,
        by,
        if how == "words" {
            "confirmed_by_words"
        } else {
            "confirmed_in_person"
        },
        &up.to_string(),
        now,
    )?;
    circle::welcome_confirmed(tx, &mut found, now)?;
    Ok(found.patient)
}

/// What is under way when a link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct UnderWay {
    /// Letters to the phone that were handed to the relay and that the phone has not confirmed.
    pub handed: u64,
    /// Letters to the phone that never left.
    pub dropped: u64,
    /// Letters of the phone that wait here to be read.
    pub waiting: u64,
}

/// Ends a link: a phone was lost. Returns the patient and what is under way.
pub(crate) fn end(
    tx: &Tx<'_>,
    desk: &Desk<'_>,
    up: MailboxId,
    reason: &str,
    by: &str,
    now: Time,
) -> Result<(String, UnderWay), ClinicError> {
    let mut found = link::load(tx, up)?.ok_or_else(ClinicError::unknown)?;
    match found.state {
        State::Pending | State::Confirmed | State::Waiting => {}
        State::Ended => {
            return Err(ClinicError::conflict(
                "ended",
                "This link has ended already.",
            ));
        }
        State::Making | State::Invited => {
            return Err(ClinicError::conflict(
                "not_joined",
                "Nobody has joined with this invite. Withdraw it instead.",
            ));
        }
    }
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let was_confirmed = found.state == State::Confirmed;
    (found.state, found.since) = (State::Ended, now);
    found.answer_due = None;
    link::save(tx, &found)?;
    tx.execute(
        "UPDATE link SET ended_by = ?2, end_reason = ?3 WHERE up = ?1",
        params![up.0, by, reason],
    )?;
    let under_way = drop_mail(tx, desk, &found)?;
    revoke(tx, up)?;
    audit::note(tx, by, "link_ended", &up.to_string(), now)?;
    if was_confirmed {
        circle::tell_of_end(tx, &found, now)?;
    }
    Ok((found.patient, under_way))
}

fn drop_mail(tx: &Tx<'_>, desk: &Desk<'_>, link: &Link) -> Result<UnderWay, ClinicError> {
    let queued = letters::drop_all(tx, link.up)?;
    let sealed = outbox::drop_unhanded(tx, link.down, desk.keys.sign.kid())?;
    let status = outbox::status(tx, Some(link.down))?;
    // what may have left already is not offered to the relay again: it would only be refused
    tx.execute(
        "UPDATE post_out SET trouble = 'ended' WHERE box = ?1 AND state < 4",
        [link.down.0],
    )?;
    let waiting: i64 = tx.query_row(
        "SELECT count(*) FROM envelope WHERE up = ?1 AND state = 'waiting'",
        [link.up.0],
        |row| row.get(0),
    )?;
    Ok(UnderWay {
        handed: status.waiting + status.at_relay,
        dropped: (queued + sealed.len()) as u64,
        waiting: u64::try_from(waiting).unwrap_or(0),
    })
}

fn revoke(tx: &Tx<'_>, up: MailboxId) -> Result<(), ClinicError> {
    tx.execute(
        "UPDATE registration SET wanted = 'revoked', done = 0 WHERE up = ?1",
        [up.0],
    )?;
    Ok(())
}

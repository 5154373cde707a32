//! Findings as people at the clinic see them: stored once a subject, in words, open until they mend or are closed.

use crate::error::ClinicError;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::{Finding, Side};
use wire::{Hash, MailboxId, Time};

/// Keeps a finding about a link (or about the station, without one). One that was closed and happens again stays
/// closed: its subject names the very file or number. Returns whether it is new.
pub(crate) fn note(
    tx: &Tx<'_>,
    up: Option<MailboxId>,
    found: &Finding,
    now: Time,
) -> Result<bool, ClinicError> {
    let Some(words) = found.words(Side::Clinic) else {
        return Ok(false);
    };
    let patient: Option<String> = match up {
        Some(up) => tx
            .prepare_cached("SELECT patient FROM link WHERE up = ?1")?
            .query_row([up.0], |row| row.get(0))
            .optional()?,
        None => None,
    };
    keep(
        tx,
        &found.subject(),
        found.code(),
        &words.text,
        words.next_step,
        patient.as_deref(),
        now,
    )
}

/// A finding of the station's own, which no letter makes.
pub(crate) fn note_own(
    tx: &Tx<'_>,
    subject: &str,
    code: &str,
    text: &str,
    next_step: &str,
    now: Time,
) -> Result<bool, ClinicError> {
    keep(tx, subject, code, text, next_step, None, now)
}

/// One reading under two patients: told on both pages, also again when it had mended by itself.
pub(crate) fn wrong_person(
    tx: &Tx<'_>,
    reading: &str,
    patients: &[&str],
    now: Time,
) -> Result<(), ClinicError> {
    let found = Finding::WrongPerson {
        reading: reading.to_owned(),
    };
    let Some(words) = found.words(Side::Clinic) else {
        return Ok(());
    };
    for patient in patients {
        let subject = format!("{} {patient}", found.subject());
        keep(
            tx,
            &subject,
            found.code(),
            &words.text,
            words.next_step,
            Some(patient),
            now,
        )?;
        tx.prepare_cached(
            "UPDATE finding SET state = 'open', closed_at = NULL, closed_by = NULL
             WHERE subject = ?1 AND state = 'closed' AND closed_by = 'station'",
        )?
        .execute([subject])?;
    }
    Ok(())
}

/// One patient at most stands for the measurement now.
pub(crate) fn wrong_person_mended(
    tx: &Tx<'_>,
    reading: Hash,
    now: Time,
) -> Result<(), ClinicError> {
    let found = Finding::WrongPerson {
        reading: reading.to_string(),
    };
    tx.prepare_cached(
        "UPDATE finding SET state = 'closed', closed_at = ?2, closed_by = 'station'
         WHERE code = 'wrong_person' AND state = 'open' AND subject LIKE ?1 || ' %'",
    )?
    .execute(params![found.subject(), now.ms()])?;
    Ok(())
}

/// The reading that a phone had spoken about came by it after all.
pub(crate) fn no_longer_foreign(
    tx: &Tx<'_>,
    up: MailboxId,
    reading: Hash,
    now: Time,
) -> Result<(), ClinicError> {
    let found = Finding::ForeignAmendment {
        mailbox: up,
        reading: reading.to_string(),
    };
    mended(tx, &found, now)
}

fn keep(
    tx: &Tx<'_>,
    subject: &str,
    code: &str,
    text: &str,
    next_step: &str,
    patient: Option<&str>,
    now: Time,
) -> Result<bool, ClinicError> {
    let made = tx
        .prepare_cached(
            "INSERT INTO finding(subject, code, text, next_step, patient, at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open') ON CONFLICT(subject) DO NOTHING",
        )?
        .execute(params![subject, code, text, next_step, patient, now.ms()])?;
    Ok(made > 0)
}

/// What was found is right again: the finding closes by itself.
pub(crate) fn mended(tx: &Tx<'_>, found: &Finding, now: Time) -> Result<(), ClinicError> {
    tx.prepare_cached(
        "UPDATE finding SET state = 'closed', closed_at = ?2, closed_by = 'station' WHERE subject = ?1 AND state = 'open'",
    )?
    .execute(params![found.subject(), now.ms()])?;
    Ok(())
}

/// Closes "not heard since …" of a link that was heard again.
pub(crate) fn heard_again(tx: &Tx<'_>, up: MailboxId, now: Time) -> Result<(), ClinicError> {
    tx.prepare_cached(
        "UPDATE finding SET state = 'closed', closed_at = ?2, closed_by = 'station'
         WHERE code = 'not_heard' AND state = 'open' AND subject LIKE 'not_heard ' || ?1 || ' %'",
    )?
    .execute(params![up.to_string(), now.ms()])?;
    Ok(())
}

/// A person has dealt with it.
pub(crate) fn close(tx: &Tx<'_>, id: i64, by: &str, now: Time) -> Result<(), ClinicError> {
    let changed = tx.execute(
        "UPDATE finding SET state = 'closed', closed_at = ?2, closed_by = ?3 WHERE id = ?1 AND state = 'open'",
        params![id, now.ms(), by],
    )?;
    if changed == 1 {
        return Ok(());
    }
    let known: bool = tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM finding WHERE id = ?1)",
        [id],
        |row| row.get(0),
    )?;
    if known {
        Ok(())
    } else {
        Err(ClinicError::unknown())
    }
}

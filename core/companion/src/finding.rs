//! What is wrong with the mail, kept and shown in words. One row per subject, however often it is met.
//!
//! The kinds and their words are `vault::Finding`'s; a few of this crate's own stand here.

use crate::error::CompanionError;
use crate::view::FindingView;
use store::Tx;
use store::rusqlite::params;
use vault::{Finding, Side};
use wire::Time;

/// A kind of finding that only an install has: its code and its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    pub code: &'static str,
    pub text: &'static str,
}

pub(crate) const LOST_ROW: Own = Own {
    code: "damaged_row",
    text: "A kept entry cannot be read any more. It was set aside; everything else goes on. Tell your clinic.",
};
pub(crate) const BAD_FRAME: Own = Own {
    code: "undecodable_frame",
    text: "A device sent something that is no measurement. It is kept; measure again, and tell your clinic if it goes on.",
};
pub(crate) const NEWER: Own = Own {
    code: "newer",
    text: "A letter from your clinic was made by a newer version. It is kept. Update the app to read it.",
};
pub(crate) const BAD_TABLE: Own = Own {
    code: "device_table_refused",
    text: "A table of devices from your clinic cannot be used. The one before still counts. Tell your clinic.",
};
pub(crate) const UNKNOWN_KIND: Own = Own {
    code: "unknown_kind",
    text: "Your clinic sent a kind of letter that this version does not know. Update the app to read such letters.",
};
pub(crate) const WELCOME_OF_ANOTHER: Own = Own {
    code: "welcome_of_another_join",
    text: "The clinic's answer is for another join than this device's. Call your clinic and compare the check words.",
};

/// Notes a finding once per subject, if the patient's side can see it. Returns whether it is new.
pub(crate) fn note(tx: &Tx<'_>, found: &Finding, now: Time) -> Result<bool, CompanionError> {
    let Some(words) = found.words(Side::Patient) else {
        return Ok(false);
    };
    enter(
        tx,
        &found.subject(),
        found.code(),
        &format!("{} {}", words.text, words.next_step),
        now,
    )
}

/// Notes a finding of this crate's own once per subject.
pub(crate) fn note_own(
    tx: &Tx<'_>,
    kind: Own,
    subject: &str,
    now: Time,
) -> Result<(), CompanionError> {
    enter(
        tx,
        &format!("{} {subject}", kind.code),
        kind.code,
        kind.text,
        now,
    )
    .map(drop)
}

fn enter(
    tx: &Tx<'_>,
    subject: &str,
    code: &str,
    text: &str,
    now: Time,
) -> Result<bool, CompanionError> {
    let new = tx
        .prepare_cached(
            "INSERT INTO finding(subject, code, text, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT(subject) DO NOTHING",
        )?
        .execute(params![subject, code, text, now.ms()])?;
    Ok(new > 0)
}

/// The clinic was heard: its silence is over.
pub(crate) fn clear_silence(tx: &Tx<'_>) -> Result<(), CompanionError> {
    tx.execute("DELETE FROM finding WHERE code = 'no_sign_of_clinic'", [])?;
    Ok(())
}

/// Withdraws a finding that has passed.
pub(crate) fn clear(tx: &Tx<'_>, found: &Finding) -> Result<(), CompanionError> {
    tx.execute("DELETE FROM finding WHERE subject = ?1", [found.subject()])?;
    Ok(())
}

/// Newest first.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<FindingView>, CompanionError> {
    let mut rows =
        tx.prepare_cached("SELECT id, code, text, at FROM finding ORDER BY id DESC LIMIT 100")?;
    let rows = rows.query_map([], |row| {
        Ok(FindingView {
            id: row.get(0)?,
            code: row.get(1)?,
            text: row.get(2)?,
            at: Time::from_ms(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

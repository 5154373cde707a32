//! The content of an `amend` envelope: what a patient said about readings, kept beside them, never in their place.
//!
//! In: lines that an install signed. Out: rows, of which the newest that counts says whose a reading is. A line counts once
//! its reading has come by the same link, in whatever order; it never touches another patient's reading, nor one that only
//! other installs sent (`docs/formats/amend.md`).

use super::readings;
use crate::audit;
use crate::error::ClinicError;
use crate::finding;
use crate::link::Link;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::{Amendment, Amends};
use wire::{EnvelopeId, Hash, Time};

/// The statement that counts about the reading `r`: the newest of an install that sent that reading. One that nobody at the
/// clinic has confirmed has a say only in what came by it first. At the same instant *not me* counts.
pub(crate) const COUNTS: &str = "LEFT JOIN amendment w ON w.rowid = (SELECT a.rowid FROM amendment a
    JOIN reading_via v ON v.up = a.up AND v.id = a.reading JOIN link s ON s.up = a.up
    WHERE a.patient = r.patient AND a.reading = r.id AND v.patient = r.patient
      AND (a.up = r.up OR s.state = 'confirmed' OR (s.state = 'ended' AND s.confirmed_at IS NOT NULL AND a.stored < s.since))
    ORDER BY a.at DESC, a.what DESC LIMIT 1)";

/// What came of one content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// New statements.
    pub new: u64,
    /// Readings that somebody else sent.
    pub foreign: Vec<Hash>,
    /// Lines that are not understood.
    pub unreadable: u64,
}

/// Keeps the statements of one envelope; the same one again is the same one.
pub(crate) fn keep(
    tx: &Tx<'_>,
    link: &Link,
    envelope: EnvelopeId,
    content: &[u8],
    now: Time,
) -> Result<Kept, ClinicError> {
    let read = Amendment::read(content);
    let mut kept = Kept {
        unreadable: read.unreadable,
        ..Kept::default()
    };
    for said in read.said {
        let made = tx
            .prepare_cached(
                "INSERT INTO amendment(patient, reading, at, what, up, user_slot, envelope, stored)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                link.patient,
                said.reading.0,
                said.at.ms(),
                said.what.as_str(),
                link.up.0,
                said.user,
                envelope.0,
                now.ms()
            ])?;
        if made == 0 {
            continue;
        }
        kept.new += 1;
        let act = match said.what {
            Amends::Me => "reading_is_theirs",
            Amends::NotMe => "reading_is_not_theirs",
        };
        let about = format!("{} {}", link.up, said.reading);
        audit::note(tx, audit::STATION, act, &about, now)?;
        if is_foreign(tx, link, said.reading)? {
            kept.foreign.push(said.reading);
        } else {
            follow(tx, &link.patient, said.reading, now)?;
        }
    }
    Ok(kept)
}

/// Whether the reading is here, and did not come by this link.
fn is_foreign(tx: &Tx<'_>, link: &Link, reading: Hash) -> Result<bool, ClinicError> {
    Ok(tx
        .prepare_cached(
            "SELECT EXISTS(SELECT 1 FROM reading WHERE id = ?2)
               AND NOT EXISTS(SELECT 1 FROM reading_via WHERE up = ?1 AND id = ?2)",
        )?
        .query_row(params![link.up.0, reading.0], |row| row.get(0))?)
}

/// What follows from a statement or a reading that came: who else stands for the measurement.
pub(crate) fn follow(
    tx: &Tx<'_>,
    patient: &str,
    reading: Hash,
    now: Time,
) -> Result<(), ClinicError> {
    let kept: Option<(String, bool)> = tx
        .prepare_cached("SELECT fhir, mergeable FROM reading WHERE patient = ?1 AND id = ?2")?
        .query_row(params![patient, reading.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((line, mergeable)) = kept else {
        return Ok(());
    };
    if !mergeable {
        readings::mark_look_alikes(tx, patient, &readings::parse(&line)?)?;
    }
    let mut rows = tx.prepare_cached(&format!(
        "SELECT r.patient FROM reading r {COUNTS} WHERE r.id = ?1 AND w.what IS NOT 'not_me'"
    ))?;
    let rows = rows.query_map([reading.0], |row| row.get::<_, String>(0))?;
    let theirs: Vec<String> = rows.collect::<Result<_, _>>()?;
    match theirs.as_slice() {
        [] | [_] => finding::wrong_person_mended(tx, reading, now),
        patients => {
            let patients: Vec<&str> = patients.iter().map(String::as_str).collect();
            finding::wrong_person(tx, &reading.to_string(), &patients, now)
        }
    }
}

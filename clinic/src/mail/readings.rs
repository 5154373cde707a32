//! The content of a `readings` envelope: one FHIR resource a line, kept exactly as it came, once a reading.
//!
//! The same id again is the same reading, whoever sent it; the same id under two patients is a finding; readings
//! without a key of their own that look alike are marked and never merged.

use super::amendments;
use crate::error::ClinicError;
use crate::finding;
use crate::link::Link;
use reading::{Reading, ReadingId, look_alikes};
use store::Tx;
use store::rusqlite::params;
use wire::{EnvelopeId, Hash, Time};

/// Look-alikes are looked for this far around a new reading: a group's first may lie one window before.
const AROUND_MS: i64 = 2 * reading::LOOK_ALIKE_WINDOW_MS;

/// What came of one content.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// New readings.
    pub new: u64,
    /// Lines that were no reading of this link.
    pub unreadable: u64,
}

/// Keeps the readings of one envelope.
pub(crate) fn keep(
    tx: &Tx<'_>,
    link: &Link,
    envelope: EnvelopeId,
    content: &[u8],
    now: Time,
) -> Result<Kept, ClinicError> {
    let mut kept = Kept::default();
    for line in content
        .split(|c| *c == b'\n')
        .filter(|line| !line.is_empty())
    {
        let read = std::str::from_utf8(line)
            .ok()
            .and_then(|text| Some((text, reading::from_observation(text).ok()?)));
        match read {
            Some((text, observed)) if observed.link == link.up.to_string() => {
                if keep_one(tx, link, envelope, text, &observed.reading, now)? {
                    kept.new += 1;
                }
            }
            _ => kept.unreadable += 1,
        }
    }
    Ok(kept)
}

fn keep_one(
    tx: &Tx<'_>,
    link: &Link,
    envelope: EnvelopeId,
    line: &str,
    reading: &Reading,
    now: Time,
) -> Result<bool, ClinicError> {
    let id = reading.id.0;
    let made = tx
        .prepare_cached(
            "INSERT INTO reading(patient, id, up, envelope, effective, arrived, stored, mergeable, kind, fhir)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT(patient, id) DO NOTHING",
        )?
        .execute(params![
            link.patient,
            id,
            link.up.0,
            envelope.0,
            reading.timing.effective.ms(),
            reading.timing.arrived.ms(),
            now.ms(),
            reading.may_be_merged(),
            reading.kind().name(),
            line
        ])?;
    // A phone whose copy came second is told too, when somebody has looked already.
    tx.prepare_cached(
        "INSERT INTO reading_via(up, id, patient, seen)
         SELECT ?1, ?2, ?3, CASE WHEN seen_at IS NULL THEN 'no' ELSE 'due' END FROM reading WHERE patient = ?3 AND id = ?2
         ON CONFLICT(up, id) DO NOTHING",
    )?
    .execute(params![link.up.0, id, link.patient])?;
    // What was said about it before it came counts from now on; so does what other patients' phones said.
    finding::no_longer_foreign(tx, link.up, Hash(id), now)?;
    amendments::follow(tx, &link.patient, Hash(id), now)?;
    Ok(made > 0)
}

/// Marks what is possibly the same measurement around a reading. One that is somebody else's is like no other.
pub(crate) fn mark_look_alikes(
    tx: &Tx<'_>,
    patient: &str,
    reading: &Reading,
) -> Result<(), ClinicError> {
    let at = reading.timing.arrived.ms();
    let mut rows = tx.prepare_cached(&format!(
        "SELECT r.fhir, w.what IS 'not_me' FROM reading r {}
         WHERE r.patient = ?1 AND r.mergeable = 0 AND r.arrived BETWEEN ?2 AND ?3",
        amendments::COUNTS
    ))?;
    let rows = rows.query_map(params![patient, at - AROUND_MS, at + AROUND_MS], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
    })?;
    let (mut near, mut theirs) = (Vec::new(), Vec::new());
    for row in rows {
        let (line, void) = row?;
        let reading = parse(&line)?;
        theirs.extend((!void).then(|| reading.clone()));
        near.push(reading);
    }
    let found = look_alikes(&theirs);
    let mut update =
        tx.prepare_cached("UPDATE reading SET same_as = ?3 WHERE patient = ?1 AND id = ?2")?;
    for one in &near {
        update.execute(params![
            patient,
            one.id.0,
            found.get(&one.id).map(|first: &ReadingId| first.0)
        ])?;
    }
    Ok(())
}

/// A line that was kept, as a reading.
pub(crate) fn parse(line: &str) -> Result<Reading, ClinicError> {
    reading::from_observation(line)
        .map(|observed| observed.reading)
        .map_err(|_| ClinicError::Kept("a reading"))
}

/// A person looked at these readings: noted once, and due to be told to every phone that sent them. Returns the
/// patients they belong to; an unknown id is an error and nothing is noted.
pub(crate) fn seen(
    tx: &Tx<'_>,
    readings: &[ReadingId],
    account: &str,
    role: &str,
    now: Time,
) -> Result<Vec<String>, ClinicError> {
    let mut patients = Vec::new();
    for id in readings {
        let of: Vec<String> = tx
            .prepare_cached("SELECT patient FROM reading WHERE id = ?1")?
            .query_map([id.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if of.is_empty() {
            return Err(ClinicError::unknown());
        }
        let changed = tx
            .prepare_cached(
                "UPDATE reading SET seen_at = ?2, seen_by = ?3, seen_role = ?4 WHERE id = ?1 AND seen_at IS NULL",
            )?
            .execute(params![id.0, now.ms(), account, role])?;
        if changed > 0 {
            tx.prepare_cached("UPDATE reading_via SET seen = 'due' WHERE id = ?1 AND seen = 'no'")?
                .execute([id.0])?;
            patients.extend(of);
        }
    }
    patients.sort_unstable();
    patients.dedup();
    Ok(patients)
}

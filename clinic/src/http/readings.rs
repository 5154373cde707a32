//! Readings of a patient, for the console and for other systems, and the mark that somebody looked.

use super::App;
use super::error::{ApiError, body};
use super::guard::Who;
use super::reading_view::{Beside, ReadingView, SaidView, SeenView};
use crate::audit;
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::mail::{amendments, readings};
use crate::shown::GlucoseReadIn;
use ::reading::{GlucoseUnit, Kind, ReadingId, entered_in_error};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, Row, params};
use wire::{Hash, Time};

/// Readings of one answer, at most and unless asked otherwise.
const MOST: u32 = 500;
const USUAL: u32 = 50;

const SELECT: &str = "SELECT r.fhir, r.stored, r.same_as, r.seen_at, a.name, l.label,
    l.state = 'confirmed' OR (l.state = 'ended' AND l.confirmed_at IS NOT NULL AND r.stored < l.since),
    w.what, w.at, w.user_slot, w.stored, (SELECT label FROM link WHERE up = w.up)
    FROM reading r JOIN link l ON l.up = r.up LEFT JOIN account a ON a.id = r.seen_by";

fn select() -> String {
    format!("{SELECT} {}", amendments::COUNTS)
}

/// The newest reading of a patient, with its glucose in the unit that the clinic chose; before it has chosen, this one's own
/// counts. What was somebody else's is none of theirs.
pub(crate) fn latest(
    tx: &Tx<'_>,
    patient: &str,
    chosen: Option<GlucoseUnit>,
) -> Result<Option<ReadingView>, ClinicError> {
    tx.prepare_cached(&format!(
        "{} WHERE r.patient = ?1 AND w.what IS NOT 'not_me' ORDER BY r.effective DESC, r.id DESC LIMIT 1",
        select()
    ))?
    .query_row([patient], |row| Ok(read(row, |_| chosen)))
    .optional()?
    .transpose()
}

/// A row as the console shows it; `glucose` says in which unit a kind's glucose is read.
fn read(
    row: &Row<'_>,
    glucose: impl Fn(Kind) -> Option<GlucoseUnit>,
) -> Result<ReadingView, ClinicError> {
    let line: String = row.get(0)?;
    let reading = readings::parse(&line)?;
    let seen_at: Option<i64> = row.get(3)?;
    let by: Option<String> = row.get(4)?;
    let label: Option<String> = row.get(5)?;
    let beside = Beside {
        stored: Time::from_ms(row.get(1)?),
        possibly_same_as: row.get::<_, Option<[u8; 32]>>(2)?.map(Hash),
        link_label: label.unwrap_or_default(),
        confirmed: row.get(6)?,
        seen: seen_at.map(|at| SeenView {
            at: Time::from_ms(at),
            by,
        }),
        said: said(row)?,
    };
    let unit = glucose(reading.kind());
    Ok(ReadingView::of(&reading, unit, beside))
}

fn said(row: &Row<'_>) -> Result<Option<SaidView>, ClinicError> {
    let Some(what) = row.get::<_, Option<String>>(7)? else {
        return Ok(None);
    };
    let label: Option<String> = row.get(11)?;
    Ok(Some(SaidView {
        what,
        at: Time::from_ms(row.get(8)?),
        user: row.get(9)?,
        stored: Time::from_ms(row.get(10)?),
        link_label: label.unwrap_or_default(),
    }))
}

#[derive(Deserialize)]
pub(crate) struct Page {
    before: Option<String>,
    limit: Option<u32>,
}

/// The reading before which a page begins, and how many it has at most.
fn page_of(page: Result<Query<Page>, QueryRejection>) -> Result<(Option<Hash>, u32), ApiError> {
    let malformed = || {
        ClinicError::bad(
            "malformed",
            "before is the id of a reading, limit a number.",
        )
    };
    let Query(Page { before, limit }) = page.map_err(|_| malformed())?;
    let before = before
        .map(|text| text.parse::<Hash>())
        .transpose()
        .map_err(|_| malformed())?;
    Ok((before, limit.unwrap_or(USUAL).clamp(1, MOST)))
}

/// What follows the reading `?2` of the patient `?1`, newest first, at most `?3`.
const NEXT: &str = "WHERE r.patient = ?1 AND (?2 IS NULL OR (r.effective, r.id) <
      (SELECT b.effective, b.id FROM reading b WHERE b.patient = ?1 AND b.id = ?2))
    ORDER BY r.effective DESC, r.id DESC LIMIT ?3";

fn is_known(tx: &Tx<'_>, patient: &str) -> Result<(), ClinicError> {
    let known: bool = tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM patient WHERE id = ?1)",
        [patient],
        |row| row.get(0),
    )?;
    known.then_some(()).ok_or_else(ClinicError::unknown)
}

/// `GET /api/patients/{id}/readings`: a page of readings, each as this clinic reads it with what was sent beside it.
/// `glucose.read_in` names the units; they count for all of the patient's readings, on every page.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Who,
    Path(id): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let (before, limit) = page_of(page)?;
    let (read_in, mut readings) = app
        .run(move |station| {
            station.db.read(|tx| {
                is_known(tx, &id)?;
                let read_in = GlucoseReadIn::of(tx, &id)?;
                let mut rows = tx.prepare_cached(&format!("{} {NEXT}", select()))?;
                let rows = rows
                    .query_map(params![id, before.map(|id| id.0), limit + 1], |row| {
                        Ok(read(row, |kind| read_in.unit(kind)))
                    })?;
                let readings = rows
                    .map(|row| row.map_err(ClinicError::from).flatten())
                    .collect::<Result<Vec<_>, _>>()?;
                Ok::<_, ClinicError>((read_in, readings))
            })
        })
        .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = readings.len() > most;
    readings.truncate(most);
    let factor = GlucoseUnit::MG_PER_DL_IN_1_MMOL_PER_L.to_string();
    Ok(Json(json!({
        "as_of": Time::system(),
        "readings": readings,
        "more": more,
        "glucose": { "read_in": read_in, "mg_per_dl_in_1_mmol_per_l": factor },
    })))
}

/// `GET /api/patients/{id}/observations`: the record as FHIR R4 (NDJSON), newest first. Each line is the observation as it
/// came; what was somebody else's says `entered-in-error`. A `link` header leads on to older ones.
pub(crate) async fn observations(
    State(app): State<Arc<App>>,
    _: Who,
    Path(id): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, ApiError> {
    let (before, limit) = page_of(page)?;
    let mut lines = app
        .run(move |station| {
            station.db.read(|tx| {
                is_known(tx, &id)?;
                let mut rows = tx.prepare_cached(&format!(
                    "SELECT r.id, r.fhir, w.what IS 'not_me' FROM reading r {} {NEXT}",
                    amendments::COUNTS
                ))?;
                let rows = rows
                    .query_map(params![id, before.map(|id| id.0), limit + 1], |row| {
                        Ok((Hash(row.get(0)?), row.get::<_, String>(1)?, row.get(2)?))
                    })?;
                let mut lines = Vec::new();
                for row in rows {
                    let (id, line, void): (Hash, String, bool) = row?;
                    let withdrawn = void.then(|| entered_in_error(&line)).transpose();
                    let withdrawn = withdrawn.map_err(|_| ClinicError::Kept("a reading"))?;
                    lines.push((id, withdrawn.unwrap_or(line)));
                }
                Ok::<_, ClinicError>(lines)
            })
        })
        .await?;
    let more = lines.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    lines.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = lines.last().filter(|_| more).map(|(last, _)| {
        let next = format!("<?before={last}&limit={limit}>; rel=\"next\"");
        [(header::LINK, next)]
    });
    let body: String = lines.into_iter().map(|(_, line)| line + "\n").collect();
    let kind = [(header::CONTENT_TYPE, "application/fhir+ndjson")];
    Ok(match next {
        Some(next) => (kind, next, body).into_response(),
        None => (kind, body).into_response(),
    })
}

#[derive(Deserialize)]
struct Seen {
    readings: Vec<String>,
}

/// `POST /api/seen`
pub(crate) async fn seen(
    State(app): State<Arc<App>>,
    Who(who): Who,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let Seen { readings } = body(&bytes)?;
    if readings.len() > MOST as usize {
        return Err(ClinicError::bad("too_many", "At most 500 readings at once.").into());
    }
    let parse = |text: &String| text.parse::<Hash>().map(|id| ReadingId(id.0));
    let ids: Vec<ReadingId> = readings
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|_| ClinicError::bad("malformed", "A reading's id has 64 hex digits."))?;
    app.run(move |station| {
        let now = Time::system();
        let patients = station.db.write(|tx| {
            let patients = readings::seen(tx, &ids, &who.account, who.role.as_str(), now)?;
            for patient in &patients {
                audit::note(tx, &who.account, "readings_seen", patient, now)?;
            }
            Ok::<_, ClinicError>(patients)
        })?;
        if !patients.is_empty() {
            station.changes.tell(patients, [Topic::Readings]);
            station.to_send.notify_one();
        }
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Findings, and how the station itself is.

use super::App;
use super::error::ApiError;
use super::guard::Who;
use crate::audit;
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::finding;
use crate::shown;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};
use store::Tx;
use wire::Time;

/// Closed findings that are still listed.
const CLOSED_SHOWN: i64 = 200;

#[derive(Debug, Serialize)]
pub(crate) struct FindingView {
    id: String,
    code: String,
    text: String,
    next_step: String,
    patient: Option<PatientName>,
    at: Time,
    state: String,
    closed_at: Option<Time>,
    closed_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct PatientName {
    id: String,
    name: String,
}

/// Findings, newest first: all open ones and the latest closed ones; of one patient or of everybody.
pub(crate) fn findings_of(
    tx: &Tx<'_>,
    patient: Option<&str>,
) -> Result<Vec<FindingView>, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT f.id, f.code, f.text, f.next_step, p.id, p.name, f.at, f.state, f.closed_at,
           coalesce(a.name, f.closed_by) FROM finding f
         LEFT JOIN patient p ON p.id = f.patient LEFT JOIN account a ON a.id = f.closed_by
         WHERE (?1 IS NULL OR f.patient = ?1) AND (f.state = 'open' OR f.id IN
           (SELECT id FROM finding WHERE state = 'closed' AND (?1 IS NULL OR patient = ?1) ORDER BY closed_at DESC LIMIT ?2))
         ORDER BY f.state DESC, f.at DESC, f.id DESC",
    )?;
    let rows = rows.query_map(store::rusqlite::params![patient, CLOSED_SHOWN], |row| {
        let patient: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        Ok(FindingView {
            id: row.get::<_, i64>(0)?.to_string(),
            code: row.get(1)?,
            text: row.get(2)?,
            next_step: row.get(3)?,
            patient: patient
                .0
                .zip(patient.1)
                .map(|(id, name)| PatientName { id, name }),
            at: Time::from_ms(row.get(6)?),
            state: row.get(7)?,
            closed_at: row.get::<_, Option<i64>>(8)?.map(Time::from_ms),
            closed_by: row.get(9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// `GET /api/findings`
pub(crate) async fn findings(State(app): State<Arc<App>>, _: Who) -> Result<Json<Value>, ApiError> {
    let findings = app
        .run(|station| station.db.read(|tx| findings_of(tx, None)))
        .await?;
    Ok(Json(
        json!({ "as_of": Time::system(), "findings": findings }),
    ))
}

/// `POST /api/findings/{id}/close`
pub(crate) async fn close_finding(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let row: i64 = id.parse().map_err(|_| ClinicError::unknown())?;
    app.run(move |station| {
        let now = Time::system();
        let patient: Option<String> = station.db.write(|tx| {
            finding::close(tx, row, &who.account, now)?;
            audit::note(tx, &who.account, "finding_closed", &id, now)?;
            Ok::<_, ClinicError>(tx.query_row(
                "SELECT patient FROM finding WHERE id = ?1",
                [row],
                |row| row.get(0),
            )?)
        })?;
        station.changes.tell(patient, [Topic::Findings]);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/status`
pub(crate) async fn show(State(app): State<Arc<App>>, _: Who) -> Result<Json<Value>, ApiError> {
    let status = app
        .run(|station| {
            let (last, glucose_unit) = station.db.read(|tx| {
                let last: Option<i64> =
                    tx.query_row("SELECT max(stored) FROM reading", [], |row| row.get(0))?;
                Ok::<_, ClinicError>((last, shown::glucose_unit(tx)?))
            })?;
            let relay = *station.relay.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(json!({
                "relay": {
                    "url": station.relay_url()?,
                    "state": if relay.reached { "ok" } else { "unreachable" },
                    "since": relay.since,
                    "last_contact": relay.last_contact,
                },
                "glucose_unit": glucose_unit,
                "last_reading_at": last.map(Time::from_ms),
                "roster_n": station.rosters.newest().map(|held| held.roster.n),
                "disk_free_mb": disk_free_mb(&station.dir),
                "version": env!("CARGO_PKG_VERSION"),
                "as_of": Time::system(),
            }))
        })
        .await?;
    Ok(Json(status))
}

/// `null` where the system does not say.
fn disk_free_mb(dir: &std::path::Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize) / (1024 * 1024))
}

//! Readings as the console shows them, and the mark that somebody looked.
//!
//! Decimals keep the digits that the device sent: they cross as strings.

use super::App;
use super::error::{ApiError, body};
use super::guard::Who;
use crate::audit;
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::mail::readings;
use ::reading::{Number, Reading, ReadingId, TimeBasis};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, Row, params};
use wire::{Hash, Time};

/// Readings of one answer, at most and unless asked otherwise.
const MOST: u32 = 500;
const USUAL: u32 = 50;

#[derive(Debug, Serialize)]
pub(crate) struct ReadingView {
    id: String,
    kind: &'static str,
    effective: Option<Time>,
    effective_sure: bool,
    zone_offset: Option<String>,
    received: Time,
    stored: Time,
    source: &'static str,
    device: Option<DeviceView>,
    link_label: String,
    values: Values,
    unit: Option<&'static str>,
    absent: Option<&'static str>,
    status: Vec<&'static str>,
    doubts: Vec<&'static str>,
    possibly_same_as: Option<Hash>,
    confirmed: bool,
    seen: Option<SeenView>,
}

#[derive(Debug, Serialize)]
struct DeviceView {
    maker: Option<String>,
    model: Option<String>,
    serial_tail: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Values {
    systolic: Option<String>,
    diastolic: Option<String>,
    mean_arterial: Option<String>,
    pulse_rate: Option<String>,
}

#[derive(Debug, Serialize)]
struct SeenView {
    at: Time,
    by: Option<String>,
}

const SELECT: &str = "SELECT r.fhir, r.stored, r.same_as, r.seen_at, a.name, l.label,
    l.state = 'confirmed' OR (l.state = 'ended' AND l.confirmed_at IS NOT NULL AND r.stored < l.since)
    FROM reading r JOIN link l ON l.up = r.up LEFT JOIN account a ON a.id = r.seen_by";

/// The newest reading of a patient.
pub(crate) fn latest(tx: &Tx<'_>, patient: &str) -> Result<Option<ReadingView>, ClinicError> {
    tx.prepare_cached(&format!(
        "{SELECT} WHERE r.patient = ?1 ORDER BY r.effective DESC, r.id DESC LIMIT 1"
    ))?
    .query_row([patient], |row| Ok(read(row)))
    .optional()?
    .transpose()
}

fn read(row: &Row<'_>) -> Result<ReadingView, ClinicError> {
    let line: String = row.get(0)?;
    let reading = readings::parse(&line)?;
    let seen_at: Option<i64> = row.get(3)?;
    let by: Option<String> = row.get(4)?;
    let label: Option<String> = row.get(5)?;
    Ok(view(
        &reading,
        Time::from_ms(row.get(1)?),
        row.get::<_, Option<[u8; 32]>>(2)?.map(Hash),
        seen_at.map(|at| SeenView {
            at: Time::from_ms(at),
            by,
        }),
        label.unwrap_or_default(),
        row.get(6)?,
    ))
}

fn view(
    reading: &Reading,
    stored: Time,
    same: Option<Hash>,
    seen: Option<SeenView>,
    link_label: String,
    confirmed: bool,
) -> ReadingView {
    let timing = &reading.timing;
    let offset = timing.utc_offset_min;
    let sign = if offset < 0 { '-' } else { '+' };
    let device = reading.device();
    let text = |number: Number| number.value().map(|value| value.to_string());
    let (mut values, mut unit, mut absent, mut status) =
        (Values::default(), None, None, Vec::new());
    if let Some(bp) = reading.blood_pressure() {
        values = Values {
            systolic: text(bp.systolic),
            diastolic: text(bp.diastolic),
            mean_arterial: bp.mean_arterial.and_then(text),
            pulse_rate: bp.pulse_rate.and_then(text),
        };
        unit = Some(bp.unit.ucum());
        absent = absent_reason(bp.systolic, bp.diastolic);
        status = bp
            .status
            .map(|bits| bits.flags().map(|flag| flag.code()).collect())
            .unwrap_or_default();
    }
    ReadingView {
        id: reading.id.to_string(),
        kind: reading.kind().name(),
        // an arrival in the place of a time is no time of measurement
        effective: (timing.basis != TimeBasis::Arrival)
            .then(|| Time::from_ms(timing.effective.ms())),
        effective_sure: timing.is_sure(),
        zone_offset: Some(format!(
            "{sign}{:02}:{:02}",
            offset.abs() / 60,
            offset.abs() % 60
        )),
        received: Time::from_ms(timing.arrived.ms()),
        stored,
        source: if device.is_some() { "device" } else { "typed" },
        device: device.map(|device| DeviceView {
            maker: device.facts.maker.clone(),
            model: device.facts.model.clone(),
            serial_tail: device.facts.serial.as_ref().map(|serial| {
                let tail: Vec<char> = serial.chars().rev().take(4).collect();
                tail.into_iter().rev().collect()
            }),
        }),
        link_label,
        values,
        unit,
        absent,
        status,
        doubts: reading.doubts.iter().map(|doubt| doubt.code()).collect(),
        possibly_same_as: same,
        confirmed,
        seen,
    }
}

/// Why a pressure is no number.
fn absent_reason(systolic: Number, diastolic: Number) -> Option<&'static str> {
    if systolic.value().is_none() && diastolic.value().is_none() {
        return Some("measurement_failed");
    }
    [systolic, diastolic]
        .into_iter()
        .find_map(|number| match number {
            Number::Value(_) => None,
            Number::NotANumber => Some("not_a_number"),
            Number::NotAtThisResolution => Some("not_at_this_resolution"),
            Number::PlusInfinity => Some("above_range"),
            Number::MinusInfinity => Some("below_range"),
            Number::Reserved => Some("reserved"),
        })
}

#[derive(Deserialize)]
pub(crate) struct Page {
    before: Option<String>,
    limit: Option<u32>,
}

/// `GET /api/patients/{id}/readings`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Who,
    Path(id): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
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
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut readings = app
        .run(move |station| {
            station.db.read(|tx| {
                let known: bool = tx.query_row(
                    "SELECT EXISTS(SELECT 1 FROM patient WHERE id = ?1)",
                    [&id],
                    |row| row.get(0),
                )?;
                if !known {
                    return Err(ClinicError::unknown());
                }
                let mut rows = tx.prepare_cached(&format!(
                    "{SELECT} WHERE r.patient = ?1 AND (?2 IS NULL OR (r.effective, r.id) <
                       (SELECT b.effective, b.id FROM reading b WHERE b.patient = ?1 AND b.id = ?2))
                     ORDER BY r.effective DESC, r.id DESC LIMIT ?3"
                ))?;
                let rows = rows
                    .query_map(params![id, before.map(|id| id.0), limit + 1], |row| {
                        Ok(read(row))
                    })?;
                rows.map(|row| row.map_err(ClinicError::from).flatten())
                    .collect::<Result<Vec<_>, _>>()
            })
        })
        .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = readings.len() > most;
    readings.truncate(most);
    Ok(Json(json!({ "readings": readings, "more": more })))
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

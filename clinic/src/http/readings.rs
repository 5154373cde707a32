//! Readings as the console shows them, and the mark that somebody looked.
//!
//! Decimals keep the digits that the device sent: they cross as strings.

use super::App;
use super::error::{ApiError, body};
use super::guard::Who;
use crate::audit;
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::mail::{amendments, readings};
use ::reading::{
    Coded, Doubt, Number, Reading, ReadingId, TimeBasis, Value as Part, entered_in_error,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
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
    units: Units,
    coded: Vec<CodedView>,
    unit: Option<&'static str>,
    absent: Option<&'static str>,
    status: Vec<&'static str>,
    doubts: Vec<&'static str>,
    possibly_same_as: Option<Hash>,
    confirmed: bool,
    seen: Option<SeenView>,
    said: Option<SaidView>,
}

#[derive(Debug, Serialize)]
struct DeviceView {
    maker: Option<String>,
    model: Option<String>,
    serial_tail: Option<String>,
}

/// The values of a kind by their names; `None` where the device sent no number.
type Values = BTreeMap<&'static str, Option<String>>;
/// Their UCUM units, by the same names.
type Units = BTreeMap<&'static str, &'static str>;

/// A coded statement: a meal, a body site.
#[derive(Debug, Serialize)]
struct CodedView {
    name: &'static str,
    code: String,
    word: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct SeenView {
    at: Time,
    by: Option<String>,
}

/// What the patient said about it afterwards; *not_me* voids it.
#[derive(Debug, Serialize)]
struct SaidView {
    what: String,
    at: Time,
    /// The install at which it was said.
    link_label: String,
    /// The device's user that the patient spoke of, when it was not this reading alone.
    user: Option<u8>,
    /// When it came here.
    stored: Time,
}

const SELECT: &str = "SELECT r.fhir, r.stored, r.same_as, r.seen_at, a.name, l.label,
    l.state = 'confirmed' OR (l.state = 'ended' AND l.confirmed_at IS NOT NULL AND r.stored < l.since),
    w.what, w.at, w.user_slot, w.stored, (SELECT label FROM link WHERE up = w.up)
    FROM reading r JOIN link l ON l.up = r.up LEFT JOIN account a ON a.id = r.seen_by";

fn select() -> String {
    format!("{SELECT} {}", amendments::COUNTS)
}

/// The newest reading of a patient; what was somebody else's is none of theirs.
pub(crate) fn latest(tx: &Tx<'_>, patient: &str) -> Result<Option<ReadingView>, ClinicError> {
    tx.prepare_cached(&format!(
        "{} WHERE r.patient = ?1 AND w.what IS NOT 'not_me' ORDER BY r.effective DESC, r.id DESC LIMIT 1",
        select()
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
        said(row)?,
    ))
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

fn view(
    reading: &Reading,
    stored: Time,
    same: Option<Hash>,
    seen: Option<SeenView>,
    link_label: String,
    confirmed: bool,
    said: Option<SaidView>,
) -> ReadingView {
    let timing = &reading.timing;
    let offset = timing.utc_offset_min;
    let sign = if offset < 0 { '-' } else { '+' };
    let device = reading.device();
    let parts = reading.measurement.parts();
    let text = |value: &Part| Some(value.number?.value()?.to_string());
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
        values: parts
            .values
            .iter()
            .map(|one| (one.name, text(one)))
            .collect(),
        units: parts
            .values
            .iter()
            .map(|one| (one.name, one.unit))
            .collect(),
        coded: parts.coded.iter().map(coded).collect(),
        unit: parts.unit,
        absent: absent_reason(reading, parts.main()),
        status: parts.flags().collect(),
        doubts: reading
            .doubts
            .iter()
            // the patient has answered
            .filter(|doubt| **doubt != Doubt::PossiblyNotMe || said.is_none())
            .map(|doubt| doubt.code())
            .collect(),
        possibly_same_as: same,
        confirmed,
        seen,
        said,
    }
}

fn coded(coded: &Coded) -> CodedView {
    CodedView {
        name: coded.name,
        code: coded.code.to_string(),
        word: coded.word,
    }
}

/// Why a main number is none: what the reading doubts of itself says it best.
fn absent_reason(reading: &Reading, main: &[Part]) -> Option<&'static str> {
    let number = |one: &Part| one.number.and_then(Number::value);
    if main.iter().all(|one| number(one).is_none()) {
        let mut doubts = reading.measurement.doubts().into_iter();
        if let Some(why) = doubts.find(|doubt| doubt.leaves_no_number()) {
            return Some(why.code());
        }
    }
    main.iter().find_map(|one| match one.number {
        Some(Number::Value(_)) => None,
        Some(Number::NotANumber) => Some("not_a_number"),
        Some(Number::NotAtThisResolution) => Some("not_at_this_resolution"),
        Some(Number::PlusInfinity) => Some("above_range"),
        Some(Number::MinusInfinity) => Some("below_range"),
        Some(Number::Reserved) => Some("reserved"),
        None => Some("not_given"),
    })
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

/// `GET /api/patients/{id}/readings`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Who,
    Path(id): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let (before, limit) = page_of(page)?;
    let mut readings = app
        .run(move |station| {
            station.db.read(|tx| {
                is_known(tx, &id)?;
                let mut rows = tx.prepare_cached(&format!("{} {NEXT}", select()))?;
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
    Ok(Json(
        json!({ "as_of": Time::system(), "readings": readings, "more": more }),
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(golden: &str) -> Value {
        let reading = readings::parse(golden).unwrap();
        let now = Time::from_ms(0);
        json!(view(
            &reading,
            now,
            None,
            None,
            "phone".to_owned(),
            true,
            None
        ))
    }

    /// REQ-CLINIC-040: a reading of any kind is shown with its own names, digits, units and statements, and where there
    /// is no number, with the reason.
    #[test]
    fn every_kind_is_shown_as_what_it_is() {
        macro_rules! golden {
            ($name:literal) => {
                shown(include_str!(concat!(
                    "../../../tests/golden/fhir/",
                    $name,
                    ".json"
                )))
            };
        }
        let weight = golden!("device-weight");
        assert_eq!(weight["kind"], "weight");
        assert_eq!(
            weight["values"],
            json!({ "weight": "84.200", "bmi": "26.3", "height": "179.0" })
        );
        assert_eq!(
            weight["units"],
            json!({ "weight": "kg", "bmi": "kg/m2", "height": "cm" })
        );
        assert_eq!(
            (&weight["unit"], &weight["absent"]),
            (&json!("kg"), &Value::Null)
        );
        let warm = golden!("typed-temperature");
        assert_eq!(warm["values"], json!({ "temperature": "36.4" }));
        let glucose = golden!("device-glucose");
        assert!(
            glucose["coded"]
                .as_array()
                .unwrap()
                .contains(&json!({ "name": "meal", "code": "2", "word": "after_meal" }))
        );
        for (shown, absent) in [
            (golden!("device-failed-measurement"), "measurement_failed"),
            (golden!("device-weight-failed"), "measurement_failed"),
            (golden!("device-glucose-high"), "above_range"),
            (golden!("device-glucose-control"), "control_solution"),
            (golden!("device-spo2-demonstration"), "not_from_patient"),
        ] {
            assert_eq!(shown["absent"], absent);
            let values = shown["values"].as_object().unwrap();
            let main = values.iter().filter(|(_, text)| !text.is_null()).count();
            assert_eq!(main, 0, "{absent}: no number is left");
        }
        let special = golden!("device-special-values");
        assert_eq!(special["absent"], "measurement_failed");
    }
}

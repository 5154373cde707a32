//! Patients: the list, one patient's page, and their particulars.

use super::App;
use super::error::{ApiError, body};
use super::guard::Who;
use super::reading_view::ReadingView;
use super::readings;
use super::status::{self, FindingView};
use crate::audit;
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::link::{self, Link, State as LinkState};
use crate::rim;
use crate::shown;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use store::Tx;
use store::rusqlite::{OptionalExtension as _, params};
use vault::{GRACE, check_words};
use wire::{EnvelopeId, MailboxId, Time};

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    born: String,
    record_number: String,
    zone: String,
    state: &'static str,
    latest: Option<ReadingView>,
    unseen: i64,
    findings: i64,
    heard_at: Option<Time>,
    next_by: Option<Time>,
}

#[derive(Serialize)]
struct Queue {
    depth: i64,
    oldest: Option<Time>,
    stuck: i64,
}

#[derive(Serialize)]
struct LinkView {
    up: MailboxId,
    role: Option<&'static str>,
    label: Option<String>,
    state: &'static str,
    since: Time,
    confirmed_by: Option<String>,
    confirmed_how: Option<String>,
    /// Its invite went by letter or message: a person may confirm it by the check words only.
    words_only: bool,
    ended_by: Option<String>,
    end_reason: Option<String>,
    app: Option<String>,
    heard_at: Option<Time>,
    next_by: Option<Time>,
    overdue: bool,
    queue: Option<Queue>,
    words: Vec<&'static str>,
    digits: Option<String>,
}

#[derive(Serialize)]
struct InviteView {
    id: String,
    state: &'static str,
    made_at: Time,
    made_by: String,
    expires: Time,
    /// Goes by letter or message.
    by_letter: bool,
}

/// `GET /api/patients`
pub(crate) async fn list(State(app): State<Arc<App>>, _: Who) -> Result<Json<Value>, ApiError> {
    let now = Time::system();
    let patients = app
        .run(move |station| {
            station.db.read(|tx| {
                let mut rows = tx.prepare(
                    "SELECT id, name, born, record_number, zone FROM patient ORDER BY name, id",
                )?;
                let rows = rows.query_map([], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ))
                })?;
                let chosen = shown::glucose_unit(tx)?;
                let mut patients = Vec::new();
                for row in rows {
                    let (id, name, born, record_number, zone) = row?;
                    let links = link::of_patient(tx, &id)?;
                    let live = || links.iter().filter(|link| link.state.is_joined());
                    let count = |sql| {
                        tx.prepare_cached(sql)?
                            .query_row([&id], |row| row.get::<_, i64>(0))
                    };
                    patients.push(Row {
                        state: state_of(&links, now),
                        latest: readings::latest(tx, &id, chosen)?,
                        unseen: count(
                            // what is possibly the same measurement counts once
                            "SELECT count(DISTINCT coalesce(same_as, id)) FROM reading WHERE patient = ?1 AND seen_at IS NULL",
                        )?,
                        findings: count(
                            "SELECT count(*) FROM finding WHERE patient = ?1 AND state = 'open'",
                        )?,
                        heard_at: live().filter_map(|link| link.heard_at).max(),
                        next_by: live().filter_map(|link| link.next_by).min(),
                        id,
                        name,
                        born,
                        record_number,
                        zone,
                    });
                }
                Ok::<_, ClinicError>(patients)
            })
        })
        .await?;
    Ok(Json(json!({ "as_of": now, "patients": patients })))
}

fn state_of(links: &[Link], now: Time) -> &'static str {
    let any = |wanted: LinkState| links.iter().any(|link| link.state == wanted);
    let open = links
        .iter()
        .any(|link| link.state == LinkState::Invited && !link.withdrawn && link.expires > now);
    match () {
        () if any(LinkState::Confirmed) => "confirmed",
        () if any(LinkState::Pending) || any(LinkState::Waiting) => "pending",
        () if open => "invited",
        () if any(LinkState::Ended) => "ended",
        () => "no_phone",
    }
}

#[derive(Deserialize)]
struct Particulars {
    name: String,
    born: String,
    record_number: String,
    phone: String,
    zone: String,
}

impl Particulars {
    fn check(&self) -> Result<(), ClinicError> {
        let fits = |text: &String, most: usize| {
            text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        if self.name.trim().is_empty() || !fits(&self.name, 200) {
            return Err(ClinicError::bad("name", "A name has 1 to 200 characters."));
        }
        let born = self.born.parse::<jiff::civil::Date>();
        if born.is_err() || self.born.len() != 10 {
            return Err(ClinicError::bad(
                "born",
                "The date of birth has the form YYYY-MM-DD.",
            ));
        }
        if !fits(&self.record_number, 64) || !fits(&self.phone, 64) {
            return Err(ClinicError::bad(
                "too_long",
                "Record number and telephone have at most 64 characters.",
            ));
        }
        if !zone_is_name(&self.zone) {
            return Err(ClinicError::bad(
                "zone",
                "A time zone has a name such as Europe/Berlin.",
            ));
        }
        Ok(())
    }
}

/// The shape of a name of the IANA time zone database; browsers know the names themselves.
pub(crate) fn zone_is_name(zone: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    zone.len() <= 64 && (zone == "UTC" || (zone.contains('/') && zone.split('/').all(part)))
}

/// `POST /api/patients`
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Who(who): Who,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let new: Particulars = body(&bytes)?;
    new.check()?;
    let id = app
        .run(move |station| {
            let (id, enrolment, now) = (rim::id()?, rim::random::<16>()?, Time::system());
            station.db.write(|tx| {
                free_record_number(tx, &new.record_number, None)?;
                tx.execute(
                    "INSERT INTO patient(id, enrolment, name, born, record_number, phone, zone, made_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![id, enrolment, new.name.trim(), new.born, new.record_number, new.phone, new.zone, now.ms()],
                )?;
                audit::note(tx, &who.account, "patient_made", &id, now)
            })?;
            station.changes.tell([id.clone()], [Topic::Links]);
            Ok(id)
        })
        .await?;
    Ok(Json(json!({ "id": id })))
}

/// `PATCH /api/patients/{id}`
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let new: Particulars = body(&bytes)?;
    new.check()?;
    app.run(move |station| {
        let now = Time::system();
        station.db.write(|tx| {
            free_record_number(tx, &new.record_number, Some(&id))?;
            let changed = tx.execute(
                "UPDATE patient SET name = ?2, born = ?3, record_number = ?4, phone = ?5, zone = ?6 WHERE id = ?1",
                params![id, new.name.trim(), new.born, new.record_number, new.phone, new.zone],
            )?;
            if changed == 0 {
                return Err(ClinicError::unknown());
            }
            audit::note(tx, &who.account, "patient_changed", &id, now)
        })?;
        station.changes.tell([id], [Topic::Links]);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn free_record_number(tx: &Tx<'_>, number: &str, of: Option<&str>) -> Result<(), ClinicError> {
    let taken: bool = tx.query_row(
        "SELECT EXISTS(SELECT 1 FROM patient WHERE record_number = ?1 AND ?1 <> '' AND id IS NOT ?2)",
        params![number, of],
        |row| row.get(0),
    )?;
    if taken {
        return Err(ClinicError::conflict(
            "record_number",
            "Another patient has this record number.",
        ));
    }
    Ok(())
}

/// `GET /api/patients/{id}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    _: Who,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let page = app
        .run(move |station| station.db.read(|tx| page(tx, &id, Time::system())))
        .await?;
    Ok(Json(page))
}

fn page(tx: &Tx<'_>, id: &str, now: Time) -> Result<Value, ClinicError> {
    let patient = tx
        .query_row(
            "SELECT id, name, born, record_number, phone, zone FROM patient WHERE id = ?1",
            [id],
            |row| {
                Ok(json!({
                    "id": row.get::<_, String>(0)?,
                    "name": row.get::<_, String>(1)?,
                    "born": row.get::<_, String>(2)?,
                    "record_number": row.get::<_, String>(3)?,
                    "phone": row.get::<_, String>(4)?,
                    "zone": row.get::<_, String>(5)?,
                }))
            },
        )
        .optional()?;
    let mut patient = patient.ok_or_else(ClinicError::unknown)?;
    let links = link::of_patient(tx, id)?;
    patient["state"] = state_of(&links, now).into();
    let shown = links.iter().filter(|link| {
        link.state.is_joined() || matches!(link.state, LinkState::Waiting | LinkState::Ended)
    });
    let views = shown
        .map(|link| link_view(tx, link, now))
        .collect::<Result<Vec<_>, _>>()?;
    let findings: Vec<FindingView> = status::findings_of(tx, Some(id))?;
    Ok(
        json!({ "as_of": now, "patient": patient, "links": views, "invites": invites(tx, id, now)?, "findings": findings }),
    )
}

fn link_view(tx: &Tx<'_>, link: &Link, now: Time) -> Result<LinkView, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT l.join_id, a.name, l.confirmed_how, l.app, l.queue_depth, l.queue_oldest, l.queue_stuck, e.name, l.end_reason
         FROM link l LEFT JOIN account a ON a.id = l.confirmed_by LEFT JOIN account e ON e.id = l.ended_by WHERE l.up = ?1",
    )?;
    let (join, by, how, app, queue, ended_by, end_reason) = rows.query_row([link.up.0], |row| {
        let depth: Option<i64> = row.get(4)?;
        let queue = match depth {
            Some(depth) => Some(Queue {
                depth,
                oldest: row.get::<_, Option<i64>>(5)?.map(Time::from_ms),
                stuck: row.get::<_, Option<i64>>(6)?.unwrap_or(0),
            }),
            None => None,
        };
        Ok((
            row.get::<_, Option<[u8; 32]>>(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            queue,
            row.get(7)?,
            row.get(8)?,
        ))
    })?;
    let words = join.map(|id| check_words(&link.root, EnvelopeId(id)));
    let joined = link.joined.as_ref();
    Ok(LinkView {
        up: link.up,
        role: joined.map(|j| link::role_text(j.role)),
        label: joined.map(|j| j.label.clone()),
        state: link.state.as_str(),
        since: link.since,
        confirmed_by: by,
        confirmed_how: how,
        words_only: link.by_letter,
        ended_by,
        end_reason,
        app,
        heard_at: link.heard_at,
        next_by: link.next_by,
        overdue: link.state.is_joined() && link.next_by.is_some_and(|by| by.plus(GRACE) <= now),
        queue,
        words: words.as_ref().map(|w| w.words.to_vec()).unwrap_or_default(),
        digits: words.map(|w| w.digits),
    })
}

fn invites(tx: &Tx<'_>, patient: &str, now: Time) -> Result<Vec<InviteView>, ClinicError> {
    let mut rows = tx.prepare_cached(
        "SELECT l.invite, l.state, l.withdrawn_at, l.contested_at, l.made_at, coalesce(a.name, ''), l.expires, l.by_letter
         FROM link l LEFT JOIN account a ON a.id = l.made_by WHERE l.patient = ?1 AND l.state <> 'making'
         ORDER BY l.made_at DESC, l.up",
    )?;
    let rows = rows.query_map([patient], |row| {
        let state: String = row.get(1)?;
        let (withdrawn, contested): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        let expires = Time::from_ms(row.get(6)?);
        Ok(InviteView {
            id: row.get(0)?,
            state: match (withdrawn, contested, state.as_str()) {
                (_, Some(_), _) => "contested",
                (Some(_), ..) => "withdrawn",
                (.., "invited") if expires <= now => "expired",
                (.., "invited") => "open",
                _ => "used",
            },
            made_at: Time::from_ms(row.get(4)?),
            made_by: row.get(5)?,
            expires,
            by_letter: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

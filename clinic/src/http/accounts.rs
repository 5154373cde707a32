//! Accounts, for administrators.

use super::App;
use super::error::{ApiError, body};
use super::guard::Administrator;
use crate::accounts::{self, Role};
use crate::changes::Topic;
use crate::error::ClinicError;
use crate::rim;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::Time;

/// `GET /api/accounts`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Json<Value>, ApiError> {
    let accounts = app.run(|station| station.db.read(accounts::list)).await?;
    Ok(Json(
        json!({ "as_of": Time::system(), "accounts": accounts }),
    ))
}

#[derive(Deserialize)]
struct Make {
    name: String,
    role: String,
}

/// `POST /api/accounts`
pub(crate) async fn make(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let Make { name, role } = body(&bytes)?;
    let role = Role::parse(&role)
        .ok_or_else(|| ClinicError::bad("role", "A role is administrator or clinician."))?;
    let (id, token) = app
        .run(move |station| {
            let (id, token, now) = (rim::id()?, rim::random()?, Time::system());
            let token = station.db.write(|tx| {
                accounts::make(tx, &id, &name, role, &who.account, now)?;
                accounts::make_link(tx, &id, token, &who.account, now)
            })?;
            station.changes.tell([], [Topic::Accounts]);
            Ok((id, token))
        })
        .await?;
    Ok(Json(json!({ "id": id, "link": link(&app, &token) })))
}

/// `POST /api/accounts/{id}/reset`: of somebody else. One's own would end the session that shows the link.
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    if id == who.account {
        return Err(ClinicError::conflict(
            "own_account",
            "This is your own account: change its password in your settings.",
        )
        .into());
    }
    let token = app
        .run(move |station| {
            let token = rim::random()?;
            let token = station
                .db
                .write(|tx| accounts::reset(tx, &id, token, &who.account, Time::system()))?;
            // browsers whose session has ended by it notice at once
            station.changes.tell([], [Topic::Accounts]);
            Ok(token)
        })
        .await?;
    Ok(Json(json!({ "link": link(&app, &token) })))
}

/// `POST /api/accounts/{id}/end`
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.run(move |station| {
        station
            .db
            .write(|tx| accounts::end(tx, &id, &who.account, Time::system()))?;
        station.changes.tell([], [Topic::Accounts]);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn link(app: &App, token: &str) -> String {
    format!("{}/sign-in#{token}", app.public)
}

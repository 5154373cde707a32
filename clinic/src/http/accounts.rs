//! Accounts, for administrators.

use super::App;
use super::error::{ApiError, body};
use super::guard::Administrator;
use crate::accounts::{self, Role};
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
    Ok(Json(json!({ "accounts": accounts })))
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
            Ok((id, token))
        })
        .await?;
    Ok(Json(json!({ "id": id, "link": link(&app, &token) })))
}

/// `POST /api/accounts/{id}/reset`
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let token = app
        .run(move |station| {
            let token = rim::random()?;
            station
                .db
                .write(|tx| accounts::reset(tx, &id, token, &who.account, Time::system()))
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
            .write(|tx| accounts::end(tx, &id, &who.account, Time::system()))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn link(app: &App, token: &str) -> String {
    format!("{}/sign-in#{token}", app.public)
}

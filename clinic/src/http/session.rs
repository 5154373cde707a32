//! Signing in and out, and setting a password.

use super::App;
use super::error::{ApiError, body, signed_out};
use super::guard::{Anyone, COOKIE, cookie, session};
use crate::accounts;
use crate::changes::Topic;
use crate::error::No;
use crate::rim;
use crate::shown;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use wire::Time;

/// `GET /api/session`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let clinic = app
        .station
        .rosters
        .newest()
        .map(|held| held.roster.clinic.clone());
    let Some(who) = session(&app, &headers).await? else {
        let first = app
            .run(|station| station.db.read(accounts_first_start))
            .await?;
        return Ok(signed_out(first, clinic.as_ref().map(|c| c.name.as_str())));
    };
    let glucose_unit = app
        .run(|station| station.db.read(shown::glucose_unit))
        .await?;
    Ok(Json(json!({
        "account": { "id": who.account, "name": who.name, "role": who.role },
        "clinic": {
            "name": clinic.as_ref().map(|c| &c.name),
            "phone": clinic.as_ref().map(|c| &c.phone),
            "zone": app.station.zone,
            "glucose_unit": glucose_unit,
        },
        "set_password": who.set_password,
        "now": Time::system(),
    }))
    .into_response())
}

fn accounts_first_start(tx: &store::Tx<'_>) -> Result<bool, crate::ClinicError> {
    Ok(accounts::first_start(tx)?.is_some())
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
    password: String,
}

/// `POST /api/session`
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let SignIn { name, password } = body(&bytes)?;
    let keys = throttle_keys(&name, from);
    wait(&app, &keys)?;
    let (account, hash) = {
        let name = name.clone();
        app.run(move |station| station.db.read(|tx| accounts::by_name(tx, &name)))
            .await?
            .unzip()
    };
    let right = verify(&app, password, hash.flatten()).await?;
    let Some(account) = account.filter(|_| right) else {
        failed(&app, &keys);
        return Err(ApiError::no(
            No::SignedOut,
            "wrong",
            "Name and password do not belong together.",
        ));
    };
    app.throttle
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .succeeded(&keys[0]);
    begin(&app, account, false).await
}

#[derive(Deserialize)]
struct SignInByLink {
    token: String,
}

/// `POST /api/session/link`
pub(crate) async fn sign_in_by_link(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let SignInByLink { token } = body(&bytes)?;
    let keys = [format!("link {}", from.ip())];
    wait(&app, &keys)?;
    let used = app
        .run(move |station| {
            station
                .db
                .write(|tx| accounts::use_link(tx, &token, Time::system()))
        })
        .await;
    match used {
        Ok(account) => begin(&app, account, true).await,
        Err(error) => {
            failed(&app, &keys);
            Err(error)
        }
    }
}

fn throttle_keys(name: &str, from: SocketAddr) -> [String; 2] {
    let name: String = name.trim().to_lowercase().chars().take(100).collect();
    [format!("account {name}"), format!("address {}", from.ip())]
}

fn wait(app: &App, keys: &[String]) -> Result<(), ApiError> {
    let throttle = app.throttle.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Time::system();
    match keys.iter().filter_map(|key| throttle.wait(key, now)).max() {
        None => Ok(()),
        Some(wait) => Err(ApiError::no(
            No::SlowDown(wait.as_secs() + 1),
            "slow_down",
            "Too many wrong attempts. Wait a moment before the next one.",
        )),
    }
}

fn failed(app: &App, keys: &[String]) {
    let mut throttle = app.throttle.lock().unwrap_or_else(PoisonError::into_inner);
    keys.iter()
        .for_each(|key| throttle.failed(key, Time::system()));
}

async fn verify(app: &App, password: String, hash: Option<String>) -> Result<bool, ApiError> {
    let _turn = app.hashing.acquire().await;
    app.run(move |_| Ok(accounts::password_is_right(&password, hash.as_deref())))
        .await
}

async fn begin(app: &App, account: String, via_link: bool) -> Result<Response, ApiError> {
    let token = app
        .run(move |station| {
            let token = rim::random()?;
            station
                .db
                .write(|tx| accounts::begin(tx, &account, via_link, token, Time::system()))
        })
        .await?;
    Ok(with_cookie(app, &token, accounts::ABSOLUTE.as_secs()))
}

fn with_cookie(app: &App, value: &str, seconds: u64) -> Response {
    let secure = if app.secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// `DELETE /api/session`
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(value) = cookie(&headers).map(str::to_owned) {
        app.run(move |station| station.db.write(|tx| accounts::sign_out(tx, &value)))
            .await?;
    }
    Ok(with_cookie(&app, "", 0))
}

#[derive(Deserialize)]
struct Password {
    old: Option<String>,
    new: String,
}

/// `POST /api/password`
pub(crate) async fn set_password(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Anyone(who, cookie): Anyone,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let Password { old, new } = body(&bytes)?;
    if !who.set_password {
        let keys = throttle_keys(&who.name, from);
        wait(&app, &keys)?;
        let account = who.account.clone();
        let kept = app
            .run(move |station| station.db.read(|tx| accounts::password_of(tx, &account)))
            .await?;
        if !verify(&app, old.unwrap_or_default(), kept).await? {
            failed(&app, &keys);
            return Err(ApiError::no(
                No::Forbidden,
                "wrong",
                "The old password is another one.",
            ));
        }
    }
    accounts::check_password(&new, &who.name)?;
    let _turn = app.hashing.acquire().await;
    app.run(move |station| {
        let hash = accounts::hash_password(&new, rim::random()?)?;
        station.db.write(|tx| {
            accounts::set_password(tx, &who.account, &hash, Some(&cookie), Time::system())
        })?;
        station.changes.tell([], [Topic::Accounts]);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

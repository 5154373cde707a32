//! The interface: from a request to an answer. The OpenAPI document in `docs/formats/` says what each one means.

use crate::auth::{self, Asker};
use crate::state::{Link, Side};
use crate::{Relay, RelayError, clinics, links, live, mail, page};
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State, WebSocketUpgrade};
use axum::http::request::Parts as Head;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use wire::api::{ErrorBody, ErrorCode};
use wire::request::{MAX_VALIDITY, MAX_VALIDITY_PUT};
use wire::{MAX_ENVELOPE_BYTES, MAX_GREASE_BYTES, MailboxId, Time, json};

/// JSON bodies are small.
const MAX_JSON: usize = 64 * 1024;
/// New roster lines in one request.
const MAX_ROSTERS: usize = 4 * 1024 * 1024;

/// Every request comes through here.
pub async fn handle(
    State(relay): State<Arc<Relay>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let start = Instant::now();
    let now = Time::system();
    let (mut head, body) = request.into_parts();
    let outcome = if relay
        .buckets
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .take(auth::caller(&head.headers, from, relay.proxy), now)
    {
        answer(&relay, &mut head, body, from, now).await
    } else {
        Err(RelayError::SlowDown)
    };
    let response = outcome.unwrap_or_else(|error| refuse(&error, now));
    relay
        .metrics
        .count(response.status().as_u16(), start.elapsed());
    response
}

fn refuse(error: &RelayError, now: Time) -> Response {
    let code = error.code();
    let (retry_after, at) = match code {
        ErrorCode::SlowDown => (Some(1), None),
        ErrorCode::Busy => (Some(2), None),
        ErrorCode::Quota => (Some(3600), None),
        ErrorCode::Clock => (None, Some(now)),
        _ => (None, None),
    };
    if matches!(error, RelayError::Disk(_) | RelayError::Damaged(_)) {
        tracing::error!(%error, "a request had no success");
    }
    let body = ErrorBody {
        code,
        text: error.text().to_owned(),
        retry_after,
        now: at,
    };
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = text(status, "application/json", json::to_string(&body));
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer with a body.
pub fn text(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

/// An answer in JSON.
pub fn json_answer<T: Serialize>(status: StatusCode, body: &T) -> Response {
    text(status, "application/json", json::to_string(body))
}

/// 204.
pub fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

async fn answer(
    relay: &Arc<Relay>,
    head: &mut Head,
    body: Body,
    from: SocketAddr,
    now: Time,
) -> Result<Response, RelayError> {
    let path = head.uri.path().to_owned();
    if let Some(page) = page::public(relay, head, &path, from).await {
        return Ok(page);
    }
    let pieces: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let method = head.method.clone();
    // content-addressed bytes may be put again and again; everything else is taken once
    let put = method == Method::PUT
        && matches!(pieces.as_slice(), ["v1", "mailboxes", _, "envelopes", _]);
    let longest = if put { MAX_VALIDITY_PUT } else { MAX_VALIDITY };
    let asker = auth::check(head, &relay.authorities, &relay.directory, longest, now)?;
    let limit = match (put, path == wire::api::path::ROSTERS) {
        (true, _) => MAX_ENVELOPE_BYTES + MAX_GREASE_BYTES,
        (_, true) => MAX_ROSTERS,
        _ => MAX_JSON,
    };
    let slow = relay.limits.slow_client;
    let body = relay.bodies.read(head, body, &asker, limit, slow).await?;
    if !put {
        take_nonce(relay, &asker).await?;
    }
    match (method.as_str(), pieces.as_slice()) {
        ("PUT", ["v1", "mailboxes", mailbox, "envelopes", id]) => {
            mail::put(relay, &asker, parse(mailbox)?, parse(id)?, body.bytes, now).await
        }
        ("GET", ["v1", "mailboxes", mailbox, "envelopes"]) => {
            mail::list(relay, &asker, parse(mailbox)?, after(head)?)
        }
        ("GET", ["v1", "mailboxes", mailbox, "envelopes", id]) => {
            mail::get(relay, &asker, parse(mailbox)?, parse(id)?)
        }
        ("POST", ["v1", "mailboxes", mailbox, "release"]) => {
            mail::release(relay, &asker, parse(mailbox)?, &body.bytes).await
        }
        ("PUT", ["v1", "rosters"]) => clinics::put_rosters(relay, &asker, body.bytes).await,
        ("GET", ["v1", "rosters"]) => clinics::get_rosters(relay, &asker, after(head)?),
        ("POST", ["v1", "links"]) => clinics::new_link(relay, &asker, &body.bytes, now).await,
        ("GET", ["v1", "links"]) => clinics::list_links(relay, &asker, after(head)?),
        ("POST", ["v1", "links", up]) => {
            clinics::change_link(relay, &asker, parse(up)?, &body.bytes, now).await
        }
        ("POST", ["v1", "claim"]) => clinics::claim(relay, &asker, &body.bytes, now).await,
        ("POST", ["v1", "tenant", "keys"]) => {
            clinics::tenant_keys(relay, &asker, &body.bytes).await
        }
        ("GET", ["v1", "live"]) => {
            let upgrade = WebSocketUpgrade::from_request_parts(head, &())
                .await
                .map_err(|_| RelayError::Malformed)?;
            live::upgrade(relay, &asker, upgrade)
        }
        _ => Err(RelayError::Foreign),
    }
}

/// Takes a request once, and not more of them than memory for nonces is given to one key.
async fn take_nonce(relay: &Arc<Relay>, asker: &Asker) -> Result<(), RelayError> {
    {
        let mut held = relay
            .nonces
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = held.entry(asker.kid).or_default();
        if *count >= relay.limits.nonces_per_key {
            return Err(RelayError::SlowDown);
        }
        *count += 1;
    }
    let (kid, nonce, expires) = (asker.kid, asker.nonce, asker.expires);
    relay
        .writer
        .write(move |tx| links::take_nonce(tx, kid, nonce, expires))
        .await
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, RelayError> {
    text.parse().map_err(|_| RelayError::Foreign)
}

fn after(head: &Head) -> Result<u64, RelayError> {
    match head.uri.query() {
        None => Ok(0),
        Some(query) => query
            .strip_prefix("after=")
            .and_then(|n| n.parse().ok())
            .ok_or(RelayError::Malformed),
    }
}

/// A JSON body, read strictly.
pub fn body_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, RelayError> {
    json::parse(body).map_err(|_| RelayError::Malformed)
}

/// The link that a mailbox belongs to, if the asker is on that side of it.
pub fn on_side(
    relay: &Relay,
    asker: &Asker,
    mailbox: MailboxId,
    side: Side,
) -> Result<Link, RelayError> {
    let directory = relay
        .directory
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let found = directory.side(asker.principal, mailbox) == Some(side);
    directory
        .link_of_box(mailbox)
        .filter(|_| found)
        .cloned()
        .ok_or(RelayError::Foreign)
}

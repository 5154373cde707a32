//! The interface: from a request to an answer. The OpenAPI document in `docs/formats/` says what each one means.

use crate::auth::{self, Asker};
use crate::state::{Link, Principal, Side};
use crate::{Relay, RelayError, links, live, mailbox, page};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts as _, Request, State, WebSocketUpgrade};
use axum::http::request::Parts as Head;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use wire::api::{
    Arrival, Claim, ErrorBody, ErrorCode, JOSE, LinkChange, LinkState, NDJSON, NewLink, OCTETS,
    Release, TenantKeys,
};
use wire::receipt::{Durable, Receipt};
use wire::{
    EnvelopeId, MAX_ENVELOPE_BYTES, MAX_GREASE_BYTES, MailboxId, Sealed, Time, json, sha256,
};

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
        .take(from, now)
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
    if code == ErrorCode::Busy {
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

fn text(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

fn json_answer<T: Serialize>(status: StatusCode, body: &T) -> Response {
    text(status, "application/json", json::to_string(body))
}

fn nothing() -> Response {
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
    let asker = auth::check(head, &relay.authorities, &relay.directory, now)?;
    let put = head.method == Method::PUT && path.contains("/envelopes/");
    let limit = match (put, path == wire::api::path::ROSTERS) {
        (true, _) => MAX_ENVELOPE_BYTES + MAX_GREASE_BYTES,
        (_, true) => MAX_ROSTERS,
        _ => MAX_JSON,
    };
    let body = read_body(head, body, &asker, limit).await?;
    if !put {
        let (kid, nonce, expires) = (asker.kid, asker.nonce, asker.expires);
        relay
            .writer
            .write(move |tx| links::take_nonce(tx, kid, nonce, expires))
            .await?;
    }
    let pieces: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let method = head.method.clone();
    match (method.as_str(), pieces.as_slice()) {
        ("PUT", ["v1", "mailboxes", mailbox, "envelopes", id]) => {
            put_envelope(relay, &asker, parse(mailbox)?, parse(id)?, body, now).await
        }
        ("GET", ["v1", "mailboxes", mailbox, "envelopes"]) => {
            list_envelopes(relay, &asker, parse(mailbox)?, after(head)?)
        }
        ("GET", ["v1", "mailboxes", mailbox, "envelopes", id]) => {
            get_envelope(relay, &asker, parse(mailbox)?, parse(id)?)
        }
        ("POST", ["v1", "mailboxes", mailbox, "release"]) => {
            release(relay, &asker, parse(mailbox)?, &body).await
        }
        ("PUT", ["v1", "rosters"]) => put_rosters(relay, &asker, body).await,
        ("GET", ["v1", "rosters"]) => get_rosters(relay, &asker, after(head)?),
        ("POST", ["v1", "links"]) => new_link(relay, &asker, &body, now).await,
        ("GET", ["v1", "links"]) => list_links(relay, &asker, after(head)?),
        ("POST", ["v1", "links", up]) => change_link(relay, &asker, parse(up)?, &body, now).await,
        ("POST", ["v1", "claim"]) => claim(relay, &asker, &body, now).await,
        ("POST", ["v1", "tenant", "keys"]) => tenant_keys(relay, &asker, &body).await,
        ("GET", ["v1", "live"]) => {
            let upgrade = WebSocketUpgrade::from_request_parts(head, &())
                .await
                .map_err(|_| RelayError::Malformed)?;
            live::upgrade(relay, &asker, upgrade)
        }
        _ => Err(RelayError::Foreign),
    }
}

async fn read_body(
    head: &Head,
    body: Body,
    asker: &Asker,
    limit: usize,
) -> Result<Bytes, RelayError> {
    let length = head
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    let chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
    let empty = !chunked && length.unwrap_or(0) == 0;
    if empty == asker.digest.is_some() {
        return Err(RelayError::Foreign);
    }
    if length.is_some_and(|length| length > limit) {
        return Err(RelayError::TooLarge);
    }
    let bytes = axum::body::to_bytes(body, limit)
        .await
        .map_err(|_| RelayError::TooLarge)?;
    match asker.digest {
        Some(digest) if sha256(&[&bytes]) != digest => Err(RelayError::Hash),
        _ => Ok(bytes),
    }
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

fn body_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, RelayError> {
    json::parse(body).map_err(|_| RelayError::Malformed)
}

fn on_side(
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

async fn put_envelope(
    relay: &Arc<Relay>,
    asker: &Asker,
    mailbox: MailboxId,
    id: EnvelopeId,
    body: Bytes,
    now: Time,
) -> Result<Response, RelayError> {
    let link = on_side(relay, asker, mailbox, Side::Writer)?;
    let sealed = Sealed::parse(body.to_vec()).map_err(|error| match error {
        wire::SealedError::TooLarge => RelayError::TooLarge,
        _ => RelayError::Header,
    })?;
    if sealed.id() != id {
        return Err(RelayError::Hash);
    }
    let (size, quota) = (sealed.bytes().len() as u64, link.quota);
    let inline = sealed.bytes().len() <= mailbox::INLINE_BYTES;
    if !inline {
        let path = mailbox::file_path(&relay.files, mailbox, id);
        let bytes = sealed.bytes().to_vec();
        tokio::task::spawn_blocking(move || page::write_durably(&path, &bytes))
            .await
            .map_err(|_| RelayError::Stopped)??;
        fault::point("relay.file_written");
    }
    let taken = relay
        .writer
        .write(move |tx| {
            mailbox::put(
                tx,
                mailbox,
                id,
                size,
                inline.then_some(sealed.bytes()),
                quota,
                now,
            )
        })
        .await?;
    let receipt = Receipt {
        v: 1,
        mailbox,
        id,
        size: taken.size,
        n: taken.n,
        at: taken.at,
        durable: Durable::Disk,
    };
    let signed = receipt.sign(&relay.receipt);
    if taken.first {
        relay.live.arrived(
            &link,
            mailbox,
            Arrival {
                mailbox,
                n: taken.n,
            },
        );
        relay.metrics.took(size);
    }
    Ok(text(
        if taken.first {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
        JOSE,
        signed,
    ))
}

fn list_envelopes(
    relay: &Relay,
    asker: &Asker,
    mailbox: MailboxId,
    after: u64,
) -> Result<Response, RelayError> {
    on_side(relay, asker, mailbox, Side::Reader)?;
    let relay_kid = relay.receipt.kid();
    Ok(json_answer(
        StatusCode::OK,
        &relay.read(|db| mailbox::list(db, mailbox, after, relay_kid))?,
    ))
}

fn get_envelope(
    relay: &Relay,
    asker: &Asker,
    mailbox: MailboxId,
    id: EnvelopeId,
) -> Result<Response, RelayError> {
    on_side(relay, asker, mailbox, Side::Reader)?;
    let bytes = relay
        .read(|db| mailbox::get(db, &relay.files, mailbox, id))?
        .ok_or(RelayError::Foreign)?;
    Ok(text(StatusCode::OK, OCTETS, bytes))
}

async fn release(
    relay: &Arc<Relay>,
    asker: &Asker,
    mailbox: MailboxId,
    body: &[u8],
) -> Result<Response, RelayError> {
    on_side(relay, asker, mailbox, Side::Reader)?;
    let wanted: Release = body_json(body)?;
    let files = relay
        .writer
        .write(move |tx| mailbox::release(tx, mailbox, wanted.through))
        .await?;
    fault::point("relay.released");
    for id in files {
        // the row is gone for readers; a file that stays behind is removed by `relay verify --tidy`
        if let Err(error) = std::fs::remove_file(mailbox::file_path(&relay.files, mailbox, id)) {
            tracing::warn!(%error, "a released file could not be removed");
        }
    }
    Ok(nothing())
}

fn station(asker: &Asker) -> Result<i64, RelayError> {
    match asker.principal {
        Principal::Station(tenant) => Ok(tenant),
        _ => Err(RelayError::Foreign),
    }
}

async fn put_rosters(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: Bytes,
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let lines = String::from_utf8(body.to_vec()).map_err(|_| RelayError::Malformed)?;
    relay
        .writer
        .write(move |tx| links::put_rosters(tx, tenant, &lines))
        .await?;
    Ok(nothing())
}

fn get_rosters(relay: &Relay, asker: &Asker, after: u64) -> Result<Response, RelayError> {
    let tenant = relay
        .directory
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .tenant(asker.principal);
    let tenant = tenant.ok_or(RelayError::Foreign)?;
    Ok(text(
        StatusCode::OK,
        NDJSON,
        relay.read(|db| links::rosters(db, tenant, after))?,
    ))
}

async fn new_link(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: &[u8],
    now: Time,
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let new: NewLink = body_json(body)?;
    if new.v != 1 || (new.claim.is_none() && new.auth.is_none()) {
        return Err(RelayError::Malformed);
    }
    let most = relay.limits.quota;
    let quota = wire::api::Quota {
        bytes: new.quota.bytes.min(most.bytes),
        per_day: new.quota.per_day.min(most.per_day),
    };
    let link = Link {
        tenant,
        up: new.up,
        down: new.down,
        claim: new.claim,
        auth: new.auth,
        claim_until: new.claim_until,
        quota,
        contested: false,
        revoked: false,
    };
    let shared = relay.clone();
    relay
        .writer
        .write(move |tx| {
            let mut directory = shared
                .directory
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(held) = directory.link(link.up).filter(|held| held.tenant == tenant) {
                // the same registration once more is harmless; another one under the same id is not ours to make
                let same = (held.down, held.claim) == (link.down, link.claim);
                return if same {
                    Ok(())
                } else {
                    Err(RelayError::Contested)
                };
            }
            if directory.collides(&link) {
                return Err(RelayError::Contested);
            }
            if directory.links().count() >= shared.limits.links {
                return Err(RelayError::Quota);
            }
            links::put_link(tx, &link, now)?;
            directory.put_link(link);
            Ok(())
        })
        .await?;
    Ok(StatusCode::CREATED.into_response())
}

fn list_links(relay: &Relay, asker: &Asker, after: u64) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    Ok(json_answer(
        StatusCode::OK,
        &relay.read(|db| links::list(db, tenant, after))?,
    ))
}

async fn change_link(
    relay: &Arc<Relay>,
    asker: &Asker,
    up: MailboxId,
    body: &[u8],
    now: Time,
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let change: LinkChange = body_json(body)?;
    if change.state != LinkState::Revoked {
        return Err(RelayError::Malformed);
    }
    update_link(relay, up, now, move |link| {
        if link.tenant != tenant {
            return Err(RelayError::Foreign);
        }
        link.revoked = true;
        Ok(())
    })
    .await?;
    Ok(nothing())
}

async fn claim(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: &[u8],
    now: Time,
) -> Result<Response, RelayError> {
    let Principal::Claim(up) = asker.principal else {
        return Err(RelayError::Foreign);
    };
    let claim: Claim = body_json(body)?;
    if claim.v != 1 {
        return Err(RelayError::Malformed);
    }
    let contested = update_link(relay, up, now, move |link| match link.auth {
        _ if link.revoked => Err(RelayError::Foreign),
        Some(auth) if auth == claim.auth => Ok(false),
        Some(_) => {
            link.contested = true;
            Ok(true)
        }
        None if now > link.claim_until => Err(RelayError::Foreign),
        None => {
            link.auth = Some(claim.auth);
            Ok(false)
        }
    })
    .await?;
    if contested {
        Err(RelayError::Contested)
    } else {
        Ok(nothing())
    }
}

async fn update_link<T: Send + 'static>(
    relay: &Arc<Relay>,
    up: MailboxId,
    now: Time,
    change: impl FnOnce(&mut Link) -> Result<T, RelayError> + Send + 'static,
) -> Result<T, RelayError> {
    let shared = relay.clone();
    relay
        .writer
        .write(move |tx| {
            let mut directory = shared
                .directory
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut link = directory.link(up).cloned().ok_or(RelayError::Foreign)?;
            let outcome = change(&mut link)?;
            links::put_link(tx, &link, now)?;
            directory.put_link(link);
            Ok(outcome)
        })
        .await
}

async fn tenant_keys(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: &[u8],
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let keys: TenantKeys = body_json(body)?;
    let shared = relay.clone();
    let own = asker.kid;
    relay.writer.write(move |tx| {
        let mut directory = shared.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (keys.add, keys.end) {
            (Some(add), None) => {
                if directory.key(add.kid()).is_some_and(|(_, who)| who != Principal::Station(tenant)) {
                    return Err(RelayError::Contested);
                }
                tx.execute("INSERT INTO tenant_key (key, tenant) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET ended = 0", rusqlite::params![add.as_bytes(), tenant])?;
                directory.put_station(tenant, add);
            }
            (None, Some(end)) if end != own => {
                let (key, _) = directory.key(end).filter(|(_, who)| *who == Principal::Station(tenant)).ok_or(RelayError::Foreign)?;
                tx.execute("UPDATE tenant_key SET ended = 1 WHERE key = ?1", [key.as_bytes()])?;
                directory.end_station(end);
            }
            _ => return Err(RelayError::Malformed),
        }
        Ok(())
    }).await?;
    Ok(nothing())
}

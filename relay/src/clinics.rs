//! Requests of a clinic's station about its links, rosters and keys, and the claim of an invite.

use crate::auth::Asker;
use crate::http::{body_json, json_answer, nothing, text};
use crate::state::{Directory, Link, Principal, TenantId};
use crate::{Relay, RelayError, links};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use wire::api::{Claim, LinkChange, LinkState, NDJSON, NewLink, TenantKeys};
use wire::{MailboxId, Time};

fn station(asker: &Asker) -> Result<TenantId, RelayError> {
    match asker.principal {
        Principal::Station(tenant) => Ok(tenant),
        _ => Err(RelayError::Foreign),
    }
}

/// Takes a clinic's new rosters.
pub async fn put_rosters(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: Vec<u8>,
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let lines = String::from_utf8(body).map_err(|_| RelayError::Malformed)?;
    relay
        .writer
        .write(move |tx| links::put_rosters(tx, tenant, &lines))
        .await?;
    Ok(nothing())
}

/// A clinic's rosters, for everybody of it.
pub fn get_rosters(relay: &Relay, asker: &Asker, after: u64) -> Result<Response, RelayError> {
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

/// Registers a link.
pub async fn new_link(
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
                let key = link.auth.is_none() || link.auth == held.auth;
                let same = key && (held.down, held.claim) == (link.down, link.claim);
                return if same {
                    Ok(())
                } else {
                    Err(RelayError::Contested)
                };
            }
            if directory.collides(&link) {
                return Err(RelayError::Contested);
            }
            if directory.links() >= shared.limits.links {
                return Err(RelayError::Quota);
            }
            links::put_link(tx, &link, now)?;
            directory.put_link(link);
            Ok(())
        })
        .await?;
    Ok(StatusCode::CREATED.into_response())
}

/// A clinic's links that changed.
pub fn list_links(relay: &Relay, asker: &Asker, after: u64) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    Ok(json_answer(
        StatusCode::OK,
        &relay.read(|db| links::list(db, tenant, after))?,
    ))
}

/// Ends a link.
pub async fn change_link(
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
    update_link(relay, up, now, move |link, _| {
        if link.tenant != tenant {
            return Err(RelayError::Foreign);
        }
        link.revoked = true;
        Ok(())
    })
    .await?;
    relay.live.hang_up_link(up);
    Ok(nothing())
}

/// Gives a link to the install that holds its invite.
pub async fn claim(
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
    let contested = update_link(relay, up, now, move |link, directory| match link.auth {
        _ if link.revoked => Err(RelayError::Foreign),
        Some(auth) if auth == claim.auth => Ok(false),
        Some(_) => {
            link.contested = true;
            Ok(true)
        }
        None if now > link.claim_until => Err(RelayError::Foreign),
        // a key that stands for somebody already would take that one's place
        None if directory.key(claim.auth.kid()).is_some() => Err(RelayError::Contested),
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
    change: impl FnOnce(&mut Link, &Directory) -> Result<T, RelayError> + Send + 'static,
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
            let outcome = change(&mut link, &directory)?;
            links::put_link(tx, &link, now)?;
            directory.put_link(link);
            Ok(outcome)
        })
        .await
}

/// Adds or ends a key of a clinic's station.
pub async fn tenant_keys(
    relay: &Arc<Relay>,
    asker: &Asker,
    body: &[u8],
) -> Result<Response, RelayError> {
    let tenant = station(asker)?;
    let keys: TenantKeys = body_json(body)?;
    let shared = relay.clone();
    let (own, ended) = (asker.kid, keys.end.is_some());
    relay.writer.write(move |tx| {
        let mut directory = shared.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (keys.add, keys.end) {
            (Some(add), None) => {
                if directory.key(add.kid()).is_some_and(|(_, who)| who != Principal::Station(tenant)) {
                    return Err(RelayError::Contested);
                }
                let sql = "INSERT INTO tenant_key (key, tenant) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET ended = 0 WHERE tenant = ?2";
                // a key that another clinic once had stays that clinic's
                if tx.execute(sql, rusqlite::params![add.as_bytes(), tenant])? == 0 {
                    return Err(RelayError::Contested);
                }
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
    if ended {
        relay.live.hang_up_station(tenant);
    }
    Ok(nothing())
}

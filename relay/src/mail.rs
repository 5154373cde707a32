//! Requests about envelopes: put, list, get, release.

use crate::auth::Asker;
use crate::http::{body_json, json_answer, nothing, on_side, text};
use crate::mailbox::Taken;
use crate::state::{Link, Side};
use crate::{Relay, RelayError, mailbox, page};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use wire::api::{Arrival, JOSE, OCTETS, Release};
use wire::receipt::{Durable, Receipt};
use wire::{EnvelopeId, MailboxId, Sealed, Time};

/// Takes an envelope from its mailbox's writer and answers with a receipt, which is signed after the commit.
pub async fn put(
    relay: &Arc<Relay>,
    asker: &Asker,
    mailbox: MailboxId,
    id: EnvelopeId,
    body: Vec<u8>,
    now: Time,
) -> Result<Response, RelayError> {
    let link = on_side(relay, asker, mailbox, Side::Writer)?;
    let sealed = Sealed::parse(body).map_err(|error| match error {
        wire::SealedError::TooLarge => RelayError::TooLarge,
        _ => RelayError::Header,
    })?;
    if sealed.id() != id {
        return Err(RelayError::Hash);
    }
    let (size, quota) = (sealed.bytes().len() as u64, link.quota);
    let taken = if sealed.bytes().len() > mailbox::INLINE_BYTES {
        put_large(relay, &link, mailbox, sealed, now).await?
    } else {
        relay
            .writer
            .write(move |tx| mailbox::put(tx, mailbox, id, size, Some(sealed.bytes()), quota, now))
            .await?
    };
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
    let status = if taken.first {
        let n = taken.n;
        relay.live.arrived(&link, mailbox, Arrival { mailbox, n });
        relay.metrics.took(size);
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(text(status, JOSE, signed))
}

/// A large envelope: its file first, then its row. What is held already or has no room is not written.
async fn put_large(
    relay: &Arc<Relay>,
    link: &Link,
    mailbox: MailboxId,
    sealed: Sealed,
    now: Time,
) -> Result<Taken, RelayError> {
    let (id, size, quota) = (sealed.id(), sealed.bytes().len() as u64, link.quota);
    // a row that a reader sees is durable
    if let Some(taken) = relay.read(|db| mailbox::held(db, mailbox, id))? {
        return Ok(taken);
    }
    relay.read(|db| mailbox::room(db, mailbox, size, quota, now))?;
    let path = mailbox::file_path(&relay.files, mailbox, id);
    let to = path.clone();
    tokio::task::spawn_blocking(move || page::write_durably(&to, sealed.bytes()))
        .await
        .map_err(|_| RelayError::Stopped)??;
    fault::point("relay.file_written");
    relay
        .writer
        .write(move |tx| {
            // the same file may have come twice at once, and the other one was refused and removed
            if !path.is_file() {
                return Err(RelayError::Busy);
            }
            let outcome = mailbox::put(tx, mailbox, id, size, None, quota, now);
            if outcome.is_err() {
                // here and not by the asker: between this look and the removal no row can be made
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(%error, "a refused file stays until the next sweep");
                }
            }
            outcome
        })
        .await
}

/// What lies in a mailbox, for its reader.
pub fn list(
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

/// One envelope's bytes, for its mailbox's reader.
pub fn get(
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

/// Releases what the reader has kept; tombstones stay.
pub async fn release(
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
        // gone for readers already; a file that stays behind goes with the next sweep
        if let Err(error) = std::fs::remove_file(mailbox::file_path(&relay.files, mailbox, id)) {
            tracing::warn!(%error, "a released file could not be removed");
        }
    }
    Ok(nothing())
}

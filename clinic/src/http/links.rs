//! Invites and links, by the hand of a person.

use super::App;
use super::error::{ApiError, body};
use super::guard::Who;
use crate::changes::Topic;
use crate::error::{ClinicError, No};
use crate::invites::{self, How, Way};
use crate::rim;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use vault::Invite;
use wire::api::NewLink;
use wire::{MailboxId, Time};
use zeroize::Zeroizing;

const BY_HAND: &str = "This invite is for the patient in front of you. To send one by letter or message, make it as such: \
the phone that joins with it is then confirmed by the check words only.";
const BY_LETTER: &str = "Somebody else may read this invite on its way. The phone that joins with it can be confirmed only by \
comparing the six check words, also when the patient comes in later.";

#[derive(Default, Deserialize)]
struct Make {
    #[serde(default)]
    way: Way,
}

/// `POST /api/patients/{id}/invites`: registered at the relay before it is shown.
pub(crate) async fn invite(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(patient): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let Make { way } = if bytes.is_empty() {
        Make::default()
    } else {
        body(&bytes)?
    };
    let client = app.clients.first().ok_or(ClinicError::Kept("no relay"))?;
    let by = who.account.clone();
    let of = patient.clone();
    let (id, invite, relay) = app
        .run(move |station| {
            let now = Time::system();
            let newest = station
                .rosters
                .newest()
                .ok_or(ClinicError::Kept("no roster"))?;
            let relay = station.relay_url()?;
            let secret = Zeroizing::new(rim::random::<32>()?);
            let invite = Invite::new(
                &relay,
                newest.roster.root,
                &secret,
                now.plus(invites::VALID),
                newest.roster.n,
            )
            .map_err(|_| {
                ClinicError::Setup("the roster's relay cannot be put into an invite".to_owned())
            })?;
            let id = rim::id()?;
            station
                .db
                .write(|tx| invites::make(tx, &id, &invite, &of, way, &by, now))?;
            Ok((id, invite, relay))
        })
        .await?;
    fault::point("clinic.invite.kept");
    let up = invite.up();
    let body = NewLink {
        v: 1,
        up,
        down: invite.down(),
        claim: Some(invite.claim_key().public()),
        auth: None,
        claim_until: invite.expires(),
        quota: invites::QUOTA,
    };
    if let Err(source) = client.register_link(&app.station.keys.auth, &body).await {
        app.run(move |station| station.db.write(|tx| invites::not_made(tx, up)))
            .await?;
        if source.code() == Some(wire::api::ErrorCode::Foreign) {
            return Err(ApiError::no(
                No::Conflict,
                "relay",
                "The relay does not know this clinic yet. Its operator admits it with `teleward relay tenant add`.",
            ));
        }
        return Err(ClinicError::Relay { url: relay, source }.into());
    }
    let qr = invite
        .qr_svg()
        .map_err(|_| ClinicError::Kept("a relay's address"))?;
    let expires = invite.expires();
    app.run(move |station| {
        station
            .db
            .write(|tx| invites::made(tx, up, &relay, &who.account, Time::system()))?;
        station.changes.tell([patient], [Topic::Links]);
        Ok(())
    })
    .await?;
    Ok(Json(json!({
        "id": id,
        "url": invite.to_text().expose(),
        "qr_svg": qr.expose(),
        "expires": expires,
        "note": if way == Way::Letter { BY_LETTER } else { BY_HAND },
    })))
}

/// `POST /api/invites/{id}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.run(move |station| {
        let patient = station
            .db
            .write(|tx| invites::withdraw(tx, &id, &who.account, Time::system()))?;
        station.changes.tell([patient], [Topic::Links]);
        station.to_send.notify_one();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Confirm {
    how: String,
}

/// `POST /api/links/{up}/confirm`
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(up): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let up = mailbox(&up)?;
    let Confirm { how } = body(&bytes)?;
    let how = match how.as_str() {
        "words" => How::Words,
        "in_person" => How::InPerson,
        _ => return Err(ClinicError::bad("how", "how is words or in_person.").into()),
    };
    app.run(move |station| {
        let patient = station.db.write(|tx| {
            invites::confirm(tx, &station.desk(), up, how, &who.account, Time::system())
        })?;
        station
            .changes
            .tell([patient], [Topic::Links, Topic::Readings, Topic::Findings]);
        station.to_send.notify_one();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    reason: String,
}

/// `POST /api/links/{up}/end`
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Who(who): Who,
    Path(up): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let up = mailbox(&up)?;
    let End { reason } = body(&bytes)?;
    let under_way = app
        .run(move |station| {
            let (patient, under_way) = station.db.write(|tx| {
                invites::end(
                    tx,
                    &station.desk(),
                    up,
                    &reason,
                    &who.account,
                    Time::system(),
                )
            })?;
            station.changes.tell([patient], [Topic::Links]);
            station.to_send.notify_one();
            Ok(under_way)
        })
        .await?;
    let text = format!(
        "The relay takes nothing more from this phone. What the phone had left there before is still taken in and shown \
         as not confirmed. {} to the phone may already have arrived and cannot be called back; {} will not be sent.",
        letters(under_way.handed),
        letters(under_way.dropped)
    );
    Ok(Json(json!({ "under_way": {
        "handed": under_way.handed, "dropped": under_way.dropped, "waiting": under_way.waiting, "text": text,
    } })))
}

fn letters(n: u64) -> String {
    match n {
        0 => "No letter".to_owned(),
        1 => "1 letter".to_owned(),
        n => format!("{n} letters"),
    }
}

fn mailbox(text: &str) -> Result<MailboxId, ApiError> {
    text.parse().map_err(|_| ClinicError::unknown().into())
}

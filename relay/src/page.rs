//! What anyone may read: signs of life, the invite's page, the interface's document; and one durable file write.

use crate::Relay;
use axum::body::Body;
use axum::http::request::Parts as Head;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::PoisonError;

/// The invite's page: no script, nothing from elsewhere. The invite stands behind `#` and never reaches a server.
const INVITE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>Your clinic's invite</title><body style=\"font:1.25rem/1.5 system-ui;max-width:34rem;margin:2rem auto;padding:0 1rem\">\
<h1>This is an invite from your clinic</h1><p>Open the Teleward app on your phone, choose <b>Join a clinic</b>, and scan the square picture that your clinic gave you.</p>\
<p>If you have this link only, copy the whole of it into the app. The app will show six words: compare them with your clinic by telephone.</p></body></html>";

/// The interface, as the relay serves it.
const OPENAPI: &str = include_str!("../../docs/formats/relay-openapi.json");

/// Answers a page that needs no signature; `None` when the path is none of these.
pub async fn public(relay: &Relay, head: &Head, path: &str, from: SocketAddr) -> Option<Response> {
    let get = head.method == Method::GET || head.method == Method::HEAD;
    if !get {
        return None;
    }
    Some(match path {
        "/i" => page("text/html; charset=utf-8", INVITE),
        "/openapi.json" => page("application/json", OPENAPI),
        "/livez" => page("text/plain", "alive\n"),
        "/readyz" => match ready(relay).await {
            Ok(()) => page("text/plain", "ready\n"),
            Err(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::CONTENT_TYPE, "text/plain")],
                format!("{why}\n"),
            )
                .into_response(),
        },
        "/metrics" if may_read_metrics(relay, head, from) => {
            let links = relay
                .directory
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .links();
            page(
                "text/plain; version=0.0.4",
                relay.metrics.text(relay.live.open(), links),
            )
        }
        _ => return None,
    })
}

fn page(kind: &'static str, body: impl Into<Body>) -> Response {
    let policy = (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    let headers = [
        (header::CONTENT_TYPE, kind),
        policy,
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body.into()).into_response()
}

/// The database takes a write and the disk has room.
async fn ready(relay: &Relay) -> Result<(), &'static str> {
    relay
        .writer
        .write(|tx| crate::links::forget_nonces(tx, wire::Time::system()))
        .await
        .map_err(|_| "the database takes no writes")?;
    let free = rustix::fs::statvfs(&relay.files).map_err(|_| "the data folder cannot be read")?;
    if free.f_bavail * free.f_frsize < relay.limits.disk_reserve_bytes {
        Err("the disk is nearly full")
    } else {
        Ok(())
    }
}

fn may_read_metrics(relay: &Relay, head: &Head, from: SocketAddr) -> bool {
    match &relay.metrics_token {
        Some(token) => {
            let given = head
                .headers
                .get(header::AUTHORIZATION)
                .and_then(|v| v.to_str().ok())
                .and_then(|v| v.strip_prefix("Bearer "));
            // compared by hash, so that the time taken says nothing about the token
            given.is_some_and(|given| {
                wire::sha256(&[given.as_bytes()]) == wire::sha256(&[token.as_bytes()])
            })
        }
        // what a proxy on this machine passes on is not the operator's own request
        None => from.ip().is_loopback() && !crate::auth::was_forwarded(&head.headers),
    }
}

/// Temporary file, fsync, rename, fsync of the folder.
///
/// # Errors
/// Those of the file system.
pub fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path
        .parent()
        .ok_or_else(|| std::io::Error::other("a file without a folder"))?;
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        if let Some(above) = folder.parent() {
            std::fs::File::open(above)?.sync_all()?;
        }
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| std::io::Error::other("no randomness"))?;
    let temporary = path.with_extension(format!("{:016x}.new", u64::from_le_bytes(random)));
    let mut file = std::fs::File::create_new(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    std::fs::File::open(folder)?.sync_all()
}

//! `GET /api/changes`: server-sent events (WHATWG HTML, section 9.2). Watching does not keep a session alive; the
//! stream ends with it.

use super::App;
use super::error::ApiError;
use super::guard::{Anyone, Who};
use crate::accounts;
use crate::changes::Change;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use wire::Time;

const ALIVE: Duration = Duration::from_secs(15);
/// A session's end is noticed so often.
const CHECK: Duration = Duration::from_secs(15);

/// A signed-in session and its cookie.
pub(crate) struct Watching(String);

impl FromRequestParts<Arc<App>> for Watching {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Who::from_request_parts(parts, app).await?;
        let Anyone(_, cookie) = Anyone::from_request_parts(parts, app).await?;
        Ok(Self(cookie))
    }
}

struct Watch {
    app: Arc<App>,
    cookie: String,
    changes: Receiver<Change>,
    first: bool,
}

/// The stream; its first event says that everything should be read once.
pub(crate) async fn watch(
    State(app): State<Arc<App>>,
    Watching(cookie): Watching,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = app.station.changes.watch();
    let watch = Watch {
        app,
        cookie,
        changes,
        first: true,
    };
    let stream = futures_util::stream::unfold(watch, next);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE).text("still here"))
}

async fn next(mut watch: Watch) -> Option<(Result<Event, Infallible>, Watch)> {
    if std::mem::take(&mut watch.first) {
        let change = watch.app.station.changes.everything();
        return Some((Ok(event(&change)), watch));
    }
    let mut stop = watch.app.stop.clone();
    loop {
        let change = tokio::select! {
            change = watch.changes.recv() => change,
            () = tokio::time::sleep(CHECK) => {
                if is_alive(&watch).await { continue } else { return None }
            }
            _ = stop.changed() => return None,
        };
        let change = match change {
            Ok(change) => change,
            Err(RecvError::Lagged(_)) => watch.app.station.changes.everything(),
            Err(RecvError::Closed) => return None,
        };
        if !is_alive(&watch).await {
            return None;
        }
        return Some((Ok(event(&change)), watch));
    }
}

async fn is_alive(watch: &Watch) -> bool {
    let cookie = watch.cookie.clone();
    let found = watch
        .app
        .run(move |station| {
            station
                .db
                .read(|tx| accounts::who(tx, &cookie, Time::system()))
        })
        .await;
    matches!(found, Ok(Some(_)))
}

fn event(change: &Change) -> Event {
    Event::default().data(wire::json::to_string(change))
}

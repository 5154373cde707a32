//! `/v1/live`: text frames tell of arrivals, binary frames carry a consult's signalling between install and station.
//! Nothing is stored; a slow reader loses frames and finds its mail by listing.

use crate::auth::Asker;
use crate::state::{Directory, Link, Principal, TenantId};
use crate::{Relay, RelayError};
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wire::MailboxId;
use wire::api::Arrival;

/// A binary frame: `up` and one Noise message.
const MAX_FRAME: usize = 16 * 1024;
/// Binary frames a second from one end.
const FRAMES_PER_SECOND: u32 = 50;
/// Frames that wait for one slow reader.
const WAITING: usize = 64;
/// A sign of life on an idle line, below what home routers forget.
const PING: Duration = Duration::from_secs(25);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Station(TenantId),
    Link(MailboxId),
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub struct Live {
    ends: Mutex<HashMap<End, Vec<mpsc::Sender<Message>>>>,
}

impl Live {
    /// Tells the mailbox's reader that something came.
    pub fn arrived(&self, link: &Link, mailbox: MailboxId, arrival: Arrival) {
        let end = if mailbox == link.up {
            End::Station(link.tenant)
        } else {
            End::Link(link.up)
        };
        self.send(end, Message::Text(wire::json::to_string(&arrival).into()));
    }

    fn send(&self, end: End, message: Message) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = ends.get_mut(&end) {
            // a full queue drops this frame only: the mailbox's list is the truth
            listeners.retain(|to| {
                !matches!(
                    to.try_send(message.clone()),
                    Err(mpsc::error::TrySendError::Closed(_))
                )
            });
            if listeners.is_empty() {
                ends.remove(&end);
            }
        }
    }

    /// Ends the lines of whoever has no right to them any more.
    fn hang_up(&self, keeps: impl Fn(End) -> bool) {
        // a dropped sender ends its line
        self.ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|end, _| keeps(*end));
    }

    /// Ends an install's lines.
    pub fn hang_up_link(&self, up: MailboxId) {
        self.hang_up(|end| end != End::Link(up));
    }

    /// Ends a clinic's lines; the keys that still count open new ones.
    pub fn hang_up_station(&self, tenant: TenantId) {
        self.hang_up(|end| end != End::Station(tenant));
    }

    /// Ends the lines of everybody whom the directory does not know any more.
    pub fn hang_up_strangers(&self, directory: &Directory) {
        self.hang_up(|end| match end {
            End::Station(tenant) => directory.has_station(tenant),
            End::Link(up) => directory.link(up).is_some_and(|link| !link.revoked),
        });
    }

    /// How many lines are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(Vec::len)
            .sum()
    }
}

/// Opens the line for an install or a station.
///
/// # Errors
/// [`RelayError::Foreign`] for a claim key.
pub fn upgrade(
    relay: &Arc<Relay>,
    asker: &Asker,
    upgrade: WebSocketUpgrade,
) -> Result<Response, RelayError> {
    let end = match asker.principal {
        Principal::Station(tenant) => End::Station(tenant),
        Principal::Link(up) => {
            let directory = relay
                .directory
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if directory.link(up).is_none_or(|link| link.revoked) {
                return Err(RelayError::Foreign);
            }
            End::Link(up)
        }
        Principal::Claim(_) => return Err(RelayError::Foreign),
    };
    if relay.live.open() >= relay.limits.live_lines {
        return Err(RelayError::Busy);
    }
    let relay = relay.clone();
    let upgrade = upgrade
        .max_message_size(MAX_FRAME + 16)
        .max_frame_size(MAX_FRAME + 16);
    Ok(upgrade.on_upgrade(move |socket| run(relay, end, socket)))
}

async fn run(relay: Arc<Relay>, end: End, mut socket: WebSocket) {
    let (to, mut frames) = mpsc::channel(WAITING);
    relay
        .live
        .ends
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(end)
        .or_default()
        .push(to);
    let mut stop = relay.stop.clone();
    let mut ping = tokio::time::interval(PING);
    let (mut second, mut count) = (Instant::now(), 0);
    loop {
        let sent = tokio::select! {
            _ = stop.changed() => break,
            _ = ping.tick() => socket.send(Message::Ping(Vec::new().into())).await,
            frame = frames.recv() => match frame {
                Some(frame) => socket.send(frame).await,
                None => break,
            },
            got = socket.recv() => {
                let Some(Ok(message)) = got else { break };
                if let Message::Binary(bytes) = message {
                    if second.elapsed() >= Duration::from_secs(1) {
                        (second, count) = (Instant::now(), 0);
                    }
                    count += 1;
                    if count > FRAMES_PER_SECOND {
                        break;
                    }
                    forward(&relay, end, &bytes);
                }
                Ok(())
            }
        };
        if sent.is_err() {
            break;
        }
    }
}

/// Passes a binary frame to the other end of its link, if the sender is one end of it.
fn forward(relay: &Relay, from: End, bytes: &axum::body::Bytes) {
    let Some(up) = bytes
        .get(..16)
        .and_then(|raw| raw.try_into().ok())
        .map(MailboxId)
    else {
        return;
    };
    let tenant = {
        let directory = relay
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        directory
            .link(up)
            .filter(|link| !link.revoked)
            .map(|link| link.tenant)
    };
    let to = match (from, tenant) {
        (End::Link(own), Some(tenant)) if own == up => End::Station(tenant),
        (End::Station(own), Some(tenant)) if own == tenant => End::Link(up),
        _ => return,
    };
    relay.live.send(to, Message::Binary(bytes.clone()));
}

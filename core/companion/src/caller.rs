//! Carries out the engine's calls over the real network: one task a call, which ends when the call is cancelled.

use crate::engine::{Answer, Ask, Call, Event};
use post::{ClientOptions, LiveFrame, RelayClient, RelayError};
use std::collections::HashMap;
use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;
use wire::api::Release;

/// The relays in use and the calls under way.
pub(crate) struct Caller {
    options: ClientOptions,
    clients: HashMap<String, RelayClient>,
    running: HashMap<u64, AbortHandle>,
    events: Sender<Event>,
}

impl Caller {
    pub(crate) fn new(options: ClientOptions, events: Sender<Event>) -> Self {
        Self {
            options,
            clients: HashMap::new(),
            running: HashMap::new(),
            events,
        }
    }

    pub(crate) fn start(&mut self, call: Call) {
        let ticket = call.ticket;
        let client = match self.client(&call.relay) {
            Ok(client) => client,
            Err(error) => {
                let events = self.events.clone();
                tokio::spawn(async move {
                    events
                        .send(Event::Answer {
                            ticket,
                            answer: Err(error),
                        })
                        .await
                });
                return;
            }
        };
        let events = self.events.clone();
        let task = tokio::spawn(async move {
            let answer = carry_out(&client, &call, &events).await;
            // The actor is gone only when everything is.
            let _closed = events.send(Event::Answer { ticket, answer }).await;
        });
        self.running.retain(|_, task| !task.is_finished());
        self.running.insert(ticket, task.abort_handle());
    }

    pub(crate) fn cancel(&mut self, ticket: u64) {
        if let Some(task) = self.running.remove(&ticket) {
            task.abort();
        }
    }

    /// Drops the connections: they belong to another network.
    pub(crate) fn forget_connections(&mut self) {
        self.clients.clear();
    }

    /// The relay's clock minus ours, for signing.
    pub(crate) fn clock_offset_ms(&self, relay: &str) -> i64 {
        self.clients
            .get(relay)
            .map_or(0, RelayClient::clock_offset_ms)
    }

    fn client(&mut self, relay: &str) -> Result<RelayClient, RelayError> {
        if let Some(client) = self.clients.get(relay) {
            return Ok(client.clone());
        }
        let client = RelayClient::new(relay, &self.options)?;
        self.clients.insert(relay.to_owned(), client.clone());
        Ok(client)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.running.values().for_each(AbortHandle::abort);
    }
}

async fn carry_out(
    client: &RelayClient,
    call: &Call,
    events: &Sender<Event>,
) -> Result<Answer, RelayError> {
    match &call.ask {
        Ask::Claim(claim) => client.claim(&call.key, claim).await.map(|()| Answer::Done),
        Ask::Rosters { after } => client.rosters(&call.key, *after).await.map(Answer::Rosters),
        Ask::Put { mailbox, id, bytes } => client
            .put_bytes(&call.key, *mailbox, *id, bytes.clone())
            .await
            .map(Answer::Receipt),
        Ask::List { mailbox, after } => client
            .list(&call.key, *mailbox, *after)
            .await
            .map(Answer::Items),
        Ask::Get { mailbox, id } => client
            .get_envelope(&call.key, *mailbox, *id)
            .await
            .map(Answer::File),
        Ask::Release { mailbox, through } => {
            let release = Release {
                through: *through,
                parts: Vec::new(),
            };
            let done = client.release(&call.key, *mailbox, &release).await;
            done.map(|()| Answer::Done)
        }
        Ask::Live => {
            let mut line = client.live(&call.key).await?;
            let _closed = events.send(Event::LiveOpen).await;
            loop {
                if let LiveFrame::Arrival(arrival) = line.next().await? {
                    // Back-pressure: a relay that floods waits for the actor.
                    let _closed = events.send(Event::Arrival(arrival.mailbox)).await;
                }
            }
        }
    }
}

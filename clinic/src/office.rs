//! The edge to the relays: hands over what is sealed, collects what came, publishes rosters, registers links, listens.
//!
//! `post::Courier` says when; these files do it, one task a line of work: [`send`] and [`links`] go up, [`collect`],
//! [`fetch`] and [`links`] come down, [`rosters`] is published, and the live line is here. Database work runs on blocking
//! threads. Nothing here decides what a letter means.

mod collect;
mod fetch;
mod links;
mod rosters;
mod send;

use crate::error::ClinicError;
use crate::station::Station;
use post::{Courier, Effect, Event, Line, LiveFrame, Outcome, Pace, RelayClient, RelayError};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use wire::{MailboxId, Time};

/// Grace times and overdue phones are looked at so often.
const LOOK: Duration = Duration::from_secs(20);

/// Why a line's run ended early.
enum Failure {
    Relay(RelayError),
    Own(ClinicError),
}

impl<E: Into<ClinicError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Own(error.into())
    }
}

fn relay(error: RelayError) -> Failure {
    Failure::Relay(error)
}

/// What the lines share.
#[derive(Debug)]
struct Shared {
    station: Arc<Station>,
    clients: Vec<RelayClient>,
    /// Mailboxes that the live line named; none: all are collected.
    arrivals: Mutex<BTreeSet<MailboxId>>,
    full: Mutex<Full>,
    /// Whole lists of each mailbox since what is missing in it was looked for.
    lists: Mutex<HashMap<MailboxId, u32>>,
    every: Duration,
    to: mpsc::Sender<Event>,
}

/// When all mailboxes were collected last.
#[derive(Debug, Clone, Copy, Default)]
struct Full {
    at: Option<Time>,
}

/// Runs until `stop` turns true.
pub(crate) async fn run(
    station: Arc<Station>,
    clients: Vec<RelayClient>,
    pace: Pace,
    seed: u64,
    mut stop: watch::Receiver<bool>,
) {
    let (to, mut events) = mpsc::channel(64);
    let shared = Arc::new(Shared {
        station,
        clients,
        arrivals: Mutex::default(),
        full: Mutex::default(),
        lists: Mutex::default(),
        every: pace.collect_beside_live,
        to,
    });
    let mut courier = Courier::new(pace, seed);
    let mut running: HashMap<u8, AbortHandle> = HashMap::new();
    let mut look = tokio::time::interval(LOOK);
    courier.input(Event::Tick, Time::system());
    loop {
        while let Some(effect) = courier.poll_effect() {
            match effect {
                Effect::Start(line) => {
                    let task = tokio::spawn(shared.clone().work(line));
                    running.insert(line as u8, task.abort_handle());
                }
                Effect::Stop(line) => {
                    if let Some(task) = running.remove(&(line as u8)) {
                        task.abort();
                    }
                    courier.input(Event::Done(line, Outcome::Stopped), Time::system());
                }
            }
        }
        let wait = courier
            .deadline(Time::system())
            .map_or(LOOK, |at| at.since(Time::system()))
            .min(LOOK);
        tokio::select! {
            event = events.recv() => {
                if let Some(event) = event {
                    courier.input(event, Time::system());
                }
            }
            () = shared.station.to_send.notified() => courier.input(Event::Wanted(Line::Send), Time::system()),
            _ = look.tick() => {
                let looked = shared.clone().blocking(|station| station.look_again(Time::system())).await;
                if let Err(error) = looked {
                    tracing::error!(%error, "looking at what waits failed; it is tried again");
                }
                courier.input(Event::Tick, Time::system());
            }
            () = tokio::time::sleep(wait) => courier.input(Event::Tick, Time::system()),
            _ = stop.changed() => break,
        }
    }
    running.values().for_each(AbortHandle::abort);
}

impl Shared {
    async fn blocking<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Station) -> Result<T, ClinicError> + Send + 'static,
    ) -> Result<T, ClinicError> {
        let station = self.station.clone();
        tokio::task::spawn_blocking(move || work(&station))
            .await
            .unwrap_or(Err(ClinicError::Kept("work that broke off")))
    }

    async fn work(self: Arc<Self>, line: Line) {
        let outcome = match line {
            Line::Send => self.clone().send().await,
            Line::Collect => self.clone().collect().await,
            Line::Rosters => self.clone().rosters().await,
            Line::Live => self.clone().live().await,
        };
        let now = Time::system();
        let outcome = match outcome {
            Ok(()) => Outcome::Finished,
            Err(Failure::Relay(error)) => {
                tracing::warn!(?line, %error, "the relay");
                if line != Line::Live {
                    self.station
                        .relay_reached(matches!(error, RelayError::Refused { .. }), now);
                }
                Outcome::Failed {
                    retry_after: error.retry_after(),
                }
            }
            Err(Failure::Own(error)) => {
                tracing::error!(?line, %error, "the station's own work failed; it is tried again");
                Outcome::Failed { retry_after: None }
            }
        };
        if line == Line::Collect && !matches!(outcome, Outcome::Finished) {
            self.forget_arrivals();
        }
        self.tell(Event::Done(line, outcome)).await;
    }

    async fn tell(&self, event: Event) {
        // nobody listens any more when the office closes
        let _closing = self.to.send(event).await;
    }

    fn take_arrivals(&self) -> BTreeSet<MailboxId> {
        std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget_arrivals(&self) {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Full::default();
    }

    fn client(&self, url: &str) -> Option<&RelayClient> {
        let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        self.clients
            .iter()
            .find(|client| plain(client.base()) == plain(url))
    }

    /// The newest roster that this relay has taken; 0 before the first.
    fn taken(&self, url: &str) -> Result<u32, ClinicError> {
        self.station.db.read(|tx| {
            Ok(tx.query_row(
                "SELECT coalesce(max(n), 0) FROM published WHERE relay = ?1",
                [url],
                |row| row.get(0),
            )?)
        })
    }

    /// Listens for arrivals until the line breaks.
    async fn live(self: Arc<Self>) -> Result<(), Failure> {
        let client = self.clients.first().ok_or(ClinicError::Kept("no relay"))?;
        let mut live = client.live(&self.station.keys.auth).await.map_err(relay)?;
        self.forget_arrivals();
        self.tell(Event::LiveOpen).await;
        loop {
            if let LiveFrame::Arrival(arrival) = live.next().await.map_err(relay)? {
                self.arrivals
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(arrival.mailbox);
                self.tell(Event::Wanted(Line::Collect)).await;
            }
        }
    }
}

/// Random bits for pauses; without any, every pause is the shortest.
fn jitter() -> u32 {
    crate::rim::random().map_or(0, u32::from_be_bytes)
}

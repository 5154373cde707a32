//! The edge to the relays: hands over what is sealed, collects what came, publishes rosters, registers links, listens.
//!
//! `post::Courier` says when; this file does it, one task a line of work. Database work runs on blocking threads.
//! Nothing here decides what a letter means.

use crate::error::ClinicError;
use crate::finding;
use crate::link;
use crate::mail::open::{self, News};
use crate::station::Station;
use post::inbox::{self, Listed, NotFetched};
use post::outbox::{self, Blame};
use post::{
    Courier, Effect, Event, Line, LiveFrame, Outcome, Pace, PostError, RelayClient, RelayError,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::rusqlite::{OptionalExtension as _, params};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use vault::Finding;
use wire::api::{ErrorCode, LinkState, NewLink, Release};
use wire::roster::{RelayState, RosterNews};
use wire::{MailboxId, PublicKey, Time};

/// Grace times and overdue phones are looked at so often.
const LOOK: Duration = Duration::from_secs(20);
/// Pages of one mailbox in one run at most: the others have their turn.
const PAGES: u32 = 50;
/// So many lists of a mailbox go by before it is listed from before what is missing.
const LISTS_BETWEEN: u32 = 5;
/// So many lists go by before the whole of it is listed: only that finds a letter whose number the relay had given to
/// another file that was read.
const LISTS_BETWEEN_WHOLE: u32 = 60;

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

    fn forget_arrivals(&self) {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Full::default();
    }

    /// Seals what is due, registers and ends links, hands over what is sealed. Sealing comes first and depends on no
    /// relay: an answer is sealed within its minute. A registration that is refused holds back nobody else's mail.
    async fn send(self: Arc<Self>) -> Result<(), Failure> {
        self.clone()
            .blocking(|station| station.seal_due(Time::system()))
            .await?;
        let registered = match self.clone().registrations().await {
            Err(Failure::Relay(error)) if concerns_one_link(&error) => Err(relay(error)),
            Err(failure) => return Err(failure),
            Ok(()) => Ok(()),
        };
        let client = self.clients.first().ok_or(ClinicError::Kept("no relay"))?;
        loop {
            let next = self
                .clone()
                .blocking(|station| {
                    let now = Time::system();
                    station.db.write(|tx| {
                        let Some(next) = outbox::next(tx, None, now)? else {
                            return Ok(None);
                        };
                        outbox::handed(tx, next.id, now)?;
                        Ok::<_, ClinicError>(Some(next))
                    })
                })
                .await?;
            let Some(next) = next else {
                return registered;
            };
            fault::point("clinic.handed");
            let put = client.put_bytes(
                &self.station.keys.auth,
                next.position.mailbox,
                next.id,
                next.bytes.clone(),
            );
            let (id, mailbox) = (next.id, next.position.mailbox);
            let failed = match put.await {
                Ok(receipt) => {
                    let kept = self
                        .clone()
                        .blocking(move |station| {
                            let keys = station.rosters.receipt_keys();
                            let kept = station.db.write(|tx| {
                                outbox::received(tx, id, &receipt, &keys, Time::system())
                            });
                            match kept {
                                Ok(_) => Ok(true),
                                Err(PostError::Receipt(_)) => {
                                    let found = Finding::ForgedReceipt { mailbox, id };
                                    station.db.write(|tx| {
                                        finding::note(tx, None, &found, Time::system())
                                    })?;
                                    station.told_all(News {
                                        findings: true,
                                        ..News::default()
                                    });
                                    Ok(false)
                                }
                                Err(other) => Err(other.into()),
                            }
                        })
                        .await?;
                    self.station.relay_reached(true, Time::system());
                    if kept {
                        continue;
                    }
                    RelayError::BadAnswer("a receipt that does not count")
                }
                Err(error) => error,
            };
            let why = failed.clone();
            let jitter = jitter();
            let blame = self
                .clone()
                .blocking(move |station| {
                    let now = Time::system();
                    let (blame, findings) = station.db.write(|tx| {
                        let blame = outbox::not_taken(tx, id, &why, now, jitter)?;
                        let found = Finding::NotTaken { mailbox, id };
                        let told = blame == Blame::File && finding::note(tx, None, &found, now)?;
                        Ok::<_, ClinicError>((blame, told))
                    })?;
                    station.told_all(News {
                        findings,
                        ..News::default()
                    });
                    Ok(blame)
                })
                .await?;
            if blame == Blame::Line {
                return Err(relay(failed));
            }
        }
    }

    async fn registrations(self: Arc<Self>) -> Result<(), Failure> {
        let due = self
            .clone()
            .blocking(|station| {
                station.db.read(|tx| {
                    let mut rows = tx.prepare(
                        "SELECT r.up, r.relay, r.wanted, l.down, l.claim, l.auth, l.expires FROM registration r
                         JOIN link l ON l.up = r.up WHERE r.done = 0",
                    )?;
                    let rows = rows.query_map([], |row| {
                        Ok(Registration {
                            up: MailboxId(row.get(0)?),
                            relay: row.get(1)?,
                            revoke: row.get::<_, String>(2)? == "revoked",
                            down: MailboxId(row.get(3)?),
                            claim: row.get(4)?,
                            auth: row.get(5)?,
                            expires: Time::from_ms(row.get(6)?),
                        })
                    })?;
                    Ok::<_, ClinicError>(rows.collect::<Result<Vec<_>, _>>()?)
                })
            })
            .await?;
        let mut refused = Ok(());
        for one in due {
            let Some(client) = self.client(&one.relay) else {
                continue;
            };
            let auth = &self.station.keys.auth;
            if one.revoke {
                match client.revoke_link(auth, one.up).await {
                    Ok(()) => {}
                    // a link that this relay never knew needs no end
                    Err(error)
                        if error.code() == Some(ErrorCode::Foreign)
                            && self.taken(&one.relay)? > 0 => {}
                    Err(error) if concerns_one_link(&error) => {
                        refused = Err(relay(error));
                        continue;
                    }
                    Err(error) => return Err(relay(error)),
                }
            } else {
                let key = |bytes: [u8; 32]| {
                    PublicKey::from_bytes(&bytes).map_err(|_| ClinicError::Kept("a key"))
                };
                let body = NewLink {
                    v: 1,
                    up: one.up,
                    down: one.down,
                    claim: Some(key(one.claim)?),
                    auth: one.auth.map(key).transpose()?,
                    claim_until: one.expires,
                    quota: crate::invites::QUOTA,
                };
                match client.register_link(auth, &body).await {
                    Ok(()) => {}
                    Err(error) if concerns_one_link(&error) => {
                        refused = Err(relay(error));
                        continue;
                    }
                    Err(error) => return Err(relay(error)),
                }
            }
            self.clone()
                .blocking(move |station| {
                    station.db.write(|tx| {
                        tx.execute(
                            "UPDATE registration SET done = 1 WHERE up = ?1 AND relay = ?2 AND wanted = ?3",
                            params![one.up.0, one.relay, if one.revoke { "revoked" } else { "registered" }],
                        )?;
                        Ok::<_, ClinicError>(())
                    })
                })
                .await?;
        }
        refused
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

    fn client(&self, url: &str) -> Option<&RelayClient> {
        let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
        self.clients
            .iter()
            .find(|client| plain(client.base()) == plain(url))
    }

    /// Lists, fetches and opens; tells relays what they may drop.
    async fn collect(self: Arc<Self>) -> Result<(), Failure> {
        let now = Time::system();
        let named = self.take_arrivals();
        let full = {
            let full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
            named.is_empty()
                || full
                    .at
                    .is_none_or(|at| at > now || now.since(at) >= self.every)
        };
        self.clone().consume().await?;
        for client in &self.clients {
            if full {
                self.clone().link_states(client).await?;
            }
            let keep = self.keep();
            let boxes = self
                .clone()
                .blocking(move |s| s.db.read(|tx| link::to_collect(tx, now.minus(keep))))
                .await?;
            for mailbox in named.iter().filter(|named| boxes.contains(*named)) {
                self.clone().collect_one(client, *mailbox).await?;
            }
            for mailbox in boxes.iter().filter(|_| full) {
                self.clone().collect_one(client, *mailbox).await?;
                self.clone().release(client, *mailbox).await?;
                self.clone().collect_arrivals(client, &boxes).await?;
            }
        }
        if full {
            *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Full { at: Some(now) };
        }
        Ok(())
    }

    /// What arrives during a long round does not wait for its end. A mailbox that this round does not know yet is the next
    /// round's, which its arrival has asked for.
    async fn collect_arrivals(
        self: Arc<Self>,
        client: &RelayClient,
        boxes: &[MailboxId],
    ) -> Result<(), Failure> {
        let arrived = self.take_arrivals();
        let (known, unknown): (Vec<MailboxId>, Vec<MailboxId>) =
            arrived.into_iter().partition(|one| boxes.contains(one));
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(unknown);
        for mailbox in known {
            self.clone().collect_one(client, mailbox).await?;
        }
        Ok(())
    }

    fn take_arrivals(&self) -> BTreeSet<MailboxId> {
        std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self) -> Duration {
        let days = self
            .station
            .rosters
            .newest()
            .map_or(14, |held| held.roster.keep_days);
        Duration::from_secs(u64::from(days) * 24 * 3600)
    }

    async fn collect_one(
        self: Arc<Self>,
        client: &RelayClient,
        mailbox: MailboxId,
    ) -> Result<(), Failure> {
        let auth = &self.station.keys.auth;
        for _ in 0..PAGES {
            let url = client.base().to_owned();
            let after = {
                let url = url.clone();
                self.clone()
                    .blocking(move |s| s.db.read(|tx| Ok(inbox::cursor(tx, mailbox, &url)?)))
                    .await?
            };
            let page = match client.list(auth, mailbox, after).await {
                Ok(page) => page,
                Err(error) if error.code() == Some(ErrorCode::Foreign) => {
                    return self.register_again(mailbox, url).await;
                }
                // one mailbox's matter: the others go on
                Err(RelayError::BadAnswer(_)) => {
                    return self.note(mailbox, Finding::WrongList { mailbox }).await;
                }
                Err(error) => return Err(relay(error)),
            };
            self.station.relay_reached(true, Time::system());
            let listed = self
                .clone()
                .blocking(move |station| {
                    let now = Time::system();
                    let (listed, news) = station.db.write(|tx| {
                        let listed = inbox::listed(tx, mailbox, &url, after, &page, now)?;
                        let mut news = News::default();
                        if let Listed::Page {
                            replayed,
                            contradicts,
                            ..
                        } = &listed
                        {
                            if !replayed.is_empty() {
                                news = open::replayed(tx, mailbox, replayed, now)?;
                            }
                            if *contradicts {
                                let found = Finding::WrongList { mailbox };
                                news.findings |= finding::note(tx, Some(mailbox), &found, now)?;
                            }
                        }
                        Ok::<_, ClinicError>((listed, news))
                    })?;
                    station.told(mailbox, news)?;
                    Ok(listed)
                })
                .await?;
            fault::point("clinic.listed");
            self.clone().fetch(client, mailbox).await?;
            match listed {
                Listed::OtherRelay | Listed::Page { more: true, .. } => {}
                Listed::Page { more: false, .. } => {
                    if !self.clone().look_for_missing(client, mailbox).await? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Now and then a mailbox is listed again from before whatever is missing in it: a relay that left a letter out, or
    /// would not give it, may do so later. Returns whether to list at once.
    async fn look_for_missing(
        self: Arc<Self>,
        client: &RelayClient,
        mailbox: MailboxId,
    ) -> Result<bool, Failure> {
        let count = {
            let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            let count = lists.entry(mailbox).or_default();
            *count += 1;
            *count
        };
        if !count.is_multiple_of(LISTS_BETWEEN) {
            return Ok(false);
        }
        let whole = count.is_multiple_of(LISTS_BETWEEN_WHOLE);
        let url = client.base().to_owned();
        Ok(self
            .blocking(move |station| {
                station.db.write(|tx| {
                    let gap = if whole {
                        Some(None)
                    } else {
                        open::gap(tx, mailbox)?
                    };
                    Ok(inbox::list_missing_again(tx, mailbox, &url, gap)?)
                })
            })
            .await?)
    }

    /// Keeps a finding about a mailbox.
    async fn note(self: Arc<Self>, mailbox: MailboxId, found: Finding) -> Result<(), Failure> {
        self.blocking(move |station| {
            let findings = station
                .db
                .write(|tx| finding::note(tx, Some(mailbox), &found, Time::system()))?;
            let news = News {
                findings,
                ..News::default()
            };
            station.told(mailbox, news)
        })
        .await?;
        Ok(())
    }

    async fn fetch(
        self: Arc<Self>,
        client: &RelayClient,
        mailbox: MailboxId,
    ) -> Result<(), Failure> {
        loop {
            let next = self
                .clone()
                .blocking(move |s| {
                    s.db.read(|tx| Ok(inbox::next_to_fetch(tx, Some(mailbox), Time::system())?))
                })
                .await?;
            let Some(entry) = next else { return Ok(()) };
            match client
                .get_envelope(&self.station.keys.auth, mailbox, entry.id)
                .await
            {
                Ok(bytes) => {
                    self.clone()
                        .blocking(move |s| {
                            s.db.write(|tx| {
                                Ok::<_, ClinicError>(inbox::fetched(tx, &entry, &bytes)?)
                            })
                        })
                        .await?;
                    fault::point("clinic.fetched");
                    self.clone().consume().await?;
                }
                Err(error) => {
                    let why = error.clone();
                    let jitter = jitter();
                    let stop = self
                        .clone()
                        .blocking(move |station| {
                            let now = Time::system();
                            let (stop, news) = station.db.write(|tx| {
                                let fate = inbox::not_fetched(tx, &entry, &why, now, jitter)?;
                                let id = entry.id;
                                let mut news = News::default();
                                if matches!(why, RelayError::BadAnswer(_)) {
                                    let found = Finding::WrongBytes { mailbox, id };
                                    news.findings |= finding::note(tx, Some(mailbox), &found, now)?;
                                }
                                if fate == NotFetched::GivenUp {
                                    let found = Finding::Withheld { mailbox, id };
                                    news.findings |= finding::note(tx, Some(mailbox), &found, now)?;
                                }
                                Ok::<_, ClinicError>((fate == NotFetched::LineWaits, news))
                            })?;
                            station.told(mailbox, news)?;
                            Ok(stop)
                        })
                        .await?;
                    if stop {
                        return Err(relay(error));
                    }
                }
            }
        }
    }

    /// Opens everything that was fetched, and lets the sender answer.
    async fn consume(self: Arc<Self>) -> Result<(), Failure> {
        let opened = self
            .clone()
            .blocking(|station| {
                let mut opened = false;
                while station.consume_next(Time::system())? {
                    opened = true;
                }
                Ok(opened)
            })
            .await?;
        if opened {
            self.tell(Event::Wanted(Line::Send)).await;
        }
        Ok(())
    }

    /// A relay that came back from a backup has forgotten the link.
    async fn register_again(
        self: Arc<Self>,
        mailbox: MailboxId,
        url: String,
    ) -> Result<(), Failure> {
        self.clone()
            .blocking(move |station| {
                station.db.write(|tx| {
                    tx.execute(
                        "UPDATE registration SET done = 0 WHERE up = ?1 AND wanted = 'registered'
                           AND rtrim(relay, '/') = rtrim(?2, '/')",
                        params![mailbox.0, url],
                    )?;
                    Ok::<_, ClinicError>(())
                })
            })
            .await?;
        self.tell(Event::Wanted(Line::Send)).await;
        Ok(())
    }

    async fn release(
        self: Arc<Self>,
        client: &RelayClient,
        mailbox: MailboxId,
    ) -> Result<(), Failure> {
        let (url, before) = (client.base().to_owned(), Time::system().minus(self.keep()));
        let due = self
            .clone()
            .blocking(move |station| {
                station.db.read(|tx| {
                    let Some(kid) = inbox::relay_at(tx, &url)? else {
                        return Ok(None);
                    };
                    let Some(through) = inbox::releasable(tx, mailbox, kid, before)? else {
                        return Ok(None);
                    };
                    let done: Option<i64> = tx
                        .query_row(
                            "SELECT through FROM released WHERE box = ?1 AND relay = ?2",
                            params![mailbox.0, kid.0],
                            |row| row.get(0),
                        )
                        .optional()?;
                    let through = i64::try_from(through).unwrap_or(i64::MAX);
                    Ok::<_, ClinicError>((done.unwrap_or(0) < through).then_some((kid, through)))
                })
            })
            .await?;
        let Some((kid, through)) = due else {
            return Ok(());
        };
        let body = Release {
            through: u64::try_from(through).unwrap_or(0),
            parts: Vec::new(),
        };
        client
            .release(&self.station.keys.auth, mailbox, &body)
            .await
            .map_err(relay)?;
        self.clone()
            .blocking(move |station| {
                station.db.write(|tx| {
                    tx.execute(
                        "INSERT INTO released(box, relay, through) VALUES (?1, ?2, ?3)
                         ON CONFLICT(box, relay) DO UPDATE SET through = excluded.through",
                        params![mailbox.0, kid.0, through],
                    )?;
                    Ok::<_, ClinicError>(())
                })
            })
            .await?;
        Ok(())
    }

    /// What became of links at the relay: claimed, contested.
    async fn link_states(self: Arc<Self>, client: &RelayClient) -> Result<(), Failure> {
        loop {
            let url = client.base().to_owned();
            let after = self
                .clone()
                .blocking(move |station| {
                    station.db.read(|tx| {
                        let after: Option<i64> = tx
                            .query_row(
                                "SELECT after FROM links_cursor WHERE relay = ?1",
                                [&url],
                                |row| row.get(0),
                            )
                            .optional()?;
                        Ok::<_, ClinicError>(u64::try_from(after.unwrap_or(0)).unwrap_or(0))
                    })
                })
                .await?;
            let page = client
                .links(&self.station.keys.auth, after)
                .await
                .map_err(relay)?;
            let more = page.more && !page.items.is_empty();
            let url = client.base().to_owned();
            self.clone()
                .blocking(move |station| {
                    enter_link_states(station, &url, &page.items, Time::system())
                })
                .await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Publishes rosters where they are missing; tells when a relay shows others.
    async fn rosters(self: Arc<Self>) -> Result<(), Failure> {
        // as seldom, what a relay refused for good is tried once more: something on the way may have spoilt it
        self.clone()
            .blocking(|station| {
                station
                    .db
                    .write(|tx| Ok::<_, ClinicError>(outbox::try_again(tx)?))
            })
            .await?;
        self.tell(Event::Wanted(Line::Send)).await;
        let active: Vec<String> = self.station.rosters.newest().map_or(Vec::new(), |held| {
            let relays = held
                .roster
                .relays
                .iter()
                .filter(|r| r.state != RelayState::Unknown);
            relays.map(|relay| relay.url.clone()).collect()
        });
        for url in active {
            let Some(client) = self.client(&url) else {
                continue;
            };
            let auth = &self.station.keys.auth;
            let shown = client.rosters(auth, 0).await.map_err(relay)?;
            self.station.relay_reached(true, Time::system());
            let mut chain = self.station.rosters.clone();
            let (mut held, mut wrong) = (0, Vec::new());
            for line in shown.lines().filter(|line| !line.is_empty()) {
                match chain.feed(line) {
                    Ok(RosterNews::Held) => held += 1,
                    Ok(RosterNews::BeforeStart) => {}
                    // newer than ours and signed by our root: made elsewhere, or after the backup that we came from
                    Ok(RosterNews::Accepted) => wrong.push(Finding::RosterRefused {
                        reason: "newer_than_here".to_owned(),
                    }),
                    Err(refusal) => wrong.extend(Finding::roster(&refusal)),
                }
            }
            let all = self.station.rosters.all();
            let newest = all.last().map_or(0, |held| held.roster.n);
            if let (Some(missing), true) = (all.get(held), wrong.is_empty()) {
                let taken = self.taken(&url)?;
                if taken >= missing.roster.n {
                    wrong.push(Finding::RosterWithheld {
                        relay: url.clone(),
                        n: taken,
                    });
                }
                let lines = |after: u32| -> Vec<String> {
                    let rest = all.iter().filter(|held| held.roster.n > after);
                    rest.map(|held| held.jws.clone()).collect()
                };
                let from = missing.roster.n.saturating_sub(1);
                match client.put_rosters(auth, &lines(from)).await {
                    Ok(()) => {}
                    // it holds what it does not show: only what is new to it goes
                    Err(error) if error.code() == Some(ErrorCode::Roster) && taken > from => {
                        let new = lines(taken);
                        if !new.is_empty() {
                            client.put_rosters(auth, &new).await.map_err(relay)?;
                        }
                    }
                    Err(error) => return Err(relay(error)),
                }
            }
            self.clone()
                .blocking(move |station| {
                    let now = Time::system();
                    let found = station.db.write(|tx| {
                        let mut found = false;
                        for one in &wrong {
                            found |= finding::note(tx, None, one, now)?;
                        }
                        tx.execute(
                            "INSERT INTO published(relay, n) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                            params![url, newest],
                        )?;
                        Ok::<_, ClinicError>(found)
                    })?;
                    station.told_all(News { findings: found, ..News::default() });
                    Ok(())
                })
                .await?;
        }
        Ok(())
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

/// Whether a refusal of one registration says nothing about the next.
fn concerns_one_link(error: &RelayError) -> bool {
    use wire::api::ErrorCode::{Contested, Foreign, Malformed, Quota};
    matches!(error.code(), Some(Contested | Foreign | Malformed | Quota))
}

struct Registration {
    up: MailboxId,
    relay: String,
    revoke: bool,
    down: MailboxId,
    claim: [u8; 32],
    auth: Option<[u8; 32]>,
    expires: Time,
}

fn enter_link_states(
    station: &Station,
    url: &str,
    items: &[wire::api::LinkItem],
    now: Time,
) -> Result<(), ClinicError> {
    for item in items {
        let news = station.db.write(|tx| {
            let mut news = News::default();
            if link::load(tx, item.up)?.is_none() && matches!(item.state, LinkState::Claimed | LinkState::Contested) {
                news.findings = finding::note_own(
                    tx,
                    &format!("lost_link {}", item.up),
                    "lost_link",
                    "A phone joined that this station does not know: it joined after the backup was made from which this station came back.",
                    "Find out whose phone it is (a patient will call that nothing arrives), and make a new invite.",
                    now,
                )?;
            }
            match item.state {
                LinkState::Claimed | LinkState::Contested => {
                    news.links = 0
                        < tx.execute(
                            "UPDATE link SET claimed_at = ?2 WHERE up = ?1 AND claimed_at IS NULL",
                            params![item.up.0, now.ms()],
                        )?;
                }
                LinkState::Open | LinkState::Revoked => {}
            }
            if item.state == LinkState::Contested {
                tx.execute(
                    "UPDATE link SET contested_at = coalesce(contested_at, ?2) WHERE up = ?1",
                    params![item.up.0, now.ms()],
                )?;
                let found = Finding::Contested { mailbox: item.up };
                news.findings = finding::note(tx, Some(item.up), &found, now)?;
                news.links = true;
            }
            tx.execute(
                "INSERT INTO links_cursor(relay, after) VALUES (?1, ?2) ON CONFLICT(relay) DO UPDATE SET after = excluded.after",
                params![url, i64::try_from(item.n).unwrap_or(i64::MAX)],
            )?;
            Ok::<_, ClinicError>(news)
        })?;
        station.told(item.up, news)?;
    }
    Ok(())
}

/// Random bits for pauses; without any, every pause is the shortest.
fn jitter() -> u32 {
    crate::rim::random().map_or(0, u32::from_be_bytes)
}

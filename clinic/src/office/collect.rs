//! Down: which mailboxes are listed in a round, and from where in each.

use super::{Failure, Full, Shared, relay};
use crate::error::ClinicError;
use crate::finding;
use crate::link;
use crate::mail::open::{self, News};
use post::inbox::{self, Listed};
use post::{RelayClient, RelayError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use vault::Finding;
use wire::api::ErrorCode;
use wire::{MailboxId, Time};

/// Pages of one mailbox in one run at most: the others have their turn.
const PAGES: u32 = 50;

/// So many lists of a mailbox go by before it is listed from before what is missing.
const LISTS_BETWEEN: u32 = 5;

/// So many lists go by before the whole of it is listed: only that finds a letter whose number the relay had given to
/// another file that was read.
const LISTS_BETWEEN_WHOLE: u32 = 60;

impl Shared {
    /// Lists, fetches and opens; tells relays what they may drop.
    pub(super) async fn collect(self: Arc<Self>) -> Result<(), Failure> {
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

    pub(super) fn keep(&self) -> Duration {
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
}

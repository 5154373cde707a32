//! Down: what was listed is fetched and opened, and relays are told what they may drop.

use super::{Failure, Shared, jitter, relay};
use crate::error::ClinicError;
use crate::finding;
use crate::mail::open::News;
use post::inbox::{self, NotFetched};
use post::{Event, Line, RelayClient, RelayError};
use std::sync::Arc;
use store::rusqlite::{OptionalExtension as _, params};
use vault::Finding;
use wire::api::Release;
use wire::{MailboxId, Time};

impl Shared {
    pub(super) async fn fetch(
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
    pub(super) async fn consume(self: Arc<Self>) -> Result<(), Failure> {
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

    pub(super) async fn release(
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
}

//! Links at a relay: registered, ended, registered again where it forgot them, and what became of them there.

use super::{Failure, Shared, relay};
use crate::error::ClinicError;
use crate::finding;
use crate::link;
use crate::mail::open::News;
use crate::station::Station;
use post::{Event, Line, RelayClient, RelayError};
use std::sync::Arc;
use store::rusqlite::{OptionalExtension as _, params};
use vault::Finding;
use wire::api::{ErrorCode, LinkState, NewLink};
use wire::{MailboxId, PublicKey, Time};

impl Shared {
    pub(super) async fn registrations(self: Arc<Self>) -> Result<(), Failure> {
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

    /// A relay that came back from a backup has forgotten the link.
    pub(super) async fn register_again(
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

    /// What became of links at the relay: claimed, contested.
    pub(super) async fn link_states(self: Arc<Self>, client: &RelayClient) -> Result<(), Failure> {
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
}

/// Whether a refusal of one registration says nothing about the next.
pub(super) fn concerns_one_link(error: &RelayError) -> bool {
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

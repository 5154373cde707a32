//! Up: what is due is sealed, what is sealed is handed over, and each receipt is held against the roster.

use super::links::concerns_one_link;
use super::{Failure, Shared, jitter, relay};
use crate::error::ClinicError;
use crate::finding;
use crate::mail::open::News;
use post::outbox::{self, Blame};
use post::{PostError, RelayError};
use std::sync::Arc;
use vault::Finding;
use wire::Time;

impl Shared {
    /// Seals what is due, registers and ends links, hands over what is sealed. Sealing comes first and depends on no
    /// relay: an answer is sealed within its minute. A registration that is refused holds back nobody else's mail.
    pub(super) async fn send(self: Arc<Self>) -> Result<(), Failure> {
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
}

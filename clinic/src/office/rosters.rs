//! The clinic's rosters at its relays: published where they are missing, told when a relay shows others.

use super::{Failure, Shared, relay};
use crate::error::ClinicError;
use crate::finding;
use crate::mail::open::News;
use post::outbox;
use post::{Event, Line};
use std::sync::Arc;
use store::rusqlite::params;
use vault::Finding;
use wire::Time;
use wire::api::ErrorCode;
use wire::roster::{RelayState, RosterNews};

impl Shared {
    /// Publishes rosters where they are missing; tells when a relay shows others.
    pub(super) async fn rosters(self: Arc<Self>) -> Result<(), Failure> {
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
}

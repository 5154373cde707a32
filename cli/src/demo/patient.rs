//! One simulated patient: a companion with its own data folder, keys and cuff.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use companion::{
    Companion, Config, JoinOptions, LinkState, LinkView, Network, Ports, RequestId, RequestState,
    Revision, Topic, View,
};
use jiff::tz::TimeZone;
use reading::Moment;
use tokio::sync::watch;
use vault::FileVault;

use super::cuff::Cuff;
use super::people::{Habit, Person, ZONE};
use super::station::Station;

/// A pairing over a scripted radio takes a second or two.
const TO_PAIR: Duration = Duration::from_secs(60);
/// A join crosses a relay on this machine.
const TO_JOIN: Duration = Duration::from_secs(60);
/// Without a network in all rounds but the last of as many.
const OFFLINE_ROUNDS: u32 = 4;
/// The file that says that a patient has all that a patient needs.
const SETTLED: &str = "joined";
/// The first measurement comes after this, the others at this pace; a little later for each patient.
const BETWEEN_S: u64 = 20;

/// A patient whose companion runs.
pub struct Patient {
    phone: Phone,
    cuff: Cuff,
}

/// One install.
struct Phone {
    companion: Companion,
}

impl Patient {
    /// Gives a person a record at the clinic, a phone and a cuff, and lets them join; or goes on with what the folder
    /// holds, wherever an earlier start was broken off.
    pub async fn settle(person: Person, folder: PathBuf, station: &Station) -> Result<Self> {
        let settled = folder.join(SETTLED);
        let known = settled.exists();
        let (index, habit, record) = (person.index, person.habit, person.record());
        let cuff = near(person, known)?;
        let (first, second) = (folder.join("phone-1"), folder.join("phone-2"));
        if known {
            // The last phone that the patient had.
            let last = if second.exists() { second } else { first };
            return Ok(Self {
                phone: Phone::open(last, &cuff)?,
                cuff,
            });
        }
        let id = station.patient(&record).await?;
        let confirm = habit != Habit::Unconfirmed;
        let phone = if habit == Habit::PhoneReplaced {
            if !second.exists() {
                let phone = Phone::join(first, &cuff, station, &id, confirm, "Old phone").await?;
                let up = phone.link().await?.context("no link")?.up.to_string();
                phone.companion.close().await;
                station.end(&up, "The phone was lost").await?;
            }
            Phone::join(second, &cuff, station, &id, confirm, "New phone").await?
        } else {
            Phone::join(first, &cuff, station, &id, confirm, "Phone").await?
        };
        if cuff.person().was_looked_at() {
            station.look(&id, cuff.stored()).await?;
        }
        std::fs::write(settled, &id).with_context(|| format!("patient {index}"))?;
        Ok(Self { phone, cuff })
    }

    /// Measures from time to time until told to stop.
    pub async fn live(mut self, mut stopped: watch::Receiver<bool>) -> Result<()> {
        let offline = self.cuff.person().habit == Habit::Offline;
        let pause = Duration::from_secs(BETWEEN_S + 3 * self.cuff.person().index as u64 % 60);
        let mut round: u32 = 0;
        while !*stopped.borrow() {
            if offline {
                let network = if round % OFFLINE_ROUNDS == OFFLINE_ROUNDS - 1 {
                    Network::Available
                } else {
                    Network::Gone
                };
                self.phone.companion.network_changed(network).await?;
            }
            tokio::select! {
                _ = stopped.changed() => {}
                () = tokio::time::sleep(pause) => self.cuff.measure(home_time()),
            }
            round = round.wrapping_add(1);
        }
        self.phone.companion.close().await;
        Ok(())
    }
}

impl Phone {
    fn open(folder: PathBuf, cuff: &Cuff) -> Result<Self> {
        let key_vault = Arc::new(FileVault::open(&folder.join("keys"), None)?);
        let mut config = Config::new(&folder);
        config.app_name = "Teleward demo".to_owned();
        config.zone = Some(ZONE.to_owned());
        let ports = Ports {
            key_vault,
            radio: Some(Arc::new(cuff.radio())),
        };
        Ok(Self {
            companion: Companion::open(config, ports)?,
        })
    }

    /// A phone that is invited, joined, confirmed if wanted, and paired with the cuff; what was done before is not
    /// done again.
    async fn join(
        folder: PathBuf,
        cuff: &Cuff,
        station: &Station,
        patient: &str,
        confirm: bool,
        label: &str,
    ) -> Result<Self> {
        let phone = Self::open(folder, cuff)?;
        if phone.link().await?.is_none() {
            let invite = station.invite(patient).await?;
            let options = JoinOptions {
                label: label.to_owned(),
            };
            phone.companion.join(&invite, options).await?;
        }
        let link = phone.joined().await.context("joining")?;
        if link.state == LinkState::Ended {
            return Ok(phone);
        }
        if confirm {
            station
                .confirm_when_pending(patient, &link.up.to_string())
                .await?;
        }
        for _ in 0..cuff.devices() {
            let request = phone.companion.pair(TO_PAIR).await?;
            phone.done(request, TO_PAIR).await.context("pairing")?;
        }
        Ok(phone)
    }

    async fn link(&self) -> Result<Option<LinkView>> {
        let View::Status(status) = self.companion.view(Topic::Status).await? else {
            bail!("no status")
        };
        Ok(status.link)
    }

    /// The link, once its join has reached the relay.
    async fn joined(&self) -> Result<LinkView> {
        let outcome = tokio::time::timeout(TO_JOIN, async {
            let mut revision = Revision(0);
            loop {
                revision = self.companion.next_change(revision).await?.revision;
                match self.link().await? {
                    Some(link) if link.state == LinkState::Joining => {}
                    Some(link) => return Ok(link),
                    None => bail!("the link went away"),
                }
            }
        });
        outcome.await.context("it took too long")?
    }

    async fn done(&self, request: RequestId, patience: Duration) -> Result<()> {
        let outcome = tokio::time::timeout(patience, async {
            let mut revision = Revision(0);
            loop {
                revision = self.companion.next_change(revision).await?.revision;
                let View::Requests(requests) = self.companion.view(Topic::Requests).await? else {
                    bail!("no requests")
                };
                match requests
                    .into_iter()
                    .find(|known| known.id == request)
                    .map(|known| known.state)
                {
                    Some(RequestState::Done { .. }) => return Ok(()),
                    Some(RequestState::Failed { code, text }) => bail!("{text} ({code})"),
                    Some(RequestState::Running | RequestState::Asked { .. }) => {}
                    None => bail!("the request went away"),
                }
            }
        });
        outcome.await.context("it took too long")?
    }
}

fn near(person: Person, bonded: bool) -> Result<Cuff> {
    let zoned = jiff::Timestamp::now().to_zoned(home()?);
    let offset_min = i16::try_from(zoned.offset().seconds() / 60)?;
    Cuff::near(
        person,
        bonded,
        zoned.datetime(),
        offset_min,
        Moment::from_ms(zoned.timestamp().as_millisecond()),
    )
}

fn home() -> Result<TimeZone> {
    TimeZone::get(ZONE).with_context(|| format!("the time zone {ZONE} is not known here"))
}

/// What a clock on the wall shows at the patients' homes.
fn home_time() -> jiff::civil::DateTime {
    let zone = home().unwrap_or(TimeZone::UTC);
    jiff::Timestamp::now().to_zoned(zone).datetime()
}

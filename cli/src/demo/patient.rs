//! One simulated patient: a companion with its own data folder, keys and cuff.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use companion::{
    Companion, Config, JoinOptions, Network, Ports, RequestId, RequestState, Revision, Topic, View,
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
    /// holds.
    pub async fn settle(person: Person, folder: PathBuf, station: &Station) -> Result<Self> {
        let known = folder.join("joined").exists();
        let index = person.index;
        let habit = person.habit;
        let record = person.record();
        let cuff = near(person, known)?;
        if known {
            // The last phone that the patient had.
            let name = if folder.join("phone-2").exists() {
                "phone-2"
            } else {
                "phone-1"
            };
            return Ok(Self {
                phone: Phone::open(folder.join(name), &cuff)?,
                cuff,
            });
        }
        let id = station.patient(&record).await?;
        let confirm = habit != Habit::Unconfirmed;
        let mut phone = Phone::join(folder.join("phone-1"), &cuff, station, &id, confirm).await?;
        if habit == Habit::PhoneReplaced {
            let up = phone.up().await?;
            phone.companion.close().await;
            station.end(&up, "The phone was lost").await?;
            phone = Phone::join(folder.join("phone-2"), &cuff, station, &id, true).await?;
        }
        std::fs::write(folder.join("joined"), &id).with_context(|| format!("patient {index}"))?;
        Ok(Self { phone, cuff })
    }

    /// Measures from time to time until told to stop.
    pub async fn live(mut self, mut stopped: watch::Receiver<bool>) -> Result<()> {
        let offline = self.cuff.person().habit == Habit::Offline;
        let pause = Duration::from_secs(BETWEEN_S + 3 * self.cuff.person().index as u64 % 60);
        while !*stopped.borrow() {
            if offline {
                self.phone.companion.network_changed(Network::Gone).await?;
            }
            tokio::select! {
                _ = stopped.changed() => {}
                () = tokio::time::sleep(pause) => self.cuff.measure(home_time()),
            }
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

    /// A new phone: invited, joined, confirmed if wanted, and paired with the cuff.
    async fn join(
        folder: PathBuf,
        cuff: &Cuff,
        station: &Station,
        patient: &str,
        confirm: bool,
    ) -> Result<Self> {
        let phone = Self::open(folder, cuff)?;
        let invite = station.invite(patient).await?;
        let options = JoinOptions {
            label: "Phone".to_owned(),
        };
        let request = phone.companion.join(&invite, options).await?;
        phone.done(request, TO_PAIR).await.context("joining")?;
        if confirm {
            station
                .confirm_when_pending(patient, &phone.up().await?)
                .await?;
        }
        let request = phone.companion.pair(TO_PAIR).await?;
        phone.done(request, TO_PAIR).await.context("pairing")?;
        Ok(phone)
    }

    async fn up(&self) -> Result<String> {
        let View::Status(status) = self.companion.view(Topic::Status).await? else {
            bail!("no status")
        };
        Ok(status
            .link
            .context("a patient without a link")?
            .up
            .to_string())
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
                    Some(RequestState::Running) => {}
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

//! A clinic and a phone that reach their relay through a [`Liar`]: letters both ways, and what either side tells.

use crate::console::Console;
use crate::house::{House, Part, run};
use crate::liar::{After, Answer, Asked, Bound, Liar};
use crate::phone::Phone;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::rusqlite::{Connection, OpenFlags, params};
use vault::RootSheet;
use wire::{MailboxId, SigningKey, Time};

/// Where `clinic init` put the sheet of the root key in use.
const ROOT_SHEET: &str = "sheets/root-sheet-1.txt";
/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// A question is asked again so often.
const LOOK: Duration = Duration::from_millis(100);
/// Longer than the grace time of a gap.
const AGE: Duration = Duration::from_secs(16 * 60);

/// Which way a letter goes. The reader of an `Up` letter is the station, that of a `Down` letter the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the phone to the station.
    Up,
    /// From the station to the phone.
    Down,
}

/// A letter by what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// Carries this reading up.
    Reading(String),
    /// Says that this reading was seen.
    Seen(String),
}

/// The clinic, the phone, and the liar between them.
pub struct LiedTo {
    /// Relay and station.
    pub house: House,
    /// The proxy.
    pub liar: Liar,
    /// The phone.
    pub phone: Phone,
    /// Its patient.
    pub patient: String,
    /// The mailbox towards the clinic.
    pub up: MailboxId,
    /// The mailbox towards the phone.
    pub down: MailboxId,
    /// The clinic's true rosters, as they came by at the join.
    pub rosters: String,
    console: Console,
    taken: u32,
    unseen: Vec<String>,
}

impl LiedTo {
    /// A phone that has joined while the liar still told the truth.
    ///
    /// # Errors
    /// When something does not come up.
    pub async fn new() -> anyhow::Result<Self> {
        let bound = Bound::new().await?;
        let proxy = format!("http://{}", bound.address()?);
        let house = House::start_behind(Some(&proxy)).await?;
        let liar = bound.serve(&house.relay_url())?;
        house.relay_answers().await?;
        let console = house.console().await?;
        let patient = console.new_patient("Lia Reyes", "L-1").await?;
        let invite = console.invite(&patient).await?;
        let seen = Arc::new(Mutex::new(String::new()));
        let note = seen.clone();
        liar.tell(After(move |asked: &Asked, answer: Answer| {
            if asked.is_rosters() && !answer.body.is_empty() {
                *note.lock().unwrap_or_else(PoisonError::into_inner) =
                    String::from_utf8_lossy(&answer.body).into_owned();
            }
            answer
        }));
        let mut phone = Phone::new(house.folder("phone")?, false)?;
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        let status = phone.joined(PATIENCE)?;
        let up: MailboxId = status["link"]["up"].as_str().context("no link")?.parse()?;
        liar.repent();
        let rosters = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let down = database(&house, "relay/relay.db")?.query_row(
            "SELECT down FROM link WHERE up = ?1",
            [up.0],
            |row| row.get(0),
        )?;
        Ok(Self {
            house,
            liar,
            phone,
            patient,
            up,
            down: MailboxId(down),
            rosters,
            console,
            taken: 0,
            unseen: Vec::new(),
        })
    }

    /// The mailbox of letters that go this way.
    #[must_use]
    pub fn mailbox(&self, way: Way) -> MailboxId {
        match way {
            Way::Up => self.up,
            Way::Down => self.down,
        }
    }

    /// Takes a reading on the phone; gives its id.
    ///
    /// # Errors
    /// When the phone does not keep it.
    pub fn take(&mut self) -> anyhow::Result<String> {
        self.taken += 1;
        let reading = json!({ "do": "reading", "draft": format!("{:032x}", self.taken), "systolic": (110 + self.taken).to_string(), "diastolic": "70" });
        let id = self.phone.ask(&reading, PATIENCE)?;
        id.as_str()
            .map(str::to_owned)
            .context("a reading without an id")
    }

    /// Takes `letters` readings and lets them arrive, so that there is something to be seen later; the mail is at rest
    /// afterwards.
    ///
    /// # Errors
    /// When they do not arrive.
    pub async fn prepare(&mut self, letters: usize) -> anyhow::Result<()> {
        for _ in 0..letters {
            let id = self.take()?;
            self.unseen.push(id);
        }
        self.all_arrive().await
    }

    /// Has one letter written this way. Down needs a reading of [`LiedTo::prepare`].
    ///
    /// # Errors
    /// When nobody writes it.
    pub async fn write(&mut self, way: Way) -> anyhow::Result<Letter> {
        match way {
            Way::Up => Ok(Letter::Reading(self.take()?)),
            Way::Down => {
                let id = self.unseen.pop().context("nothing prepared to be seen")?;
                self.console
                    .post("/api/seen", &json!({ "readings": [&id] }))
                    .await?;
                Ok(Letter::Seen(id))
            }
        }
    }

    /// Whether its reader has read it.
    ///
    /// # Errors
    /// When the reader cannot be asked.
    pub async fn is_read(&mut self, letter: &Letter) -> anyhow::Result<bool> {
        match letter {
            Letter::Reading(id) => {
                let readings = self.console.readings(&self.patient).await?;
                Ok(readings.iter().any(|r| r["id"] == **id))
            }
            Letter::Seen(id) => {
                let history = self.phone.history(PATIENCE)?;
                Ok(history.iter().any(|r| r["id"] == **id && r["seen"] == true))
            }
        }
    }

    /// Waits until its reader has read it.
    ///
    /// # Errors
    /// When that takes longer.
    pub async fn until_read(&mut self, letter: &Letter) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.is_read(letter).await? {
            ensure!(Instant::now() < end, "{letter:?} is not read");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until the relay holds more than `before` letters this way.
    ///
    /// # Errors
    /// When that takes longer.
    pub async fn until_newer(&mut self, way: Way, before: u64) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.newest(way)? <= before {
            ensure!(Instant::now() < end, "no letter {way:?} behind {before}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The newest arrival number of this way, as the relay itself has it.
    ///
    /// # Errors
    /// When its database cannot be read.
    pub fn newest(&self, way: Way) -> anyhow::Result<u64> {
        let newest: i64 = database(&self.house, "relay/relay.db")?.query_row(
            "SELECT coalesce(max(n), 0) FROM envelope WHERE box = ?1",
            [self.mailbox(way).0],
            |row| row.get(0),
        )?;
        Ok(u64::try_from(newest)?)
    }

    /// Waits until the station shows exactly the phone's readings, and the phone holds an acknowledgement for each.
    ///
    /// # Errors
    /// When they differ.
    pub async fn all_arrive(&mut self) -> anyhow::Result<()> {
        let on_phone: BTreeSet<String> = self.phone.acknowledged(PATIENCE)?.into_iter().collect();
        let at_station: Vec<Value> = self.console.readings(&self.patient).await?;
        let ids: BTreeSet<String> = at_station
            .iter()
            .filter_map(|r| r["id"].as_str().map(str::to_owned))
            .collect();
        ensure!(
            ids.len() == at_station.len(),
            "a reading stands twice at the station"
        );
        ensure!(
            ids == on_phone,
            "phone and station differ: {} and {}",
            on_phone.len(),
            ids.len()
        );
        Ok(())
    }

    /// What the phone says of a reading.
    ///
    /// # Errors
    /// When it does not answer, or does not have it.
    pub fn stage(&mut self, id: &str) -> anyhow::Result<String> {
        let history = self.phone.history(PATIENCE)?;
        let reading = history.iter().find(|r| r["id"] == id);
        let stage = reading.and_then(|r| r["stage"].as_str());
        stage.map(str::to_owned).context("no such reading")
    }

    /// Waits until the station tells an open finding of this code, in words.
    ///
    /// # Errors
    /// When it does not.
    pub async fn station_finds(&self, code: &str) -> anyhow::Result<()> {
        let told = |page: &Value| found(&page["findings"], code, "next_step");
        let page = self.console.until("/api/findings", PATIENCE, told).await;
        page.with_context(|| format!("the station tells no `{code}`"))
            .map(drop)
    }

    /// Waits until the phone tells a finding of this code, in words.
    ///
    /// # Errors
    /// When it does not.
    pub fn phone_finds(&mut self, code: &str) -> anyhow::Result<()> {
        self.phone
            .until(PATIENCE, |status| found(&status["findings"], code, "text"))
            .with_context(|| format!("the phone tells no `{code}`"))
            .map(drop)
    }

    /// Waits until the reader of letters that go this way tells a finding.
    ///
    /// # Errors
    /// When it does not.
    pub async fn reader_finds(&mut self, way: Way, code: &str) -> anyhow::Result<()> {
        match way {
            Way::Up => self.station_finds(code).await,
            Way::Down => self.phone_finds(code),
        }
        .with_context(|| format!("{way:?}"))
    }

    /// Waits until the writer of letters that go this way tells a finding.
    ///
    /// # Errors
    /// When it does not.
    pub async fn writer_finds(&mut self, way: Way, code: &str) -> anyhow::Result<()> {
        match way {
            Way::Up => self.phone_finds(code),
            Way::Down => self.station_finds(code).await,
        }
        .with_context(|| format!("{way:?}"))
    }

    /// Waits until the reader's finding of this code has closed by itself.
    ///
    /// # Errors
    /// When it stays open.
    pub async fn reader_takes_back(&mut self, way: Way, code: &str) -> anyhow::Result<()> {
        match way {
            Way::Up => {
                let gone = |page: &Value| !found(&page["findings"], code, "text");
                self.console
                    .until("/api/findings", PATIENCE, gone)
                    .await
                    .map(drop)
            }
            Way::Down => {
                let gone = |status: &Value| !found(&status["findings"], code, "text");
                self.phone.until(PATIENCE, gone).map(drop)
            }
        }
        .with_context(|| format!("{way:?}: `{code}` stays"))
    }

    /// The phone is told that its network is another one.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn other_network(&mut self) -> anyhow::Result<()> {
        let told = self.phone.ask(&json!({ "do": "network" }), PATIENCE);
        told.map(drop)
    }

    /// A letter's file by its arrival number, from the relay's own disk.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, way: Way, n: u32) -> anyhow::Result<Vec<u8>> {
        let mailbox = self.mailbox(way);
        let file = database(&self.house, "relay/relay.db")?.query_row(
            "SELECT bytes FROM envelope WHERE box = ?1 AND n = ?2",
            params![mailbox.0, n],
            |row| row.get(0),
        )?;
        Ok(file)
    }

    /// The clinic's root key, from its sheet.
    ///
    /// # Errors
    /// When the sheet cannot be read.
    pub fn root_key(&self) -> anyhow::Result<SigningKey> {
        let sheet = std::fs::read_to_string(self.house.root().join(ROOT_SHEET))?;
        let code = sheet.lines().find_map(|line| RootSheet::parse(line).ok());
        Ok(code.context("no code on the sheet")?.key().clone())
    }

    /// Makes the clinic's next list of keys, as its administrator does.
    ///
    /// # Errors
    /// When the station does not take it.
    pub async fn make_next_roster(&mut self) -> anyhow::Result<()> {
        let path = |name: &str| self.house.root().join(name).display().to_string();
        let (dir, sheet) = (path("station"), path(ROOT_SHEET));
        self.house.kill(Part::Station)?;
        let words = ["clinic", "roster", "next", "--dir", &dir];
        run(&[&words[..], &["--root-sheet", &sheet]].concat())?;
        self.restart_station().await
    }

    /// Starts the station anew, which asks the relay for everything at once.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_station(&mut self) -> anyhow::Result<()> {
        self.house.restart(Part::Station, &[]).await
    }

    /// What happens when a quarter of an hour goes by: the reader of this way is started anew with what it noted of the
    /// chain moved back in time.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn let_time_pass(&mut self, way: Way) -> anyhow::Result<()> {
        let root = self.house.root().to_owned();
        match way {
            Way::Up => {
                self.house.kill(Part::Station)?;
                age_chain(&root.join("station/station.db"))?;
                self.restart_station().await
            }
            Way::Down => {
                self.phone.kill()?;
                age_chain(&root.join("phone/data/companion.db"))?;
                self.phone.start(&[])
            }
        }
    }
}

fn database(house: &House, path: &str) -> anyhow::Result<Connection> {
    let path = house.root().join(path);
    Ok(Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY,
    )?)
}

fn age_chain(path: &Path) -> anyhow::Result<()> {
    let db = Connection::open(path)?;
    let text: String = db.query_row("SELECT chain FROM link", [], |row| row.get(0))?;
    let mut chain: Value = serde_json::from_str(&text)?;
    ensure!(age(&mut chain)? > 0, "the chain notes no time");
    db.execute("UPDATE link SET chain = ?1", [chain.to_string()])?;
    Ok(())
}

/// Moves every time of arrival back; how many there were.
fn age(value: &mut Value) -> anyhow::Result<usize> {
    let mut aged = 0;
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let (true, Some(text)) = (name == "arrived", member.as_str()) {
                    *member = json!(Time::parse(text)?.minus(AGE));
                    aged += 1;
                } else {
                    aged += age(member)?;
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                aged += age(item)?;
            }
        }
        _ => {}
    }
    Ok(aged)
}

fn found(list: &Value, code: &str, words: &str) -> bool {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().any(|f| {
        f["code"] == code
            && f["state"] != "closed"
            && f[words].as_str().is_some_and(|w| w.len() > 20)
    })
}

//! What the journey *Kill* is made of: a clinic whose processes are killed at fault points, round after round.
//!
//! A round orders one process to hold at one point, gives everybody something to do until it does, kills it (and one
//! time in five another one with it) and starts it again. A block of rounds has a phone of its own for daily life, and
//! one for each point that a phone passes once in its life (first start, join, pairing, an unlock). At its end both
//! sides are compared. Processes are restarted only because they were killed: orders reach them while they run.

use crate::console::Console;
use crate::fault::FaultPipe;
use crate::house::{House, Part};
use crate::phone::Phone;
use crate::seed::Seed;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// What is under way gets so long to reach the point before there is more to do.
const PAUSE: Duration = Duration::from_millis(150);
/// Kills of one block: a mailbox takes a limited number of letters a day.
const BLOCK: usize = 500;
/// Readings that are taken while the relay is down: their letter is too large for the relay's database.
const LARGE: u32 = 90;

/// A process, and a point at which it is killed.
pub type Target = (Part, &'static str);

/// Every point of every process.
#[must_use]
pub fn targets() -> Vec<Target> {
    let of = |part, points: &'static [&'static str]| points.iter().map(move |point| (part, *point));
    of(Part::Phone, store::FAULT_POINTS)
        .chain(of(Part::Phone, companion::FAULT_POINTS))
        .chain(of(Part::Phone, post::FAULT_POINTS))
        .chain(of(Part::Relay, relay::FAULT_POINTS))
        .chain(of(Part::Station, clinic::FAULT_POINTS))
        .collect()
}

/// What a phone is doing when it is killed at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    FirstStart,
    Join,
    Device,
    Unlock,
    Daily,
}

fn scene(point: &str) -> Scene {
    match point.strip_prefix("companion.").unwrap_or(point) {
        "first_keys" | "store.migrate" => Scene::FirstStart,
        "link_keys" | "joining" | "claimed" | "rosters" | "join_sealed" => Scene::Join,
        "captured" | "settled" | "paired" => Scene::Device,
        "spool" | "spooled" | "spool_drained" => Scene::Unlock,
        _ => Scene::Daily,
    }
}

/// How many kills, and for how long at most. The first block is always whole enough to hit every point.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// So many.
    pub kills: usize,
    /// No new round after this.
    pub until: Option<Instant>,
}

impl Bounds {
    fn has_time(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// One run.
#[derive(Debug)]
pub struct Journey {
    house: House,
    pipes: [FaultPipe; 3],
    seed: Seed,
    hits: BTreeMap<&'static str, usize>,
    drafts: u32,
    newcomers: usize,
    clinician: Option<Console>,
    /// Phones that have been through something in this block, with their patients.
    phones: Vec<(Phone, String)>,
    readings: usize,
}

impl Journey {
    /// A clinic whose processes heed orders.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn new(seed: Seed) -> anyhow::Result<Self> {
        let mut house = House::start().await?;
        let folder = house.folder("faults")?;
        let pipe = |name| FaultPipe::new(&folder, name);
        let pipes = [pipe("phone")?, pipe("relay")?, pipe("station")?];
        for part in [Part::Relay, Part::Station] {
            house
                .restart(part, &pipes[part as usize].environment())
                .await?;
        }
        Ok(Self {
            house,
            pipes,
            seed,
            hits: targets().into_iter().map(|(_, point)| (point, 0)).collect(),
            drafts: 0,
            newcomers: 0,
            clinician: None,
            phones: Vec::new(),
            readings: 0,
        })
    }

    /// Kills until the bounds are reached.
    ///
    /// # Errors
    /// When a reading is lost or doubled, a process does not come back, or a point is never hit.
    pub async fn run(&mut self, bounds: &Bounds) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.kills() == 0 || (self.kills() < bounds.kills && bounds.has_time()) {
            self.block(bounds).await?;
            say(&format!(
                "{} kills in {} s, {} phones, {} readings, each exactly once",
                self.kills(),
                began.elapsed().as_secs(),
                self.newcomers,
                self.readings
            ));
        }
        for (point, hits) in &self.hits {
            say(&format!("{hits:5}  {point}"));
        }
        let unhit = unhit(&self.hits);
        ensure!(unhit.is_empty(), "points that were never hit: {unhit:?}");
        Ok(())
    }

    /// Kills so far.
    #[must_use]
    pub fn kills(&self) -> usize {
        self.hits.values().sum()
    }

    async fn block(&mut self, bounds: &Bounds) -> anyhow::Result<()> {
        let (daily, once): (Vec<Target>, Vec<Target>) = targets()
            .into_iter()
            .partition(|(part, point)| *part != Part::Phone || scene(point) == Scene::Daily);
        let kills = bounds.kills.saturating_sub(self.kills()).min(BLOCK);
        let first = self.kills() == 0;
        for (_, point) in &once {
            if first || bounds.has_time() {
                self.once(point)
                    .await
                    .with_context(|| format!("at {point}"))?;
            }
        }
        let mut rounds = daily.clone();
        while rounds.len() + once.len() < kills {
            rounds.push(daily[self.seed.below(daily.len())]);
        }
        let at_least = if first { daily.len() } else { 0 };
        self.daily(&rounds, at_least, bounds).await?;
        self.settle().await
    }

    fn reading(&mut self) -> Value {
        self.drafts += 1;
        let draft = format!("{:016x}{:016x}", self.seed.start(), self.drafts);
        json!({ "do": "reading", "draft": draft, "systolic": (100 + self.drafts % 80).to_string(), "diastolic": "80" })
    }

    /// A new patient, and a phone's folder with an invite for it.
    async fn newcomer(&mut self) -> anyhow::Result<(PathBuf, String, String)> {
        let n = self.newcomers;
        self.newcomers += 1;
        let console = match self.clinician.take() {
            Some(console) => console,
            None => self.house.console().await?,
        };
        let patient = console
            .new_patient(&format!("Patient {n}"), &format!("K-{n}"))
            .await?;
        let invite = console.invite(&patient).await?;
        self.clinician = Some(console);
        Ok((self.house.folder(&format!("phone-{n}"))?, patient, invite))
    }

    /// One phone, killed once at a point of its early life, then started again on the same folder.
    async fn once(&mut self, point: &'static str) -> anyhow::Result<()> {
        let (folder, patient, invite) = self.newcomer().await?;
        let scene = scene(point);
        let mut phone = Phone::new(folder, scene == Scene::Device)?;
        if matches!(scene, Scene::Device | Scene::Unlock) {
            phone.start(&[])?;
            phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
            phone.joined(PATIENCE)?;
            phone.kill()?;
        }
        phone.set_locked(scene == Scene::Unlock)?;
        let pipe = &mut self.pipes[Part::Phone as usize];
        pipe.hold_at(point, 1)?;
        phone.spawn(&pipe.environment())?;
        if scene != Scene::FirstStart {
            phone.ready()?;
        }
        match scene {
            Scene::FirstStart => {}
            Scene::Unlock if point == "companion.spool_drained" => {
                phone.keep(&self.reading(), PATIENCE)?;
                phone.set_locked(false)?;
                phone.tell(&json!({ "do": "network" }))?;
            }
            Scene::Unlock => phone.tell(&self.reading())?,
            Scene::Device => phone.tell(&json!({ "do": "pair" }))?,
            Scene::Join | Scene::Daily => {
                phone.tell(&json!({ "do": "join", "invite": invite }))?;
            }
        }
        let pipe = &mut self.pipes[Part::Phone as usize];
        ensure!(pipe.is_held(point, PATIENCE).await, "never reached");
        *self.hits.entry(point).or_default() += 1;
        phone.kill()?;
        phone.set_locked(false)?;
        phone.start(&[])?;
        if matches!(scene, Scene::FirstStart | Scene::Join) {
            // the person scans the same invite again, if the app does not show that it is joining already
            phone.join_if_needed(&invite, PATIENCE)?;
        }
        phone.joined(PATIENCE)?;
        let reading = self.reading();
        phone.keep(&reading, PATIENCE)?;
        self.phones.push((phone, patient));
        Ok(())
    }

    /// One phone that takes readings day after day while it, the relay and the station are killed.
    async fn daily(
        &mut self,
        rounds: &[Target],
        at_least: usize,
        bounds: &Bounds,
    ) -> anyhow::Result<()> {
        let (folder, patient, invite) = self.newcomer().await?;
        let mut phone = Phone::new(folder, false)?;
        phone.start(&self.pipes[Part::Phone as usize].environment())?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        phone.joined(PATIENCE)?;
        let mut ordered = false;
        for (i, (part, point)) in rounds.iter().enumerate() {
            if i >= at_least && !bounds.has_time() {
                break;
            }
            if !ordered {
                self.order(*part, point)?;
            }
            self.drive(&mut phone, &patient, *part, point)
                .await
                .with_context(|| format!("at {point}"))?;
            *self.hits.entry(point).or_default() += 1;
            let killed = self.killed(*part);
            let next = rounds.get(i + 1).copied();
            ordered = self
                .kill_and_restart(&mut phone, &killed, next)
                .await
                .with_context(|| format!("after {point}"))?;
        }
        // it may hold already, or be on its way there
        phone.kill()?;
        self.pipes[Part::Phone as usize].hold_nowhere()?;
        phone.start(&[])?;
        self.phones.push((phone, patient));
        Ok(())
    }

    fn order(&mut self, part: Part, point: &str) -> anyhow::Result<()> {
        let n = match point {
            "relay.file_written" | "relay.released" => 1,
            _ => 1 + self.seed.below(3),
        };
        self.pipes[part as usize].hold_at(point, u32::try_from(n)?)
    }

    /// Gives everybody something to do until the process holds.
    async fn drive(
        &mut self,
        phone: &mut Phone,
        patient: &str,
        part: Part,
        point: &'static str,
    ) -> anyhow::Result<()> {
        if point == "relay.file_written" {
            self.large_letter(phone).await?;
        }
        if point == "relay.released" {
            return self.release(phone).await;
        }
        let end = Instant::now() + PATIENCE;
        loop {
            ensure!(Instant::now() < end, "never reached");
            let reading = self.reading();
            if part == Part::Phone {
                phone.tell(&reading)?;
            } else {
                phone.keep(&reading, PATIENCE)?;
            }
            let looks = part == Part::Station || self.seed.below(4) == 0;
            let (cached, house) = (self.clinician.take(), &self.house);
            let pipe = &mut self.pipes[part as usize];
            if looks {
                // the station may hold inside this very call
                let look = async {
                    let console = match cached {
                        Some(console) => console,
                        None => house.console().await?,
                    };
                    House::look(&console, patient, point == "clinic.invite.kept").await?;
                    anyhow::Ok(console)
                };
                tokio::select! {
                    biased;
                    true = pipe.is_held(point, PATIENCE) => return Ok(()),
                    // what a station that is just coming up refuses is tried again with the next reading
                    looked = look => self.clinician = looked.ok(),
                }
            } else {
                self.clinician = cached;
            }
            if self.pipes[part as usize].is_held(point, PAUSE).await {
                return Ok(());
            }
        }
    }

    /// So many readings at once that their letter becomes a file of its own at the relay.
    async fn large_letter(&mut self, phone: &mut Phone) -> anyhow::Result<()> {
        self.house.kill(Part::Relay)?;
        for _ in 0..LARGE {
            let reading = self.reading();
            phone.keep(&reading, PATIENCE)?;
        }
        let environment = self.pipes[Part::Relay as usize].environment();
        self.house.restart(Part::Relay, &environment).await?;
        phone.ask(&json!({ "do": "network" }), PATIENCE).map(drop)
    }

    /// What the station asks once its keeping time is over: here for the join alone, at once.
    async fn release(&mut self, phone: &mut Phone) -> anyhow::Result<()> {
        let status = phone.ask(&json!({ "do": "status" }), PATIENCE)?;
        let up = status["link"]["up"].as_str().context("no link")?.parse()?;
        let auth = self.house.station_key("auth")?;
        let client =
            post::RelayClient::new(&self.house.relay_url(), &post::ClientOptions::default())?;
        let release = wire::api::Release {
            through: 1,
            parts: Vec::new(),
        };
        let pipe = &mut self.pipes[Part::Relay as usize];
        tokio::select! {
            biased;
            true = pipe.is_held("relay.released", PATIENCE) => Ok(()),
            answered = client.release(&auth, up, &release) => {
                anyhow::bail!("the relay answered instead of holding: {answered:?}")
            }
        }
    }

    /// The process that holds, and one time in five another one with it.
    fn killed(&mut self, part: Part) -> Vec<Part> {
        let others: Vec<Part> = [Part::Phone, Part::Relay, Part::Station]
            .into_iter()
            .filter(|other| *other != part)
            .collect();
        let mut killed = vec![part];
        if self.seed.below(5) == 0 {
            killed.push(others[self.seed.below(others.len())]);
        }
        killed
    }

    /// Whether the next round's order was given before the phone's start, so that the start counts too: every other
    /// time when it is the phone's turn again.
    async fn kill_and_restart(
        &mut self,
        phone: &mut Phone,
        killed: &[Part],
        next: Option<Target>,
    ) -> anyhow::Result<bool> {
        for part in killed {
            if *part == Part::Phone {
                phone.note_kept();
                phone.kill()?;
            } else {
                self.house.kill(*part)?;
            }
        }
        for part in killed {
            self.pipes[*part as usize].hold_nowhere()?;
        }
        for part in killed.iter().filter(|part| **part != Part::Phone) {
            let environment = self.pipes[*part as usize].environment();
            self.house.restart(*part, &environment).await?;
        }
        if !killed.contains(&Part::Phone) {
            return Ok(false);
        }
        let ordered = match next {
            Some((Part::Phone, point)) if self.seed.below(2) == 0 => {
                self.order(Part::Phone, point)?;
                true
            }
            _ => false,
        };
        let environment = self.pipes[Part::Phone as usize].environment();
        phone.spawn(&environment)?;
        if !ordered {
            phone.ready()?;
        }
        Ok(ordered)
    }

    /// Waits until every phone holds an acknowledgement for everything, and compares what both sides have.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let console = self.house.console().await?;
        for (mut phone, patient) in std::mem::take(&mut self.phones) {
            let journal = phone.acknowledged(PATIENCE * 2)?;
            let on_phone: BTreeSet<String> = journal.iter().cloned().collect();
            let readings = console.readings(&patient).await?;
            let at_station: BTreeSet<String> = readings
                .iter()
                .filter_map(|r| r["id"].as_str().map(str::to_owned))
                .collect();
            ensure!(
                at_station.len() == readings.len(),
                "a reading stands twice at the station"
            );
            ensure!(
                on_phone.len() == journal.len(),
                "a reading stands twice on the phone"
            );
            ensure!(
                phone.kept().is_subset(&on_phone),
                "a reading that was reported as kept is gone"
            );
            ensure!(
                at_station == on_phone,
                "phone and station hold different readings: {} and {}",
                on_phone.len(),
                at_station.len()
            );
            self.readings += at_station.len();
        }
        self.clinician = Some(console);
        Ok(())
    }
}

/// The points that nothing was killed at.
#[must_use]
pub fn unhit(hits: &BTreeMap<&'static str, usize>) -> Vec<&'static str> {
    let none = hits.iter().filter(|(_, hits)| **hits == 0);
    none.map(|(point, _)| *point).collect()
}

/// Says a line past the test harness, which keeps what a passing test prints to itself.
pub fn say(line: &str) {
    // a closed terminal must not fail a run
    let _said = writeln!(std::io::stderr(), "kill: {line}");
}

//! Journey *Kill*: SIGKILL of a real process that has just reported a named fault point; nothing lost, nothing twice.
//!
//! `TELEWARD_SEED` repeats a run; `TELEWARD_KILL_POINTS` sets how many kills (100; the soak takes 10,000). Points that a
//! phone passes once in its life (its first start, its join, pairing, an unlock) get a phone of their own each.

#![expect(
    clippy::print_stderr,
    reason = "a journey tells its seed and what it hit"
)]

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use teleward_tests::fault::FaultPipe;
use teleward_tests::house::{House, Part};
use teleward_tests::phone::Phone;
use teleward_tests::seed::Seed;

const PATIENCE: Duration = Duration::from_secs(60);
/// A clinician's call that takes longer is held with the station.
const LOOK: Duration = Duration::from_secs(3);

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

struct Journey {
    house: House,
    pipe: FaultPipe,
    seed: Seed,
    hits: BTreeMap<&'static str, usize>,
    drafts: u32,
    /// Phones that have been through something, with their patients: all are compared at the end.
    phones: Vec<(Phone, String)>,
}

/// REQ-KILL-001: whatever process is killed at whatever fault point, each reading ends at the station exactly once and
/// is acknowledged. HAZ-LOST-001, HAZ-TWICE-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_and_repeats_nothing() -> anyhow::Result<()> {
    let seed = Seed::from_environment("TELEWARD_SEED")?;
    let kills: usize =
        std::env::var("TELEWARD_KILL_POINTS").map_or(Ok(100), |text| text.parse())?;
    eprintln!("kill: seed {}, {kills} points", seed.start());
    let house = House::start().await?;
    let pipe = FaultPipe::new(&house.folder("faults")?, "pipe")?;
    let mut journey = Journey {
        house,
        pipe,
        seed,
        hits: BTreeMap::new(),
        drafts: 0,
        phones: Vec::new(),
    };

    let targets = targets();
    for (_, point) in &targets {
        journey.hits.insert(point, 0);
    }
    let daily: Vec<_> = targets
        .iter()
        .filter(|(part, point)| *part != Part::Phone || scene(point) == Scene::Daily)
        .copied()
        .collect();
    let once = targets.iter().filter(|target| !daily.contains(target));
    for (_, point) in once {
        journey
            .once(point)
            .await
            .with_context(|| format!("at {point}"))?;
    }
    let mut rounds = daily.clone();
    while rounds.len() + (targets.len() - daily.len()) < kills {
        rounds.push(daily[journey.seed.below(daily.len())]);
    }
    journey.daily(&rounds).await?;

    for (point, hits) in &journey.hits {
        eprintln!("kill: {hits:5}  {point}");
    }
    let unhit: Vec<_> = journey
        .hits
        .iter()
        .filter(|(_, hits)| **hits == 0)
        .map(|(point, _)| *point)
        .collect();
    ensure!(
        unhit.is_empty(),
        "points that were never hit: {unhit:?} (seed {})",
        journey.seed.start()
    );
    journey.settle().await
}

/// Which process is killed at which points.
fn targets() -> Vec<(Part, &'static str)> {
    let of = |part, points: &'static [&'static str]| points.iter().map(move |point| (part, *point));
    let phone = of(Part::Phone, store::FAULT_POINTS)
        .chain(of(Part::Phone, companion::FAULT_POINTS))
        .chain(of(Part::Phone, post::FAULT_POINTS));
    phone
        .chain(of(Part::Relay, relay::FAULT_POINTS))
        .chain(of(Part::Station, clinic::FAULT_POINTS))
        .collect()
}

impl Journey {
    fn reading(&mut self) -> Value {
        self.drafts += 1;
        let draft = format!("{:016x}{:016x}", self.seed.start(), self.drafts);
        json!({ "do": "reading", "draft": draft, "systolic": (100 + self.drafts % 80).to_string(), "diastolic": "80" })
    }

    /// A new patient, and a phone's folder with an invite for it.
    async fn newcomer(&self, n: usize) -> anyhow::Result<(PathBuf, String, String)> {
        let console = self.house.console().await?;
        let patient = console
            .new_patient(&format!("Patient {n}"), &format!("K-{n}"))
            .await?;
        let invite = console.invite(&patient).await?;
        Ok((self.house.folder(&format!("phone-{n}"))?, patient, invite))
    }

    /// One phone, killed once at a point of its early life, then started again on the same folder.
    async fn once(&mut self, point: &'static str) -> anyhow::Result<()> {
        let (folder, patient, invite) = self.newcomer(self.phones.len()).await?;
        let scene = scene(point);
        self.pipe.forget();
        let armed = self.pipe.hold_at(point, 1);
        let mut phone = Phone::new(folder, scene == Scene::Device)?;
        if matches!(scene, Scene::Device | Scene::Unlock) {
            phone.start(&[])?;
            phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
            phone.joined(PATIENCE)?;
            phone.kill()?;
        }
        phone.set_locked(scene == Scene::Unlock)?;
        phone.spawn(&armed)?;
        if scene != Scene::FirstStart {
            phone.ready()?;
            let told = match scene {
                Scene::Device => json!({ "do": "pair" }),
                Scene::Unlock => self.reading(),
                _ => json!({ "do": "join", "invite": invite }),
            };
            phone.tell(&told)?;
        }
        if point == "companion.spool_drained" {
            phone.answer(PATIENCE)?;
            phone.set_locked(false)?;
            phone.tell(&json!({ "do": "network" }))?;
        }
        ensure!(self.pipe.reached(point, 1, PATIENCE), "never reached");
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
    async fn daily(&mut self, rounds: &[(Part, &'static str)]) -> anyhow::Result<()> {
        let (folder, patient, invite) = self.newcomer(self.phones.len()).await?;
        let mut phone = Phone::new(folder, false)?;
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        phone.joined(PATIENCE)?;
        for (part, point) in rounds {
            let n = u32::try_from(1 + self.seed.below(3))?;
            self.pipe.forget();
            let armed = self.pipe.hold_at(point, n);
            match part {
                Part::Phone => {
                    phone.kill()?;
                    phone.spawn(&armed)?;
                }
                other => self.house.spawn(*other, &armed)?,
            }
            let end = Instant::now() + PATIENCE;
            let mut passed = 0;
            while passed < n {
                ensure!(
                    Instant::now() < end,
                    "{point} was passed {passed} times of {n} (seed {})",
                    self.seed.start()
                );
                // something to do for everybody: a reading up, and a look at it
                let reading = self.reading();
                if *part == Part::Phone {
                    phone.tell(&reading)?;
                } else {
                    phone.keep(&reading, PATIENCE)?;
                    // the station may hold inside this very call
                    let look = self
                        .house
                        .look_at_everything(&patient, *point == "clinic.invite.kept");
                    if let Ok(looked) = tokio::time::timeout(LOOK, look).await {
                        looked?;
                    }
                }
                passed += self
                    .pipe
                    .count(point, n - passed, Duration::from_millis(400));
            }
            *self.hits.entry(point).or_default() += 1;
            // two at once, one time in five
            let both = self.seed.below(5) == 0;
            if *part == Part::Phone || both {
                phone.kill()?;
            }
            if *part != Part::Phone {
                self.house.restart(*part, &[]).await?;
            } else if both {
                self.house.restart(Part::Relay, &[]).await?;
            }
            if *part == Part::Phone || both {
                phone.start(&[])?;
            }
        }
        self.phones.push((phone, patient));
        Ok(())
    }

    /// Waits until every phone holds an acknowledgement for everything, and compares what both sides have.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let mut total = 0;
        for (phone, patient) in &mut self.phones {
            let journal = phone.acknowledged(PATIENCE * 2)?;
            let on_phone: BTreeSet<String> = journal.iter().cloned().collect();
            let readings = self.house.console().await?.readings(patient).await?;
            let at_station: Vec<String> = readings
                .iter()
                .filter_map(|r| r["id"].as_str().map(str::to_owned))
                .collect();
            let distinct: BTreeSet<String> = at_station.iter().cloned().collect();
            ensure!(
                distinct.len() == at_station.len(),
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
                distinct == on_phone,
                "phone and station hold different readings: {} and {}",
                on_phone.len(),
                distinct.len()
            );
            total += distinct.len();
        }
        eprintln!(
            "kill: {} phones, {total} readings, each exactly once",
            self.phones.len()
        );
        Ok(())
    }
}

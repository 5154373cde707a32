//! Journey *Kill*: SIGKILL of a real process that has just reported a named fault point. Whatever was killed where,
//! the station ends with each reading exactly once, and the phone with its acknowledgement.
//!
//! `TELEWARD_SEED` repeats a run; `TELEWARD_KILL_POINTS` sets how many kills (100; the soak takes 10,000).

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use teleward_tests::fault::FaultPipe;
use teleward_tests::house::{House, Part};
use teleward_tests::process::Process;
use teleward_tests::seed::Seed;

const PATIENCE: Duration = Duration::from_secs(60);

/// REQ-KILL-001: whatever process is killed at whatever fault point, each reading ends at the station exactly once and
/// is acknowledged. HAZ-LOST-001, HAZ-TWICE-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_and_repeats_nothing() -> anyhow::Result<()> {
    let mut seed = Seed::from_environment("TELEWARD_SEED")?;
    let kills: usize =
        std::env::var("TELEWARD_KILL_POINTS").map_or(Ok(100), |text| text.parse())?;
    eprintln!("kill: seed {}, {kills} points", seed.start());

    let mut house = House::start().await?;
    let patient = house
        .console()
        .await?
        .new_patient("Kay Illingworth", "K-1")
        .await?;
    let invite = house.console().await?.invite(&patient).await?;
    let folder = house.folder("phone")?;
    let pipe = FaultPipe::new(&house.folder("faults")?, "pipe")?;
    let mut phone = Some(start_phone(&folder, &[])?);
    ask(&mut phone, &json!({ "do": "join", "invite": invite }))?;

    let targets = targets();
    let mut hits: BTreeMap<&str, usize> = targets.iter().map(|(_, point)| (*point, 0)).collect();
    let mut kept = BTreeSet::new();
    let mut count = 0;
    for round in 0..kills {
        // every point in turn, then at random
        let (part, point) = if round < targets.len() {
            targets[round]
        } else {
            targets[seed.below(targets.len())]
        };
        let n = if round < targets.len() {
            1
        } else {
            u32::try_from(1 + seed.below(3))?
        };
        pipe.forget();
        let armed = pipe.hold_at(point, n);
        match part {
            Part::Phone => {
                phone.take().context("phone")?.kill()?;
                phone = Some(start_phone(&folder, &armed)?);
            }
            other => house.restart(other, &armed).await?,
        }
        let end = Instant::now() + PATIENCE;
        let mut reached = false;
        while !reached && Instant::now() < end {
            // something to do for everybody: a reading up, and a look at it
            count += 1;
            let draft = format!(
                "{:032x}",
                u128::from(seed.start()) << 32 | u128::from(u32::try_from(count)?)
            );
            let systolic = (100 + count % 80).to_string();
            let told = phone.as_mut().context("phone")?.tell(&json!({ "do": "reading", "draft": draft, "systolic": systolic, "diastolic": "80" }));
            reached = pipe.reached(point, n, Duration::from_millis(700));
            if told.is_ok() && !(reached && part == Part::Phone) {
                let answer = phone.as_ref().context("phone")?.next_json(PATIENCE)?;
                let id = answer["ok"]
                    .as_str()
                    .with_context(|| format!("a reading was not kept: {answer}"))?;
                kept.insert(id.to_owned());
            }
            if !reached && part == Part::Station {
                house.look_at_everything(&patient).await?;
            }
        }
        ensure!(reached, "{point} was never reached (seed {})", seed.start());
        *hits.entry(point).or_default() += 1;
        // two at once, one time in five
        let both = seed.below(5) == 0;
        if part == Part::Phone || both {
            phone.take().context("phone")?.kill()?;
        }
        if part != Part::Phone {
            house.restart(part, &[]).await?;
        }
        if phone.is_none() {
            phone = Some(start_phone(&folder, &[])?);
        }
    }
    for (point, hits) in &hits {
        eprintln!("kill: {hits:5}  {point}");
        ensure!(*hits > 0, "{point} was not hit");
    }
    settled(&mut phone, &house, &patient, &kept).await
}

/// Which process is killed at which points.
fn targets() -> Vec<(Part, &'static str)> {
    let of = |part, points: &'static [&'static str]| points.iter().map(move |point| (part, *point));
    let phone = of(Part::Phone, companion::FAULT_POINTS).chain(of(Part::Phone, post::FAULT_POINTS));
    phone
        .chain(of(Part::Relay, relay::FAULT_POINTS))
        .chain(of(Part::Station, clinic::FAULT_POINTS))
        .collect()
}

fn start_phone(
    folder: &std::path::Path,
    armed: &[(&'static str, String)],
) -> anyhow::Result<Process> {
    let phone = Process::start("teleward-patient", [folder], armed)?;
    phone.ready()?;
    Ok(phone)
}

fn ask(phone: &mut Option<Process>, question: &Value) -> anyhow::Result<Value> {
    let answer = phone.as_mut().context("phone")?.ask(question, PATIENCE)?;
    answer
        .get("ok")
        .cloned()
        .with_context(|| answer.to_string())
}

/// Waits until the phone holds an acknowledgement for everything, and compares what both sides have.
async fn settled(
    phone: &mut Option<Process>,
    house: &House,
    patient: &str,
    kept: &BTreeSet<String>,
) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE * 2;
    let journal = loop {
        ask(phone, &json!({ "do": "network" }))?;
        let journal = ask(phone, &json!({ "do": "history" }))?;
        let readings = journal.as_array().context("no history")?.clone();
        let open = readings
            .iter()
            .filter(|r| r["stage"] != "at the clinic" && r["stage"] != "looked at")
            .count();
        if open == 0 {
            break readings;
        }
        ensure!(
            Instant::now() < end,
            "{open} readings are not acknowledged: {}",
            ask(phone, &json!({ "do": "status" }))?
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let id_of = |reading: &Value| reading["id"].as_str().unwrap_or_default().to_owned();
    let on_phone: BTreeSet<String> = journal.iter().map(id_of).collect();
    let at_station: Vec<String> = house
        .console()
        .await?
        .readings(patient)
        .await?
        .iter()
        .map(id_of)
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
        kept.is_subset(&on_phone),
        "a reading that was reported as kept is gone"
    );
    ensure!(
        distinct == on_phone,
        "phone and station hold different readings"
    );
    eprintln!("kill: {} readings, each exactly once", distinct.len());
    Ok(())
}

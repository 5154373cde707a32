//! Journey *Kill*: SIGKILL of a real process that has just reported a named fault point; nothing lost, nothing twice.
//!
//! `TELEWARD_SEED` repeats a run's choices; `TELEWARD_KILL_POINTS` sets how many kills (100; the soak takes 10,000),
//! `TELEWARD_KILL_MINUTES` for how long at most.

use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use teleward_tests::kill::{Bounds, Journey, say, targets, unhit};
use teleward_tests::seed::Seed;

/// REQ-KILL-001: whatever process is killed at whatever fault point, each reading ends at the station exactly once and
/// is acknowledged. HAZ-LOST-001, HAZ-TWICE-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_and_repeats_nothing() -> anyhow::Result<()> {
    let seed = Seed::from_environment("TELEWARD_SEED")?;
    let kills = match std::env::var("TELEWARD_KILL_POINTS") {
        Ok(text) => text.parse()?,
        Err(_) => 100,
    };
    let until = match std::env::var("TELEWARD_KILL_MINUTES") {
        Ok(text) => Some(Instant::now() + Duration::from_secs(60 * text.parse::<u64>()?)),
        Err(_) => None,
    };
    let start = seed.start();
    say(&format!("seed {start}, {kills} kills"));
    let mut journey = Journey::new(seed).await?;
    let run = journey.run(&Bounds { kills, until }).await;
    run.with_context(|| format!("after {} kills with seed {start}", journey.kills()))
}

/// REQ-KILL-010: a run says which points it never hit, and every point in the sources belongs to the run.
#[test]
fn every_fault_point_is_a_target() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut in_sources = BTreeSet::new();
    for folder in ["core", "relay", "clinic", "cli", "bindings"] {
        points_in(&root.join(folder), &mut in_sources)?;
    }
    let targets: BTreeSet<String> = targets().iter().map(|(_, p)| (*p).to_owned()).collect();
    ensure!(
        in_sources == targets,
        "only in the sources: {:?}; only in the lists: {:?}",
        in_sources.difference(&targets).collect::<Vec<_>>(),
        targets.difference(&in_sources).collect::<Vec<_>>()
    );
    let hits = BTreeMap::from([("a", 1), ("b", 0)]);
    ensure!(unhit(&hits) == ["b"], "a point without a hit is told");
    Ok(())
}

/// The names in calls of `fault::point` under `folder/src` and deeper.
fn points_in(folder: &Path, found: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    for path in entries.iter().map(std::fs::DirEntry::path) {
        let passed_over = ["node_modules", "tests", "target"].map(PathBuf::from);
        if path.is_dir() && !passed_over.iter().any(|name| path.ends_with(name)) {
            points_in(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let calls = text.split("fault::point(\"").skip(1);
            found.extend(calls.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
        }
    }
    Ok(())
}

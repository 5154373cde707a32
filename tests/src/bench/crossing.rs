//! What one change costs across JNA: an app's calls in Kotlin on the JVM through the generated package, beside the same
//! calls in Rust, where there is no boundary. The steps and their numbers are those of
//! `tests/bindings/kotlin/Measure.kt`, which `tests/bindings/measure` compiles and starts.

use super::{Better, Figure, folder, mid_and_tail};
use anyhow::{Context as _, ensure};
use companion::{
    Companion, Config, HistoryQuery, ManualReading, ManualValues, Network, Ports, Revision,
};
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vault::FileVault;
use wire::Time;

/// Runs that count; a tenth of them where each waits for the disk.
const RUNS: u32 = 4000;
/// As in Kotlin, though nothing has to be compiled here.
const WARM_UP: u32 = 2000;

/// What the Kotlin program prints: nanoseconds, one number a run.
#[derive(Deserialize)]
struct Crossed {
    java: String,
    taken_ns: Vec<u64>,
    told_ns: Vec<u64>,
    kept_ns: Vec<u64>,
}

/// Both sides, one after the other.
///
/// # Errors
/// When the JVM is missing or one of them fails.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let run = std::env::var("TELEWARD_CROSSING")
        .context("TELEWARD_CROSSING is not set: run `cargo xtask bench crossing`")?;
    let folder = folder()?;
    let theirs = folder.path().join("jvm");
    std::fs::create_dir(&theirs)?;
    let output = Command::new(run)
        .arg(&theirs)
        .arg(RUNS.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the Kotlin program failed");
    let crossed: Crossed = serde_json::from_slice(&output.stdout)?;
    let own = without_boundary(&folder.path().join("rust")).await?;

    let peer = "the same calls on the same crate in Rust, no boundary, same disk and journal (SQLite WAL, synchronous=FULL)";
    let jvm = format!("JNA, JVM {}", crossed.java);
    let steps = [
        (
            "one change that is there already, taken",
            crossed.taken_ns,
            own.taken,
        ),
        (
            "one change, from a command to a waiting consumer",
            crossed.told_ns,
            own.told,
        ),
        (
            "a typed reading kept durably, told and read back",
            crossed.kept_ns,
            own.kept,
        ),
    ];
    let mut figures = Vec::new();
    for (what, theirs, own) in steps {
        let theirs = theirs.into_iter().map(Duration::from_nanos).collect();
        let (theirs, own) = (mid_and_tail(theirs)?, mid_and_tail(own)?);
        for (rank, value, without) in [("p50", theirs.0, own.0), ("p95", theirs.1, own.1)] {
            figures.push(Figure::beside(
                &format!("{jvm}: {what}, {rank}"),
                micros(value),
                "µs",
                peer,
                micros(without),
                None,
                Better::Lower,
            ));
        }
    }
    Ok(figures)
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

#[derive(Default)]
struct Times {
    taken: Vec<Duration>,
    told: Vec<Duration>,
    kept: Vec<Duration>,
}

async fn without_boundary(folder: &Path) -> anyhow::Result<Times> {
    let ports = Ports {
        key_vault: Arc::new(FileVault::open(&folder.join("keys"), None)?),
        radio: None,
    };
    let companion = Companion::open(Config::new(folder.join("data")), ports)?;
    for _ in 0..WARM_UP {
        taken(&companion).await?;
        told(&companion).await?;
    }
    for run in 0..RUNS / 10 {
        kept(&companion, run).await?;
    }
    let mut times = Times::default();
    for _ in 0..RUNS {
        times.taken.push(taken(&companion).await?);
    }
    for _ in 0..RUNS {
        times.told.push(told(&companion).await?);
    }
    for run in 0..RUNS / 10 {
        times.kept.push(kept(&companion, RUNS + run).await?);
    }
    companion.close().await;
    Ok(times)
}

async fn taken(companion: &Companion) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let changes = companion.next_change(Revision(0)).await?;
    let span = start.elapsed();
    ensure!(!changes.topics.is_empty(), "a change of nothing");
    Ok(span)
}

async fn told(companion: &Companion) -> anyhow::Result<Duration> {
    let now = companion.next_change(Revision(0)).await?.revision;
    let waiting = async {
        companion.next_change(now).await?;
        anyhow::Ok(Instant::now())
    };
    let command = async {
        let start = Instant::now();
        companion.network_changed(Network::Gone).await?;
        anyhow::Ok(start)
    };
    // the consumer waits before the command is given
    let (told, start) = tokio::try_join!(biased; waiting, command)?;
    Ok(told.saturating_duration_since(start))
}

async fn kept(companion: &Companion, run: u32) -> anyhow::Result<Duration> {
    let now = companion.next_change(Revision(0)).await?.revision;
    let typed = ManualReading {
        draft_id: format!("{run:032x}"),
        measured_at: Time::system(),
        values: ManualValues::BloodPressure {
            systolic: "131".into(),
            diastolic: "84".into(),
            pulse_rate: Some("62".into()),
            unit: reading::PressureUnit::MmHg,
        },
    };
    let start = Instant::now();
    let (_, id) = tokio::try_join!(
        biased;
        companion.next_change(now),
        companion.record_manual(typed)
    )?;
    let newest = HistoryQuery {
        kind: None,
        limit: 1,
    };
    let page = companion.history(newest, None).await?;
    let span = start.elapsed();
    let found = page.readings.first().map(|r| r.id.as_str());
    ensure!(found == Some(id.as_str()), "another reading is the newest");
    Ok(span)
}

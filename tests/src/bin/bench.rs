//! What is measured, beside its peers in the same run. Started by `cargo xtask bench`, which builds and fetches.
//!
//! usage: `bench [NAME…] [--json FILE]`. Prints each figure with the peer's version, command line and durability
//! setting; a missed goal says MISSED, and a part that this machine cannot measure says what it needs. Progress goes to
//! standard error. Ends with 1 when a part was not measured; a missed goal is a result and no failure.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its figures are its output, its progress goes to the person who waits"
)]

use anyhow::{Context as _, bail};
use std::process::ExitCode;
use std::time::Instant;
use teleward_tests::bench::{Figure, crossing, devices, disk, post, reading, screen, seal};

/// The benches, in the order in which they run.
const NAMES: [&str; 8] = [
    "disk", "reading", "seal", "post", "crossing", "screen", "radio", "devices",
];
/// Of these, the way of a reading, which `chain` means.
const CHAIN: usize = 7;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    teleward_tests::process::tls();
    let (mut names, mut file) = (Vec::new(), None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => file = Some(words.next().context("--json wants a file")?),
            "chain" => names.extend(NAMES.into_iter().take(CHAIN).map(str::to_owned)),
            known if NAMES.contains(&known) => names.push(word),
            other => bail!(
                "no bench `{other}`; there are: chain (all but devices), {}",
                NAMES.join(", ")
            ),
        }
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let mut figures: Vec<Figure> = Vec::new();
    let mut absent = Vec::new();
    for name in NAMES.into_iter().filter(|name| wanted(name)) {
        eprintln!("measuring: {name}");
        let start = Instant::now();
        match measure(name).await {
            Ok(found) => {
                for figure in &found {
                    println!("{figure}");
                }
                figures.extend(found);
                eprintln!("  {name} took {} s", start.elapsed().as_secs());
            }
            Err(error) => {
                println!("not measured: {name}: {error:#}");
                absent.push(name);
            }
        }
    }
    let goals = figures.iter().filter(|figure| figure.goal.is_some());
    let missed: Vec<&str> = figures
        .iter()
        .filter(|figure| figure.met() == Some(false))
        .map(|figure| figure.measure.as_str())
        .collect();
    println!("{} goals, {} missed", goals.count(), missed.len());
    for measure in missed {
        println!("  missed: {measure}");
    }
    if let Some(file) = file {
        std::fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n")
            .with_context(|| format!("{file} cannot be written"))?;
        eprintln!("written to {file}");
    }
    if absent.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not measured: {}", absent.join(", "));
    Ok(ExitCode::FAILURE)
}

async fn measure(name: &str) -> anyhow::Result<Vec<Figure>> {
    match name {
        "disk" => disk::measure(),
        "reading" => reading::measure(),
        "seal" => seal::measure(),
        "post" => post::measure().await,
        "crossing" => crossing::measure().await,
        "screen" => screen::host(),
        "radio" => screen::guest().await,
        "devices" => devices::measure().await,
        other => bail!("no bench `{other}`"),
    }
}

//! `cargo xtask bench` and `cargo xtask soak`: what is measured, and what is repeated for hours.
//!
//! Both only prepare: the benches and the journey are programs of the package `teleward-tests`. A bench runs its peers
//! in the same run, so they are fetched here, at pinned versions.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::job::Job;
use crate::{build, stock, tree};

/// The newest rage, whose sealing is that of the `age` crate of the same number.
const RAGE: &str = "0.12.1";
/// Peers are built and measured in less than this, or something hangs.
const BENCH_MINUTES: u64 = 30;
/// What a soak of ten thousand points may take.
const SOAK_MINUTES: u64 = 600;

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub struct BenchArgs {
    /// The benches to run; without one, all.
    names: Vec<String>,
    /// Write the results here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What `cargo xtask soak` takes.
#[derive(Args)]
pub struct SoakArgs {
    /// How often a process is killed.
    #[arg(long, default_value_t = 10_000)]
    points: u32,
    /// Begin nothing new after so many minutes; what was done until then is compared and told.
    #[arg(long)]
    minutes: Option<u32>,
    /// Repeat a run by the seed that it printed.
    #[arg(long)]
    seed: Option<u64>,
}

/// Fetches the peers, builds the benches optimised, runs them; true when they ran.
pub fn bench(args: &BenchArgs) -> Result<bool> {
    let mut built = None;
    let mut job = Job::start("bench", BENCH_MINUTES, &mut built)?;
    eprintln!(
        "fetching the peers; the log is {}",
        job.log_path().display()
    );
    let peers = stock::fetch(&mut job)?;
    let rage = rage(&mut job)?;
    let tus = tree::root().join("tests/bench/tus");
    job.run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&tus),
    )?;
    eprintln!("building the benches");
    let packages = ["--package", "teleward-tests", "--package", "teleward-cli"];
    job.run(
        Command::new(tree::cargo())
            .args(["build", "--release", "--bins"])
            .args(packages),
    )?;
    let release = tree::target().join("release");
    let mut bench = Command::new(release.join("bench"));
    bench.args(&args.names).current_dir(tree::root());
    if let Some(file) = &args.json {
        bench.arg("--json").arg(file);
    }
    bench
        .envs(peers)
        .env("TELEWARD_RAGE", rage)
        .env("TELEWARD_TUS", tus.join("server.mjs"));
    bench.env("TELEWARD_BIN", release.join("teleward"));
    Ok(bench.status()?.success())
}

/// Runs the journey *kill* for long; its result is for `docs/test-results.md`.
pub fn soak(args: &SoakArgs) -> Result<bool> {
    let mut built = None;
    let mut job = Job::start("soak", SOAK_MINUTES, &mut built)?;
    eprintln!("the log is {}", job.log_path().display());
    let mut environment = vec![("TELEWARD_KILL_POINTS", args.points.to_string().into())];
    environment.extend(
        args.seed
            .map(|seed| ("TELEWARD_SEED", seed.to_string().into())),
    );
    environment.extend(
        args.minutes
            .map(|minutes| ("TELEWARD_KILL_MINUTES", minutes.to_string().into())),
    );
    build::run_tests(&mut job, &environment, |test| {
        test.package == "teleward-tests" && test.name == "kill"
    })?;
    // the seed, what each block came to, and the hits of each point
    let log = std::fs::read_to_string(job.log_path())?;
    for line in log.lines().filter(|line| line.starts_with("kill: ")) {
        println!("{line}");
    }
    println!("{} s, {}", job.elapsed().as_secs(), job.note);
    Ok(true)
}

fn rage(job: &mut Job<'_>) -> Result<PathBuf> {
    let kept = tree::cache()?.join(format!("rage-{RAGE}"));
    let program = kept.join("bin/rage");
    if !program.is_file() {
        let install = [
            "install",
            "rage",
            "--version",
            RAGE,
            "--locked",
            "--quiet",
            "--root",
        ];
        let mut install_it = Command::new(tree::cargo());
        install_it
            .args(install)
            .arg(&kept)
            .env("CARGO_TARGET_DIR", kept.join("target"));
        job.run(&mut install_it)?;
        std::fs::remove_dir_all(kept.join("target"))?;
    }
    if !program.is_file() {
        bail!(
            "rage {RAGE} was built and left no program at {}",
            program.display()
        );
    }
    Ok(program)
}

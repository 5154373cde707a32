//! `cargo xtask bench` and `cargo xtask soak`: what is measured, and what is repeated for hours.
//!
//! Both only prepare: the benches and the journey are programs of the package `teleward-tests`. A bench runs its peers
//! in the same run, so they are fetched here, at pinned versions.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::job::Job;
use crate::{build, needs, part, stock, tree};

/// The newest rage, whose sealing is that of the `age` crate of the same number.
const RAGE: &str = "0.12.1";
/// The profile of what is measured, and the folder that cargo builds it to.
const PROFILE: &str = "measured";
/// Peers are built and measured in less than this, or something hangs.
const BENCH_MINUTES: u64 = 30;
/// What a soak of ten thousand points may take.
const SOAK_MINUTES: u64 = 600;

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub struct BenchArgs {
    /// The benches to run: disk, reading, seal, post, crossing, screen, radio (`chain` is these), devices; none is all.
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

/// What the way of a reading takes in: all benches but those of more devices.
const NOT_IN_CHAIN: &str = "devices";

/// One bench: what it needs is what that part of the tests needs.
struct Bench {
    name: &'static str,
    like_part: &'static str,
}

/// All of them. Each is told of in `docs/measurements/README.md`.
const BENCHES: [Bench; 8] = [
    bench_like("disk", "unit"),
    bench_like("reading", "unit"),
    bench_like("seal", "stock"),
    bench_like("post", "console"),
    bench_like("crossing", "bindings"),
    bench_like("screen", "browser"),
    bench_like("radio", "radio"),
    bench_like("devices", "radio"),
];

const fn bench_like(name: &'static str, like_part: &'static str) -> Bench {
    Bench { name, like_part }
}

/// Fetches the peers, builds the benches optimised, runs them; true when all that were asked for were measured. A
/// missed goal is a result.
pub fn bench(args: &BenchArgs) -> Result<bool> {
    let wanted = chosen(&args.names)?;
    let parts = part::all()?;
    let (mut names, mut absent) = (Vec::new(), Vec::new());
    for bench in wanted {
        let part = parts.iter().find(|part| part.name == bench.like_part);
        let part = part.with_context(|| format!("there is no part `{}`", bench.like_part))?;
        match needs::meet(&part.needs) {
            Ok(()) => names.push(bench.name),
            Err(missing) => absent.push(format!("not measured: {}: needs {missing}", bench.name)),
        }
    }
    let mut ended_well = absent.is_empty();
    if !names.is_empty() {
        ended_well &= prepare_and_run(&names, args.json.as_deref())?;
    }
    // behind the figures, where they are not overlooked
    for line in absent {
        println!("{line}");
    }
    Ok(ended_well)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Bench>> {
    let chain = names.iter().any(|name| name == "chain");
    for name in names {
        if name != "chain" && !BENCHES.iter().any(|bench| bench.name == name) {
            let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
            bail!(
                "no bench `{name}`; there are: chain (all but {NOT_IN_CHAIN}), {}",
                known.join(", ")
            );
        }
    }
    let is_wanted = |bench: &&Bench| {
        names.is_empty()
            || chain && bench.name != NOT_IN_CHAIN
            || names.iter().any(|name| name == bench.name)
    };
    Ok(BENCHES.iter().filter(is_wanted).collect())
}

fn prepare_and_run(names: &[&str], json: Option<&Path>) -> Result<bool> {
    let mut built = None;
    let mut job = Job::start("bench", BENCH_MINUTES, &mut built)?;
    eprintln!(
        "fetching the peers; the log is {}",
        job.log_path().display()
    );
    let built_to = tree::target().join(PROFILE);
    let tests = tree::root().join("tests");
    let mut environment: Vec<(&str, OsString)> =
        vec![("TELEWARD_BIN", built_to.join("teleward").into())];
    let mut packages = vec!["teleward-tests", "teleward-cli"];
    let npm = |job: &mut Job<'_>, folder: &Path, words: &[&str]| {
        job.run(Command::new("npm").args(words).current_dir(folder))
    };
    let install = ["ci", "--no-audit", "--no-fund"];
    for name in names {
        match *name {
            "seal" => {
                environment.extend(stock::fetch(&mut job)?);
                environment.push(("TELEWARD_RAGE", rage(&mut job)?.into()));
            }
            "post" => {
                let tus = tests.join("bench/tus");
                npm(&mut job, &tus, &install)?;
                environment.push(("TELEWARD_TUS", tus.join("server.mjs").into()));
            }
            "crossing" => {
                packages.extend(["teleward-bindings", "teleward-bindgen"]);
                environment.push(("TELEWARD_BUILT", built_to.clone().into()));
                environment.push(("TELEWARD_CROSSING", tests.join("bindings/measure").into()));
            }
            "screen" => {
                let console = tree::root().join("clinic/console");
                npm(&mut job, &console, &install)?;
                npm(&mut job, &console, &["run", "build"])?;
                npm(&mut job, &tests.join("browser"), &install)?;
                environment.push(("TELEWARD_SCREEN", tests.join("browser/measure.mjs").into()));
            }
            "radio" | "devices" => {
                environment.push(("TELEWARD_RADIO", tests.join("radio/run").into()))
            }
            _ => {}
        }
    }
    eprintln!("building the benches, optimised");
    let mut build = Command::new(tree::cargo());
    build.args(["build", "--profile", PROFILE, "--lib", "--bins"]);
    for package in packages {
        build.args(["--package", package]);
    }
    job.run(&mut build)?;
    let mut bench = Command::new(built_to.join("bench"));
    bench
        .args(names)
        .current_dir(tree::root())
        .envs(environment);
    if let Some(file) = json {
        bench.arg("--json").arg(file);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-BENCH-004: no name means every bench, and `chain` the way of a reading; a name that there is none of is refused with those there are.
    #[test]
    fn benches_are_chosen_by_name() {
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            chosen(&words).map(|found| found.iter().map(|bench| bench.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["seal", "disk"]).unwrap(), ["disk", "seal"]);
        assert_eq!(names(&[]).unwrap().len(), BENCHES.len());
        assert_eq!(names(&["chain", "seal"]).unwrap().len(), BENCHES.len() - 1);
        assert_eq!(names(&["chain", "devices"]).unwrap(), names(&[]).unwrap());
        let refused = names(&["chain", "speed"]).unwrap_err().to_string();
        assert!(
            refused.contains("`speed`") && refused.contains("crossing"),
            "{refused}"
        );
    }

    #[test]
    fn every_bench_has_a_part_to_take_its_needs_from() {
        let parts = part::all().unwrap();
        for bench in &BENCHES {
            assert!(
                parts.iter().any(|part| part.name == bench.like_part),
                "{}",
                bench.name
            );
        }
    }
}

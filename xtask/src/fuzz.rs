//! `cargo xtask fuzz`, and the extra part `fuzz`: every fuzz target for a minute, without a finding and over ten thousand
//! executions.
//!
//! What is found worth keeping goes to `fuzz/seeds/TARGET/`; the journey `corpus` replays it in every run.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::job::Job;
use crate::tree;

const PINNED: &str = "0.13.1";
/// Fewer executions in a run prove nothing.
const EXECUTIONS: u64 = 10_000;
/// What the building of all targets may take beside their running.
const BUILD_MINUTES: u64 = 30;

/// What `cargo xtask fuzz` takes.
#[derive(Args)]
pub struct FuzzArgs {
    /// The targets, by their file names in `fuzz/targets`; none is all.
    targets: Vec<String>,
    /// How long each of them runs.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
    /// Afterwards, keep as seeds those inputs of the corpus that reach what no seed reaches yet.
    #[arg(long)]
    keep: bool,
}

/// Runs targets for as long as asked.
pub fn run(args: &FuzzArgs) -> Result<bool> {
    let known = targets()?;
    if let Some(unknown) = args.targets.iter().find(|name| !known.contains(name)) {
        bail!("no target `{unknown}`; there are: {}", known.join(", "));
    }
    let wanted = if args.targets.is_empty() {
        known
    } else {
        args.targets.clone()
    };
    let count = u64::try_from(wanted.len())?;
    let mut built = None;
    let mut job = Job::start("fuzz", BUILD_MINUTES + count * args.minutes, &mut built)?;
    eprintln!("the log is {}", job.log_path().display());
    fuzz(&mut job, &wanted, args.minutes)?;
    if args.keep {
        for target in &wanted {
            // libFuzzer's merge adds what reaches further than all that is there, under a name made of its content
            fuzzer(
                &mut job,
                target,
                ["seeds", "corpus"],
                &["-merge=1", "-verbosity=0"],
            )?;
        }
    }
    println!("{} s, {}", job.elapsed().as_secs(), job.note);
    Ok(true)
}

/// The part: all targets for a minute.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    fuzz(job, &targets()?, 1)
}

fn fuzz(job: &mut Job<'_>, targets: &[String], minutes: u64) -> Result<()> {
    let mut told = Vec::new();
    for target in targets {
        let seconds = format!("-max_total_time={}", 60 * minutes);
        let words = [seconds.as_str(), "-verbosity=0", "-print_final_stats=1"];
        fuzzer(job, target, ["corpus", "seeds"], &words)?;
        let log = std::fs::read_to_string(job.log_path())?;
        let done =
            executions(&log).with_context(|| format!("{target} did not say how often it ran"))?;
        if done < EXECUTIONS {
            bail!("{target} ran {done} times in {minutes} min; {EXECUTIONS} or more are wanted");
        }
        told.push(format!("{target} {done}"));
    }
    job.note = format!("executions: {}", told.join(", "));
    Ok(())
}

/// Runs a target's libFuzzer on two folders; it writes to the first.
fn fuzzer(job: &mut Job<'_>, target: &str, folders: [&str; 2], words: &[&str]) -> Result<()> {
    let home = tree::root().join("fuzz");
    let mut run = Command::new(cargo_fuzz(job)?);
    // No sanitizer: they need an unstable compiler, and this code has no `unsafe` for them to watch.
    run.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
        .arg(&home)
        .arg(target);
    for name in folders {
        let folder = home.join(name).join(target);
        std::fs::create_dir_all(&folder)?;
        run.arg(folder);
    }
    run.arg("--")
        .args(words)
        .env("CARGO_TARGET_DIR", tree::target().join("xtask/fuzz"))
        .current_dir(&home);
    job.run(&mut run)
}

/// The targets are the files in `fuzz/targets`.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(tree::root().join("fuzz/targets"))? {
        let path = file?.path();
        names.extend(
            path.file_stem()
                .and_then(|stem| stem.to_str())
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

fn cargo_fuzz(job: &mut Job<'_>) -> Result<std::path::PathBuf> {
    let kept = tree::cache()?.join(format!("cargo-fuzz-{PINNED}"));
    let program = kept.join("bin/cargo-fuzz");
    if !program.is_file() {
        let install = [
            "install",
            "cargo-fuzz",
            "--version",
            PINNED,
            "--locked",
            "--debug",
            "--quiet",
            "--root",
        ];
        let mut install_it = Command::new(tree::cargo());
        job.run(
            install_it
                .args(install)
                .arg(&kept)
                .env("CARGO_TARGET_DIR", kept.join("target")),
        )?;
        std::fs::remove_dir_all(kept.join("target"))?;
    }
    Ok(program)
}

/// The last count in libFuzzer's closing statistics.
fn executions(log: &str) -> Option<u64> {
    let line = log
        .lines()
        .rev()
        .find(|line| line.starts_with("stat::number_of_executed_units:"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_is_taken() {
        let log = "stat::number_of_executed_units: 7\nx\nstat::number_of_executed_units: 198945\nstat::peak_rss_mb: 41\n";
        assert_eq!(executions(log), Some(198_945));
        assert_eq!(executions("nothing"), None);
    }
}

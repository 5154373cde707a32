//! The extra part `fuzz`: every fuzz target for a minute, without a finding and over ten thousand executions.
//!
//! What is found worth keeping goes to `fuzz/seeds/TARGET/` by hand; the journey `corpus` replays it in every run.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::tree;

const PINNED: &str = "0.13.1";
/// How long each target runs.
const SECONDS: u32 = 60;
/// Fewer executions in that time prove nothing.
const EXECUTIONS: u64 = 10_000;

/// Runs all targets.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let program = cargo_fuzz(job)?;
    let folder = tree::root().join("fuzz");
    let target_folder = tree::target().join("xtask/fuzz");
    let mut told = Vec::new();
    for target in targets()? {
        let seeds = folder.join("seeds").join(&target);
        std::fs::create_dir_all(&seeds)?;
        let corpus = folder.join("corpus").join(&target);
        std::fs::create_dir_all(&corpus)?;
        let mut run = Command::new(&program);
        // No sanitizer: they need an unstable compiler, and this code has no `unsafe` for them to watch.
        run.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
            .arg(&folder)
            .arg(&target);
        run.arg(&corpus)
            .arg(&seeds)
            .arg("--")
            .arg(format!("-max_total_time={SECONDS}"))
            .arg("-verbosity=0");
        run.arg("-print_final_stats=1")
            .env("CARGO_TARGET_DIR", &target_folder)
            .current_dir(&folder);
        job.run(&mut run)?;
        let log = std::fs::read_to_string(job.log_path())?;
        let done =
            executions(&log).with_context(|| format!("{target} did not say how often it ran"))?;
        if done < EXECUTIONS {
            bail!("{target} ran {done} times in {SECONDS} s; {EXECUTIONS} or more are wanted");
        }
        told.push(format!("{target} {done}"));
    }
    job.note = format!("executions: {}", told.join(", "));
    Ok(())
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

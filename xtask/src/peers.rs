//! The extra part `peers`: programs of an earlier commit beside today's, in every order of updating.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::job::Job;
use crate::tree;

/// Builds the earlier programs once, outside the checkout, and runs the journey with them.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let named = tree::root().join("tests/golden/upgrade/peer");
    let text = std::fs::read_to_string(&named)?;
    let commit = text.lines().next().unwrap_or_default().trim().to_owned();
    if commit.len() != 40 || !commit.bytes().all(|c| c.is_ascii_hexdigit()) {
        bail!("{} names no commit", named.display());
    }
    let kept = tree::cache()?.join(format!("peer-{commit}"));
    let (source, programs) = (kept.join("source"), kept.join("programs"));
    if !programs.join("teleward-patient").is_file() {
        std::fs::create_dir_all(&kept)?;
        if !source.is_dir() {
            let mut clone = Command::new("git");
            clone.args(["clone", "--quiet", "--no-checkout"]);
            job.run(clone.arg(tree::root()).arg(&source))
                .context("an earlier version comes from the repository's history: git is needed")?;
        }
        let mut checkout = Command::new("git");
        checkout
            .arg("-C")
            .arg(&source)
            .args(["checkout", "--quiet", &commit]);
        job.run(&mut checkout).context(
            "this clone does not hold the commit of the earlier version: fetch the whole history",
        )?;
        let mut make = Command::new(tree::cargo());
        make.args(["build", "--workspace", "--bins", "--target-dir"])
            .arg(kept.join("target"))
            .current_dir(&source);
        job.run(&mut make)?;
        std::fs::create_dir_all(&programs)?;
        for name in ["teleward", "teleward-patient"] {
            std::fs::copy(kept.join("target/debug").join(name), programs.join(name))?;
        }
        std::fs::remove_dir_all(kept.join("target"))?;
    }
    build::run_tests(job, &[("TELEWARD_PEER", programs.into())], |test| {
        test.package == "teleward-tests" && test.name == "peers"
    })
}

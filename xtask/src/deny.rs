//! The part `deny`: `cargo deny` over licences, bans and sources, as `deny.toml` says.
//!
//! The list of advisories lies in a git repository of its own and is not read here: a test run must not depend on a
//! download that no lock file pins. cargo-deny takes minutes to build, so it is built once and kept in the cache.

use std::process::Command;

use anyhow::Result;

use crate::job::Job;
use crate::tree;

const PINNED: &str = "0.19.0";

/// Runs cargo-deny, building it first where it is not kept yet.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let kept = tree::cache()?.join(format!("cargo-deny-{PINNED}"));
    let program = kept.join("bin/cargo-deny");
    if !program.is_file() {
        job.run(
            Command::new(tree::cargo())
                .args(["install", "cargo-deny", "--version", PINNED])
                .args([
                    "--locked",
                    "--debug",
                    "--no-default-features",
                    "--quiet",
                    "--root",
                ])
                .arg(&kept)
                // Its dependencies are not ours; with an own folder the two builds do not wait for one another.
                .env("CARGO_TARGET_DIR", kept.join("target")),
        )?;
        std::fs::remove_dir_all(kept.join("target"))?;
    }
    job.run(Command::new(program).args([
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

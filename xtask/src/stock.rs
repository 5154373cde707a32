//! The part `stock`: age files by tools of other hands, Go's `age` and npm's `age-encryption`, and the community's
//! test vectors. Fetched at the versions that `tests/stock` pins; the journey `tests/tests/stock.rs` does the rest.

use std::process::Command;

use anyhow::Result;

use crate::job::Job;
use crate::{build, tree};

/// Fetches the tools and runs the journey `stock` with them.
pub fn check(job: &mut Job<'_>, is_it: impl Fn(&build::TestProgram) -> bool) -> Result<()> {
    let project = tree::root().join("tests/stock");
    let tools = tree::target().join("xtask/stock");
    std::fs::create_dir_all(&tools)?;
    job.run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&project),
    )?;
    let mut fetch = Command::new("go");
    fetch.args(["mod", "download"]).env("GOTOOLCHAIN", "local");
    job.run(fetch.current_dir(&project))?;
    let mut go = Command::new("go");
    go.args(["build", "-o"])
        .arg(&tools)
        .args(["filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen"]);
    job.run(go.env("GOTOOLCHAIN", "local").current_dir(&project))?;
    let mut vectors = Command::new("go");
    vectors
        .args(["list", "-m", "-f", "{{.Dir}}", "c2sp.org/CCTV/age"])
        .env("GOTOOLCHAIN", "local");
    let vectors = job.read(vectors.current_dir(&project))?;
    let environment = [
        ("TELEWARD_GO_AGE", tools.join("age").into_os_string()),
        (
            "TELEWARD_GO_AGE_KEYGEN",
            tools.join("age-keygen").into_os_string(),
        ),
        ("TELEWARD_NPM_AGE", project.join("age.mjs").into_os_string()),
        (
            "TELEWARD_AGE_VECTORS",
            format!("{}/testdata", vectors.trim()).into(),
        ),
    ];
    build::run_tests(job, &environment, is_it)
}

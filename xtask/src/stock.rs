//! The part `stock`: age files by tools of other hands, Go's `age` and npm's `age-encryption`, and the community's
//! test vectors. Fetched at the versions that `tests/stock` pins; the journey `tests/tests/stock.rs` does the rest.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::job::Job;
use crate::{build, tree};

/// Fetches the tools and runs the journey `stock` with them.
pub fn check(job: &mut Job<'_>, is_it: impl Fn(&build::TestProgram) -> bool) -> Result<()> {
    let environment = fetch(job)?;
    build::run_tests(job, &environment, is_it)
}

/// Fetches the tools; gives back the variables that tell a test or bench where they are.
pub fn fetch(job: &mut Job<'_>) -> Result<Vec<(&'static str, OsString)>> {
    let project = tree::root().join("tests/stock");
    let tools = tree::target().join("xtask/stock");
    std::fs::create_dir_all(&tools)?;
    let npm = ["ci", "--no-audit", "--no-fund"];
    job.run(Command::new("npm").args(npm).current_dir(&project))?;
    let go = |words: &[&str]| {
        let mut go = Command::new("go");
        // The module proxy is for modules; a toolchain comes from the system.
        go.args(words)
            .env("GOTOOLCHAIN", "local")
            .current_dir(&project);
        go
    };
    job.run(&mut go(&["mod", "download"]))?;
    let programs = ["filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen"];
    job.run(go(&["build", "-o"]).arg(&tools).args(programs))?;
    let vectors = job.read(&mut go(&[
        "list",
        "-m",
        "-f",
        "{{.Dir}}",
        "c2sp.org/CCTV/age",
    ]))?;
    Ok(vec![
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
    ])
}

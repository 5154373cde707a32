//! The part `fhir`: what we write as FHIR goes before two judges of other hands, HAPI and PyPI's fhir.resources.
//!
//! In: every resource in `tests/golden/fhir/`, which the reading crate's own tests compare with what it writes. Copies
//! of them, each spoilt in one way, must be refused: a judge that lets everything pass proves nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::job::Job;
use crate::tree;

/// The resources that are judged.
pub const GOLDEN: &str = "tests/golden/fhir";
/// A folder with the definitions of the Personal Health Device guide, which are not ours to hand on. Without it, the
/// names of its profiles only have to resolve.
const GUIDE: &str = "TELEWARD_FHIR_DEFINITIONS";

/// Runs both judges.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let project = tree::root().join("tests/fhir");
    let golden = tree::root().join(GOLDEN);
    let work = tree::target().join("xtask/fhir");
    let python = python(job, &project, &work)?;
    let judge = project.join("judge.py");
    job.run(Command::new(&python).arg(&judge).arg("check").arg(&golden))?;
    let spoilt = work.join("spoilt");
    job.run(
        Command::new(&python)
            .arg(&judge)
            .arg("spoil")
            .arg(&golden)
            .arg(&spoilt),
    )?;

    let mut build = Command::new("mvn");
    build
        .args(["-B", "-q", "package"])
        .arg(format!("-Djudge.target={}", work.join("hapi").display()));
    job.run(build.current_dir(&project))?;
    let mut hapi = Command::new("java");
    hapi.arg("-jar").arg(work.join("hapi/fhir-judge.jar"));
    hapi.arg("--definitions").arg(project.join("definitions"));
    let guide = std::env::var_os(GUIDE).map_or_else(|| project.join("stand-ins"), PathBuf::from);
    hapi.arg("--definitions").arg(guide);
    let refused = golden.join("refused");
    hapi.arg("--good")
        .arg(&golden)
        .arg("--bad")
        .arg(&spoilt)
        .arg("--bad")
        .arg(refused);
    job.run(&mut hapi)?;
    job.note = format!(
        "{} resources and {} spoilt copies",
        count(&golden)?,
        count(&spoilt)?
    );
    Ok(())
}

/// An interpreter that has the second judge's packages.
fn python(job: &mut Job<'_>, project: &Path, work: &Path) -> Result<PathBuf> {
    let venv = work.join("venv");
    let python = venv.join("bin/python");
    if !python.is_file() {
        job.run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let wanted = project.join("requirements.txt");
    job.run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(wanted),
    )?;
    Ok(python)
}

fn count(folder: &Path) -> Result<usize> {
    let mut found = 0;
    for file in std::fs::read_dir(folder)? {
        if file?.path().extension().is_some_and(|ext| ext == "json") {
            found += 1;
        }
    }
    Ok(found)
}

//! `cargo xtask demo`: builds what is missing and hands over to `teleward demo`, which takes the same words.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{needs, part, tree};

/// Builds and runs; true when the demo ended well.
pub fn run(words: &[String]) -> Result<bool> {
    if let Err(missing) = needs::meet(&part::to_build_everything()) {
        bail!("the demo cannot be built: {missing}");
    }
    let console = tree::root().join("clinic/console");
    if !console.join("dist/index.html").is_file() {
        // Standard output is kept for what the demo itself prints.
        eprintln!("building the console");
        for npm in [
            &["ci", "--no-audit", "--no-fund", "--silent"][..],
            &["run", "build", "--silent"],
        ] {
            quietly(Command::new("npm").args(npm).current_dir(&console))?;
        }
    }
    eprintln!("building teleward");
    let mut build = Command::new(tree::cargo());
    build
        .args(["build", "--package", "teleward-cli", "--bin", "teleward"])
        .current_dir(tree::root());
    quietly(&mut build)?;
    let program = tree::target().join("debug/teleward");
    let ended = Command::new(&program)
        .arg("demo")
        .args(words)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(ended.success())
}

/// Runs a program whose standard output nobody needs.
fn quietly(command: &mut Command) -> Result<()> {
    let status = command
        .stdout(Stdio::null())
        .status()
        .context("a program could not be started")?;
    if !status.success() {
        bail!("{command:?} ended with {status}: what it said stands above");
    }
    Ok(())
}

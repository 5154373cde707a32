//! `cargo xtask demo`: builds what is missing and becomes `teleward demo`, which takes the same words.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{needs, part, tree};

/// Builds, and becomes the demo; comes back only when that cannot be.
pub fn run(words: &[String]) -> Result<bool> {
    if let Err(missing) = needs::meet(&part::to_build_everything()) {
        bail!("the demo cannot be built: {missing}");
    }
    let console = tree::root().join("clinic/console");
    if is_stale(&console)? {
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
    // In its place and not beside it: Ctrl-C and SIGTERM reach the demo itself, and whoever waits for us waits for it.
    let failed = Command::new(&program).arg("demo").args(words).exec();
    Err(failed).with_context(|| format!("cannot start {}", program.display()))
}

/// Whether the console was never built, or a source of it changed since.
fn is_stale(console: &Path) -> Result<bool> {
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified());
    let Ok(built) = changed(&console.join("dist/index.html")) else {
        return Ok(true);
    };
    let sources = tree::files()?
        .into_iter()
        .map(|file| tree::root().join(file))
        .filter(|file| file.starts_with(console));
    for source in sources {
        if changed(&source)? > built {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs a program whose standard output nobody needs.
fn quietly(command: &mut Command) -> Result<()> {
    tree::forget_us(command);
    let status = command
        .stdout(Stdio::null())
        .status()
        .context("a program could not be started")?;
    if !status.success() {
        bail!("{command:?} ended with {status}: what it said stands above");
    }
    Ok(())
}

//! `teleward completions` and `teleward man`: both made from the same definition that parses the words.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;

use crate::exit::Done;
use crate::out;

/// Print the completions for a shell.
#[derive(clap::Args)]
#[command(
    after_help = "Example: teleward completions bash > ~/.local/share/bash-completion/completions/teleward"
)]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Write the manual pages, one for each command, into a folder.
#[derive(clap::Args)]
#[command(after_help = "Example: teleward man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder; it is made when it is missing.
    dir: PathBuf,
}

/// Completions on standard output.
pub fn completions(args: &CompletionsArgs, mut definition: Command) -> Result<Done> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "teleward", &mut text);
    out::bytes(&text)?;
    Ok(Done::Well)
}

/// `teleward.1`, `teleward-doctor.1` and so on.
pub fn man(args: &ManArgs, definition: Command) -> Result<Done> {
    std::fs::create_dir_all(&args.dir)
        .and_then(|()| clap_mangen::generate_to(definition, &args.dir))
        .with_context(|| {
            format!(
                "cannot write to {}: choose a folder that you may write",
                args.dir.display()
            )
        })?;
    Ok(Done::Well)
}

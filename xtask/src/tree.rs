//! Where things are: the checkout, cargo's target folder, the cache that outlives a checkout.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the checkout.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the checkout.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// What may be kept from one checkout to the next: tools that take minutes to build.
pub fn cache() -> Result<PathBuf> {
    let home = env::var_os("HOME")
        .context("HOME is not set: set it to a folder where tools may be kept")?;
    Ok(PathBuf::from(home).join(".cache/teleward"))
}

/// The cargo that runs us.
pub fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The project's own files: tracked, and new ones that are not ignored.
pub fn files() -> Result<Vec<PathBuf>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .context("git could not be started: install git")?;
    if !listed.status.success() {
        bail!(
            "git ls-files failed in {}: run this in a clone of the repository",
            root().display()
        );
    }
    let names =
        String::from_utf8(listed.stdout).context("a file name in the repository is not UTF-8")?;
    let mut files: Vec<PathBuf> = names
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|name| root().join(name).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

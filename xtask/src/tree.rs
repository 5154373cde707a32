//! Where things are: the checkout, cargo's target folder, the cache that outlives a checkout.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the checkout: that from which cargo runs this program. Two checkouts that share a target folder share the
/// program, too, and where it was built may be the other one.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or(here.clone(), Path::to_path_buf)
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

/// Takes away what `cargo run` tells a program about itself. Build scripts that look at these variables (ring's does)
/// would else run again, and much with them, each time `cargo xtask` and plain `cargo` take turns.
pub fn forget_us(command: &mut Command) {
    forget(command, env::vars_os().map(|(name, _)| name));
}

/// Takes those of these names away that tell about us, unless the command was given one on purpose.
fn forget(command: &mut Command, inherited: impl Iterator<Item = OsString>) {
    let ours = |name: &str| {
        name.starts_with("CARGO_PKG_")
            || [
                "CARGO_MANIFEST_DIR",
                "CARGO_MANIFEST_PATH",
                "CARGO_MANIFEST_LINKS",
            ]
            .contains(&name)
    };
    let set: Vec<OsString> = command
        .get_envs()
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in inherited {
        if name.to_str().is_some_and(ours) && !set.contains(&name) {
            command.env_remove(name);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_not_told_who_started_it_unless_it_was_meant_to_be() {
        let mut command = Command::new("true");
        command.env("CARGO_MANIFEST_DIR", "/wanted");
        let inherited = ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "PATH"];
        forget(&mut command, inherited.into_iter().map(OsString::from));
        let set: Vec<_> = command.get_envs().collect();
        let of = |wanted: &str| {
            set.iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| *value)
        };
        assert_eq!(of("CARGO_MANIFEST_DIR"), Some(Some("/wanted".as_ref())));
        assert_eq!(of("CARGO_PKG_NAME"), Some(None));
        assert_eq!(of("PATH"), None);
    }
}

//! What a part needs from the machine, and how a Debian machine gets it.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// One thing that must be there before a part can run.
pub enum Need {
    /// A program on the path, and the Debian package that brings it (empty: Debian has none that is new enough).
    Program(&'static str, &'static str),
    /// A Debian package without a program of its own, such as a library's headers.
    Package(&'static str),
    /// A module of Python, and the Debian package that brings it.
    Module(&'static str, &'static str),
    /// A program on the path of at least this version, asked for with these words; Debian's is too old.
    Version(&'static str, &'static [&'static str], (u32, u32)),
}

impl Need {
    /// Why the need is not met, in words; nothing when it is.
    fn missing(&self) -> Option<String> {
        match self {
            Self::Program(name, _) => {
                (!on_path(name)).then(|| format!("`{name}` is not installed"))
            }
            Self::Package(name) => {
                (!installed(name)).then(|| format!("the Debian package {name} is not installed"))
            }
            Self::Module(name, _) => {
                let found = Command::new("python3")
                    .args(["-c", &format!("import {name}")])
                    .output();
                let found = found.is_ok_and(|out| out.status.success());
                (!found).then(|| format!("Python has no module `{name}`"))
            }
            Self::Version(name, words, (major, minor)) => {
                let found = Command::new(name).args(*words).output().ok();
                let found = found.and_then(|out| version_in(&String::from_utf8_lossy(&out.stdout)));
                match found {
                    Some(found) if found >= (*major, *minor) => None,
                    Some((a, b)) => Some(format!(
                        "`{name}` is {a}.{b}; {major}.{minor} or later is needed"
                    )),
                    None => Some(format!(
                        "`{name}` {major}.{minor} or later is not installed"
                    )),
                }
            }
        }
    }

    fn package(&self) -> Option<&'static str> {
        match self {
            Self::Program(_, "") | Self::Version(..) => None,
            Self::Program(_, package) | Self::Package(package) | Self::Module(_, package) => {
                Some(package)
            }
        }
    }
}

/// Sees to it that all needs are met, installing Debian packages where that is allowed. Gives back what is still
/// missing, in words.
pub fn meet(needs: &[Need]) -> Result<(), String> {
    let absent: Vec<&'static str> = needs
        .iter()
        .filter(|need| need.missing().is_some())
        .filter_map(Need::package)
        .collect();
    if !absent.is_empty() && may_install() {
        install(&absent);
    }
    let missing: Vec<String> = needs.iter().filter_map(Need::missing).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(missing.join("; "))
    }
}

fn may_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0");
    root && on_path("apt-get")
}

/// A failure shows as the need that is still missing.
fn install(packages: &[&str]) {
    // Standard output belongs to whoever needs the packages: the demo prints one line there.
    eprintln!("  installing the Debian packages {}", packages.join(" "));
    let apt = |words: &[&str]| {
        Command::new("apt-get")
            .args(["-q", "-y"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let words = [&["install", "--no-install-recommends"], packages].concat();
    if !apt(&words) {
        // Old package lists name versions that are gone.
        let _ = apt(&["update"]) && apt(&words);
    }
}

fn on_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_program(&folder.join(name)))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .is_ok_and(|out| out.stdout == b"installed")
}

/// The first `N.N` in what a program says of itself.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find_map(|word| {
            let mut numbers = word.split('.');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(version_in("v20.20.2"), Some((20, 20)));
        assert_eq!(version_in("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(version_in("no number here."), None);
    }

    #[test]
    fn a_missing_program_is_named() {
        let need = [Need::Program("teleward-no-such-program", "")];
        assert_eq!(
            meet(&need),
            Err("`teleward-no-such-program` is not installed".to_owned())
        );
    }
}

//! The one build: every library, program and test of the workspace, in one profile and one feature set.
//!
//! Parts run the programs it made; none of them calls cargo for a build of its own, which would unify features
//! differently and build the dependencies again.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::job::Job;
use crate::tree;

/// So much of what failed tests say is shown again; the log has the rest.
const LINES_OF_WHY: usize = 40;

/// What the build left on disk.
pub struct Built {
    tests: Vec<TestProgram>,
    programs: Vec<(String, PathBuf)>,
}

/// One test executable.
#[derive(Clone)]
pub struct TestProgram {
    /// The package it belongs to, as in its manifest.
    pub package: String,
    /// The target: a file in `tests/`, or the library or program itself.
    pub name: String,
    /// The package's folder, where tests expect to run.
    pub folder: PathBuf,
    program: PathBuf,
}

impl Built {
    /// A plain program by name, such as `teleward`.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        self.programs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, path)| path.clone())
            .with_context(|| format!("the workspace builds no program `{name}`"))
    }
}

/// The build, made now if nobody made it before.
pub fn everything<'j>(job: &'j mut Job<'_>) -> Result<&'j Built> {
    if job.built.is_none() {
        let printed = job.read(
            Command::new(tree::cargo())
                .args([
                    "build",
                    "--workspace",
                    "--all-targets",
                    "--message-format=json-render-diagnostics",
                ])
                .env("CARGO_TERM_COLOR", "never"),
        )?;
        *job.built = Some(parse(&printed)?);
    }
    job.built.as_ref().context("the build left nothing")
}

/// Runs the test programs that `wanted` names, each in its package's folder; counts their tests in the job's note.
pub fn run_tests(
    job: &mut Job<'_>,
    environment: &[(&str, OsString)],
    wanted: impl Fn(&TestProgram) -> bool,
) -> Result<()> {
    let chosen: Vec<TestProgram> = everything(job)?
        .tests
        .iter()
        .filter(|test| wanted(test))
        .cloned()
        .collect();
    anyhow::ensure!(!chosen.is_empty(), "no test program of that name was built");
    let teleward = everything(job)?.program("teleward").ok();
    let (mut failed, mut words) = (Vec::new(), Vec::new());
    for test in &chosen {
        let mut command = Command::new(&test.program);
        // A test that is left out by hand needs what its part has seen to.
        command.args((!environment.is_empty()).then_some("--include-ignored"));
        command
            .current_dir(&test.folder)
            .env("CARGO_MANIFEST_DIR", &test.folder)
            // An error's own words must stand at the end of the log, not sixty frames above it.
            .env("RUST_LIB_BACKTRACE", "0");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        if let Some(teleward) = &teleward {
            command.env("TELEWARD_BIN", teleward);
        }
        let before = std::fs::metadata(job.log_path())?.len();
        if job.run(&mut command).is_err() {
            failed.push(format!("{} {}", test.package, test.name));
            let log = std::fs::read(job.log_path())?;
            let own = log.get(usize::try_from(before)?..).unwrap_or_default();
            words.extend(why(&String::from_utf8_lossy(own)));
        }
    }
    // Once more at the end, which is what is shown of a log.
    for line in words {
        job.say(&line)?;
    }
    job.note = count(&std::fs::read_to_string(job.log_path())?);
    anyhow::ensure!(
        failed.is_empty(),
        "these test programs failed: {}",
        failed.join(", ")
    );
    Ok(())
}

/// What libtest says of each test that failed, without the frames of a backtrace.
fn why(log: &str) -> Vec<String> {
    let mut lines = log.lines().skip_while(|line| *line != "failures:");
    lines.next();
    let mut shown = Vec::new();
    let mut in_frames = false;
    for line in lines.take_while(|line| *line != "failures:") {
        if line.starts_with("---- ") || line.starts_with("thread '") {
            in_frames = false;
        } else if line == "stack backtrace:" {
            in_frames = true;
        }
        if !in_frames && !line.is_empty() && shown.len() < LINES_OF_WHY {
            shown.push(line.to_owned());
        }
    }
    shown
}

/// Sums libtest's closing lines.
fn count(log: &str) -> String {
    let mut passed = 0_u64;
    let mut ignored = 0_u64;
    for line in log.lines().filter(|line| line.starts_with("test result:")) {
        for item in line.split(['.', ';']) {
            let mut words = item.split_whitespace();
            let (number, what) = (
                words.next().and_then(|word| word.parse::<u64>().ok()),
                words.next(),
            );
            match (number, what) {
                (Some(number), Some("passed")) => passed += number,
                (Some(number), Some("ignored")) => ignored += number,
                _ => {}
            }
        }
    }
    if ignored == 0 {
        format!("{passed} tests")
    } else {
        format!("{passed} tests, {ignored} ignored")
    }
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    package_id: Option<String>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

fn parse(printed: &str) -> Result<Built> {
    let mut built = Built {
        tests: Vec::new(),
        programs: Vec::new(),
    };
    for line in printed.lines().filter(|line| line.starts_with('{')) {
        let message: Message =
            serde_json::from_str(line).context("cargo printed a message of an unknown shape")?;
        let (Some(program), Some(target), Some(profile), Some(manifest), Some(id)) = (
            message.executable,
            message.target,
            message.profile,
            message.manifest_path,
            message.package_id,
        ) else {
            continue;
        };
        if message.reason != "compiler-artifact" {
            continue;
        }
        if profile.test {
            let folder = manifest.parent().map(PathBuf::from).unwrap_or_default();
            built.tests.push(TestProgram {
                package: package(&id),
                name: target.name,
                folder,
                program,
            });
        } else if target.kind.iter().any(|kind| kind == "bin") {
            built.programs.push((target.name, program));
        }
    }
    built
        .tests
        .sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(built)
}

/// The name inside a package id: `path+file:///…/relay#teleward-relay@0.1.0`, or `…/xtask#0.1.0` when the folder has
/// the package's own name.
fn package(id: &str) -> String {
    let (path, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    match fragment.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or(path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_and_programs_are_told_apart() {
        let line = |test: bool, kind: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/relay#teleward-relay@0.1.0","manifest_path":"/w/relay/Cargo.toml","target":{{"name":"flood","kind":["{kind}"]}},"profile":{{"test":{test}}},"executable":"/t/flood"}}"#
            )
        };
        let built = parse(&format!(
            "{}\n{}\nnot json\n",
            line(true, "test"),
            line(false, "bin")
        ))
        .unwrap();
        assert_eq!(built.tests.len(), 1);
        assert_eq!(built.tests[0].package, "teleward-relay");
        assert_eq!(built.tests[0].folder, PathBuf::from("/w/relay"));
        assert_eq!(built.program("flood").unwrap(), PathBuf::from("/t/flood"));
        assert!(built.program("absent").is_err());
    }

    #[test]
    fn a_package_named_like_its_folder_is_found() {
        assert_eq!(package("path+file:///w/xtask#0.1.0"), "xtask");
    }

    #[test]
    fn what_a_failed_test_said_is_found_without_its_frames() {
        let log = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\nthread 'a' (7) panicked at x.rs:1:1:\nbusy\n\
                   stack backtrace:\n   0: begin\n             at /rust\n\n---- b stdout ----\nlate\n\nfailures:\n    a\n    b\n";
        let words = [
            "---- a stdout ----",
            "thread 'a' (7) panicked at x.rs:1:1:",
            "busy",
            "---- b stdout ----",
            "late",
        ];
        assert_eq!(why(log), words);
        assert!(why("test result: ok. 3 passed; 0 failed").is_empty());
    }

    #[test]
    fn tests_are_counted_over_all_programs() {
        let log = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                   test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        assert_eq!(count(log), "7 tests, 1 ignored");
    }
}

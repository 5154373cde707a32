//! The table of parts: what `cargo xtask test` can run, in the order in which it runs them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::job::Job;
use crate::needs::Need;
use crate::{build, deny, fhir, fuzz, house, links, peers, stock, trace, tree};

/// Which of the two sets a part belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Runs always; `--require-all` means all of these.
    Required,
    /// Runs only when asked for: takes long, or needs a machine of its own.
    Extra,
}

/// What a part does.
pub type Run = Box<dyn Fn(&mut Job<'_>) -> Result<()>>;

/// One part.
pub struct Part {
    /// What a person types.
    pub name: String,
    /// Which set it is in.
    pub set: Set,
    /// What it shows, in a few words.
    pub about: String,
    /// What it needs from the machine.
    pub needs: Vec<Need>,
    /// How long it may take on a warm two-core machine.
    pub budget_minutes: u64,
    /// Does it.
    pub run: Run,
}

const NODE: Need = Need::Version("node", &["--version"], (20, 0));

/// Go's age needs a newer Go than Debian 12 has.
const GO: Need = Need::Version("go", &["version"], (1, 25));

/// What every build of the workspace needs: a linker, and D-Bus for the Bluetooth radio.
fn compiler() -> Vec<Need> {
    vec![
        Need::Program("cc", "gcc"),
        Need::Program("pkg-config", "pkg-config"),
        Need::Package("libdbus-1-dev"),
    ]
}

/// What `cargo xtask demo` needs.
pub fn to_build_everything() -> Vec<Need> {
    compiler().into_iter().chain([NODE]).collect()
}

/// All parts. Cheap ones stand first; the console stands before the build, which takes its files in.
pub fn all() -> Result<Vec<Part>> {
    let mut parts = vec![
        required("fmt", "the sources are formatted", 1, vec![], |job| {
            job.run(Command::new(tree::cargo()).args(["fmt", "--all", "--check"]))
        }),
        required(
            "house",
            "every crate depends only on what the design lets it",
            1,
            vec![],
            house::check,
        ),
        required(
            "trace",
            "every requirement and hazard has a test, and every test a known one",
            1,
            vec![],
            trace::check,
        ),
        required(
            "links",
            "every link in the documentation leads somewhere",
            1,
            vec![],
            links::check,
        ),
        required(
            "deny",
            "licences and sources of all dependencies",
            2,
            compiler(),
            deny::check,
        ),
    ];
    if tree::root().join("clinic/console/package.json").is_file() {
        parts.push(required(
            "console",
            "the console: lint, tests, build",
            3,
            vec![NODE],
            console,
        ));
    }
    parts.extend([
        required(
            "clippy",
            "no warning of the compiler or of clippy",
            3,
            compiler(),
            |job| {
                let words = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "-D",
                    "warnings",
                ];
                job.run(Command::new(tree::cargo()).args(words))
            },
        ),
        required(
            "docs",
            "the crates' documentation builds without a warning",
            3,
            compiler(),
            |job| {
                let words = ["doc", "--workspace", "--no-deps"];
                job.run(
                    Command::new(tree::cargo())
                        .args(words)
                        .env("RUSTDOCFLAGS", "-D warnings"),
                )
            },
        ),
        required(
            "unit",
            "the crates' own tests, and the examples in their documentation",
            5,
            // A core dump of the relay is searched where the kernel hands dumps to a program; BlueZ's agent manager is played
            // on a bus of its own.
            compiler()
                .into_iter()
                .chain([
                    Need::Program("gcore", "gdb"),
                    Need::Program("dbus-daemon", "dbus"),
                ])
                .collect(),
            unit,
        ),
    ]);
    parts.extend(journeys()?);
    parts.extend(scripts());
    if tree::root().join(fhir::GOLDEN).is_dir() {
        let needs = vec![
            Need::Program("java", "openjdk-17-jre-headless"),
            Need::Program("javac", "openjdk-17-jdk-headless"),
            Need::Program("mvn", "maven"),
            Need::Program("python3", "python3"),
            Need::Module("ensurepip", "python3-venv"),
        ];
        parts.push(required(
            "fhir",
            "two judges of other hands pass our FHIR",
            3,
            needs,
            fhir::check,
        ));
    }
    parts.push(Part {
        set: Set::Extra,
        ..required(
            "fuzz",
            "every reader of bytes from outside, a minute each",
            15,
            compiler(),
            fuzz::check,
        )
    });
    Ok(parts)
}

fn required(
    name: &str,
    about: &str,
    budget_minutes: u64,
    needs: Vec<Need>,
    run: impl Fn(&mut Job<'_>) -> Result<()> + 'static,
) -> Part {
    Part {
        name: name.to_owned(),
        set: Set::Required,
        about: about.to_owned(),
        needs,
        budget_minutes,
        run: Box::new(run),
    }
}

fn console(job: &mut Job<'_>) -> Result<()> {
    for words in [
        &["ci", "--no-audit", "--no-fund"][..],
        &["run", "lint"],
        &["test"],
        &["run", "build"],
    ] {
        job.run(
            Command::new("npm")
                .args(words)
                .current_dir(tree::root().join("clinic/console")),
        )?;
    }
    Ok(())
}

fn unit(job: &mut Job<'_>) -> Result<()> {
    build::run_tests(job, &[], |test| test.package != JOURNEYS)?;
    job.run(Command::new(tree::cargo()).args(["test", "--workspace", "--doc", "--quiet"]))
}

/// Journeys that are no Rust: a program `tests/NAME/run`, told by `TELEWARD_BIN` where the built `teleward` is.
fn scripts() -> Vec<Part> {
    let table = [
        (
            "relay",
            "the relay's interface as its OpenAPI document has it, by an outside tool",
            3,
            vec![python()],
        ),
        (
            "radio",
            "home devices over real BlueZ and SMP, in a QEMU guest",
            4,
            radio(),
        ),
        (
            "browser",
            "a clinician in Chromium",
            3,
            vec![NODE, Need::Program("chromium", "chromium")],
        ),
        (
            "bindings",
            "the same journey in Kotlin and in Python",
            4,
            vec![
                python(),
                NODE,
                Need::Program("javac", "openjdk-17-jdk-headless"),
                Need::Package("libjna-java"),
                Need::Package("libjna-jni"),
            ],
        ),
    ];
    let mut parts = Vec::new();
    for (name, about, budget_minutes, needs) in table {
        let program = tree::root().join("tests").join(name).join("run");
        if program.is_file() {
            let needs = compiler().into_iter().chain(needs).collect();
            parts.push(required(name, about, budget_minutes, needs, move |job| {
                script(job, &program, &[])
            }));
        }
    }
    let program = tree::root().join("tests/radio/run");
    if program.is_file() {
        let needs = compiler().into_iter().chain(radio()).collect();
        let about = "home devices in the guest, the longer matrix: meters, a passkey, a full memory, each packet lost";
        parts.push(Part {
            set: Set::Extra,
            ..required("radio-matrix", about, 15, needs, move |job| {
                script(job, &program, &["--extra"])
            })
        });
    }
    parts
}

fn script(job: &mut Job<'_>, program: &Path, words: &[&str]) -> Result<()> {
    let teleward = build::everything(job)?.program("teleward")?;
    job.run(
        Command::new(program)
            .args(words)
            .env("TELEWARD_BIN", teleward),
    )
}

fn python() -> Need {
    Need::Module("ensurepip", "python3-venv")
}

/// What the guest of the journey *Radio* is made of and run by.
fn radio() -> Vec<Need> {
    vec![
        python(),
        Need::Program("qemu-system-x86_64", "qemu-system-x86"),
        Need::Package("bluez"),
        Need::Package("busybox-static"),
        Need::Program("dbus-daemon", "dbus"),
        Need::Program("cpio", "cpio"),
        Need::Program("depmod", "kmod"),
        Need::Program("strip", "binutils"),
    ]
}

/// The package whose test files are journeys: each is a part of its own.
const JOURNEYS: &str = "teleward-tests";

/// One part for each file in `tests/tests/`, told by the first line of its documentation.
fn journeys() -> Result<Vec<Part>> {
    let folder = tree::root().join("tests/tests");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::path);
    let mut parts = Vec::new();
    for path in files
        .into_iter()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
    {
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a journey's name is not text")?
            .to_owned();
        let text = std::fs::read_to_string(&path)?;
        let about = text
            .lines()
            .find_map(|line| line.strip_prefix("//! "))
            .unwrap_or("a journey across processes");
        let wanted = name.clone();
        let is_it =
            move |test: &build::TestProgram| test.package == JOURNEYS && test.name == wanted;
        if name == "peers" {
            parts.push(Part {
                set: Set::Extra,
                ..required(&name, about, 15, compiler(), peers::check)
            });
        } else if name == "stock" {
            let needs = [compiler(), vec![NODE, GO]].into_iter().flatten().collect();
            parts.push(required(&name, about, 3, needs, move |job| {
                stock::check(job, &is_it)
            }));
        } else {
            parts.push(required(&name, about, 3, compiler(), move |job| {
                build::run_tests(job, &[], &is_it)
            }));
        }
    }
    Ok(parts)
}

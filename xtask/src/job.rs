//! One running part: starts programs with their output in the part's log file, and keeps the person at the terminal
//! informed while they run.

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::Built;
use crate::tree;

/// How often a line is printed when there is no terminal to redraw one on.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// How often a running program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A part that takes this many times its budget hangs, and is ended.
const HANGS_AFTER_BUDGETS: u32 = 3;

/// What a part works with while it runs.
pub struct Job<'a> {
    name: &'a str,
    log: File,
    log_path: PathBuf,
    began: Instant,
    limit: Duration,
    /// The one build of everything, made by whoever needs it first.
    pub built: &'a mut Option<Built>,
    /// What the part found worth a word in the closing table.
    pub note: String,
}

impl<'a> Job<'a> {
    /// Opens the log of part `name`, empty.
    pub fn start(name: &'a str, budget_minutes: u64, built: &'a mut Option<Built>) -> Result<Self> {
        let folder = tree::target().join("xtask");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log_path = folder.join(format!("{name}.log"));
        File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
        let log = OpenOptions::new().append(true).open(&log_path)?;
        let limit = Duration::from_secs(budget_minutes * 60) * HANGS_AFTER_BUDGETS;
        Ok(Self {
            name,
            log,
            log_path,
            began: Instant::now(),
            limit,
            built,
            note: String::new(),
        })
    }

    /// The log file of this part.
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// How long the part has run.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Adds a line to the log.
    pub fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}").context("cannot write the log: is the disk full?")
    }

    /// Runs a program to its end; fails when it fails.
    pub fn run(&mut self, command: &mut Command) -> Result<()> {
        command.stdout(self.log.try_clone()?);
        self.finish(command)
    }

    /// Runs a program and gives back what it printed to standard output; the log gets standard error.
    pub fn read(&mut self, command: &mut Command) -> Result<String> {
        let path = self.log_path.with_extension("out");
        command.stdout(File::create(&path)?);
        let done = self.finish(command);
        let text =
            fs::read_to_string(&path).with_context(|| format!("{} is not text", path.display()))?;
        fs::remove_file(&path)?;
        done.map(|()| text)
    }

    fn finish(&mut self, command: &mut Command) -> Result<()> {
        let shown = show(command);
        self.say(&format!("$ {shown}"))?;
        command.current_dir(
            command
                .get_current_dir()
                .map_or_else(tree::root, Path::to_path_buf),
        );
        tree::forget_us(command);
        command
            .stdin(Stdio::null())
            .stderr(self.log.try_clone()?)
            .process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let mut noted = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if self.elapsed() > self.limit {
                end(&mut child)?;
                bail!("`{shown}` was ended: the part took {HANGS_AFTER_BUDGETS} times its budget");
            }
            self.tell(&mut noted, &shown);
            thread::sleep(LOOK_EVERY);
        };
        clear();
        if !status.success() {
            bail!("`{shown}` ended with {status}");
        }
        Ok(())
    }

    fn tell(&self, noted: &mut Instant, doing: &str) {
        let seconds = self.elapsed().as_secs();
        let doing: String = doing.chars().take(60).collect();
        let mut out = std::io::stderr();
        let line = if out.is_terminal() {
            format!("\r\x1b[K  {} {seconds} s  {doing}", self.name)
        } else if noted.elapsed() >= NOTE_EVERY {
            *noted = Instant::now();
            format!("  {} {seconds} s  {doing}\n", self.name)
        } else {
            return;
        };
        // A closed terminal must not fail the tests.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// Takes the progress line away again.
fn clear() {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let _ = out.write_all(b"\r\x1b[K").and_then(|()| out.flush());
    }
}

/// Ends a program with everything it started: it leads its own process group.
fn end(child: &mut Child) -> Result<()> {
    Command::new("kill")
        .args(["-KILL", "--", &format!("-{}", child.id())])
        .status()?;
    child.wait()?;
    Ok(())
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![
        program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned(),
    ];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// The last lines of a log.
pub fn tail(path: &Path, lines: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all.iter()
        .skip(all.len().saturating_sub(lines))
        .map(|line| format!("    {line}\n"))
        .collect()
}

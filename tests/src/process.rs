//! Real processes of this project: started from the built programs, ready when they print their first JSON line,
//! ended by their own id.

use anyhow::{Context as _, bail};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A server that says nothing for so long will not come up.
const READY: Duration = Duration::from_secs(30);

/// A program of this workspace, in the folder of the running test.
///
/// # Errors
/// When it has not been built: `cargo build --workspace` first (`cargo xtask test` does).
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("`{name}` is not built: run `cargo build --workspace` first"))
}

/// Names ring as this process's TLS provider, which reqwest wants even for plain HTTP.
pub fn tls() {
    // a second caller finds it named already, which is as good
    let _named = rustls::crypto::ring::default_provider().install_default();
}

/// A running process that speaks JSON lines.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    name: String,
}

impl Process {
    /// Starts a program of this workspace.
    ///
    /// # Errors
    /// When it is not built or cannot be started.
    pub fn start(
        name: &str,
        words: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        Self::start_program(&program(name)?, words, environment)
    }

    /// Starts a program wherever it lies.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_program(
        program: &Path,
        words: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let name = program.display();
        let mut command = Command::new(program);
        command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        let mut child = command
            .spawn()
            .with_context(|| format!("`{name}` cannot be started"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Ok(Self {
            child,
            stdin,
            lines,
            name: name.to_string(),
        })
    }

    /// The next line that is JSON.
    ///
    /// # Errors
    /// When the process ends first, or says nothing within `patience`.
    pub fn next_json(&self, patience: Duration) -> anyhow::Result<Value> {
        loop {
            match self.lines.recv_timeout(patience) {
                Ok(line) => {
                    if let Ok(value) = serde_json::from_str(&line) {
                        return Ok(value);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("`{}` said nothing for {} s", self.name, patience.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("`{}` ended", self.name),
            }
        }
    }

    /// Every line of JSON that has come and was not asked for yet, without waiting.
    pub fn pending(&self) -> impl Iterator<Item = Value> + '_ {
        self.lines
            .try_iter()
            .filter_map(|line| serde_json::from_str(&line).ok())
    }

    /// The line that says it is ready.
    ///
    /// # Errors
    /// As [`Self::next_json`].
    pub fn ready(&self) -> anyhow::Result<Value> {
        self.next_json(READY)
    }

    /// Sends one JSON line and waits for one in answer.
    ///
    /// # Errors
    /// When the process has ended, or gives no answer within `patience`.
    pub fn ask(&mut self, question: &Value, patience: Duration) -> anyhow::Result<Value> {
        self.tell(question)?;
        self.next_json(patience)
    }

    /// Sends one JSON line.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn tell(&mut self, line: &Value) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is closed")?;
        writeln!(stdin, "{line}")?;
        Ok(stdin.flush()?)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// Those of the system.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // one that has ended already is what is wanted
        if self.child.kill().is_ok() {
            let _ended = self.child.wait();
        }
    }
}

//! A server of the demo: this very program, started a second time, and its first line read.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server writes its mail down before it ends; after this long it is ended all the same.
const TO_END: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Set for the servers, so that they end when the demo is killed. Read in `main`.
pub const WITH_PARENT: &str = "TELEWARD_END_WITH_PARENT";

/// A running server. Ends with this value.
pub struct Server {
    name: &'static str,
    child: Child,
}

impl Server {
    /// Starts `teleward WORDS` with its log in `log`, and waits for the JSON line that says it is ready.
    pub fn start(name: &'static str, words: &[&str], log: &Path) -> Result<(Self, Value)> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let file = std::fs::File::create(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program)
            .args(words)
            .env(WITH_PARENT, "1")
            // Ctrl-C is for the demo, which then ends its servers in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("the {name} could not be started"))?;
        let out = child
            .stdout
            .take()
            .with_context(|| format!("the {name} has no output"))?;
        let server = Self { name, child };
        let mut lines = BufReader::new(out).lines();
        loop {
            let Some(line) = lines.next() else {
                bail!("the {name} ended before it was ready: {}", last_line(log));
            };
            if let Ok(ready) = serde_json::from_str::<Value>(&line?) {
                // Whatever follows is read and dropped, so that the server never waits for us.
                thread::spawn(move || lines.for_each(drop));
                return Ok((server, ready));
            }
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn end(mut self) -> Result<()> {
        self.stop()
    }

    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.context("a process without an id")?, Signal::TERM)?;
        let mut waited = Duration::ZERO;
        while self.child.try_wait()?.is_none() {
            if waited >= TO_END {
                self.child.kill()?;
                self.child.wait()?;
                bail!(
                    "the {} did not end in {} s and was ended",
                    self.name,
                    TO_END.as_secs()
                );
            }
            thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!("{error:#}");
        }
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it said nothing").to_owned()
}

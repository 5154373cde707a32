//! A companion in a process of its own (`teleward-patient`), as a journey holds it: started, asked, killed, started again.

use crate::process::{Process, program};
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A cuff that is near, wants a bond, and has one measurement with a time of its own.
const SCRIPT: &str = r#"{"devices":[{"device":"cuff","name":"Test Cuff","address":"c4c4c4c4c4c4","needs_pairing":true,"clock_behind_s":0,
 "frames":[{"after_ms":50,"bytes":"167c0056006100e807060f11111b33000000"}]}]}"#;

/// How long a process may take to come up.
const READY: Duration = Duration::from_secs(30);

/// One phone: its folder, and its process while there is one.
#[derive(Debug)]
pub struct Phone {
    folder: PathBuf,
    script: Option<PathBuf>,
    process: Option<Process>,
    kept: BTreeSet<String>,
    /// The folder of its program, when that is not today's.
    version: Option<PathBuf>,
}

impl Phone {
    /// A phone on this folder; `with_cuff` gives it a scripted cuff.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(folder: PathBuf, with_cuff: bool) -> anyhow::Result<Self> {
        let script = folder.join("radio.json");
        if with_cuff {
            std::fs::write(&script, SCRIPT)?;
        }
        Ok(Self {
            folder,
            script: with_cuff.then_some(script),
            process: None,
            kept: BTreeSet::new(),
            version: None,
        })
    }

    /// The next process will be of this version: the program in that folder, or today's.
    pub fn change_version(&mut self, folder: Option<PathBuf>) {
        self.version = folder;
    }

    /// Starts its process, without waiting.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&mut self, armed: &[(&'static str, String)]) -> anyhow::Result<()> {
        let words = std::iter::once(&self.folder).chain(&self.script);
        let program = match &self.version {
            Some(folder) => folder.join("teleward-patient"),
            None => program("teleward-patient")?,
        };
        self.process = Some(Process::start_program(&program, words, armed)?);
        Ok(())
    }

    /// Waits until it is open.
    ///
    /// # Errors
    /// When it ends first.
    pub fn ready(&self) -> anyhow::Result<()> {
        let line = self.running()?.next_json(READY)?;
        ensure!(line["ready"] == true, "not ready: {line}");
        Ok(())
    }

    /// Starts it and waits until it is open.
    ///
    /// # Errors
    /// As [`Self::spawn`] and [`Self::ready`].
    pub fn start(&mut self, armed: &[(&'static str, String)]) -> anyhow::Result<()> {
        self.spawn(armed)?;
        self.ready()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// Those of the system.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// As if the device had been restarted and not unlocked yet.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn set_locked(&self, locked: bool) -> anyhow::Result<()> {
        let flag = self.folder.join("locked");
        match (locked, flag.exists()) {
            (true, false) => Ok(std::fs::write(flag, "")?),
            (false, true) => Ok(std::fs::remove_file(flag)?),
            _ => Ok(()),
        }
    }

    fn running(&self) -> anyhow::Result<&Process> {
        self.process.as_ref().context("the phone is off")
    }

    /// Sends a line.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn tell(&mut self, line: &Value) -> anyhow::Result<()> {
        self.process
            .as_mut()
            .context("the phone is off")?
            .tell(line)
    }

    /// The next answer.
    ///
    /// # Errors
    /// When it is an error, or does not come.
    pub fn answer(&self, patience: Duration) -> anyhow::Result<Value> {
        let answer = self.running()?.next_json(patience)?;
        match answer.get("error") {
            Some(error) => bail!("the phone says: {error}"),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// Sends a line and takes the answer.
    ///
    /// # Errors
    /// As [`Self::tell`] and [`Self::answer`].
    pub fn ask(&mut self, line: &Value, patience: Duration) -> anyhow::Result<Value> {
        self.tell(line)?;
        self.answer(patience)
    }

    /// Takes a reading, and remembers that it was reported as kept.
    ///
    /// # Errors
    /// When it was not kept.
    pub fn keep(&mut self, reading: &Value, patience: Duration) -> anyhow::Result<()> {
        let id = self.ask(reading, patience)?;
        self.kept
            .insert(id.as_str().context("a reading without an id")?.to_owned());
        Ok(())
    }

    /// Remembers what was reported as kept in answers that nobody waited for: to be called before a kill, while the
    /// process holds still.
    pub fn note_kept(&mut self) {
        let Some(process) = &self.process else {
            return;
        };
        let told = process.pending();
        let ids = told.filter_map(|line| line["ok"].as_str().map(str::to_owned));
        self.kept.extend(ids);
    }

    /// The ids that were reported as kept.
    #[must_use]
    pub fn kept(&self) -> &BTreeSet<String> {
        &self.kept
    }

    /// Scans the invite, unless the phone says that it is joining already.
    ///
    /// # Errors
    /// When the phone refuses the invite.
    pub fn join_if_needed(&mut self, invite: &str, patience: Duration) -> anyhow::Result<()> {
        if self.ask(&json!({ "do": "status" }), patience)?["link"].is_null() {
            self.ask(&json!({ "do": "join", "invite": invite }), patience)?;
        }
        Ok(())
    }

    /// Waits until the clinic has answered the join.
    ///
    /// # Errors
    /// When that takes longer.
    pub fn joined(&mut self, patience: Duration) -> anyhow::Result<Value> {
        self.until(patience, |status| {
            matches!(
                status["link"]["state"].as_str(),
                Some("Pending" | "Confirmed")
            )
        })
    }

    /// Asks for the status again and again until `enough` is content.
    ///
    /// # Errors
    /// When that takes longer; the last status stands in the error.
    pub fn until(
        &mut self,
        patience: Duration,
        mut enough: impl FnMut(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let end = Instant::now() + patience;
        loop {
            let status = self.ask(&json!({ "do": "status" }), patience)?;
            if enough(&status) {
                return Ok(status);
            }
            ensure!(
                Instant::now() < end,
                "the phone did not come to what was wanted within {} s: {status}",
                patience.as_secs()
            );
            self.ask(&json!({ "do": "wait" }), patience)?;
        }
    }

    /// Waits until the clinic has acknowledged every reading; gives their ids.
    ///
    /// # Errors
    /// When that takes longer.
    pub fn acknowledged(&mut self, patience: Duration) -> anyhow::Result<Vec<String>> {
        self.ask(&json!({ "do": "network" }), patience)?;
        self.until(patience, |status| {
            let queue = &status["queue"];
            queue["waiting"] == 0 && queue["at_post_office"] == 0 && status["spooled"] == 0
        })?;
        let journal = self.ask(&json!({ "do": "history" }), patience)?;
        let journal = journal.as_array().context("no history")?;
        Ok(journal
            .iter()
            .filter_map(|r| r["id"].as_str().map(str::to_owned))
            .collect())
    }

    /// The journal as it is.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn history(&mut self, patience: Duration) -> anyhow::Result<Vec<Value>> {
        Ok(self
            .ask(&json!({ "do": "history" }), patience)?
            .as_array()
            .cloned()
            .unwrap_or_default())
    }
}

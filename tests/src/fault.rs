//! The tester's end of the fault points: a FIFO on which a process reports what it passes, a second one on which it
//! waits, and a file with orders that says where. One of these for each process that is to be killed.

use anyhow::Context as _;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// FIFOs, orders, and what came through.
#[derive(Debug)]
pub struct FaultPipe {
    path: PathBuf,
    orders: PathBuf,
    given: u64,
    reports: UnboundedReceiver<String>,
    /// Kept open, so that the reading thread sees every writer come and go, and a held process stays held.
    _held: [File; 2],
}

impl FaultPipe {
    /// Makes the FIFOs `folder/name` and `folder/name.back`.
    ///
    /// # Errors
    /// Those of the file system, or of `mkfifo`.
    pub fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(name);
        let back = folder.join(format!("{name}.back"));
        let made = Command::new("mkfifo")
            .args([&path, &back])
            .status()
            .context("mkfifo")?;
        anyhow::ensure!(made.success(), "mkfifo failed");
        // opened for both directions, opening never waits for the other side (fifo(7), Linux)
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
        let (report, hold) = (open(&path)?, open(&back)?);
        let (to, reports) = unbounded_channel();
        let reader = BufReader::new(report.try_clone()?);
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let pipe = Self {
            path,
            orders: folder.join(format!("{name}.orders")),
            given: 0,
            reports,
            _held: [report, hold],
        };
        pipe.order("")?;
        Ok(pipe)
    }

    /// What a process needs in its environment to heed this pipe's orders, from its start on.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TELEWARD_FAULT_PIPE", self.path.display().to_string()),
            ("TELEWARD_FAULT_HOLD", "1".to_owned()),
            ("TELEWARD_FAULT_ORDERS", self.orders.display().to_string()),
        ]
    }

    /// From now on: hold at the `n`-th passing of `point`. What was reported before is forgotten.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn hold_at(&mut self, point: &str, n: u32) -> anyhow::Result<()> {
        self.given += 1;
        while self.reports.try_recv().is_ok() {}
        self.order(&format!("{} {point}#{n}", self.given))
    }

    /// From now on: hold nowhere.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn hold_nowhere(&self) -> anyhow::Result<()> {
        self.order("")
    }

    /// Renamed into place, so that nobody reads half an order.
    fn order(&self, text: &str) -> anyhow::Result<()> {
        let new = self.orders.with_extension("new");
        std::fs::write(&new, text)?;
        Ok(std::fs::rename(new, &self.orders)?)
    }

    /// Waits until the process says that it holds at `point`; false when it does not within `patience`.
    pub async fn is_held(&mut self, point: &str, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let wanted = format!("{point} held");
        while let Ok(Some(line)) = tokio::time::timeout_at(end, self.reports.recv()).await {
            if line == wanted {
                return true;
            }
        }
        false
    }
}

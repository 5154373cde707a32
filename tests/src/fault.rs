//! The tester's end of a fault point: a FIFO on which a process reports the points it passes, and a second one on
//! which it waits.

use anyhow::Context as _;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A pair of FIFOs and what came through.
#[derive(Debug)]
pub struct FaultPipe {
    path: PathBuf,
    reports: Receiver<String>,
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
        let (to, reports) = channel();
        let reader = BufReader::new(report.try_clone()?);
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            path,
            reports,
            _held: [report, hold],
        })
    }

    /// What a process needs in its environment to hold at the `n`-th passing of `point`.
    #[must_use]
    pub fn hold_at(&self, point: &str, n: u32) -> Vec<(&'static str, String)> {
        vec![
            ("TELEWARD_FAULT_PIPE", self.path.display().to_string()),
            ("TELEWARD_FAULT_HOLD", "1".to_owned()),
            ("TELEWARD_FAULT_AT", format!("{point}#{n}")),
        ]
    }

    /// Waits until `point` has been reported `n` times since the last call; the process holds there.
    #[must_use]
    pub fn reached(&self, point: &str, n: u32, patience: Duration) -> bool {
        self.count(point, n, patience) == n
    }

    /// How often `point` is reported within `patience`, up to `n` times.
    #[must_use]
    pub fn count(&self, point: &str, n: u32, patience: Duration) -> u32 {
        let (end, mut passed) = (Instant::now() + patience, 0);
        while let Ok(line) = self
            .reports
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            passed += u32::from(line == point);
            if passed == n {
                break;
            }
        }
        passed
    }

    /// Forgets what earlier processes reported.
    pub fn forget(&self) {
        while self.reports.try_recv().is_ok() {}
    }
}

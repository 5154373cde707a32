//! The benches, a file each, and the one form of a figure.

pub mod crossing;
pub mod devices;
pub mod disk;
pub mod post;
pub mod reading;
pub mod screen;
pub mod seal;
mod tus;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// One figure, beside its peer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What was measured.
    pub measure: String,
    /// Ours.
    pub value: f64,
    /// Of both values.
    pub unit: String,
    /// The peer: name, version, command line, durability setting; empty when there is none.
    pub peer: String,
    /// The peer's.
    pub peer_value: Option<f64>,
    /// Ours divided by the peer's.
    pub ratio: Option<f64>,
    /// What was aimed at, as the issue words it: a ratio, or a value where there is no peer.
    pub goal: Option<f64>,
    /// Which way is better.
    pub better: Better,
}

impl Figure {
    /// Without a peer; the goal is a value.
    #[must_use]
    pub fn alone(measure: &str, value: f64, unit: &str, goal: Option<f64>, better: Better) -> Self {
        Self {
            measure: measure.into(),
            value,
            unit: unit.into(),
            peer: String::new(),
            peer_value: None,
            ratio: None,
            goal,
            better,
        }
    }

    /// Beside a peer; the goal is a ratio.
    #[must_use]
    pub fn beside(
        measure: &str,
        value: f64,
        unit: &str,
        peer: &str,
        peer_value: f64,
        goal: Option<f64>,
        better: Better,
    ) -> Self {
        let ratio = (peer_value > 0.0).then(|| value / peer_value);
        Self {
            measure: measure.into(),
            value,
            unit: unit.into(),
            peer: peer.into(),
            peer_value: Some(peer_value),
            ratio,
            goal,
            better,
        }
    }

    /// Whether the goal was met; `None` without a goal.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let goal = self.goal?;
        let reached = match (self.peer_value, self.ratio) {
            (None, _) => self.value,
            // beside a peer that did nothing, no goal is met
            (Some(_), ratio) => ratio.unwrap_or(f64::NAN),
        };
        Some(match self.better {
            Better::Higher => reached >= goal,
            Better::Lower => reached <= goal,
        })
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = shown(self.value);
        write!(f, "{:<78} {value:>10} {}", self.measure, self.unit)?;
        if let (Some(value), Some(ratio)) = (self.peer_value, self.ratio) {
            write!(f, "   peer {}   ratio {ratio:.2}", shown(value))?;
        }
        match (self.goal, self.met()) {
            (Some(goal), Some(true)) => write!(f, "   goal {goal} met")?,
            (Some(goal), _) => write!(f, "   goal {goal} MISSED")?,
            (None, _) => {}
        }
        if self.peer.is_empty() {
            Ok(())
        } else {
            write!(f, "\n    peer: {}", self.peer)
        }
    }
}

/// A folder on the disk where the programs lie: the system's own for temporary files may be memory.
///
/// # Errors
/// Those of the file system.
pub(crate) fn folder() -> anyhow::Result<tempfile::TempDir> {
    let own = std::env::current_exe()?;
    let beside = own.parent().context("a program without a folder")?;
    Ok(tempfile::tempdir_in(beside)?)
}

/// Three digits that mean something.
fn shown(value: f64) -> String {
    let places = match value.abs() {
        100.0.. => 0,
        10.0..100.0 => 1,
        1.0..10.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

/// The p50 and the p95 of some runs, by the nearest rank: each is one of the runs, none is made up.
///
/// # Errors
/// When there are none.
pub(crate) fn mid_and_tail(mut runs: Vec<Duration>) -> anyhow::Result<(Duration, Duration)> {
    runs.sort_unstable();
    let rank = |hundredths: usize| {
        let at = (runs.len() * hundredths).div_ceil(100);
        runs.get(at.checked_sub(1)?).copied()
    };
    rank(50).zip(rank(95)).context("no run to take a rank of")
}

/// Runs `work` until it has taken a second, and gives the mean time of one run.
pub(crate) fn mean(mut work: impl FnMut()) -> Duration {
    let start = std::time::Instant::now();
    let mut runs = 0_u32;
    while runs < 10 || start.elapsed() < Duration::from_secs(1) {
        work();
        runs += 1;
    }
    start.elapsed() / runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-BENCH-001: a goal is met or missed by the ratio where there is a peer, by the value where there is none, and
    /// the right way round; a missed one says so.
    #[test]
    fn a_missed_goal_is_told_as_missed() {
        let higher = |value, goal| Figure::alone("m", value, "/s", goal, Better::Higher);
        let lower = |value, goal| Figure::alone("m", value, "ms", goal, Better::Lower);
        let beside = |value, peer, goal| {
            Figure::beside("m", value, "/s", "p", peer, Some(goal), Better::Higher)
        };
        let cases = [
            (higher(3000.0, Some(3000.0)), Some(true)),
            (higher(2999.0, Some(3000.0)), Some(false)),
            (lower(5.0, Some(5.0)), Some(true)),
            (lower(5.1, Some(5.0)), Some(false)),
            (higher(1.0, None), None),
            (beside(2000.0, 100.0, 20.0), Some(true)),
            (beside(1999.0, 100.0, 20.0), Some(false)),
            (beside(3000.0, 0.0, 20.0), Some(false)),
        ];
        for (figure, met) in cases {
            assert_eq!(figure.met(), met, "{figure}");
            let text = figure.to_string();
            assert_eq!(text.contains("MISSED"), met == Some(false), "{text}");
        }
    }

    /// REQ-BENCH-002: the JSON has the eight members that the formats name, and nothing else is read.
    #[test]
    fn a_figure_is_written_as_the_formats_say() {
        let figure = Figure::beside("m", 3.0, "/s", "p", 2.0, Some(1.0), Better::Higher);
        let text = serde_json::to_string(&figure).unwrap();
        let wanted = r#"{"measure":"m","value":3.0,"unit":"/s","peer":"p","peer_value":2.0,"ratio":1.5,"goal":1.0,"better":"higher"}"#;
        assert_eq!(text, wanted);
        assert_eq!(serde_json::from_str::<Figure>(&text).unwrap(), figure);
        let more = text.replace("\"goal\"", "\"gaol\":1.0,\"goal\"");
        assert!(serde_json::from_str::<Figure>(&more).is_err());
    }

    /// REQ-BENCH-003: the middle and the tail are ranks of the runs themselves.
    #[test]
    fn ranks_are_runs() {
        let ms = Duration::from_millis;
        let runs = |n: u64| (1..=n).rev().map(ms).collect::<Vec<_>>();
        assert_eq!(mid_and_tail(runs(100)).unwrap(), (ms(50), ms(95)));
        assert_eq!(mid_and_tail(runs(30)).unwrap(), (ms(15), ms(29)));
        assert_eq!(mid_and_tail(runs(1)).unwrap(), (ms(1), ms(1)));
        assert!(mid_and_tail(Vec::new()).is_err());
    }
}

//! The benches, a file each, and the one form of a figure.

pub mod disk;
pub mod post;
pub mod reading;
pub mod seal;

use serde::Serialize;
use std::time::Duration;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// One figure, beside its peer's.
#[derive(Debug, Clone, Serialize)]
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
        let (goal, reached) = (self.goal?, self.ratio.unwrap_or(self.value));
        Some(match self.better {
            Better::Higher => reached >= goal,
            Better::Lower => reached <= goal,
        })
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<58} {:>12.1} {}", self.measure, self.value, self.unit)?;
        if let (Some(value), Some(ratio)) = (self.peer_value, self.ratio) {
            write!(f, "   peer {value:.1}   ratio {ratio:.2}")?;
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

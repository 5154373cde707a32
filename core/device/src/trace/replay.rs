//! Runs a trace again: what went in goes into the machine of today, and what it wants is held against what it wanted.

use super::line::{Head, Line, NAME, Output, Step, VERSION};
use crate::machine::Session;
use crate::reason::SessionReport;
use serde::Serialize;

/// A line longer than this is none of ours: a value has at most 512 bytes.
const LONGEST_LINE: usize = 64 * 1024;
/// The first line holds a mark of up to 4,096 records.
const LONGEST_FIRST: usize = 512 * 1024;

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// There is no first line, or it is none of a trace.
    #[error("this is no trace of a session: its first line says nothing of the kind")]
    NotATrace,
    /// It was written by a later version.
    #[error(
        "this trace has version {version}, and this program reads version {VERSION}: update it"
    )]
    Version {
        /// Which.
        version: u32,
    },
    /// A line that cannot be read.
    #[error("line {line} of the trace cannot be read: {why}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// How many steps were replayed.
    pub steps: usize,
    /// Whether the trace holds neither values nor identities.
    pub redacted: bool,
    /// Whether the end of the session was not kept.
    pub cut: bool,
    /// How the session ends today; `None` when the trace ends first.
    pub report: Option<SessionReport>,
    /// The first line of the trace at which the machine of today wants something else.
    pub differs: Option<Difference>,
}

/// Where the machine of today does something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The line of the trace, from 1.
    pub line: usize,
    /// What it wanted then; nothing, if it wants more today.
    pub then: Option<String>,
    /// What it wants today; nothing, if it wanted more then.
    pub now: Option<String>,
}

/// Replays a trace.
///
/// # Errors
/// [`TraceError`] when it is none, or a line of it cannot be read.
pub fn replay(text: &str) -> Result<Replay, TraceError> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let (_, first) = lines.next().ok_or(TraceError::NotATrace)?;
    let head = head(first)?;
    let mut session = Session::new(head.plan());
    let mut result = Replay {
        steps: 0,
        redacted: head.redacted,
        cut: false,
        report: None,
        differs: None,
    };
    let mut wanted: Vec<Output> = Vec::new();
    let mut last = 1;
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        last = number;
        match read::<Line>(number, line)? {
            Line {
                step: Step::Cut, ..
            } => {
                result.cut = true;
                break;
            }
            Line {
                ms,
                step: Step::In(input),
            } => {
                // What the machine wants today and did not want then.
                if let Some(more) = wanted.first() {
                    result.differ(number, None, Some(more));
                }
                let now = head.began.plus_ms(ms);
                session.input(input.event(), now);
                wanted = std::iter::from_fn(|| session.poll_effect())
                    .map(|effect| Output::of(&effect))
                    .collect();
                if let Some(Output::Ended(report)) = wanted.last() {
                    result.report = Some(report.clone());
                }
            }
            Line {
                step: Step::Out(then),
                ..
            } => {
                let now = (!wanted.is_empty()).then(|| wanted.remove(0));
                if now.as_ref() != Some(&then) {
                    result.differ(number, Some(&then), now.as_ref());
                }
            }
        }
        result.steps += 1;
    }
    if let Some(more) = wanted.first().filter(|_| !result.cut) {
        result.differ(last + 1, None, Some(more));
    }
    Ok(result)
}

impl Replay {
    fn differ(&mut self, line: usize, then: Option<&Output>, now: Option<&Output>) {
        let words = |output: &Output| serde_json::to_string(output).unwrap_or_default();
        self.differs.get_or_insert_with(|| Difference {
            line,
            then: then.map(words),
            now: now.map(words),
        });
    }
}

fn head(first: &str) -> Result<Head, TraceError> {
    let value: serde_json::Value =
        serde_json::from_str(first).map_err(|_| TraceError::NotATrace)?;
    if value["trace"] != NAME {
        return Err(TraceError::NotATrace);
    }
    let version = value["v"].as_u64().and_then(|v| u32::try_from(v).ok());
    match version {
        Some(VERSION) => read(1, first),
        Some(version) => Err(TraceError::Version { version }),
        None => Err(TraceError::NotATrace),
    }
}

fn read<T: serde::de::DeserializeOwned>(line: usize, text: &str) -> Result<T, TraceError> {
    let longest = if line == 1 {
        LONGEST_FIRST
    } else {
        LONGEST_LINE
    };
    if text.len() > longest {
        let why = format!("it has more than {longest} bytes");
        return Err(TraceError::Line { line, why });
    }
    // serde's own words may quote what stands there, which may be a measurement.
    serde_json::from_str(text).map_err(|error| TraceError::Line {
        line,
        why: format!("at column {}, something else was expected", error.column()),
    })
}

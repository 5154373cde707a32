//! A session written down, so that a field problem can be run again: what went into the machine and what it wanted.
//!
//! In: the events and effects of one session, as the driver sees them. Out: NDJSON, described in
//! `docs/formats/trace.md`; a first line with the plan, then one line for each step. [`replay`] runs such a trace through
//! the machine of today and says where it now does something else.
//!
//! A *redacted* trace holds no value and no identity: measurements, names, serial numbers, addresses, dates and whatever
//! is written to a device are replaced before they are kept, in a way that leads the machine to the same decisions. A
//! *full* trace holds the bytes as they came, and needs the patient's word.

mod line;
mod redact;
mod replay;

pub use replay::{Difference, Replay, TraceError, replay};

use crate::call::{Effect, Event};
use crate::plan::Plan;
use crate::radio::DeviceHandle;
use line::{CallName, Head, Input, Line, Output, Step};
use reading::Moment;
use redact::Redactor;
use serde::{Deserialize, Serialize};

/// The most steps that are kept of one session; a device that talks without end must not fill the phone.
const MOST_STEPS: usize = 4_096;
/// The most bytes that are kept of one session.
const MOST_BYTES: usize = 1 << 20;

/// What is kept of each session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceMode {
    /// Nothing.
    Off,
    /// Steps without values and identities.
    #[default]
    Redacted,
    /// Everything; only with the patient's consent.
    Full,
}

/// The text of one session's trace: NDJSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Trace(String);

impl Trace {
    /// The lines. A full trace holds measurements and identities.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A full trace holds measurements.
impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({} bytes)", self.0.len())
    }
}

/// Writes a trace while a session runs.
pub(crate) struct Tracer {
    device: DeviceHandle,
    started: Moment,
    redactor: Option<Redactor>,
    /// The call whose answer is due: it says what the answer's bytes are.
    open: Option<(u32, CallName)>,
    text: String,
    steps: usize,
    cut: bool,
}

impl Tracer {
    /// Begins a trace; `None` when none is wanted.
    pub(crate) fn begin(mode: TraceMode, plan: &Plan, started: Moment) -> Option<Self> {
        let redactor = match mode {
            TraceMode::Off => return None,
            TraceMode::Redacted => Some(Redactor::new(started)),
            TraceMode::Full => None,
        };
        let mut tracer = Self {
            device: plan.device.clone(),
            open: None,
            started,
            redactor,
            text: String::new(),
            steps: 0,
            cut: false,
        };
        let began = if tracer.redactor.is_some() {
            redact::began()
        } else {
            started
        };
        let head = Head::of(plan, began, tracer.redactor.is_some());
        tracer.push(&head);
        Some(tracer)
    }

    /// Notes what goes into the machine.
    pub(crate) fn input(&mut self, event: &Event, now: Moment) {
        let Some(mut input) = Input::of(event, &self.device, self.open.as_ref()) else {
            return;
        };
        if let Some(redactor) = &mut self.redactor {
            redactor.redact(&mut input);
        }
        self.step(now, Step::In(input));
    }

    /// Notes what the machine wants.
    pub(crate) fn output(&mut self, effect: &Effect, now: Moment) {
        if let Effect::Run { call, what } = effect {
            self.open = Some((*call, CallName::of(what)));
        }
        self.step(now, Step::Out(Output::of(effect)));
    }

    /// The trace so far.
    pub(crate) fn end(self) -> Trace {
        Trace(self.text)
    }

    fn step(&mut self, now: Moment, step: Step) {
        if self.cut {
            return;
        }
        self.steps += 1;
        let ms = now.ms_since(self.started);
        if self.steps > MOST_STEPS || self.text.len() > MOST_BYTES {
            self.cut = true;
            return self.push(&Line {
                ms,
                step: Step::Cut,
            });
        }
        self.push(&Line { ms, step });
    }

    fn push(&mut self, line: &impl Serialize) {
        // Strings, numbers and hex have a JSON form; there is nothing that could fail.
        if let Ok(line) = serde_json::to_string(line) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }
}

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
mod mark;
mod redact;
mod replay;

pub use replay::{Difference, Replay, TraceError, replay};

use crate::call::{Effect, Event};
use crate::plan::Plan;
use crate::radio::DeviceHandle;
use crate::stored::StoredMark;
use line::{CallName, Head, Input, Line, Output, Step};
use mark::Marks;
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
    head: Head,
    /// How far the device's records had been taken.
    stored: StoredMark,
    marks: Marks,
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
        let began = if redactor.is_some() {
            redact::began(started)
        } else {
            started
        };
        Some(Self {
            device: plan.device.clone(),
            head: Head::of(plan, began, redactor.is_some()),
            stored: plan.stored.clone(),
            marks: Marks::default(),
            open: None,
            started,
            redactor,
            text: String::new(),
            steps: 0,
            cut: false,
        })
    }

    /// Notes what goes into the machine.
    pub(crate) fn input(&mut self, event: &Event, now: Moment) {
        let Some(mut input) = Input::of(event, &self.device, self.open.as_ref()) else {
            return;
        };
        let came = input.bytes().map(<[u8]>::to_vec);
        if let Some(redactor) = &mut self.redactor {
            redactor.redact(&mut input);
        }
        if let (Some(came), Some(stands)) = (came, input.bytes()) {
            match &input {
                Input::Value { of, .. } => self.marks.value(*of, &came, stands),
                Input::Answer {
                    to: Some(CallName { of: Some(of), .. }),
                    ..
                } => self.marks.answer(*of, &came, stands),
                _ => {}
            }
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

    /// The trace so far. Its first line comes last: only now is known which records of the mark came again.
    pub(crate) fn end(mut self) -> Trace {
        self.head.stored = self.marks.told(&self.stored);
        Trace(line_of(&self.head) + &self.text)
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
        self.text.push_str(&line_of(line));
    }
}

fn line_of(line: &impl Serialize) -> String {
    // Strings, numbers and hex have a JSON form; there is nothing that could fail.
    let text = serde_json::to_string(line).unwrap_or_default();
    text + "\n"
}

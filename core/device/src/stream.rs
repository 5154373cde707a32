//! A measurement out of what streams, as a machine without I/O. A heart rate strap (0x2A37) sends a rate each second as
//! long as it is worn, and keeps nothing: a single frame is a moment, and which one would be chance.
//!
//! In: the frames as they come, and the time. Out: one record, all the frames of the first window in which the strap felt
//! a pulse throughout; of them the reading is made (`record/heart_rate.rs`). A frame without skin contact or with a rate
//! of 0 is no value, and ends the window that it falls into; so does silence. The window, and that a reading is its
//! median, are rules of this product (ADR 33), not of the standard.
//!
//! It runs inside a [`Session`](crate::Session), which calls [`Stream::input`] with what happened, does what
//! [`Stream::poll_effect`] gives, and comes back at [`Stream::deadline`].

use crate::heart_rate::HeartRateFrame;
use reading::Moment;
use std::collections::VecDeque;

/// What streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamService {
    /// 0x2A37.
    HeartRate,
}

impl StreamService {
    /// Whether the frame holds a value of the patient.
    fn is_value(self, frame: &[u8]) -> bool {
        match self {
            Self::HeartRate => HeartRateFrame::decode(frame)
                .is_ok_and(|frame| frame.contact != Some(false) && frame.value().is_ok()),
        }
    }

    /// Whether it is a frame at all.
    fn is_frame(self, frame: &[u8]) -> bool {
        match self {
            Self::HeartRate => HeartRateFrame::decode(frame).is_ok(),
        }
    }
}

/// How long a measurement is, and how patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPace {
    /// From the first frame of a window to its last, in milliseconds: half a minute, as a pulse is counted by hand.
    pub window_ms: i64,
    /// A longer silence than this ends a window: a strap sends each second, some each other.
    pub gap_ms: i64,
    /// A window has at least so many frames.
    pub least: usize,
    /// And at most so many are kept of it: memory is bounded, whatever a strap sends.
    pub most: usize,
    /// For a whole window to come about. A strap that was just put on feels nothing until the skin is moist.
    pub within_ms: i64,
    /// After a measurement, for the next one, in seconds: a strap that is worn all day gives four an hour.
    pub rest_s: u32,
}

impl Default for StreamPace {
    fn default() -> Self {
        Self {
            window_ms: 30_000,
            gap_ms: 5_000,
            least: 10,
            most: 256,
            within_ms: 120_000,
            rest_s: 15 * 60,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// Somebody waits for a measurement from now on, or time has passed.
    Tick,
    /// A frame came.
    Notified(Vec<u8>),
    /// The link has ended.
    Disconnected,
}

/// A frame is a measurement: it stays out of logs.
impl std::fmt::Debug for StreamEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tick => "Tick",
            Self::Notified(_) => "Notified",
            Self::Disconnected => "Disconnected",
        })
    }
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq)]
pub enum StreamEffect {
    /// The frames of a window: one record. Or one that is no frame: it is kept and told.
    Deliver(Vec<Vec<u8>>),
    /// The end. Nothing comes after it.
    Done(StreamOutcome),
}

/// A frame is a measurement: it stays out of logs.
impl std::fmt::Debug for StreamEffect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deliver(frames) => write!(f, "Deliver({} frames)", frames.len()),
            Self::Done(outcome) => write!(f, "Done({outcome:?})"),
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamOutcome {
    /// With a measurement.
    Measured,
    /// Frames came, and no window of them was whole.
    NoPulse,
    /// No frame came at all.
    Silent,
    /// The link ended first.
    Interrupted,
}

/// The machine.
pub struct Stream {
    service: StreamService,
    pace: StreamPace,
    /// The window under way, with the time of its first frame and of its newest.
    frames: Vec<Vec<u8>>,
    span: Option<(Moment, Moment)>,
    heard: bool,
    /// A frame that is none was told.
    told: bool,
    until: Option<Moment>,
    effects: VecDeque<StreamEffect>,
    over: bool,
}

/// Shows how far it is, and nothing of the frames.
impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({} frames)", self.frames.len())
    }
}

impl Stream {
    /// One that has not begun. Frames are taken before the first [`StreamEvent::Tick`] too; patience begins with it.
    #[must_use]
    pub const fn new(service: StreamService, pace: StreamPace) -> Self {
        Self {
            service,
            pace,
            frames: Vec::new(),
            span: None,
            heard: false,
            told: false,
            until: None,
            effects: VecDeque::new(),
            over: false,
        }
    }

    /// Takes in what happened.
    pub fn input(&mut self, event: StreamEvent, now: Moment) {
        if self.over {
            return;
        }
        match event {
            StreamEvent::Tick => {}
            StreamEvent::Notified(frame) => self.frame(frame, now),
            StreamEvent::Disconnected => return self.finish(StreamOutcome::Interrupted),
        }
        let until = *self.until.get_or_insert(now.plus_ms(self.pace.within_ms));
        if until <= now && !self.over {
            self.finish(if self.heard {
                StreamOutcome::NoPulse
            } else {
                StreamOutcome::Silent
            });
        }
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<StreamEffect> {
        self.effects.pop_front()
    }

    /// When to come back with [`StreamEvent::Tick`], if nothing happens before.
    #[must_use]
    pub const fn deadline(&self) -> Option<Moment> {
        self.until
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    fn frame(&mut self, frame: Vec<u8>, now: Moment) {
        self.heard = true;
        if !self.service.is_frame(&frame) {
            // One of them is enough to tell that this strap is not understood.
            if !std::mem::replace(&mut self.told, true) {
                self.effects.push_back(StreamEffect::Deliver(vec![frame]));
            }
            return self.begin_again();
        }
        if !self.service.is_value(&frame) {
            return self.begin_again();
        }
        let silent = |newest: Moment| now.ms_since(newest) > self.pace.gap_ms || now < newest;
        if self.span.is_some_and(|(_, newest)| silent(newest)) {
            self.begin_again();
        }
        let (first, _) = self.span.unwrap_or((now, now));
        self.span = Some((first, now));
        if self.frames.len() < self.pace.most {
            self.frames.push(frame);
        }
        if now.ms_since(first) >= self.pace.window_ms {
            if self.frames.len() < self.pace.least {
                return self.begin_again();
            }
            let frames = std::mem::take(&mut self.frames);
            self.effects.push_back(StreamEffect::Deliver(frames));
            self.finish(StreamOutcome::Measured);
        }
    }

    fn begin_again(&mut self) {
        self.frames.clear();
        self.span = None;
    }

    fn finish(&mut self, outcome: StreamOutcome) {
        self.begin_again();
        self.over = true;
        self.until = None;
        self.effects.push_back(StreamEffect::Done(outcome));
    }
}

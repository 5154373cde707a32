//! When to send, collect, ask for rosters and listen: a machine without clock, socket or random generator.
//!
//! Moved by [`Courier::input`]; says what it wants by [`Courier::poll_effect`]; wants [`Event::Tick`] at
//! [`Courier::deadline`]. The host's loop: feed an event, drain the effects, sleep until the deadline or the next
//! event. A started line runs until the host reports [`Event::Done`] for it; each line runs once at a time, and they
//! do not wait for one another.

use crate::backoff::Backoff;
use std::collections::VecDeque;
use std::time::Duration;
use wire::Time;

/// How often each kind of work is done when nothing else asks for it, and how retries are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Collecting without a live line: mail is late by this much at worst.
    pub collect: Duration,
    /// Collecting beside a live line, in case it keeps something back.
    pub collect_beside_live: Duration,
    /// A look at the outbox that nobody asked for, so that a lost wake-up cannot stop the post.
    pub send: Duration,
    /// Asking for rosters, beside those that arrive by mail.
    pub rosters: Duration,
    /// The first pause after a failure.
    pub first_pause: Duration,
    /// The longest pause after failures, unless the relay asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            collect: minutes(5),
            collect_beside_live: minutes(30),
            send: minutes(15),
            rosters: minutes(6 * 60),
            first_pause: crate::backoff::FIRST,
            longest_pause: crate::backoff::LONGEST_OWN,
        }
    }
}

/// A live line that ended is opened again after this at the earliest.
const LIVE: Duration = Duration::from_secs(5);

/// One kind of work at the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Hand over what waits, until nothing does.
    Send,
    /// List and fetch.
    Collect,
    /// Ask for rosters.
    Rosters,
    /// Hold the WebSocket open.
    Live,
}

const LINES: [Line; 4] = [Line::Send, Line::Collect, Line::Rosters, Line::Live];

/// How a line's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Finished,
    /// The network or the relay failed it.
    Failed {
        /// How long the relay asked to wait.
        retry_after: Option<Duration>,
    },
    /// The host stopped it, as it was told.
    Stopped,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// There may be work: a new file, an arrival, an unknown roster number.
    Wanted(Line),
    /// The live line is open: what came before it is collected once.
    LiveOpen,
    /// A started line has ended.
    Done(Line, Outcome),
    /// The network is another one: pauses end, the live line is opened anew.
    NetworkChanged,
    /// The app is about to be suspended: everything stops.
    Pause,
    /// The app is back.
    Resume,
    /// The deadline has come.
    Tick,
}

/// What the host shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Begin this line's work.
    Start(Line),
    /// Break it off and report [`Outcome::Stopped`].
    Stop(Line),
}

#[derive(Debug, Clone)]
struct State {
    running: bool,
    stopping: bool,
    wanted: bool,
    ended: Option<Time>,
    backoff: Backoff,
}

/// The machine.
#[derive(Debug)]
pub struct Courier {
    lines: [State; 4],
    live_is_open: bool,
    paused: bool,
    effects: VecDeque<Effect>,
    jitter: u64,
    pace: Pace,
}

impl Courier {
    /// Ready to start; the first [`Event::Tick`] starts every line. `seed` is random and spreads the retries of many
    /// phones.
    #[must_use]
    pub fn new(pace: Pace, seed: u64) -> Self {
        let lines = std::array::from_fn(|_| State {
            running: false,
            stopping: false,
            wanted: true,
            ended: None,
            backoff: Backoff::between(pace.first_pause, pace.longest_pause),
        });
        Self {
            lines,
            live_is_open: false,
            paused: false,
            effects: VecDeque::new(),
            jitter: seed | 1,
            pace,
        }
    }

    /// Takes one event.
    pub fn input(&mut self, event: Event, now: Time) {
        match event {
            Event::Wanted(line) => self.line(line).wanted = true,
            Event::LiveOpen => {
                self.live_is_open = true;
                self.line(Line::Live).backoff.reset();
                self.line(Line::Collect).wanted = true;
            }
            Event::Done(line, outcome) => self.done(line, outcome, now),
            Event::NetworkChanged => {
                for state in &mut self.lines {
                    state.backoff.reset();
                    state.wanted = true;
                }
                self.stop(Line::Live);
            }
            Event::Pause => {
                self.paused = true;
                LINES.into_iter().for_each(|line| self.stop(line));
            }
            Event::Resume => {
                self.paused = false;
                for state in &mut self.lines {
                    state.backoff.reset();
                    state.wanted = true;
                }
            }
            Event::Tick => {}
        }
        self.start_what_is_due(now);
    }

    /// What to do, one at a time, until `None`.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to come back with [`Event::Tick`] if nothing else happens.
    #[must_use]
    pub fn deadline(&self, now: Time) -> Option<Time> {
        if self.paused {
            return None;
        }
        LINES
            .into_iter()
            .filter(|line| !self.state(*line).running)
            .map(|line| self.due(line, now))
            .min()
    }

    /// Whether anything is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.lines.iter().any(|state| state.running)
    }

    /// Whether this line is under way.
    #[must_use]
    pub fn is_running(&self, line: Line) -> bool {
        self.state(line).running
    }

    /// Whether the live line is open.
    #[must_use]
    pub fn live_is_open(&self) -> bool {
        self.live_is_open
    }

    /// Failures in a row on this line.
    #[must_use]
    pub fn failures(&self, line: Line) -> u32 {
        self.state(line).backoff.failures()
    }

    fn done(&mut self, line: Line, outcome: Outcome, now: Time) {
        if line == Line::Live {
            self.live_is_open = false;
        }
        let jitter = self.next_jitter();
        let state = self.line(line);
        (state.running, state.stopping, state.ended) = (false, false, Some(now));
        match outcome {
            Outcome::Finished => state.backoff.reset(),
            Outcome::Failed { retry_after } => {
                state.backoff.failed(now, retry_after, jitter);
                state.wanted = true;
            }
            Outcome::Stopped => state.wanted = true,
        }
    }

    fn start_what_is_due(&mut self, now: Time) {
        if self.paused {
            return;
        }
        for line in LINES {
            if !self.state(line).running && self.due(line, now) <= now {
                let state = self.line(line);
                (state.running, state.wanted) = (true, false);
                self.effects.push_back(Effect::Start(line));
            }
        }
    }

    fn due(&self, line: Line, now: Time) -> Time {
        let state = self.state(line);
        if let Some(next) = state.backoff.wait_until(now) {
            return next;
        }
        let period = match line {
            Line::Send => self.pace.send,
            Line::Collect if self.live_is_open => self.pace.collect_beside_live,
            Line::Collect => self.pace.collect,
            Line::Rosters => self.pace.rosters,
            Line::Live => LIVE.min(self.pace.longest_pause),
        };
        match state.ended {
            // An end that lies ahead means that the clock was set back: go by the new clock.
            Some(ended) if !state.wanted && ended <= now => ended.plus(period),
            _ => now,
        }
    }

    fn stop(&mut self, line: Line) {
        let state = self.line(line);
        if state.running && !state.stopping {
            state.stopping = true;
            self.effects.push_back(Effect::Stop(line));
        }
    }

    fn state(&self, line: Line) -> &State {
        &self.lines[line as usize]
    }

    fn line(&mut self, line: Line) -> &mut State {
        &mut self.lines[line as usize]
    }

    /// Xorshift (Marsaglia 2003): spreading retries needs no secrecy.
    fn next_jitter(&mut self) -> u32 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let [a, b, c, d, ..] = self.jitter.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

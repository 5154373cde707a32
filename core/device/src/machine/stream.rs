//! What a device streams, within a session: a session that collects ends itself when one measurement is whole.

use super::{Session, State};
use crate::family::Family;
use crate::plan::Goal;
use crate::radio::Attribute;
use crate::reason::ReasonCode;
use crate::stream::{Stream, StreamEffect, StreamEvent, StreamOutcome, StreamPace};
use crate::uuid::Uuid;
use reading::Moment;

/// The stream of one session.
pub(super) struct Streamed {
    /// The service that it comes from.
    service: Uuid,
    stream: Stream,
    outcome: Option<StreamOutcome>,
}

impl Session {
    /// Whether the device streams: then frames of this family go into a measurement.
    pub(super) fn streams(&mut self, family: &Family) {
        if let Some(kind) = family.stream {
            self.streamed = Some(Streamed {
                service: family.service,
                stream: Stream::new(kind, StreamPace::default()),
                outcome: None,
            });
        }
    }

    /// Takes a frame of a stream; false when it is none.
    pub(super) fn takes_streamed(&mut self, of: Attribute, bytes: &[u8], now: Moment) -> bool {
        let streams = |streamed: &&Streamed| streamed.service == of.service;
        if self.streamed.as_ref().filter(streams).is_none() {
            return false;
        }
        self.stream_event(StreamEvent::Notified(bytes.to_vec()), now);
        true
    }

    /// Waits for a measurement, where one is wanted and still to come.
    pub(super) fn waits_for_stream(&mut self, now: Moment) -> bool {
        if self.plan.goal == Goal::Collect {
            self.stream_event(StreamEvent::Tick, now);
        }
        let streamed = self.streamed.as_ref();
        let deadline = streamed
            .filter(|one| one.outcome.is_none())
            .and_then(|one| one.stream.deadline());
        if let Some(until) = deadline.filter(|_| self.plan.goal == Goal::Collect) {
            self.state = State::Listening;
            self.open_call = None;
            self.until = Some(until);
            return true;
        }
        false
    }

    /// The link is gone: what was measured so far is no measurement.
    pub(super) fn end_stream(&mut self, now: Moment) {
        self.stream_event(StreamEvent::Disconnected, now);
    }

    /// What the outcome says about the session, when nothing else does.
    pub(super) fn stream_fault(&self) -> Option<ReasonCode> {
        let outcome = self.streamed.as_ref()?.outcome?;
        (outcome == StreamOutcome::NoPulse).then_some(ReasonCode::NoPulse)
    }

    /// A measurement that was taken is not taken again at once.
    pub(super) fn rest_s(&self) -> u32 {
        let outcome = self.streamed.as_ref().and_then(|one| one.outcome);
        match outcome {
            Some(StreamOutcome::Measured) => StreamPace::default().rest_s,
            _ => 0,
        }
    }

    fn stream_event(&mut self, event: StreamEvent, now: Moment) {
        let Some(streamed) = &mut self.streamed else {
            return;
        };
        streamed.stream.input(event, now);
        let effects: Vec<StreamEffect> =
            std::iter::from_fn(|| streamed.stream.poll_effect()).collect();
        for effect in effects {
            match effect {
                StreamEffect::Deliver(frames) => self.deliver(0x2a37, frames, now),
                StreamEffect::Done(outcome) => {
                    if let Some(streamed) = &mut self.streamed {
                        streamed.outcome = Some(outcome);
                    }
                    if self.state == State::Listening {
                        self.until = Some(now);
                    }
                }
            }
        }
    }
}

//! Joins a machine and a radio: the only place where a session waits.

use crate::call::{Answer, Call, Effect, Event};
use crate::capture::{CapturedRecord, SessionFacts};
use crate::fault::RadioFault;
use crate::machine::Session;
use crate::plan::Plan;
use crate::radio::{DeviceHandle, Radio, RadioEvent, RadioState};
use crate::reason::SessionReport;
use crate::stored::StoredMark;
use crate::trace::{Trace, Tracer};
use reading::Moment;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, sleep_until};

/// What a session hands on, as soon as it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// A record, raw: to be journalled at once.
    Record(CapturedRecord),
    /// What is known about the device so far; `complete` when nothing more will follow but the setting of its clock.
    Facts(Box<SessionFacts>),
    /// How far the device's stored records were taken: to be kept for the next session with it, after the records
    /// before it are.
    Mark(Box<StoredMark>),
    /// The session written down, if the plan wanted it; just before the end.
    Trace(Trace),
    /// The end.
    Ended(SessionReport),
}

/// Runs one session to its end and returns its report, which is also the last event.
///
/// Sessions that run at the same time each need a [`RadioView`](crate::RadioView) of the radio: it has one scan only.
///
/// `started` is the phone's time now; what follows is counted from there on a clock that nobody sets, so that a change
/// of the phone's clock moves no deadline. When `cancel` is ready, the session ends in an orderly way: dropping the
/// future instead leaves the link to the platform.
pub async fn run_session(
    radio: Arc<dyn Radio>,
    plan: Plan,
    started: Moment,
    out: UnboundedSender<SessionEvent>,
    cancel: impl Future<Output = ()> + Send,
) -> SessionReport {
    let clock = Clock::begin(started);
    let device = plan.device.clone();
    let mut events = radio.events();
    let mut session = Traced {
        tracer: Tracer::begin(plan.trace, &plan, started),
        session: Session::new(plan),
    };
    let mut cancel = pin!(cancel);
    let (mut cancelled, mut radio_gone) = (false, false);
    let within = u64::try_from(session.session.plan().pace.step_ms).unwrap_or(0);
    let first = tokio::select! {
        biased;
        state = radio.state() => match state {
            RadioState::On => Event::Tick,
            other => Event::Radio(RadioEvent::State(other)),
        },
        () = &mut cancel => {
            cancelled = true;
            Event::Cancel
        }
        () = sleep(Duration::from_millis(within)) => Event::Answer {
            call: 0,
            result: Err(RadioFault::Timeout),
        },
    };
    session.input(first, clock.now());
    let mut pending: Option<Pending> = None;
    loop {
        while let Some(effect) = session.poll_effect(clock.now()) {
            // A host that no longer listens ends the session, not the other way round.
            let event = match effect {
                Effect::Run { call, what } => {
                    let answer = execute(Arc::clone(&radio), device.clone(), what);
                    pending = Some(Box::pin(async move { (call, answer.await) }));
                    continue;
                }
                Effect::Deliver(record) => SessionEvent::Record(record),
                Effect::Mark(mark) => SessionEvent::Mark(mark),
                Effect::Facts(facts) => SessionEvent::Facts(facts),
                Effect::Ended(report) => {
                    if let Some(tracer) = session.tracer.take() {
                        let _ = out.send(SessionEvent::Trace(tracer.end()));
                    }
                    let _ = out.send(SessionEvent::Ended(report.clone()));
                    return report;
                }
            };
            if out.send(event).is_err() {
                session.input(Event::Cancel, clock.now());
            }
        }
        let deadline = session.session.deadline().map(|until| clock.instant(until));
        tokio::select! {
            // What was received is taken before what was answered: a value never falls behind the end of its link.
            biased;
            event = events.next(), if !radio_gone => match event {
                Some(event) => session.input(Event::Radio(event), clock.now()),
                None => {
                    radio_gone = true;
                    let gone = RadioEvent::State(RadioState::Missing);
                    session.input(Event::Radio(gone), clock.now());
                }
            },
            (call, result) = answered(&mut pending), if pending.is_some() => {
                pending = None;
                session.input(Event::Answer { call, result }, clock.now());
            }
            () = &mut cancel, if !cancelled => {
                cancelled = true;
                session.input(Event::Cancel, clock.now());
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                session.input(Event::Tick, clock.now());
            }
        }
    }
}

/// The machine, and who writes down what goes in and comes out.
struct Traced {
    session: Session,
    tracer: Option<Tracer>,
}

impl Traced {
    fn input(&mut self, event: Event, now: Moment) {
        if let Some(tracer) = &mut self.tracer {
            tracer.input(&event, now);
        }
        self.session.input(event, now);
    }

    fn poll_effect(&mut self, now: Moment) -> Option<Effect> {
        let effect = self.session.poll_effect()?;
        if let Some(tracer) = &mut self.tracer {
            tracer.output(&effect, now);
        }
        Some(effect)
    }
}

type Pending = Pin<Box<dyn Future<Output = (u32, Result<Answer, RadioFault>)> + Send>>;

async fn answered(pending: &mut Option<Pending>) -> (u32, Result<Answer, RadioFault>) {
    match pending {
        Some(pending) => pending.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn execute(
    radio: Arc<dyn Radio>,
    device: DeviceHandle,
    what: Call,
) -> Result<Answer, RadioFault> {
    let done = |()| Answer::Done;
    match what {
        Call::StartScan(services) => radio.start_scan(&services).await.map(done),
        Call::StopScan => radio.stop_scan().await.map(done),
        Call::Connect => radio.connect(&device).await.map(done),
        Call::Discover => radio.discover(&device).await.map(Answer::Attributes),
        Call::Subscribe(attribute) => radio.subscribe(&device, attribute).await.map(done),
        Call::Pair => radio.pair(&device).await.map(done),
        Call::Read(attribute) => radio.read(&device, attribute).await.map(Answer::Bytes),
        Call::Write(attribute, bytes) => radio.write(&device, attribute, &bytes).await.map(done),
        Call::IsBonded => radio.is_bonded(&device).await.map(Answer::Flag),
        Call::Disconnect => radio.disconnect(&device).await.map(done),
    }
}

/// The time since a moment, on a clock that nobody sets.
pub(crate) struct Clock {
    started: Moment,
    since: Instant,
}

impl Clock {
    pub(crate) fn begin(started: Moment) -> Self {
        Self {
            started,
            since: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        let ms = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started.plus_ms(ms)
    }

    pub(crate) fn instant(&self, at: Moment) -> Instant {
        let ms = u64::try_from(at.ms_since(self.started)).unwrap_or(0);
        self.since + Duration::from_millis(ms)
    }
}

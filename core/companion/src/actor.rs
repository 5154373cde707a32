//! The one actor: it routes, and decides nothing.
//!
//! In: commands from handles, answers from relays, events from device sessions, time. Out: replies, calls, changes. It
//! runs on a thread of its own with a small runtime, so that a shell needs none and a slow disk stalls nobody else: what
//! it starts (device sessions, calls to relays) runs on another thread, since it writes and seals without a pause.

use crate::caller::Caller;
use crate::change::{ChangeLog, ChangeWatch};
use crate::companion::Ports;
use crate::config::Config;
use crate::desk::Desk;
use crate::engine::{Effect, Event};
use crate::error::CompanionError;
use crate::input::{Frame, JoinOptions, ManualReading, Network, Submitted};
use crate::sessions::Sessions;
use crate::view::{
    Answer, Cursor, DrainReport, HistoryPage, HistoryQuery, Person, RequestId, Topic, TraceView,
    UserChoice, View,
};
use post::{ClientOptions, Line};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use vault::RecoverySheet;
use wire::Time;

type Reply<T> = oneshot::Sender<Result<T, CompanionError>>;

/// What a handle may ask.
pub(crate) enum Command {
    View {
        topic: Topic,
        reply: Reply<View>,
    },
    History {
        query: HistoryQuery,
        cursor: Option<Cursor>,
        reply: Reply<HistoryPage>,
    },
    PrepareRecovery {
        reply: Reply<RecoverySheet>,
    },
    Join {
        invite: String,
        options: JoinOptions,
        reply: Reply<RequestId>,
    },
    RecordManual {
        manual: ManualReading,
        reply: Reply<String>,
    },
    SubmitFrame {
        frame: Frame,
        reply: Reply<Submitted>,
    },
    Pair {
        timeout: Duration,
        reply: Reply<RequestId>,
    },
    Look {
        timeout: Duration,
        reply: Reply<RequestId>,
    },
    PairWith {
        found: String,
        reply: Reply<RequestId>,
    },
    Forget {
        device: String,
        reply: Reply<RequestId>,
    },
    Answer {
        question: RequestId,
        answer: Answer,
        reply: Reply<u32>,
    },
    SlotIs {
        device: String,
        slot: u8,
        person: Person,
        reply: Reply<u32>,
    },
    UseUser {
        device: String,
        choice: UserChoice,
        reply: Reply<()>,
    },
    ReadingIs {
        reading: String,
        person: Person,
        reply: Reply<()>,
    },
    Traces {
        reply: Reply<Vec<TraceView>>,
    },
    Trace {
        id: i64,
        reply: Reply<String>,
    },
    Dismiss {
        request: RequestId,
        reply: Reply<()>,
    },
    Pause {
        deadline: Duration,
        reply: Reply<()>,
    },
    Resume {
        reply: Reply<()>,
    },
    NetworkChanged {
        network: Network,
        reply: Reply<()>,
    },
    Drain {
        budget: Duration,
        reply: Reply<DrainReport>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// What the actor starts with.
pub(crate) struct Start {
    pub config: Config,
    pub ports: Ports,
    pub commands: mpsc::Receiver<Command>,
}

/// A look at clock, keys and radio at least so often: a wall clock may jump while the process sleeps.
const LOOK: Duration = Duration::from_secs(30);
/// So long may device sessions take to end in order.
const SESSIONS_END: Duration = Duration::from_secs(3);
/// Answers and device events that may wait at once; senders beyond that wait their turn.
const WAITING_EVENTS: usize = 64;

/// Opens everything on the caller's thread, so that errors come back at once, then starts the actor's thread.
pub(crate) fn start(start: Start) -> Result<ChangeWatch, CompanionError> {
    let relay = ClientOptions {
        extra_roots_pem: start.config.relay_roots_pem.clone(),
    };
    let (radio, device_pace) = (start.ports.radio.clone(), start.config.device_pace);
    let trace = start.config.trace;
    let desk = Desk::open(start.config, start.ports.key_vault, Time::system())?;
    let (changes, watch) = ChangeLog::new();
    // `block_on` has the actor on its own thread, and what is spawned goes to the one worker.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("teleward-sessions")
        .enable_all()
        .build()
        .map_err(|_| CompanionError::internal("no runtime could be started"))?;
    let (to_us, events) = mpsc::channel(WAITING_EVENTS);
    let run = async move {
        let actor = Actor {
            desk,
            caller: Caller::new(relay, to_us),
            sessions: Sessions::new(radio, device_pace, trace),
            changes,
            drains: Vec::new(),
        };
        actor.run(start.commands, events).await;
    };
    std::thread::Builder::new()
        .name("teleward-companion".to_owned())
        .spawn(move || runtime.block_on(run))
        .map_err(|_| CompanionError::internal("no thread could be started"))?;
    Ok(watch)
}

struct Drain {
    until: Instant,
    handed_before: u64,
    collected_before: u64,
    reply: Reply<DrainReport>,
}

struct Actor {
    desk: Desk,
    caller: Caller,
    sessions: Sessions,
    changes: ChangeLog,
    drains: Vec<Drain>,
}

impl Actor {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut events: mpsc::Receiver<Event>,
    ) {
        self.tick(Time::system());
        self.sessions.restart(&self.desk);
        loop {
            self.carry_out();
            self.finish_drains();
            let wake = self.wake();
            let now = Time::system;
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Close { reply }) => {
                        self.end().await;
                        drop(self);
                        // Nobody may be left to hear it.
                        let _heard = reply.send(());
                        return;
                    }
                    Some(Command::Pause { deadline, reply }) => self.pause(deadline, reply).await,
                    Some(command) => self.command(command, now()),
                    None => return self.end().await,
                },
                Some(event) = events.recv() => self.desk.event(event, now()),
                Some(event) = self.sessions.next() => self.sessions.take(event, &mut self.desk, now()),
                () = tokio::time::sleep_until(wake) => self.tick(now()),
            }
        }
    }

    fn tick(&mut self, now: Time) {
        if self.desk.tick(now) {
            // The keys came: what needs them can begin.
            self.sessions.restart(&self.desk);
        }
        if let Err(error) = self.desk.settle_old(&self.sessions.connections(), now) {
            tracing::warn!(%error, "records that wait for their device");
        }
        if let Some(relay) = self.desk.relay_url() {
            self.desk
                .set_clock_offset(self.caller.clock_offset_ms(&relay));
        }
    }

    async fn end(&mut self) {
        self.rest(SESSIONS_END).await;
        if let Err(error) = self.desk.pause(Time::system()) {
            tracing::warn!(%error, "closing the database");
        }
    }

    /// Lets sessions end in order, and takes what they still hand on.
    async fn rest(&mut self, limit: Duration) {
        self.sessions.stop();
        let end = Instant::now() + limit;
        while self.sessions.is_busy() {
            tokio::select! {
                Some(happening) = self.sessions.next() => {
                    self.sessions.take(happening, &mut self.desk, Time::system());
                }
                () = tokio::time::sleep_until(end) => return,
            }
        }
    }

    /// Carries out what the desk wants of relays and handles.
    fn carry_out(&mut self) {
        while let Some(effect) = self.desk.poll_effect() {
            match effect {
                Effect::Ask(call) => self.caller.start(call),
                Effect::Cancel(ticket) => self.caller.cancel(ticket),
                Effect::Changed(topics) => self.changes.mark(&topics),
            }
        }
    }

    fn wake(&self) -> Instant {
        let now = Time::system();
        let mut pause = LOOK;
        if let Some(deadline) = self.desk.deadline(now) {
            pause = pause.min(deadline.since(now));
        }
        let wake = Instant::now() + pause;
        self.drains
            .iter()
            .map(|drain| drain.until)
            .chain([wake])
            .min()
            .unwrap_or(wake)
    }

    fn command(&mut self, command: Command, now: Time) {
        match command {
            Command::View {
                topic: Topic::Devices,
                reply,
            } => {
                let devices = self.desk.devices().map(|mut devices| {
                    self.sessions.describe(&mut devices);
                    View::Devices(devices)
                });
                answer(reply, devices);
            }
            Command::View {
                topic: Topic::Found,
                reply,
            } => answer(reply, self.sessions.near(&self.desk).map(View::Found)),
            Command::View { topic, reply } => {
                let offset = self
                    .desk
                    .relay_url()
                    .map_or(0, |relay| self.caller.clock_offset_ms(&relay));
                answer(reply, self.desk.view(topic, offset));
            }
            Command::History {
                query,
                cursor,
                reply,
            } => answer(reply, self.desk.history(&query, cursor)),
            Command::PrepareRecovery { reply } => answer(reply, self.desk.prepare_recovery()),
            Command::Join {
                invite,
                options,
                reply,
            } => answer(reply, self.desk.join(&invite, &options, now)),
            Command::RecordManual { manual, reply } => {
                answer(reply, self.desk.record_manual(&manual, now))
            }
            Command::SubmitFrame { frame, reply } => {
                answer(reply, self.desk.submit_frame(&frame, now))
            }
            Command::Pair { timeout, reply } => {
                answer(reply, self.sessions.pair(&mut self.desk, timeout, now))
            }
            Command::Look { timeout, reply } => {
                answer(reply, self.sessions.look(&mut self.desk, timeout, now))
            }
            Command::PairWith { found, reply } => {
                answer(reply, self.sessions.pair_with(&mut self.desk, &found, now))
            }
            Command::Forget { device, reply } => {
                answer(reply, self.sessions.forget(&mut self.desk, &device, now))
            }
            Command::Answer {
                question,
                answer: said,
                reply,
            } => answer(reply, self.desk.answer(question, said, now)),
            Command::SlotIs {
                device,
                slot,
                person,
                reply,
            } => answer(reply, self.desk.slot_is(&device, slot, person, now)),
            Command::UseUser {
                device,
                choice,
                reply,
            } => answer(
                reply,
                self.sessions.use_user(&mut self.desk, &device, choice, now),
            ),
            Command::ReadingIs {
                reading,
                person,
                reply,
            } => answer(reply, self.desk.reading_is(&reading, person, now)),
            Command::Traces { reply } => answer(reply, self.desk.traces()),
            Command::Trace { id, reply } => answer(reply, self.desk.trace(id)),
            Command::Dismiss { request, reply } => answer(reply, self.desk.dismiss(request)),
            Command::Resume { reply } => {
                let resumed = self.desk.resume(now);
                self.sessions.restart(&self.desk);
                answer(reply, resumed);
            }
            Command::NetworkChanged { network, reply } => {
                self.caller.forget_connections();
                self.desk.network_changed(network, now);
                // The shell is awake: perhaps the device was unlocked meanwhile.
                self.tick(now);
                answer(reply, Ok(()));
            }
            Command::Drain { budget, reply } => self.drain(budget, reply, now),
            // Handled where they may wait.
            Command::Pause { .. } | Command::Close { .. } => {}
        }
    }

    /// Sessions get half of the time to end in order; stopping the post and writing the log back is short.
    async fn pause(&mut self, deadline: Duration, reply: Reply<()>) {
        let started = Instant::now();
        self.rest(SESSIONS_END.min(deadline / 2)).await;
        let paused = self.desk.pause(Time::system());
        self.carry_out();
        if started.elapsed() > deadline {
            tracing::warn!("pausing took longer than the system allows");
        }
        answer(reply, paused);
    }

    fn drain(&mut self, budget: Duration, reply: Reply<DrainReport>, now: Time) {
        if self.desk.is_paused() {
            return answer(reply, Err(CompanionError::Paused));
        }
        let (handed_before, collected_before) = self.desk.counts();
        self.desk.event(Event::Wanted(Line::Send), now);
        self.desk.event(Event::Wanted(Line::Collect), now);
        self.drains.push(Drain {
            until: Instant::now() + budget,
            handed_before,
            collected_before,
            reply,
        });
    }

    fn finish_drains(&mut self) {
        let idle = !self.desk.is_running(Line::Send) && !self.desk.is_running(Line::Collect);
        let now = Instant::now();
        let (done, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.drains)
            .into_iter()
            .partition(|drain| idle || drain.until <= now);
        self.drains = open;
        for drain in done {
            let (handed, collected) = self.desk.counts();
            let report = self.desk.queue().map(|queue| DrainReport {
                handed_over: handed.saturating_sub(drain.handed_before),
                collected: collected.saturating_sub(drain.collected_before),
                still_waiting: queue.waiting,
                trouble: queue.trouble,
            });
            answer(drain.reply, report);
        }
    }
}

/// Answers a caller that may have gone away, which changes nothing.
fn answer<T>(reply: Reply<T>, value: Result<T, CompanionError>) {
    let _heard = reply.send(value);
}

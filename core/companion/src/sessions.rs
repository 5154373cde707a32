//! Device sessions: one per paired device, over and over, and one that pairs when asked.
//!
//! In: what [`device::run_session`] tells. Out: records and facts handed to the desk at once, restarts after a pause.
//! Each session runs in its own task, so that a slow radio stalls nobody, and on a view of the radio of its own.

mod look;
mod pairing;
mod told;

use crate::desk::Desk;
use crate::device_table::{self, Paired};
use crate::error::CompanionError;
use crate::models;
use crate::show;
use crate::view::{DeviceView, RequestId, UserChoice};
use device::{
    Advertisement, CapturedRecord, DeviceHandle, Plan, Radio, RadioFault, ReasonCode, SessionEvent,
    SessionFacts, SharedRadio, Trace, TraceMode, UserPlan, run_session,
};
use reading::Moment;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use wire::Time;

/// After a session of a device that may be there again at once: a cuff is visible for a few seconds only.
const SHORT_PAUSE: Duration = Duration::from_millis(200);
/// While there is no radio to use.
const NO_RADIO_PAUSE: Duration = Duration::from_secs(1);
/// After a session that needs a person first (a bond to be made anew): not to bother the device meanwhile.
const PAUSE: Duration = Duration::from_secs(5);
/// Records that come in a burst, as a full memory does, become readings together: each would travel in an envelope of its
/// own. The first of them waits for nothing, and none longer than this.
const GATHER: Duration = Duration::from_secs(1);
/// A record that comes so soon after the one before it is one of a burst: nobody measures that fast.
const NEAR_MS: i64 = 100;
/// Events of all sessions that may wait for the actor at once.
const WAITING: usize = 64;

/// What sessions tell the actor.
pub(crate) enum Happening {
    Event {
        run: u64,
        event: SessionEvent,
    },
    Found {
        request: RequestId,
        found: Result<Option<Advertisement>, RadioFault>,
    },
    /// What a person's look around has seen so far.
    Near(Vec<Advertisement>),
    /// That look is over.
    Looked {
        request: RequestId,
        ended: Result<(), RadioFault>,
    },
    /// What this session gathered is due.
    Gathered {
        run: u64,
    },
    /// This device's next session is due, or that of all.
    Again {
        device: Option<String>,
    },
}

/// What a session is for.
enum Purpose {
    Collect {
        device: String,
    },
    Pair {
        request: RequestId,
        name: Option<String>,
        saved: Option<String>,
    },
}

struct Run {
    purpose: Purpose,
    handle: DeviceHandle,
    connection: [u8; 16],
    facts: SessionFacts,
    /// When its last record arrived.
    last_record: Option<Moment>,
    /// While this is so, records wait for those that come right behind them.
    gathering: bool,
    user: UserPlan,
    /// Comes just before the end.
    trace: Option<Trace>,
    /// Dropped, it ends the session in an orderly way; the run stays until the session says that it has ended.
    cancel: Option<oneshot::Sender<()>>,
}

impl Run {
    fn collects(&self, id: &str) -> bool {
        matches!(&self.purpose, Purpose::Collect { device } if device == id)
    }
}

/// While one device is paired, the others wait: a radio does one such thing at a time.
enum Pairing {
    No,
    Looking,
    /// Found; the device's own session has to end first.
    Found(RequestId, Advertisement),
    Running,
}

pub(crate) struct Sessions {
    radio: Option<SharedRadio>,
    pace: device::Pace,
    trace: TraceMode,
    runs: BTreeMap<u64, Run>,
    next_run: u64,
    stopped: bool,
    pairing: Pairing,
    /// Devices that are left alone, and until when.
    resting: BTreeMap<String, tokio::time::Instant>,
    /// What the last look around has seen, the nearest first.
    near: Vec<Advertisement>,
    /// While a person's look goes on: dropped, it ends the look.
    look: Option<oneshot::Sender<()>>,
    /// What the person has chosen before the look was over.
    chosen: Option<(RequestId, Advertisement)>,
    to_us: mpsc::Sender<Happening>,
    happenings: mpsc::Receiver<Happening>,
}

impl Sessions {
    /// Must be called within a tokio runtime.
    pub(crate) fn new(radio: Option<Arc<dyn Radio>>, pace: device::Pace, trace: TraceMode) -> Self {
        let (to_us, happenings) = mpsc::channel(WAITING);
        Self {
            radio: radio.map(SharedRadio::new),
            pace,
            trace,
            runs: BTreeMap::new(),
            next_run: 1,
            stopped: true,
            pairing: Pairing::No,
            resting: BTreeMap::new(),
            near: Vec::new(),
            look: None,
            chosen: None,
            to_us,
            happenings,
        }
    }

    /// What happened next, all that waits of it. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Vec<Happening>> {
        let mut next = Vec::new();
        let count = self.happenings.recv_many(&mut next, WAITING).await;
        (count > 0).then_some(next)
    }

    /// Starts a session for every paired device that has none.
    pub(crate) fn restart(&mut self, desk: &Desk) {
        self.stopped = false;
        if self.radio.is_none() {
            return;
        }
        match desk.paired() {
            Ok(paired) => paired
                .into_iter()
                .for_each(|paired| self.collect(desk, paired)),
            Err(error) => tracing::warn!(%error, "reading the paired devices"),
        }
    }

    /// Tells all sessions to end; what they still hand on is taken.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
        self.look = None;
        self.cancel_all();
    }

    /// Whether a session is still under way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.runs.is_empty()
    }

    fn cancel_all(&mut self) {
        self.runs.values_mut().for_each(|run| run.cancel = None);
    }

    /// Connections whose sessions still run: their records wait for them.
    pub(crate) fn connections(&self) -> Vec<[u8; 16]> {
        self.runs.values().map(|run| run.connection).collect()
    }

    /// Fills in what each device is doing.
    pub(crate) fn describe(&self, devices: &mut [DeviceView]) {
        for view in devices {
            let runs = self.runs.values().any(|run| run.collects(&view.id));
            if runs {
                view.state = "listening".to_owned();
            }
        }
    }

    pub(crate) fn forget(
        &mut self,
        desk: &mut Desk,
        device: &str,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let paired = desk
            .paired()?
            .into_iter()
            .find(|paired| paired.id == device);
        let paired = paired.ok_or(CompanionError::Unknown {
            what: "a paired device with this id",
        })?;
        let request = desk.new_request("forget", now)?;
        self.runs
            .values_mut()
            .filter(|run| run.collects(&paired.id))
            .for_each(|run| run.cancel = None);
        desk.forget_device(device)?;
        if let Some(radio) = self.radio.as_ref().map(SharedRadio::view) {
            // A bond that stays behind does no harm; the next pairing replaces it.
            tokio::spawn(async move { radio.forget(&paired.handle).await });
        }
        desk.finish_request(request, Ok(None))?;
        Ok(request)
    }

    /// Keeps which of a device's users the patient wants to be; its session begins anew and does it.
    pub(crate) fn use_user(
        &mut self,
        desk: &mut Desk,
        device: &str,
        choice: UserChoice,
        now: Time,
    ) -> Result<(), CompanionError> {
        desk.use_user(device, choice, now)?;
        self.runs
            .values_mut()
            .filter(|run| run.collects(device))
            .for_each(|run| run.cancel = None);
        Ok(())
    }

    /// Takes what happened, in order; records that came one after the other are one commit, since a meter sends hundreds.
    /// What fails here is told and changes nothing else.
    pub(crate) fn take(&mut self, happenings: Vec<Happening>, desk: &mut Desk, now: Time) {
        let mut records: Vec<(u64, CapturedRecord)> = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Event {
                    run,
                    event: SessionEvent::Record(record),
                } => records.push((run, record)),
                other => {
                    self.keep(std::mem::take(&mut records), desk, now);
                    self.take_one(other, desk, now);
                }
            }
        }
        self.keep(records, desk, now);
    }

    fn take_one(&mut self, happening: Happening, desk: &mut Desk, now: Time) {
        let taken = match happening {
            Happening::Event { run, event } => self.event(run, event, desk, now),
            Happening::Found { request, found } => self.found(request, found, desk, now),
            Happening::Near(near) => {
                self.near = near;
                desk.found_changed();
                Ok(())
            }
            Happening::Looked { request, ended } => self.looked(request, ended, desk, now),
            Happening::Gathered { run } => self.gathered(run, desk, now),
            Happening::Again { device } => self.again(device.as_deref(), desk),
        };
        if let Err(error) = taken {
            tracing::warn!(%error, "a device session");
        }
    }

    fn again(&mut self, device: Option<&str>, desk: &Desk) -> Result<(), CompanionError> {
        if self.stopped || desk.is_paused() {
            return Ok(());
        }
        let all = desk.paired()?.into_iter();
        all.filter(|paired| device.is_none_or(|id| id == paired.id))
            .for_each(|paired| self.collect(desk, paired));
        Ok(())
    }

    fn again_later(&self, pause: Duration, device: Option<String>) {
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _closed = to_us.send(Happening::Again { device }).await;
        });
    }

    fn collect(&mut self, desk: &Desk, paired: Paired) {
        let rests = |until: &tokio::time::Instant| *until > tokio::time::Instant::now();
        if self.resting.get(&paired.id).is_some_and(rests) {
            return;
        }
        let runs = self.runs.values().any(|run| run.handle == paired.handle)
            || !matches!(self.pairing, Pairing::No);
        let (Ok(offset), Ok(connection)) =
            (show::offset_min(desk.zone(), Time::system()), random())
        else {
            return;
        };
        if !runs {
            let user = paired
                .who
                .as_ref()
                .map_or(UserPlan::Unsaid, |who| who.people.plan());
            let (name, known, stored) = paired
                .who
                .map_or_else(Default::default, |who| (who.name, who.facts, who.stored));
            let manner = match desk.manner(&models::met(name.as_deref(), &known)) {
                Ok(manner) => manner,
                Err(error) => return tracing::warn!(%error, "reading the table of devices"),
            };
            let plan = Plan {
                stored,
                manner,
                user,
                ..Plan::collect(paired.handle, paired.bonded, known, offset, connection)
            };
            self.run(Purpose::Collect { device: paired.id }, plan);
        }
    }

    fn run(&mut self, purpose: Purpose, plan: Plan) {
        let Some(radio) = self.radio.as_ref().map(SharedRadio::view) else {
            return;
        };
        let plan = Plan {
            pace: self.pace,
            trace: self.trace,
            ..plan
        };
        let run = self.next_run;
        self.next_run += 1;
        let (cancel, cancelled) = oneshot::channel::<()>();
        let (handle, connection, user) = (plan.device.clone(), plan.connection, plan.user);
        self.runs.insert(
            run,
            Run {
                purpose,
                handle,
                connection,
                facts: SessionFacts::default(),
                last_record: None,
                gathering: false,
                user,
                trace: None,
                cancel: Some(cancel),
            },
        );
        let to_us = self.to_us.clone();
        let started = Moment::from_ms(Time::system().ms());
        tokio::spawn(async move {
            let (out, mut events) = mpsc::unbounded_channel();
            let cancelled = async move {
                // Either way the session is to end: told so, or nobody is left to tell.
                let _told = cancelled.await;
            };
            let session = run_session(Arc::new(radio), plan, started, out, cancelled);
            let forward = async {
                while let Some(event) = events.recv().await {
                    if to_us.send(Happening::Event { run, event }).await.is_err() {
                        break;
                    }
                }
            };
            tokio::join!(session, forward);
        });
    }
}

fn words(reason: ReasonCode) -> String {
    device_table::with_next_step(reason.words(), reason.next_step())
}

fn random() -> Result<[u8; 16], CompanionError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| CompanionError::internal("no random bytes"))?;
    Ok(bytes)
}

//! Device sessions: one per paired device, over and over, and one that pairs when asked.
//!
//! In: what [`device::run_session`] tells. Out: records and facts handed to the desk at once, restarts after a pause.
//! Each session runs in its own task, so that a slow radio stalls nobody, and on a view of the radio of its own.

mod look;

use crate::desk::Desk;
use crate::device_table::{self, Paired};
use crate::error::CompanionError;
use crate::models;
use crate::show;
use crate::view::{DeviceView, FoundView, RequestId, UserChoice};
use device::{
    Advertisement, CapturedRecord, DeviceHandle, Plan, Radio, RadioFault, RadioView, ReasonCode,
    SessionEvent, SessionFacts, SessionReport, SharedRadio, Trace, TraceMode, UserPlan, family,
    how_to_pair, run_session,
};
use reading::{DeviceFacts, Moment};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot::error::TryRecvError;
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

    pub(crate) fn pair(
        &mut self,
        desk: &mut Desk,
        timeout: Duration,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let radio = self.radio_to_pair(desk)?;
        let known: Vec<DeviceHandle> = desk
            .paired()?
            .into_iter()
            .map(|paired| paired.handle)
            .collect();
        if !matches!(self.pairing, Pairing::No) {
            return Err(busy());
        }
        let request = desk.new_request("pair", now)?;
        self.pairing = Pairing::Looking;
        self.cancel_all();
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            let found = look::nearest(&radio, timeout, &known).await;
            // The actor is gone only when everything is.
            let _closed = to_us.send(Happening::Found { request, found }).await;
        });
        Ok(request)
    }

    /// Looks around for a person who wants to choose.
    pub(crate) fn look(
        &mut self,
        desk: &mut Desk,
        timeout: Duration,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        let radio = self.radio_to_pair(desk)?;
        if !matches!(self.pairing, Pairing::No) {
            return Err(busy());
        }
        let request = desk.new_request("look", now)?;
        self.pairing = Pairing::Looking;
        self.cancel_all();
        self.near.clear();
        desk.found_changed();
        let (stop, mut stopped) = oneshot::channel::<()>();
        self.look = Some(stop);
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            let stopped = || matches!(stopped.try_recv(), Err(TryRecvError::Closed));
            let ended = look::around(&radio, timeout, stopped, &to_us).await;
            // The actor is gone only when everything is.
            let _closed = to_us.send(Happening::Looked { request, ended }).await;
        });
        Ok(request)
    }

    /// Pairs with a device that the last look has seen.
    pub(crate) fn pair_with(
        &mut self,
        desk: &mut Desk,
        found: &str,
        now: Time,
    ) -> Result<RequestId, CompanionError> {
        self.radio_to_pair(desk)?;
        let seen = self
            .near
            .iter()
            .find(|seen| device_table::id_of(&seen.device) == found)
            .cloned()
            .ok_or(CompanionError::Unknown {
                what: "a device near with this id",
            })?;
        match self.pairing {
            Pairing::No => {
                let request = desk.new_request("pair", now)?;
                self.cancel_all();
                self.pairing = Pairing::Found(request, seen);
                self.pair_when_free(desk, now)?;
                Ok(request)
            }
            Pairing::Looking if self.look.is_some() => {
                let request = desk.new_request("pair", now)?;
                self.chosen = Some((request, seen));
                self.look = None;
                Ok(request)
            }
            _ => Err(busy()),
        }
    }

    /// What the last look has seen.
    pub(crate) fn near(&self, desk: &Desk) -> Result<Vec<FoundView>, CompanionError> {
        let paired = desk.paired()?;
        let table = desk.models()?;
        let view = |seen: &Advertisement| FoundView {
            id: device_table::id_of(&seen.device),
            name: seen.name.clone(),
            family: family::of(&seen.services)
                .map_or("device", |family| family.name)
                .to_owned(),
            how_to_pair: how_to_pair(&table, &models::met_near(seen)),
            signal_dbm: seen.rssi,
            paired: paired.iter().any(|known| known.handle == seen.device),
        };
        Ok(self.near.iter().map(view).collect())
    }

    fn looked(
        &mut self,
        request: RequestId,
        ended: Result<(), RadioFault>,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        self.look = None;
        self.pairing = Pairing::No;
        match ended {
            Ok(()) => desk.finish_request(request, Ok(None))?,
            Err(fault) => {
                let reason = reason_of(fault);
                desk.finish_request(request, Err((reason.code(), &words(reason))))?;
            }
        }
        match self.chosen.take() {
            Some((request, seen)) => {
                self.pairing = Pairing::Found(request, seen);
                self.pair_when_free(desk, now)
            }
            None => {
                self.again_later(SHORT_PAUSE, None);
                Ok(())
            }
        }
    }

    fn radio_to_pair(&self, desk: &Desk) -> Result<RadioView, CompanionError> {
        let radio = self.radio.as_ref().ok_or(CompanionError::NoRadio)?;
        if desk.is_locked() {
            return Err(CompanionError::Locked);
        }
        Ok(radio.view())
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

    /// Keeps records, and makes readings of those whose device is known already: nothing more is to be waited for then than
    /// this session's clock reading.
    fn keep(&mut self, records: Vec<(u64, CapturedRecord)>, desk: &mut Desk, now: Time) {
        if records.is_empty() {
            return;
        }
        let (runs, records): (Vec<u64>, Vec<CapturedRecord>) = records.into_iter().unzip();
        desk.capture(&records, now);
        for (run, record) in runs.into_iter().zip(&records) {
            let done = match self.runs.get(&run) {
                Some(known) if known.facts.complete => self.gather(run, record.arrived, desk, now),
                Some(_) => Ok(()),
                None => desk.settle(record.connection, &SessionFacts::default(), now),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a device session");
            }
        }
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

    fn found(
        &mut self,
        request: RequestId,
        found: Result<Option<Advertisement>, RadioFault>,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let reason = match found {
            Ok(Some(seen)) => {
                self.pairing = Pairing::Found(request, seen);
                return self.pair_when_free(desk, now);
            }
            Ok(None) => ReasonCode::NotFound,
            Err(fault) => reason_of(fault),
        };
        self.pairing = Pairing::No;
        self.again_later(SHORT_PAUSE, None);
        desk.finish_request(request, Err((reason.code(), &words(reason))))
    }

    /// Begins to pair with what was found, once no other session holds the device.
    fn pair_when_free(&mut self, desk: &mut Desk, now: Time) -> Result<(), CompanionError> {
        let Pairing::Found(request, seen) = &self.pairing else {
            return Ok(());
        };
        if self.stopped {
            let (request, reason) = (*request, ReasonCode::Cancelled);
            self.pairing = Pairing::No;
            return desk.finish_request(request, Err((reason.code(), &words(reason))));
        }
        if self.runs.values().any(|run| run.handle == seen.device) {
            return Ok(());
        }
        let offset = show::offset_min(desk.zone(), now)?;
        let plan = Plan {
            seen: true,
            manner: desk.manner(&models::met_near(seen))?,
            known: Some(DeviceFacts {
                address: seen.address,
                ..DeviceFacts::default()
            }),
            ..Plan::pair(seen.device.clone(), offset, random()?)
        };
        let purpose = Purpose::Pair {
            request: *request,
            name: seen.name.clone(),
            saved: None,
        };
        self.pairing = Pairing::Running;
        self.run(purpose, plan);
        Ok(())
    }

    fn event(
        &mut self,
        run: u64,
        event: SessionEvent,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        match event {
            SessionEvent::Record(record) => {
                self.keep(vec![(run, record)], desk, now);
                Ok(())
            }
            SessionEvent::Facts(facts) => {
                let Some(run) = self.runs.get_mut(&run) else {
                    return Ok(());
                };
                run.facts = *facts;
                if !run.facts.complete {
                    return Ok(());
                }
                let device = match &mut run.purpose {
                    Purpose::Collect { device } => device.clone(),
                    Purpose::Pair { name, saved, .. } => saved
                        .insert(desk.save_device(
                            &run.handle,
                            name.clone(),
                            false,
                            &run.facts,
                            now,
                        )?)
                        .clone(),
                };
                desk.device_learnt(&device, &run.facts, now)?;
                desk.users_learnt(&device, run.user, &run.facts)?;
                desk.settle(run.connection, &run.facts, now)
            }
            SessionEvent::Mark(mark) => {
                let device = self.runs.get(&run).and_then(|run| match &run.purpose {
                    Purpose::Collect { device } => Some(device.clone()),
                    Purpose::Pair { saved, .. } => saved.clone(),
                });
                device.map_or(Ok(()), |device| desk.records_taken(&device, &mark))
            }
            SessionEvent::Trace(trace) => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.trace = Some(trace);
                }
                Ok(())
            }
            SessionEvent::Ended(report) => self.ended(run, &report, desk, now),
        }
    }

    /// Makes a reading of a record at once, and of those right behind it together.
    fn gather(
        &mut self,
        number: u64,
        arrived: Moment,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(run) = self.runs.get_mut(&number) else {
            return Ok(());
        };
        let last = run.last_record.replace(arrived);
        if run.gathering {
            return Ok(());
        }
        if last.is_none_or(|last| arrived.ms_since(last) >= NEAR_MS) {
            return desk.settle(run.connection, &run.facts, now);
        }
        run.gathering = true;
        let to_us = self.to_us.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GATHER).await;
            let _closed = to_us.send(Happening::Gathered { run: number }).await;
        });
        Ok(())
    }

    /// What came meanwhile. A session that has ended has seen to it itself.
    fn gathered(&mut self, run: u64, desk: &mut Desk, now: Time) -> Result<(), CompanionError> {
        let Some(run) = self.runs.get_mut(&run) else {
            return Ok(());
        };
        run.gathering = false;
        desk.settle(run.connection, &run.facts, now)
    }

    fn ended(
        &mut self,
        run: u64,
        report: &SessionReport,
        desk: &mut Desk,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some(run) = self.runs.remove(&run) else {
            return Ok(());
        };
        if matches!(run.purpose, Purpose::Pair { .. }) {
            self.pairing = Pairing::No;
            self.again_later(SHORT_PAUSE, None);
        }
        self.pair_when_free(desk, now)?;
        // A look around that met nobody has nothing to tell, and there are many of them.
        let idle = matches!(report.reason, ReasonCode::NotFound | ReasonCode::Cancelled);
        if let Some(trace) = run.trace.filter(|_| !idle || report.records > 0) {
            let device = match &run.purpose {
                Purpose::Collect { device } => Some(device.as_str()),
                Purpose::Pair { saved, .. } => saved.as_deref(),
            };
            desk.keep_trace(device, report.reason, &trace, now)?;
        }
        let device = match run.purpose {
            Purpose::Collect { device } => {
                desk.settle(run.connection, &run.facts, now)?;
                desk.device_ended(&device, report, now)?;
                device
            }
            Purpose::Pair {
                request,
                name,
                saved,
            } => {
                let good = report.reason.is_good();
                if saved.is_none() && !good {
                    desk.settle(run.connection, &run.facts, now)?;
                    return desk.finish_request(
                        request,
                        Err((report.reason.code(), &words(report.reason))),
                    );
                }
                let device = desk.save_device(&run.handle, name, report.bonded, &run.facts, now)?;
                desk.settle(run.connection, &run.facts, now)?;
                desk.device_ended(&device, report, now)?;
                desk.finish_request(request, Ok(Some(&device)))?;
                device
            }
        };
        let pause = match report.reason {
            ReasonCode::BluetoothOff | ReasonCode::RadioGone | ReasonCode::NotAllowed => {
                NO_RADIO_PAUSE
            }
            ReasonCode::NotSupported
            | ReasonCode::Ambiguous
            | ReasonCode::PairingRefused
            | ReasonCode::PairingTimeout
            | ReasonCode::PasskeyWrong
            | ReasonCode::BondLost => PAUSE,
            _ => SHORT_PAUSE,
        };
        let rest = Duration::from_secs(report.rest_s.into());
        let pause = pause.max(rest);
        if !rest.is_zero() {
            let until = tokio::time::Instant::now() + rest;
            self.resting.insert(device.clone(), until);
        }
        self.again_later(pause, Some(device));
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

fn busy() -> CompanionError {
    CompanionError::input("a device is being paired already: wait until that has ended")
}

/// Why nothing could be looked for.
fn reason_of(fault: RadioFault) -> ReasonCode {
    match fault {
        RadioFault::Off => ReasonCode::BluetoothOff,
        RadioFault::Missing => ReasonCode::RadioGone,
        RadioFault::Denied => ReasonCode::NotAllowed,
        _ => ReasonCode::RadioFailed,
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

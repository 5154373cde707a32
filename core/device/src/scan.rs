//! What several look for at once, as one scan: a machine without I/O.
//!
//! In: who looks for what, who connects, what the radio answered and tells. Out: the calls that start and stop the one
//! scan that a radio has. It runs for the union of what all look for, and ends with the last of them.
//!
//! While somebody connects, nobody scans, for a moment: many controllers do one of the two at a time, and Linux breaks a scan
//! off when it makes a connection; BlueZ resumes it on its own terms. That moment is short, so that a device that
//! has gone away costs the others little; and a scan that ran while a connection was made is begun anew.
//!
//! Controllers and platforms tell of a device once a scan. Who begins to look later would not hear of one that was told
//! before, so that the scan is begun anew for them, too.
//!
//! The host calls [`Scan::input`], takes all that [`Scan::poll_effect`] gives, and comes back at [`Scan::deadline`].

use crate::fault::RadioFault;
use crate::radio::RadioState;
use crate::uuid::Uuid;
use reading::Moment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For so long a connection under way keeps the scan away: a device that was seen just now answers sooner.
const HOLD_MS: i64 = 5_000;
/// A scan younger than this has left out nothing that still shows.
const FRESH_MS: i64 = 1_000;
/// Before a call that the radio was too busy for is made again; after the last of these its fault is told.
const RETRY_MS: [i64; 3] = [250, 500, 1_000];
/// And from then on, as long as somebody looks.
const RETRY_LATER_MS: i64 = 5_000;

/// Who shares the radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who(pub(crate) u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScanEvent {
    /// One looks for devices that name one of these services, and for no others from now on.
    Look(Who, BTreeSet<Uuid>),
    /// One looks no longer.
    Rest(Who),
    /// One is about to connect: settled as soon as no scan is in its way.
    Connect(Who),
    /// That call is over, however it ended.
    Connected(Who),
    /// The radio's answer to the call under way.
    Answer(Result<(), RadioFault>),
    /// The radio itself changed.
    Radio(RadioState),
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScanEffect {
    /// Start the scan. One call is under way at a time.
    Start(BTreeSet<Uuid>),
    /// Stop it.
    Stop,
    /// All that was wanted so far is done, or cannot be for now.
    Settled(Result<(), RadioFault>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Running {
    No,
    /// For these services, since then.
    For(BTreeSet<Uuid>, Moment),
    /// The radio did not say, or the scan may have been broken off: it is stopped before it is started.
    Unsure,
}

/// The machine.
pub(crate) struct Scan {
    looks: BTreeMap<Who, BTreeSet<Uuid>>,
    /// Who connects, and until when that keeps the scan away.
    connecting: BTreeMap<Who, Moment>,
    running: Running,
    /// The call under way.
    call: Option<ScanEffect>,
    /// While that call was under way the radio went, or made a connection: a scan that it started may be over.
    void: bool,
    /// How often in a row the radio could not do what was wanted, and when it is tried again.
    failures: usize,
    again_at: Option<Moment>,
    effects: VecDeque<ScanEffect>,
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self {
            looks: BTreeMap::new(),
            connecting: BTreeMap::new(),
            running: Running::No,
            call: None,
            void: false,
            failures: 0,
            again_at: None,
            effects: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub(crate) fn input(&mut self, event: ScanEvent, now: Moment) {
        use ScanEvent::{Connect, Look, Rest};
        let asked = matches!(event, Look(..) | Rest(_) | Connect(_));
        match event {
            ScanEvent::Look(who, services) => {
                let joins = self.looks.insert(who, services).is_none();
                let old = |since: Moment| now.ms_since(since) >= FRESH_MS;
                if matches!(self.running, Running::For(_, since) if joins && old(since)) {
                    self.running = Running::Unsure;
                }
            }
            ScanEvent::Rest(who) => {
                self.looks.remove(&who);
            }
            ScanEvent::Connect(who) => {
                self.connecting.insert(who, now.plus_ms(HOLD_MS));
            }
            ScanEvent::Connected(who) => {
                if self.connecting.remove(&who).is_some() {
                    self.void |= matches!(self.call, Some(ScanEffect::Start(_)));
                    if matches!(self.running, Running::For(..)) {
                        self.running = Running::Unsure;
                    }
                }
            }
            ScanEvent::Answer(result) => {
                if let Some(fault) = self.answered(result, now) {
                    return self.effects.push_back(ScanEffect::Settled(Err(fault)));
                }
            }
            ScanEvent::Radio(RadioState::On) => self.again_at = None,
            ScanEvent::Radio(_) => {
                self.void = self.call.is_some();
                self.running = Running::No;
            }
            ScanEvent::Tick => {}
        }
        self.decide(asked, now);
    }

    /// The next thing to do.
    pub(crate) fn poll_effect(&mut self) -> Option<ScanEffect> {
        self.effects.pop_front()
    }

    /// When to come back with [`ScanEvent::Tick`], if nothing happens before.
    pub(crate) fn deadline(&self, now: Moment) -> Option<Moment> {
        if self.call.is_some() {
            return None;
        }
        let holds = self.connecting.values().filter(|until| **until > now);
        let held = holds.max().filter(|_| !self.looks.is_empty());
        self.again_at.or(held.copied())
    }

    /// What is to run now: nothing while nobody looks or somebody has just begun to connect.
    fn wanted(&self, now: Moment) -> Option<BTreeSet<Uuid>> {
        let held = self.connecting.values().any(|until| *until > now);
        let all = || self.looks.values().flatten().copied().collect();
        (!self.looks.is_empty() && !held).then(all)
    }

    fn decide(&mut self, asked: bool, now: Moment) {
        if self.call.is_some() {
            return;
        }
        let next = match (self.wanted(now), &self.running) {
            (None, Running::No) => None,
            (None, _) => Some(ScanEffect::Stop),
            (Some(services), Running::For(known, _)) if services.is_subset(known) => None,
            (Some(services), Running::No) => Some(ScanEffect::Start(services)),
            (Some(_), _) => Some(ScanEffect::Stop),
        };
        let Some(next) = next else {
            self.failures = 0;
            self.again_at = None;
            return self.effects.push_back(ScanEffect::Settled(Ok(())));
        };
        // Who asks anew is not kept waiting for what failed before; but a radio that is busy is given its time.
        let waits = self.again_at.is_some_and(|at| at > now);
        if waits && !(asked && self.failures >= RETRY_MS.len()) {
            return;
        }
        self.again_at = None;
        self.call = Some(next.clone());
        self.effects.push_back(next);
    }

    /// Takes the answer to the call under way; gives the fault that those who wait are told.
    fn answered(&mut self, result: Result<(), RadioFault>, now: Moment) -> Option<RadioFault> {
        let void = std::mem::take(&mut self.void);
        let fault = match (self.call.take()?, result) {
            (ScanEffect::Start(services), Ok(())) => {
                self.running = if void {
                    Running::Unsure
                } else {
                    Running::For(services, now)
                };
                return None;
            }
            (ScanEffect::Start(_), Err(fault)) => {
                self.running = Running::Unsure;
                fault
            }
            // It runs on.
            (_, Err(RadioFault::Busy)) => {
                self.running = Running::Unsure;
                RadioFault::Busy
            }
            (_, Err(fault @ (RadioFault::Off | RadioFault::Missing | RadioFault::Denied))) => {
                self.running = Running::No;
                // Whoever looks hears of it by the next start.
                return self.looks.is_empty().then_some(fault);
            }
            // What cannot be stopped does not run.
            (_, _) => {
                self.running = Running::No;
                return None;
            }
        };
        if matches!(
            fault,
            RadioFault::Off | RadioFault::Missing | RadioFault::Denied
        ) {
            self.running = Running::No;
            self.failures = RETRY_MS.len();
        }
        let pause = RETRY_MS.get(self.failures).copied();
        self.failures = (self.failures + 1).min(RETRY_MS.len());
        self.again_at = Some(now.plus_ms(pause.unwrap_or(RETRY_LATER_MS)));
        pause.is_none().then_some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Who = Who(1);
    const B: Who = Who(2);

    fn at(ms: i64) -> Moment {
        Moment::from_ms(ms)
    }

    fn of(numbers: &[u16]) -> BTreeSet<Uuid> {
        numbers.iter().copied().map(Uuid::short).collect()
    }

    fn effects(scan: &mut Scan) -> Vec<ScanEffect> {
        std::iter::from_fn(|| scan.poll_effect()).collect()
    }

    /// What follows from an event.
    fn after(scan: &mut Scan, event: ScanEvent, ms: i64) -> Vec<ScanEffect> {
        scan.input(event, at(ms));
        effects(scan)
    }

    fn scanning(who: Who, numbers: &[u16]) -> Scan {
        let mut scan = Scan::new();
        let services = of(numbers);
        let start = ScanEffect::Start(services.clone());
        assert_eq!(after(&mut scan, ScanEvent::Look(who, services), 0), [start]);
        assert_eq!(after(&mut scan, ScanEvent::Answer(Ok(())), 0), [SETTLED]);
        scan
    }

    const SETTLED: ScanEffect = ScanEffect::Settled(Ok(()));

    /// REQ-DEVICE-170: one who looks beside another starts nothing, and one who leaves stops nothing.
    #[test]
    fn the_second_to_look_changes_nothing_and_the_last_to_leave_ends_it() {
        let mut scan = scanning(A, &[0x1810, 0x1808]);
        let more = ScanEvent::Look(B, of(&[0x1808]));
        assert_eq!(after(&mut scan, more, 1), [SETTLED]);
        assert_eq!(after(&mut scan, ScanEvent::Rest(A), 2), [SETTLED]);
        assert_eq!(after(&mut scan, ScanEvent::Rest(B), 3), [ScanEffect::Stop]);
        assert_eq!(after(&mut scan, ScanEvent::Answer(Ok(())), 4), [SETTLED]);
        assert_eq!(scan.deadline(at(4)), None);
    }

    /// REQ-DEVICE-170: who joins later hears of what was told before, because the scan is begun anew.
    #[test]
    fn a_scan_that_has_run_for_a_while_is_begun_anew_for_who_joins() {
        let mut scan = scanning(A, &[0x1810]);
        let look = ScanEvent::Look(B, of(&[0x1810]));
        assert_eq!(after(&mut scan, look.clone(), FRESH_MS), [ScanEffect::Stop]);
        let start = ScanEffect::Start(of(&[0x1810]));
        assert_eq!(after(&mut scan, ScanEvent::Answer(Ok(())), 1_100), [start]);
        assert_eq!(
            after(&mut scan, ScanEvent::Answer(Ok(())), 1_200),
            [SETTLED]
        );
        assert_eq!(after(&mut scan, look, 9_000), [SETTLED], "it looks already");
    }

    /// REQ-DEVICE-170: the scan is stopped before it is started for more.
    #[test]
    fn a_scan_for_more_is_begun_anew() {
        let mut scan = scanning(A, &[0x1810]);
        let more = ScanEvent::Look(B, of(&[0x1808]));
        assert_eq!(after(&mut scan, more, 1), [ScanEffect::Stop]);
        let union = ScanEffect::Start(of(&[0x1808, 0x1810]));
        assert_eq!(after(&mut scan, ScanEvent::Answer(Ok(())), 2), [union]);
    }

    /// REQ-DEVICE-172: a busy radio is asked again, after a stop, with longer pauses; then its fault is told, and it is
    /// asked on as long as somebody looks.
    #[test]
    fn a_busy_radio_is_asked_again_and_then_told() {
        let mut scan = Scan::new();
        let start = ScanEffect::Start(of(&[0x1810]));
        let look = ScanEvent::Look(A, of(&[0x1810]));
        assert_eq!(after(&mut scan, look, 0), std::slice::from_ref(&start));
        let mut now = 0;
        for pause in RETRY_MS {
            let busy = ScanEvent::Answer(Err(RadioFault::Busy));
            assert_eq!(after(&mut scan, busy, now), []);
            now += pause;
            assert_eq!(scan.deadline(at(now - pause)), Some(at(now)));
            assert_eq!(after(&mut scan, ScanEvent::Tick, now), [ScanEffect::Stop]);
            let stopped = ScanEvent::Answer(Err(RadioFault::Other));
            assert_eq!(after(&mut scan, stopped, now), std::slice::from_ref(&start));
        }
        let told = ScanEffect::Settled(Err(RadioFault::Busy));
        let busy = ScanEvent::Answer(Err(RadioFault::Busy));
        assert_eq!(after(&mut scan, busy, now), [told]);
        assert_eq!(scan.deadline(at(now)), Some(at(now + RETRY_LATER_MS)));
    }

    /// REQ-DEVICE-173: nobody scans while one begins to connect; one that does not answer holds the others up for a
    /// moment only, and a scan beside which a connection was made is begun anew.
    #[test]
    fn a_connection_holds_the_scan_up_for_a_moment() {
        let mut scan = scanning(A, &[0x1810]);
        assert_eq!(
            after(&mut scan, ScanEvent::Connect(B), 0),
            [ScanEffect::Stop]
        );
        assert_eq!(after(&mut scan, ScanEvent::Answer(Ok(())), 0), [SETTLED]);
        assert_eq!(scan.deadline(at(0)), Some(at(HOLD_MS)));
        let start = ScanEffect::Start(of(&[0x1810]));
        assert_eq!(
            after(&mut scan, ScanEvent::Tick, HOLD_MS),
            std::slice::from_ref(&start)
        );
        assert_eq!(
            after(&mut scan, ScanEvent::Answer(Ok(())), HOLD_MS),
            [SETTLED]
        );
        assert_eq!(
            after(&mut scan, ScanEvent::Connected(B), HOLD_MS),
            [ScanEffect::Stop]
        );
        assert_eq!(
            after(&mut scan, ScanEvent::Answer(Ok(())), HOLD_MS),
            [start]
        );
    }

    fn event() -> impl Strategy<Value = ScanEvent> {
        let who = (0_u64..3).prop_map(Who);
        let services = proptest::collection::btree_set(0_u16..4, 1..3);
        prop_oneof![
            (who.clone(), services).prop_map(|(who, numbers)| {
                ScanEvent::Look(who, numbers.into_iter().map(Uuid::short).collect())
            }),
            who.clone().prop_map(ScanEvent::Rest),
            who.clone().prop_map(ScanEvent::Connect),
            who.prop_map(ScanEvent::Connected),
            Just(ScanEvent::Answer(Ok(()))),
            Just(ScanEvent::Answer(Err(RadioFault::Busy))),
            Just(ScanEvent::Answer(Err(RadioFault::Other))),
            Just(ScanEvent::Answer(Err(RadioFault::Off))),
            Just(ScanEvent::Radio(RadioState::Off)),
            Just(ScanEvent::Radio(RadioState::On)),
            Just(ScanEvent::Tick),
        ]
    }

    /// A radio as the machine sees it: one call at a time, and what it really scans for.
    #[derive(Default)]
    struct Model {
        call: Option<ScanEffect>,
        scans: Option<BTreeSet<Uuid>>,
    }

    impl Model {
        fn take(&mut self, scan: &mut Scan) {
            for effect in effects(scan) {
                if !matches!(effect, ScanEffect::Settled(_)) {
                    assert_eq!(self.call, None, "one call at a time");
                    self.call = Some(effect);
                }
            }
        }

        /// The event as it may happen: an answer only to a call.
        fn happens(&mut self, event: &ScanEvent) -> bool {
            match event {
                ScanEvent::Answer(result) => match self.call.take() {
                    None => return false,
                    Some(ScanEffect::Start(services)) if result.is_ok() => {
                        assert_eq!(self.scans, None, "stopped before it is started");
                        self.scans = Some(services);
                    }
                    Some(ScanEffect::Stop) if *result != Err(RadioFault::Busy) => self.scans = None,
                    Some(_) => {}
                },
                ScanEvent::Radio(RadioState::Off) => self.scans = None,
                _ => {}
            }
            true
        }
    }

    proptest! {
        /// REQ-DEVICE-171: whatever happens in whatever order, the radio in the end scans for what is looked for, and not
        /// at all when nobody looks.
        #[test]
        fn in_the_end_the_radio_scans_for_what_is_wanted(
            happened in proptest::collection::vec((event(), 0_i64..4_000), 0..60)
        ) {
            let (mut scan, mut radio, mut now) = (Scan::new(), Model::default(), 0);
            for (event, ms) in happened {
                now += ms;
                if radio.happens(&event) {
                    scan.input(event, at(now));
                    radio.take(&mut scan);
                }
            }
            for who in 0..3 {
                scan.input(ScanEvent::Connected(Who(who)), at(now));
                radio.take(&mut scan);
            }
            for _ in 0..20 {
                let next = if radio.call.is_some() {
                    ScanEvent::Answer(Ok(()))
                } else if let Some(until) = scan.deadline(at(now)) {
                    now = now.max(until.ms());
                    ScanEvent::Tick
                } else {
                    break;
                };
                radio.happens(&next);
                scan.input(next, at(now));
                radio.take(&mut scan);
            }
            let all: BTreeSet<Uuid> = scan.looks.values().flatten().copied().collect();
            prop_assert_eq!(radio.call.clone(), None);
            match &radio.scans {
                None => prop_assert!(all.is_empty()),
                Some(scans) => prop_assert!(!all.is_empty() && all.is_subset(scans)),
            }
        }
    }
}

//! The life of one session with one device, as a machine without I/O.
//!
//! ```text
//! scan → connect → discover → subscribe → identity → clock → listen → set clock → bonded? → disconnect → cool down
//!                              └ pair when asked, then the same call again ┘
//! ```
//!
//! The host calls [`Session::input`] with what happened, takes all [`Session::poll_effect`] has to give, and comes back
//! at [`Session::deadline`] at the latest. Readings are accepted in every state after the subscription. At most one
//! call to the radio is under way; an answer to a call that was given up is ignored. Each session ends in exactly one
//! [`Effect::Ended`], whatever happens and in whatever order.

use crate::capture::{CapturedRecord, SessionFacts};
use crate::datetime::CurrentTime;
use crate::plan::{Goal, Plan};
use crate::radio::{Attribute, RadioEvent, RadioFault, RadioState};
use crate::reason::{ReasonCode, SessionReport};
use crate::uuid::Uuid;
use crate::{BloodPressureFrame, information};
use reading::{ClockReading, DeviceTime, Moment};
use std::collections::VecDeque;

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The session begins, or time has passed.
    Tick,
    /// The radio told something.
    Radio(RadioEvent),
    /// A call has its answer.
    Answer {
        /// Which call.
        call: u32,
        /// Its result.
        result: Result<Answer, RadioFault>,
    },
    /// The person or the system wants it to end.
    Cancel,
}

/// The result of a call.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// What the device has.
    Attributes(Vec<Attribute>),
    /// A value.
    Bytes(Vec<u8>),
    /// Yes or no.
    Flag(bool),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Attributes(_) => "Attributes",
            Self::Bytes(_) => "Bytes",
            Self::Flag(_) => "Flag",
        })
    }
}

/// A call to the radio.
#[derive(Clone, PartialEq, Eq)]
pub enum Call {
    /// Look for the device.
    StartScan(Vec<Uuid>),
    /// Stop looking.
    StopScan,
    /// Connect.
    Connect,
    /// List what it has.
    Discover,
    /// Subscribe.
    Subscribe(Attribute),
    /// Pair.
    Pair,
    /// Read.
    Read(Attribute),
    /// Write.
    Write(Attribute, Vec<u8>),
    /// Ask whether a bond exists.
    IsBonded,
    /// End the link.
    Disconnect,
}

/// Names the call; what is written to a device is nobody's business.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StartScan(_) => f.write_str("StartScan"),
            Self::StopScan => f.write_str("StopScan"),
            Self::Connect => f.write_str("Connect"),
            Self::Discover => f.write_str("Discover"),
            Self::Subscribe(of) => write!(f, "Subscribe({})", of.characteristic),
            Self::Pair => f.write_str("Pair"),
            Self::Read(of) => write!(f, "Read({})", of.characteristic),
            Self::Write(of, _) => write!(f, "Write({})", of.characteristic),
            Self::IsBonded => f.write_str("IsBonded"),
            Self::Disconnect => f.write_str("Disconnect"),
        }
    }
}

/// What the machine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make a call; a call before it that has no answer yet is to be given up.
    Run {
        /// Its number, to stand in the answer.
        call: u32,
        /// The call.
        what: Call,
    },
    /// A record: to be journalled at once.
    Deliver(CapturedRecord),
    /// What is known about the device so far.
    Facts(Box<SessionFacts>),
    /// The end. Nothing comes after it.
    Ended(SessionReport),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    StartingScan,
    Scanning,
    StoppingScan,
    Connecting,
    Resetting,
    Pausing,
    Discovering,
    Subscribing,
    Pairing,
    Identity,
    ReadingClock,
    Listening,
    SettingClock,
    AskingBond,
    Disconnecting,
    Draining,
    CoolingDown,
    Ended,
}

/// The machine.
pub struct Session {
    plan: Plan,
    state: State,
    effects: VecDeque<Effect>,
    until: Option<Moment>,
    call: u32,
    open_call: Option<(u32, Call)>,
    attempt: u32,
    /// Whether the link is believed to be up.
    linked: bool,
    /// Whether a call beyond connecting has worked in this link.
    spoken: bool,
    /// Links that broke before anything worked, although a bond exists.
    mute_links: u32,
    paired_here: bool,
    bonded: bool,
    attributes: Vec<Attribute>,
    to_read: VecDeque<Attribute>,
    facts: SessionFacts,
    seen_frames: Vec<Vec<u8>>,
    records: u32,
    repeated: u32,
    last_record: Option<Moment>,
    reason: Option<ReasonCode>,
}

const MEASUREMENT: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::MEASUREMENT,
};
const FEATURE: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::FEATURE,
};
const BATTERY: Attribute = Attribute {
    service: Uuid::BATTERY,
    characteristic: Uuid::BATTERY_LEVEL,
};
const CLOCKS: [Attribute; 2] = [
    Attribute {
        service: Uuid::CURRENT_TIME_SERVICE,
        characteristic: Uuid::CURRENT_TIME,
    },
    Attribute {
        service: Uuid::BLOOD_PRESSURE,
        characteristic: Uuid::DATE_TIME,
    },
];
/// System ID first: it decides the identity, and the device may be gone in a second.
const INFORMATION: [u16; 7] = [0x2a23, 0x2a25, 0x2a24, 0x2a29, 0x2a26, 0x2a27, 0x2a28];

/// A broken link while pairing mostly means "no"; the platform's own verdict follows within this time.
const PAIRING_VERDICT_MS: i64 = 2_000;

const fn needs_link(what: &Call) -> bool {
    !matches!(
        what,
        Call::StartScan(_) | Call::StopScan | Call::Connect | Call::Disconnect | Call::IsBonded
    )
}

impl Session {
    /// A session that has not begun; the first [`Event::Tick`] starts it.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let facts = SessionFacts {
            device: plan.known.clone().unwrap_or_default(),
            ..SessionFacts::default()
        };
        Self {
            bonded: plan.bonded,
            plan,
            state: State::New,
            effects: VecDeque::new(),
            until: None,
            call: 0,
            open_call: None,
            attempt: 0,
            linked: false,
            spoken: false,
            mute_links: 0,
            paired_here: false,
            attributes: Vec::new(),
            to_read: VecDeque::new(),
            facts,
            seen_frames: Vec::new(),
            records: 0,
            repeated: 0,
            last_record: None,
            reason: None,
        }
    }

    /// What the plan was.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes in what happened.
    pub fn input(&mut self, event: Event, now: Moment) {
        if self.state == State::Ended {
            return;
        }
        match event {
            Event::Cancel => self.finish(ReasonCode::Cancelled, now),
            Event::Radio(event) => self.radio(event, now),
            Event::Answer { call, result } => self.answer(call, result, now),
            Event::Tick if self.state == State::New => self.begin(now),
            Event::Tick => {}
        }
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            self.late(now);
        }
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to come back with [`Event::Tick`], if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.until
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    fn begin(&mut self, now: Moment) {
        if self.plan.seen {
            self.connect(now);
        } else {
            self.scan(now);
        }
    }

    fn scan(&mut self, now: Moment) {
        let scan_ms = self.plan.pace.scan_ms;
        self.run(
            State::StartingScan,
            Call::StartScan(vec![Uuid::BLOOD_PRESSURE]),
            scan_ms,
            now,
        );
    }

    fn connect(&mut self, now: Moment) {
        self.attempt += 1;
        self.spoken = false;
        self.run(
            State::Connecting,
            Call::Connect,
            self.plan.pace.connect_ms,
            now,
        );
    }

    /// Starts a call and the state that waits for it.
    fn run(&mut self, state: State, what: Call, within_ms: i64, now: Moment) {
        self.state = state;
        self.call += 1;
        self.until = Some(now.plus_ms(within_ms));
        self.open_call = Some((self.call, what.clone()));
        self.effects.push_back(Effect::Run {
            call: self.call,
            what,
        });
    }

    fn wait(&mut self, state: State, ms: i64, now: Moment) {
        self.state = state;
        self.open_call = None;
        self.until = Some(now.plus_ms(ms));
    }

    fn radio(&mut self, event: RadioEvent, now: Moment) {
        match event {
            RadioEvent::Seen(seen) if seen.device == self.plan.device => {
                if let Some(address) = seen.address {
                    self.facts.device.address.get_or_insert(address);
                }
                if matches!(self.state, State::StartingScan | State::Scanning) {
                    self.run(
                        State::StoppingScan,
                        Call::StopScan,
                        self.plan.pace.step_ms,
                        now,
                    );
                }
            }
            RadioEvent::Value {
                device,
                attribute,
                bytes,
            } if device == self.plan.device => {
                if attribute == MEASUREMENT && !matches!(self.state, State::New) {
                    self.record(bytes, now);
                }
            }
            RadioEvent::Disconnected(device) if device == self.plan.device => self.unlinked(now),
            RadioEvent::Pairing(device) if device == self.plan.device => {
                // The platform pairs by itself within a call: a person needs time to type digits.
                if self.open_call.is_some() {
                    self.until = Some(now.plus_ms(self.plan.pace.pair_ms));
                }
            }
            RadioEvent::State(RadioState::On) => {}
            RadioEvent::State(state) => {
                self.linked = false;
                self.finish(
                    match state {
                        RadioState::Off => ReasonCode::BluetoothOff,
                        RadioState::Denied => ReasonCode::NotAllowed,
                        _ => ReasonCode::RadioGone,
                    },
                    now,
                );
            }
            _ => {}
        }
    }

    /// A frame of the measurement. The same bytes with a usable time are the same record, indicated twice.
    fn record(&mut self, bytes: Vec<u8>, now: Moment) {
        self.last_record = Some(now);
        let time = BloodPressureFrame::decode(&bytes)
            .ok()
            .and_then(|frame| frame.time);
        if time.is_some_and(|time| time.is_usable()) {
            if self.seen_frames.contains(&bytes) {
                self.repeated += 1;
                return;
            }
            self.seen_frames.push(bytes.clone());
        }
        self.effects.push_back(Effect::Deliver(CapturedRecord {
            device: self.plan.device.clone(),
            characteristic: 0x2a35,
            packets: vec![bytes],
            arrived: now,
            utc_offset_min: self.plan.utc_offset_min,
            connection: self.plan.connection,
            ordinal: self.records,
        }));
        self.records += 1;
        if self.state == State::Listening {
            self.until = Some(now.plus_ms(self.plan.pace.quiet_ms));
        }
    }

    /// The link is gone. What is still in the queue is waited for before anything is concluded.
    fn unlinked(&mut self, now: Moment) {
        if self.state == State::Connecting {
            // It was up for a moment and broke before the platform was content with it.
            self.mute_links += 1;
            return self.not_connected(now);
        }
        if !self.linked {
            return;
        }
        self.linked = false;
        let state = self.state;
        match state {
            // The answer to the pairing follows, and says more than the broken link does.
            State::Pairing => {
                self.until = self
                    .until
                    .map(|until| until.min(now.plus_ms(PAIRING_VERDICT_MS)));
            }
            State::Disconnecting | State::AskingBond | State::SettingClock => self.drain(now),
            State::Discovering | State::Subscribing if !self.spoken && self.try_again(now) => {}
            State::Listening if self.records > 0 => {
                self.reason.get_or_insert(ReasonCode::Done);
                self.drain(now);
            }
            _ => {
                let lost = self.lost();
                self.reason.get_or_insert(lost);
                self.drain(now);
            }
        }
    }

    /// A link that broke before it said anything is tried once more. With a bond on our side, a second silent end
    /// means that the device threw us out: it no longer has its half.
    fn try_again(&mut self, now: Moment) -> bool {
        self.mute_links += 1;
        let again = self.attempt < self.plan.pace.attempts;
        if again {
            self.wait(State::Pausing, self.plan.pace.retry_pause_ms, now);
        }
        again
    }

    /// The reason for a link that is gone; [`Session::drained`] looks again whether a record came after all.
    fn lost(&self) -> ReasonCode {
        self.thrown_out().unwrap_or(ReasonCode::LinkLost)
    }

    /// What two links mean that were up and ended before a word was said.
    fn thrown_out(&self) -> Option<ReasonCode> {
        match (
            self.mute_links > 1 && !self.paired_here,
            self.plan.bonded,
            self.plan.goal,
        ) {
            (true, true, _) => Some(ReasonCode::BondLost),
            (true, false, Goal::Pair) => Some(ReasonCode::PairingRefused),
            _ => None,
        }
    }

    fn drain(&mut self, now: Moment) {
        self.wait(State::Draining, self.plan.pace.drain_ms, now);
    }

    fn answer(&mut self, call: u32, result: Result<Answer, RadioFault>, now: Moment) {
        let Some((_, what)) = self.open_call.take_if(|(open, _)| *open == call) else {
            return;
        };
        match result {
            Ok(answer) => self.worked(what, answer, now),
            Err(fault) => self.failed(what, fault, now),
        }
    }

    fn worked(&mut self, what: Call, answer: Answer, now: Moment) {
        let beyond_connect = !matches!(what, Call::StartScan(_) | Call::StopScan | Call::Connect);
        self.spoken |= beyond_connect && what != Call::Discover;
        match (what, answer) {
            (Call::StartScan(_), _) => {
                self.state = State::Scanning;
            }
            (Call::StopScan, _) => match self.reason {
                None => self.connect(now),
                Some(_) => self.close(now),
            },
            (Call::Connect, _) => {
                self.linked = true;
                self.run(
                    State::Discovering,
                    Call::Discover,
                    self.plan.pace.discover_ms,
                    now,
                );
            }
            (Call::Discover, Answer::Attributes(found)) => self.discovered(found, now),
            (Call::Subscribe(_), _) => self.subscribed(now),
            (Call::Pair, _) => {
                self.paired_here = true;
                self.bonded = true;
                // The device may have waited for this: the subscription first, then what was being read.
                self.subscribe(now);
            }
            (Call::Read(attribute), Answer::Bytes(bytes)) if CLOCKS.contains(&attribute) => {
                self.clock(&bytes, now);
                self.listen(now);
            }
            (Call::Read(attribute), Answer::Bytes(bytes)) => {
                self.learned(attribute, &bytes);
                self.read_next(now);
            }
            (Call::Write(..), _) => self.clock_set(now),
            (Call::IsBonded, Answer::Flag(bonded)) => {
                self.bonded = bonded;
                self.leave(now);
            }
            (Call::Disconnect, _) => self.disconnected(now),
            // An answer of another kind than was asked for is a fault of the radio.
            _ => self.finish(ReasonCode::RadioFailed, now),
        }
    }

    fn failed(&mut self, what: Call, fault: RadioFault, now: Moment) {
        match fault {
            RadioFault::Off => return self.finish(ReasonCode::BluetoothOff, now),
            RadioFault::Missing => return self.finish(ReasonCode::RadioGone, now),
            RadioFault::Denied => return self.finish(ReasonCode::NotAllowed, now),
            RadioFault::KeyMissing => return self.finish(ReasonCode::BondLost, now),
            RadioFault::NeedsPairing if what != Call::Pair && self.linked => {
                return self.pair(what, now);
            }
            // The event that says so follows or has come; both lead to the same end.
            RadioFault::NotConnected if needs_link(&what) && self.linked => {
                return self.unlinked(now);
            }
            RadioFault::NotConnected if needs_link(&what) && what != Call::Pair => {
                return self.finish(self.lost(), now);
            }
            RadioFault::Busy if matches!(what, Call::StartScan(_)) => {
                // Somebody is looking already: what is seen reaches us as well.
                return self.worked(what, Answer::Done, now);
            }
            _ => {}
        }
        match what {
            Call::StartScan(_) => self.finish(ReasonCode::RadioFailed, now),
            Call::StopScan => self.worked(Call::StopScan, Answer::Done, now),
            Call::Connect => self.not_connected(now),
            Call::Discover | Call::Subscribe(_) => self.finish(ReasonCode::NotAnswering, now),
            Call::Pair => self.finish(
                match fault {
                    RadioFault::PairingTimeout | RadioFault::Timeout => ReasonCode::PairingTimeout,
                    RadioFault::PasskeyWrong => ReasonCode::PasskeyWrong,
                    _ => ReasonCode::PairingRefused,
                },
                now,
            ),
            // What cannot be read is left out; the next one may work.
            Call::Read(attribute) if CLOCKS.contains(&attribute) => self.listen(now),
            Call::Read(_) => self.read_next(now),
            Call::Write(..) if fault == RadioFault::FieldsIgnored => self.clock_set(now),
            Call::Write(..) => self.ask_bond(now),
            Call::IsBonded => self.leave(now),
            Call::Disconnect => self.disconnected(now),
        }
    }

    fn disconnected(&mut self, now: Moment) {
        if self.state == State::Resetting {
            self.wait(State::Pausing, self.plan.pace.retry_pause_ms, now);
        } else {
            self.drain(now);
        }
    }

    /// A deadline has passed.
    fn late(&mut self, now: Moment) {
        let open = self.open_call.take();
        match self.state {
            State::Pausing => self.connect(now),
            State::Draining => self.drained(now),
            State::CoolingDown => self.end(),
            State::Listening => {
                let heard = self.records > 0 || self.plan.goal == Goal::Pair;
                let reason = if heard {
                    ReasonCode::Done
                } else {
                    ReasonCode::NothingNew
                };
                self.reason.get_or_insert(reason);
                self.set_clock(now);
            }
            State::StartingScan | State::Scanning => self.finish(ReasonCode::NotFound, now),
            State::Connecting => self.not_connected(now),
            State::Pairing if !self.linked => self.finish(ReasonCode::PairingRefused, now),
            State::Pairing => self.finish(ReasonCode::PairingTimeout, now),
            State::Discovering | State::Subscribing => {
                self.finish(ReasonCode::NotAnswering, now);
            }
            // A device that answers one read late would answer each late: the reading matters more.
            State::Identity | State::ReadingClock => self.listen(now),
            State::StoppingScan
            | State::Resetting
            | State::SettingClock
            | State::AskingBond
            | State::Disconnecting => match open {
                Some((_, what)) => self.failed(what, RadioFault::Timeout, now),
                None => self.drain(now),
            },
            State::New | State::Ended => {}
        }
    }

    fn not_connected(&mut self, now: Moment) {
        // The link may be half up, or still wanted by the platform: it is closed for certain.
        if self.attempt < self.plan.pace.attempts {
            let within = self.plan.pace.disconnect_ms;
            self.run(State::Resetting, Call::Disconnect, within, now);
        } else {
            let reason = self.thrown_out().unwrap_or(ReasonCode::ConnectFailed);
            self.reason.get_or_insert(reason);
            self.leave(now);
        }
    }

    fn discovered(&mut self, found: Vec<Attribute>, now: Moment) {
        let count = |attribute| found.iter().filter(|one| **one == attribute).count();
        match count(MEASUREMENT) {
            0 => return self.finish(ReasonCode::NotSupported, now),
            1 => {}
            _ => return self.finish(ReasonCode::Ambiguous, now),
        }
        self.to_read = self.wanted(|attribute| count(attribute) == 1).into();
        self.attributes = found;
        self.subscribe(now);
    }

    /// What is still to be read. What the pairing has told is not read again: the device may be gone in a second.
    fn wanted(&self, has: impl Fn(Attribute) -> bool) -> Vec<Attribute> {
        let information = INFORMATION.map(|number| Attribute {
            service: Uuid::INFORMATION,
            characteristic: Uuid::short(number),
        });
        let identity = information.into_iter().chain([FEATURE]);
        let known = self.plan.known.is_some();
        identity
            .filter(|_| !known)
            .chain([BATTERY])
            .filter(|attribute| has(*attribute))
            .collect()
    }

    fn subscribe(&mut self, now: Moment) {
        let call = Call::Subscribe(MEASUREMENT);
        self.run(State::Subscribing, call, self.plan.pace.step_ms, now);
    }

    fn subscribed(&mut self, now: Moment) {
        self.read_next(now);
    }

    fn read_next(&mut self, now: Moment) {
        if let Some(next) = self.to_read.pop_front() {
            return self.run(
                State::Identity,
                Call::Read(next),
                self.plan.pace.step_ms,
                now,
            );
        }
        match self.clock_attribute() {
            Some(clock) if self.facts.clock.is_none() => {
                self.run(
                    State::ReadingClock,
                    Call::Read(clock),
                    self.plan.pace.step_ms,
                    now,
                );
            }
            _ => self.listen(now),
        }
    }

    fn clock_attribute(&self) -> Option<Attribute> {
        let once =
            |clock: &Attribute| self.attributes.iter().filter(|one| *one == clock).count() == 1;
        CLOCKS.into_iter().find(once)
    }

    fn pair(&mut self, what: Call, now: Moment) {
        if self.paired_here {
            // It has just been paired and asks again: it will not be satisfied.
            return self.finish(ReasonCode::PairingRefused, now);
        }
        if self.plan.bonded {
            return self.finish(ReasonCode::BondLost, now);
        }
        if let Call::Read(attribute) = what {
            if !CLOCKS.contains(&attribute) {
                self.to_read.push_front(attribute);
            }
        }
        self.run(State::Pairing, Call::Pair, self.plan.pace.pair_ms, now);
    }

    fn learned(&mut self, attribute: Attribute, bytes: &[u8]) {
        let device = &mut self.facts.device;
        let text = || information::string(bytes);
        match attribute.characteristic.as_short() {
            Some(0x2a23) => device.system_id = information::system_id(bytes).ok(),
            Some(0x2a29) => device.maker = text(),
            Some(0x2a24) => device.model = text(),
            Some(0x2a25) => device.serial = text(),
            Some(0x2a26) => device.firmware = text(),
            Some(0x2a27) => device.hardware = text(),
            Some(0x2a28) => device.software = text(),
            Some(0x2a19) => {
                self.facts.battery_percent = information::battery_percent(bytes).ok().flatten();
            }
            Some(0x2a49) => {
                self.facts.feature = crate::BloodPressureFeature::decode(bytes).ok().map(|f| f.0);
            }
            _ => {}
        }
    }

    fn clock(&mut self, bytes: &[u8], now: Moment) {
        // Current Time is ten bytes, Date Time seven; both begin with the time.
        if let Some(shown) = bytes
            .first_chunk::<7>()
            .filter(|_| matches!(bytes.len(), 7 | 10))
        {
            self.facts.clock = Some(ClockReading {
                raw: bytes.to_vec(),
                shown: DeviceTime::from_bytes(*shown),
                read_at: now,
                set_at: None,
            });
        }
    }

    /// All that the device says about itself is known; from here on only readings count.
    fn listen(&mut self, now: Moment) {
        self.facts.complete = true;
        self.effects
            .push_back(Effect::Facts(Box::new(self.facts.clone())));
        let pace = &self.plan.pace;
        let quiet = match (self.last_record, self.plan.goal) {
            (Some(last), _) => (pace.quiet_ms - now.ms_since(last)).max(0),
            (None, Goal::Collect) => pace.first_record_ms,
            (None, Goal::Pair) => pace.quiet_ms,
        };
        self.wait(State::Listening, quiet, now);
    }

    /// Sets a clock that is wrong, after the readings are taken and never before it was read.
    fn set_clock(&mut self, now: Moment) {
        let wrong = self.facts.clock.as_ref().is_some_and(|clock| {
            let offset = clock.offset_ms(self.plan.utc_offset_min);
            offset.is_none_or(|ms| ms.abs() > self.plan.pace.clock_tolerance_ms)
        });
        match self.clock_attribute() {
            Some(clock) if wrong => {
                let time = CurrentTime::of(now.civil(self.plan.utc_offset_min)).encode();
                let date_time = clock.characteristic == Uuid::DATE_TIME;
                let bytes = if date_time {
                    time[..7].to_vec()
                } else {
                    time.to_vec()
                };
                let call = Call::Write(clock, bytes);
                self.run(State::SettingClock, call, self.plan.pace.step_ms, now);
            }
            _ => self.ask_bond(now),
        }
    }

    fn clock_set(&mut self, now: Moment) {
        if let Some(clock) = &mut self.facts.clock {
            clock.set_at = Some(now);
        }
        self.effects
            .push_back(Effect::Facts(Box::new(self.facts.clone())));
        self.ask_bond(now);
    }

    /// Some platforms bond by themselves when a protected value is read: only they know.
    fn ask_bond(&mut self, now: Moment) {
        self.run(
            State::AskingBond,
            Call::IsBonded,
            self.plan.pace.step_ms,
            now,
        );
    }

    fn leave(&mut self, now: Moment) {
        self.run(
            State::Disconnecting,
            Call::Disconnect,
            self.plan.pace.disconnect_ms,
            now,
        );
    }

    /// Ends for this reason, unless there is one already, by the shortest orderly way.
    fn finish(&mut self, reason: ReasonCode, now: Moment) {
        if matches!(
            self.state,
            State::Disconnecting | State::Draining | State::CoolingDown
        ) {
            // A link that broke because the radio went is the radio's fault; the news of it may come a little later.
            if self.reason.is_none_or(|known| reason.explains(known)) {
                self.reason = Some(reason);
            }
            return;
        }
        self.reason = Some(reason);
        match self.state {
            State::New => self.end(),
            State::StartingScan | State::Scanning | State::StoppingScan => {
                self.run(
                    State::StoppingScan,
                    Call::StopScan,
                    self.plan.pace.step_ms,
                    now,
                );
            }
            // A call to connect is under way: only a disconnect takes it back.
            State::Connecting | State::Resetting => self.leave(now),
            _ => self.close(now),
        }
    }

    fn close(&mut self, now: Moment) {
        if self.linked {
            self.leave(now);
        } else {
            self.drain(now);
        }
    }

    /// The queue has been waited for: a record may have come after the link was gone.
    fn drained(&mut self, now: Moment) {
        self.linked = false;
        if self.reason == Some(ReasonCode::LinkLost) && self.records > 0 {
            self.reason = Some(ReasonCode::ClosedEarly);
        }
        if !self.facts.complete && self.records > 0 {
            // Nothing more will follow: what is known must do.
            self.facts.complete = true;
            self.effects
                .push_back(Effect::Facts(Box::new(self.facts.clone())));
        }
        self.wait(State::CoolingDown, self.plan.pace.cool_down_ms, now);
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.open_call = None;
        self.until = None;
        self.effects.push_back(Effect::Ended(SessionReport {
            reason: self.reason.unwrap_or(ReasonCode::RadioFailed),
            records: self.records,
            repeated: self.repeated,
            bonded: self.bonded,
        }));
    }
}

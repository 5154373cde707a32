//! The life of one session with one device, as a machine without I/O.
//!
//! ```text
//! scan → connect → discover → subscribe → identity → user → clock → listen → set clock → bonded? → disconnect → cool down
//!                              └ pair when asked, then the same call again ─────┘
//! ```
//!
//! The host calls [`Session::input`] with what happened, takes all [`Session::poll_effect`] has to give, and comes back
//! at [`Session::deadline`] at the latest. Readings are accepted in every state; `early` says what becomes of those that come
//! before the device has told what it has. At most one call to the radio is under way; an answer to a call that was given
//! up is ignored. Each session ends in exactly one [`Effect::Ended`], whatever happens and in whatever order.

mod answers;
mod clock;
mod early;
mod live;
mod sensor;
mod steps;
mod stored;
mod stream;
mod users;

use crate::call::{Call, Effect, Event};
use crate::capture::{CapturedRecord, SessionFacts};
use crate::family;
use crate::plan::{Goal, Plan};
use crate::radio::{Attribute, RadioEvent, RadioState};
use crate::reason::ReasonCode;
use crate::uuid::Uuid;
use early::Early;
use live::Live;
use reading::Moment;
use sensor::Sensor;
use std::collections::VecDeque;
use stored::Stored;
use stream::Streamed;
use users::Users;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    StartingScan,
    Scanning,
    StoppingScan,
    Connecting,
    Resetting,
    Pausing,
    Settling,
    Discovering,
    Subscribing,
    Pairing,
    Identity,
    Users,
    ReadingClock,
    SettingClockEarly,
    Syncing,
    Listening,
    SettingClock,
    AskingBond,
    Disconnecting,
    Draining,
    CoolingDown,
    Ended,
}

/// A clock that can be set at its first notification only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockTold {
    NotYet,
    /// It is wrong, and is set as soon as no other call is under way.
    Wrong,
    Done,
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
    /// Whether a call beyond connecting has worked in this link, or the device has sent something.
    spoken: bool,
    /// Links that broke before anything worked, although a bond exists.
    mute_links: u32,
    /// Since when a person is asked for digits on this link.
    asked_at: Option<Moment>,
    /// What it means when such a link breaks without a word.
    asked: Option<ReasonCode>,
    paired_here: bool,
    bonded: bool,
    attributes: Vec<Attribute>,
    /// Where its records come from, in the order in which they are subscribed to.
    measurements: Vec<Attribute>,
    to_subscribe: VecDeque<Attribute>,
    to_read: VecDeque<Attribute>,
    facts: SessionFacts,
    early: Early,
    live: Live,
    seen_frames: Vec<(u16, Vec<u8>)>,
    records: u32,
    repeated: u32,
    last_record: Option<Moment>,
    clock_refused: bool,
    /// What the first notification of the clock has led to.
    clock_told: ClockTold,
    stored: Option<Stored>,
    streamed: Option<Streamed>,
    sensor: Sensor,
    /// The clock that was read as a clock: no other one is set.
    clock_of: Option<Attribute>,
    users: Option<Users>,
    reason: Option<ReasonCode>,
}

const FEATURE: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::FEATURE,
};
const BATTERY: Attribute = Attribute {
    service: Uuid::BATTERY,
    characteristic: Uuid::BATTERY_LEVEL,
};
const CURRENT_TIME: Attribute = Attribute {
    service: Uuid::CURRENT_TIME_SERVICE,
    characteristic: Uuid::CURRENT_TIME,
};
const CLOCKS: [Attribute; 3] = [
    Attribute {
        service: Uuid::ELAPSED_TIME_SERVICE,
        characteristic: Uuid::ELAPSED_TIME,
    },
    CURRENT_TIME,
    Attribute {
        service: Uuid::BLOOD_PRESSURE,
        characteristic: Uuid::DATE_TIME,
    },
];
/// System ID first: it decides the identity, and the device may be gone in a second.
const INFORMATION: [u16; 7] = [0x2a23, 0x2a25, 0x2a24, 0x2a29, 0x2a26, 0x2a27, 0x2a28];

/// A broken link while pairing mostly means "no"; the platform's own verdict follows within this time.
const PAIRING_VERDICT_MS: i64 = 2_000;

/// Both sides give a pairing up 30 s after its last word (Core 5.4, Vol 3 Part H, 3.4); the question came a little later.
const NOBODY_TYPED_MS: i64 = 25_000;

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
            early: Early::new(&plan),
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
            asked_at: None,
            asked: None,
            paired_here: false,
            attributes: Vec::new(),
            measurements: Vec::new(),
            to_subscribe: VecDeque::new(),
            to_read: VecDeque::new(),
            facts,
            live: Live::default(),
            seen_frames: Vec::new(),
            records: 0,
            repeated: 0,
            last_record: None,
            clock_refused: false,
            clock_told: ClockTold::NotYet,
            stored: None,
            streamed: None,
            sensor: Sensor::default(),
            clock_of: None,
            users: None,
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
            Call::StartScan(family::services()),
            scan_ms,
            now,
        );
    }

    fn connect(&mut self, now: Moment) {
        self.attempt += 1;
        self.spoken = false;
        self.early.begin();
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
            } if device == self.plan.device && !matches!(self.state, State::New) => {
                self.value(attribute, bytes, now);
            }
            RadioEvent::Disconnected(device) if device == self.plan.device => self.unlinked(now),
            RadioEvent::Pairing(device)
                if device == self.plan.device
                // The platform pairs by itself within a call: a person needs time to type digits.
                && self.open_call.is_some() =>
            {
                self.until = Some(now.plus_ms(self.plan.pace.pair_ms));
                self.asked_at = Some(now);
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

    fn value(&mut self, attribute: Attribute, bytes: Vec<u8>, now: Moment) {
        self.spoken = true;
        self.early.heard();
        if attribute == CURRENT_TIME {
            return self.clock_notified(&bytes, now);
        }
        if self.comes_early(attribute, &bytes) {
            return;
        }
        let taken = self.takes_user_answer(attribute, &bytes, now)
            || self.takes_stored(attribute, &bytes, now)
            || self.takes_streamed(attribute, &bytes, now);
        if !taken && family::carries_records(attribute) {
            self.measured(attribute, bytes, now);
        }
    }

    fn deliver(&mut self, characteristic: u16, packets: Vec<Vec<u8>>, now: Moment) {
        self.effects.push_back(Effect::Deliver(CapturedRecord {
            device: self.plan.device.clone(),
            characteristic,
            packets,
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
        if let Some(at) = self.asked_at.take() {
            let in_time = now.ms_since(at) < NOBODY_TYPED_MS;
            self.asked = Some(if in_time {
                ReasonCode::PasskeyWrong
            } else {
                ReasonCode::PairingTimeout
            });
        }
        if self.state == State::Connecting {
            // It was up for a moment and broke before the platform was content with it.
            return self.broke_off(now);
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
            State::Settling | State::Discovering | State::Subscribing
                if !self.spoken && self.try_again(now) => {}
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
            (true, false, Goal::Pair) => Some(self.asked.unwrap_or(ReasonCode::PairingRefused)),
            _ => None,
        }
    }

    fn drain(&mut self, now: Moment) {
        self.wait(State::Draining, self.plan.pace.drain_ms, now);
    }
}

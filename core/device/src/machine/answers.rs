//! What follows from the answer to a call, or from none in time.

use super::{CLOCKS, Session, State, needs_link, users};
use crate::call::{Answer, Call};
use crate::fault::RadioFault;
use crate::manner::PairingMoment;
use crate::plan::Goal;
use crate::reason::ReasonCode;
use crate::stored::StoredEvent;
use crate::user_plan::UserOutcome;
use reading::Moment;

impl Session {
    pub(super) fn answer(&mut self, call: u32, result: Result<Answer, RadioFault>, now: Moment) {
        if self.state == State::New && call == 0 && result.is_err() {
            // It does not even say whether it can be used.
            return self.finish(ReasonCode::RadioFailed, now);
        }
        let Some((_, what)) = self.open_call.take_if(|(open, _)| *open == call) else {
            return;
        };
        match result {
            Ok(answer) => self.worked(what, answer, now),
            Err(fault) => self.failed(what, fault, now),
        }
    }

    pub(super) fn worked(&mut self, what: Call, answer: Answer, now: Moment) {
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
                match self.plan.manner.settle_ms {
                    0 => self.discover(now),
                    pause => self.wait(State::Settling, pause, now),
                }
            }
            (Call::Discover, Answer::Attributes(found)) => self.discovered(found, now),
            (Call::Subscribe(of), _) if users::is_control(of) => self.next_user_request(now),
            (Call::Subscribe(_), _) => self.subscribed(now),
            (Call::Pair, _) => {
                self.paired_here = true;
                self.bonded = true;
                // The device may have waited for this: the subscription first, then what was being read.
                self.subscribe(now);
            }
            (Call::Read(attribute), Answer::Bytes(bytes)) if CLOCKS.contains(&attribute) => {
                self.clock_of = Some(attribute);
                self.clock(attribute, &bytes, now);
                self.listen(now);
            }
            (Call::Read(attribute), Answer::Bytes(bytes)) => {
                self.learned(attribute, &bytes, now);
                self.read_next(now);
            }
            (Call::Write(of, _), _) if self.is_record_access(of) => {
                self.stored_event(StoredEvent::Written, now);
            }
            (Call::Write(of, _), _) if users::is_control(of) => self.user_request_written(now),
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

    pub(super) fn failed(&mut self, what: Call, fault: RadioFault, now: Moment) {
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
            Call::Connect if fault == RadioFault::BrokeOff => self.broke_off(now),
            Call::Connect => self.not_connected(now),
            // Nothing about a device's users keeps its readings back.
            Call::Subscribe(of) if users::is_control(of) && fault == RadioFault::Busy => {
                self.next_user_request(now);
            }
            Call::Subscribe(of) | Call::Write(of, _) if users::is_control(of) => {
                let outcome = match fault {
                    RadioFault::Timeout => UserOutcome::NoAnswer,
                    _ => UserOutcome::Refused,
                };
                self.users_failed(outcome, now);
            }
            // Subscribed before the pairing, and still so.
            Call::Subscribe(_) if fault == RadioFault::Busy && self.paired_here => {
                self.subscribed(now);
            }
            // A clock that does not tell itself is a lesser thing than the records.
            Call::Subscribe(clock) if CLOCKS.contains(&clock) => self.subscribed(now),
            Call::Discover | Call::Subscribe(_) if fault == RadioFault::NotSupported => {
                self.finish(ReasonCode::NotSupported, now);
            }
            Call::Discover | Call::Subscribe(_) => self.finish(ReasonCode::NotAnswering, now),
            // Where the platform pairs only by itself, it does so when the device asks.
            Call::Pair
                if fault == RadioFault::NotSupported
                    && self.plan.manner.pairing == PairingMoment::First =>
            {
                self.plan.manner.pairing = PairingMoment::WhenAsked;
                self.subscribe(now);
            }
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
            Call::Write(of, _) if self.is_record_access(of) => {
                self.record_access_failed(fault, now)
            }
            Call::Write(..) if fault == RadioFault::FieldsIgnored => self.clock_set(now),
            Call::Write(..) => {
                self.clock_refused = true;
                self.clock_done(now);
            }
            Call::IsBonded => self.leave(now),
            Call::Disconnect => self.disconnected(now),
        }
    }

    fn discover(&mut self, now: Moment) {
        let within = self.plan.pace.discover_ms;
        self.run(State::Discovering, Call::Discover, within, now);
    }

    pub(super) fn disconnected(&mut self, now: Moment) {
        if self.state == State::Resetting {
            self.wait(State::Pausing, self.plan.pace.retry_pause_ms, now);
        } else {
            self.drain(now);
        }
    }

    /// A deadline has passed.
    pub(super) fn late(&mut self, now: Moment) {
        let open = self.open_call.take();
        match self.state {
            State::Pausing if self.has_sent() => {
                self.reason.get_or_insert(ReasonCode::LinkLost);
                self.drain(now);
            }
            State::Pausing => self.connect(now),
            State::Settling => self.discover(now),
            State::Draining => self.drained(now),
            State::CoolingDown => self.end(),
            // A write that has no answer yet is given up: the sync knows what to do about it.
            State::Syncing => self.stored_event(StoredEvent::Tick, now),
            State::Listening => self.heard(now),
            State::StartingScan | State::Scanning => self.finish(ReasonCode::NotFound, now),
            State::Connecting => self.not_connected(now),
            State::Pairing if !self.linked => self.finish(ReasonCode::PairingRefused, now),
            State::Pairing => self.finish(ReasonCode::PairingTimeout, now),
            State::Discovering | State::Subscribing => {
                self.finish(ReasonCode::NotAnswering, now);
            }
            State::Users => self.users_failed(UserOutcome::NoAnswer, now),
            // A device that answers one read late would answer each late: the reading matters more.
            State::Identity | State::ReadingClock => self.listen(now),
            State::StoppingScan
            | State::Resetting
            | State::SettingClock
            | State::SettingClockEarly
            | State::AskingBond
            | State::Disconnecting => match open {
                Some((_, what)) => self.failed(what, RadioFault::Timeout, now),
                None => self.drain(now),
            },
            State::New | State::Ended => {}
        }
    }

    /// It has been quiet for long enough, or what was waited for has come.
    fn heard(&mut self, now: Moment) {
        if self.waits_for_stream(now) || self.syncs_again(now) {
            return;
        }
        let heard = self.records > 0 || self.plan.goal == Goal::Pair;
        let reason = match self.sync_fault().or(self.stream_fault()) {
            Some(fault) => fault,
            None if heard => ReasonCode::Done,
            None => ReasonCode::NothingNew,
        };
        self.reason.get_or_insert(reason);
        self.set_clock(now);
    }

    /// A link came up and broke before the platform was content with it: mute, unless the device had sent something.
    pub(super) fn broke_off(&mut self, now: Moment) {
        self.mute_links += u32::from(!self.early.has_heard());
        self.not_connected(now);
    }

    pub(super) fn not_connected(&mut self, now: Moment) {
        if self.has_sent() {
            self.reason.get_or_insert(ReasonCode::LinkLost);
            return self.leave(now);
        }
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
}

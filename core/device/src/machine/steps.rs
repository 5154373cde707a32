//! The steps of a session beyond the connection: what is asked of the device, in which order, and how it ends.

use super::sensor::SENSOR;
use super::{BATTERY, CLOCKS, CURRENT_TIME, ClockTold, FEATURE, INFORMATION, Session, State};
use crate::call::{Call, Effect};
use crate::family::{self, FAMILIES};
use crate::information;
use crate::manner::{ClockManner, PairingMoment};
use crate::notice::{BATTERY_LOW_PERCENT, Notice};
use crate::plan::Goal;
use crate::radio::Attribute;
use crate::reason::{ReasonCode, SessionReport};
use crate::stored::StoredService;
use crate::user_plan::UserOutcome;
use crate::uuid::Uuid;
use reading::Moment;

impl Session {
    pub(super) fn discovered(&mut self, found: Vec<Attribute>, now: Moment) {
        let count = |attribute| found.iter().filter(|one| **one == attribute).count();
        let offered = family::offered(&found);
        if offered.is_empty() {
            return self.finish(ReasonCode::NotSupported, now);
        }
        if offered.iter().any(|one| count(*one) > 1) {
            return self.finish(ReasonCode::Ambiguous, now);
        }
        // What else the records want: a glucose meter's context, and the control point, which answers last.
        let once = |one| count(one) == 1;
        let more: Vec<Attribute> = FAMILIES
            .iter()
            .flat_map(|family| self.keeps_records(family, once))
            .collect();
        for family in FAMILIES.iter().filter(|one| one.attributes().any(once)) {
            self.streams(family);
        }
        self.measurements = offered;
        self.measurements.retain(|one| !more.contains(one));
        self.measurements.extend(more);
        self.meets_users(once);
        self.to_read = self.wanted(|attribute| count(attribute) == 1).into();
        self.attributes = found;
        self.take_early(now);
        let unpaired = self.plan.goal == Goal::Pair && !self.bonded && !self.paired_here;
        match self.plan.manner.pairing {
            PairingMoment::First if unpaired => {
                self.run(State::Pairing, Call::Pair, self.plan.pace.pair_ms, now);
            }
            _ => self.subscribe(now),
        }
    }

    /// What is still to be read. What the pairing has told is not read again: the device may be gone in a second.
    pub(super) fn wanted(&self, has: impl Fn(Attribute) -> bool) -> Vec<Attribute> {
        let information = INFORMATION.map(|number| Attribute {
            service: Uuid::INFORMATION,
            characteristic: Uuid::short(number),
        });
        let identity = information.into_iter().chain([FEATURE]);
        let known = self.plan.knows_identity();
        // What a cuff can do says also whether its records end with a check sum.
        let feature = known && self.keeps() == Some(StoredService::BloodPressure);
        identity
            .filter(|one| !known || feature && *one == FEATURE)
            .chain([BATTERY])
            .chain(SENSOR)
            .filter(|attribute| has(*attribute))
            .collect()
    }

    pub(super) fn subscribe(&mut self, now: Moment) {
        self.to_subscribe = self.measurements.iter().copied().collect();
        if matches!(
            self.plan.manner.clock,
            ClockManner::FirstNotification { .. }
        ) && self.has_once(CURRENT_TIME)
        {
            self.to_subscribe.push_back(CURRENT_TIME);
        }
        self.subscribed(now);
    }

    /// The next measurement, or what follows when all are subscribed to.
    pub(super) fn subscribed(&mut self, now: Moment) {
        let Some(next) = self.to_subscribe.pop_front() else {
            return self.read_next(now);
        };
        let call = Call::Subscribe(next);
        self.run(State::Subscribing, call, self.plan.pace.step_ms, now);
    }

    pub(super) fn read_next(&mut self, now: Moment) {
        if self.clock_told == ClockTold::Wrong {
            return self.set_clock_early(now);
        }
        if let Some(next) = self.to_read.pop_front() {
            return self.run(
                State::Identity,
                Call::Read(next),
                self.plan.pace.step_ms,
                now,
            );
        }
        if self.ask_users(now) {
            return;
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

    pub(super) fn pair(&mut self, what: Call, now: Moment) {
        if self.paired_here {
            // It has just been paired and asks again: it will not be satisfied.
            return self.finish(ReasonCode::PairingRefused, now);
        }
        if self.plan.bonded {
            return self.finish(ReasonCode::BondLost, now);
        }
        if let Call::Read(attribute) = what
            && !CLOCKS.contains(&attribute)
        {
            self.to_read.push_front(attribute);
        }
        self.run(State::Pairing, Call::Pair, self.plan.pace.pair_ms, now);
    }

    pub(super) fn learned(&mut self, attribute: Attribute, bytes: &[u8], now: Moment) {
        if SENSOR.contains(&attribute) {
            let number = attribute.characteristic.as_short().unwrap_or_default();
            return self.sensor_told(number, bytes, now);
        }
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

    /// All that the device says about itself is known; from here on only readings count.
    pub(super) fn listen(&mut self, now: Moment) {
        self.facts.complete = true;
        self.effects
            .push_back(Effect::Facts(Box::new(self.facts.clone())));
        self.sync(now);
    }

    /// What a device sends by itself: its first record, or another one.
    pub(super) fn wait_for_more(&mut self, now: Moment) {
        if self.waits_for_stream(now) {
            return;
        }
        let pace = &self.plan.pace;
        let synced = self.stored.is_some();
        let quiet = match (self.last_record, self.plan.goal) {
            (Some(last), _) => (pace.quiet_ms - now.ms_since(last)).max(0),
            // All that it keeps was asked for: there is nothing to wait for.
            (None, _) if synced => pace.quiet_ms,
            (None, Goal::Collect) => pace.first_record_ms,
            (None, Goal::Pair) => pace.quiet_ms,
        };
        self.wait(State::Listening, quiet, now);
    }

    /// Some platforms bond by themselves when a protected value is read: only they know.
    pub(super) fn ask_bond(&mut self, now: Moment) {
        self.run(
            State::AskingBond,
            Call::IsBonded,
            self.plan.pace.step_ms,
            now,
        );
    }

    pub(super) fn leave(&mut self, now: Moment) {
        self.run(
            State::Disconnecting,
            Call::Disconnect,
            self.plan.pace.disconnect_ms,
            now,
        );
    }

    /// Ends for this reason, unless there is one already, by the shortest orderly way.
    pub(super) fn finish(&mut self, reason: ReasonCode, now: Moment) {
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

    pub(super) fn close(&mut self, now: Moment) {
        if self.linked {
            self.leave(now);
        } else {
            self.drain(now);
        }
    }

    /// The queue has been waited for: a record may have come after the link was gone.
    pub(super) fn drained(&mut self, now: Moment) {
        self.linked = false;
        self.end_early(now);
        self.end_sync(now);
        self.end_live(now);
        self.end_stream(now);
        if self.reason == Some(ReasonCode::LinkLost) && self.records > 0 {
            self.reason = Some(ReasonCode::ClosedEarly);
        }
        if !self.facts.complete && self.records > 0 {
            // Nothing more will follow: what is known must do.
            self.facts.complete = true;
            self.effects
                .push_back(Effect::Facts(Box::new(self.facts.clone())));
        }
        let pause = self.plan.pace.cool_down_ms;
        let pause = pause.max(self.plan.manner.leave_alone_ms);
        self.wait(State::CoolingDown, pause, now);
    }

    fn notices(&self) -> Vec<Notice> {
        let battery = self.facts.battery_percent;
        let set = self
            .facts
            .clock
            .as_ref()
            .is_some_and(|clock| clock.set_at.is_some());
        let user = self.facts.users.map(|users| users.outcome);
        let holds = |notice: &Notice| match notice {
            Notice::BatteryLow => battery.is_some_and(|percent| percent <= BATTERY_LOW_PERCENT),
            Notice::ClockSet => set,
            Notice::ClockRefused => self.clock_refused,
            Notice::UserUnsaid => user == Some(UserOutcome::Unsaid),
            Notice::UserCodeRejected => matches!(user, Some(UserOutcome::Rejected(_))),
            Notice::UserRefused => {
                matches!(user, Some(UserOutcome::Refused | UserOutcome::NoAnswer))
            }
        };
        Notice::ALL.into_iter().filter(holds).collect()
    }

    pub(super) fn end(&mut self) {
        self.state = State::Ended;
        self.open_call = None;
        self.until = None;
        self.effects.push_back(Effect::Ended(SessionReport {
            reason: self.reason.unwrap_or(ReasonCode::RadioFailed),
            records: self.records,
            repeated: self.repeated,
            bonded: self.bonded,
            notices: self.notices(),
            rest_s: self.rest_s(),
        }));
    }
}

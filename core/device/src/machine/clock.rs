//! The device's clock: read before it is written, written after the records are taken, or by the manner of its model.

use super::{CLOCKS, CURRENT_TIME, ClockTold, Session, State};
use crate::call::{Call, Effect};
use crate::datetime::CurrentTime;
use crate::manner::{ClockManner, vendor_time};
use crate::placement;
use crate::radio::Attribute;
use crate::uuid::Uuid;
use reading::{ClockReading, DeviceTime, Moment};

impl Session {
    pub(super) fn has_once(&self, attribute: Attribute) -> bool {
        let same = |one: &&Attribute| **one == attribute;
        self.attributes.iter().filter(same).count() == 1
    }

    pub(super) fn clock_attribute(&self) -> Option<Attribute> {
        CLOCKS.into_iter().find(|clock| self.has_once(*clock))
    }

    pub(super) fn clock(&mut self, of: Attribute, bytes: &[u8], now: Moment) {
        if of.characteristic == Uuid::ELAPSED_TIME {
            self.facts.clock = placement::reading_of(bytes, now, self.plan.utc_offset_min);
            return;
        }
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

    /// The clock as the device tells it by itself. The first time is the moment for a model that takes a time then only.
    pub(super) fn clock_notified(&mut self, bytes: &[u8], now: Moment) {
        let ClockManner::FirstNotification { wrong_by_ms } = self.plan.manner.clock else {
            return;
        };
        if self.clock_told != ClockTold::NotYet {
            return;
        }
        if self.facts.clock.is_none() {
            self.clock_of = Some(CURRENT_TIME);
            self.clock(CURRENT_TIME, bytes, now);
        }
        self.clock_told = match self.is_clock_wrong_by(wrong_by_ms) {
            true => ClockTold::Wrong,
            false => ClockTold::Done,
        };
        if self.clock_told == ClockTold::Wrong && self.state == State::Listening {
            self.set_clock_early(now);
        }
    }

    pub(super) fn set_clock_early(&mut self, now: Moment) {
        self.clock_told = ClockTold::Done;
        let time = CurrentTime::of(now.civil(self.plan.utc_offset_min)).encode();
        let call = Call::Write(CURRENT_TIME, time.to_vec());
        self.run(State::SettingClockEarly, call, self.plan.pace.step_ms, now);
    }

    fn is_clock_wrong_by(&self, tolerance_ms: i64) -> bool {
        self.facts.clock.as_ref().is_some_and(|clock| {
            let offset = clock.offset_ms(self.plan.utc_offset_min);
            offset.is_none_or(|ms| ms.abs() > tolerance_ms)
        })
    }

    /// Sets a clock that is wrong, after the readings are taken and never before it was read.
    pub(super) fn set_clock(&mut self, now: Moment) {
        let write = match self.plan.manner.clock {
            ClockManner::FirstNotification { .. } => None,
            ClockManner::Vendor(clock) if self.has_once(clock) => {
                Some((clock, vendor_time(now, self.plan.utc_offset_min)))
            }
            _ => self.wrong_clock(now),
        };
        match write {
            Some((clock, bytes)) => {
                let call = Call::Write(clock, bytes);
                self.run(State::SettingClock, call, self.plan.pace.step_ms, now);
            }
            None => self.ask_bond(now),
        }
    }

    fn wrong_clock(&self, now: Moment) -> Option<(Attribute, Vec<u8>)> {
        // An Elapsed Time is mapped as it is: it may be a counter, or set from a better source than a phone.
        let clock = self
            .clock_of
            .filter(|clock| clock.characteristic != Uuid::ELAPSED_TIME)?;
        let time = CurrentTime::of(now.civil(self.plan.utc_offset_min)).encode();
        let length = match clock.characteristic {
            Uuid::DATE_TIME => 7,
            _ => time.len(),
        };
        self.is_clock_wrong_by(self.plan.pace.clock_tolerance_ms)
            .then(|| (clock, time[..length].to_vec()))
    }

    pub(super) fn clock_set(&mut self, now: Moment) {
        if let Some(clock) = &mut self.facts.clock {
            clock.set_at = Some(now);
        }
        self.effects
            .push_back(Effect::Facts(Box::new(self.facts.clone())));
        self.clock_done(now);
    }

    /// Written or refused: back to where the writing came in between.
    pub(super) fn clock_done(&mut self, now: Moment) {
        match self.state {
            State::SettingClockEarly if self.facts.complete => self.wait_for_more(now),
            State::SettingClockEarly => self.read_next(now),
            _ => self.ask_bond(now),
        }
    }
}

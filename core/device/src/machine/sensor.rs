//! The session of a continuous glucose sensor, within ours: a record holds minutes since it began, so that its beginning
//! (0x2AAA), what the sensor can do (0x2AA8) and how many minutes it is at (0x2AA9) are read before any record is handed
//! on. What the sensor sends by itself meanwhile waits; it is a few reads.
//!
//! Minutes are the sensor's clock: read with the phone's time, they place every record, whatever the wall clock was set
//! to when the session began.

use super::Session;
use crate::cgm::{CgmFeature, CgmSessionStart, CgmStatusFrame};
use crate::radio::Attribute;
use crate::record::cgm::shown;
use crate::stored::{StoredEvent, StoredService};
use crate::uuid::Uuid;
use reading::{ClockReading, DeviceTime, Moment};

/// What the sensor said of its session.
#[derive(Default)]
pub(super) struct Sensor {
    start: Option<Vec<u8>>,
    began: Option<DeviceTime>,
    feature: Option<Vec<u8>>,
    /// What came before that was known: characteristic and bytes.
    early: Vec<(u16, Vec<u8>)>,
}

/// More than these are not kept back: a sensor sends one in minutes.
const EARLY: usize = 16;

const fn of(number: u16) -> Attribute {
    Attribute {
        service: Uuid::CONTINUOUS_GLUCOSE,
        characteristic: Uuid::short(number),
    }
}

/// The beginning before the minutes: these mean nothing without it.
pub(super) const SENSOR: [Attribute; 3] = [of(0x2aa8), of(0x2aaa), of(0x2aa9)];

impl Sensor {
    /// What stands behind each record, so that it can be read by itself.
    pub(super) fn beside(&self) -> impl Iterator<Item = Vec<u8>> {
        [&self.start, &self.feature].into_iter().flatten().cloned()
    }
}

impl Session {
    /// What the sensor answered. What cannot be read says nothing: a damaged beginning would make every time wrong.
    pub(super) fn sensor_told(&mut self, number: u16, bytes: &[u8], now: Moment) {
        match number {
            0x2aa8 if CgmFeature::decode(bytes).is_ok() => {
                self.sensor.feature = Some(bytes.to_vec());
            }
            0x2aaa => {
                if let Ok(start) = CgmSessionStart::decode(bytes) {
                    self.sensor.start = Some(bytes.to_vec());
                    self.sensor.began = Some(start.time).filter(DeviceTime::is_usable);
                }
            }
            0x2aa9 => {
                let minutes = CgmStatusFrame::decode(bytes).map(|at| at.time_offset_min);
                if let (Some(began), Ok(minutes)) = (self.sensor.began, minutes) {
                    let shown = shown(began, minutes);
                    self.facts.clock = Some(ClockReading {
                        raw: [shown.bytes().as_slice(), bytes].concat(),
                        shown,
                        read_at: now,
                        set_at: None,
                    });
                }
            }
            _ => {}
        }
    }

    /// Keeps a record back while its session is being read.
    pub(super) fn is_early(&mut self, number: u16, bytes: &[u8]) -> bool {
        let early = !self.facts.complete && self.is_sensor() && number == 0x2aa7;
        let room = self.sensor.early.len() < EARLY;
        if early && room {
            self.sensor.early.push((number, bytes.to_vec()));
        }
        early && room
    }

    /// From here on records are taken under the sensor's session, as far as it said which. Without its beginning minutes
    /// say nothing, and none are asked for; gives whether they can be.
    pub(super) fn begin_sensor(&mut self, now: Moment) -> bool {
        let begins = match (self.is_sensor(), &self.sensor.began, &self.sensor.start) {
            (false, ..) => true,
            (true, Some(_), Some(start)) => {
                let start = start.clone();
                self.of_session(&start);
                true
            }
            _ => false,
        };
        for (characteristic, bytes) in std::mem::take(&mut self.sensor.early) {
            let event = StoredEvent::Notified {
                characteristic,
                bytes,
            };
            self.stored_event(event, now);
        }
        begins
    }

    fn is_sensor(&self) -> bool {
        self.keeps() == Some(StoredService::ContinuousGlucose)
    }
}

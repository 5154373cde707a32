//! When a reading was taken: all that was said about it, and how sure that is.
//!
//! In: the device's own time, the phone's time at arrival, and the device's clock as it was read *before* anything was
//! set. Out: the instant, and the basis on which it stands. The mapping is the one of the HL7 Personal Health Device
//! guide for a local clock without zone (`PhdBaseObservation`, notes): corrected = measurement + (gateway now −
//! device now), both read together. `now` is never put in silently: where arrival stands for the measurement, the
//! basis says so.

use crate::{DeviceTime, Moment, hex};
use serde::{Deserialize, Serialize};

/// A device's time may lie this far ahead of its arrival before it is called wrong: devices show whole seconds, and
/// a clock that is read over the air is a little old by then.
pub const AHEAD_TOLERANCE_MS: i64 = 120_000;

/// The device's clock, read over the air before it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The characteristic's bytes as sent (Current Time, 0x2A2B: ten bytes, the first seven are the Date Time).
    #[serde(with = "hex::bytes")]
    pub raw: Vec<u8>,
    /// What the device's clock showed.
    pub shown: DeviceTime,
    /// The phone's time when the answer came.
    pub read_at: Moment,
    /// The phone's time when the device's clock was set afterwards, if it was.
    pub set_at: Option<Moment>,
}

impl ClockReading {
    /// How far the phone was ahead of the device, in milliseconds, with the phone's wall clock at this offset from
    /// UTC. `None` when the device does not know its own time.
    #[must_use]
    pub fn offset_ms(&self, utc_offset_min: i16) -> Option<i64> {
        let shown = Moment::from_civil(self.shown.civil()?, utc_offset_min);
        Some(self.read_at.ms_since(shown))
    }
}

/// On what the instant of a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBasis {
    /// The device's time, corrected by its clock as read over the air. Sure.
    DeviceClock,
    /// The device's time as it stands: the device says that its clock was set from outside. Sure.
    DeviceSynced,
    /// The device's time as it stands, at the phone's offset: its clock could not be read. Unsure.
    DeviceAsSent,
    /// The phone's time at arrival, because the device's own is missing or cannot be right. Unsure.
    Arrival,
    /// The phone's time at arrival, of a device that streams and keeps nothing: it was measured then. Sure.
    Live,
    /// A person said so. Sure.
    Typed,
}

impl TimeBasis {
    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DeviceClock => "device_clock",
            Self::DeviceSynced => "device_synced",
            Self::DeviceAsSent => "device_as_sent",
            Self::Arrival => "arrival",
            Self::Live => "live",
            Self::Typed => "typed",
        }
    }

    /// The basis with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::DeviceClock,
            Self::DeviceSynced,
            Self::DeviceAsSent,
            Self::Arrival,
            Self::Live,
            Self::Typed,
        ]
        .into_iter()
        .find(|basis| basis.code() == code)
    }
}

/// All that was said about the time of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The instant that counts.
    pub effective: Moment,
    /// On what it stands.
    pub basis: TimeBasis,
    /// The phone's offset from UTC, in minutes, when the reading arrived or was typed.
    pub utc_offset_min: i16,
    /// The phone's time when the reading arrived or was typed.
    pub arrived: Moment,
    /// The device's own time, as sent.
    pub device_time: Option<DeviceTime>,
    /// The device's time as sent where it is an Elapsed Time (0x2BF2, nine bytes), which stands in the place of
    /// `device_time`.
    #[serde(
        default,
        with = "hex::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub elapsed: Option<[u8; 9]>,
    /// The device's clock, if it was read in the same connection.
    pub clock: Option<ClockReading>,
}

impl Timing {
    /// Whether the instant is sure. An unsure one is shown as such and stays out of trends.
    #[must_use]
    pub const fn is_sure(&self) -> bool {
        matches!(
            self.basis,
            TimeBasis::DeviceClock | TimeBasis::DeviceSynced | TimeBasis::Live | TimeBasis::Typed
        )
    }
}

/// The instant of a record that a device sent, and its basis.
///
/// A time that would lie in the future is not believed: if the clock was set in this connection, the record may
/// already be on the new clock; if not, it was taken before the device's clock jumped, and arrival is all we know.
#[must_use]
pub fn time_of(
    device_time: Option<DeviceTime>,
    arrived: Moment,
    utc_offset_min: i16,
    clock: Option<&ClockReading>,
) -> (Moment, TimeBasis) {
    let possible = |at: Moment| at.ms_since(arrived) <= AHEAD_TOLERANCE_MS;
    let Some(local) = device_time.and_then(|time| time.civil()) else {
        return (arrived, TimeBasis::Arrival);
    };
    let as_sent = Moment::from_civil(local, utc_offset_min);
    let corrected = clock.and_then(|clock| {
        let offset = clock.offset_ms(utc_offset_min)?;
        Some(as_sent.plus_ms(offset))
    });
    match (corrected, clock.and_then(|clock| clock.set_at)) {
        (Some(at), _) if possible(at) => (at, TimeBasis::DeviceClock),
        (_, Some(set_at))
            if possible(as_sent) && set_at.ms_since(as_sent) <= AHEAD_TOLERANCE_MS =>
        {
            (as_sent, TimeBasis::DeviceClock)
        }
        (Some(_), _) => (arrived, TimeBasis::Arrival),
        (None, _) if possible(as_sent) => (as_sent, TimeBasis::DeviceAsSent),
        (None, _) => (arrived, TimeBasis::Arrival),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const NOON: i64 = 1_718_452_800_000; // 2024-06-15T12:00:00Z, 14:00 at +02:00

    fn device(hour: i8, minute: i8) -> DeviceTime {
        DeviceTime::from_civil(date(2024, 6, 15).at(hour, minute, 0, 0))
    }

    fn clock(shown: DeviceTime, set_at: Option<i64>) -> ClockReading {
        ClockReading {
            raw: shown.bytes().to_vec(),
            shown,
            read_at: Moment::from_ms(NOON),
            set_at: set_at.map(Moment::from_ms),
        }
    }

    fn told(time: Option<DeviceTime>, clock: Option<&ClockReading>) -> (i64, TimeBasis) {
        let (at, basis) = time_of(time, Moment::from_ms(NOON), 120, clock);
        (at.ms() - NOON, basis)
    }

    /// REQ-READING-003: a reading's time is corrected by the device's clock as read before it was set.
    #[test]
    fn a_device_six_minutes_behind_gets_six_minutes_added() {
        let behind = clock(device(13, 54), None);
        assert_eq!(
            told(Some(device(13, 52)), Some(&behind)),
            (-120_000, TimeBasis::DeviceClock)
        );
        assert_eq!(behind.offset_ms(120), Some(360_000));
    }

    /// REQ-READING-004: where a time is not known or cannot be right, arrival stands in its place and says so.
    #[test]
    fn now_is_never_put_in_silently() {
        let unknown = DeviceTime::from_bytes([0, 0, 6, 15, 12, 0, 0]);
        assert_eq!(told(None, None), (0, TimeBasis::Arrival));
        assert_eq!(told(Some(unknown), None), (0, TimeBasis::Arrival));
        assert_eq!(
            told(Some(device(13, 50)), None),
            (-600_000, TimeBasis::DeviceAsSent)
        );
        assert_eq!(told(Some(device(15, 0)), None), (0, TimeBasis::Arrival));
        let no_clock = clock(unknown, None);
        assert_eq!(
            told(Some(device(13, 50)), Some(&no_clock)),
            (-600_000, TimeBasis::DeviceAsSent)
        );
        // Taken before the clock fell back to its default: a correction would put it into the future.
        let reset = clock(
            DeviceTime::from_civil(date(2015, 1, 1).at(0, 1, 0, 0)),
            None,
        );
        assert_eq!(
            told(Some(device(13, 50)), Some(&reset)),
            (0, TimeBasis::Arrival)
        );
        // A second of jitter between two clocks is no fault.
        assert_eq!(
            told(Some(device(14, 1)), None),
            (60_000, TimeBasis::DeviceAsSent)
        );
    }

    #[test]
    fn a_record_taken_after_the_clock_was_set_is_on_the_new_clock() {
        let fixed = clock(
            DeviceTime::from_civil(date(2015, 1, 1).at(0, 1, 0, 0)),
            Some(NOON),
        );
        assert_eq!(
            told(Some(device(14, 0)), Some(&fixed)),
            (0, TimeBasis::DeviceClock)
        );
        let old = DeviceTime::from_civil(date(2015, 1, 1).at(0, 0, 0, 0));
        assert_eq!(
            told(Some(old), Some(&fixed)),
            (-60_000, TimeBasis::DeviceClock)
        );
    }
}

//! The instant of an observation with an Elapsed Time (0x2BF2): the table of the Personal Health Device guide
//! (`PhdBaseObservation`, notes), as one table. In: the time as sent, the device's clock as it was read with the phone's
//! time, arrival, and the phone's offset from UTC. Out: the instant, on what it stands, and whether the two clocks read
//! together (the coincident time stamp) belong to it.

use crate::elapsed_time::{ElapsedClock, ElapsedTime, Timeline};
use reading::{AHEAD_TOLERANCE_MS, ClockReading, DeviceTime, Doubt, Moment, TimeBasis};

/// What a row of the table says about the instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It stands, as UTC.
    Keep,
    /// It is local: with the device's own offset, else the phone's.
    Convert,
    /// It is moved by how far the two clocks are apart.
    Map,
    /// It places nothing.
    Discard,
}

/// A row: the clock; whether its time is on the present timeline; whether it was set from outside; whether it says its
/// offset, where that counts; the rule; whether a coincident time stamp belongs to it.
type Row = (Timeline, bool, Option<bool>, Option<bool>, Rule, bool);

/// The guide's fourteen rows, in its order. `None` is "any".
pub(crate) const TABLE: [Row; 14] = [
    (
        Timeline::Utc,
        true,
        Some(true),
        Some(true),
        Rule::Keep,
        false,
    ),
    (
        Timeline::Utc,
        true,
        Some(true),
        Some(false),
        Rule::Keep,
        false,
    ),
    (Timeline::Utc, true, Some(false), None, Rule::Map, true),
    (
        Timeline::Utc,
        false,
        Some(true),
        Some(true),
        Rule::Keep,
        false,
    ),
    (
        Timeline::Utc,
        false,
        Some(true),
        Some(false),
        Rule::Keep,
        false,
    ),
    (
        Timeline::Utc,
        false,
        Some(false),
        None,
        Rule::Discard,
        false,
    ),
    (
        Timeline::Local,
        true,
        Some(true),
        Some(true),
        Rule::Convert,
        true,
    ),
    (
        Timeline::Local,
        true,
        Some(true),
        Some(false),
        Rule::Convert,
        true,
    ),
    (Timeline::Local, true, Some(false), None, Rule::Map, true),
    (
        Timeline::Local,
        false,
        Some(true),
        Some(true),
        Rule::Convert,
        false,
    ),
    (
        Timeline::Local,
        false,
        Some(true),
        Some(false),
        Rule::Convert,
        false,
    ),
    (
        Timeline::Local,
        false,
        Some(false),
        None,
        Rule::Discard,
        false,
    ),
    (Timeline::Ticks, true, None, None, Rule::Map, true),
    (Timeline::Ticks, false, None, None, Rule::Discard, false),
];

/// The rule for a time, and whether the coincident time stamp belongs to it.
pub(crate) fn rule(time: ElapsedTime) -> (Rule, bool) {
    let any = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
    let row = TABLE
        .iter()
        .find(|(timeline, current, synced, offset, ..)| {
            *timeline == time.timeline()
                && *current == time.is_current()
                && any(*synced, time.is_synchronised())
                && any(*offset, time.offset_min().is_some())
        });
    row.map_or((Rule::Discard, false), |(.., rule, coincident)| {
        (*rule, *coincident)
    })
}

/// A time in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) at: Moment,
    pub(crate) basis: TimeBasis,
    /// Whether the reading refers to the two clocks as they were read together.
    pub(crate) coincident: bool,
    /// What is doubtful about it.
    pub(crate) doubt: Option<Doubt>,
}

/// Places a time.
pub(crate) fn place(
    time: ElapsedTime,
    clock: Option<&ClockReading>,
    arrived: Moment,
    utc_offset_min: i16,
) -> Placed {
    let (rule, coincident) = rule(time);
    let told = |at, basis| Some((at, basis));
    let found = match rule {
        Rule::Keep => on(time, 0).and_then(|at| told(at, TimeBasis::DeviceSynced)),
        Rule::Convert => on(time, utc_offset_min).and_then(|at| told(at, TimeBasis::DeviceSynced)),
        Rule::Map => match clock.and_then(|clock| Some((clock, shown(clock)?))) {
            Some((clock, shown)) => mapped(time, shown.time, clock.read_at)
                .and_then(|at| told(at, TimeBasis::DeviceClock)),
            // Its clock was not read: as it stands, if a wall clock stands there at all.
            None => on(time, utc_offset_min).and_then(|at| told(at, TimeBasis::DeviceAsSent)),
        },
        Rule::Discard => None,
    };
    let possible = |at: Moment| at.ms_since(arrived) <= AHEAD_TOLERANCE_MS;
    let doubt = match found {
        None => Some(Doubt::DeviceTimeUnusable),
        Some((at, _)) if !possible(at) => Some(Doubt::DeviceTimeAhead),
        Some((_, TimeBasis::DeviceAsSent)) => Some(Doubt::ClockNotRead),
        Some(_) => None,
    };
    let (at, basis) = found
        .filter(|(at, _)| possible(*at))
        .unwrap_or((arrived, TimeBasis::Arrival));
    Placed {
        at,
        basis,
        coincident: coincident && basis != TimeBasis::Arrival,
        doubt,
    }
}

/// The instant of a wall clock: UTC, or local at its own offset, else at this one.
fn on(time: ElapsedTime, utc_offset_min: i16) -> Option<Moment> {
    let offset = match time.timeline() {
        Timeline::Utc => 0,
        Timeline::Local => time.offset_min().unwrap_or(utc_offset_min),
        Timeline::Ticks => return None,
    };
    time.civil().map(|civil| Moment::from_civil(civil, offset))
}

/// The phone's time when the clock was read, and what lies between the clock then and the time.
fn mapped(time: ElapsedTime, clock: ElapsedTime, read_at: Moment) -> Option<Moment> {
    if time.timeline() != clock.timeline() {
        return None;
    }
    let between = ms(time)?.checked_sub(ms(clock)?)?;
    // A wall clock and a counter alike count from one beginning.
    Some(read_at.plus_ms(between))
}

/// The count in milliseconds.
fn ms(time: ElapsedTime) -> Option<i64> {
    let count = i64::try_from(time.count).ok()?;
    match time.resolution().exponent() {
        0 => count.checked_mul(1_000),
        -1 => count.checked_mul(100),
        -3 => Some(count),
        _ => Some(count / 10),
    }
}

/// The clock of an Elapsed Time Service as a clock reading: what it shows as a wall clock of the phone's, then its eleven
/// bytes as sent.
pub(crate) fn reading_of(
    bytes: &[u8],
    read_at: Moment,
    utc_offset_min: i16,
) -> Option<ClockReading> {
    let clock = ElapsedClock::decode(bytes).ok()?;
    let shown = match on(clock.time, utc_offset_min) {
        Some(at) if !clock.clock_fault() => DeviceTime::from_civil(at.civil(utc_offset_min)),
        // A counter shows no wall clock, nor does one that is not set.
        _ => DeviceTime::from_bytes([0; 7]),
    };
    Some(ClockReading {
        raw: [shown.bytes().as_slice(), bytes].concat(),
        shown,
        read_at,
        set_at: None,
    })
}

/// The eleven bytes in a clock reading, where it is one of an Elapsed Time Service.
fn shown(clock: &ClockReading) -> Option<ElapsedClock> {
    ElapsedClock::decode(clock.raw.get(7..)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: u8 = 0x02;
    const TICKS: u8 = 0x01;
    const OFFSET: u8 = 0x10;
    const CURRENT: u8 = 0x20;
    const NETWORK: u8 = 1;
    const NEVER: u8 = 7;
    /// 2021-11-20T11:50:10 since 2000, in seconds.
    const COUNT: u64 = 690_724_210;
    const UTC_MS: i64 = 1_637_409_010_000;
    const HOUR: i64 = 3_600_000;
    /// The phone is two hours east, the device says one; the device is six minutes behind.
    const PHONE_MIN: i16 = 120;
    const BEHIND_S: u64 = 360;

    fn time(flags: u8, source: u8, count: u64) -> ElapsedTime {
        ElapsedTime {
            flags,
            count,
            source,
            offset_quarters: 4,
        }
    }

    /// Read ten minutes after the measurement by the device's clock.
    fn clock(flags: u8, source: u8, now: Moment) -> ClockReading {
        let time = time(flags | CURRENT, source, COUNT + 600);
        let clock = ElapsedClock {
            time,
            status: 0,
            capabilities: 0,
        };
        reading_of(&clock.encode().unwrap(), now, PHONE_MIN).unwrap()
    }

    /// REQ-DEVICE-132: each row of the guide's table places a time as it says, with the coincident time stamp where it says.
    #[test]
    fn the_fourteen_rows_place_a_time() {
        use TimeBasis::{Arrival, DeviceClock, DeviceSynced};
        let rows = [
            (
                UTC | CURRENT | OFFSET,
                NETWORK,
                Some(0),
                DeviceSynced,
                false,
            ),
            (UTC | CURRENT, NETWORK, Some(0), DeviceSynced, false),
            (
                UTC | CURRENT | OFFSET,
                NEVER,
                Some(360_000),
                DeviceClock,
                true,
            ),
            (UTC | OFFSET, NETWORK, Some(0), DeviceSynced, false),
            (UTC, NETWORK, Some(0), DeviceSynced, false),
            (UTC | OFFSET, NEVER, None, Arrival, false),
            (CURRENT | OFFSET, NETWORK, Some(-HOUR), DeviceSynced, true),
            (CURRENT, NETWORK, Some(-2 * HOUR), DeviceSynced, true),
            (CURRENT | OFFSET, NEVER, Some(360_000), DeviceClock, true),
            (OFFSET, NETWORK, Some(-HOUR), DeviceSynced, false),
            (0, NETWORK, Some(-2 * HOUR), DeviceSynced, false),
            (OFFSET, NEVER, None, Arrival, false),
            (TICKS | CURRENT, NEVER, Some(360_000), DeviceClock, true),
            (TICKS, NEVER, None, Arrival, false),
        ];
        let now =
            Moment::from_ms(UTC_MS).plus_ms(600_000 + 1_000 * i64::try_from(BEHIND_S).unwrap());
        for (n, (flags, source, away, basis, coincident)) in rows.into_iter().enumerate() {
            let timeline = flags & (UTC | TICKS);
            let placed = place(
                time(flags, source, COUNT),
                Some(&clock(timeline, source, now)),
                now,
                PHONE_MIN,
            );
            let at = away.map_or(now, |ms| Moment::from_ms(UTC_MS).plus_ms(ms));
            let wanted = Placed {
                at,
                basis,
                coincident,
                doubt: away.is_none().then_some(Doubt::DeviceTimeUnusable),
            };
            assert_eq!(placed, wanted, "row {}", n + 1);
            let (rule, _) = rule(time(flags, source, COUNT));
            assert_eq!(rule, TABLE[n].4, "row {}", n + 1);
        }
    }

    /// REQ-DEVICE-133: each combination of flags and source meets exactly one row, and no time is put in silently.
    #[test]
    fn every_time_meets_one_row() {
        let any = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        for flags in 0..=u8::MAX {
            for source in 0..=8 {
                let time = time(flags, source, COUNT);
                let rows = TABLE
                    .iter()
                    .filter(|(timeline, current, synced, offset, ..)| {
                        *timeline == time.timeline()
                            && *current == time.is_current()
                            && any(*synced, time.is_synchronised())
                            && any(*offset, time.offset_min().is_some())
                    });
                assert_eq!(rows.count(), 1, "{flags:02x} {source}");
            }
        }
        let now = Moment::from_ms(UTC_MS + HOUR);
        let without = |flags, source| place(time(flags, source, COUNT), None, now, PHONE_MIN);
        assert_eq!(without(UTC | CURRENT, NEVER).basis, TimeBasis::DeviceAsSent);
        assert_eq!(without(UTC | CURRENT, NEVER).at, Moment::from_ms(UTC_MS));
        assert_eq!(without(TICKS | CURRENT, NEVER).basis, TimeBasis::Arrival);
        // A clock of another kind maps nothing; a time ahead of its arrival is none.
        let ticks = clock(TICKS, NEVER, now);
        let other = place(time(CURRENT, NEVER, COUNT), Some(&ticks), now, PHONE_MIN);
        assert_eq!((other.at, other.basis), (now, TimeBasis::Arrival));
        let early = Moment::from_ms(UTC_MS - HOUR);
        let ahead = place(time(UTC | CURRENT, NETWORK, COUNT), None, early, PHONE_MIN);
        assert_eq!((ahead.at, ahead.basis), (early, TimeBasis::Arrival));
        assert_eq!(ahead.doubt, Some(Doubt::DeviceTimeAhead));
        assert_eq!(
            without(UTC | CURRENT, NEVER).doubt,
            Some(Doubt::ClockNotRead)
        );
    }

    /// REQ-DEVICE-132: tenths and milliseconds count as what they are.
    #[test]
    fn finer_clocks_are_mapped_finely() {
        let now = Moment::from_ms(UTC_MS);
        for (bits, count, between_ms) in [
            (1_u8, 6_000, 600_000),
            (2, 600_123, 600_123),
            (3, 6_001_239, 600_123),
        ] {
            let flags = TICKS | CURRENT | bits << 2;
            let clock = ElapsedClock {
                time: time(flags, NEVER, 10_000_000 + count),
                status: 0,
                capabilities: 0,
            };
            let clock = reading_of(&clock.encode().unwrap(), now, PHONE_MIN).unwrap();
            let placed = place(time(flags, NEVER, 10_000_000), Some(&clock), now, PHONE_MIN);
            let off = now.ms_since(placed.at) - between_ms;
            assert!((0..=1).contains(&off), "{bits}: {off}");
        }
    }
}

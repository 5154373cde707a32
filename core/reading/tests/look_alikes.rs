//! Which readings are possibly the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use std::collections::HashMap;
use teleward_reading::*;

/// A record without a key of its own: minute of arrival, device, frame, place.
fn reading(minute: i64, device: u8, frame: u8, ordinal: u32) -> Reading {
    let mut reading = Reading {
        id: ReadingId([0; 32]),
        measurement: Measurement::BloodPressure(BloodPressure {
            systolic: Number::of(120, 0),
            diastolic: Number::of(80, 0),
            mean_arterial: None,
            pulse_rate: None,
            unit: PressureUnit::MmHg,
            user_slot: None,
            status: None,
        }),
        timing: Timing {
            effective: Moment::from_ms(minute * 60_000),
            basis: TimeBasis::Arrival,
            utc_offset_min: 0,
            arrived: Moment::from_ms(minute * 60_000),
            elapsed: None,
            device_time: None,
            clock: None,
        },
        source: Source::Device(Box::new(DeviceSource {
            identity: DeviceIdentity::Address([device; 6]),
            facts: DeviceFacts::default(),
            characteristic: 0x2a35,
            packets: vec![vec![frame]],
            decoder: "1".to_owned(),
            record_number: Vec::new(),
            clock_fault: false,
            extra: Vec::new(),
            place: Place {
                install: [1; 16],
                connection: [2; 16],
                ordinal,
            },
        })),
        doubts: vec![Doubt::NoDeviceTime],
    };
    reading.id = reading.computed_id().unwrap();
    reading
}

/// REQ-READING-010: look-alikes within ten minutes are possibly the same and counted once; both are kept.
#[test]
fn look_alikes_within_ten_minutes_are_counted_once() {
    let first = reading(0, 1, 7, 0);
    let again = reading(10, 1, 7, 1);
    assert_ne!(first.id, again.id, "two ids: never merged");
    assert!(possibly_same(&first, &again) && possibly_same(&again, &first));
    assert_eq!(
        look_alikes([&again, &first]),
        HashMap::from([(again.id, first.id)])
    );
    for other in [
        reading(11, 1, 7, 2),
        reading(5, 2, 7, 3),
        reading(5, 1, 8, 4),
    ] {
        assert!(!possibly_same(&first, &other));
    }
    assert!(!possibly_same(&first, &first));
    // A chain does not grow without end: what is more than ten minutes from the first is a new one.
    let third = reading(15, 1, 7, 5);
    let found = look_alikes([&first, &again, &third]);
    assert_eq!(found, HashMap::from([(again.id, first.id)]));
}

#[test]
fn a_record_with_a_time_of_its_own_is_never_only_possibly_the_same() {
    let with_time = |minute, second| {
        let mut reading = reading(minute, 1, 7, 0);
        reading.timing.device_time = Some(DeviceTime::from_bytes([0xe8, 7, 6, 15, 12, 0, second]));
        reading.id = reading.computed_id().unwrap();
        reading
    };
    assert_eq!(
        with_time(0, 1).id,
        with_time(3, 1).id,
        "read again: one reading"
    );
    assert!(!possibly_same(&with_time(0, 1), &with_time(3, 2)));
    assert!(with_time(0, 1).may_be_merged() && !reading(0, 1, 7, 0).may_be_merged());
}

proptest! {
    #[test]
    fn the_order_of_arrival_at_the_station_does_not_count(
        rows in proptest::collection::vec((0_i64..60, 0_u8..2, 0_u8..2), 0..12),
        seed in any::<u64>(),
    ) {
        let readings: Vec<Reading> =
            (0..).zip(&rows).map(|(n, (m, d, f))| reading(*m, *d, *f, n)).collect();
        let mut mixed: Vec<&Reading> = readings.iter().collect();
        mixed.sort_by_key(|r| (u64::from(r.id.0[0]) ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let found = look_alikes(&readings);
        prop_assert_eq!(&look_alikes(mixed), &found);
        // Whatever is counted is not itself marked, so that nothing vanishes altogether.
        prop_assert!(found.values().all(|first| !found.contains_key(first)));
    }
}

//! The sync of stored records for the services beside glucose: a sensor with several records in a notification, a
//! health sensor with segments and one request for report and count, an oximeter without numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{Moment, Number, from_hex, to_hex};
use teleward_device::health_sensor::{Value, segments};
use teleward_device::{
    CgmCrc, CgmRecord, CgmStatus, HealthObservation, RadioFault, StoredEffect, StoredEvent,
    StoredMark, StoredObservation, StoredOutcome, StoredPace, StoredRecord, StoredReport,
    StoredService, StoredSync,
};

/// One exchange: what must be written, and what the device sends then.
type Exchange = (&'static str, Vec<(u16, Vec<u8>)>);

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

fn point(text: &str) -> (u16, Vec<u8>) {
    (0x2a52, hex(text))
}

/// Plays a script; every write must be the one that the script expects, and all of it must be used up.
fn played(
    service: StoredService,
    mark: StoredMark,
    script: Vec<Exchange>,
) -> (Vec<StoredRecord>, StoredReport) {
    let now = Moment::from_ms(1_000_000);
    let mut sync = StoredSync::new(service, mark, StoredPace::default());
    let (mut script, mut delivered) = (script.into_iter(), Vec::new());
    sync.input(StoredEvent::Tick, now);
    while let Some(effect) = sync.poll_effect() {
        match effect {
            StoredEffect::Deliver(record) => delivered.push(record),
            StoredEffect::Done(report) => {
                assert_eq!(script.next().map(|(expected, _)| expected), None, "used up");
                return (delivered, *report);
            }
            StoredEffect::Write(bytes) => {
                let (expected, sent) = script.next().expect("no write is expected");
                assert_eq!(to_hex(&bytes), expected.replace(' ', ""));
                // An answer may overtake the platform's word that the request was written.
                for (characteristic, bytes) in sent {
                    sync.input(
                        StoredEvent::Notified {
                            characteristic,
                            bytes,
                        },
                        now,
                    );
                }
                sync.input(StoredEvent::Written, now);
            }
        }
    }
    panic!("the sync waits for what the script does not have: {sync:?}");
}

fn sensed(minute: u16, crc: CgmCrc) -> Vec<u8> {
    let record = CgmRecord {
        glucose: Number::of(100 + i64::from(minute), 0),
        time_offset_min: minute,
        status: CgmStatus::default(),
        trend: None,
        quality: None,
        crc: Some(crc),
        extra: Vec::new(),
    };
    record.encode().unwrap()
}

/// REQ-DEVICE-092: a CGM's records are taken one by one out of its notifications, and a damaged one is kept and told.
#[test]
fn a_sensors_notifications_are_taken_apart() {
    let all: Vec<Vec<u8>> = [0, 5, 10].map(|minute| sensed(minute, CgmCrc::Fits)).into();
    let damaged = sensed(15, CgmCrc::Wrong(0x1234));
    let notified = vec![
        (0x2aa7, [&all[0][..], &all[1], &all[2]].concat()),
        (0x2aa7, damaged.clone()),
        point("06 00 01 01"),
    ];
    let script = vec![
        ("0401", vec![point("05 00 0400")]),
        ("0101", notified),
        ("0404 01 0100 0400", vec![point("05 00 0000")]),
        ("0404 01 0600 0900", vec![point("05 00 0000")]),
        (
            "0106",
            vec![(0x2aa7, damaged.clone()), point("06 00 01 01")],
        ),
    ];
    let (delivered, report) = played(
        StoredService::ContinuousGlucose,
        StoredMark::default(),
        script,
    );
    assert_eq!(report.outcome, StoredOutcome::Complete);
    let numbers: Vec<_> = delivered.iter().map(|record| record.number).collect();
    assert_eq!(
        numbers,
        [Some(0), Some(5), Some(10), None],
        "the minute may be the damage"
    );
    assert_eq!(delivered[3].bytes, damaged);
    assert_eq!(delivered[1].bytes, all[1]);
}

fn observed(record_number: u32) -> Vec<u8> {
    let value = Value::Numeric {
        unit: 544,
        value: Number::of(98, 0),
    };
    let observation = HealthObservation::of(Some(150_456), value);
    StoredObservation {
        record_number,
        observation,
    }
    .encode()
    .unwrap()
}

/// REQ-DEVICE-092, REQ-DEVICE-093: a health sensor's segments are joined; of a record that lost one, all of it is asked
/// for again; the same record in another cut is the same.
#[test]
fn a_health_sensors_segments_are_joined() {
    let (first, counter) = segments(&observed(70_000), 62, 9);
    let (second, _) = segments(&observed(70_001), counter, 9);
    let notify = |cut: &[Vec<u8>]| {
        cut.iter()
            .map(|one| (0x2bdd, one.clone()))
            .collect::<Vec<_>>()
    };
    let mut lossy = notify(&first);
    lossy.extend(notify(&second[1..]));
    lossy.push(point("08 00 02000000"));
    let mut again = notify(&segments(&observed(70_001), 9, 40).0);
    again.push(point("08 00 01000000"));
    let script = vec![
        ("0401", vec![point("05 00 02000000")]),
        ("0701", lossy),
        ("0404 01 00000000 6f110100", vec![point("05 00 00000000")]),
        ("0404 01 71110100 ffffffff", vec![point("05 00 01000000")]),
        ("0704 01 71110100 ffffffff", again),
        ("0706", vec![point("06 00 07 04")]),
    ];
    let (delivered, report) = played(StoredService::HealthSensor, StoredMark::default(), script);
    assert_eq!(
        (report.outcome, report.delivered),
        (StoredOutcome::Complete, 2)
    );
    assert_eq!(delivered[1].bytes, observed(70_001));
    assert_eq!(
        report.mark.newest().and_then(|p| p.number()),
        Some(70_001),
        "without a last one, by number"
    );

    let mut same = notify(&segments(&observed(70_001), 0, 6).0);
    same.push(point("08 00 01000000"));
    let script = vec![
        ("0403 01 71110100", vec![point("05 00 01000000")]),
        ("0703 01 71110100", same),
        ("0706", vec![point("06 00 07 04")]),
    ];
    let (delivered, report) = played(StoredService::HealthSensor, report.mark, script);
    assert_eq!(
        (report.outcome, delivered.len(), report.repeated),
        (StoredOutcome::Complete, 0, 1)
    );
}

/// REQ-DEVICE-096: an oximeter's records have no number: all are fetched, and what is known is left out.
#[test]
fn an_oximeters_records_are_known_by_their_bytes() {
    let spot = |n: u8| (0x2a5e, vec![0, 98, 0, n, 0]);
    let script = |records: Vec<(u16, Vec<u8>)>, counts: [&'static str; 2]| {
        let mut sent = records;
        sent.push(point("06 00 01 01"));
        vec![
            ("0401", vec![point(counts[0])]),
            ("0101", sent),
            ("0401", vec![point(counts[1])]),
        ]
    };
    let counts = ["05 00 0200", "05 00 0200"];
    let (delivered, report) = played(
        StoredService::Oximeter,
        StoredMark::default(),
        script(vec![spot(60), spot(61)], counts),
    );
    assert_eq!(
        (report.outcome, delivered.len()),
        (StoredOutcome::Complete, 2)
    );
    let counts = ["05 00 0300", "05 00 0300"];
    let records = vec![spot(60), spot(61), spot(62)];
    let (delivered, report) = played(
        StoredService::Oximeter,
        report.mark,
        script(records, counts),
    );
    assert_eq!(
        (report.outcome, delivered.len(), report.repeated),
        (StoredOutcome::Complete, 1, 2)
    );
    assert_eq!(delivered[0].bytes, spot(62).1);
}

/// REQ-DEVICE-093: a device that announces more than it sends is asked a few times, and the mark stays where it was.
#[test]
fn a_device_that_announces_too_much_does_not_move_the_mark() {
    let spot = || vec![(0x2a5e, vec![0, 98, 0, 60, 0]), point("06 00 01 01")];
    let count = || vec![point("05 00 0200")];
    let mut script = vec![("0401", count())];
    for _ in 0..5 {
        script.push(("0101", spot()));
        script.push(("0401", count()));
    }
    // The last one brought nothing either, and no more is asked.
    script.pop();
    let (delivered, report) = played(StoredService::Oximeter, StoredMark::default(), script);
    assert_eq!(
        (report.outcome, delivered.len()),
        (StoredOutcome::Incomplete, 1)
    );
    assert_eq!(report.mark.newest(), None);
}

/// REQ-DEVICE-095: a write that fails ends the sync in order, a busy radio does not, and the end of the link is told.
#[test]
fn failed_writes_and_ends_are_told() {
    let now = Moment::from_ms(0);
    for (event, outcome) in [
        (
            StoredEvent::NotWritten(RadioFault::NotSupported),
            Some(StoredOutcome::NotSupported),
        ),
        (
            StoredEvent::NotWritten(RadioFault::Other),
            Some(StoredOutcome::Refused),
        ),
        (
            StoredEvent::NotWritten(RadioFault::NotConnected),
            Some(StoredOutcome::Interrupted),
        ),
        (StoredEvent::NotWritten(RadioFault::Busy), None),
        (StoredEvent::NotWritten(RadioFault::Timeout), None),
        (StoredEvent::Disconnected, Some(StoredOutcome::Interrupted)),
        (StoredEvent::Cancel, Some(StoredOutcome::Cancelled)),
        (point_event("06 00 04 02"), None),
        (point_event("ff"), None),
    ] {
        let mut sync = StoredSync::new(
            StoredService::Glucose,
            StoredMark::default(),
            StoredPace::default(),
        );
        sync.input(StoredEvent::Tick, now);
        assert_eq!(sync.poll_effect(), Some(StoredEffect::Write(hex("0401"))));
        assert_eq!(sync.poll_effect(), None, "one write at a time");
        sync.input(event.clone(), now);
        let ended = match sync.poll_effect() {
            Some(StoredEffect::Done(report)) => Some(report.outcome),
            _ => None,
        };
        assert_eq!(ended, outcome, "{event:?}");
        assert_eq!(sync.is_over(), outcome.is_some());
        assert_eq!(sync.deadline().is_some(), outcome.is_none(), "never stuck");
    }
}

fn point_event(text: &str) -> StoredEvent {
    let (characteristic, bytes) = point(text);
    StoredEvent::Notified {
        characteristic,
        bytes,
    }
}

//! A body composition scale: one packet or two, a weight beside it, links that break between the two.

use crate::{collect, doubts, radio, told};
use proptest::prelude::*;
use reading::Kind;
use teleward_device::{DecodeError, ReasonCode, StoredMark};

const FIRST: &str = "7e10eb00e807060f13111b036419a701801b0032";
const SECOND: &str = "801feb00802ff0230314c841d606";
/// The same person a minute later.
const NEXT_FIRST: &str = "7e10ec00e807060f13121b036419a701801b0032";
const NEXT_SECOND: &str = "801fec00802ff0230314c841d606";
const ALONE: &str = "0604eb00e807060f13111b03c841";
const WEIGHT: &str = "06c841e807060f13111b03";

fn scale(frames: &[(&str, &str, u32)], rest: &str) -> String {
    let frame = |(of, bytes, times): &(&str, &str, u32)| {
        format!(r#"{{"of":"{of}","bytes":"{bytes}","times":{times}}}"#)
    };
    let frames: Vec<String> = frames.iter().map(frame).collect();
    format!(
        r#""services":["181d","181b"],"measurements":["181b/2a9c","181d/2a9d"],"values":{{"180a/2a25":"313233"}},
        "frames":[{}]{rest}"#,
        frames.join(",")
    )
}

const BODY: &str = "181b/2a9c";

/// REQ-DEVICE-120: two packets are one record and one reading with all that both say, also when each was indicated twice.
#[tokio::test(start_paused = true)]
async fn two_packets_are_one_reading() {
    for times in [1, 3] {
        let script = scale(
            &[
                (BODY, FIRST, times),
                (BODY, SECOND, times),
                (BODY, NEXT_FIRST, times),
                (BODY, NEXT_SECOND, times),
            ],
            "",
        );
        let outcome = collect(&radio(&script), StoredMark::default()).await;
        assert_eq!(outcome.report.reason, ReasonCode::Done);
        assert_eq!(
            outcome.raw(),
            [
                format!("{FIRST} {SECOND}"),
                format!("{NEXT_FIRST} {NEXT_SECOND}")
            ]
        );
        assert_eq!(outcome.report.repeated, 4 * (times - 1));
        let readings = outcome.readings();
        let reading = readings[0].as_ref().unwrap();
        assert_eq!(reading.kind(), Kind::BodyComposition);
        assert_eq!(
            told(reading),
            "fat_percent 23.5 %, basal_metabolism 6500 kJ, muscle_percent 42.3 %, muscle_mass 35.200 kg, \
             fat_free_mass 64.000 kg, soft_lean_mass 60.800 kg, body_water_mass 46.000 kg, impedance 512.3 Ohm, \
             weight 84.200 kg, height 175.0 cm"
        );
        assert_eq!(reading.measurement.user_slot(), Some(3));
        assert_eq!(doubts(reading), ["clock_not_read"]);
    }
}

/// REQ-DEVICE-121: half of a record is kept as it came and is no reading. HAZ-DEVICE-012.
#[tokio::test(start_paused = true)]
async fn a_lost_half_is_kept_and_is_no_reading() {
    for (sent, kept) in [
        (&[FIRST][..], &[FIRST][..]),
        (&[SECOND], &[SECOND]),
        (&[SECOND, FIRST], &[SECOND, FIRST]),
        (&[FIRST, NEXT_SECOND], &[FIRST, NEXT_SECOND]),
        (&[FIRST, NEXT_FIRST], &[FIRST, NEXT_FIRST]),
    ] {
        let frames: Vec<_> = sent.iter().map(|bytes| (BODY, *bytes, 1)).collect();
        let outcome = collect(&radio(&scale(&frames, "")), StoredMark::default()).await;
        assert_eq!(outcome.raw(), kept);
        for read in outcome.readings() {
            assert_eq!(read.unwrap_err(), DecodeError::Incomplete);
        }
    }
    // What is whole beside it is a reading all the same.
    let frames = [(BODY, SECOND, 1), (BODY, ALONE, 1), (BODY, FIRST, 1)];
    let outcome = collect(&radio(&scale(&frames, "")), StoredMark::default()).await;
    assert_eq!(outcome.raw(), [SECOND, ALONE, FIRST]);
    let whole: Vec<bool> = outcome.readings().iter().map(Result::is_ok).collect();
    assert_eq!(whole, [false, true, false]);
}

/// REQ-DEVICE-122: a scale that gives a weight and a body composition gives two readings of the same time and person.
#[tokio::test(start_paused = true)]
async fn a_scale_with_both_services_gives_both() {
    let frames = [("181d/2a9d", WEIGHT, 1), (BODY, ALONE, 2)];
    let outcome = collect(&radio(&scale(&frames, "")), StoredMark::default()).await;
    assert_eq!((outcome.report.records, outcome.report.repeated), (2, 1));
    let readings: Vec<_> = outcome.readings().into_iter().map(Result::unwrap).collect();
    assert_eq!(
        readings.iter().map(told).collect::<Vec<_>>(),
        ["weight 84.200 kg", "fat_percent 23.5 %, weight 84.200 kg"]
    );
    assert_eq!(readings[0].timing.effective, readings[1].timing.effective);
    assert_ne!(readings[0].id, readings[1].id);
}

/// REQ-DEVICE-121: wherever the link breaks, each packet is kept, and no packet makes two readings.
#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_between_two_packets_loses_neither() {
    let frames = [(BODY, FIRST, 1), (BODY, SECOND, 1)];
    for cut in (5..80).step_by(5) {
        let script = scale(
            &frames,
            &format!(r#","faults":[{{"drop_after_ms":{cut}}}]"#),
        );
        let radio = radio(&script);
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.extend(collect(&radio, StoredMark::default()).await.raw());
        }
        assert_eq!(
            kept.join(" "),
            format!("{FIRST} {SECOND}"),
            "cut after {cut} ms"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// REQ-DEVICE-121: in whatever order packets come and are repeated, each stands in one record, and a record with
    /// numbers of two people or two moments is none.
    #[test]
    fn packets_in_any_order_make_no_record_of_two(order in proptest::collection::vec(0..5_usize, 0..12)) {
        let packets = [FIRST, SECOND, NEXT_FIRST, NEXT_SECOND, ALONE];
        let sent: Vec<&str> = order.iter().map(|at| packets[*at]).collect();
        let frames: Vec<_> = sent.iter().map(|bytes| (BODY, *bytes, 1)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = runtime.block_on(async { collect(&radio(&scale(&frames, "")), StoredMark::default()).await });
        for (raw, read) in outcome.raw().iter().zip(outcome.readings()) {
            let whole = [ALONE.to_owned(), format!("{FIRST} {SECOND}"), format!("{NEXT_FIRST} {NEXT_SECOND}")];
            prop_assert_eq!(read.is_ok(), whole.contains(raw), "{}", raw);
        }
        let came = outcome.raw().join(" ");
        for packet in packets {
            prop_assert_eq!(sent.contains(&packet), came.contains(packet));
        }
        let out = came.split(' ').filter(|one| !one.is_empty()).count();
        prop_assert!(out + usize::try_from(outcome.report.repeated).unwrap() <= sent.len());
    }
}

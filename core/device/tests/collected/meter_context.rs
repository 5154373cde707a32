//! What a person told a glucose meter: joined to its measurement whichever comes first, and kept when it comes alone.

use crate::{collect, radio};
use proptest::prelude::*;
use reading::{Kind, ReadingId};
use std::collections::BTreeSet;
use teleward_device::{DecodeError, ReasonCode, StoredMark};

/// Record 7 and record 8, each with "context follows", and a context for each; the same measurement without it.
const SEVEN: &str = "1b0700e807060f0d331ec4ff69b0110000";
const ITS: &str = "02070001";
const EIGHT: &str = "1b0800e807060f0e331ec4ff6ab0110000";
const ITS_TOO: &str = "02080002";

fn meter(sent: &[&str], rest: &str) -> String {
    let frame = |bytes: &&str| {
        let of = if bytes.starts_with("02") {
            "2a34"
        } else {
            "2a18"
        };
        format!(r#"{{"of":"1808/{of}","bytes":"{bytes}"}}"#)
    };
    let frames: Vec<String> = sent.iter().map(frame).collect();
    format!(
        r#""services":["1808"],"measurements":["1808/2a18","1808/2a34"],"values":{{"180a/2a25":"313233"}},
        "frames":[{}]{rest}"#,
        frames.join(",")
    )
}

/// A control point, so that what the meter sends goes through the sync.
const WITH_MEMORY: &str = r#","stored":{"service":"1808","records":[]}"#;

/// REQ-DEVICE-130: a context is joined to its measurement by the sequence number, whichever comes first, on a meter that
/// can be asked for its records and on one that cannot.
#[tokio::test(start_paused = true)]
async fn a_context_is_joined_whichever_comes_first() {
    for rest in ["", WITH_MEMORY] {
        for sent in [
            [SEVEN, ITS, EIGHT, ITS_TOO],
            [ITS, SEVEN, ITS_TOO, EIGHT],
            [SEVEN, EIGHT, ITS_TOO, ITS],
            [ITS_TOO, SEVEN, EIGHT, ITS],
        ] {
            let outcome = collect(&radio(&meter(&sent, rest)), StoredMark::default()).await;
            let came: BTreeSet<String> = outcome.raw().into_iter().collect();
            let whole = [format!("{SEVEN} {ITS}"), format!("{EIGHT} {ITS_TOO}")];
            assert_eq!(came, whole.into(), "{sent:?}{rest}");
            assert_eq!(
                (outcome.report.reason, outcome.report.records),
                (ReasonCode::Done, 2)
            );
            for reading in outcome.readings() {
                let reading = reading.unwrap();
                assert_eq!(reading.kind(), Kind::Glucose);
                let coded = reading.measurement.parts().coded;
                assert!(coded.iter().any(|one| one.name == "meal"));
            }
        }
    }
}

/// REQ-DEVICE-131: a context whose measurement came in an earlier session is kept as it came and is no reading; the
/// measurement stays what it was, with and without it.
#[tokio::test(start_paused = true)]
async fn a_context_that_comes_later_is_kept() {
    for rest in ["", WITH_MEMORY] {
        let first = collect(&radio(&meter(&[SEVEN], rest)), StoredMark::default()).await;
        assert_eq!(first.raw(), [SEVEN]);
        let id =
            |outcome: &crate::Outcome| -> ReadingId { outcome.readings()[0].as_ref().unwrap().id };
        let later = collect(&radio(&meter(&[ITS], rest)), first.mark.clone()).await;
        assert_eq!(later.raw(), [ITS]);
        let none = later.readings().remove(0).unwrap_err();
        assert_eq!(
            none,
            DecodeError::NotAReading {
                characteristic: 0x2a34
            }
        );
        let both = collect(&radio(&meter(&[SEVEN, ITS], rest)), StoredMark::default()).await;
        assert_eq!(id(&first), id(&both));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// REQ-DEVICE-130: in whatever order frames come, repeated or lost, no context stands beside another's measurement,
    /// and each frame that came stands somewhere.
    #[test]
    fn no_context_stands_beside_anothers_measurement(order in proptest::collection::vec(0..4_usize, 0..9), memory in any::<bool>()) {
        let frames = [SEVEN, ITS, EIGHT, ITS_TOO];
        let sent: Vec<&str> = order.iter().map(|at| frames[*at]).collect();
        let rest = if memory { WITH_MEMORY } else { "" };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let outcome = runtime.block_on(async { collect(&radio(&meter(&sent, rest)), StoredMark::default()).await });
        let came = outcome.raw().join(" ");
        for frame in frames {
            prop_assert_eq!(sent.contains(&frame), came.contains(frame), "{}", came);
        }
        for record in &outcome.records {
            if let [measurement, context] = record.packets.as_slice() {
                prop_assert_eq!(measurement[1], context[1]);
            }
        }
    }
}

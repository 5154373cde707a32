//! A heart rate strap: half a minute of contact is one reading, and what is no value is none of it.

use crate::{collect, doubts, radio, told};
use proptest::prelude::*;
use reading::{Kind, Moment, TimeBasis, to_hex};
use teleward_device::{
    HeartRateFrame, ReasonCode, StoredMark, Stream, StreamEffect, StreamEvent, StreamOutcome,
    StreamPace, StreamService,
};

/// A frame with contact and one time between beats.
fn beat(rate: u16) -> Vec<u8> {
    frame(rate, Some(true))
}

fn frame(heart_rate: u16, contact: Option<bool>) -> Vec<u8> {
    let frame = HeartRateFrame {
        heart_rate,
        contact,
        energy_kj: None,
        rr_1024: vec![800 + heart_rate],
        extra: Vec::new(),
    };
    frame.encode().unwrap()
}

/// A strap that sends these, one a second.
fn strap(frames: &[Vec<u8>], rest: &str) -> String {
    let frames: Vec<String> = frames
        .iter()
        .map(|bytes| format!(r#"{{"after_ms":1000,"bytes":"{}"}}"#, to_hex(bytes)))
        .collect();
    format!(
        r#""services":["180d"],"measurements":["180d/2a37"],"values":{{"180a/2a25":"313233"}},"frames":[{}]{rest}"#,
        frames.join(",")
    )
}

fn rates(of: impl IntoIterator<Item = u16>) -> Vec<Vec<u8>> {
    of.into_iter().map(beat).collect()
}

/// REQ-DEVICE-123: half a minute of contact is one reading, the median, with all times between beats; the session then
/// ends by itself, however long the strap would go on.
#[tokio::test(start_paused = true)]
async fn half_a_minute_is_one_reading() {
    let sent = rates((0..300).map(|n| 60 + n % 7));
    let outcome = collect(&radio(&strap(&sent, "")), StoredMark::default()).await;
    assert_eq!(
        (outcome.report.reason, outcome.report.records),
        (ReasonCode::Done, 1)
    );
    assert_eq!(outcome.report.rest_s, 900, "and not again at once");
    assert_eq!(outcome.records[0].packets, sent[..31]);
    let reading = outcome.readings().remove(0).unwrap();
    assert_eq!(reading.kind(), Kind::HeartRate);
    assert_eq!(told(&reading), "heart_rate 63 /min");
    assert_eq!(reading.measurement.parts().series[0].numbers.len(), 31);
    assert_eq!(
        (reading.timing.basis, doubts(&reading)),
        (TimeBasis::Live, vec![])
    );
    assert_eq!(reading.timing.effective, outcome.records[0].arrived);
    assert!(reading.timing.is_sure());
    assert!(!reading.may_be_merged(), "nothing tells it from the next");
}

/// REQ-DEVICE-215: frames that come before it is known what the strap has are no reading, and belong to none.
#[tokio::test(start_paused = true)]
async fn frames_before_the_list_are_left_out() {
    let sent = rates((0..60).map(|n| 60 + n % 7));
    let early = r#"{"bytes":"0048"},{"bytes":"0049"},{"bytes":"004a"},"#;
    let script = strap(&sent, r#","keeps_subscription":true,"bonded":true"#);
    let script = script.replace(r#""frames":["#, &format!(r#""frames":[{early}"#));
    let outcome = collect(&radio(&script), StoredMark::default()).await;
    assert_eq!(
        (outcome.report.reason, outcome.report.records),
        (ReasonCode::Done, 1)
    );
    assert_eq!(outcome.records[0].packets, sent[..31]);
}

/// REQ-DEVICE-124: contact lost and a rate of 0 are no values and end the window. HAZ-READING-010.
#[tokio::test(start_paused = true)]
async fn a_window_that_is_broken_begins_again() {
    for broken in [frame(72, Some(false)), frame(0, Some(true)), frame(0, None)] {
        let mut sent = rates([180; 25]);
        sent.push(broken);
        sent.extend(rates([64; 40]));
        let outcome = collect(&radio(&strap(&sent, "")), StoredMark::default()).await;
        assert_eq!(outcome.report.records, 1);
        let reading = outcome.readings().remove(0).unwrap();
        assert_eq!(told(&reading), "heart_rate 64 /min", "nothing of before it");
    }
}

/// REQ-DEVICE-125: a strap that feels no pulse, says nothing, or goes away in the middle makes no reading, and the
/// session says why.
#[tokio::test(start_paused = true)]
async fn what_makes_no_reading_says_why() {
    let loose: Vec<_> = (0..200).map(|_| frame(0, Some(false))).collect();
    let long = rates([70; 300]);
    for (frames, rest, reason) in [
        (loose.as_slice(), "", ReasonCode::NoPulse),
        (&[], "", ReasonCode::NothingNew),
        (
            &long,
            r#","faults":[{"drop_after_ms":20000}]"#,
            ReasonCode::LinkLost,
        ),
        (&long[..20], "", ReasonCode::NoPulse),
    ] {
        let outcome = collect(&radio(&strap(frames, rest)), StoredMark::default()).await;
        assert_eq!((outcome.report.reason, outcome.report.records), (reason, 0));
        assert_eq!(outcome.report.rest_s, 0);
    }
    // The strap goes on where the link broke: the next session takes a whole window.
    let radio = radio(&strap(&long, r#","faults":[{"drop_after_ms":20000}]"#));
    assert_eq!(
        collect(&radio, StoredMark::default()).await.report.records,
        0
    );
    assert_eq!(
        collect(&radio, StoredMark::default()).await.report.reason,
        ReasonCode::Done
    );
}

/// REQ-DEVICE-125: a frame that is none is kept once and told, and a strap that sends nothing else makes no reading.
#[tokio::test(start_paused = true)]
async fn frames_that_are_none_are_kept_once() {
    let sent = vec![vec![0x80, 72]; 50];
    let outcome = collect(&radio(&strap(&sent, "")), StoredMark::default()).await;
    assert_eq!(outcome.raw(), ["8048"]);
    assert_eq!(
        outcome.readings()[0].as_ref().unwrap_err().code(),
        "reserved_flags"
    );
}

proptest! {
    /// REQ-DEVICE-124: whatever comes and whenever, at most one measurement is delivered: values only, over a whole
    /// window without a gap, with its median among them. HAZ-READING-010.
    #[test]
    fn a_measurement_is_whole(steps in proptest::collection::vec((0..6_500_i64, 0..4_u8, 40..200_u16), 0..200)) {
        let pace = StreamPace::default();
        let mut stream = Stream::new(StreamService::HeartRate, pace);
        let mut now = Moment::from_ms(1_718_471_847_000);
        stream.input(StreamEvent::Tick, now);
        let began = now;
        let (mut came, mut out, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (wait, what, rate) in steps {
            now = now.plus_ms(wait % if what == 3 { 6_500 } else { 1_500 });
            let bytes = match what {
                0 => frame(rate, if rate % 9 == 0 { Some(false) } else { None }),
                _ => frame(if rate % 31 == 0 { 0 } else { rate }, Some(true)),
            };
            came.push((now, bytes.clone()));
            stream.input(StreamEvent::Notified(bytes), now);
            while let Some(effect) = stream.poll_effect() {
                match effect {
                    StreamEffect::Deliver(frames) => out.push((now, frames)),
                    StreamEffect::Done(outcome) => ends.push((now, outcome)),
                }
            }
        }
        prop_assert!(out.len() <= 1 && ends.len() <= 1);
        if let Some((at, frames)) = out.first() {
            prop_assert_eq!(ends[0], (*at, StreamOutcome::Measured));
            let until = came.iter().rposition(|(when, _)| when <= at).unwrap();
            let last = came[..=until].iter().rposition(|(when, bytes)| when == at && Some(bytes) == frames.last()).unwrap();
            let window = &came[last + 1 - frames.len()..=last];
            prop_assert!(window.iter().map(|(_, bytes)| bytes).eq(frames), "in a row, none left out");
            prop_assert!(window[window.len() - 1].0.ms_since(window[0].0) >= pace.window_ms);
            prop_assert!(frames.len() >= pace.least);
            prop_assert!(window.windows(2).all(|two| two[1].0.ms_since(two[0].0) <= pace.gap_ms));
            for frame in frames {
                let frame = HeartRateFrame::decode(frame).unwrap();
                prop_assert!(frame.contact != Some(false) && frame.heart_rate != 0);
            }
        } else if let Some((at, outcome)) = ends.first() {
            prop_assert_eq!(*outcome, StreamOutcome::NoPulse);
            prop_assert!(at.ms_since(began) >= pace.within_ms);
        }
    }
}

//! The courier never stops, never runs a line twice at once, and never waits longer than its longest pause.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use proptest::prelude::*;
use std::time::Duration;
use teleward_post::{Courier, Effect, Event, LONGEST, Line, Outcome, Pace};
use wire::Time;

fn effects(courier: &mut Courier) -> Vec<Effect> {
    std::iter::from_fn(|| courier.poll_effect()).collect()
}

const ALL: [Line; 4] = [Line::Send, Line::Collect, Line::Rosters, Line::Live];

#[test]
fn a_new_file_is_sent_at_once_and_a_failure_waits() {
    let mut courier = Courier::new(Pace::default(), 1);
    let now = Time::from_ms(1_000_000);
    courier.input(Event::Tick, now);
    assert_eq!(effects(&mut courier), ALL.map(Effect::Start));
    courier.input(Event::Done(Line::Send, Outcome::Finished), now);
    assert_eq!(effects(&mut courier), []);
    courier.input(Event::Wanted(Line::Send), now);
    assert_eq!(effects(&mut courier), [Effect::Start(Line::Send)]);
    courier.input(
        Event::Done(
            Line::Send,
            Outcome::Failed {
                retry_after: Some(Duration::from_secs(60)),
            },
        ),
        now,
    );
    assert_eq!(effects(&mut courier), []);
    assert_eq!(
        courier.deadline(now),
        Some(now.plus(Duration::from_secs(60)))
    );
    courier.input(Event::NetworkChanged, now);
    assert_eq!(
        effects(&mut courier),
        [Effect::Stop(Line::Live), Effect::Start(Line::Send)]
    );
}

#[test]
fn an_opened_line_collects_what_came_before_it() {
    let mut courier = Courier::new(Pace::default(), 1);
    let now = Time::from_ms(0);
    courier.input(Event::Tick, now);
    courier.input(Event::Done(Line::Collect, Outcome::Finished), now);
    effects(&mut courier);
    courier.input(Event::LiveOpen, now);
    assert_eq!(effects(&mut courier), [Effect::Start(Line::Collect)]);
}

#[test]
fn paused_means_nothing_starts_until_resumed() {
    let mut courier = Courier::new(Pace::default(), 1);
    let now = Time::from_ms(0);
    courier.input(Event::Tick, now);
    effects(&mut courier);
    courier.input(Event::Pause, now);
    assert_eq!(effects(&mut courier), ALL.map(Effect::Stop));
    for line in ALL {
        courier.input(Event::Done(line, Outcome::Stopped), now);
        courier.input(Event::Wanted(line), now);
    }
    assert_eq!(
        (
            effects(&mut courier),
            courier.deadline(now),
            courier.is_busy()
        ),
        (vec![], None, false)
    );
    courier.input(Event::Resume, now);
    assert_eq!(effects(&mut courier), ALL.map(Effect::Start));
}

fn events() -> impl Strategy<Value = (u8, u8, i64)> {
    // clocks jump, back as well
    (
        0..8_u8,
        0..4_u8,
        prop_oneof![
            Just(0_i64),
            0..100_000_i64,
            Just(-90_000_000_i64),
            Just(40_000_000_i64)
        ],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// REQ-POST-016: under any events and clock jumps each line runs once at a time and is due again in bounded time.
    #[test]
    fn no_line_is_ever_lost_or_doubled(seed: u64, steps in proptest::collection::vec(events(), 0..80)) {
        let mut courier = Courier::new(Pace::default(), seed);
        let mut now = 1_700_000_000_000_i64;
        let mut running = [false; 4];
        let mut paused = false;
        for (what, line, jump) in steps {
            now += jump;
            let at = Time::from_ms(now);
            let line = ALL[usize::from(line)];
            let event = match what {
                0 => Event::Wanted(line),
                1 => Event::LiveOpen,
                2 => Event::NetworkChanged,
                3 => { paused = true; Event::Pause }
                4 => { paused = false; Event::Resume }
                5 => Event::Tick,
                _ if !running[line as usize] => continue,
                6 => { running[line as usize] = false; Event::Done(line, Outcome::Failed { retry_after: Some(Duration::from_secs(1_000_000)) }) }
                _ => { running[line as usize] = false; Event::Done(line, Outcome::Finished) }
            };
            courier.input(event, at);
            for effect in effects(&mut courier) {
                match effect {
                    Effect::Start(line) => {
                        prop_assert!(!running[line as usize] && !paused);
                        running[line as usize] = true;
                    }
                    Effect::Stop(line) => prop_assert!(running[line as usize]),
                }
            }
            if !paused && running.iter().any(|r| !r) {
                let deadline = courier.deadline(at).unwrap();
                prop_assert!(deadline > at && deadline.since(at) <= LONGEST.max(Duration::from_secs(6 * 3600)));
            }
        }
    }
}

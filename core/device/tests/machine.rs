//! The session's machine under any course of events: one end, no lost record, never stuck.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{DeviceFacts, Moment};
use std::collections::BTreeSet;
use teleward_device::{
    Answer, Attribute, Call, ClockManner, DeviceHandle, Effect, Event, Goal, Manner, PairingMoment,
    Plan, RadioEvent, RadioFault, RadioState, ReasonCode, Session, Uuid,
};

const MEASUREMENT: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::MEASUREMENT,
};

const CLOCK: Attribute = Attribute {
    service: Uuid::CURRENT_TIME_SERVICE,
    characteristic: Uuid::CURRENT_TIME,
};

fn cuff() -> DeviceHandle {
    DeviceHandle("cuff".to_owned())
}

#[derive(Debug, Clone)]
enum Step {
    /// The call under way works.
    Works,
    Fails(RadioFault),
    /// An answer to a call that was given up.
    Stale,
    Seen,
    Disconnected,
    Pairing,
    Frame(u8, bool),
    /// The device tells what its clock shows.
    Clock,
    State(RadioState),
    Wait(i64),
    Cancel,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Works),
        2 => prop_oneof![
            Just(RadioFault::NeedsPairing), Just(RadioFault::KeyMissing), Just(RadioFault::NotConnected),
            Just(RadioFault::BrokeOff), Just(RadioFault::Timeout), Just(RadioFault::Busy), Just(RadioFault::Other),
            Just(RadioFault::NotSupported), Just(RadioFault::PairingRefused), Just(RadioFault::FieldsIgnored),
        ].prop_map(Step::Fails),
        1 => Just(Step::Stale),
        3 => Just(Step::Seen),
        1 => Just(Step::Disconnected),
        1 => Just(Step::Pairing),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(n, timed)| Step::Frame(n, timed)),
        1 => Just(Step::Clock),
        1 => prop_oneof![Just(RadioState::Off), Just(RadioState::Missing), Just(RadioState::On)].prop_map(Step::State),
        3 => (0_i64..40_000).prop_map(Step::Wait),
        1 => Just(Step::Cancel),
    ]
}

fn frame(n: u8, timed: bool) -> Vec<u8> {
    let mut bytes = vec![if timed { 0x02 } else { 0x00 }, n, 0, 80, 0, 90, 0];
    if timed {
        bytes.extend([0xe8, 7, 6, 15, 12, 0, n % 60]);
    }
    bytes
}

fn answer(call: &Call) -> Answer {
    let attribute = |service, number| Attribute {
        service,
        characteristic: Uuid::short(number),
    };
    match call {
        Call::Discover => Answer::Attributes(vec![
            MEASUREMENT,
            attribute(Uuid::INFORMATION, 0x2a25),
            attribute(Uuid::BATTERY, 0x2a19),
            attribute(Uuid::CURRENT_TIME_SERVICE, 0x2a2b),
        ]),
        Call::Read(_) => Answer::Bytes(vec![0xe8, 7, 6, 15, 12, 0, 0, 0, 0, 0]),
        Call::IsBonded => Answer::Flag(true),
        _ => Answer::Done,
    }
}

#[derive(Default)]
struct Host {
    open: Option<(u32, Call)>,
    delivered: Vec<Vec<u8>>,
    ends: usize,
    reason: Option<ReasonCode>,
}

impl Host {
    fn take(&mut self, session: &mut Session) {
        while let Some(effect) = session.poll_effect() {
            assert_eq!(self.ends, 0, "nothing comes after the end");
            match effect {
                Effect::Run { call, what } => self.open = Some((call, what)),
                Effect::Deliver(record) => {
                    assert_eq!(usize::try_from(record.ordinal), Ok(self.delivered.len()));
                    self.delivered.push(record.packets.concat());
                }
                Effect::Mark(_) => {}
                Effect::Facts(_) => {}
                Effect::Ended(report) => {
                    self.ends += 1;
                    self.reason = Some(report.reason);
                    assert_eq!(usize::try_from(report.records), Ok(self.delivered.len()));
                }
            }
        }
    }
}

fn any_manner() -> impl Strategy<Value = Manner> {
    let clock = prop_oneof![
        Just(ClockManner::Standard),
        Just(ClockManner::FirstNotification { wrong_by_ms: 0 }),
        Just(ClockManner::Vendor(CLOCK)),
    ];
    let pairing = prop_oneof![Just(PairingMoment::WhenAsked), Just(PairingMoment::First)];
    let pause = prop_oneof![Just(0), Just(1_500)];
    (clock, pairing, pause, 0_i64..10_000).prop_map(
        |(clock, pairing, settle_ms, leave_alone_ms)| Manner {
            settle_ms,
            pairing,
            clock,
            leave_alone_ms,
        },
    )
}

fn plan(goal: Goal, bonded: bool, seen: bool, manner: Manner) -> Plan {
    let pair = Plan::pair(cuff(), 0, [1; 16]);
    Plan {
        manner,
        goal,
        bonded,
        seen,
        known: (goal == Goal::Collect).then(DeviceFacts::default),
        ..pair
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// REQ-DEVICE-015: whatever happens, in whatever order, a session ends once, and loses or doubles no record.
    #[test]
    fn any_course_of_events_has_one_end_and_loses_nothing(
        steps in proptest::collection::vec(any_step(), 0..60),
        pair in any::<bool>(), bonded in any::<bool>(), seen in any::<bool>(), manner in any_manner(),
    ) {
        let goal = if pair { Goal::Pair } else { Goal::Collect };
        let mut session = Session::new(plan(goal, bonded, seen, manner));
        let mut host = Host::default();
        let mut now = Moment::from_ms(1_718_471_847_000);
        let mut sent = Vec::new();
        session.input(Event::Tick, now);
        host.take(&mut session);
        for step in steps {
            if session.is_over() {
                break;
            }
            let event = match step {
                Step::Works => match host.open.take() {
                    Some((call, what)) => Event::Answer { call, result: Ok(answer(&what)) },
                    None => Event::Tick,
                },
                Step::Fails(fault) => match host.open.take() {
                    Some((call, _)) => Event::Answer { call, result: Err(fault) },
                    None => Event::Tick,
                },
                Step::Stale => Event::Answer { call: 0, result: Ok(Answer::Done) },
                Step::Seen => Event::Radio(RadioEvent::Seen(teleward_device::Advertisement {
                    device: cuff(), name: None, address: None, services: vec![], makers_data: vec![], rssi: None,
                })),
                Step::Disconnected => Event::Radio(RadioEvent::Disconnected(cuff())),
                Step::Pairing => Event::Radio(RadioEvent::Pairing(cuff())),
                Step::Frame(n, timed) => {
                    sent.push((frame(n, timed), timed));
                    let bytes = frame(n, timed);
                    Event::Radio(RadioEvent::Value { device: cuff(), attribute: MEASUREMENT, bytes })
                }
                Step::Clock => Event::Radio(RadioEvent::Value {
                    device: cuff(), attribute: CLOCK, bytes: vec![0xe8, 7, 6, 15, 12, 0, 0, 0, 0, 0],
                }),
                Step::State(state) => Event::Radio(RadioEvent::State(state)),
                Step::Wait(ms) => {
                    let until = now.plus_ms(ms);
                    now = session.deadline().map_or(until, |deadline| until.min(deadline));
                    Event::Tick
                }
                Step::Cancel => Event::Cancel,
            };
            session.input(event, now);
            host.take(&mut session);
            prop_assert!(session.is_over() || session.deadline().is_some(), "waits for ever");
        }
        // Left alone, it comes to its end by its deadlines.
        for _ in 0..100 {
            let Some(deadline) = session.deadline() else { break };
            now = now.max(deadline);
            session.input(Event::Tick, now);
            host.take(&mut session);
        }
        prop_assert!(session.is_over());
        prop_assert_eq!(host.ends, 1);
        // Each timed frame once, each timeless one as often as it was sent.
        let timed: BTreeSet<_> = sent.iter().filter(|(_, timed)| *timed).map(|(bytes, _)| bytes).collect();
        let timeless = sent.iter().filter(|(_, timed)| !*timed).count();
        prop_assert_eq!(host.delivered.len(), timed.len() + timeless);
    }
}

/// REQ-DEVICE-152: digits that a person types wrong, or not at all, are told as such, also where the platform pairs within
/// another call and only the link breaks; a device that asks for none has refused.
#[test]
fn a_link_that_breaks_over_digits_says_why() {
    for (asked_for_ms, reason) in [
        (Some(3_000), ReasonCode::PasskeyWrong),
        (Some(30_200), ReasonCode::PairingTimeout),
        (None, ReasonCode::PairingRefused),
    ] {
        let mut session = Session::new(plan(Goal::Pair, false, true, Manner::default()));
        let mut host = Host::default();
        let mut now = Moment::from_ms(1_718_471_847_000);
        session.input(Event::Tick, now);
        host.take(&mut session);
        for _ in 0..2 {
            while !matches!(host.open, Some((_, Call::Connect))) {
                now = session.deadline().unwrap();
                session.input(Event::Tick, now);
                host.take(&mut session);
            }
            let (call, what) = host.open.take().unwrap();
            let result = Ok(answer(&what));
            session.input(Event::Answer { call, result }, now);
            host.take(&mut session);
            assert!(matches!(host.open, Some((_, Call::Discover))));
            if asked_for_ms.is_some() {
                session.input(Event::Radio(RadioEvent::Pairing(cuff())), now);
            }
            now = now.plus_ms(asked_for_ms.unwrap_or(3_000));
            session.input(Event::Radio(RadioEvent::Disconnected(cuff())), now);
            host.take(&mut session);
        }
        while !session.is_over() {
            now = session.deadline().unwrap();
            session.input(Event::Tick, now);
            host.take(&mut session);
        }
        assert_eq!(host.reason, Some(reason), "{asked_for_ms:?}");
    }
}

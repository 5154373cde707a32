//! How a session treats a model that does things its own way: what is asked of it, in which order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::Moment;
use teleward_device::{
    Answer, Attribute, Call, CapturedRecord, ClockManner, DecodeError, DeviceHandle, Effect, Event,
    Identity, Manner, Met, Notice, PairingMoment, Plan, QuirkTable, RadioEvent, RadioFault,
    ReasonCode, Session, SessionFacts, SessionReport, Uuid, own_layouts, to_reading,
};

const MEASUREMENT: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::MEASUREMENT,
};
const CLOCK: Attribute = Attribute {
    service: Uuid::CURRENT_TIME_SERVICE,
    characteristic: Uuid::CURRENT_TIME,
};

fn vendor_clock() -> Attribute {
    Attribute {
        service: "00000000-0002-11e2-9e96-0800200c9a66".parse().unwrap(),
        characteristic: "00001026-0002-11e2-9e96-0800200c9a66".parse().unwrap(),
    }
}

/// 2024-06-15T17:17:27Z; the phone is at +02:00.
fn start() -> Moment {
    Moment::from_ms(1_718_471_847_000)
}

fn named(name: &str) -> Manner {
    let met = Met {
        name: name.to_owned(),
        ..Met::default()
    };
    Manner::of(&QuirkTable::built_in(), &met)
}

/// A host whose every call works, unless `fails` says otherwise.
struct Host {
    session: Session,
    now: Moment,
    calls: Vec<Call>,
    facts: SessionFacts,
    end: Option<SessionReport>,
    has: Vec<Attribute>,
    /// What the clock shows, as minutes that the device is ahead.
    clock_ahead_min: i64,
    fails: fn(&Call) -> Option<RadioFault>,
}

impl Host {
    fn new(plan: Plan) -> Self {
        Self {
            session: Session::new(Plan { seen: true, ..plan }),
            now: start(),
            calls: Vec::new(),
            facts: SessionFacts::default(),
            end: None,
            has: vec![MEASUREMENT, CLOCK, vendor_clock()],
            clock_ahead_min: 0,
            fails: |_| None,
        }
    }

    fn clock(&self) -> Vec<u8> {
        let shown = self.now.plus_ms(self.clock_ahead_min * 60_000).civil(120);
        let mut bytes = reading::DeviceTime::from_civil(shown).bytes().to_vec();
        bytes.extend([0, 0, 0]);
        bytes
    }

    fn input(&mut self, event: Event) {
        self.session.input(event, self.now);
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Run { call, what } => {
                    self.calls.push(what.clone());
                    let result = match (self.fails)(&what) {
                        Some(fault) => Err(fault),
                        None => Ok(match what {
                            Call::Discover => Answer::Attributes(self.has.clone()),
                            Call::Read(_) => Answer::Bytes(self.clock()),
                            Call::IsBonded => Answer::Flag(true),
                            _ => Answer::Done,
                        }),
                    };
                    self.session.input(Event::Answer { call, result }, self.now);
                }
                Effect::Facts(facts) => self.facts = *facts,
                Effect::Ended(report) => self.end = Some(report),
                Effect::Deliver(_) | Effect::Mark(_) => {}
            }
        }
    }

    /// To the next deadline.
    fn wait(&mut self) {
        self.now = self.session.deadline().expect("waits for something");
        self.input(Event::Tick);
    }

    fn tells_clock(&mut self) {
        let bytes = self.clock();
        self.input(Event::Radio(RadioEvent::Value {
            device: DeviceHandle("device".to_owned()),
            attribute: CLOCK,
            bytes,
        }));
    }

    fn run_to_end(&mut self) -> ReasonCode {
        for _ in 0..50 {
            if let Some(end) = &self.end {
                return end.reason;
            }
            self.wait();
        }
        panic!("no end: {:?}", self.calls)
    }

    fn place(&self, call: &Call) -> Option<usize> {
        self.calls.iter().position(|one| one == call)
    }

    fn clock_writes(&self) -> Vec<Vec<u8>> {
        let written = self.calls.iter().filter_map(|call| match call {
            Call::Write(_, bytes) => Some(bytes.clone()),
            _ => None,
        });
        written.collect()
    }
}

fn pairing(manner: Manner) -> Plan {
    Plan {
        manner,
        ..Plan::pair(DeviceHandle("device".to_owned()), 120, [7; 16])
    }
}

fn collecting(manner: Manner) -> Plan {
    let device = DeviceHandle("device".to_owned());
    Plan {
        manner,
        ..Plan::collect(device, true, reading::DeviceFacts::default(), 120, [7; 16])
    }
}

/// REQ-DEVICE-160: the table of models gives a session its manner; a model that it does not know is treated by the standard.
#[test]
fn the_table_gives_a_session_its_manner() {
    assert_eq!(named("Somebody's cuff"), Manner::default());
    let omron = named("BLESmart_0000012D");
    assert_eq!(omron.settle_ms, 1_500);
    let clock = ClockManner::FirstNotification {
        wrong_by_ms: 600_000,
    };
    assert_eq!(
        (omron.pairing, omron.clock),
        (PairingMoment::WhenAsked, clock)
    );
    let contour = named("Contour7830H1234");
    assert_eq!(contour.pairing, PairingMoment::First);
    assert_eq!(contour.clock, ClockManner::Vendor(vendor_clock()));
    assert_eq!(named("A&D_UA-651BLE_1").leave_alone_ms, 10_000);
    let endless = QuirkTable::parse(
        r#"{"v":1,"rows":[{"id":"x","about":"","match":{"name":["X"]},"behaviours":[{"do":"settle","ms":4000000000},
        {"do":"vendor_clock","service":"no uuid","characteristic":"2a2b"}],"proof":"reported","sources":[],"frames":[]}]}"#,
    );
    let met = Met {
        name: "X".to_owned(),
        ..Met::default()
    };
    let manner = Manner::of(&endless.unwrap(), &met);
    assert_eq!(
        (manner.settle_ms, manner.clock),
        (5_000, ClockManner::Standard)
    );
}

/// REQ-DEVICE-161: a device that wants a pause after the link gets it, and nothing is asked of it meanwhile.
#[test]
fn a_device_that_settles_is_asked_nothing_meanwhile() {
    let mut host = Host::new(collecting(named("BLESmart_1")));
    host.input(Event::Tick);
    assert_eq!(host.calls, [Call::Connect]);
    assert_eq!(host.session.deadline(), Some(start().plus_ms(1_500)));
    host.wait();
    assert_eq!(host.calls.get(1), Some(&Call::Discover));
    let mut lost = Host::new(collecting(named("BLESmart_1")));
    lost.input(Event::Tick);
    let device = DeviceHandle("device".to_owned());
    lost.input(Event::Radio(RadioEvent::Disconnected(device)));
    lost.wait();
    assert_eq!(
        lost.calls,
        [Call::Connect, Call::Connect],
        "tried once more"
    );
}

/// REQ-DEVICE-162: a device that must be paired first is, before anything is subscribed to; one that is bonded is not
/// paired again; where a platform pairs only by itself, the session goes on by the standard.
#[test]
fn a_device_that_wants_to_be_paired_first_is() {
    let mut host = Host::new(pairing(named("Contour7830")));
    host.input(Event::Tick);
    assert_eq!(host.run_to_end(), ReasonCode::Done);
    assert!(host.place(&Call::Pair) < host.place(&Call::Subscribe(MEASUREMENT)));
    assert_eq!(
        host.calls
            .iter()
            .filter(|call| **call == Call::Pair)
            .count(),
        1
    );

    let mut bonded = Host::new(collecting(named("Contour7830")));
    bonded.input(Event::Tick);
    bonded.run_to_end();
    assert_eq!(bonded.place(&Call::Pair), None);

    let mut platform = Host::new(pairing(named("Contour7830")));
    platform.fails = |call| (*call == Call::Pair).then_some(RadioFault::NotSupported);
    platform.input(Event::Tick);
    assert_eq!(platform.run_to_end(), ReasonCode::Done);

    let mut never = Host::new(pairing(named("Contour7830")));
    never.fails = |call| match call {
        Call::Pair => Some(RadioFault::NotSupported),
        Call::Subscribe(_) => Some(RadioFault::NeedsPairing),
        _ => None,
    };
    never.input(Event::Tick);
    assert_eq!(
        never.run_to_end(),
        ReasonCode::PairingRefused,
        "and not for ever"
    );
}

/// REQ-DEVICE-163: an Omron's clock is written at its first notification and only when it is more than ten minutes wrong;
/// never later, never twice, and the session goes on to listen.
#[test]
fn a_clock_that_is_set_at_its_first_notification_only() {
    for (ahead_min, written) in [(9, 0), (11, 1), (-600, 1)] {
        let mut host = Host::new(collecting(named("BLESmart_1")));
        host.clock_ahead_min = ahead_min;
        host.input(Event::Tick);
        host.wait();
        let subscribed = host.place(&Call::Subscribe(CLOCK));
        assert!(
            host.place(&Call::Subscribe(MEASUREMENT)) < subscribed,
            "records first"
        );
        assert!(
            host.clock_writes().is_empty(),
            "not before it has told itself"
        );
        host.tells_clock();
        host.tells_clock();
        assert_eq!(host.clock_writes().len(), written, "{ahead_min} minutes");
        assert!(host.end.is_none(), "it still listens");
        let facts = host.facts.clock.clone().unwrap();
        assert_eq!(facts.set_at.is_some(), written == 1);
        host.run_to_end();
        assert_eq!(host.clock_writes().len(), written, "and not at the end");
        let notices = host.end.unwrap().notices;
        assert_eq!(notices.contains(&Notice::ClockSet), written == 1);
    }
    // One that cannot tell itself is left as it is, and its records are taken all the same.
    let mut mute = Host::new(collecting(named("BLESmart_1")));
    mute.clock_ahead_min = 60;
    mute.fails = |call| (*call == Call::Subscribe(CLOCK)).then_some(RadioFault::NotSupported);
    mute.input(Event::Tick);
    assert_eq!(mute.run_to_end(), ReasonCode::NothingNew);
    assert!(mute.clock_writes().is_empty());
    // A refusal ends nothing.
    let mut refuses = Host::new(collecting(named("BLESmart_1")));
    refuses.clock_ahead_min = 60;
    refuses.fails = |call| matches!(call, Call::Write(..)).then_some(RadioFault::Other);
    refuses.input(Event::Tick);
    refuses.wait();
    refuses.tells_clock();
    assert_eq!(refuses.run_to_end(), ReasonCode::NothingNew);
    assert!(refuses.end.unwrap().notices.contains(&Notice::ClockRefused));
}

/// REQ-DEVICE-164: a Contour's clock is set in its own characteristic, in UTC with the offset of this moment, after the
/// records.
#[test]
fn a_contours_clock_is_set_in_its_own_way() {
    let mut host = Host::new(collecting(named("Contour7830")));
    host.clock_ahead_min = 60;
    host.input(Event::Tick);
    host.run_to_end();
    let time = host.calls.iter().find_map(|call| match call {
        Call::Write(attribute, bytes) if *attribute == vendor_clock() => Some(bytes.clone()),
        _ => None,
    });
    // 01, 2024-06-15 17:17:57 UTC (30 s after the start, when nothing more came), +120 minutes
    assert_eq!(
        time.as_deref(),
        Some([1, 0xe8, 7, 6, 15, 17, 17, 57, 120, 0].as_slice())
    );
    assert_eq!(host.clock_writes().len(), 1, "and not by the standard too");
    let mut without = Host::new(collecting(named("Contour7830")));
    without.has.pop();
    without.clock_ahead_min = 60;
    without.input(Event::Tick);
    without.run_to_end();
    assert_eq!(
        without.clock_writes()[0].len(),
        10,
        "a Contour without it: by the standard"
    );
}

/// REQ-DEVICE-165: a device whose next measurement an instant reconnect would block is left alone for longer.
#[test]
fn a_device_that_must_be_left_alone_is() {
    for (name, pause) in [("A&D_UA-651BLE_1", 10_000), ("Another", 2_000)] {
        let mut host = Host::new(collecting(named(name)));
        host.input(Event::Tick);
        let device = DeviceHandle("device".to_owned());
        host.input(Event::Radio(RadioEvent::Disconnected(device)));
        host.wait(); // what is still in the queue
        let before = host.now;
        host.wait();
        assert!(host.end.is_some());
        assert_eq!(host.now.ms_since(before), pause, "{name}");
    }
}

/// HAZ-DEVICE-160: numbers that a model sends in a layout of its own are never read by the standard.
#[test]
fn an_own_layout_is_not_read() {
    let table = QuirkTable::built_in();
    let met = Met {
        name: "SBM69-1".to_owned(),
        ..Met::default()
    };
    let facts = SessionFacts {
        own_layouts: own_layouts(&table, &met),
        ..SessionFacts::default()
    };
    assert_eq!(facts.own_layouts, [0x2a35]);
    let record = CapturedRecord {
        device: DeviceHandle("device".to_owned()),
        characteristic: 0x2a35,
        packets: vec![vec![0x00, 0x7c, 0, 0x56, 0, 0x61, 0]],
        arrived: start(),
        utc_offset_min: 120,
        connection: [7; 16],
        ordinal: 0,
    };
    let identity = Identity {
        device: reading::DeviceIdentity::Address([0xc4; 6]),
        provisional: false,
    };
    let refused = to_reading(&record, &facts, &identity, [1; 16]).unwrap_err();
    let characteristic = 0x2a35;
    assert_eq!(refused, DecodeError::OwnLayout { characteristic });
    assert!(to_reading(&record, &SessionFacts::default(), &identity, [1; 16]).is_ok());
}

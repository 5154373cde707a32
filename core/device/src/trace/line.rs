//! The lines of a trace. Their names are stable; see `docs/formats/trace.md`.

use super::mark::TracedMark;
use crate::call::{Answer, Call, Effect, Event};
use crate::fault::RadioFault;
use crate::manner::Manner;
use crate::plan::{Goal, Pace, Plan};
use crate::radio::{Advertisement, Attribute, DeviceHandle, RadioEvent, RadioState};
use crate::reason::SessionReport;
use crate::trace::TraceMode;
use crate::user_control::ConsentCode;
use crate::user_plan::UserPlan;
use crate::uuid::Uuid;
use reading::{DeviceFacts, Moment, from_hex, to_hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// What the first line says that it is.
pub(super) const NAME: &str = "teleward/session";
/// The version of the lines.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub trace: String,
    pub v: u32,
    pub redacted: bool,
    pub began: Moment,
    pub goal: Goal,
    pub bonded: bool,
    pub seen: bool,
    /// Whether the device's identity was known, so that it was not asked for.
    pub known: bool,
    pub utc_offset_min: i16,
    pub pace: Pace,
    #[serde(default)]
    pub manner: Manner,
    /// What was to be done about the device's user; never the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// How far the device's records had been taken.
    #[serde(default, skip_serializing_if = "TracedMark::is_new")]
    pub stored: TracedMark,
}

/// Which of a device's users the session was for.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum User {
    Consent(u8),
    Register,
}

impl User {
    fn of(plan: UserPlan) -> Option<Self> {
        match plan {
            UserPlan::Unsaid => None,
            UserPlan::Consent { slot, .. } => Some(Self::Consent(slot)),
            UserPlan::Register { .. } => Some(Self::Register),
        }
    }

    /// The machine decides nothing by the code.
    fn plan(self) -> UserPlan {
        let code = ConsentCode::ZERO;
        match self {
            Self::Consent(slot) => UserPlan::Consent { slot, code },
            Self::Register => UserPlan::Register { code },
        }
    }
}

impl Head {
    pub(super) fn of(plan: &Plan, began: Moment, redacted: bool) -> Self {
        Self {
            trace: NAME.to_owned(),
            v: VERSION,
            redacted,
            began,
            goal: plan.goal,
            bonded: plan.bonded,
            seen: plan.seen,
            known: plan.knows_identity(),
            utc_offset_min: plan.utc_offset_min,
            pace: plan.pace,
            manner: plan.manner.clone(),
            user: User::of(plan.user),
            stored: TracedMark::default(),
        }
    }

    /// The plan that leads to the same decisions.
    pub(super) fn plan(&self) -> Plan {
        let known = DeviceFacts {
            model: self.known.then(|| "known".to_owned()),
            ..DeviceFacts::default()
        };
        Plan {
            device: device(),
            goal: self.goal,
            bonded: self.bonded,
            seen: self.seen,
            known: Some(known),
            utc_offset_min: self.utc_offset_min,
            connection: [0; 16],
            pace: self.pace,
            stored: self.stored.mark(),
            manner: self.manner.clone(),
            user: self.user.map_or(UserPlan::Unsaid, User::plan),
            trace: TraceMode::Off,
        }
    }
}

/// The one device of a trace.
pub(super) fn device() -> DeviceHandle {
    DeviceHandle("device".to_owned())
}

/// Any other line.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    /// Milliseconds since the session began.
    pub ms: i64,
    #[serde(flatten)]
    pub step: Step,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    In(Input),
    Out(Output),
    /// The session went on, and no more of it was kept.
    Cut,
}

/// What went into the machine.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Input {
    Tick,
    Cancel,
    Seen,
    Disconnected,
    Pairing,
    State(RadioState),
    Value {
        of: Place,
        bytes: Bytes,
    },
    Answer {
        call: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<CallName>,
        result: Given,
    },
}

impl Input {
    /// The line of an event; `None` for what another device did, which no session takes notice of. `open` is the call
    /// whose answer is due.
    pub(super) fn of(
        event: &Event,
        device: &DeviceHandle,
        open: Option<&(u32, CallName)>,
    ) -> Option<Self> {
        let ours = |other: &DeviceHandle| other == device;
        Some(match event {
            Event::Tick => Self::Tick,
            Event::Cancel => Self::Cancel,
            Event::Radio(RadioEvent::State(state)) => Self::State(*state),
            Event::Radio(RadioEvent::Seen(seen)) if ours(&seen.device) => Self::Seen,
            Event::Radio(RadioEvent::Disconnected(other)) if ours(other) => Self::Disconnected,
            Event::Radio(RadioEvent::Pairing(other)) if ours(other) => Self::Pairing,
            Event::Radio(RadioEvent::Value {
                device,
                attribute,
                bytes,
            }) if ours(device) => Self::Value {
                of: Place(*attribute),
                bytes: Bytes(bytes.clone()),
            },
            Event::Radio(_) => return None,
            Event::Answer { call, result } => Self::Answer {
                call: *call,
                to: open
                    .filter(|(number, _)| number == call)
                    .map(|(_, name)| name.clone()),
                result: Given::of(result),
            },
        })
    }

    /// The bytes in it.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Value { bytes, .. }
            | Self::Answer {
                result: Given::Bytes(bytes),
                ..
            } => Some(&bytes.0),
            _ => None,
        }
    }

    /// The event that it stands for.
    pub(super) fn event(self) -> Event {
        match self {
            Self::Tick => Event::Tick,
            Self::Cancel => Event::Cancel,
            Self::State(state) => Event::Radio(RadioEvent::State(state)),
            Self::Seen => Event::Radio(RadioEvent::Seen(Advertisement {
                device: device(),
                name: None,
                address: None,
                services: Vec::new(),
                makers_data: Vec::new(),
                rssi: None,
            })),
            Self::Disconnected => Event::Radio(RadioEvent::Disconnected(device())),
            Self::Pairing => Event::Radio(RadioEvent::Pairing(device())),
            Self::Value { of, bytes } => Event::Radio(RadioEvent::Value {
                device: device(),
                attribute: of.0,
                bytes: bytes.0,
            }),
            Self::Answer { call, result, .. } => Event::Answer {
                call,
                result: result.result(),
            },
        }
    }
}

impl Given {
    fn of(result: &Result<Answer, RadioFault>) -> Self {
        match result {
            Ok(Answer::Done) => Self::Done,
            Ok(Answer::Attributes(found)) => {
                Self::Attributes(found.iter().copied().map(Place).collect())
            }
            Ok(Answer::Bytes(bytes)) => Self::Bytes(Bytes(bytes.clone())),
            Ok(Answer::Flag(flag)) => Self::Flag(*flag),
            Err(fault) => Self::Fault(*fault),
        }
    }

    fn result(self) -> Result<Answer, RadioFault> {
        Ok(match self {
            Self::Done => Answer::Done,
            Self::Attributes(places) => {
                Answer::Attributes(places.into_iter().map(|place| place.0).collect())
            }
            Self::Bytes(bytes) => Answer::Bytes(bytes.0),
            Self::Flag(flag) => Answer::Flag(flag),
            Self::Fault(fault) => return Err(fault),
        })
    }
}

/// A call's result.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Given {
    Done,
    Attributes(Vec<Place>),
    Bytes(Bytes),
    Flag(bool),
    Fault(RadioFault),
}

/// A characteristic, written `1810/2a35`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place(pub Attribute);

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!(
            "{}/{}",
            self.0.service, self.0.characteristic
        ))
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (service, characteristic) = text.split_once('/').ok_or_else(|| {
            D::Error::custom("a characteristic is written SERVICE/CHARACTERISTIC")
        })?;
        let uuid = |text: &str| text.parse::<Uuid>().map_err(D::Error::custom);
        Ok(Self(Attribute {
            service: uuid(service)?,
            characteristic: uuid(characteristic)?,
        }))
    }
}

/// Bytes, written as hex.
pub(super) struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        from_hex(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Which call; `of` where it has a characteristic, `length` where it writes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct CallName {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

impl CallName {
    pub(super) fn of(call: &Call) -> Self {
        let (name, of, length) = match call {
            Call::StartScan(_) => ("start_scan", None, None),
            Call::StopScan => ("stop_scan", None, None),
            Call::Connect => ("connect", None, None),
            Call::Discover => ("discover", None, None),
            Call::Subscribe(of) => ("subscribe", Some(*of), None),
            Call::Pair => ("pair", None, None),
            Call::Read(of) => ("read", Some(*of), None),
            Call::Write(of, bytes) => ("write", Some(*of), Some(bytes.len())),
            Call::IsBonded => ("is_bonded", None, None),
            Call::Disconnect => ("disconnect", None, None),
        };
        Self {
            name: name.to_owned(),
            of: of.map(Place),
            length,
        }
    }
}

/// What the machine wanted: enough to see whether it still wants the same, and nothing that it was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Output {
    Run {
        call: u32,
        what: CallName,
    },
    Record {
        of: String,
        packets: Vec<usize>,
        ordinal: u32,
    },
    Facts {
        complete: bool,
        clock: bool,
        clock_set: bool,
    },
    Mark,
    Ended(SessionReport),
}

impl Output {
    pub(super) fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Run { call, what } => Self::Run {
                call: *call,
                what: CallName::of(what),
            },
            Effect::Deliver(record) => Self::Record {
                of: format!("{:04x}", record.characteristic),
                packets: record.packets.iter().map(Vec::len).collect(),
                ordinal: record.ordinal,
            },
            Effect::Facts(facts) => Self::Facts {
                complete: facts.complete,
                clock: facts.clock.is_some(),
                clock_set: facts
                    .clock
                    .as_ref()
                    .is_some_and(|clock| clock.set_at.is_some()),
            },
            Effect::Mark(_) => Self::Mark,
            Effect::Ended(report) => Self::Ended(report.clone()),
        }
    }
}

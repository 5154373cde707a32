//! What a shell reads: the core's views as records with plain members.

use crate::TelewardError;
use crate::records::time_out;
use std::time::SystemTime;

/// What can be viewed and can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Topic {
    /// The link to the clinic, contact, findings.
    Status,
    /// Paired devices.
    Devices,
    /// Outgoing mail, and with it the readings' stages.
    Queue,
    /// Commands and their outcomes.
    Requests,
    /// Devices that were found near, to choose from.
    Found,
}

impl From<Topic> for ::companion::Topic {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::Status => Self::Status,
            Topic::Devices => Self::Devices,
            Topic::Queue => Self::Queue,
            Topic::Requests => Self::Requests,
            Topic::Found => Self::Found,
        }
    }
}

impl From<::companion::Topic> for Topic {
    fn from(topic: ::companion::Topic) -> Self {
        use ::companion::Topic as T;
        match topic {
            T::Status => Self::Status,
            T::Devices => Self::Devices,
            T::Queue => Self::Queue,
            T::Requests => Self::Requests,
            T::Found => Self::Found,
        }
    }
}

/// One topic's present state.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
#[expect(
    clippy::large_enum_variant,
    reason = "a value that crosses the boundary at once; a box cannot cross"
)]
pub enum View {
    /// Of the topic *status*.
    Status {
        /// The state.
        status: Status,
    },
    /// Of the topic *devices*.
    Devices {
        /// The paired devices.
        devices: Vec<Device>,
    },
    /// Of the topic *queue*.
    Queue {
        /// The state.
        queue: Queue,
    },
    /// Of the topic *requests*.
    Requests {
        /// The requests, until dismissed.
        requests: Vec<Request>,
    },
    /// Of the topic *found*.
    Found {
        /// What is near, the nearest first.
        found: Vec<FoundDevice>,
    },
}

/// How far the link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LinkState {
    /// Under way.
    Joining,
    /// Sent; the clinic has not answered.
    Joined,
    /// A person at the clinic has not confirmed yet.
    Pending,
    /// Confirmed by a person.
    Confirmed,
    /// Ended.
    Ended,
}

/// The words that two people compare.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CheckWords {
    /// Six words.
    pub words: Vec<String>,
    /// The same in digits, in fives.
    pub digits: String,
}

/// One install of this patient.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CircleMember {
    /// Its key's name.
    pub kid: String,
    /// patient, caregiver or hub.
    pub role: String,
    /// Its label.
    pub label: String,
    /// Since when.
    pub since: Option<SystemTime>,
    /// Whether it is this one.
    pub is_this: bool,
}

/// The link to the clinic.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Link {
    /// The mailbox towards the clinic: the link's name.
    pub up: String,
    /// How far it is.
    pub state: LinkState,
    /// To be compared with the clinic's screen, once the join was sealed.
    pub check_words: Option<CheckWords>,
    /// The clinic's name.
    pub clinic: Option<String>,
    /// The clinic's telephone number.
    pub clinic_phone: Option<String>,
    /// The emergency number.
    pub emergency: Option<String>,
    /// When somebody looks at readings.
    pub cover: Option<String>,
    /// Other phones and hubs of this patient, and this one.
    pub circle: Vec<CircleMember>,
    /// Whether a recovery key is among the recipients.
    pub has_recovery: bool,
    /// The clinic's last sign of life.
    pub heard_at: Option<SystemTime>,
    /// When the next one is due.
    pub next_by: Option<SystemTime>,
    /// Why nothing goes on, if so.
    pub trouble: Option<String>,
}

/// Something wrong with the mail.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Finding {
    /// Its number here.
    pub id: i64,
    /// A stable code.
    pub code: String,
    /// In words.
    pub text: String,
    /// When it was found.
    pub at: SystemTime,
}

/// Of the topic *status*.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// This install's id.
    pub install: String,
    /// Whether the keys are out of reach until the device is unlocked.
    pub locked: bool,
    /// Readings that wait in the spool for the unlock.
    pub spooled: u64,
    /// The link, once an invite was read.
    pub link: Option<Link>,
    /// When the relay last answered.
    pub relay_reached_at: Option<SystemTime>,
    /// The last trouble with the relay, until it works again.
    pub relay_trouble: Option<String>,
    /// Whether the live line is open.
    pub live: bool,
    /// What is wrong with the mail, newest first.
    pub findings: Vec<Finding>,
}

/// Of the topic *queue*.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Queue {
    /// Readings that are not at a relay yet.
    pub waiting: u64,
    /// Readings at the post office.
    pub at_post_office: u64,
    /// Readings that the clinic has and nobody looked at yet.
    pub at_clinic: u64,
    /// Files that the relay refuses for good.
    pub stuck: u64,
    /// When the oldest reading that is not at the clinic was taken down.
    pub oldest: Option<SystemTime>,
    /// When a relay last signed for something.
    pub last_receipt: Option<SystemTime>,
    /// When the clinic last acknowledged something.
    pub last_acknowledgement: Option<SystemTime>,
    /// What is in the way.
    pub trouble: Option<String>,
}

/// One paired device.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Device {
    /// Its id here.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// The last four characters of its serial number.
    pub serial_tail: Option<String>,
    /// Since when it is paired.
    pub paired_at: SystemTime,
    /// When it was last connected.
    pub last_seen: Option<SystemTime>,
    /// What it is doing, in a word.
    pub state: String,
    /// Why its last session ended: a reason code.
    pub last_ending: Option<String>,
    /// When that was.
    pub last_ended: Option<SystemTime>,
    /// Its battery in percent.
    pub battery_percent: Option<u8>,
    /// The same ending in words, with the next step.
    pub last_ending_text: Option<String>,
    /// What was noticed about it when it was last met.
    pub notices: Vec<Notice>,
    /// Its users, as far as the patient has said who they are.
    pub users: Vec<DeviceUser>,
    /// The patient said that nobody else uses it.
    pub only_me: bool,
}

/// One user of a device for several people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct DeviceUser {
    /// The device's slot for that user.
    pub slot: u8,
    /// Who that is.
    pub person: Person,
}

/// Who measures under a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Person {
    /// The patient.
    Me,
    /// Somebody else.
    SomebodyElse,
}

/// The patient's answer to a question about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Answer {
    /// It was me; that slot is mine.
    Me,
    /// It was somebody else; that slot is somebody else's.
    SomebodyElse,
    /// It was me, and nobody else uses this device.
    OnlyMe,
}

/// Which of a device's users the patient wants to be.
#[derive(Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum UserChoice {
    /// A new one: the device gives the slot, and this install remembers the code.
    New,
    /// One that is there, with its code.
    Existing {
        /// The slot.
        slot: u8,
        /// Its code, four digits.
        code: u16,
    },
}

/// A code is a secret.
impl std::fmt::Debug for UserChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserChoice")
    }
}

/// Whose a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Whose {
    /// The patient's.
    Mine,
    /// The patient is asked; the clinic has it with that doubt.
    Asked,
    /// Somebody else's: never sent, or void at the clinic.
    SomebodyElses,
}

/// What the patient is asked: whose these readings are.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Question {
    /// The device, if it is still paired.
    pub device: Option<String>,
    /// What it is called; nothing while the keys are out of reach.
    pub device_name: Option<String>,
    /// The user that it named and nobody has answered for; nothing when it did not say who measured.
    pub user: Option<u8>,
    /// The readings that wait for the answer, newest first, at most 50.
    pub readings: Vec<String>,
    /// The question in words.
    pub text: String,
}

/// Something about a device that a person should know and that is no fault of a session.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Notice {
    /// Its stable name.
    pub code: String,
    /// What it says, with the next step.
    pub text: String,
}

/// A device that was found near by the last look around. Being near is not being paired.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FoundDevice {
    /// Its id here, for `pair_with`.
    pub id: String,
    /// The name that it sends out, if it sends one.
    pub name: Option<String>,
    /// What a person calls such a device.
    pub family: String,
    /// What to do so that it pairs, in short sentences for a patient, in order.
    pub how_to_pair: Vec<String>,
    /// Strength of its signal in dBm: the nearest has the highest.
    pub signal_dbm: Option<i16>,
    /// Whether it is paired here already.
    pub paired: bool,
}

/// A session with a device that was written down.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Trace {
    /// Its number, for `trace`.
    pub id: i64,
    /// The paired device, if it was paired by then.
    pub device: Option<String>,
    /// How the session ended: a reason code.
    pub reason: String,
    /// When.
    pub at: SystemTime,
}

/// How a command stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RequestState {
    /// Under way.
    Running,
    /// Done.
    Done {
        /// What it made.
        result: Option<String>,
    },
    /// It had no success.
    Failed {
        /// A reason code.
        code: String,
        /// In words.
        text: String,
    },
    /// It is a question to the patient, and stands until it is answered.
    Asked {
        /// The question.
        question: Question,
    },
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Request {
    /// Its number.
    pub id: i64,
    /// join, pair, look, forget; person for a question.
    pub kind: String,
    /// When it was given.
    pub at: SystemTime,
    /// How it stands.
    pub state: RequestState,
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Stage {
    /// Somebody else's: it stays on this device and is not sent.
    KeptHere,
    /// Kept on this device.
    Waiting,
    /// A relay signed for it.
    AtThePostOffice,
    /// The clinic opened and kept it.
    AtTheClinic,
    /// A person there looked at it.
    LookedAt,
}

/// One number of a reading.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Value {
    /// `systolic`, `diastolic`, …
    pub name: String,
    /// Its digits, as the device sent them; nothing for a special value.
    pub value: Option<String>,
    /// The special value's name.
    pub absent: Option<String>,
    /// UCUM code.
    pub unit: String,
}

/// A statement beside the numbers: a body site, a meal.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Detail {
    /// `site`, `meal`, `sample_type`, …
    pub name: String,
    /// The standard's number, or the number itself where it is one (`time_offset_min`).
    pub code: i32,
    /// Its stable name, where the standard gives the number a meaning.
    pub word: Option<String>,
}

/// One reading of the journal.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Reading {
    /// Its id.
    pub id: String,
    /// `blood_pressure`, …
    pub kind: String,
    /// When it was measured, as far as known.
    pub effective: Option<SystemTime>,
    /// Whether that is sure.
    pub effective_sure: bool,
    /// When it came here.
    pub received: SystemTime,
    /// Whether a person typed it.
    pub typed: bool,
    /// Its values.
    pub values: Vec<Value>,
    /// What was said beside the numbers.
    pub details: Vec<Detail>,
    /// What the device said about the measurement.
    pub status: Vec<String>,
    /// What is doubtful about it.
    pub doubts: Vec<String>,
    /// Another reading that may be the same measurement.
    pub possibly_same_as: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// When the clinic's acknowledgement came.
    pub stored_at: Option<SystemTime>,
    /// When somebody there looked at it.
    pub seen_at: Option<SystemTime>,
    /// Whose it is.
    pub whose: Whose,
    /// When the patient last said whose it is, to the clinic.
    pub said_at: Option<SystemTime>,
    /// When the clinic's acknowledgement of that came.
    pub said_stored_at: Option<SystemTime>,
}

/// Which readings to show.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryQuery {
    /// Only this kind.
    #[uniffi(default = None)]
    pub kind: Option<String>,
    /// At most so many a page (1 to 200; 0 means 50).
    #[uniffi(default = 0)]
    pub limit: u32,
}

impl From<HistoryQuery> for ::companion::HistoryQuery {
    fn from(query: HistoryQuery) -> Self {
        Self {
            kind: query.kind,
            limit: query.limit,
        }
    }
}

/// A page of the journal, newest first.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryPage {
    /// The readings.
    pub readings: Vec<Reading>,
    /// Where to go on.
    pub next: Option<i64>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Changes {
    /// Pass this to the next call.
    pub revision: u64,
    /// Topics to read again.
    pub topics: Vec<Topic>,
}

/// What a bounded run of the post came to.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DrainReport {
    /// Readings that a relay took meanwhile.
    pub handed_over: u64,
    /// Files that came meanwhile.
    pub collected: u64,
    /// Readings that still wait.
    pub still_waiting: u64,
    /// What was in the way.
    pub trouble: Option<String>,
}

/// The patient's recovery key, for paper only.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct RecoverySheet {
    /// 24 words.
    pub words: String,
    /// The QR as SVG.
    pub qr_svg: String,
}

impl std::fmt::Debug for RecoverySheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoverySheet(…)")
    }
}

mod convert;

//! The read side: plain records, made fresh at each call.

use serde::{Deserialize, Serialize};
use wire::{InstallId, Kid, MailboxId, Time};

/// What can be viewed and can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// The link to the clinic, contact, findings.
    Status,
    /// Paired devices.
    Devices,
    /// Outgoing mail, and with it the readings' stages.
    Queue,
    /// Commands and their outcomes.
    Requests,
    /// Devices that were found near, for a person to choose from.
    Found,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 5] = [
        Self::Status,
        Self::Devices,
        Self::Queue,
        Self::Requests,
        Self::Found,
    ];
}

/// One topic's present state.
#[expect(
    clippy::large_enum_variant,
    reason = "made one at a time and handed on at once"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Of [`Topic::Status`].
    Status(Status),
    /// Of [`Topic::Devices`].
    Devices(Vec<DeviceView>),
    /// Of [`Topic::Queue`].
    Queue(QueueView),
    /// Of [`Topic::Requests`].
    Requests(Vec<RequestView>),
    /// Of [`Topic::Found`].
    Found(Vec<FoundView>),
}

/// How far the link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The invite was read; claiming and joining go on as soon as the network allows.
    Joining,
    /// The join was sent; the clinic has not answered.
    Joined,
    /// The clinic has it; a person there has not confirmed yet.
    Pending,
    /// A person at the clinic has confirmed.
    Confirmed,
    /// The relay no longer knows the link, or the invite was used by another phone.
    Ended,
}

/// The link to the clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// The mailbox towards the clinic: the link's name.
    pub up: MailboxId,
    /// How far it is.
    pub state: LinkState,
    /// To be compared with the clinic's screen: six words. Empty before the join was sealed.
    pub check_words: Vec<String>,
    /// The same in digits, in fives.
    pub check_digits: String,
    /// The clinic's name, from its roster.
    pub clinic: Option<String>,
    /// The clinic's telephone number.
    pub clinic_phone: Option<String>,
    /// The emergency number.
    pub emergency: Option<String>,
    /// When somebody looks at readings, in the clinic's words.
    pub cover: Option<String>,
    /// The newest roster held.
    pub roster_n: Option<u32>,
    /// Other phones and hubs of this patient.
    pub circle: Vec<CircleView>,
    /// Whether a recovery key is among the recipients.
    pub has_recovery: bool,
    /// The clinic's last sign of life.
    pub heard_at: Option<Time>,
    /// When the next one is due; overdue means "no sign from your clinic since …".
    pub next_by: Option<Time>,
    /// Why nothing goes on, in words, if so.
    pub trouble: Option<String>,
}

/// One install of this patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircleView {
    /// Its key.
    pub kid: Kid,
    /// patient, caregiver or hub.
    pub role: String,
    /// Its label.
    pub label: String,
    /// Since when.
    pub since: Option<Time>,
    /// Whether it is this one.
    pub this: bool,
}

/// Something wrong with the mail, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingView {
    /// Its number here.
    pub id: i64,
    /// From the table in `docs/formats/`.
    pub code: String,
    /// In words.
    pub text: String,
    /// When it was found.
    pub at: Time,
}

/// Of [`Topic::Status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// This install.
    pub install: InstallId,
    /// Whether the keys are out of reach until the device is unlocked. Readings are kept all the same.
    pub locked: bool,
    /// Readings that wait in the spool for the unlock.
    pub spooled: u64,
    /// The link, once an invite was read.
    pub link: Option<LinkView>,
    /// Whether the relay answered last time.
    pub relay_reached_at: Option<Time>,
    /// The last trouble with the relay, in words, until it works again.
    pub relay_trouble: Option<String>,
    /// Whether the live line is open.
    pub live: bool,
    /// The relay's clock minus this device's, if it had to be learnt.
    pub clock_offset_ms: i64,
    /// What is wrong with the mail, newest first.
    pub findings: Vec<FindingView>,
}

/// Of [`Topic::Queue`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueView {
    /// Readings that are not at a relay yet.
    pub waiting: u64,
    /// Readings at the post office.
    pub at_post_office: u64,
    /// Readings that the clinic has and nobody looked at yet.
    pub at_clinic: u64,
    /// Files that the relay refuses for good, and readings that the clinic's station refused twice.
    pub stuck: u64,
    /// When the oldest reading that is not at the clinic was taken down.
    pub oldest: Option<Time>,
    /// When a relay last signed for something.
    pub last_receipt: Option<Time>,
    /// When the clinic last acknowledged something.
    pub last_acknowledgement: Option<Time>,
    /// What is in the way, in words.
    pub trouble: Option<String>,
}

/// Something about a device that a person should know and that is no fault of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeView {
    /// Its stable name.
    pub code: String,
    /// What it says, with the next step.
    pub text: String,
}

/// A device that was found near by the last look around. Being near is not being paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundView {
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceView {
    /// Its number.
    pub id: i64,
    /// The paired device, if it was paired by then.
    pub device: Option<String>,
    /// How the session ended: a reason code.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// How a paired device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Its id here.
    pub id: String,
    /// Its name as advertised or read.
    pub name: String,
    /// Maker, if it was read.
    pub maker: Option<String>,
    /// Model, if it was read.
    pub model: Option<String>,
    /// The last four characters of its serial number.
    pub serial_tail: Option<String>,
    /// Since when it is paired.
    pub paired_at: Time,
    /// When it was last connected.
    pub last_seen: Option<Time>,
    /// What it is doing, in a word.
    pub state: String,
    /// Why its last session ended: a reason code.
    pub last_ending: Option<String>,
    /// The same in words, with the next step.
    pub last_ending_text: Option<String>,
    /// When that was: two sessions that end alike are told apart by it.
    pub last_ended: Option<Time>,
    /// What was noticed about it when it was last met.
    pub notices: Vec<NoticeView>,
    /// Its battery in percent, if it was read.
    pub battery_percent: Option<u8>,
    /// Whether there is a bond with it; a device that asks for none has none.
    pub bonded: bool,
    /// When all that it had was taken last: the end of a session that ended well.
    pub synced_at: Option<Time>,
    /// By how much its clock was behind ours when it was last read, before it was set; negative when it was ahead.
    pub clock_behind_ms: Option<i64>,
    /// When that was.
    pub clock_read_at: Option<Time>,
    /// Its users, as far as the patient has said who they are.
    pub users: Vec<UserView>,
    /// The patient said that nobody else uses it.
    pub only_me: bool,
}

/// One user of a device for several people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserView {
    /// The device's slot for that user.
    pub slot: u8,
    /// Who that is.
    pub person: Person,
}

/// Who measures under a slot, or took a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// The patient.
    Me,
    /// Somebody else.
    SomebodyElse,
}

impl Person {
    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::SomebodyElse => "somebody_else",
        }
    }
}

/// The patient's answer to a question about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was me; that slot is mine.
    Me,
    /// It was somebody else; that slot is somebody else's.
    SomebodyElse,
    /// It was me, and nobody else uses this device: what it leaves open is not asked again.
    OnlyMe,
}

/// Which of a device's users the patient wants to be, where the device keeps its users apart by codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UserChoice {
    /// A new one: the device gives the slot, and this install remembers the code.
    New,
    /// One that is there, with the code that the device or its first app showed.
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
        match self {
            Self::New => f.write_str("New"),
            Self::Existing { slot, .. } => write!(f, "Existing({slot})"),
        }
    }
}

/// Whose a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The patient's.
    Mine,
    /// The patient is asked; the clinic has it with that doubt.
    Asked,
    /// Somebody else's: never sent, or void at the clinic with its trace kept.
    SomebodyElses,
}

/// What the patient is asked: whose these readings are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuestionView {
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

/// A command's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub i64);

/// How a command stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Under way.
    Running,
    /// Done; `result` is what it made (a device's id, …).
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
        question: QuestionView,
    },
}

/// Of [`Topic::Requests`]: kept until dismissed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// Its number.
    pub id: RequestId,
    /// join, pair, look, forget; person for a question.
    pub kind: String,
    /// When it was given.
    pub at: Time,
    /// How it stands.
    pub state: RequestState,
}

/// How far a reading is, in the patient's four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Somebody else's: it stays on this device and is not sent.
    KeptHere,
    /// Kept on this device.
    Waiting,
    /// A relay signed for it.
    AtThePostOffice,
    /// The clinic's station opened and kept it.
    AtTheClinic,
    /// A person there looked at it.
    LookedAt,
}

impl Stage {
    /// The patient's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::KeptHere => "kept here",
            Self::Waiting => "waiting",
            Self::AtThePostOffice => "at the post office",
            Self::AtTheClinic => "at the clinic",
            Self::LookedAt => "looked at",
        }
    }
}

/// One number of a reading, as the device sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueView {
    /// `systolic`, `diastolic`, `mean_arterial`, `pulse_rate`, …
    pub name: String,
    /// Its digits; `None` when the device sent a special value.
    pub value: Option<String>,
    /// The special value's name when there is no number; `not_given` when there is nothing at all.
    pub absent: Option<String>,
    /// UCUM code.
    pub unit: String,
}

/// A statement beside the numbers: a body site, a meal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailView {
    /// `site`, `meal`, `sample_type`, …
    pub name: String,
    /// The standard's number, or the number itself where it is one (`time_offset_min`).
    pub code: i32,
    /// Its stable name, where the standard gives the number a meaning.
    pub word: Option<String>,
}

/// One reading of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingView {
    /// Its id (64 hex characters).
    pub id: String,
    /// `blood_pressure`, …
    pub kind: String,
    /// When it was measured, as far as known.
    pub effective: Option<Time>,
    /// Whether that is sure.
    pub effective_sure: bool,
    /// When it came here.
    pub received: Time,
    /// Whether a person typed it.
    pub typed: bool,
    /// Its values.
    pub values: Vec<ValueView>,
    /// What was said beside the numbers.
    pub details: Vec<DetailView>,
    /// What the device said about the measurement.
    pub status: Vec<String>,
    /// What is doubtful about it.
    pub doubts: Vec<String>,
    /// Another reading that may be the same measurement; this one is counted with it.
    pub possibly_same_as: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// When the clinic's acknowledgement came.
    pub stored_at: Option<Time>,
    /// When somebody there looked at it.
    pub seen_at: Option<Time>,
    /// Whose it is.
    pub whose: Whose,
    /// When the patient last said whose it is, to the clinic.
    pub said_at: Option<Time>,
    /// When the clinic's acknowledgement of that came.
    pub said_stored_at: Option<Time>,
}

/// Which readings to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only this kind.
    pub kind: Option<String>,
    /// At most so many a page (1 to 200; 0 means 50).
    pub limit: u32,
}

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub i64);

/// A page of the journal, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The readings.
    pub readings: Vec<ReadingView>,
    /// Where to go on, if there are more.
    pub next: Option<Cursor>,
}

/// What a bounded run of the post came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainReport {
    /// Readings that a relay took meanwhile.
    pub handed_over: u64,
    /// Files that came meanwhile.
    pub collected: u64,
    /// Readings that still wait.
    pub still_waiting: u64,
    /// What was in the way, in words.
    pub trouble: Option<String>,
}

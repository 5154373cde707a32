//! One observation: its class, what is said about it, and its value.

use super::value::{BUNDLE, Item, Value, codes, items, write_codes, write_items};
use crate::NotAValue;
use crate::bits;
use crate::bytes::{Cursor, DecodeError};
use crate::elapsed_time::ElapsedTime;
use crate::float::{float, to_float};
use reading::Number;

const KIND: u16 = 1;
const TIME: u16 = 1 << 1;
const DURATION: u16 = 1 << 2;
const STATUS: u16 = 1 << 3;
const ID: u16 = 1 << 4;
const PATIENT: u16 = 1 << 5;
const SUPPLEMENTAL: u16 = 1 << 6;
const DERIVED: u16 = 1 << 7;
const MEMBER: u16 = 1 << 8;
const EXTRAS: u16 = 1 << 9;
const KNOWN: u16 = 0x03ff;

/// What the length field counts. The sources differ; each record is of one form throughout, and a record can fit one
/// of them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LengthForm {
    /// What follows it.
    Behind,
    /// Itself, two bytes, and what follows it.
    WithItself,
    /// The class, itself and what follows it.
    Whole,
}

const FORMS: [LengthForm; 3] = [
    LengthForm::Behind,
    LengthForm::WithItself,
    LengthForm::Whole,
];

impl LengthForm {
    const fn ahead(self) -> usize {
        match self {
            Self::Behind => 0,
            Self::WithItself => 2,
            Self::Whole => 3,
        }
    }
}

/// Where an observation stands. A bundle holds no bundle: the depth, and with it the stack, is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// It is the record.
    Record(LengthForm),
    /// It is a member of a bundle.
    Bundle(LengthForm),
}

impl Within {
    pub(super) const fn form(self) -> LengthForm {
        match self {
            Self::Record(form) | Self::Bundle(form) => form,
        }
    }
}

/// Measurement Status, the bits as sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ObservationStatus(pub u16);

/// What a sensor says about a result stays out of logs.
impl std::fmt::Debug for ObservationStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ObservationStatus")
    }
}

const STATUSES: [&str; 16] = [
    "invalid",
    "questionable",
    "not_available",
    "calibrating",
    "test",
    "early_estimate",
    "manually_entered",
    "setting",
    "",
    "",
    "",
    "",
    "",
    "",
    "threshold_error",
    "thresholds_disabled",
];

impl ObservationStatus {
    /// What is set, in the order of the bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        bits::named(u32::from(self.0 & !0x3f00), 0, &STATUSES)
    }

    /// Bits to which the standard gives no meaning.
    #[must_use]
    pub const fn reserved(self) -> u16 {
        self.0 & 0x3f00
    }

    const fn not_a_value(self) -> Option<NotAValue> {
        match self.0 {
            bits if bits & 0x01 != 0 => Some(NotAValue::Invalid),
            bits if bits & 0x04 != 0 => Some(NotAValue::Unavailable),
            bits if bits & 0x08 != 0 => Some(NotAValue::Calibrating),
            bits if bits & 0x10 != 0 => Some(NotAValue::Test),
            bits if bits & 0x80 != 0 => Some(NotAValue::Setting),
            _ => None,
        }
    }
}

/// One observation.
#[derive(Clone, PartialEq, Eq)]
pub struct HealthObservation {
    /// MDC code of what was observed.
    pub kind: Option<u32>,
    /// When.
    pub time: Option<ElapsedTime>,
    /// For how long, in seconds.
    pub duration_s: Option<Number>,
    /// Measurement status.
    pub status: Option<ObservationStatus>,
    /// Its id, for others that refer to it.
    pub id: Option<u32>,
    /// The device's number of the patient.
    pub patient: Option<u8>,
    /// MDC codes that say more about it.
    pub supplemental: Option<Vec<u32>>,
    /// Ids of observations that it was made of.
    pub derived_from: Option<Vec<u32>>,
    /// Ids of observations that it belongs to.
    pub member_of: Option<Vec<u32>>,
    /// Further items.
    pub extras: Option<Vec<Item>>,
    /// The value.
    pub value: Value,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for HealthObservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HealthObservation({:?})", self.value)
    }
}

impl HealthObservation {
    /// An observation of which nothing is known but its value.
    #[must_use]
    pub const fn of(kind: Option<u32>, value: Value) -> Self {
        Self {
            kind,
            time: None,
            duration_s: None,
            status: None,
            id: None,
            patient: None,
            supplemental: None,
            derived_from: None,
            member_of: None,
            extras: None,
            value,
        }
    }

    /// Reads a record of 0x2B8B, its segments joined.
    ///
    /// # Errors
    /// [`DecodeError`] for a record that ends early, does not end where its length says, or has reserved flags. The
    /// length is read in each of its three forms; the error is that of the standard's own.
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        let read = |form| {
            let mut cursor = Cursor::new(record);
            let read = Self::read(&mut cursor, Within::Record(form))?;
            cursor.end()?;
            Ok(read)
        };
        let standard = read(LengthForm::Behind);
        match standard {
            Ok(_) => standard,
            Err(_) => FORMS[1..]
                .iter()
                .find_map(|form| read(*form).ok())
                .map_or(standard, Ok),
        }
    }

    /// The time at the head of a record, whatever follows it; `None` also for what begins like no observation.
    pub(crate) fn time_at_head(record: &[u8]) -> Option<ElapsedTime> {
        let mut cursor = Cursor::new(record);
        let class = cursor.u8("class").ok()?;
        let (_length, flags) = (cursor.u16("length").ok()?, cursor.u16("flags").ok()?);
        if !matches!(class, 1..=8 | BUNDLE) || flags & !KNOWN != 0 || flags & TIME == 0 {
            return None;
        }
        if flags & KIND != 0 {
            cursor.u32("type").ok()?;
        }
        ElapsedTime::read(&mut cursor).ok()
    }

    /// Reads one observation and leaves the cursor behind it.
    pub(super) fn read(cursor: &mut Cursor<'_>, within: Within) -> Result<Self, DecodeError> {
        let class = cursor.u8("class")?;
        let length = usize::from(cursor.u16("length")?);
        let length = length
            .checked_sub(within.form().ahead())
            .ok_or(DecodeError::BadValue { field: "length" })?;
        let mut body = Cursor::new(cursor.bytes(length, "observation")?);
        let read = Self::read_body(class, &mut body, within)?;
        body.end()?;
        Ok(read)
    }

    fn read_body(class: u8, cursor: &mut Cursor<'_>, within: Within) -> Result<Self, DecodeError> {
        let flags = cursor.u16("flags")?;
        if flags & !KNOWN != 0 {
            return Err(DecodeError::ReservedFlags {
                bits: u32::from(flags & !KNOWN),
            });
        }
        let has = |bit| flags & bit != 0;
        let kind = has(KIND).then(|| cursor.u32("type")).transpose()?;
        let time = has(TIME).then(|| ElapsedTime::read(cursor)).transpose()?;
        let duration = has(DURATION).then(|| cursor.u32("duration")).transpose()?;
        let status = has(STATUS).then(|| cursor.u16("status")).transpose()?;
        let id = has(ID).then(|| cursor.u32("id")).transpose()?;
        let patient = has(PATIENT).then(|| cursor.u8("patient")).transpose()?;
        let mut list = |bit, field| has(bit).then(|| codes(cursor, field)).transpose();
        let supplemental = list(SUPPLEMENTAL, "supplemental types")?;
        let derived_from = list(DERIVED, "derived from")?;
        let member_of = list(MEMBER, "member of")?;
        let extras = has(EXTRAS).then(|| items(cursor)).transpose()?;
        Ok(Self {
            kind,
            time,
            duration_s: duration.map(float),
            status: status.map(ObservationStatus),
            id,
            patient,
            supplemental,
            derived_from,
            member_of,
            extras,
            value: Value::read(class, cursor, within)?,
        })
    }

    /// Writes a record, as a simulated sensor does; `None` when something does not fit its field. The length counts
    /// what follows it.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(KIND, self.kind.is_some());
        set(TIME, self.time.is_some());
        set(DURATION, self.duration_s.is_some());
        set(STATUS, self.status.is_some());
        set(ID, self.id.is_some());
        set(PATIENT, self.patient.is_some());
        set(SUPPLEMENTAL, self.supplemental.is_some());
        set(DERIVED, self.derived_from.is_some());
        set(MEMBER, self.member_of.is_some());
        set(EXTRAS, self.extras.is_some());
        let mut body = flags.to_le_bytes().to_vec();
        body.extend(self.kind.iter().flat_map(|kind| kind.to_le_bytes()));
        if let Some(time) = self.time {
            body.extend(time.encode()?);
        }
        if let Some(duration) = self.duration_s {
            body.extend(to_float(duration)?.to_le_bytes());
        }
        body.extend(self.status.iter().flat_map(|status| status.0.to_le_bytes()));
        body.extend(self.id.iter().flat_map(|id| id.to_le_bytes()));
        body.extend(self.patient);
        for list in [&self.supplemental, &self.derived_from, &self.member_of]
            .into_iter()
            .flatten()
        {
            write_codes(&mut body, list)?;
        }
        if let Some(extras) = &self.extras {
            write_items(&mut body, extras)?;
        }
        self.value.write(&mut body)?;
        let mut record = vec![self.value.class()];
        record.extend(u16::try_from(body.len()).ok()?.to_le_bytes());
        record.extend(body);
        Some(record)
    }

    /// Why this is no value of the patient, if it is none. The parts of a compound and the members of a bundle are
    /// asked each by itself; what is said here goes for all of them.
    #[must_use]
    pub fn not_a_value(&self) -> Option<NotAValue> {
        let told = self.status.and_then(ObservationStatus::not_a_value);
        told.or(self.value.not_a_value())
    }

    /// Whether its time cannot be placed: it is a count of ticks or of a clock that nobody set, and not on the timeline
    /// on which the clock runs now, so that reading the clock does not help either.
    #[must_use]
    pub fn clock_fault(&self) -> bool {
        self.time
            .is_some_and(|time| !time.is_synchronised() && !time.is_current())
    }
}

/// A record of 0x2BDD: its number, then the observation.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredObservation {
    /// The number under which the Record Access Control Point knows it.
    pub record_number: u32,
    /// The observation.
    pub observation: HealthObservation,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for StoredObservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredObservation({:?})", self.observation)
    }
}

impl StoredObservation {
    /// Reads a record of 0x2BDD, its segments joined.
    ///
    /// # Errors
    /// [`DecodeError`], as [`HealthObservation::decode`].
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(record);
        Ok(Self {
            record_number: cursor.u32("record number")?,
            observation: HealthObservation::decode(cursor.rest())?,
        })
    }

    /// Writes a record, as a simulated sensor does; `None` where [`HealthObservation::encode`] is.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut record = self.record_number.to_le_bytes().to_vec();
        record.extend(self.observation.encode()?);
        Some(record)
    }
}

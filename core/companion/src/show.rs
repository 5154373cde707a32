//! From inside to outside and back: readings as views, typed forms as readings, the link as a view.

use crate::device_table::Paired;
use crate::engine::Engine;
use crate::error::CompanionError;
use crate::input::{Frame, ManualReading, ManualValues};
use crate::link::Link;
use crate::view::{
    CircleView, DetailView, FindingView, LinkView, ReadingView, Stage, Status, ValueView, Whose,
};
use device::{CapturedRecord, SessionFacts, to_reading};
use jiff::tz::TimeZone;
use reading::{Decimal, Moment, Reading, Source, TypedForm, TypedValues, typed_reading};
use vault::{Role, check_words};
use wire::{InstallId, Time};

/// A reading as it is shown; the journal fills in how far it is.
pub(crate) fn reading(reading: &Reading) -> ReadingView {
    let parts = reading.measurement.parts();
    ReadingView {
        id: reading.id.to_string(),
        kind: reading.kind().name().to_owned(),
        effective: Some(Time::from_ms(reading.timing.effective.ms())),
        effective_sure: reading.timing.is_sure(),
        received: Time::from_ms(reading.timing.arrived.ms()),
        typed: matches!(reading.source, Source::Typed(_)),
        details: parts.coded.iter().map(detail).collect(),
        status: parts.flags().map(str::to_owned).collect(),
        values: parts.values.into_iter().map(value).collect(),
        doubts: reading
            .doubts
            .iter()
            .map(|doubt| doubt.code().to_owned())
            .collect(),
        possibly_same_as: None,
        stage: Stage::Waiting,
        stored_at: None,
        seen_at: None,
        whose: Whose::Mine,
        said_at: None,
        said_stored_at: None,
    }
}

fn detail(coded: &reading::Coded) -> DetailView {
    DetailView {
        name: coded.name.to_owned(),
        code: coded.code,
        word: coded.word.map(str::to_owned),
    }
}

fn value(value: reading::Value) -> ValueView {
    let text = value.number.map(|number| number.to_string());
    let is_number = value.number.is_some_and(|number| number.value().is_some());
    let (value_text, absent) = match text {
        Some(text) if is_number => (Some(text), None),
        Some(special) => (None, Some(special)),
        None => (None, Some("not_given".to_owned())),
    };
    ValueView {
        name: value.name.into_owned(),
        value: value_text,
        absent,
        unit: value.unit.to_owned(),
    }
}

/// A typed form as a reading.
pub(crate) fn typed(
    manual: &ManualReading,
    install: InstallId,
    zone: Option<&str>,
    now: Time,
) -> Result<Reading, CompanionError> {
    let form = TypedForm {
        install: install.0,
        draft: reading_draft(&manual.draft_id)?,
        values: typed_values(&manual.values)?,
        measured: Moment::from_ms(manual.measured_at.ms()),
        utc_offset_min: offset_min(zone, manual.measured_at)?,
        typed: Moment::from_ms(now.ms()),
    };
    typed_reading(&form).map_err(CompanionError::input)
}

fn typed_values(values: &ManualValues) -> Result<TypedValues, CompanionError> {
    let number = |what: &str, text: &str| {
        let digits: Result<Decimal, _> = text.trim().parse();
        digits.map_err(|_| CompanionError::input(format!("{what}: type a number, for example 128")))
    };
    let pulse = |text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.trim().is_empty());
        text.map(|text| number("pulse", text)).transpose()
    };
    Ok(match values {
        ManualValues::BloodPressure {
            systolic,
            diastolic,
            unit,
            pulse_rate,
        } => TypedValues::BloodPressure {
            systolic: number("upper value", systolic)?,
            diastolic: number("lower value", diastolic)?,
            pulse_rate: pulse(pulse_rate)?,
            unit: *unit,
        },
        ManualValues::Weight { weight, unit } => TypedValues::Weight {
            weight: number("weight", weight)?,
            unit: *unit,
        },
        ManualValues::Temperature { temperature, unit } => TypedValues::Temperature {
            temperature: number("temperature", temperature)?,
            unit: *unit,
        },
        ManualValues::Spo2 { spo2, pulse_rate } => TypedValues::Spo2 {
            spo2: number("oxygen saturation", spo2)?,
            pulse_rate: pulse(pulse_rate)?,
        },
        ManualValues::Glucose {
            concentration,
            unit,
            meal,
        } => TypedValues::Glucose {
            concentration: number("glucose", concentration)?,
            unit: *unit,
            meal: *meal,
        },
        ManualValues::HeartRate { heart_rate } => TypedValues::HeartRate {
            heart_rate: number("heart rate", heart_rate)?,
        },
    })
}

fn reading_draft(text: &str) -> Result<[u8; 16], CompanionError> {
    // A draft id has the shape of an install id: 16 bytes in hex.
    let id: Result<InstallId, _> = text.parse();
    Ok(id
        .map_err(|_| CompanionError::input("a draft id is 32 lower-case hex characters"))?
        .0)
}

/// The zone's offset from UTC at an instant, in minutes.
pub(crate) fn offset_min(zone: Option<&str>, at: Time) -> Result<i16, CompanionError> {
    let zone = match zone {
        Some(name) => TimeZone::get(name).map_err(|_| {
            CompanionError::input(format!(
                "no time zone is called {name:?}: use a name like Europe/Berlin"
            ))
        })?,
        None => TimeZone::system(),
    };
    let at = jiff::Timestamp::from_millisecond(at.ms())
        .map_err(|_| CompanionError::input("a time out of range"))?;
    i16::try_from(zone.to_offset(at).seconds() / 60)
        .map_err(|_| CompanionError::internal("a zone's offset"))
}

/// The present state of link and contact.
pub(crate) fn status(
    engine: &Engine,
    install: InstallId,
    findings: Vec<FindingView>,
    spooled: usize,
    clock_offset_ms: i64,
) -> Status {
    Status {
        install,
        locked: engine.keys.get().is_none(),
        spooled: spooled as u64,
        link: engine.link.as_ref().map(|link| link_view(link, engine)),
        relay_reached_at: engine.contact.reached_at,
        relay_trouble: engine.contact.trouble.clone(),
        live: engine.live_is_open(),
        clock_offset_ms,
        findings,
    }
}

fn link_view(link: &Link, engine: &Engine) -> LinkView {
    let words = link.join_id.map(|join| check_words(&link.root, join));
    let roster = link.newest_roster().map(|held| &held.roster);
    let own = engine
        .keys
        .get()
        .and_then(|keys| keys.link.as_ref())
        .map(|own| own.sign.kid());
    let circle = link.circles.newest();
    let links = circle.iter().flat_map(|circle| &circle.links);
    LinkView {
        up: link.up,
        state: link.state,
        check_words: words
            .iter()
            .flat_map(|words| words.words)
            .map(str::to_owned)
            .collect(),
        check_digits: words.map(|words| words.digits).unwrap_or_default(),
        clinic: roster.map(|roster| roster.clinic.name.clone()),
        clinic_phone: roster.map(|roster| roster.clinic.phone.clone()),
        emergency: roster.map(|roster| roster.clinic.emergency.clone()),
        cover: roster.map(|roster| roster.cover.text.clone()),
        roster_n: roster.map(|roster| roster.n),
        circle: links
            .map(|other| CircleView {
                kid: other.kid,
                role: role_name(other.role).to_owned(),
                label: other.label.clone(),
                since: Some(other.since),
                this: Some(other.kid) == own,
            })
            .collect(),
        has_recovery: match &circle {
            Some(circle) => circle.recovery.is_some(),
            None => link.recovery.is_some(),
        },
        heard_at: link.heard_at,
        next_by: link.next_by,
        trouble: link.trouble.clone(),
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Patient => "patient",
        Role::Caregiver => "caregiver",
        Role::Hub => "hub",
        Role::Unknown => "unknown",
    }
}
/// A frame that a shell took itself, under the identity fixed at the pairing.
pub(crate) fn from_frame(
    frame: &Frame,
    paired: &Paired,
    install: InstallId,
    zone: Option<&str>,
) -> Result<Reading, CompanionError> {
    let who = paired.who.as_ref().ok_or(CompanionError::Locked)?;
    let mut connection = [0; 16];
    getrandom::fill(&mut connection).map_err(|_| CompanionError::internal("no random bytes"))?;
    let record = CapturedRecord {
        device: paired.handle.clone(),
        characteristic: frame.characteristic,
        packets: vec![frame.bytes.clone()],
        arrived: Moment::from_ms(frame.received.ms()),
        utc_offset_min: offset_min(zone, frame.received)?,
        connection,
        ordinal: 0,
    };
    let facts = SessionFacts {
        device: who.facts.clone(),
        complete: true,
        ..SessionFacts::default()
    };
    to_reading(&record, &facts, &who.identity, install.0).map_err(CompanionError::input)
}

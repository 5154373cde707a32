//! From inside to outside and back: readings as views, typed forms as readings, the link as a view.

use crate::device_table::Paired;
use crate::engine::Engine;
use crate::error::CompanionError;
use crate::input::{Frame, ManualReading};
use crate::link::Link;
use crate::view::{CircleView, FindingView, LinkView, ReadingView, Stage, Status, ValueView};
use device::{CapturedRecord, SessionFacts, to_reading};
use jiff::tz::TimeZone;
use reading::{
    Decimal, Measurement, Moment, Number, Reading, Source, TypedBloodPressure, typed_blood_pressure,
};
use vault::{Role, check_words};
use wire::{InstallId, Time};

/// A reading as it is shown; the journal fills in how far it is.
pub(crate) fn reading(reading: &Reading) -> ReadingView {
    let Measurement::BloodPressure(pressure) = &reading.measurement else {
        return other_kind(reading);
    };
    let mut values = Vec::new();
    let mut value = |name: &str, number: Number, unit: &str| {
        let text = number.to_string();
        let (value, absent) = if number.value().is_some() {
            (Some(text), None)
        } else {
            (None, Some(text))
        };
        values.push(ValueView {
            name: name.to_owned(),
            value,
            absent,
            unit: unit.to_owned(),
        });
    };
    let unit = pressure.unit.ucum();
    value("systolic", pressure.systolic, unit);
    value("diastolic", pressure.diastolic, unit);
    if let Some(mean) = pressure.mean_arterial {
        value("mean_arterial", mean, unit);
    }
    if let Some(pulse) = pressure.pulse_rate {
        value("pulse_rate", pulse, "/min");
    }
    let status = pressure
        .status
        .into_iter()
        .flat_map(reading::BloodPressureStatus::flags);
    ReadingView {
        values,
        status: status.map(|flag| flag.code().to_owned()).collect(),
        ..other_kind(reading)
    }
}

/// What every kind has.
fn other_kind(reading: &Reading) -> ReadingView {
    ReadingView {
        id: reading.id.to_string(),
        kind: reading.kind().name().to_owned(),
        effective: Some(Time::from_ms(reading.timing.effective.ms())),
        effective_sure: reading.timing.is_sure(),
        received: Time::from_ms(reading.timing.arrived.ms()),
        typed: matches!(reading.source, Source::Typed(_)),
        values: Vec::new(),
        status: Vec::new(),
        doubts: reading
            .doubts
            .iter()
            .map(|doubt| doubt.code().to_owned())
            .collect(),
        possibly_same_as: None,
        stage: Stage::Waiting,
        stored_at: None,
        seen_at: None,
    }
}

/// A typed form as a reading.
pub(crate) fn typed(
    manual: &ManualReading,
    install: InstallId,
    zone: Option<&str>,
    now: Time,
) -> Result<Reading, CompanionError> {
    let number = |what: &str, text: &str| {
        let digits: Result<Decimal, _> = text.trim().parse();
        digits.map_err(|_| CompanionError::input(format!("{what}: type a number, for example 128")))
    };
    let draft = reading_draft(&manual.draft_id)?;
    let pulse = manual
        .pulse_rate
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let form = TypedBloodPressure {
        install: install.0,
        draft,
        systolic: number("upper value", &manual.systolic)?,
        diastolic: number("lower value", &manual.diastolic)?,
        pulse_rate: pulse.map(|text| number("pulse", text)).transpose()?,
        unit: manual.unit,
        measured: Moment::from_ms(manual.measured_at.ms()),
        utc_offset_min: offset_min(zone, manual.measured_at)?,
        typed: Moment::from_ms(now.ms()),
    };
    typed_blood_pressure(&form).map_err(CompanionError::input)
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

//! A reading as a tree of FHIR JSON. Elements stand in the order of the specification.

use super::Gateway;
use super::codes::*;
use super::kinds::{self, Item, form};
use super::observed;
use crate::json::Json;
use crate::{
    DeviceFacts, DeviceSource, Doubt, Kind, Measurement, Number, Observation, Parts, Reading,
    Source, Timing, Value, to_hex,
};
use std::borrow::Cow;

/// The whole resource.
pub fn observation(reading: &Reading, link: &str, gateway: &Gateway) -> Json {
    let what = What {
        kind: reading.kind(),
        parts: reading.measurement.parts(),
        by_device: reading.device().is_some(),
        observed: match &reading.measurement {
            Measurement::Observation(observation) => Some(observation),
            _ => None,
        },
    };
    let form = form(what.kind);
    let timing = &reading.timing;
    let mut members = vec![("resourceType", Json::text("Observation"))];
    members.extend(what.meta(&reading.doubts).map(|meta| ("meta", meta)));
    if let Some(device) = reading.device() {
        let mut contained = vec![phd(device, form.device), phg(gateway)];
        contained.extend(coincident(timing));
        members.push(("contained", Json::List(contained)));
    }
    members.push(("extension", Json::List(extensions(reading, &what))));
    members.push((
        "identifier",
        list([Json::object([
            ("system", Json::text(IDENTIFIER_SYSTEM)),
            ("value", Json::text(format!("{READING_URN}{}", reading.id))),
        ])]),
    ));
    members.push(("status", Json::text(status(reading))));
    let mut category = vec![concept(&[(CATEGORY, form.category.code())], None)];
    category.extend(
        reading
            .device()
            .map(|_| concept(&[(PHD_CATEGORY, "phd")], None)),
    );
    members.push(("category", Json::List(category)));
    let named = form.panel.as_ref().or(form.value());
    let own_code = what.observed.map(|one| observed::code(one.code()));
    let code = own_code.or_else(|| named.map(|item| what.code(item)));
    members.extend(code.map(|code| ("code", code)));
    members.push((
        "subject",
        Json::object([
            ("type", Json::text("Patient")),
            ("identifier", identifier(LINK_SYSTEM, link.to_owned())),
        ]),
    ));
    members.push((
        "effectiveDateTime",
        Json::text(timing.effective.at_offset(timing.utc_offset_min)),
    ));
    let own = form.value().and_then(|item| what.value(item));
    let why_not = why_not(&reading.doubts);
    members.extend(own.map(|one| value(one.number, one.unit, why_not)));
    members.extend(what.observed.and_then(observed::value));
    if what.by_device {
        members.push(("device", reference("#phd")));
    }
    let components = what.components();
    if !components.is_empty() {
        members.push(("component", Json::List(components)));
    }
    Json::object(members)
}

/// A device that was still measuring says so.
fn status(reading: &Reading) -> &'static str {
    if reading.doubts.contains(&Doubt::Preliminary) {
        "preliminary"
    } else {
        "final"
    }
}

/// What is written, and by whom it was measured.
struct What<'a> {
    kind: Kind,
    parts: Parts,
    by_device: bool,
    /// What has codes of its own.
    observed: Option<&'a Observation>,
}

impl What<'_> {
    /// Which profiles it may claim: the device guide wants a device. What no patient made is labelled so.
    fn meta(&self, doubts: &[Doubt]) -> Option<Json> {
        let profile = self
            .observed
            .map_or_else(|| device_profile(self.kind), observed::profile);
        let device = self.by_device.then_some(profile);
        let core = kinds::core_profile(self.kind, &self.parts);
        let claimed: Vec<&str> = device.into_iter().chain(core).collect();
        let mut members = Vec::new();
        if !claimed.is_empty() {
            let urls = claimed.into_iter().map(Json::text).collect();
            members.push(("profile", Json::List(urls)));
        }
        if doubts.contains(&Doubt::NotFromPatient) {
            let label = [
                ("system", Json::text(ACT_REASON)),
                ("code", Json::text("HTEST")),
            ];
            members.push(("security", list([Json::object(label)])));
        }
        (!members.is_empty()).then(|| Json::object(members))
    }

    fn code(&self, item: &Item) -> Json {
        let codings = kinds::codings(self.kind, item, &self.parts, self.by_device);
        concept(&codings, Some(item.text))
    }

    fn value(&self, item: &Item) -> Option<Value> {
        let mut values = self.parts.values.iter();
        values.find(|value| value.name == item.name).cloned()
    }

    fn components(&self) -> Vec<Json> {
        let mut components = self.observed.map(observed::components).unwrap_or_default();
        for item in form(self.kind).components() {
            components.extend(self.value(item).map(|one| {
                Json::object([
                    ("code", self.code(item)),
                    value(one.number, one.unit, NOT_THERE),
                ])
            }));
        }
        let statements = self.parts.coded.iter().filter(|_| self.by_device);
        components.extend(statements.filter_map(|coded| {
            let (question, answer) = kinds::statement(coded.name, coded.code)?;
            Some(Json::object([
                ("code", concept(&[(MDC, question)], None)),
                (
                    "valueCodeableConcept",
                    concept(&[(MDC, answer)], coded.word),
                ),
            ]))
        }));
        let flags = self.parts.flags();
        components.extend(flags.filter_map(|flag| {
            let (code, text) = status_bit(self.kind, flag)?;
            Some(Json::object([
                ("code", concept(&[(BITS, code)], Some(text))),
                // Not a coded "yes": FHIR's vital signs bind every coded value of a component to units.
                ("valueBoolean", Json::Bool(true)),
            ]))
        }));
        components
    }
}

/// Why a main number is not given.
fn why_not(doubts: &[Doubt]) -> &'static str {
    let no_patient = [
        Doubt::ControlSolution,
        Doubt::NotFromPatient,
        Doubt::Calibrating,
    ];
    if doubts.iter().any(|doubt| no_patient.contains(doubt)) {
        NOT_A_PATIENTS
    } else {
        NOT_THERE
    }
}

/// A number, or why there is none.
pub(super) fn value(
    number: Option<Number>,
    unit: &'static str,
    why_not: &'static str,
) -> (&'static str, Json) {
    match number {
        Some(Number::Value(decimal)) => ("valueQuantity", quantity(decimal, unit)),
        special => {
            let reason = special.map_or(Some(why_not), absent).unwrap_or("error");
            ("dataAbsentReason", concept(&[(ABSENT, reason)], None))
        }
    }
}

/// A decimal with its unit.
pub(super) fn quantity(decimal: crate::Decimal, unit: &'static str) -> Json {
    Json::object([
        ("value", Json::number(decimal.token())),
        ("unit", Json::text(unit)),
        ("system", Json::text(UCUM)),
        ("code", Json::text(unit)),
    ])
}

fn extensions(reading: &Reading, what: &What<'_>) -> Vec<Json> {
    let mut all = Vec::new();
    if reading.device().is_some() {
        all.push(extension(
            GATEWAY_EXTENSION,
            "valueReference",
            reference("#phg"),
        ));
        if reading.timing.clock.is_some() {
            all.push(extension(
                COINCIDENT_EXTENSION,
                "valueReference",
                reference("#coin"),
            ));
        }
    }
    all.push(Json::object([
        ("extension", Json::List(own(reading, what))),
        ("url", Json::text(EXTENSION)),
    ]));
    all
}

fn code(name: &'static str, value: impl Into<Cow<'static, str>>) -> Json {
    extension(name, "valueCode", Json::text(value))
}

fn text(name: impl Into<Cow<'static, str>>, value: String) -> Json {
    extension(name, "valueString", Json::text(value))
}

fn integer(name: impl Into<Cow<'static, str>>, value: i64) -> Json {
    extension(name, "valueInteger", Json::number(value.to_string()))
}

fn instant(name: &'static str, at: crate::Moment) -> Json {
    extension(name, "valueInstant", Json::text(at.to_string()))
}

/// The parts of our one extension: what FHIR has no element for.
fn own(reading: &Reading, what: &What<'_>) -> Vec<Json> {
    let timing = &reading.timing;
    let mut parts = Vec::new();
    match &reading.source {
        Source::Typed(typed) => {
            parts.push(code("source", "typed"));
            parts.push(text("install", to_hex(&typed.install)));
            parts.push(text("draft", to_hex(&typed.draft)));
        }
        Source::Device(device) => {
            parts.push(code("source", "device"));
            parts.push(text("identity", device.identity.to_string()));
            parts.push(code(
                "characteristic",
                format!("{:04x}", device.characteristic),
            ));
            parts.extend(
                device
                    .packets
                    .iter()
                    .map(|packet| text("frame", to_hex(packet))),
            );
            parts.push(text("decoder", device.decoder.clone()));
            if !device.record_number.is_empty() {
                parts.push(text("recordNumber", to_hex(&device.record_number)));
            }
            if device.clock_fault {
                parts.push(code("clockFault", "yes"));
            }
            if !device.extra.is_empty() {
                parts.push(text("extra", to_hex(&device.extra)));
            }
            parts.push(text("install", to_hex(&device.place.install)));
            parts.push(text("connection", to_hex(&device.place.connection)));
            parts.push(text("ordinal", device.place.ordinal.to_string()));
        }
    }
    // Blood pressure was there before there were kinds; its unit follows from its codes.
    if what.kind != Kind::BloodPressure {
        parts.push(code("kind", what.kind.name()));
        parts.extend(what.parts.unit.map(|unit| code("unit", unit)));
    }
    let units = what.observed.and_then(observed::units);
    parts.extend(units.map(|units| text("units", units)));
    parts.extend(
        what.parts
            .user_slot
            .map(|slot| integer("userSlot", slot.into())),
    );
    // The codes of an observation stand where FHIR has them.
    let coded = what.parts.coded.iter();
    for coded in coded.filter(|_| what.observed.is_none()) {
        parts.push(integer(part_name(coded.name), coded.code.into()));
    }
    for series in &what.parts.series {
        let numbers: Vec<String> = series.numbers.iter().map(|one| one.token()).collect();
        parts.push(text(part_name(series.name), numbers.join(" ")));
    }
    for bits in &what.parts.bits {
        let bytes = bits.bits.to_be_bytes();
        let bytes = &bytes[bytes.len() - bits.bytes..];
        parts.push(text(part_name(bits.name), to_hex(bytes)));
    }
    parts.push(code("timeBasis", timing.basis.code()));
    parts.push(instant("arrived", timing.arrived));
    if let Some(time) = timing.device_time {
        parts.push(text("deviceTime", to_hex(time.bytes())));
    }
    if let Some(time) = timing.elapsed {
        parts.push(text("elapsedTime", to_hex(&time)));
    }
    if let Some(clock) = &timing.clock {
        parts.push(text("deviceClock", to_hex(&clock.raw)));
        parts.push(instant("clockReadAt", clock.read_at));
        if let Some(offset) = clock.offset_ms(timing.utc_offset_min) {
            let seconds = crate::Decimal::new(offset, -3).token();
            parts.push(extension(
                "clockOffset",
                "valueDecimal",
                Json::number(seconds),
            ));
        }
        parts.extend(clock.set_at.map(|at| instant("clockSetAt", at)));
    }
    parts.extend(
        reading
            .doubts
            .iter()
            .map(|doubt| code("doubt", doubt.code())),
    );
    parts
}

fn phd(device: &DeviceSource, specialized: &'static str) -> Json {
    let facts = &device.facts;
    let typed = |code, system, value: String| {
        Json::object([
            ("type", concept(&[(DEVICE_IDS, code)], None)),
            ("system", Json::text(system)),
            ("value", Json::text(value)),
        ])
    };
    let mut identifiers = Vec::new();
    identifiers.extend(
        facts
            .system_id
            .map(|id| typed("SYSID", EUI64_SYSTEM, dashed(&id))),
    );
    identifiers.extend(
        facts
            .address
            .map(|id| typed("BTMAC", BLUETOOTH_SYSTEM, dashed(&id))),
    );
    // The guide wants one identifier at least; the identity of the pairing is always there.
    identifiers.push(identifier(DEVICE_SYSTEM, device.identity.to_string()));
    let mut members = vec![
        ("resourceType", Json::text("Device")),
        ("id", Json::text("phd")),
        ("meta", profiles(&[PHD_PROFILE])),
        ("identifier", Json::List(identifiers)),
        known("manufacturer", "_manufacturer", facts.maker.as_deref()),
    ];
    if let Some(serial) = &facts.serial {
        members.push(("serialNumber", Json::text(serial.clone())));
    }
    members.push(known("modelNumber", "_modelNumber", facts.model.as_deref()));
    members.push(("type", concept(&[(MDC, SIMPLE_DEVICE)], None)));
    members.push(("specialization", specialization(specialized)));
    members.push(("version", Json::List(versions(facts))));
    Json::object(members)
}

fn versions(facts: &DeviceFacts) -> Vec<Json> {
    let version = |code, value: Option<&str>| {
        Json::object([
            ("type", concept(&[(MDC, code)], None)),
            known("value", "_value", value),
        ])
    };
    // The guide wants one version at least: an unknown firmware is said to be unknown.
    let mut versions = vec![version(FIRMWARE, facts.firmware.as_deref())];
    for (code, value) in [(HARDWARE, &facts.hardware), (SOFTWARE, &facts.software)] {
        versions.extend(value.as_deref().map(|value| version(code, Some(value))));
    }
    versions
}

fn phg(gateway: &Gateway) -> Json {
    Json::object([
        ("resourceType", Json::text("Device")),
        ("id", Json::text("phg")),
        ("meta", profiles(&[PHG_PROFILE])),
        (
            "identifier",
            list([identifier(INSTALL_SYSTEM, to_hex(&gateway.install))]),
        ),
        ("manufacturer", Json::text("Teleward")),
        ("type", concept(&[(MDC, GATEWAY)], None)),
        ("specialization", specialization(GENERIC_DEVICE)),
        (
            "version",
            list([Json::object([
                ("type", concept(&[(MDC, SOFTWARE)], None)),
                ("value", Json::text(gateway.software.clone())),
            ])]),
        ),
    ])
}

/// The device's clock beside ours, read together.
fn coincident(timing: &Timing) -> Option<Json> {
    let clock = timing.clock.as_ref()?;
    let offset = timing.utc_offset_min;
    let counter = counter_ms(&clock.raw);
    let shown = match clock.shown.civil() {
        _ if counter.is_some() => (
            "valueQuantity",
            Json::object([
                ("value", Json::number(counter.unwrap_or_default())),
                ("unit", Json::text("ms")),
                ("system", Json::text(UCUM)),
                ("code", Json::text("ms")),
            ]),
        ),
        Some(local) => {
            let at = crate::Moment::from_civil(local, offset).at_offset(offset);
            ("valueDateTime", Json::text(at))
        }
        None => ("dataAbsentReason", concept(&[(ABSENT, "unknown")], None)),
    };
    Some(Json::object([
        ("resourceType", Json::text("Observation")),
        ("id", Json::text("coin")),
        ("meta", profiles(&[COINCIDENT_PROFILE])),
        ("status", Json::text("final")),
        (
            "code",
            concept(
                &[(
                    MDC,
                    if counter_ms(&clock.raw).is_some() {
                        COUNTER
                    } else {
                        WALL_CLOCK
                    },
                )],
                None,
            ),
        ),
        ("subject", reference("#phd")),
        (
            "effectiveDateTime",
            Json::text(clock.read_at.at_offset(offset)),
        ),
        shown,
        ("device", reference("#phg")),
    ]))
}

/// What a counter showed, in milliseconds: the clock of an Elapsed Time Service (eleven bytes behind the seven) whose first
/// bit says that it counts from anywhere.
fn counter_ms(raw: &[u8]) -> Option<String> {
    let [flags, count @ .., _, _, _, _] = raw.get(7..)?.first_chunk::<11>()?;
    let count = count
        .iter()
        .rev()
        .fold(0_i64, |n, byte| n << 8 | i64::from(*byte));
    let exponent = [3, 2, 0, -1][usize::from(flags >> 2 & 3)];
    (raw.len() == 18 && flags & 1 == 1).then(|| crate::Decimal::new(count, exponent).token())
}

/// A primitive, or in its place the standard extension that says it is unknown.
fn known(name: &'static str, shadow: &'static str, value: Option<&str>) -> (&'static str, Json) {
    match value {
        Some(value) => (name, Json::text(value.to_owned())),
        None => {
            let unknown = extension(ABSENT_EXTENSION, "valueCode", Json::text("unknown"));
            (shadow, Json::object([("extension", list([unknown]))]))
        }
    }
}

fn specialization(code: &'static str) -> Json {
    list([Json::object([
        ("systemType", concept(&[(MDC, code)], None)),
        ("version", Json::text("1")),
    ])])
}

fn list<const N: usize>(items: [Json; N]) -> Json {
    Json::List(items.into())
}

fn profiles(urls: &[&'static str]) -> Json {
    let urls = urls.iter().map(|url| Json::text(*url)).collect();
    Json::object([("profile", Json::List(urls))])
}

fn reference(to: &'static str) -> Json {
    Json::object([("reference", Json::text(to))])
}

fn identifier(system: &'static str, value: String) -> Json {
    Json::object([("system", Json::text(system)), ("value", Json::text(value))])
}

fn extension(url: impl Into<Cow<'static, str>>, kind: &'static str, value: Json) -> Json {
    Json::object([("url", Json::text(url)), (kind, value)])
}

fn concept(codings: &[(&'static str, &'static str)], text: Option<&'static str>) -> Json {
    let codings = codings.iter().map(|(system, code)| coding(system, *code));
    let mut members = vec![("coding", Json::List(codings.collect()))];
    members.extend(text.map(|text| ("text", Json::text(text))));
    Json::object(members)
}

/// A code that no table of ours holds, with its words.
pub(super) fn own_concept(code: String, words: impl Into<Cow<'static, str>>) -> Json {
    let coding = list([coding(MDC, code)]);
    Json::object([("coding", coding), ("text", Json::text(words))])
}

fn coding(system: &'static str, code: impl Into<Cow<'static, str>>) -> Json {
    Json::object([("system", Json::text(system)), ("code", Json::text(code))])
}

/// `00-60-19-00-01-0E-92-34`, as the device guide writes identifiers.
pub fn dashed(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    parts.join("-")
}

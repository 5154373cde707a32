//! A reading as a tree of FHIR JSON. Elements stand in the order of the specification.

use super::Gateway;
use super::codes::*;
use crate::json::Json;
use crate::{
    BloodPressure, DeviceFacts, DeviceSource, Measurement, Number, PressureUnit, Reading, Source,
    Timing, to_hex,
};

/// The whole resource.
pub fn observation(reading: &Reading, link: &str, gateway: &Gateway) -> Json {
    let Measurement::BloodPressure(values) = &reading.measurement;
    let device = reading.device();
    let timing = &reading.timing;
    let mut members = vec![("resourceType", Json::text("Observation"))];
    let claimed = claimed(values, device.is_some());
    if !claimed.is_empty() {
        members.push(("meta", profiles(&claimed)));
    }
    if let Some(device) = device {
        let mut contained = vec![phd(device), phg(gateway)];
        contained.extend(coincident(timing));
        members.push(("contained", Json::List(contained)));
    }
    members.push(("extension", Json::List(extensions(reading))));
    members.push((
        "identifier",
        list([Json::object([
            ("system", Json::text(IDENTIFIER_SYSTEM)),
            ("value", Json::text(format!("{READING_URN}{}", reading.id))),
        ])]),
    ));
    members.push(("status", Json::text("final")));
    let mut category = vec![concept(&[(CATEGORY, "vital-signs")], None)];
    category.extend(device.map(|_| concept(&[(PHD_CATEGORY, "phd")], None)));
    members.push(("category", Json::List(category)));
    let style = Style {
        device: device.is_some(),
        unit: values.unit,
    };
    members.push(("code", style.code(&PANEL)));
    members.push((
        "subject",
        Json::object([
            ("type", Json::text("Patient")),
            ("identifier", identifier(LINK_SYSTEM, link)),
        ]),
    ));
    members.push((
        "effectiveDateTime",
        Json::text(timing.effective.at_offset(timing.utc_offset_min)),
    ));
    if device.is_some() {
        members.push(("device", reference("#phd")));
    }
    members.push(("component", Json::List(components(values, &style))));
    Json::object(members)
}

/// Which profiles a reading may claim: FHIR's `bp` (and every vital sign) knows no kPa, the device guide wants a device.
fn claimed(values: &BloodPressure, by_device: bool) -> Vec<&'static str> {
    let mut profiles = Vec::new();
    if by_device {
        profiles.push(COMPOUND_PROFILE);
    }
    if values.unit == PressureUnit::MmHg {
        profiles.push(BP_PROFILE);
    }
    profiles
}

struct Style {
    device: bool,
    unit: PressureUnit,
}

impl Style {
    /// MDC for what a device measured. LOINC's pressures are bound to mm[Hg] by FHIR, so kPa goes without them.
    fn code(&self, item: &Item) -> Json {
        let mut codings = Vec::new();
        if self.device {
            codings.push((MDC, item.mdc));
        }
        if self.unit == PressureUnit::MmHg || !self.device || item.mdc == PULSE.mdc {
            codings.push((LOINC, item.loinc));
        }
        concept(&codings, Some(item.text))
    }
}

fn components(values: &BloodPressure, style: &Style) -> Vec<Json> {
    let unit = values.unit.ucum();
    let numbers = [
        (&SYSTOLIC, Some(values.systolic), unit),
        (&DIASTOLIC, Some(values.diastolic), unit),
        (&MEAN, values.mean_arterial, unit),
        (&PULSE, values.pulse_rate, PER_MINUTE),
    ];
    let mut components: Vec<Json> = numbers
        .into_iter()
        .filter_map(|(item, number, unit)| {
            let code = ("code", style.code(item));
            Some(Json::object([code, value(number?, unit)]))
        })
        .collect();
    let flags = values.status.into_iter().flat_map(|status| status.flags());
    components.extend(flags.map(|flag| {
        let (code, text) = status_bit(flag);
        Json::object([
            ("code", concept(&[(BITS, code)], Some(text))),
            // Not a coded "yes": FHIR's bp profile binds every coded value of a component to units.
            ("valueBoolean", Json::Bool(true)),
        ])
    }));
    components
}

fn value(number: Number, unit: &str) -> (&'static str, Json) {
    match number {
        Number::Value(decimal) => (
            "valueQuantity",
            Json::object([
                ("value", Json::Number(decimal.token())),
                ("unit", Json::text(unit)),
                ("system", Json::text(UCUM)),
                ("code", Json::text(unit)),
            ]),
        ),
        special => (
            "dataAbsentReason",
            concept(&[(ABSENT, absent(special).unwrap_or("error"))], None),
        ),
    }
}

fn extensions(reading: &Reading) -> Vec<Json> {
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
        ("extension", Json::List(own(reading))),
        ("url", Json::text(EXTENSION)),
    ]));
    all
}

/// The parts of our one extension: what FHIR has no element for.
fn own(reading: &Reading) -> Vec<Json> {
    let timing = &reading.timing;
    let Measurement::BloodPressure(values) = &reading.measurement;
    let code = |name, value: &str| extension(name, "valueCode", Json::text(value));
    let text = |name, value: String| extension(name, "valueString", Json::text(value));
    let instant =
        |name, at: crate::Moment| extension(name, "valueInstant", Json::text(at.to_string()));
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
                &format!("{:04x}", device.characteristic),
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
    if let Some(slot) = values.user_slot {
        parts.push(extension(
            "userSlot",
            "valueInteger",
            Json::Number(slot.to_string()),
        ));
    }
    if let Some(status) = values.status {
        parts.push(text("status", to_hex(&status.0.to_be_bytes())));
    }
    parts.push(code("timeBasis", timing.basis.code()));
    parts.push(instant("arrived", timing.arrived));
    if let Some(time) = timing.device_time {
        parts.push(text("deviceTime", to_hex(time.bytes())));
    }
    if let Some(clock) = &timing.clock {
        parts.push(text("deviceClock", to_hex(&clock.raw)));
        parts.push(instant("clockReadAt", clock.read_at));
        if let Some(offset) = clock.offset_ms(timing.utc_offset_min) {
            let seconds = crate::Decimal::new(offset, -3).token();
            parts.push(extension(
                "clockOffset",
                "valueDecimal",
                Json::Number(seconds),
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

fn phd(device: &DeviceSource) -> Json {
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
    identifiers.push(identifier(DEVICE_SYSTEM, &device.identity.to_string()));
    let mut members = vec![
        ("resourceType", Json::text("Device")),
        ("id", Json::text("phd")),
        ("meta", profiles(&[PHD_PROFILE])),
        ("identifier", Json::List(identifiers)),
        known("manufacturer", "_manufacturer", facts.maker.as_deref()),
    ];
    if let Some(serial) = &facts.serial {
        members.push(("serialNumber", Json::text(serial)));
    }
    members.push(known("modelNumber", "_modelNumber", facts.model.as_deref()));
    members.push(("type", concept(&[(MDC, SIMPLE_DEVICE)], None)));
    members.push(("specialization", specialization(BP_DEVICE)));
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
            list([identifier(INSTALL_SYSTEM, &to_hex(&gateway.install))]),
        ),
        ("manufacturer", Json::text("Teleward")),
        ("type", concept(&[(MDC, GATEWAY)], None)),
        ("specialization", specialization(GENERIC_DEVICE)),
        (
            "version",
            list([Json::object([
                ("type", concept(&[(MDC, SOFTWARE)], None)),
                ("value", Json::text(&gateway.software)),
            ])]),
        ),
    ])
}

/// The device's clock beside ours, read together.
fn coincident(timing: &Timing) -> Option<Json> {
    let clock = timing.clock.as_ref()?;
    let offset = timing.utc_offset_min;
    let shown = match clock.shown.civil() {
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
        ("code", concept(&[(MDC, WALL_CLOCK)], None)),
        ("subject", reference("#phd")),
        (
            "effectiveDateTime",
            Json::text(clock.read_at.at_offset(offset)),
        ),
        shown,
        ("device", reference("#phg")),
    ]))
}

/// A primitive, or in its place the standard extension that says it is unknown.
fn known(name: &'static str, shadow: &'static str, value: Option<&str>) -> (&'static str, Json) {
    match value {
        Some(value) => (name, Json::text(value)),
        None => {
            let unknown = extension(ABSENT_EXTENSION, "valueCode", Json::text("unknown"));
            (shadow, Json::object([("extension", list([unknown]))]))
        }
    }
}

fn specialization(code: &str) -> Json {
    list([Json::object([
        ("systemType", concept(&[(MDC, code)], None)),
        ("version", Json::text("1")),
    ])])
}

fn list<const N: usize>(items: [Json; N]) -> Json {
    Json::List(items.into())
}

fn profiles(urls: &[&str]) -> Json {
    let urls = urls.iter().map(|url| Json::text(*url)).collect();
    Json::object([("profile", Json::List(urls))])
}

fn reference(to: &str) -> Json {
    Json::object([("reference", Json::text(to))])
}

fn identifier(system: &str, value: &str) -> Json {
    Json::object([("system", Json::text(system)), ("value", Json::text(value))])
}

fn extension(url: &str, kind: &str, value: Json) -> Json {
    Json::object([("url", Json::text(url)), (kind, value)])
}

fn concept(codings: &[(&str, &str)], text: Option<&str>) -> Json {
    let codings = codings
        .iter()
        .map(|(system, code)| {
            Json::object([("system", Json::text(*system)), ("code", Json::text(*code))])
        })
        .collect();
    let mut members = vec![("coding", Json::List(codings))];
    members.extend(text.map(|text| ("text", Json::text(text))));
    Json::object(members)
}

/// `00-60-19-00-01-0E-92-34`, as the device guide writes identifiers.
pub fn dashed(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    parts.join("-")
}

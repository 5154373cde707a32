//! The reading out of a tree whose shape and rules hold.

use super::codes::*;
use super::error::FhirError;
use super::measured::measurement;
use super::rules::codings;
use super::{Gateway, Observed};
use crate::hex::{array, from_hex};
use crate::json::Json;
use crate::{
    ClockReading, DeviceFacts, DeviceSource, DeviceTime, Doubt, Moment, Place, Reading, ReadingId,
    Source, TimeBasis, Timing, TypedSource,
};
use std::str::FromStr;

/// Takes the whole observation apart.
///
/// # Errors
/// The first fault.
pub fn observation(resource: &Json) -> Result<Observed, FhirError> {
    let own = Own::of(resource)?;
    let (source, gateway) = match own.code("source")? {
        "typed" => (Source::Typed(typed(&own)?), None),
        "device" => {
            let (device, gateway) = device(resource, &own)?;
            (Source::Device(Box::new(device)), Some(gateway))
        }
        _ => {
            return Err(FhirError::BadCode {
                path: own.path("source"),
            });
        }
    };
    let reading = Reading {
        id: id(resource)?,
        measurement: measurement(resource, &own)?,
        timing: timing(resource, &own)?,
        source,
        doubts: own.all("doubt", "valueCode", Doubt::from_code)?,
    };
    if reading.computed_id() != Ok(reading.id) {
        return Err(FhirError::Id);
    }
    Ok(Observed {
        reading,
        link: link(resource)?,
        gateway,
    })
}

fn id(resource: &Json) -> Result<ReadingId, FhirError> {
    let path = "Observation.identifier[0]";
    let first = resource
        .get("identifier")
        .and_then(|all| all.items().first());
    let value = first
        .filter(|one| one.get("system").and_then(Json::as_text) == Some(IDENTIFIER_SYSTEM))
        .and_then(|one| one.get("value")?.as_text()?.strip_prefix(READING_URN))
        .ok_or_else(|| bad(path))?;
    ReadingId::from_str(value).map_err(|_| bad(path))
}

fn link(resource: &Json) -> Result<String, FhirError> {
    let identifier = resource
        .get("subject")
        .and_then(|subject| subject.get("identifier"));
    let part = |name| {
        identifier
            .and_then(|id| id.get(name))
            .and_then(Json::as_text)
    };
    match (part("system"), part("value")) {
        (Some(LINK_SYSTEM), Some(up)) if array::<16>(up).is_ok() => Ok(up.to_owned()),
        _ => Err(bad("Observation.subject.identifier")),
    }
}

fn timing(resource: &Json, own: &Own<'_>) -> Result<Timing, FhirError> {
    let path = "Observation.effectiveDateTime";
    let effective = resource.get("effectiveDateTime").and_then(Json::as_text);
    let (effective, utc_offset_min) = effective
        .and_then(|text| Moment::parse_with_offset(text).ok())
        .ok_or_else(|| FhirError::BadTime {
            path: path.to_owned(),
        })?;
    let moment = |text: &str| {
        let (moment, _) = Moment::parse_with_offset(text).ok()?;
        Some(moment)
    };
    let clock = match own.maybe("deviceClock", "valueString", |text| from_hex(text).ok())? {
        None => None,
        Some(raw) => {
            let shown = raw
                .first_chunk()
                .ok_or_else(|| bad(&own.path("deviceClock")))?;
            Some(ClockReading {
                shown: DeviceTime::from_bytes(*shown),
                read_at: own.one("clockReadAt", "valueInstant", moment)?,
                set_at: own.maybe("clockSetAt", "valueInstant", moment)?,
                raw,
            })
        }
    };
    Ok(Timing {
        effective,
        basis: own.one("timeBasis", "valueCode", TimeBasis::from_code)?,
        utc_offset_min,
        arrived: own.one("arrived", "valueInstant", moment)?,
        device_time: own.maybe("deviceTime", "valueString", |text| {
            array(text).ok().map(DeviceTime::from_bytes)
        })?,
        elapsed: own.maybe("elapsedTime", "valueString", |text| array(text).ok())?,
        clock,
    })
}

fn typed(own: &Own<'_>) -> Result<TypedSource, FhirError> {
    Ok(TypedSource {
        install: own.one("install", "valueString", |text| array(text).ok())?,
        draft: own.one("draft", "valueString", |text| array(text).ok())?,
    })
}

fn device(resource: &Json, own: &Own<'_>) -> Result<(DeviceSource, Gateway), FhirError> {
    let hex = |text: &str| from_hex(text).ok().filter(|bytes| !bytes.is_empty());
    let characteristic = own.one("characteristic", "valueCode", |text| {
        array::<2>(text).ok().map(u16::from_be_bytes)
    })?;
    let device = DeviceSource {
        identity: own.one("identity", "valueString", |text| text.parse().ok())?,
        facts: facts(contained(resource, "phd")?)?,
        characteristic,
        packets: own.all("frame", "valueString", hex)?,
        decoder: own.one("decoder", "valueString", |text| Some(text.to_owned()))?,
        record_number: own
            .maybe("recordNumber", "valueString", hex)?
            .unwrap_or_default(),
        clock_fault: own
            .maybe("clockFault", "valueCode", |text| {
                (text == "yes").then_some(true)
            })?
            .unwrap_or(false),
        extra: own.maybe("extra", "valueString", hex)?.unwrap_or_default(),
        place: Place {
            install: own.one("install", "valueString", |text| array(text).ok())?,
            connection: own.one("connection", "valueString", |text| array(text).ok())?,
            ordinal: own.one("ordinal", "valueString", |text| text.parse().ok())?,
        },
    };
    Ok((device, gateway(contained(resource, "phg")?)?))
}

fn contained<'a>(resource: &'a Json, id: &str) -> Result<&'a Json, FhirError> {
    let items = resource
        .get("contained")
        .map(Json::items)
        .unwrap_or_default();
    items
        .iter()
        .find(|item| item.get("id").and_then(Json::as_text) == Some(id))
        .ok_or_else(|| FhirError::Missing {
            path: format!("Observation.contained(#{id})"),
        })
}

fn facts(phd: &Json) -> Result<DeviceFacts, FhirError> {
    let text = |json: &Json, name| json.get(name).and_then(Json::as_text).map(str::to_owned);
    let versions = phd.get("version").map(Json::items).unwrap_or_default();
    let version = |code| {
        let of_type = |one: &&Json| codings(one.get("type")).any(|(_, is)| is == code);
        versions
            .iter()
            .find(of_type)
            .and_then(|one| text(one, "value"))
    };
    Ok(DeviceFacts {
        maker: text(phd, "manufacturer"),
        model: text(phd, "modelNumber"),
        serial: text(phd, "serialNumber"),
        firmware: version(FIRMWARE),
        hardware: version(HARDWARE),
        software: version(SOFTWARE),
        system_id: undashed(phd, EUI64_SYSTEM)?,
        address: undashed(phd, BLUETOOTH_SYSTEM)?,
    })
}

fn gateway(phg: &Json) -> Result<Gateway, FhirError> {
    let path = "Observation.contained(#phg)";
    let install = identified(phg, INSTALL_SYSTEM).and_then(|text| array(text).ok());
    let software = phg
        .get("version")
        .and_then(|all| all.items().first()?.get("value")?.as_text());
    Ok(Gateway {
        install: install.ok_or_else(|| bad(&format!("{path}.identifier")))?,
        software: software
            .ok_or_else(|| bad(&format!("{path}.version")))?
            .to_owned(),
    })
}

fn identified<'a>(device: &'a Json, system: &str) -> Option<&'a str> {
    let all = device.get("identifier")?.items();
    all.iter()
        .find(|one| one.get("system").and_then(Json::as_text) == Some(system))?
        .get("value")?
        .as_text()
}

fn undashed<const N: usize>(phd: &Json, system: &str) -> Result<Option<[u8; N]>, FhirError> {
    let Some(text) = identified(phd, system) else {
        return Ok(None);
    };
    let bytes = array(&text.replace('-', "").to_ascii_lowercase());
    let path = "Observation.contained(#phd).identifier";
    bytes.map(Some).map_err(|_| bad(path))
}

fn bad(path: &str) -> FhirError {
    FhirError::BadValue {
        path: path.to_owned(),
    }
}

/// The parts of our one extension.
pub(super) struct Own<'a> {
    parts: &'a [Json],
}

impl<'a> Own<'a> {
    fn of(resource: &'a Json) -> Result<Self, FhirError> {
        let all = resource
            .get("extension")
            .map(Json::items)
            .unwrap_or_default();
        let ours = |one: &&Json| one.get("url").and_then(Json::as_text) == Some(EXTENSION);
        let parts = all.iter().find(ours).and_then(|one| one.get("extension"));
        let path = "Observation.extension(reading)".to_owned();
        let parts = parts.ok_or(FhirError::Missing { path })?.items();
        Ok(Self { parts })
    }

    pub(super) fn path(&self, name: &str) -> String {
        format!("Observation.extension(reading).{name}")
    }

    /// All parts of this name, each through a parser.
    fn all<T>(
        &self,
        name: &str,
        kind: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, FhirError> {
        self.parts
            .iter()
            .filter(|part| part.get("url").and_then(Json::as_text) == Some(name))
            .map(|part| {
                let value = match part.get(kind) {
                    Some(Json::Text(text) | Json::Number(text)) => Some(text.as_ref()),
                    _ => None,
                };
                value.and_then(&parse).ok_or_else(|| bad(&self.path(name)))
            })
            .collect()
    }

    pub(super) fn maybe<T>(
        &self,
        name: &str,
        kind: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, FhirError> {
        let mut all = self.all(name, kind, parse)?;
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(FhirError::TwoOfAChoice {
                path: self.path(name),
            }),
        }
    }

    pub(super) fn one<T>(
        &self,
        name: &str,
        kind: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, FhirError> {
        self.maybe(name, kind, parse)?
            .ok_or_else(|| FhirError::Missing {
                path: self.path(name),
            })
    }

    /// The user slot as sent.
    pub(super) fn user_slot(&self) -> Result<Option<u8>, FhirError> {
        self.maybe("userSlot", "valueInteger", |text| u8::from_str(text).ok())
    }

    fn code(&self, name: &str) -> Result<&'a str, FhirError> {
        let part = self
            .parts
            .iter()
            .find(|part| part.get("url").and_then(Json::as_text) == Some(name));
        part.and_then(|part| part.get("valueCode")?.as_text())
            .ok_or_else(|| FhirError::Missing {
                path: self.path(name),
            })
    }
}

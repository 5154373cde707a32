//! FHIR's invariants that a table cannot say: obs-6, obs-7, qty-3, vs-1 to vs-3, dom-3, required bindings, units.

use super::codes::*;
use super::error::FhirError;
use super::kinds::{Category, Form, form};
use super::observed;
use crate::json::Json;
use crate::{Kind, Ucum};

/// Checks what spans more than one element; the shape is known to be right.
///
/// # Errors
/// The first fault.
pub fn check(resource: &Json) -> Result<(), FhirError> {
    let path = "Observation";
    let kind = kind(resource)?;
    let form = form(kind);
    bound(resource.get("status"), &STATUSES, "Observation.status")?;
    value_or_reason(resource, path)?;
    let components = resource
        .get("component")
        .map(Json::items)
        .unwrap_or_default();
    if components.is_empty() && !has_value(resource) && resource.get("dataAbsentReason").is_none() {
        return Err(FhirError::NoValue {
            path: path.to_owned(),
        });
    }
    for (n, component) in components.iter().enumerate() {
        let path = format!("{path}.component[{n}]");
        value_or_reason(component, &path)?;
        if !has_value(component) && component.get("dataAbsentReason").is_none() {
            return Err(FhirError::NoValue { path });
        }
        if has_value(resource) && shares_code(resource, component) {
            return Err(FhirError::ValueAndComponent {
                path: "Observation.value[x]".to_owned(),
            });
        }
        if let Some(quantity) = component.get("valueQuantity") {
            let path = format!("{path}.valueQuantity");
            unit(kind, quantity, component, &path)?;
        }
    }
    if let Some(quantity) = resource.get("valueQuantity") {
        unit(kind, quantity, resource, "Observation.valueQuantity")?;
    }
    let sampled = resource.get("valueSampledData");
    if let Some(origin) = sampled.and_then(|sampled| sampled.get("origin")) {
        let path = "Observation.valueSampledData.origin";
        unit(kind, origin, resource, path)?;
    }
    let categories = resource
        .get("category")
        .map(Json::items)
        .unwrap_or_default();
    if !categories
        .iter()
        .any(|concept| has_coding(concept, CATEGORY, form.category.code()))
    {
        let path = "Observation.category".to_owned();
        return Err(match form.category {
            Category::VitalSigns => FhirError::NoVitalSignsCategory { path },
            Category::Laboratory | Category::Exam => FhirError::Missing { path },
        });
    }
    profiles(resource, kind)?;
    contained(resource)
}

/// The kind that our extension names; without a name it is a blood pressure, which was there first.
pub fn kind(resource: &Json) -> Result<Kind, FhirError> {
    let all = resource
        .get("extension")
        .map(Json::items)
        .unwrap_or_default();
    let text = |json: &Json, name: &str| json.get(name).and_then(Json::as_text).map(str::to_owned);
    let ours = all
        .iter()
        .find(|one| text(one, "url").as_deref() == Some(EXTENSION));
    let parts = ours.and_then(|one| one.get("extension"));
    let mut parts = parts.map(Json::items).unwrap_or_default().iter();
    let Some(part) = parts.find(|part| text(part, "url").as_deref() == Some("kind")) else {
        return Ok(Kind::BloodPressure);
    };
    let name = text(part, "valueCode").unwrap_or_default();
    Kind::from_name(&name).ok_or_else(|| FhirError::BadCode {
        path: "Observation.extension(reading).kind".to_owned(),
    })
}

/// obs-6, and the required set of reasons.
fn value_or_reason(json: &Json, path: &str) -> Result<(), FhirError> {
    let Some(reason) = json.get("dataAbsentReason") else {
        return Ok(());
    };
    if has_value(json) {
        return Err(FhirError::ValueAndAbsent {
            path: path.to_owned(),
        });
    }
    let path = format!("{path}.dataAbsentReason");
    for coding in reason.get("coding").map(Json::items).unwrap_or_default() {
        if coding.get("system").and_then(Json::as_text) == Some(ABSENT) {
            bound(coding.get("code"), &ABSENT_CODES, &path)?;
        } else {
            return Err(FhirError::BadCode { path });
        }
    }
    Ok(())
}

/// qty-3, and the units that belong to each number.
fn unit(kind: Kind, quantity: &Json, of: &Json, path: &str) -> Result<(), FhirError> {
    let text = |name| quantity.get(name).and_then(Json::as_text);
    let path = path.to_owned();
    let Some(code) = text("code") else {
        return Err(FhirError::Missing {
            path: format!("{path}.code"),
        });
    };
    let Some(system) = text("system") else {
        return Err(FhirError::UnitWithoutSystem { path });
    };
    let allowed = match kind {
        Kind::Observation => Ucum::of_code(code).is_some(),
        kind => belongs(form(kind), code, of),
    };
    if system != UCUM || !allowed {
        return Err(FhirError::BadUnit { path });
    }
    Ok(())
}

fn belongs(form: &Form, unit: &str, of: &Json) -> bool {
    let named = |item: &&super::kinds::Item| {
        codings(of.get("code"))
            .any(|(_, code)| item.mdc == Some(code) || item.loinc.contains(&code))
    };
    let value = form.value().filter(|_| of.get("resourceType").is_some());
    match value.or_else(|| form.items.iter().find(named)) {
        Some(item) => item.units.contains(&unit),
        None => form.items.iter().any(|item| item.units.contains(&unit)),
    }
}

/// dom-3 and its reverse: every local reference names something contained, and the other way round.
fn contained(resource: &Json) -> Result<(), FhirError> {
    let items = resource
        .get("contained")
        .map(Json::items)
        .unwrap_or_default();
    let mut ids: Vec<&str> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let id = item.get("id").and_then(Json::as_text).unwrap_or_default();
        if ids.contains(&id) {
            return Err(FhirError::Reference {
                path: format!("Observation.contained[{n}].id"),
            });
        }
        ids.push(id);
    }
    let mut named = Vec::new();
    local_references(resource, "Observation", &mut named);
    for (path, id) in &named {
        if !ids.contains(&id.as_str()) {
            return Err(FhirError::Reference { path: path.clone() });
        }
    }
    match ids
        .iter()
        .position(|id| !named.iter().any(|(_, to)| to == id))
    {
        None => Ok(()),
        Some(n) => Err(FhirError::Reference {
            path: format!("Observation.contained[{n}]"),
        }),
    }
}

fn local_references(json: &Json, path: &str, found: &mut Vec<(String, String)>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}.{name}");
                if let (true, Json::Text(to)) = (name == "reference", value) {
                    // Nothing but what is contained can be referred to from a phone.
                    found.push((path.clone(), to.strip_prefix('#').unwrap_or("").to_owned()));
                }
                local_references(value, &path, found);
            }
        }
        Json::List(items) => {
            for (n, item) in items.iter().enumerate() {
                local_references(item, &format!("{path}[{n}]"), found);
            }
        }
        _ => {}
    }
}

/// A reading that was typed must not claim the device guide; one that a device measured must.
fn profiles(resource: &Json, kind: Kind) -> Result<(), FhirError> {
    let path = || "Observation.meta.profile".to_owned();
    let claimed = resource.get("meta").and_then(|meta| meta.get("profile"));
    let claims =
        |url| claimed.is_some_and(|all| all.items().iter().any(|p| p.as_text() == Some(url)));
    let by_device = resource.get("device").is_some();
    let profile = match kind {
        Kind::Observation => observed::profile_of(resource),
        kind => device_profile(kind),
    };
    if claims(profile) != by_device {
        return Err(FhirError::Profile { path: path() });
    }
    Ok(())
}

fn has_value(json: &Json) -> bool {
    match json {
        Json::Object(members) => members
            .iter()
            .any(|(name, _)| name.starts_with("value") && name.len() > 5),
        _ => false,
    }
}

fn shares_code(a: &Json, b: &Json) -> bool {
    codings(a.get("code")).any(|one| codings(b.get("code")).any(|other| one == other))
}

/// The (system, code) pairs of a concept.
pub fn codings(concept: Option<&Json>) -> impl Iterator<Item = (&str, &str)> {
    concept
        .and_then(|concept| concept.get("coding"))
        .map(Json::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|coding| {
            Some((
                coding.get("system")?.as_text()?,
                coding.get("code")?.as_text()?,
            ))
        })
}

pub fn has_coding(concept: &Json, system: &str, code: &str) -> bool {
    codings(Some(concept)).any(|pair| pair == (system, code))
}

fn bound(code: Option<&Json>, set: &[&str], path: &str) -> Result<(), FhirError> {
    match code.and_then(Json::as_text) {
        Some(code) if set.contains(&code) => Ok(()),
        _ => Err(FhirError::BadCode {
            path: path.to_owned(),
        }),
    }
}

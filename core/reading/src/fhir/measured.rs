//! The measurement out of a tree whose shape and rules hold: numbers by their codes, the rest from our extension.

use super::codes::*;
use super::error::FhirError;
use super::kinds::{Form, Item, form};
use super::observed;
use super::rules::{codings, has_coding, kind};
use super::take::Own;
use crate::hex::from_hex;
use crate::json::Json;
use crate::parts::{Found, Gap};
use crate::{Kind, Measurement, Number};
use std::str::FromStr;

/// Takes the measurement apart and puts it together as the kind that it is.
///
/// # Errors
/// The first fault.
pub fn measurement(resource: &Json, own: &Own<'_>) -> Result<Measurement, FhirError> {
    let kind = kind(resource)?;
    if kind == Kind::Observation {
        return observed::measurement(resource, own);
    }
    let form = form(kind);
    let mut found = Found {
        user_slot: own.user_slot()?,
        ..Found::default()
    };
    if let Some(item) = form.value() {
        found
            .numbers
            .push((item.name, number(resource, "Observation")?));
    }
    for item in form.components() {
        components(resource, item, &mut found)?;
    }
    found.unit = match kind {
        Kind::BloodPressure => Some(pressure_unit(resource, form).to_owned()),
        _ => own.maybe("unit", "valueCode", |text| Some(text.to_owned()))?,
    };
    for name in form.coded {
        let code = own.maybe(&part_name(name), "valueInteger", |text| {
            i32::from_str(text).ok()
        })?;
        found.coded.extend(code.map(|code| (*name, code)));
    }
    for name in form.series {
        let series = own.maybe(&part_name(name), "valueString", |text| {
            let numbers = text.split(' ').map(|one| one.parse().ok());
            numbers.collect::<Option<Vec<_>>>()
        })?;
        found.series.extend(series.map(|series| (*name, series)));
    }
    for (name, bytes) in form.bits {
        let bits = own.maybe(&part_name(name), "valueString", |text| {
            let read = from_hex(text).ok().filter(|read| read.len() == *bytes)?;
            Some(
                read.iter()
                    .fold(0, |bits, byte| bits << 8 | u32::from(*byte)),
            )
        })?;
        found.bits.extend(bits.map(|bits| (*name, bits)));
    }
    let measurement = Measurement::from_parts(kind, &found).map_err(|gap| match gap {
        Gap::Number(name) => FhirError::Missing {
            path: form.item(name).map_or_else(|| name.to_owned(), component),
        },
        Gap::Unit => FhirError::BadUnit {
            path: own.path("unit"),
        },
        Gap::Code(name) => FhirError::BadValue {
            path: own.path(&part_name(name)),
        },
    })?;
    // Nobody who sends a number beside "this is no patient's" is believed.
    if measurement.clone().sifted() != measurement {
        return Err(FhirError::NotOurs {
            path: "Observation.value[x]".to_owned(),
        });
    }
    Ok(measurement)
}

/// The numbers of one item among the components.
fn components(resource: &Json, item: &'static Item, found: &mut Found) -> Result<(), FhirError> {
    let all = resource.get("component").map(Json::items);
    let mut same = all.unwrap_or_default().iter().filter(|one| is(one, item));
    let Some(one) = same.next() else {
        return Ok(());
    };
    let path = component(item);
    if same.next().is_some() {
        return Err(FhirError::TwoOfAChoice { path });
    }
    let Some(read) = number(one, &path)? else {
        // Only a kind's main number may be there without being given.
        return Err(FhirError::BadCode { path });
    };
    found.numbers.push((item.name, Some(read)));
    Ok(())
}

/// A value or a reason; nothing for a number that is not given.
pub(super) fn number(json: &Json, path: &str) -> Result<Option<Number>, FhirError> {
    let Some(quantity) = json.get("valueQuantity") else {
        let reason = codings(json.get("dataAbsentReason")).next();
        let reason = reason.map(|(_, code)| code).unwrap_or_default();
        if [NOT_THERE, NOT_A_PATIENTS].contains(&reason) {
            return Ok(None);
        }
        return special(reason).map(Some).ok_or_else(|| FhirError::BadCode {
            path: path.to_owned(),
        });
    };
    let decimal = match quantity.get("value") {
        Some(Json::Number(token)) => token.parse().ok(),
        _ => None,
    };
    let decimal = decimal.ok_or_else(|| FhirError::BadValue {
        path: path.to_owned(),
    });
    Ok(Some(Number::Value(decimal?)))
}

fn is(component: &Json, item: &Item) -> bool {
    component.get("code").is_some_and(|code| {
        let loinc = |loinc: &&str| has_coding(code, LOINC, loinc);
        let mdc = |mdc| has_coding(code, MDC, mdc);
        item.mdc.is_some_and(mdc) || item.loinc.iter().any(loinc)
    })
}

fn component(item: &Item) -> String {
    format!("Observation.component.where(code = {:?})", item.text)
}

/// Where no pressure is a number no quantity names the unit; the codes do: LOINC's stand for mm[Hg] alone.
fn pressure_unit(resource: &Json, form: &Form) -> &'static str {
    let all = resource.get("component").map(Json::items);
    let pressures = form.items.iter().filter(|item| item.units.len() > 1);
    let mut named = pressures.filter_map(|item| {
        let one = all.unwrap_or_default().iter().find(|one| is(one, item))?;
        one.get("valueQuantity")?.get("code")?.as_text()
    });
    let loinc = codings(resource.get("code")).any(|(system, _)| system == LOINC);
    match named.next_back() {
        Some("kPa") => "kPa",
        None if !loinc => "kPa",
        _ => "mm[Hg]",
    }
}

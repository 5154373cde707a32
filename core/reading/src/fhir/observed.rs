//! An observation whose codes are its own: of whichever shape its value is, out and in. `docs/formats/observation.md` has
//! the elements; the profiles are those of HL7's Personal Health Device guide 2.0.0.

use super::codes::{
    CODED_PROFILE, COMPOUND_PROFILE, MDC, NOT_THERE, NUMERIC_PROFILE, SAMPLES_PROFILE,
};
use super::error::FhirError;
use super::measured::number;
use super::rules::codings;
use super::take::Own;
use super::write::{own_concept, quantity, value as number_or_reason};
use crate::json::Json;
use crate::{
    Decimal, MOST_PARTS, MOST_SAMPLES, Mdc, Measurement, Observation, ObservationPart,
    ObservationValue, Quantity, Samples, Ucum,
};

/// From seconds, as a sensor sends them, to the milliseconds of `SampledData`.
const MILLI: i8 = 3;

/// The device guide's profile, by the shape of the value.
pub fn profile(observation: &Observation) -> &'static str {
    match observation.value() {
        ObservationValue::Number(_) => NUMERIC_PROFILE,
        ObservationValue::Compound(_) => COMPOUND_PROFILE,
        ObservationValue::Samples(_) => SAMPLES_PROFILE,
        ObservationValue::Code(_) => CODED_PROFILE,
    }
}

/// The same of a resource.
pub fn profile_of(resource: &Json) -> &'static str {
    let shapes = [
        ("valueSampledData", SAMPLES_PROFILE),
        ("valueCodeableConcept", CODED_PROFILE),
        ("component", COMPOUND_PROFILE),
    ];
    let found = shapes.iter().find(|(name, _)| resource.get(name).is_some());
    found.map_or(NUMERIC_PROFILE, |(_, profile)| profile)
}

/// A code, with its words.
pub fn code(code: Mdc) -> Json {
    own_concept(code.to_string(), code.words())
}

/// The observation's own value, or why there is none; a compound has none.
pub fn value(observation: &Observation) -> Option<(&'static str, Json)> {
    match observation.value() {
        ObservationValue::Number(one) => Some(of_number(*one)),
        ObservationValue::Compound(_) => None,
        ObservationValue::Samples(samples) => Some(("valueSampledData", sampled(samples))),
        ObservationValue::Code(answer) => Some(("valueCodeableConcept", code(*answer))),
    }
}

/// The numbers of a compound.
pub fn components(observation: &Observation) -> Vec<Json> {
    let ObservationValue::Compound(parts) = observation.value() else {
        return Vec::new();
    };
    let component = |part: &ObservationPart| {
        Json::object([("code", code(part.code)), of_number(part.quantity)])
    };
    parts.iter().map(component).collect()
}

/// The units of a compound's numbers, in their order: where a number is none, nothing else names its unit.
pub fn units(observation: &Observation) -> Option<String> {
    let ObservationValue::Compound(parts) = observation.value() else {
        return None;
    };
    let units: Vec<_> = parts.iter().map(|part| part.quantity.unit.code()).collect();
    Some(units.join(" "))
}

fn of_number(one: Quantity) -> (&'static str, Json) {
    number_or_reason(Some(one.number), one.unit.code(), NOT_THERE)
}

fn sampled(samples: &Samples) -> Json {
    let data: Vec<String> = samples.samples().iter().map(u32::to_string).collect();
    let period = moved(samples.period_s(), MILLI);
    Json::object([
        ("origin", quantity(samples.offset(), samples.unit().code())),
        ("period", Json::number(period.token())),
        ("factor", Json::number(samples.factor().token())),
        ("dimensions", Json::number(samples.per_period().to_string())),
        ("data", Json::text(data.join(" "))),
    ])
}

/// The same digits, by powers of ten further.
fn moved(decimal: Decimal, by: i8) -> Decimal {
    Decimal::new(decimal.mantissa(), decimal.exponent().saturating_add(by))
}

/// Takes the observation out of a tree whose shape and rules hold.
///
/// # Errors
/// The first fault.
pub fn measurement(resource: &Json, own: &Own<'_>) -> Result<Measurement, FhirError> {
    let path = "Observation";
    if resource.get("device").is_none() {
        return Err(FhirError::Missing {
            path: format!("{path}.device"),
        });
    }
    let code = mdc(resource.get("code"), &format!("{path}.code"))?;
    let components = resource.get("component").map(Json::items);
    let value = if let Some(sampled) = resource.get("valueSampledData") {
        ObservationValue::Samples(Box::new(samples(sampled)?))
    } else if let Some(answer) = resource.get("valueCodeableConcept") {
        let path = format!("{path}.valueCodeableConcept");
        ObservationValue::Code(mdc(Some(answer), &path)?)
    } else if let Some(components) = components {
        ObservationValue::Compound(parts(components, own)?)
    } else {
        let unit = own.one("unit", "valueCode", Ucum::of_code)?;
        ObservationValue::Number(of_unit(resource, unit, path)?)
    };
    let observation = Observation::new(code, value, own.user_slot()?);
    // The code, or that of a component, is of nothing that is observed of a person, or one stands twice.
    let observation = observation.ok_or_else(|| FhirError::BadCode {
        path: format!("{path}.code"),
    })?;
    Ok(Measurement::Observation(observation))
}

fn parts(components: &[Json], own: &Own<'_>) -> Result<Vec<ObservationPart>, FhirError> {
    let units = own.one("units", "valueString", |text| {
        let units = text.split(' ').map(Ucum::of_code);
        let units: Option<Vec<_>> = units.take(MOST_PARTS + 1).collect();
        units.filter(|units| units.len() == components.len())
    })?;
    let part = |(n, (component, unit)): (usize, (&Json, Ucum))| {
        let path = format!("Observation.component[{n}]");
        Ok(ObservationPart {
            code: mdc(component.get("code"), &format!("{path}.code"))?,
            quantity: of_unit(component, unit, &path)?,
        })
    };
    components.iter().zip(units).enumerate().map(part).collect()
}

/// A number in the unit that our extension names.
fn of_unit(json: &Json, unit: Ucum, path: &str) -> Result<Quantity, FhirError> {
    let read = number(json, path)?;
    let number = read.ok_or_else(|| FhirError::BadCode {
        path: format!("{path}.dataAbsentReason"),
    })?;
    Ok(Quantity { number, unit })
}

fn mdc(concept: Option<&Json>, path: &str) -> Result<Mdc, FhirError> {
    let mut codes = codings(concept).filter(|(system, _)| *system == MDC);
    let code = codes.next().and_then(|(_, code)| code.parse().ok());
    code.ok_or_else(|| FhirError::BadCode {
        path: path.to_owned(),
    })
}

fn samples(sampled: &Json) -> Result<Samples, FhirError> {
    let path = "Observation.valueSampledData";
    let bad = |name: &str| FhirError::BadValue {
        path: format!("{path}.{name}"),
    };
    let decimal = |json: &Json, name: &str| match json.get(name) {
        Some(Json::Number(token)) => token.parse::<Decimal>().map_err(|_| bad(name)),
        _ => Err(bad(name)),
    };
    let origin = sampled.get("origin").ok_or_else(|| bad("origin"))?;
    let unit = origin.get("code").and_then(Json::as_text);
    let unit = unit.and_then(Ucum::of_code).ok_or_else(|| bad("origin"))?;
    let period = decimal(sampled, "period")?;
    let period = (period.exponent() >= i8::MIN + MILLI).then(|| moved(period, -MILLI));
    let per_period = decimal(sampled, "dimensions")?;
    let per_period = u8::try_from(per_period.mantissa()).map_err(|_| bad("dimensions"))?;
    // "E", "U" and "L" are FHIR's; a sensor has no way to send one.
    let data = sampled.get("data").and_then(Json::as_text);
    let data = data.unwrap_or_default().split(' ').map(str::parse);
    let data: Result<Vec<u32>, _> = data.take(MOST_SAMPLES + 1).collect();
    let samples = Samples::new(
        unit,
        decimal(sampled, "factor")?,
        decimal(origin, "value")?,
        period.ok_or_else(|| bad("period"))?,
        per_period,
        data.map_err(|_| bad("data"))?,
    );
    samples.ok_or_else(|| FhirError::BadValue {
        path: path.to_owned(),
    })
}

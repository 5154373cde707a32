//! Holds a tree against the tables: unknown, missing, empty and ill-typed elements, and more than one of a choice.

use super::error::FhirError;
use super::shape::{COINCIDENT, Count, DEVICE, OBSERVATION, Shape, Type};
use crate::json::Json;
use crate::{Decimal, Moment};

/// Checks a whole observation.
///
/// # Errors
/// The first fault.
pub fn shape(resource: &Json) -> Result<(), FhirError> {
    object(resource, OBSERVATION, "Observation")?;
    if resource.get("resourceType").and_then(Json::as_text) != Some("Observation") {
        return Err(FhirError::BadCode {
            path: "Observation.resourceType".to_owned(),
        });
    }
    Ok(())
}

fn object(json: &Json, shape: &Shape, path: &str) -> Result<(), FhirError> {
    let Json::Object(members) = json else {
        return Err(wrong(path, "an object"));
    };
    if members.is_empty() {
        return Err(FhirError::Empty {
            path: path.to_owned(),
        });
    }
    for (name, value) in members {
        let path = format!("{path}.{name}");
        let Some((_, kind, count)) = shape.iter().find(|(known, ..)| known == name) else {
            return Err(FhirError::UnknownElement { path });
        };
        match count {
            Count::Optional | Count::One => element(value, *kind, &path)?,
            Count::Any | Count::Some => {
                let Json::List(items) = value else {
                    return Err(wrong(&path, "a list"));
                };
                if items.is_empty() {
                    return Err(FhirError::Empty { path });
                }
                for (n, item) in items.iter().enumerate() {
                    element(item, *kind, &format!("{path}[{n}]"))?;
                }
            }
        }
    }
    let needed = |count: &Count| matches!(count, Count::One | Count::Some);
    for (name, ..) in shape.iter().filter(|(.., count)| needed(count)) {
        if json.get(name).is_none() {
            return Err(FhirError::Missing {
                path: format!("{path}.{name}"),
            });
        }
    }
    let values = members
        .iter()
        .filter(|(name, _)| name.starts_with("value") && name.len() > 5);
    if values.count() > 1 {
        return Err(FhirError::TwoOfAChoice {
            path: format!("{path}.value[x]"),
        });
    }
    Ok(())
}

fn element(json: &Json, kind: Type, path: &str) -> Result<(), FhirError> {
    match kind {
        Type::Object(shape) => object(json, shape, path),
        Type::Resource => match json.get("resourceType").and_then(Json::as_text) {
            Some("Device") => object(json, DEVICE, path),
            Some("Observation") => object(json, COINCIDENT, path),
            Some(_) => Err(FhirError::BadCode {
                path: format!("{path}.resourceType"),
            }),
            None => Err(FhirError::Missing {
                path: format!("{path}.resourceType"),
            }),
        },
        Type::Boolean if !matches!(json, Json::Bool(_)) => Err(wrong(path, "true or false")),
        Type::Boolean => Ok(()),
        Type::Decimal | Type::Integer => number(json, kind, path),
        _ => text(json, kind, path),
    }
}

fn number(json: &Json, kind: Type, path: &str) -> Result<(), FhirError> {
    let Json::Number(token) = json else {
        return Err(wrong(path, "a number"));
    };
    let legal = match kind {
        Type::Integer => token.parse::<i32>().is_ok() && token != "-0",
        _ => token.parse::<Decimal>().is_ok(),
    };
    if legal { Ok(()) } else { Err(bad(path)) }
}

fn text(json: &Json, kind: Type, path: &str) -> Result<(), FhirError> {
    let Json::Text(text) = json else {
        return Err(wrong(path, "a text"));
    };
    if text.is_empty() {
        return Err(FhirError::Empty {
            path: path.to_owned(),
        });
    }
    let path = path.to_owned();
    match kind {
        Type::DateTime if coarse(text) => Err(FhirError::TimeTooCoarse { path }),
        Type::DateTime | Type::Instant if Moment::parse_with_offset(text).is_err() => {
            Err(FhirError::BadTime { path })
        }
        Type::Id if !id(text) => Err(FhirError::BadValue { path }),
        Type::Code if text.trim() != text || text.contains("  ") => {
            Err(FhirError::BadValue { path })
        }
        Type::Uri if text.contains(char::is_whitespace) => Err(FhirError::BadValue { path }),
        // FHIR strings hold no control characters except tab and line ends, and are not blank.
        Type::Text if text.trim().is_empty() || text.chars().any(control) => {
            Err(FhirError::BadValue { path })
        }
        _ => Ok(()),
    }
}

/// A year, or year and month: legal in FHIR, too coarse for a vital sign.
fn coarse(text: &str) -> bool {
    matches!(text.len(), 4 | 7)
        && text.bytes().enumerate().all(|(n, c)| {
            if n == 4 {
                c == b'-'
            } else {
                c.is_ascii_digit()
            }
        })
}

/// `[A-Za-z0-9\-\.]{1,64}`
fn id(text: &str) -> bool {
    text.len() <= 64
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.')
}

fn control(c: char) -> bool {
    u32::from(c) < 0x20 && !matches!(c, '\t' | '\r' | '\n')
}

fn wrong(path: &str, what: &'static str) -> FhirError {
    FhirError::WrongType {
        path: path.to_owned(),
        what,
    }
}

fn bad(path: &str) -> FhirError {
    FhirError::BadValue {
        path: path.to_owned(),
    }
}

//! One reading as one FHIR R4 (4.0.1) `Observation` on one line, out and in again without loss.
//!
//! A reading that a device measured claims the profiles of HL7's Personal Health Device guide (2.0.0): the device, the
//! gateway (our install) and the coincident time stamp are contained. A reading that a person typed claims only FHIR's
//! `bp` profile. What FHIR has no element for stands in one extension, [`EXTENSION`]. `docs/formats/observation.md`
//! describes every element.
//!
//! The companion calls [`to_observation`] when it seals, the station calls [`from_observation`] when it opens.

mod check;
mod codes;
mod error;
mod kinds;
mod measured;
mod observed;
mod rules;
mod shape;
mod take;
mod write;

pub use error::FhirError;

use crate::Reading;
use crate::json::{self, Json};

/// The URL of the one extension.
pub const EXTENSION: &str = codes::EXTENSION;

/// The install that took the reading and sealed it: the *gateway* of the device guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The install's id.
    pub install: [u8; 16],
    /// The version of the software, for example `0.1.0`.
    pub software: String,
}

/// A reading as it was taken in, with what stood around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The reading, equal in every field to the one that was written.
    pub reading: Reading,
    /// The link whose mail it was in: the `up` mailbox, 32 hex digits. The phone knows no record number of the clinic.
    pub link: String,
    /// The gateway; a typed reading names none.
    pub gateway: Option<Gateway>,
}

/// Writes a reading as one line without its line feed. `link` is the link's `up` mailbox in hex.
#[must_use]
pub fn to_observation(reading: &Reading, link: &str, gateway: &Gateway) -> String {
    write::observation(reading, link, gateway).line()
}

/// Like [`to_observation`], over many lines for people.
#[must_use]
pub fn to_observation_pretty(reading: &Reading, link: &str, gateway: &Gateway) -> String {
    write::observation(reading, link, gateway).pretty()
}

/// Takes an observation in again. Strict: an element, code, unit or reference that [`to_observation`] would not have
/// written is refused, so that nothing is read half.
///
/// # Errors
/// [`FhirError`] names the first fault and where it is.
pub fn from_observation(line: &str) -> Result<Observed, FhirError> {
    let resource = json::parse(line)?;
    check::shape(&resource)?;
    rules::check(&resource)?;
    let observed = take::observation(&resource)?;
    agrees(&resource, &observed)?;
    Ok(observed)
}

/// The observation of a reading that somebody else took by mistake, as it is handed on to other systems: nothing of it is
/// taken out, and its status is `entered-in-error` (FHIR R4, `observation-status`). [`from_observation`] refuses it: a phone
/// never sends one.
///
/// # Errors
/// [`FhirError`] when the line is no observation of ours.
pub fn entered_in_error(line: &str) -> Result<String, FhirError> {
    from_observation(line)?;
    let Json::Object(mut members) = json::parse(line)? else {
        return Err(FhirError::NotOurs {
            path: "Observation".to_owned(),
        });
    };
    for (name, value) in &mut members {
        if name == "status" {
            *value = Json::text("entered-in-error");
        }
    }
    Ok(Json::Object(members).line())
}

/// What was understood, written again, must be what was read: nothing is dropped or reinterpreted in silence.
fn agrees(resource: &Json, observed: &Observed) -> Result<(), FhirError> {
    let none = Gateway {
        install: [0; 16],
        software: String::new(),
    };
    let gateway = observed.gateway.as_ref().unwrap_or(&none);
    let again = write::observation(&observed.reading, &observed.link, gateway);
    match difference(resource, &again, "Observation") {
        None => Ok(()),
        Some(path) => Err(FhirError::NotOurs { path }),
    }
}

/// The first place at which two trees differ.
fn difference(a: &Json, b: &Json, path: &str) -> Option<String> {
    if a.same_as(b) {
        return None;
    }
    let deeper = match (a, b) {
        (Json::Object(left), Json::Object(right)) => {
            left.iter()
                .chain(right)
                .find_map(|(name, _)| match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => difference(a, b, &format!("{path}.{name}")),
                    _ => Some(format!("{path}.{name}")),
                })
        }
        (Json::List(left), Json::List(right)) => left
            .iter()
            .zip(right)
            .enumerate()
            .find_map(|(n, (a, b))| difference(a, b, &format!("{path}[{n}]"))),
        _ => None,
    };
    Some(deeper.unwrap_or_else(|| path.to_owned()))
}

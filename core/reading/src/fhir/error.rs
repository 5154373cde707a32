//! Why an observation was not taken in. Names elements, never values.

use crate::json::JsonError;

/// The first fault of a resource; `path` is the FHIR path of the element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// Not JSON, a duplicate member, or too large.
    #[error("not a resource: {0}")]
    Json(#[from] JsonError),
    /// An element that is not part of the format.
    #[error("{path}: this element is not known here")]
    UnknownElement {
        /// Where.
        path: String,
    },
    /// An element that must be there is not.
    #[error("{path}: this element must be there")]
    Missing {
        /// Where.
        path: String,
    },
    /// A text where a number belongs, an object where a list belongs, …
    #[error("{path}: must be {what}")]
    WrongType {
        /// Where.
        path: String,
        /// What belongs there.
        what: &'static str,
    },
    /// An empty text, list or object: FHIR has none.
    #[error("{path}: must not be empty")]
    Empty {
        /// Where.
        path: String,
    },
    /// More than one of a choice, for example two `value[x]`.
    #[error("{path}: only one of these may be there")]
    TwoOfAChoice {
        /// Where.
        path: String,
    },
    /// Not a date or time with a zone.
    #[error("{path}: not a date and time with a zone")]
    BadTime {
        /// Where.
        path: String,
    },
    /// Not a number, id, code, URI or hex text of its kind.
    #[error("{path}: not a legal value of its type")]
    BadValue {
        /// Where.
        path: String,
    },
    /// A code outside the set that the element is bound to.
    #[error("{path}: this code is not in the set that belongs here")]
    BadCode {
        /// Where.
        path: String,
    },
    /// obs-6: a value and a reason for its absence.
    #[error("{path}: a value and a reason for its absence at once (obs-6)")]
    ValueAndAbsent {
        /// Where.
        path: String,
    },
    /// obs-7: a value beside a component with the same code.
    #[error("{path}: a value although a component has the same code (obs-7)")]
    ValueAndComponent {
        /// Where.
        path: String,
    },
    /// qty-3: a unit code without its system.
    #[error("{path}: a unit code without its system (qty-3)")]
    UnitWithoutSystem {
        /// Where.
        path: String,
    },
    /// A unit code that UCUM or this measurement does not have.
    #[error("{path}: not a unit for this measurement in UCUM")]
    BadUnit {
        /// Where.
        path: String,
    },
    /// vs-1: the time is not known to the day.
    #[error("{path}: a vital sign needs a time known at least to the day (vs-1)")]
    TimeTooCoarse {
        /// Where.
        path: String,
    },
    /// vs-2, vs-3: neither a value nor a reason for its absence.
    #[error("{path}: neither a value nor a reason for its absence (vs-2, vs-3)")]
    NoValue {
        /// Where.
        path: String,
    },
    /// The vital-signs category is missing.
    #[error("{path}: a vital sign needs the vital-signs category")]
    NoVitalSignsCategory {
        /// Where.
        path: String,
    },
    /// A reference to something contained that is not there, or something contained that nothing refers to (dom-3).
    #[error("{path}: the reference and what is contained do not fit")]
    Reference {
        /// Where.
        path: String,
    },
    /// A profile that this resource must not claim, or must and does not.
    #[error("{path}: the profiles do not fit the source of the reading")]
    Profile {
        /// Where.
        path: String,
    },
    /// The reading's id does not follow from its contents.
    #[error("the reading id does not follow from the record")]
    Id,
    /// Understood, but not what would have been written: two elements contradict each other.
    #[error("{path}: contradicts the rest of the resource")]
    NotOurs {
        /// Where.
        path: String,
    },
}

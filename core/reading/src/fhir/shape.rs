//! The part of FHIR R4 that our observations use, as tables: which elements there are, of which type, how many.

/// The type of an element.
#[derive(Clone, Copy)]
pub enum Type {
    Text,
    Code,
    Uri,
    Id,
    DateTime,
    Instant,
    Decimal,
    Integer,
    Boolean,
    /// An object with these elements.
    Object(&'static Shape),
    /// A contained resource: its own `resourceType` names the shape.
    Resource,
}

/// How often an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// 0..1
    Optional,
    /// 1..1
    One,
    /// 0..*
    Any,
    /// 1..*
    Some,
}

/// The elements of an object.
pub type Shape = [(&'static str, Type, Count)];

use Count::{Any, One, Optional, Some};
use Type::{Boolean, Code, DateTime, Decimal, Id, Instant, Integer, Object, Resource, Text, Uri};

pub const OBSERVATION: &Shape = &[
    ("resourceType", Code, One),
    ("id", Id, Optional),
    ("meta", Object(META), Optional),
    ("contained", Resource, Any),
    ("extension", Object(EXTENSION), Some),
    ("identifier", Object(IDENTIFIER), Some),
    ("status", Code, One),
    ("category", Object(CONCEPT), Some),
    ("code", Object(CONCEPT), One),
    ("subject", Object(REFERENCE), One),
    ("effectiveDateTime", DateTime, One),
    ("device", Object(REFERENCE), Optional),
    ("valueQuantity", Object(QUANTITY), Optional),
    ("valueString", Text, Optional),
    ("valueCodeableConcept", Object(CONCEPT), Optional),
    ("valueSampledData", Object(SAMPLED), Optional),
    ("dataAbsentReason", Object(CONCEPT), Optional),
    ("component", Object(COMPONENT), Any),
];

pub const COINCIDENT: &Shape = &[
    ("resourceType", Code, One),
    ("id", Id, One),
    ("meta", Object(META), One),
    ("status", Code, One),
    ("code", Object(CONCEPT), One),
    ("subject", Object(REFERENCE), One),
    ("effectiveDateTime", DateTime, One),
    ("valueDateTime", DateTime, Optional),
    ("valueQuantity", Object(QUANTITY), Optional),
    ("dataAbsentReason", Object(CONCEPT), Optional),
    ("device", Object(REFERENCE), One),
];

pub const DEVICE: &Shape = &[
    ("resourceType", Code, One),
    ("id", Id, One),
    ("meta", Object(META), One),
    ("identifier", Object(IDENTIFIER), Some),
    ("manufacturer", Text, Optional),
    ("_manufacturer", Object(SHADOW), Optional),
    ("serialNumber", Text, Optional),
    ("modelNumber", Text, Optional),
    ("_modelNumber", Object(SHADOW), Optional),
    ("type", Object(CONCEPT), One),
    ("specialization", Object(SPECIALIZATION), Some),
    ("version", Object(VERSION), Some),
];

const META: &Shape = &[("profile", Uri, Any), ("security", Object(CODING), Any)];
const CONCEPT: &Shape = &[("coding", Object(CODING), Some), ("text", Text, Optional)];
const CODING: &Shape = &[
    ("system", Uri, One),
    ("code", Code, One),
    ("display", Text, Optional),
];
const QUANTITY: &Shape = &[
    ("value", Decimal, One),
    ("unit", Text, Optional),
    ("system", Uri, Optional),
    ("code", Code, Optional),
];
const SAMPLED: &Shape = &[
    ("origin", Object(QUANTITY), One),
    ("period", Decimal, One),
    ("factor", Decimal, One),
    ("dimensions", Integer, One),
    ("data", Text, One),
];
const REFERENCE: &Shape = &[
    ("reference", Text, Optional),
    ("type", Uri, Optional),
    ("identifier", Object(IDENTIFIER), Optional),
];
const IDENTIFIER: &Shape = &[
    ("type", Object(CONCEPT), Optional),
    ("system", Uri, One),
    ("value", Text, One),
];
const COMPONENT: &Shape = &[
    ("code", Object(CONCEPT), One),
    ("valueQuantity", Object(QUANTITY), Optional),
    ("valueString", Text, Optional),
    ("valueBoolean", Boolean, Optional),
    ("valueCodeableConcept", Object(CONCEPT), Optional),
    ("dataAbsentReason", Object(CONCEPT), Optional),
];
/// Ours has parts; a part has none.
const EXTENSION: &Shape = &[
    ("url", Uri, One),
    ("extension", Object(PART), Any),
    ("valueCode", Code, Optional),
    ("valueReference", Object(REFERENCE), Optional),
];
const PART: &Shape = &[
    ("url", Uri, One),
    ("valueCode", Code, Optional),
    ("valueString", Text, Optional),
    ("valueInteger", Integer, Optional),
    ("valueDecimal", Decimal, Optional),
    ("valueInstant", Instant, Optional),
];
const SHADOW: &Shape = &[("extension", Object(EXTENSION), Some)];
const SPECIALIZATION: &Shape = &[
    ("systemType", Object(CONCEPT), One),
    ("version", Text, Optional),
];
const VERSION: &Shape = &[
    ("type", Object(CONCEPT), One),
    ("value", Text, Optional),
    ("_value", Object(SHADOW), Optional),
];

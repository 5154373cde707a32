//! Observations with one fault each: refused by the fault's own error. Those under `tests/golden/fhir/refused/` an
//! outside judge refuses as well.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod common;

use common::mutants::*;
use common::*;
use teleward_reading::json::{self, Json};
use teleward_reading::*;

/// Name, error, and the change: to be refused by us and by any validator.
const BY_ALL: &[(&str, &str, Change)] = &[
    ("unknown-element", "UnknownElement", |j| {
        set(j, "", "colour", text("red"))
    }),
    ("unknown-in-component", "UnknownElement", |j| {
        set(j, "component.0", "colour", text("red"))
    }),
    ("no-code", "Missing", |j| cut(j, "", "code")),
    ("no-status", "Missing", |j| cut(j, "", "status")),
    ("no-subject", "Missing", |j| cut(j, "", "subject")),
    ("no-time", "Missing", |j| cut(j, "", "effectiveDateTime")),
    ("no-device", "Profile", |j| cut(j, "", "device")),
    ("no-quantity-value", "Missing", |j| {
        cut(j, QUANTITY, "value")
    }),
    ("status-outside-set", "BadCode", |j| {
        set(j, "", "status", text("finished"))
    }),
    ("status-empty", "Empty", |j| set(j, "", "status", text(""))),
    ("two-values", "TwoOfAChoice", |j| {
        set(j, "component.0", "valueString", text("high"))
    }),
    ("value-and-absent", "ValueAndAbsent", |j| {
        let reason = at(j, "component.2.dataAbsentReason").clone();
        set(j, "", "dataAbsentReason", reason);
        set(j, "", "valueString", text("high"));
    }),
    ("panel-value-beside-component", "ValueAndComponent", |j| {
        let code = at(j, "component.0.code").clone();
        let value = at(j, QUANTITY).clone();
        set(j, "", "code", code);
        set(j, "", "valueQuantity", value);
    }),
    ("unit-without-system", "UnitWithoutSystem", |j| {
        cut(j, QUANTITY, "system")
    }),
    ("unit-not-ucum", "BadUnit", |j| {
        set(j, QUANTITY, "code", text("mmHg"))
    }),
    ("unit-of-something-else", "BadUnit", |j| {
        set(j, QUANTITY, "code", text("kg"))
    }),
    ("number-as-text", "WrongType", |j| {
        set(j, QUANTITY, "value", text("128"))
    }),
    ("absent-code-outside-set", "BadCode", |j| {
        set(
            j,
            "component.2.dataAbsentReason.coding.0",
            "code",
            text("gone"),
        );
    }),
    ("component-without-value", "NoValue", |j| {
        cut(j, "component.0", "valueQuantity")
    }),
    ("no-components", "NoValue", |j| cut(j, "", "component")),
    ("empty-list", "Empty", |j| {
        set(j, "", "component", Json::List(vec![]))
    }),
    ("empty-object", "Empty", |j| {
        set(j, "", "subject", Json::Object(vec![]))
    }),
    ("list-where-one-belongs", "WrongType", |j| {
        let code = at(j, "code").clone();
        set(j, "", "code", Json::List(vec![code]));
    }),
    ("one-where-a-list-belongs", "WrongType", |j| {
        let first = at(j, "category.0").clone();
        set(j, "", "category", first);
    }),
    ("null-element", "WrongType", |j| {
        set(j, "", "status", Json::Null)
    }),
    ("impossible-date", "BadTime", |j| {
        set(
            j,
            "",
            "effectiveDateTime",
            text("2024-02-30T12:00:00.000+00:00"),
        );
    }),
    ("time-without-zone", "BadTime", |j| {
        set(j, "", "effectiveDateTime", text("2024-06-15T12:00:00.000"));
    }),
    ("time-of-a-year-only", "TimeTooCoarse", |j| {
        set(j, "", "effectiveDateTime", text("2024"))
    }),
    ("id-with-illegal-letters", "BadValue", |j| {
        set(j, "contained.0", "id", text("p h d"))
    }),
    ("no-vital-signs-category", "NoVitalSignsCategory", |j| {
        remove(j, "category", 0)
    }),
    ("device-not-contained", "Reference", |j| {
        set(j, "device", "reference", text("#other"))
    }),
    ("contained-not-referred-to", "Reference", |j| {
        let mut third = at(j, "contained.0").clone();
        set(&mut third, "", "id", text("extra"));
        push(j, "contained", third);
    }),
];

/// The same for a kind that is one number, here a scale's weight with the height that it was told.
const NUMERIC: &[(&str, &str, Change)] = &[
    ("numeric-unknown-element", "UnknownElement", |j| {
        set(j, "", "colour", text("red"))
    }),
    ("numeric-no-code", "Missing", |j| cut(j, "", "code")),
    ("numeric-no-status", "Missing", |j| cut(j, "", "status")),
    ("numeric-no-subject", "Missing", |j| cut(j, "", "subject")),
    ("numeric-status-outside-set", "BadCode", |j| {
        set(j, "", "status", text("finished"))
    }),
    ("numeric-impossible-date", "BadTime", |j| {
        set(
            j,
            "",
            "effectiveDateTime",
            text("2024-02-30T12:00:00.000+00:00"),
        );
    }),
    ("numeric-time-without-zone", "BadTime", |j| {
        set(j, "", "effectiveDateTime", text("2024-06-15T12:00:00.000"));
    }),
    ("numeric-two-values", "TwoOfAChoice", |j| {
        set(j, "", "valueString", text("heavy"))
    }),
    ("numeric-number-as-text", "WrongType", |j| {
        set(j, "valueQuantity", "value", text("84.2"))
    }),
    ("numeric-value-and-absent", "ValueAndAbsent", |j| {
        let reason = Json::object([("system", text(ABSENT)), ("code", text("error"))]);
        let reason = Json::object([("coding", Json::List(vec![reason]))]);
        set(j, "", "dataAbsentReason", reason);
    }),
    ("numeric-no-value", "NoValue", |j| cut_value(j)),
    ("numeric-unit-without-system", "UnitWithoutSystem", |j| {
        cut(j, "valueQuantity", "system")
    }),
    ("numeric-unit-not-ucum", "BadUnit", |j| {
        set(j, "valueQuantity", "code", text("lbs"))
    }),
    ("numeric-unit-of-something-else", "BadUnit", |j| {
        set(j, "valueQuantity", "code", text("%"))
    }),
    ("numeric-component-unit", "BadUnit", |j| {
        set(j, "component.1.valueQuantity", "code", text("m"))
    }),
    ("numeric-empty-list", "Empty", |j| {
        set(j, "", "component", Json::List(vec![]))
    }),
    ("numeric-id-with-illegal-letters", "BadValue", |j| {
        set(j, "contained.0", "id", text("p h d"))
    }),
    (
        "numeric-no-vital-signs-category",
        "NoVitalSignsCategory",
        |j| remove(j, "category", 0),
    ),
    ("numeric-device-not-contained", "Reference", |j| {
        set(j, "device", "reference", text("#other"))
    }),
];

/// The value and the components, so that nothing is left.
fn cut_value(j: &mut Json) {
    cut(j, "", "valueQuantity");
    cut(j, "", "component");
}

/// To be refused by us, of the other kinds: what contradicts itself.
const NUMERIC_BY_US: &[(&str, &str, &str, Change)] = &[
    ("device-weight", "a kind that is none", "BadCode", |j| {
        own(j, "kind", "valueCode", text("mood"))
    }),
    (
        "device-weight",
        "another kind of the same shape",
        "BadUnit",
        |j| own(j, "kind", "valueCode", text("temperature")),
    ),
    ("device-weight", "a unit beside another", "NotOurs", |j| {
        own(j, "unit", "valueCode", text("[lb_av]"))
    }),
    (
        "device-weight",
        "a unit that no weight has",
        "BadUnit",
        |j| own(j, "unit", "valueCode", text("[stone_av]")),
    ),
    ("device-weight", "height twice", "TwoOfAChoice", |j| {
        let copy = at(j, "component.1").clone();
        push(j, "component", copy);
    }),
    (
        "device-weight",
        "a component without a number",
        "BadCode",
        |j| {
            let reason = Json::object([("system", text(ABSENT)), ("code", text("unknown"))]);
            let reason = Json::object([("coding", Json::List(vec![reason]))]);
            cut(j, "component.1", "valueQuantity");
            set(j, "component.1", "dataAbsentReason", reason);
        },
    ),
    (
        "device-spo2",
        "a number of a demonstration",
        "NotOurs",
        |j| own(j, "measurementStatus", "valueString", text("0400")),
    ),
    ("device-spo2", "bits of another size", "BadValue", |j| {
        own(j, "deviceStatus", "valueString", text("0020"))
    }),
    ("device-spo2", "bits that are not shown", "NotOurs", |j| {
        own(j, "deviceStatus", "valueString", text("000000"))
    }),
    (
        "device-glucose",
        "a number of a control solution",
        "NotOurs",
        |j| own(j, "sampleType", "valueInteger", Json::number("10")),
    ),
    ("device-glucose", "a meal beside another", "NotOurs", |j| {
        own(j, "meal", "valueInteger", Json::number("3"))
    }),
    (
        "device-glucose",
        "a type that is no byte",
        "BadValue",
        |j| own(j, "sampleType", "valueInteger", Json::number("256")),
    ),
    (
        "device-glucose",
        "not the category of a laboratory",
        "Missing",
        |j| remove(j, "category", 0),
    ),
    (
        "device-glucose",
        "another record number than the id's",
        "Id",
        |j| own(j, "recordNumber", "valueString", text("0800")),
    ),
    (
        "device-heart-rate",
        "beats that are no numbers",
        "BadValue",
        |j| own(j, "rr1024", "valueString", text("1007,998")),
    ),
    (
        "device-heart-rate",
        "beats longer than a word",
        "BadValue",
        |j| own(j, "rr1024", "valueString", text("65536")),
    ),
    (
        "device-temperature",
        "a site beside another code",
        "NotOurs",
        |j| own(j, "site", "valueInteger", Json::number("9")),
    ),
    (
        "device-glucose-cgm",
        "a sensor's value in another unit",
        "BadUnit",
        |j| set(j, "valueQuantity", "code", text("mmol/L")),
    ),
    (
        "device-glucose-cgm-failed",
        "a number beside a sensor's failure",
        "NotOurs",
        |j| {
            let six = base("device-glucose-cgm");
            cut(j, "", "dataAbsentReason");
            let quantity = six.get("valueQuantity").unwrap().clone();
            set(j, "", "valueQuantity", quantity);
        },
    ),
    (
        "device-glucose-cgm",
        "a sensor's minutes that are none",
        "BadValue",
        |j| own(j, "timeOffsetMin", "valueInteger", Json::number("65536")),
    ),
    (
        "device-glucose-cgm",
        "a unit that the kind has not",
        "BadUnit",
        |j| own(j, "unit", "valueCode", text("mmol/L")),
    ),
    (
        "device-glucose-cgm",
        "another session's beginning",
        "Id",
        |j| own(j, "deviceTime", "valueString", text("e807060f0b0000")),
    ),
];

/// REQ-READING-026: each kind's observation with a fault is refused by the fault's own error and in its own words.
#[test]
fn mutants_of_every_kind_are_refused_by_their_own_error() {
    let numeric = NUMERIC
        .iter()
        .map(|(name, wanted, change)| ("device-weight", *name, *wanted, *change));
    for (kind_of, name, wanted, change) in numeric.chain(NUMERIC_BY_US.iter().copied()) {
        let mut mutant = base(kind_of);
        change(&mut mutant);
        let error = from_observation(&mutant.line()).expect_err(name);
        assert_eq!(kind(&error), wanted, "{name}: {error}");
        assert!(
            !error.to_string().contains("84.2"),
            "{name}: an error holds no value"
        );
    }
}

/// To be refused by us: legal FHIR perhaps, but not what a companion of ours writes.
const BY_US: &[(&str, &str, Change)] = &[
    (
        "a number and a reason for its absence",
        "ValueAndAbsent",
        |j| {
            let reason = at(j, "component.2.dataAbsentReason").clone();
            set(j, "component.0", "dataAbsentReason", reason);
        },
    ),
    ("same contained id twice", "Reference", |j| {
        let copy = at(j, "contained.0").clone();
        push(j, "contained", copy);
    }),
    ("reference to the outside", "Reference", |j| {
        set(j, "device", "reference", text("Device/1"))
    }),
    ("another frame than the id's", "Id", |j| {
        let Json::List(parts) = at(j, OWN) else {
            panic!()
        };
        let frame = parts
            .iter_mut()
            .find(|part| part.get("url") == Some(&text("frame")));
        set(frame.unwrap(), "", "valueString", text("0081005200ff07"));
    }),
    ("another id", "Id", |j| {
        let id = format!("urn:teleward:reading:{}", "ab".repeat(32));
        set(j, "identifier.0", "value", text(&id));
    }),
    ("id of another system", "BadValue", |j| {
        set(j, "identifier.0", "system", text("urn:other"))
    }),
    ("link that is no mailbox", "BadValue", |j| {
        set(j, "subject.identifier", "value", text("patient 7"));
    }),
    ("preliminary", "NotOurs", |j| {
        set(j, "", "status", text("preliminary"))
    }),
    ("another name for a number", "NotOurs", |j| {
        set(j, "component.0.code", "text", text("Pulse"))
    }),
    ("systolic twice", "TwoOfAChoice", |j| {
        let copy = at(j, "component.0").clone();
        push(j, "component", copy);
    }),
    ("no diastolic", "Missing", |j| remove(j, "component", 1)),
    ("foreign component", "NotOurs", |j| {
        let mut copy = at(j, "component.0").clone();
        set(&mut copy, "code.coding.0", "code", text("150456"));
        set(&mut copy, "code.coding.1", "code", text("2708-6"));
        push(j, "component", copy);
    }),
    ("no extension of ours", "Missing", |j| {
        remove(j, "extension", 1)
    }),
    ("unknown doubt", "BadValue", |j| {
        push(
            j,
            OWN,
            Json::object([("url", text("doubt")), ("valueCode", text("bored"))]),
        );
    }),
    ("unknown part", "NotOurs", |j| {
        push(
            j,
            OWN,
            Json::object([("url", text("mood")), ("valueCode", text("good"))]),
        );
    }),
    ("too many digits", "BadValue", |j| {
        set(j, QUANTITY, "value", Json::number("1234567890123456789"));
    }),
    ("another resource", "UnknownElement", |j| {
        *j = Json::object([("resourceType", text("Patient")), ("name", text("x"))]);
    }),
    ("not an object", "WrongType", |j| *j = Json::List(vec![])),
];

fn mutant(change: Change) -> Json {
    let mut mutant = json::parse(&to_observation(&least(), LINK, &gateway())).unwrap();
    change(&mut mutant);
    mutant
}

/// REQ-READING-009: an observation with a fault is refused, by the fault's own error, and never read half.
#[test]
fn every_mutant_is_refused_by_its_own_error() {
    for (name, wanted, change) in BY_ALL.iter().chain(BY_US) {
        let error = from_observation(&mutant(*change).line()).expect_err(name);
        assert_eq!(kind(&error), *wanted, "{name}: {error}");
        assert!(
            !error.to_string().contains("128"),
            "{name}: an error holds no value"
        );
    }
}

/// `TELEWARD_GOLDEN=write` writes them anew.
#[test]
fn the_golden_mutants_are_these() {
    let folder = folder().join("refused");
    let of_weight = |change: Change| {
        let mut mutant = base("device-weight");
        change(&mut mutant);
        mutant
    };
    let panel = BY_ALL
        .iter()
        .map(|(name, _, change)| (*name, mutant(*change)));
    let numeric = NUMERIC
        .iter()
        .map(|(name, _, change)| (*name, of_weight(*change)));
    for (name, mutant) in panel.chain(numeric) {
        let path = folder.join(format!("{name}.json"));
        let pretty = mutant.pretty();
        if std::env::var_os("TELEWARD_GOLDEN").is_some() {
            std::fs::write(&path, &pretty).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(golden == pretty, "{name} differs from its golden file");
        assert!(from_observation(&golden).is_err(), "{name}");
    }
    let others = |file: &std::fs::DirEntry| {
        let name = file.file_name();
        !name.to_string_lossy().starts_with("observation-")
    };
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let count = files.filter(others).count();
    assert_eq!(count, BY_ALL.len() + NUMERIC.len());
}

#[test]
fn duplicates_and_a_typed_reading_that_claims_a_device_are_refused() {
    let line = to_observation(&least(), LINK, &gateway());
    let twice = line.replacen('{', r#"{"status":"final","#, 1);
    assert_eq!(kind(&from_observation(&twice).unwrap_err()), "Json");
    let typed = to_observation(&typed(PressureUnit::MmHg, None), LINK, &gateway());
    let profile = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdCompoundNumericObservation";
    let claims = typed.replacen(r#""profile":["#, &format!(r#""profile":["{profile}","#), 1);
    assert_eq!(kind(&from_observation(&claims).unwrap_err()), "Profile");
}

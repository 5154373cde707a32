//! Observations of a health sensor with one fault each: refused by the fault's own error. Those under
//! `tests/golden/fhir/refused/` an outside judge refuses as well.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod common;

use common::mutants::*;
use common::*;
use teleward_reading::json::Json;
use teleward_reading::*;

/// The golden file that is spoilt, name, error, and the change: to be refused by us and by any validator.
const OBSERVED: &[(&str, &str, &str, Change)] = &[
    (
        "device-observation",
        "observation-two-values",
        "TwoOfAChoice",
        |j| set(j, "", "valueString", text("fast")),
    ),
    (
        "device-observation",
        "observation-unit-not-ucum",
        "BadUnit",
        |j| set(j, "valueQuantity", "code", text("breaths")),
    ),
    (
        "device-observation-compound",
        "observation-compound-unit-without-system",
        "UnitWithoutSystem",
        |j| cut(j, QUANTITY, "system"),
    ),
    (
        "device-observation-samples",
        "observation-samples-no-origin",
        "Missing",
        |j| cut(j, "valueSampledData", "origin"),
    ),
    (
        "device-observation-samples",
        "observation-samples-no-period",
        "Missing",
        |j| cut(j, "valueSampledData", "period"),
    ),
    (
        "device-observation-samples",
        "observation-samples-no-dimensions",
        "Missing",
        |j| cut(j, "valueSampledData", "dimensions"),
    ),
    (
        "device-observation-samples",
        "observation-samples-no-number-of-dimensions",
        "BadValue",
        |j| set(j, "valueSampledData", "dimensions", number("0")),
    ),
    (
        "device-observation-samples",
        "observation-samples-as-a-list",
        "WrongType",
        |j| set(j, "valueSampledData", "data", Json::List(vec![number("1")])),
    ),
    (
        "device-observation-samples",
        "observation-samples-unit-without-system",
        "UnitWithoutSystem",
        |j| cut(j, "valueSampledData.origin", "system"),
    ),
    (
        "device-observation-code",
        "observation-code-and-absent",
        "ValueAndAbsent",
        |j| {
            let reason = Json::object([("system", text(ABSENT)), ("code", text("error"))]);
            let reason = Json::object([("coding", Json::List(vec![reason]))]);
            set(j, "", "dataAbsentReason", reason);
        },
    ),
];

/// To be refused by us: legal FHIR perhaps, and not what a health sensor observed.
const OBSERVED_BY_US: &[(&str, &str, &str, Change)] = &[
    ("device-observation", "a battery", "BadCode", |j| {
        set(j, "code.coding.0", "code", text("67996"))
    }),
    ("device-observation", "no code of MDC", "BadCode", |j| {
        set(j, "code.coding.0", "system", text("http://loinc.org"))
    }),
    ("device-observation", "a code with a sign", "BadCode", |j| {
        set(j, "code.coding.0", "code", text("+151562"))
    }),
    ("device-observation", "other words", "NotOurs", |j| {
        set(j, "code", "text", text("Pulse"))
    }),
    (
        "device-observation",
        "a unit of no observation",
        "BadUnit",
        |j| set(j, "valueQuantity", "code", text("[stone_av]")),
    ),
    (
        "device-observation",
        "a unit beside another",
        "NotOurs",
        |j| own(j, "unit", "valueCode", text("L/min")),
    ),
    (
        "device-observation",
        "the profile of samples",
        "Profile",
        |j| {
            let profile = at(j, "meta.profile.0").as_text().unwrap().to_owned();
            let other = profile.replace("PhdNumeric", "PhdRtsa");
            set(j, "meta", "profile", Json::List(vec![text(&other)]));
        },
    ),
    ("device-observation", "no device", "Profile", |j| {
        cut(j, "", "device")
    }),
    (
        "device-observation-failed",
        "no number, no reason",
        "BadCode",
        |j| set(j, "dataAbsentReason.coding.0", "code", text("unknown")),
    ),
    (
        "device-observation-compound",
        "a part twice",
        "BadCode",
        |j| {
            let code = at(j, "component.0.code").clone();
            set(j, "component.1", "code", code);
        },
    ),
    (
        "device-observation-compound",
        "a part without a unit",
        "BadValue",
        |j| own(j, "units", "valueString", text("L L/min")),
    ),
    (
        "device-observation-compound",
        "a part without a value",
        "NoValue",
        |j| cut(j, "component.0", "valueQuantity"),
    ),
    (
        "device-observation-compound",
        "units in another order",
        "NotOurs",
        |j| own(j, "units", "valueString", text("L/min L %")),
    ),
    (
        "device-observation-samples",
        "a sample that is none",
        "BadValue",
        |j| set(j, "valueSampledData", "data", text("400 E 405")),
    ),
    (
        "device-observation-samples",
        "a sample below zero",
        "BadValue",
        |j| set(j, "valueSampledData", "data", text("400 -1 405")),
    ),
    (
        "device-observation-samples",
        "half a period",
        "BadValue",
        |j| set(j, "valueSampledData", "dimensions", number("3")),
    ),
    (
        "device-observation-samples",
        "no time between",
        "BadValue",
        |j| set(j, "valueSampledData", "period", number("0")),
    ),
    (
        "device-observation-samples",
        "too many samples",
        "BadValue",
        |j| {
            set(
                j,
                "valueSampledData",
                "data",
                text(&["0"; MOST_SAMPLES + 1].join(" ")),
            )
        },
    ),
    (
        "device-observation-samples",
        "limits that no sensor sent",
        "UnknownElement",
        |j| set(j, "valueSampledData", "lowerLimit", number("0")),
    ),
    (
        "device-observation-code",
        "an answer that is no code",
        "BadCode",
        |j| set(j, "valueCodeableConcept.coding.0", "code", text("yes")),
    ),
    ("device-weight", "samples of a weight", "BadUnit", |j| {
        let samples = base("device-observation-samples");
        let sampled = samples.get("valueSampledData").unwrap().clone();
        cut(j, "", "valueQuantity");
        set(j, "", "valueSampledData", sampled);
    }),
];

/// REQ-READING-053: an observation with a fault is refused by the fault's own error, and never read half.
#[test]
fn mutants_of_observations_are_refused_by_their_own_error() {
    for (of, name, wanted, change) in OBSERVED.iter().chain(OBSERVED_BY_US) {
        let mut mutant = base(of);
        change(&mut mutant);
        let error = from_observation(&mutant.line()).expect_err(name);
        assert_eq!(kind(&error), *wanted, "{name}: {error}");
    }
}

/// `TELEWARD_GOLDEN=write` writes them anew.
#[test]
fn the_golden_mutants_of_observations_are_these() {
    let folder = folder().join("refused");
    for (of, name, _, change) in OBSERVED {
        let mut mutant = base(of);
        change(&mut mutant);
        let path = folder.join(format!("{name}.json"));
        let pretty = mutant.pretty();
        if std::env::var_os("TELEWARD_GOLDEN").is_some() {
            std::fs::write(&path, &pretty).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(golden == pretty, "{name} differs from its golden file");
        assert!(from_observation(&golden).is_err(), "{name}");
    }
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let ours = |file: &std::fs::DirEntry| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("observation-")
    };
    assert_eq!(files.filter(ours).count(), OBSERVED.len());
}

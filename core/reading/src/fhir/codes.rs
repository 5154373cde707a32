//! Codes and system names. LOINC and FHIR: R4 4.0.1 vital signs; MDC: ISO/IEEE 11073-10101, 32-bit, as in HL7's
//! Personal Health Device guide 2.0.0.

use crate::{Kind, Number};

pub const EXTENSION: &str = "urn:teleward:fhir:reading:1";

pub const MDC: &str = "urn:iso:std:iso:11073:10101";
pub const LOINC: &str = "http://loinc.org";
pub const UCUM: &str = "http://unitsofmeasure.org";
pub const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub const PHD_CATEGORY: &str = "http://hl7.org/fhir/uv/phd/CodeSystem/PhdObservationCategories";
pub const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
pub const ABSENT_EXTENSION: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
pub const BITS: &str = "http://terminology.hl7.org/CodeSystem/ASN1ToHL7";
pub const DEVICE_IDS: &str = "http://terminology.hl7.org/CodeSystem/ContinuaDeviceIdentifiers";

pub const COMPOUND_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdCompoundNumericObservation";
pub const NUMERIC_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdNumericObservation";
pub const SAMPLES_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdRtsaObservation";
pub const CODED_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdCodedEnumerationObservation";
pub const COINCIDENT_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdCoincidentTimeStampObservation";
pub const PHD_PROFILE: &str = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice";
pub const PHG_PROFILE: &str = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhgDevice";
pub const BP_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/bp";
pub const WEIGHT_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/bodyweight";
pub const TEMPERATURE_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/bodytemp";
pub const OXYGEN_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/oxygensat";
pub const HEART_RATE_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/heartrate";

pub const GATEWAY_EXTENSION: &str =
    "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice";
pub const COINCIDENT_EXTENSION: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/CoincidentTimeStampReference";

pub const IDENTIFIER_SYSTEM: &str = "urn:ietf:rfc:3986";
pub const READING_URN: &str = "urn:teleward:reading:";
pub const LINK_SYSTEM: &str = "urn:teleward:link";
pub const INSTALL_SYSTEM: &str = "urn:teleward:install";
pub const DEVICE_SYSTEM: &str = "urn:teleward:device";
/// EUI-64, as the device guide names it.
pub const EUI64_SYSTEM: &str = "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680";
pub const BLUETOOTH_SYSTEM: &str = "http://hl7.org/fhir/sid/eui-48/bluetooth";

/// MDC_ATTR_TIME_ABS: a wall clock without zone.
pub const WALL_CLOCK: &str = "67975";
/// The same of a counter.
pub const COUNTER: &str = "67983";
/// MDC_MOC_VMS_MDS_SIMP: a personal health device.
pub const SIMPLE_DEVICE: &str = "65573";
/// MDC_MOC_VMS_MDS_AHD: a gateway.
pub const GATEWAY: &str = "531981";
/// MDC_DEV_SPEC_PROFILE_GENERIC.
pub const GENERIC_DEVICE: &str = "528457";
/// MDC_ID_PROD_SPEC_HW, _SW, _FW.
pub const HARDWARE: &str = "531974";
pub const SOFTWARE: &str = "531975";
pub const FIRMWARE: &str = "531976";

/// The label of what a demonstration or a test made.
pub const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/// The device guide's profile for a kind; that of an observation follows from its value.
pub const fn device_profile(kind: Kind) -> &'static str {
    match super::kinds::form(kind).panel {
        Some(_) => COMPOUND_PROFILE,
        None => NUMERIC_PROFILE,
    }
}

/// The part of our extension that holds a coded statement or status bits: `sample_type` is `sampleType`.
pub fn part_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut out, word| {
        out.extend(word.chars().next().map(|c| c.to_ascii_uppercase()));
        out.extend(word.chars().skip(1));
        out
    })
}

/// The reasons where a kind's main number is not given: the record has none, or it is no patient's.
pub const NOT_THERE: &str = "unknown";
pub const NOT_A_PATIENTS: &str = "not-applicable";

/// Why a number is not there: one code for each special value, so that they can be told apart again.
pub const fn absent(number: Number) -> Option<&'static str> {
    match number {
        Number::Value(_) => None,
        Number::NotANumber => Some("not-a-number"),
        Number::PlusInfinity => Some("positive-infinity"),
        Number::MinusInfinity => Some("negative-infinity"),
        Number::NotAtThisResolution => Some("unsupported"),
        Number::Reserved => Some("error"),
    }
}

/// The special value of a reason.
pub fn special(code: &str) -> Option<Number> {
    [
        Number::NotANumber,
        Number::PlusInfinity,
        Number::MinusInfinity,
        Number::NotAtThisResolution,
        Number::Reserved,
    ]
    .into_iter()
    .find(|number| absent(*number) == Some(code))
}

/// A status bit in the guide's code system (`ASN1ToHL7`), by the name of what is said. Not all have one.
pub fn status_bit(kind: Kind, flag: &str) -> Option<(&'static str, &'static str)> {
    let table = match kind {
        Kind::BloodPressure => BLOOD_PRESSURE_STATUS,
        Kind::Spo2 => OXIMETER_STATUS,
        Kind::Glucose => METER_STATUS,
        _ => return None,
    };
    let found = table.iter().find(|(known, ..)| *known == flag);
    found.map(|(_, code, text)| (*code, *text))
}

/// MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS.
const BLOOD_PRESSURE_STATUS: &[(&str, &str, &str)] = &[
    ("body_movement", "8410608.0", "body-movement"),
    ("cuff_too_loose", "8410608.1", "cuff-too-loose"),
    ("irregular_pulse", "8410608.2", "irregular-pulse"),
    (
        "pulse_rate_above_range",
        "8410608.3",
        "pulse-over-range-limit",
    ),
    (
        "pulse_rate_below_range",
        "8410608.4",
        "pulse-under-range-limit",
    ),
    ("improper_position", "8410608.5", "improper-body-position"),
];

/// MDC_PULS_OXIM_DEV_STATUS.
const OXIMETER_STATUS: &[(&str, &str, &str)] = &[
    ("sensor_disconnected", "150604.0", "sensor-disconnected"),
    ("sensor_malfunctioning", "150604.1", "sensor-malfunction"),
    ("sensor_displaced", "150604.2", "sensor-displaced"),
    ("unknown_sensor", "150604.3", "sensor-unsupported"),
    ("sensor_unconnected", "150604.4", "sensor-off"),
    ("sensor_interference", "150604.5", "sensor-interference"),
    ("signal_analysis_ongoing", "150604.6", "signal-searching"),
    (
        "questionable_pulse",
        "150604.7",
        "signal-pulse-questionable",
    ),
    ("nonpulsatile_signal", "150604.8", "signal-non-pulsatile"),
    ("erratic_signal", "150604.9", "signal-erratic"),
    ("low_perfusion", "150604.10", "signal-low-perfusion"),
    ("poor_signal", "150604.11", "signal-poor"),
    ("inadequate_signal", "150604.12", "signal-inadequate"),
    (
        "signal_processing_irregularity",
        "150604.13",
        "signal-processing-irregularity",
    ),
    (
        "equipment_malfunction",
        "150604.14",
        "device-equipment-malfunction",
    ),
    (
        "extended_display_update",
        "150604.15",
        "device-extended-update",
    ),
];

/// MDC_GLU_METER_DEV_STATUS; it has no bit for a time fault.
const METER_STATUS: &[(&str, &str, &str)] = &[
    ("device_battery_low", "8417752.0", "device-battery-low"),
    ("sensor_malfunction", "8417752.1", "sensor-malfunction"),
    (
        "sample_insufficient",
        "8417752.2",
        "sensor-sample-size-insufficient",
    ),
    (
        "strip_insertion_error",
        "8417752.3",
        "sensor-strip-insertion",
    ),
    (
        "strip_type_incorrect",
        "8417752.4",
        "sensor-strip-type-incorrect",
    ),
    ("result_too_high", "8417752.5", "sensor-result-too-high"),
    ("result_too_low", "8417752.6", "sensor-result-too-low"),
    ("temperature_too_high", "8417752.7", "sensor-temp-too-high"),
    ("temperature_too_low", "8417752.8", "sensor-temp-too-low"),
    ("read_interrupted", "8417752.9", "sensor-read-interrupt"),
    ("general_device_fault", "8417752.10", "device-gen-fault"),
];

/// Reasons that FHIR R4 knows (`data-absent-reason`, required in the device guide).
pub const ABSENT_CODES: [&str; 15] = [
    "unknown",
    "asked-unknown",
    "temp-unknown",
    "not-asked",
    "asked-declined",
    "masked",
    "not-applicable",
    "unsupported",
    "as-text",
    "error",
    "not-a-number",
    "negative-infinity",
    "positive-infinity",
    "not-performed",
    "not-permitted",
];

/// `observation-status`, required.
pub const STATUSES: [&str; 8] = [
    "registered",
    "preliminary",
    "final",
    "amended",
    "corrected",
    "cancelled",
    "entered-in-error",
    "unknown",
];

//! Codes and system names. LOINC and FHIR: R4 4.0.1 vital signs; MDC: ISO/IEEE 11073-10101, 32-bit, as in HL7's
//! Personal Health Device guide 2.0.0.

use crate::{Number, StatusFlag};

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
pub const COINCIDENT_PROFILE: &str =
    "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdCoincidentTimeStampObservation";
pub const PHD_PROFILE: &str = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice";
pub const PHG_PROFILE: &str = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhgDevice";
pub const BP_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/bp";

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
/// MDC_MOC_VMS_MDS_SIMP: a personal health device.
pub const SIMPLE_DEVICE: &str = "65573";
/// MDC_MOC_VMS_MDS_AHD: a gateway.
pub const GATEWAY: &str = "531981";
/// MDC_DEV_SPEC_PROFILE_BP.
pub const BP_DEVICE: &str = "528391";
/// MDC_DEV_SPEC_PROFILE_GENERIC.
pub const GENERIC_DEVICE: &str = "528457";
/// MDC_ID_PROD_SPEC_HW, _SW, _FW.
pub const HARDWARE: &str = "531974";
pub const SOFTWARE: &str = "531975";
pub const FIRMWARE: &str = "531976";

/// A measured number of the panel: its two codes and what it is called.
pub struct Item {
    pub mdc: &'static str,
    pub loinc: &'static str,
    pub text: &'static str,
}

/// MDC_PRESS_BLD_NONINV.
pub const PANEL: Item = Item {
    mdc: "150020",
    loinc: "85354-9",
    text: "Blood pressure",
};
/// MDC_PRESS_BLD_NONINV_SYS.
pub const SYSTOLIC: Item = Item {
    mdc: "150021",
    loinc: "8480-6",
    text: "Systolic blood pressure",
};
/// MDC_PRESS_BLD_NONINV_DIA.
pub const DIASTOLIC: Item = Item {
    mdc: "150022",
    loinc: "8462-4",
    text: "Diastolic blood pressure",
};
/// MDC_PRESS_BLD_NONINV_MEAN.
pub const MEAN: Item = Item {
    mdc: "150023",
    loinc: "8478-0",
    text: "Mean blood pressure",
};
/// MDC_PULS_RATE_NON_INV: the pulse as a cuff counts it.
pub const PULSE: Item = Item {
    mdc: "149546",
    loinc: "8867-4",
    text: "Heart rate",
};
pub const PER_MINUTE: &str = "/min";

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

/// MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS, bit by bit, in the guide's code system.
pub const fn status_bit(flag: StatusFlag) -> (&'static str, &'static str) {
    match flag {
        StatusFlag::BodyMovement => ("8410608.0", "body-movement"),
        StatusFlag::CuffTooLoose => ("8410608.1", "cuff-too-loose"),
        StatusFlag::IrregularPulse => ("8410608.2", "irregular-pulse"),
        StatusFlag::PulseRateAboveRange => ("8410608.3", "pulse-over-range-limit"),
        StatusFlag::PulseRateBelowRange => ("8410608.4", "pulse-under-range-limit"),
        StatusFlag::ImproperPosition => ("8410608.5", "improper-body-position"),
    }
}

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

//! How each kind is written in FHIR: its codes, its units, its category, and which profile of FHIR itself it may claim.
//!
//! LOINC and FHIR: R4 4.0.1 vital signs; MDC: ISO/IEEE 11073-10101, 32-bit, as in HL7's Personal Health Device guide
//! 2.0.0 and the device specializations 11073-104xx. `docs/formats/observation.md` lists them.

use super::codes::{
    BP_PROFILE, GENERIC_DEVICE, HEART_RATE_PROFILE, LOINC, MDC, OXYGEN_PROFILE,
    TEMPERATURE_PROFILE, WEIGHT_PROFILE,
};
use crate::{Kind, Parts};

/// One number of a kind: its codes, what it is called, and its units.
pub struct Item {
    /// Its name in [`Parts`].
    pub name: &'static str,
    /// Its MDC code, where there is one.
    pub mdc: Option<&'static str>,
    /// Its LOINC codes.
    pub loinc: &'static [&'static str],
    /// In words.
    pub text: &'static str,
    /// UCUM codes that it may have.
    pub units: &'static [&'static str],
}

/// What kind of observation it is, for FHIR.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// One of FHIR's vital signs.
    VitalSigns,
    /// What a laboratory would measure, too.
    Laboratory,
    /// Neither.
    Exam,
}

impl Category {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::VitalSigns => "vital-signs",
            Self::Laboratory => "laboratory",
            Self::Exam => "exam",
        }
    }
}

/// How a kind is written.
pub struct Form {
    /// MDC_DEV_SPEC_PROFILE of its devices.
    pub device: &'static str,
    /// Its category.
    pub category: Category,
    /// What a panel is called. Without one, the first item is the observation's own value, and the rest are components.
    pub panel: Option<Item>,
    /// Its numbers, the main one first.
    pub items: &'static [Item],
    /// The coded statements that it can make.
    pub coded: &'static [&'static str],
    /// Its numbers in a row.
    pub series: &'static [&'static str],
    /// Its status bits, and how many bytes they have.
    pub bits: &'static [(&'static str, usize)],
}

impl Form {
    /// The item that is the observation's own value.
    pub fn value(&self) -> Option<&'static Item> {
        self.items.first().filter(|_| self.panel.is_none())
    }

    /// The items that are components.
    pub fn components(&self) -> &'static [Item] {
        let own = usize::from(self.panel.is_none());
        self.items.get(own..).unwrap_or_default()
    }

    /// The item of a name.
    pub fn item(&self, name: &str) -> Option<&'static Item> {
        self.items.iter().find(|item| item.name == name)
    }
}

const PRESSURE: &[&str] = &["mm[Hg]", "kPa"];
pub const PER_MINUTE: &str = "/min";

/// MDC_PRESS_BLD_NONINV and its parts; MDC_PULS_RATE_NON_INV: the pulse as a cuff counts it.
const BLOOD_PRESSURE: Form = Form {
    device: "528391",
    category: Category::VitalSigns,
    panel: Some(Item {
        name: "blood_pressure",
        mdc: Some("150020"),
        loinc: &["85354-9"],
        text: "Blood pressure",
        units: PRESSURE,
    }),
    items: &[
        Item {
            name: "systolic",
            mdc: Some("150021"),
            loinc: &["8480-6"],
            text: "Systolic blood pressure",
            units: PRESSURE,
        },
        Item {
            name: "diastolic",
            mdc: Some("150022"),
            loinc: &["8462-4"],
            text: "Diastolic blood pressure",
            units: PRESSURE,
        },
        Item {
            name: "mean_arterial",
            mdc: Some("150023"),
            loinc: &["8478-0"],
            text: "Mean blood pressure",
            units: PRESSURE,
        },
        Item {
            name: "pulse_rate",
            mdc: Some("149546"),
            loinc: &["8867-4"],
            text: "Heart rate",
            units: &[PER_MINUTE],
        },
    ],
    coded: &[],
    series: &[],
    bits: &[("status", 2)],
};

const MASS: &[&str] = &["kg", "[lb_av]"];
const LENGTH: &[&str] = &["cm", "[in_i]"];
const PERCENT: &[&str] = &["%"];

/// MDC_MASS_BODY_ACTUAL, MDC_RATIO_MASS_BODY_LEN_SQ, MDC_LEN_BODY_ACTUAL (11073-10415).
const WEIGHT: Form = Form {
    device: "528399",
    category: Category::VitalSigns,
    panel: None,
    items: &[
        Item {
            name: "weight",
            mdc: Some("188736"),
            loinc: &["29463-7"],
            text: "Body weight",
            units: MASS,
        },
        Item {
            name: "bmi",
            mdc: Some("188752"),
            loinc: &["39156-5"],
            text: "Body mass index",
            units: &["kg/m2"],
        },
        Item {
            name: "height",
            mdc: Some("188740"),
            loinc: &["8302-2"],
            text: "Body height",
            units: LENGTH,
        },
    ],
    coded: &[],
    series: &[],
    bits: &[],
};

/// MDC_TEMP_BODY (11073-10408).
const TEMPERATURE: Form = Form {
    device: "528392",
    category: Category::VitalSigns,
    panel: None,
    items: &[Item {
        name: "temperature",
        mdc: Some("150364"),
        loinc: &["8310-5"],
        text: "Body temperature",
        units: &["Cel", "[degF]"],
    }],
    coded: &["site"],
    series: &[],
    bits: &[],
};

/// MDC_PULS_OXIM_SAT_O2, MDC_PULS_OXIM_PULS_RATE, MDC_SAT_O2_QUAL (11073-10404).
const SPO2: Form = Form {
    device: "528388",
    category: Category::VitalSigns,
    panel: None,
    items: &[
        Item {
            name: "spo2",
            mdc: Some("150456"),
            loinc: &["2708-6", "59408-5"],
            text: "Oxygen saturation",
            units: PERCENT,
        },
        Item {
            name: "pulse_rate",
            mdc: Some("149530"),
            loinc: &["8867-4"],
            text: "Heart rate",
            units: &[PER_MINUTE],
        },
        Item {
            name: "pulse_amplitude_index",
            mdc: Some("150320"),
            loinc: &["61006-3"],
            text: "Pulse amplitude index",
            units: PERCENT,
        },
    ],
    coded: &[],
    series: &[],
    bits: &[("measurement_status", 2), ("device_status", 3)],
};

/// MDC_CONC_GLU_…, and the contexts of 11073-10417. The codes of the value follow from sample and unit: [`codings`].
const GLUCOSE: Form = Form {
    device: "528401",
    category: Category::Laboratory,
    panel: None,
    items: &[
        Item {
            name: "glucose",
            mdc: Some("160020"),
            loinc: &[],
            text: "Glucose",
            units: &["mg/dL", "mmol/L"],
        },
        Item {
            name: "carbohydrate",
            mdc: Some("8417764"),
            loinc: &[],
            text: "Carbohydrates eaten",
            units: &["g"],
        },
        Item {
            name: "exercise_duration",
            mdc: None,
            loinc: &["55411-3"],
            text: "Exercise duration",
            units: &["s"],
        },
        Item {
            name: "exercise_intensity",
            mdc: Some("8417760"),
            loinc: &[],
            text: "Exercise intensity",
            units: PERCENT,
        },
        Item {
            name: "medication",
            mdc: Some("8417796"),
            loinc: &[],
            text: "Medication",
            units: &["mg", "mL"],
        },
        Item {
            name: "hba1c",
            mdc: Some("160220"),
            loinc: &["4548-4"],
            text: "HbA1c",
            units: PERCENT,
        },
    ],
    coded: &[
        "sample_type",
        "sample_location",
        "time_offset_min",
        "carbohydrate_id",
        "meal",
        "tester",
        "health",
        "medication_id",
        "medication_unit",
        "context",
    ],
    series: &[],
    bits: &[("status", 2)],
};

/// MDC_ECG_HEART_RATE (11073-10406).
const HEART_RATE: Form = Form {
    device: "528525",
    category: Category::VitalSigns,
    panel: None,
    items: &[Item {
        name: "heart_rate",
        mdc: Some("147842"),
        loinc: &["8867-4"],
        text: "Heart rate",
        units: &[PER_MINUTE],
    }],
    coded: &["contact", "energy_kj"],
    series: &["rr_1024"],
    bits: &[],
};

/// The metrics of 11073-10420; basal metabolism, muscle and impedance as later editions of 11073-10101 have them.
const BODY_COMPOSITION: Form = Form {
    device: "528404",
    category: Category::Exam,
    panel: None,
    items: &[
        Item {
            name: "fat_percent",
            mdc: Some("188748"),
            loinc: &["41982-0"],
            text: "Body fat percentage",
            units: PERCENT,
        },
        Item {
            name: "basal_metabolism",
            mdc: Some("188768"),
            loinc: &[],
            text: "Basal metabolism",
            units: &["kJ"],
        },
        Item {
            name: "muscle_percent",
            mdc: Some("188772"),
            loinc: &[],
            text: "Muscle percentage",
            units: PERCENT,
        },
        Item {
            name: "muscle_mass",
            mdc: Some("188776"),
            loinc: &["73964-9"],
            text: "Muscle mass",
            units: MASS,
        },
        Item {
            name: "fat_free_mass",
            mdc: Some("188756"),
            loinc: &[],
            text: "Fat free mass",
            units: MASS,
        },
        Item {
            name: "soft_lean_mass",
            mdc: Some("188760"),
            loinc: &[],
            text: "Soft lean mass",
            units: MASS,
        },
        Item {
            name: "body_water_mass",
            mdc: Some("188764"),
            loinc: &[],
            text: "Body water mass",
            units: MASS,
        },
        Item {
            name: "impedance",
            mdc: Some("188780"),
            loinc: &[],
            text: "Body impedance",
            units: &["Ohm"],
        },
        Item {
            name: "weight",
            mdc: Some("188736"),
            loinc: &["29463-7"],
            text: "Body weight",
            units: MASS,
        },
        Item {
            name: "height",
            mdc: Some("188740"),
            loinc: &["8302-2"],
            text: "Body height",
            units: LENGTH,
        },
    ],
    coded: &[],
    series: &[],
    bits: &[],
};

/// MDC_CONC_GLU_INTERSTITIAL and its like by the sensor's sample, MDC_CONC_GLU_TREND (11073-10425).
const GLUCOSE_CGM: Form = Form {
    device: "528409",
    category: Category::Laboratory,
    panel: None,
    items: &[
        Item {
            name: "glucose",
            mdc: Some("160212"),
            loinc: &[],
            text: "Glucose, continuously measured",
            units: &["mg/dL"],
        },
        Item {
            name: "trend",
            mdc: Some("8418008"),
            loinc: &[],
            text: "Glucose trend",
            units: &["mg/dL/min"],
        },
    ],
    coded: &["sample_type", "sample_location", "time_offset_min"],
    series: &["quality_percent"],
    bits: &[("status", 3)],
};

/// Whatever a health sensor observes: its codes are its own, `observed` writes them.
const OBSERVATION: Form = Form {
    device: GENERIC_DEVICE,
    category: Category::Exam,
    panel: None,
    items: &[],
    coded: &[],
    series: &[],
    bits: &[],
};

/// How a kind is written.
pub const fn form(kind: Kind) -> &'static Form {
    match kind {
        Kind::BloodPressure => &BLOOD_PRESSURE,
        Kind::Weight => &WEIGHT,
        Kind::Temperature => &TEMPERATURE,
        Kind::Spo2 => &SPO2,
        Kind::Glucose => &GLUCOSE,
        Kind::HeartRate => &HEART_RATE,
        Kind::BodyComposition => &BODY_COMPOSITION,
        Kind::GlucoseCgm => &GLUCOSE_CGM,
        Kind::Observation => &OBSERVATION,
    }
}

/// The codes of an item of this measurement: MDC for what a device measured, and LOINC.
pub fn codings(
    kind: Kind,
    item: &Item,
    parts: &Parts,
    by_device: bool,
) -> Vec<(&'static str, &'static str)> {
    let (mdc, loinc) = match (kind, item.name) {
        (Kind::Glucose, "glucose") => {
            let (mdc, loinc) = glucose(parts);
            (vec![mdc], loinc)
        }
        // A sensor that does not say what it measures measures what sensors measure.
        (Kind::GlucoseCgm, "glucose") => match coded(parts, "sample_type") {
            None | Some(0 | 9) => (vec!["160212"], vec!["99504-3"]),
            _ => {
                let (mdc, loinc) = glucose(parts);
                (vec![mdc], loinc)
            }
        },
        // Where it was taken makes it more special, and leaves what it is.
        (Kind::Temperature, _) => {
            let (mdc, loinc) = site(coded(parts, "site"));
            (
                item.mdc.into_iter().chain(mdc).collect(),
                item.loinc.iter().copied().chain(loinc).collect(),
            )
        }
        // LOINC's pressures are bound to mm[Hg] by FHIR, so that a device's kPa goes without them.
        (Kind::BloodPressure, name)
            if by_device && name != "pulse_rate" && parts.unit != Some("mm[Hg]") =>
        {
            (item.mdc.into_iter().collect(), Vec::new())
        }
        _ => (item.mdc.into_iter().collect(), item.loinc.to_vec()),
    };
    let mdc = mdc
        .into_iter()
        .filter(|_| by_device)
        .map(|code| (MDC, code));
    mdc.chain(loinc.into_iter().map(|code| (LOINC, code)))
        .collect()
}

fn coded(parts: &Parts, name: &str) -> Option<i32> {
    let found = parts.coded.iter().find(|coded| coded.name == name);
    found.map(|coded| coded.code)
}

/// MDC_TEMP_AXILLA and its like, and LOINC's codes for the sites that it knows by that name.
const fn site(code: Option<i32>) -> (Option<&'static str>, Option<&'static str>) {
    match code {
        Some(1) => (Some("188452"), Some("8328-7")),
        Some(3) => (Some("188428"), None),
        Some(4) => (Some("188432"), None),
        Some(5) => (Some("188456"), None),
        Some(6) => (Some("188424"), Some("8331-1")),
        Some(7) => (Some("188420"), Some("8332-9")),
        Some(8) => (Some("188448"), None),
        Some(9) => (Some("150392"), Some("8333-7")),
        _ => (None, None),
    }
}

/// MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD and its like; LOINC has a code for each quantity (mass or substance) and sample.
/// A control solution is no specimen of a patient.
fn glucose(parts: &Parts) -> (&'static str, Vec<&'static str>) {
    let mass = parts.unit == Some("mg/dL");
    let either = |of_mass, of_moles| vec![if mass { of_mass } else { of_moles }];
    let blood = || either("2339-0", "15074-8");
    let glucometer = || either("41653-7", "14743-9");
    let plasma = || either("2345-7", "14749-6");
    match coded(parts, "sample_type") {
        Some(1) => ("160184", glucometer()),
        Some(2) => ("160188", glucometer()),
        Some(3) => ("160192", blood()),
        Some(4) => ("160196", plasma()),
        Some(5) => ("160200", blood()),
        Some(6) => ("160204", plasma()),
        Some(7) => ("160364", blood()),
        Some(8) => ("160368", plasma()),
        Some(9) => ("160212", either("99504-3", "105272-9")),
        Some(10) => ("160208", Vec::new()),
        _ => ("160020", blood()),
    }
}

/// The profile of FHIR itself that it may claim. FHIR's `bp` (and every vital sign) knows no kPa.
pub fn core_profile(kind: Kind, parts: &Parts) -> Option<&'static str> {
    match kind {
        Kind::BloodPressure => (parts.unit == Some("mm[Hg]")).then_some(BP_PROFILE),
        Kind::Weight => Some(WEIGHT_PROFILE),
        Kind::Temperature => Some(TEMPERATURE_PROFILE),
        Kind::Spo2 => Some(OXYGEN_PROFILE),
        Kind::HeartRate => Some(HEART_RATE_PROFILE),
        Kind::Glucose | Kind::BodyComposition | Kind::GlucoseCgm | Kind::Observation => None,
    }
}

/// A coded statement that MDC has codes for: that of the question, and that of the answer.
pub fn statement(name: &str, code: i32) -> Option<(&'static str, &'static str)> {
    let (question, answers): (_, &[&str]) = match name {
        "sample_location" => (
            "8417844",
            &["", "8417848", "8417852", "8417856", "8417860", "8417849"],
        ),
        "meal" => (
            "8417864",
            &["", "8417868", "8417872", "8417876", "8417880", "8417869"],
        ),
        "tester" => ("8417884", &["", "8417888", "8417892", "8417896"]),
        "health" => (
            "8417820",
            &["", "8417824", "8417828", "8417832", "8417836", "8417840"],
        ),
        _ => return None,
    };
    let answer = answers.get(usize::try_from(code).ok()?).copied()?;
    (!answer.is_empty()).then_some((question, answer))
}

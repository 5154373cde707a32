//! Blood glucose: one record of a meter (Glucose Measurement, 0x2A18, GATT Specification Supplement) with its context,
//! or what a person says.

use crate::glucose_context::GlucoseContext;
use crate::parts::{Coded, Found, Gap, Value, bits, keep_out_of_logs};
use crate::{Doubt, GlucoseUnit, Number, Parts};
use serde::{Deserialize, Serialize};

/// One record. Build it with [`Glucose::sifted`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glucose {
    /// The concentration, in `unit`: HI and LO are the infinities. Nothing when the record has none, or when it was a
    /// control solution.
    pub concentration: Option<Number>,
    /// Its unit.
    pub unit: GlucoseUnit,
    /// What was measured: the standard's number (type of the sample).
    pub sample_type: Option<u8>,
    /// Where it was taken: the standard's number.
    pub sample_location: Option<u8>,
    /// Sensor Status Annunciation, the 16 bits as sent.
    pub status: Option<u16>,
    /// What the person added to the meter's clock, in minutes: the record's time is its base time and this.
    pub time_offset_min: Option<i16>,
    /// What the person told the meter about it.
    pub context: Option<GlucoseContext>,
}

const TOO_HIGH: u16 = 1 << 5;
const TOO_LOW: u16 = 1 << 6;
/// Sensor, strip, sample, temperature or meter failed: a number that stands beside it is not to be trusted.
const SPOILT: u16 = 0x079e;

const STATUS: [&str; 12] = [
    "device_battery_low",
    "sensor_malfunction",
    "sample_insufficient",
    "strip_insertion_error",
    "strip_type_incorrect",
    "result_too_high",
    "result_too_low",
    "temperature_too_high",
    "temperature_too_low",
    "read_interrupted",
    "general_device_fault",
    "time_fault",
];

const CONTROL_TYPE: u8 = 0x0a;
const CONTROL_LOCATION: u8 = 4;

const TYPES: [&str; 11] = [
    "",
    "capillary_whole_blood",
    "capillary_plasma",
    "venous_whole_blood",
    "venous_plasma",
    "arterial_whole_blood",
    "arterial_plasma",
    "undetermined_whole_blood",
    "undetermined_plasma",
    "interstitial_fluid",
    "control_solution",
];
const LOCATIONS: [&str; 16] = [
    "",
    "finger",
    "alternate_site",
    "earlobe",
    "control_solution",
    "subcutaneous",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "not_available",
];

keep_out_of_logs!(Glucose);

/// Whether either half says that it was a control solution: some meters say it in one half only.
pub(crate) fn is_control(of: Option<u8>, at: Option<u8>) -> bool {
    of == Some(CONTROL_TYPE) || at == Some(CONTROL_LOCATION)
}

/// What was measured and where, as coded statements.
pub(crate) fn sample(of: Option<u8>, at: Option<u8>) -> impl Iterator<Item = Coded> {
    let of = of.map(|code| Coded::of("sample_type", code, &TYPES));
    let at = at.map(|code| Coded::of("sample_location", code, &LOCATIONS));
    of.into_iter().chain(at)
}

impl Glucose {
    /// What is no reading stays out of the numbers: the concentration of a control solution, one that stands beside a
    /// failure, and the number that some meters send beside "result too high" or "too low", which stand as HI and LO.
    #[must_use]
    pub fn sifted(self) -> Self {
        let concentration = match (self.says(TOO_HIGH), self.says(TOO_LOW)) {
            _ if self.is_control() || self.says(SPOILT) => None,
            (true, true) => Some(Number::NotANumber),
            (true, false) => Some(Number::PlusInfinity),
            (false, true) => Some(Number::MinusInfinity),
            (false, false) => self.concentration,
        };
        Self {
            concentration,
            ..self
        }
    }

    /// Whether it was a control solution: never a patient's value.
    #[must_use]
    pub fn is_control(&self) -> bool {
        is_control(self.sample_type, self.sample_location)
    }

    fn says(&self, any: u16) -> bool {
        self.status.unwrap_or_default() & any != 0
    }

    pub(crate) fn parts(&self) -> Parts {
        let mut parts = Parts {
            values: vec![Value {
                name: "glucose".into(),
                number: self.concentration,
                unit: self.unit.ucum(),
            }],
            main: 1,
            unit: Some(self.unit.ucum()),
            ..Parts::default()
        };
        let (of, at) = (self.sample_type, self.sample_location);
        parts.coded.extend(sample(of, at));
        parts
            .coded
            .extend(self.time_offset_min.map(|minutes| Coded {
                name: "time_offset_min",
                code: minutes.into(),
                word: None,
            }));
        let status = self.status.map(u32::from);
        parts
            .bits
            .extend(status.map(|set| bits("status", set, 2, &STATUS)));
        if let Some(context) = &self.context {
            context.add_to(&mut parts);
        }
        parts
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            concentration: found.main("glucose")?,
            unit: found.unit(&GlucoseUnit::ALL, GlucoseUnit::ucum)?,
            sample_type: found.coded("sample_type")?,
            sample_location: found.coded("sample_location")?,
            status: found.bits("status")?,
            time_offset_min: found.coded("time_offset_min")?,
            context: GlucoseContext::from_parts(found)?,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        if self.is_control() {
            return vec![Doubt::ControlSolution];
        }
        Doubt::of_number(self.concentration).into_iter().collect()
    }
}

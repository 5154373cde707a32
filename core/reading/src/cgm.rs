//! Glucose as a sensor under the skin sends it every few minutes: one record (CGM Measurement, 0x2AA7, Continuous Glucose
//! Monitoring Service 1.0.2).

use crate::parts::{Coded, Found, Gap, Series, Value, bits, keep_out_of_logs, optional};
use crate::{Decimal, Doubt, Number, Parts, glucose};
use serde::{Deserialize, Serialize};

/// One record. Build it with [`GlucoseCgm::sifted`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlucoseCgm {
    /// mg/dL: LO and HI are the infinities. Nothing when the sensor says that it failed.
    pub concentration: Option<Number>,
    /// How fast it changes, mg/dL in a minute.
    pub trend: Option<Number>,
    /// How good the sensor thinks that it is, percent; nothing when it gives no number.
    pub quality_percent: Option<Decimal>,
    /// Minutes since the session of the sensor began.
    pub time_offset_min: u16,
    /// Sensor Status Annunciation, the 24 bits, an octet that was left out as zeros; nothing when all were left out.
    pub status: Option<u32>,
    /// What is measured: the standard's number (0x2AA8).
    pub sample_type: Option<u8>,
    /// Where: the standard's number.
    pub sample_location: Option<u8>,
}

/// Type incorrect, malfunction, fault; temperature too high, too low: a number beside it is not to be trusted.
const SPOILT: u32 = 0x00_30_2c;
const TOO_LOW: u32 = 0x40_00_00;
const TOO_HIGH: u32 = 0x80_00_00;
const CALIBRATION_REQUIRED: u32 = 0x00_08_00;

/// The bits of a sensor's status, from the lowest (octets 1 to 3 of the CGM Service); those without a name are reserved.
pub const CGM_STATUS: [&str; 24] = [
    "session_stopped",
    "device_battery_low",
    "sensor_type_incorrect",
    "sensor_malfunction",
    "device_specific_alert",
    "general_device_fault",
    "",
    "",
    "time_sync_required",
    "calibration_not_allowed",
    "calibration_recommended",
    "calibration_required",
    "temperature_too_high",
    "temperature_too_low",
    "calibration_pending",
    "",
    "below_patient_low",
    "above_patient_high",
    "below_hypo",
    "above_hyper",
    "rate_of_decrease_exceeded",
    "rate_of_increase_exceeded",
    "result_too_low",
    "result_too_high",
];

keep_out_of_logs!(GlucoseCgm);

impl GlucoseCgm {
    /// What is no reading stays out of the numbers: one that stands beside a failure, and the number beside "result too
    /// high" or "too low", which stand as HI and LO. An alert (below hypo, falling fast) is about a number and is none.
    #[must_use]
    pub fn sifted(self) -> Self {
        let concentration = match (self.says(TOO_HIGH), self.says(TOO_LOW)) {
            _ if self.is_spoilt() => None,
            (true, true) => Some(Number::NotANumber),
            (true, false) => Some(Number::PlusInfinity),
            (false, true) => Some(Number::MinusInfinity),
            (false, false) => self.concentration,
        };
        Self {
            concentration,
            trend: self.trend.filter(|_| !self.is_spoilt()),
            ..self
        }
    }

    /// A control solution is no patient's here either.
    fn is_spoilt(&self) -> bool {
        self.says(SPOILT) || self.is_control()
    }

    fn is_control(&self) -> bool {
        glucose::is_control(self.sample_type, self.sample_location)
    }

    fn says(&self, any: u32) -> bool {
        self.status.unwrap_or_default() & any != 0
    }

    pub(crate) fn parts(&self) -> Parts {
        let mut parts = Parts {
            values: vec![Value {
                name: "glucose".into(),
                number: self.concentration,
                unit: "mg/dL",
            }],
            main: 1,
            unit: Some("mg/dL"),
            ..Parts::default()
        };
        parts
            .values
            .extend(optional("trend", self.trend, "mg/dL/min"));
        parts
            .series
            .extend(self.quality_percent.map(|quality| Series {
                name: "quality_percent",
                numbers: vec![quality],
            }));
        let (of, at) = (self.sample_type, self.sample_location);
        parts.coded.extend(glucose::sample(of, at));
        parts.coded.push(Coded {
            name: "time_offset_min",
            code: self.time_offset_min.into(),
            word: None,
        });
        let status = self.status;
        parts
            .bits
            .extend(status.map(|set| bits("status", set, 3, &CGM_STATUS)));
        parts
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        // There is no choice of unit: what says another one is none of ours.
        found.unit(&["mg/dL"], |unit| unit)?;
        let quality = match found.series("quality_percent") {
            [] => None,
            [quality] => Some(*quality),
            _ => return Err(Gap::Code("quality_percent")),
        };
        Ok(Self {
            concentration: found.main("glucose")?,
            trend: found.number("trend"),
            quality_percent: quality,
            time_offset_min: found
                .coded("time_offset_min")?
                .ok_or(Gap::Code("time_offset_min"))?,
            status: found.bits("status")?,
            sample_type: found.coded("sample_type")?,
            sample_location: found.coded("sample_location")?,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        if self.is_control() {
            return vec![Doubt::ControlSolution];
        }
        let asks = self.says(CALIBRATION_REQUIRED);
        let number = Doubt::of_number(self.concentration).into_iter();
        number.chain(asks.then_some(Doubt::Questionable)).collect()
    }
}

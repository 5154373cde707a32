//! Oxygen saturation: one spot check of a pulse oximeter (PLX Spot-Check Measurement, 0x2A5E, Pulse Oximeter Service
//! 1.0.1), or what a person read off it.

use crate::parts::{Found, Gap, Value, bits, keep_out_of_logs, optional};
use crate::{Doubt, Number, Parts};
use serde::{Deserialize, Serialize};

/// One spot check. Build it with [`Oximetry::sifted`].
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oximetry {
    /// Oxygen saturation, percent. Nothing when the device says that it is no patient's or no measurement.
    pub spo2: Option<Number>,
    /// Beats per minute; 0 is no value.
    pub pulse_rate: Option<Number>,
    /// Pulse amplitude index, percent.
    pub pulse_amplitude_index: Option<Number>,
    /// Measurement Status, the 16 bits as sent.
    pub measurement_status: Option<u16>,
    /// Device and Sensor Status, the 24 bits as sent.
    pub device_status: Option<u32>,
}

const ONGOING: u16 = 1 << 5;
const EARLY: u16 = 1 << 6;
const DEMONSTRATION: u16 = 1 << 10;
const TEST: u16 = 1 << 11;
const CALIBRATION: u16 = 1 << 12;
const UNAVAILABLE: u16 = 1 << 13;
const QUESTIONABLE: u16 = 1 << 14;
const INVALID: u16 = 1 << 15;
/// Device status: the signal is still being analysed.
const ANALYSING: u32 = 1 << 9;
/// Device status: everything that spoils a measurement; bit 0 is only about the display.
const SPOILT: u32 = 0xffff & !1 & !ANALYSING;

/// The bits of an oximeter's Measurement Status, from the lowest (Pulse Oximeter Service); those without a name are
/// reserved.
pub const OXIMETER_MEASUREMENT_STATUS: [&str; 16] = [
    "",
    "",
    "",
    "",
    "",
    "measurement_ongoing",
    "early_estimated_data",
    "validated_data",
    "fully_qualified_data",
    "data_from_storage",
    "data_for_demonstration",
    "data_for_testing",
    "calibration_ongoing",
    "measurement_unavailable",
    "questionable_measurement",
    "invalid_measurement",
];

/// The bits of an oximeter's Device and Sensor Status, from the lowest; bits 16 to 23 are reserved.
pub const OXIMETER_DEVICE_STATUS: [&str; 16] = [
    "extended_display_update",
    "equipment_malfunction",
    "signal_processing_irregularity",
    "inadequate_signal",
    "poor_signal",
    "low_perfusion",
    "erratic_signal",
    "nonpulsatile_signal",
    "questionable_pulse",
    "signal_analysis_ongoing",
    "sensor_interference",
    "sensor_unconnected",
    "unknown_sensor",
    "sensor_displaced",
    "sensor_malfunctioning",
    "sensor_disconnected",
];

keep_out_of_logs!(Oximetry);

impl Oximetry {
    /// What is no reading stays out of the numbers: whatever a demonstration, a test or a calibration shows, what the
    /// device calls invalid or unavailable, and a saturation or pulse of 0: no pulse was found.
    #[must_use]
    pub fn sifted(self) -> Self {
        let no_pulse = |number: &Number| number.value().is_some_and(|pulse| pulse.mantissa() == 0);
        if self.says(DEMONSTRATION | TEST | CALIBRATION | UNAVAILABLE | INVALID) {
            return Self {
                spo2: None,
                pulse_rate: None,
                pulse_amplitude_index: None,
                ..self
            };
        }
        Self {
            spo2: self.spo2.filter(|spo2| !no_pulse(spo2)),
            pulse_rate: self.pulse_rate.filter(|pulse| !no_pulse(pulse)),
            ..self
        }
    }

    fn says(&self, any: u16) -> bool {
        self.measurement_status.unwrap_or_default() & any != 0
    }

    pub(crate) fn parts(&self) -> Parts {
        let mut values = vec![Value {
            name: "spo2".into(),
            number: self.spo2,
            unit: "%",
        }];
        values.extend(optional("pulse_rate", self.pulse_rate, "/min"));
        let amplitude = self.pulse_amplitude_index;
        values.extend(optional("pulse_amplitude_index", amplitude, "%"));
        let measurement = self.measurement_status.map(u32::from);
        let measurement =
            measurement.map(|set| bits("measurement_status", set, 2, &OXIMETER_MEASUREMENT_STATUS));
        let device = self.device_status;
        let device = device.map(|set| bits("device_status", set, 3, &OXIMETER_DEVICE_STATUS));
        Parts {
            values,
            main: 1,
            bits: measurement.into_iter().chain(device).collect(),
            ..Parts::default()
        }
    }

    pub(crate) fn from_parts(found: &Found) -> Result<Self, Gap> {
        Ok(Self {
            spo2: found.main("spo2")?,
            pulse_rate: found.number("pulse_rate"),
            pulse_amplitude_index: found.number("pulse_amplitude_index"),
            measurement_status: found.bits("measurement_status")?,
            device_status: found.bits("device_status")?,
        })
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let device = self.device_status.unwrap_or_default();
        let said = [
            (self.says(DEMONSTRATION | TEST), Doubt::NotFromPatient),
            (self.says(CALIBRATION), Doubt::Calibrating),
            (self.says(UNAVAILABLE | INVALID), Doubt::MeasurementFailed),
            (self.says(QUESTIONABLE), Doubt::Questionable),
            (
                self.says(ONGOING | EARLY) || device & ANALYSING != 0,
                Doubt::Preliminary,
            ),
            (device & SPOILT != 0, Doubt::Disturbed),
        ];
        let said = said.into_iter().filter(|(holds, _)| *holds);
        let said = said.map(|(_, doubt)| doubt);
        let said: Vec<Doubt> = said.collect();
        // Without a status that says why, a number that is none has failed.
        let explained = said.iter().any(|doubt| doubt.leaves_no_number());
        let number = Doubt::of_number(self.spo2).filter(|_| !explained);
        said.into_iter().chain(number).collect()
    }
}

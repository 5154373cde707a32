//! What comes in through commands.

use reading::{GlucoseUnit, MassUnit, Meal, PressureUnit, TemperatureUnit};
use wire::Time;

/// What a joiner may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinOptions {
    /// How the clinic's list calls this install ("Mum's phone"): at most 64 characters, no control characters.
    pub label: String,
}

/// A reading that a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualReading {
    /// 16 random bytes as 32 hex characters, made when the form was opened: the same draft twice is one reading.
    pub draft_id: String,
    /// When it was measured.
    pub measured_at: Time,
    /// What was measured.
    pub values: ManualValues,
}

/// The numbers of a form, as typed.
#[derive(Clone, PartialEq, Eq)]
pub enum ManualValues {
    /// Blood pressure.
    BloodPressure {
        /// The upper pressure in `unit`.
        systolic: String,
        /// The lower pressure in `unit`.
        diastolic: String,
        /// The unit of both.
        unit: PressureUnit,
        /// Beats a minute.
        pulse_rate: Option<String>,
    },
    /// Weight.
    Weight {
        /// The weight in `unit`.
        weight: String,
        /// Its unit.
        unit: MassUnit,
    },
    /// Body temperature.
    Temperature {
        /// The temperature in `unit`.
        temperature: String,
        /// Its unit.
        unit: TemperatureUnit,
    },
    /// Oxygen saturation.
    Spo2 {
        /// Percent.
        spo2: String,
        /// Beats a minute.
        pulse_rate: Option<String>,
    },
    /// Blood glucose.
    Glucose {
        /// The concentration in `unit`.
        concentration: String,
        /// Its unit.
        unit: GlucoseUnit,
        /// Before or after a meal, if said.
        meal: Option<Meal>,
    },
    /// Heart rate.
    HeartRate {
        /// Beats a minute.
        heart_rate: String,
    },
}

/// What a person typed stays out of logs.
impl std::fmt::Debug for ManualValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ManualValues")
    }
}

/// A frame that a shell took from a device itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The paired device it came from (`view(devices)`).
    pub device: String,
    /// The characteristic, as its 16-bit number.
    pub characteristic: u16,
    /// The bytes, as sent.
    pub bytes: Vec<u8>,
    /// When they arrived.
    pub received: Time,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The reading's id.
    pub reading: String,
    /// Whether it was new; the same record twice is one reading.
    pub new: bool,
}

/// A shell's hint about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// There is one, perhaps another than before: pauses end.
    Available,
    /// There is none: nothing is tried until there is one, or until the usual look at the queue.
    Gone,
}

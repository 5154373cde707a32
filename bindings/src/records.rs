//! What a shell passes in.

use crate::TelewardError;
use crate::radio::{self, Radio};
use device::{ForeignRadio, ScriptedRadio};
use std::sync::Arc;
use std::time::SystemTime;

/// What this install is to its patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Role {
    /// The patient's own phone.
    Patient,
    /// A caregiver's phone.
    Caregiver,
    /// A small box at home.
    Hub,
}

/// What reaches devices.
#[derive(Clone, uniffi::Enum)]
pub enum RadioChoice {
    /// Nothing: readings are typed, or frames are submitted.
    None,
    /// A script that replays devices, for tests and demonstrations.
    Scripted {
        /// The script file.
        path: String,
    },
    /// The shell's own, where the platform does better.
    Own {
        /// It.
        radio: Arc<dyn Radio>,
    },
}

impl std::fmt::Debug for RadioChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Scripted { .. } => "Scripted",
            Self::Own { .. } => "Own",
        })
    }
}

/// What a shell says once, when it opens the companion.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Config {
    /// The folder that is this install's alone.
    pub data_dir: String,
    /// The app's name, for the clinic.
    pub app_name: String,
    /// The app's version.
    pub app_version: String,
    /// The operating system.
    pub os: String,
    /// What this install is.
    #[uniffi(default = None)]
    pub role: Option<Role>,
    /// The patient's time zone (IANA name); the system's by default.
    #[uniffi(default = None)]
    pub zone: Option<String>,
    /// Further TLS authorities (PEM), for a clinic with its own.
    #[uniffi(default = None)]
    pub relay_roots_pem: Option<Vec<u8>>,
    /// What reaches devices; nothing by default.
    #[uniffi(default = None)]
    pub radio: Option<RadioChoice>,
}

impl From<&Config> for ::companion::Config {
    fn from(config: &Config) -> Self {
        let mut own = Self::new(&config.data_dir);
        own.app_name.clone_from(&config.app_name);
        own.app_version.clone_from(&config.app_version);
        own.os.clone_from(&config.os);
        own.role = match config.role.unwrap_or(Role::Patient) {
            Role::Patient => ::companion::Role::Patient,
            Role::Caregiver => ::companion::Role::Caregiver,
            Role::Hub => ::companion::Role::Hub,
        };
        own.zone.clone_from(&config.zone);
        own.relay_roots_pem.clone_from(&config.relay_roots_pem);
        own
    }
}

/// What a joiner may choose.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct JoinOptions {
    /// How the clinic's list calls this install: at most 64 characters.
    pub label: String,
}

/// The unit of a typed pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PressureUnit {
    /// Millimetres of mercury.
    MmHg,
    /// Kilopascal.
    KPa,
}

/// The unit of a typed weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum MassUnit {
    /// Kilogram.
    Kilogram,
    /// Pound.
    Pound,
}

/// The unit of a typed temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TemperatureUnit {
    /// Degree Celsius.
    Celsius,
    /// Degree Fahrenheit.
    Fahrenheit,
}

/// The unit of a typed glucose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum GlucoseUnit {
    /// Milligrams a decilitre.
    MilligramsPerDecilitre,
    /// Millimoles a litre.
    MillimolesPerLitre,
}

/// Before or after which meal a glucose was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Meal {
    /// Before a meal.
    Before,
    /// After a meal.
    After,
    /// Nothing eaten for long.
    Fasting,
    /// Neither.
    Casual,
    /// Before going to bed.
    Bedtime,
}

/// The numbers of a form, digits as typed.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ManualValues {
    /// Blood pressure.
    BloodPressure {
        /// The upper pressure.
        systolic: String,
        /// The lower pressure.
        diastolic: String,
        /// The unit of both.
        unit: PressureUnit,
        /// Beats a minute, if typed.
        pulse_rate: Option<String>,
    },
    /// Weight.
    Weight {
        /// The weight.
        weight: String,
        /// Its unit.
        unit: MassUnit,
    },
    /// Body temperature.
    Temperature {
        /// The temperature.
        temperature: String,
        /// Its unit.
        unit: TemperatureUnit,
    },
    /// Oxygen saturation.
    OxygenSaturation {
        /// Percent.
        spo2: String,
        /// Beats a minute, if typed.
        pulse_rate: Option<String>,
    },
    /// Blood glucose.
    Glucose {
        /// The concentration.
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

/// A reading that a person typed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ManualReading {
    /// 32 hex characters, made at random when the form was opened: the same draft twice is one reading.
    pub draft_id: String,
    /// When it was measured.
    pub measured_at: SystemTime,
    /// What was measured.
    pub values: ManualValues,
}

impl From<ManualReading> for ::companion::ManualReading {
    fn from(typed: ManualReading) -> Self {
        Self {
            draft_id: typed.draft_id,
            measured_at: time_in(typed.measured_at),
            values: typed.values.into(),
        }
    }
}

impl From<ManualValues> for ::companion::ManualValues {
    fn from(values: ManualValues) -> Self {
        match values {
            ManualValues::BloodPressure {
                systolic,
                diastolic,
                unit,
                pulse_rate,
            } => Self::BloodPressure {
                systolic,
                diastolic,
                unit: match unit {
                    PressureUnit::MmHg => reading::PressureUnit::MmHg,
                    PressureUnit::KPa => reading::PressureUnit::KPa,
                },
                pulse_rate,
            },
            ManualValues::Weight { weight, unit } => Self::Weight {
                weight,
                unit: match unit {
                    MassUnit::Kilogram => reading::MassUnit::Kilogram,
                    MassUnit::Pound => reading::MassUnit::Pound,
                },
            },
            ManualValues::Temperature { temperature, unit } => Self::Temperature {
                temperature,
                unit: match unit {
                    TemperatureUnit::Celsius => reading::TemperatureUnit::Celsius,
                    TemperatureUnit::Fahrenheit => reading::TemperatureUnit::Fahrenheit,
                },
            },
            ManualValues::OxygenSaturation { spo2, pulse_rate } => Self::Spo2 { spo2, pulse_rate },
            ManualValues::Glucose {
                concentration,
                unit,
                meal,
            } => Self::Glucose {
                concentration,
                unit: match unit {
                    GlucoseUnit::MilligramsPerDecilitre => {
                        reading::GlucoseUnit::MilligramsPerDecilitre
                    }
                    GlucoseUnit::MillimolesPerLitre => reading::GlucoseUnit::MillimolesPerLitre,
                },
                meal: meal.map(|meal| match meal {
                    Meal::Before => reading::Meal::Before,
                    Meal::After => reading::Meal::After,
                    Meal::Fasting => reading::Meal::Fasting,
                    Meal::Casual => reading::Meal::Casual,
                    Meal::Bedtime => reading::Meal::Bedtime,
                }),
            },
            ManualValues::HeartRate { heart_rate } => Self::HeartRate { heart_rate },
        }
    }
}

/// A frame that the shell took from a paired device itself.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Frame {
    /// The device (`view(devices)`).
    pub device: String,
    /// The characteristic's 16-bit number.
    pub characteristic: u16,
    /// The bytes, as sent.
    pub bytes: Vec<u8>,
    /// When they arrived.
    pub received: SystemTime,
}

impl From<Frame> for ::companion::Frame {
    fn from(frame: Frame) -> Self {
        Self {
            device: frame.device,
            characteristic: frame.characteristic,
            bytes: frame.bytes,
            received: time_in(frame.received),
        }
    }
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Submitted {
    /// The reading's id.
    pub reading: String,
    /// Whether it was new; the same record twice is one reading.
    pub is_new: bool,
}

/// A hint about the network; it only changes when things are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum NetworkHint {
    /// There is one, perhaps another than before.
    Available,
    /// There is none.
    Gone,
}

/// A system time as the core's, to the millisecond.
fn time_in(time: SystemTime) -> wire::Time {
    let ms = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    wire::Time::from_ms(ms)
}

/// The core's time as a system time.
pub(crate) fn time_out(time: wire::Time) -> SystemTime {
    let span = std::time::Duration::from_millis(time.ms().unsigned_abs());
    let moved = if time.ms() < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    moved.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Milliseconds from a shell as a span.
pub(crate) fn span(ms: u64) -> std::time::Duration {
    std::time::Duration::from_millis(ms)
}

/// A radio for the companion.
pub(crate) enum OpenRadio {
    /// None.
    None,
    /// One that replays a script.
    Scripted(ScriptedRadio),
    /// One that the shell drives.
    Own(ForeignRadio),
}

impl OpenRadio {
    pub(crate) fn new(choice: Option<&RadioChoice>) -> Result<Self, TelewardError> {
        let now = reading::Moment::from_ms(time_in(SystemTime::now()).ms());
        match choice {
            None | Some(RadioChoice::None) => Ok(Self::None),
            Some(RadioChoice::Own { radio }) => {
                radio::open(Arc::clone(radio), now.ms()).map(Self::Own)
            }
            Some(RadioChoice::Scripted { path }) => {
                let wrong = |what: &dyn std::fmt::Display| TelewardError::CorrectInput {
                    reason: format!("the radio script cannot be used: {what}"),
                };
                let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
                let script = device::Script::parse(&text).map_err(|e| wrong(&e))?;
                let radio = ScriptedRadio::new(script, now).map_err(|e| wrong(&e))?;
                Ok(Self::Scripted(radio))
            }
        }
    }

    /// For the core.
    pub(crate) fn port(&self) -> Option<Arc<dyn device::Radio>> {
        match self {
            Self::None => None,
            Self::Scripted(radio) => Some(Arc::new(radio.clone())),
            Self::Own(radio) => Some(Arc::new(radio.clone())),
        }
    }

    /// For what the shell hands back.
    pub(crate) fn own(&self) -> Result<&ForeignRadio, TelewardError> {
        match self {
            Self::Own(radio) => Ok(radio),
            Self::None | Self::Scripted(_) => Err(TelewardError::NotPossible {
                reason: "the companion was opened without a radio of the shell's own".to_owned(),
            }),
        }
    }
}

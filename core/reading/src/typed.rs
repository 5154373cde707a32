//! A reading that a person typed: it says so, and claims no device.

use crate::timing::{TimeBasis, Timing};
use crate::{
    BloodPressure, Decimal, Glucose, GlucoseContext, GlucoseUnit, HeartRate, MassUnit, Meal,
    Measurement, Moment, Number, Oximetry, PressureUnit, Reading, Source, Temperature,
    TemperatureUnit, TypedSource, Weight, typed_reading_id,
};

/// What the form holds.
#[derive(Clone, Copy)]
pub struct TypedForm {
    /// The install at which it is typed.
    pub install: [u8; 16],
    /// Random, drawn when the form was opened: saving twice makes one reading.
    pub draft: [u8; 16],
    /// What was measured.
    pub values: TypedValues,
    /// When it was measured, as the person says.
    pub measured: Moment,
    /// The phone's offset from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// When it was typed.
    pub typed: Moment,
}

/// The numbers of a form, digits as typed.
#[derive(Clone, Copy)]
pub enum TypedValues {
    /// Blood pressure.
    BloodPressure {
        /// The upper pressure.
        systolic: Decimal,
        /// The lower pressure.
        diastolic: Decimal,
        /// Beats per minute, if typed.
        pulse_rate: Option<Decimal>,
        /// The unit of both pressures.
        unit: PressureUnit,
    },
    /// Weight.
    Weight {
        /// The weight.
        weight: Decimal,
        /// Its unit.
        unit: MassUnit,
    },
    /// Body temperature.
    Temperature {
        /// The temperature.
        temperature: Decimal,
        /// Its unit.
        unit: TemperatureUnit,
    },
    /// Oxygen saturation.
    Spo2 {
        /// Percent.
        spo2: Decimal,
        /// Beats per minute, if typed.
        pulse_rate: Option<Decimal>,
    },
    /// Blood glucose.
    Glucose {
        /// The concentration.
        concentration: Decimal,
        /// Its unit.
        unit: GlucoseUnit,
        /// Before or after a meal, if said.
        meal: Option<Meal>,
    },
    /// Heart rate.
    HeartRate {
        /// Beats per minute.
        heart_rate: Decimal,
    },
}

/// What a person is asked to look at again before it is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// Zero, negative, or more than a person can have.
    #[error("this cannot be a blood pressure: check the numbers and the unit")]
    Pressure,
    /// Upper not above lower.
    #[error("the upper value must be above the lower one: are they swapped?")]
    Swapped,
    /// Zero, negative or above 350 a minute.
    #[error("this cannot be a pulse: leave it empty if it was not measured")]
    Pulse,
    /// No person has it.
    #[error("this cannot be a weight: check the number and the unit")]
    Weight,
    /// No person has it.
    #[error("this cannot be a body temperature: check the number and the unit")]
    Temperature,
    /// Not between 1 and 100.
    #[error("oxygen saturation is between 1 and 100 percent: check the number")]
    Spo2,
    /// No meter measures it.
    #[error("this cannot be a blood glucose: check the number and the unit")]
    Glucose,
    /// Later than now.
    #[error("the time of the measurement lies in the future: check date and time")]
    Future,
}

/// Above zero and at most this.
type Range = f64;

/// No cuff on the market measures above 300 mm Hg (40 kPa); the rest is a slip of the finger.
const MOST_MMHG: Range = 350.0;
const MOST_KPA: Range = 47.0;
const MOST_PULSE: Range = 350.0;
/// The heaviest person on record weighed 635 kg.
const MOST_KG: Range = 650.0;
const MOST_LB: Range = 1433.0;
/// Bodies have been revived from 11.8 °C, and survived 46.5 °C.
const CELSIUS: (Range, Range) = (10.0, 47.0);
const FAHRENHEIT: (Range, Range) = (50.0, 117.0);
/// Meters for the home end at 600 mg/dL (33.3 mmol/L), some at 900 (50).
const MOST_MG_DL: Range = 1000.0;
const MOST_MMOL_L: Range = 55.5;

/// Makes the reading.
///
/// # Errors
/// [`TypedError`] for what a person should look at again. Values that are merely unusual are taken as they are.
pub fn typed_reading(form: &TypedForm) -> Result<Reading, TypedError> {
    let measurement = measurement(form.values)?;
    if form.measured > form.typed {
        return Err(TypedError::Future);
    }
    Ok(Reading {
        id: typed_reading_id(&form.install, &form.draft),
        measurement,
        timing: Timing {
            effective: form.measured,
            basis: TimeBasis::Typed,
            utc_offset_min: form.utc_offset_min,
            arrived: form.typed,
            elapsed: None,
            device_time: None,
            clock: None,
        },
        source: Source::Typed(TypedSource {
            install: form.install,
            draft: form.draft,
        }),
        doubts: Vec::new(),
    })
}

fn measurement(values: TypedValues) -> Result<Measurement, TypedError> {
    Ok(match values {
        TypedValues::BloodPressure {
            systolic,
            diastolic,
            pulse_rate,
            unit,
        } => {
            let most = match unit {
                PressureUnit::MmHg => MOST_MMHG,
                PressureUnit::KPa => MOST_KPA,
            };
            let systolic = within(systolic, most, TypedError::Pressure)?;
            let diastolic = within(diastolic, most, TypedError::Pressure)?;
            if systolic.approximate() <= diastolic.approximate() {
                return Err(TypedError::Swapped);
            }
            Measurement::BloodPressure(BloodPressure {
                systolic: Number::Value(systolic),
                diastolic: Number::Value(diastolic),
                mean_arterial: None,
                pulse_rate: pulse(pulse_rate)?,
                unit,
                user_slot: None,
                status: None,
            })
        }
        TypedValues::Weight { weight, unit } => {
            let most = match unit {
                MassUnit::Kilogram => MOST_KG,
                MassUnit::Pound => MOST_LB,
            };
            Measurement::Weight(Weight {
                weight: Number::Value(within(weight, most, TypedError::Weight)?),
                unit,
                bmi: None,
                height: None,
                user_slot: None,
            })
        }
        TypedValues::Temperature { temperature, unit } => {
            let (least, most) = match unit {
                TemperatureUnit::Celsius => CELSIUS,
                TemperatureUnit::Fahrenheit => FAHRENHEIT,
            };
            let temperature = within(temperature, most, TypedError::Temperature)?;
            if temperature.approximate() < least {
                return Err(TypedError::Temperature);
            }
            Measurement::Temperature(Temperature {
                temperature: Number::Value(temperature),
                unit,
                site: None,
            })
        }
        TypedValues::Spo2 { spo2, pulse_rate } => Measurement::Spo2(Oximetry {
            spo2: Some(Number::Value(within(spo2, 100.0, TypedError::Spo2)?)),
            pulse_rate: pulse(pulse_rate)?,
            pulse_amplitude_index: None,
            measurement_status: None,
            device_status: None,
        }),
        TypedValues::Glucose {
            concentration,
            unit,
            meal,
        } => {
            let most = match unit {
                GlucoseUnit::MilligramsPerDecilitre => MOST_MG_DL,
                GlucoseUnit::MillimolesPerLitre => MOST_MMOL_L,
            };
            let concentration = within(concentration, most, TypedError::Glucose)?;
            Measurement::Glucose(Glucose {
                concentration: Some(Number::Value(concentration)),
                unit,
                sample_type: None,
                sample_location: None,
                status: None,
                time_offset_min: None,
                context: meal.map(|meal| GlucoseContext {
                    meal: Some(meal.code()),
                    ..GlucoseContext::default()
                }),
            })
        }
        TypedValues::HeartRate { heart_rate } => Measurement::HeartRate(HeartRate {
            heart_rate: pulse(Some(heart_rate))?,
            contact: None,
            energy_kj: None,
            rr_1024: Vec::new(),
        }),
    })
}

fn within(value: Decimal, most: Range, error: TypedError) -> Result<Decimal, TypedError> {
    let fits = value.mantissa() > 0 && value.approximate() <= most;
    fits.then_some(value).ok_or(error)
}

fn pulse(rate: Option<Decimal>) -> Result<Option<Number>, TypedError> {
    rate.map(|rate| within(rate, MOST_PULSE, TypedError::Pulse).map(Number::Value))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn of(values: TypedValues) -> TypedForm {
        TypedForm {
            install: [1; 16],
            draft: [2; 16],
            values,
            measured: Moment::from_ms(1_000),
            utc_offset_min: 60,
            typed: Moment::from_ms(2_000),
        }
    }

    fn pressure(systolic: &str, diastolic: &str, pulse: &str, unit: PressureUnit) -> TypedForm {
        of(TypedValues::BloodPressure {
            systolic: number(systolic),
            diastolic: number(diastolic),
            pulse_rate: Some(number(pulse)),
            unit,
        })
    }

    /// REQ-READING-005: saving the same draft twice makes one reading; another draft makes another.
    #[test]
    fn a_draft_is_one_reading() {
        let form = pressure("128", "82", "66", PressureUnit::MmHg);
        let first = typed_reading(&form).unwrap();
        let mut corrected = pressure("129", "82", "66", PressureUnit::MmHg);
        assert_eq!(typed_reading(&corrected).unwrap().id, first.id);
        corrected.draft = [3; 16];
        assert_ne!(typed_reading(&corrected).unwrap().id, first.id);
        assert_eq!(first.computed_id(), Ok(first.id));
        assert!(first.may_be_merged() && first.timing.is_sure());
    }

    /// REQ-READING-020: a person types each of the common kinds; a slip of the finger is asked about, in words for it.
    #[test]
    fn slips_of_the_finger_are_asked_about() {
        use TypedError as E;
        let bp = |s: &str, d: &str, p: &str, unit| pressure(s, d, p, unit).values;
        let weight = |text: &str, unit| TypedValues::Weight {
            weight: number(text),
            unit,
        };
        let temperature = |text: &str, unit| TypedValues::Temperature {
            temperature: number(text),
            unit,
        };
        let spo2 = |text: &str| TypedValues::Spo2 {
            spo2: number(text),
            pulse_rate: None,
        };
        let glucose = |text: &str, unit, meal| TypedValues::Glucose {
            concentration: number(text),
            unit,
            meal,
        };
        let heart = |text: &str| TypedValues::HeartRate {
            heart_rate: number(text),
        };
        let (mg, mmol) = (
            GlucoseUnit::MilligramsPerDecilitre,
            GlucoseUnit::MillimolesPerLitre,
        );
        for (values, wanted) in [
            (bp("128", "82", "66", PressureUnit::MmHg), None),
            (
                bp("1280", "82", "66", PressureUnit::MmHg),
                Some(E::Pressure),
            ),
            (bp("128", "0", "66", PressureUnit::MmHg), Some(E::Pressure)),
            (bp("128", "82", "66", PressureUnit::KPa), Some(E::Pressure)),
            (bp("82", "82", "66", PressureUnit::MmHg), Some(E::Swapped)),
            (bp("128", "82", "-1", PressureUnit::MmHg), Some(E::Pulse)),
            (weight("84.20", MassUnit::Kilogram), None),
            (weight("842", MassUnit::Kilogram), Some(E::Weight)),
            (weight("842", MassUnit::Pound), None),
            (weight("0.0", MassUnit::Pound), Some(E::Weight)),
            (temperature("36.4", TemperatureUnit::Celsius), None),
            (
                temperature("36.4", TemperatureUnit::Fahrenheit),
                Some(E::Temperature),
            ),
            (
                temperature("98.6", TemperatureUnit::Celsius),
                Some(E::Temperature),
            ),
            (
                temperature("3.64", TemperatureUnit::Celsius),
                Some(E::Temperature),
            ),
            (spo2("97"), None),
            (spo2("101"), Some(E::Spo2)),
            (spo2("0"), Some(E::Spo2)),
            (glucose("5.5", mmol, Some(Meal::Fasting)), None),
            (glucose("105", mmol, None), Some(E::Glucose)),
            (glucose("105", mg, None), None),
            (heart("61"), None),
            (heart("610"), Some(E::Pulse)),
        ] {
            assert_eq!(typed_reading(&of(values)).err(), wanted);
        }
        let mut late = of(heart("61"));
        late.measured = Moment::from_ms(3_000);
        assert_eq!(typed_reading(&late).err(), Some(E::Future));
    }
}

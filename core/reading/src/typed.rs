//! A reading that a person typed: it says so, and claims no device.

use crate::timing::{TimeBasis, Timing};
use crate::{
    BloodPressure, Decimal, Measurement, Moment, Number, PressureUnit, Reading, Source,
    TypedSource, typed_reading_id,
};

/// What the form holds.
#[derive(Clone, Copy)]
pub struct TypedBloodPressure {
    /// The install at which it is typed.
    pub install: [u8; 16],
    /// Random, drawn when the form was opened: saving twice makes one reading.
    pub draft: [u8; 16],
    /// The upper pressure, digits as typed.
    pub systolic: Decimal,
    /// The lower pressure, digits as typed.
    pub diastolic: Decimal,
    /// Beats per minute, if typed.
    pub pulse_rate: Option<Decimal>,
    /// The unit of both pressures.
    pub unit: PressureUnit,
    /// When it was measured, as the person says.
    pub measured: Moment,
    /// The phone's offset from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// When it was typed.
    pub typed: Moment,
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
    /// Later than now.
    #[error("the time of the measurement lies in the future: check date and time")]
    Future,
}

/// No cuff on the market measures above 300 mm Hg (40 kPa); the rest is a slip of the finger.
const MOST_MMHG: f64 = 350.0;
const MOST_KPA: f64 = 47.0;
const MOST_PULSE: f64 = 350.0;

/// Makes the reading.
///
/// # Errors
/// [`TypedError`] for what a person should look at again. Values that are merely unusual are taken as they are.
pub fn typed_blood_pressure(form: &TypedBloodPressure) -> Result<Reading, TypedError> {
    let most = match form.unit {
        PressureUnit::MmHg => MOST_MMHG,
        PressureUnit::KPa => MOST_KPA,
    };
    let within = |value: Decimal, most: f64| value.mantissa() > 0 && value.approximate() <= most;
    if !within(form.systolic, most) || !within(form.diastolic, most) {
        return Err(TypedError::Pressure);
    }
    if form.systolic.approximate() <= form.diastolic.approximate() {
        return Err(TypedError::Swapped);
    }
    if form
        .pulse_rate
        .is_some_and(|pulse| !within(pulse, MOST_PULSE))
    {
        return Err(TypedError::Pulse);
    }
    if form.measured > form.typed {
        return Err(TypedError::Future);
    }
    Ok(Reading {
        id: typed_reading_id(&form.install, &form.draft),
        measurement: Measurement::BloodPressure(BloodPressure {
            systolic: Number::Value(form.systolic),
            diastolic: Number::Value(form.diastolic),
            mean_arterial: None,
            pulse_rate: form.pulse_rate.map(Number::Value),
            unit: form.unit,
            user_slot: None,
            status: None,
        }),
        timing: Timing {
            effective: form.measured,
            basis: TimeBasis::Typed,
            utc_offset_min: form.utc_offset_min,
            arrived: form.typed,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TypedBloodPressure {
        TypedBloodPressure {
            install: [1; 16],
            draft: [2; 16],
            systolic: Decimal::new(128, 0),
            diastolic: Decimal::new(82, 0),
            pulse_rate: Some(Decimal::new(66, 0)),
            unit: PressureUnit::MmHg,
            measured: Moment::from_ms(1_000),
            utc_offset_min: 60,
            typed: Moment::from_ms(2_000),
        }
    }

    /// REQ-READING-005: saving the same draft twice makes one reading; another draft makes another.
    #[test]
    fn a_draft_is_one_reading() {
        let first = typed_blood_pressure(&form()).unwrap();
        let mut corrected = form();
        corrected.systolic = Decimal::new(129, 0);
        assert_eq!(typed_blood_pressure(&corrected).unwrap().id, first.id);
        corrected.draft = [3; 16];
        assert_ne!(typed_blood_pressure(&corrected).unwrap().id, first.id);
        assert_eq!(first.computed_id(), Ok(first.id));
        assert!(first.may_be_merged() && first.timing.is_sure());
    }

    #[test]
    fn slips_of_the_finger_are_asked_about() {
        let refused = |change: fn(&mut TypedBloodPressure)| {
            let mut form = form();
            change(&mut form);
            typed_blood_pressure(&form).err()
        };
        assert_eq!(
            refused(|f| f.systolic = Decimal::new(1280, 0)),
            Some(TypedError::Pressure)
        );
        assert_eq!(
            refused(|f| f.diastolic = Decimal::new(0, 0)),
            Some(TypedError::Pressure)
        );
        assert_eq!(
            refused(|f| f.unit = PressureUnit::KPa),
            Some(TypedError::Pressure)
        );
        assert_eq!(
            refused(|f| f.systolic = Decimal::new(82, 0)),
            Some(TypedError::Swapped)
        );
        assert_eq!(
            refused(|f| f.pulse_rate = Some(Decimal::new(-1, 0))),
            Some(TypedError::Pulse)
        );
        assert_eq!(
            refused(|f| f.measured = Moment::from_ms(3_000)),
            Some(TypedError::Future)
        );
    }
}

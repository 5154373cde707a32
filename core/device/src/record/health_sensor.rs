//! An observation of a Generic Health Sensor (0x2B8B; 0x2BDD with its number in front), its segments joined: what it holds
//! by MDC code becomes the kind that any other device of its sort gives. ISO/IEEE 11073-10101 has the codes.
//!
//! Everything in a record must belong to one kind; what none of them takes is an observation of its own ([`observed`]), and
//! what that does not take either is kept as it came and told ([`DecodeError::UnknownType`]). What the sensor calls invalid,
//! unavailable, a calibration, a test or a setting makes no reading.

mod observed;

use super::Record;
use crate::bytes::DecodeError;
use crate::health_sensor::{HealthObservation, ObservationStatus, StoredObservation, Value};
use reading::{
    BloodPressure, Doubt, Glucose, GlucoseUnit, HeartRate, MassUnit, Measurement, Number, Oximetry,
    PressureUnit, Temperature, TemperatureUnit, Weight,
};

/// An observation as it is sent live.
pub(super) fn live(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let [body] = packets else {
        return Err(DecodeError::Packets);
    };
    record(0x2b8b, &HealthObservation::decode(body)?, Vec::new())
}

/// One that stands in the sensor's memory, its number in front.
pub(super) fn stored(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let [body] = packets else {
        return Err(DecodeError::Packets);
    };
    let read = StoredObservation::decode(body)?;
    let number = read.record_number.to_le_bytes().to_vec();
    record(0x2bdd, &read.observation, number)
}

/// Whether an observation that is sent live says itself which it is: by the time at its head, unless that places nothing.
/// What it observes, and whether that becomes a reading, is not asked.
pub(crate) fn has_own_key(packets: &[Vec<u8>]) -> bool {
    let [body] = packets else {
        return false;
    };
    HealthObservation::time_at_head(body)
        .is_some_and(|time| time.is_synchronised() || time.is_current())
}

fn record(
    characteristic: u16,
    observation: &HealthObservation,
    number: Vec<u8>,
) -> Result<Record, DecodeError> {
    let mut held = Held::default();
    let taken = held.take(characteristic, observation, observation.status);
    let (status, inner) = (held.status, held.time);
    let measurement = match taken.and_then(|()| held.measurement(observation.patient)) {
        Err(DecodeError::UnknownType) => observed::measurement(characteristic, observation)?,
        made => made?,
    };
    let time = observation.time.or(inner);
    Ok(Record {
        elapsed: time,
        clock_fault: observation.clock_fault()
            || time.is_some_and(|time| !time.is_synchronised() && !time.is_current()),
        // Its time tells it apart, whether it was sent live or stands in the memory.
        number: if time.is_some() { Vec::new() } else { number },
        doubts: doubts(status),
        ..Record::of(measurement, None, Vec::new())
    })
}

const QUESTIONABLE: u16 = 0x02;
const EARLY: u16 = 0x20;

fn doubts(status: u16) -> Vec<Doubt> {
    let said = |bit: u16, doubt| (status & bit != 0).then_some(doubt);
    let reserved = ObservationStatus(status).reserved();
    [
        said(QUESTIONABLE, Doubt::Questionable),
        said(EARLY, Doubt::Preliminary),
        (reserved != 0).then_some(Doubt::NotUnderstood),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One number: its MDC code, the MDC code of its unit, and what was sent.
#[derive(Clone, Copy)]
struct One {
    kind: u32,
    unit: u16,
    number: Number,
}

/// What a record holds, flat.
#[derive(Default)]
struct Held {
    numbers: Vec<One>,
    status: u16,
    time: Option<crate::elapsed_time::ElapsedTime>,
}

const PRESSURE: u32 = 150_020;
const SYSTOLIC: u32 = 150_021;
const DIASTOLIC: u32 = 150_022;
const MEAN: u32 = 150_023;
const SPO2: u32 = 150_456;
const TEMPERATURE: u32 = 150_364;
const WEIGHT: u32 = 188_736;
const HEIGHT: u32 = 188_740;
const BMI: u32 = 188_752;
/// Pulse as an oximeter counts it, as a cuff does, and the rate of a heart. A pulse is written with its own code, so that
/// none stands for another.
const OXIMETER_PULSE: u32 = 149_530;
const CUFF_PULSE: u32 = 149_546;
const HEART_RATE: u32 = 147_842;
/// What makes a kind by itself, beside glucose.
const KINDS: [u32; 8] = [
    PRESSURE,
    SYSTOLIC,
    DIASTOLIC,
    MEAN,
    SPO2,
    TEMPERATURE,
    WEIGHT,
    HEART_RATE,
];
/// Concentrations of glucose, each with the type of sample that it stands for.
const GLUCOSE: [(u32, u8); 9] = [
    (160_184, 1),
    (160_188, 2),
    (160_192, 3),
    (160_196, 4),
    (160_200, 5),
    (160_204, 6),
    (160_364, 7),
    (160_368, 8),
    (160_212, 9),
];

const PERCENT: u16 = 544;
const BPM: u16 = 2720;
const MMHG: u16 = 3872;
const KPA: u16 = 3843;
const CELSIUS: u16 = 6048;
const FAHRENHEIT: u16 = 4416;
const KILOGRAM: u16 = 1731;
const POUND: u16 = 1760;
const CENTIMETRE: u16 = 1297;
const INCH: u16 = 1376;
const KG_PER_M2: u16 = 1952;
const MG_PER_DL: u16 = 2130;
const MMOL_PER_L: u16 = 4722;

impl Held {
    /// Takes an observation apart. What the whole says about itself goes for each part.
    fn take(
        &mut self,
        characteristic: u16,
        observation: &HealthObservation,
        inherited: Option<ObservationStatus>,
    ) -> Result<(), DecodeError> {
        let own = observation.status.or(inherited);
        let silent = HealthObservation {
            status: own,
            ..HealthObservation::of(None, Value::Discrete(0))
        };
        if silent.not_a_value().is_some() {
            return Err(DecodeError::NotAReading { characteristic });
        }
        self.status |= own.map_or(0, |status| status.0);
        match self.time {
            None => self.time = observation.time,
            // Two moments are two readings, which one record cannot be.
            Some(time) if observation.time.is_some_and(|other| other != time) => {
                return Err(DecodeError::UnknownType);
            }
            Some(_) => {}
        }
        match (&observation.value, observation.kind) {
            (Value::Bundle(members), _) => {
                for member in members {
                    self.take(characteristic, member, own)?;
                }
                Ok(())
            }
            (Value::Numeric { unit, value }, Some(kind)) => self.push(kind, *unit, *value),
            (Value::Compound(parts), Some(PRESSURE)) => {
                for part in parts {
                    let Value::Numeric { unit, value } = part.value else {
                        return Err(DecodeError::UnknownType);
                    };
                    self.push(part.kind, unit, value)?;
                }
                Ok(())
            }
            _ => Err(DecodeError::UnknownType),
        }
    }

    fn push(&mut self, kind: u32, unit: u16, number: Number) -> Result<(), DecodeError> {
        if self.numbers.iter().any(|one| one.kind == kind) {
            return Err(DecodeError::UnknownType);
        }
        self.numbers.push(One { kind, unit, number });
        Ok(())
    }

    /// Takes the number of a code out, in a unit that it may have.
    fn number<U: Copy>(
        &mut self,
        kind: u32,
        units: &[(u16, U)],
    ) -> Result<Option<(Number, U)>, DecodeError> {
        let Some(at) = self.numbers.iter().position(|one| one.kind == kind) else {
            return Ok(None);
        };
        let one = self.numbers.remove(at);
        let unit = units.iter().find(|(code, _)| *code == one.unit);
        let (_, unit) = unit.ok_or(DecodeError::UnknownType)?;
        Ok(Some((one.number, *unit)))
    }

    fn rate(&mut self, kind: u32) -> Result<Option<Number>, DecodeError> {
        let rate = self.number(kind, &[(BPM, ())])?;
        Ok(rate.map(|(rate, ())| rate))
    }

    /// The one kind that all of it is.
    fn measurement(mut self, user_slot: Option<u8>) -> Result<Measurement, DecodeError> {
        let made = self.made(user_slot)?;
        if self.numbers.is_empty() {
            Ok(made)
        } else {
            Err(DecodeError::UnknownType)
        }
    }

    fn made(&mut self, user_slot: Option<u8>) -> Result<Measurement, DecodeError> {
        if let Some(pressure) = self.pressure(user_slot)? {
            return Ok(Measurement::BloodPressure(pressure));
        }
        if let Some((spo2, ())) = self.number(SPO2, &[(PERCENT, ())])? {
            return Ok(Measurement::Spo2(Oximetry {
                spo2: Some(spo2),
                pulse_rate: self.rate(OXIMETER_PULSE)?,
                pulse_amplitude_index: None,
                measurement_status: None,
                device_status: None,
            }));
        }
        let degrees = [
            (CELSIUS, TemperatureUnit::Celsius),
            (FAHRENHEIT, TemperatureUnit::Fahrenheit),
        ];
        if let Some((temperature, unit)) = self.number(TEMPERATURE, &degrees)? {
            return Ok(Measurement::Temperature(Temperature {
                temperature,
                unit,
                site: None,
            }));
        }
        if let Some(weight) = self.weight(user_slot)? {
            return Ok(Measurement::Weight(weight));
        }
        for (kind, sample) in GLUCOSE {
            let units = [
                (MG_PER_DL, GlucoseUnit::MilligramsPerDecilitre),
                (MMOL_PER_L, GlucoseUnit::MillimolesPerLitre),
            ];
            if let Some((concentration, unit)) = self.number(kind, &units)? {
                return Ok(Measurement::Glucose(Glucose {
                    concentration: Some(concentration),
                    unit,
                    sample_type: Some(sample),
                    sample_location: None,
                    status: None,
                    time_offset_min: None,
                    context: None,
                }));
            }
        }
        let rate = self.rate(HEART_RATE)?.ok_or(DecodeError::UnknownType)?;
        Ok(Measurement::HeartRate(HeartRate {
            heart_rate: Some(rate),
            contact: None,
            energy_kj: None,
            rr_1024: Vec::new(),
        }))
    }

    fn pressure(&mut self, user_slot: Option<u8>) -> Result<Option<BloodPressure>, DecodeError> {
        let units = [(MMHG, PressureUnit::MmHg), (KPA, PressureUnit::KPa)];
        let Some((systolic, unit)) = self.number(SYSTOLIC, &units)? else {
            return Ok(None);
        };
        let (diastolic, other) = self
            .number(DIASTOLIC, &units)?
            .ok_or(DecodeError::UnknownType)?;
        let mean = self.number(MEAN, &units)?;
        if other != unit || mean.is_some_and(|(_, other)| other != unit) {
            return Err(DecodeError::UnknownType);
        }
        Ok(Some(BloodPressure {
            systolic,
            diastolic,
            mean_arterial: mean.map(|(mean, _)| mean),
            pulse_rate: self.rate(CUFF_PULSE)?,
            unit,
            user_slot,
            status: None,
        }))
    }

    fn weight(&mut self, user_slot: Option<u8>) -> Result<Option<Weight>, DecodeError> {
        let units = [(KILOGRAM, MassUnit::Kilogram), (POUND, MassUnit::Pound)];
        let Some((weight, unit)) = self.number(WEIGHT, &units)? else {
            return Ok(None);
        };
        let length = match unit {
            MassUnit::Kilogram => CENTIMETRE,
            MassUnit::Pound => INCH,
        };
        let bmi = self.number(BMI, &[(KG_PER_M2, ())])?;
        let height = self.number(HEIGHT, &[(length, ())])?;
        Ok(Some(Weight {
            weight,
            unit,
            bmi: bmi.map(|(bmi, ())| bmi),
            height: height.map(|(height, ())| height),
            user_slot,
        }))
    }
}

//! What a health sensor observes and no other kind takes: a number, several numbers, samples or a code, by its MDC code and
//! with its unit. Nothing is guessed: a code that belongs to another kind, a unit that is not known and samples that could be
//! read in two ways make no reading.

use super::{GLUCOSE, KINDS};
use crate::bytes::DecodeError;
use crate::health_sensor::{HealthObservation, Part, SampleArray, Value};
use reading::{
    Mdc, Measurement, Number, Observation, ObservationPart, ObservationValue, Quantity, Samples,
    Ucum,
};

/// Control solutions: of a glucose meter, its levels, and of a coagulation meter. Never a patient's.
const CONTROLS: [u32; 6] = [160_208, 160_276, 160_372, 160_376, 160_380, 160_384];

/// The observation as a measurement of its own.
///
/// # Errors
/// [`DecodeError::UnknownType`] for what is none, [`DecodeError::NotAReading`] for a control solution.
pub(super) fn measurement(
    characteristic: u16,
    observation: &HealthObservation,
) -> Result<Measurement, DecodeError> {
    let kind = observation.kind.ok_or(DecodeError::UnknownType)?;
    if CONTROLS.contains(&kind) {
        return Err(DecodeError::NotAReading { characteristic });
    }
    let made = code(kind).zip(value(&observation.value));
    let made = made.and_then(|(code, value)| Observation::new(code, value, observation.patient));
    made.map(Measurement::Observation)
        .ok_or(DecodeError::UnknownType)
}

/// A code that no other kind has: what belongs to one and did not fit it is no observation either.
fn code(kind: u32) -> Option<Mdc> {
    let of_a_kind = KINDS.contains(&kind) || GLUCOSE.iter().any(|(code, _)| *code == kind);
    let free = !of_a_kind && !CONTROLS.contains(&kind);
    Mdc::new(kind).filter(|_| free)
}

fn value(value: &Value) -> Option<ObservationValue> {
    Some(match value {
        Value::Numeric { unit, value } => ObservationValue::Number(quantity(*unit, *value)?),
        Value::Compound(parts) => {
            let parts = parts.iter().map(part).collect::<Option<_>>()?;
            ObservationValue::Compound(parts)
        }
        Value::Samples(array) => ObservationValue::Samples(Box::new(samples(array)?)),
        Value::Discrete(answer) => ObservationValue::Code(Mdc::new(*answer)?),
        // A text says anything, and events, states and items have no one meaning.
        Value::Text(_)
        | Value::Events(_)
        | Value::State(_)
        | Value::Items(_)
        | Value::Bundle(_) => return None,
    })
}

fn quantity(unit: u16, number: Number) -> Option<Quantity> {
    let unit = Ucum::of_mdc(unit)?;
    Some(Quantity { number, unit })
}

fn part(part: &Part) -> Option<ObservationPart> {
    let Value::Numeric { unit, value } = part.value else {
        return None;
    };
    Some(ObservationPart {
        code: code(part.kind)?,
        quantity: quantity(unit, value)?,
    })
}

fn samples(array: &SampleArray) -> Option<Samples> {
    Samples::new(
        Ucum::of_mdc(array.unit)?,
        array.scale.value()?,
        array.offset.value()?,
        array.period_s.value()?,
        array.per_period,
        numbers(array)?,
    )
}

/// The samples, low byte first. No source says whether they have a sign: where the highest bit of one is set it would be
/// another number with a sign than without, and the array is kept as it came.
fn numbers(array: &SampleArray) -> Option<Vec<u32>> {
    let size = usize::from(array.sample_size);
    if !(1..=4).contains(&size) || !array.data.len().is_multiple_of(size) {
        return None;
    }
    let sample = |bytes: &[u8]| {
        let unsigned = bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u32::from(*byte));
        let plain = bytes.last().is_some_and(|highest| highest & 0x80 == 0);
        plain.then_some(unsigned)
    };
    array.data.chunks(size).map(sample).collect()
}

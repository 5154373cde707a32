//! A meter's record: the measurement (0x2A18), and where the person told the meter something, its context (0x2A34) as
//! a second packet, joined to it by the sequence number.

use super::Record;
use crate::bytes::DecodeError;
use crate::glucose::{Dose, GlucoseContextFrame, GlucoseFrame, GlucoseUnit};
use reading::{Decimal, DeviceTime, Glucose, GlucoseContext, Measurement, MedicationUnit, Number};

pub(super) fn record(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let (packet, context) = match packets {
        [packet] => (packet, None),
        [packet, context] => (packet, Some(GlucoseContextFrame::decode(context)?)),
        _ => return Err(DecodeError::Packets),
    };
    let frame = GlucoseFrame::decode(packet)?;
    if context
        .as_ref()
        .is_some_and(|context| context.sequence != frame.sequence)
    {
        return Err(DecodeError::Packets);
    }
    let (unit, tens) = match frame.unit {
        GlucoseUnit::KgPerL => (reading::GlucoseUnit::MilligramsPerDecilitre, 5),
        GlucoseUnit::MolPerL => (reading::GlucoseUnit::MillimolesPerLitre, 3),
    };
    let extra = [
        frame.extra.as_slice(),
        context
            .as_ref()
            .map_or(&[], |context| context.extra.as_slice()),
    ]
    .concat();
    let status = frame.status;
    let measurement = Measurement::Glucose(Glucose {
        concentration: frame.concentration.map(|of| times_ten(of.value, tens)),
        unit,
        sample_type: frame.concentration.map(|of| of.sample.kind()),
        sample_location: frame.concentration.map(|of| of.sample.location()),
        status: status.map(|status| status.0),
        time_offset_min: frame.time_offset_min,
        context: context.as_ref().map(told),
    });
    let base = Record::of(measurement, Some(frame.time), extra);
    Ok(Record {
        shown_time: Some(shown(frame.time, frame.time_offset_min)),
        clock_fault: status.is_some_and(|status| status.time_fault()),
        number: frame.sequence.to_le_bytes().to_vec(),
        ..base
    })
}

/// Ten to the power of `tens` times the number, digit for digit; the special values stay what they are.
fn times_ten(number: Number, tens: i8) -> Number {
    match number {
        Number::Value(value) => Number::Value(Decimal::new(
            value.mantissa(),
            value.exponent().saturating_add(tens),
        )),
        special => special,
    }
}

/// The record's time: the meter's base time and what the person added to it.
fn shown(base: DeviceTime, offset_min: Option<i16>) -> DeviceTime {
    let minutes = jiff::Span::new().minutes(i64::from(offset_min.unwrap_or_default()));
    let shown = base.civil().and_then(|base| base.checked_add(minutes).ok());
    shown.map_or(base, DeviceTime::from_civil)
}

fn told(context: &GlucoseContextFrame) -> GlucoseContext {
    let dose = context.medication.map(|medication| match medication.dose {
        Dose::Kg(kg) => (times_ten(kg, 6), MedicationUnit::Milligram),
        Dose::L(l) => (times_ten(l, 3), MedicationUnit::Millilitre),
    });
    GlucoseContext {
        carbohydrate_id: context.carbohydrate.map(|eaten| eaten.id),
        carbohydrate: context.carbohydrate.map(|eaten| times_ten(eaten.kg, 3)),
        meal: context.meal,
        tester: context.tester_health.map(|both| both & 0x0f),
        health: context.tester_health.map(|both| both >> 4),
        exercise_duration: context.exercise.map(|exercise| match exercise.duration_s {
            u16::MAX => Number::PlusInfinity,
            seconds => Number::of(seconds.into(), 0),
        }),
        exercise_intensity: context
            .exercise
            .map(|exercise| Number::of(exercise.intensity_percent.into(), 0)),
        medication_id: context.medication.map(|medication| medication.id),
        medication: dose.map(|(amount, _)| amount),
        medication_unit: dose.map(|(_, unit)| unit),
        hba1c: context.hba1c_percent,
    }
}

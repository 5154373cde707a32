//! A scale's records: weight (0x2A9D), and body composition (0x2A9C) in one packet or several.

use super::Record;
use crate::body_composition::BodyCompositionFrame;
use crate::bytes::DecodeError;
use crate::scaled::{Measured, ScaleUnits};
use crate::weight::WeightFrame;
use reading::{BodyComposition, Decimal, MassUnit, Measurement, Number, Weight};

pub(super) fn weight(packet: &[u8]) -> Result<Record, DecodeError> {
    let frame = WeightFrame::decode(packet)?;
    let measurement = Measurement::Weight(Weight {
        weight: number(frame.weight),
        unit: mass_unit(frame.units),
        bmi: frame.size.map(|size| Number::Value(size.bmi)),
        height: frame.size.map(|size| height(size.height, frame.units)),
        user_slot: frame.user_slot,
    });
    Ok(Record::of(measurement, frame.time, frame.extra))
}

pub(super) fn body_composition(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let frame = BodyCompositionFrame::join(packets)?;
    // One half alone: the first lacks numbers, the second lacks when and of whom.
    if frame.multiple_packet {
        return Err(DecodeError::Incomplete);
    }
    let measurement = Measurement::BodyComposition(BodyComposition {
        fat_percent: number(frame.fat_percent),
        unit: mass_unit(frame.units),
        basal_metabolism: frame
            .basal_metabolism_kj
            .map(|energy| Number::of(energy.into(), 0)),
        muscle_percent: frame.muscle_percent.map(Number::Value),
        muscle_mass: frame.muscle_mass.map(Number::Value),
        fat_free_mass: frame.fat_free_mass.map(Number::Value),
        soft_lean_mass: frame.soft_lean_mass.map(Number::Value),
        body_water_mass: frame.body_water_mass.map(Number::Value),
        impedance: frame.impedance_ohm.map(Number::Value),
        weight: frame.weight.map(number),
        height: frame.height.map(|value| height(value, frame.units)),
        user_slot: frame.user_slot,
    });
    Ok(Record::of(measurement, frame.time, frame.extra))
}

/// A weighing that failed is no number.
const fn number(measured: Measured) -> Number {
    match measured {
        Measured::Value(value) => Number::Value(value),
        Measured::Unsuccessful => Number::NotANumber,
    }
}

const fn mass_unit(units: ScaleUnits) -> MassUnit {
    match units {
        ScaleUnits::Metric => MassUnit::Kilogram,
        ScaleUnits::Imperial => MassUnit::Pound,
    }
}

/// Metres as centimetres, digit for digit; inches as they are.
const fn height(value: Decimal, units: ScaleUnits) -> Number {
    match units {
        ScaleUnits::Metric => Number::Value(Decimal::new(
            value.mantissa(),
            value.exponent().saturating_add(2),
        )),
        ScaleUnits::Imperial => Number::Value(value),
    }
}

//! What devices of other kinds than a cuff measure, each with all that it can say.

use super::{NOON, finished, numbered, of_kind};
use teleward_reading::*;

/// A sensor's value, an hour after its session began.
pub fn cgm() -> GlucoseCgm {
    GlucoseCgm {
        concentration: Some(Number::of(120, 0)),
        trend: Some(Number::of(-12, -1)),
        quality_percent: Some(Decimal::new(98, 0)),
        time_offset_min: 60,
        status: Some(0x04_00_02),
        sample_type: Some(9),
        sample_location: Some(5),
    }
}

/// A sensor's record with what stands behind it.
pub fn of_sensor(values: GlucoseCgm, frames: &[&str]) -> Reading {
    let measurement = Measurement::GlucoseCgm(values.sifted());
    let mut reading = of_kind(measurement, 0x2aa7, frames);
    let shown = DeviceTime::from_civil(jiff::civil::date(2024, 6, 15).at(11, 10, 0, 0));
    reading.timing.device_time = Some(DeviceTime::from_bytes([0xe8, 7, 6, 15, 10, 0, 0]));
    reading.timing.clock = Some(ClockReading {
        raw: [shown.bytes().as_slice(), &[70, 0, 0, 0, 0]].concat(),
        shown,
        read_at: Moment::from_ms(NOON),
        set_at: None,
    });
    reading.timing.effective = Moment::from_ms(NOON - 600_000);
    numbered(reading, &[60, 0])
}

/// An observation of a health sensor, by its Elapsed Time.
pub fn observed(measurement: Measurement, frame: &str, elapsed: [u8; 9]) -> Reading {
    let mut reading = of_kind(measurement, 0x2bdd, &[frame]);
    reading.timing.device_time = None;
    reading.timing.elapsed = Some(elapsed);
    reading.timing.clock = None;
    reading.timing.basis = TimeBasis::DeviceSynced;
    reading.timing.effective = Moment::from_ms(NOON - 60_000);
    finished(reading)
}

/// A weight of a minute before noon, by a clock that was set from the network.
pub fn synced() -> Reading {
    let weight = Weight {
        weight: Number::of(842, -1),
        unit: MassUnit::Kilogram,
        bmi: None,
        height: None,
        user_slot: None,
    };
    observed(
        Measurement::Weight(weight),
        "07000000011500030040e1020022843e002e00000100c3064a0300ff",
        [0x22, 0x84, 0x3e, 0x00, 0x2e, 0x00, 0x00, 1, 0],
    )
}

/// A saturation on a counter in tenths of a second, an hour before it was read.
pub fn on_a_counter() -> Reading {
    let spo2 = Oximetry {
        spo2: Some(Number::of(97, 0)),
        pulse_rate: None,
        pulse_amplitude_index: None,
        measurement_status: None,
        device_status: None,
    };
    let elapsed = [0x25, 0x50, 0xc3, 0, 0, 0, 0, 7, 0];
    let mut reading = observed(
        Measurement::Spo2(spo2),
        "010000000115000300b84b02002550c3000000000700200261000000",
        elapsed,
    );
    let shown = DeviceTime::from_bytes([0; 7]);
    let clock = [0x25, 0xf0, 0x4f, 1, 0, 0, 0, 7, 0, 0, 0];
    reading.timing.basis = TimeBasis::DeviceClock;
    reading.timing.effective = Moment::from_ms(NOON - 3_600_000);
    reading.timing.clock = Some(ClockReading {
        raw: [shown.bytes().as_slice(), &clock].concat(),
        shown,
        read_at: Moment::from_ms(NOON),
        set_at: None,
    });
    finished(reading)
}

/// What a strap streamed for half a minute, all of it.
pub fn live() -> Reading {
    let measurement = Measurement::HeartRate(HeartRate {
        heart_rate: Some(Number::of(61, 0)),
        contact: Some(true),
        energy_kj: None,
        rr_1024: vec![1007, 998, 1001],
    });
    let frames = ["163def03", "163de603", "163ee903"];
    let mut reading = of_kind(measurement, 0x2a37, &frames);
    reading.timing.basis = TimeBasis::Live;
    reading.timing.device_time = None;
    reading.timing.effective = reading.timing.arrived;
    finished(reading)
}

/// A scale's weight with all that it can say.
pub fn weight() -> Weight {
    Weight {
        weight: Number::of(84_200, -3),
        unit: MassUnit::Kilogram,
        bmi: Some(Number::of(263, -1)),
        height: Some(Number::of(1_790, -1)),
        user_slot: Some(2),
    }
}

/// A spot check of an oximeter.
pub fn oximetry() -> Oximetry {
    Oximetry {
        spo2: Some(Number::of(97, 0)),
        pulse_rate: Some(Number::of(66, 0)),
        pulse_amplitude_index: Some(Number::of(42, -1)),
        measurement_status: Some(0x0100),
        device_status: Some(0x0020),
    }
}

/// A meter's record.
pub fn glucose() -> Glucose {
    Glucose {
        concentration: Some(Number::of(105, 0)),
        unit: GlucoseUnit::MilligramsPerDecilitre,
        sample_type: Some(1),
        sample_location: Some(1),
        status: Some(0),
        time_offset_min: Some(-60),
        context: None,
    }
}

/// What a person told the meter.
pub fn context() -> GlucoseContext {
    GlucoseContext {
        carbohydrate_id: Some(1),
        carbohydrate: Some(Number::of(60, 0)),
        meal: Some(2),
        tester: Some(1),
        health: Some(5),
        exercise_duration: Some(Number::of(1800, 0)),
        exercise_intensity: Some(Number::of(40, 0)),
        medication_id: Some(1),
        medication: Some(Number::of(12, -1)),
        medication_unit: Some(MedicationUnit::Millilitre),
        hba1c: Some(Number::of(65, -1)),
    }
}

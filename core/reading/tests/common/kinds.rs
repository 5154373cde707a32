//! Each kind of reading, as devices measure it and people type it.

use super::{
    cgm, context, glucose, live, numbered, observations, of_kind, of_sensor, on_a_counter,
    oximetry, synced, typed_values, weight,
};
use teleward_reading::*;

/// One reading of each kind beside blood pressure, and of what each says when there is nothing to say.
pub fn kinds() -> Vec<(&'static str, Reading)> {
    let temperature = |temperature, unit, site| {
        Measurement::Temperature(Temperature {
            temperature,
            unit,
            site,
        })
    };
    let spo2 = |values: Oximetry| Measurement::Spo2(values.sifted());
    let record = |values: Glucose, frames: &[&str]| {
        let reading = of_kind(Measurement::Glucose(values.sifted()), 0x2a18, frames);
        numbered(reading, &[7, 0])
    };
    let typed = |values| typed_values(values);
    let number = |mantissa, exponent| Decimal::new(mantissa, exponent);
    let mut all = vec![
        (
            "device-weight",
            of_kind(
                Measurement::Weight(weight()),
                0x2a9d,
                &["0ec841e807060f0d331e020701fe06"],
            ),
        ),
        (
            "device-weight-pounds",
            of_kind(
                Measurement::Weight(Weight {
                    weight: Number::of(18_563, -2),
                    unit: MassUnit::Pound,
                    bmi: Some(Number::of(263, -1)),
                    height: Some(Number::of(705, -1)),
                    user_slot: Some(0xff),
                }),
                0x2a9d,
                &["0f8348e807060f0d331eff0701c102"],
            ),
        ),
        (
            "device-weight-failed",
            of_kind(
                Measurement::Weight(Weight {
                    weight: Number::NotANumber,
                    unit: MassUnit::Kilogram,
                    bmi: None,
                    height: None,
                    user_slot: None,
                }),
                0x2a9d,
                &["02ffffe807060f0d331e"],
            ),
        ),
        (
            "device-temperature",
            of_kind(
                temperature(Number::of(3640, -2), TemperatureUnit::Celsius, Some(6)),
                0x2a1c,
                &["06380e00fee807060f0d331e06"],
            ),
        ),
        (
            "device-temperature-fahrenheit",
            of_kind(
                temperature(Number::of(986, -1), TemperatureUnit::Fahrenheit, None),
                0x2a1c,
                &["03da0300ffe807060f0d331e"],
            ),
        ),
        (
            "device-spo2",
            of_kind(
                spo2(oximetry()),
                0x2a5e,
                &["0f61004200e807060f0d331e00012000002af0"],
            ),
        ),
        (
            "device-spo2-demonstration",
            of_kind(
                spo2(Oximetry {
                    measurement_status: Some(0x0400),
                    ..oximetry()
                }),
                0x2a5e,
                &["0f61004200e807060f0d331e00042000002af0"],
            ),
        ),
        (
            "device-spo2-early",
            of_kind(
                spo2(Oximetry {
                    pulse_rate: Some(Number::of(0, 0)),
                    measurement_status: Some(0x0040),
                    device_status: Some(0x00_8101),
                    ..oximetry()
                }),
                0x2a5e,
                &["0f61000000e807060f0d331e40000181002af0"],
            ),
        ),
        (
            "device-glucose",
            record(
                Glucose {
                    context: Some(context()),
                    ..glucose()
                },
                &[
                    "1b0700e807060f0d331ec4ff69b0110000",
                    "7f0700013cd00251080728010cc041f0",
                ],
            ),
        ),
        (
            "device-glucose-molar",
            record(
                Glucose {
                    concentration: Some(Number::of(583, -2)),
                    unit: GlucoseUnit::MillimolesPerLitre,
                    sample_type: Some(8),
                    sample_location: Some(0xf),
                    status: Some(0x0001),
                    time_offset_min: None,
                    context: Some(GlucoseContext::default()),
                },
                &["1e0700e807060f0d331e47b2f80100", "000700"],
            ),
        ),
        (
            "device-glucose-high",
            record(
                Glucose {
                    status: Some(0x0020),
                    ..glucose()
                },
                &["0b0700e807060f0d331ec4ff69b0112000"],
            ),
        ),
        (
            "device-glucose-control",
            record(
                Glucose {
                    sample_type: Some(0xa),
                    sample_location: Some(4),
                    ..glucose()
                },
                &["0b0700e807060f0d331ec4ff69b04a0000"],
            ),
        ),
        (
            "device-heart-rate",
            of_kind(
                Measurement::HeartRate(
                    HeartRate {
                        heart_rate: Some(Number::of(61, 0)),
                        contact: Some(true),
                        energy_kj: Some(12),
                        rr_1024: vec![1007, 998],
                    }
                    .sifted(),
                ),
                0x2a37,
                &["1e3d0c00ef03e603"],
            ),
        ),
        (
            "device-body-composition",
            of_kind(
                Measurement::BodyComposition(BodyComposition {
                    fat_percent: Number::of(234, -1),
                    unit: MassUnit::Kilogram,
                    basal_metabolism: Some(Number::of(7200, 0)),
                    muscle_percent: Some(Number::of(384, -1)),
                    muscle_mass: Some(Number::of(32_340, -3)),
                    fat_free_mass: Some(Number::of(64_500, -3)),
                    soft_lean_mass: Some(Number::of(61_200, -3)),
                    body_water_mass: Some(Number::of(47_100, -3)),
                    impedance: Some(Number::of(4_998, -1)),
                    weight: Some(Number::of(84_200, -3)),
                    height: Some(Number::of(1_790, -1)),
                    user_slot: Some(1),
                }),
                0x2a9c,
                &["fe0fea00e807060f0d331e01201c800144196432d02fcc248613c841fe06"],
            ),
        ),
        ("device-spo2-counter", on_a_counter()),
        ("device-weight-synced", synced()),
        ("device-heart-rate-live", live()),
        (
            "device-glucose-cgm",
            of_sensor(
                cgm(),
                &[
                    "0de378003c00020004f4ff6200",
                    "e807060f0a00000404",
                    "00000059ffff",
                ],
            ),
        ),
        (
            "device-glucose-cgm-failed",
            of_sensor(
                GlucoseCgm {
                    status: Some(0x00_00_08),
                    trend: None,
                    quality_percent: None,
                    sample_type: None,
                    sample_location: None,
                    ..cgm()
                },
                &["078078003c0008", "e807060f0a00000404"],
            ),
        ),
        (
            "device-glucose-cgm-low",
            of_sensor(
                GlucoseCgm {
                    status: Some(0x40_08_00),
                    trend: Some(Number::NotANumber),
                    ..cgm()
                },
                &[
                    "0c6378003c000840ff076200",
                    "e807060f0a00000404",
                    "00000059ffff",
                ],
            ),
        ),
        (
            "typed-weight",
            typed(TypedValues::Weight {
                weight: number(8_420, -2),
                unit: MassUnit::Kilogram,
            }),
        ),
        (
            "typed-temperature",
            typed(TypedValues::Temperature {
                temperature: number(364, -1),
                unit: TemperatureUnit::Celsius,
            }),
        ),
        (
            "typed-spo2",
            typed(TypedValues::Spo2 {
                spo2: number(97, 0),
                pulse_rate: Some(number(66, 0)),
            }),
        ),
        (
            "typed-glucose",
            typed(TypedValues::Glucose {
                concentration: number(58, -1),
                unit: GlucoseUnit::MillimolesPerLitre,
                meal: Some(Meal::Fasting),
            }),
        ),
        (
            "typed-heart-rate",
            typed(TypedValues::HeartRate {
                heart_rate: number(61, 0),
            }),
        ),
    ];
    all.extend(observations());
    all
}

//! Frames of any contents that a device could mean, for the properties in `everywhere`.

use proptest::prelude::*;
use reading::{BloodPressureStatus, Decimal, DeviceTime, Number, PressureUnit};
use teleward_device::*;

fn special() -> BoxedStrategy<Number> {
    prop_oneof![
        Just(Number::NotANumber),
        Just(Number::NotAtThisResolution),
        Just(Number::PlusInfinity),
        Just(Number::MinusInfinity),
        Just(Number::Reserved),
    ]
    .boxed()
}

fn short_number() -> BoxedStrategy<Number> {
    let value = (-2045_i64..=2045, -8_i8..=7).prop_map(|(m, e)| Number::of(m, e));
    prop_oneof![4 => value, 1 => special()].boxed()
}

fn long_number() -> BoxedStrategy<Number> {
    let value = (-8_388_605_i64..=8_388_605, any::<i8>()).prop_map(|(m, e)| Number::of(m, e));
    prop_oneof![4 => value, 1 => special()].boxed()
}

fn time() -> BoxedStrategy<Option<DeviceTime>> {
    proptest::option::of(any::<[u8; 7]>().prop_map(DeviceTime::from_bytes)).boxed()
}

fn more() -> BoxedStrategy<Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..4).boxed()
}

fn units() -> BoxedStrategy<ScaleUnits> {
    prop_oneof![Just(ScaleUnits::Metric), Just(ScaleUnits::Imperial)].boxed()
}

/// A word as a mass or a length of these units, or in tenths.
fn mass(units: ScaleUnits, raw: u16) -> Decimal {
    match units {
        ScaleUnits::Metric => Decimal::new(i64::from(raw) * 5, -3),
        ScaleUnits::Imperial => Decimal::new(i64::from(raw), -2),
    }
}

fn length(units: ScaleUnits, raw: u16) -> Decimal {
    match units {
        ScaleUnits::Metric => Decimal::new(i64::from(raw), -3),
        ScaleUnits::Imperial => tenths(raw),
    }
}

fn tenths(raw: u16) -> Decimal {
    Decimal::new(i64::from(raw), -1)
}

fn measured(raw: u16, value: impl Fn(u16) -> Decimal) -> Measured {
    match raw {
        0xffff => Measured::Unsuccessful,
        raw => Measured::Value(value(raw)),
    }
}

pub fn temperature() -> BoxedStrategy<TemperatureFrame> {
    let unit = prop_oneof![
        Just(TemperatureUnit::Celsius),
        Just(TemperatureUnit::Fahrenheit)
    ];
    (long_number(), unit, time(), any::<Option<u8>>(), more())
        .prop_map(|(temperature, unit, time, site, extra)| TemperatureFrame {
            temperature,
            unit,
            time,
            site,
            extra,
        })
        .boxed()
}

pub fn weight() -> BoxedStrategy<WeightFrame> {
    let size = any::<Option<(u16, u16)>>();
    (
        any::<u16>(),
        units(),
        time(),
        any::<Option<u8>>(),
        size,
        more(),
    )
        .prop_map(
            |(weight, units, time, user_slot, size, extra)| WeightFrame {
                weight: measured(weight, |raw| mass(units, raw)),
                units,
                time,
                user_slot,
                size: size.map(|(bmi, height)| BodySize {
                    bmi: tenths(bmi),
                    height: length(units, height),
                }),
                extra,
            },
        )
        .boxed()
}

pub fn body_composition() -> BoxedStrategy<BodyCompositionFrame> {
    let words = any::<[Option<u16>; 9]>();
    (
        any::<u16>(),
        units(),
        time(),
        any::<Option<u8>>(),
        words,
        more(),
    )
        .prop_map(|(fat, units, time, user_slot, words, extra)| {
            let mass = |raw| mass(units, raw);
            BodyCompositionFrame {
                fat_percent: measured(fat, tenths),
                units,
                time,
                user_slot,
                basal_metabolism_kj: words[0],
                muscle_percent: words[1].map(tenths),
                muscle_mass: words[2].map(mass),
                fat_free_mass: words[3].map(mass),
                soft_lean_mass: words[4].map(mass),
                body_water_mass: words[5].map(mass),
                impedance_ohm: words[6].map(tenths),
                weight: words[7].map(|raw| measured(raw, mass)),
                height: words[8].map(|raw| length(units, raw)),
                multiple_packet: false,
                extra,
            }
        })
        .boxed()
}

pub fn heart_rate() -> BoxedStrategy<HeartRateFrame> {
    let times = proptest::collection::vec(any::<u16>(), 0..9);
    (
        any::<u16>(),
        any::<Option<bool>>(),
        any::<Option<u16>>(),
        times,
        more(),
    )
        .prop_map(
            |(heart_rate, contact, energy_kj, rr_1024, extra)| HeartRateFrame {
                heart_rate,
                contact,
                energy_kj,
                extra: if rr_1024.is_empty() {
                    extra
                } else {
                    Vec::new()
                },
                rr_1024,
            },
        )
        .boxed()
}

fn saturation() -> BoxedStrategy<Saturation> {
    (short_number(), short_number())
        .prop_map(|(spo2, pulse_rate)| Saturation { spo2, pulse_rate })
        .boxed()
}

fn statuses() -> impl Strategy<
    Value = (
        Option<OximeterMeasurementStatus>,
        Option<OximeterDeviceStatus>,
    ),
> {
    let device = proptest::option::of(0_u32..1 << 24);
    (any::<Option<u16>>(), device).prop_map(|(measurement, device)| {
        (
            measurement.map(OximeterMeasurementStatus),
            device.map(OximeterDeviceStatus),
        )
    })
}

pub fn spot_check() -> BoxedStrategy<SpotCheckFrame> {
    let index = proptest::option::of(short_number());
    (
        saturation(),
        time(),
        statuses(),
        index,
        any::<bool>(),
        more(),
    )
        .prop_map(
            |(normal, time, statuses, index, unset, extra)| SpotCheckFrame {
                normal,
                time,
                measurement_status: statuses.0,
                device_status: statuses.1,
                pulse_amplitude_index: index,
                device_clock_not_set: unset,
                extra,
            },
        )
        .boxed()
}

pub fn continuous() -> BoxedStrategy<ContinuousFrame> {
    let index = proptest::option::of(short_number());
    let other = || proptest::option::of(saturation());
    (saturation(), other(), other(), statuses(), index, more())
        .prop_map(
            |(normal, fast, slow, statuses, index, extra)| ContinuousFrame {
                normal,
                fast,
                slow,
                measurement_status: statuses.0,
                device_status: statuses.1,
                pulse_amplitude_index: index,
                extra,
            },
        )
        .boxed()
}

pub fn enhanced() -> BoxedStrategy<EnhancedBloodPressureFrame> {
    let unit = prop_oneof![Just(PressureUnit::MmHg), Just(PressureUnit::KPa)];
    let epoch = prop_oneof![Just(Epoch::Y1900), Just(Epoch::Y2000)];
    let pulse = proptest::option::of(short_number());
    let fields = (
        unit,
        epoch,
        any::<[Option<u32>; 2]>(),
        pulse,
        any::<Option<u8>>(),
        any::<Option<u16>>(),
        more(),
    );
    let fields = fields.prop_map(
        |(unit, epoch, times, pulse_rate, user_slot, status, extra)| EnhancedFields {
            unit,
            epoch,
            time: times[0],
            pulse_rate,
            user_slot,
            status: status.map(BloodPressureStatus),
            user_facing_time: times[1],
            extra,
        },
    );
    (short_number(), short_number(), short_number(), fields)
        .prop_map(
            |(systolic, diastolic, mean_arterial, fields)| EnhancedBloodPressureFrame {
                systolic,
                diastolic,
                mean_arterial,
                fields,
            },
        )
        .boxed()
}

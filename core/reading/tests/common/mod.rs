//! Readings for the observation tests.
#![allow(dead_code)] // each test binary uses its part

use std::path::{Path, PathBuf};
use teleward_reading::*;

pub const LINK: &str = "00112233445566778899aabbccddeeff";
pub const NOON: i64 = 1_718_452_800_000;

pub fn gateway() -> Gateway {
    Gateway {
        install: [0xa1; 16],
        software: "0.1.0".to_owned(),
    }
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/fhir")
}

pub fn finished(mut reading: Reading) -> Reading {
    reading.id = reading.computed_id().unwrap();
    reading
}

/// A cuff's reading with all that a frame and a device can say.
pub fn full() -> Reading {
    let shown = DeviceTime::from_civil(jiff::civil::date(2024, 6, 15).at(13, 54, 0, 0));
    let time = DeviceTime::from_civil(jiff::civil::date(2024, 6, 15).at(13, 51, 30, 0));
    let mut raw = shown.bytes().to_vec();
    raw.extend([6, 0, 0]);
    finished(Reading {
        id: ReadingId([0; 32]),
        measurement: Measurement::BloodPressure(BloodPressure {
            systolic: Number::of(124, 0),
            diastolic: Number::of(860, -1),
            mean_arterial: Some(Number::of(97, 0)),
            pulse_rate: Some(Number::of(510, -1)),
            unit: PressureUnit::MmHg,
            user_slot: Some(1),
            status: Some(BloodPressureStatus(0x0025)),
        }),
        timing: Timing {
            effective: Moment::from_ms(NOON - 150_000),
            basis: TimeBasis::DeviceClock,
            utc_offset_min: 120,
            arrived: Moment::from_ms(NOON - 250),
            elapsed: None,
            device_time: Some(time),
            clock: Some(ClockReading {
                raw,
                shown,
                read_at: Moment::from_ms(NOON),
                set_at: Some(Moment::from_ms(NOON + 4_000)),
            }),
        },
        source: Source::Device(Box::new(DeviceSource {
            identity: DeviceIdentity::SystemId([0, 0x60, 0x19, 0, 1, 0x0e, 0x92, 0x34]),
            facts: DeviceFacts {
                maker: Some("Acme \"Präzision\"".to_owned()),
                model: Some("BP-7".to_owned()),
                serial: Some("2021A0b".to_owned()),
                firmware: Some("1.4".to_owned()),
                hardware: Some("B".to_owned()),
                software: Some("3.0.1".to_owned()),
                system_id: Some([0, 0x60, 0x19, 0, 1, 0x0e, 0x92, 0x34]),
                address: Some([0xc4; 6]),
            },
            characteristic: 0x2a35,
            packets: vec![vec![0x1e, 0x7c, 0x00, 0x5c, 0xf3, 0x61, 0x00]],
            decoder: "1".to_owned(),
            record_number: Vec::new(),
            clock_fault: false,
            extra: Vec::new(),
            place: Place {
                install: [0xa1; 16],
                connection: [0xc2; 16],
                ordinal: 0,
            },
        })),
        doubts: vec![Doubt::Disturbed],
    })
}

/// A cuff's reading with nothing that could be left out.
pub fn least() -> Reading {
    let mut reading = full();
    reading.measurement = Measurement::BloodPressure(BloodPressure {
        systolic: Number::of(128, 0),
        diastolic: Number::of(82, 0),
        mean_arterial: Some(Number::NotANumber),
        pulse_rate: None,
        unit: PressureUnit::MmHg,
        user_slot: None,
        status: None,
    });
    reading.timing = Timing {
        effective: Moment::from_ms(NOON),
        basis: TimeBasis::Arrival,
        utc_offset_min: 0,
        arrived: Moment::from_ms(NOON),
        elapsed: None,
        device_time: None,
        clock: None,
    };
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.identity = DeviceIdentity::Address([0xc4; 6]);
    device.facts = DeviceFacts::default();
    device.packets = vec![vec![0x00, 0x80, 0x00, 0x52, 0x00, 0xff, 0x07]];
    device.place.ordinal = 3;
    reading.doubts = vec![Doubt::NoDeviceTime];
    finished(reading)
}

/// A reading of another kind by the same device, in its own frame.
pub fn of_kind(measurement: Measurement, characteristic: u16, frames: &[&str]) -> Reading {
    let mut reading = full();
    reading.doubts = Doubt::in_order(measurement.doubts());
    reading.measurement = measurement;
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.characteristic = characteristic;
    device.packets = frames.iter().map(|hex| from_hex(hex).unwrap()).collect();
    finished(reading)
}

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
fn observed(measurement: Measurement, frame: &str, elapsed: [u8; 9]) -> Reading {
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

/// The device's own number of the record.
pub fn numbered(mut reading: Reading, number: &[u8]) -> Reading {
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.record_number = number.to_vec();
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
    vec![
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
    ]
}

pub fn with(mut reading: Reading, change: impl FnOnce(&mut BloodPressure)) -> Reading {
    match &mut reading.measurement {
        Measurement::BloodPressure(values) => change(values),
        _ => unreachable!(),
    }
    finished(reading)
}

pub fn typed(unit: PressureUnit, pulse_rate: Option<Decimal>) -> Reading {
    let (systolic, diastolic) = match unit {
        PressureUnit::MmHg => (Decimal::new(131, 0), Decimal::new(79, 0)),
        PressureUnit::KPa => (Decimal::new(1740, -2), Decimal::new(105, -1)),
    };
    typed_values(TypedValues::BloodPressure {
        systolic,
        diastolic,
        pulse_rate,
        unit,
    })
}

pub fn typed_values(values: TypedValues) -> Reading {
    typed_reading(&TypedForm {
        install: [0xa1; 16],
        draft: [0xd4; 16],
        values,
        measured: Moment::from_ms(NOON - 3_600_000),
        utc_offset_min: -210,
        typed: Moment::from_ms(NOON),
    })
    .unwrap()
}

pub fn failed() -> Reading {
    let failed = with(full(), |values| {
        values.systolic = Number::NotANumber;
        values.diastolic = Number::NotANumber;
        values.mean_arterial = Some(Number::NotANumber);
        values.pulse_rate = Some(Number::NotANumber);
        values.status = Some(BloodPressureStatus(0));
    });
    Reading {
        doubts: vec![Doubt::MeasurementFailed],
        ..failed
    }
}

/// The device's clock could not be read.
pub fn unsure() -> Reading {
    let mut reading = full();
    reading.timing.basis = TimeBasis::DeviceAsSent;
    reading.timing.clock = None;
    reading.doubts = vec![Doubt::Disturbed, Doubt::ClockNotRead];
    finished(reading)
}

/// The device does not know the year.
pub fn clock_lost() -> Reading {
    let mut reading = full();
    reading.timing.basis = TimeBasis::Arrival;
    reading.timing.effective = reading.timing.arrived;
    reading.timing.device_time = Some(DeviceTime::from_bytes([0, 0, 6, 15, 13, 51, 30]));
    if let Some(clock) = &mut reading.timing.clock {
        clock.shown = DeviceTime::from_bytes([0, 0, 1, 1, 0, 0, 9]);
        clock.raw = vec![0, 0, 1, 1, 0, 0, 9, 0, 0, 0];
    }
    reading.doubts = vec![Doubt::Disturbed, Doubt::DeviceTimeUnusable];
    finished(reading)
}

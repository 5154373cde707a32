//! FHIR out and in again: golden files, and any reading there and back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod common;

use common::*;
use proptest::prelude::*;
use teleward_reading::*;

fn golden() -> Vec<(&'static str, Reading)> {
    blood_pressures().into_iter().chain(kinds()).collect()
}

fn blood_pressures() -> Vec<(&'static str, Reading)> {
    let kilopascal = |systolic, diastolic, mean| {
        with(full(), |values| {
            values.systolic = systolic;
            values.diastolic = diastolic;
            values.mean_arterial = Some(mean);
            values.unit = PressureUnit::KPa;
        })
    };
    vec![
        ("device-full", full()),
        ("device-least", least()),
        ("device-failed-measurement", failed()),
        (
            "device-special-values",
            with(full(), |values| {
                values.systolic = Number::PlusInfinity;
                values.diastolic = Number::MinusInfinity;
                values.mean_arterial = Some(Number::NotAtThisResolution);
                values.pulse_rate = Some(Number::Reserved);
            }),
        ),
        (
            "device-kilopascal",
            kilopascal(Number::of(165, -1), Number::of(1130, -2), Number::of(0, 0)),
        ),
        (
            "device-kilopascal-failed",
            kilopascal(Number::NotANumber, Number::NotANumber, Number::NotANumber),
        ),
        ("device-record", record()),
        ("device-time-unsure", unsure()),
        ("device-clock-lost", clock_lost()),
        (
            "device-positive-exponent",
            with(full(), |values| values.systolic = Number::of(12, 1)),
        ),
        (
            "typed",
            typed(PressureUnit::MmHg, Some(Decimal::new(66, 0))),
        ),
        ("typed-least", typed(PressureUnit::MmHg, None)),
        ("typed-kilopascal", typed(PressureUnit::KPa, None)),
    ]
}

/// REQ-READING-007: a reading is written as the golden files say, and read back equal in every field.
///
/// `TELEWARD_GOLDEN=write` writes them anew: only for a new version of the format.
#[test]
fn golden_observations_hold_in_both_directions() {
    for (name, reading) in golden() {
        let path = folder().join(format!("{name}.json"));
        let pretty = fhir::to_observation_pretty(&reading, LINK, &gateway());
        if std::env::var_os("TELEWARD_GOLDEN").is_some() {
            std::fs::write(&path, &pretty).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(pretty == golden, "{name} differs from its golden file");
        let line = to_observation(&reading, LINK, &gateway());
        assert!(!line.contains('\n'));
        for text in [&golden, &line] {
            let observed = from_observation(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(observed.reading == reading, "{name} changed on the way");
            assert_eq!(observed.link, LINK);
            let by_device = reading.device().is_some();
            assert_eq!(observed.gateway, by_device.then(gateway), "{name}");
        }
    }
}

/// REQ-READING-008: decimals keep the digits that the device sent, and a failed measurement has none.
#[test]
fn digits_stand_in_the_text_as_they_were_sent() {
    let line = to_observation(&full(), LINK, &gateway());
    assert!(line.contains(r#""value":86.0"#) && line.contains(r#""value":51.0"#));
    let line = to_observation(&failed(), LINK, &gateway());
    assert!(!line.contains("2047") && line.contains("not-a-number"));
    assert!(!line.contains("valueQuantity"));
}

fn any_number() -> BoxedStrategy<Number> {
    prop_oneof![
        (-2048_i64..2048, -8_i8..8).prop_map(|(mantissa, exponent)| Number::of(mantissa, exponent)),
        Just(Number::NotANumber),
        Just(Number::NotAtThisResolution),
        Just(Number::PlusInfinity),
        Just(Number::MinusInfinity),
        Just(Number::Reserved),
    ]
    .boxed()
}

fn maybe() -> BoxedStrategy<Option<Number>> {
    proptest::option::of(any_number()).boxed()
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    prop_oneof![
        (
            (any_number(), any_number(), maybe(), maybe()),
            (any::<bool>(), any::<Option<u8>>(), any::<Option<u16>>())
        )
            .prop_map(
                |((systolic, diastolic, mean_arterial, pulse_rate), (kpa, user_slot, status))| {
                    Measurement::BloodPressure(BloodPressure {
                        systolic,
                        diastolic,
                        mean_arterial,
                        pulse_rate,
                        unit: if kpa {
                            PressureUnit::KPa
                        } else {
                            PressureUnit::MmHg
                        },
                        user_slot,
                        status: status.map(BloodPressureStatus),
                    })
                }
            ),
        (
            any_number(),
            any_mass(),
            maybe(),
            maybe(),
            any::<Option<u8>>()
        )
            .prop_map(|(weight, unit, bmi, height, user_slot)| {
                Measurement::Weight(Weight {
                    weight,
                    unit,
                    bmi,
                    height,
                    user_slot,
                })
            }),
        (any_number(), any::<bool>(), any::<Option<u8>>()).prop_map(
            |(temperature, celsius, site)| {
                let unit = if celsius {
                    TemperatureUnit::Celsius
                } else {
                    TemperatureUnit::Fahrenheit
                };
                Measurement::Temperature(Temperature {
                    temperature,
                    unit,
                    site,
                })
            }
        ),
        (
            any_number(),
            maybe(),
            maybe(),
            any::<Option<u16>>(),
            proptest::option::of(0_u32..1 << 24)
        )
            .prop_map(
                |(spo2, pulse_rate, pulse_amplitude_index, measurement_status, device_status)| {
                    Measurement::Spo2(
                        Oximetry {
                            spo2: Some(spo2),
                            pulse_rate,
                            pulse_amplitude_index,
                            measurement_status,
                            device_status,
                        }
                        .sifted(),
                    )
                }
            ),
        any_glucose()
            .boxed()
            .prop_map(|values| Measurement::Glucose(values.sifted())),
        (
            maybe(),
            any::<Option<bool>>(),
            any::<Option<u16>>(),
            proptest::collection::vec(any::<u16>(), 0..9)
        )
            .prop_map(|(heart_rate, contact, energy_kj, rr_1024)| {
                Measurement::HeartRate(
                    HeartRate {
                        heart_rate,
                        contact,
                        energy_kj,
                        rr_1024,
                    }
                    .sifted(),
                )
            }),
        (
            (any_number(), any_mass(), any::<Option<u8>>()),
            [
                maybe(),
                maybe(),
                maybe(),
                maybe(),
                maybe(),
                maybe(),
                maybe(),
                maybe(),
                maybe()
            ],
        )
            .prop_map(|((fat_percent, unit, user_slot), rest)| {
                let [
                    basal_metabolism,
                    muscle_percent,
                    muscle_mass,
                    fat_free_mass,
                    soft_lean_mass,
                    body_water_mass,
                    impedance,
                    weight,
                    height,
                ] = rest;
                Measurement::BodyComposition(BodyComposition {
                    fat_percent,
                    unit,
                    basal_metabolism,
                    muscle_percent,
                    muscle_mass,
                    fat_free_mass,
                    soft_lean_mass,
                    body_water_mass,
                    impedance,
                    weight,
                    height,
                    user_slot,
                })
            }),
        any_cgm().prop_map(|values| Measurement::GlucoseCgm(values.sifted())),
        any_observation().prop_map(Measurement::Observation),
    ]
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (-8_000_000_i64..8_000_000, -60_i8..60)
        .prop_map(|(mantissa, exponent)| Decimal::new(mantissa, exponent))
}

fn any_unit() -> impl Strategy<Value = Ucum> {
    proptest::sample::select(Ucum::all().map(|(_, unit)| unit).collect::<Vec<_>>())
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    (any_number(), any_unit()).prop_map(|(number, unit)| Quantity { number, unit })
}

fn any_value() -> BoxedStrategy<ObservationValue> {
    let parts = proptest::collection::btree_map(131_073_u32..196_608, any_quantity(), 1..5);
    let compound = parts.prop_map(|parts| {
        let part = |(code, quantity)| ObservationPart {
            code: mdc(code),
            quantity,
        };
        ObservationValue::Compound(parts.into_iter().map(part).collect())
    });
    let scaled = (any_unit(), any_decimal(), any_decimal(), 1_i64..8_000_000);
    let array = (1_u8..4, proptest::collection::vec(0_u32..1 << 31, 1..20));
    let samples = (scaled, array).prop_filter_map(
        "a factor",
        |((unit, factor, offset, period), (per_period, samples))| {
            let samples = samples.repeat(per_period.into());
            let period = Decimal::new(period, factor.exponent());
            let samples = Samples::new(unit, factor, offset, period, per_period, samples)?;
            Some(ObservationValue::Samples(Box::new(samples)))
        },
    );
    prop_oneof![
        any_quantity().prop_map(ObservationValue::Number),
        compound,
        samples,
        (1_u32..1 << 31).prop_map(|code| ObservationValue::Code(mdc(code))),
    ]
    .boxed()
}

fn any_observation() -> impl Strategy<Value = Observation> {
    (131_073_u32..196_608, any_value(), any::<Option<u8>>()).prop_map(|(code, value, slot)| {
        Observation::new(mdc(code), value, slot).expect("of a person, and within the bounds")
    })
}

fn any_mass() -> impl Strategy<Value = MassUnit> {
    prop_oneof![Just(MassUnit::Kilogram), Just(MassUnit::Pound)]
}

prop_compose! {
    fn any_glucose()(
        concentration in maybe(),
        (mass, of, at) in (any::<bool>(), any::<Option<u8>>(), any::<Option<u8>>()),
        (status, time_offset_min) in (any::<Option<u16>>(), any::<Option<i16>>()),
        context in proptest::option::of(any_context().boxed()).boxed(),
    ) -> Glucose {
        Glucose {
            concentration,
            unit: if mass { GlucoseUnit::MilligramsPerDecilitre } else { GlucoseUnit::MillimolesPerLitre },
            sample_type: of.map(|of| of % 16),
            sample_location: at.map(|at| at % 16),
            status,
            time_offset_min,
            context,
        }
    }
}

prop_compose! {
    fn any_cgm()(
        (concentration, trend) in (maybe(), maybe()),
        quality in proptest::option::of((-2048_i64..2048, -8_i8..8)),
        (time_offset_min, status) in (any::<u16>(), proptest::option::of(0..1_u32 << 24)),
        (of, at) in any::<(Option<u8>, Option<u8>)>(),
    ) -> GlucoseCgm {
        GlucoseCgm {
            concentration,
            trend,
            quality_percent: quality.map(|(mantissa, exponent)| Decimal::new(mantissa, exponent)),
            time_offset_min,
            status,
            sample_type: of.map(|of| of % 16),
            sample_location: at.map(|at| at % 16),
        }
    }
}

prop_compose! {
    fn any_context()(
        (carbohydrate_id, meal, tester, health) in any::<(Option<u8>, Option<u8>, Option<u8>, Option<u8>)>(),
        (carbohydrate, exercise_duration, exercise_intensity, hba1c) in (maybe(), maybe(), maybe(), maybe()),
        medication in proptest::option::of((any::<u8>(), any_number(), any::<bool>())),
    ) -> GlucoseContext {
        GlucoseContext {
            carbohydrate_id,
            carbohydrate,
            meal,
            tester,
            health,
            exercise_duration,
            exercise_intensity,
            medication_id: medication.map(|(id, ..)| id),
            medication: medication.map(|(_, number, _)| number),
            medication_unit: medication.map(|(.., litres)| {
                if litres { MedicationUnit::Millilitre } else { MedicationUnit::Milligram }
            }),
            hba1c,
        }
    }
}

prop_compose! {
    fn any_reading()(
        measurement in any_measurement().boxed(),
        (time, clock, set) in (any::<Option<[u8; 7]>>(), any::<Option<[u8; 10]>>(), any::<Option<u32>>()),
        (offset, arrived) in (-840_i16..=840, 0_i64..4_000_000_000_000),
        texts in ("[ -~äß]{0,12}", "[ -~]{0,12}", "[A-Za-z0-9]{0,8}"),
        (system_id, address, identity) in (any::<Option<[u8; 8]>>(), any::<Option<[u8; 6]>>(), any::<[u8; 6]>()),
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..24), 1..3),
        (connection, ordinal, doubts) in (any::<[u8; 16]>(), any::<u32>(), any::<[bool; 16]>()),
    ) -> Reading {
        let some = |text: String| {
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let mut reading = full();
        reading.measurement = measurement;
        reading.timing = Timing {
            effective: Moment::from_ms(arrived - 1_000),
            basis: TimeBasis::Arrival,
            utc_offset_min: offset,
            arrived: Moment::from_ms(arrived),
            elapsed: None,
            device_time: time.map(DeviceTime::from_bytes),
            clock: clock.map(|raw| ClockReading {
                raw: raw.to_vec(),
                shown: DeviceTime::from_bytes(raw[..7].try_into().unwrap()),
                read_at: Moment::from_ms(arrived),
                set_at: set.map(|ms| Moment::from_ms(i64::from(ms))),
            }),
        };
        let Source::Device(device) = &mut reading.source else { unreachable!() };
        device.identity = DeviceIdentity::Address(identity);
        device.facts = DeviceFacts {
            maker: some(texts.0),
            model: some(texts.1),
            serial: some(texts.2),
            system_id,
            address,
            ..DeviceFacts::default()
        };
        device.packets = packets;
        device.extra = vec![0xee];
        device.place = Place { install: [9; 16], connection, ordinal };
        reading.doubts = Doubt::ALL.into_iter().zip(doubts).filter(|(_, on)| *on).map(|(d, _)| d).collect();
        finished(reading)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_reading_goes_there_and_back(reading in any_reading()) {
        let line = to_observation(&reading, LINK, &gateway());
        let observed = from_observation(&line);
        prop_assert!(observed.is_ok(), "{:?}", observed.err());
        prop_assert!(observed.unwrap().reading == reading);
        let row = serde_json::to_string(&reading).unwrap();
        prop_assert!(serde_json::from_str::<Reading>(&row).unwrap() == reading);
    }

    #[test]
    fn bytes_from_outside_never_panic(text in "\\PC{0,200}", cut in 0_usize..4000, flip in any::<u8>()) {
        let _ = from_observation(&text);
        let all = kinds();
        let (_, reading) = &all[cut % all.len()];
        let mut line = to_observation(reading, LINK, &gateway()).into_bytes();
        let at = cut % line.len();
        line[at] = flip;
        let _ = from_observation(&String::from_utf8_lossy(&line));
        line.truncate(at);
        let _ = from_observation(&String::from_utf8_lossy(&line));
    }
}

/// REQ-READING-054: the longest observation that a sensor can send is read again: as many samples as there may be, each as
/// long as it may be, in the longest frame.
#[test]
fn the_longest_observation_goes_there_and_back() {
    let all = observations();
    let (_, sent) = all
        .iter()
        .find(|(name, _)| name.ends_with("samples"))
        .unwrap();
    let mut reading = sent.clone();
    let longest = ecg(vec![0x7fff_ffff; MOST_SAMPLES]);
    let observation = Observation::new(mdc(131_329), longest, None).unwrap();
    reading.measurement = Measurement::Observation(observation);
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.packets = vec![vec![0xff; 65_535 + 3 + 4]];
    let reading = finished(reading);
    let line = to_observation(&reading, LINK, &gateway());
    assert!(from_observation(&line).unwrap().reading == reading);
}

/// REQ-READING-041: a reading that was somebody else's goes to other systems whole, as entered in error, and never comes in
/// from a phone like that.
#[test]
fn what_was_somebody_elses_is_handed_on_as_entered_in_error() {
    for (name, reading) in golden() {
        let line = to_observation(&reading, LINK, &gateway());
        let withdrawn = entered_in_error(&line).unwrap();
        let status = |word: &str| format!(r#""status":"{word}","category""#);
        let was =
            line.matches(&status("final")).count() + line.matches(&status("preliminary")).count();
        assert_eq!(was, 1, "{name}");
        let back = withdrawn.replace(&status("entered-in-error"), &status("final"));
        assert_eq!(
            back,
            line.replace(&status("preliminary"), &status("final")),
            "{name}: nothing else changes"
        );
        assert!(from_observation(&withdrawn).is_err(), "{name}");
        assert!(entered_in_error(&withdrawn).is_err(), "{name}");
    }
    assert!(entered_in_error("{}").is_err());
}

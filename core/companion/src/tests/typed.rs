//! Readings that a person types.

use super::*;

/// REQ-COMPANION-011: the same draft twice is one reading; input that cannot be is refused and loses nothing.
#[test]
fn a_draft_saved_twice_is_one_reading() {
    let mut phone = Phone::new();
    phone.take_reading();
    let manual = ManualReading {
        draft_id: format!("{:032x}", 0),
        measured_at: phone.now(),
        values: ManualValues::BloodPressure {
            systolic: "128".into(),
            diastolic: "82".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: Some("61".into()),
        },
    };
    let now = phone.now();
    let id = phone.desk().record_manual(&manual, now).unwrap();
    assert_eq!(id, phone.taken[0]);
    assert_eq!(phone.history().len(), 1);
    let with_systolic = |text: &str| ManualReading {
        values: ManualValues::BloodPressure {
            systolic: text.into(),
            diastolic: "82".into(),
            unit: PressureUnit::MmHg,
            pulse_rate: None,
        },
        ..manual.clone()
    };
    for bad in [
        ManualReading {
            draft_id: "x".into(),
            ..manual.clone()
        },
        with_systolic("12o"),
        with_systolic("60"),
        ManualReading {
            measured_at: now.plus(Duration::from_secs(86_400)),
            ..manual.clone()
        },
    ] {
        assert!(matches!(
            phone.desk().record_manual(&bad, now),
            Err(CompanionError::BadInput { .. })
        ));
    }
    assert_eq!(phone.history().len(), 1);
}

/// REQ-COMPANION-041: each kind that a person can type reaches the clinic as typed, in the digits that were typed.
#[test]
fn every_kind_that_is_typed_reaches_the_clinic() {
    let mut phone = Phone::joined();
    let typed = [
        ManualValues::Weight {
            weight: "84.20".into(),
            unit: MassUnit::Kilogram,
        },
        ManualValues::Temperature {
            temperature: " 36.4".into(),
            unit: TemperatureUnit::Celsius,
        },
        ManualValues::Spo2 {
            spo2: "97".into(),
            pulse_rate: Some(String::new()),
        },
        ManualValues::Glucose {
            concentration: "5.80".into(),
            unit: GlucoseUnit::MillimolesPerLitre,
            meal: Some(Meal::Fasting),
        },
        ManualValues::HeartRate {
            heart_rate: "61".into(),
        },
    ];
    for (n, values) in typed.into_iter().enumerate() {
        let now = phone.now();
        let manual = ManualReading {
            draft_id: format!("{:032x}", 0xa0 + n),
            measured_at: now,
            values,
        };
        phone.desk().record_manual(&manual, now).unwrap();
        phone.gather();
    }
    phone.settle();
    let mut told: Vec<String> = phone
        .history()
        .iter()
        .map(|reading| {
            assert_eq!((reading.typed, reading.stage), (true, Stage::AtTheClinic));
            let value = &reading.values[0];
            let text = value.value.as_deref().unwrap();
            format!("{} {text} {}", reading.kind, value.unit)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "glucose 5.80 mmol/L",
            "heart_rate 61 /min",
            "spo2 97 %",
            "temperature 36.4 Cel",
            "weight 84.20 kg",
        ]
    );
    let now = phone.now();
    let slip = ManualReading {
        draft_id: "cd".repeat(16),
        measured_at: now,
        values: ManualValues::Weight {
            weight: "8420".into(),
            unit: MassUnit::Kilogram,
        },
    };
    let refused = phone.desk().record_manual(&slip, now);
    assert!(matches!(refused, Err(CompanionError::BadInput { .. })));
}

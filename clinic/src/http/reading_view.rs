//! A reading as the console shows it.
//!
//! In: a reading as it is kept, what is kept beside it, and the unit in which this clinic reads its glucose. Out: its JSON.
//! Decimals cross as text, with the digits that came; a number that was converted stands with what was sent beside it, so
//! that nobody who shows it has anything to reckon.

use ::reading::{
    Coded, Doubt, GlucoseUnit, Measurement, Number, ObservationValue, Reading, TimeBasis,
    Value as Part,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use wire::{Hash, Time};

/// A picture of samples has at most two heights for each of so many stretches.
const STRETCHES: usize = 120;

#[derive(Debug, Serialize)]
pub(crate) struct ReadingView {
    id: String,
    kind: &'static str,
    effective: Option<Time>,
    effective_sure: bool,
    zone_offset: Option<String>,
    received: Time,
    source: &'static str,
    device: Option<DeviceView>,
    values: Values,
    units: Units,
    /// As it was sent, where `values` has another number.
    sent: Sent,
    /// The picture of samples.
    outline: Option<Vec<u16>>,
    coded: Vec<CodedView>,
    absent: Option<&'static str>,
    status: Vec<&'static str>,
    doubts: Vec<&'static str>,
    #[serde(flatten)]
    beside: Beside,
}

/// What the station keeps beside a reading.
#[derive(Debug, Serialize)]
pub(crate) struct Beside {
    pub(crate) stored: Time,
    pub(crate) possibly_same_as: Option<Hash>,
    pub(crate) link_label: String,
    /// By a link that somebody at the clinic confirmed.
    pub(crate) confirmed: bool,
    pub(crate) seen: Option<SeenView>,
    pub(crate) said: Option<SaidView>,
}

#[derive(Debug, Serialize)]
struct DeviceView {
    maker: Option<String>,
    model: Option<String>,
    serial_tail: Option<String>,
}

/// The values of a kind by their names, as this clinic reads them; `None` where the device sent no number.
type Values = BTreeMap<Cow<'static, str>, Option<String>>;
/// Their UCUM units, by the same names.
type Units = BTreeMap<Cow<'static, str>, &'static str>;
/// What was sent in the place of those that were converted, by the same names.
type Sent = BTreeMap<Cow<'static, str>, SentView>;

/// A number with its unit, as it came and is kept.
#[derive(Debug, Serialize)]
struct SentView {
    value: String,
    unit: &'static str,
}

/// A coded statement: a meal, a body site.
#[derive(Debug, Serialize)]
struct CodedView {
    name: &'static str,
    code: String,
    word: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SeenView {
    pub(crate) at: Time,
    pub(crate) by: Option<String>,
}

/// What the patient said about it afterwards; *not_me* voids it.
#[derive(Debug, Serialize)]
pub(crate) struct SaidView {
    pub(crate) what: String,
    pub(crate) at: Time,
    /// The install at which it was said.
    pub(crate) link_label: String,
    /// The device's user that the patient spoke of, when it was not this reading alone.
    pub(crate) user: Option<u8>,
    /// When it came here.
    pub(crate) stored: Time,
}

impl ReadingView {
    /// A reading with its glucose in the unit `glucose`, where that is known.
    pub(crate) fn of(reading: &Reading, glucose: Option<GlucoseUnit>, beside: Beside) -> Self {
        let timing = &reading.timing;
        let device = reading.device();
        let parts = reading.measurement.parts();
        let (mut values, mut units, mut sent) = (Values::new(), Units::new(), Sent::new());
        for part in &parts.values {
            let converted = glucose.and_then(|unit| part.in_glucose_unit(unit));
            let read = converted.as_ref().unwrap_or(part);
            values.insert(part.name.clone(), digits(read));
            units.insert(part.name.clone(), read.unit);
            if let (Some(_), Some(value)) = (&converted, digits(part)) {
                let unit = part.unit;
                sent.insert(part.name.clone(), SentView { value, unit });
            }
        }
        Self {
            id: reading.id.to_string(),
            kind: reading.kind().name(),
            // an arrival in the place of a time is no time of measurement
            effective: (timing.basis != TimeBasis::Arrival)
                .then(|| Time::from_ms(timing.effective.ms())),
            effective_sure: timing.is_sure(),
            zone_offset: Some(offset(timing.utc_offset_min)),
            received: Time::from_ms(timing.arrived.ms()),
            source: if device.is_some() { "device" } else { "typed" },
            device: device.map(|device| DeviceView {
                maker: device.facts.maker.clone(),
                model: device.facts.model.clone(),
                serial_tail: device.facts.serial.as_ref().map(|serial| {
                    let tail: Vec<char> = serial.chars().rev().take(4).collect();
                    tail.into_iter().rev().collect()
                }),
            }),
            values,
            units,
            sent,
            outline: outline(&reading.measurement),
            coded: parts.coded.iter().map(coded).collect(),
            absent: absent_reason(reading, parts.main()),
            status: parts.flags().collect(),
            doubts: reading
                .doubts
                .iter()
                // the patient has answered
                .filter(|doubt| **doubt != Doubt::PossiblyNotMe || beside.said.is_none())
                .map(|doubt| doubt.code())
                .collect(),
            beside,
        }
    }
}

fn digits(part: &Part) -> Option<String> {
    Some(part.number?.value()?.to_string())
}

/// `+02:00`
fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The heights of a picture of samples, in thousandths from the lowest to the highest.
fn outline(measurement: &Measurement) -> Option<Vec<u16>> {
    let Measurement::Observation(observation) = measurement else {
        return None;
    };
    match observation.value() {
        ObservationValue::Samples(samples) => Some(samples.outline(STRETCHES)),
        _ => None,
    }
}

fn coded(coded: &Coded) -> CodedView {
    CodedView {
        name: coded.name,
        code: coded.code.to_string(),
        word: coded.word,
    }
}

/// Why a main number is none: what the reading doubts of itself says it best.
fn absent_reason(reading: &Reading, main: &[Part]) -> Option<&'static str> {
    let number = |one: &Part| one.number.and_then(Number::value);
    if main.iter().all(|one| number(one).is_none()) {
        let mut doubts = reading.measurement.doubts().into_iter();
        if let Some(why) = doubts.find(|doubt| doubt.leaves_no_number()) {
            return Some(why.code());
        }
    }
    main.iter().find_map(|one| match one.number {
        Some(Number::Value(_)) => None,
        Some(Number::NotANumber) => Some("not_a_number"),
        Some(Number::NotAtThisResolution) => Some("not_at_this_resolution"),
        Some(Number::PlusInfinity) => Some("above_range"),
        Some(Number::MinusInfinity) => Some("below_range"),
        Some(Number::Reserved) => Some("reserved"),
        None => Some("not_given"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::readings;
    use ::reading::GlucoseUnit::{MilligramsPerDecilitre, MillimolesPerLitre};
    use serde_json::{Value, json};

    fn shown(golden: &str, glucose: Option<GlucoseUnit>) -> Value {
        let reading = readings::parse(golden).unwrap();
        let beside = Beside {
            stored: Time::from_ms(0),
            possibly_same_as: None,
            link_label: "phone".to_owned(),
            confirmed: true,
            seen: None,
            said: None,
        };
        json!(ReadingView::of(&reading, glucose, beside))
    }

    macro_rules! golden {
        ($name:literal) => {
            golden!($name, None)
        };
        ($name:literal, $glucose:expr) => {
            shown(
                include_str!(concat!("../../../tests/golden/fhir/", $name, ".json")),
                $glucose,
            )
        };
    }

    /// REQ-CLINIC-040: a reading of any kind is shown with its own names, digits, units and statements, and where there
    /// is no number, with the reason.
    #[test]
    fn every_kind_is_shown_as_what_it_is() {
        let weight = golden!("device-weight");
        assert_eq!(weight["kind"], "weight");
        assert_eq!(
            weight["values"],
            json!({ "weight": "84.200", "bmi": "26.3", "height": "179.0" })
        );
        assert_eq!(
            weight["units"],
            json!({ "weight": "kg", "bmi": "kg/m2", "height": "cm" })
        );
        assert_eq!(weight["absent"], Value::Null);
        assert_eq!(
            (&weight["sent"], &weight["stored"]),
            (&json!({}), &json!("1970-01-01T00:00:00.000Z"))
        );
        let warm = golden!("typed-temperature");
        assert_eq!(warm["values"], json!({ "temperature": "36.4" }));
        let glucose = golden!("device-glucose");
        assert!(
            glucose["coded"]
                .as_array()
                .unwrap()
                .contains(&json!({ "name": "meal", "code": "2", "word": "after_meal" }))
        );
        for (shown, absent) in [
            (golden!("device-failed-measurement"), "measurement_failed"),
            (golden!("device-weight-failed"), "measurement_failed"),
            (golden!("device-glucose-high"), "above_range"),
            (golden!("device-glucose-control"), "control_solution"),
            (golden!("device-spo2-demonstration"), "not_from_patient"),
        ] {
            assert_eq!(shown["absent"], absent);
            let values = shown["values"].as_object().unwrap();
            let main = values.iter().filter(|(_, text)| !text.is_null()).count();
            assert_eq!(main, 0, "{absent}: no number is left");
        }
        let special = golden!("device-special-values");
        assert_eq!(special["absent"], "measurement_failed");
    }

    /// REQ-CLINIC-085, HAZ-CLINIC-080: glucose is shown in the unit that is asked for, with the digits and the unit that were
    /// sent beside it; what has that unit already keeps its digits, and HI, LO and a sensor's trend stay as they are.
    #[test]
    fn glucose_stands_in_the_clinics_unit_beside_what_was_sent() {
        let mass = golden!("device-glucose", Some(MillimolesPerLitre));
        assert_eq!(mass["values"]["glucose"], "5.8");
        assert_eq!(mass["units"]["glucose"], "mmol/L");
        let sent = json!({ "glucose": { "value": "105", "unit": "mg/dL" } });
        assert_eq!(mass["sent"], sent);
        assert_eq!(
            (
                &mass["values"]["carbohydrate"],
                &mass["units"]["carbohydrate"]
            ),
            (&json!("60"), &json!("g"))
        );
        for (as_it_is, unit) in [
            (golden!("device-glucose"), "mg/dL"),
            (
                golden!("device-glucose", Some(MilligramsPerDecilitre)),
                "mg/dL",
            ),
            (golden!("typed-glucose", Some(MillimolesPerLitre)), "mmol/L"),
        ] {
            assert_eq!(as_it_is["units"]["glucose"], unit);
            assert_eq!(as_it_is["sent"], json!({}));
        }
        let high = golden!("device-glucose-high", Some(MillimolesPerLitre));
        assert_eq!(high["absent"], "above_range");
        assert_eq!(
            (
                &high["values"]["glucose"],
                &high["units"]["glucose"],
                &high["sent"]
            ),
            (&Value::Null, &json!("mmol/L"), &json!({}))
        );
        let sensor = golden!("device-glucose-cgm", Some(MillimolesPerLitre));
        assert_eq!(
            sensor["values"],
            json!({ "glucose": "6.7", "trend": "-1.2" })
        );
        assert_eq!(sensor["units"]["trend"], "mg/dL/min");
        let weight = golden!("device-weight", Some(MillimolesPerLitre));
        assert_eq!(weight, golden!("device-weight"));
    }

    /// REQ-CLINIC-084: an observation of a health sensor is shown by the names of its codes, whatever its shape: a number,
    /// several, samples with a picture of them, an answer.
    #[test]
    fn an_observation_is_shown_whatever_its_shape() {
        let code =
            |code: &str, word: Value| json!({ "name": "observation", "code": code, "word": word });
        let rate = golden!("device-observation");
        assert_eq!(rate["kind"], "observation");
        assert_eq!(rate["values"], json!({ "respiratory_rate": "14.0" }));
        assert_eq!(rate["units"], json!({ "respiratory_rate": "/min" }));
        assert_eq!(
            rate["coded"],
            json!([code("151562", json!("respiratory_rate"))])
        );
        assert_eq!(
            (&rate["absent"], &rate["outline"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            golden!("device-observation-failed")["absent"],
            "measurement_failed"
        );
        let several = golden!("device-observation-compound");
        assert_eq!(
            several["values"],
            json!({ "fev1": "2.85", "peak_flow": "412", "fev1_fvc": null })
        );
        assert_eq!(several["absent"], "not_a_number");
        let ecg = golden!("device-observation-samples");
        assert_eq!(
            ecg["values"],
            json!({ "samples": "8", "duration": "0.032", "lowest": "-1.100", "highest": "2.500" })
        );
        let outline = ecg["outline"].as_array().unwrap();
        assert_eq!(
            (outline.len(), &outline[3], &outline[4]),
            (8, &json!(1_000), &json!(0))
        );
        let answer = golden!("device-observation-code");
        assert_eq!(answer["values"], json!({}));
        assert_eq!(
            answer["coded"],
            json!([
                code("184327", Value::Null),
                { "name": "value", "code": "147232", "word": null }
            ])
        );
        assert_eq!(answer["absent"], Value::Null);
    }
}

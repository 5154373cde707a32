//! What stands beside the cuff of some patients: a scale and a thermometer, and what they send.

use device::{BodySize, DeviceHandle, Measured, ScaleUnits, TemperatureFrame, WeightFrame};
use jiff::civil::DateTime;
use reading::{Decimal, DeviceTime, Number};
use serde_json::{Value, json};

use super::people::{Habit, Person};

const SCALE: &str = "scale";
const THERMOMETER: &str = "thermometer";
/// The thermometer is used on each third of the occasions.
const WARM_EACH: i64 = 3;
/// As the standard numbers it.
const MOUTH: u8 = 6;

/// The handles of what this person has beside a cuff.
pub fn handles(person: &Person) -> &'static [&'static str] {
    if person.habit == Habit::Steady && person.index.is_multiple_of(3) {
        &[SCALE, THERMOMETER]
    } else {
        &[]
    }
}

/// Their rows of the radio's script.
pub fn script(person: &Person, bonded: bool) -> Vec<Value> {
    let row = |handle: &str| {
        let (service, measurement, model, place) = match handle {
            SCALE => ("181d", "181d/2a9d", "5363616c652033", 1),
            _ => ("1809", "1809/2a1c", "4f72616c2032", 2),
        };
        json!({
            "device": handle,
            "name": handle,
            "address": format!("c0ff{place:02x}{:06x}", person.index),
            "services": [service],
            "measurements": [measurement],
            "values": {
                "180a/2a29": "4578616d706c6520496e737472756d656e7473",
                "180a/2a24": model,
                "180a/2a25": format!("{:02x}{:02x}{:02x}", 0x41 + person.index % 26, 0x30 + place, 0x37),
            },
            "clock_behind_s": 40,
            "needs_pairing": true,
            "bonded": bonded,
        })
    };
    handles(person).iter().map(|handle| row(handle)).collect()
}

/// What they measure on the occasion of this number.
pub fn measured(person: &Person, n: i64, at: DateTime) -> Vec<(DeviceHandle, Vec<u8>)> {
    let sway = |step: i64, width: i64| (n * step + person.systolic) % width;
    let time = Some(DeviceTime::from_civil(at));
    let frames = handles(person).iter().filter_map(|handle| {
        let frame = match *handle {
            SCALE => WeightFrame {
                // Steps of 0.005 kg around what goes with the person.
                weight: Measured::Value(Decimal::new(
                    (person.diastolic + 8) * 1000 + 5 * sway(37, 160),
                    -3,
                )),
                units: ScaleUnits::Metric,
                time,
                user_slot: Some(1),
                size: None::<BodySize>,
                extra: Vec::new(),
            }
            .encode(),
            _ if n % WARM_EACH == 0 => TemperatureFrame {
                temperature: Number::of(364 + sway(3, 7), -1),
                unit: device::TemperatureUnit::Celsius,
                time,
                site: Some(MOUTH),
                extra: Vec::new(),
            }
            .encode(),
            _ => None,
        };
        Some((DeviceHandle((*handle).to_owned()), frame?))
    });
    frames.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-READING-029: some patients have a scale and a thermometer beside the cuff, which the clinic's list shows.
    #[test]
    fn some_patients_have_more_than_a_cuff() {
        let people: Vec<Person> = (0..20).map(Person::at).collect();
        let more = people.iter().filter(|person| !handles(person).is_empty());
        assert!(more.count() >= 4);
        let at = jiff::civil::date(2026, 1, 1).at(8, 0, 0, 0);
        assert_eq!(measured(&people[0], 3, at).len(), 2);
        assert_eq!(measured(&people[0], 4, at).len(), 1);
        assert!(measured(&people[1], 3, at).is_empty());
    }
}

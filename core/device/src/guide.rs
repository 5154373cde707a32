//! What a patient does so that a device pairs, in short sentences: what its family wants, then what its model does its own
//! way.

use crate::family;
use crate::quirks::{Behaviour, Met, QuirkTable};
use crate::uuid::Uuid;

/// What to do with a device of which so much is known, in order.
#[must_use]
pub fn how_to_pair(table: &QuirkTable, met: &Met) -> Vec<String> {
    let told = |which: fn(&Behaviour) -> Option<String>| table.behaviours(met).filter_map(which);
    let mut steps: Vec<String> = told(before).collect();
    let modes: Vec<String> = told(pairing_mode).collect();
    if modes.is_empty() {
        steps.push(wake(met).to_owned());
    }
    steps.extend(modes);
    steps.extend(told(during));
    steps
}

fn pairing_mode(behaviour: &Behaviour) -> Option<String> {
    match behaviour {
        Behaviour::PairingMode { how } => Some(how.clone()),
        _ => None,
    }
}

/// What a device of this family wants before it can be found.
fn wake(met: &Met) -> &'static str {
    let services: Vec<Uuid> = met
        .services
        .iter()
        .map(|number| Uuid::short(*number))
        .collect();
    match family::of(&services).map(|family| family.service) {
        Some(Uuid::WEIGHT_SCALE) => "Step on the scale for a moment, so that it wakes up.",
        Some(Uuid::PULSE_OXIMETER) => "Put it on your finger, so that it switches on.",
        Some(Uuid::GLUCOSE) => "Switch the meter on and choose pairing in its menu.",
        _ => "Hold its Bluetooth button until the symbol blinks.",
    }
}

fn before(behaviour: &Behaviour) -> Option<String> {
    let step = match behaviour {
        Behaviour::BoundToFormerPhone => {
            "If it was used with another phone, take its batteries out for a moment."
        }
        Behaviour::NeedsStoredValue => "Measure once before you pair.",
        Behaviour::SlotsMayBeFull => {
            "If it says that all its users are taken, delete one in its menu."
        }
        _ => return None,
    };
    Some(step.to_owned())
}

fn during(behaviour: &Behaviour) -> Option<String> {
    let step = match behaviour {
        Behaviour::Passkey { digits } => {
            return Some(format!(
                "It shows a code of {digits} digits. Type it when you are asked."
            ));
        }
        Behaviour::AsksToPairTwice => "You may be asked twice. Say yes both times.",
        Behaviour::ConnectedBeforePasskey => {
            "It may say that it is connected. It is paired when you are told so here."
        }
        Behaviour::Consent => "It may ask which of its users you are.",
        _ => return None,
    };
    Some(step.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(name: &str, maker: &str, service: u16) -> Vec<String> {
        let met = Met {
            name: name.to_owned(),
            maker: maker.to_owned(),
            services: vec![service],
            ..Met::default()
        };
        how_to_pair(&QuirkTable::built_in(), &met)
    }

    /// REQ-DEVICE-166: a patient is told what to do with this device: by its family, or by its model where that is known.
    #[test]
    fn a_patient_is_told_what_to_do() {
        let scale = "Step on the scale for a moment, so that it wakes up.";
        assert_eq!(steps("Somebody's", "", 0x181d), [scale]);
        let meter = steps("meter+00123", "", 0x1808);
        assert_eq!(meter[0], "Measure once before you pair.");
        assert!(
            meter.iter().any(|step| step.contains("6 digits")),
            "{meter:?}"
        );
        let omron = steps("BLESmart_1", "", 0x1810);
        assert!(omron[0].contains("P blinks"), "{omron:?}");
        assert!(
            !omron.iter().any(|step| step.contains("symbol")),
            "{omron:?}"
        );
        assert_eq!(steps("", "Beurer GmbH", 0x181d).len(), 4);
    }

    /// REQ-DEVICE-167: short sentences, for people who have never done it.
    #[test]
    fn steps_are_short() {
        let table = QuirkTable::built_in();
        let all = table.rows().iter().flat_map(|row| &row.behaviours);
        let steps = |one| {
            pairing_mode(one)
                .or_else(|| before(one))
                .or_else(|| during(one))
        };
        let all: Vec<String> = all.filter_map(steps).collect();
        assert!(all.len() > 8, "{all:?}");
        for step in all {
            assert!(
                step.split_whitespace().count() <= 16 && step.ends_with('.'),
                "{step}"
            );
        }
    }
}

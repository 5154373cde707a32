//! Families of home devices: the service that names one, and what a session wants of it. A new family is one row here,
//! a decoder and a kind of reading.

use crate::radio::Attribute;
use crate::stored::StoredService;
use crate::stream::StreamService;
use crate::uuid::Uuid;

/// One family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// What a person calls such a device.
    pub name: &'static str,
    /// The service that it names while it advertises.
    pub service: Uuid,
    /// The characteristics that carry its records, in the order in which they are subscribed to.
    pub measurements: &'static [u16],
    /// The records that such a device may keep and be asked for.
    pub stored: Option<StoredService>,
    /// What it streams: a measurement is made of many frames, and nothing is kept.
    pub stream: Option<StreamService>,
}

/// All families whose records become readings. A scale that names both of its services is one for body composition.
pub const FAMILIES: [Family; 9] = [
    Family {
        name: "blood pressure cuff",
        service: Uuid::BLOOD_PRESSURE,
        measurements: &[0x2a35, 0x2b34],
        stored: Some(StoredService::BloodPressure),
        stream: None,
    },
    Family {
        name: "body composition scale",
        service: Uuid::BODY_COMPOSITION,
        measurements: &[0x2a9c],
        stored: None,
        stream: None,
    },
    Family {
        name: "scale",
        service: Uuid::WEIGHT_SCALE,
        measurements: &[0x2a9d],
        stored: None,
        stream: None,
    },
    Family {
        name: "thermometer",
        service: Uuid::THERMOMETER,
        measurements: &[0x2a1c],
        stored: None,
        stream: None,
    },
    Family {
        name: "pulse oximeter",
        service: Uuid::PULSE_OXIMETER,
        measurements: &[0x2a5e],
        stored: Some(StoredService::Oximeter),
        stream: None,
    },
    Family {
        name: "glucose meter",
        service: Uuid::GLUCOSE,
        measurements: &[0x2a18, 0x2a34],
        stored: Some(StoredService::Glucose),
        stream: None,
    },
    Family {
        name: "heart rate strap",
        service: Uuid::HEART_RATE,
        measurements: &[0x2a37],
        stored: None,
        stream: Some(StreamService::HeartRate),
    },
    Family {
        name: "glucose sensor",
        service: Uuid::CONTINUOUS_GLUCOSE,
        measurements: &[0x2aa7],
        stored: Some(StoredService::ContinuousGlucose),
        stream: None,
    },
    Family {
        name: "health sensor",
        service: Uuid::HEALTH_SENSOR,
        measurements: &[0x2b8b],
        stored: Some(StoredService::HealthSensor),
        stream: None,
    },
];

impl Family {
    /// Where its records come from.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute> {
        let service = self.service;
        self.measurements.iter().map(move |number| Attribute {
            service,
            characteristic: Uuid::short(*number),
        })
    }
}

/// Whether what a characteristic says is said better by another one that the device has: a cuff that indicates both
/// layouts (0x2A35, 0x2B34) would give each measurement twice.
fn is_said_better(one: Attribute, has: impl Fn(Attribute) -> bool) -> bool {
    let of_cuff = |number| Attribute {
        service: Uuid::BLOOD_PRESSURE,
        characteristic: Uuid::short(number),
    };
    one == of_cuff(0x2a35) && has(of_cuff(0x2b34))
}

/// Where records are taken from, of all that a device has: what is said better by another characteristic is left out.
pub(crate) fn offered(found: &[Attribute]) -> Vec<Attribute> {
    let has = |one: Attribute| found.contains(&one);
    measurements()
        .filter(|one| has(*one) && !is_said_better(*one, has))
        .collect()
}

/// The services to look for.
#[must_use]
pub fn services() -> Vec<Uuid> {
    FAMILIES.iter().map(|family| family.service).collect()
}

/// Whether this characteristic carries records.
#[must_use]
pub fn carries_records(attribute: Attribute) -> bool {
    measurements().any(|one| one == attribute)
}

/// Every characteristic that carries records.
pub(crate) fn measurements() -> impl Iterator<Item = Attribute> {
    FAMILIES.iter().flat_map(Family::attributes)
}

/// The family of a device that names these services; the first of them that is known.
#[must_use]
pub fn of(services: &[Uuid]) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .find(|family| services.contains(&family.service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_by_its_service() {
        let cuff = [Uuid::BATTERY, Uuid::BLOOD_PRESSURE];
        assert_eq!(
            of(&cuff).map(|family| family.name),
            Some("blood pressure cuff")
        );
        assert_eq!(
            of(&[Uuid::WEIGHT_SCALE]).map(|family| family.name),
            Some("scale")
        );
        assert_eq!(
            of(&[Uuid::WEIGHT_SCALE, Uuid::BODY_COMPOSITION]).map(|family| family.name),
            Some("body composition scale")
        );
        assert_eq!(of(&[Uuid::BATTERY]), None);
        let mut services = services();
        services.sort();
        services.dedup();
        assert_eq!(services.len(), FAMILIES.len(), "a service names one family");
    }

    #[test]
    fn records_come_from_measurements_of_their_own_service_only() {
        let of = |service, number| Attribute {
            service,
            characteristic: Uuid::short(number),
        };
        assert!(carries_records(of(Uuid::BLOOD_PRESSURE, 0x2a35)));
        assert!(carries_records(of(Uuid::BLOOD_PRESSURE, 0x2b34)));
        assert!(carries_records(of(Uuid::THERMOMETER, 0x2a1c)));
        assert!(!carries_records(of(Uuid::THERMOMETER, 0x2a1e)));
        assert!(!carries_records(of(Uuid::PULSE_OXIMETER, 0x2a5f)));
        assert!(!carries_records(of(Uuid::BLOOD_PRESSURE, 0x2a36)));
        assert!(!carries_records(of(Uuid::BATTERY, 0x2a35)));
    }
}

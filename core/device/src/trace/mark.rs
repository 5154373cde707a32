//! The mark of stored records from which a session went on, for its trace. A mark holds prints, which are hashes of
//! records: in the trace stand the prints of what the records were replaced by, and of records that did not come in the
//! session only how many they were.

use super::line::Place;
use crate::blood_pressure::BloodPressureFeature;
use crate::blood_pressure_record::CheckSum;
use crate::family::FAMILIES;
use crate::stored::intake::Intake;
use crate::stored::{Print, StoredMark, StoredService};
use reading::to_hex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A mark in a trace.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct TracedMark {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Print>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<Known>,
    /// The session that its numbers count in, as the device named it in the trace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    session: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Known {
    One(Print),
    /// So many in a row that did not come.
    Others(u16),
}

impl TracedMark {
    pub(super) fn is_new(&self) -> bool {
        self.newest.is_none() && self.known.is_empty() && self.session.is_empty()
    }

    /// The mark that leads to the same decisions.
    pub(super) fn mark(&self) -> StoredMark {
        let mut others = 0..u32::MAX;
        let mut known = Vec::new();
        for one in &self.known {
            match one {
                Known::One(print) => known.push(*print),
                Known::Others(count) => {
                    let room = StoredMark::CAPACITY.saturating_sub(known.len());
                    let so_many = others.by_ref().take(usize::from(*count).min(room));
                    known.extend(so_many.map(|n| Print::other(None, n)));
                }
            }
        }
        StoredMark::of_parts(self.newest, known, self.session.clone())
    }
}

/// Follows the records of a session as they came and as they stand in its trace.
#[derive(Default)]
pub(super) struct Marks {
    /// The records of each service: as they came, as they stand there.
    records: Vec<(StoredService, Intake, Intake)>,
    met: HashMap<Print, Print>,
    /// What names the session, as it came and as it stands there.
    session: Option<(Vec<u8>, Vec<u8>)>,
}

impl Marks {
    /// A value as it came and as it stands in the trace.
    pub(super) fn value(&mut self, of: Place, came: &[u8], stands: &[u8]) {
        let family = FAMILIES.iter().find(|one| one.service == of.0.service);
        let service = family.and_then(|family| family.stored);
        let (Some(service), Some(number)) = (service, of.0.characteristic.as_short()) else {
            return;
        };
        let known = self.records.iter().position(|(one, ..)| *one == service);
        let at = known.unwrap_or_else(|| {
            let intakes = (Intake::new(service), Intake::new(service));
            self.records.push((service, intakes.0, intakes.1));
            self.records.len() - 1
        });
        let Some((_, before, after)) = self.records.get_mut(at) else {
            return;
        };
        let came = before.arrivals(number, came.to_vec());
        let stands = after.arrivals(number, stands.to_vec());
        for (came, stands) in came.iter().zip(&stands) {
            self.met
                .extend(came.prints().into_iter().zip(stands.prints()));
        }
    }

    /// An answer to a read.
    pub(super) fn answer(&mut self, of: Place, came: &[u8], stands: &[u8]) {
        match of.0.characteristic.as_short() {
            Some(0x2aaa) => self.session = Some((came.to_vec(), stands.to_vec())),
            Some(0x2a49) => {
                let Ok(feature) = BloodPressureFeature::decode(came) else {
                    return;
                };
                let service = StoredService::BloodPressure;
                let mut intakes = (Intake::new(service), Intake::new(service));
                let check = CheckSum::of(feature);
                intakes.0.set_check_sum(check);
                intakes.1.set_check_sum(check);
                self.records.retain(|(one, ..)| *one != service);
                self.records.push((service, intakes.0, intakes.1));
            }
            _ => {}
        }
    }

    /// The mark as it stands in the trace.
    pub(super) fn told(&self, mark: &StoredMark) -> TracedMark {
        let newest = mark.newest().map(|print| {
            let other = || Print::other(print.number(), u32::MAX);
            self.met.get(&print).copied().unwrap_or_else(other)
        });
        let mut known = Vec::new();
        for print in mark.known() {
            match (self.met.get(print), known.last_mut()) {
                (Some(print), _) => known.push(Known::One(*print)),
                (None, Some(Known::Others(count))) if *count < u16::MAX => *count += 1,
                (None, _) => known.push(Known::Others(1)),
            }
        }
        let session = match &self.session {
            _ if mark.session().is_empty() => String::new(),
            Some((came, stands)) if to_hex(came) == mark.session() => to_hex(stands),
            _ => "other".to_owned(),
        };
        TracedMark {
            newest,
            known,
            session,
        }
    }
}

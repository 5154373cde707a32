//! How this clinic reads what can be said in two units. Nothing that came is changed by it: what is shown is converted
//! (`reading::GlucoseUnit`), and the digits that were sent stand beside it.

use crate::audit;
use crate::error::ClinicError;
use crate::mail::{amendments, readings};
use crate::station::{meta, set_meta};
use reading::{GlucoseUnit, Kind};
use serde::Serialize;
use std::collections::BTreeMap;
use store::Tx;
use store::rusqlite::OptionalExtension as _;
use wire::{Time, json};

const GLUCOSE: &str = "glucose_unit";

/// Kinds that have a concentration of glucose.
const WITH_GLUCOSE: [Kind; 2] = [Kind::Glucose, Kind::GlucoseCgm];

/// The unit that the clinic chose for blood glucose; `None` before it has.
pub(crate) fn glucose_unit(tx: &Tx<'_>) -> Result<Option<GlucoseUnit>, ClinicError> {
    match meta(tx, GLUCOSE)? {
        None => Ok(None),
        Some(kept) => json::parse(kept.as_bytes()).map_err(|_| ClinicError::Kept("a unit")),
    }
}

/// Chooses it, or chooses none, in the name of an account.
pub(crate) fn set_glucose_unit(
    tx: &Tx<'_>,
    unit: Option<GlucoseUnit>,
    by: &str,
    now: Time,
) -> Result<(), ClinicError> {
    set_meta(tx, GLUCOSE, &json::to_string(&unit))?;
    let about = unit.map_or("as_sent", GlucoseUnit::ucum);
    audit::note(tx, by, "glucose_unit_chosen", about, now)
}

/// In which unit one patient's glucose is read, by the kind of reading: in the one that the clinic chose; before it has, in the
/// one that the newest reading of that kind has, so that a chart leaves nothing out. A kind without any has none.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct GlucoseReadIn(BTreeMap<&'static str, GlucoseUnit>);

impl GlucoseReadIn {
    /// Of all readings that are kept of a patient, whichever are shown.
    pub(crate) fn of(tx: &Tx<'_>, patient: &str) -> Result<Self, ClinicError> {
        let chosen = glucose_unit(tx)?;
        let mut units = BTreeMap::new();
        for kind in WITH_GLUCOSE {
            let unit = match chosen {
                None => newest_has(tx, patient, kind)?,
                chosen => chosen,
            };
            units.extend(unit.map(|unit| (kind.name(), unit)));
        }
        Ok(Self(units))
    }

    /// The unit for readings of a kind.
    pub(crate) fn unit(&self, kind: Kind) -> Option<GlucoseUnit> {
        self.0.get(kind.name()).copied()
    }
}

/// The unit of the newest reading of a kind; somebody else's meter says nothing about this patient's.
fn newest_has(tx: &Tx<'_>, patient: &str, kind: Kind) -> Result<Option<GlucoseUnit>, ClinicError> {
    let line: Option<String> = tx
        .prepare_cached(&format!(
            "SELECT r.fhir FROM reading r {} WHERE r.patient = ?1 AND r.kind = ?2 AND w.what IS NOT 'not_me'
             ORDER BY r.effective DESC, r.id DESC LIMIT 1",
            amendments::COUNTS
        ))?
        .query_row([patient, kind.name()], |row| row.get(0))
        .optional()?;
    let Some(line) = line else {
        return Ok(None);
    };
    let parts = readings::parse(&line)?.measurement.parts();
    Ok(parts.values.iter().find_map(reading::Value::glucose_unit))
}

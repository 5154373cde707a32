//! How this clinic reads what can be said in two units. Nothing that came is changed by it: the console converts what it
//! shows, says so, and keeps the digits that were sent beside it.

use crate::audit;
use crate::error::ClinicError;
use crate::station::{meta, set_meta};
use reading::GlucoseUnit;
use store::Tx;
use wire::{Time, json};

const GLUCOSE: &str = "glucose_unit";

/// The unit that the clinic chose for blood glucose; `None` before it has: then the console goes by the unit of each patient's newest reading.
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

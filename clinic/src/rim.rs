//! The rim: randomness. Everything inside gets it as an argument.

use crate::error::ClinicError;
use store::StoreError;

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ClinicError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::NoRandom)?;
    Ok(bytes)
}

/// A random id for something of ours, 32 hex digits.
pub(crate) fn id() -> Result<String, ClinicError> {
    Ok(wire::MailboxId(random()?).to_string())
}

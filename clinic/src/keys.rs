//! The station's own keys, as files of mode 0600 in `keys/` of its data folder.
//!
//! | Name | What |
//! |---|---|
//! | `sign`, `auth` | 32-byte seeds: envelopes down; requests to relays |
//! | `age`, `age-N` | 32-byte seeds of what opens letters: the active one and past ones |
//! | `reserve` | the reserve signing key, sealed to the backup sheet: this machine cannot open it |
//! | `backup` | the recipient to which backups are sealed |

use crate::error::ClinicError;
use std::path::Path;
use vault::{AgeIdentity, AgeRecipient, FileVault, KeyVault, KeyVaultError, Sensitive};
use wire::SigningKey;
use zeroize::Zeroizing;

/// The folder of key files within the data folder.
pub(crate) const FOLDER: &str = "keys";
pub(crate) const SIGN: &str = "sign";
pub(crate) const AUTH: &str = "auth";
pub(crate) const AGE: &str = "age";
pub(crate) const RESERVE: &str = "reserve";
pub(crate) const BACKUP: &str = "backup";
/// Names of all that a backup carries.
pub(crate) const ALL: [&str; 5] = [SIGN, AUTH, AGE, RESERVE, BACKUP];
/// Retired keys that still open old letters are `age-1` to this.
const MAX_PAST: u32 = 16;

/// What a running station holds.
#[derive(Debug, Clone)]
pub(crate) struct StationKeys {
    pub sign: SigningKey,
    pub auth: SigningKey,
    /// The active one first, then past ones.
    pub ages: Vec<AgeIdentity>,
}

/// Opens the key folder; a passphrase where there is one.
pub(crate) fn open(
    dir: &Path,
    passphrase: Option<&Sensitive<String>>,
) -> Result<FileVault, ClinicError> {
    Ok(FileVault::open(&dir.join(FOLDER), passphrase)?)
}

impl StationKeys {
    pub(crate) fn load(vault: &dyn KeyVault) -> Result<Self, ClinicError> {
        let mut ages = vec![age(vault, AGE)?];
        for n in 1..=MAX_PAST {
            match age(vault, &format!("{AGE}-{n}")) {
                Ok(past) => ages.push(past),
                Err(ClinicError::Keys(KeyVaultError::Missing)) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(Self {
            sign: signing(vault, SIGN)?,
            auth: signing(vault, AUTH)?,
            ages,
        })
    }
}

/// A signing key by its name.
pub(crate) fn signing(vault: &dyn KeyVault, name: &str) -> Result<SigningKey, ClinicError> {
    let seed = seed(vault, name)?;
    Ok(SigningKey::from_seed(&seed))
}

fn age(vault: &dyn KeyVault, name: &str) -> Result<AgeIdentity, ClinicError> {
    let seed = seed(vault, name)?;
    AgeIdentity::from_seed(&seed).map_err(|_| KeyVaultError::Damaged.into())
}

/// To whom backups are sealed.
pub(crate) fn backup_recipient(vault: &dyn KeyVault) -> Result<AgeRecipient, ClinicError> {
    let text = vault.load(BACKUP)?;
    std::str::from_utf8(text.expose())
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| KeyVaultError::Damaged.into())
}

fn seed(vault: &dyn KeyVault, name: &str) -> Result<Zeroizing<[u8; 32]>, ClinicError> {
    let bytes = vault.load(name)?;
    let seed: [u8; 32] = bytes
        .expose()
        .as_slice()
        .try_into()
        .map_err(|_| KeyVaultError::Damaged)?;
    Ok(Zeroizing::new(seed))
}

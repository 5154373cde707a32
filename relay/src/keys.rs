//! The relay's two receipt keys: one in use, one that a restored relay starts with. Files of 32 bytes, mode 0600.

use crate::RelayError;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use wire::{PublicKey, SigningKey};
use zeroize::Zeroizing;

/// The keys of one data folder.
#[derive(Debug)]
pub struct Keys {
    /// Signs receipts now.
    pub receipt: SigningKey,
    /// The public half of the one that a restore brings into use.
    pub reserve: PublicKey,
}

/// Both files.
pub const FILES: [&str; 2] = [IN_USE, RESERVE];
const IN_USE: &str = "receipt.key";
const RESERVE: &str = "receipt-reserve.key";

/// Loads both keys, making what is missing at the first start.
///
/// # Errors
/// Those of the file system, or [`RelayError::Damaged`].
pub fn open(folder: &Path) -> Result<Keys, RelayError> {
    let receipt = load_or_make(&folder.join(IN_USE))?;
    let reserve = load_or_make(&folder.join(RESERVE))?.public();
    Ok(Keys { receipt, reserve })
}

/// After a restore: the reserve key signs from now on, and a new reserve is made.
///
/// # Errors
/// As [`open`].
pub fn take_reserve(folder: &Path) -> Result<(), RelayError> {
    std::fs::rename(folder.join(RESERVE), folder.join(IN_USE))?;
    load_or_make(&folder.join(RESERVE)).map(|_| ())
}

fn load_or_make(path: &Path) -> Result<SigningKey, RelayError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path)?;
            std::fs::read(path)?
        }
        read => read?,
    };
    let bytes = Zeroizing::new(bytes);
    let seed = <&[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| RelayError::Damaged("a key file has another length"))?;
    Ok(SigningKey::from_seed(seed))
}

/// Makes a key file, whole or not at all. When two processes make it at once, the first one's stands.
fn make(path: &Path) -> Result<(), RelayError> {
    let key = SigningKey::generate().map_err(|_| RelayError::Disk("no randomness".to_owned()))?;
    let whole = path.with_extension(format!("{}.new", key.public().kid()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&whole)?;
    file.write_all(key.expose_seed().as_slice())?;
    file.sync_all()?;
    match std::fs::hard_link(&whole, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    std::fs::remove_file(&whole)?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

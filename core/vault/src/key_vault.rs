//! Where an install keeps its secrets: the one trait that a platform must fill, and two implementations.
//!
//! A vault is readable after the first unlock, on this device only; it never prompts and never blocks. *Locked* is a
//! normal state and another thing than *missing*: whoever takes the first for the second would make new keys and lose
//! the old ones.

use crate::age_file::{
    AgeFileError, open_file, open_with_passphrase, seal_file, seal_with_passphrase,
};
use crate::durable;
use crate::{AgeIdentity, Sensitive};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Why a vault gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyVaultError {
    /// There is nothing under this name.
    #[error("no key of this name is kept here")]
    Missing,
    /// Locked: try again after the next unlock. Nothing is lost.
    #[error("the keys are locked; they can be read after the device was unlocked once")]
    Unavailable,
    /// The passphrase is wrong.
    #[error("the passphrase does not open the keys; check it and try again")]
    Passphrase,
    /// A name that is not 1 to 64 of `a-z 0-9 . - _`, or begins with a dot.
    #[error("not a name for a key")]
    Name,
    /// What is kept was changed or cut off.
    #[error("a stored key is damaged; this install must join again with a new invite")]
    Damaged,
    /// The platform or the disk failed.
    #[error("the keys could not be read or written: {0}")]
    Failed(String),
}

/// Where secrets are kept. Names say what a secret is for and nothing about the patient.
pub trait KeyVault: Send + Sync {
    /// The secret under this name.
    ///
    /// # Errors
    /// [`KeyVaultError::Missing`], [`KeyVaultError::Unavailable`] (locked), or a failure.
    fn load(&self, name: &str) -> Result<Sensitive<Vec<u8>>, KeyVaultError>;

    /// Keeps a secret, durably, in place of the one that was there.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn store(&self, name: &str, secret: &[u8]) -> Result<(), KeyVaultError>;

    /// Forgets a secret; none there is no error.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn delete(&self, name: &str) -> Result<(), KeyVaultError>;
}

fn check(name: &str) -> Result<(), KeyVaultError> {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-_".contains(&c);
    if (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fits) {
        Ok(())
    } else {
        Err(KeyVaultError::Name)
    }
}

/// Secrets in memory: for tests and simulated patients. Can be locked and unlocked.
#[derive(Debug, Default)]
pub struct MemoryVault {
    state: Mutex<MemoryState>,
}

#[derive(Debug, Default)]
struct MemoryState {
    locked: bool,
    secrets: BTreeMap<String, Sensitive<Vec<u8>>>,
}

impl MemoryVault {
    /// Empty and unlocked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As a phone after its start, before it was unlocked once.
    pub fn lock(&self) {
        self.state().locked = true;
    }

    /// As after the first unlock.
    pub fn unlock(&self) {
        self.state().locked = false;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, MemoryState> {
        // a panic elsewhere cannot leave a map half changed
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn open(&self, name: &str) -> Result<std::sync::MutexGuard<'_, MemoryState>, KeyVaultError> {
        check(name)?;
        let state = self.state();
        if state.locked {
            return Err(KeyVaultError::Unavailable);
        }
        Ok(state)
    }
}

impl KeyVault for MemoryVault {
    fn load(&self, name: &str) -> Result<Sensitive<Vec<u8>>, KeyVaultError> {
        self.open(name)?
            .secrets
            .get(name)
            .cloned()
            .ok_or(KeyVaultError::Missing)
    }

    fn store(&self, name: &str, secret: &[u8]) -> Result<(), KeyVaultError> {
        self.open(name)?
            .secrets
            .insert(name.to_owned(), Sensitive::new(secret.to_vec()));
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), KeyVaultError> {
        self.open(name)?.secrets.remove(name);
        Ok(())
    }
}

/// Secrets as files of mode 0600 in a folder of mode 0700: for hub, station and command line.
///
/// With a passphrase, a key is kept in `passphrase.age` (scrypt) and each secret is sealed to it; without one the
/// files are plain, which [`FileVault::is_sealed`] says, so that `doctor` can say it too.
#[derive(Debug)]
pub struct FileVault {
    folder: PathBuf,
    key: Option<AgeIdentity>,
}

const LOCK_FILE: &str = "passphrase.age";

impl FileVault {
    /// Opens the folder and makes it when it is not there. A folder that has a passphrase needs it.
    ///
    /// # Errors
    /// [`KeyVaultError::Passphrase`] when one is needed and none or a wrong one is given, or one is given for a
    /// folder that already holds plain secrets; [`KeyVaultError::Failed`].
    pub fn open(
        folder: &Path,
        passphrase: Option<&Sensitive<String>>,
    ) -> Result<Self, KeyVaultError> {
        Self::open_with_work(folder, passphrase, crate::age_file::WORK_FACTOR)
    }

    /// [`Self::open`] with another work factor for a new passphrase: for tests.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_work(
        folder: &Path,
        passphrase: Option<&Sensitive<String>>,
        work_factor: u8,
    ) -> Result<Self, KeyVaultError> {
        durable::private_folder(folder).map_err(failed)?;
        let lock = folder.join(LOCK_FILE);
        let key = match (std::fs::read(&lock), passphrase) {
            (Ok(sealed), Some(passphrase)) => Some(Self::unlock(&sealed, passphrase)?),
            (Ok(_), None) => return Err(KeyVaultError::Passphrase),
            (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            (Err(_), None) => None,
            (Err(_), Some(passphrase)) => {
                if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
                    return Err(KeyVaultError::Passphrase);
                }
                let key =
                    AgeIdentity::generate().map_err(|e| KeyVaultError::Failed(e.to_string()))?;
                let sealed = seal_with_passphrase(
                    passphrase,
                    key.expose_text().expose().as_bytes(),
                    work_factor,
                )
                .map_err(|e| KeyVaultError::Failed(e.to_string()))?;
                durable::write(&lock, &sealed).map_err(failed)?;
                Some(key)
            }
        };
        Ok(Self {
            folder: folder.to_owned(),
            key,
        })
    }

    /// Whether the secrets are sealed under a passphrase.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.key.is_some()
    }

    fn unlock(sealed: &[u8], passphrase: &Sensitive<String>) -> Result<AgeIdentity, KeyVaultError> {
        let text = open_with_passphrase(sealed, passphrase).map_err(|error| match error {
            AgeFileError::Passphrase => KeyVaultError::Passphrase,
            _ => KeyVaultError::Damaged,
        })?;
        let text = std::str::from_utf8(text.expose()).map_err(|_| KeyVaultError::Damaged)?;
        AgeIdentity::parse(text).map_err(|_| KeyVaultError::Damaged)
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyVaultError> {
        check(name)?;
        Ok(self.folder.join(format!("{name}.key")))
    }
}

impl KeyVault for FileVault {
    fn load(&self, name: &str) -> Result<Sensitive<Vec<u8>>, KeyVaultError> {
        let bytes = match std::fs::read(self.path(name)?) {
            Ok(bytes) => Sensitive::new(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(KeyVaultError::Missing);
            }
            Err(error) => return Err(failed(error)),
        };
        match &self.key {
            None => Ok(bytes),
            Some(key) => open_file(bytes.expose(), std::slice::from_ref(key))
                .map_err(|_| KeyVaultError::Damaged),
        }
    }

    fn store(&self, name: &str, secret: &[u8]) -> Result<(), KeyVaultError> {
        let path = self.path(name)?;
        let result = match &self.key {
            None => durable::write(&path, secret),
            Some(key) => {
                let sealed = seal_file(std::slice::from_ref(key.recipient()), secret)
                    .map_err(|e| KeyVaultError::Failed(e.to_string()))?;
                durable::write(&path, &sealed)
            }
        };
        result.map_err(failed)
    }

    fn delete(&self, name: &str) -> Result<(), KeyVaultError> {
        durable::remove(&self.path(name)?).map_err(failed)
    }
}

fn failed(error: std::io::Error) -> KeyVaultError {
    // the kind only: a path may hold a person's name
    KeyVaultError::Failed(error.kind().to_string())
}

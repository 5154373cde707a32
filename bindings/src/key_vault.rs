//! The shell's key store, as the core sees it.

use std::sync::Arc;
use vault::Sensitive;

/// Why the shell's key store gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeyVaultError {
    /// Not unlocked since the start: a normal state, nothing is lost.
    #[error("the keys are locked")]
    Unavailable,
    /// The platform failed. Keep `reason` free of secrets and names.
    #[error("the key store failed")]
    Failed {
        /// In words.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyVaultError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        // its reason holds a whole stack trace of the shell, which does not belong in an error
        Self::Failed {
            reason: "the shell's key store threw something unexpected".to_owned(),
        }
    }
}

/// Where the platform keeps secrets: readable after the first unlock, on this device only, never prompting, never
/// blocking. Called from the core's own threads.
#[uniffi::export(foreign)]
pub trait KeyVault: Send + Sync {
    /// The secret under this name, or nothing.
    fn load(&self, name: String) -> Result<Option<Vec<u8>>, KeyVaultError>;
    /// Keeps a secret durably, in place of an earlier one.
    fn store(&self, name: String, secret: Vec<u8>) -> Result<(), KeyVaultError>;
    /// Forgets a secret; none there is no error.
    fn delete(&self, name: String) -> Result<(), KeyVaultError>;
}

/// The shell's key store in the core's words.
pub(crate) struct Foreign(pub Arc<dyn KeyVault>);

impl vault::KeyVault for Foreign {
    fn load(&self, name: &str) -> Result<Sensitive<Vec<u8>>, vault::KeyVaultError> {
        match self.0.load(name.to_owned()) {
            Ok(Some(secret)) => Ok(Sensitive::new(secret)),
            Ok(None) => Err(vault::KeyVaultError::Missing),
            Err(error) => Err(error.into()),
        }
    }

    fn store(&self, name: &str, secret: &[u8]) -> Result<(), vault::KeyVaultError> {
        Ok(self.0.store(name.to_owned(), secret.to_vec())?)
    }

    fn delete(&self, name: &str) -> Result<(), vault::KeyVaultError> {
        Ok(self.0.delete(name.to_owned())?)
    }
}

impl From<KeyVaultError> for vault::KeyVaultError {
    fn from(error: KeyVaultError) -> Self {
        match error {
            KeyVaultError::Unavailable => Self::Unavailable,
            KeyVaultError::Failed { .. } => Self::Failed("the platform's key store".to_owned()),
        }
    }
}

//! One process per data folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Why the folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "another program already runs on {0}: stop that one first, or choose another data folder"
    )]
    Taken(PathBuf),
    /// The folder or its lock file cannot be made.
    #[error("cannot use the data folder: {0}")]
    Io(#[from] std::io::Error),
}

/// The folder is ours until this is dropped or the process ends, however it ends (an advisory lock of the system
/// on the file `lock`, which stays).
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Makes the folder when it is missing (readable by its owner only) and takes it.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        make_private_dir(dir)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(dir.to_owned())),
            Err(TryLockError::Error(e)) => Err(e.into()),
        }
    }
}

fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

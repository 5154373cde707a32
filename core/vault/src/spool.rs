//! Raw records that came while the keys were locked: one small age file each, sealed to the install's own recipient.
//!
//! In: the bytes of a record, at any time, without any secret. Out, after unlock: each record once, oldest first. A
//! record is on the disk when [`Spool::put`] returns. The file is removed only after the host has committed it; the
//! host is told a [`SpoolId`], and must ignore one that it has committed before (a crash may lie between).

use crate::age_file::{AgeFileError, open_file, seal_file};
use crate::durable;
use crate::{AgeIdentity, AgeRecipient, Sensitive};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use wire::Hash;

/// A record's name for ever: the hash of its file, which is random as every age file is.
pub type SpoolId = Hash;

/// Why the spool failed.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk failed or is full.
    #[error("a record could not be written to or read from the spool: {0}")]
    Disk(io::ErrorKind),
    /// The record could not be sealed.
    #[error(transparent)]
    Seal(AgeFileError),
}

/// What draining came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Records that the host committed.
    pub taken: usize,
    /// Files that do not open with this install's key: set aside beside the spool, to be told and looked at.
    pub set_aside: usize,
}

/// A folder of sealed records.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    recipient: AgeRecipient,
    /// The next number; held while writing and while draining, so that neither sees the other's half.
    next: Mutex<u64>,
}

impl Spool {
    /// Opens the folder and makes it when it is not there.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub fn open(folder: &Path, recipient: AgeRecipient) -> Result<Self, SpoolError> {
        durable::private_folder(folder).map_err(disk)?;
        let last = files(folder)?.last().map_or(0, |(n, _)| *n);
        Ok(Self {
            folder: folder.to_owned(),
            recipient,
            next: Mutex::new(last + 1),
        })
    }

    /// Seals a record and writes it down; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`SpoolError`]; then the record is not kept and its source must be asked again.
    pub fn put(&self, record: &[u8]) -> Result<SpoolId, SpoolError> {
        let sealed =
            seal_file(std::slice::from_ref(&self.recipient), record).map_err(SpoolError::Seal)?;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(format!("{:020}.age", *next));
        durable::write(&path, &sealed).map_err(disk)?;
        *next += 1;
        Ok(wire::sha256(&[&sealed]))
    }

    /// How many records wait.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub fn len(&self) -> Result<usize, SpoolError> {
        Ok(files(&self.folder)?.len())
    }

    /// Whether none waits.
    ///
    /// # Errors
    /// [`SpoolError::Disk`].
    pub fn is_empty(&self) -> Result<bool, SpoolError> {
        Ok(self.len()? == 0)
    }

    /// Hands each record to `commit`, oldest first, and removes it when that succeeded. Stops at the first failure of
    /// `commit`; what was not committed stays.
    ///
    /// # Errors
    /// The host's own, or [`SpoolError`] made into it.
    pub fn drain<E: From<SpoolError>>(
        &self,
        identity: &AgeIdentity,
        mut commit: impl FnMut(SpoolId, &Sensitive<Vec<u8>>) -> Result<(), E>,
    ) -> Result<Drained, E> {
        let _writing = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drained = Drained::default();
        for (_, path) in files(&self.folder)? {
            let sealed = std::fs::read(&path).map_err(disk)?;
            let id = wire::sha256(&[&sealed]);
            if let Ok(record) = open_file(&sealed, std::slice::from_ref(identity)) {
                commit(id, &record)?;
                durable::remove(&path).map_err(disk)?;
                drained.taken += 1;
            } else {
                // one bad file must not hold back the others, and is not ours to throw away
                std::fs::rename(&path, path.with_extension("damaged")).map_err(disk)?;
                drained.set_aside += 1;
            }
        }
        Ok(drained)
    }
}

/// The whole records of a folder by number. A `.part` is one whose writer was never told that it is kept.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, SpoolError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(disk)? {
        let path = entry.map_err(disk)?.path();
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .and_then(|stem| stem.parse().ok());
        if let (Some(number), Some("age")) = (number, path.extension().and_then(|e| e.to_str())) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn disk(error: io::Error) -> SpoolError {
    SpoolError::Disk(error.kind())
}

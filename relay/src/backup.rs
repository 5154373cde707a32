//! A copy of a relay's folder while it runs, a relay from such a copy, and a check of either.

use crate::mailbox::file_path;
use crate::{RelayError, keys, schema};
use rusqlite::backup::Backup;
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::Duration;
use wire::{EnvelopeId, MailboxId, sha256};

/// Copies database, files and keys. The database first: a file that it names was written before.
///
/// # Errors
/// When the target exists, or those of disk and database.
pub fn backup(dir: &Path, to: &Path) -> Result<(), RelayError> {
    fresh(to)?;
    let from = schema::open_to_read(&dir.join("relay.db"))?;
    let mut copy = rusqlite::Connection::open(to.join("relay.db"))?;
    Backup::new(&from, &mut copy)?.run_to_completion(500, Duration::from_millis(5), None)?;
    copy_rest(dir, to)?;
    forget_released(&from, &copy, to)?;
    copy.close().map_err(|(_, error)| error)?;
    settle(to)
}

/// Makes a relay's folder from a backup, and brings the reserve key into use: phones and stations that hold cursors of
/// the lost relay begin again at 0.
///
/// # Errors
/// As [`backup`].
pub fn restore(from: &Path, dir: &Path) -> Result<(), RelayError> {
    schema::open_to_read(&from.join("relay.db"))?;
    fresh(dir)?;
    std::fs::copy(from.join("relay.db"), dir.join("relay.db"))?;
    copy_rest(from, dir)?;
    keys::take_reserve(dir)?;
    settle(dir)
}

/// A file that was released while the copy was made is released in the copy too. One that is missing for any other
/// reason is damage, and told.
fn forget_released(from: &Connection, copy: &Connection, to: &Path) -> Result<(), RelayError> {
    let mut rows =
        copy.prepare("SELECT box, n, id FROM envelope WHERE released = 0 AND bytes IS NULL")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (mailbox, n, id): (_, i64, _) =
            (MailboxId(row.get(0)?), row.get(1)?, EnvelopeId(row.get(2)?));
        if file_path(&to.join("files"), mailbox, id).is_file() {
            continue;
        }
        let released: bool = from.query_row(
            "SELECT released FROM envelope WHERE box = ?1 AND n = ?2",
            params![mailbox.0, n],
            |row| row.get(0),
        )?;
        if !released {
            return Err(RelayError::Damaged("an envelope's file is missing"));
        }
        copy.execute(
            "UPDATE envelope SET released = 1 WHERE box = ?1 AND n = ?2",
            params![mailbox.0, n],
        )?;
        copy.execute(
            "UPDATE mailbox SET bytes = (SELECT coalesce(sum(size), 0) FROM envelope WHERE box = ?1 AND released = 0) WHERE box = ?1",
            params![mailbox.0],
        )?;
    }
    Ok(())
}

/// Everything in the folder, and the folder itself, onto the disk.
fn settle(folder: &Path) -> Result<(), RelayError> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            settle(&path)?;
        } else {
            std::fs::File::open(path)?.sync_all()?;
        }
    }
    Ok(std::fs::File::open(folder)?.sync_all()?)
}

fn fresh(folder: &Path) -> Result<(), RelayError> {
    std::fs::create_dir_all(folder.parent().unwrap_or(Path::new(".")))?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(RelayError::Config(
            "the target folder exists already: name one that does not".to_owned(),
        )),
        other => Ok(other?),
    }
}

fn copy_rest(from: &Path, to: &Path) -> Result<(), RelayError> {
    for key in keys::FILES {
        std::fs::copy(from.join(key), to.join(key))?;
    }
    let files = from.join("files");
    if files.is_dir() {
        for mailbox in std::fs::read_dir(files)? {
            let mailbox = mailbox?;
            let target = to.join("files").join(mailbox.file_name());
            std::fs::create_dir_all(&target)?;
            for file in std::fs::read_dir(mailbox.path())? {
                let file = file?;
                if Path::new(&file.file_name()).extension().is_none() {
                    match std::fs::copy(file.path(), target.join(file.file_name())) {
                        // released a moment ago: the caller looks whether its row agrees
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        other => drop(other?),
                    }
                }
            }
        }
    }
    Ok(())
}

/// What a check found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Envelopes whose bytes hash to their names.
    pub whole: u64,
    /// Others.
    pub damaged: u64,
}

/// Hashes every envelope that has not been released.
///
/// # Errors
/// Those of the database.
pub fn verify(dir: &Path) -> Result<Verified, RelayError> {
    let db = schema::open_to_read(&dir.join("relay.db"))?;
    let mut found = Verified::default();
    let mut rows = db.prepare("SELECT box, id, bytes FROM envelope WHERE released = 0")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (mailbox, id) = (MailboxId(row.get(0)?), EnvelopeId(row.get(1)?));
        let bytes = match row.get::<_, Option<Vec<u8>>>(2)? {
            Some(bytes) => bytes,
            // one that is gone is as damaged as one that was changed
            None => std::fs::read(file_path(&dir.join("files"), mailbox, id)).unwrap_or_default(),
        };
        if sha256(&[&bytes]).0 == id.0 {
            found.whole += 1
        } else {
            found.damaged += 1
        }
    }
    Ok(found)
}

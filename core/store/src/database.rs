//! One SQLite file, one writer, any number of readers.

use crate::{Schema, StoreError};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a reader waits for a lock; the writer of this process never makes one wait in WAL mode, only a
/// checkpoint or a backup program can.
const BUSY: Duration = Duration::from_secs(5);
/// Readers that are kept open between calls.
const IDLE_READERS: usize = 4;

/// One transaction: run statements on it, it is committed when the closure ends well and rolled back otherwise.
pub type Tx<'a> = rusqlite::Transaction<'a>;

/// An open database. Shared by reference; calls from several threads take turns at writing.
pub struct Database {
    path: PathBuf,
    schema: Schema,
    // Dropped before the writer: the last connection to close writes the log back, and a reader cannot.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Option<Connection>>,
    paused: AtomicBool,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Opens or makes the file and brings it to the newest schema.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] and [`StoreError::NotOurs`] leave the file as it is; others as they say.
    pub fn open(path: &Path, schema: Schema) -> Result<Self, StoreError> {
        let writer = open_writer(path, &schema)?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            writer: Mutex::new(Some(writer)),
            readers: Mutex::new(Vec::new()),
            paused: AtomicBool::new(false),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One writing transaction. When this returns `Ok`, all of it is durable; on `Err`, none of it happened.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer();
        let db = writer.as_mut().ok_or(StoreError::Paused)?;
        let tx = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let value = work(&tx)?;
        fault::point("store.commit");
        tx.commit().map_err(StoreError::from)?;
        fault::point("store.committed");
        Ok(value)
    }

    /// Reads one consistent state, beside any writer.
    ///
    /// # Errors
    /// The closure's own, or the database's.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut db = self.reader()?;
        let value = {
            let tx = db.transaction().map_err(StoreError::from)?;
            work(&tx)
        };
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the readers' lock, so that a reader cannot outlive a pause.
        if idle.len() < IDLE_READERS && !self.is_paused() {
            idle.push(db);
        }
        value
    }

    /// Writes the log back into the file and closes every connection: no lock is left. Calls fail with
    /// [`StoreError::Paused`] until [`Database::resume`]. A read under way ends by itself.
    ///
    /// # Errors
    /// When the log cannot be written back; the database is closed all the same and loses nothing.
    pub fn pause(&self) -> Result<(), StoreError> {
        let mut writer = self.writer();
        self.paused.store(true, Ordering::SeqCst);
        let Some(db) = writer.take() else {
            return Ok(());
        };
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let checkpointed = checkpoint(&db);
        drop(db);
        checkpointed
    }

    /// Opens again after [`Database::pause`]; nothing happens when it is open.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn resume(&self) -> Result<(), StoreError> {
        let mut writer = self.writer();
        if writer.is_none() {
            *writer = Some(open_writer(&self.path, &self.schema)?);
            self.paused.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Whether [`Database::pause`] is in force.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Writes the log back into the file.
    ///
    /// # Errors
    /// As the database says.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        checkpoint(self.writer().as_ref().ok_or(StoreError::Paused)?)
    }

    /// A consistent copy into a new file (SQLite's online backup), while others read and write.
    ///
    /// # Errors
    /// When the copy cannot be made; no half copy is left behind.
    pub fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        let source = self.reader()?;
        let copied = (|| {
            let mut copy = Connection::open(target)?;
            let backup = rusqlite::backup::Backup::new(&source, &mut copy)?;
            backup.run_to_completion(256, Duration::ZERO, None)
        })();
        if copied.is_err() {
            match std::fs::remove_file(target) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
                _ => {}
            }
        }
        Ok(copied?)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Connection>> {
        // A panic in a closure rolled its transaction back; the connection itself is sound.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        if let Some(db) = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
        {
            return Ok(db);
        }
        if self.is_paused() {
            return Err(StoreError::Paused);
        }
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(BUSY)?;
        Ok(db)
    }
}

fn checkpoint(db: &Connection) -> Result<(), StoreError> {
    Ok(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn open_writer(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    schema.check_header(&first_bytes(path)?)?;
    let mut db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    db.busy_timeout(BUSY)?;
    // Until the schema is known to be ours, closing must not write the log back into the file.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    schema_is_ours(&db, schema)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
    )?;
    schema.migrate(&mut db)?;
    Ok(db)
}

/// Once more after SQLite has read its log: a crash may have left a newer number there.
fn schema_is_ours(db: &Connection, schema: &Schema) -> Result<(), StoreError> {
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > schema.newest() {
        return Err(StoreError::NewerSchema {
            found: version,
            known: schema.newest(),
        });
    }
    Ok(())
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut bytes)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
        Err(e) => return Err(e.into()),
    };
    Ok(bytes)
}

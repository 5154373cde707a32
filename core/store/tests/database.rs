//! The database's promises: durable or not at all, newer files untouched, sealed rows bound to their place.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use proptest::prelude::*;
use rusqlite::params;
use teleward_store::{
    Database, DirLock, LockError, Migration, Place, RowKey, Schema, StoreError, rusqlite,
};

const ONE: Schema = Schema {
    application_id: 0x5457_0001,
    migrations: &[Migration {
        number: 1,
        sql: &["CREATE TABLE kept(id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT"],
    }],
};
const TWO: Schema = Schema {
    application_id: 0x5457_0001,
    migrations: &[
        ONE.migrations[0],
        Migration {
            number: 2,
            sql: &["ALTER TABLE kept ADD COLUMN more TEXT"],
        },
    ],
};

fn count(db: &Database) -> i64 {
    db.read(|tx| Ok::<_, StoreError>(tx.query_row("SELECT count(*) FROM kept", [], |r| r.get(0))?))
        .unwrap()
}
fn insert(db: &Database, value: &[u8]) -> Result<(), StoreError> {
    db.write(|tx| {
        tx.execute("INSERT INTO kept(value) VALUES (?1)", params![value])?;
        Ok(())
    })
}

/// REQ-STORE-001: an older file is brought up to date and keeps its rows.
#[test]
fn yesterdays_database_is_migrated_with_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Database::open(&path, ONE).unwrap();
    insert(&db, b"x").unwrap();
    drop(db);
    let db = Database::open(&path, TWO).unwrap();
    assert_eq!(count(&db), 1);
    db.write(|tx| Ok::<_, StoreError>(tx.execute("UPDATE kept SET more = 'm'", [])?))
        .unwrap();
}

/// REQ-STORE-002: a file with a newer schema, or of another program, is refused and not changed by a byte.
#[test]
fn a_newer_or_foreign_file_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    drop(Database::open(&path, TWO).unwrap());
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(
        Database::open(&path, ONE),
        Err(StoreError::NewerSchema { found: 2, known: 1 })
    ));
    let other = Schema {
        application_id: 7,
        ..TWO
    };
    assert!(matches!(
        Database::open(&path, other),
        Err(StoreError::NotOurs)
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no file was made beside it"
    );

    let text = dir.path().join("notes.txt");
    std::fs::write(&text, "these are my notes, and not a database".repeat(20)).unwrap();
    assert!(matches!(
        Database::open(&text, ONE),
        Err(StoreError::NotOurs)
    ));
    assert_eq!(
        std::fs::read(&text).unwrap(),
        "these are my notes, and not a database"
            .repeat(20)
            .as_bytes()
    );
}

/// REQ-STORE-003: a transaction that fails leaves nothing behind.
#[test]
fn a_failed_transaction_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&dir.path().join("db"), ONE).unwrap();
    let failed: Result<(), StoreError> = db.write(|tx| {
        tx.execute("INSERT INTO kept(value) VALUES (x'00')", [])?;
        Err(StoreError::NoRandom)
    });
    assert!(failed.is_err());
    assert_eq!(count(&db), 0);
}

/// REQ-STORE-004: a full disk is said in words, loses nothing that was there, and passes when room is made.
#[test]
fn a_full_disk_is_said_and_survived() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&dir.path().join("db"), ONE).unwrap();
    insert(&db, b"first").unwrap();
    let pages = |n: i64| {
        db.write(|tx| {
            Ok::<i64, StoreError>(tx.query_row(
                &format!("PRAGMA max_page_count = {n}"),
                [],
                |r| r.get(0),
            )?)
        })
        .unwrap()
    };
    pages(8);
    let error = insert(&db, &vec![7; 200_000]).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(error.to_string().contains("space"));
    assert_eq!(count(&db), 1);
    pages(1000);
    insert(&db, &vec![7; 200_000]).unwrap();
    assert_eq!(count(&db), 2);
}

/// REQ-STORE-005: paused means no open file; resumed means as before.
#[test]
fn a_paused_database_holds_no_file_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Database::open(&path, ONE).unwrap();
    insert(&db, b"x").unwrap();
    assert_eq!(count(&db), 1);
    db.pause().unwrap();
    let open_files = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|f| std::fs::read_link(f.unwrap().path()).ok());
    assert_eq!(open_files.filter(|f| f.starts_with(dir.path())).count(), 0);
    assert!(
        !path.with_file_name("db-wal").exists(),
        "the log was written back"
    );
    assert!(matches!(insert(&db, b"y"), Err(StoreError::Paused)));
    assert!(matches!(
        db.read(|_| Ok::<_, StoreError>(())),
        Err(StoreError::Paused)
    ));
    db.resume().unwrap();
    insert(&db, b"y").unwrap();
    assert_eq!(count(&db), 2);
}

/// REQ-STORE-006: a copy made while the database is open is complete and opens.
#[test]
fn a_copy_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&dir.path().join("db"), ONE).unwrap();
    insert(&db, b"x").unwrap();
    db.copy_to(&dir.path().join("copy")).unwrap();
    assert_eq!(
        count(&Database::open(&dir.path().join("copy"), ONE).unwrap()),
        1
    );
}

/// REQ-STORE-007: a second program on the same folder is refused in words.
#[test]
fn one_process_per_folder() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirLock::take(&dir.path().join("data")).unwrap();
    assert!(matches!(
        DirLock::take(&dir.path().join("data")),
        Err(LockError::Taken(_))
    ));
    drop(lock);
    DirLock::take(&dir.path().join("data")).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// REQ-STORE-008: a sealed row opens with its key in its place, and nowhere else.
    #[test]
    fn a_sealed_row_is_bound_to_key_and_place(plain: Vec<u8>, row: [u8; 8], other: [u8; 8], flip: prop::sample::Index) {
        let key = RowKey::new(&[1; 32]);
        let place = Place { table: "t", column: "c", row: &row };
        let sealed = key.seal(place, &plain).unwrap();
        let opened = key.open(place, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
        prop_assert!(RowKey::new(&[2; 32]).open(place, &sealed).is_err());
        let mut elsewhere = vec![Place { column: "d", ..place }, Place { table: "tc", column: "", ..place }];
        if other != row {
            elsewhere.push(Place { row: &other, ..place });
        }
        for place in elsewhere {
            prop_assert!(key.open(place, &sealed).is_err());
        }
        let mut altered = sealed.clone();
        let at = flip.index(altered.len());
        altered[at] ^= 1;
        prop_assert!(key.open(place, &altered).is_err());
        prop_assert!(key.open(place, &sealed[..sealed.len() - 1]).is_err());
    }

    #[test]
    fn opening_any_bytes_never_panics(bytes: Vec<u8>) {
        let place = Place { table: "t", column: "c", row: &[] };
        prop_assert!(RowKey::new(&[1; 32]).open(place, &bytes).is_err());
    }
}

//! Backups: everything that a station is, in a folder of age files that only the backup sheet opens.
//!
//! `station.age` holds one JSON object: the keys (the reserve signing key among them, still sealed) and the list of
//! pieces. `db-NNNN.age` are pieces of the database, a few MiB each, so that memory stays bounded; their plaintexts, one
//! after the other, are the SQLite file. Stock age opens them all. A backup never revives a chain: a restored station
//! signs with the reserve key from number 1 and asks phones for what it lost.

use crate::audit;
use crate::error::ClinicError;
use crate::init::rename;
use crate::keys;
use crate::letters;
use crate::link;
use crate::sheets::{private_folder, write_new};
use crate::station::{DATABASE, set_meta};
use crate::tables::SCHEMA;
use post::outbox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use store::{Database, DirLock};
use vault::{
    AgeIdentity, Content as _, KeyVault as _, KeyVaultError, Kind, Resend, Sensitive, open_file,
    seal_file,
};
use wire::{Hash, MailboxId, SigningKey, Time, b64u, sha256};
use zeroize::Zeroizing;

/// Bytes of the database in one piece.
const PIECE: usize = 4 * 1024 * 1024;
const MANIFEST: &str = "station.age";

#[derive(Serialize, Deserialize)]
struct Manifest {
    v: u32,
    at: Time,
    keys: BTreeMap<String, String>,
    pieces: Vec<Hash>,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupMade {
    /// When it was made.
    pub at: Time,
    /// How many pieces of the database.
    pub pieces: usize,
}

/// Copies a station, while it runs, into a new folder.
///
/// # Errors
/// [`ClinicError`]; a folder that is not whole has no `station.age`.
pub fn backup(
    dir: &Path,
    to: &Path,
    passphrase: Option<&Sensitive<String>>,
    now: Time,
) -> Result<BackupMade, ClinicError> {
    if to.exists() {
        return Err(ClinicError::Setup(format!(
            "{} exists already: a backup makes its own folder",
            to.display()
        )));
    }
    let key_files = keys::open(dir, passphrase)?;
    let recipient = keys::backup_recipient(&key_files)?;
    let mut kept = BTreeMap::new();
    for name in keys::ALL {
        kept.insert(
            name.to_owned(),
            b64u::encode(key_files.load(name)?.expose()),
        );
    }
    for n in 1.. {
        let name = format!("{}-{n}", keys::AGE);
        match key_files.load(&name) {
            Ok(past) => kept.insert(name, b64u::encode(past.expose())),
            Err(KeyVaultError::Missing) => break,
            Err(other) => return Err(other.into()),
        };
    }
    private_folder(to)?;
    let copy = to.join("copy.part");
    let db = Database::open(&dir.join(DATABASE), SCHEMA)?;
    db.write(|tx| audit::note(tx, audit::STATION, "backup", "", now))?;
    db.copy_to(&copy)?;
    let pieces = cut(&copy, to, &recipient);
    // the open copy must not stay, whatever happened
    std::fs::remove_file(&copy).map_err(ClinicError::file(&copy))?;
    let manifest = Manifest {
        v: 1,
        at: now,
        keys: kept,
        pieces: pieces?,
    };
    let plain = Zeroizing::new(wire::json::to_string(&manifest).into_bytes());
    write_new(&to.join(MANIFEST), &seal(&recipient, &plain)?)?;
    Ok(BackupMade {
        at: now,
        pieces: manifest.pieces.len(),
    })
}

fn seal(recipient: &vault::AgeRecipient, plain: &[u8]) -> Result<Vec<u8>, ClinicError> {
    seal_file(std::slice::from_ref(recipient), plain).map_err(|e| ClinicError::Seal(e.to_string()))
}

fn piece_name(n: usize) -> String {
    format!("db-{n:04}.age")
}

fn cut(copy: &Path, to: &Path, recipient: &vault::AgeRecipient) -> Result<Vec<Hash>, ClinicError> {
    let file = File::open(copy).map_err(ClinicError::file(copy))?;
    let mut pieces = Vec::new();
    loop {
        let mut piece = Zeroizing::new(Vec::with_capacity(PIECE));
        let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
        (&file)
            .take(limit)
            .read_to_end(&mut piece)
            .map_err(ClinicError::file(copy))?;
        if piece.is_empty() {
            return Ok(pieces);
        }
        write_new(
            &to.join(piece_name(pieces.len())),
            &seal(recipient, &piece)?,
        )?;
        pieces.push(sha256(&[&piece]));
    }
}

/// Makes a station's folder from a backup. It signs with the reserve key from now on.
///
/// # Errors
/// [`ClinicError`]; then the folder holds no station.
pub fn restore(
    from: &Path,
    dir: &Path,
    key: &AgeIdentity,
    passphrase: Option<&Sensitive<String>>,
    now: Time,
) -> Result<crate::Made, ClinicError> {
    let _lock = DirLock::take(dir)?;
    if dir.join(DATABASE).exists() || dir.join(keys::FOLDER).exists() {
        return Err(ClinicError::Setup(format!(
            "there is a station in {} already: keep it as it is and restore into a new folder",
            dir.display()
        )));
    }
    let manifest: Manifest = wire::json::parse(open_piece(&from.join(MANIFEST), key)?.expose())
        .map_err(|_| ClinicError::Setup(format!("{} is no backup of a station", from.display())))?;
    if manifest.v != 1 {
        return Err(ClinicError::Setup(
            "this backup was made by a newer version: install that one again".into(),
        ));
    }
    let part = dir.join("station.part");
    {
        let mut file = File::create(&part).map_err(ClinicError::file(&part))?;
        for (n, hash) in manifest.pieces.iter().enumerate() {
            let path = from.join(piece_name(n));
            let piece = open_piece(&path, key)?;
            if sha256(&[piece.expose()]) != *hash {
                return Err(ClinicError::Setup(format!(
                    "{}: this piece belongs to another backup",
                    path.display()
                )));
            }
            file.write_all(piece.expose())
                .map_err(ClinicError::file(&part))?;
        }
        file.sync_all().map_err(ClinicError::file(&part))?;
    }
    let damaged = || ClinicError::from(KeyVaultError::Damaged);
    let key_files = keys::open(dir, passphrase)?;
    for (name, text) in &manifest.keys {
        key_files.store(
            name,
            &Zeroizing::new(b64u::decode(text).map_err(|_| damaged())?),
        )?;
    }
    let sealed = key_files.load(keys::RESERVE)?;
    let old = keys::signing(&key_files, keys::SIGN)?;
    match open_file(sealed.expose(), std::slice::from_ref(key)) {
        Ok(reserve) => {
            let seed: [u8; 32] = reserve
                .expose()
                .as_slice()
                .try_into()
                .map_err(|_| damaged())?;
            let seed = Zeroizing::new(seed);
            if SigningKey::from_seed(&seed).kid() == old.kid() {
                return Err(ClinicError::Setup(
                    "this backup comes from a station that was restored before and has no fresh reserve key: run \
                     `teleward clinic roster next` after each restore, and back up again"
                        .into(),
                ));
            }
            key_files.store(keys::SIGN, seed.as_slice())?;
        }
        Err(_) => return Err(damaged()),
    }
    let db = Database::open(&part, SCHEMA)?;
    let made = db.write(|tx| restored(tx, old.kid(), manifest.at, now))?;
    db.checkpoint()?;
    drop(db);
    rename(&part, &dir.join(DATABASE))?;
    let auth = keys::signing(&key_files, keys::AUTH)?.public();
    Ok(crate::Made {
        auth,
        root: made.0,
        roster: made.1,
    })
}

fn open_piece(path: &Path, key: &AgeIdentity) -> Result<Sensitive<Vec<u8>>, ClinicError> {
    let sealed = std::fs::read(path).map_err(ClinicError::file(path))?;
    open_file(&sealed, std::slice::from_ref(key))
        .map_err(|e| ClinicError::Setup(format!("{}: {e}", path.display())))
}

/// Everything that must not go on as if nothing had happened.
fn restored(
    tx: &store::Tx<'_>,
    old: wire::Kid,
    made_at: Time,
    now: Time,
) -> Result<(wire::PublicKey, u32), ClinicError> {
    set_meta(tx, "restored_at", &now.to_string())?;
    audit::note(tx, audit::STATION, "restored", &made_at.to_string(), now)?;
    tx.execute("DELETE FROM session", [])?;
    let ups: Vec<[u8; 16]> = tx
        .prepare("SELECT up FROM link WHERE state IN ('pending', 'confirmed')")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for up in ups.into_iter().map(MailboxId) {
        let Some(mut link) = link::load(tx, up)? else {
            continue;
        };
        letters::back(tx, &outbox::drop_unhanded(tx, link.down, old)?)?;
        // what the old key sent is the old key's: this station says everything anew
        tx.execute(
            "UPDATE post_out SET trouble = 'restored' WHERE box = ?1 AND kid = ?2 AND state < 4",
            store::rusqlite::params![link.down.0, old.0],
        )?;
        let positions = link
            .joined
            .as_ref()
            .map(|j| link.chain.positions(&j.sign.kid()))
            .unwrap_or_default();
        let after = positions.stored.map_or(0, |(seq, _)| seq);
        letters::queue(
            tx,
            up,
            &Kind::Resend,
            &Resend { v: 1, after }.to_content(),
            None,
            now,
        )?;
        link.sealed_at = None;
        link::save(tx, &link)?;
    }
    // an invite that was being made was never shown
    tx.execute("DELETE FROM link WHERE state = 'making'", [])?;
    let (rosters, _) = crate::station::read_rosters(tx)?;
    Ok((
        rosters.root(),
        rosters.newest().map_or(0, |held| held.roster.n),
    ))
}

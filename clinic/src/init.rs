//! Making a clinic: root keys on paper, station keys as files, the first roster, the first account.
//!
//! In: [`InitOptions`]. Out: a data folder, and sheets (or one passphrase file) that must leave this machine. The root
//! keys and the backup's key are never written into the data folder.

use crate::accounts::{self, Role};
use crate::audit;
use crate::error::ClinicError;
use crate::http::zone_is_name;
use crate::keys;
use crate::rim;
use crate::sheets::{self, Secrets};
use crate::station::{DATABASE, set_meta};
use crate::tables::SCHEMA;
use std::path::{Path, PathBuf};
use store::rusqlite::params;
use store::{Database, DirLock};
use vault::{AgeIdentity, KeyVault as _, Recipients, RootSheet, Sensitive, seal_file};
use wire::roster::{
    Clinic, Cover, Relay, RelayState, Roster, RosterChain, Station as StationEntry, StationState,
    next_root_hash,
};
use wire::{Hash, PublicKey, SigningKey, Time};

/// Where the root keys go.
#[derive(Debug, Clone)]
pub enum RootPlace {
    /// Sheets to print, in this folder.
    Sheets(PathBuf),
    /// One file, sealed under a passphrase.
    File(PathBuf, Sensitive<String>),
}

/// Everything that a new clinic is made of.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The data folder; made, or empty.
    pub dir: PathBuf,
    /// The clinic's name.
    pub name: String,
    /// Its telephone number.
    pub phone: String,
    /// The number to call in an emergency.
    pub emergency: String,
    /// BCP 47 tags, most used first.
    pub languages: Vec<String>,
    /// The clinic's time zone, by its IANA name.
    pub zone: String,
    /// The relay: scheme and authority.
    pub relay: String,
    /// Its receipt keys, present and reserve.
    pub relay_receipts: Vec<PublicKey>,
    /// Where the root keys go.
    pub root: RootPlace,
    /// The first administrator's name.
    pub account: String,
    /// That administrator's password; without one, the station's first start shows a one-time link.
    pub password: Option<Sensitive<String>>,
    /// A sign of life at least so often, both ways.
    pub beat_hours: u32,
    /// How long the relay keeps mail after it was stored.
    pub keep_days: u32,
    /// When somebody looks at readings: hours, and a sentence for patients.
    pub cover: (String, String),
    /// A passphrase for the key folder.
    pub passphrase: Option<Sensitive<String>>,
}

/// What the relay's operator needs in order to admit the clinic.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Made {
    /// The station's key for requests.
    pub auth: PublicKey,
    /// The clinic's root key.
    pub root: PublicKey,
    /// The newest roster's number.
    pub roster: u32,
}

/// Makes a clinic.
///
/// # Errors
/// [`ClinicError`]; when it fails, the folder holds no clinic.
pub fn init(options: &InitOptions, now: Time) -> Result<Made, ClinicError> {
    check(options)?;
    let _lock = DirLock::take(&options.dir)?;
    check_folder(&options.dir)?;
    let made = |_| ClinicError::from(store::StoreError::NoRandom);
    let random = |_: getrandom::Error| ClinicError::from(store::StoreError::NoRandom);
    let secrets = Secrets {
        root: RootSheet::generate().map_err(made)?,
        next: RootSheet::generate().map_err(made)?,
        backup: AgeIdentity::generate().map_err(random)?,
    };
    let sign = SigningKey::generate().map_err(random)?;
    let auth = SigningKey::generate().map_err(random)?;
    let reserve = SigningKey::generate().map_err(random)?;
    let age = AgeIdentity::generate().map_err(random)?;
    let roster = first_roster(options, &secrets, (&sign, &auth, &reserve, &age), now);
    Recipients::up(&roster, None).map_err(|e| ClinicError::Setup(e.to_string()))?;
    let jws = roster
        .sign(secrets.root.key())
        .map_err(|e| ClinicError::Setup(format!("the roster: {e}")))?;
    RosterChain::pinned(secrets.root.public())
        .feed(&jws)
        .map_err(|e| ClinicError::Setup(format!("the roster: {e}")))?;

    // the sheets first: without them, nothing else is worth anything
    sheets::write(&options.root, &options.name, &secrets)?;
    let vault = keys::open(&options.dir, options.passphrase.as_ref())?;
    vault.store(keys::SIGN, sign.expose_seed().as_slice())?;
    vault.store(keys::AUTH, auth.expose_seed().as_slice())?;
    vault.store(keys::AGE, age.expose_seed().expose())?;
    let sealed = seal_file(
        std::slice::from_ref(secrets.backup.recipient()),
        reserve.expose_seed().as_slice(),
    )
    .map_err(|e| ClinicError::Seal(e.to_string()))?;
    vault.store(keys::RESERVE, &sealed)?;
    vault.store(keys::BACKUP, secrets.backup.recipient().as_str().as_bytes())?;
    let root = secrets.root.public();
    write_database(options, &jws, root, now)?;
    Ok(Made {
        auth: auth.public(),
        root,
        roster: 1,
    })
}

/// Refuses a folder that holds a clinic already.
pub(crate) fn check_folder(dir: &Path) -> Result<(), ClinicError> {
    if dir.join(DATABASE).exists() || dir.join(keys::FOLDER).exists() {
        return Err(ClinicError::Setup(format!(
            "there is a clinic in {} already: choose another folder with --dir",
            dir.display()
        )));
    }
    Ok(())
}

/// Refuses what is no name, telephone number or account; `flag` says which.
pub(crate) fn check_short(flag: &str, text: &str) -> Result<(), ClinicError> {
    let count = text.trim().chars().count();
    if count == 0 || count > 100 || text.chars().any(char::is_control) {
        return Err(ClinicError::Setup(format!(
            "{flag} has 1 to 100 characters"
        )));
    }
    Ok(())
}

pub(crate) fn check_zone(zone: &str) -> Result<(), ClinicError> {
    if zone_is_name(zone) {
        return Ok(());
    }
    Err(ClinicError::Setup(
        "--zone is the name of a time zone, such as Europe/Berlin".into(),
    ))
}

pub(crate) fn check_relay(relay: &str) -> Result<(), ClinicError> {
    let any = SigningKey::from_seed(&[1; 32]).public();
    match vault::Invite::new(relay, any, &[0; 32], Time::from_ms(0), 1) {
        Ok(_) => Ok(()),
        Err(_) => Err(ClinicError::Setup(
            "--relay is scheme and name, such as https://relay.example (http only at home)".into(),
        )),
    }
}

fn check(options: &InitOptions) -> Result<(), ClinicError> {
    let fail = |text: &str| Err(ClinicError::Setup(text.to_owned()));
    for (flag, text) in [
        ("--name", &options.name),
        ("--phone", &options.phone),
        ("--emergency", &options.emergency),
        ("--account", &options.account),
    ] {
        check_short(flag, text)?;
    }
    check_zone(&options.zone)?;
    if options.languages.is_empty() {
        return fail("--language is at least one language, such as en or de-CH");
    }
    if options.relay_receipts.is_empty() {
        return fail(
            "--relay-receipt is missing: the relay prints its receipt keys when it starts",
        );
    }
    check_relay(&options.relay)?;
    if let Some(password) = &options.password {
        accounts::check_password(password.expose(), &options.account)?;
    }
    Ok(())
}

fn first_roster(
    options: &InitOptions,
    secrets: &Secrets,
    (sign, auth, reserve, age): (&SigningKey, &SigningKey, &SigningKey, &AgeIdentity),
    now: Time,
) -> Roster {
    let entry = |sign: &SigningKey, state| StationEntry {
        sign: sign.public(),
        auth: auth.public(),
        age: age.recipient().to_string(),
        state,
        since: now,
    };
    Roster {
        v: 1,
        n: 1,
        prev: Hash::ZERO,
        at: now,
        root: secrets.root.public(),
        next_root: next_root_hash(&secrets.next.public()),
        clinic: Clinic {
            name: options.name.trim().to_owned(),
            phone: options.phone.trim().to_owned(),
            emergency: options.emergency.trim().to_owned(),
            languages: options.languages.clone(),
        },
        stations: vec![
            entry(sign, StationState::Active),
            entry(reserve, StationState::Reserve),
        ],
        escrow: Vec::new(),
        relays: vec![Relay {
            url: options.relay.trim_end_matches('/').to_owned(),
            receipt: options.relay_receipts.clone(),
            state: RelayState::Active,
            until: None,
        }],
        mirrors: Vec::new(),
        beat_hours: options.beat_hours,
        keep_days: options.keep_days,
        cover: Cover {
            hours: options.cover.0.clone(),
            text: options.cover.1.clone(),
        },
        notices: Vec::new(),
        review_by: None,
    }
}

fn write_database(
    options: &InitOptions,
    jws: &str,
    root: PublicKey,
    now: Time,
) -> Result<(), ClinicError> {
    let hash = match &options.password {
        Some(password) => Some(accounts::hash_password(password.expose(), rim::random()?)?),
        None => None,
    };
    let account = rim::id()?;
    // under another name until it is whole
    let (whole, part) = (options.dir.join(DATABASE), options.dir.join("station.part"));
    let db = Database::open(&part, SCHEMA)?;
    db.write(|tx| {
        set_meta(tx, "root", &root.to_string())?;
        set_meta(tx, "zone", &options.zone)?;
        tx.execute(
            "INSERT INTO roster(n, jws, held_at) VALUES (1, ?1, ?2)",
            params![jws, now.ms()],
        )?;
        audit::note(tx, audit::STATION, "clinic_made", &root.to_string(), now)?;
        accounts::make(
            tx,
            &account,
            &options.account,
            Role::Administrator,
            audit::STATION,
            now,
        )?;
        if let Some(hash) = &hash {
            accounts::set_password(tx, &account, hash, None, now)?;
        }
        Ok::<_, ClinicError>(())
    })?;
    db.checkpoint()?;
    drop(db);
    rename(&part, &whole)
}

/// A database file without its log, moved into its place.
pub(crate) fn rename(part: &Path, whole: &Path) -> Result<(), ClinicError> {
    std::fs::rename(part, whole).map_err(ClinicError::file(whole))?;
    match whole.parent() {
        Some(folder) => {
            let folder = std::fs::File::open(folder).map_err(ClinicError::file(whole))?;
            folder.sync_all().map_err(ClinicError::file(whole))
        }
        None => Ok(()),
    }
}

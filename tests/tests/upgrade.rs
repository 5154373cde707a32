//! Journey *Upgrade*: what an earlier version left behind is opened by today's, and what a later one left is refused
//! without being touched.
//!
//! `tests/golden/upgrade/1/` holds the folders of a phone, a relay and a station as version 1 of each schema wrote them
//! (made once by `TELEWARD_MAKE_UPGRADE=1 cargo test -p teleward-tests --test upgrade -- make`). They are never remade: a
//! new schema adds a folder beside them.

use anyhow::{Context as _, ensure};
use companion::{Companion, CompanionError, Config, HistoryQuery, LinkState, Ports, Topic, View};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use teleward_tests::console::Console;
use teleward_tests::house::{ACCOUNT, House, Part};
use teleward_tests::phone::Phone;
use vault::FileVault;

const PATIENCE: Duration = Duration::from_secs(60);

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/upgrade/1")
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        // SQLite makes its shared memory anew; a lock belongs to its process
        let passing = to.to_string_lossy().ends_with("-shm")
            || to.file_name().is_some_and(|name| name == "lock");
        if passing {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// The kept folder of one part, to be worked on.
fn working_copy(part: &str) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    copy(&kept().join(part), dir.path())?;
    Ok(dir)
}

fn expected() -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(
        kept().join("expected.json"),
    )?)?)
}

/// Every file of a folder but lock files, with its bytes.
fn bytes_of(dir: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(bytes_of(&path)?);
        } else if path.file_name().is_none_or(|name| name != "lock") {
            files.push((path.clone(), std::fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a schema number that no version knows into SQLite's header (offset 60, big-endian).
fn make_newer(database: &Path) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(database)?;
    bytes
        .get_mut(60..64)
        .context("no database")?
        .copy_from_slice(&9999_u32.to_be_bytes());
    Ok(std::fs::write(database, bytes)?)
}

fn open_phone(dir: &Path) -> anyhow::Result<Companion> {
    let key_vault = Arc::new(FileVault::open(&dir.join("keys"), None)?);
    let config = Config {
        zone: Some("Europe/London".to_owned()),
        ..Config::new(dir.join("data"))
    };
    Ok(Companion::open(
        config,
        Ports {
            key_vault,
            radio: None,
        },
    )?)
}

/// REQ-UPGRADE-001: a phone's folder of schema 1 opens with its link, its readings and their stages.
#[tokio::test]
async fn yesterdays_phone_opens_with_everything() -> anyhow::Result<()> {
    let dir = working_copy("phone")?;
    let companion = open_phone(dir.path())?;
    let page = companion.history(HistoryQuery::default(), None).await?;
    let readings: Vec<Value> = page
        .readings
        .iter()
        .map(|r| json!({ "id": r.id, "stage": r.stage.words(), "systolic": r.values[0].value }))
        .collect();
    assert_eq!(Value::from(readings), expected()?["readings"]);
    let View::Status(status) = companion.view(Topic::Status).await? else {
        anyhow::bail!("another view")
    };
    let link = status.link.context("no link")?;
    assert_eq!(link.state, LinkState::Pending);
    assert_eq!(json!(link.check_words), expected()?["words"]);
    companion.close().await;
    Ok(())
}

/// REQ-UPGRADE-002: a relay's folder of schema 1 opens, and every envelope in it is whole.
#[test]
fn yesterdays_relay_opens_and_is_whole() -> anyhow::Result<()> {
    let dir = working_copy("relay")?;
    let found = relay::verify(dir.path())?;
    assert_eq!((found.whole, found.damaged), (7, 0));
    Ok(())
}

/// REQ-UPGRADE-010: yesterday's letters, as they lie at yesterday's relay, open with yesterday's keys, and with no others.
#[test]
fn yesterdays_letters_open() -> anyhow::Result<()> {
    let (dir, phone) = (working_copy("relay")?, kept().join("phone/keys"));
    let relay = store::rusqlite::Connection::open(dir.path().join("relay.db"))?;
    let mut letters = relay.prepare(
        "SELECT l.up = e.box, l.up, e.bytes FROM envelope e JOIN link l ON e.box IN (l.up, l.down)",
    )?;
    let letters = letters.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let letters: Vec<(bool, [u8; 16], Vec<u8>)> = letters.collect::<Result<_, _>>()?;
    assert_eq!(letters.len(), 7);
    for (goes_up, up, file) in letters {
        let own = format!("link.{}.age", wire::MailboxId(up));
        let station = age_key(&kept().join("station/keys"), "age")?;
        let install = age_key(&phone, &own)?;
        let (reader, writer) = if goes_up {
            (station, install)
        } else {
            (install, station)
        };
        let opened = vault::open_file(&file, std::slice::from_ref(&reader))?;
        let plain = vault::Plaintext::parse(opened.expose())?;
        ensure!(plain.content()?.len() as u64 == plain.claimed().len);
        ensure!(
            vault::open_file(&file, std::slice::from_ref(&writer)).is_err(),
            "its writer opens it too"
        );
    }
    Ok(())
}

fn age_key(folder: &Path, name: &str) -> anyhow::Result<vault::AgeIdentity> {
    use vault::KeyVault as _;
    // opening tightens the folder's mode: the kept one stays as it is
    let copy_of = tempfile::tempdir()?;
    copy(folder, copy_of.path())?;
    let keys = FileVault::open(copy_of.path(), None)?;
    let seed: [u8; 32] = keys.load(name)?.expose().as_slice().try_into()?;
    Ok(vault::AgeIdentity::from_seed(&seed)?)
}

/// REQ-UPGRADE-003: a station's folder of schema 1 opens, serves, and has what it acknowledged.
#[tokio::test]
async fn yesterdays_station_opens() -> anyhow::Result<()> {
    let dir = working_copy("station")?;
    let running = clinic::serve(
        clinic::StationConfig::new(dir.path()),
        std::future::pending(),
    )
    .await?;
    let console = Console::sign_in(&running.console, ACCOUNT).await?;
    let patients = console.get("/api/patients").await?;
    let patient = patients["patients"][0]["id"]
        .as_str()
        .context("no patient")?;
    let mut at_station: Vec<Value> = console
        .readings(patient)
        .await?
        .iter()
        .map(|r| r["id"].clone())
        .collect();
    let mut acknowledged: Vec<Value> = expected()?["readings"]
        .as_array()
        .context("no readings")?
        .iter()
        .filter(|r| r["stage"] == "at the clinic")
        .map(|r| r["id"].clone())
        .collect();
    at_station.sort_by_key(Value::to_string);
    acknowledged.sort_by_key(Value::to_string);
    assert_eq!(at_station, acknowledged);
    running.stop().await?;
    Ok(())
}

/// REQ-UPGRADE-004: the data of a later version are refused, by phone, relay and station alike, and not changed by a byte.
#[tokio::test]
async fn the_data_of_a_later_version_are_refused_untouched() -> anyhow::Result<()> {
    for (part, database) in [
        ("phone", "data/companion.db"),
        ("relay", "relay.db"),
        ("station", "station.db"),
    ] {
        let dir = working_copy(part)?;
        make_newer(&dir.path().join(database))?;
        let before = bytes_of(dir.path())?;
        let refusal = match part {
            "phone" => {
                let refused = open_phone(dir.path())
                    .err()
                    .context("the phone opened it")?;
                let kind = refused.downcast_ref::<CompanionError>();
                assert_eq!(
                    kind,
                    Some(&CompanionError::UpdateNeeded {
                        found: 9999,
                        known: companion::SCHEMA.newest()
                    })
                );
                refused.to_string()
            }
            "relay" => {
                let mut config = relay::RelayConfig::new(dir.path());
                config.listen = "127.0.0.1:0".parse()?;
                relay::serve(config)
                    .await
                    .err()
                    .context("the relay opened it")?
                    .to_string()
            }
            _ => clinic::serve(
                clinic::StationConfig::new(dir.path()),
                std::future::pending(),
            )
            .await
            .err()
            .context("the station opened it")?
            .to_string(),
        };
        ensure!(
            refusal.contains("9999"),
            "{part} says something else: {refusal}"
        );
        ensure!(bytes_of(dir.path())? == before, "{part} changed something");
    }
    Ok(())
}

/// Writes each database's log back, so that the kept files are small and whole.
fn fold_log(dir: &Path) -> anyhow::Result<()> {
    for (path, _) in bytes_of(dir)? {
        if path.extension().is_some_and(|extension| extension == "db") {
            let database = store::rusqlite::Connection::open(path)?;
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
    }
    Ok(())
}

/// Makes the kept folders, once per schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn make() -> anyhow::Result<()> {
    if std::env::var_os("TELEWARD_MAKE_UPGRADE").is_none() {
        ensure!(
            kept().join("expected.json").is_file(),
            "the kept folders are missing"
        );
        return Ok(());
    }
    let mut house = House::start().await?;
    let console = house.console().await?;
    let patient = console.new_patient("Ada Byrne", "U-1").await?;
    let invite = console.invite(&patient).await?;
    let mut phone = Phone::new(house.folder("phone")?, false)?;
    phone.start(&[])?;
    phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
    phone.joined(PATIENCE)?;
    for n in 1..=2 {
        let reading = json!({ "do": "reading", "draft": format!("{n:032x}"), "systolic": format!("{}", 120 + n), "diastolic": "80" });
        phone.keep(&reading, PATIENCE)?;
    }
    phone.acknowledged(PATIENCE)?;
    house.kill(Part::Station)?;
    let last =
        json!({ "do": "reading", "draft": "ff".repeat(16), "systolic": "131", "diastolic": "80" });
    phone.keep(&last, PATIENCE)?;
    phone.until(PATIENCE, |status| status["queue"]["at_post_office"] == 1)?;
    let words = phone.ask(&json!({ "do": "status" }), PATIENCE)?["link"]["words"].clone();
    let readings: Vec<Value> = phone
        .history(PATIENCE)?
        .iter()
        .map(|r| json!({ "id": r["id"], "stage": r["stage"], "systolic": r["values"]["systolic"] }))
        .collect();
    phone.kill()?;
    house.kill(Part::Relay)?;
    for part in ["phone", "relay", "station"] {
        let to = kept().join(part);
        copy(&house.root().join(part), &to)?;
        fold_log(&to)?;
    }
    let text = serde_json::to_string_pretty(&json!({ "words": words, "readings": readings }))?;
    Ok(std::fs::write(
        kept().join("expected.json"),
        format!("{text}\n"),
    )?)
}

//! The relay is blind: what stands inside the mail is nowhere in what it keeps, says or remembers.
//!
//! Real envelopes (the golden files) go through a relay that logs everything; then its folder, its log, its metrics and
//! a core dump taken under load are searched for values that their senders wrote, in every encoding we use. Values that
//! the relay must hold are searched for too, so that a search that finds nothing at all fails; and a relay that holds a
//! value where it must not is found out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail here")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use support::process::{Process, mark};
use support::*;
use wire::api;

#[tokio::test]
#[ignore = "the relay's process for the tests of this file"]
async fn relay_process() {
    support::process::run().await;
}

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(path)
}

/// What the golden mail says, read at run time: this program's own text would be found in the relay's memory.
fn written() -> Vec<Vec<u8>> {
    let content = std::fs::read_to_string(golden("join/content.json")).unwrap();
    let join: serde_json::Value = serde_json::from_str(&content).unwrap();
    let text = |name: &str| join[name].as_str().unwrap().as_bytes().to_vec();
    let raw = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(join[name].as_str().unwrap())
            .unwrap()
    };
    let label = format!("\"label\":{}", join["label"]).into_bytes();
    let app = join["app"].to_string().into_bytes();
    let circle = std::fs::read(golden("circle/1.json")).unwrap();
    vec![
        content.trim_end().as_bytes().to_vec(),
        text("sign"),
        raw("sign"),
        text("age"),
        text("recovery"),
        label,
        app,
        circle[..circle.len().min(200)].to_vec(),
    ]
}

/// A value in every encoding that our formats use.
fn encodings(value: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
    let mut all = vec![
        value.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    if let Ok(text) = std::str::from_utf8(value) {
        all.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        all.push(text.replace('"', "\\\"").into_bytes());
    }
    // inside a longer text, base64 falls on one of three beats; its edges belong to the neighbours
    for beat in 0..3 {
        let whole = value.len() - (3 - beat) % 3;
        let inner = &value[(3 - beat) % 3..][..whole / 3 * 3];
        all.push(STANDARD_NO_PAD.encode(inner).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(inner).into_bytes());
    }
    all.sort();
    all.dedup();
    all
}

fn folder_holds(folder: &Path, needles: &[Vec<u8>], found: &mut [bool]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        mark(path.to_str().unwrap().as_bytes(), needles, found);
        if path.is_dir() {
            folder_holds(&path, needles, found);
        } else {
            mark(&std::fs::read(path).unwrap(), needles, found);
        }
    }
}

/// REQ-RELAY-016: no value of the mail's inside is on the relay's disk, in its log, its metrics or its memory; and its
/// log holds no address of a caller, no mailbox, no envelope and no signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_mails_inside_is_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path());
    let mut scene = Scene::outside(folder, process.address, process.receipt);
    scene.admit("first", ROOT, STATION).await;
    scene.link().await;
    let mut mail = Vec::new();
    for file in std::fs::read_dir(golden("envelope")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("accept-") && name.ends_with(".age") {
            mail.push(std::fs::read(&path).unwrap());
        }
    }
    assert!(mail.len() > 8);
    for file in &mail {
        assert_eq!(scene.put(INSTALL, UP, file).await.status, 201);
    }
    let inside: Vec<Vec<u8>> = written()
        .iter()
        .flat_map(|value| encodings(value))
        .collect();
    let ciphertext = mail[0][mail[0].len() - 64..].to_vec();
    let held: Vec<Vec<u8>> = vec![ciphertext.clone(), id(&mail[0]).0.to_vec()];
    let needles: Vec<Vec<u8>> = [inside.clone(), held].concat();
    let first_held = inside.len();

    let metrics = scene.send(&Ask::new("GET", "/metrics"), None).await.body;
    let foreign = scene.send(&Ask::new("GET", "/v1/links"), None).await;
    assert_eq!(foreign.status, 404);

    // under load: the same mail goes up and down when the dump is taken
    let scene = Arc::new(scene);
    let rounds = Arc::new(AtomicU32::new(0));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (scene, mail, rounds) = (scene.clone(), mail.clone(), rounds.clone());
        load.spawn(async move {
            loop {
                for file in &mail {
                    let put = put(UP, id(file), file);
                    let get = Ask::new("GET", api::path::envelope(UP, id(file)));
                    for (who, ask) in [(INSTALL, put), (STATION, get)] {
                        let headers = scene.sign(&key(who), &ask);
                        // no answer: the dump has ended the relay
                        let Some(answer) = scene.try_send(&ask, Some(headers)).await else {
                            return;
                        };
                        assert_eq!(answer.status, 200);
                        assert!(who == INSTALL || answer.body == *file);
                    }
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    while rounds.load(Ordering::SeqCst) < 2 * u32::try_from(mail.len()).unwrap() {
        tokio::task::yield_now().await;
    }
    let dumps = scene.folder.path().to_owned();
    let dump = tokio::task::spawn_blocking(move || process.core_dump(&dumps));
    let dump = dump.await.unwrap();
    load.join_all().await;
    let mut in_memory = vec![false; needles.len()];
    mark(&dump, &needles, &mut in_memory);
    drop(dump);

    let mut on_disk = vec![false; needles.len()];
    folder_holds(&scene.dir(), &needles, &mut on_disk);
    let log = std::fs::read(scene.folder.path().join("log")).unwrap();
    let mut said = vec![false; needles.len()];
    mark(&log, &needles, &mut said);
    mark(&metrics, &needles, &mut said);

    assert!(
        in_memory[first_held],
        "the search of the memory finds what is there"
    );
    assert!(
        on_disk[first_held] && on_disk[first_held + 1],
        "and that of the disk"
    );
    for (at, needle) in inside.iter().enumerate() {
        let text = String::from_utf8_lossy(&needle[..needle.len().min(60)]);
        assert!(!in_memory[at], "in memory: {text}");
        assert!(!on_disk[at], "on the disk: {text}");
        assert!(!said[at], "in log or metrics: {text}");
    }

    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("listens"), "the log was written:\n{log}");
    let us = scene.address.to_string();
    for secret in [
        UP.to_string(),
        DOWN.to_string(),
        id(&mail[0]).to_string(),
        key(INSTALL).kid().to_string(),
        key(CLAIM).kid().to_string(),
        us,
        "signature".to_owned(),
        "after=".to_owned(),
    ] {
        assert!(!log.contains(&secret), "the log holds {secret}:\n{log}");
    }
}

/// REQ-RELAY-016: a relay that holds a value of the mail's inside, in whatever encoding, is found out by its core dump.
#[test]
fn a_relay_that_holds_a_value_is_found_out() {
    let values = written();
    let encoded: Vec<Vec<u8>> = values.iter().flat_map(|value| encodings(value)).collect();
    let texts: Vec<String> = values
        .iter()
        .filter(|value| value.len() < 2000)
        .flat_map(|value| {
            let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
            let base64 = URL_SAFE_NO_PAD.encode([b"around ", &value[..], b" it"].concat());
            [hex, base64]
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start_holding(folder.path(), &texts.join(" "));
    let dump = process.core_dump(folder.path());
    let mut found = vec![false; encoded.len()];
    mark(&dump, &encoded, &mut found);
    for value in values.iter().filter(|value| value.len() < 2000) {
        let needles = encodings(value);
        let seen = encoded.iter().zip(&found);
        let hits = seen.filter(|(needle, found)| **found && needles.contains(needle));
        assert!(hits.count() >= 2, "hex and base64 of each value are found");
    }
}

/// REQ-RELAY-017: the relay's program cannot open mail: no crate that could is among those it is made of.
#[test]
fn the_relay_is_made_without_a_vault() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"teleward-wire"));
    for cannot in [
        "teleward-vault",
        "teleward-reading",
        "teleward-store",
        "age",
        "age-core",
        "hpke",
        "ml-kem",
        "x-wing",
    ] {
        assert!(!names.contains(&cannot), "{cannot}");
    }
}

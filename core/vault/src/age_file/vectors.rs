//! The public age test vectors (C2SP/CCTV), opened with our hybrid identity and with age's own identities.

use super::{AgeFileError, MAX_WORK_FACTOR, open_file, open_with_passphrase, start};
use crate::{AgeIdentity, Sensitive};
use flate2::read::ZlibDecoder;
use std::io::Read as _;
use std::path::Path;

#[derive(Default)]
struct Vector {
    expect: String,
    payload: Option<String>,
    hybrid: Vec<AgeIdentity>,
    classical: Vec<age::x25519::Identity>,
    passphrases: Vec<String>,
    file: Vec<u8>,
}

fn read(path: &Path) -> Vector {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.windows(2).position(|w| w == b"\n\n").unwrap();
    let mut vector = Vector::default();
    let mut compressed = false;
    for line in std::str::from_utf8(&bytes[..end]).unwrap().lines() {
        let (key, value) = line.split_once(": ").unwrap();
        match key {
            "expect" => vector.expect = value.into(),
            "payload" => vector.payload = Some(value.into()),
            "identity" if value.starts_with("AGE-SECRET-KEY-PQ-") => {
                vector.hybrid.push(AgeIdentity::parse(value).unwrap());
            }
            "identity" => vector.classical.push(value.parse().unwrap()),
            "passphrase" => vector.passphrases.push(value.into()),
            "compressed" => compressed = true,
            "file key" | "comment" => {}
            other => panic!("{}: unknown key {other}", path.display()),
        }
    }
    let body = &bytes[end + 2..];
    if compressed {
        ZlibDecoder::new(body)
            .read_to_end(&mut vector.file)
            .unwrap();
    } else {
        vector.file = body.to_vec();
    }
    vector
}

/// What became of a file, in the words of the vectors, and the hash of all plaintext that came out.
fn outcome(vector: &Vector) -> (&'static str, Option<String>) {
    let scrypt: Vec<_> = vector
        .passphrases
        .iter()
        .map(|p| {
            let mut identity = age::scrypt::Identity::new(p.clone().into());
            identity.set_max_work_factor(MAX_WORK_FACTOR);
            identity
        })
        .collect();
    let identities = vector
        .hybrid
        .iter()
        .map(|i| i as &dyn age::Identity)
        .chain(vector.classical.iter().map(|i| i as _))
        .chain(scrypt.iter().map(|i| i as _));
    let mut reader = match start(&vector.file, identities, AgeFileError::NoMatch) {
        Ok(reader) => reader,
        Err(AgeFileError::NoMatch) => return ("no match", None),
        Err(AgeFileError::Damaged) => return ("HMAC failure", None),
        Err(_) => return ("header failure", None),
    };
    let mut plaintext = Vec::new();
    let ended = reader.read_to_end(&mut plaintext);
    let hash = wire::sha256(&[&plaintext]).to_string();
    (
        if ended.is_ok() {
            "success"
        } else {
            "payload failure"
        },
        Some(hash),
    )
}

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cctv");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                read(&path),
            )
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// REQ-VAULT-003: every public age vector ends as its authors say.
#[test]
fn every_vector_ends_as_its_authors_say() {
    let all = vectors();
    assert_eq!(all.len(), 110);
    let mut wrong = Vec::new();
    for (name, vector) in &all {
        let (came, hash) = outcome(vector);
        let hash_fits = match (&vector.payload, &hash) {
            (Some(wanted), Some(hash)) => wanted == hash,
            (Some(_), None) => false,
            _ => true,
        };
        if came != vector.expect || !hash_fits {
            wrong.push(format!(
                "{name}: wanted {}, came {came} (hash fits: {hash_fits})",
                vector.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// REQ-VAULT-004: a file that is cut off, changed or sealed to others gives out no plaintext and a reason.
#[test]
fn our_own_way_of_opening_gives_all_or_nothing() {
    for (name, vector) in vectors() {
        if !vector.classical.is_empty() {
            continue;
        }
        let came = if vector.hybrid.is_empty() {
            let [passphrase] = vector.passphrases.as_slice() else {
                continue;
            };
            open_with_passphrase(&vector.file, &Sensitive::new(passphrase.clone()))
        } else {
            open_file(&vector.file, &vector.hybrid)
        };
        let wanted = match vector.expect.as_str() {
            "success" => None,
            "no match" if vector.hybrid.is_empty() => Some(AgeFileError::Passphrase),
            "no match" => Some(AgeFileError::NoMatch),
            "header failure" => Some(AgeFileError::Header),
            _ => Some(AgeFileError::Damaged),
        };
        match (wanted, came) {
            (None, Ok(plaintext)) => {
                let hash = wire::sha256(&[plaintext.expose()]).to_string();
                assert_eq!(Some(hash), vector.payload, "{name}");
            }
            (Some(wanted), Err(came)) => {
                // the work factor of one vector is one that we do not try
                let same = came == wanted
                    || (name == "scrypt_work_factor_23" && came == AgeFileError::TooMuchWork);
                assert!(same, "{name}: {came:?}");
            }
            (wanted, came) => panic!("{name}: wanted {wanted:?}, came {came:?}"),
        }
    }
}

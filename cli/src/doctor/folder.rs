//! A data folder: whose it is, who may read it, whether its keys lie open, how much room and how quick a disk it has.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Check, fine, note, problem};

/// Under this much room one is told to make some.
const LITTLE_ROOM_MB: u64 = 1024;
/// Slower than this per flush, a disk will hold mail up.
const SLOW_FLUSH: Duration = Duration::from_millis(50);

/// By the file that only one of them has.
const KINDS: [(&str, &str); 3] = [
    ("relay.db", "a relay"),
    ("station.db", "a station"),
    ("companion.db", "a hub"),
];

/// Everything about the folder; only that it is not there, when it is not.
pub fn look(dir: &Path) -> Vec<Check> {
    if !dir.is_dir() {
        return vec![problem(
            "folder",
            format!("{} is not there", dir.display()),
            "Name the data folder of a relay, station or hub with --dir.",
        )];
    }
    let mut checks = vec![whose(dir), flush(dir)];
    checks.extend(open_to_others(dir));
    checks.extend(keys(dir));
    checks.extend(room(dir));
    checks
}

fn whose(dir: &Path) -> Check {
    let found = KINDS.iter().find(|(file, _)| dir.join(file).is_file());
    match found {
        Some((_, whose)) => fine("kind", format!("the data of {whose}")),
        None => note(
            "kind",
            "no relay, station or hub has data here yet",
            "Start one with this --dir, or name another.",
        ),
    }
}

/// Keys and mail are for the user of the program alone.
fn open_to_others(dir: &Path) -> Option<Check> {
    let open = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    };
    let keys = dir.join("keys");
    let secret = ["receipt.key", "receipt-reserve.key"]
        .iter()
        .map(|name| dir.join(name))
        .chain(std::iter::once(keys.clone()))
        .chain(
            std::fs::read_dir(keys)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path()),
        )
        .find(|path| open(path));
    secret.map(|path| {
        problem(
            "access",
            format!("{} can be reached by other users", path.display()),
            "Take that away, and treat the keys as known: chmod -R go= the data folder.",
        )
    })
}

/// Station and hub keep their keys in a folder; where a passphrase seals them, its lock lies there too.
fn keys(dir: &Path) -> Option<Check> {
    let folder = dir.join("keys");
    if !folder.is_dir() {
        return None;
    }
    Some(if folder.join("passphrase.age").is_file() {
        fine("keys", "sealed under a passphrase")
    } else {
        note(
            "keys",
            "plain files: whoever copies this disk has them",
            "Put the folder on an encrypted disk; a station can seal them: clinic init --key-passphrase-file.",
        )
    })
}

fn room(dir: &Path) -> Option<Check> {
    let asked = Command::new("df")
        .args(["--output=avail", "--block-size=1M"])
        .arg(dir)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    let mb = said.lines().nth(1)?.trim().parse::<u64>().ok()?;
    Some(if mb < LITTLE_ROOM_MB {
        problem(
            "room",
            format!("{mb} MB free"),
            "Make room: at a full disk, new mail waits where it is.",
        )
    } else {
        fine("room", format!("{mb} MB free"))
    })
}

/// Writes, flushes and removes a probe file.
fn flush(dir: &Path) -> Check {
    let path = dir.join(".doctor-probe");
    let began = Instant::now();
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let took = began.elapsed();
    let removed = std::fs::remove_file(&path);
    match written.and(removed) {
        Err(error) => problem(
            "folder",
            format!("{} cannot be written: {error}", dir.display()),
            "Give this user the folder, or name another with --dir.",
        ),
        Ok(()) if took > SLOW_FLUSH => note(
            "folder",
            format!(
                "writable; the disk takes {} ms for a flush",
                took.as_millis()
            ),
            "Every receipt waits for one: a faster disk makes a faster relay.",
        ),
        Ok(()) => fine(
            "folder",
            format!(
                "writable; the disk takes {} ms for a flush",
                took.as_millis()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn states(dir: &Path) -> Vec<(&'static str, State)> {
        look(dir)
            .iter()
            .map(|check| (check.check, check.state))
            .collect()
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// REQ-CLI-007: doctor says whose a folder is, that its keys lie open on the disk, and that others can reach them.
    #[test]
    fn plain_keys_and_open_folders_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        assert!(states(dir).contains(&("kind", State::Note)));

        std::fs::write(dir.join("station.db"), b"").unwrap();
        let keys = dir.join("keys");
        std::fs::create_dir(&keys).unwrap();
        mode(&keys, 0o700);
        std::fs::write(keys.join("sign.key"), b"x").unwrap();
        mode(&keys.join("sign.key"), 0o600);
        let found = states(dir);
        assert!(found.contains(&("kind", State::Fine)), "{found:?}");
        assert!(found.contains(&("keys", State::Note)), "{found:?}");
        assert!(
            !found.iter().any(|(check, _)| *check == "access"),
            "{found:?}"
        );

        mode(&keys.join("sign.key"), 0o644);
        assert!(states(dir).contains(&("access", State::Problem)));
        mode(&keys.join("sign.key"), 0o600);
        std::fs::write(keys.join("passphrase.age"), b"x").unwrap();
        mode(&keys.join("passphrase.age"), 0o600);
        assert!(states(dir).contains(&("keys", State::Fine)));
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_problem() {
        let found = states(Path::new("/no/such/folder"));
        assert_eq!(found, [("folder", State::Problem)]);
    }
}

//! Sealing and hashing a file, MB per CPU-second, beside Go `age` and `rage` with `sha256sum`, on the same payload.
//!
//! The peers pay for starting a process and for reading and writing files, which ours does not; the payload is large
//! enough (256 MiB) that this is below one per cent. Go age seals to the same hybrid recipient; rage knows X25519 only.

use super::{Better, Figure};
use crate::blast::{children_cpu, own_cpu};
use anyhow::{Context as _, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use vault::{AgeIdentity, seal_file};

const BYTES: usize = 256 * 1024 * 1024;
const MB: f64 = 268.435_456;

/// Ours, then each peer that the environment names.
///
/// # Errors
/// When a peer is missing or fails.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let payload = pattern();
    std::fs::write(folder.path().join("payload"), &payload)?;
    let identity = AgeIdentity::generate().map_err(|e| anyhow::anyhow!("{e}"))?;

    let recipients = [identity.recipient().clone()];
    let before = own_cpu()?;
    let sealed = seal_file(&recipients, &payload)?;
    let id = wire::sha256(&[&sealed]);
    let ours = MB / seconds(own_cpu()?.saturating_sub(before));
    ensure!(
        id != wire::Hash::ZERO && sealed.len() > BYTES,
        "nothing was sealed"
    );

    let age = peer("TELEWARD_GO_AGE")?;
    let go = Peer {
        program: &age,
        words: vec!["-r".into(), identity.recipient().to_string()],
    };
    let rage = peer("TELEWARD_RAGE")?;
    let keygen = Path::new(&rage).with_file_name("rage-keygen");
    let key = Command::new(keygen).output().context("rage-keygen")?;
    let recipient = String::from_utf8(key.stdout)?
        .lines()
        .find_map(|l| l.strip_prefix("# public key: ").map(str::to_owned));
    let rage = Peer {
        program: &rage,
        words: vec!["-r".into(), recipient.context("rage-keygen")?],
    };
    [
        ("seal + SHA-256 of 256 MiB, against Go age", go, Some(1.0)),
        ("seal + SHA-256 of 256 MiB, against rage", rage, None),
    ]
    .into_iter()
    .map(|(measure, peer, goal)| {
        let (name, theirs) = peer.run(folder.path())?;
        Ok(Figure::beside(
            measure,
            ours,
            "MB per CPU-second",
            &name,
            theirs,
            goal,
            Better::Higher,
        ))
    })
    .collect()
}

struct Peer<'a> {
    program: &'a str,
    words: Vec<String>,
}

impl Peer<'_> {
    fn run(&self, folder: &Path) -> anyhow::Result<(String, f64)> {
        let version = Command::new(self.program).arg("--version").output()?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let sealed = folder.join("sealed");
        let before = children_cpu()?;
        let done = Command::new(self.program)
            .args(&self.words)
            .arg("-o")
            .arg(&sealed)
            .arg(folder.join("payload"))
            .status()?;
        ensure!(done.success(), "{} failed", self.program);
        let summed = Command::new("sha256sum").arg(&sealed).output()?;
        ensure!(summed.status.success(), "sha256sum failed");
        let theirs = MB / seconds(children_cpu()?.saturating_sub(before));
        std::fs::remove_file(&sealed)?;
        let program = Path::new(self.program)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let recipient = self
            .words
            .last()
            .and_then(|r| r.get(..12))
            .unwrap_or_default();
        Ok((
            format!(
                "{version}: `{program} -r {recipient}… -o sealed payload; sha256sum sealed` (no fsync on either side)"
            ),
            theirs,
        ))
    }
}

fn peer(variable: &str) -> anyhow::Result<String> {
    std::env::var(variable)
        .with_context(|| format!("{variable} is not set: run `cargo xtask bench seal`"))
}

fn seconds(cpu: Duration) -> f64 {
    cpu.as_secs_f64().max(0.01)
}

/// Bytes that do not compress and are the same each time.
fn pattern() -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(BYTES);
    while bytes.len() < BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

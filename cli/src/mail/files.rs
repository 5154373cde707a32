//! The envelopes that a person named: files, and every file of a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vault::{AgeIdentity, Plaintext, RecoverySheet, Refusal, Sensitive};
use wire::{EnvelopeId, MAX_ENVELOPE_BYTES, MAX_GREASE_BYTES, Sealed};

/// What `open` and `verify` both take.
#[derive(clap::Args)]
pub struct Envelopes {
    /// A file of age identities (AGE-SECRET-KEY-PQ-1…), one a line, or of a sheet's 24 words: a station's, an install's
    /// or a recovery key. May be given several times.
    #[arg(long, short)]
    identity: Vec<PathBuf>,
    /// Envelopes, or folders of them.
    #[arg(required = true)]
    from: Vec<PathBuf>,
    /// Print one JSON object for each envelope.
    #[arg(long)]
    pub json: bool,
}

/// One envelope as found.
pub struct Found {
    /// Where.
    pub file: PathBuf,
    /// The hash of its bytes, where it could be read as far as that.
    pub id: Option<EnvelopeId>,
    /// How many keys it is sealed to.
    pub stanzas: usize,
    /// Its inside, or why there is none.
    pub plain: Result<Plaintext, Refusal>,
}

impl Envelopes {
    /// Reads and opens one after another, in the order of their names, and hands each on; only one is in memory at a time,
    /// however many there are.
    pub fn each(
        &self,
        doing: &'static str,
        mut take: impl FnMut(Found) -> Result<()>,
    ) -> Result<()> {
        let identities = self.identities()?;
        let mut files = Vec::new();
        for from in &self.from {
            collect(from, &mut files)?;
        }
        if files.is_empty() {
            bail!("there is no file in what was named");
        }
        let bar = crate::progress::steps(doing, files.len() as u64);
        for file in files {
            let found = open(file, &identities)?;
            // What is printed must not run into the bar.
            bar.suspend(|| take(found))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// The identities at hand.
    pub fn identities(&self) -> Result<Vec<AgeIdentity>> {
        if self.identity.is_empty() {
            bail!("name a file with the key that opens these envelopes: --identity FILE");
        }
        let mut identities = Vec::new();
        for file in &self.identity {
            let text = Sensitive::new(
                std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?,
            );
            let read = keys_in(text.expose()).with_context(|| {
                format!(
                    "in {}: wanted is a line AGE-SECRET-KEY-PQ-1… or the 24 words of a sheet on one line",
                    file.display()
                )
            })?;
            identities.extend(read);
        }
        Ok(identities)
    }
}

/// What an identity file holds, or a sheet that somebody typed off.
fn keys_in(text: &str) -> Result<Vec<AgeIdentity>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(|line| Ok(RecoverySheet::parse(line)?.identity().clone()));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    if keys.is_empty() {
        bail!("there is no key");
    }
    Ok(keys)
}

fn collect(from: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let told = || format!("cannot read {}", from.display());
    if !std::fs::metadata(from).with_context(told)?.is_dir() {
        files.push(from.to_owned());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(from).with_context(told)? {
        let path = entry.with_context(told)?.path();
        if path.is_file() {
            inside.push(path);
        }
    }
    inside.sort();
    files.append(&mut inside);
    Ok(())
}

fn open(file: PathBuf, identities: &[AgeIdentity]) -> Result<Found> {
    let told = || format!("cannot read {}", file.display());
    let size = std::fs::metadata(&file).with_context(told)?.len();
    let refused = |file, id, reason| {
        Ok(Found {
            file,
            id,
            stanzas: 0,
            plain: Err(reason),
        })
    };
    if size > (MAX_ENVELOPE_BYTES + MAX_GREASE_BYTES) as u64 {
        return refused(file, None, Refusal::Shape);
    }
    let bytes = std::fs::read(&file).with_context(told)?;
    let Ok(sealed) = Sealed::parse(bytes) else {
        return refused(file, None, Refusal::Shape);
    };
    let id = sealed.id();
    if named(&file).is_some_and(|named| named != id) {
        return refused(file, Some(id), Refusal::WrongFile);
    }
    let plain = Plaintext::open(&sealed, identities);
    Ok(Found {
        file,
        id: Some(id),
        stanzas: sealed.hybrid_stanzas(),
        plain,
    })
}

/// A file that is named by an id claims to be that envelope.
fn named(file: &Path) -> Option<EnvelopeId> {
    file.file_stem()?.to_str()?.parse().ok()
}

//! `teleward open`: what is inside, as it stands.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use vault::{Plaintext, Refusal};

use super::files::{Envelopes, Found};
use crate::exit::Done;
use crate::out;

/// Open envelopes with a key, and print what they hold.
///
/// Length, hash and padding of the content are checked; who sent it is not: that is `teleward verify`.
#[derive(clap::Args)]
#[command(after_help = "Example: teleward open --identity recovery.txt mailbox/ > readings.ndjson")]
pub struct Args {
    #[command(flatten)]
    envelopes: Envelopes,
    /// Write each content to a file of its own in this folder, named by the envelope's id.
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Opens them.
pub fn run(args: &Args) -> Result<Done> {
    if let Some(folder) = &args.into {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut done = Done::Well;
    args.envelopes.each("opening", |found| {
        match content(&found) {
            Ok((plain, content)) => {
                if let Some(folder) = &args.into {
                    write(folder, &found, content)?;
                }
                if args.envelopes.json {
                    let shown = args.into.is_none().then_some(content);
                    out::line(record(&found, plain, shown))?;
                } else if args.into.is_none() {
                    out::bytes(content)?;
                }
            }
            Err(reason) => {
                done = Done::Wrong;
                let file = found.file.display().to_string();
                if args.envelopes.json {
                    let error = json!({ "code": reason.code(), "text": reason.to_string() });
                    out::line(json!({ "file": file, "id": found.id, "error": error }))?;
                } else {
                    eprintln!("{file}: {reason}");
                }
            }
        }
        Ok(())
    })?;
    Ok(done)
}

fn content(found: &Found) -> Result<(&Plaintext, &[u8]), Refusal> {
    let plain = found.plain.as_ref().map_err(|reason| *reason)?;
    Ok((plain, plain.content()?))
}

fn write(folder: &Path, found: &Found, content: &[u8]) -> Result<()> {
    let name = found.id.map(|id| id.to_string()).unwrap_or_default();
    let path = folder.join(format!("{name}.ndjson"));
    std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
}

fn record(found: &Found, plain: &Plaintext, content: Option<&[u8]>) -> Value {
    let header = plain.claimed();
    let mut record = json!({
        "file": found.file.display().to_string(),
        "id": found.id,
        "box": header.mailbox,
        "seq": header.seq,
        "type": header.kind,
        "at": header.at,
        "kid": plain.kid(),
    });
    if let Some(content) = content {
        record["content"] = Value::String(String::from_utf8_lossy(content).into_owned());
    }
    record
}

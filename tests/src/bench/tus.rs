//! The relay bench's peer: npm `@tus/server` with a file store (`tests/bench/tus/server.mjs`), each upload one request.

use super::post::CONNECTIONS;
use crate::blast::{Blast, blast, request};
use anyhow::Context as _;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const UPLOADS: usize = 3_000;
/// What node gives to file calls; its own choice of four makes concurrent fsyncs wait for one another.
const FILE_THREADS: &str = "16";

/// What the peer has done when it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// As published: the bytes are in the page cache.
    None,
    /// A subclass of its store: file, description and directory entries are on the disk.
    Fsync,
}

impl Durability {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fsync => "fsync",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "@tus/server as published, which does not fsync",
            Self::Fsync => "@tus/server made as durable",
        }
    }

    pub(super) fn command(self) -> String {
        let setting = match self {
            Self::None => "its file store as published, no fsync at all",
            Self::Fsync => {
                "its file store with fdatasync of file and description and fsync of the directory before the answer"
            }
        };
        format!(
            "`UV_THREADPOOL_SIZE={FILE_THREADS} node server.mjs DIRECTORY {}`, creation-with-upload, {setting}",
            self.word()
        )
    }
}

/// Its version, and what a run came to.
pub(super) async fn rate(
    folder: &Path,
    durability: Durability,
    template: &[u8],
) -> anyhow::Result<(String, Blast)> {
    let script = std::env::var("TELEWARD_TUS")
        .context("TELEWARD_TUS is not set: run `cargo xtask bench post`")?;
    let files = folder.join(format!("tus-{}", durability.word()));
    std::fs::create_dir_all(&files)?;
    let mut child = Command::new("node")
        .arg(&script)
        .arg(&files)
        .arg(durability.word())
        .env("UV_THREADPOOL_SIZE", FILE_THREADS)
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = upload(&mut child, template).await;
    child.kill()?;
    child.wait()?;
    outcome
}

async fn upload(child: &mut Child, template: &[u8]) -> anyhow::Result<(String, Blast)> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line)?;
    let url = ready["url"]
        .as_str()
        .context("no `url`")?
        .trim_start_matches("http://")
        .to_owned();
    let (authority, path) = url.split_at(url.find('/').context("no path")?);
    let length = template.len().to_string();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", length.as_str()),
        ("content-type", "application/offset+octet-stream"),
    ];
    let requests = vec![request("POST", path, authority, &headers, template); UPLOADS];
    let blast = blast(authority.parse()?, requests, CONNECTIONS, 201).await?;
    Ok((
        ready["version"].as_str().unwrap_or_default().to_owned(),
        blast,
    ))
}

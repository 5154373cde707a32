//! Durable receipted small envelopes per second at the relay, beside npm `@tus/server` with its file store, on the same
//! disk, payload and number of connections.
//!
//! Requests are signed beforehand. The rate with the client's CPU time taken off the wall time is what the goal means;
//! the wall rate stands beside it. The relay fsyncs before each receipt; the peer's file store never does.

use super::{Better, Figure};
use crate::blast::{Blast, blast, cpu_of_process, request};
use crate::mail::{Correspondence, READING_LINE};
use crate::process::Process;
use anyhow::Context as _;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use wire::api::{NewLink, OCTETS, Quota, path};
use wire::request::{Parts, digest_of, sign};
use wire::{EnvelopeId, MailboxId, SigningKey, Time, json, sha256};

const CONNECTIONS: usize = 64;
const ENVELOPES: usize = 20_000;
const UPLOADS: usize = 3_000;
const MEASURE: &str = "5.8 KB envelopes over 64 connections, client CPU excluded";

/// The relay, then the peer.
///
/// # Errors
/// When one of them does not come up or refuses.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let cores = std::thread::available_parallelism()?.get();
    let template = Correspondence::new()?
        .seal(READING_LINE)?
        .sealed
        .into_bytes();
    let folder = tempfile::tempdir_in(".")?;
    let (ours, server_cpu) = relay(folder.path(), &template).await?;
    let (peer, theirs) = tus(folder.path(), &template).await?;
    let (rate, peer_rate) = (
        ours.per_second_without_client(cores),
        theirs.per_second_without_client(cores),
    );
    let per_cpu = f64::from(u32::try_from(ours.answered)?) / server_cpu.as_secs_f64().max(0.01);
    Ok(vec![
        Figure::alone(
            "envelope size",
            f64::from(u32::try_from(template.len())?),
            "bytes",
            None,
            Better::Lower,
        ),
        Figure::alone(
            MEASURE,
            rate,
            "receipts/s (SQLite WAL, synchronous=FULL)",
            Some(3000.0),
            Better::Higher,
        ),
        Figure::alone(
            "the same by the wall clock",
            ours.per_second(),
            "receipts/s",
            None,
            Better::Higher,
        ),
        Figure::alone(
            "the same per CPU-second of the relay",
            per_cpu,
            "receipts/s",
            None,
            Better::Higher,
        ),
        Figure::beside(
            MEASURE,
            rate,
            "/s",
            &peer,
            peer_rate,
            Some(20.0),
            Better::Higher,
        ),
    ])
}

async fn relay(folder: &std::path::Path, template: &[u8]) -> anyhow::Result<(Blast, Duration)> {
    let dir = folder.join("relay").display().to_string();
    let words = [
        "relay",
        "--json",
        "--dir",
        &dir,
        "--listen",
        "127.0.0.1:0",
        "--requests-per-second",
        "1e9",
        "--burst",
        "1e9",
        "--quota-per-day",
        "1000000000",
    ];
    let process = Process::start("teleward", words, &[])?;
    let url = process.ready()?["relay"]
        .as_str()
        .context("no `relay`")?
        .to_owned();
    let authority = url.trim_start_matches("http://").to_owned();
    let address: SocketAddr = authority.parse()?;
    let (root, station, install) = (
        SigningKey::generate()?,
        SigningKey::generate()?,
        SigningKey::generate()?,
    );
    let (root_text, auth_text) = (root.public().to_string(), station.public().to_string());
    crate::house::run_json(&[
        "relay", "tenant", "add", "--json", "--dir", &dir, "--name", "bench", "--root", &root_text,
        "--auth", &auth_text,
    ])?;

    let up = MailboxId([1; 16]);
    let now = Time::system();
    let link = NewLink {
        v: 1,
        up,
        down: MailboxId([2; 16]),
        claim: None,
        auth: Some(install.public()),
        claim_until: now,
        quota: Quota {
            bytes: 1 << 40,
            per_day: 1 << 40,
        },
    };
    let body = json::to_string(&link).into_bytes();
    // the running relay follows `tenant add` within a second
    let end = Time::system().plus(Duration::from_secs(5));
    let mut nonce = 0;
    loop {
        nonce += 1;
        let post = signed(
            &station,
            "POST",
            &authority,
            path::LINKS,
            &body,
            "application/json",
            nonce,
            Duration::from_secs(60),
        );
        if blast(address, vec![post], 1, 201).await.is_ok() {
            break;
        }
        anyhow::ensure!(Time::system() < end, "the relay does not take the link");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let requests = (0..ENVELOPES).map(|n| {
        let mut bytes = template.to_vec();
        let at = bytes.len() - 8;
        bytes[at..].copy_from_slice(&(n as u64).to_be_bytes());
        let id = EnvelopeId(sha256(&[&bytes]).0);
        signed(
            &install,
            "PUT",
            &authority,
            &path::envelope(up, id),
            &bytes,
            OCTETS,
            n as u64,
            Duration::from_secs(3600),
        )
    });
    let requests = requests.collect();
    let before = cpu_of_process(process.id())?;
    let blast = blast(address, requests, CONNECTIONS, 201).await?;
    Ok((blast, cpu_of_process(process.id())?.saturating_sub(before)))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one request")]
fn signed(
    key: &SigningKey,
    method: &str,
    authority: &str,
    path: &str,
    body: &[u8],
    kind: &str,
    n: u64,
    valid: Duration,
) -> Vec<u8> {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&n.to_be_bytes());
    let now = Time::system();
    let parts = Parts {
        method,
        authority,
        path,
        query: "",
        digest: Some(digest_of(body)),
    };
    let headers = sign(&parts, key, now, now.plus(valid), nonce);
    let digest = headers.content_digest.unwrap_or_default();
    let all = [
        ("content-type", kind),
        ("signature-input", &headers.signature_input),
        ("signature", &headers.signature),
        ("content-digest", &digest),
    ];
    request(method, path, authority, &all, body)
}

async fn tus(folder: &std::path::Path, template: &[u8]) -> anyhow::Result<(String, Blast)> {
    let script = std::env::var("TELEWARD_TUS")
        .context("TELEWARD_TUS is not set: run `cargo xtask bench post`")?;
    let files = folder.join("tus");
    std::fs::create_dir_all(&files)?;
    let mut child = Command::new("node")
        .arg(&script)
        .arg(&files)
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = tus_rate(&mut child, template).await;
    child.kill()?;
    child.wait()?;
    let (version, blast) = outcome?;
    Ok((
        format!(
            "@tus/server {version}, `node server.mjs DIRECTORY`, creation-with-upload, file store without fsync"
        ),
        blast,
    ))
}

async fn tus_rate(
    child: &mut std::process::Child,
    template: &[u8],
) -> anyhow::Result<(String, Blast)> {
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

//! Durable receipted small envelopes per second at the relay, beside npm `@tus/server`, on the same disk, with the same
//! payload and number of connections.
//!
//! Requests are signed beforehand. The rate with the client's CPU time, spread over the cores, taken off the wall time
//! is what the goal means; the wall rate stands beside it. The relay fsyncs before each receipt. The peer is measured
//! twice: as it is published, which never fsyncs, and made as durable as the relay. Rounds of all three take turns, so
//! that a noisy machine is noisy for each; the middle round counts.

use super::{Better, Figure, folder, tus};
use crate::blast::{Blast, blast, cpu_of_process, request};
use crate::mail::{Correspondence, READING_LINE};
use crate::process::Process;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::time::Duration;
use wire::api::{NewLink, OCTETS, Quota, path};
use wire::request::{Parts, digest_of, sign};
use wire::{EnvelopeId, MailboxId, SigningKey, Time, json, sha256};

pub(super) const CONNECTIONS: usize = 64;
const ENVELOPES: usize = 20_000;
const ROUNDS: usize = 3;

/// The relay and the peers.
///
/// # Errors
/// When one of them does not come up or refuses.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let cores = std::thread::available_parallelism()?.get();
    let template = small_envelope()?;
    let mut ours = Vec::new();
    let mut theirs = [
        (tus::Durability::None, vec![]),
        (tus::Durability::Fsync, vec![]),
    ];
    for _ in 0..ROUNDS {
        let folder = folder()?;
        ours.push(relay(folder.path(), &template).await?);
        for (durability, rounds) in &mut theirs {
            rounds.push(tus::rate(folder.path(), *durability, &template).await?);
        }
    }
    let (ours, server_cpu) = middle(ours, |(blast, _)| blast.per_second_without_client(cores))?;
    let rate = ours.per_second_without_client(cores);
    let what = format!(
        "{:.1} KB envelopes over {CONNECTIONS} connections, client CPU excluded",
        f64::from(u32::try_from(template.len())?) / 1e3
    );
    let per_cpu = f64::from(u32::try_from(ours.answered)?) / server_cpu.as_secs_f64().max(0.01);
    let unit = "receipts/s (SQLite WAL, synchronous=FULL: fsync before each receipt)";
    let mut figures = vec![
        Figure::alone(&what, rate, unit, Some(3000.0), Better::Higher),
        Figure::alone(
            "the same by the wall clock, client included",
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
    ];
    for (durability, rounds) in theirs {
        let (version, peer) = middle(rounds, |(_, blast)| blast.per_second_without_client(cores))?;
        figures.push(Figure::beside(
            &format!("{what}, against {}", durability.words()),
            rate,
            "receipts/s",
            &format!("@tus/server {version}, {}", durability.command()),
            peer.per_second_without_client(cores),
            Some(20.0),
            Better::Higher,
        ));
    }
    Ok(figures)
}

/// One reading to a station, for a patient without a recovery key: the smallest envelope that there is.
fn small_envelope() -> anyhow::Result<Vec<u8>> {
    let sealed = Correspondence::without_recovery()?.seal(READING_LINE)?;
    Ok(sealed.sealed.into_bytes())
}

/// The round whose rate is the middle one.
fn middle<T>(mut rounds: Vec<T>, rate: impl Fn(&T) -> f64) -> anyhow::Result<T> {
    rounds.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let at = rounds.len() / 2;
    rounds.into_iter().nth(at).context("no round was run")
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

//! Journey *Stranger*: unknown, used, withdrawn and guessed invites, and a flood; refused alike, the honest unaffected.
//!
//! What single requests are answered, byte for byte, is in `relay/tests`; here a whole clinic is knocked at.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use teleward_tests::house::House;
use teleward_tests::phone::Phone;
use tokio::net::TcpSocket;

const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of the flood, over as many lines at once as one address may be expected to open.
const FLOOD: usize = 4000;
const LINES: usize = 16;

struct Clinic {
    house: House,
    phones: usize,
}

impl Clinic {
    /// A patient, and an invite for it.
    async fn invite(&self, n: usize) -> anyhow::Result<(String, String)> {
        let console = self.house.console().await?;
        let patient = console
            .new_patient(&format!("Patient {n}"), &format!("S-{n}"))
            .await?;
        let invite = console.invite(&patient).await?;
        Ok((patient, invite))
    }

    /// A phone that has scanned an invite.
    fn phone(&mut self, invite: &str) -> anyhow::Result<Phone> {
        self.phones += 1;
        let mut phone = Phone::new(self.house.folder(&format!("phone-{}", self.phones))?, false)?;
        phone.start(&[])?;
        phone.ask(&json!({ "do": "join", "invite": invite }), PATIENCE)?;
        Ok(phone)
    }

    /// A phone that is told no, and says so in words.
    fn refused(&mut self, invite: &str) -> anyhow::Result<String> {
        let mut phone = self.phone(invite)?;
        let status = phone.until(PATIENCE, |status| status["link"]["state"] == "Ended")?;
        let words = status["link"]["trouble"]
            .as_str()
            .context("refused without a word")?;
        Ok(words.to_owned())
    }
}

fn reading(n: u32) -> Value {
    json!({ "do": "reading", "draft": format!("{n:032x}"), "systolic": "121", "diastolic": "79" })
}

/// REQ-STRANGER-001: a guessed or withdrawn invite is refused, and the phone says so in words.
/// REQ-STRANGER-002: an invite that was used is refused to a second phone, and the clinic is told.
/// REQ-STRANGER-003: a flood from elsewhere leaves the honest links as they were, and nothing on the disk.
/// HAZ-STRANGER-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused_and_honest_links_go_on() -> anyhow::Result<()> {
    let mut clinic = Clinic {
        house: House::start().await?,
        phones: 0,
    };

    let (patient, invite) = clinic.invite(1).await?;
    let mut honest = clinic.phone(&invite)?;
    honest.joined(PATIENCE)?;
    honest.keep(&reading(1), PATIENCE)?;
    honest.acknowledged(PATIENCE)?;

    let used = clinic.refused(&invite)?;
    ensure!(
        used.contains("used"),
        "a used invite is told as used: {used}"
    );
    let console = clinic.house.console().await?;
    let told = Instant::now() + PATIENCE;
    loop {
        let page = console.get(&format!("/api/patients/{patient}")).await?;
        let invites = page["invites"].as_array().context("no invites")?;
        if invites.iter().any(|invite| invite["state"] == "contested") {
            break;
        }
        ensure!(
            Instant::now() < told,
            "the clinic was not told of the second phone: {page}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let (other, withdrawn) = clinic.invite(2).await?;
    let page = console.get(&format!("/api/patients/{other}")).await?;
    let id = page["invites"][0]["id"]
        .as_str()
        .context("an invite without an id")?;
    console
        .post(&format!("/api/invites/{id}/withdraw"), &json!({}))
        .await?;
    clinic.refused(&withdrawn)?;

    let guessed = guess(&withdrawn)?;
    clinic.refused(&guessed)?;

    let before = size(&clinic.house.root().join("relay"))?;
    let answers = flood(&clinic.house.relay_url()).await?;
    ensure!(
        answers.iter().all(|status| [404, 429].contains(status)),
        "a stranger got something else: {answers:?}"
    );
    ensure!(answers.contains(&429), "nobody was slowed down");
    honest.keep(&reading(2), PATIENCE)?;
    honest.acknowledged(PATIENCE)?;
    let after = size(&clinic.house.root().join("relay"))?;
    ensure!(
        after < before + (1 << 20),
        "a flood cost {} bytes of disk",
        after - before
    );

    let kept = console.readings(&patient).await?;
    ensure!(
        kept.len() == 2,
        "the station has {} readings of 2",
        kept.len()
    );
    Ok(())
}

/// The same invite with other secret bytes: what somebody makes who has seen one.
fn guess(invite: &str) -> anyhow::Result<String> {
    let (address, code) = invite
        .split_once('#')
        .context("an invite without its secret")?;
    let mut bytes = wire::b64u::decode(code)?;
    // One version byte and the clinic's root stand before the secret of 32 bytes.
    bytes[33..65].iter_mut().for_each(|byte| *byte ^= 0x5a);
    Ok(format!("{address}#{}", wire::b64u::encode(bytes)))
}

/// Unsigned requests from another address of this machine; the statuses that came back.
async fn flood(url: &str) -> anyhow::Result<Vec<u16>> {
    let relay: SocketAddr = url.trim_start_matches("http://").parse()?;
    let mut lines = tokio::task::JoinSet::new();
    for _ in 0..LINES {
        lines.spawn(async move {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0))?;
            let stream = socket.connect(relay).await?.into_std()?;
            stream.set_nonblocking(false)?;
            tokio::task::spawn_blocking(move || knock(stream, relay)).await?
        });
    }
    let mut all = Vec::new();
    while let Some(statuses) = lines.join_next().await {
        all.extend(statuses??);
    }
    Ok(all)
}

/// One line's share of the flood.
fn knock(mut stream: std::net::TcpStream, relay: SocketAddr) -> anyhow::Result<Vec<u16>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET /v1/links HTTP/1.1\r\nhost: {relay}\r\n\r\n");
    let mut statuses = Vec::new();
    let mut held = Vec::new();
    let mut piece = [0; 4096];
    for _ in 0..FLOOD / LINES {
        stream.write_all(request.as_bytes())?;
        loop {
            if let Some(end) = whole(&held) {
                let text = String::from_utf8_lossy(&held[..end]);
                statuses.push(text.split(' ').nth(1).context("no status")?.parse()?);
                held.drain(..end);
                break;
            }
            let read = stream.read(&mut piece)?;
            ensure!(read > 0, "the relay closed the line");
            held.extend_from_slice(&piece[..read]);
        }
    }
    Ok(statuses)
}

/// Where the first answer ends, if all of it is there.
fn whole(held: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(held).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse::<usize>()
            .ok()
    });
    let end = head + length.unwrap_or(0);
    (text.len() >= end).then_some(end)
}

/// Bytes in a folder.
fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() {
            size(&entry.path())?
        } else {
            meta.len()
        };
    }
    Ok(sum)
}

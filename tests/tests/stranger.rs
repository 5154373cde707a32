//! Journey *Stranger*: unknown, expired, used, withdrawn and guessed invites, foreign keys, replayed and altered requests, and a flood.
//!
//! A whole clinic is knocked at, through a proxy that listens to what the relay answers: all that is foreign gets the same
//! bytes, and the honest link goes on. Single requests in all their variants are in `relay/tests`.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::rusqlite::Connection;
use teleward_tests::house::{House, Part};
use teleward_tests::liar::{After, Answer, Asked, Bound, Liar};
use teleward_tests::phone::Phone;
use tokio::net::TcpSocket;
use wire::{MailboxId, SigningKey, Time};

const PATIENCE: Duration = Duration::from_secs(60);
/// Requests of the flood, over as many lines at once as one address may be expected to open.
const FLOOD: usize = 4000;
const LINES: usize = 16;

/// What went by, oldest first.
type Heard = Arc<Mutex<Vec<(Asked, Answer)>>>;

struct Clinic {
    house: House,
    _ear: Liar,
    heard: Heard,
    proxy: String,
    phones: usize,
}

impl Clinic {
    async fn start() -> anyhow::Result<Self> {
        let bound = Bound::new().await?;
        let proxy = format!("http://{}", bound.address()?);
        let house = House::start_behind(Some(&proxy)).await?;
        let ear = bound.serve(&house.relay_url())?;
        house.relay_answers().await?;
        let heard = Heard::default();
        let note = heard.clone();
        ear.tell(After(move |asked: &Asked, answer: Answer| {
            let mut heard = note.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push((asked.clone(), answer.clone()));
            answer
        }));
        Ok(Self {
            house,
            _ear: ear,
            heard,
            proxy,
            phones: 0,
        })
    }

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

    fn heard(&self) -> Vec<(Asked, Answer)> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the relay answered to claims that it did not know: status and body.
    fn refused_claims(&self) -> Vec<(u16, Vec<u8>)> {
        let heard = self.heard();
        let claims = heard
            .iter()
            .filter(|(asked, answer)| asked.path == wire::api::path::CLAIM && answer.status == 404);
        claims
            .map(|(_, answer)| (answer.status, answer.body.to_vec()))
            .collect()
    }

    /// Lets every open invite's time run out at the relay.
    async fn let_invites_expire(&mut self) -> anyhow::Result<()> {
        self.house.kill(Part::Relay)?;
        let relay = Connection::open(self.house.root().join("relay/relay.db"))?;
        let past = Time::system().minus(Duration::from_secs(60)).ms();
        let changed = relay.execute("UPDATE link SET claim_until = ?1", [past])?;
        ensure!(changed > 0, "no link to expire");
        drop(relay);
        self.house.restart(Part::Relay, &[]).await
    }
}

fn reading(n: u32) -> Value {
    json!({ "do": "reading", "draft": format!("{n:032x}"), "systolic": "121", "diastolic": "79" })
}

/// REQ-STRANGER-001: an unknown, guessed, withdrawn or expired invite is refused alike, byte for byte, and the phone says
/// so in words.
/// REQ-STRANGER-010: an invite that was used is refused to a second phone, and the clinic is told; the first phone goes on
/// after its invite's time.
/// REQ-STRANGER-003: a flood from elsewhere leaves the honest links as they were, and nothing on the disk.
/// HAZ-STRANGER-001.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused_and_honest_links_go_on() -> anyhow::Result<()> {
    let mut clinic = Clinic::start().await?;
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
    clinic.refused(&of_nobody(&clinic.proxy)?)?;
    let (_, late) = clinic.invite(3).await?;
    clinic.let_invites_expire().await?;
    let expired = clinic.refused(&late)?;
    ensure!(
        expired.contains("expired"),
        "an expired invite is not told: {expired}"
    );
    let claims = clinic.refused_claims();
    let alike: BTreeSet<&(u16, Vec<u8>)> = claims.iter().collect();
    ensure!(
        claims.len() >= 4 && alike.len() == 1,
        "{} claims were refused in {} ways",
        claims.len(),
        alike.len()
    );
    // the first claim is bound by the invite's time, the link is not
    honest.keep(&reading(3), PATIENCE)?;
    honest.acknowledged(PATIENCE)?;

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
        kept.len() == 3,
        "the station has {} readings of 3",
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

/// A well-formed invite by a clinic that nobody knows.
fn of_nobody(relay: &str) -> anyhow::Result<String> {
    let root = SigningKey::generate()?.public();
    let expires = Time::system().plus(Duration::from_secs(86_400));
    let invite = vault::Invite::new(relay, root, &[7; 32], expires, 1)?;
    Ok(invite.to_text().expose().clone())
}

/// REQ-STRANGER-002: a request that is sent again, changed, sent elsewhere, or signed by a key that may not, is refused
/// like an unknown one, byte for byte; an upload may come twice and does nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_altered_and_foreign_requests_are_refused_alike() -> anyhow::Result<()> {
    let mut clinic = Clinic::start().await?;
    let (patient, invite) = clinic.invite(1).await?;
    let mut honest = clinic.phone(&invite)?;
    let status = honest.joined(PATIENCE)?;
    honest.keep(&reading(1), PATIENCE)?;
    honest.acknowledged(PATIENCE)?;
    let up: MailboxId = status["link"]["up"].as_str().context("no link")?.parse()?;
    let thief = Thief {
        http: reqwest::Client::builder().no_proxy().build()?,
        proxy: clinic.proxy.clone(),
    };

    let taken: Vec<Asked> = clinic
        .heard()
        .into_iter()
        .filter(|(_, answer)| (200..300).contains(&answer.status))
        .map(|(asked, _)| asked)
        .collect();
    let mut refusals: Vec<(String, u16, Vec<u8>)> = Vec::new();
    let mut kinds = BTreeSet::new();
    let mut uploads = 0;
    for asked in &taken {
        if !asked.headers.contains_key("signature") {
            continue;
        }
        let what = format!("{} {}", asked.method, asked.path);
        if asked.is_put() {
            let (status, _) = thief.send(asked, |_| {}).await?;
            ensure!(status == 200, "an upload again: {status}");
            uploads += 1;
        } else {
            refusals.push(
                thief
                    .refusal(format!("again {what}"), asked, |_| {})
                    .await?,
            );
        }
        // each kind of request in each way of changing it, once
        let kind = (
            asked.method.clone(),
            asked.path.split('/').nth(2).map(str::to_owned),
        );
        if !kinds.insert(kind) {
            continue;
        }
        let query = |asked: &mut Asked| asked.query = "after=999".to_owned();
        let path = |asked: &mut Asked| asked.path = format!("{}x", asked.path);
        let method = |asked: &mut Asked| asked.method = "DELETE".to_owned();
        let key = |asked: &mut Asked| {
            let input = asked.headers["signature-input"]
                .to_str()
                .unwrap_or_default();
            let other = input.replace("keyid=\"", "keyid=\"A");
            if let Ok(other) = other.parse() {
                asked.headers.insert("signature-input", other);
            }
        };
        let unsigned = |asked: &mut Asked| drop(asked.headers.remove("signature"));
        refusals.push(thief.refusal(format!("query {what}"), asked, query).await?);
        refusals.push(thief.refusal(format!("path {what}"), asked, path).await?);
        refusals.push(
            thief
                .refusal(format!("method {what}"), asked, method)
                .await?,
        );
        refusals.push(thief.refusal(format!("key {what}"), asked, key).await?);
        refusals.push(
            thief
                .refusal(format!("unsigned {what}"), asked, unsigned)
                .await?,
        );
    }
    ensure!(uploads >= 2 && kinds.len() >= 4, "{uploads} {kinds:?}");

    // well signed, by keys that may not
    let client = post::RelayClient::new(&clinic.proxy, &post::ClientOptions::default())?;
    let before = clinic.heard().len();
    let phones = vault::FileVault::open(&clinic.house.root().join("phone-1/keys"), None)?;
    let seed: [u8; 32] = {
        use vault::KeyVault as _;
        let kept = phones.load(&format!("link.{up}.auth"))?;
        kept.expose().as_slice().try_into()?
    };
    for key in [SigningKey::generate()?, SigningKey::from_seed(&seed)] {
        // the writer of a mailbox is not its reader
        let refused = client.list(&key, up, 0).await;
        ensure!(refused.is_err(), "somebody else reads the mailbox");
        ensure!(client.links(&key, 0).await.is_err(), "and the links");
    }
    for (asked, answer) in &clinic.heard()[before..] {
        let list = asked.path.ends_with("/envelopes") || asked.path == "/v1/links";
        if list && answer.status == 404 {
            refusals.push(("foreign".to_owned(), answer.status, answer.body.to_vec()));
        }
    }
    let odd: Vec<&String> = refusals
        .iter()
        .filter(|(_, status, body)| *status != 404 || *body != refusals[0].2)
        .map(|(what, ..)| what)
        .collect();
    ensure!(odd.is_empty(), "these were refused otherwise: {odd:?}");

    honest.keep(&reading(2), PATIENCE)?;
    honest.acknowledged(PATIENCE)?;
    let kept = clinic.house.console().await?.readings(&patient).await?;
    ensure!(kept.len() == 2, "{} readings of 2", kept.len());
    Ok(())
}

/// Sends what it has overheard.
struct Thief {
    http: reqwest::Client,
    proxy: String,
}

impl Thief {
    async fn send(
        &self,
        asked: &Asked,
        change: impl FnOnce(&mut Asked),
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut asked = asked.clone();
        change(&mut asked);
        let query = if asked.query.is_empty() {
            String::new()
        } else {
            format!("?{}", asked.query)
        };
        let url = format!("{}{}{query}", self.proxy, asked.path);
        asked.headers.remove("content-length");
        let request = self.http.request(asked.method.parse()?, url);
        let answer = request
            .headers(asked.headers)
            .body(asked.body)
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
    }

    async fn refusal(
        &self,
        what: String,
        asked: &Asked,
        change: impl FnOnce(&mut Asked),
    ) -> anyhow::Result<(String, u16, Vec<u8>)> {
        let (status, body) = self.send(asked, change).await?;
        Ok((what, status, body))
    }
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

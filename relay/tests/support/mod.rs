//! A relay on loopback and somebody who asks it things, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test may fail here; each test file uses its part"
)]

pub mod process;

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use relay::{RelayConfig, Running};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use teleward_relay as relay;
use wire::api::{NewLink, Quota};
use wire::request::{Headers, Parts};
use wire::roster::{
    Clinic, Cover, Relay, RelayState, Roster, Station, StationState, next_root_hash,
};
use wire::{EnvelopeId, Hash, MailboxId, PublicKey, SigningKey, Time, api, json, request, sha256};

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub const ROOT: u8 = 1;
pub const STATION: u8 = 2;
pub const CLAIM: u8 = 3;
pub const INSTALL: u8 = 4;
pub const STRANGER: u8 = 9;
pub const UP: MailboxId = MailboxId([0x11; 16]);
pub const DOWN: MailboxId = MailboxId([0x22; 16]);

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn code(&self) -> String {
        self.json::<serde_json::Value>()["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// What a request can be made wrong in.
#[derive(Clone)]
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
    pub created: Time,
    pub expires: Time,
    pub nonce: [u8; 16],
    /// Signed instead of the body that is sent.
    pub signed_body: Option<Vec<u8>>,
    pub authority: Option<String>,
}

impl Ask {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        let now = Time::system();
        Self {
            method,
            path: path.into(),
            query: String::new(),
            body: Vec::new(),
            created: now,
            expires: Time::from_ms(now.ms() + 60_000),
            nonce: random(),
            signed_body: None,
            authority: None,
        }
    }

    pub fn after(mut self, n: u64) -> Self {
        self.query = format!("after={n}");
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn json<T: serde::Serialize>(self, body: &T) -> Self {
        let text = json::to_string(body);
        self.body(text)
    }
}

/// A relay, its folder and a client.
pub struct Scene {
    pub folder: tempfile::TempDir,
    pub running: Option<Running>,
    pub address: SocketAddr,
    pub receipt: PublicKey,
    http: reqwest::Client,
}

impl Scene {
    /// A relay that has admitted one clinic.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut RelayConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Self::start(folder, change).await;
        scene.admit("first", ROOT, STATION).await;
        scene
    }

    async fn start(folder: tempfile::TempDir, change: impl FnOnce(&mut RelayConfig)) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let mut config = RelayConfig::new(folder.path().join("relay"));
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        change(&mut config);
        let running = relay::serve(config).await.unwrap();
        let (address, receipt) = (running.address, running.receipt);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            folder,
            running: Some(running),
            address,
            receipt,
            http,
        }
    }

    /// Somebody who asks a relay that is a process of its own; its folder is `relay` in `folder`.
    pub fn outside(folder: tempfile::TempDir, address: SocketAddr, receipt: PublicKey) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Self {
            folder,
            running: None,
            address,
            receipt,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("relay")
    }

    /// Admits a clinic as the operator does, while the relay runs, and waits until it is known.
    pub async fn admit(&mut self, name: &str, root: u8, station: u8) {
        admit(&self.dir(), name, root, station).await;
        let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
        for _ in 0..500 {
            if self
                .ask(station, Ask::new("GET", api::path::LINKS).after(0))
                .await
                .status
                == 200
            {
                return;
            }
            every.tick().await;
        }
        panic!("the relay did not take the new clinic in");
    }

    /// Ends the relay and starts it again on the same folder.
    pub async fn restart(mut self, change: impl FnOnce(&mut RelayConfig)) -> Self {
        self.running.take().unwrap().stop().await.unwrap();
        Self::start(self.folder, change).await
    }

    pub async fn ask(&self, who: u8, ask: Ask) -> Answer {
        self.ask_as(&key(who), ask).await
    }

    pub async fn ask_as(&self, who: &SigningKey, ask: Ask) -> Answer {
        let headers = self.sign(who, &ask);
        self.send(&ask, Some(headers)).await
    }

    pub fn sign(&self, who: &SigningKey, ask: &Ask) -> Headers {
        let signed_body = ask.signed_body.as_ref().unwrap_or(&ask.body);
        let authority = ask
            .authority
            .clone()
            .unwrap_or_else(|| self.address.to_string());
        let parts = Parts {
            method: ask.method,
            authority: &authority,
            path: &ask.path,
            query: &ask.query,
            digest: (!signed_body.is_empty()).then(|| sha256(&[signed_body])),
        };
        request::sign(&parts, who, ask.created, ask.expires, ask.nonce)
    }

    pub async fn send(&self, ask: &Ask, headers: Option<Headers>) -> Answer {
        self.try_send(ask, headers).await.unwrap()
    }

    /// `None` when the relay went away.
    pub async fn try_send(&self, ask: &Ask, headers: Option<Headers>) -> Option<Answer> {
        let query = if ask.query.is_empty() {
            String::new()
        } else {
            format!("?{}", ask.query)
        };
        let url = format!("http://{}{}{query}", self.address, ask.path);
        let mut request = self.http.request(ask.method.parse().unwrap(), url);
        if let Some(headers) = headers {
            request = request
                .header("signature-input", headers.signature_input)
                .header("signature", headers.signature);
            if let Some(digest) = headers.content_digest {
                request = request.header("content-digest", digest);
            }
        }
        if !ask.body.is_empty() {
            request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .body(ask.body.clone());
        }
        let answer = request.send().await.ok()?;
        Some(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.ok()?.to_vec(),
        })
    }

    /// Registers the usual link, and claims it.
    pub async fn link(&self) {
        assert_eq!(
            self.ask(
                STATION,
                Ask::new("POST", api::path::LINKS).json(&new_link())
            )
            .await
            .status,
            201
        );
        assert_eq!(self.claim(CLAIM, INSTALL).await.status, 204);
    }

    pub async fn claim(&self, claim: u8, auth: u8) -> Answer {
        let body = api::Claim {
            v: 1,
            auth: key(auth).public(),
        };
        self.ask(claim, Ask::new("POST", api::path::CLAIM).json(&body))
            .await
    }

    pub async fn put(&self, who: u8, mailbox: MailboxId, bytes: &[u8]) -> Answer {
        self.ask(who, put(mailbox, id(bytes), bytes)).await
    }

    pub async fn list(&self, who: u8, mailbox: MailboxId, after: u64) -> Answer {
        self.ask(
            who,
            Ask::new("GET", api::path::envelopes(mailbox)).after(after),
        )
        .await
    }
}

/// The operator's command, as a process of its own would do it.
async fn admit(dir: &Path, name: &str, root: u8, station: u8) {
    use clap::{Args as _, FromArgMatches as _};
    let text = |seed: u8| wire::b64u::encode(key(seed).public().as_bytes());
    let words = [
        "relay",
        "tenant",
        "add",
        "--dir",
        dir.to_str().unwrap(),
        "--name",
        name,
        "--root",
        &text(root),
        "--auth",
        &text(station),
        "--json",
    ];
    let command = relay::command::Args::augment_args(clap::Command::new("relay"));
    let args =
        relay::command::Args::from_arg_matches(&command.try_get_matches_from(words).unwrap())
            .unwrap();
    relay::command::run(args).await.unwrap();
}

pub fn put(mailbox: MailboxId, id: EnvelopeId, bytes: &[u8]) -> Ask {
    Ask::new("PUT", api::path::envelope(mailbox, id)).body(bytes)
}

pub fn new_link() -> NewLink {
    NewLink {
        v: 1,
        up: UP,
        down: DOWN,
        claim: Some(key(CLAIM).public()),
        auth: None,
        claim_until: Time::from_ms(Time::system().ms() + 3_600_000),
        quota: Quota {
            bytes: 1 << 20,
            per_day: 500,
        },
    }
}

pub fn id(bytes: &[u8]) -> EnvelopeId {
    EnvelopeId(sha256(&[bytes]).0)
}

/// A file of the outer shape of an envelope: one stanza, `payload` bytes; two with different `n` differ.
pub fn envelope(n: u32, payload: usize) -> Vec<u8> {
    let encapsulation = STANDARD_NO_PAD.encode([7; 1120]);
    let body = STANDARD_NO_PAD.encode([8; 32]);
    let mac = STANDARD_NO_PAD.encode([9; 32]);
    let mut file =
        format!("age-encryption.org/v1\n-> mlkem768x25519 {encapsulation}\n{body}\n--- {mac}\n")
            .into_bytes();
    let head = file.len();
    file.extend(n.to_be_bytes());
    file.resize(head + payload.max(32), 0xa5);
    file
}

/// The clinic's roster number `n`, following `prev`.
pub fn roster(n: u32, prev: Hash) -> String {
    let now = Time::from_ms(1_800_000_000_000);
    let roster = Roster {
        v: 1,
        n,
        prev,
        at: now,
        root: key(ROOT).public(),
        next_root: next_root_hash(&key(77).public()),
        clinic: Clinic {
            name: "C".into(),
            phone: "1".into(),
            emergency: "2".into(),
            languages: vec![],
        },
        stations: vec![Station {
            sign: key(5).public(),
            auth: key(STATION).public(),
            age: format!("age1pq1{}", "q".repeat(1952)),
            state: StationState::Active,
            since: now,
        }],
        escrow: vec![],
        relays: vec![Relay {
            url: "http://127.0.0.1:1".into(),
            receipt: vec![key(6).public()],
            state: RelayState::Active,
            until: None,
        }],
        mirrors: vec![],
        beat_hours: 24,
        keep_days: 14,
        cover: Cover {
            hours: String::new(),
            text: String::new(),
        },
        notices: vec![],
        review_by: None,
    };
    roster.sign(&key(ROOT)).unwrap()
}

//! A clinic with a real relay in this process, a browser's calls, and a double of a phone that seals real mail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support of tests: a panic here is a failed test"
)]
#![allow(dead_code, reason = "each test uses its part of it")]

use clap::Parser;
use post::{ClientOptions, RelayClient};
use reading::{
    Gateway, PressureUnit, Reading, TypedForm, TypedValues, to_observation, typed_reading,
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use teleward_clinic as clinic;
use teleward_clinic::{InitOptions, Made, RootPlace, Running, StationConfig};
use vault::{
    AgeIdentity, Chain, ChainEvent, CircleChain, Content, DownContext, Draft, HeaderBeat, Invite,
    Join, Kind, Outcome, Proof, Recipients, Released, Role, RosterRef, Sensitive, Welcome,
    open_down, seal_envelope,
};
use wire::roster::RosterChain;
use wire::{EnvelopeId, PublicKey, SigningKey, Time};

pub const PASSWORD: &str = "correct horse battery staple 7";
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct RelayLine {
    #[command(flatten)]
    args: relay::command::Args,
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub relay: relay::Running,
    pub made: Made,
}

pub fn options(folder: &Path, relay: &str, receipts: Vec<PublicKey>) -> InitOptions {
    InitOptions {
        dir: folder.join("clinic"),
        name: "Tern Street".into(),
        phone: "01632 960 100".into(),
        emergency: "999".into(),
        languages: vec!["en".into()],
        zone: "Europe/London".into(),
        relay: relay.into(),
        relay_receipts: receipts,
        root: RootPlace::Sheets(folder.join("sheets")),
        account: "Ann Lee".into(),
        password: None,
        beat_hours: 24,
        keep_days: 14,
        cover: ("Mon-Fri 8-17".into(), "We look on weekdays.".into()),
        passphrase: None,
    }
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = relay::RelayConfig::new(folder.path().join("relay"));
        config.listen = "127.0.0.1:0".parse().unwrap();
        let relay = ::relay::serve(config).await.unwrap();
        let url = format!("http://{}", relay.address);
        let receipts =
            [relay.receipt.to_string(), relay.reserve.to_string()].map(|key| key.parse().unwrap());
        let made = clinic::init(
            &options(folder.path(), &url, receipts.to_vec()),
            Time::system(),
        )
        .unwrap();
        let line = RelayLine::parse_from([
            "relay".to_owned(),
            "tenant".to_owned(),
            "add".to_owned(),
            "--dir".to_owned(),
            folder.path().join("relay").display().to_string(),
            "--name=tern".to_owned(),
            format!("--root={}", made.root),
            format!("--auth={}", made.auth),
        ]);
        relay::command::run(line.args).await.unwrap();
        Self {
            folder,
            relay,
            made,
        }
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("clinic")
    }

    pub async fn station(&self) -> Running {
        station(&self.dir()).await
    }
}

/// A phone's reading of a table of devices, in short.
pub fn one_row(text: &str) -> Result<usize, String> {
    match text.contains("rows") {
        true => Ok(1),
        false => Err("no rows".to_owned()),
    }
}

pub async fn station(dir: &Path) -> Running {
    let mut config = StationConfig::new(dir);
    config.check_table = one_row;
    config.pace.collect = Duration::from_millis(200);
    config.pace.collect_beside_live = Duration::from_millis(500);
    config.pace.first_pause = Duration::from_millis(100);
    config.pace.longest_pause = Duration::from_millis(500);
    clinic::serve(config, std::future::pending()).await.unwrap()
}

/// What a browser does.
pub struct Browser {
    pub http: reqwest::Client,
    pub base: String,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            base: base.to_owned(),
            cookie: None,
        }
    }

    pub async fn first_sign_in(running: &Running) -> Self {
        let mut browser = Self::new(&running.console);
        browser
            .sign_in_by_link(running.sign_in.as_deref().unwrap())
            .await;
        assert_eq!(
            browser.get("/api/patients").await.0,
            StatusCode::FORBIDDEN,
            "a password comes first"
        );
        let (status, _) = browser
            .post("/api/password", &json!({ "new": PASSWORD }))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        browser
    }

    pub async fn sign_in_by_link(&mut self, link: &str) {
        let (_, token) = link.split_once('#').unwrap();
        let answer = self
            .request(Method::POST, "/api/session/link")
            .body(json!({ "token": token }).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        self.take_cookie(&answer);
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> StatusCode {
        let body = json!({ "name": name, "password": password });
        let answer = self
            .request(Method::POST, "/api/session")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        if answer.status().is_success() {
            self.take_cookie(&answer);
        }
        answer.status()
    }

    fn take_cookie(&mut self, answer: &reqwest::Response) {
        let text = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(
            text.contains("HttpOnly") && text.contains("SameSite=Strict"),
            "{text}"
        );
        self.cookie = Some(text.split(';').next().unwrap().to_owned());
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("x-teleward", "1");
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (
            status,
            if text.is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&text).unwrap()
            },
        )
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Asks until the answer is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, answer) = self.get(path).await;
            assert!(status.is_success(), "{path}: {status} {answer}");
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{path} stayed {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn patient(&self, name: &str) -> String {
        let body = json!({ "name": name, "born": "1948-05-02", "record_number": "", "phone": "1", "zone": "Europe/London" });
        let (status, answer) = self.post("/api/patients", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// An invite; the relay may need a moment until it knows the clinic.
    pub async fn invite(&self, patient: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, answer) = self
                .post(&format!("/api/patients/{patient}/invites"), &json!({}))
                .await;
            if status == StatusCode::OK {
                return answer;
            }
            assert!(
                status == StatusCode::CONFLICT && Instant::now() < end,
                "{status} {answer}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A phone that does what the formats say and nothing on its own.
pub struct Phone {
    pub invite: Invite,
    pub relay: RelayClient,
    pub sign: SigningKey,
    pub auth: SigningKey,
    pub age: AgeIdentity,
    pub rosters: RosterChain,
    pub circles: CircleChain,
    pub down: Chain,
    pub after: u64,
    pub head: Option<(u64, EnvelopeId)>,
    pub sent: Vec<EnvelopeId>,
    pub join: Option<EnvelopeId>,
}

impl Phone {
    pub fn new(invite: &str) -> Self {
        let invite = Invite::parse(invite).unwrap();
        let relay = RelayClient::new(invite.relay(), &ClientOptions::default()).unwrap();
        Self {
            relay,
            sign: SigningKey::generate().unwrap(),
            auth: SigningKey::generate().unwrap(),
            age: AgeIdentity::generate().unwrap(),
            rosters: RosterChain::pinned(invite.root()),
            circles: CircleChain::new(None),
            down: Chain::new(invite.down()),
            after: 0,
            head: None,
            sent: Vec::new(),
            join: None,
            invite,
        }
    }

    pub async fn claim(&mut self) {
        let claim = wire::api::Claim {
            v: 1,
            auth: self.auth.public(),
        };
        self.relay
            .claim(&self.invite.claim_key(), &claim)
            .await
            .unwrap();
        let end = Instant::now() + PATIENCE;
        while self.rosters.newest().is_none() {
            assert!(Instant::now() < end, "no rosters at the relay");
            let lines = self
                .relay
                .rosters(&self.invite.claim_key(), 0)
                .await
                .unwrap();
            self.rosters.feed_lines(&lines).for_each(|line| {
                line.unwrap();
            });
        }
    }

    pub async fn join(&mut self) -> EnvelopeId {
        self.claim().await;
        let join = Join {
            v: 1,
            sign: self.sign.public(),
            auth: self.auth.public(),
            age: self.age.recipient().clone(),
            recovery: None,
            role: Role::Patient,
            label: "Rosa's phone".into(),
            app: vault::App {
                name: "double".into(),
                version: "1".into(),
                os: "test".into(),
            },
        };
        let content = join.to_content().unwrap();
        let id = self.send(Kind::Join, &content).await;
        self.join = Some(id);
        id
    }

    pub async fn send(&mut self, kind: Kind, content: &[u8]) -> EnvelopeId {
        let key = self.sign.clone();
        let sealed = self.seal(kind, content, &key);
        let id = sealed.id();
        self.relay
            .put_envelope(&self.auth, self.invite.up(), &sealed)
            .await
            .unwrap();
        id
    }

    /// Seals the next letter of the chain; with another key than ours it takes no place.
    pub fn seal(&mut self, kind: Kind, content: &[u8], key: &SigningKey) -> wire::Sealed {
        let newest = self.rosters.newest().unwrap();
        let circle = self.circles.newest_n();
        let recovery = self.circles.recovery(circle).flatten();
        let recipients = Recipients::up(&newest.roster, recovery.as_ref()).unwrap();
        let (seq, prev) = self.head.map_or((1, None), |(seq, id)| (seq + 1, Some(id)));
        let got = self.down.got();
        let now = Time::system();
        let proof = (kind == Kind::Join).then(|| {
            Proof::make(
                &self.invite.proof_key(),
                self.invite.up(),
                key.kid(),
                &wire::sha256(&[content]),
            )
        });
        let draft = Draft {
            mailbox: self.invite.up(),
            seq,
            prev,
            kind,
            at: now,
            roster: RosterRef::from(newest),
            circle,
            recipients: &recipients,
            content,
            got: &got,
            re: None,
            proof,
            beat: Some(HeaderBeat {
                next_by: now.plus(Duration::from_secs(24 * 3600)),
                depth: 0,
                oldest: None,
                stuck: 0,
                refused: vec![],
                receipts: vec![],
                clock: Default::default(),
                app: "double/1".into(),
            }),
        };
        let sealed = seal_envelope(&draft, key).unwrap().sealed;
        if key.kid() == self.sign.kid() {
            self.head = Some((seq, sealed.id()));
            self.sent.push(sealed.id());
        }
        sealed
    }

    pub fn reading(&self, draft: u8, systolic: &str) -> Reading {
        self.typed(
            draft,
            TypedValues::BloodPressure {
                systolic: systolic.parse().unwrap(),
                diastolic: "80".parse().unwrap(),
                pulse_rate: Some("64".parse().unwrap()),
                unit: PressureUnit::MmHg,
            },
        )
    }

    pub fn typed(&self, draft: u8, values: TypedValues) -> Reading {
        let now = reading::Moment::from_ms(Time::system().ms());
        typed_reading(&TypedForm {
            install: [7; 16],
            draft: [draft; 16],
            values,
            measured: now,
            utc_offset_min: 0,
            typed: now,
        })
        .unwrap()
    }

    pub fn line(&self, reading: &Reading) -> Vec<u8> {
        let gateway = Gateway {
            install: [7; 16],
            software: "1".into(),
        };
        format!(
            "{}\n",
            to_observation(reading, &self.invite.up().to_string(), &gateway)
        )
        .into_bytes()
    }

    /// Everything new that came down and counts.
    pub async fn collect(&mut self) -> Vec<Released> {
        let page = self
            .relay
            .list(&self.auth, self.invite.down(), self.after)
            .await
            .unwrap();
        let mut letters = Vec::new();
        for item in page.items {
            self.after = item.n;
            let bytes = self
                .relay
                .get_envelope(&self.auth, self.invite.down(), item.id)
                .await
                .unwrap();
            let outcome = open_down(
                item.id,
                bytes,
                &DownContext {
                    mailbox: self.invite.down(),
                    identity: &self.age,
                    rosters: &self.rosters,
                    circles: &self.circles,
                    arrived: Time::system(),
                },
            );
            let Outcome::Released(letter) = outcome else {
                panic!("{outcome:?}")
            };
            self.down
                .input(ChainEvent::Placed(letter.place), Time::system());
            assert_eq!(self.down.poll_effect(), None, "the chain down has no fault");
            if letter.header.kind == Kind::Welcome {
                self.circles
                    .feed(&Welcome::parse(letter.content.expose()).unwrap().circle)
                    .unwrap();
            }
            if letter.header.kind == Kind::Circle {
                self.circles
                    .feed(std::str::from_utf8(letter.content.expose()).unwrap())
                    .unwrap();
            }
            letters.push(*letter);
        }
        letters
    }

    /// Waits for a letter of this kind whose content is as wanted.
    pub async fn wait_for<T: Content>(&mut self, wanted: impl Fn(&T) -> bool) -> (Released, T) {
        let end = Instant::now() + PATIENCE;
        loop {
            for letter in self.collect().await {
                if letter.header.kind == T::KIND {
                    let content = T::parse(letter.content.expose()).unwrap();
                    if wanted(&content) {
                        return (letter, content);
                    }
                }
            }
            assert!(Instant::now() < end, "no {} came", T::KIND);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub fn secret(text: &str) -> Sensitive<String> {
    Sensitive::new(text.to_owned())
}

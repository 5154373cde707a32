//! A companion in a process of its own, steered by JSON lines: what a journey kills, restarts and asks.
//!
//! usage: `teleward-patient FOLDER [SCRIPT]`. Prints `{"ready":true}`, then one line in answer to each line of standard
//! input: `{"do":"join","invite":…}`, `{"do":"reading","draft":…,"systolic":…,"diastolic":…}`,
//! `{"do":"glucose","draft":…,"glucose":…}` (mg/dL), `{"do":"not_me","reading":…}`, `{"do":"me","reading":…}`, `{"do":"pair"}`,
//! `{"do":"status"}`, `{"do":"history"}`, `{"do":"network"}`; a bench steers the scripted cuff with
//! `{"do":"begin_pairing"}` and `{"do":"push","bytes":…}`. An answer is `{"ok":…}` or `{"error":…}`.

#![expect(
    clippy::print_stdout,
    reason = "its answers are lines on standard output"
)]

use anyhow::{Context as _, bail};
use companion::{
    Companion, Config, HistoryQuery, JoinOptions, ManualReading, ManualValues, Network, Ports,
    RequestState, Topic, View,
};
use device::{DeviceHandle, Radio as _, RadioEvent, ScriptedRadio};
use serde_json::{Value, json};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use vault::{FileVault, KeyVault, KeyVaultError, Sensitive};
use wire::Time;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut words = std::env::args().skip(1);
    let folder = words
        .next()
        .context("usage: teleward-patient FOLDER [SCRIPT]")?;
    let radio = match words.next() {
        Some(script) => {
            let script = device::Script::parse(&std::fs::read_to_string(script)?)?;
            let now = reading::Moment::from_ms(Time::system().ms());
            Some(device::ScriptedRadio::new(script, now)?)
        }
        None => None,
    };
    let folder = Path::new(&folder);
    let mut config = Config::new(folder.join("data"));
    config.pace = quick();
    let key_vault = Arc::new(Lockable {
        vault: FileVault::open(&folder.join("keys"), None)?,
        flag: folder.join("locked"),
    });
    let ports = Ports {
        key_vault,
        radio: radio
            .clone()
            .map(|radio| Arc::new(radio) as Arc<dyn device::Radio>),
    };
    let companion = Companion::open(config, ports)?;
    println!("{}", json!({ "ready": true }));
    // standard input is read on this thread's own; the answers come in the order of the questions
    let (to, mut questions) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
    while let Some(line) = questions.recv().await {
        let question = serde_json::from_str(&line)?;
        let answer = match answer(&companion, radio.as_ref(), &question).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        println!("{answer}");
    }
    companion.close().await;
    Ok(())
}

/// A key vault that is locked while a file of that name lies there: a phone that was not unlocked since its start.
struct Lockable {
    vault: FileVault,
    flag: PathBuf,
}

impl Lockable {
    fn open(&self) -> Result<&FileVault, KeyVaultError> {
        if self.flag.exists() {
            Err(KeyVaultError::Unavailable)
        } else {
            Ok(&self.vault)
        }
    }
}

impl KeyVault for Lockable {
    fn load(&self, name: &str) -> Result<Sensitive<Vec<u8>>, KeyVaultError> {
        self.open()?.load(name)
    }
    fn store(&self, name: &str, secret: &[u8]) -> Result<(), KeyVaultError> {
        self.open()?.store(name, secret)
    }
    fn delete(&self, name: &str) -> Result<(), KeyVaultError> {
        self.open()?.delete(name)
    }
}

/// Short pauses: a journey waits for nothing that is not what it tests.
fn quick() -> post::Pace {
    post::Pace {
        collect: Duration::from_millis(200),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(400),
        rosters: Duration::from_millis(500),
        ..post::Pace::default()
    }
}

async fn answer(
    companion: &Companion,
    radio: Option<&ScriptedRadio>,
    question: &Value,
) -> anyhow::Result<Value> {
    let text = |name: &str| {
        question[name]
            .as_str()
            .with_context(|| format!("`{name}` is missing"))
    };
    Ok(match text("do")? {
        "join" => {
            let label = question["label"]
                .as_str()
                .unwrap_or("test phone")
                .to_owned();
            companion
                .join(text("invite")?, JoinOptions { label })
                .await?;
            Value::Null
        }
        "reading" => {
            let manual = ManualReading {
                draft_id: text("draft")?.to_owned(),
                measured_at: Time::system(),
                values: ManualValues::BloodPressure {
                    systolic: text("systolic")?.to_owned(),
                    diastolic: text("diastolic")?.to_owned(),
                    unit: reading::PressureUnit::MmHg,
                    pulse_rate: None,
                },
            };
            json!(companion.record_manual(manual).await?)
        }
        "glucose" => {
            let manual = ManualReading {
                draft_id: text("draft")?.to_owned(),
                measured_at: Time::system(),
                values: ManualValues::Glucose {
                    concentration: text("glucose")?.to_owned(),
                    unit: reading::GlucoseUnit::MilligramsPerDecilitre,
                    meal: None,
                },
            };
            json!(companion.record_manual(manual).await?)
        }
        "not_me" => {
            companion.not_me(text("reading")?).await?;
            Value::Null
        }
        "me" => {
            companion.me(text("reading")?).await?;
            Value::Null
        }
        "pair" => pair(companion).await?,
        "begin_pairing" => json!(companion.pair(PAIRING).await?.0),
        "push" => push(radio.context("there is no scripted radio")?, text("bytes")?).await?,
        "network" => {
            companion.network_changed(Network::Available).await?;
            Value::Null
        }
        "wait" => {
            // until something changes, or for as long as a moment is for a person
            let change = companion.next_change(companion::Revision(
                question["after"].as_u64().unwrap_or(u64::MAX),
            ));
            let _changed = tokio::time::timeout(Duration::from_millis(100), change).await;
            Value::Null
        }
        "status" => status(companion).await?,
        "history" => history(companion).await?,
        other => bail!("`{other}` is not known"),
    })
}

/// How long a cuff is looked for.
const PAIRING: Duration = Duration::from_secs(20);

async fn pair(companion: &Companion) -> anyhow::Result<Value> {
    let request = companion.pair(PAIRING).await?;
    let mut revision = companion::Revision(0);
    loop {
        revision = companion.next_change(revision).await?.revision;
        let View::Requests(requests) = companion.view(Topic::Requests).await? else {
            bail!("another view")
        };
        match requests
            .into_iter()
            .find(|r| r.id == request)
            .map(|r| r.state)
        {
            Some(RequestState::Done { result }) => return Ok(json!(result)),
            Some(RequestState::Failed { code, text }) => bail!("{code}: {text}"),
            Some(RequestState::Running | RequestState::Asked { .. }) => {}
            None => bail!("the request is gone"),
        }
    }
}

/// Gives the cuff one more frame and waits until it has indicated it; answers with the time of that, in milliseconds
/// since 1970 with their fraction. Without a subscription the cuff keeps the frame for the next one.
async fn push(radio: &ScriptedRadio, hex: &str) -> anyhow::Result<Value> {
    let bytes = reading::from_hex(hex)?;
    let mut events = radio.events();
    radio.push_frame(&DeviceHandle("cuff".into()), bytes.clone());
    loop {
        let event = events.next().await.context("the radio is gone")?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        if matches!(event, RadioEvent::Value { bytes: sent, .. } if sent == bytes) {
            return Ok(json!({ "indicated_ms": now.as_secs_f64() * 1e3 }));
        }
    }
}

async fn status(companion: &Companion) -> anyhow::Result<Value> {
    let View::Status(status) = companion.view(Topic::Status).await? else {
        bail!("another view")
    };
    let View::Queue(queue) = companion.view(Topic::Queue).await? else {
        bail!("another view")
    };
    let link = status.link.map(|link| {
        json!({
            "up": link.up.to_string(), "state": format!("{:?}", link.state), "words": link.check_words,
            "roster_n": link.roster_n, "trouble": link.trouble,
        })
    });
    let findings: Vec<Value> = status
        .findings
        .iter()
        .map(|f| json!({ "code": f.code, "text": f.text }))
        .collect();
    Ok(json!({
        "install": status.install.to_string(), "locked": status.locked, "spooled": status.spooled, "link": link, "findings": findings,
        "trouble": queue.trouble.or(status.relay_trouble),
        "queue": { "waiting": queue.waiting, "at_post_office": queue.at_post_office, "at_clinic": queue.at_clinic, "stuck": queue.stuck },
    }))
}

async fn history(companion: &Companion) -> anyhow::Result<Value> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = companion
            .history(
                HistoryQuery {
                    kind: None,
                    limit: 200,
                },
                cursor,
            )
            .await?;
        all.extend(page.readings.iter().map(|reading| {
            json!({ "id": reading.id, "stage": reading.stage.words(), "seen": reading.seen_at.is_some(), "values": reading.values.iter().map(|v| (v.name.clone(), json!(v.value))).collect::<serde_json::Map<_, _>>() })
        }));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(json!(all));
        }
    }
}

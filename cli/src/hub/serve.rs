//! `teleward hub run`: the companion in service, and the socket for the other commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use companion::{Companion, HistoryQuery, Revision, Topic, TraceMode, View};
use device::Radio;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::ask::Ask;
use super::digits::Digits;
use super::radio::{self, Radios};
use super::{act, ask, show};
use crate::exit::Done;
use crate::out;

/// How many readings are looked at for a change of stage.
const NEWEST: u32 = 50;
/// What changes is looked at so often at most: a full memory brings a thousand changes, and each look opens the newest
/// readings.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The socket's file goes when the hub does.
struct Door(PathBuf);

impl Drop for Door {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("the socket's file stays behind: {error}");
        }
    }
}

/// Why one round of service ended.
enum Ended {
    /// A signal.
    Told,
    /// There was no Bluetooth service at the start, and now there is.
    RadioCame(Arc<dyn Radio>),
}

/// Serves until a signal.
pub async fn run(dir: &Path, radios: &dyn Radios, traces: TraceMode, json: bool) -> Result<Done> {
    let digits = Digits::new();
    let mut radio = match radios.open(&digits).await {
        Ok(radio) => Some(radio),
        Err(error) => {
            // It still sends what it has, and collects what the clinic says.
            tracing::warn!("{error:#}");
            None
        }
    };
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    loop {
        // Opening takes the folder's lock: whoever has it may take the socket over from one that was killed.
        let companion = Arc::new(act::open(dir, radio.clone(), traces)?);
        let comes = async {
            match radio {
                None => radio::comes(radios, &digits).await,
                Some(_) => std::future::pending().await,
            }
        };
        let round = round(&companion, dir, comes, &digits, json);
        let ended = tokio::select! {
            _ = term.recv() => Ok(Ended::Told),
            _ = int.recv() => Ok(Ended::Told),
            ended = round => ended,
        };
        // Callers that still wait are told that it has closed.
        companion.close().await;
        match ended? {
            Ended::Told => return Ok(Done::Well),
            Ended::RadioCame(came) => radio = Some(came),
        }
    }
}

/// Answers callers and tells what changes, until there is a radio where one is awaited.
async fn round(
    companion: &Arc<Companion>,
    dir: &Path,
    radio_comes: impl Future<Output = Arc<dyn Radio>>,
    digits: &Arc<Digits>,
    json: bool,
) -> Result<Ended> {
    let path = ask::socket(dir);
    let _stale = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| {
        format!(
            "cannot listen at {}: choose a shorter data folder",
            path.display()
        )
    })?;
    let _door = Door(path);
    say(json, &json!({ "event": "in_service", "dir": dir }))?;
    let mut told = Told::default();
    let mut revision = Revision(0);
    let mut next_look = Instant::now();
    tokio::pin!(radio_comes);
    let mut digits_wanted = digits.wanted();
    loop {
        tokio::select! {
            came = &mut radio_comes => return Ok(Ended::RadioCame(came)),
            caller = listener.accept() => {
                let companion = Arc::clone(companion);
                let digits = Arc::clone(digits);
                tokio::spawn(async move {
                    if let Err(error) = answer(caller?.0, &companion, &digits).await {
                        tracing::warn!("a caller was not answered: {error:#}");
                    }
                    anyhow::Ok(())
                });
            }
            changed = digits_wanted.changed() => {
                changed?;
                let wanted = *digits_wanted.borrow_and_update();
                say(json, &json!({ "event": "digits", "wanted": wanted }))?;
            }
            changes = async {
                tokio::time::sleep_until(next_look).await;
                companion.next_change(revision).await
            } => {
                revision = changes?.revision;
                next_look = Instant::now() + LOOK_EVERY;
                for line in told.news(companion).await? {
                    say(json, &line)?;
                }
            }
        }
    }
}

async fn answer(mut caller: UnixStream, companion: &Companion, digits: &Digits) -> Result<()> {
    let answer = match ask::read(&mut caller).await? {
        Ask::AreDigitsWanted => Ok(json!({ "wanted": *digits.wanted().borrow() })),
        Ask::Digits { typed } => digits.answer(&typed).map(|()| json!({})),
        wanted => act::carry_out(companion, &wanted).await,
    };
    ask::write(&mut caller, answer).await
}

/// What was said already, so that each line tells something new.
#[derive(Default)]
struct Told {
    lines: BTreeMap<String, Value>,
}

impl Told {
    async fn news(&mut self, companion: &Companion) -> Result<Vec<Value>> {
        let mut now = Vec::new();
        if let View::Status(status) = companion.view(Topic::Status).await? {
            let link = status
                .link
                .as_ref()
                .map(|link| show::link_state(link.state));
            now.push(json!({ "event": "link", "state": link, "relay_trouble": status.relay_trouble, "locked": status.locked }));
            now.extend(status.findings.iter().map(
                |finding| json!({ "event": "finding", "id": finding.id, "code": finding.code, "text": finding.text }),
            ));
        }
        if let View::Devices(devices) = companion.view(Topic::Devices).await? {
            now.extend(devices.iter().map(|device| {
                json!({ "event": "device", "id": device.id, "state": device.state, "last_ending": device.last_ending,
                        "last_ended": device.last_ended.map(|at| at.to_string()), "last_seen": device.last_seen.map(|at| at.to_string()) })
            }));
        }
        if let View::Queue(queue) = companion.view(Topic::Queue).await? {
            now.push(json!({ "event": "queue", "waiting": queue.waiting, "at_post_office": queue.at_post_office,
                             "at_clinic": queue.at_clinic, "stuck": queue.stuck, "trouble": queue.trouble }));
        }
        if let View::Requests(requests) = companion.view(Topic::Requests).await? {
            now.extend(show::questions(&requests).map(
                |(id, question)| json!({ "event": "question", "id": id.0, "text": question.text }),
            ));
        }
        // A locked device has no history to show; what it keeps shows as spooled.
        if let Ok(page) = companion
            .history(
                HistoryQuery {
                    limit: NEWEST,
                    ..HistoryQuery::default()
                },
                None,
            )
            .await
        {
            now.extend(page.readings.iter().rev().map(
                |reading| json!({ "event": "reading", "id": reading.id, "kind": reading.kind, "stage": reading.stage.words() }),
            ));
        }
        now.retain(|line| {
            let about = format!("{} {}", line["event"], line["id"]);
            self.lines.insert(about, line.clone()).as_ref() != Some(line)
        });
        Ok(now)
    }
}

fn say(json: bool, line: &Value) -> Result<()> {
    if json {
        return out::line(line);
    }
    let words: Vec<String> = line
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match (name.as_str(), value) {
            ("event", Value::String(event)) => event.clone(),
            (name, Value::String(text)) => format!("{name} {text}"),
            (name, value) => format!("{name} {value}"),
        })
        .collect();
    out::line(words.join(", "))
}

//! Carries a request out on an open companion.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use companion::{
    Companion, Config, FoundView, HistoryQuery, JoinOptions, Ports, RequestId, RequestState,
    Revision, Role, Topic, TraceMode, UserChoice, View,
};
use device::Radio;
use serde_json::{Value, json};
use vault::FileVault;

use super::ask::Ask;
use super::{PATIENCE, person, sheet, show};

/// Opens the hub's data folder with its keys.
pub fn open(dir: &Path, radio: Option<Arc<dyn Radio>>, traces: TraceMode) -> Result<Companion> {
    // The socket in it takes commands from whoever may enter.
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    made.with_context(|| format!("cannot make {}", dir.display()))?;
    let key_vault = Arc::new(FileVault::open(&dir.join("keys"), None)?);
    let mut config = Config::new(dir);
    config.app_name = "teleward hub".to_owned();
    config.role = Role::Hub;
    config.trace = traces;
    Ok(Companion::open(config, Ports { key_vault, radio })?)
}

/// The answer to a request, as JSON.
pub async fn carry_out(companion: &Companion, ask: &Ask) -> Result<Value> {
    match ask {
        Ask::Join {
            invite,
            label,
            recovery_sheet,
        } => {
            if let Some(file) = recovery_sheet {
                let recovery = companion.prepare_recovery().await?;
                sheet::write(file, &recovery)?;
            }
            let request = companion
                .join(
                    invite,
                    JoinOptions {
                        label: label.clone(),
                    },
                )
                .await?;
            done(companion, request, PATIENCE).await?;
            let View::Status(status) = companion.view(Topic::Status).await? else {
                bail!("no status")
            };
            Ok(show::link(
                &status
                    .link
                    .context("the link went away while joining: try again")?,
            ))
        }
        Ask::Pair { seconds, device } => {
            let look = Duration::from_secs(*seconds);
            let request = match device {
                None => companion.pair(look).await?,
                Some(id) => pair_with(companion, id, look).await?,
            };
            let device = done(companion, request, look + PATIENCE).await?;
            let View::Devices(devices) = companion.view(Topic::Devices).await? else {
                bail!("no devices")
            };
            let paired = devices
                .iter()
                .find(|known| Some(&known.id) == device.as_ref());
            Ok(show::device(paired.context(
                "the device went away while pairing: try again",
            )?))
        }
        Ask::Look { seconds } => {
            let look = Duration::from_secs(*seconds);
            let request = companion.look(look).await?;
            done(companion, request, look + PATIENCE).await?;
            let near = near(companion).await?;
            Ok(json!({ "found": near.iter().map(show::found).collect::<Vec<_>>() }))
        }
        Ask::Status => status(companion).await,
        Ask::AreDigitsWanted | Ask::Digits { .. } => {
            bail!("no device is being paired here: start with `teleward hub pair`")
        }
        Ask::Answer { question, answer } => {
            let settled = companion
                .answer(RequestId(*question), (*answer).into())
                .await?;
            Ok(json!({ "readings": settled }))
        }
        Ask::User {
            device,
            user,
            person,
        } => {
            let settled = companion.slot_is(device, *user, (*person).into()).await?;
            Ok(json!({ "readings": settled }))
        }
        Ask::Register { device, user } => {
            let choice = user.map_or(UserChoice::New, |(slot, code)| UserChoice::Existing {
                slot,
                code,
            });
            companion.use_user(device, choice).await?;
            Ok(json!({ "device": device }))
        }
        Ask::Readings { readings, person } => person::say(companion, readings, *person).await,
        Ask::Trace { number: None } => {
            let traces = companion.traces().await?;
            Ok(json!({ "traces": traces.iter().map(show::trace).collect::<Vec<_>>() }))
        }
        Ask::Trace { number: Some(id) } => Ok(json!({ "trace": companion.trace(*id).await? })),
        Ask::History { limit } => {
            let query = HistoryQuery {
                limit: *limit,
                ..HistoryQuery::default()
            };
            let page = companion.history(query, None).await?;
            Ok(json!({ "readings": page.readings.iter().map(show::reading).collect::<Vec<_>>() }))
        }
    }
}

async fn near(companion: &Companion) -> Result<Vec<FoundView>> {
    let View::Found(found) = companion.view(Topic::Found).await? else {
        bail!("no devices that were found")
    };
    Ok(found)
}

/// Pairs with one device. It may not be near right now, or nobody has looked since the hub started: then it is looked for.
async fn pair_with(companion: &Companion, id: &str, look: Duration) -> Result<RequestId> {
    let is_it = |found: &FoundView| found.id == id;
    if near(companion).await?.iter().any(is_it) {
        return Ok(companion.pair_with(id).await?);
    }
    let request = companion.look(look).await?;
    let seen = tokio::time::timeout(look + PATIENCE, async {
        let mut revision = Revision(0);
        loop {
            revision = companion.next_change(revision).await?.revision;
            if near(companion).await?.iter().any(is_it) {
                return Ok::<_, anyhow::Error>(true);
            }
            if !is_running(companion, request).await? {
                return Ok(false);
            }
        }
    });
    if seen.await.unwrap_or(Ok(false))? {
        return Ok(companion.pair_with(id).await?);
    }
    bail!(
        "the device {id} is not near: take a measurement or put it into pairing mode, then try again"
    )
}

async fn is_running(companion: &Companion, request: RequestId) -> Result<bool> {
    let View::Requests(requests) = companion.view(Topic::Requests).await? else {
        bail!("no requests")
    };
    let known = requests.into_iter().find(|known| known.id == request);
    Ok(known.is_some_and(|known| known.state == RequestState::Running))
}

/// Everything but readings.
pub async fn status(companion: &Companion) -> Result<Value> {
    let View::Status(status) = companion.view(Topic::Status).await? else {
        bail!("no status")
    };
    let View::Devices(devices) = companion.view(Topic::Devices).await? else {
        bail!("no devices")
    };
    let View::Queue(queue) = companion.view(Topic::Queue).await? else {
        bail!("no queue")
    };
    let View::Requests(requests) = companion.view(Topic::Requests).await? else {
        bail!("no requests")
    };
    Ok(show::status(&status, &devices, &queue, &requests))
}

/// Waits until a request has an outcome; gives back what it made.
async fn done(
    companion: &Companion,
    request: RequestId,
    patience: Duration,
) -> Result<Option<String>> {
    let outcome = tokio::time::timeout(patience, async {
        let mut revision = Revision(0);
        loop {
            revision = companion.next_change(revision).await?.revision;
            let View::Requests(requests) = companion.view(Topic::Requests).await? else {
                bail!("no requests")
            };
            let state = requests
                .into_iter()
                .find(|known| known.id == request)
                .map(|known| known.state);
            match state.context("the request was dismissed by another caller")? {
                RequestState::Running | RequestState::Asked { .. } => {}
                RequestState::Done { result } => return Ok(result),
                RequestState::Failed { code, text } => bail!("{text} ({code})"),
            }
        }
    });
    let outcome = outcome.await.context(
        "no answer yet; it goes on when there is a network: see `teleward hub status`",
    )??;
    companion.dismiss(request).await?;
    Ok(outcome)
}

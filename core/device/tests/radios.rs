//! The set of checks that every radio must pass, held against the scripted radio and against one that a shell drives.

mod conformance;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use conformance::{Bench, CHECKS, MEASUREMENT};
use reading::Moment;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use teleward_device::{
    Attribute, DeviceHandle, ForeignRadio, Radio, RadioAnswer, RadioCall, RadioEvent, RadioFault,
    RadioPort, RadioState, Script, ScriptedRadio, Uuid,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const NEAR: &str = r#"{"devices": [
    {"device": "a-scale", "services": ["181d"], "measurements": ["181d/2a9d"]},
    {"device": "cuff", "services": ["1810"], "needs_pairing": true, "clock_behind_s": 0,
     "values": {"180a/2a24": "56432d31"}, "more": ["180f/2a19", "180f/2a19"]}]}"#;

/// A script's devices, met through some radio.
struct Played {
    script: ScriptedRadio,
    radio: Arc<dyn Radio>,
    patience: Duration,
}

fn script() -> Result<ScriptedRadio> {
    let now = Moment::from_ms(1_764_547_200_000);
    Ok(ScriptedRadio::new(Script::parse(NEAR)?, now)?)
}

#[async_trait]
impl Bench for Played {
    fn radio(&self) -> Arc<dyn Radio> {
        Arc::clone(&self.radio)
    }

    fn cuff(&self) -> DeviceHandle {
        DeviceHandle("cuff".to_owned())
    }

    fn scale(&self) -> DeviceHandle {
        DeviceHandle("a-scale".to_owned())
    }

    async fn send(&self, values: &[Vec<u8>]) -> Result<()> {
        let mut sent = self.script.events();
        for value in values {
            self.script.push_frame(&self.cuff(), value.clone());
        }
        for _ in values {
            let one = async {
                loop {
                    match sent.next().await {
                        Some(RadioEvent::Value { attribute, .. }) if attribute == MEASUREMENT => {
                            return Ok(());
                        }
                        Some(_) => {}
                        None => anyhow::bail!("the script is over"),
                    }
                }
            };
            let sent = tokio::time::timeout(self.patience, one).await;
            sent.context("a value did not leave the cuff")??;
        }
        Ok(())
    }

    async fn hang_up(&self) -> Result<()> {
        self.script.break_link(&self.cuff());
        Ok(())
    }

    async fn turn(&self, state: RadioState) -> Result<()> {
        self.script.set_state(state);
        Ok(())
    }

    fn twice(&self) -> Option<Attribute> {
        Some(Attribute {
            service: Uuid::BATTERY,
            characteristic: Uuid::short(0x2a19),
        })
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn many(&self) -> usize {
        300
    }
}

/// What a shell does around its platform: calls only start work, which is done in order elsewhere; answers and events
/// come back by methods.
struct Shim {
    work: UnboundedSender<(u64, RadioCall)>,
}

impl RadioPort for Shim {
    fn start(&self, call: u64, what: RadioCall) -> Result<(), RadioFault> {
        self.work.send((call, what)).map_err(|_| RadioFault::Other)
    }
}

/// A radio that is driven by such a shell, whose platform is a script.
fn driven(platform: ScriptedRadio) -> Result<ForeignRadio> {
    let (work, mut calls) = unbounded_channel();
    let radio = ForeignRadio::new(Arc::new(Shim { work }), 1 << 40)?;
    let back = radio.clone();
    let mut events = platform.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            back.tell(event);
        }
    });
    let back = radio.clone();
    tokio::spawn(async move {
        while let Some((call, what)) = calls.recv().await {
            back.answer(call, done(&platform, what).await);
        }
    });
    Ok(radio)
}

async fn done(platform: &ScriptedRadio, what: RadioCall) -> Result<RadioAnswer, RadioFault> {
    let done = |()| RadioAnswer::Done;
    match what {
        RadioCall::State => Ok(RadioAnswer::State(platform.state().await)),
        RadioCall::StartScan(services) => platform.start_scan(&services).await.map(done),
        RadioCall::StopScan => platform.stop_scan().await.map(done),
        RadioCall::Connect(device) => platform.connect(&device).await.map(done),
        RadioCall::Discover(device) => {
            let attributes = platform.discover(&device).await?;
            Ok(RadioAnswer::Attributes(attributes))
        }
        RadioCall::Subscribe(device, of) => platform.subscribe(&device, of).await.map(done),
        RadioCall::Read(device, of) => platform.read(&device, of).await.map(RadioAnswer::Bytes),
        RadioCall::Write(device, of, bytes) => platform.write(&device, of, &bytes).await.map(done),
        RadioCall::Pair(device) => platform.pair(&device).await.map(done),
        RadioCall::IsBonded(device) => platform.is_bonded(&device).await.map(RadioAnswer::Flag),
        RadioCall::IsConnected(device) => {
            let connected = platform.is_connected(&device).await?;
            Ok(RadioAnswer::Flag(connected))
        }
        RadioCall::Disconnect(device) => platform.disconnect(&device).await.map(done),
        RadioCall::Forget(device) => platform.forget(&device).await.map(done),
    }
}

/// Runs each check on a bench of its own, and tells all that went wrong.
async fn all_checks(bench: impl Fn() -> Result<Played>) -> Result<()> {
    let mut wrong = Vec::new();
    for check in CHECKS {
        if let Err(why) = check.run(&bench()?).await {
            wrong.push(format!("{} ({}): {why:#}", check.name, check.words));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// REQ-DEVICE-180: the scripted radio does what every radio must do.
#[tokio::test(start_paused = true)]
async fn the_scripted_radio_does_what_every_radio_must() -> Result<()> {
    all_checks(|| {
        let script = script()?;
        Ok(Played {
            radio: Arc::new(script.clone()),
            script,
            patience: Duration::from_secs(60),
        })
    })
    .await
}

/// REQ-DEVICE-180: a radio that a shell drives does what every radio must do, and no call is left open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_radio_that_a_shell_drives_does_what_every_radio_must() -> Result<()> {
    let last = Arc::new(OnceLock::new());
    all_checks(|| {
        let script = script()?;
        let radio = driven(script.clone())?;
        let _first = last.set(radio.clone());
        Ok(Played {
            radio: Arc::new(radio),
            script,
            patience: Duration::from_secs(20),
        })
    })
    .await?;
    ensure!(
        last.get().is_some_and(|radio| radio.open_calls() == 0),
        "a call is left open"
    );
    Ok(())
}

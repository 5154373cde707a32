//! The set of checks that every radio must pass, held against the real radio: for those who work on it.
//!
//! `radio_conformance CUFF SCALE [CHECK]…` takes the handles of two devices near, which somebody else makes do things: what is
//! wanted of them is printed as a JSON line (`{"do": …}`), and `done` is read when it is so. Each check is told by a line.
//! The journey *Radio* does this in its guest (`tests/radio/run --case every_radio`).

#[path = "../tests/conformance/mod.rs"]
mod conformance;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use conformance::{Bench, CHECKS};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use teleward_device::{
    Attribute, BtleplugRadio, DeviceHandle, Radio, RadioState, SilentPrompt, Uuid,
};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// In software emulation, beside a dozen compilers.
const PATIENCE: Duration = Duration::from_secs(90);

struct Air {
    radio: Arc<dyn Radio>,
    cuff: DeviceHandle,
    scale: DeviceHandle,
    /// One thing at a time.
    asking: Mutex<()>,
}

impl Air {
    /// Has something done at the other end.
    async fn have_done(&self, what: Value) -> Result<()> {
        let _one = self.asking.lock().await;
        say(&what);
        let answer = spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map(|_| line)
        });
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let answer = answer
            .context("nobody did it")??
            .context("nothing can be read")?;
        ensure!(answer.trim_end() == "done", "it was not done: {answer:?}");
        Ok(())
    }

    /// Nothing is paired, linked or looked for, and both devices show themselves.
    async fn begin(&self) -> Result<()> {
        // Whatever the last check left: none of it there is no error.
        let _ = self.radio.stop_scan().await;
        let _ = self.radio.disconnect(&self.cuff).await;
        let _ = self.radio.forget(&self.cuff).await;
        self.have_done(json!({"do": "begin"})).await
    }
}

#[async_trait]
impl Bench for Air {
    fn radio(&self) -> Arc<dyn Radio> {
        Arc::clone(&self.radio)
    }

    fn cuff(&self) -> DeviceHandle {
        self.cuff.clone()
    }

    fn scale(&self) -> DeviceHandle {
        self.scale.clone()
    }

    async fn send(&self, values: &[Vec<u8>]) -> Result<()> {
        let values: Vec<String> = values.iter().map(|value| reading::to_hex(value)).collect();
        self.have_done(json!({"do": "send", "values": values}))
            .await
    }

    async fn hang_up(&self) -> Result<()> {
        self.have_done(json!({"do": "hang_up"})).await
    }

    async fn turn(&self, state: RadioState) -> Result<()> {
        self.have_done(json!({"do": "turn", "state": state})).await
    }

    fn twice(&self) -> Option<Attribute> {
        Some(Attribute {
            service: Uuid::BLOOD_PRESSURE,
            characteristic: Uuid::short(0x2a49),
        })
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn many(&self) -> usize {
        40
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [cuff, scale, wanted @ ..] = words.as_slice() else {
        bail!("usage: radio_conformance CUFF SCALE [CHECK]…");
    };
    let known = |name: &String| CHECKS.iter().any(|check| check.name == name);
    ensure!(wanted.iter().all(known), "there is no such check");
    let air = Air {
        radio: Arc::new(BtleplugRadio::new(Arc::new(SilentPrompt)).await?),
        cuff: DeviceHandle(cuff.clone()),
        scale: DeviceHandle(scale.clone()),
        asking: Mutex::new(()),
    };
    for check in CHECKS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == check.name) {
            continue;
        }
        air.begin().await?;
        let wrong = check.run(&air).await.err();
        let wrong = wrong.map(|error| format!("{error:#}"));
        say(&json!({"check": check.name, "words": check.words, "wrong": wrong}));
    }
    say(&json!({"do": "end"}));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn say(line: &Value) {
    println!("{line}");
}

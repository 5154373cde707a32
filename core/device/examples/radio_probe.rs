//! One session with a real device, printed as JSON lines: for those who work on the radio.
//!
//! `radio_probe pair SECONDS` looks for a cuff and pairs with it; `radio_probe collect HANDLE BONDED` takes its
//! readings, where `HANDLE` and `BONDED` are what the pairing printed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reading::{DeviceFacts, Moment};
use serde_json::json;
use teleward_device::{
    BtleplugRadio, DeviceHandle, Plan, Radio, SessionEvent, SilentPrompt, find_devices, run_session,
};
use tokio::sync::mpsc::unbounded_channel;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let radio: Arc<dyn Radio> = Arc::new(BtleplugRadio::new(Arc::new(SilentPrompt)).await?);
    let plan = match words.as_slice() {
        ["pair", seconds] => {
            let found = find_devices(
                radio.as_ref(),
                Duration::from_secs(seconds.parse()?),
                |_| {},
            )
            .await?;
            let device = found.into_iter().next().context("no cuff was seen")?.device;
            Plan {
                seen: true,
                ..Plan::pair(device, 0, [1; 16])
            }
        }
        ["collect", handle, bonded] => Plan::collect(
            DeviceHandle((*handle).to_owned()),
            bonded.parse()?,
            DeviceFacts::default(),
            0,
            [1; 16],
        ),
        _ => bail!("usage: radio_probe pair SECONDS | collect HANDLE BONDED"),
    };
    say(&json!({ "event": "device", "handle": plan.device.0 }));
    let (out, mut events) = unbounded_channel();
    let told = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            say(&match event {
                SessionEvent::Record(record) => json!({ "event": "record", "record": record }),
                SessionEvent::Facts(facts) => json!({ "event": "facts", "facts": facts }),
                SessionEvent::Mark(_) => json!({ "event": "mark" }),
                SessionEvent::Trace(trace) => json!({ "event": "trace", "trace": trace.text() }),
                SessionEvent::Ended(report) => json!({ "event": "ended", "report": report }),
            });
        }
    });
    let now = Moment::from_ms(i64::try_from(
        std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_millis(),
    )?);
    run_session(radio, plan, now, out, std::future::pending()).await;
    Ok(told.await?)
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn say(line: &serde_json::Value) {
    println!("{line}");
}

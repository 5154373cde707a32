//! From the cuff's indication to the clinician's screen, twice.
//!
//! [`host`] is all of our own work on one machine, without emulation: a real companion on the scripted radio, relay,
//! station, and Chromium with the patient's record open (`tests/browser/measure.mjs`). [`guest`] is the whole way with a
//! virtual cuff over real HCI and BlueZ in a QEMU guest, guest and host told apart (`tests/radio/run --measure`).

use super::{Better, Figure, folder, mid_and_tail};
use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Readings that count.
const READINGS: u32 = 60;
/// Readings in the guest, each of which is a session of its own, as in life.
const IN_GUEST: u32 = 20;
/// What the guest may take to come up, and for one reading, on a busy machine.
const UNTIL_UP: Duration = Duration::from_secs(120);
const UNTIL_READ: Duration = Duration::from_secs(30);

/// What the browser's program prints: milliseconds, one number a reading.
#[derive(Deserialize)]
struct Seen {
    chromium: String,
    told_ms: Vec<f64>,
    painted_ms: Vec<f64>,
}

/// The host part.
///
/// # Errors
/// When a program is missing or a reading does not arrive.
pub fn host() -> anyhow::Result<Vec<Figure>> {
    let script = std::env::var("TELEWARD_SCREEN")
        .context("TELEWARD_SCREEN is not set: run `cargo xtask bench screen`")?;
    let folder = folder()?;
    let output = Command::new("node")
        .arg(script)
        .arg(READINGS.to_string())
        .env("TELEWARD_LOG", "warn")
        .env("TMPDIR", folder.path())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the browser's program failed");
    let seen: Seen = serde_json::from_slice(&output.stdout)?;
    let (told, painted) = (spans(&seen.told_ms)?, spans(&seen.painted_ms)?);
    let wanted = usize::try_from(READINGS)?;
    ensure!(
        told.len() == wanted && painted.len() == wanted,
        "a reading without a time"
    );
    let (told, painted) = (mid_and_tail(told)?, mid_and_tail(painted)?);
    let painted_in = format!("painted in Chromium {}", seen.chromium);
    let rows = [
        ("told on the console's live channel", "p50", told.0),
        ("told on the console's live channel", "p95", told.1),
        (painted_in.as_str(), "p50", painted.0),
        (painted_in.as_str(), "p95", painted.1),
    ];
    Ok(rows
        .into_iter()
        .map(|(until, rank, span)| {
            Figure::alone(
                &format!(
                    "host part: the cuff's frame at the companion's radio until {until}, {rank}"
                ),
                span.as_secs_f64() * 1e3,
                "ms (each of the three journals fsynced on the way)",
                None,
                Better::Lower,
            )
        })
        .collect())
}

fn spans(ms: &[f64]) -> anyhow::Result<Vec<Duration>> {
    ms.iter()
        .map(|ms| Duration::try_from_secs_f64(ms / 1e3).context("a reading came before its frame"))
        .collect()
}

/// One line of the radio's own program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    measure: String,
    value: f64,
    unit: String,
    #[serde(default)]
    peer: String,
    peer_value: Option<f64>,
    goal: Option<f64>,
    better: Option<Better>,
}

/// The same way with a cuff over real HCI, BlueZ and a kernel in QEMU: the lines that the radio's own program writes,
/// which tell guest and host apart.
///
/// # Errors
/// When it fails, takes too long, or writes something else.
pub async fn guest() -> anyhow::Result<Vec<Figure>> {
    in_guest(IN_GUEST, &[], Duration::ZERO).await
}

/// So many readings in the guest, and what else the radio's own program is asked to measure there, within `more` time.
///
/// # Errors
/// When it fails, takes too long, or writes something else.
pub(super) async fn in_guest(
    readings: u32,
    words: &[String],
    more: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let run = std::env::var("TELEWARD_RADIO")
        .context("TELEWARD_RADIO is not set: run `cargo xtask bench radio`")?;
    let folder = folder()?;
    let file = folder.path().join("guest.json");
    let mut program = tokio::process::Command::new(run)
        .args(["--measure", &readings.to_string(), "--json"])
        .arg(&file)
        .args(words)
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .spawn()?;
    let limit = UNTIL_UP + UNTIL_READ * readings + more;
    let ended = tokio::time::timeout(limit, program.wait())
        .await
        .with_context(|| format!("the radio's program took over {} s", limit.as_secs()))??;
    ensure!(ended.success(), "the radio's program ended with {ended}");
    let text = std::fs::read_to_string(&file).context("the radio's program wrote no figures")?;
    figures(&text)
}

fn figures(text: &str) -> anyhow::Result<Vec<Figure>> {
    let lines: Vec<Line> = serde_json::from_str(text)?;
    ensure!(!lines.is_empty(), "the radio's program wrote no figures");
    let figure = |line: Line| {
        let what = format!("devices in QEMU: {}", line.measure);
        let (value, unit, goal) = (line.value, &line.unit, line.goal);
        let better = line.better.unwrap_or(Better::Lower);
        match line.peer_value {
            Some(theirs) => Figure::beside(&what, value, unit, &line.peer, theirs, goal, better),
            None => Figure::alone(&what, value, unit, goal, better),
        }
    };
    Ok(lines.into_iter().map(figure).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-BENCH-011: a figure from the guest stands beside its peer, and a goal that it misses is missed.
    #[test]
    fn lines_of_the_guest_become_figures() {
        let line = |value| {
            format!(
                r#"[{{"measure":"m","value":{value},"unit":"/s","better":"higher","peer":"p","peer_value":100.0,"goal":0.9}},
                    {{"measure":"n","value":5.0,"unit":"ms"}}]"#
            )
        };
        let met = |value| figures(&line(value)).unwrap()[0].met();
        assert_eq!((met(90), met(89)), (Some(true), Some(false)));
        let alone = &figures(&line(90)).unwrap()[1];
        assert_eq!((alone.met(), alone.better), (None, Better::Lower));
        assert!(figures("[]").is_err());
        assert!(figures(&line(90).replace("peer_value", "peer_valve")).is_err());
    }
}

//! `teleward doctor`: looks at what a companion, relay or station needs from its machine, and says what to do.
//!
//! Only looks; changes nothing but a probe file that it removes again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::exit::Done;

/// Under this much room a station is told to make some.
const LITTLE_ROOM_MB: u64 = 1024;
/// Slower than this per flush, a disk will hold mail up.
const SLOW_FLUSH: Duration = Duration::from_millis(50);
/// A relay that takes longer to answer is not reachable for our purposes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Look at this machine and say what stands in the way.
#[derive(clap::Args)]
#[command(
    after_help = "Example: teleward doctor --dir /var/lib/teleward --relay https://relay.example"
)]
pub struct Args {
    /// The data folder of a relay, station or hub.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The address of a relay that should be reachable.
    #[arg(long)]
    relay: Option<String>,
    /// Print JSON: one array of `{check, state, text, next_step}`.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Fine,
    Note,
    Problem,
}

#[derive(Serialize)]
struct Check {
    check: &'static str,
    state: State,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<&'static str>,
}

fn fine(check: &'static str, text: impl Into<String>) -> Check {
    Check {
        check,
        state: State::Fine,
        text: text.into(),
        next_step: None,
    }
}

fn note(check: &'static str, text: impl Into<String>, next_step: &'static str) -> Check {
    Check {
        check,
        state: State::Note,
        text: text.into(),
        next_step: Some(next_step),
    }
}

fn problem(check: &'static str, text: impl Into<String>, next_step: &'static str) -> Check {
    Check {
        check,
        state: State::Problem,
        text: text.into(),
        next_step: Some(next_step),
    }
}

/// Looks, and prints what it found.
pub fn run(args: &Args) -> Result<Done> {
    let mut checks = vec![clock(), bluetooth()];
    if let Some(dir) = &args.dir {
        checks.extend(folder(dir));
    }
    if let Some(relay) = &args.relay {
        checks.push(reach(relay)?);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        for check in &checks {
            let word = match check.state {
                State::Fine => "fine",
                State::Note => "note",
                State::Problem => "PROBLEM",
            };
            println!("{word:<8} {:<10} {}", check.check, check.text);
            if let Some(next) = check.next_step {
                println!("{:<19} {next}", "");
            }
        }
    }
    let stands = checks.iter().any(|check| check.state == State::Problem);
    Ok(if stands { Done::Wrong } else { Done::Well })
}

/// Readings carry times and requests are signed with them: a clock that nobody sets drifts.
fn clock() -> Check {
    let asked = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output();
    match asked
        .ok()
        .filter(|out| out.status.success())
        .as_ref()
        .map(|out| out.stdout.trim_ascii())
    {
        Some(b"yes") => fine("clock", "set by a time server"),
        Some(b"no") => problem(
            "clock",
            "not set by a time server",
            "Turn on network time: timedatectl set-ntp true",
        ),
        _ => note(
            "clock",
            "cannot tell whether a time server sets it",
            "Compare it with another clock; more than two minutes off, a relay refuses requests.",
        ),
    }
}

/// A hub needs an adapter and BlueZ; a relay or station does not.
fn bluetooth() -> Check {
    let adapters = std::fs::read_dir("/sys/class/bluetooth")
        .map(|found| found.flatten().count())
        .unwrap_or(0);
    let bus = Path::new("/run/dbus/system_bus_socket").exists();
    match (adapters, bus) {
        (0, _) => note(
            "bluetooth",
            "no adapter",
            "Only a hub needs one: plug it in, or see rfkill list.",
        ),
        (_, false) => note(
            "bluetooth",
            "an adapter, and no D-Bus",
            "A hub needs dbus and bluez installed and running.",
        ),
        (1, true) => fine("bluetooth", "one adapter"),
        (n, true) => fine("bluetooth", format!("{n} adapters")),
    }
}

fn folder(dir: &Path) -> Vec<Check> {
    let mut checks = vec![flush(dir)];
    let asked = Command::new("df")
        .args(["--output=avail", "--block-size=1M"])
        .arg(dir)
        .output()
        .ok();
    let free = asked.and_then(|out| {
        String::from_utf8_lossy(&out.stdout)
            .lines()
            .nth(1)
            .and_then(|line| line.trim().parse::<u64>().ok())
    });
    checks.extend(free.map(|mb| {
        if mb < LITTLE_ROOM_MB {
            problem(
                "room",
                format!("{mb} MB free"),
                "Make room: at a full disk, new mail waits where it is.",
            )
        } else {
            fine("room", format!("{mb} MB free"))
        }
    }));
    checks
}

/// Writes, flushes and removes a probe file.
fn flush(dir: &Path) -> Check {
    let path = dir.join(".doctor-probe");
    let began = Instant::now();
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let took = began.elapsed();
    let removed = std::fs::remove_file(&path);
    match written.and(removed) {
        Err(error) => problem(
            "folder",
            format!("{} cannot be written: {error}", dir.display()),
            "Give this user the folder, or name another with --dir.",
        ),
        Ok(()) if took > SLOW_FLUSH => note(
            "folder",
            format!(
                "writable; the disk takes {} ms for a flush",
                took.as_millis()
            ),
            "Every receipt waits for one: a faster disk makes a faster relay.",
        ),
        Ok(()) => fine(
            "folder",
            format!(
                "writable; the disk takes {} ms for a flush",
                took.as_millis()
            ),
        ),
    }
}

fn reach(relay: &str) -> Result<Check> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let url = format!("{}/readyz", relay.trim_end_matches('/'));
    let asked = runtime.block_on(async {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        client.get(&url).send().await
    });
    Ok(match asked {
        Ok(answer) if answer.status().is_success() => fine("relay", format!("{relay} is ready")),
        Ok(answer) => problem(
            "relay",
            format!("{relay} answers {}", answer.status()),
            "Ask the relay's operator: teleward doctor on that machine says more.",
        ),
        Err(error) => problem(
            "relay",
            format!("{relay} cannot be reached: {}", error.without_url()),
            "Check the address, the network, and that the relay runs.",
        ),
    })
}

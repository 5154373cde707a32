//! `teleward demo`: a relay, a station and simulated patients on this machine, until Ctrl-C.
//!
//! Everything is the real thing but the cuffs: the relay and the station are this program started twice more, and each
//! patient is a companion with a scripted radio.

mod beside;
mod cuff;
mod patient;
mod people;
mod place;
mod process;
mod station;

pub use self::process::WITH_PARENT;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::patient::Patient;
use self::people::{Habit, Person};
use self::place::{Place, Servers};
use self::station::Station;
use crate::exit::Done;
use crate::progress;

/// Start a clinic with simulated patients on this machine.
///
/// Prints the console's address and a link that signs in once, and goes on until Ctrl-C.
#[derive(clap::Args)]
#[command(after_help = "Example: teleward demo --patients 5 --dir /tmp/teleward-demo")]
pub struct Args {
    /// How many patients.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    patients: u16,
    /// Keep the state in this folder, and go on with what it holds; without it, nothing is kept.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Do not open the console in the desktop's browser.
    #[arg(long)]
    no_open: bool,
    /// Print one line of JSON once everything answers: `{"console","sign_in","relay"}`.
    #[arg(long)]
    json: bool,
}

/// What a newcomer may look at first.
const WORTH_A_LOOK: [(Habit, &str); 4] = [
    (
        Habit::CuffFails,
        "the cuff fails since a day: the list says so, and shows no number",
    ),
    (
        Habit::PhoneReplaced,
        "lost a phone and has another: the record shows both",
    ),
    (
        Habit::Unconfirmed,
        "joined, and waits for somebody to compare the six words",
    ),
    (
        Habit::Offline,
        "often without a network: readings come late, all at once",
    ),
];

/// Patients that settle at once: each makes keys and a database, and two cores have enough of four.
const AT_ONCE: usize = 4;

/// Runs until Ctrl-C.
pub fn run(args: &Args) -> Result<Done> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let place = Place::at(args.dir.as_deref())?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let (stop, stopped) = watch::channel(false);
        let bar = progress::spinner("starting the relay and the station");
        let servers = tokio::task::block_in_place(|| place.start())?;
        bar.finish_and_clear();
        let outcome = {
            let demo = demo(args, &place, &servers, stopped);
            tokio::pin!(demo);
            tokio::select! {
                outcome = &mut demo => outcome,
                _ = term.recv() => { stop.send_replace(true); demo.await }
                _ = int.recv() => { stop.send_replace(true); demo.await }
            }
        };
        let ended = tokio::task::block_in_place(|| servers.end());
        outcome.and(ended).map(|()| Done::Well)
    })
}

async fn demo(
    args: &Args,
    place: &Place,
    servers: &Servers,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let station = Arc::new(
        Station::sign_in(&servers.console, place::ADMINISTRATOR, &place.password()?).await?,
    );
    let settle = async {
        station.admitted().await?;
        settle(args, place, &station).await
    };
    let patients = tokio::select! {
        patients = settle => patients?,
        _ = stopped.changed() => return Ok(()),
    };
    let sign_in = station.account("clinician").await?;
    say(args, servers, &sign_in)?;
    let mut living = JoinSet::new();
    for patient in patients {
        living.spawn(patient.live(stopped.clone()));
    }
    while let Some(ended) = living.join_next().await {
        ended.context("a patient's task ended early")??;
    }
    Ok(())
}

/// All patients, joined and paired.
async fn settle(args: &Args, place: &Place, station: &Arc<Station>) -> Result<Vec<Patient>> {
    let bar = progress::steps("patients join and pair", u64::from(args.patients));
    let mut people = (0..usize::from(args.patients)).map(Person::at);
    let mut settling = JoinSet::new();
    let mut patients = Vec::new();
    loop {
        while settling.len() < AT_ONCE {
            let Some(person) = people.next() else { break };
            let (folder, station) = (place.patient(person.index), Arc::clone(station));
            settling.spawn(async move { Patient::settle(person, folder, &station).await });
        }
        let Some(settled) = settling.join_next().await else {
            break;
        };
        patients.push(settled.context("a patient's task ended early")??);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(patients)
}

fn say(args: &Args, servers: &Servers, sign_in: &str) -> Result<()> {
    let (console, relay) = (&servers.console, &servers.relay);
    let mut out = std::io::stdout();
    if args.json {
        writeln!(
            out,
            "{}",
            json!({ "console": console, "sign_in": sign_in, "relay": relay })
        )?;
    } else {
        writeln!(
            out,
            "console  {console}\nsign in  {sign_in}  (works once)\nrelay    {relay}"
        )?;
        writeln!(
            out,
            "\n{} patients measure now and then. Ctrl-C ends everything.",
            args.patients
        )?;
        for (habit, what) in WORTH_A_LOOK {
            let mut people = (0..usize::from(args.patients)).map(Person::at);
            if let Some(person) = people.find(|person| person.habit == habit) {
                writeln!(out, "  {:<18} {what}", person.name())?;
            }
        }
    }
    out.flush()?;
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if desktop && !args.no_open {
        // The link is printed above; a desktop without an opener is no reason to end.
        let opener = Command::new("xdg-open")
            .arg(sign_in)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if opener.is_err() {
            eprintln!("the browser could not be opened: use the link above");
        }
    }
    Ok(())
}

//! `teleward hub`: a companion on a small Linux box, with the real radio.
//!
//! One process at a time holds the data folder. `hub run` is that process in service; the other commands reach it
//! through a socket in the folder, and open the folder themselves when nobody is in service.

mod act;
mod ask;
#[cfg(test)]
mod at_terminal;
mod digits;
mod person;
mod radio;
mod serve;
mod sheet;
mod show;
mod terminal;
mod trace;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use companion::TraceMode;
use indicatif::ProgressBar;

use self::ask::Ask;
use self::digits::Digits;
use self::person::{Said, Who};
use self::radio::{Bluetooth, Radios};
use self::terminal::CtrlC;
use crate::exit::Done;
use crate::out;

/// A companion on this Linux box: reads devices over Bluetooth and sends their readings to the clinic.
#[derive(clap::Args)]
#[command(after_help = "Example: teleward hub status --dir /var/lib/teleward-hub")]
pub struct Args {
    /// The hub's data folder; it is made when it is missing.
    #[arg(long, global = true, env = "TELEWARD_HUB_DIR")]
    dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Join a clinic with an invite, and show the check words.
    #[command(
        after_help = "Example: teleward hub join 'https://relay.example/i#AbC…' --label 'Hub in the kitchen'"
    )]
    Join {
        /// The invite: what its QR code says.
        invite: String,
        /// How the clinic's list calls this hub.
        #[arg(long, default_value = "Hub")]
        label: String,
        /// Make the patient's recovery key, and write its sheet to this new file (a page with a square code when it ends
        /// in .html): print it, then delete the file.
        #[arg(long)]
        recovery_sheet: Option<PathBuf>,
    },
    /// Look for a device that is ready to pair, and pair with it.
    #[command(
        after_help = "Example: teleward hub pair --seconds 60\nExample: teleward hub pair --device 3f2a90c41b7de802"
    )]
    Pair {
        /// How long to look.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
        /// The device, by its id in the last `hub look`; without it, the nearest that is not paired yet.
        #[arg(long, value_name = "ID")]
        device: Option<String>,
    },
    /// Type the six digits that a device shows while it is being paired.
    ///
    /// `hub pair` asks for them itself where it has a terminal. Without an argument they are read from standard input.
    #[command(after_help = "Example: teleward hub digits 482913")]
    Digits {
        /// The digits; other users of this machine can see the arguments of a program.
        digits: Option<String>,
    },
    /// Look around for devices, and list what is near, the nearest first.
    #[command(after_help = "Example: teleward hub look --seconds 10")]
    Look {
        /// How long to look.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
    },
    /// Be in service: read paired devices when they show, send, collect. Ends on Ctrl-C or SIGTERM.
    ///
    /// Prints a line for each change; readings by their id and never by their values, since a service's output is kept
    /// in logs.
    #[command(after_help = "Example: teleward hub run --dir /var/lib/teleward-hub")]
    Run {
        /// Keep measurements and identities in the traces of device sessions, too. Only with the patient's consent.
        #[arg(long)]
        full_traces: bool,
    },
    /// Show the link to the clinic, the devices, and what waits to be sent.
    #[command(after_help = "Example: teleward hub status --json")]
    Status,
    /// List the newest sessions with devices that were written down, or print one of them.
    ///
    /// A trace shows what went on between a device and this hub, step by step. Without --full-traces it holds no value
    /// and no identity, so that it can be handed to whoever looks for the fault.
    #[command(
        after_help = "Example: teleward hub trace\nExample: teleward hub trace 12 > fault.ndjson"
    )]
    Trace {
        /// The number of the one to print.
        number: Option<i64>,
    },
    /// Run a written-down session again through this version, and say whether it decides as it did then.
    ///
    /// The exit status is 1 when it does not.
    #[command(after_help = "Example: teleward hub replay fault.ndjson")]
    Replay {
        /// The trace; `-` for standard input.
        trace: PathBuf,
    },
    /// Answer a question of `hub status`: whose readings are, or who a device's user is.
    ///
    /// Readings go to the clinic at once and say that they may be somebody else's; the answer follows them. What was said of
    /// a user is remembered: what somebody else measures stays here and is not sent.
    #[command(
        after_help = "Example: teleward hub answer 12 me\nExample: teleward hub answer 13 somebody-else"
    )]
    Answer {
        /// The question's number.
        question: i64,
        /// me, somebody-else, or only-me: it was me, and nobody else uses this device.
        #[arg(value_enum)]
        answer: Said,
    },
    /// Say who a device's user is from now on, also when that was said otherwise before.
    #[command(after_help = "Example: teleward hub user 3f2a90c41b7de802 2 somebody-else")]
    User {
        /// The device, by its id in `hub status`.
        device: String,
        /// The user's number on the device.
        user: u8,
        /// me or somebody-else.
        #[arg(value_enum)]
        person: Who,
    },
    /// Become a user of a device that keeps its users apart by codes (`hub status` says that it does not know you yet).
    ///
    /// Without --user the device makes a new user, and the hub remembers the code. The device's next session does it.
    #[command(
        after_help = "Example: teleward hub register 3f2a90c41b7de802\nExample: teleward hub register 3f2a90c41b7de802 --user 2 --code-file code.txt"
    )]
    Register {
        /// The device, by its id in `hub status`.
        device: String,
        /// The user that the patient is on the device already.
        #[arg(long, requires = "code_file")]
        user: Option<u8>,
        /// A file with that user's code, four digits.
        #[arg(long, requires = "user")]
        code_file: Option<PathBuf>,
    },
    /// Say of readings that it was not the patient who measured: they become void at the clinic, with their trace kept.
    #[command(after_help = "Example: teleward hub not-me 5b0c11d2a9f4")]
    NotMe {
        /// The readings, by their ids in `hub history` or the beginnings of them.
        #[arg(required = true, value_name = "READING")]
        readings: Vec<String>,
    },
    /// Take that back: it was the patient after all.
    #[command(after_help = "Example: teleward hub me 5b0c11d2a9f4")]
    Me {
        /// The readings, by their ids in `hub history` or the beginnings of them.
        #[arg(required = true, value_name = "READING")]
        readings: Vec<String>,
    },
    /// Show the newest readings, with how far each is.
    #[command(after_help = "Example: teleward hub history --limit 10")]
    History {
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
}

/// Carries one command out, with the machine's Bluetooth.
pub fn run(args: Args) -> Result<Done> {
    run_with(args, &Bluetooth)
}

fn run_with(args: Args, radios: &dyn Radios) -> Result<Done> {
    let dir = match args.dir {
        Some(dir) => dir,
        None => usual_dir()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let ask = match args.what {
            What::Run { full_traces } => {
                let traces = if full_traces {
                    TraceMode::Full
                } else {
                    TraceMode::Redacted
                };
                return serve::run(&dir, radios, traces, args.json).await;
            }
            What::Replay { trace } => return trace::replay(&trace, args.json),
            What::Trace { number } => Ask::Trace { number },
            What::Join {
                invite,
                label,
                recovery_sheet,
            } => Ask::Join {
                invite,
                label,
                recovery_sheet,
            },
            What::Pair { seconds, device } => Ask::Pair { seconds, device },
            What::Digits { digits } => Ask::Digits {
                typed: digits.map_or_else(terminal::typed, Ok)?,
            },
            What::Look { seconds } => Ask::Look { seconds },
            What::Status => Ask::Status,
            What::History { limit } => Ask::History { limit },
            What::Answer { question, answer } => Ask::Answer { question, answer },
            What::User {
                device,
                user,
                person,
            } => Ask::User {
                device,
                user,
                person,
            },
            What::Register {
                device,
                user,
                code_file,
            } => Ask::Register {
                device,
                user: user.zip(code_file.as_deref().map(person::code).transpose()?),
            },
            What::NotMe { readings } => Ask::Readings {
                readings,
                person: Who::SomebodyElse,
            },
            What::Me { readings } => Ask::Readings {
                readings,
                person: Who::Me,
            },
        };
        let answer = answer(&dir, &ask, radios).await?;
        if args.json {
            out::line(serde_json::to_string_pretty(&answer)?)?;
        } else {
            out::bytes(show::text(&ask, &answer).as_bytes())?;
        }
        Ok(Done::Well)
    })
}

/// The answer of the hub in service, or our own when there is none.
async fn answer(dir: &Path, ask: &Ask, radios: &dyn Radios) -> Result<serde_json::Value> {
    let slow = matches!(ask, Ask::Join { .. } | Ask::Pair { .. } | Ask::Look { .. });
    // Before anything moves: from the first moment on it is cleared away again.
    let ctrl_c = CtrlC::listen()?;
    let bar = slow.then(|| crate::progress::spinner(ask.doing()));
    let answer = watched(dir, ask, radios, bar.as_ref(), ctrl_c).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    answer
}

/// The same, while a person may type digits and end it.
async fn watched(
    dir: &Path,
    ask: &Ask,
    radios: &dyn Radios,
    bar: Option<&ProgressBar>,
    mut ctrl_c: CtrlC,
) -> Result<serde_json::Value> {
    let in_service = tokio::select! {
        answer = ask::in_service(dir, ask) => answer?,
        // Only where this is a pairing and a person is at the terminal.
        ended = terminal::asked_by_the_service(dir, ask, bar) => return Err(ended),
        ended = ctrl_c.pressed() => return Err(ended),
    };
    if let Some(answer) = in_service {
        return Ok(answer);
    }
    let asked = Digits::new();
    let radio = match ask {
        Ask::Pair { .. } | Ask::Look { .. } => tokio::select! {
            radio = radios.open(&asked) => Some(radio?),
            ended = ctrl_c.pressed() => return Err(ended),
        },
        Ask::Join { .. } => None,
        Ask::AreDigitsWanted
        | Ask::Digits { .. }
        | Ask::Status
        | Ask::History { .. }
        | Ask::Trace { .. }
        | Ask::Answer { .. }
        | Ask::User { .. }
        | Ask::Register { .. }
        | Ask::Readings { .. } => {
            there_is_a_hub(dir)?;
            None
        }
    };
    let companion = act::open(dir, radio, TraceMode::Redacted)?;
    let answer = tokio::select! {
        answer = act::carry_out(&companion, ask) => answer,
        ended = terminal::asked_here(&asked, bar) => Err(ended),
        ended = ctrl_c.pressed() => Err(ended),
    };
    tokio::select! {
        () = companion.close() => {}
        // Who presses it twice does not want to wait for that either; what is kept is whole at any moment.
        _ = ctrl_c.pressed() => {}
    }
    answer
}

/// Looking makes nothing: a mistyped folder must not become a hub.
fn there_is_a_hub(dir: &Path) -> Result<()> {
    anyhow::ensure!(
        dir.join("companion.db").is_file(),
        "there is no hub in {} yet: join a clinic with `teleward hub join INVITE`, or name its folder with --dir",
        dir.display()
    );
    Ok(())
}

/// `$XDG_DATA_HOME/teleward/hub`, as the XDG base directory specification has it.
fn usual_dir() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = base
        .or_else(home)
        .context("there is no home folder: name a data folder with --dir")?;
    Ok(base.join("teleward/hub"))
}

/// How long a request may take before we stop waiting for it; it goes on in the hub.
const PATIENCE: Duration = Duration::from_secs(120);

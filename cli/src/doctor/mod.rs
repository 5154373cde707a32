//! `teleward doctor`: looks at what a companion, relay or station needs from its machine, and says what to do.
//!
//! Only looks; changes nothing but a probe file that it removes again.

mod folder;
mod machine;
mod network;

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::exit::Done;
use crate::{out, progress};

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

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Fine,
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Serialize, Debug)]
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
        state: State::Problem,
        ..note(check, text, next_step)
    }
}

/// Looks, and prints what it found.
pub fn run(args: &Args) -> Result<Done> {
    let bar = progress::spinner("looking");
    let mut checks = vec![machine::clock(), machine::bluetooth()];
    if let Some(dir) = &args.dir {
        checks.extend(folder::look(dir));
    }
    if let Some(relay) = &args.relay {
        checks.extend(network::reach(relay)?);
    }
    bar.finish_and_clear();
    if args.json {
        out::line(serde_json::to_string_pretty(&checks)?)?;
    } else {
        for check in &checks {
            let word = match check.state {
                State::Fine => "fine",
                State::Note => "note",
                State::Problem => "PROBLEM",
            };
            out::line(format_args!("{word:<8} {:<10} {}", check.check, check.text))?;
            if let Some(next) = check.next_step {
                out::line(format_args!("{:<19} {next}", ""))?;
            }
        }
    }
    let stands = checks.iter().any(|check| check.state == State::Problem);
    Ok(if stands { Done::Wrong } else { Done::Well })
}

//! `teleward`, the one command.
//!
//! Mounts the relay and the station, carries a companion for Linux boxes (`hub`), and holds the tools that people need
//! beside them. No rule lives here: words become calls of the house's crates, and answers become text or JSON.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal: printing is its work"
)]

mod decode;
mod demo;
mod doctor;
mod exit;
mod hub;
mod mail;
mod manual;
mod out;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::exit::Done;

/// The patient's side, the post office and the clinic's station of Teleward, in one command.
#[derive(Parser)]
#[command(
    name = "teleward",
    version,
    propagate_version = true,
    after_help = "Example: teleward demo --patients 5"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Relay(relay::command::Args),
    Clinic(clinic::command::Args),
    Hub(hub::Args),
    Demo(demo::Args),
    Decode(decode::Args),
    Open(mail::open::Args),
    Verify(mail::verify::Args),
    Doctor(doctor::Args),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::from_arg_matches(&definition().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    begin();
    if std::env::var_os(demo::WITH_PARENT).is_some() {
        // A server of the demo must not outlive it, however the demo ends.
        let _ =
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    }
    told(run(cli.command)).into()
}

/// What every command stands on.
fn begin() {
    log_to_stderr();
    // One TLS provider for everything in this process; a second call could only name the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// How it ended; what went wrong is said.
fn told(done: anyhow::Result<Done>) -> Done {
    done.unwrap_or_else(|error| {
        if !error.is::<out::ReaderGone>() {
            eprintln!("error: {error:#}");
        }
        Done::Wrong
    })
}

fn run(command: Command) -> anyhow::Result<Done> {
    match command {
        Command::Relay(args) => serve(relay::command::run_telling(args, progress::while_kept)),
        Command::Clinic(args) => serve(clinic::command::run(
            args,
            progress::while_kept,
            rows_of_table,
        )),
        Command::Hub(args) => hub::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Open(args) => mail::open::run(&args),
        Command::Verify(args) => mail::verify::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => manual::completions(&args, definition()),
        Command::Man(args) => manual::man(&args, definition()),
    }
}

/// A table of device models, read as a phone reads it.
fn rows_of_table(text: &str) -> Result<usize, String> {
    let table = device::QuirkTable::parse(text).map_err(|error| error.to_string())?;
    Ok(table.rows().len())
}

/// A command that runs until it is told to end.
fn serve<E: std::error::Error + Send + Sync + 'static>(
    command: impl Future<Output = Result<(), E>>,
) -> anyhow::Result<Done> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command)?;
    Ok(Done::Well)
}

/// The definition of all commands; the help of each ends with what its exit status means.
fn definition() -> clap::Command {
    fn told(command: clap::Command) -> clap::Command {
        let example = command
            .get_after_help()
            .map(|help| format!("{help}\n\n"))
            .unwrap_or_default();
        command
            .mut_subcommands(told)
            .after_help(format!("{example}{}", exit::STATUS))
    }
    told(Cli::command())
}

/// Logs go to standard error, so that standard output stays for data. `TELEWARD_LOG` says how much.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TELEWARD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

#[cfg(test)]
mod words;

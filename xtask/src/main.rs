//! The project's own chores: `cargo xtask test`, `trace`, `bench`, `soak`, `fuzz`, `demo`.
//!
//! Called by people and by `.ci/run`. Stands outside the house: it depends on none of its crates and starts them as
//! programs, so that it always builds, whatever state they are in.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal: printing is its work"
)]

mod bench;
mod build;
mod demo;
mod deny;
mod fhir;
mod fuzz;
mod house;
mod job;
mod links;
mod manifest;
mod needs;
mod part;
mod peers;
mod stock;
mod suite;
mod trace;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run the tests that this machine can run, and say what was left out and why.
    ///
    /// Example: cargo xtask test unit house
    Test(suite::TestArgs),
    /// Print which test holds which requirement and hazard; fail when one has none.
    ///
    /// Example: cargo xtask trace
    Trace,
    /// Measure, with peers in the same run.
    ///
    /// Example: cargo xtask bench chain --json docs/measurements/chain.json
    Bench(bench::BenchArgs),
    /// Kill processes at named points for hours.
    ///
    /// Example: cargo xtask soak --points 1000
    Soak(bench::SoakArgs),
    /// Run the fuzz targets for as long as asked.
    ///
    /// Example: cargo xtask fuzz decoder --minutes 60 --keep
    Fuzz(fuzz::FuzzArgs),
    /// Build what is missing and start a clinic with simulated patients on this machine.
    ///
    /// Takes the words of `teleward demo`. Example: cargo xtask demo --patients 5
    #[command(disable_help_flag = true)]
    Demo {
        /// Handed on to `teleward demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(args) => suite::run(&args),
        Chore::Trace => trace::print(),
        Chore::Bench(args) => bench::bench(&args),
        Chore::Soak(args) => bench::soak(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Demo { words } => demo::run(&words),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_chore_gives_an_example() {
        for chore in Cli::command().get_subcommands() {
            let told = chore.get_long_about().map(ToString::to_string);
            let name = chore.get_name();
            assert!(
                told.is_some_and(|told| told.contains(&format!("Example: cargo xtask {name}"))),
                "{name} gives no example"
            );
        }
        Cli::command().debug_assert();
    }
}

//! `cargo xtask test`: runs parts one after another, says what it skips and why, and closes with a table.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::job::{self, Job};
use crate::needs;
use crate::part::{self, Part, Set};

/// How much of a failed part's log is shown.
const LINES_SHOWN: usize = 60;

/// What `cargo xtask test` takes.
#[derive(Args)]
pub struct TestArgs {
    /// The parts to run; without one, the whole required set.
    parts: Vec<String>,
    /// Print the parts, the set each is in and its budget, and run nothing.
    #[arg(long)]
    list: bool,
    /// Count a part that had to be skipped as failed.
    #[arg(long)]
    require_all: bool,
    /// Run the extra set: what takes long.
    #[arg(long, conflicts_with = "parts")]
    extra: bool,
}

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Row {
    name: String,
    outcome: Outcome,
    took: Duration,
    budget_minutes: u64,
    note: String,
}

/// Runs what was asked for; true when nothing failed.
pub fn run(args: &TestArgs) -> Result<bool> {
    let all = part::all()?;
    if args.list {
        list(&all);
        return Ok(true);
    }
    let chosen = choose(&all, args)?;
    let mut built = None;
    let mut rows = Vec::new();
    for part in chosen {
        println!("{}: {}", part.name, part.about);
        let row = one(part, &mut built)?;
        match &row.outcome {
            Outcome::Passed => println!("  passed in {}{}", seconds(row.took), comma(&row.note)),
            Outcome::Failed(why) => println!("  FAILED: {why}"),
            Outcome::Skipped(why) => println!("  skipped: {why}"),
        }
        rows.push(row);
    }
    Ok(close(&rows, args.require_all))
}

fn choose<'p>(all: &'p [Part], args: &TestArgs) -> Result<Vec<&'p Part>> {
    if args.parts.is_empty() {
        let set = if args.extra {
            Set::Extra
        } else {
            Set::Required
        };
        return Ok(all.iter().filter(|part| part.set == set).collect());
    }
    for name in &args.parts {
        if !all.iter().any(|part| &part.name == name) {
            let known: Vec<&str> = all.iter().map(|part| part.name.as_str()).collect();
            bail!(
                "there is no part `{name}`; the parts are {}",
                known.join(", ")
            );
        }
    }
    Ok(all
        .iter()
        .filter(|part| args.parts.contains(&part.name))
        .collect())
}

fn one(part: &Part, built: &mut Option<crate::build::Built>) -> Result<Row> {
    let began = Instant::now();
    let row = |outcome, note| Row {
        name: part.name.clone(),
        outcome,
        took: began.elapsed(),
        budget_minutes: part.budget_minutes,
        note,
    };
    if let Err(missing) = needs::meet(&part.needs) {
        return Ok(row(Outcome::Skipped(missing), String::new()));
    }
    let mut job = Job::start(&part.name, part.budget_minutes, built)?;
    let done = (part.run)(&mut job);
    let note = std::mem::take(&mut job.note);
    Ok(match done {
        Ok(()) => row(Outcome::Passed, note),
        Err(error) => {
            println!(
                "  the end of {}:\n{}",
                job.log_path().display(),
                job::tail(job.log_path(), LINES_SHOWN)
            );
            row(Outcome::Failed(format!("{error:#}")), note)
        }
    })
}

fn list(all: &[Part]) {
    for (set, title) in [(Set::Required, "required"), (Set::Extra, "extra (--extra)")] {
        println!("{title}:");
        for part in all.iter().filter(|part| part.set == set) {
            println!(
                "  {:<14} {:>3} min  {}",
                part.name, part.budget_minutes, part.about
            );
        }
        let budget: u64 = all
            .iter()
            .filter(|part| part.set == set)
            .map(|part| part.budget_minutes)
            .sum();
        println!(
            "  {:<14} {budget:>3} min  in all, on a warm machine with two cores",
            ""
        );
    }
}

/// The closing table; true when nothing failed.
fn close(rows: &[Row], require_all: bool) -> bool {
    println!("\n{:<14} {:>9} {:>8}  outcome", "part", "took", "budget");
    for row in rows {
        let (word, why) = match &row.outcome {
            Outcome::Passed => ("passed", row.note.clone()),
            Outcome::Failed(why) => ("FAILED", why.clone()),
            Outcome::Skipped(why) => ("skipped", why.clone()),
        };
        let budget = format!("{} min", row.budget_minutes);
        println!(
            "{:<14} {:>9} {budget:>8}  {word}{}",
            row.name,
            seconds(row.took),
            comma(&why)
        );
    }
    let all: Duration = rows.iter().map(|row| row.took).sum();
    println!("{:<14} {:>9}", "in all", seconds(all));

    let failed = rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Failed(_)))
        .count();
    let skipped = rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Skipped(_)))
        .count();
    if require_all && skipped > 0 {
        println!("--require-all: a part that was skipped counts as a failure of this run");
    }
    println!(
        "{} passed, {failed} failed, {skipped} skipped",
        rows.len() - failed - skipped
    );
    failed == 0 && !(require_all && skipped > 0)
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn comma(note: &str) -> String {
    if note.is_empty() {
        String::new()
    } else {
        format!(", {note}")
    }
}

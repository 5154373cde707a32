//! `teleward hub replay`: a written-down session through the machine of this version.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use device::Replay;

use crate::exit::Done;
use crate::out;

/// A trace is at most a megabyte and one step long; anything larger is something else.
const LONGEST: u64 = 2 << 20;

/// Replays a trace and tells what came of it.
pub fn replay(path: &Path, json: bool) -> Result<Done> {
    let mut text = String::new();
    let from: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        let file = std::fs::File::open(path);
        Box::new(file.with_context(|| format!("cannot open {}", path.display()))?)
    };
    from.take(LONGEST)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {} as text", path.display()))?;
    let replayed = device::replay(&text)?;
    if json {
        out::line(serde_json::to_string_pretty(&replayed)?)?;
    } else {
        out::bytes(words(&replayed).as_bytes())?;
    }
    Ok(match replayed.differs {
        Some(_) => Done::Wrong,
        None => Done::Well,
    })
}

fn words(replayed: &Replay) -> String {
    let mut lines = vec![format!(
        "{} steps, {}",
        replayed.steps,
        if replayed.redacted {
            "without values and identities"
        } else {
            "with values and identities: keep it to yourself"
        }
    )];
    match &replayed.report {
        Some(report) => lines.push(format!(
            "ends in {}: {} {}",
            report.reason,
            report.reason.words(),
            report.reason.next_step()
        )),
        None if replayed.cut => lines.push("was cut off: the session was longer".to_owned()),
        None => lines.push("ends in the middle of the session".to_owned()),
    }
    match &replayed.differs {
        None => lines.push("decides as it did then".to_owned()),
        Some(other) => {
            let nothing = || "nothing".to_owned();
            lines.push(format!("departs from the trace at line {}", other.line));
            lines.push(format!(
                "  then: {}",
                other.then.clone().unwrap_or_else(nothing)
            ));
            lines.push(format!(
                "  now:  {}",
                other.now.clone().unwrap_or_else(nothing)
            ));
        }
    }
    lines
        .iter()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

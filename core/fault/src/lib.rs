//! Named kill points: the places where a test ends a process with SIGKILL to prove that nothing is lost there.
//!
//! In: environment variables, read once. Out: the name of each point that is passed, one line each, to a pipe that
//! the tester reads; then, when asked, a wait until the tester answers or kills. Called by every crate that makes
//! something durable. Without the variables a point costs one atomic load and does nothing.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `TELEWARD_FAULT_PIPE` | path of a FIFO that gets `name\n` at each point |
//! | `TELEWARD_FAULT_FD` | the same by the number of an inherited pipe's writing end (opened as `/dev/fd/N`) |
//! | `TELEWARD_FAULT_HOLD` | `1`: wait at the point for one byte from the FIFO `TELEWARD_FAULT_PIPE` + `.back`; anything else is the path of that FIFO |
//! | `TELEWARD_FAULT_AT` | `name` or `name#n`: hold only there, at the n-th passing (from 1); without it, at every point |
//!
//! Each crate that calls [`point`] has a constant `FAULT_POINTS` that lists its names, so that a tester knows them
//! all and can tell which one was never hit.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Passes the point `name`: reports it when a tester listens, and holds there when the tester said so.
///
/// A tester that went away is no error: the process goes on as if nobody had listened.
pub fn point(name: &'static str) {
    if let Some(tester) = tester() {
        tester
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pass(name);
    }
}

/// Whether a tester listens, for a start-up line that says so.
#[must_use]
pub fn is_armed() -> bool {
    tester().is_some()
}

fn tester() -> Option<&'static Mutex<Tester>> {
    static TESTER: OnceLock<Option<Mutex<Tester>>> = OnceLock::new();
    TESTER
        .get_or_init(|| Tester::from_variables(|name| std::env::var(name).ok()).map(Mutex::new))
        .as_ref()
}

/// The listening end, as the variables describe it.
struct Tester {
    report: File,
    hold: Option<String>,
    at: Option<(String, u64)>,
    passed: HashMap<&'static str, u64>,
}

impl Tester {
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let pipe = variable("TELEWARD_FAULT_PIPE").or_else(|| {
            let number: u32 = variable("TELEWARD_FAULT_FD")?.parse().ok()?;
            Some(format!("/dev/fd/{number}"))
        })?;
        let hold = variable("TELEWARD_FAULT_HOLD")
            .filter(|v| !v.is_empty() && v != "0")
            .map(|v| if v == "1" { format!("{pipe}.back") } else { v });
        let at = variable("TELEWARD_FAULT_AT").map(|text| match text.split_once('#') {
            Some((name, n)) => (name.to_owned(), n.parse().unwrap_or(1)),
            None => (text, 1),
        });
        let report = OpenOptions::new().append(true).open(pipe).ok()?;
        Some(Self {
            report,
            hold,
            at,
            passed: HashMap::new(),
        })
    }

    fn pass(&mut self, name: &'static str) {
        let count = self.passed.entry(name).or_default();
        *count += 1;
        let wanted = self
            .at
            .as_ref()
            .is_none_or(|(at, n)| at == name && n == count);
        // One short write: a line is never mixed with another process's (POSIX, PIPE_BUF).
        if self
            .report
            .write_all(format!("{name}\n").as_bytes())
            .is_err()
        {
            return;
        }
        if let (true, Some(back)) = (wanted, &self.hold)
            && let Ok(mut back) = File::open(back)
        {
            let mut byte = [0];
            // The answer is that reading ends, whatever it read.
            let _ended = back.read(&mut byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_variables_a_point_is_inert() {
        assert!(Tester::from_variables(|_| None).is_none());
        point("fault.test");
    }

    #[test]
    fn a_point_is_reported_and_held_where_the_tester_asked() {
        let name = std::env::temp_dir().join(format!("teleward-fault-{}", std::process::id()));
        std::fs::write(&name, "").unwrap();
        let back = name.with_extension("back");
        std::fs::write(&back, "x").unwrap();
        let vars = |v: &str| match v {
            "TELEWARD_FAULT_PIPE" => Some(name.display().to_string()),
            "TELEWARD_FAULT_HOLD" => Some(back.display().to_string()),
            "TELEWARD_FAULT_AT" => Some("b#2".to_owned()),
            _ => None,
        };
        let mut tester = Tester::from_variables(vars).unwrap();
        for point in ["a", "b", "b"] {
            tester.pass(point);
        }
        assert_eq!(std::fs::read_to_string(&name).unwrap(), "a\nb\nb\n");
        assert_eq!((tester.passed["a"], tester.passed["b"]), (1, 2));
        std::fs::remove_file(name).unwrap();
        std::fs::remove_file(back).unwrap();
    }
}

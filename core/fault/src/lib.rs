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
//! | `TELEWARD_FAULT_ORDERS` | path of a file that is read at each point and says the same, anew each time it changes; a missing or empty one: hold nowhere |
//!
//! Where it holds, the line is `name held`: the tester then knows that the process stands still.
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

/// Where to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Everywhere,
    Nowhere,
    Nth(String, u64),
}

impl At {
    /// `name` or `name#n`; a word before it only makes one order differ from the last.
    fn parse(text: &str) -> Self {
        let Some(text) = text.split_whitespace().last() else {
            return Self::Nowhere;
        };
        match text.split_once('#') {
            Some((name, n)) => Self::Nth(name.to_owned(), n.parse().unwrap_or(1)),
            None => Self::Nth(text.to_owned(), 1),
        }
    }
}

/// The listening end, as the variables describe it.
struct Tester {
    report: File,
    hold: Option<String>,
    at: At,
    /// The file with orders, and the last order read from it.
    orders: Option<(String, String)>,
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
        let at = variable("TELEWARD_FAULT_AT").map_or(At::Everywhere, |text| At::parse(&text));
        let orders = variable("TELEWARD_FAULT_ORDERS").map(|path| (path, String::new()));
        let at = if orders.is_some() { At::Nowhere } else { at };
        let report = OpenOptions::new().append(true).open(pipe).ok()?;
        Some(Self {
            report,
            hold,
            at,
            orders,
            passed: HashMap::new(),
        })
    }

    /// A new order counts from the point at which it is read.
    fn read_orders(&mut self) {
        let Some((path, last)) = &mut self.orders else {
            return;
        };
        // A tester that has taken its orders away wants nothing held.
        let order = std::fs::read_to_string(path).unwrap_or_default();
        if order != *last {
            self.at = At::parse(&order);
            self.passed.clear();
            *last = order;
        }
    }

    fn pass(&mut self, name: &'static str) {
        self.read_orders();
        let count = self.passed.entry(name).or_default();
        *count += 1;
        let wanted = match &self.at {
            At::Everywhere => true,
            At::Nowhere => false,
            At::Nth(at, n) => at == name && n == count,
        };
        let hold = self.hold.as_ref().filter(|_| wanted);
        let held = if hold.is_some() { " held" } else { "" };
        // One short write: a line is never mixed with another process's (POSIX, PIPE_BUF).
        if self
            .report
            .write_all(format!("{name}{held}\n").as_bytes())
            .is_err()
        {
            return;
        }
        if let Some(back) = hold
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
        assert_eq!(std::fs::read_to_string(&name).unwrap(), "a\nb\nb held\n");
        assert_eq!((tester.passed["a"], tester.passed["b"]), (1, 2));
        std::fs::remove_file(name).unwrap();
        std::fs::remove_file(back).unwrap();
    }

    #[test]
    fn orders_are_read_anew_and_count_from_then_on() {
        let folder = std::env::temp_dir().join(format!("teleward-orders-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        for (name, text) in [("pipe", ""), ("pipe.back", "x"), ("orders", "")] {
            std::fs::write(path(name), text).unwrap();
        }
        let vars = |v: &str| match v {
            "TELEWARD_FAULT_PIPE" => Some(path("pipe")),
            "TELEWARD_FAULT_HOLD" => Some("1".to_owned()),
            "TELEWARD_FAULT_ORDERS" => Some(path("orders")),
            _ => None,
        };
        let mut tester = Tester::from_variables(vars).unwrap();
        for order in ["", "1 a#2", "2 a", ""] {
            std::fs::write(path("orders"), order).unwrap();
            tester.pass("a");
            tester.pass("a");
        }
        std::fs::remove_file(path("orders")).unwrap();
        tester.pass("a");
        let said = std::fs::read_to_string(path("pipe")).unwrap();
        assert_eq!(said, "a\na\na\na held\na held\na\na\na\na\n");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

//! A D-Bus that nobody else uses, as the system's bus of a test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const INSIDE: &str = "TELEWARD_TEST_BUS";

struct Bus(Child);

impl Drop for Bus {
    fn drop(&mut self) {
        // One that has ended by itself is as well.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Runs the test with this name once more, where the system bus is one of its own; false in that run itself, which is to do
/// the work.
pub fn runs_elsewhere(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let mut bus = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Bus)
        .expect("dbus-daemon is not here: apt-get install dbus");
    let mut address = String::new();
    let out = bus.0.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut address).unwrap();
    let inside = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .env("DBUS_SYSTEM_BUS_ADDRESS", address.trim())
        .status()
        .unwrap();
    assert!(inside.success());
    true
}

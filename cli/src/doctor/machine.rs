//! The machine: who sets its clock, and whether a hub would find an adapter that works.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Check, fine, note, problem};

/// Readings carry times and requests are signed with them: a clock that nobody sets drifts.
pub fn clock() -> Check {
    let asked = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output();
    match asked
        .ok()
        .filter(|out| out.status.success())
        .as_ref()
        .map(|out| out.stdout.trim_ascii())
    {
        Some(b"yes") => fine("clock", "set by a time server"),
        Some(b"no") => problem(
            "clock",
            "not set by a time server",
            "Turn on network time: timedatectl set-ntp true",
        ),
        _ => note(
            "clock",
            "cannot tell whether a time server sets it",
            "Compare it with another clock, or give --relay; more than two minutes off, a relay refuses requests.",
        ),
    }
}

/// A hub needs an adapter that is on, D-Bus, and BlueZ; a relay or station does not.
pub fn bluetooth() -> Check {
    let adapters = std::fs::read_dir("/sys/class/bluetooth")
        .map(|found| found.flatten().count())
        .unwrap_or(0);
    if adapters == 0 {
        return note(
            "bluetooth",
            "no adapter",
            "Only a hub needs one: plug it in.",
        );
    }
    if blocked(Path::new("/sys/class/rfkill")) {
        return problem(
            "bluetooth",
            "the adapter is switched off",
            "Switch it on: rfkill unblock bluetooth",
        );
    }
    if !Path::new("/run/dbus/system_bus_socket").exists() {
        return note(
            "bluetooth",
            "an adapter, and no D-Bus",
            "A hub needs it: apt install dbus bluez, and start both.",
        );
    }
    match bluez() {
        Some(false) => note(
            "bluetooth",
            "an adapter, and BlueZ does not run",
            "A hub needs it: apt install bluez, then systemctl enable --now bluetooth",
        ),
        Some(true) => fine("bluetooth", format!("{adapters} adapter, and BlueZ runs")),
        None => note(
            "bluetooth",
            format!("{adapters} adapter; cannot tell whether BlueZ runs"),
            "Look with: systemctl status bluetooth",
        ),
    }
}

/// Whether BlueZ has its name on the system's bus; nothing when nobody can be asked.
fn bluez() -> Option<bool> {
    let asked = Command::new("dbus-send")
        .args([
            "--system",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.bluez",
        ])
        .output()
        .ok()
        .filter(|out| out.status.success())?;
    Some(String::from_utf8_lossy(&asked.stdout).contains("boolean true"))
}

/// Whether every Bluetooth switch of the kernel is off, by software or by hand.
fn blocked(switches: &Path) -> bool {
    let is = |folder: &PathBuf, file: &str, wanted: &str| {
        std::fs::read_to_string(folder.join(file)).is_ok_and(|text| text.trim() == wanted)
    };
    let found = std::fs::read_dir(switches).into_iter().flatten().flatten();
    let ours: Vec<PathBuf> = found
        .map(|entry| entry.path())
        .filter(|folder| is(folder, "type", "bluetooth"))
        .collect();
    !ours.is_empty()
        && ours
            .iter()
            .all(|folder| is(folder, "soft", "1") || is(folder, "hard", "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switched_off_adapter_is_told_from_one_that_is_on() {
        let folder = tempfile::tempdir().unwrap();
        let switch = |name: &str, kind: &str, soft: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            for (file, text) in [("type", kind), ("soft", soft), ("hard", "0")] {
                std::fs::write(path.join(file), format!("{text}\n")).unwrap();
            }
        };
        assert!(!blocked(folder.path()), "no switch blocks nothing");
        switch("rfkill0", "wlan", "1");
        assert!(!blocked(folder.path()));
        switch("rfkill1", "bluetooth", "1");
        assert!(blocked(folder.path()));
        switch("rfkill2", "bluetooth", "0");
        assert!(!blocked(folder.path()));
    }
}

//! A relay as a process of its own: this test program, started again for its one ignored test, which does what
//! `teleward relay` does. It ends with its parent.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use clap::{Args as _, FromArgMatches as _};
use teleward_relay as relay;
use wire::PublicKey;

const FOLDER: &str = "TELEWARD_TEST_RELAY_FOLDER";

/// A running relay.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    pub receipt: PublicKey,
    _parent_lives: ChildStdin,
}

impl Process {
    /// Starts a relay on `folder/relay`, logging everything to `folder/log`, and waits until it listens.
    pub fn start(folder: &Path) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "relay_process", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .find_map(|line| {
                let line = line.unwrap();
                line.find('{').map(|at| line[at..].to_owned())
            })
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let url = ready["relay"].as_str().unwrap();
        Self {
            address: url.strip_prefix("http://").unwrap().parse().unwrap(),
            receipt: serde_json::from_value(ready["receipt"].clone()).unwrap(),
            _parent_lives: child.stdin.take().unwrap(),
            child,
        }
    }

    /// SIGKILL, and the wait until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// What of `needles` stands anywhere in the process's memory, which is what a core dump would hold.
    pub fn memory_holds(&self, needles: &[Vec<u8>]) -> Vec<bool> {
        use std::os::unix::fs::FileExt as _;
        let id = self.child.id();
        let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
        let memory = std::fs::File::open(format!("/proc/{id}/mem")).unwrap();
        let mut found = vec![false; needles.len()];
        for map in maps.lines() {
            let mut words = map.split_whitespace();
            let (from, to) = words.next().unwrap().split_once('-').unwrap();
            if !words.next().unwrap().starts_with('r') || map.contains("[v") {
                continue;
            }
            let (from, to) = (hex(from), hex(to));
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            // a region may go while we look: it runs on
            if memory.read_exact_at(&mut bytes, from).is_err() {
                continue;
            }
            mark(&bytes, needles, &mut found);
        }
        found
    }
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

/// Marks each needle that stands in `bytes`.
pub fn mark(bytes: &[u8], needles: &[Vec<u8>], found: &mut [bool]) {
    let mut starts = [const { Vec::new() }; 256];
    for (at, needle) in needles.iter().enumerate() {
        starts[usize::from(needle[0])].push(at);
    }
    for (offset, first) in bytes.iter().enumerate() {
        for at in &starts[usize::from(*first)] {
            if bytes[offset..].starts_with(&needles[*at]) {
                found[*at] = true;
            }
        }
    }
}

/// The child's side: the relay of the command line, until the parent ends.
pub async fn run() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return; // somebody ran the ignored tests by hand
    };
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        let _ended = std::io::stdin().read_to_end(&mut nothing);
        std::process::exit(0);
    });
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .init();
    let dir = Path::new(&folder).join("relay");
    let words = [
        "relay",
        "--json",
        "--dir",
        dir.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--requests-per-second",
        "100000",
        "--burst",
        "100000",
        "--quota-per-day",
        "1000000",
    ];
    let command = relay::command::Args::augment_args(clap::Command::new("relay"));
    let matches = command.try_get_matches_from(words).unwrap();
    let args = relay::command::Args::from_arg_matches(&matches).unwrap();
    relay::command::run(args).await.unwrap();
}

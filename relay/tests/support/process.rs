//! A relay as a process of its own: this test program, started again for its one ignored test, which does what
//! `teleward relay` does. It ends with its parent.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use clap::{Args as _, FromArgMatches as _};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
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
        Self::start_holding(folder, "")
    }

    /// The same, with a text in its memory that has no business there.
    pub fn start_holding(folder: &Path, text: &str) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "relay_process", "--nocapture"])
            .env(FOLDER, folder)
            .env("TELEWARD_TEST_HELD", text)
            // a core dump goes there
            .current_dir(folder)
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

    /// Its core dump, which ends it: everything but what it mapped from files and did not change (core(5)). By the kernel,
    /// or by gdb's `gcore` where the kernel hands its dumps to some other program.
    pub fn core_dump(self, folder: &Path) -> Vec<u8> {
        let id = self.child.id();
        std::fs::write(format!("/proc/{id}/coredump_filter"), "0x7b").unwrap();
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        if pattern.contains(['|', '/']) {
            let (prefix, pid) = (folder.join("core"), id.to_string());
            let made = Command::new("gcore")
                .arg("-o")
                .args([prefix.as_os_str(), pid.as_ref()])
                .output()
                .unwrap_or_else(|error| panic!("a core dump needs `gcore`, of gdb: {error}"));
            assert!(made.status.success(), "gcore: {made:?}");
            self.kill();
        } else {
            self.abort();
        }
        let dumps = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
        let mut dumps = dumps.filter(|file| file.file_name().to_string_lossy().starts_with("core"));
        let dump = std::fs::read(dumps.next().unwrap().path()).unwrap();
        assert!(dump.starts_with(b"\x7fELF"), "a core dump is an ELF file");
        dump
    }

    /// SIGABRT, with leave to write a core dump of any size.
    fn abort(mut self) {
        let hard = getrlimit(Resource::Core).maximum;
        assert_ne!(hard, Some(0), "core dumps are forbidden here: ulimit -Hc");
        let all = Rlimit {
            current: hard,
            maximum: hard,
        };
        let pid = Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Core, all).unwrap();
        kill_process(pid, Signal::ABORT).unwrap();
        assert!(self.child.wait().unwrap().core_dumped(), "no core dump");
    }
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

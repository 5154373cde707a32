//! `teleward hub look` and `hub pair` as a person meets them: at a terminal of their own, with a scripted radio in the place of
//! the machine's Bluetooth. The program is this test's own, run again: from the words of its command line to its exit status
//! it is what `main` runs.

mod screen;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use clap::FromArgMatches as _;
use device::{
    Attribute, DeviceHandle, PairingPrompt as _, PasskeyQuestion, Radio, RadioEvents, RadioFault,
    RadioState, Script, ScriptedRadio, Uuid,
};
use tempfile::TempDir;

use self::screen::Terminal;
use super::digits::Digits;
use super::radio::Radios;
use crate::exit::Done;
use crate::{Cli, Command as Asked};

/// The words of the command line, one a line, in the program that is run again.
const INSIDE: &str = "TELEWARD_TEST_HUB";
/// The test that is the program, there.
const PROGRAM: &str = "hub::at_terminal::a_look_shows_what_is_near_with_the_steps_of_each_model";
/// What the device shows.
const SHOWN: &str = "482913";
const QUESTION: &str = "Type the six digits that the device shows, and press Enter:";
/// Its end: what is typed from now on stands on a line of its own.
const ASKED: &str = "press Enter:\r\n";
/// What moves on the screen: one of these after the other.
const MOVES: fn(char) -> bool = |c| ('\u{2800}'..='\u{28ff}').contains(&c);
/// How long a device waits for its digits that nobody types, when it is told to.
const GIVES_UP: Duration = Duration::from_millis(500);

/// Two models that pair in ways of their own.
const NEAR: &str = r#"{"devices": [
    {"device": "cuff-1", "name": "A&D_UA-651BLE_1", "address": "c4c4c4c4c4c4"},
    {"device": "meter-1", "name": "meter+00123", "address": "d4d4d4d4d4d4", "services": ["1808"], "measurements": ["1808/2a18"]}]}"#;
/// A cuff that gives nothing before it is paired.
const CUFF: &str = r#"{"devices": [
    {"device": "cuff-1", "name": "Virtual Cuff", "address": "c4c4c4c4c4c4", "needs_pairing": true,
     "values": {"180a/2a29": "4163746d65", "180a/2a24": "4250", "180a/2a25": "303132333435"},
     "frames": [{"bytes": "1480005200610042000000"}]}]}"#;

/// A scripted radio whose devices show six digits.
struct Scripted;

#[async_trait(?Send)]
impl Radios for Scripted {
    async fn open(&self, digits: &Arc<Digits>) -> Result<Arc<dyn Radio>> {
        let script = std::env::var(format!("{INSIDE}_SCRIPT"))?;
        let now = reading::Moment::from_ms(wire::Time::system().ms());
        Ok(Arc::new(ShowsDigits {
            radio: ScriptedRadio::new(Script::parse(&script)?, now)?,
            digits: Arc::clone(digits),
            gives_up: std::env::var_os(format!("{INSIDE}_GIVES_UP")).is_some(),
        }))
    }
}

struct ShowsDigits {
    radio: ScriptedRadio,
    digits: Arc<Digits>,
    gives_up: bool,
}

#[async_trait]
impl Radio for ShowsDigits {
    /// As BlueZ pairs: the agent asks, the digits are compared, a question that waits too long is taken back.
    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let question = self.digits.ask(PasskeyQuestion::Type(device.clone()));
        let patience = if self.gives_up {
            GIVES_UP
        } else {
            screen::PATIENCE
        };
        let Ok(typed) = tokio::time::timeout(patience, question).await else {
            self.digits.cancel();
            return Err(RadioFault::PairingTimeout);
        };
        if typed != SHOWN.parse().ok() {
            return Err(RadioFault::PasskeyWrong);
        }
        self.radio.pair(device).await
    }

    async fn state(&self) -> RadioState {
        self.radio.state().await
    }
    fn events(&self) -> RadioEvents {
        self.radio.events()
    }
    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        self.radio.start_scan(services).await
    }
    async fn stop_scan(&self) -> Result<(), RadioFault> {
        self.radio.stop_scan().await
    }
    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.connect(device).await
    }
    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.radio.discover(device).await
    }
    async fn subscribe(&self, device: &DeviceHandle, at: Attribute) -> Result<(), RadioFault> {
        self.radio.subscribe(device, at).await
    }
    async fn read(&self, device: &DeviceHandle, at: Attribute) -> Result<Vec<u8>, RadioFault> {
        self.radio.read(device, at).await
    }
    async fn write(
        &self,
        device: &DeviceHandle,
        at: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.radio.write(device, at, bytes).await
    }
    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_bonded(device).await
    }
    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_connected(device).await
    }
    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.disconnect(device).await
    }
    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.forget(device).await
    }
}

/// From the words on the command line to the exit status.
fn be_the_program(words: &str) -> ! {
    let words = ["teleward", "hub"].into_iter().chain(words.lines());
    let cli = Cli::from_arg_matches(&crate::definition().get_matches_from(words));
    let Asked::Hub(args) = cli.unwrap().command else {
        panic!("a hub's words")
    };
    crate::begin();
    let done = crate::told(super::run_with(args, &Scripted));
    std::process::exit(i32::from(done == Done::Wrong))
}

/// A hub's folder, and the program with it.
struct Hub {
    folder: TempDir,
    script: &'static str,
}

impl Hub {
    fn new(script: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, script }
    }

    fn program(&self, words: &[&str]) -> Command {
        let dir = self.folder.path().to_str().unwrap();
        let words: Vec<&str> = words.iter().copied().chain(["--dir", dir]).collect();
        let mut program = Command::new(std::env::current_exe().unwrap());
        program
            // With one thread the harness would name the test first, on the same line.
            .args(["--exact", PROGRAM, "--nocapture", "--test-threads=2"])
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("TELEWARD_LOG")
            .env(INSIDE, words.join("\n"))
            .env(format!("{INSIDE}_SCRIPT"), self.script);
        program
    }

    fn terminal(&self, words: &[&str]) -> Terminal {
        Terminal::start(&self.program(words))
    }
}

/// What the program itself wrote: behind what its test harness says first.
fn own(lines: &[String]) -> &[String] {
    let begins = lines.iter().position(|line| line == "running 1 test");
    &lines[begins.map_or(0, |at| at + 1)..]
}

/// Nothing moves there any more, and nothing that did is left.
fn is_clean(terminal: &Terminal) {
    let lines = terminal.screen();
    for line in &lines {
        let left = line.contains(MOVES) || line.contains("looking");
        assert!(!left, "left behind: {lines:?}");
    }
    assert!(terminal.written.contains(MOVES), "nothing ever moved");
    assert!(terminal.is_as_before(), "{lines:?}");
}

/// REQ-HUB-004: a look lists what is near, each with the steps that its model wants, and leaves nothing else on the screen.
#[test]
fn a_look_shows_what_is_near_with_the_steps_of_each_model() {
    if let Ok(words) = std::env::var(INSIDE) {
        be_the_program(&words);
    }
    let hub = Hub::new(NEAR);
    let mut terminal = hub.terminal(&["look", "--seconds", "1"]);
    assert!(terminal.end().success(), "{:?}", terminal.screen());
    let lines = terminal.screen();
    let after = |name: &str| {
        let at = lines.iter().position(|line| line.contains(name));
        let steps = lines[at.expect(name) + 1..].iter();
        let steps = steps.take_while(|line| line.starts_with("    "));
        steps.map(|line| line.trim()).collect::<Vec<_>>()
    };
    assert_eq!(
        after("A&D_UA-651BLE_1, blood pressure cuff, not paired"),
        ["Hold the START button until Pr stands in the display."]
    );
    let meter = after("meter+00123");
    assert_eq!(meter[0], "Measure once before you pair.");
    let code = "It shows a code of 6 digits. Type it when you are asked.";
    assert!(meter.contains(&code), "{meter:?}");
    assert!(lines.contains(&"Next: `teleward hub pair --device ID`.".to_owned()));
    is_clean(&terminal);
}

/// REQ-HUB-005: a device's six digits are asked for at the terminal of `hub pair`, typed there unharmed by what moves on it, and
/// pair the device, by the command itself and by the hub in service. They are in no output but as they are typed.
#[test]
fn the_six_digits_are_asked_for_and_pair_the_device() {
    for in_service in [false, true] {
        let hub = Hub::new(CUFF);
        let service = in_service.then(|| Service::start(&hub));
        let mut terminal = hub.terminal(&["pair"]);
        terminal.wait(ASKED, 1);
        terminal.press("482 913\r");
        assert!(terminal.end().success(), "{:?}", terminal.screen());
        let lines = terminal.screen();
        let own: Vec<&String> = own(&lines).iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(own[..2], [QUESTION, "482 913"]);
        assert!(
            own[2].starts_with("Paired with Virtual Cuff ("),
            "{lines:?}"
        );
        assert_eq!(own.len(), 3, "{lines:?}");
        is_clean(&terminal);
        if let Some(service) = service {
            let told = service.end();
            assert!(told.contains("digits, wanted true"), "{told}");
            assert!(!told.contains(SHOWN) && !told.contains("482 913"), "{told}");
        }
    }
}

/// REQ-HUB-006: what is no six digits is told as such and asked for again; other digits than the device's end the pairing with
/// what to do next.
#[test]
fn a_wrong_entry_is_told_in_words() {
    for in_service in [false, true] {
        let hub = Hub::new(CUFF);
        let service = in_service.then(|| Service::start(&hub));
        let mut terminal = hub.terminal(&["pair"]);
        terminal.wait(ASKED, 1);
        terminal.press("12345\r");
        terminal.wait("\ntype the six digits that the device shows\r", 1);
        terminal.wait(ASKED, 2);
        terminal.press("111111\r");
        assert_eq!(terminal.end().code(), Some(1));
        let why = "error: The digits did not match. Try again with the digits that the device shows now. (passkey_wrong)";
        let lines = terminal.screen().concat();
        assert!(lines.contains(why), "{lines}");
        is_clean(&terminal);
        if let Some(service) = service {
            service.end();
        }
    }
}

/// REQ-HUB-007: Ctrl-C while something moves or is asked, Ctrl-D at the question, and a device that waits no more each end the
/// command with a word, and leave the terminal as it was.
#[test]
fn whoever_ends_it_has_their_terminal_back() {
    let stopped = "error: you ended it with Ctrl-C before it was done";
    for (words, at, keys, told) in [
        (["look", "--seconds=60"], "looking around", "\u{3}", stopped),
        (["pair", "--seconds=60"], ASKED, "\u{3}", stopped),
        (
            ["pair", "--seconds=60"],
            ASKED,
            "\u{4}",
            "error: no digits were typed: start again with `teleward hub pair`",
        ),
    ] {
        let hub = Hub::new(CUFF);
        let mut terminal = hub.terminal(&words);
        terminal.wait(at, 1);
        terminal.press(keys);
        assert_eq!(terminal.end().code(), Some(1), "{:?}", terminal.screen());
        let lines = terminal.screen();
        assert!(lines.iter().any(|line| line.ends_with(told)), "{lines:?}");
        is_clean(&terminal);
    }
    let hub = Hub::new(CUFF);
    let mut program = hub.program(&["pair"]);
    program.env(format!("{INSIDE}_GIVES_UP"), "1");
    let mut terminal = Terminal::start(&program);
    terminal.wait(ASKED, 1);
    assert_eq!(terminal.end().code(), Some(1));
    let lines = terminal.screen().concat();
    assert!(lines.contains("(pairing_timeout)"), "{lines}");
    is_clean(&terminal);
}

/// REQ-HUB-008: what is no terminal gets the answer, or the reason in words, and nothing that moves or is coloured; a terminal
/// gets no colours where NO_COLOR says so.
#[test]
fn what_is_no_terminal_gets_the_answer_alone() {
    let run = |program: &mut Command| {
        let output = program.stdin(Stdio::null()).env("TELEWARD_LOG", "debug");
        let Output {
            status,
            stdout,
            stderr,
        } = output.output().unwrap();
        let (out, err) = (
            String::from_utf8(stdout).unwrap(),
            String::from_utf8(stderr).unwrap(),
        );
        for text in [&out, &err] {
            assert!(!text.contains('\u{1b}') && !text.contains(MOVES), "{text}");
        }
        let lines: Vec<String> = out.lines().map(str::to_owned).collect();
        (status.code(), own(&lines).join("\n"), err)
    };
    let (near, cuff) = (Hub::new(NEAR), Hub::new(CUFF));
    let (code, out, err) = run(&mut near.program(&["look", "--seconds=1", "--json"]));
    assert_eq!(code, Some(0), "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
    assert_eq!(found["found"].as_array().map(Vec::len), Some(2));

    let mut pair = cuff.program(&["pair"]);
    let (code, out, err) = run(pair.env(format!("{INSIDE}_GIVES_UP"), "1"));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    for told in ["there is no terminal to type them at", "(pairing_timeout)"] {
        assert!(err.contains(told), "{err}");
    }

    let coloured = |written: &str| {
        let of_codes = |c: char| c.is_ascii_digit() || c == ';';
        let mut codes = written.split("\u{1b}[").skip(1);
        codes.any(|code| code.trim_start_matches(of_codes).starts_with('m'))
    };
    assert!(coloured("\u{1b}[1;31mred"), "(negative)");
    for words in [["look", "--seconds=1"], ["look", "--seconds=0"]] {
        let mut program = near.program(&words);
        let mut terminal = Terminal::start(program.env("NO_COLOR", "1"));
        terminal.end();
        assert!(!coloured(&terminal.written), "{:?}", terminal.written);
    }
}

/// The hub in service, beside.
struct Service(Child, BufReader<std::process::ChildStdout>);

impl Service {
    fn start(hub: &Hub) -> Self {
        let mut program = hub.program(&["run"]);
        let program = program.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("in_service") {
            line.clear();
            assert_ne!(
                out.read_line(&mut line).unwrap(),
                0,
                "it is never in service"
            );
        }
        Self(child, out)
    }

    /// Ends it as a system does; gives back what it said.
    fn end(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let told = std::io::read_to_string(&mut self.1).unwrap();
        assert!(self.0.wait().unwrap().success());
        told
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

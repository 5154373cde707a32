//! The person at the terminal of a command: types digits when a device shows some, and ends what takes too long.
//!
//! In: whether digits are wanted, by this process or by the hub in service, and the keys. Out: what was typed, or why the
//! command ends. The terminal stays as it is: lines are typed as everywhere, and what moves on it stands aside meanwhile.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use indicatif::ProgressBar;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::ask::{self, Ask};
use super::digits::Digits;
use crate::progress::Aside;

/// How often a pairing's terminal looks whether the hub in service wants digits.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Ctrl-C, from when it is made on: none of it is lost between two waits.
pub struct CtrlC(Signal);

impl CtrlC {
    /// Listens.
    pub fn listen() -> Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?))
    }

    /// Waits for it, and gives back what a person is told.
    pub async fn pressed(&mut self) -> Error {
        match self.0.recv().await {
            Some(()) => anyhow!("you ended it with Ctrl-C before it was done"),
            // Only of a runtime that ends.
            None => std::future::pending().await,
        }
    }
}

/// A line of standard input.
///
/// # Errors
/// When there is none.
pub fn typed() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// Asks the person at this terminal whenever the hub in service wants digits. It ends only when the person gives up: else
/// the pairing ends.
pub async fn asked_by_the_service(dir: &Path, doing: &Ask, bar: Option<&ProgressBar>) -> Error {
    if !matches!(doing, Ask::Pair { .. }) || !std::io::stdin().is_terminal() {
        return std::future::pending().await;
    }
    let mut person = AtTerminal::new(bar);
    loop {
        service_wants(dir, true).await;
        let typed = tokio::select! {
            typed = person.digits() => typed,
            () = service_wants(dir, false) => {
                person.told(VOID);
                continue;
            }
        };
        let Some(typed) = typed else {
            return gave_up();
        };
        // A hub that has gone away ends the pairing, and its answer says so.
        if let Err(error) = ask::in_service(dir, &Ask::Digits { typed }).await {
            person.told(&format!("{error:#}"));
        }
    }
}

/// Waits until the hub in service wants digits, or wants none.
async fn service_wants(dir: &Path, wanted: bool) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let state = ask::in_service(dir, &Ask::AreDigitsWanted).await;
        if state.is_ok_and(|state| state.is_some_and(|state| state["wanted"] == wanted)) {
            return;
        }
    }
}

/// The same where this process pairs itself.
pub async fn asked_here(digits: &Digits, bar: Option<&ProgressBar>) -> Error {
    let mut wanted = digits.wanted();
    let mut person = AtTerminal::new(bar);
    loop {
        becomes(&mut wanted, true).await;
        if !std::io::stdin().is_terminal() {
            person.told(NOBODY);
            return std::future::pending().await;
        }
        let typed = tokio::select! {
            typed = person.digits() => typed,
            () = becomes(&mut wanted, false) => {
                person.told(VOID);
                continue;
            }
        };
        let Some(typed) = typed else {
            return gave_up();
        };
        if let Err(error) = digits.answer(&typed) {
            person.told(&format!("{error:#}"));
        }
    }
}

/// Waits until digits are wanted, or none are.
async fn becomes(wanted: &mut watch::Receiver<bool>, is: bool) {
    if wanted.wait_for(|wanted| *wanted == is).await.is_err() {
        // Nobody asks any more.
        std::future::pending().await
    }
}

const VOID: &str = "The device does not wait for digits any more.";
const NOBODY: &str = "The device shows six digits, and there is no terminal to type them at. Run `teleward hub pair` at one, or \
    put the hub in service (`teleward hub run`) and type them with `teleward hub digits`.";

fn gave_up() -> Error {
    anyhow!("no digits were typed: start again with `teleward hub pair`")
}

/// Whoever sits there, and what moves on the screen.
struct AtTerminal<'a> {
    bar: Option<&'a ProgressBar>,
    /// From the first question on.
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl<'a> AtTerminal<'a> {
    fn new(bar: Option<&'a ProgressBar>) -> Self {
        Self { bar, lines: None }
    }

    /// Tells something, and leaves nothing of what moves above it.
    fn told(&self, words: &str) {
        let _aside = self.bar.map(Aside::of);
        say(words);
    }

    /// What a person types when asked; nothing when they end the input (Ctrl-D).
    async fn digits(&mut self) -> Option<String> {
        let _aside = self.bar.map(Aside::of);
        let lines = self.lines.get_or_insert_with(lines);
        // What was typed before the question is no answer to it.
        while lines.try_recv().is_ok() {}
        say("Type the six digits that the device shows, and press Enter:");
        lines.recv().await
    }
}

/// The lines of standard input. One thread of its own for all questions: a terminal cannot be read without blocking, and a
/// reader that was left behind would take the next answer.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (out, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if out.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// On standard error, apart from what stands above.
#[expect(clippy::print_stderr, reason = "a word to the person at the terminal")]
fn say(words: &str) {
    eprintln!("\n{words}");
}

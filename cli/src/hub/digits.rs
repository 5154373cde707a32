//! The six digits of a pairing: a device shows them, and a person types them at the hub.
//!
//! In: BlueZ's question, by the radio's [`PairingPrompt`]. Out: a question that stands until it is answered
//! (`teleward hub digits`, or [`super::terminal`]), void, or too late. The digits are in no output.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use device::{PairingPrompt, PasskeyQuestion};
use tokio::sync::{oneshot, watch};

/// What a person at a hub is asked.
pub struct Digits {
    /// Where the answer goes.
    open: Mutex<Option<oneshot::Sender<u32>>>,
    /// Whether digits are wanted.
    wanted: watch::Sender<bool>,
}

impl Digits {
    /// Nothing is asked.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            wanted: watch::Sender::new(false),
        })
    }

    /// Whether digits are wanted, now and whenever that changes.
    pub fn wanted(&self) -> watch::Receiver<bool> {
        self.wanted.subscribe()
    }

    /// Hands a person's digits to whoever asked.
    ///
    /// # Errors
    /// When nobody asks, or these are no six digits.
    pub fn answer(&self, typed: &str) -> Result<()> {
        let digits = read(typed)?;
        let asker = self
            .lock()
            .take()
            .context("no device asks for digits right now: start with `teleward hub pair`")?;
        self.wanted.send_replace(false);
        asker
            .send(digits)
            .ok()
            .context("it took too long: try to pair again")
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<u32>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Six digits, as a device shows them: perhaps with a space in the middle.
pub fn read(typed: &str) -> Result<u32> {
    let digits: String = typed.chars().filter(|one| !one.is_whitespace()).collect();
    let six = digits.len() == 6 && digits.bytes().all(|one| one.is_ascii_digit());
    ensure!(six, "type the six digits that the device shows");
    digits
        .parse()
        .context("type the six digits that the device shows")
}

#[async_trait]
impl PairingPrompt for Digits {
    /// A hub has keys, by a terminal, and shows nothing: a device that has no digits pairs without.
    fn capability(&self) -> &'static str {
        "KeyboardOnly"
    }

    async fn ask(&self, question: PasskeyQuestion) -> Option<u32> {
        // What only can be compared or shown was not offered, and is refused.
        let PasskeyQuestion::Type(_) = question else {
            return None;
        };
        let (asker, answer) = oneshot::channel();
        *self.lock() = Some(asker);
        self.wanted.send_replace(true);
        answer.await.ok()
    }

    fn cancel(&self) {
        *self.lock() = None;
        self.wanted.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use device::DeviceHandle;

    fn question() -> PasskeyQuestion {
        PasskeyQuestion::Type(DeviceHandle("meter".to_owned()))
    }

    /// REQ-DEVICE-150: the digits that a person types reach the device's question, once.
    #[tokio::test]
    async fn digits_reach_the_question() {
        let digits = Digits::new();
        let mut wanted = digits.wanted();
        let asked = tokio::spawn({
            let digits = Arc::clone(&digits);
            async move { digits.ask(question()).await }
        });
        wanted.wait_for(|wanted| *wanted).await.unwrap();
        digits.answer("048 291").unwrap();
        assert_eq!(asked.await.unwrap(), Some(48_291));
        assert!(!*wanted.borrow_and_update());
        let again = digits.answer("048291").unwrap_err();
        assert!(again.to_string().contains("no device asks"), "{again}");
    }

    /// REQ-DEVICE-150: a question that BlueZ takes back is over, and what cannot be typed is refused.
    #[tokio::test]
    async fn a_void_question_is_over() {
        let digits = Digits::new();
        let mut wanted = digits.wanted();
        let asked = tokio::spawn({
            let digits = Arc::clone(&digits);
            async move { digits.ask(question()).await }
        });
        wanted.wait_for(|wanted| *wanted).await.unwrap();
        digits.cancel();
        assert_eq!(asked.await.unwrap(), None);
        let compare = PasskeyQuestion::Compare(DeviceHandle("meter".to_owned()), 1);
        assert_eq!(digits.ask(compare).await, None);
    }

    /// REQ-DEVICE-150: six digits and nothing else, and an error repeats none of them.
    #[test]
    fn only_six_digits_are_digits() {
        assert_eq!(read(" 000007\n").unwrap(), 7);
        for typed in ["12345", "1234567", "12345a", "", "+12345", "１２３４５６"] {
            let error = read(typed).unwrap_err().to_string();
            assert!(!error.contains("1234"), "{error}");
        }
    }
}

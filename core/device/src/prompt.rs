//! How a person takes part in pairing, where digits are shown or typed.

use crate::radio::DeviceHandle;
use async_trait::async_trait;

/// How a person takes part in pairing.
#[async_trait]
pub trait PairingPrompt: Send + Sync {
    /// What can be shown and typed, in BlueZ's words: `NoInputNoOutput`, `KeyboardDisplay`, …
    fn capability(&self) -> &'static str {
        "KeyboardDisplay"
    }

    /// Asks for the six digits, or whether they are the same: any number is yes, `None` is no.
    async fn ask(&self, question: PasskeyQuestion) -> Option<u32>;

    /// The question is void.
    fn cancel(&self) {}
}

/// What a person is asked.
#[derive(Clone, PartialEq, Eq)]
pub enum PasskeyQuestion {
    /// Type the digits that the device shows.
    Type(DeviceHandle),
    /// Does the device show these digits?
    Compare(DeviceHandle, u32),
    /// Type these digits at the device; nothing to answer.
    Show(DeviceHandle, u32),
}

/// For a box without screen and keys: pairs with devices that need neither ("Just Works").
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentPrompt;

#[async_trait]
impl PairingPrompt for SilentPrompt {
    fn capability(&self) -> &'static str {
        "NoInputNoOutput"
    }

    async fn ask(&self, _question: PasskeyQuestion) -> Option<u32> {
        None
    }
}

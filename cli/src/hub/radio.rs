//! The real radio of a hub.

use std::sync::Arc;

use anyhow::{Context, Result};
use device::{BtleplugRadio, Radio, SilentPrompt};

/// The machine's Bluetooth. An adapter that is missing or off now may come later; without D-Bus and BlueZ there is none.
///
/// A hub has no screen and no keys: it pairs with devices that ask for neither.
pub async fn real() -> Result<Arc<dyn Radio>> {
    let radio = BtleplugRadio::new(Arc::new(SilentPrompt)).await;
    let radio =
        radio.context("Bluetooth cannot be used; `teleward doctor` says what is missing")?;
    Ok(Arc::new(radio))
}

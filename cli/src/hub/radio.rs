//! The real radio of a hub.

use std::sync::Arc;

use std::time::Duration;

use anyhow::{Context, Result};
use device::{BtleplugRadio, Radio};

use super::digits::Digits;

/// The machine's Bluetooth. An adapter that is missing or off now may come later; without D-Bus and BlueZ there is none.
/// Where a device wants its digits, a person is asked.
pub async fn real(digits: &Arc<Digits>) -> Result<Arc<dyn Radio>> {
    let radio = BtleplugRadio::new(Arc::<Digits>::clone(digits)).await;
    let radio =
        radio.context("Bluetooth cannot be used; `teleward doctor` says what is missing")?;
    Ok(Arc::new(radio))
}

/// A machine that starts may bring up the hub before D-Bus and BlueZ.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The machine's Bluetooth, as soon as there is one.
pub async fn comes(digits: &Arc<Digits>) -> Arc<dyn Radio> {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Ok(radio) = real(digits).await {
            return radio;
        }
    }
}

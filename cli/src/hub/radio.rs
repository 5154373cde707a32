//! Where a hub's radio comes from.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use device::{BtleplugRadio, Radio};

use super::digits::Digits;

/// What opens the radio of a hub.
#[async_trait(?Send)]
pub trait Radios {
    /// The radio. Where a device wants its digits, a person is asked by `digits`.
    async fn open(&self, digits: &Arc<Digits>) -> Result<Arc<dyn Radio>>;
}

/// The machine's Bluetooth. An adapter that is missing or off now may come later; without D-Bus and BlueZ there is none.
pub struct Bluetooth;

#[async_trait(?Send)]
impl Radios for Bluetooth {
    async fn open(&self, digits: &Arc<Digits>) -> Result<Arc<dyn Radio>> {
        let radio = BtleplugRadio::new(Arc::<Digits>::clone(digits)).await;
        let radio =
            radio.context("Bluetooth cannot be used; `teleward doctor` says what is missing")?;
        Ok(Arc::new(radio))
    }
}

/// A machine that starts may bring up the hub before D-Bus and BlueZ.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The radio, as soon as there is one.
pub async fn comes(radios: &dyn Radios, digits: &Arc<Digits>) -> Arc<dyn Radio> {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Ok(radio) = radios.open(digits).await {
            return radio;
        }
    }
}

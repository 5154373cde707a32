//! The real radio of a hub.

use std::sync::Arc;

use device::{BtleplugRadio, Radio, SilentPrompt};

/// The machine's Bluetooth; nothing where there is none, and then the hub still sends and collects.
///
/// A hub has no screen and no keys: it pairs with devices that ask for neither.
pub async fn real() -> Option<Arc<dyn Radio>> {
    match BtleplugRadio::new(Arc::new(SilentPrompt)).await {
        Ok(radio) => Some(Arc::new(radio)),
        Err(fault) => {
            tracing::warn!("no Bluetooth: {fault}; `teleward doctor` says more");
            None
        }
    }
}

//! Looking around: in short rounds, so that what is near shows at once and a look can be ended.

use super::Happening;
use device::{Advertisement, DeviceHandle, Radio, RadioFault, find_devices};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One round: long enough for a cuff that advertises twice a second.
const ROUND: Duration = Duration::from_secs(1);

/// Looks until a device is there, and gives the nearest that is not paired yet; else one that is and advertises.
pub(super) async fn nearest(
    radio: &dyn Radio,
    timeout: Duration,
    known: &[DeviceHandle],
) -> Result<Option<Advertisement>, RadioFault> {
    let end = Instant::now() + timeout;
    loop {
        let mut seen = find_devices(radio, ROUND, |_| {}).await?;
        seen.sort_by_key(|seen| (known.contains(&seen.device), std::cmp::Reverse(seen.rssi)));
        if let Some(nearest) = seen.into_iter().next() {
            return Ok(Some(nearest));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
    }
}

/// Looks for so long, or until told to stop, and tells after each round what was seen in all, the nearest first.
pub(super) async fn around(
    radio: &dyn Radio,
    timeout: Duration,
    mut stopped: impl FnMut() -> bool,
    to_us: &mpsc::Sender<Happening>,
) -> Result<(), RadioFault> {
    let end = Instant::now() + timeout;
    let mut all: Vec<Advertisement> = Vec::new();
    while Instant::now() < end && !stopped() {
        for new in find_devices(radio, ROUND, |_| {}).await? {
            match all.iter_mut().find(|known| known.device == new.device) {
                Some(known) => *known = new,
                None => all.push(new),
            }
        }
        all.sort_by_key(|seen| std::cmp::Reverse(seen.rssi));
        // The actor is gone only when everything is.
        let _closed = to_us.send(Happening::Near(all.clone())).await;
    }
    Ok(())
}

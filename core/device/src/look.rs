//! Looking around for devices of all families: one scan and one stream of events from the beginning to the end, however
//! often it is asked on the way what was seen so far.

use crate::family;
use crate::fault::RadioFault;
use crate::radio::{Advertisement, DeviceHandle, Radio, RadioEvent, RadioEvents};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// A radio that has not begun by then will not. It is asked again, in vain, for a few seconds before it says that it
/// cannot (see `scan`).
const BEGINS_WITHIN: Duration = Duration::from_secs(15);

/// A look around that goes on. Dropped without [`LookAround::end`], it leaves the scan to who shares the radio
/// ([`RadioView`](crate::RadioView)).
pub struct LookAround<'a> {
    radio: &'a dyn Radio,
    events: RadioEvents,
    seen: BTreeMap<DeviceHandle, Advertisement>,
}

impl<'a> LookAround<'a> {
    /// Begins to look.
    ///
    /// # Errors
    /// [`RadioFault`] when the radio cannot look; [`RadioFault::Timeout`] when it does not say.
    pub async fn begin(radio: &'a dyn Radio) -> Result<Self, RadioFault> {
        let begun = timeout(BEGINS_WITHIN, async {
            radio.state().await.usable()?;
            let events = radio.events();
            match radio.start_scan(&family::services()).await {
                Ok(()) | Err(RadioFault::Busy) => Ok(events),
                Err(fault) => Err(fault),
            }
        });
        Ok(Self {
            radio,
            events: begun.await.unwrap_or(Err(RadioFault::Timeout))?,
            seen: BTreeMap::new(),
        })
    }

    /// Looks on until then; tells each device once, and again when it says more about itself.
    ///
    /// # Errors
    /// [`RadioFault`] when the radio can no longer look.
    pub async fn until(
        &mut self,
        end: Instant,
        mut found: impl FnMut(&Advertisement) + Send,
    ) -> Result<(), RadioFault> {
        loop {
            let event = tokio::select! {
                // What was received is taken before it is asked for.
                biased;
                event = self.events.next() => event.ok_or(RadioFault::Missing)?,
                () = sleep_until(end) => return Ok(()),
            };
            match event {
                RadioEvent::Seen(new) if family::of(&new.services).is_some() => {
                    let known = self.seen.get(&new.device);
                    if known.is_none_or(|old| old.name != new.name) {
                        found(&new);
                    }
                    self.seen.insert(new.device.clone(), new);
                }
                RadioEvent::State(state) => state.usable()?,
                _ => {}
            }
        }
    }

    /// What was seen so far, each device as it showed itself last.
    pub fn seen(&self) -> impl Iterator<Item = &Advertisement> {
        self.seen.values()
    }

    /// Stops looking.
    ///
    /// # Errors
    /// [`RadioFault`] when the radio went meanwhile. One that merely does not stop properly is no fault of the look.
    pub async fn end(self) -> Result<(), RadioFault> {
        match self.radio.stop_scan().await {
            Err(fault @ (RadioFault::Off | RadioFault::Missing)) => Err(fault),
            _ => Ok(()),
        }
    }
}

/// Looks for devices of all families for a while and tells each one once, and again when it says more about itself; returns
/// all of them.
///
/// # Errors
/// [`RadioFault`] when the radio cannot look.
pub async fn find_devices(
    radio: &dyn Radio,
    period: Duration,
    found: impl FnMut(&Advertisement) + Send,
) -> Result<Vec<Advertisement>, RadioFault> {
    let mut look = LookAround::begin(radio).await?;
    let looked = look.until(Instant::now() + period, found).await;
    let seen = look.seen().cloned().collect();
    let ended = look.end().await;
    looked.and(ended).map(|()| seen)
}

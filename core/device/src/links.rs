//! Which links are up, as far as a radio knows; the end of each is told once, by whoever notices it first.

use crate::fault::RadioFault;
use crate::radio::{DeviceHandle, Fanout, RadioEvent};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone, Copy, PartialEq, Eq)]
enum LinkState {
    /// Being made: it may come up and break again before the call to connect returns.
    Connecting,
    Up,
}

/// The links that are being made or up.
pub(crate) struct Links {
    states: Mutex<HashMap<DeviceHandle, LinkState>>,
    events: Fanout,
}

impl Links {
    pub(crate) fn new(events: Fanout) -> Self {
        Self {
            states: Mutex::default(),
            events,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceHandle, LinkState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link is being made: from here on its end is told, even when it breaks before the call returns.
    pub(crate) fn begin(&self, device: &DeviceHandle) {
        self.lock().insert(device.clone(), LinkState::Connecting);
    }

    /// The call to connect has worked; `false` when the link's end was told already.
    pub(crate) fn came_up(&self, device: &DeviceHandle) -> bool {
        let mut states = self.lock();
        let state = states.get_mut(device);
        state.map(|state| *state = LinkState::Up).is_some()
    }

    /// The call to connect has failed, and its answer says so: nothing more is told of this link. One that was up before
    /// the call still is.
    pub(crate) fn failed(&self, device: &DeviceHandle) {
        let mut states = self.lock();
        if states.get(device) == Some(&LinkState::Connecting) {
            states.remove(device);
        }
    }

    /// A link has ended.
    pub(crate) fn ended(&self, device: &DeviceHandle) {
        if self.lock().remove(device).is_some() {
            self.events.send(&RadioEvent::Disconnected(device.clone()));
        }
    }

    /// Whether this link is being made or up.
    pub(crate) fn is_known(&self, device: &DeviceHandle) -> bool {
        self.lock().contains_key(device)
    }

    /// For a call that makes sense over a link only: without one a platform may never answer.
    pub(crate) fn require(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let known = self.is_known(device);
        known.then_some(()).ok_or(RadioFault::NotConnected)
    }

    /// The devices whose links are being made or up.
    pub(crate) fn known(&self) -> Vec<DeviceHandle> {
        self.lock().keys().cloned().collect()
    }

    /// The devices whose links are up.
    #[cfg(feature = "btleplug")]
    pub(crate) fn up(&self) -> Vec<DeviceHandle> {
        let states = self.lock();
        let up = states.iter().filter(|(_, state)| **state == LinkState::Up);
        up.map(|(device, _)| device.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEVICE-020: the end of a link is told once, whoever notices it, and never that of a link that is over.
    #[test]
    fn the_end_of_a_link_is_told_once() {
        let events = Fanout::default();
        let mut heard = events.listen();
        let links = Links::new(events);
        let cuff = DeviceHandle("cuff".to_owned());
        links.ended(&cuff);
        assert_eq!(heard.try_next(), None, "there was no link");
        links.begin(&cuff);
        assert!(links.came_up(&cuff));
        assert_eq!(links.known(), std::slice::from_ref(&cuff));
        links.failed(&cuff);
        assert!(links.is_known(&cuff), "it was up before");
        links.ended(&cuff);
        links.ended(&cuff);
        assert_eq!(
            heard.try_next(),
            Some(RadioEvent::Disconnected(cuff.clone()))
        );
        assert_eq!(heard.try_next(), None, "told twice");
        links.begin(&cuff);
        links.ended(&cuff);
        assert!(heard.try_next().is_some(), "broken while it was being made");
        assert!(!links.came_up(&cuff), "its end was told already");
        links.begin(&cuff);
        links.failed(&cuff);
        links.ended(&cuff);
        assert_eq!(heard.try_next(), None, "the answer said so");
        assert!(links.known().is_empty());
    }
}

//! Characteristics, as BlueZ has them: an honest list, subscriptions, and values. A value is a change of the property `Value`
//! and is heard on the connection that carries our calls and the news of links: it never falls behind the end of its link.
//!
//! BlueZ confirms an indication whether or not anybody listens, and tells of it only while some program is subscribed
//! (5.66, `src/shared/gatt-client.c`, `notify_cb`). A cuff that keeps its subscription with the bond sends as soon as the link
//! is encrypted: within `Connect`, when it is too late to subscribe. So it is subscribed to before the link is made
//! ([`Bluez::subscribe_first`]): `StartNotify` works on a device without a link, and counts from the moment in which
//! BlueZ takes up the channel, before it reads anything from it (`src/gatt-client.c`, `btd_gatt_client_connected`).
//!
//! It is done before each link anew. A subscription outlives a link; but one whose write to the device is under way when
//! the link breaks is dropped without a word (`register_notify_cb`).

use super::{Bluez, PAIR_TIMEOUT, TIMEOUT, fault, path};
use crate::family;
use crate::fault::RadioFault;
use crate::radio::{Attribute, DeviceHandle, Fanout, RadioEvent};
use crate::uuid::Uuid;
use dbus::arg::{PropMap, prop_cast};
use dbus::nonblock::stdintf::org_freedesktop_dbus::ObjectManager as _;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const GATT_SERVICE: &str = "org.bluez.GattService1";

/// What we are subscribed to, by object path.
pub(super) struct Values {
    sources: Mutex<HashMap<String, (DeviceHandle, Attribute)>>,
    events: Fanout,
}

impl Values {
    pub(super) fn new(events: Fanout) -> Self {
        Self {
            sources: Mutex::default(),
            events,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (DeviceHandle, Attribute)>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Properties of the characteristic at this path changed.
    pub(super) fn take(&self, object: &str, changed: &PropMap) {
        let source = self.lock().get(object).cloned();
        let value = prop_cast::<Vec<u8>>(changed, "Value");
        if let (Some((device, attribute)), Some(bytes)) = (source, value) {
            self.events.send(&RadioEvent::Value {
                device,
                attribute,
                bytes: bytes.clone(),
            });
        }
    }

    /// The device at this path was removed.
    pub(super) fn removed(&self, device: &str) {
        self.lock().retain(|object, _| !is_below(object, device));
    }
}

fn is_below(object: &str, device: &str) -> bool {
    object
        .strip_prefix(device)
        .is_some_and(|rest| rest.starts_with('/'))
}

impl Bluez {
    /// All characteristics of a device, duplicates and all. Those of a bonded one are known without a link, once BlueZ has
    /// had one with it.
    pub(crate) async fn attributes(&self, id: &str) -> Result<Vec<Attribute>, RadioFault> {
        let all = self.characteristics(id).await?;
        Ok(all.into_iter().map(|(_, attribute)| attribute).collect())
    }

    /// Subscribes to a characteristic of a connected device.
    pub(crate) async fn subscribe(
        &self,
        id: &str,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        let all = self.characteristics(id).await?;
        let found = all.into_iter().find(|(_, one)| *one == attribute);
        let (object, _) = found.ok_or(RadioFault::NotSupported)?;
        self.start_notify(object, device, attribute).await
    }

    /// Subscribes to where records come from, of a bonded device without a link.
    ///
    /// # Errors
    /// When BlueZ does not take a subscription: a link must not be made then, because what comes over it would be lost.
    pub(crate) async fn subscribe_first(
        &self,
        id: &str,
        device: &DeviceHandle,
    ) -> Result<(), RadioFault> {
        if !self.is_paired(id).await? {
            // It has no subscription that could outlive a link, and is not to be asked for anything before it is paired.
            return Ok(());
        }
        let all = self.characteristics(id).await?;
        let attributes: Vec<Attribute> = all.iter().map(|(_, attribute)| *attribute).collect();
        let wanted = family::offered(&attributes);
        for (object, attribute) in all {
            if !wanted.contains(&attribute) {
                continue;
            }
            match self.start_notify(object, device, attribute).await {
                // "In progress" is a subscription of ours that waits for its link. What cannot be subscribed to at all is
                // told to the session, which does it over the link.
                Ok(()) | Err(RadioFault::Busy | RadioFault::NotSupported) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// From here on, values are told. BlueZ has one subscription for each program, so that twice is as good as once.
    async fn start_notify(
        &self,
        object: String,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        let source = (device.clone(), attribute);
        self.heard.values.lock().insert(object.clone(), source);
        // Within it a person may be asked for digits.
        let proxy = self.proxy(&object, PAIR_TIMEOUT);
        let started: Result<(), dbus::Error> =
            proxy.method_call(CHARACTERISTIC, "StartNotify", ()).await;
        match started {
            // The word of an older BlueZ for the second time.
            Err(error) if error.message() == Some("Already notifying") => Ok(()),
            started => started.map_err(fault),
        }
    }

    /// The characteristics of a device with their object paths, in the order of their handles.
    async fn characteristics(&self, id: &str) -> Result<Vec<(String, Attribute)>, RadioFault> {
        let objects = self
            .proxy("/", TIMEOUT)
            .get_managed_objects()
            .await
            .map_err(fault)?;
        let device = path(id);
        let uuid = |interfaces: &HashMap<String, PropMap>, name: &str| -> Option<Uuid> {
            prop_cast::<String>(interfaces.get(name)?, "UUID")?
                .parse()
                .ok()
        };
        let mut services: HashMap<String, Uuid> = HashMap::new();
        for (object, interfaces) in &objects {
            if let Some(service) = uuid(interfaces, GATT_SERVICE) {
                services.insert(object.to_string(), service);
            }
        }
        let mut found: Vec<(String, Attribute)> = objects
            .iter()
            .filter(|(object, _)| is_below(object, &device))
            .filter_map(|(object, interfaces)| {
                let characteristic = uuid(interfaces, CHARACTERISTIC)?;
                let properties = interfaces.get(CHARACTERISTIC)?;
                let parent = prop_cast::<dbus::Path<'static>>(properties, "Service")?;
                let service = *services.get(&parent.to_string())?;
                let attribute = Attribute {
                    service,
                    characteristic,
                };
                Some((object.to_string(), attribute))
            })
            .collect();
        found.sort();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dbus::arg::Variant;

    const DEVICE: &str = "/org/bluez/hci0/dev_C4_C4_C4_C4_C4_C4";

    /// REQ-DEVICE-216: a value is told of what we are subscribed to, until the device is removed.
    #[test]
    fn values_are_those_that_we_are_subscribed_to() {
        let events = Fanout::default();
        let mut heard = events.listen();
        let values = Values::new(events);
        let (ours, other) = (
            format!("{DEVICE}/service0001/char0002"),
            format!("{DEVICE}/service0001/char0005"),
        );
        let cuff = DeviceHandle("C4:C4:C4:C4:C4:C4".to_owned());
        let attribute = Attribute {
            service: Uuid::BLOOD_PRESSURE,
            characteristic: Uuid::MEASUREMENT,
        };
        values
            .lock()
            .insert(ours.clone(), (cuff.clone(), attribute));
        let bytes = vec![1_u8, 2, 3];
        let changed = PropMap::from([("Value".to_owned(), Variant(Box::new(bytes.clone()) as _))]);
        let flag = PropMap::from([("Notifying".to_owned(), Variant(Box::new(true) as _))]);
        values.take(&other, &changed);
        values.take(&ours, &flag);
        values.take(&ours, &changed);
        let told = RadioEvent::Value {
            device: cuff,
            attribute,
            bytes,
        };
        assert_eq!(heard.try_next(), Some(told));
        values.removed(&format!("{DEVICE}0"));
        values.take(&ours, &changed);
        assert!(heard.try_next().is_some(), "another one was removed");
        values.removed(DEVICE);
        values.take(&ours, &changed);
        assert_eq!(heard.try_next(), None);
    }
}

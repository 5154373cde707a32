//! Links, as BlueZ tells of them: what becomes of each device's link is heard on the connection that also carries our
//! calls. BlueZ sends what happened before it answers, so that after an answer it is known what happened before it.
//!
//! Why not by btleplug's events: they come behind a queue in which each advertisement costs two questions to BlueZ, and
//! the end of a link may then arrive after the next link has begun. And BlueZ 5.66 says *canceled*, *abort by local* or
//! nothing at all of a link that came up and broke within `Connect`; that it was up is seen in its property only.

use super::characteristics::{CHARACTERISTIC, Values};
use super::{Bluez, DEVICE, SERVICE, TIMEOUT, fault, path};
use crate::fault::RadioFault;
use crate::links::Links;
use crate::radio::DeviceHandle;
use dbus::Message;
use dbus::arg::{PropMap, prop_cast};
use dbus::channel::MatchingReceiver as _;
use dbus::message::MatchRule;
use dbus::nonblock::SyncConnection;
use dbus::nonblock::stdintf::org_freedesktop_dbus::Properties as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// BlueZ gives up by itself after about 40 seconds; the machine's own deadline comes first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const CHANGED: &str = "PropertiesChanged";

/// What was heard of one device's links so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LinkNews {
    /// How often a link came up or went.
    turns: u64,
    /// How often one went.
    ends: u64,
    /// Whether the services of the present one are known.
    resolved: bool,
    /// How often a bond was made.
    bonds: u64,
}

impl LinkNews {
    /// Takes in the properties that changed; gives back whether a link went.
    fn take(&mut self, changed: &PropMap) -> bool {
        if let Some(resolved) = prop_cast::<bool>(changed, "ServicesResolved") {
            self.resolved = *resolved;
        }
        self.bonds += u64::from(prop_cast::<bool>(changed, "Paired") == Some(&true));
        let connected = prop_cast::<bool>(changed, "Connected");
        let went = connected == Some(&false);
        self.turns += u64::from(connected.is_some());
        self.ends += u64::from(went);
        went
    }

    /// BlueZ itself went, and told nobody.
    const fn lost(&mut self) {
        self.turns += 1;
        self.ends += 1;
        self.resolved = false;
    }
}

/// What was heard of all devices.
pub(super) struct Heard {
    /// By object path.
    news: Mutex<HashMap<String, watch::Sender<LinkNews>>>,
    pub(super) values: Values,
}

impl Heard {
    /// From now on, the end of each link is told to `links`, and what devices send to `values`.
    pub(super) async fn listen(
        connection: &Arc<SyncConnection>,
        links: Arc<Links>,
        values: Values,
    ) -> Result<Arc<Self>, RadioFault> {
        let heard = Arc::new(Self {
            news: Mutex::default(),
            values,
        });
        for interface in [DEVICE, CHARACTERISTIC] {
            let wanted = format!(
                "type='signal',sender='{SERVICE}',interface='{PROPERTIES}',member='{CHANGED}',arg0='{interface}'"
            );
            connection.add_match_no_cb(&wanted).await.map_err(fault)?;
        }
        let ours = Arc::clone(&heard);
        connection.start_receive(
            MatchRule::new_signal(PROPERTIES, CHANGED),
            Box::new(move |message, _| {
                ours.take(&message, &links);
                true
            }),
        );
        Ok(heard)
    }

    fn take(&self, message: &Message, links: &Links) {
        let (Some(path), Ok((interface, changed))) =
            (message.path(), message.read2::<String, PropMap>())
        else {
            return;
        };
        if interface == CHARACTERISTIC {
            return self.values.take(&path, &changed);
        }
        if interface != DEVICE {
            return;
        }
        let mut went = false;
        self.of(&path).send_if_modified(|news| {
            let before = *news;
            went = news.take(&changed);
            *news != before
        });
        if let (true, Some(device)) = (went, handle(&path)) {
            links.ended(&device);
        }
    }

    /// BlueZ is gone: what it said of links is over.
    pub(super) fn all_gone(&self) {
        let all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        all.values()
            .for_each(|link| link.send_modify(LinkNews::lost));
    }

    fn of(&self, path: &str) -> watch::Sender<LinkNews> {
        let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(path.to_owned()).or_default().clone()
    }
}

/// What the radio calls the device at an object path such as `/org/bluez/hci0/dev_C4_C4_C4_C4_C4_C4`.
fn handle(path: &str) -> Option<DeviceHandle> {
    let (_, address) = path.rsplit_once("/dev_")?;
    Some(DeviceHandle(address.replace('_', ":")))
}

impl Bluez {
    /// Calls what pairs, and waits until there is a bond, whoever made it. BlueZ also pairs by itself, for what its own parts
    /// read of a device, and may then leave a call to pair without an answer (5.66, `device_bonding_complete`: "If we're
    /// already paired nothing more is needed").
    pub(super) async fn call_to_pair(&self, id: &str, within: Duration) -> Result<(), dbus::Error> {
        let mut heard = self.heard.of(&path(id)).subscribe();
        let before = heard.borrow().bonds;
        let proxy = self.proxy(&path(id), within);
        if proxy.get(DEVICE, "Paired").await? {
            return Ok(());
        }
        tokio::select! {
            answer = proxy.method_call(DEVICE, "Pair", ()) => answer,
            Ok(_) = heard.wait_for(|now| now.bonds != before) => Ok(()),
        }
    }

    /// Waits until all is heard that BlueZ had to say so far; gives whether there is a link.
    pub(crate) async fn hear_out(&self, id: &str) -> Result<bool, RadioFault> {
        let proxy = self.proxy(&path(id), TIMEOUT);
        let connected: Result<bool, dbus::Error> = proxy.get(DEVICE, "Connected").await;
        connected.map_err(fault)
    }

    /// Connects, and waits until BlueZ knows the device's services.
    ///
    /// # Errors
    /// [`RadioFault::BrokeOff`] when the link came up and broke before that.
    pub(crate) async fn connect(&self, id: &str) -> Result<(), RadioFault> {
        let mut heard = self.heard.of(&path(id)).subscribe();
        let before = *heard.borrow();
        let proxy = self.proxy(&path(id), CONNECT_TIMEOUT);
        let connected: Result<(), dbus::Error> = proxy.method_call(DEVICE, "Connect", ()).await;
        if let Err(error) = connected {
            // BlueZ hears of links and of channels by different sockets: the link's news may still be in one of them.
            self.hear_out(id).await?;
            let came_up = heard.borrow().turns != before.turns;
            return Err(if came_up {
                RadioFault::BrokeOff
            } else {
                fault(error)
            });
        }
        let resolved: Result<bool, dbus::Error> = proxy.get(DEVICE, "ServicesResolved").await;
        if resolved.map_err(fault)? {
            return Ok(());
        }
        let after = heard.wait_for(|now| now.resolved || now.ends != before.ends);
        match after.await {
            Ok(now) if now.ends == before.ends => Ok(()),
            _ => Err(RadioFault::BrokeOff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dbus::arg::Variant;

    fn changed(name: &str, value: bool) -> PropMap {
        PropMap::from([(name.to_owned(), Variant(Box::new(value) as _))])
    }

    #[test]
    fn a_link_that_came_and_went_is_counted_even_when_only_its_end_is_told() {
        let mut news = LinkNews::default();
        assert!(!news.take(&changed("RSSI", true)));
        assert_eq!(news, LinkNews::default());
        assert!(!news.take(&changed("Connected", true)));
        assert!(news.take(&changed("Connected", false)));
        // BlueZ joins changes that follow each other closely: only the last value is told.
        assert!(news.take(&changed("Connected", false)));
        assert_eq!((news.turns, news.ends), (3, 2));
    }

    /// REQ-DEVICE-218: a bond that BlueZ made by itself is heard of.
    #[test]
    fn bonds_are_counted() {
        let mut news = LinkNews::default();
        news.take(&changed("Paired", true));
        news.take(&changed("Paired", false));
        news.take(&changed("Connected", true));
        assert_eq!(news.bonds, 1);
    }

    #[test]
    fn services_are_known_as_long_as_bluez_says_so() {
        let mut news = LinkNews::default();
        news.take(&changed("ServicesResolved", true));
        assert!(news.resolved);
        news.take(&changed("ServicesResolved", false));
        assert!(!news.resolved);
    }

    #[test]
    fn an_object_path_names_a_device_or_nothing() {
        let device = handle("/org/bluez/hci0/dev_C4_C4_C4_C4_C4_C4");
        assert_eq!(device, Some(DeviceHandle("C4:C4:C4:C4:C4:C4".to_owned())));
        assert_eq!(handle("/org/bluez/hci0"), None);
    }
}

//! A bonded cuff that sends as soon as its link is encrypted, with our radio and a stand-in for BlueZ on a real bus of its
//! own. What the real BlueZ does stands in the journey *Radio*.

#![cfg(all(feature = "btleplug", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

mod bus;

use dbus::Message;
use dbus::arg::{PropMap, RefArg, Variant};
use dbus::channel::{MatchingReceiver as _, Sender as _};
use dbus::message::MatchRule;
use dbus::nonblock::SyncConnection;
use dbus_crossroads::{Crossroads, IfaceToken, MethodErr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teleward_device::{
    Attribute, BtleplugRadio, DeviceHandle, Radio as _, RadioEvent, RadioEvents, RadioFault,
    SilentPrompt, Uuid,
};
use tokio::time::timeout;

/// Of a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);
const DEVICE: &str = "/org/bluez/hci0/dev_C4_C4_C4_C4_C4_C4";
const DEVICE_INTERFACE: &str = "org.bluez.Device1";
const CHARACTERISTIC_INTERFACE: &str = "org.bluez.GattCharacteristic1";
const MEASUREMENT: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::MEASUREMENT,
};

fn cuff() -> DeviceHandle {
    DeviceHandle("C4:C4:C4:C4:C4:C4".to_owned())
}

fn service() -> String {
    format!("{DEVICE}/service0010")
}

fn characteristic() -> String {
    format!("{}/char0011", service())
}

fn value(number: u8) -> RadioEvent {
    RadioEvent::Value {
        device: cuff(),
        attribute: MEASUREMENT,
        bytes: vec![0, number, 0, 80, 0, 90, 0],
    }
}

/// What BlueZ says to a call of `StartNotify`.
#[derive(Clone, Copy)]
enum Notify {
    Works,
    /// A subscription that waits for its link is there already.
    InProgress,
    Fails,
}

/// What becomes of the next link.
#[derive(Clone, Copy)]
enum Link {
    Lasts,
    /// The cuff sends this within `Connect`, and hangs up.
    SendsAndEnds(u8),
}

struct State {
    paired: bool,
    connected: bool,
    notify: Notify,
    link: Link,
    /// What was asked, in order.
    asked: Vec<&'static str>,
}

/// What stands in for BlueZ: an adapter, and a cuff that is known.
#[derive(Clone)]
struct Bluez {
    connection: Arc<SyncConnection>,
    state: Arc<Mutex<State>>,
}

impl Bluez {
    async fn start() -> Self {
        let (resource, connection) = dbus_tokio::connection::new_system_sync().unwrap();
        tokio::spawn(async move {
            let _ended = resource.await;
        });
        let state = State {
            paired: true,
            connected: false,
            notify: Notify::Works,
            link: Link::Lasts,
            asked: Vec::new(),
        };
        let bluez = Self {
            connection: Arc::clone(&connection),
            state: Arc::new(Mutex::new(state)),
        };
        let mut crossroads = Crossroads::new();
        crossroads.set_object_manager_support(Some(Arc::<SyncConnection>::clone(&connection)));
        let objects = crossroads.object_manager();
        crossroads.insert("/", &[objects], ());
        let manager = agent_manager(&mut crossroads);
        crossroads.insert("/org/bluez", &[manager], bluez.clone());
        let adapter = adapter(&mut crossroads);
        crossroads.insert("/org/bluez/hci0", &[adapter], bluez.clone());
        let device = device(&mut crossroads);
        crossroads.insert(DEVICE, &[device], bluez.clone());
        let gatt_service = gatt_service(&mut crossroads);
        crossroads.insert(service(), &[gatt_service], bluez.clone());
        let measurement = measurement(&mut crossroads);
        crossroads.insert(characteristic(), &[measurement], bluez.clone());
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(move |message, connection| {
                crossroads.handle_message(message, connection).is_ok()
            }),
        );
        let name = connection.request_name("org.bluez", false, true, true);
        name.await.unwrap();
        bluez
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// What was asked since this was called the last time.
    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    fn changed(&self, object: &str, interface: &str, property: &str, value: Box<dyn RefArg>) {
        let properties = PropMap::from([(property.to_owned(), Variant(value))]);
        let signal = Message::new_signal(
            object,
            "org.freedesktop.DBus.Properties",
            "PropertiesChanged",
        );
        let signal = signal
            .unwrap()
            .append3(interface, properties, Vec::<String>::new());
        self.connection.send(signal).unwrap();
    }

    fn linked(&self, connected: bool) {
        self.set(|state| state.connected = connected);
        self.changed(DEVICE, DEVICE_INTERFACE, "Connected", Box::new(connected));
    }

    fn sends(&self, number: u8) {
        let RadioEvent::Value { bytes, .. } = value(number) else {
            return;
        };
        let object = characteristic();
        self.changed(&object, CHARACTERISTIC_INTERFACE, "Value", Box::new(bytes));
    }

    fn connect(&self) -> Result<(), MethodErr> {
        self.set(|state| state.asked.push("Connect"));
        let link = self.state.lock().unwrap().link;
        self.linked(true);
        match link {
            Link::Lasts => Ok(()),
            Link::SendsAndEnds(number) => {
                self.sends(number);
                self.linked(false);
                let fault = ("org.bluez.Error.Failed", "le-connection-abort-by-local");
                Err(MethodErr::from(fault))
            }
        }
    }

    fn start_notify(&self) -> Result<(), MethodErr> {
        self.set(|state| state.asked.push("StartNotify"));
        let notify = self.state.lock().unwrap().notify;
        match notify {
            Notify::Works => Ok(()),
            Notify::InProgress => Err(("org.bluez.Error.InProgress", "In Progress").into()),
            Notify::Fails => Err(("org.bluez.Error.Failed", "Not this time").into()),
        }
    }
}

fn agent_manager(crossroads: &mut Crossroads) -> IfaceToken<Bluez> {
    crossroads.register("org.bluez.AgentManager1", |builder| {
        builder.method(
            "RegisterAgent",
            ("agent", "capability"),
            (),
            |_, _, (_, _): (dbus::Path<'static>, String)| Ok(()),
        );
        builder.method(
            "RequestDefaultAgent",
            ("agent",),
            (),
            |_, _, (_,): (dbus::Path<'static>,)| Ok(()),
        );
    })
}

fn adapter(crossroads: &mut Crossroads) -> IfaceToken<Bluez> {
    crossroads.register("org.bluez.Adapter1", |builder| {
        for (name, value) in [
            ("Address", "F0:F0:F0:F0:F0:F0"),
            ("AddressType", "public"),
            ("Name", "stand-in"),
            ("Alias", "stand-in"),
            ("Modalias", "usb:v1D6Bp0246d0542"),
        ] {
            builder.property(name).get(move |_, _| Ok(value.to_owned()));
        }
        for (name, value) in [("Powered", true), ("Discovering", false)] {
            builder.property(name).get(move |_, _| Ok(value));
        }
    })
}

fn device(crossroads: &mut Crossroads) -> IfaceToken<Bluez> {
    crossroads.register(DEVICE_INTERFACE, |builder| {
        for (name, value) in [
            ("Address", "C4:C4:C4:C4:C4:C4"),
            ("AddressType", "public"),
            ("Alias", "cuff"),
        ] {
            builder.property(name).get(move |_, _| Ok(value.to_owned()));
        }
        for name in ["Trusted", "Blocked", "LegacyPairing"] {
            builder.property(name).get(|_, _| Ok(false));
        }
        builder
            .property("Paired")
            .get(|_, bluez: &mut Bluez| Ok(bluez.state.lock().unwrap().paired));
        for name in ["Connected", "ServicesResolved"] {
            builder
                .property(name)
                .get(|_, bluez: &mut Bluez| Ok(bluez.state.lock().unwrap().connected));
        }
        builder.method("Connect", (), (), |_, bluez: &mut Bluez, ()| {
            bluez.connect()
        });
    })
}

fn gatt_service(crossroads: &mut Crossroads) -> IfaceToken<Bluez> {
    crossroads.register("org.bluez.GattService1", |builder| {
        builder
            .property("UUID")
            .get(|_, _| Ok("00001810-0000-1000-8000-00805f9b34fb".to_owned()));
        builder.property("Primary").get(|_, _| Ok(true));
    })
}

fn measurement(crossroads: &mut Crossroads) -> IfaceToken<Bluez> {
    crossroads.register(CHARACTERISTIC_INTERFACE, |builder| {
        builder
            .property("UUID")
            .get(|_, _| Ok("00002a35-0000-1000-8000-00805f9b34fb".to_owned()));
        builder
            .property("Service")
            .get(|_, _| Ok(dbus::Path::from(service())));
        builder.method("StartNotify", (), (), |_, bluez: &mut Bluez, ()| {
            bluez.start_notify()
        });
    })
}

async fn next(events: &mut RadioEvents) -> RadioEvent {
    let next = timeout(PATIENCE, events.next()).await;
    next.expect("something is told in time").unwrap()
}

/// REQ-DEVICE-216: a bonded device is subscribed to before each link, and no link is made when that fails; what it sends
/// is told before the end of its link, also when it hangs up within the call to connect. One without a bond is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_bonded_device_is_subscribed_to_before_each_link() {
    if bus::runs_elsewhere("a_bonded_device_is_subscribed_to_before_each_link") {
        return;
    }
    let bluez = Bluez::start().await;
    let radio = BtleplugRadio::new(Arc::new(SilentPrompt)).await.unwrap();
    let mut events = radio.events();
    let gone = RadioEvent::Disconnected(cuff());

    for (number, notify) in [(1, Notify::Works), (2, Notify::InProgress)] {
        bluez.set(|state| {
            state.notify = notify;
            state.link = Link::SendsAndEnds(number);
        });
        let connected = radio.connect(&cuff()).await;
        assert_eq!(connected, Err(RadioFault::BrokeOff));
        assert_eq!(bluez.asked(), ["StartNotify", "Connect"]);
        assert_eq!(next(&mut events).await, value(number));
        assert_eq!(next(&mut events).await, gone);
    }

    bluez.set(|state| state.notify = Notify::Fails);
    assert!(radio.connect(&cuff()).await.is_err());
    assert_eq!(bluez.asked(), ["StartNotify"], "nothing would hear it");

    bluez.set(|state| {
        state.notify = Notify::Works;
        state.link = Link::Lasts;
    });
    radio.connect(&cuff()).await.unwrap();
    assert_eq!(bluez.asked(), ["StartNotify", "Connect"]);
    bluez.sends(3);
    assert_eq!(next(&mut events).await, value(3));
    radio.subscribe(&cuff(), MEASUREMENT).await.unwrap();
    let absent = Attribute {
        characteristic: Uuid::short(0x2b34),
        ..MEASUREMENT
    };
    let none = radio.subscribe(&cuff(), absent).await;
    assert_eq!(none, Err(RadioFault::NotSupported));
    bluez.sends(4);
    bluez.linked(false);
    assert_eq!(next(&mut events).await, value(4));
    assert_eq!(next(&mut events).await, gone);
    assert_eq!(bluez.asked(), ["StartNotify"]);

    bluez.set(|state| state.paired = false);
    radio.connect(&cuff()).await.unwrap();
    assert_eq!(bluez.asked(), ["Connect"]);
}

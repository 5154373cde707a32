//! The real radio: btleplug 0.13 under our trait, with what it lacks done here.
//!
//! - Values: one task per device does nothing but move them into queues without bound; the streams under it are
//!   bounded on some platforms and drop what a slow reader leaves. On Linux BlueZ itself is listened to, and a bonded
//!   device is subscribed to before its link is made (`bluez::characteristics`).
//! - Its event channel may lose a *disconnected*: links are also polled. On Linux it tells of it late: BlueZ itself is
//!   listened to.
//! - It does not tell when an adapter goes or comes: adapters are polled.
//! - BlueZ merges the scan filters of all programs: what is seen is filtered again here.
//! - It lists a characteristic once even when a device has it twice: on Linux BlueZ itself is asked.
//! - It neither pairs nor bonds: on Linux `bluez` does, with an agent of our own; elsewhere the platform does when a
//!   protected value is read, and [`Radio::pair`] says that it cannot.
//!
//! `bluez-async` 0.9 spawns a task when a stream of events is dropped, and that task can panic ("No match with that id
//! found"). Only that task dies; and on Linux there is one stream only, as long as its adapter.

mod calls;

use crate::fault::RadioFault;
use crate::links::Links;
use crate::prompt::PairingPrompt;
use crate::radio::{Advertisement, Attribute, DeviceHandle, Fanout, RadioEvent, RadioState};
use crate::uuid::Uuid;
use btleplug::api::{
    AddressType, Central as _, CentralEvent, CentralState, Characteristic, Manager as _,
    Peripheral as _,
};
use btleplug::platform::{Adapter, Manager, Peripheral, PeripheralId};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

#[cfg(target_os = "linux")]
use crate::bluez::Bluez;

/// How often adapters and links are looked at.
const POLL: Duration = Duration::from_millis(500);

struct Known {
    peripheral: Peripheral,
    /// Moves values for as long as the radio lives; on Linux `bluez` does.
    pump: Option<JoinHandle<()>>,
}

struct Inner {
    adapter: Option<Adapter>,
    state: RadioState,
    /// The services that are looked for, while somebody looks.
    scanning: Option<Vec<Uuid>>,
    known: HashMap<DeviceHandle, Known>,
    tasks: Vec<JoinHandle<()>>,
    adapter_task: Option<JoinHandle<()>>,
}

struct Shared {
    manager: Manager,
    inner: Mutex<Inner>,
    links: Arc<Links>,
    events: Fanout,
    #[cfg(target_os = "linux")]
    bluez: Bluez,
}

/// The real radio. One for a process.
pub struct BtleplugRadio(Arc<Shared>);

impl BtleplugRadio {
    /// Opens the radio; on Linux also registers our pairing agent with BlueZ. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`RadioFault::Missing`] when there is no Bluetooth service at all. A missing or switched-off adapter is no
    /// error: it is told as a state, and may come.
    pub async fn new(prompt: Arc<dyn PairingPrompt>) -> Result<Self, RadioFault> {
        let events = Fanout::default();
        let links = Arc::new(Links::new(events.clone()));
        #[cfg(target_os = "linux")]
        let bluez = Bluez::open(prompt, events.clone(), Arc::clone(&links)).await?;
        #[cfg(not(target_os = "linux"))]
        drop(prompt);
        let manager = Manager::new().await.map_err(fault)?;
        let shared = Arc::new(Shared {
            manager,
            inner: Mutex::new(Inner {
                adapter: None,
                state: RadioState::Missing,
                scanning: None,
                known: HashMap::new(),
                tasks: Vec::new(),
                adapter_task: None,
            }),
            links,
            events,
            #[cfg(target_os = "linux")]
            bluez,
        });
        shared.look().await;
        let watch = tokio::spawn(watch(Arc::downgrade(&shared)));
        shared.lock().tasks.push(watch);
        Ok(Self(shared))
    }
}

impl Drop for BtleplugRadio {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner
            .tasks
            .iter()
            .chain(&inner.adapter_task)
            .for_each(JoinHandle::abort);
        let pumps = inner.known.drain().filter_map(|(_, known)| known.pump);
        pumps.for_each(|pump| pump.abort());
    }
}

/// Looks at adapters and links until the radio is dropped.
async fn watch(shared: std::sync::Weak<Shared>) {
    loop {
        tokio::time::sleep(POLL).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.look().await;
        shared.look_at_links().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees whether there is an adapter and whether it is on, and tells what has changed.
    async fn look(self: &Arc<Self>) {
        #[cfg(target_os = "linux")]
        if self.bluez.has_gone() {
            self.lost();
        }
        let known = self.lock().adapter.clone();
        let adapter = match known {
            Some(adapter) if adapter.adapter_info().await.is_ok() => Some(adapter),
            _ => match self.manager.adapters().await {
                Ok(adapters) => adapters.into_iter().next(),
                Err(error) => {
                    tracing::debug!(fault = ?fault(error), "no list of Bluetooth adapters");
                    None
                }
            },
        };
        let state = match &adapter {
            None => RadioState::Missing,
            Some(adapter) => match adapter.adapter_state().await {
                // btleplug's word on Linux also for one that has just gone.
                Ok(CentralState::PoweredOff) if adapter.adapter_info().await.is_err() => {
                    RadioState::Missing
                }
                Ok(CentralState::PoweredOff) => RadioState::Off,
                // Android never says.
                Ok(_) => RadioState::On,
                Err(error) if fault_of(&error) == RadioFault::Denied => RadioState::Denied,
                Err(_) => RadioState::Missing,
            },
        };
        let (changed, renewed) = {
            let mut inner = self.lock();
            let renewed = adapter.is_some() && inner.state == RadioState::Missing;
            inner.adapter = adapter.clone();
            if state != RadioState::On {
                inner.scanning = None;
            }
            (std::mem::replace(&mut inner.state, state) != state, renewed)
        };
        if let (Some(adapter), true) = (adapter, renewed) {
            self.listen(adapter).await;
        }
        if changed {
            self.events.send(&RadioEvent::State(state));
        }
    }

    /// BlueZ went: what it did for us is over, even when it is back before anybody looked.
    #[cfg(target_os = "linux")]
    fn lost(&self) {
        let before = {
            let mut inner = self.lock();
            inner.adapter = None;
            inner.scanning = None;
            std::mem::replace(&mut inner.state, RadioState::Missing)
        };
        if before != RadioState::Missing {
            self.events.send(&RadioEvent::State(RadioState::Missing));
        }
    }

    /// Moves an adapter's events into ours.
    async fn listen(self: &Arc<Self>, adapter: Adapter) {
        let mut stream = match adapter.events().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(fault = ?fault(error), "the adapter's events cannot be heard");
                return;
            }
        };
        let weak = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                let Some(shared) = weak.upgrade() else { return };
                shared.central(&adapter, event).await;
            }
        });
        if let Some(old) = self.lock().adapter_task.replace(task) {
            old.abort();
        }
    }

    async fn central(&self, adapter: &Adapter, event: CentralEvent) {
        let id = match event {
            // On Linux BlueZ tells this earlier, and in order: see `bluez::link`.
            CentralEvent::DeviceDisconnected(id) if cfg!(not(target_os = "linux")) => {
                // btleplug has dropped the device by now, so that only its id is left: elsewhere than on Linux the same
                // text as its handle.
                self.gone(&DeviceHandle(id.to_string()));
                return;
            }
            CentralEvent::DeviceDiscovered(id)
            | CentralEvent::DeviceUpdated(id)
            | CentralEvent::ManufacturerDataAdvertisement { id, .. }
            | CentralEvent::ServiceDataAdvertisement { id, .. }
            | CentralEvent::ServicesAdvertisement { id, .. }
            | CentralEvent::RssiUpdate { id, .. } => id,
            _ => return,
        };
        let Some(wanted) = self.lock().scanning.clone() else {
            return;
        };
        if let Some(seen) = advertisement(adapter, &id).await
            && seen.services.iter().any(|service| wanted.contains(service))
        {
            self.events.send(&RadioEvent::Seen(seen));
        }
    }

    async fn look_at_links(&self) {
        for device in self.links.up() {
            let peripheral = {
                let inner = self.lock();
                inner
                    .known
                    .get(&device)
                    .map(|known| known.peripheral.clone())
            };
            let Some(peripheral) = peripheral else {
                continue;
            };
            // No answer is no link: BlueZ has dropped the device, or is gone itself.
            if !peripheral.is_connected().await.unwrap_or(false) {
                self.gone(&device);
            }
        }
    }

    /// A link has ended. Elsewhere than on Linux btleplug makes another object of the device at the next look, and the
    /// values of the next link come out of that one only; what this one still holds is moved before its stream ends.
    fn gone(&self, device: &DeviceHandle) {
        self.links.ended(device);
        if cfg!(not(target_os = "linux")) {
            self.lock().known.remove(device);
        }
    }

    fn adapter(&self) -> Result<Adapter, RadioFault> {
        let inner = self.lock();
        inner.state.usable()?;
        inner.adapter.clone().ok_or(RadioFault::Missing)
    }

    /// Moves a device's values from now on.
    async fn pump(
        &self,
        device: &DeviceHandle,
        peripheral: &Peripheral,
    ) -> Result<JoinHandle<()>, RadioFault> {
        let mut values = peripheral.notifications().await.map_err(fault)?;
        let (events, from) = (self.events.clone(), device.clone());
        Ok(tokio::spawn(async move {
            while let Some(value) = values.next().await {
                events.send(&RadioEvent::Value {
                    device: from.clone(),
                    attribute: Attribute {
                        service: Uuid(value.service_uuid.as_u128()),
                        characteristic: Uuid(value.uuid.as_u128()),
                    },
                    bytes: value.value,
                });
            }
        }))
    }

    /// The device, with its values being moved from now on.
    async fn peripheral(self: &Arc<Self>, device: &DeviceHandle) -> Result<Peripheral, RadioFault> {
        if let Some(known) = self.lock().known.get(device) {
            return Ok(known.peripheral.clone());
        }
        let all = self.adapter()?.peripherals().await.map_err(fault)?;
        let found = all.into_iter().find(|one| handle(one) == *device);
        let peripheral = found.ok_or(RadioFault::NotFound)?;
        let pump = match cfg!(target_os = "linux") {
            true => None,
            false => Some(self.pump(device, &peripheral).await?),
        };
        let known = Known {
            peripheral: peripheral.clone(),
            pump,
        };
        let other = self.lock().known.insert(device.clone(), known);
        if let Some(pump) = other.and_then(|other| other.pump) {
            pump.abort();
        }
        Ok(peripheral)
    }

    #[cfg(target_os = "linux")]
    async fn make_link(
        &self,
        device: &DeviceHandle,
        peripheral: &Peripheral,
    ) -> Result<(), RadioFault> {
        let id = peripheral.id().to_string();
        // The end of an earlier link is not to be taken for this one's.
        let is_up = self.bluez.hear_out(&id).await?;
        if !is_up {
            self.bluez.subscribe_first(&id, device).await?;
        }
        self.links.begin(device);
        self.bluez.expect(&id, device);
        self.bluez.connect(&id).await
    }

    #[cfg(not(target_os = "linux"))]
    async fn make_link(
        &self,
        device: &DeviceHandle,
        peripheral: &Peripheral,
    ) -> Result<(), RadioFault> {
        self.links.begin(device);
        peripheral.connect().await.map_err(fault)
    }

    async fn characteristic(
        self: &Arc<Self>,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(Peripheral, Characteristic), RadioFault> {
        // Without a link, btleplug answers with what it remembers, or with nothing.
        self.links.require(device)?;
        let peripheral = self.peripheral(device).await?;
        let characteristic = peripheral.services().into_iter().find_map(|service| {
            let ours = service.uuid.as_u128() == attribute.service.0;
            let mut all = service.characteristics.into_iter().filter(|_| ours);
            all.find(|one| one.uuid.as_u128() == attribute.characteristic.0)
        });
        Ok((peripheral, characteristic.ok_or(RadioFault::NotSupported)?))
    }
}

async fn advertisement(adapter: &Adapter, id: &PeripheralId) -> Option<Advertisement> {
    let peripheral = adapter.peripheral(id).await.ok()?;
    let properties = peripheral.properties().await.ok()??;
    // BlueZ also lists what it merely remembers: only what is on the air has a signal strength.
    if cfg!(target_os = "linux") && properties.rssi.is_none() {
        return None;
    }
    Some(Advertisement {
        device: handle(&peripheral),
        name: properties.local_name,
        address: lasting(properties.address.into_inner(), properties.address_type),
        services: properties
            .services
            .iter()
            .map(|uuid| Uuid(uuid.as_u128()))
            .collect(),
        makers_data: properties.manufacturer_data.into_iter().collect(),
        rssi: properties.rssi,
    })
}

/// An address that stays with the device: public, or random and static (its two highest bits set, Bluetooth Core,
/// vol. 6, part B, 1.3.2.1). A private one changes every few minutes and identifies nothing.
fn lasting(address: [u8; 6], kind: Option<AddressType>) -> Option<[u8; 6]> {
    let stays = kind != Some(AddressType::Random) || address[0] & 0xc0 == 0xc0;
    (stays && address != [0; 6]).then_some(address)
}

/// The address, which outlives a change of adapters; where the platform hides it, its own id for this phone.
fn handle(peripheral: &Peripheral) -> DeviceHandle {
    if cfg!(target_vendor = "apple") {
        DeviceHandle(peripheral.id().to_string())
    } else {
        DeviceHandle(peripheral.address().to_string())
    }
}

/// The kind of an error; its text stays in a trace at most, because it may name an address.
fn fault_of(error: &btleplug::Error) -> RadioFault {
    use btleplug::Error;
    match error {
        Error::PermissionDenied => RadioFault::Denied,
        Error::DeviceNotFound => RadioFault::NotFound,
        Error::NotConnected => RadioFault::NotConnected,
        Error::NoSuchCharacteristic | Error::UnexpectedCharacteristic => RadioFault::NotSupported,
        Error::NoAdapterAvailable => RadioFault::Missing,
        Error::TimedOut(_) => RadioFault::Timeout,
        // The name of a D-Bus error stands in its Debug form only.
        other => RadioFault::from_text(&format!("{other:?}")),
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn fault(error: btleplug::Error) -> RadioFault {
    let fault = fault_of(&error);
    if fault == RadioFault::Other {
        tracing::debug!(error = ?error, "a fault of the radio without a name");
    }
    fault
}

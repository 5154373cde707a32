//! A radio that replays a script: for tests, for the demo and for the bindings. Same script, same course of events.

mod memory;
mod users;

use crate::datetime::CurrentTime;
use crate::fault::RadioFault;
use crate::radio::{
    Advertisement, Attribute, DeviceHandle, Fanout, Radio, RadioEvent, RadioEvents, RadioState,
};
use crate::script::{Script, ScriptError, ScriptFault, ScriptedDevice, ScriptedRecord};
use crate::stored::RECORD_ACCESS;
use crate::uuid::Uuid;
use async_trait::async_trait;
use memory::Kept;
use reading::{DeviceTime, Moment};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const CLOCK: Attribute = Attribute {
    service: Uuid::CURRENT_TIME_SERVICE,
    characteristic: Uuid::CURRENT_TIME,
};
/// How often a device in sight is seen, and how long a call takes.
const ADVERTISE: Duration = Duration::from_millis(100);
const LATENCY: Duration = Duration::from_millis(5);

struct Device {
    script: ScriptedDevice,
    address: Option<[u8; 6]>,
    attributes: Vec<Attribute>,
    values: BTreeMap<Attribute, Vec<u8>>,
    measurements: Vec<Attribute>,
    frames: VecDeque<Frame>,
    /// The service that keeps records, and the records.
    kept: Option<(Uuid, Vec<Kept>)>,
    /// Counts requests for records: a newer one ends what is still being sent for an older.
    requests: u64,
    clock_behind_ms: Option<i64>,
    /// In this link somebody has agreed to be a user.
    consented: bool,
    bonded: bool,
    /// Counts links; odd while one is up.
    link: u64,
    subscribed: BTreeSet<Attribute>,
    subscriptions: u64,
}

/// A value on its way: of which characteristic, and its bytes.
type Sent = (Attribute, Vec<u8>);

/// What is sent next, and how long after the one before.
struct Frame {
    after: Duration,
    of: Attribute,
    bytes: Vec<u8>,
}

impl Device {
    fn is_linked(&self) -> bool {
        self.link % 2 == 1
    }

    /// Whether the next frame can go out: in order, so that one that nobody listens to holds up those behind it.
    fn is_heard(&self) -> bool {
        self.is_linked()
            && !self.waits_for_consent()
            && self
                .frames
                .front()
                .is_some_and(|next| self.subscribed.contains(&next.of))
    }
}

struct Inner {
    devices: BTreeMap<DeviceHandle, Device>,
    state: RadioState,
    /// Counts scans; odd while one runs.
    scan: u64,
}

/// The radio of a script. Clones are the same radio.
#[derive(Clone)]
pub struct ScriptedRadio {
    inner: Arc<Mutex<Inner>>,
    events: Fanout,
    started: Moment,
    since: Instant,
    utc_offset_min: i16,
}

impl ScriptedRadio {
    /// Starts a script; `started` is the phone's time now. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ScriptError::Text`] for bytes, addresses or attributes that are not well formed.
    pub fn new(script: Script, started: Moment) -> Result<Self, ScriptError> {
        let mut devices = BTreeMap::new();
        for (n, device) in script.devices.into_iter().enumerate() {
            devices.insert(device.device.clone(), prepare(n, device)?);
        }
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner {
                devices,
                state: RadioState::On,
                scan: 0,
            })),
            events: Fanout::default(),
            started,
            since: Instant::now(),
            utc_offset_min: script.utc_offset_min,
        })
    }

    /// Gives a device one more frame to send: now if it is subscribed to, else after the next subscription.
    pub fn push_frame(&self, device: &DeviceHandle, bytes: Vec<u8>) {
        let mut inner = self.lock();
        if let Some(known) = inner.devices.get_mut(device) {
            let Some(of) = known.measurements.first().copied() else {
                return;
            };
            known.frames.push_back(Frame {
                after: Duration::ZERO,
                of,
                bytes,
            });
            if known.is_heard() {
                known.subscriptions += 1;
                self.send_frames(device.clone(), known.subscriptions);
            }
        }
    }

    /// How many frames a device has not sent yet.
    #[must_use]
    pub fn frames_left(&self, device: &DeviceHandle) -> usize {
        self.lock()
            .devices
            .get(device)
            .map_or(0, |known| known.frames.len())
    }

    /// Lets a device forget its bond, as after new batteries.
    pub fn lose_bond(&self, device: &DeviceHandle) {
        if let Some(known) = self.lock().devices.get_mut(device) {
            known.bonded = false;
        }
    }

    /// Breaks a device's link.
    pub fn break_link(&self, device: &DeviceHandle) {
        self.unlink(device, None);
    }

    /// Switches the radio itself; going off breaks every link.
    pub fn set_state(&self, state: RadioState) {
        let broken: Vec<DeviceHandle> = {
            let mut inner = self.lock();
            inner.state = state;
            let linked =
                |(name, device): (&DeviceHandle, &Device)| device.is_linked().then(|| name.clone());
            inner.devices.iter().filter_map(linked).collect()
        };
        if state != RadioState::On {
            for device in &broken {
                self.unlink(device, None);
            }
        }
        self.events.send(&RadioEvent::State(state));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let ms = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started.plus_ms(ms)
    }

    /// Takes the next fault of a call off the script; waits for ever when the script says so.
    async fn step(&self, device: Option<&DeviceHandle>, name: &str) -> Result<(), RadioFault> {
        sleep(LATENCY).await;
        let fault = {
            let mut inner = self.lock();
            match inner.state {
                RadioState::On => {}
                RadioState::Off => return Err(RadioFault::Off),
                RadioState::Missing => return Err(RadioFault::Missing),
                RadioState::Denied => return Err(RadioFault::Denied),
            }
            let all = inner.devices.iter_mut();
            all.filter(|(handle, _)| device.is_none_or(|device| device == *handle))
                .find_map(|(_, known)| take_fault(&mut known.script.faults, name))
        };
        match fault {
            None => Ok(()),
            Some(Some(fault)) => Err(fault),
            Some(None) => std::future::pending().await,
        }
    }

    fn linked<T>(
        &self,
        device: &DeviceHandle,
        then: impl FnOnce(&mut Device) -> Result<T, RadioFault>,
    ) -> Result<T, RadioFault> {
        let mut inner = self.lock();
        match inner.devices.get_mut(device) {
            None => Err(RadioFault::NotFound),
            Some(known) if !known.is_linked() => Err(RadioFault::NotConnected),
            Some(known) => then(known),
        }
    }

    /// Ends the link with this number, or whichever is up.
    fn unlink(&self, device: &DeviceHandle, only: Option<u64>) {
        let ended = match self.lock().devices.get_mut(device) {
            Some(known) if known.is_linked() && only.is_none_or(|link| link == known.link) => {
                known.link += 1;
                known.subscribed.clear();
                known.consented = false;
                known.requests += 1;
                true
            }
            _ => false,
        };
        if ended {
            self.events.send(&RadioEvent::Disconnected(device.clone()));
        }
    }

    fn send_frames(&self, device: DeviceHandle, subscription: u64) {
        let radio = self.clone();
        tokio::spawn(async move {
            loop {
                let wait = radio
                    .lock()
                    .devices
                    .get(&device)
                    .and_then(|known| known.frames.front().map(|frame| frame.after));
                let Some(wait) = wait else { return };
                sleep(wait.max(LATENCY)).await;
                let frame = {
                    let mut inner = radio.lock();
                    let Some(known) = inner.devices.get_mut(&device) else {
                        return;
                    };
                    if !known.is_heard() || known.subscriptions != subscription {
                        return;
                    }
                    known.frames.pop_front()
                };
                let Some(frame) = frame else { return };
                radio.events.send(&RadioEvent::Value {
                    device: device.clone(),
                    attribute: frame.of,
                    bytes: frame.bytes,
                });
            }
        });
    }

    /// Sends what was asked for, as long as the link and the request last.
    fn send_kept(&self, device: DeviceHandle, request: u64, sent: Vec<Sent>) {
        let radio = self.clone();
        tokio::spawn(async move {
            for (attribute, bytes) in sent {
                sleep(LATENCY).await;
                let current = radio.lock().devices.get(&device).is_some_and(|known| {
                    known.is_linked()
                        && known.requests == request
                        && known.subscribed.contains(&attribute)
                });
                if !current {
                    return;
                }
                radio.events.send(&RadioEvent::Value {
                    device: device.clone(),
                    attribute,
                    bytes,
                });
            }
        });
    }

    fn later(&self, after_ms: u64, then: impl FnOnce(&Self) + Send + 'static) {
        let radio = self.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(after_ms)).await;
            then(&radio);
        });
    }

    fn advertise(&self, scan: u64, services: &[Uuid]) -> bool {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seen: Vec<RadioEvent> = {
            let inner = self.lock();
            if inner.scan != scan || inner.state != RadioState::On {
                return false;
            }
            let near = inner.devices.values().filter(|device| {
                in_sight(device, elapsed)
                    && device
                        .script
                        .services
                        .iter()
                        .any(|service| services.contains(service))
            });
            near.map(|device| RadioEvent::Seen(seen(device))).collect()
        };
        seen.iter().for_each(|event| self.events.send(event));
        true
    }
}

fn in_sight(device: &Device, elapsed_ms: u64) -> bool {
    let from = device.script.visible_from_ms;
    let until = device
        .script
        .visible_for_ms
        .map_or(u64::MAX, |ms| from.saturating_add(ms));
    (from..until).contains(&elapsed_ms) && !device.is_linked()
}

fn seen(device: &Device) -> Advertisement {
    Advertisement {
        device: device.script.device.clone(),
        name: device.script.name.clone(),
        address: device.address,
        services: device.script.services.clone(),
        makers_data: Vec::new(),
        rssi: Some(-60),
    }
}

fn prepare(n: usize, script: ScriptedDevice) -> Result<Device, ScriptError> {
    let bad = |what| ScriptError::Text { device: n, what };
    let attribute = |text: &str| -> Option<Attribute> {
        let (service, characteristic) = text.split_once('/')?;
        Some(Attribute {
            service: service.parse().ok()?,
            characteristic: characteristic.parse().ok()?,
        })
    };
    let address = match &script.address {
        None => None,
        Some(text) => {
            let bytes = reading::from_hex(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            Some(bytes.ok_or_else(|| bad("address"))?)
        }
    };
    let mut values = BTreeMap::new();
    for (name, hex) in &script.values {
        let bytes = reading::from_hex(hex).map_err(|_| bad("values"))?;
        values.insert(attribute(name).ok_or_else(|| bad("values"))?, bytes);
    }
    let mut attributes: Vec<Attribute> = values.keys().copied().collect();
    for name in &script.more {
        attributes.push(attribute(name).ok_or_else(|| bad("more"))?);
    }
    let mut measurements = Vec::new();
    for name in &script.measurements {
        measurements.push(attribute(name).ok_or_else(|| bad("measurements"))?);
    }
    attributes.extend(&measurements);
    attributes.extend(script.clock_behind_s.map(|_| CLOCK));
    attributes.extend(script.users.as_ref().map(|_| users::CONTROL));
    let mut frames = VecDeque::new();
    for frame in &script.frames {
        let bytes = reading::from_hex(&frame.bytes).map_err(|_| bad("frames"))?;
        let of = match &frame.of {
            Some(name) => attribute(name).filter(|of| measurements.contains(of)),
            None => measurements.first().copied(),
        };
        let of = of.ok_or_else(|| bad("frames"))?;
        frames.extend((0..frame.times).map(|_| Frame {
            after: Duration::from_millis(frame.after_ms),
            of,
            bytes: bytes.clone(),
        }));
    }
    let kept = match &script.stored {
        None => None,
        Some(memory) => {
            let kept = memory.records.iter().map(prepare_record);
            let kept: Option<Vec<Kept>> = kept.collect();
            Some((memory.service, kept.ok_or_else(|| bad("stored"))?))
        }
    };
    if let Some((service, kept)) = &kept {
        let packets = kept.iter().flat_map(|one| &one.packets);
        let numbers = packets.map(|(number, _)| *number).chain([RECORD_ACCESS]);
        let all: BTreeSet<u16> = numbers.collect();
        let of = |number| Attribute {
            service: *service,
            characteristic: Uuid::short(number),
        };
        attributes.extend(
            all.into_iter()
                .map(of)
                .filter(|one| !measurements.contains(one)),
        );
    }
    Ok(Device {
        address,
        attributes,
        values,
        measurements,
        frames,
        kept,
        requests: 0,
        consented: false,
        clock_behind_ms: script.clock_behind_s.map(|s| s.saturating_mul(1000)),
        bonded: script.bonded,
        link: 0,
        subscribed: BTreeSet::new(),
        subscriptions: 0,
        script,
    })
}

/// What is to be sent for a write to the control point.
fn asks_for_records(
    known: &mut Device,
    attribute: Attribute,
    bytes: &[u8],
) -> Option<(u64, Vec<Sent>)> {
    let (service, kept) = known.kept.as_ref()?;
    let of = |number| Attribute {
        service: *service,
        characteristic: Uuid::short(number),
    };
    if attribute != of(RECORD_ACCESS) {
        return None;
    }
    let sent = memory::answers(kept, bytes)?;
    let sent = sent.into_iter().map(|(number, bytes)| (of(number), bytes));
    let sent = sent.collect();
    known.requests += 1;
    Some((known.requests, sent))
}

fn prepare_record(record: &ScriptedRecord) -> Option<Kept> {
    let packet = |(of, bytes): &(String, String)| {
        let number = u16::from_str_radix(of, 16).ok()?;
        Some((number, reading::from_hex(bytes).ok()?))
    };
    Some(Kept {
        number: record.number,
        packets: record.packets.iter().map(packet).collect::<Option<_>>()?,
    })
}

/// `None`: no fault; `Some(None)`: never an answer.
#[allow(
    clippy::option_option,
    reason = "two questions: is there a fault, and does it ever answer"
)]
fn take_fault(faults: &mut [ScriptFault], name: &str) -> Option<Option<RadioFault>> {
    faults.iter_mut().find_map(|entry| match entry {
        ScriptFault::Call { call, fault, times } if call == name && *times > 0 => {
            *times -= 1;
            Some(*fault)
        }
        _ => None,
    })
}

#[async_trait]
impl Radio for ScriptedRadio {
    async fn state(&self) -> RadioState {
        self.lock().state
    }

    fn events(&self) -> RadioEvents {
        self.events.listen()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        self.step(None, "scan").await?;
        let scan = {
            let mut inner = self.lock();
            inner.scan += if inner.scan.is_multiple_of(2) { 1 } else { 2 };
            inner.scan
        };
        let (radio, services) = (self.clone(), services.to_vec());
        tokio::spawn(async move {
            while radio.advertise(scan, &services) {
                sleep(ADVERTISE).await;
            }
        });
        Ok(())
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        let mut inner = self.lock();
        inner.scan += inner.scan % 2;
        Ok(())
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "connect").await?;
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        let known = inner.devices.get_mut(device).ok_or(RadioFault::NotFound)?;
        if !known.is_linked() {
            if !in_sight(known, elapsed) {
                return Err(RadioFault::Timeout);
            }
            known.link += 1;
        }
        let link = known.link;
        for fault in &mut known.script.faults {
            match fault {
                ScriptFault::Drop {
                    drop_after_ms,
                    times,
                } if *times > 0 => {
                    *times -= 1;
                    let device = device.clone();
                    self.later(*drop_after_ms, move |radio| {
                        radio.unlink(&device, Some(link))
                    });
                    break;
                }
                ScriptFault::Radio {
                    radio_off_after_ms,
                    back_after_ms,
                } => {
                    let off = std::mem::replace(radio_off_after_ms, u64::MAX);
                    let back = off.saturating_add(*back_after_ms);
                    if off != u64::MAX {
                        self.later(off, |radio| radio.set_state(RadioState::Missing));
                        self.later(back, |radio| radio.set_state(RadioState::On));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.step(Some(device), "discover").await?;
        self.linked(device, |known| Ok(known.attributes.clone()))
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        self.step(Some(device), "subscribe").await?;
        let subscription = self.linked(device, |known| {
            if !known.attributes.contains(&attribute) {
                return Err(RadioFault::NotSupported);
            }
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            if !known.subscribed.insert(attribute) {
                return Ok(None);
            }
            known.subscriptions += 1;
            Ok(Some(known.subscriptions))
        })?;
        if let Some(subscription) = subscription {
            self.send_frames(device.clone(), subscription);
        }
        Ok(())
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        self.step(Some(device), "read").await?;
        let (now, offset) = (self.now(), self.utc_offset_min);
        self.linked(device, |known| {
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            match known.clock_behind_ms {
                Some(behind) if attribute == CLOCK => {
                    Ok(CurrentTime::of(now.plus_ms(-behind).civil(offset))
                        .encode()
                        .to_vec())
                }
                _ => known
                    .values
                    .get(&attribute)
                    .cloned()
                    .ok_or(RadioFault::NotSupported),
            }
        })
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.step(Some(device), "write").await?;
        let (now, offset) = (self.now(), self.utc_offset_min);
        let asked = self.linked(device, |known| {
            Ok(asks_for_records(known, attribute, bytes))
        })?;
        if let Some((request, sent)) = asked {
            self.send_kept(device.clone(), request, sent);
            return Ok(());
        }
        let spoken = self.linked(device, |known| {
            if known.script.needs_pairing && !known.bonded {
                return Err(RadioFault::NeedsPairing);
            }
            Ok(known.takes_user_request(attribute, bytes))
        })?;
        if let Some(spoken) = spoken {
            self.answer_user(device, spoken);
            return Ok(());
        }
        self.linked(device, |known| {
            let set = bytes
                .first_chunk()
                .map(|time| DeviceTime::from_bytes(*time));
            match set.and_then(|time| time.civil()) {
                Some(local) if attribute == CLOCK && known.clock_behind_ms.is_some() => {
                    known.clock_behind_ms = Some(now.ms_since(Moment::from_civil(local, offset)));
                    Ok(())
                }
                _ => Err(RadioFault::NotSupported),
            }
        })
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "pair").await?;
        self.linked(device, |known| {
            known.bonded = true;
            Ok(())
        })
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.lock()
            .devices
            .get(device)
            .map(|known| known.bonded)
            .ok_or(RadioFault::NotFound)
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.lock()
            .devices
            .get(device)
            .map(Device::is_linked)
            .ok_or(RadioFault::NotFound)
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.step(Some(device), "disconnect").await?;
        self.unlink(device, None);
        Ok(())
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.lose_bond(device);
        Ok(())
    }
}

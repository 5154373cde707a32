//! A radio that replays a script: for tests, for the demo and for the bindings. Same script, same course of events.
//!
//! A script is JSON, one object with `devices`; every member is described on its field below. Times are milliseconds,
//! bytes are lower-case hex, attributes are written `service/characteristic`:
//!
//! ```json
//! {"utc_offset_min": 60, "devices": [{
//!   "device": "cuff-1", "name": "Virtual Cuff", "address": "c4c4c4c4c4c4", "services": ["1810"],
//!   "values": {"180a/2a29": "4163746d65", "180a/2a24": "4250", "180a/2a25": "3031"},
//!   "clock_behind_s": 360, "needs_pairing": true,
//!   "frames": [{"after_ms": 200, "bytes": "1480005200610042000000"}],
//!   "faults": [{"call": "connect", "fault": "timeout", "times": 1}]
//! }]}
//! ```

use crate::datetime::CurrentTime;
use crate::radio::{
    Advertisement, Attribute, DeviceHandle, Fanout, Radio, RadioEvent, RadioEvents, RadioFault,
    RadioState,
};
use crate::uuid::Uuid;
use async_trait::async_trait;
use reading::{DeviceTime, Moment};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A whole script.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The offset from UTC at which the devices' clocks are set, in minutes.
    #[serde(default)]
    pub utc_offset_min: i16,
    /// What is near.
    pub devices: Vec<ScriptedDevice>,
}

/// One device.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedDevice {
    /// Its handle.
    pub device: DeviceHandle,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its address, 12 hex digits.
    #[serde(default)]
    pub address: Option<String>,
    /// What it names while it advertises.
    #[serde(default = "blood_pressure")]
    pub services: Vec<Uuid>,
    /// From when on it advertises.
    #[serde(default)]
    pub visible_from_ms: u64,
    /// For how long; for ever when absent.
    #[serde(default)]
    pub visible_for_ms: Option<u64>,
    /// What can be read.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Characteristics that it has beyond `values`, its measurement and its clock; one listed twice is there twice.
    #[serde(default)]
    pub more: Vec<String>,
    /// Whether it has the measurement at all.
    #[serde(default = "yes")]
    pub measures: bool,
    /// How far its clock (Current Time) is behind; no clock when absent.
    #[serde(default)]
    pub clock_behind_s: Option<i64>,
    /// Whether it wants a bond before it lets anybody subscribe or read.
    #[serde(default)]
    pub needs_pairing: bool,
    /// Whether a bond exists at the start.
    #[serde(default)]
    pub bonded: bool,
    /// What it sends, each once, in the order given, after the subscription.
    #[serde(default)]
    pub frames: Vec<ScriptedFrame>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<ScriptFault>,
}

/// One frame of the measurement.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedFrame {
    /// How long after the subscription or the frame before.
    #[serde(default)]
    pub after_ms: u64,
    /// The bytes.
    pub bytes: String,
    /// How often it is indicated.
    #[serde(default = "once")]
    pub times: u32,
}

/// A frame holds a measurement: it stays out of logs.
impl std::fmt::Debug for ScriptedFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptedFrame")
    }
}

/// One fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ScriptFault {
    /// A call fails so many times, or is never answered when `fault` is absent.
    Call {
        /// `scan`, `connect`, `discover`, `subscribe`, `read`, `write`, `pair` or `disconnect`.
        call: String,
        /// How.
        #[serde(default)]
        fault: Option<RadioFault>,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The link breaks so long after connecting, so many times.
    Drop {
        /// When.
        drop_after_ms: u64,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The adapter goes away so long after connecting, and comes back.
    Radio {
        /// When.
        radio_off_after_ms: u64,
        /// For how long.
        back_after_ms: u64,
    },
}

fn blood_pressure() -> Vec<Uuid> {
    vec![Uuid::BLOOD_PRESSURE]
}

const fn yes() -> bool {
    true
}

const fn once() -> u32 {
    1
}

/// A script that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not the JSON of a script.
    #[error("the script cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A text that is not what its member wants.
    #[error("device {device}: {what} is not well formed")]
    Text {
        /// The place of the device in the list, from 0.
        device: usize,
        /// Which member.
        what: &'static str,
    },
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] with what is wrong.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        Ok(serde_json::from_str(json)?)
    }
}

const MEASUREMENT: Attribute = Attribute {
    service: Uuid::BLOOD_PRESSURE,
    characteristic: Uuid::MEASUREMENT,
};
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
    frames: VecDeque<(Duration, Vec<u8>)>,
    clock_behind_ms: Option<i64>,
    bonded: bool,
    /// Counts links; odd while one is up.
    link: u64,
    subscribed: bool,
    subscriptions: u64,
}

impl Device {
    fn is_linked(&self) -> bool {
        self.link % 2 == 1
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
            known.frames.push_back((Duration::ZERO, bytes));
            if known.is_linked() && known.subscribed {
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
                known.subscribed = false;
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
                    .and_then(|known| known.frames.front().map(|f| f.0));
                let Some(wait) = wait else { return };
                sleep(wait.max(LATENCY)).await;
                let frame = {
                    let mut inner = radio.lock();
                    let Some(known) = inner.devices.get_mut(&device) else {
                        return;
                    };
                    if !known.is_linked()
                        || !known.subscribed
                        || known.subscriptions != subscription
                    {
                        return;
                    }
                    known.frames.pop_front()
                };
                let Some((_, bytes)) = frame else { return };
                radio.events.send(&RadioEvent::Value {
                    device: device.clone(),
                    attribute: MEASUREMENT,
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
    attributes.extend(script.measures.then_some(MEASUREMENT));
    attributes.extend(script.clock_behind_s.map(|_| CLOCK));
    let mut frames = VecDeque::new();
    for frame in &script.frames {
        let bytes = reading::from_hex(&frame.bytes).map_err(|_| bad("frames"))?;
        for _ in 0..frame.times {
            frames.push_back((Duration::from_millis(frame.after_ms), bytes.clone()));
        }
    }
    Ok(Device {
        address,
        attributes,
        values,
        frames,
        clock_behind_ms: script.clock_behind_s.map(|s| s.saturating_mul(1000)),
        bonded: script.bonded,
        link: 0,
        subscribed: false,
        subscriptions: 0,
        script,
    })
}

/// `None`: no fault; `Some(None)`: never an answer.
#[allow(clippy::option_option)]
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
            if std::mem::replace(&mut known.subscribed, true) {
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

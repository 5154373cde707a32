//! A radio that replays a script: for tests, for the demo and for the bindings. Same script, same course of events.

mod calls;
mod memory;
mod prepare;
mod users;

use crate::fault::RadioFault;
use crate::radio::{Advertisement, Attribute, DeviceHandle, Fanout, RadioEvent, RadioState};
use crate::script::{Script, ScriptError, ScriptedDevice};
use crate::uuid::Uuid;
use memory::Kept;
use reading::Moment;
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
    scan_takes: Duration,
}

impl ScriptedRadio {
    /// Starts a script; `started` is the phone's time now. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ScriptError::Text`] for bytes, addresses or attributes that are not well formed.
    pub fn new(script: Script, started: Moment) -> Result<Self, ScriptError> {
        let mut devices = BTreeMap::new();
        for (n, device) in script.devices.into_iter().enumerate() {
            devices.insert(device.device.clone(), prepare::device(n, device)?);
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
            scan_takes: Duration::from_millis(script.scan_ms),
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
            inner.state.usable()?;
            let all = inner.devices.iter_mut();
            all.filter(|(handle, _)| device.is_none_or(|device| device == *handle))
                .find_map(|(_, known)| calls::take_fault(&mut known.script.faults, name))
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

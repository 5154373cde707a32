//! One radio for many. A radio has one scan: a second call to start it replaces what the first looked for, and the first
//! to stop it ends it for all. Each who uses the radio therefore gets a [`RadioView`] of it, a radio of their own whose
//! scan is theirs alone; below, one task keeps the one scan as all together want it ([`Scan`]).
//!
//! Nothing can leak: what a view wants is kept under the view, also when a call was dropped before its answer, and goes
//! with it.

use crate::driver::Clock;
use crate::fault::RadioFault;
use crate::radio::{Attribute, DeviceHandle, Radio, RadioEvent, RadioEvents, RadioState};
use crate::scan::{Scan, ScanEffect, ScanEvent, Who};
use crate::uuid::Uuid;
use async_trait::async_trait;
use reading::Moment;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// A radio that several use at once. Clones are the same radio; with the last of them and of their views its scan ends.
#[derive(Clone)]
pub struct SharedRadio {
    radio: Arc<dyn Radio>,
    scan: mpsc::UnboundedSender<Asked>,
    views: Arc<AtomicU64>,
}

/// What is wanted of the scan, and who waits until that is so.
struct Asked {
    event: ScanEvent,
    reply: Option<oneshot::Sender<Result<(), RadioFault>>>,
}

impl SharedRadio {
    /// Shares a radio, which nobody uses but by this. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(radio: Arc<dyn Radio>) -> Self {
        let (scan, asked) = mpsc::unbounded_channel();
        tokio::spawn(keep(Arc::clone(&radio), asked));
        Self {
            radio,
            scan,
            views: Arc::default(),
        }
    }

    /// The radio as one more uses it.
    #[must_use]
    pub fn view(&self) -> RadioView {
        RadioView {
            radio: Arc::clone(&self.radio),
            scan: self.scan.clone(),
            who: Who(self.views.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// A radio as one of several uses it. Events are those of all; dropped, it looks for nothing any more.
pub struct RadioView {
    radio: Arc<dyn Radio>,
    scan: mpsc::UnboundedSender<Asked>,
    who: Who,
}

impl RadioView {
    /// Says what is wanted, and waits until it is so.
    async fn ask(&self, event: ScanEvent) -> Result<(), RadioFault> {
        let (reply, answer) = oneshot::channel();
        let reply = Some(reply);
        let sent = self.scan.send(Asked { event, reply });
        sent.map_err(|_| RadioFault::Other)?;
        answer.await.unwrap_or(Err(RadioFault::Other))
    }
}

/// Says what is so from now on. The task that hears it is gone only with the runtime.
fn tell(scan: &mpsc::UnboundedSender<Asked>, event: ScanEvent) {
    let _gone = scan.send(Asked { event, reply: None });
}

impl Drop for RadioView {
    fn drop(&mut self) {
        tell(&self.scan, ScanEvent::Rest(self.who));
    }
}

/// A call to connect under way.
struct Connecting<'a>(&'a RadioView);

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        tell(&self.0.scan, ScanEvent::Connected(self.0.who));
    }
}

type Call = Pin<Box<dyn Future<Output = Result<(), RadioFault>> + Send>>;

/// Keeps the scan as it is wanted, until nobody is left who could want anything.
async fn keep(radio: Arc<dyn Radio>, mut asked: mpsc::UnboundedReceiver<Asked>) {
    let clock = Clock::begin(Moment::from_ms(0));
    let mut events = radio.events();
    let (mut radio_gone, mut alone) = (false, false);
    let mut scan = Scan::new();
    let mut call: Option<Call> = None;
    let mut waiting: Vec<oneshot::Sender<Result<(), RadioFault>>> = Vec::new();
    loop {
        while let Some(effect) = scan.poll_effect() {
            let radio = Arc::clone(&radio);
            match effect {
                ScanEffect::Start(services) => {
                    let services: Vec<Uuid> = services.into_iter().collect();
                    call = Some(Box::pin(async move { radio.start_scan(&services).await }));
                }
                ScanEffect::Stop => call = Some(Box::pin(async move { radio.stop_scan().await })),
                ScanEffect::Settled(result) => {
                    for reply in waiting.drain(..) {
                        // Who waits no longer has dropped the call.
                        let _gone = reply.send(result);
                    }
                }
            }
        }
        if alone && call.is_none() {
            return;
        }
        let deadline = scan.deadline(clock.now()).map(|at| clock.instant(at));
        let event = tokio::select! {
            next = asked.recv(), if !alone => match next {
                Some(next) => {
                    waiting.extend(next.reply);
                    next.event
                }
                // The last one's scan is stopped before this ends.
                None => {
                    alone = true;
                    continue;
                }
            },
            event = events.next(), if !radio_gone => match event {
                Some(RadioEvent::State(state)) => ScanEvent::Radio(state),
                Some(_) => continue,
                None => {
                    radio_gone = true;
                    ScanEvent::Radio(RadioState::Missing)
                }
            },
            result = answered(&mut call), if call.is_some() => {
                call = None;
                ScanEvent::Answer(result)
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                ScanEvent::Tick
            }
        };
        scan.input(event, clock.now());
    }
}

async fn answered(call: &mut Option<Call>) -> Result<(), RadioFault> {
    match call {
        Some(call) => call.as_mut().await,
        None => std::future::pending().await,
    }
}

#[async_trait]
impl Radio for RadioView {
    async fn state(&self) -> RadioState {
        self.radio.state().await
    }

    fn events(&self) -> RadioEvents {
        self.radio.events()
    }

    async fn start_scan(&self, services: &[Uuid]) -> Result<(), RadioFault> {
        let services = services.iter().copied().collect();
        self.ask(ScanEvent::Look(self.who, services)).await
    }

    async fn stop_scan(&self) -> Result<(), RadioFault> {
        self.ask(ScanEvent::Rest(self.who)).await
    }

    async fn connect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        let _connecting = Connecting(self);
        let cleared = self.ask(ScanEvent::Connect(self.who)).await;
        // Otherwise, a scan that cannot be stopped is no reason not to try.
        if let Err(fault @ (RadioFault::Off | RadioFault::Missing | RadioFault::Denied)) = cleared {
            return Err(fault);
        }
        self.radio.connect(device).await
    }

    async fn discover(&self, device: &DeviceHandle) -> Result<Vec<Attribute>, RadioFault> {
        self.radio.discover(device).await
    }

    async fn subscribe(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<(), RadioFault> {
        self.radio.subscribe(device, attribute).await
    }

    async fn read(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
    ) -> Result<Vec<u8>, RadioFault> {
        self.radio.read(device, attribute).await
    }

    async fn write(
        &self,
        device: &DeviceHandle,
        attribute: Attribute,
        bytes: &[u8],
    ) -> Result<(), RadioFault> {
        self.radio.write(device, attribute, bytes).await
    }

    async fn pair(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.pair(device).await
    }

    async fn is_bonded(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_bonded(device).await
    }

    async fn is_connected(&self, device: &DeviceHandle) -> Result<bool, RadioFault> {
        self.radio.is_connected(device).await
    }

    async fn disconnect(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.disconnect(device).await
    }

    async fn forget(&self, device: &DeviceHandle) -> Result<(), RadioFault> {
        self.radio.forget(device).await
    }
}

//! What every radio must do: one set of checks, for any [`Radio`] and whatever is on the other end of its air.
//!
//! A *bench* is a radio with two devices near it, a cuff and a scale, which the bench can make do things. Each check gets
//! a bench on which nothing is paired, linked or looked for.

mod links;
mod looking;
mod states;
mod values;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use teleward_device::{
    Attribute, DeviceHandle, Radio, RadioEvent, RadioEvents, RadioFault, RadioState, Uuid,
};

/// The service of the cuff.
pub const CUFF: Uuid = Uuid::short(0x1810);
/// The service of the scale.
pub const SCALE: Uuid = Uuid::short(0x181d);
/// What the cuff sends.
pub const MEASUREMENT: Attribute = attribute(0x1810, 0x2a35);
/// What can be read of the cuff: at least one byte, always the same.
pub const MODEL: Attribute = attribute(0x180a, 0x2a24);
/// What can be read and written of the cuff: Current Time.
pub const CLOCK: Attribute = attribute(0x1805, 0x2a2b);
/// What the cuff does not have.
pub const ABSENT: Attribute = attribute(0x1808, 0x2a18);

const fn attribute(service: u16, characteristic: u16) -> Attribute {
    Attribute {
        service: Uuid::short(service),
        characteristic: Uuid::short(characteristic),
    }
}

/// A radio, and what is on the other end of its air.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The radio.
    fn radio(&self) -> Arc<dyn Radio>;
    /// The cuff, which wants a bond before it lets anybody read, write or subscribe.
    fn cuff(&self) -> DeviceHandle;
    /// The scale, which is there to be seen.
    fn scale(&self) -> DeviceHandle;
    /// The cuff sends these values to whoever has subscribed; over when all have left it.
    async fn send(&self, values: &[Vec<u8>]) -> Result<()>;
    /// The cuff breaks its link.
    async fn hang_up(&self) -> Result<()>;
    /// The radio itself is switched off, taken out, or back on.
    async fn turn(&self, state: RadioState) -> Result<()>;
    /// The characteristic that the cuff has twice, where it can have one.
    fn twice(&self) -> Option<Attribute>;
    /// How long anything may take.
    fn patience(&self) -> Duration;
    /// How many values a listener that is asleep is sent.
    fn many(&self) -> usize;
}

type Run = for<'a> fn(&'a dyn Bench) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// One thing that every radio must do.
pub struct Check {
    pub name: &'static str,
    pub words: &'static str,
    run: Run,
}

macro_rules! checks {
    ($($module:ident::$name:ident $words:literal,)+) => {
        &[$(Check {
            name: stringify!($name),
            words: $words,
            run: |bench| Box::pin($module::$name(bench)),
        }),+]
    };
}

/// All of them.
pub const CHECKS: &[Check] = checks![
    looking::filters "a look tells of devices that name a service that is looked for, and of no others",
    looking::tells_again "what is known already is told again by the next look",
    looking::stops "after the end of a look nothing more is seen",
    links::ends_once "the end of a link that breaks is told once, after the values before it",
    links::ended_by_us "the end of a link that we end is told once, and ending it again does no harm",
    links::made_twice "connecting over a link that is up changes nothing",
    links::unknown_device "a device that nobody knows is not found",
    links::without_link "without a link nothing is asked of a device",
    links::given_up "a call that is given up half-way leaves nothing behind",
    links::bonds "a bond lasts beyond its link until it is forgotten",
    links::wants_a_bond "a device that wants a bond says so, or the platform makes one",
    values::every_listener "each listener gets each value, once and in order, whoever else listens",
    values::slow_listener "a listener that is asleep loses nothing",
    values::subscribed_twice "subscribing twice gives each value once",
    values::after_a_break "after a new link and a new subscription each value comes once",
    values::read_and_written "what is written can be read again",
    values::not_there "what a device does not have is said to be so, and its link stays",
    values::listed_twice "a characteristic that a device has twice is listed twice",
    states::off "with the radio off nothing works, its links are over, and on again it goes on",
    states::missing "without a radio nothing works, its links are over, and back again it goes on",
];

impl Check {
    /// Runs it; what is wrong is told in words.
    pub async fn run(&self, bench: &dyn Bench) -> Result<()> {
        // Each wait within has its own end; this one is for a call that never answers.
        tokio::time::timeout(bench.patience() * 4, (self.run)(bench))
            .await
            .context("it did not come to an end")?
    }
}

/// A listener, and how long it waits.
pub struct Heard {
    events: RadioEvents,
    patience: Duration,
}

impl Heard {
    pub fn listen(bench: &dyn Bench) -> Self {
        Self {
            events: bench.radio().events(),
            patience: bench.patience(),
        }
    }

    /// All that is told up to the first event that is wanted, with it.
    pub async fn until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&RadioEvent) -> bool + Send,
    ) -> Result<Vec<RadioEvent>> {
        let mut told = Vec::new();
        let wait = async {
            loop {
                let event = self.events.next().await.context("the radio is gone")?;
                let last = wanted(&event);
                told.push(event);
                if last {
                    return Ok::<(), anyhow::Error>(());
                }
            }
        };
        let ended = tokio::time::timeout(self.patience, wait).await;
        ended.with_context(|| format!("not told in time: {what}; but {told:?}"))??;
        Ok(told)
    }

    /// All that was told already.
    pub fn so_far(&mut self) -> Vec<RadioEvent> {
        std::iter::from_fn(|| self.events.try_next()).collect()
    }

    /// The next values of the cuff, as many as these, which they must be; gives all that was told meanwhile.
    pub async fn values(&mut self, wanted: &[Vec<u8>]) -> Result<Vec<RadioEvent>> {
        let mut left = wanted.len();
        let told = self
            .until("values of the cuff", |event| {
                left -= usize::from(value(event).is_some());
                left == 0
            })
            .await?;
        let values: Vec<&Vec<u8>> = told.iter().filter_map(value).collect();
        ensure!(
            values.into_iter().eq(wanted),
            "the values are not those that were sent, each once and in order"
        );
        Ok(told)
    }
}

fn value(event: &RadioEvent) -> Option<&Vec<u8>> {
    match event {
        RadioEvent::Value {
            attribute, bytes, ..
        } if *attribute == MEASUREMENT => Some(bytes),
        _ => None,
    }
}

pub fn is_seen(event: &RadioEvent, device: &DeviceHandle) -> bool {
    matches!(event, RadioEvent::Seen(seen) if seen.device == *device)
}

/// How often the end of this device's link was told.
pub fn ends(told: &[RadioEvent], device: &DeviceHandle) -> usize {
    let end = RadioEvent::Disconnected(device.clone());
    told.iter().filter(|event| **event == end).count()
}

/// So many values that differ, and differ from those of another series.
pub fn series(number: u8, count: usize) -> Vec<Vec<u8>> {
    let one = |n: usize| {
        let [low, high, ..] = n.to_le_bytes();
        vec![0, number, low, high, 0, 0x61, 0]
    };
    (0..count).map(one).collect()
}

/// Looks until the cuff is near.
pub async fn near(bench: &dyn Bench) -> Result<()> {
    let radio = bench.radio();
    let mut heard = Heard::listen(bench);
    radio.start_scan(&[CUFF]).await?;
    let cuff = bench.cuff();
    heard
        .until("the cuff is near", |event| is_seen(event, &cuff))
        .await?;
    Ok(radio.stop_scan().await?)
}

/// A link to the cuff, and what it has.
pub async fn linked(bench: &dyn Bench) -> Result<Vec<Attribute>> {
    near(bench).await?;
    let (radio, cuff) = (bench.radio(), bench.cuff());
    radio.connect(&cuff).await.context("connecting")?;
    radio.discover(&cuff).await.context("discovering")
}

/// A link to the cuff with a bond.
pub async fn bonded(bench: &dyn Bench) -> Result<()> {
    linked(bench).await?;
    let (radio, cuff) = (bench.radio(), bench.cuff());
    if !radio.is_bonded(&cuff).await? {
        radio.pair(&cuff).await.context("pairing")?;
    }
    Ok(())
}

/// A link to the cuff over which it sends.
pub async fn subscribed(bench: &dyn Bench) -> Result<()> {
    bonded(bench).await?;
    let (radio, cuff) = (bench.radio(), bench.cuff());
    let subscribed = radio.subscribe(&cuff, MEASUREMENT).await;
    subscribed.context("subscribing")
}

/// Fails with another word than was wanted when a call did not fail in one of these ways.
pub fn fails<T>(what: &str, result: Result<T, RadioFault>, ways: &[RadioFault]) -> Result<()> {
    match result {
        Err(fault) if ways.contains(&fault) => Ok(()),
        Err(fault) => bail!("{what} failed as {fault:?}, not as {ways:?}"),
        Ok(_) => bail!("{what} worked, and should have failed as {ways:?}"),
    }
}

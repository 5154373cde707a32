//! What a device sends, and what it has.

use super::{
    ABSENT, Bench, CLOCK, Heard, MEASUREMENT, MODEL, bonded, fails, linked, series, subscribed,
};
use anyhow::{Context as _, Result, ensure};
use teleward_device::RadioFault;

/// 2030-01-02 03:04:05, a Wednesday.
pub const TIME: [u8; 10] = [0xee, 0x07, 1, 2, 3, 4, 5, 3, 0, 0];

pub async fn every_listener(bench: &dyn Bench) -> Result<()> {
    let mut first = Heard::listen(bench);
    let gone = Heard::listen(bench);
    subscribed(bench).await?;
    let mut second = Heard::listen(bench);
    drop(gone);
    let sent = series(1, 5);
    bench.send(&sent).await?;
    first.values(&sent).await.context("the first listener")?;
    second.values(&sent).await.context("the second listener")?;
    Ok(())
}

pub async fn slow_listener(bench: &dyn Bench) -> Result<()> {
    subscribed(bench).await?;
    let mut asleep = Heard::listen(bench);
    let mut awake = Heard::listen(bench);
    let sent = series(1, bench.many());
    for some in sent.chunks(10) {
        bench.send(some).await?;
        awake.values(some).await?;
    }
    asleep.values(&sent).await?;
    Ok(())
}

pub async fn subscribed_twice(bench: &dyn Bench) -> Result<()> {
    subscribed(bench).await?;
    let again = bench.radio().subscribe(&bench.cuff(), MEASUREMENT).await;
    again.context("subscribing again")?;
    let mut heard = Heard::listen(bench);
    let sent = series(1, 4);
    bench.send(&sent).await?;
    heard.values(&sent).await?;
    Ok(())
}

pub async fn after_a_break(bench: &dyn Bench) -> Result<()> {
    for number in 1..=3 {
        subscribed(bench).await?;
        let mut heard = Heard::listen(bench);
        let sent = series(number, 3);
        bench.send(&sent).await?;
        heard.values(&sent).await?;
        bench.hang_up().await?;
        heard
            .until("the end of the link", |event| {
                matches!(event, teleward_device::RadioEvent::Disconnected(_))
            })
            .await?;
    }
    Ok(())
}

pub async fn read_and_written(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    bonded(bench).await?;
    let model = radio.read(&cuff, MODEL).await.context("reading")?;
    ensure!(!model.is_empty(), "the model is empty");
    radio.write(&cuff, CLOCK, &TIME).await.context("writing")?;
    let time = radio
        .read(&cuff, CLOCK)
        .await
        .context("reading the clock")?;
    // The minute may have passed meanwhile.
    ensure!(time.get(..5) == TIME.get(..5), "the clock was not set");
    ensure!(model == radio.read(&cuff, MODEL).await?, "two reads differ");
    Ok(())
}

pub async fn not_there(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    bonded(bench).await?;
    let none = &[RadioFault::NotSupported];
    fails("reading", radio.read(&cuff, ABSENT).await, none)?;
    fails("subscribing", radio.subscribe(&cuff, ABSENT).await, none)?;
    fails("writing", radio.write(&cuff, ABSENT, &[0]).await, none)?;
    ensure!(radio.is_connected(&cuff).await?, "the link went with it");
    radio.read(&cuff, MODEL).await.context("reading after it")?;
    Ok(())
}

pub async fn listed_twice(bench: &dyn Bench) -> Result<()> {
    let attributes = linked(bench).await?;
    for (attribute, times) in [(MEASUREMENT, 1), (MODEL, 1), (CLOCK, 1), (ABSENT, 0)] {
        let listed = attributes.iter().filter(|one| **one == attribute).count();
        ensure!(listed == times, "{attribute:?} is listed {listed} times");
    }
    if let Some(twice) = bench.twice() {
        let listed = attributes.iter().filter(|one| **one == twice).count();
        ensure!(listed == 2, "what is there twice is listed {listed} times");
    }
    Ok(())
}

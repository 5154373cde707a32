//! Links and bonds.

use super::{
    ABSENT, Bench, CLOCK, Heard, MEASUREMENT, MODEL, ends, fails, linked, near, series, subscribed,
};
use anyhow::{Context as _, Result, bail, ensure};
use std::time::Duration;
use teleward_device::{DeviceHandle, RadioEvent, RadioFault};

pub async fn ends_once(bench: &dyn Bench) -> Result<()> {
    let cuff = bench.cuff();
    subscribed(bench).await?;
    let mut heard = Heard::listen(bench);
    let (first, second) = (series(1, 5), series(2, 1));
    bench.send(&first).await?;
    bench.hang_up().await?;
    let told = heard.values(&first).await?;
    ensure!(
        ends(&told, &cuff) == 0,
        "the end was told before the values"
    );
    heard
        .until("the end of the link", |event| {
            *event == RadioEvent::Disconnected(cuff.clone())
        })
        .await?;
    ensure!(
        !bench.radio().is_connected(&cuff).await?,
        "it is said to be connected after its end"
    );
    // A second end would come before what the next link brings.
    subscribed(bench).await?;
    bench.send(&second).await?;
    let told = heard.values(&second).await?;
    ensure!(ends(&told, &cuff) == 0, "the end was told twice");
    Ok(())
}

pub async fn ended_by_us(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    linked(bench).await?;
    ensure!(radio.is_connected(&cuff).await?, "a link is not shown");
    let mut heard = Heard::listen(bench);
    radio.disconnect(&cuff).await?;
    heard
        .until("the end of the link", |event| {
            *event == RadioEvent::Disconnected(cuff.clone())
        })
        .await?;
    ensure!(!radio.is_connected(&cuff).await?, "a link is shown");
    if let Err(fault) = radio.disconnect(&cuff).await {
        fails(
            "a second end",
            Err::<(), _>(fault),
            &[RadioFault::NotConnected],
        )?;
    }
    subscribed(bench).await?;
    let sent = series(1, 1);
    bench.send(&sent).await?;
    let told = heard.values(&sent).await?;
    ensure!(ends(&told, &cuff) == 0, "the end was told twice");
    Ok(())
}

pub async fn made_twice(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    subscribed(bench).await?;
    let mut heard = Heard::listen(bench);
    radio.connect(&cuff).await.context("connecting again")?;
    let sent = series(1, 2);
    bench.send(&sent).await?;
    let told = heard.values(&sent).await?;
    ensure!(ends(&told, &cuff) == 0, "the link was told to be over");
    bench.hang_up().await?;
    heard
        .until("the end of the link", |event| {
            *event == RadioEvent::Disconnected(cuff.clone())
        })
        .await?;
    Ok(())
}

pub async fn unknown_device(bench: &dyn Bench) -> Result<()> {
    let radio = bench.radio();
    let nobody = DeviceHandle("00:00:00:00:00:00".to_owned());
    let connected = radio.connect(&nobody).await;
    fails("connecting", connected, &[RadioFault::NotFound])?;
    let ways = &[RadioFault::NotFound, RadioFault::NotConnected];
    fails("discovering", radio.discover(&nobody).await, ways)?;
    fails(
        "subscribing",
        radio.subscribe(&nobody, MEASUREMENT).await,
        ways,
    )?;
    fails("reading", radio.read(&nobody, MODEL).await, ways)?;
    fails("writing", radio.write(&nobody, CLOCK, &[0; 10]).await, ways)?;
    fails("pairing", radio.pair(&nobody).await, ways)?;
    for (what, answer) in [
        ("a link", radio.is_connected(&nobody).await),
        ("a bond", radio.is_bonded(&nobody).await),
    ] {
        match answer {
            Ok(false) | Err(RadioFault::NotFound) => {}
            other => bail!("asked for {what}: {other:?}"),
        }
    }
    Ok(())
}

pub async fn without_link(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    near(bench).await?;
    for before in ["before any link", "after a link"] {
        let none = &[RadioFault::NotConnected];
        let discovered = radio.discover(&cuff).await;
        fails("discovering", discovered, none).context(before)?;
        let subscribed = radio.subscribe(&cuff, MEASUREMENT).await;
        fails("subscribing", subscribed, none).context(before)?;
        fails("reading", radio.read(&cuff, MODEL).await, none).context(before)?;
        let written = radio.write(&cuff, CLOCK, &[0; 10]).await;
        fails("writing", written, none).context(before)?;
        ensure!(!radio.is_connected(&cuff).await?, "a link is shown");
        linked(bench).await?;
        radio.disconnect(&cuff).await?;
    }
    Ok(())
}

pub async fn given_up(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    // Begun, and given up at once.
    macro_rules! give_up {
        ($call:expr) => {
            let _given_up = tokio::time::timeout(Duration::ZERO, $call).await;
        };
    }
    give_up!(radio.start_scan(&[super::CUFF]));
    near(bench).await?;
    give_up!(radio.connect(&cuff));
    // What a session does after it: the link may be half up.
    match radio.disconnect(&cuff).await {
        Ok(()) | Err(RadioFault::NotConnected) => {}
        Err(fault) => bail!("ending what was given up: {fault:?}"),
    }
    linked(bench).await?;
    give_up!(radio.discover(&cuff));
    give_up!(radio.is_bonded(&cuff));
    give_up!(radio.is_connected(&cuff));
    radio.pair(&cuff).await.context("pairing after it")?;
    give_up!(radio.read(&cuff, MODEL));
    give_up!(radio.write(&cuff, CLOCK, &super::values::TIME));
    give_up!(radio.read(&cuff, ABSENT));
    radio.read(&cuff, MODEL).await.context("reading after it")?;
    give_up!(radio.subscribe(&cuff, MEASUREMENT));
    let subscribed = radio.subscribe(&cuff, MEASUREMENT).await;
    subscribed.context("subscribing after it")?;
    let mut heard = Heard::listen(bench);
    let sent = series(1, 3);
    bench.send(&sent).await?;
    heard.values(&sent).await?;
    give_up!(radio.disconnect(&cuff));
    match radio.disconnect(&cuff).await {
        Ok(()) | Err(RadioFault::NotConnected) => Ok(()),
        Err(fault) => Err(fault).context("ending the link after it"),
    }
}

pub async fn bonds(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    near(bench).await?;
    ensure!(!radio.is_bonded(&cuff).await?, "a bond is there already");
    linked(bench).await?;
    // A platform may have made it by itself.
    radio.pair(&cuff).await.context("pairing")?;
    ensure!(radio.is_bonded(&cuff).await?, "there is no bond after it");
    radio
        .read(&cuff, MODEL)
        .await
        .context("reading with a bond")?;
    radio.disconnect(&cuff).await?;
    ensure!(radio.is_bonded(&cuff).await?, "the bond went with the link");
    radio.forget(&cuff).await.context("forgetting")?;
    match radio.is_bonded(&cuff).await {
        Ok(false) | Err(RadioFault::NotFound) => Ok(()),
        other => bail!("asked for a bond that was forgotten: {other:?}"),
    }
}

pub async fn wants_a_bond(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    linked(bench).await?;
    match radio.subscribe(&cuff, MEASUREMENT).await {
        // The platform has paired by itself.
        Ok(()) => ensure!(
            radio.is_bonded(&cuff).await?,
            "it let us subscribe without a bond"
        ),
        Err(fault) => {
            fails(
                "subscribing",
                Err::<(), _>(fault),
                &[RadioFault::NeedsPairing],
            )?;
            radio.pair(&cuff).await.context("pairing")?;
            radio
                .subscribe(&cuff, MEASUREMENT)
                .await
                .context("subscribing with a bond")?;
        }
    }
    let mut heard = Heard::listen(bench);
    let sent = series(1, 1);
    bench.send(&sent).await?;
    heard.values(&sent).await?;
    Ok(())
}

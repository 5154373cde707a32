//! Looking for devices.

use super::{Bench, CUFF, Heard, MEASUREMENT, SCALE, is_seen, near, series};
use anyhow::{Result, ensure};
use teleward_device::RadioEvent;

pub async fn filters(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff, scale) = (bench.radio(), bench.cuff(), bench.scale());
    let mut heard = Heard::listen(bench);
    for (service, wanted, other) in [
        (SCALE, &scale, &cuff),
        (CUFF, &cuff, &scale),
        (SCALE, &scale, &cuff),
    ] {
        radio.start_scan(&[service]).await?;
        let told = heard
            .until("what is looked for", |event| is_seen(event, wanted))
            .await?;
        radio.stop_scan().await?;
        ensure!(
            !told.iter().any(|event| is_seen(event, other)),
            "a device was told that names another service"
        );
        heard.so_far();
    }
    radio.start_scan(&[CUFF, SCALE]).await?;
    let mut missing = vec![cuff, scale];
    heard
        .until("both that are looked for", |event| {
            missing.retain(|device| !is_seen(event, device));
            missing.is_empty()
        })
        .await?;
    Ok(radio.stop_scan().await?)
}

pub async fn tells_again(bench: &dyn Bench) -> Result<()> {
    for _ in 0..3 {
        near(bench).await?;
    }
    Ok(())
}

/// The scale shows itself all the while, and a link, a bond and a value take longer than it needs to be seen.
pub async fn stops(bench: &dyn Bench) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    let mut heard = Heard::listen(bench);
    radio.start_scan(&[CUFF, SCALE]).await?;
    heard
        .until("the cuff is near", |event| is_seen(event, &cuff))
        .await?;
    radio.stop_scan().await?;
    heard.so_far();
    radio.connect(&cuff).await?;
    radio.discover(&cuff).await?;
    radio.pair(&cuff).await?;
    radio.subscribe(&cuff, MEASUREMENT).await?;
    let sent = series(1, 3);
    bench.send(&sent).await?;
    let told = heard.values(&sent).await?;
    ensure!(
        !told
            .iter()
            .any(|event| matches!(event, RadioEvent::Seen(_))),
        "a device is seen although nobody looks"
    );
    Ok(radio.disconnect(&cuff).await?)
}

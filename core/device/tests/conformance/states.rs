//! The radio itself: off, missing, and back.

use super::{Bench, CUFF, Heard, MODEL, ends, fails, series, subscribed};
use anyhow::{Result, ensure};
use teleward_device::{RadioEvent, RadioFault, RadioState};

pub async fn off(bench: &dyn Bench) -> Result<()> {
    away_and_back(bench, RadioState::Off, RadioFault::Off).await
}

pub async fn missing(bench: &dyn Bench) -> Result<()> {
    away_and_back(bench, RadioState::Missing, RadioFault::Missing).await
}

async fn away_and_back(bench: &dyn Bench, away: RadioState, fault: RadioFault) -> Result<()> {
    let (radio, cuff) = (bench.radio(), bench.cuff());
    subscribed(bench).await?;
    let mut heard = Heard::listen(bench);
    bench.turn(away).await?;
    let (mut told_state, mut told_end) = (false, false);
    let told = heard
        .until("its state and the end of its link", |event| {
            told_state |= *event == RadioEvent::State(away);
            told_end |= *event == RadioEvent::Disconnected(cuff.clone());
            told_state && told_end
        })
        .await?;
    ensure!(
        ends(&told, &cuff) == 1,
        "the end of its link was told twice"
    );
    ensure!(radio.state().await == away, "its state is another");
    fails("looking", radio.start_scan(&[CUFF]).await, &[fault])?;
    fails("connecting", radio.connect(&cuff).await, &[fault])?;
    let read = radio.read(&cuff, MODEL).await;
    fails("reading", read, &[fault, RadioFault::NotConnected])?;

    bench.turn(RadioState::On).await?;
    let told = heard
        .until("it is on again", |event| {
            *event == RadioEvent::State(RadioState::On)
        })
        .await?;
    ensure!(
        ends(&told, &cuff) == 0,
        "the end of its link was told again"
    );
    ensure!(radio.state().await == RadioState::On, "its state is not on");
    subscribed(bench).await?;
    let sent = series(1, 2);
    bench.send(&sent).await?;
    heard.values(&sent).await?;
    Ok(())
}

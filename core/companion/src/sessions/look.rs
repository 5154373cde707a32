//! Looking around: one look until its end. What is near is asked for in short rounds, so that it shows at once and a look
//! can be ended.

use super::Happening;
use device::{Advertisement, DeviceHandle, LookAround, Radio, RadioFault};
use std::cmp::Reverse;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One round: long enough for a cuff that advertises twice a second.
const ROUND: Duration = Duration::from_secs(1);

/// Looks until a device is there, and gives the nearest that is not paired yet; else one that is and advertises.
pub(super) async fn nearest(
    radio: &dyn Radio,
    timeout: Duration,
    known: &[DeviceHandle],
) -> Result<Option<Advertisement>, RadioFault> {
    let end = Instant::now() + timeout;
    let mut look = LookAround::begin(radio).await?;
    let looked = async {
        loop {
            round(&mut look, end).await?;
            let near = look.seen();
            let nearest = near
                .min_by_key(|seen| (known.contains(&seen.device), Reverse(seen.rssi)))
                .cloned();
            if nearest.is_some() || Instant::now() >= end {
                return Ok::<_, RadioFault>(nearest);
            }
        }
    };
    let looked = looked.await;
    look.end().await.and(looked)
}

/// Looks for so long, or until told to stop, and tells after each round what was seen in all, the nearest first.
pub(super) async fn around(
    radio: &dyn Radio,
    timeout: Duration,
    mut stopped: impl FnMut() -> bool,
    to_us: &mpsc::Sender<Happening>,
) -> Result<(), RadioFault> {
    let end = Instant::now() + timeout;
    let mut look = LookAround::begin(radio).await?;
    let looked = async {
        while Instant::now() < end && !stopped() {
            round(&mut look, end).await?;
            let mut all: Vec<Advertisement> = look.seen().cloned().collect();
            all.sort_by_key(|seen| Reverse(seen.rssi));
            // The actor is gone only when everything is.
            let _closed = to_us.send(Happening::Near(all)).await;
        }
        Ok::<_, RadioFault>(())
    };
    let looked = looked.await;
    look.end().await.and(looked)
}

async fn round(look: &mut LookAround<'_>, end: Instant) -> Result<(), RadioFault> {
    look.until(end.min(Instant::now() + ROUND), |_| {}).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use device::{Script, ScriptedRadio};
    use reading::Moment;

    /// A radio that needs 300 ms to begin to look, near a cuff that shows for 200 ms, after a first round and before a
    /// second look would have begun.
    fn radio() -> ScriptedRadio {
        let script = r#"{"scan_ms":300,"devices":[{"device":"cuff","visible_from_ms":1350,"visible_for_ms":200}]}"#;
        let script = Script::parse(script).unwrap();
        ScriptedRadio::new(script, Moment::from_ms(1_718_471_847_000)).unwrap()
    }

    /// REQ-COMPANION-082: what shows itself between two rounds is not missed, for there is one look.
    #[tokio::test(start_paused = true)]
    async fn an_advertisement_between_two_rounds_is_not_lost() {
        let cuff = DeviceHandle("cuff".to_owned());
        let found = nearest(&radio(), Duration::from_secs(5), &[]).await;
        assert_eq!(found.unwrap().map(|seen| seen.device), Some(cuff.clone()));
        let (to_us, mut told) = mpsc::channel(16);
        let looked = around(&radio(), Duration::from_secs(5), || false, &to_us).await;
        assert_eq!(looked, Ok(()));
        drop(to_us);
        let mut last = Vec::new();
        while let Some(Happening::Near(near)) = told.recv().await {
            last = near;
        }
        let last: Vec<DeviceHandle> = last.into_iter().map(|seen| seen.device).collect();
        assert_eq!(last, [cuff]);
    }

    /// REQ-COMPANION-082: a look ends in time when nothing shows, and leaves no scan behind.
    #[tokio::test(start_paused = true)]
    async fn a_look_ends_in_time() {
        let radio = radio();
        let began = Instant::now();
        let found = nearest(&radio, Duration::from_millis(1_200), &[]).await;
        assert_eq!(found, Ok(None));
        assert_eq!(began.elapsed(), Duration::from_millis(1_200));
        let mut events = radio.events();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(events.try_next(), None, "it is looked for no longer");
    }
}

//! When to try again: doubling pauses with jitter, so that phones that lost one relay do not come back as one wave.

use std::time::Duration;
use wire::Time;

/// The first pause.
pub(crate) const FIRST: Duration = Duration::from_secs(2);
/// The longest pause of our own: a phone must not sit on a reading for longer once the relay is back.
pub(crate) const LONGEST_OWN: Duration = Duration::from_secs(10 * 60);
/// The longest pause at all: what a relay may ask for is cut here.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Failures in a row, and what follows from them. Pure: time and random bits come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest_own: Duration,
    failures: u32,
    next: Option<Time>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(FIRST, LONGEST_OWN)
    }
}

impl Backoff {
    /// One with other pauses than the usual.
    #[must_use]
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest_own: longest.min(LONGEST),
            failures: 0,
            next: None,
        }
    }

    /// One that has seen so many failures, to be continued by [`Backoff::failed`].
    #[must_use]
    pub fn after(failures: u32) -> Self {
        Self {
            failures,
            ..Self::default()
        }
    }

    /// How many failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes a failure; the pause lies between half of and the whole doubled span, as `jitter` says, and is never
    /// shorter than the relay asked for (up to [`LONGEST`]).
    pub fn failed(&mut self, now: Time, asked: Option<Duration>, jitter: u32) {
        let span = self
            .first
            .saturating_mul(1 << self.failures.min(10))
            .min(self.longest_own);
        let half = span / 2;
        let pause = half + half.mul_f64(f64::from(jitter) / f64::from(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        self.next = Some(now.plus(pause.max(asked.unwrap_or_default().min(LONGEST))));
    }

    /// Forgets all failures: it worked, or the network is another one now.
    pub fn reset(&mut self) {
        (self.failures, self.next) = (0, None);
    }

    /// Whether it may be tried now.
    #[must_use]
    pub fn is_ready(&self, now: Time) -> bool {
        self.wait_until(now).is_none()
    }

    /// Until when to wait, if at all. A time further ahead than any pause can be means that the clock was set back
    /// meanwhile: then there is nothing to wait for.
    #[must_use]
    pub fn wait_until(&self, now: Time) -> Option<Time> {
        self.next
            .filter(|next| *next > now && next.since(now) <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_set_back_does_not_stop_the_post() {
        let (noon, a_year_before) = (Time::from_ms(40_000_000_000), Time::from_ms(8_000_000_000));
        let mut backoff = Backoff::default();
        backoff.failed(noon, None, 0);
        assert!(!backoff.is_ready(noon));
        assert!(backoff.is_ready(a_year_before));
    }

    proptest! {
        #[test]
        fn pauses_grow_stay_bounded_and_heed_the_relay(jitter: Vec<u32>, asked in proptest::option::of(0_u64..100_000)) {
            let asked = asked.map(Duration::from_secs);
            let (mut backoff, mut now) = (Backoff::default(), Time::from_ms(0));
            for bits in jitter {
                backoff.failed(now, asked, bits);
                let next = backoff.wait_until(now).unwrap();
                let pause = next.since(now);
                prop_assert!(pause >= FIRST / 2 && pause <= LONGEST);
                prop_assert!(pause >= asked.unwrap_or_default().min(LONGEST));
                prop_assert!(backoff.is_ready(next));
                now = next;
            }
            backoff.reset();
            prop_assert!(backoff.is_ready(now));
        }
    }
}

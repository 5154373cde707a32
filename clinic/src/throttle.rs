//! Slows down whoever guesses passwords. Pure: `now` comes in, memory is bounded.
//!
//! In: attempts by a key (an account's name or an address). Out: leave to try, or how long to wait. Five failures are
//! free (people mistype); after each further one the wait doubles, up to a quarter of an hour (NIST SP 800-63B
//! section 5.2.2 asks for such a limit). A right password forgets the account's failures, not the address's.

use std::collections::HashMap;
use std::time::Duration;
use wire::Time;

const FREE: u32 = 5;
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Keys that are remembered; beyond it the one that failed longest ago is forgotten.
const MAX_KEYS: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Time,
}

/// The memory of failures.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    keys: HashMap<String, Failures>,
}

impl Throttle {
    /// How long this key has to wait before it may try; `None` when it may now.
    pub(crate) fn wait(&self, key: &str, now: Time) -> Option<Duration> {
        let failures = self.keys.get(key)?;
        let until = failures.last.plus(pause(failures.count));
        // a last failure that lies ahead means that the clock was set back: go by the new clock
        (failures.last <= now && now < until).then(|| until.since(now))
    }

    /// Notes a failure.
    pub(crate) fn failed(&mut self, key: &str, now: Time) {
        let before = self.keys.get(key).map_or(0, |f| {
            if now.since(f.last) > LONGEST {
                0
            } else {
                f.count
            }
        });
        if self.keys.len() >= MAX_KEYS && !self.keys.contains_key(key) {
            let oldest = self
                .keys
                .iter()
                .min_by_key(|(_, f)| f.last)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.keys.remove(&oldest);
            }
        }
        self.keys.insert(
            key.to_owned(),
            Failures {
                count: before.saturating_add(1),
                last: now,
            },
        );
    }

    /// Forgets this key's failures.
    pub(crate) fn succeeded(&mut self, key: &str) {
        self.keys.remove(key);
    }
}

fn pause(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => FIRST.saturating_mul(1 << beyond.min(16)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// REQ-CLINIC-002: guessing passwords is slowed down, by account and by address, with bounded memory.
    #[test]
    fn the_sixth_guess_waits_and_each_further_one_longer() {
        let mut throttle = Throttle::default();
        let mut now = Time::from_ms(1_000_000);
        for _ in 0..FREE - 1 {
            throttle.failed("a", now);
            assert_eq!(throttle.wait("a", now), None);
        }
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            throttle.failed("a", now);
            let wait = throttle.wait("a", now).unwrap();
            assert!(wait >= last && wait <= LONGEST);
            last = wait;
            now = now.plus(wait);
            assert_eq!(throttle.wait("a", now), None);
        }
        assert_eq!(last, LONGEST);
        assert_eq!(throttle.wait("b", now), None);
        throttle.succeeded("a");
        assert_eq!(throttle.wait("a", now), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn memory_is_bounded_whatever_is_tried(keys in proptest::collection::vec("[a-z]{1,6}", 1..200), step in 0_i64..5000) {
            let mut throttle = Throttle::default();
            for n in 0..MAX_KEYS + 50 {
                throttle.failed(&n.to_string(), Time::from_ms(n as i64));
            }
            for (n, key) in keys.iter().enumerate() {
                throttle.failed(key, Time::from_ms(n as i64 * step));
            }
            prop_assert!(throttle.keys.len() <= MAX_KEYS);
        }
    }
}

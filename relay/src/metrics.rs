//! Figures for the operator, in Prometheus' text format: counts, sizes, times. No id, no address.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the answer-time buckets, in milliseconds.
const BUCKETS_MS: [u64; 8] = [1, 2, 5, 10, 25, 100, 500, 2500];
/// Statuses that are counted by themselves.
const STATUSES: [u16; 15] = [
    101, 200, 201, 204, 400, 401, 404, 405, 409, 413, 422, 429, 500, 503, 507,
];

/// The counters.
#[derive(Debug, Default)]
pub struct Metrics {
    by_status: [AtomicU64; STATUSES.len()],
    buckets: [AtomicU64; BUCKETS_MS.len() + 1],
    nanos: AtomicU64,
    envelopes: AtomicU64,
    bytes: AtomicU64,
}

impl Metrics {
    /// One answer.
    pub fn count(&self, status: u16, took: Duration) {
        if let Some(at) = STATUSES.iter().position(|s| *s == status) {
            self.by_status[at].fetch_add(1, Ordering::Relaxed);
        }
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS
            .iter()
            .position(|end| ms < *end)
            .unwrap_or(BUCKETS_MS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(
            u64::try_from(took.as_nanos()).unwrap_or(0),
            Ordering::Relaxed,
        );
    }

    /// One envelope taken for the first time.
    pub fn took(&self, bytes: u64) {
        self.envelopes.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The page.
    #[must_use]
    pub fn text(&self, live: usize, links: usize) -> String {
        let mut page = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _infallible = writeln!(page, "{text}");
        };
        line(format_args!("# TYPE teleward_relay_requests_total counter"));
        for (status, count) in STATUSES.iter().zip(&self.by_status) {
            line(format_args!(
                "teleward_relay_requests_total{{status=\"{status}\"}} {}",
                count.load(Ordering::Relaxed)
            ));
        }
        line(format_args!(
            "# TYPE teleward_relay_answer_seconds histogram"
        ));
        let mut sum = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            sum += bucket.load(Ordering::Relaxed);
            match BUCKETS_MS.get(at) {
                Some(ms) => line(format_args!(
                    "teleward_relay_answer_seconds_bucket{{le=\"{}.{:03}\"}} {sum}",
                    ms / 1000,
                    ms % 1000
                )),
                None => line(format_args!(
                    "teleward_relay_answer_seconds_bucket{{le=\"+Inf\"}} {sum}"
                )),
            }
        }
        let nanos = self.nanos.load(Ordering::Relaxed);
        line(format_args!(
            "teleward_relay_answer_seconds_sum {}.{:09}",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000
        ));
        line(format_args!("teleward_relay_answer_seconds_count {sum}"));
        line(format_args!(
            "# TYPE teleward_relay_envelopes_total counter\nteleward_relay_envelopes_total {}",
            self.envelopes.load(Ordering::Relaxed)
        ));
        line(format_args!(
            "# TYPE teleward_relay_envelope_bytes_total counter\nteleward_relay_envelope_bytes_total {}",
            self.bytes.load(Ordering::Relaxed)
        ));
        line(format_args!(
            "# TYPE teleward_relay_live_lines gauge\nteleward_relay_live_lines {live}"
        ));
        line(format_args!(
            "# TYPE teleward_relay_links gauge\nteleward_relay_links {links}"
        ));
        page
    }
}

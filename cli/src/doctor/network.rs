//! A relay: whether it answers, and whether its clock and ours agree.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;

use super::{Check, fine, problem};

/// A relay that takes longer to answer is not reachable for our purposes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Beyond this a relay refuses requests (docs/formats/relay-requests.md).
const CLOCKS_APART_S: u64 = 120;

/// Asks the relay whether it is ready.
pub fn reach(relay: &str) -> Result<Vec<Check>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let url = format!("{}/readyz", relay.trim_end_matches('/'));
    let asked = runtime.block_on(async {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        client.get(&url).send().await
    });
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) => {
            return Ok(vec![problem(
                "relay",
                format!("{relay} cannot be reached: {}", cause(error.without_url())),
                "Check the address, the network, and that the relay runs.",
            )]);
        }
    };
    let mut checks = vec![if answer.status().is_success() {
        fine("relay", format!("{relay} is ready"))
    } else {
        problem(
            "relay",
            format!("{relay} answers {}", answer.status()),
            "Ask the relay's operator: teleward doctor on that machine says more.",
        )
    }];
    let date = answer.headers().get(reqwest::header::DATE);
    checks.extend(
        date.and_then(|date| date.to_str().ok())
            .and_then(|date| clocks(date, Timestamp::now())),
    );
    Ok(checks)
}

/// The innermost reason: what a person can act on.
fn cause(error: reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(below) = innermost.source() {
        innermost = below;
    }
    innermost.to_string()
}

/// What the answer's `Date` (RFC 9110, section 5.6.7) says about our clock; nothing when it cannot be read.
fn clocks(date: &str, now: Timestamp) -> Option<Check> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let apart = theirs.as_second().abs_diff(now.as_second());
    Some(if apart > CLOCKS_APART_S {
        problem(
            "clock",
            format!("{apart} s apart from the relay's"),
            "Set the one that is wrong: the relay refuses requests that are more than two minutes off.",
        )
    } else {
        fine("clock", format!("within {} s of the relay's", apart.max(1)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    /// REQ-CLI-008: doctor tells a clock that a relay would refuse from one that it takes.
    #[test]
    fn a_clock_far_from_the_relays_is_a_problem() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let state = |date| clocks(date, now).map(|check| check.state);
        assert_eq!(state("Sat, 28 Nov 2026 10:01:59 GMT"), Some(State::Fine));
        assert_eq!(state("Sat, 28 Nov 2026 09:57:00 GMT"), Some(State::Problem));
        assert_eq!(state("Sat, 28 Nov 2026 10:02:01 GMT"), Some(State::Problem));
        assert_eq!(state("yesterday"), None);
    }
}

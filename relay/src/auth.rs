//! From a request's head to the key that signed it. Unknown key and wrong signature come first, then the clock; all
//! but the clock end in the one 404.

use crate::RelayError;
use crate::state::{Directory, Principal};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::RwLock;
use std::time::Duration;
use wire::request::{Clock, Parts, Signed};
use wire::{Hash, Kid, Time};

/// The names under which this relay is known.
#[derive(Debug, Clone)]
pub enum Authorities {
    /// Exactly these, in lower case.
    Named(Vec<String>),
    /// Loopback with the listening port.
    Loopback(u16),
}

impl Authorities {
    fn accepts(&self, authority: &str) -> bool {
        match self {
            Self::Named(names) => names.iter().any(|name| name == authority),
            Self::Loopback(port) => {
                let host = authority.strip_suffix(&format!(":{port}"));
                let host = host.or((*port == 80).then_some(authority));
                host.is_some_and(|host| {
                    let bare = host
                        .strip_prefix('[')
                        .and_then(|h| h.strip_suffix(']'))
                        .unwrap_or(host);
                    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
                })
            }
        }
    }
}

/// Who asks, proven.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The key's thumbprint.
    pub kid: Kid,
    /// What it may do.
    pub principal: Principal,
    /// To be taken once, unless the request may be repeated.
    pub nonce: [u8; 16],
    /// End of validity.
    pub expires: i64,
    /// What the body must hash to.
    pub digest: Option<Hash>,
}

/// Checks the signature, then the clock. `longest` is how long such a request may be valid.
///
/// # Errors
/// [`RelayError::Foreign`], [`RelayError::Clock`].
pub fn check(
    head: &Head,
    authorities: &Authorities,
    directory: &RwLock<Directory>,
    longest: Duration,
    now: Time,
) -> Result<Asker, RelayError> {
    let one = |name: &str| header_text(&head.headers, name);
    let (input, signature) = (
        one("signature-input")?.ok_or(RelayError::Foreign)?,
        one("signature")?.ok_or(RelayError::Foreign)?,
    );
    let digest = one("content-digest")?;
    let signed =
        Signed::parse(&input, &signature, digest.as_deref()).map_err(|_| RelayError::Foreign)?;
    let known = directory
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .key(signed.keyid);
    let (key, principal) = known.ok_or(RelayError::Foreign)?;
    let authority = authority(head).ok_or(RelayError::Foreign)?;
    if !authorities.accepts(&authority) {
        return Err(RelayError::Foreign);
    }
    let parts = Parts {
        method: head.method.as_str(),
        authority: &authority,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        digest: signed.digest,
    };
    signed
        .verify(&parts, &key)
        .map_err(|_| RelayError::Foreign)?;
    if signed.clock(now, longest) == Clock::Off {
        return Err(RelayError::Clock);
    }
    Ok(Asker {
        kid: signed.keyid,
        principal,
        nonce: signed.nonce,
        expires: signed.expires,
        digest: signed.digest,
    })
}

/// All lines of one header, joined as RFC 9421 section 2.1 says.
fn header_text(headers: &HeaderMap, name: &str) -> Result<Option<String>, RelayError> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut text = first.to_str().map_err(|_| RelayError::Foreign)?.to_owned();
    for line in lines {
        text.push_str(", ");
        text.push_str(line.to_str().map_err(|_| RelayError::Foreign)?);
    }
    Ok(Some(text))
}

fn authority(head: &Head) -> Option<String> {
    let text = match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get(header::HOST)?.to_str().ok()?,
    };
    Some(text.to_ascii_lowercase())
}

/// Headers that a proxy adds.
const FORWARDED: &str = "x-forwarded-for";

/// Whether a proxy passed this request on.
#[must_use]
pub fn was_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED) || headers.contains_key(header::FORWARDED)
}

/// Whose address counts: the socket's, or what the operator's proxy on this machine wrote last.
#[must_use]
pub fn caller(headers: &HeaderMap, from: SocketAddr, behind: Proxy) -> IpAddr {
    let socket = from.ip().to_canonical();
    if behind == Proxy::None || !socket.is_loopback() {
        return socket;
    }
    let last = headers.get_all(FORWARDED).iter().next_back();
    last.and_then(|line| line.to_str().ok())
        .and_then(|line| line.rsplit(',').next())
        .and_then(|address| address.trim().parse::<IpAddr>().ok())
        .map_or(socket, |address| address.to_canonical())
}

/// Whether a proxy of the operator's stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// None: the socket's address is the caller's.
    None,
    /// One on this machine, which writes `X-Forwarded-For`.
    OnThisMachine,
}

/// Addresses that one subscriber has: an IPv6 line is given a /64 at least.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// Token buckets per address, in memory only, emptied when there are too many of them.
#[derive(Debug)]
pub struct Buckets {
    held: std::collections::HashMap<IpAddr, (f64, Time)>,
    rate: f64,
    burst: f64,
    most: usize,
}

impl Buckets {
    /// So many requests a second and address, with such a burst, for at most `most` addresses.
    #[must_use]
    pub fn new(rate: f64, burst: f64, most: usize) -> Self {
        Self {
            held: std::collections::HashMap::new(),
            rate,
            burst,
            most,
        }
    }

    /// Takes one token.
    pub fn take(&mut self, from: IpAddr, now: Time) -> bool {
        let from = household(from);
        if self.held.len() >= self.most && !self.held.contains_key(&from) {
            let (rate, burst) = (self.rate, self.burst);
            self.held
                .retain(|_, (tokens, at)| *tokens + now.since(*at).as_secs_f64() * rate < burst);
            if self.held.len() >= self.most {
                self.held.clear();
            }
        }
        let (tokens, at) = self.held.entry(from).or_insert((self.burst, now));
        *tokens = (*tokens + now.since(*at).as_secs_f64() * self.rate).min(self.burst);
        *at = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail here")]
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_subscriber_has_one_bucket_and_a_full_table_forgets_the_quiet() {
        let mut buckets = Buckets::new(1.0, 2.0, 2);
        let at = Time::from_ms(0);
        assert!(buckets.take(ip("2001:db8::1"), at));
        assert!(buckets.take(ip("2001:db8::2"), at));
        assert!(!buckets.take(ip("2001:db8::3"), at), "one /64, one bucket");
        assert!(buckets.take(ip("192.0.2.1"), at));
        assert!(buckets.take(ip("::ffff:192.0.2.1"), at));
        assert!(
            !buckets.take(ip("192.0.2.1"), at),
            "the same address in IPv6 clothes"
        );
        let later = Time::from_ms(10_000);
        assert!(buckets.take(ip("192.0.2.9"), later));
        assert_eq!(buckets.held.len(), 1, "who is quiet again needs no memory");
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED, "203.0.113.5, 198.51.100.7".parse().unwrap());
        let local = SocketAddr::from(([127, 0, 0, 1], 9));
        let away = SocketAddr::from(([192, 0, 2, 1], 9));
        assert_eq!(
            caller(&headers, local, Proxy::OnThisMachine),
            ip("198.51.100.7")
        );
        assert_eq!(caller(&headers, local, Proxy::None), local.ip());
        assert_eq!(caller(&headers, away, Proxy::OnThisMachine), away.ip());
        headers.insert(FORWARDED, "nonsense".parse().unwrap());
        assert_eq!(caller(&headers, local, Proxy::OnThisMachine), local.ip());
    }
}

//! From a request's head to the key that signed it. Unknown key and wrong signature come first, then the clock; all
//! but the clock end in the one 404.

use crate::RelayError;
use crate::state::{Directory, Principal};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, SocketAddr};
use std::sync::RwLock;
use wire::request::{Clock, MAX_VALIDITY, MAX_VALIDITY_PUT, Parts, Signed};
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

/// Checks the signature, then the clock.
///
/// # Errors
/// [`RelayError::Foreign`], [`RelayError::Clock`].
pub fn check(
    head: &Head,
    authorities: &Authorities,
    directory: &RwLock<Directory>,
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
    let longest = if head.method == axum::http::Method::PUT {
        MAX_VALIDITY_PUT
    } else {
        MAX_VALIDITY
    };
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
    pub fn take(&mut self, from: SocketAddr, now: Time) -> bool {
        if self.held.len() >= self.most {
            let (rate, burst) = (self.rate, self.burst);
            self.held
                .retain(|_, (tokens, at)| *tokens + now.since(*at).as_secs_f64() * rate < burst);
            if self.held.len() >= self.most {
                self.held.clear();
            }
        }
        let (tokens, at) = self.held.entry(from.ip()).or_insert((self.burst, now));
        *tokens = (*tokens + now.since(*at).as_secs_f64() * self.rate).min(self.burst);
        *at = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}

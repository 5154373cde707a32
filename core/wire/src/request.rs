//! Signed requests: RFC 9421, narrowed to one profile, so that there is one way to sign and one way to read it.
//!
//! Label `tw`. Covered, in this order: `@method @authority @path @query`, and `content-digest` when there is a body
//! (RFC 9530, sha-256 only). Parameters, exactly these and in this order: `created expires keyid nonce
//! tag="teleward-1"`. Other labels are ignored. Clock and nonce are judged by the relay, after the signature.

use crate::{Hash, KeyError, Kid, PublicKey, SigningKey, Time, b64u, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::time::Duration;

/// The longest validity of a request that may be repeated harmlessly (content-addressed `PUT`).
pub const MAX_VALIDITY_PUT: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest validity of every other request.
pub const MAX_VALIDITY: Duration = Duration::from_secs(300);
/// How far ahead of the relay's clock `created` may lie.
pub const MAX_AHEAD: Duration = Duration::from_secs(120);
/// A signature header longer than this is not looked at.
pub const MAX_HEADER_BYTES: usize = 4096;

/// The parts of a request that a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// In upper case.
    pub method: &'a str,
    /// In lower case, without the scheme's default port.
    pub authority: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// The query as sent, without `?`; empty when there is none.
    pub query: &'a str,
    /// SHA-256 of the body, when there is one.
    pub digest: Option<Hash>,
}

/// The headers that carry a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
    /// `Content-Digest`, when there is a body.
    pub content_digest: Option<String>,
}

/// Why a request's signature was not taken. The relay answers all of them alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Missing, repeated, or not of the profile.
    #[error("no signature of this profile")]
    Profile,
    /// The signature does not verify.
    #[error(transparent)]
    Signature(#[from] KeyError),
}

/// `Content-Digest` for a body with this hash.
#[must_use]
pub fn content_digest(body: &Hash) -> String {
    format!("sha-256=:{}:", STANDARD.encode(body.0))
}

/// Reads a `Content-Digest` with sha-256 and nothing else.
///
/// # Errors
/// [`RequestError::Profile`].
pub fn parse_content_digest(text: &str) -> Result<Hash, RequestError> {
    let value = text
        .trim()
        .strip_prefix("sha-256=:")
        .and_then(|rest| rest.strip_suffix(':'));
    let bytes = value
        .and_then(|value| STANDARD.decode(value).ok())
        .and_then(|bytes| bytes.try_into().ok());
    bytes.map(Hash).ok_or(RequestError::Profile)
}

/// Signs a request.
#[must_use]
pub fn sign(
    parts: &Parts<'_>,
    key: &SigningKey,
    created: Time,
    expires: Time,
    nonce: [u8; 16],
) -> Headers {
    let params = params(
        parts.digest.is_some(),
        created.seconds(),
        expires.seconds(),
        key.kid(),
        &nonce,
    );
    let signature = key.sign(base(parts, &params).as_bytes());
    Headers {
        signature_input: format!("tw={params}"),
        signature: format!("tw=:{}:", STANDARD.encode(signature)),
        content_digest: parts.digest.as_ref().map(content_digest),
    }
}

/// A signature of the profile that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Start of validity, seconds since 1970.
    pub created: i64,
    /// End of validity, seconds since 1970.
    pub expires: i64,
    /// The key that the request names.
    pub keyid: Kid,
    /// To be taken once.
    pub nonce: [u8; 16],
    /// The body's hash, if the signature covers one.
    pub digest: Option<Hash>,
    params: String,
    signature: [u8; 64],
}

/// What the relay's clock says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Within its validity.
    Good,
    /// Not yet, no more, or valid for longer than allowed.
    Off,
}

impl Signed {
    /// Reads the headers (several lines of one name joined by `, `).
    ///
    /// # Errors
    /// [`RequestError::Profile`].
    pub fn parse(
        signature_input: &str,
        signature: &str,
        content_digest: Option<&str>,
    ) -> Result<Self, RequestError> {
        if signature_input.len().max(signature.len()) > MAX_HEADER_BYTES {
            return Err(RequestError::Profile);
        }
        let given = member(signature_input)?;
        let digest = content_digest.map(parse_content_digest).transpose()?;
        let (created, expires, keyid, nonce) = read_params(given).ok_or(RequestError::Profile)?;
        // one spelling only: what was read, written again, is what came
        let params = params(digest.is_some(), created, expires, keyid, &nonce);
        if params != given {
            return Err(RequestError::Profile);
        }
        let value = member(signature)?
            .strip_prefix(':')
            .and_then(|rest| rest.strip_suffix(':'));
        let signature = value
            .and_then(|value| STANDARD.decode(value).ok())
            .and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            created,
            expires,
            keyid,
            nonce,
            digest,
            params,
            signature: signature.ok_or(RequestError::Profile)?,
        })
    }

    /// Checks the signature over a request with these parts; the digest is the one that the header named.
    ///
    /// # Errors
    /// [`RequestError::Profile`] for another key or digest, [`RequestError::Signature`].
    pub fn verify(&self, parts: &Parts<'_>, key: &PublicKey) -> Result<(), RequestError> {
        if key.kid() != self.keyid || parts.digest != self.digest {
            return Err(RequestError::Profile);
        }
        Ok(key.verify(base(parts, &self.params).as_bytes(), &self.signature)?)
    }

    /// Judges the clock, after the signature.
    #[must_use]
    pub fn clock(&self, now: Time, max_validity: Duration) -> Clock {
        let (now, ahead) = (
            now.seconds(),
            i64::try_from(MAX_AHEAD.as_secs()).unwrap_or(i64::MAX),
        );
        let longest = i64::try_from(max_validity.as_secs()).unwrap_or(i64::MAX);
        let valid = self.created <= now.saturating_add(ahead)
            && now <= self.expires
            && self.created <= self.expires
            && self.expires.saturating_sub(self.created) <= longest;
        if valid { Clock::Good } else { Clock::Off }
    }
}

/// The hash of a body as requests name it.
#[must_use]
pub fn digest_of(body: &[u8]) -> Hash {
    sha256(&[body])
}

fn params(body: bool, created: i64, expires: i64, keyid: Kid, nonce: &[u8; 16]) -> String {
    let digest = if body { r#" "content-digest""# } else { "" };
    let nonce = b64u::encode(nonce);
    format!(
        r#"("@method" "@authority" "@path" "@query"{digest});created={created};expires={expires};keyid="{keyid}";nonce="{nonce}";tag="teleward-1""#
    )
}

/// The signature base of RFC 9421 section 2.5.
fn base(parts: &Parts<'_>, params: &str) -> String {
    let mut base = format!(
        "\"@method\": {}\n\"@authority\": {}\n\"@path\": {}\n\"@query\": ?{}\n",
        parts.method, parts.authority, parts.path, parts.query
    );
    if let Some(digest) = &parts.digest {
        let _infallible = writeln!(base, "\"content-digest\": {}", content_digest(digest));
    }
    let _infallible = write!(base, "\"@signature-params\": {params}");
    base
}

fn read_params(text: &str) -> Option<(i64, i64, Kid, [u8; 16])> {
    let rest = text.split_once(')')?.1.strip_prefix(";created=")?;
    let (created, rest) = rest.split_once(";expires=")?;
    let (expires, rest) = rest.split_once(";keyid=\"")?;
    let (keyid, rest) = rest.split_once("\";nonce=\"")?;
    let (nonce, _) = rest.split_once('"')?;
    Some((
        created.parse().ok()?,
        expires.parse().ok()?,
        keyid.parse().ok()?,
        b64u::decode_array(nonce).ok()?,
    ))
}

/// The value of the one member `tw` of a structured-field dictionary (RFC 8941 section 3.2).
fn member(dictionary: &str) -> Result<&str, RequestError> {
    let (mut quoted, mut escaped, mut depth, mut start) = (false, false, 0_usize, 0);
    let mut found = None;
    let mut take = |text: &'_ str, from: usize, to: usize| -> Result<(), RequestError> {
        if text[from..to].trim_matches([' ', '\t']).starts_with("tw=")
            && found.replace((from, to)).is_some()
        {
            return Err(RequestError::Profile);
        }
        Ok(())
    };
    for (at, c) in dictionary.bytes().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1).ok_or(RequestError::Profile)?,
            b',' if depth == 0 => {
                take(dictionary, start, at)?;
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted || depth != 0 {
        return Err(RequestError::Profile);
    }
    take(dictionary, start, dictionary.len())?;
    let (from, to) = found.ok_or(RequestError::Profile)?;
    Ok(&dictionary[from..to].trim_matches([' ', '\t'])["tw=".len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(digest: Option<Hash>) -> Parts<'static> {
        Parts {
            method: "PUT",
            authority: "relay.example",
            path: "/v1/mailboxes/00/envelopes/11",
            query: "",
            digest,
        }
    }

    fn signed(digest: Option<Hash>) -> (SigningKey, Headers) {
        let key = SigningKey::from_seed(&[9; 32]);
        let headers = sign(
            &parts(digest),
            &key,
            Time::from_ms(1_000_000),
            Time::from_ms(1_300_000),
            [5; 16],
        );
        (key, headers)
    }

    fn parse(headers: &Headers) -> Result<Signed, RequestError> {
        Signed::parse(
            &headers.signature_input,
            &headers.signature,
            headers.content_digest.as_deref(),
        )
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        let digest = digest_of(b"body");
        let (key, headers) = signed(Some(digest));
        let read = parse(&headers).unwrap();
        assert_eq!(
            (read.created, read.expires, read.keyid, read.nonce),
            (1000, 1300, key.kid(), [5; 16])
        );
        read.verify(&parts(Some(digest)), &key.public()).unwrap();
        for other in [
            Parts {
                method: "GET",
                ..parts(Some(digest))
            },
            Parts {
                authority: "relay.example:8443",
                ..parts(Some(digest))
            },
            Parts {
                path: "/v1/mailboxes/00/envelopes/12",
                ..parts(Some(digest))
            },
            Parts {
                query: "after=1",
                ..parts(Some(digest))
            },
            parts(Some(digest_of(b"other"))),
            parts(None),
        ] {
            assert!(read.verify(&other, &key.public()).is_err(), "{other:?}");
        }
        assert!(
            read.verify(
                &parts(Some(digest)),
                &SigningKey::from_seed(&[8; 32]).public()
            )
            .is_err()
        );
    }

    #[test]
    fn other_labels_are_ignored_and_a_second_of_ours_is_refused() {
        let (key, headers) = signed(None);
        let input = format!(
            "sig1=(\"x,tw=\");a=\"\\\",\", {} ,b=1",
            headers.signature_input
        );
        let signature = format!("sig1=:AAAA:, {}", headers.signature);
        let read = Signed::parse(&input, &signature, None).unwrap();
        read.verify(&parts(None), &key.public()).unwrap();
        let twice = format!("{}, {}", headers.signature_input, headers.signature_input);
        assert_eq!(
            Signed::parse(&twice, &headers.signature, None),
            Err(RequestError::Profile)
        );
    }

    #[test]
    fn a_body_needs_a_digest_and_a_digest_needs_cover() {
        let digest = digest_of(b"body");
        let (_, with) = signed(Some(digest));
        let (_, without) = signed(None);
        assert!(Signed::parse(&with.signature_input, &with.signature, None).is_err());
        assert!(
            Signed::parse(
                &without.signature_input,
                &without.signature,
                Some(&content_digest(&digest))
            )
            .is_err()
        );
        for bad in [
            "sha-512=:AAAA:",
            "sha-256=:AAAA:",
            "",
            "sha-256=::",
            "sha-256=:AAAA:, sha-512=:AAAA:",
        ] {
            assert!(parse_content_digest(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_parameters_or_another_order_are_refused() {
        let (_, headers) = signed(None);
        let input = &headers.signature_input;
        for bad in [
            input.replace(";tag=\"teleward-1\"", ""),
            input.replace("teleward-1", "teleward-2"),
            format!("{input};alg=\"ed25519\""),
            input.replace("created=1000", "created=01000"),
            input.replace("created=1000", "created=+1000"),
            input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
            input.replace("\"@query\"", "\"@query\" \"date\""),
            input.replace("tw=", "TW="),
            "tw=(".repeat(500),
            String::new(),
        ] {
            assert_eq!(
                Signed::parse(&bad, &headers.signature, None),
                Err(RequestError::Profile),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_clock_has_two_ends() {
        let (_, headers) = signed(None);
        let read = parse(&headers).unwrap();
        let at = |seconds: i64, longest| read.clock(Time::from_ms(seconds * 1000), longest);
        assert_eq!(at(880, MAX_VALIDITY), Clock::Good);
        assert_eq!(at(879, MAX_VALIDITY), Clock::Off);
        assert_eq!(at(1300, MAX_VALIDITY), Clock::Good);
        assert_eq!(at(1301, MAX_VALIDITY), Clock::Off);
        assert_eq!(at(1000, Duration::from_secs(299)), Clock::Off);
    }
}

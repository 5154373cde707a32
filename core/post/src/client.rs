//! The relay's HTTP interface for both sides, over reqwest with rustls and ring.
//!
//! In: a request's parts and the key that signs it. Out: the answer, bounded in size and checked in shape, or a
//! [`RelayError`] in words. One client per relay; cloning it is cheap. Each request is signed afresh (RFC 9421) with
//! the relay's own idea of the time, which a 401 teaches: that offset serves signing only, never readings.
//! Nothing is retried here but that one 401; when to try again is [`crate::Courier`]'s business.

use crate::error::{Reach, RelayError};
use bytes::Bytes;
use reqwest::{Method, Response, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use url::Url;
use wire::api::{self, ErrorCode};
use wire::request::{self, Parts};
use wire::{EnvelopeId, MAX_ENVELOPE_BYTES, MailboxId, Sealed, SigningKey, Time};

/// A connection that is not up by then is tried again later.
const CONNECT: Duration = Duration::from_secs(10);
/// No byte for so long means that the other end is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// 1 MiB at 20 kB/s, the slowest line that is still of use, with time to spare.
const WHOLE_REQUEST: Duration = Duration::from_secs(120);
/// How long a signature on a repeatable `PUT` is good: a slow line may queue it.
const PUT_VALIDITY: Duration = Duration::from_secs(3600);
/// A relay's JSON answer in bytes at most: 500 items are about 60 KB.
const MAX_JSON: usize = 1 << 20;
/// Rosters in one answer at most.
const MAX_ROSTERS: usize = 16 << 20;
/// A receipt in bytes at most.
const MAX_RECEIPT: usize = 4096;

/// How to reach a relay.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// Certificates (PEM) of further authorities, beside the public ones: a clinic's own.
    pub extra_roots_pem: Option<Vec<u8>>,
}

/// One relay, as seen by a phone or a station.
#[derive(Clone)]
pub struct RelayClient {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    base: String,
    pub(crate) url: Url,
    pub(crate) authority: String,
    clock_offset_ms: Arc<AtomicI64>,
}

impl std::fmt::Debug for RelayClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayClient")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// What a request carries.
struct Body {
    bytes: Bytes,
    media: &'static str,
}

impl Body {
    fn json<T: serde::Serialize>(record: &T) -> Self {
        Self {
            bytes: wire::json::to_string(record).into(),
            media: "application/json",
        }
    }
}

impl RelayClient {
    /// A client for the relay at `url`: scheme and authority, no path.
    ///
    /// # Errors
    /// [`RelayError::BadUrl`], [`RelayError::BadCertificate`].
    pub fn new(url: &str, options: &ClientOptions) -> Result<Self, RelayError> {
        let url = Url::parse(url).map_err(|_| RelayError::BadUrl)?;
        let host = url
            .host_str()
            .filter(|h| !h.is_empty())
            .ok_or(RelayError::BadUrl)?
            .to_lowercase();
        let plain = matches!(url.scheme(), "https" | "http")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !plain {
            return Err(RelayError::BadUrl);
        }
        // `Url` leaves out the scheme's default port, as the signature must.
        let authority = url
            .port()
            .map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let tls = tls_config(options)?;
        let mut http = reqwest::Client::builder()
            .use_preconfigured_tls(tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(WHOLE_REQUEST)
            .pool_idle_timeout(SILENCE)
            .user_agent(concat!("teleward/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().map_err(|_| RelayError::BadUrl)?,
            tls: Arc::new(tls),
            base: format!("{}://{authority}", url.scheme()),
            url,
            authority,
            clock_offset_ms: Arc::new(AtomicI64::new(0)),
        })
    }

    /// Scheme and authority.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The relay's clock minus ours, as the last 401 taught; for signing only.
    #[must_use]
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// `POST /v1/claim`, signed by the invite's claim key.
    ///
    /// # Errors
    /// [`RelayError`]; code `contested` when another key has claimed it.
    pub async fn claim(
        &self,
        claim_key: &SigningKey,
        claim: &api::Claim,
    ) -> Result<(), RelayError> {
        self.nothing(claim_key, Method::POST, api::path::CLAIM, Body::json(claim))
            .await
    }

    /// `PUT …/envelopes/{id}`: the receipt's text, which nobody has checked yet ([`crate::outbox::received`] does).
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn put_envelope(
        &self,
        key: &SigningKey,
        mailbox: MailboxId,
        sealed: &Sealed,
    ) -> Result<String, RelayError> {
        self.put_bytes(
            key,
            mailbox,
            sealed.id(),
            Bytes::copy_from_slice(sealed.bytes()),
        )
        .await
    }

    /// As [`RelayClient::put_envelope`], for bytes whose shape was checked when they were sealed.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn put_bytes(
        &self,
        key: &SigningKey,
        mailbox: MailboxId,
        id: EnvelopeId,
        bytes: Bytes,
    ) -> Result<String, RelayError> {
        let body = Body {
            bytes,
            media: api::OCTETS,
        };
        fault::point("post.put.sent");
        let answer = self
            .send(
                key,
                Method::PUT,
                &api::path::envelope(mailbox, id),
                "",
                Some(body),
            )
            .await?;
        let receipt = read_bounded(answer, MAX_RECEIPT).await?;
        fault::point("post.put.answered");
        String::from_utf8(receipt).map_err(|_| RelayError::BadAnswer("a receipt that is no text"))
    }

    /// `GET …/envelopes?after=n`: the next page of a mailbox.
    ///
    /// # Errors
    /// [`RelayError`]; also when the page is not in order.
    pub async fn list(
        &self,
        key: &SigningKey,
        mailbox: MailboxId,
        after: u64,
    ) -> Result<api::Items, RelayError> {
        let page: api::Items = self
            .read_json(
                key,
                &api::path::envelopes(mailbox),
                &format!("after={after}"),
            )
            .await?;
        let mut last = after;
        for item in &page.items {
            if item.n <= last {
                return Err(RelayError::BadAnswer("a list that is not in order"));
            }
            last = item.n;
        }
        if page.more && page.items.is_empty() {
            return Err(RelayError::BadAnswer(
                "a list that promises more and gives nothing",
            ));
        }
        fault::point("post.list.answered");
        Ok(page)
    }

    /// `GET …/envelopes/{id}`: the file, whose bytes hash to `id`.
    ///
    /// # Errors
    /// [`RelayError`]; [`RelayError::BadAnswer`] when the bytes are others than asked for.
    pub async fn get_envelope(
        &self,
        key: &SigningKey,
        mailbox: MailboxId,
        id: EnvelopeId,
    ) -> Result<Vec<u8>, RelayError> {
        let answer = self
            .send(
                key,
                Method::GET,
                &api::path::envelope(mailbox, id),
                "",
                None,
            )
            .await?;
        let bytes = read_bounded(answer, MAX_ENVELOPE_BYTES + 4096).await?;
        fault::point("post.get.answered");
        if wire::sha256(&[&bytes]).0 == id.0 {
            Ok(bytes)
        } else {
            Err(RelayError::BadAnswer(
                "other bytes than the file that was asked for",
            ))
        }
    }

    /// `POST …/release`: the relay may drop everything up to `through`.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn release(
        &self,
        key: &SigningKey,
        mailbox: MailboxId,
        release: &api::Release,
    ) -> Result<(), RelayError> {
        self.nothing(
            key,
            Method::POST,
            &api::path::release(mailbox),
            Body::json(release),
        )
        .await
    }

    /// `GET /v1/rosters?after=n`: roster statements, one a line, not yet checked.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn rosters(&self, key: &SigningKey, after: u32) -> Result<String, RelayError> {
        let answer = self
            .send(
                key,
                Method::GET,
                api::path::ROSTERS,
                &format!("after={after}"),
                None,
            )
            .await?;
        String::from_utf8(read_bounded(answer, MAX_ROSTERS).await?)
            .map_err(|_| RelayError::BadAnswer("rosters that are no text"))
    }

    /// `PUT /v1/rosters`: the lines that follow those which the relay holds.
    ///
    /// # Errors
    /// [`RelayError`]; code `roster` when they do not follow.
    pub async fn put_rosters(&self, key: &SigningKey, lines: &[String]) -> Result<(), RelayError> {
        let text: String = lines
            .iter()
            .flat_map(|line| [line.as_str(), "\n"])
            .collect();
        self.nothing(
            key,
            Method::PUT,
            api::path::ROSTERS,
            Body {
                bytes: text.into(),
                media: api::NDJSON,
            },
        )
        .await
    }

    /// `POST /v1/links`: registers a link, before its invite is shown.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn register_link(
        &self,
        key: &SigningKey,
        link: &api::NewLink,
    ) -> Result<(), RelayError> {
        self.nothing(key, Method::POST, api::path::LINKS, Body::json(link))
            .await
    }

    /// `GET /v1/links?after=n`: what became of the tenant's links.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn links(&self, key: &SigningKey, after: u64) -> Result<api::LinkItems, RelayError> {
        self.read_json(key, api::path::LINKS, &format!("after={after}"))
            .await
    }

    /// `POST /v1/links/{up}`: ends writing on a link; stored mail stays.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn revoke_link(&self, key: &SigningKey, up: MailboxId) -> Result<(), RelayError> {
        let change = api::LinkChange {
            state: api::LinkState::Revoked,
        };
        self.nothing(key, Method::POST, &api::path::link(up), Body::json(&change))
            .await
    }

    /// `POST /v1/tenant/keys`: adds or ends an auth key.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn tenant_keys(
        &self,
        key: &SigningKey,
        change: &api::TenantKeys,
    ) -> Result<(), RelayError> {
        self.nothing(
            key,
            Method::POST,
            api::path::TENANT_KEYS,
            Body::json(change),
        )
        .await
    }

    /// Headers that sign one request now.
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&[u8]>,
    ) -> Result<request::Headers, RelayError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| RelayError::NoRandom)?;
        let created = Time::from_ms(Time::system().ms().saturating_add(self.clock_offset_ms()));
        let repeatable = method == "PUT" && path != api::path::ROSTERS;
        let validity = if repeatable {
            PUT_VALIDITY
        } else {
            request::MAX_VALIDITY
        };
        let parts = Parts {
            method,
            authority: &self.authority,
            path,
            query,
            digest: body.map(request::digest_of),
        };
        Ok(request::sign(
            &parts,
            key,
            created,
            created.plus(validity),
            nonce,
        ))
    }

    /// The TLS set-up, for the WebSocket.
    pub(crate) fn tls(&self) -> Arc<rustls::ClientConfig> {
        self.tls.clone()
    }

    async fn nothing(
        &self,
        key: &SigningKey,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<(), RelayError> {
        self.send(key, method, path, "", Some(body)).await.map(drop)
    }

    async fn read_json<T: serde::de::DeserializeOwned>(
        &self,
        key: &SigningKey,
        path: &str,
        query: &str,
    ) -> Result<T, RelayError> {
        let answer = self.send(key, Method::GET, path, query, None).await?;
        let bytes = read_bounded(answer, MAX_JSON).await?;
        wire::json::parse(&bytes)
            .map_err(|_| RelayError::BadAnswer("not the JSON that was asked for"))
    }

    /// Sends; when the relay says that the clock is off, takes its time and sends once more.
    async fn send(
        &self,
        key: &SigningKey,
        method: Method,
        path: &str,
        query: &str,
        body: Option<Body>,
    ) -> Result<Response, RelayError> {
        let mut corrected = false;
        loop {
            let headers = self.sign(
                key,
                method.as_str(),
                path,
                query,
                body.as_ref().map(|b| b.bytes.as_ref()),
            )?;
            let separator = if query.is_empty() { "" } else { "?" };
            let mut request = self
                .http
                .request(
                    method.clone(),
                    format!("{}{path}{separator}{query}", self.base),
                )
                .header("signature-input", headers.signature_input)
                .header("signature", headers.signature);
            if let Some(body) = &body {
                request = request
                    .header("content-type", body.media)
                    .body(body.bytes.clone());
            }
            if let Some(digest) = headers.content_digest {
                request = request.header("content-digest", digest);
            }
            let answer = request.send().await.map_err(unreachable)?;
            if answer.status().is_success() {
                return Ok(answer);
            }
            let (refusal, now) = refusal(answer).await;
            match now {
                Some(now) if !corrected && refusal.code() == Some(ErrorCode::Clock) => {
                    corrected = true;
                    self.clock_offset_ms.store(
                        now.ms().saturating_sub(Time::system().ms()),
                        Ordering::Relaxed,
                    );
                }
                _ => return Err(refusal),
            }
        }
    }
}

/// Reads an answer that is not a success.
async fn refusal(answer: Response) -> (RelayError, Option<Time>) {
    let status: StatusCode = answer.status();
    let not_a_relay = RelayError::NotARelay {
        status: status.as_u16(),
    };
    let Ok(bytes) = read_bounded(answer, MAX_JSON).await else {
        return (not_a_relay, None);
    };
    match wire::json::parse::<api::ErrorBody>(&bytes) {
        Ok(body) if body.code.status() == status.as_u16() => {
            let retry_after = body.retry_after.map(Duration::from_secs);
            (
                RelayError::Refused {
                    code: body.code,
                    retry_after,
                },
                body.now,
            )
        }
        _ => (not_a_relay, None),
    }
}

async fn read_bounded(mut answer: Response, most: usize) -> Result<Vec<u8>, RelayError> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + piece.len() > most {
            return Err(RelayError::BadAnswer(
                "more bytes than such an answer can have",
            ));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn unreachable(error: reqwest::Error) -> RelayError {
    RelayError::Unreachable(if error.is_timeout() {
        Reach::Timeout
    } else if error.is_connect() {
        Reach::NoConnection
    } else {
        Reach::CutOff
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn tls_config(options: &ClientOptions) -> Result<rustls::ClientConfig, RelayError> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = &options.extra_roots_pem {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| RelayError::BadCertificate)?;
            roots
                .add(certificate)
                .map_err(|_| RelayError::BadCertificate)?;
            found = true;
        }
        if !found {
            return Err(RelayError::BadCertificate);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| RelayError::BadCertificate)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

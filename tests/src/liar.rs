//! A proxy between a relay and everyone else that lies on command.
//!
//! It stands for a relay operator (or whoever took the relay over): it sees each request and each answer, and may
//! change, hold, repeat or invent whatever it likes. It has no keys but its own. A test gives it a [`Lie`]; without
//! one it passes everything on unchanged. The WebSocket is refused, so that both ends fall back to polling.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use wire::api::{Item, Items};

/// Largest body that passes: an envelope and some room.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// One request as the proxy saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// In upper case.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without `?`.
    pub query: String,
    /// As sent.
    pub headers: HeaderMap,
    /// As sent.
    pub body: Bytes,
}

impl Asked {
    /// Whether this lists a mailbox.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.method == "GET" && self.path.ends_with("/envelopes")
    }

    /// Whether this fetches one envelope.
    #[must_use]
    pub fn is_fetch(&self) -> bool {
        self.method == "GET" && self.path.contains("/envelopes/")
    }

    /// Whether this hands an envelope over.
    #[must_use]
    pub fn is_put(&self) -> bool {
        self.method == "PUT" && self.path.contains("/envelopes/")
    }

    /// Whether this reads the rosters.
    #[must_use]
    pub fn is_rosters(&self) -> bool {
        self.method == "GET" && self.path == wire::api::path::ROSTERS
    }

    /// The mailbox in the path, as its text.
    #[must_use]
    pub fn mailbox(&self) -> Option<&str> {
        self.path.strip_prefix("/v1/mailboxes/")?.split('/').next()
    }

    /// The last piece of the path: an envelope's id in a fetch or a hand-over.
    #[must_use]
    pub fn last(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// One answer, honest or not.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The items of a mailbox's list, in an answer that is one.
    #[must_use]
    pub fn items(&self) -> Option<Items> {
        (self.status == 200)
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
    }

    /// The same answer with other items.
    #[must_use]
    pub fn with_items(mut self, change: impl FnOnce(&mut Vec<Item>)) -> Self {
        if let Some(mut list) = self.items() {
            change(&mut list.items);
            self.body = wire::json::to_string(&list).into();
        }
        self
    }

    /// The same answer with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// What the liar does. Both are asked for each exchange.
pub trait Lie: Send {
    /// An answer of its own, without asking the relay.
    fn instead(&mut self, _asked: &Asked) -> Option<Answer> {
        None
    }

    /// What it makes of the relay's answer.
    fn after(&mut self, _asked: &Asked, answer: Answer) -> Answer {
        answer
    }
}

/// Passes everything on.
pub struct Honest;
impl Lie for Honest {}

/// A [`Lie`] that only changes answers.
pub struct After<F>(pub F);
impl<F: FnMut(&Asked, Answer) -> Answer + Send> Lie for After<F> {
    fn after(&mut self, asked: &Asked, answer: Answer) -> Answer {
        (self.0)(asked, answer)
    }
}

/// A [`Lie`] that answers in the relay's place.
pub struct Instead<F>(pub F);
impl<F: FnMut(&Asked) -> Option<Answer> + Send> Lie for Instead<F> {
    fn instead(&mut self, asked: &Asked) -> Option<Answer> {
        (self.0)(asked)
    }
}

type Shared = Arc<Mutex<Box<dyn Lie>>>;

/// A running proxy.
pub struct Liar {
    /// Where it listens.
    pub address: SocketAddr,
    lie: Shared,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone)]
struct Proxy {
    lie: Shared,
    upstream: Arc<Mutex<String>>,
    client: reqwest::Client,
}

/// A listening socket whose address is known before there is a relay behind it: the roster must name it.
pub struct Bound(tokio::net::TcpListener);

impl Bound {
    /// Takes a free port on loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn new() -> anyhow::Result<Self> {
        Ok(Self(tokio::net::TcpListener::bind("127.0.0.1:0").await?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.0.local_addr()?)
    }

    /// Starts to pass requests on to `upstream` (`http://127.0.0.1:PORT`).
    ///
    /// # Errors
    /// Those of the socket and of the HTTP client.
    pub fn serve(self, upstream: &str) -> anyhow::Result<Liar> {
        crate::process::tls();
        let address = self.address()?;
        let lie: Shared = Arc::new(Mutex::new(Box::new(Honest)));
        let proxy = Proxy {
            lie: lie.clone(),
            upstream: Arc::new(Mutex::new(upstream.to_owned())),
            client: reqwest::Client::builder().no_proxy().build()?,
        };
        let app = Router::new().fallback(pass).with_state(proxy);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(self.0, app).await {
                eprintln!("liar: {error}");
            }
        });
        Ok(Liar { address, lie, task })
    }
}

impl Liar {
    /// From now on, this lie.
    pub fn tell(&self, lie: impl Lie + 'static) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(lie);
    }

    /// From now on, the truth.
    pub fn repent(&self) {
        self.tell(Honest);
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    match exchange(&proxy, request).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (
                status,
                [(header::CONTENT_TYPE, answer.content_type)],
                answer.body,
            )
                .into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn exchange(proxy: &Proxy, request: Request) -> anyhow::Result<Answer> {
    let (head, body) = request.into_parts();
    if head.headers.contains_key(header::UPGRADE) {
        return Ok(Answer {
            status: 503,
            content_type: "text/plain".into(),
            body: Bytes::new(),
        });
    }
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        body: axum::body::to_bytes(body, MAX_BODY).await?,
    };
    let instead = proxy
        .lie
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .instead(&asked);
    if let Some(answer) = instead {
        return Ok(answer);
    }
    let honest = forward(
        proxy,
        &head.method,
        &head.headers,
        head.uri.path_and_query().map_or("/", |p| p.as_str()),
        &asked.body,
    )
    .await?;
    Ok(proxy
        .lie
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .after(&asked, honest))
}

/// Sends the request on as it came: the signature covers the authority, so `Host` stays the proxy's.
async fn forward(
    proxy: &Proxy,
    method: &axum::http::Method,
    headers: &HeaderMap,
    path: &str,
    body: &Bytes,
) -> anyhow::Result<Answer> {
    let upstream = proxy
        .upstream
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let mut headers = headers.clone();
    headers.remove(header::CONNECTION);
    headers.remove(header::TRANSFER_ENCODING);
    let answer = proxy
        .client
        .request(method.clone(), format!("{upstream}{path}"))
        .headers(headers)
        .body(body.clone())
        .send()
        .await?;
    let content_type = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or(wire::api::OCTETS).to_owned();
    Ok(Answer {
        status: answer.status().as_u16(),
        content_type,
        body: answer.bytes().await?,
    })
}

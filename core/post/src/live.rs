//! `/v1/live`: the relay's WebSocket, which says at once that something has arrived.
//!
//! Text frames are arrivals, binary frames carry a call's Noise messages behind the link's `up` id. It is a hint and
//! nothing depends on it: without it, mail is collected by the clock.

use crate::client::RelayClient;
use crate::error::{Reach, RelayError};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{
    Error as WsError, Message, client::IntoClientRequest as _, http::HeaderValue,
    protocol::WebSocketConfig,
};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use wire::api::{self, Arrival, ErrorCode};
use wire::{MailboxId, SigningKey};

/// A call's frame in bytes at most, without the link's id.
pub const MAX_CALL_BYTES: usize = 16 * 1024;
/// Connecting, TLS and the upgrade together.
const OPEN: Duration = Duration::from_secs(15);
/// A quiet line gets a ping so often …
const PING: Duration = Duration::from_secs(30);
/// … and is given up when so many pings had no answer.
const PINGS_UNANSWERED: u32 = 2;

trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// What comes over the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveFrame {
    /// Something lies in a mailbox.
    Arrival(Arrival),
    /// A message of a call, still closed.
    Call {
        /// The link.
        up: MailboxId,
        /// The Noise message.
        noise: Vec<u8>,
    },
}

/// An open line. Dropping it hangs up.
pub struct Live {
    stream: WebSocketStream<Box<dyn Transport>>,
    unanswered: u32,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

impl RelayClient {
    /// Opens the line; the upgrade request carries the signature.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn live(&self, key: &SigningKey) -> Result<Live, RelayError> {
        match tokio::time::timeout(OPEN, self.open_live(key)).await {
            Ok(opened) => opened,
            Err(_) => Err(RelayError::Unreachable(Reach::Timeout)),
        }
    }

    async fn open_live(&self, key: &SigningKey) -> Result<Live, RelayError> {
        let no_connection = |_| RelayError::Unreachable(Reach::NoConnection);
        let secure = self.url.scheme() == "https";
        let port = self.url.port_or_known_default().ok_or(RelayError::BadUrl)?;
        let host = self.url.host_str().ok_or(RelayError::BadUrl)?;
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let tcp = TcpStream::connect((bare.as_str(), port))
            .await
            .map_err(no_connection)?;
        tcp.set_nodelay(true).map_err(no_connection)?;
        let transport: Box<dyn Transport> = if secure {
            let name =
                rustls::pki_types::ServerName::try_from(bare).map_err(|_| RelayError::BadUrl)?;
            let tls = tokio_rustls::TlsConnector::from(self.tls());
            Box::new(tls.connect(name, tcp).await.map_err(no_connection)?)
        } else {
            Box::new(tcp)
        };
        let scheme = if secure { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{}{}", self.authority, api::path::LIVE)
            .into_client_request()
            .map_err(|_| RelayError::BadUrl)?;
        let signed = self.sign(key, "GET", api::path::LIVE, "", None)?;
        for (name, value) in [
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ] {
            let value = HeaderValue::from_str(&value).map_err(|_| RelayError::BadUrl)?;
            request.headers_mut().insert(name, value);
        }
        let limit = Some(2 * MAX_CALL_BYTES);
        let config = WebSocketConfig::default()
            .max_message_size(limit)
            .max_frame_size(limit);
        match client_async_with_config(request, transport, Some(config)).await {
            Ok((stream, _)) => Ok(Live {
                stream,
                unanswered: 0,
            }),
            Err(WsError::Http(answer))
                if answer.status().as_u16() == ErrorCode::Foreign.status() =>
            {
                Err(RelayError::Refused {
                    code: ErrorCode::Foreign,
                    retry_after: None,
                })
            }
            Err(WsError::Http(answer)) => Err(RelayError::NotARelay {
                status: answer.status().as_u16(),
            }),
            Err(_) => Err(RelayError::Unreachable(Reach::CutOff)),
        }
    }
}

impl Live {
    /// Waits for the next frame; keeps the line alive meanwhile. Cancelling loses nothing.
    ///
    /// # Errors
    /// When the line is gone: open another one, after a while.
    pub async fn next(&mut self) -> Result<LiveFrame, RelayError> {
        let gone = RelayError::Unreachable(Reach::CutOff);
        loop {
            let Ok(frame) = tokio::time::timeout(PING, self.stream.next()).await else {
                if self.unanswered >= PINGS_UNANSWERED {
                    return Err(RelayError::Unreachable(Reach::Timeout));
                }
                self.unanswered += 1;
                self.stream
                    .send(Message::Ping(bytes::Bytes::new()))
                    .await
                    .map_err(|_| gone.clone())?;
                continue;
            };
            let Some(Ok(message)) = frame else {
                return Err(gone);
            };
            self.unanswered = 0;
            match message {
                Message::Text(text) => {
                    // A frame of a later version is no reason to hang up.
                    if let Ok(arrival) = wire::json::parse(text.as_bytes()) {
                        return Ok(LiveFrame::Arrival(arrival));
                    }
                }
                Message::Binary(bytes) => {
                    if let Some(frame) = read_call(&bytes) {
                        return Ok(frame);
                    }
                }
                Message::Close(_) => return Err(gone),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Sends one message of a call.
    ///
    /// # Errors
    /// When it is too large or the line is gone.
    pub async fn send_call(&mut self, up: MailboxId, noise: &[u8]) -> Result<(), RelayError> {
        if noise.len() > MAX_CALL_BYTES {
            return Err(RelayError::Refused {
                code: ErrorCode::TooLarge,
                retry_after: None,
            });
        }
        let frame = [up.as_bytes().as_slice(), noise].concat();
        let sent = self.stream.send(Message::Binary(frame.into())).await;
        sent.map_err(|_| RelayError::Unreachable(Reach::CutOff))
    }
}

fn read_call(bytes: &[u8]) -> Option<LiveFrame> {
    let (up, noise) = bytes.split_first_chunk::<16>()?;
    (noise.len() <= MAX_CALL_BYTES).then(|| LiveFrame::Call {
        up: MailboxId(*up),
        noise: noise.to_vec(),
    })
}

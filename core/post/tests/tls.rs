//! TLS as a clinic with its own authority has it: HTTP and the WebSocket, with and without trust in it.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use futures_util::SinkExt as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::sync::Arc;
use teleward_post::{ClientOptions, LiveFrame, Reach, RelayClient, RelayError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use wire::api::Arrival;
use wire::{MailboxId, SigningKey};

const CA: &[u8] = include_bytes!("fixtures/ca.pem");

fn acceptor() -> TlsAcceptor {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(include_bytes!("fixtures/localhost.pem"))
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    (listener, url)
}

/// REQ-POST-017: a relay with a certificate of the clinic's own authority is reached when that is trusted, and only then.
#[tokio::test]
async fn a_clinics_own_authority_is_trusted_when_told() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(mut tls) = acceptor().accept(tcp).await else {
                continue;
            };
            let mut request = vec![0; 4096];
            let _read = tls.read(&mut request).await.unwrap();
            tls.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
            tls.shutdown().await.unwrap();
        }
    });
    let own = ClientOptions {
        extra_roots_pem: Some(CA.to_vec()),
    };
    let lines = ["roster".to_owned()];
    let trusting = RelayClient::new(&url, &own).unwrap();
    trusting.put_rosters(&key(), &lines).await.unwrap();
    let stranger = RelayClient::new(&url, &ClientOptions::default()).unwrap();
    let refused = Err(RelayError::Unreachable(Reach::NoConnection));
    assert_eq!(stranger.put_rosters(&key(), &lines).await, refused);
    assert!(matches!(
        stranger.live(&key()).await,
        Err(RelayError::Unreachable(Reach::NoConnection))
    ));
}

#[tokio::test]
async fn the_live_line_runs_over_tls() {
    let (listener, url) = listen().await;
    let arrival = Arrival {
        mailbox: MailboxId([3; 16]),
        n: 4,
    };
    let text = wire::json::to_string(&arrival);
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let tls = acceptor().accept(tcp).await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(tls).await.unwrap();
        for frame in [
            Message::Text("something of a later version".into()),
            Message::Binary(vec![1; 7].into()),
            Message::Text(text.into()),
            Message::Binary([[9; 16].as_slice(), b"noise"].concat().into()),
        ] {
            socket.send(frame).await.unwrap();
        }
        socket.close(None).await.unwrap();
    });
    let own = ClientOptions {
        extra_roots_pem: Some(CA.to_vec()),
    };
    let mut live = RelayClient::new(&url, &own)
        .unwrap()
        .live(&key())
        .await
        .unwrap();
    assert_eq!(
        live.next().await,
        Ok(LiveFrame::Arrival(arrival)),
        "what is not understood is passed over"
    );
    let call = LiveFrame::Call {
        up: MailboxId([9; 16]),
        noise: b"noise".to_vec(),
    };
    assert_eq!(live.next().await, Ok(call));
    assert_eq!(
        live.next().await,
        Err(RelayError::Unreachable(Reach::CutOff))
    );
}

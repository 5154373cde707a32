//! The relay client against a small HTTP server that behaves, and misbehaves, as told.
#![allow(clippy::unwrap_used, reason = "a test's own functions")]

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teleward_post::{ClientOptions, Reach, RelayClient, RelayError};
use wire::api::ErrorCode;
use wire::request::{Parts, Signed, digest_of, parse_content_digest};
use wire::{EnvelopeId, MailboxId, SigningKey, Time, sha256};

type Answer = (u16, Vec<u8>);

#[derive(Clone)]
struct Relay {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<(String, i64)>>>,
    authority: String,
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

async fn answer(State(relay): State<Relay>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 22).await.unwrap();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map(|v| v.to_str().unwrap().to_owned())
    };
    let digest = header("content-digest");
    let signed = Signed::parse(
        &header("signature-input").unwrap(),
        &header("signature").unwrap(),
        digest.as_deref(),
    )
    .unwrap();
    let parts = Parts {
        method: head.method.as_str(),
        authority: &relay.authority,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        digest: digest.as_deref().map(|d| parse_content_digest(d).unwrap()),
    };
    signed.verify(&parts, &key().public()).unwrap();
    assert_eq!(digest.is_some(), !body.is_empty());
    if !body.is_empty() {
        assert_eq!(parts.digest, Some(digest_of(&body)));
    }
    let target = head.uri.to_string();
    relay
        .seen
        .lock()
        .unwrap()
        .push((format!("{} {target}", head.method), signed.created));
    let (status, bytes) = relay.answers.lock().unwrap().pop_front().unwrap();
    (StatusCode::from_u16(status).unwrap(), Bytes::from(bytes)).into_response()
}

async fn start(answers: Vec<Answer>) -> (Relay, RelayClient) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let relay = Relay {
        answers: Arc::new(Mutex::new(answers.into())),
        seen: Arc::default(),
        authority: authority.clone(),
    };
    let app = Router::new().fallback(answer).with_state(relay.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client =
        RelayClient::new(&format!("http://{authority}"), &ClientOptions::default()).unwrap();
    (relay, client)
}

fn error(code: &str, more: &str) -> Vec<u8> {
    format!(r#"{{"code":"{code}","text":"words"{more}}}"#).into_bytes()
}

const BOX: MailboxId = MailboxId([1; 16]);

/// REQ-POST-001: a relay that says the clock is off is believed for signing, once, and never loops.
#[tokio::test]
async fn a_wrong_clock_is_corrected_for_signing_only() {
    let ahead = Time::system().plus(Duration::from_secs(86_400 * 30));
    let clock = error("clock", &format!(r#","now":"{ahead}""#));
    let page =
        br#"{"v":1,"relay":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","items":[],"more":false}"#
            .to_vec();
    let (relay, client) = start(vec![
        (401, clock.clone()),
        (200, page),
        (401, clock.clone()),
        (401, clock),
    ])
    .await;
    client.list(&key(), BOX, 5).await.unwrap();
    let seen = relay.seen.lock().unwrap().clone();
    assert_eq!(
        seen[1].0,
        format!("GET /v1/mailboxes/{BOX}/envelopes?after=5")
    );
    assert!(
        (seen[1].1 - ahead.seconds()).abs() < 60,
        "the second signature goes by the relay's clock"
    );
    assert!(client.clock_offset_ms() > 86_400_000 * 29);
    let refused = client.list(&key(), BOX, 5).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::Clock));
    assert!(!refused.ends_retry());
    assert_eq!(relay.seen.lock().unwrap().len(), 4);
}

/// REQ-POST-002: bytes that are not those asked for, lists out of order and endless answers are refused.
#[tokio::test]
async fn a_relay_that_lies_is_not_believed() {
    let item = |n: u64| format!(r#"{{"n":{n},"id":"{}","size":1}}"#, EnvelopeId([2; 32]));
    let page = |items: &str, more: bool| {
        let relay = "A".repeat(43);
        format!(r#"{{"v":1,"relay":"{relay}","items":[{items}],"more":{more}}}"#).into_bytes()
    };
    let good = b"the file".to_vec();
    let id = EnvelopeId(sha256(&[&good]).0);
    let (_relay, client) = start(vec![
        (200, good.clone()),
        (200, b"another".to_vec()),
        (200, vec![0; 2 << 20]),
        (200, page(&format!("{},{}", item(4), item(3)), false)),
        (200, page(&item(2), false)),
        (200, page("", true)),
        (200, b"<html>Please sign in</html>".to_vec()),
    ])
    .await;
    assert_eq!(client.get_envelope(&key(), BOX, id).await.unwrap(), good);
    for _ in 0..2 {
        assert!(matches!(
            client.get_envelope(&key(), BOX, id).await,
            Err(RelayError::BadAnswer(_))
        ));
    }
    for _ in 0..4 {
        assert!(matches!(
            client.list(&key(), BOX, 2).await,
            Err(RelayError::BadAnswer(_))
        ));
    }
}

/// REQ-POST-003: each refusal is told in words, with its waiting time, and only final ones end the retry.
#[tokio::test]
async fn refusals_are_told_in_words() {
    let (_relay, client) = start(vec![
        (507, error("quota", "")),
        (429, error("slow_down", r#","retry_after":7"#)),
        (413, error("too_large", "")),
        (404, error("foreign", "")),
        (404, b"not found".to_vec()),
        (302, vec![]),
        (503, error("foreign", "")),
    ])
    .await;
    let mut refusals = Vec::new();
    for _ in 0..7 {
        let id = EnvelopeId([3; 32]);
        refusals.push(
            client
                .put_bytes(&key(), BOX, id, Bytes::from_static(b"x"))
                .await
                .unwrap_err(),
        );
    }
    let refused = |code, secs: Option<u64>| RelayError::Refused {
        code,
        retry_after: secs.map(Duration::from_secs),
    };
    assert_eq!(refusals[0], refused(ErrorCode::Quota, None));
    assert!(refusals[0].to_string().contains("full"));
    assert_eq!(refusals[1], refused(ErrorCode::SlowDown, Some(7)));
    assert_eq!(refusals[2], refused(ErrorCode::TooLarge, None));
    assert_eq!(refusals[3], refused(ErrorCode::Foreign, None));
    assert_eq!(refusals[4], RelayError::NotARelay { status: 404 });
    assert_eq!(refusals[5], RelayError::NotARelay { status: 302 });
    assert_eq!(
        refusals[6],
        RelayError::NotARelay { status: 503 },
        "code and status contradict each other"
    );
    let ends: Vec<bool> = refusals.iter().map(RelayError::ends_retry).collect();
    assert_eq!(ends, [false, false, true, false, false, false, false]);
}

#[tokio::test]
async fn nobody_there_is_said_as_such() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = RelayClient::new(&url, &ClientOptions::default()).unwrap();
    assert_eq!(
        client.list(&key(), BOX, 0).await,
        Err(RelayError::Unreachable(Reach::NoConnection))
    );
    assert!(matches!(
        client.live(&key()).await,
        Err(RelayError::Unreachable(Reach::NoConnection))
    ));
}

#[test]
fn only_scheme_and_authority_are_a_relays_address() {
    for good in [
        "https://relay.example",
        "https://relay.example:8443",
        "http://127.0.0.1:8080",
        "http://[::1]:80",
        "https://RELAY.example/",
    ] {
        RelayClient::new(good, &ClientOptions::default()).unwrap();
    }
    for bad in [
        "relay.example",
        "ftp://relay.example",
        "https://relay.example/x",
        "https://u:p@relay.example",
        "https://relay.example?x",
        "",
        "https://",
    ] {
        assert_eq!(
            RelayClient::new(bad, &ClientOptions::default()).unwrap_err(),
            RelayError::BadUrl,
            "{bad}"
        );
    }
    let broken = ClientOptions {
        extra_roots_pem: Some(b"no certificate".to_vec()),
    };
    assert_eq!(
        RelayClient::new("https://relay.example", &broken).unwrap_err(),
        RelayError::BadCertificate
    );
}

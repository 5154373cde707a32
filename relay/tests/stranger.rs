//! Strangers, thieves and crowds: what they try is refused alike, costs little, and the honest go on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail here"
)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use support::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use wire::api::{self, LinkChange, LinkItems, LinkState, NewLink, Quota};
use wire::receipt::Receipt;
use wire::{MailboxId, Time};

const OTHER_UP: MailboxId = MailboxId([0x33; 16]);
const OTHER_DOWN: MailboxId = MailboxId([0x44; 16]);
const OTHER_CLAIM: u8 = 13;
const OTHER_INSTALL: u8 = 14;

/// A second patient's link of the same clinic.
async fn other_link(scene: &Scene) {
    let link = NewLink {
        up: OTHER_UP,
        down: OTHER_DOWN,
        claim: Some(key(OTHER_CLAIM).public()),
        ..new_link()
    };
    let asked = Ask::new("POST", api::path::LINKS).json(&link);
    assert_eq!(scene.ask(STATION, asked).await.status, 201);
}

/// REQ-RELAY-018: who holds an invite cannot put another's key in its place, neither an install's nor a station's.
#[tokio::test]
async fn a_claim_cannot_take_anothers_key() {
    let scene = Scene::new().await;
    scene.link().await;
    other_link(&scene).await;
    for taken in [INSTALL, STATION, CLAIM, OTHER_CLAIM] {
        let refused = scene.claim(OTHER_CLAIM, taken).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (409, "contested"),
            "{taken}"
        );
    }
    let links = Ask::new("GET", api::path::LINKS).after(0);
    let links: LinkItems = scene.ask(STATION, links).await.json();
    let other = links.items.iter().find(|item| item.up == OTHER_UP).unwrap();
    assert_eq!(
        other.state,
        LinkState::Open,
        "the true install can still claim"
    );
    assert_eq!(scene.put(INSTALL, UP, &envelope(1, 100)).await.status, 201);
    assert_eq!(
        scene.put(STATION, DOWN, &envelope(2, 100)).await.status,
        201
    );
    assert_eq!(scene.claim(OTHER_CLAIM, OTHER_INSTALL).await.status, 204);
    for mailbox in [UP, DOWN] {
        assert_eq!(
            scene
                .put(OTHER_INSTALL, mailbox, &envelope(3, 100))
                .await
                .status,
            404
        );
        assert_eq!(scene.list(OTHER_INSTALL, mailbox, 0).await.status, 404);
    }
}

/// REQ-RELAY-018: a link cannot be registered over another, nor with a key that stands for somebody, nor with one key
/// for two things.
#[tokio::test]
async fn a_link_cannot_be_registered_over_another() {
    let mut scene = Scene::new().await;
    scene.admit("second", 41, 42).await;
    scene.link().await;
    let fresh = NewLink {
        up: OTHER_UP,
        down: OTHER_DOWN,
        claim: Some(key(OTHER_CLAIM).public()),
        ..new_link()
    };
    let wrong = [
        NewLink {
            up: UP,
            ..fresh.clone()
        },
        NewLink {
            up: DOWN,
            ..fresh.clone()
        },
        NewLink {
            down: UP,
            ..fresh.clone()
        },
        NewLink {
            down: OTHER_UP,
            ..fresh.clone()
        },
        NewLink {
            claim: Some(key(CLAIM).public()),
            ..fresh.clone()
        },
        NewLink {
            auth: Some(key(INSTALL).public()),
            ..fresh.clone()
        },
        NewLink {
            auth: Some(key(STATION).public()),
            ..fresh.clone()
        },
        NewLink {
            auth: fresh.claim,
            ..fresh.clone()
        },
    ];
    for station in [STATION, 42] {
        for link in &wrong {
            let asked = Ask::new("POST", api::path::LINKS).json(link);
            assert_eq!(scene.ask(station, asked).await.status, 409, "{link:?}");
        }
    }
    let revoke = LinkChange {
        state: LinkState::Revoked,
    };
    let foreign = Ask::new("POST", api::path::link(UP)).json(&revoke);
    assert_eq!(
        scene.ask(42, foreign).await.status,
        404,
        "another clinic's link"
    );
    let good = Ask::new("POST", api::path::LINKS).json(&fresh);
    assert_eq!(scene.ask(42, good).await.status, 201);
}

/// REQ-RELAY-019: an upload that the phone's system runs days later still counts, and may come twice; a roster may not.
#[tokio::test]
async fn only_uploads_are_valid_for_days() {
    let scene = Scene::new().await;
    scene.link().await;
    let now = Time::system();
    let days_ago = Time::from_ms(now.ms() - 6 * 86_400_000);
    let upload = |file: &[u8]| {
        let mut ask = put(UP, id(file), file);
        ask.created = days_ago;
        ask.expires = Time::from_ms(days_ago.ms() + 7 * 86_400_000);
        ask
    };
    let ask = upload(&envelope(1, 100));
    let headers = scene.sign(&key(INSTALL), &ask);
    assert_eq!(scene.send(&ask, Some(headers.clone())).await.status, 201);
    assert_eq!(scene.send(&ask, Some(headers)).await.status, 200);
    let mut longer = upload(&envelope(2, 100));
    longer.expires = Time::from_ms(days_ago.ms() + 8 * 86_400_000);
    assert_eq!(scene.ask(INSTALL, longer).await.status, 401);
    let mut roster = Ask::new("PUT", api::path::ROSTERS).body(roster(1, wire::Hash([0; 32])));
    roster.expires = Time::from_ms(now.ms() + 600_000);
    assert_eq!(scene.ask(STATION, roster).await.status, 401);
}

/// REQ-RELAY-020: a large file that is refused for its mailbox's quota is not kept; what is held is not written again.
#[tokio::test]
async fn refused_files_leave_nothing() {
    let scene = Scene::new().await;
    let mut link = new_link();
    link.quota = Quota {
        bytes: 150_000,
        per_day: 500,
    };
    let asked = Ask::new("POST", api::path::LINKS).json(&link);
    assert_eq!(scene.ask(STATION, asked).await.status, 201);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 80_000)).await.status,
        201
    );
    let folder = scene.dir().join("files").join(UP.to_string());
    let files = || std::fs::read_dir(&folder).unwrap().count();
    for n in 2..10 {
        assert_eq!(
            scene.put(INSTALL, UP, &envelope(n, 80_000)).await.status,
            507
        );
    }
    assert_eq!(files(), 1);
    let release = api::Release {
        through: 1,
        parts: vec![],
    };
    let ask = Ask::new("POST", api::path::release(UP)).json(&release);
    assert_eq!(scene.ask(STATION, ask).await.status, 204);
    assert_eq!(files(), 0);
    let again = scene.put(INSTALL, UP, &envelope(1, 80_000)).await;
    assert_eq!(again.status, 200);
    let receipt = Receipt::verify(&again.text(), &[scene.receipt]).unwrap().0;
    assert_eq!((receipt.n, files()), (1, 0), "released stays released");
    // what a kill left behind is gone after the next start
    std::fs::write(folder.join("0123.new"), b"half").unwrap();
    std::fs::write(folder.join(id(b"none").to_string()), b"no row").unwrap();
    let scene = scene.restart(|_| {}).await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    drop(scene);
}

/// REQ-RELAY-021: who sends half a head, or stays silent, is cut off; who comes when all doors are taken, at once; the
/// doors open again.
#[tokio::test]
async fn slow_and_many_connections_are_bounded() {
    let scene = Scene::with(|config| {
        config.limits.connections = 12;
        config.limits.slow_client = Duration::from_millis(400);
    })
    .await;
    scene.link().await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(scene.address).await.unwrap();
        // one that was turned away may refuse these bytes already
        let _turned_away = stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-long")
            .await;
        slow.push(stream);
    }
    for mut stream in slow {
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        let _cut_off = end.await.expect("a slow connection ends");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(scene.put(INSTALL, UP, &envelope(1, 5800)).await.status, 201);
    // a body that does not come is not waited for either
    let file = envelope(2, 5800);
    let ask = put(UP, id(&file), &file);
    let signed = scene.sign(&key(INSTALL), &ask);
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: {}\r\nsignature-input: {}\r\nsignature: {}\r\ncontent-digest: {}\r\ncontent-length: {}\r\n\r\nhalf",
        ask.path,
        scene.address,
        signed.signature_input,
        signed.signature,
        signed.content_digest.unwrap(),
        file.len()
    );
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let came = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer));
    came.await.expect("an answer in time").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

/// REQ-RELAY-021: when the memory for bodies is used, large ones are told to come later and small ones go through.
#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let scene = Scene::with(|config| config.limits.body_bytes = 100 * 1024).await;
    scene.link().await;
    let refused = scene.put(INSTALL, UP, &envelope(1, 200_000)).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "busy"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(scene.put(INSTALL, UP, &envelope(2, 5800)).await.status, 201);
}

/// REQ-RELAY-021: one key cannot fill the memory of nonces; others go on.
#[tokio::test]
async fn nonces_of_one_key_are_bounded() {
    let scene = Scene::with(|config| config.limits.nonces_per_key = 1000).await;
    scene.link().await;
    let rosters = || Ask::new("GET", api::path::ROSTERS).after(0);
    let mut slowed = 0;
    for _ in 0..1010 {
        match scene.ask(INSTALL, rosters()).await.status {
            200 => {}
            429 => slowed += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(slowed, 10);
    assert_eq!(scene.ask(STATION, rosters()).await.status, 200);
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 100)).await.status,
        201,
        "mail goes on"
    );
}

type Line = WebSocketStream<TcpStream>;

async fn live(scene: &Scene, who: u8) -> Result<Line, u16> {
    let headers = scene.sign(&key(who), &Ask::new("GET", api::path::LIVE));
    let url = format!("ws://{}{}", scene.address, api::path::LIVE);
    let mut request = url.into_client_request().unwrap();
    let to = request.headers_mut();
    to.insert("signature-input", headers.signature_input.parse().unwrap());
    to.insert("signature", headers.signature.parse().unwrap());
    let stream = TcpStream::connect(scene.address).await.unwrap();
    match client_async(request, stream).await {
        Ok((line, _)) => Ok(line),
        Err(WsError::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// The next text or binary frame; `None` when the line ends.
async fn next(line: &mut Line) -> Option<Message> {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(10), line.next());
        match frame.await.expect("a frame or the end, in time") {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(frame)) => return Some(frame),
        }
    }
}

fn frame(up: MailboxId, words: &[u8]) -> Message {
    Message::Binary([&up.0, words].concat().into())
}

/// REQ-RELAY-022: arrivals go to the mailbox's reader, binary frames between the two ends of a link, nothing to others.
#[tokio::test]
async fn live_frames_reach_the_other_end_only() {
    let mut scene = Scene::new().await;
    scene.admit("second", 41, 42).await;
    scene.link().await;
    other_link(&scene).await;
    assert_eq!(
        live(&scene, CLAIM).await.err(),
        Some(404),
        "a claim key listens to nothing"
    );
    assert_eq!(live(&scene, STRANGER).await.err(), Some(404));
    assert_eq!(scene.claim(OTHER_CLAIM, OTHER_INSTALL).await.status, 204);
    let mut station = live(&scene, STATION).await.unwrap();
    let mut install = live(&scene, INSTALL).await.unwrap();
    let mut other = live(&scene, OTHER_INSTALL).await.unwrap();
    let mut second = live(&scene, 42).await.unwrap();
    assert_eq!(scene.put(INSTALL, UP, &envelope(1, 100)).await.status, 201);
    let told = next(&mut station).await.unwrap().into_text().unwrap();
    assert_eq!(told.as_str(), format!("{{\"box\":\"{UP}\",\"n\":1}}"));
    assert_eq!(
        scene.put(STATION, DOWN, &envelope(2, 100)).await.status,
        201
    );
    let told = next(&mut install).await.unwrap().into_text().unwrap();
    assert_eq!(told.as_str(), format!("{{\"box\":\"{DOWN}\",\"n\":1}}"));
    // what is not one's own link goes nowhere; what is, to its other end
    other.send(frame(UP, b"false")).await.unwrap();
    second.send(frame(UP, b"false")).await.unwrap();
    install.send(frame(UP, b"to the clinic")).await.unwrap();
    assert_eq!(next(&mut station).await, Some(frame(UP, b"to the clinic")));
    station.send(frame(UP, b"to the phone")).await.unwrap();
    assert_eq!(next(&mut install).await, Some(frame(UP, b"to the phone")));
    // nothing was kept: a line that opens later hears nothing of it, and the others heard nothing
    station.send(frame(OTHER_UP, b"yours")).await.unwrap();
    assert_eq!(next(&mut other).await, Some(frame(OTHER_UP, b"yours")));
    assert_eq!(
        scene
            .put(OTHER_INSTALL, OTHER_UP, &envelope(3, 100))
            .await
            .status,
        201
    );
    assert!(next(&mut station).await.unwrap().is_text());

    let revoke = LinkChange {
        state: LinkState::Revoked,
    };
    let ask = Ask::new("POST", api::path::link(UP)).json(&revoke);
    assert_eq!(scene.ask(STATION, ask).await.status, 204);
    assert_eq!(
        next(&mut install).await,
        None,
        "a revoked link's line is cut"
    );
    assert_eq!(live(&scene, INSTALL).await.err(), Some(404));
    for n in 0..60 {
        if other.send(frame(OTHER_UP, &[n])).await.is_err() {
            break;
        }
    }
    assert_eq!(
        next(&mut other).await,
        None,
        "a flood of frames ends its line"
    );
    let mut other = live(&scene, OTHER_INSTALL).await.unwrap();
    other.send(frame(OTHER_UP, &[0; 17_000])).await.unwrap();
    assert_eq!(
        next(&mut other).await,
        None,
        "so does a frame that is too large"
    );
}

/// REQ-RELAY-013: what a proxy passes on is a stranger's, even on loopback.
#[tokio::test]
async fn a_proxy_on_this_machine_does_not_open_the_metrics() {
    let scene = Scene::new().await;
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    let ask = b"GET /metrics HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.1\r\nconnection: close\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

/// REQ-RELAY-023: a restored relay has the backup's mail, begins with the key that was its reserve, and goes on.
#[tokio::test]
async fn a_restored_relay_begins_with_its_reserve_key() {
    let scene = Scene::new().await;
    scene.link().await;
    let (small, large) = (envelope(1, 5800), envelope(2, 90_000));
    for file in [&small, &large] {
        assert_eq!(scene.put(INSTALL, UP, file).await.status, 201);
    }
    let reserve = scene.running.as_ref().unwrap().reserve;
    let copy = scene.folder.path().join("copy");
    teleward_relay::backup(&scene.dir(), &copy).unwrap();
    assert!(
        teleward_relay::backup(&scene.dir(), &copy).is_err(),
        "nothing is written over"
    );
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(3, 100)).await.status,
        201,
        "lost with the disk"
    );
    let restored = scene.folder.path().join("restored");
    teleward_relay::restore(&copy, &restored).unwrap();
    assert_eq!(teleward_relay::verify(&restored).unwrap().whole, 2);
    let scene = scene
        .restart(|config| {
            config.dir = restored.clone();
            config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        })
        .await;
    assert_eq!(scene.receipt, reserve);
    let items: api::Items = scene.list(STATION, UP, 0).await.json();
    assert_eq!(items.relay, reserve.kid());
    assert_eq!(items.items.len(), 2);
    for file in [&small, &large] {
        let get = Ask::new("GET", api::path::envelope(UP, id(file)));
        assert_eq!(&scene.ask(STATION, get).await.body, file);
    }
    let again = scene.put(INSTALL, UP, &large).await;
    assert_eq!(Receipt::verify(&again.text(), &[reserve]).unwrap().0.n, 2);
    // damage is found
    std::fs::write(
        restored
            .join("files")
            .join(UP.to_string())
            .join(id(&large).to_string()),
        b"x",
    )
    .unwrap();
    assert_eq!(teleward_relay::verify(&restored).unwrap().damaged, 1);
}

//! The relay's interface over real HTTP: what each side may do, and what everyone else is told.
#![allow(clippy::unwrap_used, reason = "a test may fail here")]

mod links;
mod refused;
#[path = "../support/mod.rs"]
mod support;

use support::*;
use wire::api::{self, Items, LinkItems, LinkState};
use wire::receipt::{Durable, Receipt};
use wire::{Hash, MailboxId, Time, sha256};

/// REQ-RELAY-001: an envelope goes up, is receipted, listed, fetched and released; its number is never used again.
#[tokio::test]
async fn an_envelope_goes_its_way() {
    let scene = Scene::new().await;
    scene.link().await;
    let file = envelope(1, 5800);
    let first = scene.put(INSTALL, UP, &file).await;
    assert_eq!(
        (
            first.status,
            first.headers["content-type"].to_str().unwrap()
        ),
        (201, "application/jose")
    );
    let (receipt, kid) = Receipt::verify(&first.text(), &[scene.receipt]).unwrap();
    assert_eq!(
        (receipt.mailbox, receipt.id, receipt.n, receipt.size),
        (UP, id(&file), 1, file.len() as u64)
    );
    assert_eq!((receipt.durable, kid), (Durable::Disk, scene.receipt.kid()));

    let again = scene.put(INSTALL, UP, &file).await;
    assert_eq!(again.status, 200);
    assert_eq!(
        Receipt::verify(&again.text(), &[scene.receipt]).unwrap().0,
        receipt,
        "the same word again"
    );

    let listed: Items = scene.list(STATION, UP, 0).await.json();
    assert_eq!((listed.relay, listed.more), (scene.receipt.kid(), false));
    assert_eq!(
        listed
            .items
            .iter()
            .map(|item| (item.n, item.id))
            .collect::<Vec<_>>(),
        [(1, id(&file))]
    );
    let fetched = scene
        .ask(STATION, Ask::new("GET", api::path::envelope(UP, id(&file))))
        .await;
    assert_eq!(fetched.body, file);

    let release = api::Release {
        through: 1,
        parts: vec![],
    };
    assert_eq!(
        scene
            .ask(
                STATION,
                Ask::new("POST", api::path::release(UP)).json(&release)
            )
            .await
            .status,
        204
    );
    assert_eq!(scene.list(STATION, UP, 0).await.json::<Items>().items, []);
    let gone = scene
        .ask(STATION, Ask::new("GET", api::path::envelope(UP, id(&file))))
        .await;
    assert_eq!(gone.status, 404);
    let late = scene.put(INSTALL, UP, &file).await;
    assert_eq!(
        Receipt::verify(&late.text(), &[scene.receipt]).unwrap().0.n,
        1,
        "a tombstone keeps the number"
    );
    let next = scene.put(INSTALL, UP, &envelope(2, 100)).await;
    assert_eq!(
        Receipt::verify(&next.text(), &[scene.receipt]).unwrap().0.n,
        2
    );
}

/// REQ-RELAY-002: a large envelope is a file, a small one a row; both come back byte for byte, also after a restart.
#[tokio::test]
async fn small_and_large_survive_a_restart() {
    let scene = Scene::new().await;
    scene.link().await;
    let files = [
        envelope(1, 4000),
        envelope(2, 64 * 1024),
        envelope(3, 700_000),
    ];
    for file in &files {
        assert_eq!(scene.put(INSTALL, UP, file).await.status, 201);
    }
    let receipt = scene.receipt;
    let scene = scene.restart(|_| {}).await;
    assert_eq!(scene.receipt, receipt, "the receipt key is kept");
    for file in &files {
        let fetched = scene
            .ask(STATION, Ask::new("GET", api::path::envelope(UP, id(file))))
            .await;
        assert_eq!(fetched.body, *file);
        assert_eq!(scene.put(INSTALL, UP, file).await.status, 200);
    }
}

/// REQ-RELAY-009: a mailbox that is full, or has had its share of the day, says so; the other direction goes on.
#[tokio::test]
async fn quotas_hold() {
    let scene = Scene::new().await;
    let small = api::NewLink {
        quota: api::Quota {
            bytes: 20_000,
            per_day: 3,
        },
        ..new_link()
    };
    assert_eq!(
        scene
            .ask(STATION, Ask::new("POST", api::path::LINKS).json(&small))
            .await
            .status,
        201
    );
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 12_000)).await.status,
        201
    );
    let full = scene.put(INSTALL, UP, &envelope(2, 12_000)).await;
    assert_eq!((full.status, full.code().as_str()), (507, "quota"));
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 12_000)).await.status,
        200,
        "what is there is there"
    );
    for n in 0..3 {
        assert_eq!(
            scene.put(STATION, DOWN, &envelope(n, 100)).await.status,
            201
        );
    }
    assert_eq!(
        scene.put(STATION, DOWN, &envelope(9, 100)).await.status,
        507
    );
}

/// REQ-RELAY-011: sixty-four writers at once get sixty-four receipts, numbered without a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_are_numbered_without_a_gap() {
    let scene = std::sync::Arc::new(Scene::new().await);
    scene.link().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..64 {
        let scene = scene.clone();
        writers.spawn(async move {
            let answer = scene.put(INSTALL, UP, &envelope(n, 5800)).await;
            Receipt::verify(&answer.text(), &[scene.receipt])
                .unwrap()
                .0
                .n
        });
    }
    let mut numbers = writers.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<u64>>());
}

/// REQ-RELAY-013: anyone may see that it lives and is ready, the invite's page has no script, and no metric names an id.
#[tokio::test]
async fn public_pages_say_little() {
    let scene = Scene::new().await;
    scene.link().await;
    let file = envelope(1, 100);
    assert_eq!(scene.put(INSTALL, UP, &file).await.status, 201);
    for path in ["/livez", "/readyz", "/i", "/metrics", "/openapi.json"] {
        assert_eq!(
            scene.send(&Ask::new("GET", path), None).await.status,
            200,
            "{path}"
        );
    }
    assert!(
        !scene
            .send(&Ask::new("GET", "/i"), None)
            .await
            .text()
            .contains("<script")
    );
    let metrics = scene.send(&Ask::new("GET", "/metrics"), None).await.text();
    assert!(metrics.contains("teleward_relay_envelopes_total 1"));
    for secret in [
        UP.to_string(),
        id(&file).to_string(),
        key(INSTALL).kid().to_string(),
        "127.0.0.1".to_owned(),
    ] {
        assert!(!metrics.contains(&secret));
    }
    let folder = scene.folder.path().to_owned();
    let scene = scene
        .restart(|config| config.metrics_token = Some("operator".into()))
        .await;
    assert_eq!(
        scene.send(&Ask::new("GET", "/metrics"), None).await.status,
        404,
        "{folder:?}"
    );
}

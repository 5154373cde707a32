//! The relay's interface over real HTTP: what each side may do, and what everyone else is told.
#![allow(clippy::unwrap_used, reason = "a test may fail here")]

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

/// REQ-RELAY-003: whatever is unknown, foreign, unsigned, altered, expired or replayed gets the same bytes: the one 404.
#[tokio::test]
async fn everything_foreign_gets_the_one_404() {
    let mut scene = Scene::new().await;
    scene.admit("second", 41, 42).await;
    scene.link().await;
    let file = envelope(1, 100);
    assert_eq!(scene.put(INSTALL, UP, &file).await.status, 201);

    let list = || Ask::new("GET", api::path::envelopes(UP)).after(0);
    let mut answers = vec![
        (
            "a path that is not",
            scene.ask(STATION, Ask::new("GET", "/v1/elsewhere")).await,
        ),
        (
            "a method that is not",
            scene
                .ask(STATION, Ask::new("DELETE", api::path::envelopes(UP)))
                .await,
        ),
        ("a stranger", scene.ask(STRANGER, list()).await),
        ("another clinic", scene.ask(42, list()).await),
        ("the writer reads", scene.ask(INSTALL, list()).await),
        (
            "the reader writes",
            scene.put(STATION, UP, &envelope(2, 100)).await,
        ),
        (
            "the phone writes down",
            scene.put(INSTALL, DOWN, &envelope(2, 100)).await,
        ),
        ("the claim key lists", scene.ask(CLAIM, list()).await),
        (
            "the claim key writes",
            scene.put(CLAIM, UP, &envelope(3, 100)).await,
        ),
        (
            "a mailbox that is not",
            scene
                .ask(
                    STATION,
                    Ask::new("GET", api::path::envelopes(MailboxId([0x33; 16]))).after(0),
                )
                .await,
        ),
        (
            "an id that is none",
            scene
                .ask(
                    STATION,
                    Ask::new("GET", format!("/v1/mailboxes/{UP}/envelopes/xyz")),
                )
                .await,
        ),
        ("another clinic's link", {
            let change = api::LinkChange {
                state: LinkState::Revoked,
            };
            scene
                .ask(42, Ask::new("POST", api::path::link(UP)).json(&change))
                .await
        }),
        (
            "a phone registers a link",
            scene
                .ask(
                    INSTALL,
                    Ask::new("POST", api::path::LINKS).json(&new_link()),
                )
                .await,
        ),
        ("no signature", scene.send(&list(), None).await),
    ];
    let once = list();
    let headers = scene.sign(&key(STATION), &once);
    assert_eq!(scene.send(&once, Some(headers.clone())).await.status, 200);
    answers.push(("a replay", scene.send(&once, Some(headers.clone())).await));
    answers.push((
        "another query",
        scene.send(&list().after(1), Some(headers.clone())).await,
    ));
    answers.push((
        "another method",
        scene
            .send(
                &Ask {
                    method: "POST",
                    ..list()
                },
                Some(headers),
            )
            .await,
    ));
    let other = Ask {
        authority: Some("relay.example".into()),
        ..list()
    };
    answers.push(("another authority", scene.ask(STATION, other).await));
    let body = br#"{"through":1}"#.to_vec();
    let undigested = Ask {
        signed_body: Some(vec![]),
        ..Ask::new("POST", api::path::release(UP)).body(body.clone())
    };
    answers.push((
        "a body without a digest",
        scene.ask(STATION, undigested).await,
    ));
    let bodiless = Ask {
        signed_body: Some(body),
        ..Ask::new("POST", api::path::release(UP))
    };
    answers.push((
        "a digest without a body",
        scene.ask(STATION, bodiless).await,
    ));

    let one = answers[0].1.clone();
    for (what, answer) in &answers {
        assert_eq!(answer.status, 404, "{what}");
        assert_eq!(answer.body, one.body, "{what}");
        let names = |answer: &Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(answer), names(&one), "{what}");
    }
    assert_eq!(one.code(), "foreign");
}

/// REQ-RELAY-004: a right signature with a wrong clock is told the relay's time, before and after its validity.
#[tokio::test]
async fn a_wrong_clock_is_told_the_time() {
    let scene = Scene::new().await;
    let now = Time::system().ms();
    let minute = 60_000;
    for (created, expires) in [
        (now - 20 * minute, now - 16 * minute),
        (now + 10 * minute, now + 14 * minute),
        (now, now + 20 * minute),
    ] {
        let ask = Ask {
            created: Time::from_ms(created),
            expires: Time::from_ms(expires),
            ..Ask::new("GET", api::path::LINKS).after(0)
        };
        let answer = scene.ask(STATION, ask).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "clock"));
        let told =
            Time::parse(answer.json::<serde_json::Value>()["now"].as_str().unwrap()).unwrap();
        assert!((told.ms() - now).abs() < minute);
    }
    let unknown = Ask {
        expires: Time::from_ms(now - 1),
        ..Ask::new("GET", api::path::LINKS).after(0)
    };
    assert_eq!(
        scene.ask(STRANGER, unknown).await.status,
        404,
        "the key is looked at before the clock"
    );
}

/// REQ-RELAY-005: bytes that are not what the request says, or no envelope, or too many, are refused and not kept.
#[tokio::test]
async fn wrong_bytes_are_refused() {
    let scene = Scene::new().await;
    scene.link().await;
    let file = envelope(1, 100);
    let cases = [
        (422, "hash", put(UP, id(&envelope(2, 100)), &file)),
        (
            422,
            "hash",
            Ask {
                signed_body: Some(envelope(2, 100)),
                ..put(UP, id(&file), &file)
            },
        ),
        (422, "header", put(UP, id(b"no age file"), b"no age file")),
        (422, "header", {
            let text = String::from_utf8_lossy(&file[..1700]).replace("mlkem768x25519", "X25519");
            put(UP, id(text.as_bytes()), text.as_bytes())
        }),
        (413, "too_large", {
            let large = envelope(1, 1_300_000);
            put(UP, id(&large), &large)
        }),
        (
            400,
            "malformed",
            Ask::new("POST", api::path::release(UP)).body("{\"through\":1,\"through\":2}"),
        ),
    ];
    for (status, code, ask) in cases {
        let who = if ask.method == "PUT" {
            INSTALL
        } else {
            STATION
        };
        let answer = scene.ask(who, ask).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
    assert_eq!(scene.list(STATION, UP, 0).await.json::<Items>().items, []);
}

/// REQ-RELAY-006: the first key that claims has the link; the same again is welcome, another is told and shown.
#[tokio::test]
async fn a_link_is_claimed_once() {
    let scene = Scene::new().await;
    let registered = Ask::new("POST", api::path::LINKS).json(&new_link());
    assert_eq!(scene.ask(STATION, registered).await.status, 201);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    let second = scene.claim(CLAIM, STRANGER).await;
    assert_eq!((second.status, second.code().as_str()), (409, "contested"));
    let links: LinkItems = scene
        .ask(STATION, Ask::new("GET", api::path::LINKS).after(0))
        .await
        .json();
    assert_eq!(
        links
            .items
            .iter()
            .map(|link| (link.up, link.state))
            .collect::<Vec<_>>(),
        [(UP, LinkState::Contested)]
    );
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 100)).await.status,
        201,
        "the first goes on"
    );
    assert_eq!(scene.put(STRANGER, UP, &envelope(2, 100)).await.status, 404);
}

/// REQ-RELAY-006: an invite that has expired cannot be claimed for the first time.
#[tokio::test]
async fn an_expired_invite_is_foreign() {
    let scene = Scene::new().await;
    let old = api::NewLink {
        claim_until: Time::from_ms(Time::system().ms() - 1),
        ..new_link()
    };
    assert_eq!(
        scene
            .ask(STATION, Ask::new("POST", api::path::LINKS).json(&old))
            .await
            .status,
        201
    );
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 404);
}

/// REQ-RELAY-007: a revoked link writes no more; what it sent stays for the station.
#[tokio::test]
async fn a_revoked_link_writes_no_more() {
    let scene = Scene::new().await;
    scene.link().await;
    let file = envelope(1, 100);
    assert_eq!(scene.put(INSTALL, UP, &file).await.status, 201);
    let change = api::LinkChange {
        state: LinkState::Revoked,
    };
    assert_eq!(
        scene
            .ask(STATION, Ask::new("POST", api::path::link(UP)).json(&change))
            .await
            .status,
        204
    );
    assert_eq!(scene.put(INSTALL, UP, &envelope(2, 100)).await.status, 404);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 404);
    assert_eq!(
        scene.list(STATION, UP, 0).await.json::<Items>().items.len(),
        1
    );
}

/// REQ-RELAY-008: rosters are taken only in order and from the root that the operator admitted; link and claim keys
/// read them.
#[tokio::test]
async fn rosters_follow_one_another() {
    let scene = Scene::new().await;
    scene.link().await;
    let one = roster(1, Hash::ZERO);
    let two = roster(2, sha256(&[one.as_bytes()]));
    let publish = |lines: String| Ask::new("PUT", api::path::ROSTERS).body(lines);
    assert_eq!(
        scene.ask(INSTALL, publish(format!("{one}\n"))).await.status,
        404,
        "only a station publishes"
    );
    assert_eq!(
        scene.ask(STATION, publish(format!("{one}\n"))).await.status,
        204
    );
    let fork = roster(2, Hash([3; 32]));
    assert_eq!(
        scene
            .ask(STATION, publish(format!("{fork}\n")))
            .await
            .code(),
        "roster"
    );
    assert_eq!(
        scene.ask(STATION, publish(format!("{two}\n"))).await.status,
        204
    );
    for reader in [INSTALL, CLAIM, STATION] {
        let all = scene
            .ask(reader, Ask::new("GET", api::path::ROSTERS).after(0))
            .await;
        assert_eq!(all.text(), format!("{one}\n{two}\n"));
        let newer = scene
            .ask(reader, Ask::new("GET", api::path::ROSTERS).after(1))
            .await;
        assert_eq!(newer.text(), format!("{two}\n"));
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

/// REQ-RELAY-010: a flood from one address is slowed down before any signature is looked at.
#[tokio::test]
async fn a_flood_is_slowed_down() {
    let scene = Scene::with(|config| {
        config.limits.burst = 600.0;
        config.limits.requests_per_second = 0.1;
    })
    .await;
    let mut slowed = None;
    for _ in 0..700 {
        let answer = scene.send(&Ask::new("GET", "/v1/links"), None).await;
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
        assert_eq!(answer.status, 404);
    }
    let slowed = slowed.expect("a flood is slowed down");
    assert_eq!(slowed.code(), "slow_down");
    assert!(slowed.headers.contains_key("retry-after"));
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

/// REQ-RELAY-012: a nonce is remembered over a restart: the same request again is foreign.
#[tokio::test]
async fn a_replay_after_a_restart_is_foreign() {
    let scene = Scene::new().await;
    let port = scene.address.port();
    let ask = Ask::new("GET", api::path::LINKS).after(0);
    let headers = scene.sign(&key(STATION), &ask);
    assert_eq!(scene.send(&ask, Some(headers.clone())).await.status, 200);
    let scene = scene.restart(|config| config.listen.set_port(port)).await;
    assert_eq!(scene.send(&ask, Some(headers)).await.status, 404);
    assert_eq!(
        scene
            .ask(STATION, Ask::new("GET", api::path::LINKS).after(0))
            .await
            .status,
        200
    );
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

/// REQ-RELAY-014: data of a newer version are refused and not changed by a byte.
#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let scene = Scene::new().await;
    let (dir, folder) = (scene.dir(), scene.restart(|_| {}).await);
    let Scene {
        folder, running, ..
    } = folder;
    running.unwrap().stop().await.unwrap();
    let database = dir.join("relay.db");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("PRAGMA user_version = 999; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let before = std::fs::read(&database).unwrap();
    let mut config = teleward_relay::RelayConfig::new(&dir);
    config.listen.set_port(0);
    let refused = teleward_relay::serve(config).await.unwrap_err();
    assert!(refused.to_string().contains("newer version"), "{refused}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
    drop(folder);
}

//! What is refused, and what the refused are told.

use super::*;

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

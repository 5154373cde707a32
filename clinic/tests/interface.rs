//! The console's interface says no in the right way: 400, 401, 403, 404, 409, 410, 429.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod support;

use reqwest::{Method, StatusCode, header};
use serde_json::json;
use support::{Browser, PASSWORD, options, station};
use teleward_clinic as clinic;
use wire::{SigningKey, Time};

/// A station whose relay does not answer.
async fn alone() -> (tempfile::TempDir, clinic::Running) {
    let folder = tempfile::tempdir().unwrap();
    let receipt = SigningKey::from_seed(&[1; 32]).public();
    clinic::init(
        &options(folder.path(), "http://127.0.0.1:9", vec![receipt]),
        Time::system(),
    )
    .unwrap();
    let running = station(&folder.path().join("clinic")).await;
    (folder, running)
}

const ID: &str = "00112233445566778899aabbccddeeff";

fn routes() -> Vec<(Method, String)> {
    let get = |path: &str| (Method::GET, path.to_owned());
    let post = |path: &str| (Method::POST, path.to_owned());
    vec![
        get("/api/accounts"),
        post("/api/accounts"),
        post(&format!("/api/accounts/{ID}/reset")),
        post(&format!("/api/accounts/{ID}/end")),
        post("/api/password"),
        get("/api/patients"),
        post("/api/patients"),
        get(&format!("/api/patients/{ID}")),
        (Method::PATCH, format!("/api/patients/{ID}")),
        get(&format!("/api/patients/{ID}/readings")),
        get(&format!("/api/patients/{ID}/observations")),
        post(&format!("/api/patients/{ID}/invites")),
        post(&format!("/api/invites/{ID}/withdraw")),
        post(&format!("/api/links/{ID}/confirm")),
        post(&format!("/api/links/{ID}/end")),
        post("/api/seen"),
        get("/api/findings"),
        post("/api/findings/1/close"),
        get("/api/status"),
        get("/api/changes"),
    ]
}

/// REQ-CLINIC-007: without a session every route says 401; without the console's header no route changes anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_to_strangers() {
    let (_folder, running) = alone().await;
    let stranger = Browser::new(&running.console);
    for (method, path) in routes() {
        let (status, body) = stranger.call(method.clone(), &path, Some(&json!({}))).await;
        assert_eq!(
            (status, body["code"].as_str()),
            (StatusCode::UNAUTHORIZED, Some("signed_out")),
            "{method} {path}"
        );
    }
    let (status, body) = stranger.get("/api/session").await;
    assert_eq!(
        (status, &body["first_start"]),
        (StatusCode::UNAUTHORIZED, &json!(true))
    );
    let mut forged = Browser::new(&running.console);
    forged.cookie = Some(format!("tw_session={}", "A".repeat(43)));
    assert_eq!(
        forged.get("/api/patients").await.0,
        StatusCode::UNAUTHORIZED
    );

    let browser = Browser::first_sign_in(&running).await;
    for (method, path) in routes()
        .into_iter()
        .filter(|(method, _)| *method != Method::GET)
    {
        let url = format!("{}{path}", running.console);
        let cookie = browser.cookie.clone().unwrap();
        let answer = browser
            .http
            .request(method, url)
            .header(header::COOKIE, cookie)
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::FORBIDDEN,
            "{path} without x-teleward"
        );
    }
    let answer = stranger
        .http
        .get(&running.console)
        .header(header::HOST, "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    running.stop().await.unwrap();
}

/// REQ-CLINIC-008: unknown ids, bad bodies and things that cannot be now are told apart; roles are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_no_has_its_status() {
    let (_folder, running) = alone().await;
    let browser = Browser::first_sign_in(&running).await;
    let nobody = "f".repeat(64);
    let fine = json!({ "name": "A", "born": "1950-01-01", "record_number": "R1", "phone": "", "zone": "Europe/Berlin" });
    for (method, path, body, wanted, code) in [
        (
            Method::GET,
            format!("/api/patients/{ID}"),
            json!(null),
            404,
            "unknown",
        ),
        (
            Method::PATCH,
            format!("/api/patients/{ID}"),
            fine.clone(),
            404,
            "unknown",
        ),
        (
            Method::GET,
            format!("/api/patients/{ID}/readings"),
            json!(null),
            404,
            "unknown",
        ),
        (
            Method::GET,
            format!("/api/patients/{ID}/readings?limit=x"),
            json!(null),
            400,
            "malformed",
        ),
        (
            Method::GET,
            format!("/api/patients/{ID}/readings?before=x"),
            json!(null),
            400,
            "malformed",
        ),
        (
            Method::POST,
            format!("/api/patients/{ID}/invites"),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            format!("/api/invites/{ID}/withdraw"),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            format!("/api/links/{ID}/confirm"),
            json!({ "how": "words" }),
            404,
            "unknown",
        ),
        (
            Method::POST,
            format!("/api/links/{ID}/confirm"),
            json!({ "how": "guess" }),
            400,
            "how",
        ),
        (
            Method::POST,
            format!("/api/links/{ID}/confirm"),
            json!({}),
            400,
            "malformed",
        ),
        (
            Method::POST,
            format!("/api/links/{ID}/end"),
            json!({ "reason": "" }),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/links/x/end".into(),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/seen".into(),
            json!({ "readings": [nobody] }),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/seen".into(),
            json!({ "readings": ["x"] }),
            400,
            "malformed",
        ),
        (
            Method::POST,
            "/api/findings/7/close".into(),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/findings/x/close".into(),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            format!("/api/accounts/{ID}/reset"),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            format!("/api/accounts/{ID}/end"),
            json!({}),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/accounts".into(),
            json!({ "name": "B", "role": "king" }),
            400,
            "role",
        ),
        (
            Method::POST,
            "/api/accounts".into(),
            json!({ "name": "ann LEE ", "role": "clinician" }),
            409,
            "name_taken",
        ),
        (
            Method::POST,
            "/api/patients".into(),
            json!({ "name": "" }),
            400,
            "malformed",
        ),
        (
            Method::GET,
            "/api/nothing".into(),
            json!(null),
            404,
            "unknown",
        ),
        (
            Method::DELETE,
            "/api/patients".into(),
            json!(null),
            404,
            "unknown",
        ),
        (
            Method::POST,
            "/api/password".into(),
            json!({ "old": "wrong", "new": "another good password" }),
            403,
            "wrong",
        ),
        (
            Method::POST,
            "/api/password".into(),
            json!({ "old": PASSWORD, "new": "short" }),
            400,
            "weak",
        ),
        (
            Method::POST,
            "/api/session/link".into(),
            json!({ "token": "x" }),
            410,
            "used",
        ),
    ] {
        let body = (!body.is_null()).then_some(&body);
        let (status, answer) = browser.call(method.clone(), &path, body).await;
        assert_eq!(
            (status.as_u16(), answer["code"].as_str()),
            (wanted, Some(code)),
            "{method} {path} {answer}"
        );
        assert!(!answer["text"].as_str().unwrap().is_empty());
    }
    for (member, value, code) in [
        ("name", " ", "name"),
        ("born", "1950-13-01", "born"),
        ("born", "19500101", "born"),
        ("zone", "Berlin", "zone"),
        ("phone", "line\nbreak", "too_long"),
    ] {
        let mut bad = fine.clone();
        bad[member] = json!(value);
        let (status, answer) = browser.post("/api/patients", &bad).await;
        assert_eq!(
            (status.as_u16(), answer["code"].as_str()),
            (400, Some(code)),
            "{member}"
        );
    }
    let (status, made) = browser.post("/api/patients", &fine).await;
    assert_eq!(status, StatusCode::OK);
    let (status, answer) = browser.post("/api/patients", &fine).await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (409, Some("record_number"))
    );
    let patient = made["id"].as_str().unwrap();
    let (status, answer) = browser
        .post(&format!("/api/patients/{patient}/invites"), &json!({}))
        .await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (409, Some("relay")),
        "no relay answers"
    );
    let (_, page) = browser.get(&format!("/api/patients/{patient}")).await;
    assert_eq!(
        (page["invites"].clone(), &page["patient"]["state"]),
        (json!([]), &json!("no_phone"))
    );

    let (_, made) = browser
        .post(
            "/api/accounts",
            &json!({ "name": "Ben", "role": "clinician" }),
        )
        .await;
    let mut ben = Browser::new(&running.console);
    ben.sign_in_by_link(made["link"].as_str().unwrap()).await;
    ben.post("/api/password", &json!({ "new": "bens own good password" }))
        .await;
    assert_eq!(ben.get("/api/patients").await.0, StatusCode::OK);
    for (method, path) in routes()
        .into_iter()
        .filter(|(_, path)| path.starts_with("/api/accounts"))
    {
        let (status, answer) = ben.call(method, &path, Some(&json!({}))).await;
        assert_eq!(
            (status.as_u16(), answer["code"].as_str()),
            (403, Some("administrator")),
            "{path}"
        );
    }
    let (status, link) = browser
        .post(
            &format!("/api/accounts/{}/reset", made["id"].as_str().unwrap()),
            &json!({}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        ben.get("/api/patients").await.0,
        StatusCode::UNAUTHORIZED,
        "a reset ends every session"
    );
    assert_eq!(
        ben.sign_in("Ben", "bens own good password").await,
        StatusCode::UNAUTHORIZED
    );
    ben.sign_in_by_link(link["link"].as_str().unwrap()).await;
    running.stop().await.unwrap();
}

/// REQ-CLINIC-002: guessing is slowed down with 429 and a time to wait, and a right password waits as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slowed_down() {
    let (_folder, running) = alone().await;
    let _set = Browser::first_sign_in(&running).await;
    let mut guesser = Browser::new(&running.console);
    for _ in 0..5 {
        assert_eq!(
            guesser.sign_in("Ann Lee", "not the password").await,
            StatusCode::UNAUTHORIZED
        );
    }
    let body = json!({ "name": "Ann Lee", "password": PASSWORD });
    let (status, answer) = guesser.post("/api/session", &body).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::TOO_MANY_REQUESTS, Some("slow_down"))
    );
    assert!(answer["retry_after"].as_u64().unwrap() >= 1);
    running.stop().await.unwrap();
}

/// REQ-CLINIC-009: pages allow no foreign script, frame or referrer, and a change is told at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_closed_and_changes_are_told() {
    let (_folder, running) = alone().await;
    let browser = Browser::first_sign_in(&running).await;
    let page = browser
        .http
        .get(format!("{}/sign-in", running.console))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let missing = browser
        .http
        .get(format!("{}/assets/none.js", running.console))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);

    let mut events = browser
        .request(Method::GET, "/api/changes")
        .send()
        .await
        .unwrap();
    assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = events.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("\"topics\""));
    let id = browser.patient("Somebody").await;
    let told = events.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains(&id));
    running.stop().await.unwrap();
}

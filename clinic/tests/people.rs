//! What only a person does: keeps a session alive, confirms a phone that an invite by letter brought, forgets somebody's
//! password. And what one patient's page must not say twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod support;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use store::rusqlite::Connection;
use support::{Browser, PASSWORD, Phone, World, options, station};
use teleward_clinic as clinic;
use vault::{Ack, Kind, LinkState, Welcome};
use wire::{SigningKey, Time};

/// A station whose relay does not answer.
async fn alone() -> (tempfile::TempDir, clinic::Running) {
    let folder = tempfile::tempdir().unwrap();
    let receipt = SigningKey::from_seed(&[1; 32]).public();
    let made = options(folder.path(), "http://127.0.0.1:9", vec![receipt]);
    clinic::init(&made, Time::system()).unwrap();
    let running = station(&folder.path().join("clinic")).await;
    (folder, running)
}

/// A second hand on the station's database, for what would take half an hour.
fn database(dir: &Path) -> Connection {
    let database = Connection::open(dir.join("station.db")).unwrap();
    database
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    database
}

/// REQ-CLINIC-021: what a page asks by itself keeps no session alive; what a person asks does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_person_keeps_a_session_alive() {
    const MINUTE: i64 = 60_000;
    let (folder, running) = alone().await;
    let browser = Browser::first_sign_in(&running).await;
    let database = database(&folder.path().join("clinic"));
    let ago = |ms: i64| {
        let changed = database
            .execute(
                "UPDATE session SET used_at = ?1",
                [Time::system().ms() - ms],
            )
            .unwrap();
        assert_eq!(changed, 1);
    };
    let idle = || {
        let used: i64 = database
            .query_row("SELECT used_at FROM session", [], |row| row.get(0))
            .unwrap();
        Time::system().ms() - used
    };
    ago(10 * MINUTE);
    for path in ["/api/status", "/api/patients", "/api/session"] {
        assert_eq!(browser.get(path).await.0, StatusCode::OK);
    }
    assert!(idle() >= 10 * MINUTE, "the page itself was taken for a use");
    let by_hand = browser
        .request(Method::GET, "/api/patients")
        .header("x-teleward-use", "1");
    assert_eq!(by_hand.send().await.unwrap().status(), StatusCode::OK);
    assert!(idle() < MINUTE, "a person's request was not");
    ago(31 * MINUTE);
    let late = browser
        .request(Method::GET, "/api/patients")
        .header("x-teleward-use", "1");
    assert_eq!(
        late.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED,
        "a use that comes too late revives nothing"
    );
    running.stop().await.unwrap();
}

/// REQ-CLINIC-022: an administrator forgets another's password and never the own one, which would lose the link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_somebody_elses() {
    let (_folder, running) = alone().await;
    let admin = Browser::first_sign_in(&running).await;
    let (_, session) = admin.get("/api/session").await;
    let own = session["account"]["id"].as_str().unwrap();
    let (status, no) = admin
        .post(&format!("/api/accounts/{own}/reset"), &json!({}))
        .await;
    assert_eq!(
        (status, no["code"].as_str()),
        (StatusCode::CONFLICT, Some("own_account"))
    );
    assert_eq!(admin.get("/api/patients").await.0, StatusCode::OK);

    let made = json!({ "name": "Ben Bell", "role": "clinician" });
    let (_, made) = admin.post("/api/accounts", &made).await;
    let mut ben = Browser::new(&running.console);
    ben.sign_in_by_link(made["link"].as_str().unwrap()).await;
    let set = json!({ "new": PASSWORD });
    assert_eq!(
        ben.post("/api/password", &set).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(ben.get("/api/patients").await.0, StatusCode::OK);
    let id = made["id"].as_str().unwrap();
    let (status, link) = admin
        .post(&format!("/api/accounts/{id}/reset"), &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ben.get("/api/patients").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        ben.sign_in("Ben Bell", PASSWORD).await,
        StatusCode::UNAUTHORIZED
    );
    ben.sign_in_by_link(link["link"].as_str().unwrap()).await;
    assert_eq!(
        ben.get("/api/patients").await.0,
        StatusCode::FORBIDDEN,
        "a new password comes first"
    );
    running.stop().await.unwrap();
}

async fn joined(browser: &Browser, patient: &str, invite: &Value) -> (Phone, String) {
    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    phone.join().await;
    let page = browser
        .until(&format!("/api/patients/{patient}"), |page| {
            page["links"][0]["state"] == "pending"
        })
        .await;
    let up = page["links"][0]["up"].as_str().unwrap().to_owned();
    (phone, up)
}

/// REQ-CLINIC-023: a phone that joined by an invite which went by letter is confirmed by the words only; one that was
/// handed over may be confirmed in person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_may_have_been_read() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    for (way, in_person) in [
        ("letter", StatusCode::CONFLICT),
        ("hand", StatusCode::NO_CONTENT),
    ] {
        let patient = browser.patient(way).await;
        // waits until the relay knows the clinic
        browser.invite(&patient).await;
        let invites = format!("/api/patients/{patient}/invites");
        let (status, invite) = browser.post(&invites, &json!({ "way": way })).await;
        assert_eq!(status, StatusCode::OK);
        let (_phone, up) = joined(&browser, &patient, &invite).await;
        let confirm = format!("/api/links/{up}/confirm");
        let (status, answer) = browser.post(&confirm, &json!({ "how": "in_person" })).await;
        assert_eq!(status, in_person, "{way}: {answer}");
        let (_, page) = browser.get(&format!("/api/patients/{patient}")).await;
        assert_eq!(page["links"][0]["words_only"], way == "letter");
        if in_person == StatusCode::CONFLICT {
            assert_eq!(answer["code"], "words_only");
            assert_eq!(page["links"][0]["state"], "pending");
            let words = browser.post(&confirm, &json!({ "how": "words" })).await;
            assert_eq!(words.0, StatusCode::NO_CONTENT);
        }
    }
    let (status, no) = browser
        .post(
            &format!("/api/patients/{}/invites", "0".repeat(32)),
            &json!({ "way": "pigeon" }),
        )
        .await;
    assert_eq!(
        (status, no["code"].as_str()),
        (StatusCode::BAD_REQUEST, Some("malformed"))
    );
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

/// REQ-CLINIC-024: what is possibly the same measurement counts once among those that nobody looked at.
/// REQ-CLINIC-025: a registration that the relay refuses holds back nobody else's answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_refused_registration_stops_no_answer() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Rosa Martínez").await;
    let invite = browser.invite(&patient).await;
    let (mut phone, up) = joined(&browser, &patient, &invite).await;
    let how = json!({ "how": "words" });
    browser
        .post(&format!("/api/links/{up}/confirm"), &how)
        .await;
    phone
        .wait_for::<Welcome>(|welcome| welcome.state == LinkState::Confirmed)
        .await;

    // a second link that says to the relay what the relay does not take: its claim key is another's
    browser.invite(&patient).await;
    let database = database(&world.dir());
    let other = SigningKey::from_seed(&[9; 32]).public();
    database
        .execute(
            "UPDATE link SET claim = ?1 WHERE state = 'invited'",
            [other.as_bytes().as_slice()],
        )
        .unwrap();
    let due = "UPDATE registration SET done = 0 WHERE up IN (SELECT up FROM link WHERE state = 'invited')";
    assert_eq!(database.execute(due, []).unwrap(), 1);

    let mut ids = Vec::new();
    for n in 1..=2 {
        let line = phone.line(&phone.reading(n, "128"));
        let sent = phone.send(Kind::Readings, &line).await;
        ids.push(sent);
        phone
            .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.id == sent))
            .await;
    }
    let undone = "SELECT count(*) FROM registration WHERE done = 0";
    let left: i64 = database.query_row(undone, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "the relay took it: this test proves nothing");

    let list = browser
        .until("/api/patients", |list| list["patients"][0]["unseen"] == 2)
        .await;
    assert_eq!(list["patients"][0]["unseen"], 2);
    database
        .execute(
            "UPDATE reading SET same_as = (SELECT min(id) FROM reading) WHERE id > (SELECT min(id) FROM reading)",
            [],
        )
        .unwrap();
    let (_, list) = browser.get("/api/patients").await;
    assert_eq!(list["patients"][0]["unseen"], 1);
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

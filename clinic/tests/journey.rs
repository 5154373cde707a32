//! A patient's way through a station, over a real relay: invite, join, words, readings, seen, an ended link, a restore.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod support;

use reqwest::StatusCode;
use serde_json::json;
use support::{Browser, Phone, World, station};
use teleward_clinic as clinic;
use vault::{Ack, Kind, LinkState, RecoverySheet, Resend, Seen, Welcome, check_words};
use wire::{Hash, SigningKey, Time};

/// REQ-CLINIC-010: a phone joins, is confirmed by a person, its reading arrives once, is acknowledged and seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_arrives_is_acknowledged_and_seen() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Rosa Martínez").await;
    let page = format!("/api/patients/{patient}");
    let invite = browser.invite(&patient).await;
    assert!(invite["qr_svg"].as_str().unwrap().contains("<svg"));

    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    let join = phone.join().await;
    let shown = browser
        .until(&page, |page| page["links"][0]["state"] == "pending")
        .await;
    let words = check_words(&phone.invite.root(), join);
    assert_eq!(shown["links"][0]["words"], json!(words.words));
    assert_eq!(shown["links"][0]["digits"], json!(words.digits));
    assert_eq!(shown["invites"][0]["state"], "used");
    let (letter, welcome) = phone.wait_for::<Welcome>(|_| true).await;
    assert_eq!(
        (welcome.state, welcome.join, letter.header.circle),
        (LinkState::Pending, join, 0)
    );

    let up = shown["links"][0]["up"].as_str().unwrap().to_owned();
    let (status, _) = browser
        .post(
            &format!("/api/links/{up}/confirm"),
            &json!({ "how": "words" }),
        )
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    phone
        .wait_for::<Welcome>(|welcome| welcome.state == LinkState::Confirmed)
        .await;

    let reading = phone.reading(1, "128");
    let line = phone.line(&reading);
    let sent = phone.send(Kind::Readings, &line).await;
    let readings = format!("{page}/readings");
    let list = browser
        .until(&readings, |list| {
            list["readings"].as_array().unwrap().len() == 1
        })
        .await;
    assert_eq!(list["readings"][0]["values"]["systolic"], "128");
    assert_eq!(list["readings"][0]["source"], "typed");
    assert_eq!(list["readings"][0]["confirmed"], true);
    assert_eq!(list["readings"][0]["link_label"], "Rosa's phone");
    let (letter, ack) = phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.id == sent))
        .await;
    assert_eq!(letter.header.re, Some(sent));
    assert!(ack.missing.is_empty() && ack.also.is_empty() && ack.refused.is_empty());
    assert_ne!(ack.log, Hash::ZERO);

    // the same reading in another letter is the same reading; a second one is a second one
    let both = [phone.line(&reading), phone.line(&phone.reading(2, "131"))].concat();
    phone.send(Kind::Readings, &both).await;
    let list = browser
        .until(&readings, |list| {
            list["readings"].as_array().unwrap().len() > 1
        })
        .await;
    assert_eq!(list["readings"].as_array().unwrap().len(), 2);

    let id = reading.id.to_string();
    let (status, _) = browser
        .post("/api/seen", &json!({ "readings": [id] }))
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, seen) = phone.wait_for::<Seen>(|_| true).await;
    assert_eq!(seen.readings, [Hash(reading.id.0)]);
    assert_eq!(seen.by, "administrator");

    // a stranger's letter in this mailbox is set aside, told to people and to the phone
    let foreign = phone.seal(Kind::Readings, &line, &SigningKey::generate().unwrap());
    phone
        .relay
        .put_envelope(&phone.auth, phone.invite.up(), &foreign)
        .await
        .unwrap();
    let (_, ack) = phone.wait_for::<Ack>(|ack| !ack.refused.is_empty()).await;
    assert_eq!(
        (ack.refused[0].id, ack.refused[0].reason.as_str()),
        (foreign.id(), "unknown_sender")
    );
    let found = browser
        .until("/api/findings", |all| {
            !all["findings"].as_array().unwrap().is_empty()
        })
        .await;
    assert_eq!(found["findings"][0]["code"], "quarantined");
    let audit = store::rusqlite::Connection::open(world.dir().join("station.db")).unwrap();
    let lines: i64 = audit
        .query_row(
            "SELECT count(*) FROM audit WHERE line LIKE '%letter_refused%' || ?1 || ' unknown_sender%'",
            [format!("{up} {}", foreign.id())],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(lines, 1, "a refusal is one line of the audit log");

    let (status, ended) = browser
        .post(
            &format!("/api/links/{up}/end"),
            &json!({ "reason": "lost" }),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        ended["under_way"]["text"]
            .as_str()
            .unwrap()
            .contains("not confirmed")
    );
    let last = phone.line(&phone.reading(3, "140"));
    let key = phone.sign.clone();
    let sealed = phone.seal(Kind::Readings, &last, &key);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while phone
        .relay
        .put_envelope(&phone.auth, phone.invite.up(), &sealed)
        .await
        .is_ok()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "the relay goes on taking mail of an ended link"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

/// REQ-CLINIC-011: a station that comes back from a backup signs with its reserve key from number 1 and asks for what
/// it lost; nothing is lost and nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_station_revives_no_chain() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Jan Kowalski").await;
    let invite = browser.invite(&patient).await;
    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    phone.join().await;
    phone.wait_for::<Welcome>(|_| true).await;
    phone
        .send(Kind::Readings, &phone.line(&phone.reading(1, "120")))
        .await;
    let (first, _) = phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.seq == 2))
        .await;

    let backup = world.folder.path().join("backup");
    clinic::backup(&world.dir(), &backup, None, Time::system()).unwrap();
    // after the backup: a confirmation, a circle, a reading
    let page = format!("/api/patients/{patient}");
    let (_, shown) = browser.get(&page).await;
    let up = shown["links"][0]["up"].as_str().unwrap().to_owned();
    browser
        .post(
            &format!("/api/links/{up}/confirm"),
            &json!({ "how": "in_person" }),
        )
        .await;
    phone
        .wait_for::<Welcome>(|welcome| welcome.state == LinkState::Confirmed)
        .await;
    phone
        .send(Kind::Readings, &phone.line(&phone.reading(2, "122")))
        .await;
    phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.seq == 3))
        .await;
    running.stop().await.unwrap();

    let sheet =
        std::fs::read_to_string(world.folder.path().join("sheets/backup-sheet.txt")).unwrap();
    let code = sheet.lines().find(|line| !line.starts_with('#')).unwrap();
    let key = RecoverySheet::parse(code).unwrap();
    let dir = world.folder.path().join("restored");
    clinic::restore(&backup, &dir, key.identity(), None, Time::system()).unwrap();
    assert!(
        clinic::restore(&backup, &dir, key.identity(), None, Time::system()).is_err(),
        "never over a station"
    );
    let wrong = RecoverySheet::generate().unwrap();
    let other = world.folder.path().join("other");
    assert!(clinic::restore(&backup, &other, wrong.identity(), None, Time::system()).is_err());

    let running = station(&dir).await;
    let (letter, resend) = phone.wait_for::<Resend>(|_| true).await;
    assert_eq!(
        (letter.place.seq, resend.after),
        (1, 2),
        "a new chain from number 1"
    );
    assert_ne!(letter.place.kid, first.place.kid);
    let mut browser = Browser::new(&running.console);
    assert_eq!(
        browser.sign_in("Ann Lee", support::PASSWORD).await,
        StatusCode::NO_CONTENT
    );
    // the relay still holds what came after the backup, sealed under a circle that the backup does not know
    let list = browser
        .until(&format!("{page}/readings"), |list| {
            list["readings"].as_array().unwrap().len() == 2
        })
        .await;
    assert_eq!(list["more"], false);
    phone
        .send(Kind::Readings, &phone.line(&phone.reading(3, "124")))
        .await;
    phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.seq == 4))
        .await;
    let (_, found) = browser.get("/api/findings").await;
    assert_eq!(
        found["findings"],
        json!([]),
        "a restore alone makes no findings"
    );
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

/// REQ-CLINIC-012: an invite that was withdrawn or whose link is unknown to the relay cannot be joined with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_invite_cannot_be_claimed() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Zofia Nowak").await;
    let invite = browser.invite(&patient).await;
    let id = invite["id"].as_str().unwrap();
    for _ in 0..2 {
        let (status, _) = browser
            .post(&format!("/api/invites/{id}/withdraw"), &json!({}))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    let phone = Phone::new(invite["url"].as_str().unwrap());
    let claim = wire::api::Claim {
        v: 1,
        auth: phone.auth.public(),
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while phone
        .relay
        .claim(&phone.invite.claim_key(), &claim)
        .await
        .is_ok()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "a withdrawn invite can still be claimed"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, page) = browser.get(&format!("/api/patients/{patient}")).await;
    assert_eq!(page["invites"][0]["state"], "withdrawn");
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

//! A table of devices, adopted at the clinic, on its way to phones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod support;

use clap::{Args as _, FromArgMatches as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{Browser, PASSWORD, Phone, World, one_row};
use teleward_clinic::command::{self, Args};
use vault::{Data, DataMail, LinkState, Welcome};

async fn devices(words: &[&str]) -> Result<(), String> {
    let words = ["clinic", "devices"]
        .into_iter()
        .chain(words.iter().copied());
    let matches = Args::augment_args(clap::Command::new("clinic")).try_get_matches_from(words);
    let args = Args::from_arg_matches(&matches.unwrap()).unwrap();
    let done = command::run(args, |_| Box::new(()), one_row).await;
    done.map_err(|error| error.to_string())
}

/// A phone that has joined and was confirmed.
async fn confirmed(browser: &Browser, name: &str) -> Phone {
    let patient = browser.patient(name).await;
    let invite = browser.invite(&patient).await;
    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    phone.join().await;
    let page = format!("/api/patients/{patient}");
    let shown = browser
        .until(&page, |page| page["links"][0]["state"] == "pending")
        .await;
    let up = shown["links"][0]["up"].as_str().unwrap();
    let confirm = format!("/api/links/{up}/confirm");
    browser.post(&confirm, &json!({ "how": "words" })).await;
    phone
}

/// REQ-CLINIC-070: a table that an administrator adopts is signed, reaches a phone that is confirmed already from the
/// running station, and one that is confirmed later; a stranger's name, a clinician's and a text that is no table adopt
/// nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adopted_table_reaches_every_phone() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let mut before = confirmed(&browser, "Rosa Martínez").await;
    before
        .wait_for::<Welcome>(|welcome| welcome.state == LinkState::Confirmed)
        .await;
    let (dir, folder) = (world.dir(), tempfile::tempdir().unwrap());
    let dir = dir.to_str().unwrap();
    let (good, bad) = (
        folder.path().join("good.json"),
        folder.path().join("bad.json"),
    );
    std::fs::write(&good, r#"{"v":1,"rows":[{"id":"a"}]}"#).unwrap();
    std::fs::write(&bad, r#"{"v":1}"#).unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());

    browser
        .post(
            "/api/accounts",
            &json!({ "name": "Cy Young", "role": "clinician" }),
        )
        .await;
    for (table, by, why) in [
        (good, "Nobody", "no administrator"),
        (good, "Cy Young", "no administrator"),
        (bad, "Ann Lee", "no rows"),
        ("missing.json", "Ann Lee", "missing.json"),
    ] {
        let refused = devices(&["adopt", table, "--by", by, "--dir", dir])
            .await
            .unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    devices(&["adopt", good, "--by", "ann lee", "--dir", dir])
        .await
        .unwrap();
    devices(&["show", "--dir", dir]).await.unwrap();

    let (_, mail) = before.wait_for::<DataMail>(|_| true).await;
    let data = Data::verify(&mail.jws, &before.rosters).unwrap();
    assert_eq!(data.table, json!({ "v": 1, "rows": [{ "id": "a" }] }));
    assert_eq!(data.adopted_by, "Ann Lee");
    let mut after = confirmed(&browser, "Jan Kowalski").await;
    let (_, later) = after.wait_for::<DataMail>(|_| true).await;
    assert_eq!(later.jws, mail.jws);
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

const TABLE: &str = "/api/devices/table";
const CHANGES: &str = "/api/devices/table/changes";

/// A table of one row, as the text of a file.
fn table(issued: &str, id: &str) -> String {
    json!({ "v": 1, "issued": issued, "rows": [{ "id": id, "about": "\u{e9}" }] }).to_string()
}

/// Somebody who may see patients, signed in.
async fn clinician(by: &Browser) -> Browser {
    let (_, made) = by
        .post(
            "/api/accounts",
            &json!({ "name": "Cy Young", "role": "clinician" }),
        )
        .await;
    let mut browser = Browser::new(&by.base);
    browser
        .sign_in_by_link(made["link"].as_str().unwrap())
        .await;
    browser
        .post("/api/password", &json!({ "new": PASSWORD }))
        .await;
    browser
}

/// REQ-CLINIC-082: in the console an administrator sees what a table changes before it is adopted, adopts it in their own
/// name, and it reaches the phones at once; what is no table, too long, older, the one in force, or was looked at over
/// another one adopts nothing, and neither does a clinician.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_adopted_in_the_console() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let mut phone = confirmed(&browser, "Rosa Martínez").await;
    let in_force = async || browser.get(TABLE).await.1["in_force"].clone();
    assert_eq!(in_force().await, Value::Null);

    let first = table("2026-11-20", "a");
    let (status, found) = browser.post(CHANGES, &json!({ "table": first })).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    assert_eq!(
        (&found["over"], &found["issued"]),
        (&json!(0), &json!("2026-11-20"))
    );
    assert_eq!(found["changes"]["added"][0]["id"], "a");
    assert_eq!(in_force().await, Value::Null, "looking adopts nothing");

    let (status, done) = browser
        .post(TABLE, &json!({ "table": first, "over": 0 }))
        .await;
    assert_eq!(
        (status, &done["phones"]),
        (StatusCode::OK, &json!(1)),
        "{done}"
    );
    let held = in_force().await;
    assert_eq!(held["n"], done["n"]);
    assert_eq!(
        (&held["adopted_by"], &held["issued"], &held["rows"][0]["id"]),
        (&json!("Ann Lee"), &json!("2026-11-20"), &json!("a"))
    );
    let (_, mail) = phone.wait_for::<DataMail>(|_| true).await;
    let data = Data::verify(&mail.jws, &phone.rosters).unwrap();
    assert_eq!(data.adopted_by, "Ann Lee");

    let n = held["n"].clone();
    let long = format!(r#"{{"rows":[]}}{}"#, " ".repeat(256 << 10));
    for (text, over, status, code) in [
        ("{", &n, 400, "no_table"),
        (r#"{"v":1}"#, &n, 400, "no_table"),
        (long.as_str(), &n, 400, "no_table"),
        (table("2026-11-19", "b").as_str(), &n, 409, "older"),
        (r#"{"rows":[]}"#, &n, 409, "undated"),
        (first.as_str(), &n, 409, "same"),
        (
            table("2026-11-21", "b").as_str(),
            &json!(0),
            409,
            "meanwhile",
        ),
    ] {
        let body = json!({ "table": text, "over": over });
        let (found, refused) = browser.post(TABLE, &body).await;
        assert_eq!((found.as_u16(), &refused["code"]), (status, &json!(code)));
        if code != "meanwhile" {
            let (found, refused) = browser.post(CHANGES, &body).await;
            assert_eq!((found.as_u16(), &refused["code"]), (status, &json!(code)));
        }
    }
    let other = clinician(&browser).await;
    let body = json!({ "table": table("2026-11-21", "b"), "over": n });
    for path in [TABLE, CHANGES] {
        assert_eq!(other.post(path, &body).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(other.get(TABLE).await.0, StatusCode::FORBIDDEN);
    assert_eq!(in_force().await, held, "nothing of all that changed it");

    let (dir, folder) = (world.dir(), tempfile::tempdir().unwrap());
    let older = folder.path().join("older.json");
    std::fs::write(&older, table("2026-11-19", "b")).unwrap();
    let (file, dir) = (older.to_str().unwrap(), dir.to_str().unwrap());
    let refused = devices(&["adopt", file, "--by", "Ann Lee", "--dir", dir])
        .await
        .unwrap_err();
    assert!(refused.contains("older"), "{refused}");
    let (status, _) = browser.post(TABLE, &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(in_force().await["rows"][0]["id"], "b");
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

/// REQ-CLINIC-083: the unit of blood glucose is chosen by an administrator, and by nobody else; every session is told it,
/// and a unit that is none changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unit_of_glucose_is_the_clinics() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let other = clinician(&browser).await;
    let told = async |browser: &Browser| {
        let (session, status) = (
            browser.get("/api/session").await.1,
            browser.get("/api/status").await.1,
        );
        let unit = session["clinic"]["glucose_unit"].clone();
        assert_eq!(unit, status["glucose_unit"]);
        unit
    };
    assert_eq!(told(&other).await, Value::Null);
    for (unit, by, status, then) in [
        (json!("mmol/L"), &browser, 204, json!("mmol/L")),
        (json!("mg/dL"), &other, 403, json!("mmol/L")),
        (json!("mg"), &browser, 400, json!("mmol/L")),
        (json!("mg/dL"), &browser, 204, json!("mg/dL")),
        (Value::Null, &browser, 204, Value::Null),
    ] {
        let (found, _) = by
            .post("/api/shown", &json!({ "glucose_unit": unit }))
            .await;
        assert_eq!(found.as_u16(), status, "{unit}");
        assert_eq!(told(&other).await, then, "after {unit}");
    }
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

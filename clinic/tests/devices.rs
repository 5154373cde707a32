//! A table of devices, adopted at the clinic, on its way to phones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod support;

use clap::{Args as _, FromArgMatches as _};
use serde_json::json;
use support::{Browser, Phone, World};
use teleward_clinic::command::{self, Args};
use vault::{Data, DataMail, LinkState, Welcome};

fn one_row(text: &str) -> Result<usize, String> {
    match text.contains("rows") {
        true => Ok(1),
        false => Err("no rows".to_owned()),
    }
}

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

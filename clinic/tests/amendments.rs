//! *It was not me*: what a phone says about a reading afterwards, through the real relay to the console's interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own functions"
)]

mod support;

use reading::Reading;
use serde_json::{Value, json};
use support::{Browser, Phone, World};
use vault::{Ack, Amendment, Amends, Kind, LinkState, Welcome};
use wire::{Hash, Time};

struct Clinic {
    world: World,
    running: teleward_clinic::Running,
    browser: Browser,
}

impl Clinic {
    async fn new() -> Self {
        let world = World::new().await;
        let running = world.station().await;
        let browser = Browser::first_sign_in(&running).await;
        Self {
            world,
            running,
            browser,
        }
    }

    /// One more phone of a patient, confirmed.
    async fn phone(&self, patient: &str) -> (Phone, String) {
        let (mut phone, up) = self.pending(patient).await;
        let confirm = format!("/api/links/{up}/confirm");
        let how = json!({ "how": "words" });
        assert!(self.browser.post(&confirm, &how).await.0.is_success());
        phone
            .wait_for::<Welcome>(|welcome| welcome.state == LinkState::Confirmed)
            .await;
        (phone, up)
    }

    async fn pending(&self, patient: &str) -> (Phone, String) {
        let invite = self.browser.invite(patient).await;
        let mut phone = Phone::new(invite["url"].as_str().unwrap());
        phone.join().await;
        let up = phone.invite.up().to_string();
        let has = |page: &Value| {
            let mut links = page["links"].as_array().unwrap().iter();
            links.any(|link| link["up"] == up.as_str() && link["state"] == "pending")
        };
        let path = format!("/api/patients/{patient}");
        self.browser.until(&path, has).await;
        (phone, up)
    }

    async fn readings(&self, patient: &str) -> Vec<Value> {
        let (_, page) = self
            .browser
            .get(&format!("/api/patients/{patient}/readings"))
            .await;
        page["readings"].as_array().unwrap().clone()
    }

    /// What the patient said of it, as the console is told.
    async fn said(&self, patient: &str, reading: &Reading) -> Value {
        let all = self.readings(patient).await;
        let id = reading.id.to_string();
        let found = all.iter().find(|known| known["id"] == id.as_str());
        found.unwrap()["said"]["what"].clone()
    }

    async fn open_findings(&self, patient: &str) -> Vec<String> {
        let (_, page) = self.browser.get(&format!("/api/patients/{patient}")).await;
        let findings = page["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["state"] == "open")
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn end(self) {
        self.running.stop().await.unwrap();
        self.world.relay.stop().await.unwrap();
    }
}

/// Sends a letter and waits for its acknowledgement.
async fn send(phone: &mut Phone, kind: Kind, content: &[u8]) {
    let id = phone.send(kind, content).await;
    phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.id == id))
        .await;
}

async fn send_reading(phone: &mut Phone, reading: &Reading) {
    let line = phone.line(reading);
    send(phone, Kind::Readings, &line).await;
}

async fn say(phone: &mut Phone, reading: &Reading, what: Amends, at: i64) {
    let said = Amendment {
        v: 1,
        reading: Hash(reading.id.0),
        what,
        at: Time::from_ms(1_790_000_000_000 + at),
        user: None,
    };
    send(phone, Kind::Amend, said.to_line().as_bytes()).await;
}

/// REQ-CLINIC-050: *not me* leaves the reading where it is, with who said it and when; it is no latest reading, and goes to
/// other systems as entered in error. Said again it changes nothing; taken back, the reading counts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_that_was_somebody_elses_stays_with_its_trace() {
    let clinic = Clinic::new().await;
    let patient = clinic.browser.patient("Rosa Martínez").await;
    let (mut phone, _) = clinic.phone(&patient).await;
    let (first, mut second) = (phone.reading(1, "118"), phone.reading(2, "188"));
    // Two forms within one millisecond would stand in the order of their ids.
    second.timing.effective = first.timing.effective.plus_ms(1_000);
    send_reading(&mut phone, &first).await;
    send_reading(&mut phone, &second).await;
    for _ in 0..2 {
        say(&mut phone, &second, Amends::NotMe, 0).await;
    }
    let all = clinic.readings(&patient).await;
    let void = |id: &Reading| {
        let id = id.id.to_string();
        all.iter().find(|known| known["id"] == id.as_str()).unwrap()
    };
    assert_eq!(all.len(), 2);
    assert_eq!(void(&second)["values"]["systolic"], "188");
    assert_eq!(void(&second)["said"]["what"], "not_me");
    assert_eq!(void(&second)["said"]["at"], "2026-09-21T14:13:20.000Z");
    assert_eq!(void(&second)["said"]["link_label"], "Rosa's phone");
    assert_eq!(void(&first)["said"], Value::Null);
    let latest = async || {
        let (_, list) = clinic.browser.get("/api/patients").await;
        list["patients"][0]["latest"]["values"]["systolic"].clone()
    };
    assert_eq!(latest().await, "118");

    let record = async |more: &str| {
        let path = format!("/api/patients/{patient}/observations?limit=1{more}");
        let request = clinic.browser.request(reqwest::Method::GET, &path);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/fhir+ndjson");
        let link = answer.headers().get("link").cloned();
        (link, answer.text().await.unwrap())
    };
    let (link, newest) = record("").await;
    let resource: Value = serde_json::from_str(newest.trim_end()).unwrap();
    assert_eq!(resource["status"], "entered-in-error");
    assert!(link.unwrap().to_str().unwrap().contains("rel=\"next\""));
    let (link, older) = record(&format!("&before={}", second.id)).await;
    let resource: Value = serde_json::from_str(older.trim_end()).unwrap();
    assert_eq!((resource["status"].as_str(), link), (Some("final"), None));

    say(&mut phone, &second, Amends::Me, 1).await;
    assert_eq!(clinic.said(&patient, &second).await, "me");
    assert_eq!(latest().await, "188");
    // What was said before that comes late, and changes nothing.
    say(&mut phone, &second, Amends::NotMe, -5).await;
    assert_eq!(clinic.said(&patient, &second).await, "me");
    assert!(clinic.open_findings(&patient).await.is_empty());
    // A kind of statement that is not known here is kept and told, and holds up nothing.
    let line = format!(
        "{{\"v\":1,\"reading\":\"{}\",\"what\":\"typo\",\"at\":\"2026-09-21T14:13:20.000Z\"}}\n",
        first.id
    );
    let known = Amendment {
        v: 1,
        reading: Hash(first.id.0),
        what: Amends::NotMe,
        at: Time::from_ms(0),
        user: Some(2),
    };
    send(
        &mut phone,
        Kind::Amend,
        (line + &known.to_line()).as_bytes(),
    )
    .await;
    assert_eq!(clinic.open_findings(&patient).await, ["unreadable_content"]);
    assert_eq!(clinic.said(&patient, &first).await, "not_me");
    clinic.end().await;
}

/// REQ-CLINIC-051: a statement that comes before its reading counts when the reading has come.
/// REQ-CLINIC-052: a phone has no say in a reading that it did not send, of another patient or of the same; that is told, and
/// mends when the reading comes by it after all. One that nobody has confirmed voids nothing that a confirmed one sent.
/// REQ-CLINIC-053: one measurement under two patients is told, and mends when one of them says that it was not they.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_sent_a_reading_has_a_say_in_it() {
    let clinic = Clinic::new().await;
    let (ann, bob) = (
        clinic.browser.patient("Ann").await,
        clinic.browser.patient("Bob").await,
    );
    let (mut of_ann, _) = clinic.phone(&ann).await;
    let (mut of_bob, _) = clinic.phone(&bob).await;
    let early = of_ann.reading(1, "118");
    say(&mut of_ann, &early, Amends::NotMe, 0).await;
    assert!(clinic.open_findings(&ann).await.is_empty());
    send_reading(&mut of_ann, &early).await;
    assert_eq!(clinic.said(&ann, &early).await, "not_me");

    let shared = of_ann.reading(2, "128");
    send_reading(&mut of_ann, &shared).await;
    say(&mut of_bob, &shared, Amends::NotMe, 1).await;
    assert_eq!(clinic.said(&ann, &shared).await, Value::Null);
    assert_eq!(clinic.open_findings(&bob).await, ["foreign_amendment"]);
    // Bob's phone read the same cuff: now both stand for it, until Bob's word counts.
    send_reading(&mut of_bob, &shared).await;
    assert_eq!(clinic.said(&bob, &shared).await, "not_me");
    assert_eq!(clinic.said(&ann, &shared).await, Value::Null);
    for patient in [&ann, &bob] {
        assert!(clinic.open_findings(patient).await.is_empty());
    }
    say(&mut of_bob, &shared, Amends::Me, 2).await;
    for patient in [&ann, &bob] {
        assert_eq!(clinic.open_findings(patient).await, ["wrong_person"]);
    }
    say(&mut of_ann, &shared, Amends::NotMe, 3).await;
    for patient in [&ann, &bob] {
        assert!(clinic.open_findings(patient).await.is_empty());
    }

    // A second phone of Bob's, confirmed by nobody, that sends the same reading again.
    let (mut stranger, up) = clinic.pending(&bob).await;
    send_reading(&mut stranger, &shared).await;
    say(&mut stranger, &shared, Amends::NotMe, 4).await;
    assert_eq!(clinic.said(&bob, &shared).await, "me");
    let confirm = format!("/api/links/{up}/confirm");
    clinic
        .browser
        .post(&confirm, &json!({ "how": "words" }))
        .await;
    assert_eq!(clinic.said(&bob, &shared).await, "not_me");
    clinic.end().await;
}

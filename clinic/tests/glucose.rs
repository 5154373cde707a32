//! Blood glucose in the unit that the clinic reads, through the real relay to the console's interface.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own functions"
)]

mod support;

use reading::{GlucoseUnit, Reading, TypedValues};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Browser, Phone, World};
use vault::{Ack, Amendment, Amends, Kind};
use wire::{Hash, Time};

/// Sends a letter and waits for its acknowledgement.
async fn send(phone: &mut Phone, kind: Kind, content: &[u8]) {
    let id = phone.send(kind, content).await;
    phone
        .wait_for::<Ack>(|ack| ack.stored.is_some_and(|stored| stored.id == id))
        .await;
}

/// A concentration that a person typed so many seconds after the first one.
fn typed(phone: &Phone, seconds: u8, digits: &str, unit: GlucoseUnit) -> Reading {
    let values = TypedValues::Glucose {
        concentration: digits.parse().unwrap(),
        unit,
        meal: None,
    };
    let mut reading = phone.typed(seconds, values);
    reading.timing.effective = reading.timing.effective.plus_ms(i64::from(seconds) * 1_000);
    reading
}

/// A page of a patient's readings: each one's glucose, its unit and what was sent; and the units that count.
async fn page(browser: &Browser, patient: &str, more: &str) -> (Vec<[Value; 3]>, Value) {
    let path = format!("/api/patients/{patient}/readings?{more}");
    let (_, page) = browser.get(&path).await;
    let readings = page["readings"].as_array().unwrap().iter();
    let of = |one: &Value, what: &str| one[what]["glucose"].clone();
    let shown = readings
        .filter(|one| one["kind"] == "glucose")
        .map(|one| [of(one, "values"), of(one, "units"), of(one, "sent")]);
    assert_eq!(page["glucose"]["mg_per_dl_in_1_mmol_per_l"], "18.0156");
    (shown.collect(), page["glucose"]["read_in"].clone())
}

/// REQ-CLINIC-085, HAZ-CLINIC-080: each value of glucose comes as this clinic reads it, with the digits and the unit that were
/// sent beside it; before a unit is chosen, the newest reading that is the patient's own has it, on every page. What other
/// systems get stays as it was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glucose_comes_as_the_clinic_reads_it_and_as_it_was_sent() {
    use GlucoseUnit::{MilligramsPerDecilitre, MillimolesPerLitre};
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Rosa Martínez").await;
    let invite = browser.invite(&patient).await;
    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    phone.join().await;
    assert_eq!(page(&browser, &patient, "").await, (vec![], json!({})));

    let older = typed(&phone, 1, "105", MilligramsPerDecilitre);
    let newest = typed(&phone, 2, "5.80", MillimolesPerLitre);
    let mut pressure = phone.reading(3, "128");
    pressure.timing.effective = pressure.timing.effective.plus_ms(3_000);
    for reading in [&older, &newest, &pressure] {
        let line = phone.line(reading);
        send(&mut phone, Kind::Readings, &line).await;
    }
    let (mass, amount) = (json!("mg/dL"), json!("mmol/L"));
    let sent = |value: &str, unit: &Value| json!({ "value": value, "unit": unit });
    let as_sent = [json!("5.80"), amount.clone(), Value::Null];
    let converted = [json!("5.8"), amount.clone(), sent("105", &mass)];
    let own = json!({ "glucose": "mmol/L" });
    assert_eq!(
        page(&browser, &patient, "").await,
        (vec![as_sent.clone(), converted.clone()], own.clone())
    );
    let behind = format!("limit=1&before={}", newest.id);
    assert_eq!(
        page(&browser, &patient, &behind).await,
        (vec![converted.clone()], own)
    );

    let said = Amendment {
        v: 1,
        reading: Hash(newest.id.0),
        what: Amends::NotMe,
        at: Time::system(),
        user: None,
    };
    send(&mut phone, Kind::Amend, said.to_line().as_bytes()).await;
    assert_eq!(
        page(&browser, &patient, "").await,
        (
            vec![
                [json!("104"), mass.clone(), sent("5.80", &amount)],
                [json!("105"), mass.clone(), Value::Null],
            ],
            json!({ "glucose": "mg/dL" })
        )
    );

    for unit in [&amount, &mass] {
        let chosen = json!({ "glucose_unit": unit });
        let (status, _) = browser.post("/api/shown", &chosen).await;
        assert_eq!(status.as_u16(), 204);
        let (shown, read_in) = page(&browser, &patient, "").await;
        assert_eq!(read_in, json!({ "glucose": unit, "glucose_cgm": unit }));
        assert!(shown.iter().all(|[_, has, _]| has == unit));
        if unit == &amount {
            assert_eq!(shown, [as_sent.clone(), converted.clone()]);
        }
    }
    let path = format!("/api/patients/{patient}/observations");
    let answer = browser.request(Method::GET, &path).send().await.unwrap();
    let record = answer.text().await.unwrap();
    for kept in [
        r#""value":105,"unit":"mg/dL""#,
        r#""value":5.80,"unit":"mmol/L""#,
    ] {
        assert!(record.contains(kept), "{kept} is not in {record}");
    }
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

/// REQ-CLINIC-085: the newest reading in the list of patients has its glucose in the chosen unit, and before one is chosen in
/// its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_patients_has_glucose_as_the_clinic_reads_it() {
    let world = World::new().await;
    let running = world.station().await;
    let browser = Browser::first_sign_in(&running).await;
    let patient = browser.patient("Rosa Martínez").await;
    let invite = browser.invite(&patient).await;
    let mut phone = Phone::new(invite["url"].as_str().unwrap());
    phone.join().await;
    let reading = typed(&phone, 1, "105", GlucoseUnit::MilligramsPerDecilitre);
    let line = phone.line(&reading);
    send(&mut phone, Kind::Readings, &line).await;
    for (unit, value, sent) in [
        (Value::Null, "105", json!({})),
        (
            json!("mmol/L"),
            "5.8",
            json!({ "glucose": { "value": "105", "unit": "mg/dL" } }),
        ),
        (json!("mg/dL"), "105", json!({})),
    ] {
        browser
            .post("/api/shown", &json!({ "glucose_unit": unit }))
            .await;
        let (_, list) = browser.get("/api/patients").await;
        let latest = &list["patients"][0]["latest"];
        assert_eq!(latest["values"]["glucose"], value);
        assert_eq!(latest["sent"], sent);
    }
    running.stop().await.unwrap();
    world.relay.stop().await.unwrap();
}

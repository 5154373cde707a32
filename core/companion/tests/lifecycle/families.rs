//! Devices of every family beside the cuff: each one's readings come by themselves as what they are.

use super::*;

/// REQ-COMPANION-060, REQ-COMPANION-081: a body composition scale, a glucose sensor and a health sensor are paired, and each
/// one's readings come by themselves as what they are, an observation that no other kind takes among them; half of a record,
/// a unit that nobody knows and items of a format each are kept and make none.
#[tokio::test]
async fn a_body_scale_and_two_sensors_are_collected_from() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"{"devices": [
        {"device": "scale", "address": "c4c4c4c4c4c1", "services": ["181d", "181b"], "measurements": ["181b/2a9c"],
         "values": {"180a/2a24": "53", "180a/2a25": "3131"},
         "frames": [{"bytes": "7e10eb00e807060f13111b036419a701801b0032"}, {"bytes": "801feb00802ff0230314c841d606"},
                    {"bytes": "7e10ec00e807060f13121b036419a701801b0032"}]},
        {"device": "sensor", "address": "c4c4c4c4c4c2", "services": ["181f"], "measurements": ["181f/2aa7"],
         "values": {"180a/2a24": "54", "180a/2a25": "3132", "181f/2aa8": "00000059ffff",
                    "181f/2aaa": "e807060f0a000080ff", "181f/2aa9": "1400000000"},
         "stored": {"service": "181f", "records": [{"number": 5, "packets": [["2aa7", "060064000500"]]},
                    {"number": 10, "packets": [["2aa7", "060069000a00"]]}]}},
        {"device": "health", "address": "c4c4c4c4c4c3", "services": ["1840"], "measurements": ["1840/2b8b"],
         "values": {"180a/2a24": "43", "180a/2a25": "3133"},
         "frames": [{"bytes": "03011500030040e1020022843e002e00000100c3064a0300ff"},
                    {"bytes": "0701150003000140020022843e002e00000100c3064a0300ff"},
                    {"bytes": "0b011500030001400200221e3e002e00000100ffff4a0300ff"},
                    {"bytes": "0f081800030001400200221d3e002e00000100010500000001000607"}]}]}"#;
    let radio = scripted(script);
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    for _ in 0..3 {
        paired(&companion).await;
    }
    let all = until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 5)
    })
    .await;
    let mut told: Vec<String> = all
        .iter()
        .map(|reading| {
            let value = &reading.values[0];
            let text = value.value.clone().unwrap_or_default();
            format!("{} {text} {}", reading.kind, value.unit)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "body_composition 23.5 %",
            "glucose_cgm 100 mg/dL",
            "glucose_cgm 105 mg/dL",
            "observation 84.2 kg",
            "weight 84.2 kg"
        ]
    );
    companion.close().await;
}

/// REQ-COMPANION-080: a cuff's memory is collected by itself, record for record, once over many sessions; what the cuff
/// indicated and keeps too is one reading.
#[tokio::test]
async fn a_cuffs_memory_is_collected_once() {
    let dir = tempfile::tempdir().unwrap();
    let value = |systolic: &str, time: &str| format!("46{systolic}0052006100{time}4200");
    let (first, second, third) = (
        value("80", "80009832"),
        value("82", "bc009832"),
        value("84", "f8009832"),
    );
    let script = format!(
        r#"{{"devices": [{{"device": "cuff", "address": "c4c4c4c4c4c1", "services": ["1810"], "measurements": ["1810/2b34"],
         "values": {{"180a/2a24": "43", "180a/2a25": "3133", "1810/2a49": "0000"}},
         "frames": [{{"bytes": "{second}"}}, {{"bytes": "{third}"}}],
         "stored": {{"service": "1810", "records": [{{"number": 7, "packets": [["2b36", "030700342b{first}"]]}},
                    {{"number": 8, "packets": [["2b36", "030800342b{second}"]]}}]}}}}]}}"#
    );
    let radio = scripted(&script);
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    paired(&companion).await;
    until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 3)
    })
    .await;
    // The pairing, and two sessions that collect.
    let sessions = tokio::time::timeout(Duration::from_secs(20), async {
        while companion.traces().await.unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    sessions.await.expect("the cuff is met again and again");
    let mut told: Vec<String> = readings(&companion)
        .await
        .iter()
        .map(|reading| {
            assert_eq!(reading.kind, "blood_pressure");
            reading.values[0].value.clone().unwrap_or_default()
        })
        .collect();
    told.sort();
    assert_eq!(told, ["128", "130", "132"]);
    companion.close().await;
}

/// REQ-COMPANION-040: a scale and a thermometer are paired beside the cuff, and each one's readings come by themselves as
/// what they are.
#[tokio::test]
async fn a_scale_and_a_thermometer_stand_beside_the_cuff() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"{"devices": [
        {"device": "scale", "address": "c4c4c4c4c4c1", "services": ["181d"], "measurements": ["181d/2a9d"],
         "values": {"180a/2a24": "53", "180a/2a25": "3131"},
         "frames": [{"bytes": "02c841ea070b1808000000"}, {"bytes": "02ffffea070b1808010000"}]},
        {"device": "thermometer", "address": "c4c4c4c4c4c2", "services": ["1809"], "measurements": ["1809/2a1c"],
         "values": {"180a/2a24": "54", "180a/2a25": "3132"}, "frames": [{"bytes": "04380e00fe06"}]},
        {"device": "cuff", "address": "c4c4c4c4c4c3",
         "values": {"180a/2a24": "43", "180a/2a25": "3133"}, "frames": [{"bytes": "1480005200610042000000"}]}]}"#;
    let radio = scripted(script);
    let companion = open(dir.path(), &Arc::default(), Some(radio)).unwrap();
    for _ in 0..3 {
        paired(&companion).await;
    }
    let all = until(&companion, async || {
        Some(readings(&companion).await).filter(|all| all.len() == 4)
    })
    .await;
    let told = |kind: &str| {
        let of_kind = all.iter().filter(|reading| reading.kind == kind);
        let first = |reading: &ReadingView| {
            let value = &reading.values[0];
            let text = value.value.clone().or(value.absent.clone());
            format!("{} {}", text.unwrap(), value.unit)
        };
        let mut told: Vec<String> = of_kind.map(first).collect();
        told.sort();
        told
    };
    assert_eq!(told("weight"), ["84.200 kg", "nan kg"]);
    assert_eq!(told("temperature"), ["36.40 Cel"]);
    assert_eq!(told("blood_pressure"), ["128 mm[Hg]"]);
    let failed = all
        .iter()
        .find(|reading| reading.doubts.contains(&"measurement_failed".to_owned()));
    assert_eq!(failed.unwrap().kind, "weight");
    let warm = all.iter().find(|reading| reading.kind == "temperature");
    let site = &warm.unwrap().details[0];
    assert_eq!(
        (site.name.as_str(), site.word.as_deref()),
        ("site", Some("mouth"))
    );
    companion.close().await;
}

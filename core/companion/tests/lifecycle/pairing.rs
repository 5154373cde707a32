//! Pairing with one of several, with one that is not there, and again after a lost bond.

use super::*;

#[tokio::test]
async fn a_cuff_that_is_not_there_is_said_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = scripted(r#"{"devices": []}"#);
    let companion = open(dir.path(), &Arc::default(), Some(nobody)).unwrap();
    let request = companion.pair(Duration::from_millis(10)).await.unwrap();
    let RequestState::Failed { code, text } = outcome(&companion, request).await else {
        panic!("nobody was there")
    };
    assert_eq!(code, "not_found");
    assert!(text.contains("Hold it near"));
    companion.close().await;
}

/// REQ-COMPANION-020: a cuff that lost its bond is told as such, and is paired again as the same device.
#[tokio::test]
async fn a_cuff_that_lost_its_bond_is_paired_again_as_the_same_device() {
    let dir = tempfile::tempdir().unwrap();
    let started = Moment::from_ms(Time::system().ms());
    let script = cuff("").replace(r#""frames""#, r#""needs_pairing": true, "frames""#);
    let radio = ScriptedRadio::new(Script::parse(&script).unwrap(), started).unwrap();
    let companion = open(dir.path(), &Arc::default(), Some(radio.clone())).unwrap();
    let handle = DeviceHandle("cuff-1".to_owned());
    let first = paired(&companion).await;
    radio.lose_bond(&handle);
    let ending = async || {
        devices(&companion)
            .await
            .pop()?
            .last_ending
            .filter(|ending| ending == "bond_lost")
    };
    until(&companion, ending).await;
    device::Radio::forget(&radio, &handle).await.unwrap();
    radio.push_frame(&handle, vec![0x00, 0x80, 0, 0x52, 0, 0x61, 0]);
    assert_eq!(paired(&companion).await, first);
    until(&companion, async || {
        (readings(&companion).await.len() == 1).then_some(())
    })
    .await;
    assert_eq!(devices(&companion).await.len(), 1);
    companion.close().await;
}

async fn found(companion: &Companion) -> Vec<FoundView> {
    let View::Found(found) = companion.view(Topic::Found).await.unwrap() else {
        unreachable!()
    };
    found
}

/// REQ-COMPANION-025: a person looks around, chooses one of several devices, and exactly that one is paired.
#[tokio::test]
async fn a_person_chooses_among_the_devices_that_are_near() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryVault::default());
    let script = format!(
        r#"{{"devices": [
            {{"device": "cuff-1", "name": "Hers", "address": "c4c4c4c4c4c4", "frames": [{{"bytes": "{GOOD}"}}]}},
            {{"device": "cuff-2", "name": "His", "address": "d4d4d4d4d4d4", "frames": [{{"bytes": "{GOOD}"}}]}}]}}"#
    );
    let radio = scripted(&script);
    let companion = open(folder.path(), &vault, Some(radio)).unwrap();
    let unknown = companion.pair_with("0011223344556677").await.unwrap_err();
    assert!(
        matches!(unknown, CompanionError::Unknown { .. }),
        "{unknown}"
    );

    let look = companion.look(Duration::from_secs(60)).await.unwrap();
    let second = companion.look(Duration::from_secs(1)).await.unwrap_err();
    assert!(
        matches!(second, CompanionError::BadInput { .. }),
        "{second}"
    );
    let both = until(&companion, async || {
        Some(found(&companion).await).filter(|found| found.len() == 2)
    })
    .await;
    assert!(
        both.iter()
            .all(|one| one.family == "blood pressure cuff" && !one.paired)
    );
    // Each says what to do, by its family or its model.
    let steps = |name: &str| {
        let one = both.iter().find(|one| one.name.as_deref() == Some(name));
        one.map(|one| one.how_to_pair.concat()).unwrap_or_default()
    };
    assert!(
        steps("Hers").contains("Bluetooth button"),
        "{}",
        steps("Hers")
    );
    let his = both.iter().find(|one| one.name.as_deref() == Some("His"));
    let his = his.unwrap().id.clone();
    // The look has most of its minute to go: choosing ends it.
    let pairing = companion.pair_with(&his).await.unwrap();
    assert_eq!(
        outcome(&companion, look).await,
        RequestState::Done { result: None }
    );
    let done = outcome(&companion, pairing).await;
    assert_eq!(
        done,
        RequestState::Done {
            result: Some(his.clone())
        }
    );
    let paired = devices(&companion).await;
    assert_eq!(paired.len(), 1);
    assert_eq!(
        (paired[0].id.as_str(), paired[0].name.as_str()),
        (his.as_str(), "His")
    );
    let near: Vec<bool> = found(&companion)
        .await
        .iter()
        .map(|one| one.paired)
        .collect();
    assert_eq!(
        near.iter().filter(|paired| **paired).count(),
        1,
        "the other is near, and not paired"
    );
    companion.close().await;
}

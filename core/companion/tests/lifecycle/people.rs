//! Two people on one device, and devices that keep their users apart.

use super::*;

/// A record of 10:00 and so many minutes, by a user of the cuff.
fn of_user(user: u8, minute: u8) -> String {
    format!("1e800052006100ea070b1c0a{minute:02x}004200{user:02x}0000")
}

async fn questions(companion: &Companion) -> Vec<(RequestId, QuestionView)> {
    let View::Requests(all) = companion.view(Topic::Requests).await.unwrap() else {
        unreachable!()
    };
    all.into_iter()
        .filter_map(|request| match request.state {
            RequestState::Asked { question } => Some((request.id, question)),
            _ => None,
        })
        .collect()
}

/// REQ-COMPANION-057: two people on one cuff: each new user is asked about and none is assigned; answered, the patient's
/// readings go on by themselves, the other person's stay here, and a guest's are asked about each time.
#[tokio::test]
async fn two_people_use_one_cuff() {
    let dir = tempfile::tempdir().unwrap();
    let frames: Vec<String> = [(1, 0), (2, 1), (0xff, 2)]
        .map(|(user, minute)| {
            format!(
                r#"{{"after_ms": 10, "bytes": "{}"}}"#,
                of_user(user, minute)
            )
        })
        .into();
    let radio = radio(&frames.join(","));
    let companion = open(dir.path(), &Arc::default(), Some(radio.clone())).unwrap();
    let id = paired(&companion).await;
    let asked = until(&companion, async || {
        let asked = questions(&companion).await;
        (asked.len() == 3).then_some(asked)
    })
    .await;
    for reading in readings(&companion).await {
        assert_eq!(reading.whose, Whose::Asked);
        assert!(reading.doubts.contains(&"possibly_not_me".to_owned()));
    }
    for (question, view) in asked {
        assert_eq!(view.device.as_deref(), Some(id.as_str()));
        assert!(view.text.starts_with("Your Virtual Cuff "), "{}", view.text);
        let answer = match view.user {
            Some(1) => Answer::Me,
            Some(2) => Answer::SomebodyElse,
            other => {
                assert_eq!(other, None);
                continue;
            }
        };
        assert_eq!(companion.answer(question, answer).await, Ok(1));
    }
    let handle = DeviceHandle("cuff-1".to_owned());
    for (user, minute) in [(1, 3), (2, 4), (0xff, 5)] {
        let bytes = reading::from_hex(&of_user(user, minute)).unwrap();
        radio.push_frame(&handle, bytes);
    }
    let all = until(&companion, async || {
        let all = readings(&companion).await;
        (all.len() == 6).then_some(all)
    })
    .await;
    let how = |reading: &ReadingView| (reading.whose, reading.stage);
    let of = |wanted: Whose| all.iter().filter(move |reading| reading.whose == wanted);
    assert_eq!(of(Whose::Mine).count(), 2);
    assert_eq!(of(Whose::Asked).count(), 2);
    for theirs in of(Whose::SomebodyElses) {
        assert_eq!(how(theirs), (Whose::SomebodyElses, Stage::KeptHere));
    }
    let left = questions(&companion).await;
    assert_eq!((left.len(), left[0].1.readings.len()), (1, 2));

    let mine = of(Whose::Mine).next().unwrap().id.clone();
    companion.not_me(&mine).await.unwrap();
    let refused = companion.answer(RequestId(9_999), Answer::Me).await;
    assert!(matches!(refused, Err(CompanionError::Unknown { .. })));
    // Paired again, the device keeps what was said about its users.
    let request = companion.look(Duration::from_millis(300)).await.unwrap();
    outcome(&companion, request).await;
    let request = companion.pair_with(&id).await.unwrap();
    outcome(&companion, request).await;
    let users = devices(&companion).await.pop().unwrap().users;
    let users: Vec<_> = users.iter().map(|user| (user.slot, user.person)).collect();
    assert_eq!(users, [(1, Person::Me), (2, Person::SomebodyElse)]);
    companion.close().await;
}

/// REQ-COMPANION-058: a device that gives its readings to registered users only is told as such; when the patient wants to be
/// one, the next session registers them, their readings come and are theirs, and the code outlives the process and no view.
#[tokio::test]
async fn a_patient_becomes_a_user_of_a_device() {
    let dir = tempfile::tempdir().unwrap();
    let frame = format!(r#"{{"bytes": "{GOOD}"}}"#);
    let users = r#""users": {"codes": {"1": 1111}, "room": 4, "closed": true}, "frames""#;
    let script = cuff(&frame).replace(r#""frames""#, users);
    let radio = scripted(&script);
    let vault = Arc::default();
    let companion = open(dir.path(), &vault, Some(radio.clone())).unwrap();
    let id = paired(&companion).await;
    let noticed = async |companion: &Companion| {
        let notices = devices(companion).await.pop().unwrap().notices;
        let codes = notices.into_iter().map(|notice| notice.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(noticed(&companion).await, ["user_unsaid"]);
    assert!(readings(&companion).await.is_empty());
    let wrong = UserChoice::Existing {
        slot: 1,
        code: 12_345,
    };
    assert!(matches!(
        companion.use_user(&id, wrong).await,
        Err(CompanionError::BadInput { .. })
    ));
    companion.use_user(&id, UserChoice::New).await.unwrap();
    let first = until(&companion, async || readings(&companion).await.pop()).await;
    assert_eq!(first.whose, Whose::Mine, "it was the patient's own session");
    let device = until(&companion, async || {
        let device = devices(&companion).await.pop().unwrap();
        (device.notices.is_empty() && device.synced_at.is_some()).then_some(device)
    })
    .await;
    let known: Vec<_> = device
        .users
        .iter()
        .map(|user| (user.slot, user.person))
        .collect();
    assert_eq!(known, [(2, Person::Me)]);
    companion.close().await;

    radio.push_frame(
        &DeviceHandle("cuff-1".to_owned()),
        reading::from_hex(&of_user(2, 7)).unwrap(),
    );
    let companion = open(dir.path(), &vault, Some(radio.clone())).unwrap();
    until(&companion, async || {
        (readings(&companion).await.len() == 2).then_some(())
    })
    .await;
    assert!(questions(&companion).await.is_empty());
    // Reset by somebody: the code is dropped, and nothing is guessed.
    radio.change_code(&DeviceHandle("cuff-1".to_owned()), 2, 1);
    until(&companion, async || {
        (noticed(&companion).await == ["user_code_rejected"]).then_some(())
    })
    .await;
    until(&companion, async || {
        (noticed(&companion).await == ["user_unsaid"]).then_some(())
    })
    .await;
    companion.close().await;
}

//! Links and rosters: who may claim, who may write, who is believed.

use super::*;

/// REQ-RELAY-006: the first key that claims has the link; the same again is welcome, another is told and shown.
#[tokio::test]
async fn a_link_is_claimed_once() {
    let scene = Scene::new().await;
    let registered = Ask::new("POST", api::path::LINKS).json(&new_link());
    assert_eq!(scene.ask(STATION, registered).await.status, 201);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
    let second = scene.claim(CLAIM, STRANGER).await;
    assert_eq!((second.status, second.code().as_str()), (409, "contested"));
    let links: LinkItems = scene
        .ask(STATION, Ask::new("GET", api::path::LINKS).after(0))
        .await
        .json();
    assert_eq!(
        links
            .items
            .iter()
            .map(|link| (link.up, link.state))
            .collect::<Vec<_>>(),
        [(UP, LinkState::Contested)]
    );
    assert_eq!(
        scene.put(INSTALL, UP, &envelope(1, 100)).await.status,
        201,
        "the first goes on"
    );
    assert_eq!(scene.put(STRANGER, UP, &envelope(2, 100)).await.status, 404);
}

/// REQ-RELAY-006: an invite that has expired cannot be claimed for the first time.
#[tokio::test]
async fn an_expired_invite_is_foreign() {
    let scene = Scene::new().await;
    let old = api::NewLink {
        claim_until: Time::from_ms(Time::system().ms() - 1),
        ..new_link()
    };
    assert_eq!(
        scene
            .ask(STATION, Ask::new("POST", api::path::LINKS).json(&old))
            .await
            .status,
        201
    );
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 404);
}

/// REQ-RELAY-007: a revoked link writes no more; what it sent stays for the station.
#[tokio::test]
async fn a_revoked_link_writes_no_more() {
    let scene = Scene::new().await;
    scene.link().await;
    let file = envelope(1, 100);
    assert_eq!(scene.put(INSTALL, UP, &file).await.status, 201);
    let change = api::LinkChange {
        state: LinkState::Revoked,
    };
    assert_eq!(
        scene
            .ask(STATION, Ask::new("POST", api::path::link(UP)).json(&change))
            .await
            .status,
        204
    );
    assert_eq!(scene.put(INSTALL, UP, &envelope(2, 100)).await.status, 404);
    assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 404);
    assert_eq!(
        scene.list(STATION, UP, 0).await.json::<Items>().items.len(),
        1
    );
}

/// REQ-RELAY-008: rosters are taken only in order and from the root that the operator admitted; link and claim keys
/// read them.
#[tokio::test]
async fn rosters_follow_one_another() {
    let scene = Scene::new().await;
    scene.link().await;
    let one = roster(1, Hash::ZERO);
    let two = roster(2, sha256(&[one.as_bytes()]));
    let publish = |lines: String| Ask::new("PUT", api::path::ROSTERS).body(lines);
    assert_eq!(
        scene.ask(INSTALL, publish(format!("{one}\n"))).await.status,
        404,
        "only a station publishes"
    );
    assert_eq!(
        scene.ask(STATION, publish(format!("{one}\n"))).await.status,
        204
    );
    let fork = roster(2, Hash([3; 32]));
    assert_eq!(
        scene
            .ask(STATION, publish(format!("{fork}\n")))
            .await
            .code(),
        "roster"
    );
    assert_eq!(
        scene.ask(STATION, publish(format!("{two}\n"))).await.status,
        204
    );
    for reader in [INSTALL, CLAIM, STATION] {
        let all = scene
            .ask(reader, Ask::new("GET", api::path::ROSTERS).after(0))
            .await;
        assert_eq!(all.text(), format!("{one}\n{two}\n"));
        let newer = scene
            .ask(reader, Ask::new("GET", api::path::ROSTERS).after(1))
            .await;
        assert_eq!(newer.text(), format!("{two}\n"));
    }
}

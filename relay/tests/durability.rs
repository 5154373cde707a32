//! A relay that is killed under load: what it gave a receipt for is there, under the same number, and no number is
//! missing or used twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail here; its message says what was missing"
)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::process::Process;
use support::*;
use wire::api::{self, Items, Quota};
use wire::receipt::Receipt;
use wire::{EnvelopeId, Time};

#[tokio::test]
#[ignore = "the relay's process for the tests of this file"]
async fn relay_process() {
    support::process::run().await;
}

/// REQ-RELAY-015: a receipt is a promise that survives SIGKILL; numbers have no gap and mean one envelope for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_a_receipt_survives_sigkill() {
    let mut folder = tempfile::tempdir().unwrap();
    let mut promised: BTreeMap<EnvelopeId, u64> = BTreeMap::new();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for round in 0_u32..6 {
        let process = Process::start(folder.path());
        let mut scene = Scene::outside(folder, process.address, process.receipt);
        if round == 0 {
            scene.admit("first", ROOT, STATION).await;
            let mut link = new_link();
            link.quota = Quota {
                bytes: 1 << 30,
                per_day: 1_000_000,
            };
            let asked = Ask::new("POST", api::path::LINKS).json(&link);
            assert_eq!(scene.ask(STATION, asked).await.status, 201);
            assert_eq!(scene.claim(CLAIM, INSTALL).await.status, 204);
        }
        check(&scene, &promised).await;
        let scene = Arc::new(scene);
        let (told, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_u32 {
            let (scene, told) = (scene.clone(), told.clone());
            writers.spawn(async move {
                for n in 0.. {
                    // one in eight is a file of its own
                    let size = if n % 8 == 0 { 70_000 } else { 5800 };
                    let file = envelope((round << 24) | (writer << 16) | n, size);
                    let Some(receipt) = try_put(&scene, &file).await else {
                        return;
                    };
                    told.send((file, receipt)).unwrap();
                }
            });
        }
        drop(told);
        // killed at a moment that differs from round to round, but always in the middle of the work
        for _ in 0..(20 + 17 * round) {
            let (file, n) = receipts.recv().await.unwrap();
            promised.insert(id(&file), n);
            bodies.push(file);
        }
        process.kill();
        while writers.join_next().await.is_some() {}
        while let Ok((file, n)) = receipts.try_recv() {
            promised.insert(id(&file), n);
            bodies.push(file);
        }
        folder = Arc::into_inner(scene).unwrap().folder;
    }
    let process = Process::start(folder.path());
    let scene = Scene::outside(folder, process.address, process.receipt);
    check(&scene, &promised).await;
    for file in &bodies {
        let got = scene
            .ask(STATION, Ask::new("GET", api::path::envelope(UP, id(file))))
            .await;
        assert_eq!((got.status, &got.body), (200, file));
    }
    let again = scene.put(INSTALL, UP, &bodies[0]).await;
    assert_eq!(
        again.status, 200,
        "what came before a kill is known after it"
    );
    // a file stands for each row, and nothing else lies there
    let mut files = 0;
    for file in std::fs::read_dir(scene.dir().join("files").join(UP.to_string())).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(name.parse::<EnvelopeId>().is_ok(), "{name} was left behind");
        files += 1;
    }
    let large = listed(&scene)
        .await
        .values()
        .filter(|(_, size)| *size > 65_536)
        .count();
    assert_eq!(files, large);
    process.kill();
}

async fn try_put(scene: &Scene, file: &[u8]) -> Option<u64> {
    let ask = put(UP, id(file), file);
    let headers = scene.sign(&key(INSTALL), &ask);
    let answer = scene.try_send(&ask, Some(headers)).await?;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipt = Receipt::verify(&answer.text(), &[scene.receipt]).unwrap().0;
    assert_eq!(receipt.id, id(file));
    assert!(receipt.at <= Time::system());
    Some(receipt.n)
}

async fn listed(scene: &Scene) -> BTreeMap<u64, (EnvelopeId, u64)> {
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let page: Items = scene.list(STATION, UP, after).await.json();
        for item in &page.items {
            assert!(item.n > after);
            after = item.n;
            all.insert(item.n, (item.id, item.size));
        }
        if !page.more {
            return all;
        }
    }
}

async fn check(scene: &Scene, promised: &BTreeMap<EnvelopeId, u64>) {
    let listed = listed(scene).await;
    let numbers: Vec<u64> = listed.keys().copied().collect();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "no gap");
    for (id, n) in promised {
        assert_eq!(listed.get(n).map(|(id, _)| id), Some(id), "number {n}");
    }
}

//! Clinics are admitted by processes of their own, beside a running relay and beside each other.
#![allow(clippy::unwrap_used, reason = "a test may fail here")]

use std::collections::BTreeSet;

use clap::{Args as _, FromArgMatches as _};
use teleward_relay::command::{self, Args};
use wire::SigningKey;

/// REQ-RELAY-024: `relay tenant add` of many at once, the first of which makes database and keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn clinics_admitted_at_once_are_all_admitted() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap().to_owned();
        let mut adding = tokio::task::JoinSet::new();
        for n in 0..16_u8 {
            let key = |m: u8| SigningKey::from_seed(&[n.wrapping_mul(2) + m; 32]).public();
            let (root, auth, name) = (key(1), key(2), format!("clinic-{n}"));
            let words = [
                "relay",
                "tenant",
                "add",
                "--dir",
                &dir,
                "--name",
                &name,
                "--root",
                &root.to_string(),
                "--auth",
                &auth.to_string(),
            ];
            let words = words.map(str::to_owned);
            adding.spawn_blocking(move || {
                let matches = Args::augment_args(clap::Command::new("relay"))
                    .try_get_matches_from(words)
                    .unwrap();
                let args = Args::from_arg_matches(&matches).unwrap();
                tokio::runtime::Handle::current().block_on(command::run(args))
            });
        }
        let done = adding.join_all().await;
        assert_eq!(done, vec![Ok(()); 16]);
        let database = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
        let admitted: i64 = database
            .query_row("SELECT count(*) FROM tenant", [], |row| row.get(0))
            .unwrap();
        assert_eq!(admitted, 16);
        let left: BTreeSet<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("key"))
            .collect();
        let keys = ["receipt-reserve.key", "receipt.key"];
        assert_eq!(left, keys.map(str::to_owned).into());
    }
}

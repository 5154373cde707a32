//! Tables that a station signs: made again byte by byte, and refused when they do not count.

use crate::files::{expected, same};
use crate::world::{at, key, rosters, seed};
use serde_json::{Value, json};
use teleward_vault::{Data, DataRefusal, DataTopic};
use wire::jws::{JwsError, sign_json};

fn table() -> Data {
    Data {
        v: 1,
        topic: DataTopic::DeviceTable,
        n: 7,
        at: at(250),
        adopted_by: "Ann Lee".to_owned(),
        table: json!({ "v": 1, "rows": [] }),
    }
}

/// REQ-VAULT-040: a signed table counts when a station of the newest roster made it that is not compromised; every other
/// one is refused.
#[test]
fn tables() {
    let rosters = rosters(1, 2);
    let good = table().sign(&key(seed::NEW_SIGN));
    same("data", "table.jws", good.as_bytes());
    assert_eq!(Data::verify(&good, &rosters), Ok(table()));
    // its station has retired since; its successor still hands it on
    let older = table().sign(&key(seed::STATION_SIGN));
    same("data", "table-of-a-retired-station.jws", older.as_bytes());
    assert_eq!(Data::verify(&older, &rosters), Ok(table()));

    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let other = sign_json(&key(seed::NEW_SIGN), "tw-data-1", &Data { n: 8, ..table() });
    let other_body = other.split('.').nth(1).unwrap();
    let sender = |seed: u8| DataRefusal::Sender(key(seed).kid());
    let cases = [
        (
            "of-a-compromised-station",
            table().sign(&key(seed::BAD_SIGN)),
            sender(seed::BAD_SIGN),
        ),
        (
            "of-nobody",
            table().sign(&key(seed::STRANGER)),
            sender(seed::STRANGER),
        ),
        (
            "another-body",
            format!("{head}.{other_body}.{signature}"),
            DataRefusal::Jws(JwsError::Signature(wire::KeyError::BadSignature)),
        ),
        (
            "another-typ",
            sign_json(&key(seed::NEW_SIGN), "tw-plan-1", &table()),
            DataRefusal::Jws(JwsError::Typ {
                wanted: "tw-data-1",
            }),
        ),
        (
            "another-version",
            Data { v: 2, ..table() }.sign(&key(seed::NEW_SIGN)),
            DataRefusal::Version(2),
        ),
    ];
    let mut refusals = serde_json::Map::new();
    for (name, jws, refusal) in cases {
        same("data", &format!("reject-{name}.jws"), jws.as_bytes());
        let refused = Data::verify(&jws, &rosters).unwrap_err();
        assert_eq!(refused, refusal, "{name}");
        refusals.insert(
            format!("reject-{name}.jws"),
            Value::from(refused.to_string()),
        );
    }
    expected(
        "data",
        &json!({
            "about": "tables signed by stations, read with both lists of tests/golden/roster/rosters.ndjson",
            "table.jws": table(), "table-of-a-retired-station.jws": table(), "refusals": refusals,
        }),
    );
}

//! Tables of devices that the clinic has adopted: the newest counts, nothing else changes anything.

use super::{Phone, START};
use device::{ClockManner, Manner, Met, PairingMoment};
use serde_json::{Value, json};
use vault::{Data, DataTopic};
use wire::{SigningKey, Time};

fn table(n: u32, behaviour: Value) -> Data {
    let row = json!({
        "id": "contour-next", "about": "", "match": {"name": ["Contour*"]}, "behaviours": [behaviour],
        "proof": "reported", "sources": [], "frames": [],
    });
    Data {
        v: 1,
        topic: DataTopic::DeviceTable,
        n,
        at: Time::from_ms(START),
        adopted_by: "Ann Lee".into(),
        table: json!({ "v": 1, "rows": [row] }),
    }
}

fn manner(phone: &mut Phone, name: &str) -> Manner {
    let met = Met {
        name: name.to_owned(),
        ..Met::default()
    };
    phone.desk().manner(&met).unwrap()
}

impl Phone {
    fn gets(&mut self, jws: String) {
        let now = self.now();
        self.world.send_data(jws, now);
        self.settle();
    }
}

/// REQ-COMPANION-070: a table that the clinic's station has signed changes how devices are treated from the next session
/// on, outlives a restart, and yields to a newer one only; rows that it does not name stay as they were.
#[test]
fn an_adopted_table_counts() {
    let station = SigningKey::from_seed(&[5; 32]);
    let mut phone = Phone::joined();
    assert_eq!(
        manner(&mut phone, "Contour7830").pairing,
        PairingMoment::First
    );
    phone.gets(table(7, json!({"do": "settle", "ms": 700})).sign(&station));
    let (contour, omron) = (
        manner(&mut phone, "Contour7830"),
        manner(&mut phone, "BLESmart_1"),
    );
    assert_eq!(
        (contour.settle_ms, contour.pairing, contour.clock),
        (700, PairingMoment::WhenAsked, ClockManner::Standard)
    );
    assert_eq!(omron.settle_ms, 1_500);
    // older, or the same again in another dress
    phone.gets(table(6, json!({"do": "settle", "ms": 100})).sign(&station));
    phone.gets(table(7, json!({"do": "settle", "ms": 200})).sign(&station));
    phone.restart();
    assert_eq!(manner(&mut phone, "Contour7830").settle_ms, 700);
    assert!(phone.findings().is_empty(), "{:?}", phone.findings());
    // a behaviour of a later version does nothing; the rest of its row counts
    phone.gets(table(8, json!({"do": "sing"})).sign(&station));
    assert_eq!(manner(&mut phone, "Contour7830"), Manner::default());
}

/// REQ-COMPANION-071: a table of a stranger, one that cannot be read and one that would count for every device change
/// nothing and are told; a topic of a later version asks for an update.
#[test]
fn a_table_that_does_not_count_is_told() {
    let station = SigningKey::from_seed(&[5; 32]);
    let before = {
        let mut phone = Phone::joined();
        manner(&mut phone, "Contour7830")
    };
    let all = json!({ "v": 1, "rows": [{
        "id": "all", "about": "", "match": {}, "behaviours": [], "proof": "reported", "sources": [], "frames": [],
    }] });
    let good = table(9, json!({"do": "settle", "ms": 700}));
    let later = json!({ "v": 1, "topic": "rule_pack", "n": 1, "at": good.at, "adopted_by": "", "table": {} });
    for (jws, code) in [
        (
            good.sign(&SigningKey::from_seed(&[88; 32])),
            "device_table_refused",
        ),
        ("no statement".to_owned(), "device_table_refused"),
        (
            Data {
                table: all,
                ..good.clone()
            }
            .sign(&station),
            "device_table_refused",
        ),
        (
            Data {
                table: json!([]),
                ..good.clone()
            }
            .sign(&station),
            "device_table_refused",
        ),
        (
            wire::jws::sign_json(&station, "tw-data-1", &later),
            "unknown_kind",
        ),
    ] {
        let mut phone = Phone::joined();
        phone.gets(jws);
        assert_eq!(manner(&mut phone, "Contour7830"), before);
        assert_eq!(phone.findings(), [code]);
    }
}

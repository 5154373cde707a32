//! The golden table of reading ids: made by another implementation, permanent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use serde_json::Value;
use teleward_reading::{
    Decimal, DeviceIdentity, DeviceTime, IdError, Kind, Moment, Number, Place, ReadingId,
    RecordFields, device_reading_id, from_hex, typed_reading_id,
};

fn table() -> Value {
    let text = include_str!("../../../tests/golden/reading-id/vectors.json");
    serde_json::from_str(text).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap()).unwrap()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn device(value: &Value) -> DeviceIdentity {
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    match value["class"].as_str().unwrap() {
        "sysid" => DeviceIdentity::SystemId(fixed(&value["bytes"])),
        "addr" => DeviceIdentity::Address(fixed(&value["bytes"])),
        _ => DeviceIdentity::Information {
            maker: text("maker"),
            model: text("model"),
            serial: text("serial"),
        },
    }
}

fn id(row: &Value) -> Result<ReadingId, IdError> {
    let kind = Kind::from_name(row["kind"].as_str().unwrap()).unwrap();
    let device = device(&row["device"]);
    let number = bytes(&row["record_number"]);
    let packets: Vec<_> = row["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(bytes)
        .collect();
    let place = row["ordinal"].as_u64().map(|ordinal| Place {
        install: fixed(&row["install"]),
        connection: fixed(&row["connection"]),
        ordinal: u32::try_from(ordinal).unwrap(),
    });
    device_reading_id(&RecordFields {
        elapsed: None,
        numbered: 0,
        device: &device,
        user_slot: bytes(&row["user_slot"]).first().copied(),
        kind,
        device_time: bytes(&row["device_time"])
            .try_into()
            .ok()
            .map(DeviceTime::from_bytes),
        clock_fault: row["clock_fault"].as_bool().unwrap(),
        record_number: Some(&number),
        packets: &packets,
        place,
    })
}

/// REQ-READING-006: the same record has the same id wherever it is read; any other record has another.
#[test]
fn every_vector_of_the_table_holds() {
    let table = table();
    let accepted = table["accepted"].as_array().unwrap();
    assert!(accepted.len() >= 12);
    for row in accepted {
        let id = id(row).unwrap().to_string();
        assert_eq!(id, row["id"].as_str().unwrap(), "{}", row["name"]);
    }
    for row in table["typed"].as_array().unwrap() {
        let id = typed_reading_id(&fixed(&row["install"]), &fixed(&row["draft"]));
        assert_eq!(
            id.to_string(),
            row["id"].as_str().unwrap(),
            "{}",
            row["name"]
        );
    }
}

#[test]
fn every_refused_vector_is_refused() {
    for row in table()["refused"].as_array().unwrap() {
        let wanted = match row["error"].as_str().unwrap() {
            "identity" => IdError::Identity,
            "no_record" => IdError::NoRecord,
            _ => IdError::NoPlace,
        };
        assert_eq!(id(row), Err(wanted), "{}", row["name"]);
    }
}

#[test]
fn an_id_is_64_lower_case_hex_digits() {
    let text = "ab".repeat(32);
    assert_eq!(text.parse::<ReadingId>().unwrap().to_string(), text);
    for bad in [&text[1..], &text.to_uppercase(), &format!("{text}0"), ""] {
        assert_eq!(bad.parse::<ReadingId>(), Err(IdError::Text));
    }
}

proptest! {
    #[test]
    fn texts_from_outside_are_refused_or_written_back_as_they_were(
        text in prop_oneof!["\\PC{0,40}", "(sysid|dis|addr):[0-9a-f]{0,64}", "-?[0-9.eE+-]{0,24}", "[0-9TZ:.+-]{20,30}"],
    ) {
        if let Ok(identity) = text.parse::<DeviceIdentity>() {
            prop_assert_eq!(identity.to_string(), text.clone());
        }
        if let Ok(number) = text.parse::<Decimal>() {
            prop_assert_eq!(number.token().parse(), Ok(number));
        }
        if let Ok(number) = text.parse::<Number>() {
            prop_assert_eq!(number.value().is_none(), number.to_string() == text && !text.ends_with(|c: char| c.is_ascii_digit()));
        }
        if let Ok((moment, offset)) = Moment::parse_with_offset(&text) {
            prop_assert!(moment.at_offset(offset) == text || moment.to_string() == text);
        }
    }
}

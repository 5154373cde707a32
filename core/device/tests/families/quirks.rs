//! The table of how models differ.

use reading::from_hex;
use teleward_device::{Behaviour, Met, Proof, QuirkError, QuirkTable, decode_json};

fn met(name: &str, maker: &str, model: &str) -> Met {
    Met {
        name: name.to_owned(),
        maker: maker.to_owned(),
        model: model.to_owned(),
        ..Met::default()
    }
}

fn ids(met: &Met) -> Vec<String> {
    let table = QuirkTable::built_in();
    table.of(met).map(|row| row.id.clone()).collect()
}

/// REQ-DEVICE-077: a row counts for the devices that it names, and for no other; what is not known of a device fits no
/// pattern.
#[test]
fn rows_count_for_the_devices_that_they_name() {
    for (met, expected) in [
        (met("BLESmart_0000012D", "", ""), vec!["omron-blesmart"]),
        (met("BLEsmart_00000264", "", ""), vec!["omron-blesmart"]),
        (
            met("", "OMRON HEALTHCARE", "HEM-7361T"),
            vec!["omron-hem-history"],
        ),
        (met("", "", "HEM-7361T"), vec![]),
        (met("", "OMRON HEALTHCARE", ""), vec![]),
        (met("A&D_UA-651BLE_AB12CD", "", ""), vec!["and"]),
        (met("Polar H10 1234", "", ""), vec!["heart-rate-straps"]),
        (
            met("Polar OH1 1234", "", ""),
            vec!["heart-rate-straps", "polar-oh1-verity"],
        ),
        (met("meter+00123", "", ""), vec!["accu-chek"]),
        (met("XPolar H10", "", ""), vec![]),
        (met("", "", ""), vec![]),
    ] {
        assert_eq!(ids(&met), expected, "{met:?}");
    }
    let scale = Met {
        services: vec![0x180f, 0x181d],
        ..met("", "Beurer GmbH", "BF105")
    };
    assert_eq!(ids(&scale), ["beurer-scales"]);
    let cuff = Met {
        services: vec![0x1810],
        ..met("", "Beurer GmbH", "")
    };
    assert_eq!(ids(&cuff), ["cuff-failed"]);
    let table = QuirkTable::built_in();
    let omron = met("BLESmart_0000012D", "", "");
    let behaviours: Vec<&Behaviour> = table.behaviours(&omron).collect();
    assert!(behaviours.contains(&&Behaviour::KeepBond));
    assert!(behaviours.contains(&&Behaviour::ClockAtFirstNotification { wrong_by_min: 10 }));
}

/// REQ-DEVICE-078: each row names its sources and how well it is proven, and its frames become what it says. A device
/// with a layout of its own is refused, never read as a standard one. HAZ-DEVICE-014.
#[test]
fn each_row_has_a_source_and_its_frames_become_what_it_says() {
    let table = QuirkTable::built_in();
    assert!(table.rows().len() >= 15);
    for row in table.rows() {
        assert!(
            !row.sources.is_empty() && !row.about.is_empty(),
            "{}",
            row.id
        );
        assert!(!row.behaviours.is_empty(), "{}", row.id);
        assert!(!row.behaviours.contains(&Behaviour::Unknown), "{}", row.id);
        assert_ne!(
            row.proof,
            Proof::Hardware,
            "{}: nothing was seen on hardware yet",
            row.id
        );
        let captured = row.frames.iter().any(|frame| frame.from == Proof::Captured);
        assert!(captured || row.proof != Proof::Captured, "{}", row.id);
        for frame in &row.frames {
            let characteristic = u16::from_str_radix(&frame.characteristic, 16).unwrap();
            let read = decode_json(characteristic, &from_hex(&frame.hex).unwrap());
            let json = read.json();
            let became = json["error"]["code"].as_str().unwrap_or("frame");
            assert_eq!(became, frame.becomes, "{}", row.id);
        }
        for behaviour in &row.behaviours {
            if let Behaviour::OwnLayout { characteristic } = behaviour {
                for frame in row
                    .frames
                    .iter()
                    .filter(|f| &f.characteristic == characteristic)
                {
                    assert_ne!(frame.becomes, "frame", "{}", row.id);
                }
            }
        }
    }
}

/// REQ-DEVICE-079: a newer table is used as far as it is known; what is no table is refused as a whole, in words.
#[test]
fn a_newer_table_is_used_as_far_as_it_is_known() {
    let row = r#"{"id": "x", "about": "x", "match": {"name": ["X*Y*Z"]}, "new": 1, "proof": "hardware",
        "behaviours": [{"do": "dances", "beat": 3}, {"do": "passkey", "digits": 4}], "sources": ["us"], "frames": []}"#;
    let table =
        QuirkTable::parse(&format!(r#"{{"v": 1, "rows": [{row}], "more": true}}"#)).unwrap();
    let known = Behaviour::Passkey { digits: 4 };
    for (name, fits) in [
        ("XYZ", true),
        ("x--y--z", true),
        ("XYYZZ", true),
        ("XZ", false),
        ("XYZ-", false),
        ("-XYZ", false),
        ("", false),
    ] {
        let met = met(name, "", "");
        let behaviours: Vec<&Behaviour> = table.behaviours(&met).collect();
        assert_eq!(behaviours == [&known], fits, "{name}");
    }
    let refused = |text: &str| QuirkTable::parse(text).unwrap_err();
    assert!(matches!(refused(""), QuirkError::Form(_)));
    assert!(matches!(refused(r#"{"v": 1}"#), QuirkError::Form(_)));
    assert!(matches!(
        refused(r#"{"v": 2, "rows": "new"}"#),
        QuirkError::Version(2)
    ));
    let twice = format!(r#"{{"v": 1, "rows": [{row}, {row}]}}"#);
    assert!(matches!(refused(&twice), QuirkError::Twice { .. }));
    let all = row.replace(r#"{"name": ["X*Y*Z"]}"#, "{}");
    let all = format!(r#"{{"v": 1, "rows": [{all}]}}"#);
    assert!(matches!(refused(&all), QuirkError::Everything { .. }));
    let digits = row.replace(r#""digits": 4"#, r#""digits": "four""#);
    let digits = format!(r#"{{"v": 1, "rows": [{digits}]}}"#);
    assert!(
        matches!(refused(&digits), QuirkError::Form(_)),
        "a known behaviour is read strictly"
    );
}

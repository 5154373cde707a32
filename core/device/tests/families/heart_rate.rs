//! 0x2A37.

use crate::{hex, prints, refuses};
use serde_json::json;
use teleward_device::{HeartRateFrame, NotAValue};

/// REQ-DEVICE-064: a heart rate prints its fields; contact that a strap cannot tell is null. The frames that begin with
/// 10 54 and 16 77 were recorded by others: Stack Overflow, question 33917836, and its like about `10 54 AA02 9902`.
#[test]
fn a_heart_rate_prints_its_fields() {
    for (frame, fields) in [
        (
            "10 54 aa02 9902",
            json!({"heart_rate": "84", "contact": null, "rr_1024": ["682", "665"]}),
        ),
        (
            "16 77 0402",
            json!({"heart_rate": "119", "contact": true, "rr_1024": ["516"]}),
        ),
        (
            "16 78 ff01 ff01 0c01",
            json!({"heart_rate": "120", "contact": true, "rr_1024": ["511", "511", "268"]}),
        ),
        ("00 48", json!({"heart_rate": "72", "contact": null})),
        ("02 48", json!({"heart_rate": "72", "contact": null})),
        ("04 00", json!({"heart_rate": "0", "contact": false})),
        (
            "0f 2c01 ffff beef",
            json!({"heart_rate": "300", "contact": true, "energy_kj": "65535", "extra": "beef"}),
        ),
        (
            "1d 4800 0a00 0004",
            json!({"heart_rate": "72", "contact": false, "energy_kj": "10", "rr_1024": ["1024"]}),
        ),
    ] {
        prints(0x2a37, "heart_rate", frame, &fields);
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors.
#[test]
fn what_is_no_heart_rate_is_refused() {
    for (frame, code) in [
        ("", "short_frame"),
        ("00", "short_frame"),
        ("01 48", "short_frame"),
        ("08 48 0a", "short_frame"),
        ("10 54", "short_frame"),
        ("10 54 aa", "short_frame"),
        ("10 54 aa02 99", "short_frame"),
        ("20 48", "reserved_flags"),
        ("80 48", "reserved_flags"),
    ] {
        refuses(0x2a37, frame, code);
    }
}

/// REQ-DEVICE-074: a rate of 0 is no heart rate: straps send it for seconds. HAZ-DEVICE-011.
#[test]
fn a_rate_of_0_is_no_heart_rate() {
    let nothing = HeartRateFrame::decode(&hex("06 00")).unwrap();
    assert_eq!(nothing.value(), Err(NotAValue::NoPulse));
    let something = HeartRateFrame::decode(&hex("06 48")).unwrap();
    assert_eq!(something.value(), Ok(72));
}

#[test]
fn a_simulated_strap_writes_what_a_real_one_does() {
    for frame in [
        "10 54 aa02 9902",
        "1d 2c01 0a00 0004",
        "06 48",
        "00 48 beef",
    ] {
        let read = HeartRateFrame::decode(&hex(frame)).unwrap();
        assert_eq!(read.encode(), Some(hex(frame)), "{frame}");
    }
    let torn = HeartRateFrame {
        heart_rate: 72,
        contact: None,
        energy_kj: None,
        rr_1024: vec![1024],
        extra: vec![1],
    };
    assert_eq!(torn.encode(), None);
}

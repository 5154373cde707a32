//! 0x2A9C, alone and in two packets, and 0x2A9B.

use crate::{hex, prints, refuses};
use reading::Decimal;
use serde_json::json;
use teleward_device::{
    BodyCompositionFeature, BodyCompositionFrame, Measured, NotAValue, PacketJoiner,
};

/// Everything that fits into one measurement.
const FULL: &str = "fe0f eb00 e807060f11111b 03 6419 a701 801b 0032 802f f023 0314 c841 d606";
/// The same in two packets of the shortest ATT MTU, 23.
const FIRST: &str = "7e10 eb00 e807060f11111b 03 6419 a701 801b 0032";
const SECOND: &str = "801f eb00 802f f023 0314 c841 d606";

/// REQ-DEVICE-062: a body composition prints its fields as exact decimals with the digits of the resolution.
#[test]
fn a_body_composition_prints_its_fields() {
    for (frame, fields) in [
        (
            "0000 eb00",
            json!({"fat_percent": "23.5", "unit": "kg", "multiple_packet": false}),
        ),
        (
            FULL,
            json!({"fat_percent": "23.5", "unit": "kg", "time": "2024-06-15T17:17:27", "user_slot": "3",
                   "basal_metabolism_kj": "6500", "muscle_percent": "42.3", "muscle_mass": "35.200",
                   "fat_free_mass": "64.000", "soft_lean_mass": "60.800", "body_water_mass": "46.000",
                   "impedance_ohm": "512.3", "weight": "84.200", "height": "1.750", "height_unit": "m",
                   "multiple_packet": false}),
        ),
        (
            "2104 eb00 504b 8148",
            json!({"fat_percent": "23.5", "unit": "[lb_av]", "muscle_mass": "192.80", "weight": "185.61",
                   "multiple_packet": false}),
        ),
        (
            "0108 eb00 b102 aa",
            json!({"fat_percent": "23.5", "unit": "[lb_av]", "height": "68.9", "height_unit": "[in_i]",
                   "multiple_packet": false, "extra": "aa"}),
        ),
        (
            "0600 ffff e807060f11111b ff",
            json!({"fat_percent": "unsuccessful", "unit": "kg", "time": "2024-06-15T17:17:27",
                   "user_slot": "255", "multiple_packet": false}),
        ),
        (
            "0014 eb00 ffff",
            json!({"fat_percent": "23.5", "unit": "kg", "weight": "unsuccessful", "multiple_packet": true}),
        ),
    ] {
        prints(0x2a9c, "body_composition", frame, &fields);
    }
    for (frame, fields) in [
        (
            "ffbf0100",
            json!({"features": ["time_stamp", "multiple_users", "basal_metabolism", "muscle_percentage",
                   "muscle_mass", "fat_free_mass", "soft_lean_mass", "body_water_mass", "impedance", "weight",
                   "height"], "weight_resolution": "7", "height_resolution": "3"}),
        ),
        (
            "00080000",
            json!({"features": [], "weight_resolution": "1", "height_resolution": "0"}),
        ),
        (
            "00000400",
            json!({"features": [], "weight_resolution": "0", "height_resolution": "0",
                   "features_reserved": "00040000"}),
        ),
    ] {
        prints(0x2a9b, "body_composition_feature", frame, &fields);
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors. A Xiaomi
/// Mi scale sends `0624 b207…` with a layout of its own (flag 13, no share of fat): it is not read as a standard one.
#[test]
fn what_is_no_body_composition_is_refused() {
    refuses(0x2a9c, "", "short_frame");
    refuses(0x2a9c, "0000 eb", "short_frame");
    refuses(0x2a9c, "0200 eb00 e807060f1111", "short_frame");
    refuses(0x2a9c, "0400 eb00", "short_frame");
    for bit in 3..=11_u16 {
        let flags = (1_u16 << bit).to_le_bytes();
        let frame = format!("{:02x}{:02x} eb00 aa", flags[0], flags[1]);
        refuses(0x2a9c, &frame, "short_frame");
    }
    refuses(0x2a9c, "0624 b2070101002e38 0000 4c04", "reserved_flags");
    refuses(0x2a9c, "0080 eb00", "reserved_flags");
    refuses(0x2a9b, "ffbf01", "short_frame");
    refuses(0x2a9b, "ffbf010000", "trailing_bytes");
}

/// REQ-DEVICE-063: a measurement in two packets becomes one, with all that both say.
#[test]
fn two_packets_become_one_measurement() {
    let whole = BodyCompositionFrame::decode(&hex(FULL)).unwrap();
    let joined = BodyCompositionFrame::join(&[hex(FIRST), hex(SECOND)]).unwrap();
    assert!(joined == whole, "the parts say what the whole says");
    for (packets, code) in [
        (vec![hex(FIRST), hex(SECOND), hex(SECOND)], "packets"),
        (vec![], "packets"),
        (vec![hex(FIRST), hex("0000 eb00")], "packets"),
        (vec![hex("0000 eb00"), hex(SECOND)], "packets"),
        (vec![hex(FIRST), hex(FIRST)], "packets"),
        (vec![hex(FIRST), hex("001c ec00 c841 d606")], "packets"),
        (vec![hex(FIRST), hex("011c eb00 c841 d606")], "packets"),
        (vec![hex(FIRST), hex("401c eb00 0032 c841 d606")], "packets"),
        (vec![hex(FIRST), hex("041c eb00 03 c841 d606")], "packets"),
        (vec![hex(FIRST), hex("001c eb00 c841")], "short_frame"),
    ] {
        let read = BodyCompositionFrame::join(&packets);
        assert_eq!(read.map_err(|e| e.code()), Err(code), "{}", packets.len());
    }
}

/// REQ-DEVICE-063: a first packet whose second never came is kept, and says so. HAZ-DEVICE-012.
#[test]
fn half_a_measurement_is_never_taken_for_a_whole_one() {
    let half = BodyCompositionFrame::join(&[hex("0010 eb00")]).unwrap();
    assert!(half.multiple_packet);
    let whole = BodyCompositionFrame::join(&[hex("0000 eb00")]).unwrap();
    assert!(!whole.multiple_packet);
}

/// REQ-DEVICE-063: packets are gathered as they come, none is lost, and what cannot be completed is handed on.
#[test]
fn packets_are_gathered_as_they_come() {
    let (first, second) = (hex(FIRST), hex(SECOND));
    let alone = hex("0000 eb00");
    let mut joiner = PacketJoiner::new(0x2a9c);
    assert!(joiner.push(first.clone()).is_empty());
    let both = vec![first.clone(), second.clone()];
    assert_eq!(joiner.push(second.clone()), std::slice::from_ref(&both));
    assert_eq!(joiner.push(alone.clone()), [vec![alone.clone()]]);
    // The second half is lost, and another measurement follows.
    assert!(joiner.push(first.clone()).is_empty());
    let apart = [vec![first.clone()], vec![alone.clone()]];
    assert_eq!(joiner.push(alone), apart);
    // Two first halves: the earlier one stays alone.
    assert!(joiner.push(first.clone()).is_empty());
    assert_eq!(joiner.push(first.clone()), [vec![first.clone()]]);
    assert_eq!(joiner.push(second), [both]);
    assert_eq!(joiner.end(), None);
    assert!(joiner.push(first.clone()).is_empty());
    assert_eq!(joiner.end(), Some(vec![first]));
    // What is no frame waits for nothing.
    assert_eq!(joiner.push(vec![0]), [vec![vec![0]]]);
}

/// REQ-DEVICE-074: a failed measurement is no share of fat; the weight beside it is judged by itself. HAZ-DEVICE-010.
#[test]
fn a_failed_measurement_is_no_share_of_fat() {
    let read = BodyCompositionFrame::decode(&hex("0004 ffff c841")).unwrap();
    assert_eq!(read.fat_value(), Err(NotAValue::Failed));
    assert_eq!(read.weight_value(), Some(Ok(Decimal::new(84_200, -3))));
    let read = BodyCompositionFrame::decode(&hex("0004 eb00 ffff")).unwrap();
    assert_eq!(read.fat_value(), Ok(Decimal::new(235, -1)));
    assert_eq!(read.weight_value(), Some(Err(NotAValue::Failed)));
    let read = BodyCompositionFrame::decode(&hex("0000 eb00")).unwrap();
    assert_eq!(read.weight_value(), None);
}

/// REQ-DEVICE-073: a simulated scale writes what a real one does, in as many packets as the link asks for.
#[test]
fn a_simulated_scale_writes_one_packet_or_two() {
    let whole = BodyCompositionFrame::decode(&hex(FULL)).unwrap();
    assert_eq!(whole.encode(), Some(hex(FULL)));
    assert_eq!(whole.encode_packets(30), Some(vec![hex(FULL)]));
    let two = Some(vec![hex(FIRST), hex(SECOND)]);
    assert_eq!(whole.encode_packets(20), two);
    assert_eq!(whole.encode_packets(16), None, "two are too short as well");
    assert_eq!(whole.encode_packets(4), None);
    let unfit = BodyCompositionFrame {
        fat_percent: Measured::Value(Decimal::new(65_535, -1)),
        ..whole
    };
    assert_eq!(unfit.encode(), None, "the word of a failed measurement");
    assert_eq!(
        BodyCompositionFeature(0x0001_bfff).encode(),
        [0xff, 0xbf, 1, 0]
    );
}

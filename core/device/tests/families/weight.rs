//! 0x2A9D, 0x2A9E.

use crate::{TIME, hex, prints, refuses};
use reading::Decimal;
use serde_json::json;
use teleward_device::{BodySize, Measured, NotAValue, ScaleUnits, WeightFeature, WeightFrame};

/// REQ-DEVICE-061: a scale's frames print their fields as exact decimals with the digits of the resolution. The word
/// 4C04 (5.50 kg) is worked through in public at Stack Overflow, answer 68571845.
#[test]
fn a_scales_frames_print_their_fields() {
    for (frame, fields) in [
        ("00 c841", json!({"weight": "84.200", "unit": "kg"})),
        ("00 4c04", json!({"weight": "5.500", "unit": "kg"})),
        ("01 8148", json!({"weight": "185.61", "unit": "[lb_av]"})),
        ("00 0000", json!({"weight": "0.000", "unit": "kg"})),
        ("00 feff", json!({"weight": "327.670", "unit": "kg"})),
        (
            "0e c841 e807060f11111b ff f500 d606",
            json!({"weight": "84.200", "unit": "kg", "time": "2024-06-15T17:17:27", "user_slot": "255",
                   "bmi": "24.5", "height": "1.750", "height_unit": "m"}),
        ),
        (
            "09 8148 f500 b102 00",
            json!({"weight": "185.61", "unit": "[lb_av]", "bmi": "24.5", "height": "68.9",
                   "height_unit": "[in_i]", "extra": "00"}),
        ),
        (
            "06 ffff e807060f11111b 01",
            json!({"weight": "unsuccessful", "unit": "kg", "time": "2024-06-15T17:17:27", "user_slot": "1"}),
        ),
        (
            "01 ffff",
            json!({"weight": "unsuccessful", "unit": "[lb_av]"}),
        ),
    ] {
        prints(0x2a9d, "weight", frame, &fields);
    }
    for (frame, fields) in [
        (
            "bf010000",
            json!({"features": ["time_stamp", "multiple_users", "bmi"], "weight_resolution": "7",
                   "height_resolution": "3"}),
        ),
        (
            "00000000",
            json!({"features": [], "weight_resolution": "0", "height_resolution": "0"}),
        ),
        (
            "18040080",
            json!({"features": [], "weight_resolution": "3", "height_resolution": "0",
                   "features_reserved": "80000400"}),
        ),
    ] {
        prints(0x2a9e, "weight_scale_feature", frame, &fields);
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors. Detecto
/// scales set bit 4 for a weight below zero: that is theirs, and needs a rule for them.
#[test]
fn what_is_no_frame_of_a_scale_is_refused() {
    for (frame, code) in [
        ("", "short_frame"),
        ("00 c8", "short_frame"),
        ("02 c841 e807060f1111", "short_frame"),
        ("04 c841", "short_frame"),
        ("08 c841 f5", "short_frame"),
        ("08 c841 f500 d6", "short_frame"),
        ("10 0000", "reserved_flags"),
        ("80 c841", "reserved_flags"),
    ] {
        refuses(0x2a9d, frame, code);
    }
    refuses(0x2a9e, "bf0100", "short_frame");
    refuses(0x2a9e, "bf01000000", "trailing_bytes");
}

/// REQ-DEVICE-074: a failed weighing is no weight. HAZ-DEVICE-010.
#[test]
fn a_failed_weighing_is_no_weight() {
    let failed = WeightFrame::decode(&hex("06 ffff e807060f11111b 01")).unwrap();
    assert_eq!(failed.weight, Measured::Unsuccessful);
    assert_eq!(failed.value(), Err(NotAValue::Failed));
    let weighed = WeightFrame::decode(&hex("00 feff")).unwrap();
    assert_eq!(weighed.value(), Ok(Decimal::new(327_670, -3)));
}

#[test]
fn a_simulated_scale_writes_what_a_real_one_does() {
    let frame = WeightFrame {
        weight: Measured::Value(Decimal::new(84_200, -3)),
        units: ScaleUnits::Metric,
        time: Some(TIME),
        user_slot: Some(0xff),
        size: Some(BodySize {
            bmi: Decimal::new(245, -1),
            height: Decimal::new(1750, -3),
        }),
        extra: Vec::new(),
    };
    let written = hex("0e c841 e807060f11111b ff f500 d606");
    assert_eq!(frame.encode(), Some(written));
    for weight in [
        Decimal::new(84_201, -3),
        Decimal::new(842, -1),
        Decimal::new(327_675, -3),
        Decimal::new(400_000, -3),
    ] {
        let unfit = WeightFrame {
            weight: Measured::Value(weight),
            ..frame.clone()
        };
        assert_eq!(unfit.encode(), None, "{weight}");
    }
    assert_eq!(WeightFeature(0x1bf).encode(), [0xbf, 1, 0, 0]);
}

//! 0x2A1C, 0x2A1E, 0x2A1D, 0x2A21.

use crate::{TIME, hex, prints, refuses};
use reading::{Decimal, Number};
use serde_json::json;
use teleward_device::{
    MeasurementInterval, NotAValue, TemperatureFrame, TemperatureType, TemperatureUnit,
};

/// REQ-DEVICE-060: a thermometer's frames print their fields, digits as sent. The words 6C0100FF (36.4) and 710E00FE
/// (36.97, shown as 98.5 °F by the device) are worked through in public at Stack Overflow, question 60841331.
#[test]
fn a_thermometers_frames_print_their_fields() {
    for (frame, fields) in [
        ("00 6c0100ff", json!({"temperature": "36.4", "unit": "Cel"})),
        (
            "06 710e00fe e807060f11111b 02",
            json!({"temperature": "36.97", "unit": "Cel", "time": "2024-06-15T17:17:27", "site": "2"}),
        ),
        (
            "01 da0300ff",
            json!({"temperature": "98.6", "unit": "[degF]"}),
        ),
        (
            "04 380e00fe 09",
            json!({"temperature": "36.40", "unit": "Cel", "site": "9"}),
        ),
        (
            "03 ffff7f00 0000000f11111b",
            json!({"temperature": "nan", "unit": "[degF]", "time": "0000-00-15T17:17:27"}),
        ),
        (
            "00 00008000 beef",
            json!({"temperature": "nres", "unit": "Cel", "extra": "beef"}),
        ),
        ("00 feff7f00", json!({"temperature": "+inf", "unit": "Cel"})),
        ("00 02008000", json!({"temperature": "-inf", "unit": "Cel"})),
        (
            "00 01008000",
            json!({"temperature": "reserved", "unit": "Cel"}),
        ),
    ] {
        prints(0x2a1c, "temperature", frame, &fields);
        prints(0x2a1e, "intermediate_temperature", frame, &fields);
    }
    prints(0x2a1d, "temperature_type", "06", &json!({"site": "6"}));
    for (frame, seconds) in [("3c00", "60"), ("0000", "0"), ("ffff", "65535")] {
        let fields = json!({"interval_s": seconds});
        prints(0x2a21, "measurement_interval", frame, &fields);
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors.
#[test]
fn what_is_no_frame_of_a_thermometer_is_refused() {
    for (frame, code) in [
        ("", "short_frame"),
        ("00 6c0100", "short_frame"),
        ("02 6c0100ff e807060f1111", "short_frame"),
        ("04 6c0100ff", "short_frame"),
        ("06 6c0100ff e807060f11111b", "short_frame"),
        ("08 6c0100ff", "reserved_flags"),
    ] {
        refuses(0x2a1c, frame, code);
        refuses(0x2a1e, frame, code);
    }
    refuses(0x2a1d, "", "short_frame");
    refuses(0x2a1d, "0600", "trailing_bytes");
    refuses(0x2a21, "3c", "short_frame");
    refuses(0x2a21, "3c0000", "trailing_bytes");
}

#[test]
fn a_simulated_thermometer_writes_what_a_real_one_does() {
    let frame = TemperatureFrame {
        temperature: Number::of(3697, -2),
        unit: TemperatureUnit::Celsius,
        time: Some(TIME),
        site: Some(2),
        extra: Vec::new(),
    };
    let written = hex("06 710e00fe e807060f11111b 02");
    assert_eq!(frame.encode(), Some(written));
    assert_eq!(frame.value(), Ok(Decimal::new(3697, -2)));
    assert_eq!(TemperatureType(6).encode(), [6]);
    assert_eq!(MeasurementInterval(60).encode(), [0x3c, 0]);
    let too_large = TemperatureFrame {
        temperature: Number::of(1 << 23, 0),
        ..frame
    };
    assert_eq!(too_large.encode(), None);
}

/// REQ-DEVICE-074: what is no temperature is told apart from one.
#[test]
fn a_special_value_is_no_temperature() {
    for (frame, why) in [
        ("00 ffff7f00", NotAValue::Failed),
        ("00 feff7f00", NotAValue::AboveRange),
        ("00 02008000", NotAValue::BelowRange),
        ("00 00008000", NotAValue::NoNumber),
        ("00 01008000", NotAValue::NoNumber),
    ] {
        let read = TemperatureFrame::decode(&hex(frame)).unwrap();
        assert_eq!(read.value(), Err(why), "{frame}");
    }
}

//! Device information, battery, and the characteristics about time.

use crate::{hex, prints, refuses};
use reading::to_hex;
use serde_json::json;
use teleward_device::{Certification, CertificationList, LocalTimeInformation, PnpId, SystemId};

/// REQ-DEVICE-067: what a device says about itself in words prints without what a record cannot hold.
#[test]
fn texts_print() {
    for (characteristic, kind) in [
        (0x2a29, "manufacturer_name"),
        (0x2a24, "model_number"),
        (0x2a25, "serial_number"),
        (0x2a26, "firmware_revision"),
        (0x2a27, "hardware_revision"),
        (0x2a28, "software_revision"),
    ] {
        let frame = to_hex(b"HEM-7361T\0");
        prints(characteristic, kind, &frame, &json!({"text": "HEM-7361T"}));
        prints(characteristic, kind, "c3bc20", &json!({"text": "ü"}));
        prints(characteristic, kind, "", &json!({}));
    }
}

/// REQ-DEVICE-067: numbers that say what a device is print as sent. The System ID is the example of the characteristic
/// itself (company 0x123456, address part 0x9ABCDE), the version that of the PnP ID.
#[test]
fn numbers_of_a_device_print() {
    prints(
        0x2a23,
        "system_id",
        "debc9afeff563412",
        &json!({"system_id": "debc9afeff563412", "eui64": "123456FFFE9ABCDE"}),
    );
    assert!(SystemId::decode(&hex("debc9afeff563412")).unwrap().is_set());
    for none in ["0000000000000000", "ffffffffffffffff"] {
        assert!(!SystemId::decode(&hex(none)).unwrap().is_set());
    }
    refuses(0x2a23, "debc9afeff5634", "short_frame");
    refuses(0x2a23, "debc9afeff56341200", "trailing_bytes");
    prints(
        0x2a50,
        "pnp_id",
        "01 0e02 3412 1302",
        &json!({"vendor_source": "1", "vendor_id": "526", "product_id": "4660", "product_version": "531"}),
    );
    let pnp = PnpId::decode(&hex("01 0e02 3412 1302")).unwrap();
    assert_eq!(pnp.encode().to_vec(), hex("01 0e02 3412 1302"));
    refuses(0x2a50, "01 0e02 3412 13", "short_frame");
    refuses(0x2a50, "01 0e02 3412 1302 00", "trailing_bytes");
    for (frame, level) in [
        ("64", "100"),
        ("00", "0"),
        ("57", "87"),
        ("65", "reserved"),
        ("ff", "reserved"),
    ] {
        prints(
            0x2a19,
            "battery_level",
            frame,
            &json!({"battery_percent": level}),
        );
    }
    refuses(0x2a19, "", "short_frame");
    refuses(0x2a19, "6400", "trailing_bytes");
}

/// REQ-DEVICE-067: the list of certificates is read big-endian; a filler that is no list is told, not guessed.
#[test]
fn certificates_print() {
    let frame = "0002 0012 0201 0008 0602 0001 0002 4007 0202 0002 8000";
    let list = json!({"certifications": [
        {"body": "2", "form": "1", "data": "0602000100024007"},
        {"body": "2", "form": "2", "data": "8000"},
    ]});
    prints(0x2a2a, "certifications", frame, &list);
    prints(
        0x2a2a,
        "certifications",
        "0000 0000",
        &json!({"certifications": []}),
    );
    prints(
        0x2a2a,
        "certifications",
        "0001 0004 fe00 0000",
        &json!({"certifications": [{"body": "254", "form": "0", "data": ""}]}),
    );
    for (frame, code) in [
        ("", "short_frame"),
        ("0001 00", "short_frame"),
        ("0001 0006 0202 0002 80", "short_frame"),
        ("0001 0006 0202 0003 8000", "short_frame"),
        ("0002 0006 0202 0002 8000", "bad_value"),
        ("0000 0000 00", "trailing_bytes"),
        // What the sample code of a maker of radio chips sends, and many devices with it: FE 00 "experimental".
        ("fe00 6578706572696d656e74616c", "short_frame"),
    ] {
        refuses(0x2a2a, frame, code);
    }
    let long = Certification {
        body: 2,
        form: 1,
        data: vec![0; 70_000],
    };
    assert_eq!(CertificationList(vec![long]).encode(), None);
}

/// REQ-DEVICE-068: what a device says about the time prints, unknown parts as sent.
#[test]
fn times_print() {
    for (frame, fields) in [
        (
            "e807060f11111b 06 80 03",
            json!({"time": "2024-06-15T17:17:27", "weekday": "6", "fractions_256": "128",
                   "adjust_reason": ["manual", "external_reference"]}),
        ),
        (
            "00000000000000 00 00 00",
            json!({"time": "0000-00-00T00:00:00", "weekday": "0", "fractions_256": "0", "adjust_reason": []}),
        ),
        (
            "e807060f11111b 06 00 9c",
            json!({"time": "2024-06-15T17:17:27", "weekday": "6", "fractions_256": "0",
                   "adjust_reason": ["zone_changed", "summer_time_changed"], "adjust_reason_reserved": "90"}),
        ),
    ] {
        prints(0x2a2b, "current_time", frame, &fields);
    }
    refuses(0x2a2b, "e807060f11111b 06 80", "short_frame");
    refuses(0x2a2b, "e807060f11111b 06 80 03 00", "trailing_bytes");
    for (frame, fields) in [
        (
            "04 04",
            json!({"zone": "4", "summer_time": "4", "zone_min": "60", "summer_time_min": "60"}),
        ),
        (
            "d0 00",
            json!({"zone": "-48", "summer_time": "0", "zone_min": "-720", "summer_time_min": "0"}),
        ),
        ("80 ff", json!({"zone": "-128", "summer_time": "255"})),
        ("39 01", json!({"zone": "57", "summer_time": "1"})),
    ] {
        prints(0x2a0f, "local_time_information", frame, &fields);
    }
    refuses(0x2a0f, "04", "short_frame");
    refuses(0x2a0f, "040400", "trailing_bytes");
    let time = json!({"time": "2024-06-15T17:17:27"});
    prints(0x2a08, "date_time", "e807060f11111b", &time);
    let time = json!({"time": "2024-00-15T17:17:27"});
    prints(0x2a08, "date_time", "e807000f11111b", &time);
    let time = json!({"time": "0000-00-00T00:00:00"});
    prints(0x2a08, "date_time", "00000000000000", &time);
    refuses(0x2a08, "e807060f1111", "short_frame");
    refuses(0x2a08, "e807060f11111b00", "trailing_bytes");
}

#[test]
fn the_offset_of_a_device_is_known_or_not() {
    for (frame, offset) in [
        ("04 04", Some(120)),
        ("16 02", Some(360)),
        ("e4 08", Some(-300)),
        ("80 00", None),
        ("04 ff", None),
        ("38 00", Some(840)),
        ("39 00", None),
        ("cf 00", None),
    ] {
        let read = LocalTimeInformation::decode(&hex(frame)).unwrap();
        assert_eq!(read.offset_min(), offset, "{frame}");
        assert_eq!(read.encode().to_vec(), hex(frame));
    }
}

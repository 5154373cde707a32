//! 0x2A9F, 0x2A9A, 0x2A99, and 0x2A52 as `teleward decode` prints it.

use crate::{hex, prints, refuses};
use serde_json::json;
use teleward_device::{
    ChangeIncrement, ConsentCode, UserIndex, UserRequest, UserResponse, UserResult,
};

/// REQ-DEVICE-066: users are registered, consented, listed and deleted in the standard's bytes; codes above 9999 are
/// none, and a request is no answer.
#[test]
fn requests_about_users_are_the_standards_bytes() {
    let code = ConsentCode::new(1234).unwrap();
    for (request, frame) in [
        (UserRequest::Register(code), "01 d204"),
        (UserRequest::Consent { user_slot: 3, code }, "02 03 d204"),
        (UserRequest::DeleteUserData, "03"),
        (UserRequest::ListUsers, "04"),
        (UserRequest::DeleteUser { user_slot: 0xff }, "05 ff"),
    ] {
        assert_eq!(request.encode(), hex(frame), "{frame}");
        assert_eq!(UserRequest::decode(&hex(frame)), Ok(request));
        refuses(0x2a9f, frame, "device_only");
    }
    for (frame, code) in [
        ("", "short_frame"),
        ("01 d2", "short_frame"),
        ("02", "short_frame"),
        ("02 03 d2", "short_frame"),
        ("05", "short_frame"),
        ("01 1027", "bad_value"),
        ("02 03 1027", "bad_value"),
        ("00", "bad_value"),
        ("20 01 01", "bad_value"),
        ("04 00", "trailing_bytes"),
        ("01 d20400", "trailing_bytes"),
    ] {
        let read = UserRequest::decode(&hex(frame));
        assert_eq!(read.map_err(|e| e.code()), Err(code), "{frame}");
    }
    assert_eq!(ConsentCode::new(9999).map(ConsentCode::expose), Some(9999));
    assert_eq!(ConsentCode::new(10_000), None);
    assert_eq!(
        format!("{:?}", UserRequest::Register(code)),
        "Register(ConsentCode)"
    );
}

/// REQ-DEVICE-066: answers about users print how it ended and which slot it was.
#[test]
fn answers_about_users_print() {
    for (frame, fields) in [
        (
            "20 01 01 02",
            json!({"op": "32", "request_op": "1", "result": "1", "user_slot": "2"}),
        ),
        (
            "20 02 01",
            json!({"op": "32", "request_op": "2", "result": "1"}),
        ),
        (
            "20 02 05",
            json!({"op": "32", "request_op": "2", "result": "5"}),
        ),
        (
            "20 04 01 03",
            json!({"op": "32", "request_op": "4", "result": "1", "extra": "03"}),
        ),
        (
            "20 05 01 02 aa",
            json!({"op": "32", "request_op": "5", "result": "1", "user_slot": "2", "extra": "aa"}),
        ),
        (
            "20 01 04",
            json!({"op": "32", "request_op": "1", "result": "4"}),
        ),
        (
            "20 09 0a",
            json!({"op": "32", "request_op": "9", "result": "10"}),
        ),
    ] {
        prints(0x2a9f, "user_control", frame, &fields);
        let read = UserResponse::decode(&hex(frame)).unwrap();
        assert_eq!(read.encode(), hex(frame));
    }
    for (frame, code) in [
        ("", "short_frame"),
        ("20", "short_frame"),
        ("20 01", "short_frame"),
        ("20 01 01", "short_frame"),
        ("00", "bad_value"),
        ("21 01 01", "bad_value"),
    ] {
        refuses(0x2a9f, frame, code);
    }
    for code in 0..=u8::MAX {
        assert_eq!(UserResult::from_code(code).code(), code);
    }
}

/// REQ-DEVICE-066: whose data a device holds, and whether they changed.
#[test]
fn the_user_of_a_session_prints() {
    prints(0x2a9a, "user_index", "02", &json!({"user_slot": "2"}));
    prints(0x2a9a, "user_index", "ff", &json!({"user_slot": "255"}));
    prints(0x2a9a, "user_index", "00", &json!({"user_slot": "0"}));
    refuses(0x2a9a, "", "short_frame");
    refuses(0x2a9a, "0200", "trailing_bytes");
    for (frame, increment) in [
        ("00000000", "0"),
        ("04030201", "16909060"),
        ("ffffffff", "4294967295"),
    ] {
        prints(
            0x2a99,
            "change_increment",
            frame,
            &json!({"increment": increment}),
        );
    }
    refuses(0x2a99, "040302", "short_frame");
    refuses(0x2a99, "0403020100", "trailing_bytes");
    assert_eq!(UserIndex(2).encode(), [2]);
    assert_eq!(ChangeIncrement(0x0102_0304).encode(), [4, 3, 2, 1]);
}

/// REQ-DEVICE-071: answers about stored records print how it ended or how many there are.
#[test]
fn answers_about_records_print() {
    for (frame, fields) in [
        ("05 00 0201", json!({"op": "5", "count": "258"})),
        ("05 00 0000", json!({"op": "5", "count": "0"})),
        ("05 00 01020304", json!({"op": "5", "count": "67305985"})),
        (
            "06 00 01 01",
            json!({"op": "6", "request_op": "1", "result": "1"}),
        ),
        (
            "06 00 01 06",
            json!({"op": "6", "request_op": "1", "result": "6"}),
        ),
        (
            "06 00 04 0b beef",
            json!({"op": "6", "request_op": "4", "result": "11", "extra": "beef"}),
        ),
        ("08 00 0c000000", json!({"op": "8", "count": "12"})),
    ] {
        prints(0x2a52, "record_access", frame, &fields);
    }
    for (frame, code) in [
        ("", "short_frame"),
        ("05 00 01", "short_frame"),
        ("06 00 01", "short_frame"),
        ("01 01", "device_only"),
        ("03 00", "device_only"),
        ("04 01", "device_only"),
        ("07 03 01 07000000", "device_only"),
        ("09 00", "bad_value"),
    ] {
        refuses(0x2a52, frame, code);
    }
}

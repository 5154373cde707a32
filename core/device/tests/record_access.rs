//! Literal frames of the Record Access Control Point, both ways.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::{DeviceTime, from_hex};
use teleward_device::{
    Bound, RecordAccess, RecordCount, RecordRequest, RecordResponse, RecordResult, Span, Which,
};

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

const TIME: DeviceTime = DeviceTime::from_bytes([0xe8, 7, 6, 15, 17, 17, 27]);

/// REQ-DEVICE-050: records are asked for, counted and aborted in the standard's bytes, for each service's filter.
#[test]
fn requests_are_the_standards_bytes() {
    for (request, bytes) in [
        (RecordRequest::Report(Which::All), "01 01"),
        (RecordRequest::Report(Which::First), "01 05"),
        (RecordRequest::Report(Which::Last), "01 06"),
        (
            RecordRequest::Report(Which::AtLeast(Bound::Number(0x1234))),
            "01 03 01 3412",
        ),
        (
            RecordRequest::Report(Which::AtMost(Bound::UserFacingTime(TIME))),
            "01 02 02 e807060f11111b",
        ),
        (
            RecordRequest::Report(Which::Range(Span::Number(1, 0x0201))),
            "01 04 01 0100 0102",
        ),
        (
            RecordRequest::Count(Which::Range(Span::RecordNumber(1, 0x0403_0201))),
            "04 04 01 01000000 01020304",
        ),
        (
            RecordRequest::CombinedReport(Which::AtLeast(Bound::RecordNumber(7))),
            "07 03 01 07000000",
        ),
        (RecordRequest::Delete(Which::All), "02 01"),
        (RecordRequest::Abort, "03 00"),
    ] {
        assert_eq!(request.encode(), hex(bytes), "{bytes}");
        assert_eq!(RecordAccess::decode_request(&hex(bytes)), Ok(request));
        assert_eq!(
            RecordAccess::decode_response(&hex(bytes)).map_err(|e| e.code()),
            Err("device_only"),
            "a request is no answer: {bytes}"
        );
    }
    assert_eq!(RecordAccess::encode_report(Which::All), hex("0101"));
    assert_eq!(RecordAccess::encode_count(Which::All), hex("0401"));
    assert_eq!(RecordAccess::encode_abort(), hex("0300"));
}

/// REQ-DEVICE-051: answers are read in either width of the count, and "no records" is an end of its own.
#[test]
fn responses_are_the_standards_bytes() {
    for (response, bytes) in [
        (
            RecordResponse::Count(RecordCount::Short(0x0102)),
            "05 00 0201",
        ),
        (RecordResponse::Count(RecordCount::Short(0)), "05 00 0000"),
        (
            RecordResponse::Count(RecordCount::Long(0x0403_0201)),
            "05 00 01020304",
        ),
        (
            RecordResponse::Done {
                request: 1,
                result: RecordResult::NoRecords,
            },
            "06 00 01 06",
        ),
        (
            RecordResponse::Done {
                request: 3,
                result: RecordResult::Success,
            },
            "06 00 03 01",
        ),
        (
            RecordResponse::Done {
                request: 4,
                result: RecordResult::Other(0x0b),
            },
            "06 00 04 0b",
        ),
        (
            RecordResponse::Combined(RecordCount::Long(12)),
            "08 00 0c000000",
        ),
    ] {
        assert_eq!(response.encode(), hex(bytes), "{bytes}");
        assert_eq!(RecordAccess::decode_response(&hex(bytes)), Ok(response));
        assert_eq!(
            RecordAccess::decode_request(&hex(bytes)).map_err(|e| e.code()),
            Err("bad_value")
        );
    }
}

#[test]
fn what_is_neither_is_an_error() {
    for (frame, code) in [
        ("", "short_frame"),
        ("05", "short_frame"),
        ("05 00 01", "short_frame"),
        ("06 00 01", "short_frame"),
        ("08 00", "short_frame"),
        ("00 00", "bad_value"),
        ("09 00", "bad_value"),
    ] {
        let read = RecordAccess::decode_response(&hex(frame));
        assert_eq!(read.map_err(|e| e.code()), Err(code), "{frame}");
    }
    for (frame, code) in [
        ("01", "short_frame"),
        ("01 00", "bad_value"),
        ("01 07", "bad_value"),
        ("01 03", "short_frame"),
        ("01 03 03 0100", "bad_value"),
        ("01 03 01 01", "short_frame"),
        ("01 04 01 0100", "short_frame"),
        ("01 03 02 e807060f1111", "short_frame"),
        ("01 03 01 010000", "trailing_bytes"),
        ("01 01 00", "trailing_bytes"),
        ("03 01", "bad_value"),
    ] {
        let read = RecordAccess::decode_request(&hex(frame));
        assert_eq!(read.map_err(|e| e.code()), Err(code), "{frame}");
    }
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![
        any::<u16>().prop_map(Bound::Number),
        any::<[u8; 7]>().prop_map(|b| Bound::UserFacingTime(DeviceTime::from_bytes(b))),
        any::<u32>().prop_map(Bound::RecordNumber),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    let time = DeviceTime::from_bytes;
    prop_oneof![
        Just(Which::All),
        Just(Which::First),
        Just(Which::Last),
        bound().prop_map(Which::AtMost),
        bound().prop_map(Which::AtLeast),
        any::<(u16, u16)>().prop_map(|(a, b)| Which::Range(Span::Number(a, b))),
        any::<(u32, u32)>().prop_map(|(a, b)| Which::Range(Span::RecordNumber(a, b))),
        any::<([u8; 7], [u8; 7])>()
            .prop_map(move |(a, b)| Which::Range(Span::UserFacingTime(time(a), time(b)))),
    ]
}

fn either() -> impl Strategy<Value = RecordAccess> {
    let count = prop_oneof![
        any::<u16>().prop_map(RecordCount::Short),
        any::<u32>().prop_map(RecordCount::Long)
    ];
    prop_oneof![
        which().prop_map(|w| RecordAccess::Request(RecordRequest::Report(w))),
        which().prop_map(|w| RecordAccess::Request(RecordRequest::Delete(w))),
        which().prop_map(|w| RecordAccess::Request(RecordRequest::Count(w))),
        which().prop_map(|w| RecordAccess::Request(RecordRequest::CombinedReport(w))),
        Just(RecordAccess::Request(RecordRequest::Abort)),
        count
            .clone()
            .prop_map(|c| RecordAccess::Response(RecordResponse::Count(c))),
        count.prop_map(|c| RecordAccess::Response(RecordResponse::Combined(c))),
        any::<(u8, u8)>().prop_map(|(request, code)| {
            RecordAccess::Response(RecordResponse::Done {
                request,
                result: RecordResult::from_code(code),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(access in either()) {
        prop_assert_eq!(RecordAccess::decode(&access.encode()), Ok(access));
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(read) = RecordAccess::decode(&bytes) {
            prop_assert_eq!(RecordAccess::decode(&read.encode()), Ok(read));
        }
    }
}

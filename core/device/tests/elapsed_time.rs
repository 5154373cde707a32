//! Literal values of Elapsed Time (0x2BF2), nine bytes and eleven.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use proptest::prelude::*;
use reading::from_hex;
use teleward_device::{ElapsedClock, ElapsedTime, Timeline, decode_json};

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

/// REQ-DEVICE-086: both forms print what they say, the count with the digits of its resolution. The first one is the
/// time of the observation in STMicroelectronics' `ghs_app.c`.
#[test]
fn both_forms_print_their_fields() {
    for (frame, fields) in [
        (
            "22 729d2b290000 06 00",
            r#""timeline":"utc","seconds":"690724210","resolution_s":"1","time":"2021-11-20T11:50:10","time_source":"6","current_timeline":true"#,
        ),
        (
            "22 729d2b290000 06 00 00 03",
            r#""timeline":"utc","seconds":"690724210","resolution_s":"1","time":"2021-11-20T11:50:10","time_source":"6","current_timeline":true,"clock_status":[],"clock_capabilities":["applies_dst","manages_zone"]"#,
        ),
        // Local time at 100 ms, five and a half hours east, an old timeline, set by hand.
        (
            "14 010000000000 04 16",
            r#""timeline":"local","seconds":"0.1","resolution_s":"0.1","time":"2000-01-01T00:00:00","offset_min":"330","time_source":"4","current_timeline":false"#,
        ),
        // A counter in milliseconds: neither source nor offset mean anything.
        (
            "39 4e61bc000000 07 04",
            r#""timeline":"ticks","seconds":"12345.678","resolution_s":"0.001","current_timeline":true"#,
        ),
        (
            "cc ffffffffffff 07 80 ff ff",
            r#""timeline":"local","seconds":"28147497671.0655","resolution_s":"0.0001","time":"2891-12-16T05:21:11","time_source":"7","current_timeline":false,"flags_reserved":"c0","clock_status":["needs_setting"],"clock_status_reserved":"fe","clock_capabilities":["applies_dst","manages_zone"],"clock_capabilities_reserved":"fc""#,
        ),
        // Beyond the year 9999 there is a count and no wall clock.
        (
            "00 ffffffffffff 00 00",
            r#""timeline":"local","seconds":"281474976710655","resolution_s":"1","time_source":"0","current_timeline":false"#,
        ),
    ] {
        let head = r#"{"characteristic":"2bf2","kind":"elapsed_time","#;
        let json = decode_json(0x2bf2, &hex(frame)).json().to_string();
        assert_eq!(json, format!("{head}{fields}}}"), "{frame}");
    }
}

/// REQ-DEVICE-086: any other length is an error.
#[test]
fn other_lengths_are_errors() {
    let long = hex("22 729d2b290000 06 00 00 03 00");
    for (length, code) in [
        (0, "short_frame"),
        (8, "short_frame"),
        (10, "short_frame"),
        (12, "trailing_bytes"),
    ] {
        let json = decode_json(0x2bf2, &long[..length]).json();
        assert_eq!(json["error"]["code"], code, "{length}");
    }
    assert!(ElapsedTime::decode(&long[..10]).is_err() && ElapsedClock::decode(&long[..9]).is_err());
}

/// HAZ-DEVICE-017: a clock that nobody set is recognised.
#[test]
fn a_clock_that_was_not_set_is_recognised() {
    let time = |flags, source| ElapsedTime {
        flags,
        count: 0,
        source,
        offset_quarters: 0,
    };
    for (flags, source, synchronised) in [
        (2, 1, true),
        (2, 4, true),
        (2, 6, true),
        (2, 0, false),
        (2, 7, false),
        (2, 9, false),
        (1, 1, false),
    ] {
        assert_eq!(
            time(flags, source).is_synchronised(),
            synchronised,
            "{flags} {source}"
        );
    }
    let clock = |status| ElapsedClock {
        time: time(2, 1),
        status,
        capabilities: 0,
    };
    assert!(clock(1).clock_fault() && !clock(0).clock_fault() && !clock(2).clock_fault());
    assert_eq!(time(0x12, 1).offset_min(), Some(0));
    assert_eq!(time(0x11, 1).offset_min(), None, "ticks have no zone");
    assert_eq!(time(0x11, 1).timeline(), Timeline::Ticks);
}

proptest! {
    /// REQ-DEVICE-086.
    #[test]
    fn values_go_there_and_back(bytes in any::<[u8; 11]>()) {
        let clock = ElapsedClock::decode(&bytes).unwrap();
        prop_assert_eq!(clock.encode(), Some(bytes.to_vec()));
        let time = ElapsedTime::decode(&bytes[..9]).unwrap();
        prop_assert_eq!(time.encode().unwrap().to_vec(), &bytes[..9]);
        let scaled = time.seconds();
        prop_assert_eq!(u64::try_from(scaled.mantissa()), Ok(time.count));
    }

    #[test]
    fn a_count_beyond_48_bits_is_not_written(count in 1_u64 << 48..) {
        prop_assert_eq!(ElapsedTime { flags: 0, count, source: 0, offset_quarters: 0 }.encode(), None);
    }
}

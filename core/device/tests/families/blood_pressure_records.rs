//! 0x2B34, 0x2B35, and 0x2B36 in one segment and in several.

use crate::{hex, prints, refuses};
use reading::Number;
use serde_json::json;
use teleward_device::{
    BloodPressureRecord, CheckSum, EnhancedBloodPressureFrame, EnhancedCuffPressureFrame, Epoch,
    PacketJoiner, RecordSegment, Recorded,
};

/// Everything that an enhanced measurement can hold.
const FULL: &str = "7e 7c00 5600 6100 2789002e 3300 01 0400 47a5002e";
/// It as record 7 in one segment, without its check sum 6E12.
const STORED: &str = "03 0700 342b 7e 7c00 5600 6100 2789002e 3300 01 0400 47a5002e";
/// It as record 65535 in two segments, the second with the check sum 5BB3.
const FIRST: &str = "01 ffff 342b 7e7c00560061002789002e33000104";
const SECOND: &str = "06 ffff 342b 0047a5002e 5bb3";

/// REQ-DEVICE-069: an enhanced blood pressure prints its fields, its times as dates of its epoch.
#[test]
fn an_enhanced_blood_pressure_prints_its_fields() {
    for (frame, fields) in [
        (
            "00 8000 5200 6100",
            json!({"systolic": "128", "diastolic": "82", "mean_arterial": "97", "unit": "mm[Hg]", "epoch": "1900"}),
        ),
        (
            FULL,
            json!({"systolic": "124", "diastolic": "86", "mean_arterial": "97", "unit": "mm[Hg]",
                   "time": "2024-06-15T17:17:27", "pulse_rate": "51", "user_slot": "1",
                   "status": ["irregular_pulse"], "user_facing_time": "2024-06-15T19:17:27",
                   "epoch": "2000"}),
        ),
        (
            "03 a5f0 71f0 ff07 274b18ea aa",
            json!({"systolic": "16.5", "diastolic": "11.3", "mean_arterial": "nan", "unit": "kPa",
                   "time": "2024-06-15T17:17:27", "epoch": "1900", "extra": "aa"}),
        ),
        (
            "54 ff07 ff07 ff07 ff07 c0ff",
            json!({"systolic": "nan", "diastolic": "nan", "mean_arterial": "nan", "unit": "mm[Hg]",
                   "pulse_rate": "nan", "status": [], "status_reserved": "ffc0", "epoch": "2000"}),
        ),
        (
            "60 8000 5200 6100 ffffffff",
            json!({"systolic": "128", "diastolic": "82", "mean_arterial": "97", "unit": "mm[Hg]",
                   "user_facing_time": "2136-02-07T06:28:15", "epoch": "2000"}),
        ),
    ] {
        prints(0x2b34, "enhanced_blood_pressure", frame, &fields);
    }
    for (frame, fields) in [
        (
            "00 6400",
            json!({"cuff_pressure": "100", "unit": "mm[Hg]", "epoch": "1900"}),
        ),
        (
            "4f 85f0 00000000 3300 ff",
            json!({"cuff_pressure": "13.3", "unit": "kPa", "time": "2000-01-01T00:00:00",
                   "pulse_rate": "51", "user_slot": "255", "epoch": "2000"}),
        ),
        (
            "30 6400 0100 00000000",
            json!({"cuff_pressure": "100", "unit": "mm[Hg]", "status": ["body_movement"],
                   "user_facing_time": "1900-01-01T00:00:00", "epoch": "1900"}),
        ),
    ] {
        prints(
            0x2b35,
            "enhanced_intermediate_cuff_pressure",
            frame,
            &fields,
        );
    }
}

/// REQ-DEVICE-072: frames that end early, within every field, and frames with flags of no meaning are errors.
#[test]
fn what_is_no_enhanced_frame_is_refused() {
    for (frame, code) in [
        ("", "short_frame"),
        ("00 8000 5200 61", "short_frame"),
        ("02 8000 5200 6100 278900", "short_frame"),
        ("04 8000 5200 6100 33", "short_frame"),
        ("08 8000 5200 6100", "short_frame"),
        ("10 8000 5200 6100 00", "short_frame"),
        ("20 8000 5200 6100 47a500", "short_frame"),
        ("80 8000 5200 6100", "reserved_flags"),
    ] {
        refuses(0x2b34, frame, code);
    }
    for (frame, code) in [
        ("", "short_frame"),
        ("00 64", "short_frame"),
        ("02 6400 278900", "short_frame"),
        ("04 6400 33", "short_frame"),
        ("08 6400", "short_frame"),
        ("10 6400 00", "short_frame"),
        ("20 6400 000000", "short_frame"),
        ("ff 6400", "reserved_flags"),
    ] {
        refuses(0x2b35, frame, code);
    }
}

/// REQ-DEVICE-070: one segment prints what it is; a whole record prints what is stored, and whether its check sum fits.
#[test]
fn a_segment_of_a_record_prints() {
    let stored = json!({"characteristic": "2b34", "kind": "enhanced_blood_pressure",
        "systolic": "124", "diastolic": "86", "mean_arterial": "97", "unit": "mm[Hg]",
        "time": "2024-06-15T17:17:27", "pulse_rate": "51", "user_slot": "1",
        "status": ["irregular_pulse"], "user_facing_time": "2024-06-15T19:17:27", "epoch": "2000"});
    let mut spoilt = stored.clone();
    spoilt["extra"] = "6e13".into();
    let classic = json!({"characteristic": "2a35", "kind": "blood_pressure", "systolic": "128",
        "diastolic": "82", "mean_arterial": "97", "unit": "mm[Hg]"});
    for (frame, fields) in [
        (
            STORED.to_owned(),
            json!({"first": true, "last": true, "segment": "0", "sequence": "7", "recorded": "2b34",
                   "record": stored}),
        ),
        (
            format!("{STORED} 6e12"),
            json!({"first": true, "last": true, "segment": "0", "sequence": "7", "recorded": "2b34",
                   "record": stored, "crc_ok": true}),
        ),
        (
            format!("{STORED} 6e13"),
            json!({"first": true, "last": true, "segment": "0", "sequence": "7", "recorded": "2b34",
                   "record": spoilt, "crc_ok": false}),
        ),
        (
            "03 0700 352a 00800052006100 f0c7".to_owned(),
            json!({"first": true, "last": true, "segment": "0", "sequence": "7", "recorded": "2a35",
                   "record": classic, "crc_ok": true}),
        ),
        (
            FIRST.to_owned(),
            json!({"first": true, "last": false, "segment": "0", "sequence": "65535", "recorded": "2b34",
                   "part": "7e7c00560061002789002e33000104"}),
        ),
        (
            SECOND.to_owned(),
            json!({"first": false, "last": true, "segment": "1", "sequence": "65535", "recorded": "2b34",
                   "part": "0047a5002e5bb3"}),
        ),
        (
            "03 0000 182a 00".to_owned(),
            json!({"first": true, "last": true, "segment": "0", "sequence": "0", "recorded": "2a18",
                   "part": "00"}),
        ),
    ] {
        prints(0x2b36, "blood_pressure_record", &frame, &fields);
    }
    for frame in ["", "03", "03 07", "03 0700", "03 0700 34"] {
        refuses(0x2b36, frame, "short_frame");
    }
}

/// REQ-DEVICE-070: segments become a record when all are there, in their order, and the check sum over all of them
/// fits.
#[test]
fn segments_become_a_record() {
    let (first, second) = (hex(FIRST), hex(SECOND));
    let record = BloodPressureRecord::join(&[&first, &second], CheckSum::Present).unwrap();
    assert_eq!((record.sequence, record.recorded), (65_535, 0x2b34));
    assert_eq!(record.value, hex(FULL));
    let read = EnhancedBloodPressureFrame::decode(&hex(FULL)).unwrap();
    assert_eq!(record.measurement(), Ok(Recorded::Enhanced(read)));
    let none: [&[u8]; 0] = [];
    assert_eq!(
        BloodPressureRecord::join(&none, CheckSum::Absent).map_err(|e| e.code()),
        Err("packets")
    );
    for (packets, code) in [
        (vec![FIRST], "packets"),
        (vec![SECOND], "packets"),
        (vec![SECOND, FIRST], "packets"),
        (vec![FIRST, SECOND, SECOND], "packets"),
        (vec![FIRST, "0a ffff 342b 0047a5002e 5bb3"], "packets"),
        (vec![FIRST, "06 feff 342b 0047a5002e 5bb3"], "packets"),
        (vec![FIRST, "06 ffff 352a 0047a5002e 5bb3"], "packets"),
        (vec![FIRST, "06 ffff 34"], "short_frame"),
        (vec![FIRST, "06 ffff 342b 5b"], "short_frame"),
        (vec![FIRST, "06 ffff 342b 0047a5002e 5bb2"], "crc_mismatch"),
    ] {
        let packets: Vec<Vec<u8>> = packets.into_iter().map(hex).collect();
        let read = BloodPressureRecord::join(&packets, CheckSum::Present);
        assert_eq!(read.map_err(|e| e.code()), Err(code), "{}", packets.len());
    }
    for (recorded, code) in [
        (0x2a36, "not_a_reading"),
        (0x2b35, "not_a_reading"),
        (0x2a18, "unknown_characteristic"),
    ] {
        let record = BloodPressureRecord {
            sequence: 0,
            recorded,
            value: vec![0],
        };
        assert_eq!(record.measurement().map_err(|e| e.code()), Err(code));
    }
}

/// REQ-DEVICE-070: a damaged record is found, whichever bit it is. HAZ-DEVICE-013.
#[test]
fn every_damaged_bit_of_a_record_is_found() {
    let (first, second) = (hex(FIRST), hex(SECOND));
    for bit in 0..(first.len() + second.len()) * 8 {
        let mut packets = [first.clone(), second.clone()];
        *packets.iter_mut().flatten().nth(bit / 8).unwrap() ^= 1 << (bit % 8);
        let read = BloodPressureRecord::join(&packets, CheckSum::Present);
        assert!(read.is_err(), "bit {bit}");
    }
}

/// REQ-DEVICE-070: segments are gathered as they come, none is lost, and the counter wraps.
#[test]
fn segments_are_gathered_as_they_come() {
    let (first, second) = (hex(FIRST), hex(SECOND));
    let whole = hex(STORED);
    let mut joiner = PacketJoiner::new(0x2b36);
    assert!(joiner.push(first.clone()).is_empty());
    assert_eq!(
        joiner.push(second.clone()),
        [vec![first.clone(), second.clone()]]
    );
    assert_eq!(joiner.push(second.clone()), [vec![second]]);
    assert!(joiner.push(first.clone()).is_empty());
    assert_eq!(joiner.push(whole.clone()), [vec![first], vec![whole]]);
    assert_eq!(joiner.end(), None);
    let segment = |counter| RecordSegment {
        first: false,
        last: false,
        counter,
        sequence: 1,
        recorded: 0x2b34,
        part: vec![counter],
    };
    assert!(segment(63).is_continued_by(&segment(0)));
    assert!(!segment(63).is_continued_by(&segment(1)));
    assert_eq!(segment(64).encode(), None);
}

/// REQ-DEVICE-073: a simulated cuff writes what a real one does, in as many segments as the link asks for.
#[test]
fn a_simulated_cuff_writes_records() {
    let read = EnhancedBloodPressureFrame::decode(&hex(FULL)).unwrap();
    assert_eq!(read.encode(), Some(hex(FULL)));
    assert_eq!(read.fields.epoch, Epoch::Y2000);
    let cuff = EnhancedCuffPressureFrame::decode(&hex("00 6400")).unwrap();
    assert_eq!(cuff.encode(), Some(hex("00 6400")));
    let record = BloodPressureRecord {
        sequence: 65_535,
        recorded: 0x2b34,
        value: hex(FULL),
    };
    let two = vec![hex(FIRST), hex(SECOND)];
    assert_eq!(record.encode(20, CheckSum::Present), Some(two));
    // The check sum does not fit behind the value: it comes alone.
    let packets = record.encode(25, CheckSum::Present).unwrap();
    assert_eq!(packets.iter().map(Vec::len).collect::<Vec<_>>(), [25, 7]);
    assert_eq!(
        BloodPressureRecord::join(&packets, CheckSum::Present),
        Ok(record.clone())
    );
    assert_eq!(record.encode(7, CheckSum::Present), None);
    assert_eq!(record.encode(5, CheckSum::Absent), None);
    let long = BloodPressureRecord {
        value: vec![0; 65],
        ..record
    };
    let packets = long.encode(6, CheckSum::Absent).unwrap();
    assert_eq!(packets.len(), 65, "the counter wraps");
    assert_eq!(
        BloodPressureRecord::join(&packets, CheckSum::Absent),
        Ok(long)
    );
    let unfit = EnhancedBloodPressureFrame {
        systolic: Number::of(5_000, 0),
        ..read
    };
    assert_eq!(unfit.encode(), None);
}

//! What holds for every family: no bytes panic, what is cut off is an error, what is written is read, and no text that
//! is meant for logs holds a value.

use crate::any::{
    body_composition, continuous, enhanced, heart_rate, spot_check, temperature, weight,
};
use crate::hex;
use proptest::prelude::*;
use teleward_device::*;

/// For each characteristic a frame with every field that it can have; lists that reach to the end have one entry.
const FULL: [(u16, &str); 24] = [
    (0x2a1c, "07 6c0100ff e807060f11111b 02"),
    (0x2a1e, "06 6c0100ff e807060f11111b 02"),
    (0x2a1d, "06"),
    (0x2a21, "3c00"),
    (0x2a9d, "0f c841 e807060f11111b ff f500 d606"),
    (0x2a9e, "bf010000"),
    (
        0x2a9c,
        "ff1f eb00 e807060f11111b 03 6419 a701 801b 0032 802f f023 0314 c841 d606",
    ),
    (0x2a9b, "ffbf0100"),
    (0x2a37, "1f 4800 0a00 0004"),
    (0x2a5e, "1f cff3 0910 e807060f11111b 2001 230000 1df0"),
    (0x2a5f, "1f 6100 4800 6200 4a00 6000 4600 c000 000800 0a00"),
    (0x2a60, "ff00 e0ff ffff00"),
    (0x2a52, "06 00 01 01"),
    (0x2a9f, "20 01 01 02"),
    (0x2a9a, "02"),
    (0x2a99, "04030201"),
    (0x2a23, "debc9afeff563412"),
    (0x2a50, "01 0e02 3412 1302"),
    (0x2a2a, "0001 0006 0202 0002 8000"),
    (0x2a19, "64"),
    (0x2a2b, "e807060f11111b 06 80 03"),
    (0x2a0f, "04 04"),
    (0x2b34, "7f 7c00 5600 6100 2789002e 3300 01 0400 47a5002e"),
    (0x2b35, "7f 6400 2789002e 3300 01 0400 47a5002e"),
];

/// REQ-DEVICE-072: a frame that is cut off at any byte is an error, and says so.
#[test]
fn a_frame_cut_off_anywhere_is_an_error() {
    for (characteristic, full) in FULL {
        let full = hex(full);
        let read = decode_json(characteristic, &full);
        assert!(read.is_frame(), "{characteristic:04x}");
        assert!(read.json().get("extra").is_none(), "{characteristic:04x}");
        for length in 0..full.len() {
            let cut = decode_json(characteristic, &full[..length]).json();
            let code = &cut["error"]["code"];
            assert_eq!(code, "short_frame", "{characteristic:04x} at {length}");
        }
    }
}

/// REQ-DEVICE-072: whichever flag has no meaning, the frame is refused, and no other one is.
#[test]
fn every_flag_without_a_meaning_is_refused() {
    for (characteristic, known) in [
        (0x2a1c, 0x07),
        (0x2a1e, 0x07),
        (0x2a9d, 0x0f),
        (0x2a37, 0x1f),
        (0x2a5e, 0x1f),
        (0x2a5f, 0x1f),
        (0x2b34, 0x7f),
        (0x2b35, 0x7f),
    ] {
        for flags in 0..=u8::MAX {
            // Of either length, because times between beats reach to the end.
            let frames = [40, 41].map(|length| [vec![flags], vec![0; length]].concat());
            let read = frames.map(|frame| decode_json(characteristic, &frame).is_frame());
            let kept = flags & !known == 0;
            assert_eq!(read[0] || read[1], kept, "{characteristic:04x} {flags:02x}");
        }
    }
    for flags in 0..=u16::MAX {
        let mut frame = flags.to_le_bytes().to_vec();
        frame.extend([0; 40]);
        let read = decode_json(0x2a9c, &frame);
        assert_eq!(read.is_frame(), flags & 0xe000 == 0, "2a9c {flags:04x}");
    }
}

/// REQ-DEVICE-076: what is printed for logs holds no digit of what was measured.
#[test]
fn texts_for_logs_hold_no_values() {
    let weight = WeightFrame::decode(&hex("08 c841 f500 d606")).unwrap();
    let body = BodyCompositionFrame::decode(&hex("0004 eb00 c841")).unwrap();
    let spot = SpotCheckFrame::decode(&hex("00 6100 4800")).unwrap();
    let flow = ContinuousFrame::decode(&hex("00 6100 4800")).unwrap();
    let enhanced = EnhancedBloodPressureFrame::decode(&hex("00 7c00 5600 6100")).unwrap();
    let cuff = EnhancedCuffPressureFrame::decode(&hex("00 7c00")).unwrap();
    let warm = TemperatureFrame::decode(&hex("00 6c0100ff")).unwrap();
    let beats = HeartRateFrame::decode(&hex("00 48")).unwrap();
    let stored =
        BloodPressureRecord::join(&[hex("03 0700 352a 00800052006100")], CheckSum::Absent).unwrap();
    let mut joiner = PacketJoiner::new(0x2a9c);
    assert!(joiner.push(hex("0010 eb00")).is_empty());
    for (text, expected) in [
        (format!("{weight:?}"), "WeightFrame"),
        (format!("{:?}", weight.size.unwrap()), "BodySize"),
        (format!("{:?}", weight.weight), "Value"),
        (format!("{body:?}"), "BodyCompositionFrame"),
        (format!("{spot:?}"), "SpotCheckFrame"),
        (format!("{:?}", spot.normal), "Saturation"),
        (format!("{flow:?}"), "ContinuousFrame"),
        (format!("{enhanced:?}"), "EnhancedBloodPressureFrame"),
        (format!("{:?}", enhanced.fields), "EnhancedFields"),
        (format!("{cuff:?}"), "EnhancedCuffPressureFrame"),
        (format!("{warm:?}"), "TemperatureFrame"),
        (format!("{beats:?}"), "HeartRateFrame"),
        (format!("{stored:?}"), "BloodPressureRecord(2a35)"),
        (
            format!("{:?}", stored.measurement()),
            "Ok(Classic(BloodPressureFrame))",
        ),
        (format!("{joiner:?}"), "PacketJoiner(2a9c, 1 held)"),
    ] {
        assert_eq!(text, expected);
    }
}

/// REQ-DEVICE-075: each characteristic stands in the table once, and none without a name.
#[test]
fn each_characteristic_stands_in_the_table_once() {
    let all: Vec<Entry> = entries().collect();
    for entry in &all {
        let same = |other: &&Entry| other.characteristic == entry.characteristic;
        assert_eq!(
            all.iter().filter(same).count(),
            1,
            "{:04x}",
            entry.characteristic
        );
        let same = |other: &&Entry| other.kind == entry.kind;
        assert_eq!(all.iter().filter(same).count(), 1, "{}", entry.kind);
        assert!(!entry.about.is_empty());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(entry.kind.chars().all(plain), "{}", entry.kind);
    }
    for (characteristic, _) in FULL {
        assert!(
            all.iter()
                .any(|entry| entry.characteristic == characteristic)
        );
    }
}

proptest! {
    /// REQ-DEVICE-073: what a simulated device writes is read as what it meant, whatever that is.
    #[test]
    fn what_is_written_is_read(
        warm in temperature(), weight in weight(), body in body_composition(), beats in heart_rate(),
        spot in spot_check(), flow in continuous(), enhanced in enhanced(),
    ) {
        prop_assert!(TemperatureFrame::decode(&warm.encode().unwrap()) == Ok(warm));
        prop_assert!(WeightFrame::decode(&weight.encode().unwrap()) == Ok(weight));
        prop_assert!(BodyCompositionFrame::decode(&body.encode().unwrap()) == Ok(body));
        prop_assert!(HeartRateFrame::decode(&beats.encode().unwrap()) == Ok(beats));
        prop_assert!(SpotCheckFrame::decode(&spot.encode().unwrap()) == Ok(spot));
        prop_assert!(ContinuousFrame::decode(&flow.encode().unwrap()) == Ok(flow));
        let cuff = EnhancedCuffPressureFrame {
            cuff_pressure: enhanced.systolic,
            fields: enhanced.fields.clone(),
        };
        prop_assert!(EnhancedCuffPressureFrame::decode(&cuff.encode().unwrap()) == Ok(cuff));
        prop_assert!(EnhancedBloodPressureFrame::decode(&enhanced.encode().unwrap()) == Ok(enhanced));
    }

    /// REQ-DEVICE-063: however a measurement is cut into packets, they say what it says.
    #[test]
    fn packets_say_what_the_whole_says(body in body_composition(), longest in 0_usize..40) {
        if let Some(packets) = body.encode_packets(longest) {
            prop_assert!(packets.iter().all(|packet| packet.len() <= longest));
            let mut joiner = PacketJoiner::new(0x2a9c);
            let mut groups = Vec::new();
            for packet in &packets {
                groups.extend(joiner.push(packet.clone()));
            }
            prop_assert_eq!(groups, [packets.clone()]);
            prop_assert!(BodyCompositionFrame::join(&packets) == Ok(body));
        }
    }

    /// REQ-DEVICE-070: however a record is cut into segments, it is the same record.
    #[test]
    fn segments_say_what_the_record_says(
        sequence: u16, recorded: u16, value in proptest::collection::vec(any::<u8>(), 0..200),
        longest in 6_usize..40, sealed: bool,
    ) {
        let check = if sealed { CheckSum::Present } else { CheckSum::Absent };
        let record = BloodPressureRecord { sequence, recorded, value };
        if let Some(packets) = record.encode(longest, check) {
            prop_assert!(packets.iter().all(|packet| packet.len() <= longest));
            let mut joiner = PacketJoiner::new(0x2b36);
            let mut groups = Vec::new();
            for packet in &packets {
                groups.extend(joiner.push(packet.clone()));
            }
            prop_assert_eq!(groups, [packets.clone()]);
            prop_assert!(BloodPressureRecord::join(&packets, check) == Ok(record));
        } else {
            prop_assert!(longest < 8 && sealed);
        }
    }

    /// Whatever comes, each packet goes out exactly once and in its order.
    #[test]
    fn no_packet_is_lost_or_repeated(
        characteristic in prop_oneof![Just(0x2a9c), Just(0x2b36), Just(0x2a9d)],
        packets in proptest::collection::vec(proptest::collection::vec(0_u8..20, 0..8), 0..20),
    ) {
        let mut joiner = PacketJoiner::new(characteristic);
        let mut out: Vec<Vec<u8>> = Vec::new();
        for packet in &packets {
            out.extend(joiner.push(packet.clone()).into_iter().flatten());
        }
        out.extend(joiner.end().into_iter().flatten());
        prop_assert_eq!(out, packets);
    }

    /// No bytes panic, and each answer is an object.
    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
        for entry in entries() {
            let read = decode_json(entry.characteristic, &bytes);
            prop_assert_eq!(read.json().get("error").is_none(), read.is_frame());
        }
    }

    /// Frames whose bytes have one reading only are written back byte for byte.
    #[test]
    fn frames_are_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..48)) {
        let mut bytes = bytes;
        if let Some(flags) = bytes.first_mut() {
            *flags &= 0x1f;
        }
        if let Ok(read) = WeightFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = TemperatureFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = BodyCompositionFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = SpotCheckFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = ContinuousFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = EnhancedBloodPressureFrame::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = RecordSegment::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
        if let Ok(read) = CertificationList::decode(&bytes) {
            prop_assert_eq!(read.encode(), Some(bytes.clone()));
        }
    }
}

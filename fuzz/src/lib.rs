//! One function for each reader of bytes from outside: any bytes go in, and what must hold of the answer is asserted.
//!
//! Called by the fuzz targets beside it, and by the journey `corpus`, which replays what they found.

use device::health_sensor::{HealthObservation, HealthSensorFeatures, StoredObservation};
use device::{
    BloodPressureFrame, BloodPressureRecord, BodyCompositionFrame, CapturedRecord,
    CertificationList, CgmControl, CgmControlRequest, CgmControlResponse, CgmFeature, CgmFrame,
    CheckSum, ContinuousFrame, DecodeError, DeviceHandle, ElapsedClock, EnhancedBloodPressureFrame,
    EnhancedCuffPressureFrame, GlucoseContextFrame, GlucoseFrame, HeartRateFrame, Identity,
    OximeterFeature, PacketJoiner, RecordSegment, SegmentJoiner, SessionFacts, SpotCheckFrame,
    TemperatureFrame, UserRequest, UserResponse, WeightFrame, decode_json, to_reading,
};
use reading::{DeviceIdentity, Gateway, Moment};
use vault::{Amendment, Circle, Invite, Join, Plaintext};
use wire::request::{Parts, Signed};
use wire::roster::RosterChain;
use wire::{Sealed, SigningKey, b64u, json};

/// Rosters, one JWS a line, as a relay or a mirror gives them.
pub fn roster(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut chain = RosterChain::pinned(SigningKey::from_seed(&[1; 32]).public());
    for line in text.lines() {
        let held = chain.newest().map(|newest| newest.roster.n);
        if chain.feed(line).is_err() {
            assert_eq!(
                chain.newest().map(|newest| newest.roster.n),
                held,
                "a refused line changes nothing"
            );
        }
    }
}

/// The headers of a signed request: `Signature-Input`, LF, `Signature`, LF, `Content-Digest`.
pub fn request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (input, signature) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    if let Ok(signed) = Signed::parse(input, signature, lines.next()) {
        let parts = Parts {
            method: "GET",
            authority: "r.example",
            path: "/v1/links",
            query: "after=0",
            digest: None,
        };
        assert!(
            signed
                .verify(&parts, &SigningKey::from_seed(&[9; 32]).public())
                .is_err(),
            "nobody has that key"
        );
    }
}

/// The outer shape of a sealed file, as relay and post check it, and the texts that stand around it.
pub fn sealed(bytes: &[u8]) {
    if let Ok(sealed) = Sealed::parse(bytes.to_vec()) {
        assert_eq!(sealed.bytes(), bytes, "what was read is what was there");
        assert!((1..=wire::MAX_STANZAS).contains(&sealed.hybrid_stanzas()));
    }
    if let Ok(read) = b64u::decode(bytes) {
        assert_eq!(
            b64u::encode(read).as_bytes(),
            bytes,
            "one value has one text"
        );
    }
    // Its answer is the point: it must come, whatever the bytes.
    let _checked = json::check(bytes);
}

/// One line of a `readings` envelope: FHIR in, the same FHIR out.
pub fn observation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(read) = reading::from_observation(text) {
        // A typed reading names no gateway, and is written the same with any.
        let gateway = read.gateway.clone().unwrap_or(Gateway {
            install: [0; 16],
            software: String::new(),
        });
        let again = reading::to_observation(&read.reading, &read.link, &gateway);
        let back = reading::from_observation(&again).expect("what we write we read");
        assert_eq!(back.reading, read.reading, "nothing is lost on the way");
    }
}

/// The plaintext of an envelope: header line, content, padding.
pub fn envelope(bytes: &[u8]) {
    if let Ok(plain) = Plaintext::parse(bytes)
        && let Ok(content) = plain.content()
    {
        assert_eq!(
            content.len() as u64,
            plain.claimed().len,
            "the content is as long as the header says"
        );
        assert!(
            plain
                .verify(&SigningKey::from_seed(&[9; 32]).public())
                .is_err(),
            "nobody has that key"
        );
    }
}

/// What a QR code or a letter says.
pub fn invite(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(invite) = Invite::parse(text) {
        let written = invite.to_text();
        let again = Invite::parse(written.expose()).expect("what we write we read");
        assert_eq!(
            again.to_text().expose(),
            written.expose(),
            "one invite has one text"
        );
    }
}

/// The contents of the two letters that open a link, and of the one that says whose readings were.
pub fn join(bytes: &[u8]) {
    let read = Amendment::read(bytes);
    let again: String = read.said.iter().map(Amendment::to_line).collect();
    assert_eq!(
        Amendment::read(again.as_bytes()).said,
        read.said,
        "what was understood is written so that it is understood again"
    );
    if let Ok(join) = Join::parse(bytes) {
        let again = join.to_content().expect("what was accepted can be written");
        assert_eq!(Join::parse(&again).expect("what we write we read"), join);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Its answer is the point: it must come, whatever the text.
        let _read = Circle::parse(text);
    }
}

/// A characteristic's number, two bytes, and a frame of it.
pub fn decoder(bytes: &[u8]) {
    let Some((number, frame)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let characteristic = u16::from_be_bytes(*number);
    let decoded = decode_json(characteristic, frame);
    assert!(decoded.json().is_object(), "every frame has an object");
    frames_come_back(frame);
    glucose(frame);
    health_sensor(frame);
    packets_come_back(characteristic, frame);
}

/// Whatever a frame is read as, a simulated device writes it so that it is read as the same.
fn frames_come_back(frame: &[u8]) {
    comes_back(
        frame,
        BloodPressureFrame::decode,
        BloodPressureFrame::encode,
    );
    comes_back(
        frame,
        EnhancedBloodPressureFrame::decode,
        EnhancedBloodPressureFrame::encode,
    );
    comes_back(
        frame,
        EnhancedCuffPressureFrame::decode,
        EnhancedCuffPressureFrame::encode,
    );
    comes_back(frame, RecordSegment::decode, RecordSegment::encode);
    comes_back(frame, TemperatureFrame::decode, TemperatureFrame::encode);
    comes_back(frame, WeightFrame::decode, WeightFrame::encode);
    comes_back(
        frame,
        BodyCompositionFrame::decode,
        BodyCompositionFrame::encode,
    );
    comes_back(frame, HeartRateFrame::decode, HeartRateFrame::encode);
    comes_back(frame, SpotCheckFrame::decode, SpotCheckFrame::encode);
    comes_back(frame, ContinuousFrame::decode, ContinuousFrame::encode);
    comes_back(frame, OximeterFeature::decode, OximeterFeature::encode);
    comes_back(frame, CertificationList::decode, CertificationList::encode);
    comes_back(frame, UserRequest::decode, |request| Some(request.encode()));
    comes_back(frame, UserResponse::decode, |response| {
        Some(response.encode())
    });
}

fn comes_back<T: PartialEq>(
    frame: &[u8],
    decode: fn(&[u8]) -> Result<T, DecodeError>,
    encode: fn(&T) -> Option<Vec<u8>>,
) {
    if let Ok(read) = decode(frame) {
        let again = encode(&read).expect("what was read can be written");
        assert!(decode(&again) == Ok(read), "what we write we read");
    }
}

/// A meter's and a sensor's frames: what is written again is what was sent.
fn glucose(frame: &[u8]) {
    let again = |again: Option<Vec<u8>>| {
        assert_eq!(again.as_deref(), Some(frame), "what we read we write");
    };
    if let Ok(read) = GlucoseFrame::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = GlucoseContextFrame::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = CgmFrame::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = CgmFeature::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = ElapsedClock::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = CgmControl::<CgmControlRequest>::decode(frame) {
        again(read.encode());
    }
    if let Ok(read) = CgmControl::<CgmControlResponse>::decode(frame)
        && let Some(bytes) = read.encode()
    {
        // An interval may have come in two bytes, where one is enough.
        assert_eq!(CgmControl::<CgmControlResponse>::decode(&bytes), Ok(read));
    }
}

/// A health sensor's records, and the joiner, to which each byte is the length of the next notification.
fn health_sensor(frame: &[u8]) {
    if let Ok(read) = StoredObservation::decode(frame) {
        let again = read.encode().expect("what was read fits its fields");
        assert_eq!(StoredObservation::decode(&again), Ok(read));
    }
    if let Ok(read) = HealthObservation::decode(frame) {
        let again = read.encode().expect("what was read fits its fields");
        assert_eq!(HealthObservation::decode(&again), Ok(read));
    }
    if let Ok(read) = HealthSensorFeatures::decode(frame) {
        assert_eq!(
            read.encode().as_deref(),
            Some(frame),
            "what we read we write"
        );
    }
    let mut joiner = SegmentJoiner::new(64);
    let mut rest = frame;
    while let Some((length, behind)) = rest.split_first() {
        let (notification, next) = behind.split_at(behind.len().min(usize::from(*length)));
        let joined = joiner.feed(notification);
        assert!(joined.record.is_none_or(|record| record.len() <= 64) && joiner.kept() <= 64);
        rest = next;
    }
}

/// A record's packets: what becomes a reading has its own id, and is the same after its way as an observation.
fn a_reading_comes_back(characteristic: u16, packets: &[Vec<u8>]) {
    let record = CapturedRecord {
        device: DeviceHandle("fuzz".to_owned()),
        characteristic,
        packets: packets.to_vec(),
        arrived: Moment::from_ms(1_718_471_847_000),
        utc_offset_min: 120,
        connection: [2; 16],
        ordinal: 0,
    };
    let identity = Identity {
        device: DeviceIdentity::Address([0xc4; 6]),
        provisional: false,
    };
    let Ok(read) = to_reading(&record, &SessionFacts::default(), &identity, [1; 16]) else {
        return;
    };
    assert!(read.computed_id() == Ok(read.id), "the id is its own");
    let gateway = Gateway {
        install: [1; 16],
        software: "fuzz".to_owned(),
    };
    let line = reading::to_observation(&read, &"ab".repeat(16), &gateway);
    let back = reading::from_observation(&line).expect("what we write we read");
    assert!(back.reading == read, "nothing is lost on the way");
}

/// The frame as a stream of packets, each behind its length: none is lost, whatever belongs together.
fn packets_come_back(characteristic: u16, mut stream: &[u8]) {
    let mut joiner = PacketJoiner::new(characteristic);
    let (mut sent, mut groups): (Vec<Vec<u8>>, Vec<_>) = (Vec::new(), Vec::new());
    while let Some((length, rest)) = stream.split_first() {
        let (packet, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        sent.push(packet.to_vec());
        groups.extend(joiner.push(packet.to_vec()));
        stream = rest;
    }
    groups.extend(joiner.end());
    for packets in [&sent].into_iter().chain(&groups) {
        a_reading_comes_back(characteristic, packets);
    }
    for group in &groups {
        if let Ok(record) = BloodPressureRecord::join(group, CheckSum::Absent) {
            let packets = record
                .encode(20, CheckSum::Present)
                .expect("20 bytes are room");
            assert!(
                BloodPressureRecord::join(&packets, CheckSum::Present) == Ok(record),
                "what we write we read"
            );
        }
        if let Ok(whole) = BodyCompositionFrame::join(group) {
            assert!(
                group.len() == 1 || !whole.multiple_packet,
                "two packets are one measurement"
            );
        }
    }
    assert!(groups.concat() == sent, "each packet once, in its order");
}

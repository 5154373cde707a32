//! One function for each reader of bytes from outside: any bytes go in, and what must hold of the answer is asserted.
//!
//! Called by the fuzz targets beside it, and by the journey `corpus`, which replays what they found.

use reading::Gateway;
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
            assert_eq!(chain.newest().map(|newest| newest.roster.n), held, "a refused line changes nothing");
        }
    }
}

/// The headers of a signed request: `Signature-Input`, LF, `Signature`, LF, `Content-Digest`.
pub fn request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (input, signature) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    if let Ok(signed) = Signed::parse(input, signature, lines.next()) {
        let parts = Parts { method: "GET", authority: "r.example", path: "/v1/links", query: "after=0", digest: None };
        assert!(signed.verify(&parts, &SigningKey::from_seed(&[9; 32]).public()).is_err(), "nobody has that key");
    }
}

/// The outer shape of a sealed file, as relay and post check it, and the texts that stand around it.
pub fn sealed(bytes: &[u8]) {
    if let Ok(sealed) = Sealed::parse(bytes.to_vec()) {
        assert_eq!(sealed.bytes(), bytes, "what was read is what was there");
        assert!((1..=wire::MAX_STANZAS).contains(&sealed.hybrid_stanzas()));
    }
    if let Ok(read) = b64u::decode(bytes) {
        assert_eq!(b64u::encode(read).as_bytes(), bytes, "one value has one text");
    }
    // Its answer is the point: it must come, whatever the bytes.
    let _checked = json::check(bytes);
}

/// One line of a `readings` envelope: FHIR in, the same FHIR out.
pub fn observation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = reading::from_observation(text) {
        // A typed reading names no gateway, and is written the same with any.
        let gateway = read.gateway.clone().unwrap_or(Gateway { install: [0; 16], software: String::new() });
        let again = reading::to_observation(&read.reading, &read.link, &gateway);
        let back = reading::from_observation(&again).expect("what we write we read");
        assert_eq!(back.reading, read.reading, "nothing is lost on the way");
    }
}

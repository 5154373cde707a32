//! What fuzzing found worth keeping, and good input, replayed through every reader of bytes from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail here"
)]

#[path = "../../fuzz/src/lib.rs"]
mod outside;

use std::path::Path;

/// REQ-FUZZ-001: every reader answers every kept input, and keeps its promises about it.
#[test]
fn every_seed_is_answered() {
    type Reader = fn(&[u8]);
    let readers: [(&str, Reader); 8] = [
        ("roster", outside::roster),
        ("request", outside::request),
        ("sealed", outside::sealed),
        ("observation", outside::observation),
        ("envelope", outside::envelope),
        ("invite", outside::invite),
        ("join", outside::join),
        ("decoder", outside::decoder),
    ];
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, reader) in readers {
        let mut replayed = 0;
        for file in std::fs::read_dir(seeds.join(name)).unwrap() {
            reader(&std::fs::read(file.unwrap().path()).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "{name} has seeds");
    }
}

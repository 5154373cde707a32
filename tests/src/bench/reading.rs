//! From a cuff's frame to one line of FHIR, and back, per reading. No peer does both; the goals are times.

use super::{Better, Figure, mean};
use anyhow::ensure;
use reading::{Gateway, from_observation, to_observation};
use std::time::Duration;

/// 124/86 mmHg, mean 97, 2024-06-15 17:17:27, pulse 51.
const FRAME: &str = "167c0056006100e807060f11111b33000000";

/// Decoding, writing FHIR, reading FHIR.
///
/// # Errors
/// When the frame does not become a reading.
pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let frame = reading::from_hex(FRAME)?;
    let sample = crate::sample::reading(&frame)?;
    let gateway = Gateway {
        install: [0; 16],
        software: "teleward bench".into(),
    };
    let link = "11".repeat(16);
    let line = to_observation(&sample, &link, &gateway);
    ensure!(
        from_observation(&line)?.reading == sample,
        "the line does not come back as it went"
    );

    let micros = |d: Duration| d.as_secs_f64() * 1e6;
    let decode = mean(|| {
        std::hint::black_box(crate::sample::decode(std::hint::black_box(&frame))).ok();
    });
    let write = mean(|| {
        std::hint::black_box(to_observation(
            std::hint::black_box(&sample),
            &link,
            &gateway,
        ));
    });
    let read = mean(|| {
        std::hint::black_box(from_observation(std::hint::black_box(&line))).ok();
    });
    Ok(vec![
        Figure::alone(
            "decode one 2A35 frame",
            micros(decode),
            "µs",
            Some(5.0),
            Better::Lower,
        ),
        Figure::alone(
            "reading to one line of FHIR",
            micros(write),
            "µs",
            Some(30.0),
            Better::Lower,
        ),
        Figure::alone(
            "one line of FHIR to reading",
            micros(read),
            "µs",
            None,
            Better::Lower,
        ),
    ])
}

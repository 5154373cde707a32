//! Home devices: decoding each kind of frame, FHIR for each kind of reading, and what a virtual cuff and a virtual meter
//! cost in a QEMU guest (`tests/radio/run --measure N --transfer M`), beside bumble's own central.

use super::{Better, Figure, mean, screen};
use crate::sample;
use anyhow::{Context as _, ensure};
use device::{
    BloodPressureFeature, BloodPressureFrame, BodyCompositionFeature, BodyCompositionFrame,
    CgmFeature, CgmFrame, CgmSessionRunTime, CgmSessionStart, CgmStatusFrame, ContinuousFrame,
    CurrentTime, DecodeError, ElapsedTime, EnhancedBloodPressureFrame, EnhancedCuffPressureFrame,
    GlucoseContextFrame, GlucoseFeature, GlucoseFrame, HealthObservation, HealthSensorFeatures,
    HeartRateFrame, LocalTimeInformation, OximeterFeature, RecordAccess, RecordSegment, Segment,
    SpotCheckFrame, StoredObservation, SystemId, TemperatureFrame, UserRequest, WeightFeature,
    WeightFrame,
};
use reading::{Gateway, Kind, to_observation};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Readings from a cuff's first advertisement on.
const READINGS: u32 = 30;
/// Records in the memory of the meter.
const RECORDS: u32 = 1_000;

/// What the transfers may take, on a busy machine.
const UNTIL_TAKEN: Duration = Duration::from_secs(1_200);

/// What reads a frame, and forgets it.
type Read = fn(&[u8]) -> Result<(), DecodeError>;

/// One decoder, with a frame in which most of what it knows is set.
struct Decoder {
    characteristic: &'static str,
    frame: &'static str,
    read: Read,
}

macro_rules! decoders {
    ($($characteristic:literal $frame:literal $read:expr;)*) => {
        [$(Decoder {
            characteristic: $characteristic,
            frame: $frame,
            read: |frame| { black_box($read(frame)?); Ok(()) },
        }),*]
    };
}

/// Every decoder of a frame that a home device sends.
const DECODERS: [Decoder; 33] = decoders! {
    "2a35" "1678004c005900ea07010b070a0042000000" BloodPressureFrame::decode;
    "2a49" "3f00" BloodPressureFeature::decode;
    "2b34" "7e7c00560061002789002e330001040047a5002e" EnhancedBloodPressureFrame::decode;
    "2b35" "7f64002789002e330001040047a5002e" EnhancedCuffPressureFrame::decode;
    "2b36" "030700342b7e7c00560061002789002e330001040047a5002e6e12" RecordSegment::decode;
    "2a18" "132a00ea070b18071e00c4ff62b011" GlucoseFrame::decode;
    "2a34" "ff0000b303640004123c003204d3e459f1" GlucoseContextFrame::decode;
    "2a51" "2102" GlucoseFeature::decode;
    "2aa7" "08005f0005007f3008005f0006007f30" CgmFrame::decode;
    "2aa8" "00100059f049" CgmFeature::decode;
    "2aa9" "3c00010000b5c9" CgmStatusFrame::decode;
    "2aaa" "ea070b1c070a0004007f6d" CgmSessionStart::decode;
    "2aab" "a8008791" CgmSessionRunTime::decode;
    "2a1c" "06710e00fee807060f11111b02" TemperatureFrame::decode;
    "2a37" "1f48000a000004aa02" HeartRateFrame::decode;
    "2a5e" "1fcff30910e807060f11111b20012300801df0" SpotCheckFrame::decode;
    "2a5f" "1f6100480062004a0060004600c0000008000a00" ContinuousFrame::decode;
    "2a60" "ff00e0ffffff00" OximeterFeature::decode;
    "2a9d" "0ec841e807060f11111bfff500d606" WeightFrame::decode;
    "2a9e" "bf010000" WeightFeature::decode;
    "2a9c" "fe0feb00e807060f11111b036419a701801b0032802ff0230314c841d606" BodyCompositionFrame::decode;
    "2a9b" "ffbf0100" BodyCompositionFeature::decode;
    "2b8b segment" "17ff2f00420022729d2b2900000600013c4c0200" Segment::decode;
    "2b8b joined" "ff2f00420022729d2b2900000600013c4c020002010c000100b84b0200200262000000010c0001001a480200a00a62000000" HealthObservation::decode;
    "2bdd joined" "07000000010c000100b84b0200200262000000" StoredObservation::decode;
    "2bf3" "0101b84b02000104100801" HealthSensorFeatures::decode;
    "2bf2" "22729d2b2900000600" ElapsedTime::decode;
    "2a2b" "e807060f11111b068003" CurrentTime::decode;
    "2a0f" "0404" LocalTimeInformation::decode;
    "2a52" "05000201" RecordAccess::decode_response;
    "2a9f" "0203d204" UserRequest::decode;
    "2a23" "debc9afeff563412" SystemId::decode;
    "2a19" "64" device::information::battery_percent;
};

/// A record of each kind of reading.
fn record(kind: Kind) -> Option<(u16, &'static [&'static str])> {
    Some(match kind {
        Kind::BloodPressure => (0x2a35, &["167c0056006100e807060f11111b33000000"]),
        Kind::Weight => (0x2a9d, &["0ec841e807060f0d331e020701fe06"]),
        Kind::Temperature => (0x2a1c, &["06380e00fee807060f0d331e06"]),
        Kind::Spo2 => (0x2a5e, &["0161004200e807060f0d331e"]),
        Kind::Glucose => (0x2a18, &["1e0700e807060f0d331e47b2f80008", "02070003"]),
        Kind::HeartRate => (0x2a37, &["163dee03"]),
        Kind::BodyComposition => (0x2a9c, &["0210ea00e807060f0d331e", "0010ea00"]),
        Kind::GlucoseCgm => (0x2aa7, &["060078003c00", "e807060f0d331e0400"]),
        Kind::Observation => (
            0x2bdd,
            &["080000000115000300\
               0a50020022843e002e00000100e00a8c0000ff"],
        ),
        // A kind that is new since.
        _ => return None,
    })
}

/// All of it: what needs no guest first.
///
/// # Errors
/// When a frame is refused, or the guest's part fails.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = decoding()?;
    figures.extend(fhir()?);
    let words = ["--transfer".to_owned(), RECORDS.to_string()];
    figures.extend(screen::in_guest(READINGS, &words, UNTIL_TAKEN).await?);
    Ok(figures)
}

/// Each decoder by itself, and all frames one after the other, on one core.
fn decoding() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut batch = Vec::new();
    for decoder in &DECODERS {
        let frame = reading::from_hex(decoder.frame)?;
        (decoder.read)(&frame)
            .with_context(|| format!("the frame of {}", decoder.characteristic))?;
        let took = mean(|| {
            // It was read a moment ago.
            (decoder.read)(black_box(&frame)).ok();
        });
        figures.push(Figure::alone(
            &format!("decode one {} frame", decoder.characteristic),
            micros(took),
            "µs",
            Some(5.0),
            Better::Lower,
        ));
        batch.push((decoder.read, frame));
    }
    let start = Instant::now();
    let mut frames = 0_u32;
    while start.elapsed() < Duration::from_secs(2) {
        for _ in 0..1_000 {
            for (read, frame) in &batch {
                read(black_box(frame))?;
                frames += 1;
            }
        }
    }
    let rate = f64::from(frames) / start.elapsed().as_secs_f64();
    figures.push(Figure::alone(
        "decode a batch of all these frames, one core",
        rate,
        "frames/s",
        Some(1e6),
        Better::Higher,
    ));
    Ok(figures)
}

fn fhir() -> anyhow::Result<Vec<Figure>> {
    let gateway = Gateway {
        install: [0; 16],
        software: "teleward bench".into(),
    };
    let link = "11".repeat(16);
    Kind::ALL
        .into_iter()
        .map(|kind| {
            let sample = sample(kind)?;
            let took = mean(|| {
                black_box(to_observation(black_box(&sample), &link, &gateway));
            });
            Ok(Figure::alone(
                &format!("reading to one line of FHIR: {}", kind.name()),
                micros(took),
                "µs",
                Some(30.0),
                Better::Lower,
            ))
        })
        .collect()
}

fn sample(kind: Kind) -> anyhow::Result<reading::Reading> {
    let (characteristic, packets) =
        record(kind).with_context(|| format!("no record of the kind {}", kind.name()))?;
    let packets = packets.iter().map(|hex| reading::from_hex(hex));
    let sample = sample::of(characteristic, packets.collect::<Result<_, _>>()?)?;
    ensure!(sample.kind() == kind, "the record of another kind");
    Ok(sample)
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-BENCH-010: what is timed is really read: each decoder takes its frame whole, and refuses half of it where
    /// half is no frame.
    #[test]
    fn every_decoder_reads_its_frame() {
        for decoder in &DECODERS {
            let frame = reading::from_hex(decoder.frame).unwrap();
            assert!((decoder.read)(&frame).is_ok(), "{}", decoder.characteristic);
            assert!((decoder.read)(&[]).is_err(), "{}", decoder.characteristic);
        }
    }

    /// REQ-BENCH-010: every kind of reading has a record that becomes one.
    #[test]
    fn every_kind_has_a_record() {
        for kind in Kind::ALL {
            assert_eq!(sample(kind).unwrap().kind(), kind);
        }
    }
}

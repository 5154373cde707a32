//! Records of every family as readings: what stands in the frame stands in the reading, digit for digit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test's way to fail

use reading::{DeviceIdentity, Kind, Moment, Reading, TimeBasis, from_hex};
use teleward_device::{
    CapturedRecord, DecodeError, DeviceHandle, Identity, SessionFacts, to_reading,
};

/// 2024-06-15T12:00:00Z, 14:00 at home.
const NOON: i64 = 1_718_452_800_000;

fn record(characteristic: u16, packets: &[&str]) -> CapturedRecord {
    CapturedRecord {
        device: DeviceHandle("a".to_owned()),
        characteristic,
        packets: packets.iter().map(|hex| from_hex(hex).unwrap()).collect(),
        arrived: Moment::from_ms(NOON),
        utc_offset_min: 120,
        connection: [7; 16],
        ordinal: 0,
    }
}

fn read(characteristic: u16, packets: &[&str]) -> Result<Reading, DecodeError> {
    let identity = Identity {
        device: DeviceIdentity::Address([0xc4; 6]),
        provisional: false,
    };
    to_reading(
        &record(characteristic, packets),
        &SessionFacts::default(),
        &identity,
        [1; 16],
    )
}

/// The numbers as `name value unit`, the coded statements as `name code`.
fn told(reading: &Reading) -> String {
    let parts = reading.measurement.parts();
    let numbers = parts.values.iter().map(|value| {
        let number = value
            .number
            .map_or("–".to_owned(), |number| number.to_string());
        format!("{} {number} {}", value.name, value.unit)
    });
    let coded = parts
        .coded
        .iter()
        .map(|coded| format!("{} {}", coded.name, coded.code));
    numbers.chain(coded).collect::<Vec<_>>().join(", ")
}

/// REQ-READING-027: a frame of each family becomes a reading of its kind with the digits, the time and the number that
/// the device sent.
#[test]
fn each_family_becomes_its_own_kind() {
    for (characteristic, packets, kind, wanted, doubts) in [
        (
            0x2a9d,
            &["0ec841e807060f0d331e020701fe06"][..],
            Kind::Weight,
            "weight 84.200 kg, bmi 26.3 kg/m2, height 179.0 cm",
            &["clock_not_read"][..],
        ),
        (
            0x2a9d,
            &["0f8348e807060f0d331eff0701c102"],
            Kind::Weight,
            "weight 185.63 [lb_av], bmi 26.3 kg/m2, height 70.5 [in_i]",
            &["clock_not_read", "user_unknown"],
        ),
        (
            0x2a9d,
            &["00ffff"],
            Kind::Weight,
            "weight nan kg",
            &["measurement_failed", "no_device_time"],
        ),
        (
            0x2a9c,
            &["0210ea00e807060f0d331e", "0010ea00"],
            Kind::BodyComposition,
            "fat_percent 23.4 %",
            &["clock_not_read"],
        ),
        (
            0x2a1c,
            &["06380e00fee807060f0d331e06"],
            Kind::Temperature,
            "temperature 36.40 Cel, site 6",
            &["clock_not_read"],
        ),
        (
            0x2a5e,
            &["0161004200e807060f0d331e"],
            Kind::Spo2,
            "spo2 97 %, pulse_rate 66 /min",
            &["clock_not_read"],
        ),
        (
            0x2a5e,
            &["1161000000e807060f0d331e"],
            Kind::Spo2,
            "spo2 97 %",
            &["device_time_unusable"],
        ),
        (
            0x2a5e,
            &["02610042000004"],
            Kind::Spo2,
            "spo2 – %",
            &["no_device_time", "not_from_patient"],
        ),
        (
            0x2a18,
            &["0b0700e807060f0d331ec4ff69b0110000"],
            Kind::Glucose,
            "glucose 105 mg/dL, sample_type 1, sample_location 1, time_offset_min -60",
            &["clock_not_read"],
        ),
        (
            0x2a18,
            &["1e0700e807060f0d331e47b2f80008", "02070003"],
            Kind::Glucose,
            "glucose 5.83 mmol/L, sample_type 8, sample_location 15, meal 3, context 1",
            &["device_time_unusable"],
        ),
        (
            0x2a18,
            &["0a0700e807060f0d331e69b04a0000"],
            Kind::Glucose,
            "glucose – mg/dL, sample_type 10, sample_location 4",
            &["clock_not_read", "control_solution"],
        ),
        (
            0x2a37,
            &["163dee03"],
            Kind::HeartRate,
            "heart_rate 61 /min, contact 1",
            &[],
        ),
    ] {
        let reading = read(characteristic, packets).unwrap();
        assert_eq!(reading.kind(), kind);
        assert_eq!(told(&reading), wanted);
        let said: Vec<_> = reading.doubts.iter().map(|doubt| doubt.code()).collect();
        assert_eq!(said, doubts, "{wanted}");
        assert_eq!(reading.computed_id(), Ok(reading.id), "{wanted}");
    }
}

/// REQ-READING-028: a meter's record is told by its sequence number, keeps its base time as sent, and stands at the time
/// that the meter showed; a time that the meter itself calls wrong places nothing.
#[test]
fn a_meter_s_time_and_number_are_kept_as_sent() {
    let reading = read(0x2a18, &["0b0700e807060f0d331ec4ff69b0110000"]).unwrap();
    let device = reading.device().unwrap();
    assert_eq!(device.record_number, [7, 0]);
    assert_eq!(
        reading.timing.device_time.unwrap().to_string(),
        "2024-06-15T13:51:30"
    );
    // An hour back, at +02:00.
    assert_eq!(reading.timing.effective.ms(), NOON - 4_110_000);
    assert_eq!(reading.timing.basis, TimeBasis::DeviceAsSent);
    assert!(reading.may_be_merged());
    let fault = read(0x2a18, &["0b0800e807060f0d331ec4ff69b0110008"]).unwrap();
    assert!(fault.device().unwrap().clock_fault);
    assert_eq!(fault.timing.basis, TimeBasis::Arrival);
    assert!(fault.may_be_merged(), "its number is its own");
    let unset = read(0x2a5e, &["1161004200e807060f0d331e"]).unwrap();
    assert!(
        !unset.may_be_merged(),
        "a clock that was not set tells nothing apart"
    );
}

#[test]
fn what_is_never_a_reading_and_packets_that_do_not_belong_together_are_refused() {
    for (characteristic, packets) in [
        (
            0x2a18,
            &["0b0700e807060f0d331ec4ff69b0110000", "02080003"][..],
        ),
        (0x2a9d, &["00c841", "00c841"]),
        (0x2a5e, &["0061004200", "0061004200"]),
    ] {
        assert_eq!(read(characteristic, packets).unwrap_err().code(), "packets");
    }
    for characteristic in [0x2a36, 0x2a1e, 0x2a5f, 0x2a34] {
        let error = read(characteristic, &["00"]).unwrap_err();
        assert_eq!(error, DecodeError::NotAReading { characteristic });
    }
}

//! Readings for the observation tests.
#![allow(dead_code)] // each test binary uses its part

mod kinds;
mod measured;
pub mod mutants;
mod observed;

pub use kinds::kinds;
pub use measured::*;
pub use observed::*;
use std::path::{Path, PathBuf};
use teleward_reading::*;

pub const LINK: &str = "00112233445566778899aabbccddeeff";
pub const NOON: i64 = 1_718_452_800_000;

pub fn gateway() -> Gateway {
    Gateway {
        install: [0xa1; 16],
        software: "0.1.0".to_owned(),
    }
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/fhir")
}

pub fn finished(mut reading: Reading) -> Reading {
    reading.id = reading.computed_id().unwrap();
    reading
}

/// A cuff's reading with all that a frame and a device can say.
pub fn full() -> Reading {
    let shown = DeviceTime::from_civil(jiff::civil::date(2024, 6, 15).at(13, 54, 0, 0));
    let time = DeviceTime::from_civil(jiff::civil::date(2024, 6, 15).at(13, 51, 30, 0));
    let mut raw = shown.bytes().to_vec();
    raw.extend([6, 0, 0]);
    finished(Reading {
        id: ReadingId([0; 32]),
        measurement: Measurement::BloodPressure(BloodPressure {
            systolic: Number::of(124, 0),
            diastolic: Number::of(860, -1),
            mean_arterial: Some(Number::of(97, 0)),
            pulse_rate: Some(Number::of(510, -1)),
            unit: PressureUnit::MmHg,
            user_slot: Some(1),
            status: Some(BloodPressureStatus(0x0025)),
        }),
        timing: Timing {
            effective: Moment::from_ms(NOON - 150_000),
            basis: TimeBasis::DeviceClock,
            utc_offset_min: 120,
            arrived: Moment::from_ms(NOON - 250),
            elapsed: None,
            device_time: Some(time),
            clock: Some(ClockReading {
                raw,
                shown,
                read_at: Moment::from_ms(NOON),
                set_at: Some(Moment::from_ms(NOON + 4_000)),
            }),
        },
        source: Source::Device(Box::new(DeviceSource {
            identity: DeviceIdentity::SystemId([0, 0x60, 0x19, 0, 1, 0x0e, 0x92, 0x34]),
            facts: DeviceFacts {
                maker: Some("Acme \"Präzision\"".to_owned()),
                model: Some("BP-7".to_owned()),
                serial: Some("2021A0b".to_owned()),
                firmware: Some("1.4".to_owned()),
                hardware: Some("B".to_owned()),
                software: Some("3.0.1".to_owned()),
                system_id: Some([0, 0x60, 0x19, 0, 1, 0x0e, 0x92, 0x34]),
                address: Some([0xc4; 6]),
            },
            characteristic: 0x2a35,
            packets: vec![vec![0x1e, 0x7c, 0x00, 0x5c, 0xf3, 0x61, 0x00]],
            decoder: "1".to_owned(),
            record_number: Vec::new(),
            clock_fault: false,
            extra: Vec::new(),
            place: Place {
                install: [0xa1; 16],
                connection: [0xc2; 16],
                ordinal: 0,
            },
        })),
        doubts: vec![Doubt::Disturbed],
    })
}

/// A cuff's reading with nothing that could be left out.
pub fn least() -> Reading {
    let mut reading = full();
    reading.measurement = Measurement::BloodPressure(BloodPressure {
        systolic: Number::of(128, 0),
        diastolic: Number::of(82, 0),
        mean_arterial: Some(Number::NotANumber),
        pulse_rate: None,
        unit: PressureUnit::MmHg,
        user_slot: None,
        status: None,
    });
    reading.timing = Timing {
        effective: Moment::from_ms(NOON),
        basis: TimeBasis::Arrival,
        utc_offset_min: 0,
        arrived: Moment::from_ms(NOON),
        elapsed: None,
        device_time: None,
        clock: None,
    };
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.identity = DeviceIdentity::Address([0xc4; 6]);
    device.facts = DeviceFacts::default();
    device.packets = vec![vec![0x00, 0x80, 0x00, 0x52, 0x00, 0xff, 0x07]];
    device.place.ordinal = 3;
    reading.doubts = vec![Doubt::NoDeviceTime];
    finished(reading)
}

/// A reading of another kind by the same device, in its own frame.
pub fn of_kind(measurement: Measurement, characteristic: u16, frames: &[&str]) -> Reading {
    let mut reading = full();
    reading.doubts = Doubt::in_order(measurement.doubts());
    reading.measurement = measurement;
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.characteristic = characteristic;
    device.packets = frames.iter().map(|hex| from_hex(hex).unwrap()).collect();
    finished(reading)
}

/// The device's own number of the record.
pub fn numbered(mut reading: Reading, number: &[u8]) -> Reading {
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    device.record_number = number.to_vec();
    finished(reading)
}

pub fn with(mut reading: Reading, change: impl FnOnce(&mut BloodPressure)) -> Reading {
    match &mut reading.measurement {
        Measurement::BloodPressure(values) => change(values),
        _ => unreachable!(),
    }
    finished(reading)
}

pub fn typed(unit: PressureUnit, pulse_rate: Option<Decimal>) -> Reading {
    let (systolic, diastolic) = match unit {
        PressureUnit::MmHg => (Decimal::new(131, 0), Decimal::new(79, 0)),
        PressureUnit::KPa => (Decimal::new(1740, -2), Decimal::new(105, -1)),
    };
    typed_values(TypedValues::BloodPressure {
        systolic,
        diastolic,
        pulse_rate,
        unit,
    })
}

pub fn typed_values(values: TypedValues) -> Reading {
    typed_reading(&TypedForm {
        install: [0xa1; 16],
        draft: [0xd4; 16],
        values,
        measured: Moment::from_ms(NOON - 3_600_000),
        utc_offset_min: -210,
        typed: Moment::from_ms(NOON),
    })
    .unwrap()
}

pub fn failed() -> Reading {
    let failed = with(full(), |values| {
        values.systolic = Number::NotANumber;
        values.diastolic = Number::NotANumber;
        values.mean_arterial = Some(Number::NotANumber);
        values.pulse_rate = Some(Number::NotANumber);
        values.status = Some(BloodPressureStatus(0));
    });
    Reading {
        doubts: vec![Doubt::MeasurementFailed],
        ..failed
    }
}

/// A cuff's reading out of its memory, with its number.
pub fn record() -> Reading {
    let mut reading = full();
    let Source::Device(device) = &mut reading.source else {
        unreachable!()
    };
    let record = "032a01342b7e7c005cf36100c23c002efef1012500e258002e";
    device.characteristic = 0x2b36;
    device.packets = vec![from_hex(record).unwrap()];
    numbered(reading, &[0x2a, 0x01])
}

/// The device's clock could not be read.
pub fn unsure() -> Reading {
    let mut reading = full();
    reading.timing.basis = TimeBasis::DeviceAsSent;
    reading.timing.clock = None;
    reading.doubts = vec![Doubt::Disturbed, Doubt::ClockNotRead];
    finished(reading)
}

/// The device does not know the year.
pub fn clock_lost() -> Reading {
    let mut reading = full();
    reading.timing.basis = TimeBasis::Arrival;
    reading.timing.effective = reading.timing.arrived;
    reading.timing.device_time = Some(DeviceTime::from_bytes([0, 0, 6, 15, 13, 51, 30]));
    if let Some(clock) = &mut reading.timing.clock {
        clock.shown = DeviceTime::from_bytes([0, 0, 1, 1, 0, 0, 9]);
        clock.raw = vec![0, 0, 1, 1, 0, 0, 9, 0, 0, 0];
    }
    reading.doubts = vec![Doubt::Disturbed, Doubt::DeviceTimeUnusable];
    finished(reading)
}

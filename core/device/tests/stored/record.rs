//! What a device of each service keeps and sends for a measurement; no two are alike.

use crate::meter::Kept;
use reading::{DeviceTime, Number, PressureUnit};
use teleward_device::health_sensor::{Value, segments};
use teleward_device::{
    BloodPressureRecord, CgmCrc, CgmRecord, CgmStatus, CheckSum, EnhancedBloodPressureFrame,
    EnhancedFields, Epoch, Exercise, GlucoseConcentration, GlucoseContextFrame, GlucoseFrame,
    GlucoseSample, GlucoseUnit, HealthObservation, SpotCheckFrame, StoredObservation,
    StoredService,
};

/// A measurement that a device makes.
#[derive(Clone, Copy)]
pub struct Made {
    /// Which one since it was made, from 1.
    pub number: u32,
    pub sequence: u32,
    pub user: Option<u8>,
    pub with_context: bool,
}

impl Made {
    fn time(self) -> DeviceTime {
        let part = |of: u32| u8::try_from(of).unwrap();
        let (day, hour) = (self.number / 1440 + 1, self.number / 60 % 24);
        let minute = self.number % 60;
        DeviceTime::from_bytes([0xea, 7, 11, part(day), part(hour), part(minute), 0])
    }

    fn short(self) -> u16 {
        u16::try_from(self.sequence).unwrap()
    }
}

/// The measurement, and its context.
pub fn body(service: StoredService, made: Made) -> (Vec<u8>, Option<Vec<u8>>) {
    match service {
        StoredService::Glucose => glucose(made),
        StoredService::ContinuousGlucose => (sensed(made), None),
        StoredService::HealthSensor => (observed(made), None),
        StoredService::Oximeter => (spot_check(made), None),
        StoredService::BloodPressure => (pressure(made), None),
        _ => panic!("a service that this model does not know"),
    }
}

fn glucose(made: Made) -> (Vec<u8>, Option<Vec<u8>>) {
    let frame = GlucoseFrame {
        sequence: made.short(),
        time: made.time(),
        time_offset_min: None,
        concentration: Some(GlucoseConcentration {
            value: Number::of(95, -5),
            sample: GlucoseSample::new(1, 1),
        }),
        unit: GlucoseUnit::KgPerL,
        status: None,
        context_follows: made.with_context,
        extra: Vec::new(),
    };
    let [low, high] = made.short().to_le_bytes();
    let context = GlucoseContextFrame {
        exercise: Some(Exercise {
            duration_s: u16::try_from(made.number).unwrap(),
            intensity_percent: 1,
        }),
        ..GlucoseContextFrame::decode(&[2, low, high, 1]).unwrap()
    };
    let context = made.with_context.then(|| context.encode().unwrap());
    (frame.encode().unwrap(), context)
}

fn sensed(made: Made) -> Vec<u8> {
    let record = CgmRecord {
        glucose: Number::of(made.number.into(), 0),
        time_offset_min: made.short(),
        status: CgmStatus::default(),
        trend: None,
        quality: None,
        crc: Some(CgmCrc::Fits),
        extra: Vec::new(),
    };
    record.encode().unwrap()
}

fn observed(made: Made) -> Vec<u8> {
    let value = Value::Numeric {
        unit: 544,
        value: Number::of(made.number.into(), 0),
    };
    StoredObservation {
        record_number: made.sequence,
        observation: HealthObservation::of(Some(150_456), value),
    }
    .encode()
    .unwrap()
}

fn spot_check(made: Made) -> Vec<u8> {
    let plain = SpotCheckFrame::decode(&[0, 98, 0, 60, 0]).unwrap();
    SpotCheckFrame {
        time: Some(made.time()),
        ..plain
    }
    .encode()
    .unwrap()
}

fn pressure(made: Made) -> Vec<u8> {
    let frame = EnhancedBloodPressureFrame {
        systolic: Number::of(124, 0),
        diastolic: Number::of(86, 0),
        mean_arterial: Number::of(97, 0),
        fields: EnhancedFields {
            unit: PressureUnit::MmHg,
            epoch: Epoch::Y2000,
            time: Some(made.number * 60),
            pulse_rate: Some(Number::of(51, 0)),
            user_slot: made.user,
            status: None,
            user_facing_time: None,
            extra: Vec::new(),
        },
    };
    frame.encode().unwrap()
}

/// What is notified for these records. The counter runs on from record to record.
pub fn packets(service: StoredService, records: &[Kept], counter: &mut u8) -> Vec<(u16, Vec<u8>)> {
    match service {
        StoredService::Glucose => {
            let sent = records.iter().flat_map(|one| {
                let context = one.context.iter();
                let context = context.map(|context| (0x2a34, context.clone()));
                std::iter::once((0x2a18, one.measurement.clone())).chain(context)
            });
            sent.collect()
        }
        // Two of them in a notification.
        StoredService::ContinuousGlucose => {
            let pairs = records.chunks(2);
            let joined = pairs.map(|pair| pair.iter().flat_map(|one| one.measurement.clone()));
            joined.map(|bytes| (0x2aa7, bytes.collect())).collect()
        }
        StoredService::HealthSensor => {
            let sent = records.iter().flat_map(|one| {
                let (cut, next) = segments(&one.measurement, *counter, 9);
                *counter = next;
                cut
            });
            sent.map(|segment| (0x2bdd, segment)).collect()
        }
        StoredService::BloodPressure => {
            let sent = records.iter().flat_map(|one| {
                let record = BloodPressureRecord {
                    sequence: u16::try_from(one.sequence).unwrap(),
                    recorded: 0x2b34,
                    value: one.measurement.clone(),
                };
                record.encode(16, CheckSum::Present).unwrap()
            });
            sent.map(|segment| (0x2b36, segment)).collect()
        }
        _ => {
            let sent = records.iter();
            sent.map(|one| (0x2a5e, one.measurement.clone())).collect()
        }
    }
}

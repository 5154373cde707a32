//! A simulated cuff: the script of its radio, and the frames of its measurements.

use device::{BloodPressureFrame, DeviceHandle, Script, ScriptedRadio};
use jiff::civil::DateTime;
use reading::{BloodPressureStatus, Decimal, DeviceTime, Moment, Number, PressureUnit};
use serde_json::json;

use super::beside;
use super::people::{Habit, Person};

/// The cuff's handle on its patient's radio.
const HANDLE: &str = "cuff";
/// Morning and evening of a week: what a cuff holds before it is paired.
const STORED: i64 = 14;
/// Somebody without a network for two days: this many of the last are not there.
const NOT_HEARD: i64 = 4;
/// A cuff that fails does so for as many as that.
const FAILED: i64 = 2;
const HALF_DAY_HOURS: i64 = 12;

/// One patient's cuff, and the radio on which it is near.
pub struct Cuff {
    person: Person,
    radio: ScriptedRadio,
    taken: i64,
    stored: i64,
}

impl Cuff {
    /// A cuff near a phone; `now` is the wall time at the patient's home, `offset_min` its offset from UTC.
    pub fn near(
        person: Person,
        bonded: bool,
        now: DateTime,
        offset_min: i16,
        at: Moment,
    ) -> anyhow::Result<Self> {
        let serial = format!("TW{:06}", 4711 + person.index);
        // One connection in four times out first, as at home.
        let faults = if person.habit == Habit::CuffFails {
            json!([{ "call": "connect", "fault": "timeout", "times": 1 }])
        } else {
            json!([])
        };
        let hex = |text: &str| {
            text.bytes()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let mut devices = beside::script(&person, bonded);
        devices.insert(
            0,
            json!({
                "device": HANDLE,
                "name": format!("Cuff {}", &serial[4..]),
                "address": format!("c0ffee{:06x}", person.index),
                "values": {
                    "180a/2a29": hex("Example Instruments"),
                    "180a/2a24": hex("Upper Arm 7"),
                    "180a/2a25": hex(&serial),
                },
                "clock_behind_s": 95,
                "needs_pairing": true,
                "bonded": bonded,
                "faults": faults,
            }),
        );
        let script = json!({ "utc_offset_min": offset_min, "devices": devices });
        let radio = ScriptedRadio::new(Script::parse(&script.to_string())?, at)?;
        Ok(Self {
            person,
            radio,
            taken: 0,
            stored: 0,
        })
        .and_then(|mut cuff: Self| {
            if bonded {
                Ok(cuff)
            } else {
                cuff.fill(now).map(|()| cuff)
            }
        })
    }

    /// The radio on which it is near.
    pub fn radio(&self) -> ScriptedRadio {
        self.radio.clone()
    }

    /// How many measurements it and what stands beside it held before they were paired.
    pub fn stored(&self) -> usize {
        usize::try_from(self.stored).unwrap_or_default()
    }

    /// How many devices are near, the cuff and what stands beside it.
    pub fn devices(&self) -> usize {
        1 + beside::handles(&self.person).len()
    }

    /// Whose it is.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Measures now.
    pub fn measure(&mut self, now: DateTime) {
        self.take(now, self.person.habit == Habit::CuffFails);
    }

    /// One occasion; gives how many measurements were made on it.
    fn take(&mut self, now: DateTime, fails: bool) -> i64 {
        self.taken += 1;
        let frame = if fails {
            failed(now)
        } else {
            measured(&self.person, self.taken, now)
        };
        if let Some(bytes) = frame.encode() {
            self.radio
                .push_frame(&DeviceHandle(HANDLE.to_owned()), bytes);
        }
        let mut made = 1;
        for (device, bytes) in beside::measured(&self.person, self.taken, now) {
            self.radio.push_frame(&device, bytes);
            made += 1;
        }
        made
    }

    /// What it measured before it was paired.
    fn fill(&mut self, now: DateTime) -> anyhow::Result<()> {
        let last = if self.person.habit == Habit::Offline {
            NOT_HEARD + 1
        } else {
            1
        };
        for ago in (last..=STORED).rev() {
            let fails = self.person.habit == Habit::CuffFails && ago <= FAILED;
            // Nobody measures on the stroke of the hour.
            let minutes = ago * HALF_DAY_HOURS * 60 + sway(&self.person, ago, 3, 50);
            self.stored += self.take(now.checked_sub(jiff::Span::new().minutes(minutes))?, fails);
        }
        Ok(())
    }
}

fn measured(person: &Person, n: i64, at: DateTime) -> BloodPressureFrame {
    let sway = |salt, width| sway(person, n, salt, width);
    let systolic = person.systolic + sway(1, 17) - 8;
    let diastolic = person.diastolic + sway(2, 11) - 5;
    let mean = diastolic + (systolic - diastolic) / 3;
    let number = |value| Number::Value(Decimal::new(value, 0));
    frame(
        [systolic, diastolic, mean, person.pulse + sway(3, 9)].map(number),
        at,
    )
}

/// A number below `width`, the same in each run.
fn sway(person: &Person, n: i64, salt: u64, width: i64) -> i64 {
    let seed = mix((person.index as u64) << 32 | n.unsigned_abs() << 4 | salt);
    i64::try_from(seed % width.unsigned_abs()).unwrap_or_default()
}

fn failed(at: DateTime) -> BloodPressureFrame {
    frame([Number::NotANumber; 4], at)
}

fn frame(
    [systolic, diastolic, mean_arterial, pulse]: [Number; 4],
    at: DateTime,
) -> BloodPressureFrame {
    BloodPressureFrame {
        systolic,
        diastolic,
        mean_arterial,
        unit: PressureUnit::MmHg,
        time: Some(DeviceTime::from_civil(at)),
        pulse_rate: Some(pulse),
        user_slot: None,
        status: Some(BloodPressureStatus(0)),
        extra: Vec::new(),
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): one number from another, well stirred; no secret depends on it.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

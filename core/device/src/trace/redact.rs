//! What is replaced before it is kept. The machine decides by lengths, by whether a time can be used, by whether two
//! frames are the same, and by how far a clock is off: these stay; everything else goes.

use super::line::{Bytes, Given, Input, Place};
use crate::blood_pressure::BloodPressureFrame;
use crate::body_composition::BodyCompositionFrame;
use crate::cgm::{CgmFrame, CgmSessionStart, CgmStatusFrame};
use crate::crc::with_crc;
use crate::glucose::{GlucoseConcentration, GlucoseFrame, GlucoseStatus};
use crate::heart_rate::HeartRateFrame;
use crate::stored::RECORD_ACCESS;
use jiff::civil;
use reading::{BloodPressureStatus, DeviceTime, Moment, Number};

/// When every redacted session began: 2000-01-01T00:00:00Z.
pub(super) fn began() -> Moment {
    Moment::from_ms(946_684_800_000)
}

/// An SFLOAT has room for 2,045 whole numbers; the steps that are kept of a session end not much later.
const MOST_DISTINCT: usize = 2_000;

/// Holds what was seen, so that the same bytes are replaced by the same, and others by others.
pub(super) struct Redactor {
    shift_ms: i64,
    seen: Vec<Vec<u8>>,
    /// The shares of fat that were seen.
    shares: Vec<[u8; 2]>,
}

impl Redactor {
    pub(super) fn new(began: Moment) -> Self {
        Self {
            shift_ms: self::began().ms_since(began),
            seen: Vec::new(),
            shares: Vec::new(),
        }
    }

    pub(super) fn redact(&mut self, input: &mut Input) {
        match input {
            Input::Value { of, bytes } => bytes.0 = self.measurement(*of, &bytes.0),
            Input::Answer {
                to,
                result: Given::Bytes(bytes),
                ..
            } => *bytes = Bytes(self.answer(to.as_ref().and_then(|to| to.of), &bytes.0)),
            _ => {}
        }
    }

    /// A measurement: as long as it was, its time moved, its numbers replaced by the place among the different ones.
    fn measurement(&mut self, of: Place, bytes: &[u8]) -> Vec<u8> {
        if of.0.characteristic.as_short() == Some(0x2aa7) {
            return self.sensor(bytes);
        }
        let place = self.place(bytes);
        let number = Number::of(i64::try_from(place % MOST_DISTINCT).unwrap_or(0), 0);
        let redacted = match of.0.characteristic.as_short() {
            Some(0x2a35) => self.blood_pressure(bytes, number),
            Some(0x2a18) => self.glucose(bytes, number),
            Some(0x2a9c) => self.body_composition(bytes, place),
            Some(0x2a37) => Some(heart_rate(bytes, place)),
            // A context belongs to a measurement by its sequence number, bytes 1 and 2.
            Some(0x2a34) => Some(keeping(3, bytes, place)),
            Some(0x2b8b) => Some(keeping(1, bytes, place)),
            // The segment's header, and at the first segment the record's number.
            Some(0x2bdd) => Some(keeping(
                if bytes.first().is_some_and(|b| b & 1 == 1) {
                    5
                } else {
                    1
                },
                bytes,
                place,
            )),
            // Which request of a user ended how, and a slot; a code is only ever written.
            Some(0x2a9f) => Some(bytes.to_vec()),
            // How many records, from which number on: nothing about a person.
            Some(RECORD_ACCESS) => Some(bytes.to_vec()),
            _ => None,
        };
        redacted.unwrap_or_else(|| filled(bytes.len(), place))
    }

    /// Which of the different ones this is.
    fn place(&mut self, bytes: &[u8]) -> usize {
        let place = self.seen.iter().position(|seen| seen == bytes);
        place.unwrap_or_else(|| {
            self.seen.push(bytes.to_vec());
            self.seen.len() - 1
        })
    }

    /// A sensor's records, each by itself: a record is known again in whichever notification it comes. Size, flags and
    /// minutes stay, and so does whether a check sum fits.
    fn sensor(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (mut redacted, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let Ok((record, after)) = CgmFrame::split(rest) else {
                let place = self.place(rest);
                redacted.extend(keeping(2, rest, place));
                break;
            };
            let place = self.place(record);
            let read = CgmFrame::decode(record).ok();
            let fits = read.is_some_and(|frame| {
                let mut records = frame.records.iter();
                records.any(|record| record.crc_ok() == Some(true))
            });
            let kept = [&record[..2], &filled(2, place), &record[4..6]].concat();
            let behind = record.len() - 6 - if fits { 2 } else { 0 };
            let made = [kept, vec![0; behind]].concat();
            redacted.extend(if fits { with_crc(made) } else { made });
            rest = after;
        }
        redacted
    }

    /// Two packets are one record when both have the same share of fat: it becomes its place among the different ones.
    fn body_composition(&mut self, bytes: &[u8], place: usize) -> Option<Vec<u8>> {
        let frame = BodyCompositionFrame::decode(bytes).ok()?;
        let (flags, rest) = bytes.split_first_chunk::<2>()?;
        let (fat, mut rest) = rest.split_first_chunk::<2>()?;
        let share = self.shares.iter().position(|seen| seen == fat);
        let share = share.unwrap_or_else(|| {
            self.shares.push(*fat);
            self.shares.len() - 1
        });
        let mut redacted = flags.to_vec();
        redacted.extend(filled(2, share));
        if let Some(time) = frame.time {
            redacted.extend(self.time(time).bytes());
            rest = rest.get(7..)?;
        }
        if let Some(user) = frame.user_slot {
            redacted.push(user);
            rest = rest.get(1..)?;
        }
        redacted.extend(filled(rest.len(), place));
        Some(redacted)
    }

    fn glucose(&self, bytes: &[u8], number: Number) -> Option<Vec<u8>> {
        let frame = GlucoseFrame::decode(bytes).ok()?;
        let redacted = GlucoseFrame {
            time: self.time(frame.time),
            time_offset_min: frame.time_offset_min.map(|_| 0),
            concentration: frame.concentration.map(|old| GlucoseConcentration {
                value: number,
                sample: old.sample,
            }),
            status: frame.status.map(|_| GlucoseStatus(0)),
            extra: vec![0; frame.extra.len()],
            ..frame
        };
        redacted.encode()
    }

    fn blood_pressure(&self, bytes: &[u8], number: Number) -> Option<Vec<u8>> {
        let frame = BloodPressureFrame::decode(bytes).ok()?;
        let redacted = BloodPressureFrame {
            systolic: number,
            diastolic: number,
            mean_arterial: number,
            unit: frame.unit,
            time: frame.time.map(|time| self.time(time)),
            pulse_rate: frame.pulse_rate.map(|_| number),
            user_slot: frame.user_slot,
            status: frame.status.map(|_| BloodPressureStatus(0)),
            extra: vec![0; frame.extra.len()],
        };
        redacted.encode()
    }

    /// What a device answered to a read.
    fn answer(&self, of: Option<Place>, bytes: &[u8]) -> Vec<u8> {
        match of.and_then(|of| of.0.characteristic.as_short()) {
            // How full its battery is and what it can do belong to no person.
            Some(0x2a19 | 0x2a49 | 0x2aa8) => bytes.to_vec(),
            // When a sensor's session began, and at which minute it is: damaged ones stay so.
            Some(0x2aaa) => match CgmSessionStart::decode(bytes) {
                Ok(start) => CgmSessionStart {
                    time: self.time(start.time),
                    ..start
                }
                .encode(),
                Err(_) => filled(bytes.len(), 0),
            },
            Some(0x2aa9) => match CgmStatusFrame::decode(bytes) {
                Ok(at) => CgmStatusFrame {
                    status: [0; 3],
                    ..at
                }
                .encode(),
                Err(_) => filled(bytes.len(), 0),
            },
            Some(0x2a2b | 0x2a08) => match bytes.first_chunk::<7>() {
                Some(time) => {
                    let mut moved = self.time(DeviceTime::from_bytes(*time)).bytes().to_vec();
                    moved.resize(bytes.len(), 0);
                    moved
                }
                None => filled(bytes.len(), 0),
            },
            // A System ID of all 00 or all FF is none, and is to stay none.
            Some(0x2a23) if bytes.iter().all(|byte| *byte == 0) => bytes.to_vec(),
            Some(0x2a23) if bytes.iter().all(|byte| *byte == 0xff) => bytes.to_vec(),
            // Strings stay strings of the same length; an empty one stays empty.
            _ => vec![b'x'; bytes.len()],
        }
    }

    /// The same distance from the session's beginning; a time that cannot be used becomes another such time.
    fn time(&self, time: DeviceTime) -> DeviceTime {
        match time.civil() {
            Some(local) => DeviceTime::from_civil(self.moved(local)),
            None => DeviceTime::from_bytes([0; 7]),
        }
    }

    fn moved(&self, local: civil::DateTime) -> civil::DateTime {
        Moment::from_civil(local, 0).plus_ms(self.shift_ms).civil(0)
    }
}

/// A stream's frame: whether it is a frame follows from flags and length, whether it holds a value from its being 0.
fn heart_rate(bytes: &[u8], place: usize) -> Vec<u8> {
    let Ok(frame) = HeartRateFrame::decode(bytes) else {
        return keeping(1, bytes, place);
    };
    let wide = bytes.first().is_some_and(|flags| flags & 1 == 1);
    let (rate, rest) = bytes[1..].split_at(if wide { 2 } else { 1 });
    let same = u8::from(frame.heart_rate != 0);
    let rate = vec![same; rate.len()];
    [&bytes[..1], &rate, &filled(rest.len(), place)].concat()
}

/// The first bytes as they were, the rest different for each place.
fn keeping(first: usize, bytes: &[u8], place: usize) -> Vec<u8> {
    let (kept, rest) = bytes.split_at(first.min(bytes.len()));
    [kept, &filled(rest.len(), place)].concat()
}

/// So many bytes, different for each place.
fn filled(length: usize, place: usize) -> Vec<u8> {
    let number = u64::try_from(place).unwrap_or(u64::MAX).to_le_bytes();
    number.into_iter().cycle().take(length).collect()
}

//! What is replaced before it is kept. The machine decides by lengths and flags, by numbers of records, by whether a time
//! can be used, by whether two values are the same, and by how far a clock is off: these stay; everything else goes.
//!
//! A layout (`fields`) says of each byte of a value which of these it is. What goes is replaced by its place among those
//! that were met (`hide`), so that the same stays the same and another stays another. What comes in segments (`joined`)
//! is laid out as far as it has come.

mod fields;
mod hide;
mod joined;

use super::line::{Bytes, Given, Input, Place};
use crate::cgm::{CgmFrame, CgmSessionStart, CgmStatusFrame};
use crate::crc::with_crc;
use crate::heart_rate::HeartRateFrame;
use crate::stored::RECORD_ACCESS;
use fields::{Field, fields};
use hide::Hidden;
use jiff::civil;
use joined::Joined;
use reading::{DeviceTime, Moment};

/// When every redacted session began: 2000-01-01T00:00:00Z, and the part of a second at which it did.
pub(super) fn began(at: Moment) -> Moment {
    Moment::from_ms(946_684_800_000).plus_ms(at.ms().rem_euclid(1_000))
}

/// Holds what was met.
pub(super) struct Redactor {
    /// Whole seconds, because a device's time has no part of one.
    shift_ms: i64,
    hidden: Hidden,
    /// Times that cannot be used.
    unusable: Vec<DeviceTime>,
    observation: Joined,
    kept_observation: Joined,
    record: Joined,
}

impl Redactor {
    pub(super) fn new(at: Moment) -> Self {
        Self {
            shift_ms: began(at).ms_since(at),
            hidden: Hidden::default(),
            unusable: Vec::new(),
            observation: Joined::of(joined::OBSERVATION),
            kept_observation: Joined::of(joined::KEPT_OBSERVATION),
            record: Joined::of(joined::RECORD),
        }
    }

    pub(super) fn redact(&mut self, input: &mut Input) {
        match input {
            Input::Value { of, bytes } => bytes.0 = self.value(*of, &bytes.0),
            Input::Answer {
                to,
                result: Given::Bytes(bytes),
                ..
            } => *bytes = Bytes(self.answer(to.as_ref().and_then(|to| to.of), &bytes.0)),
            _ => {}
        }
    }

    /// A value that the device sent: as long as it was.
    fn value(&mut self, of: Place, bytes: &[u8]) -> Vec<u8> {
        match of.0.characteristic.as_short() {
            // Which request of a user ended how, and a slot; a code is only ever written. How many records, from which
            // number on. Nothing about a person.
            Some(0x2a9f | RECORD_ACCESS) => bytes.to_vec(),
            Some(0x2a37) => self.heart_rate(bytes),
            Some(0x2aa7) => self.sensor(bytes),
            Some(0x2b8b) => self.observation.take(bytes, &mut self.hidden),
            Some(0x2bdd) => self.kept_observation.take(bytes, &mut self.hidden),
            Some(0x2b36) => self.record.take(bytes, &mut self.hidden),
            Some(number) => self.laid_out(&fields(number, bytes), bytes),
            None => self.laid_out(&[], bytes),
        }
    }

    /// A value by its layout; what lies behind it is hidden.
    fn laid_out(&mut self, layout: &[Field], bytes: &[u8]) -> Vec<u8> {
        let (mut redacted, mut rest) = (Vec::new(), bytes);
        for field in layout {
            let (part, behind) = rest.split_at(field.length().min(rest.len()));
            rest = behind;
            match (field, part.first_chunk::<7>()) {
                (Field::Keep(_), _) => redacted.extend(part),
                (Field::Date, Some(time)) => {
                    redacted.extend(self.time(DeviceTime::from_bytes(*time)).bytes());
                }
                _ => redacted.extend(self.hidden.hide(part)),
            }
        }
        redacted.extend(self.hidden.hide(rest));
        redacted
    }

    /// A stream's frame: whether it is a frame follows from flags and length, whether it holds a value from its being 0.
    fn heart_rate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Ok(frame) = HeartRateFrame::decode(bytes) else {
            return self.laid_out(&[Field::Keep(1)], bytes);
        };
        let wide = bytes.first().is_some_and(|flags| flags & 1 == 1);
        let (rate, rest) = bytes[1..].split_at(if wide { 2 } else { 1 });
        let some = u8::from(frame.heart_rate != 0);
        let rate = vec![some; rate.len()];
        [&bytes[..1], &rate, &self.hidden.hide(rest)].concat()
    }

    /// A sensor's records, each by itself: a record is known again in whichever notification it comes. Size, flags and
    /// minutes stay, and so does whether a check sum fits.
    fn sensor(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (mut redacted, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let Ok((record, after)) = CgmFrame::split(rest) else {
                redacted.extend(self.laid_out(&[Field::Keep(2)], rest));
                break;
            };
            let read = CgmFrame::decode(record).ok();
            let fits = read.is_some_and(|frame| {
                let mut records = frame.records.iter();
                records.any(|record| record.crc_ok() == Some(true))
            });
            let covered = record.len() - if fits { 2 } else { 0 };
            let layout = [Field::Keep(2), Field::Hide(2), Field::Keep(2)];
            let made = self.laid_out(&layout, &record[..covered]);
            redacted.extend(if fits { with_crc(made) } else { made });
            rest = after;
        }
        redacted
    }

    /// What a device answered to a read.
    fn answer(&mut self, of: Option<Place>, bytes: &[u8]) -> Vec<u8> {
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
                Err(_) => zeros(bytes),
            },
            Some(0x2aa9) => match CgmStatusFrame::decode(bytes) {
                Ok(at) => CgmStatusFrame {
                    status: [0; 3],
                    ..at
                }
                .encode(),
                Err(_) => zeros(bytes),
            },
            Some(0x2a2b | 0x2a08) => match bytes.first_chunk::<7>() {
                Some(time) => {
                    let moved = self.time(DeviceTime::from_bytes(*time));
                    let mut moved = moved.bytes().to_vec();
                    moved.resize(bytes.len(), 0);
                    moved
                }
                None => zeros(bytes),
            },
            // A System ID of all 00 or all FF is none, and is to stay none.
            Some(0x2a23) if bytes.iter().all(|byte| *byte == 0) => bytes.to_vec(),
            Some(0x2a23) if bytes.iter().all(|byte| *byte == 0xff) => bytes.to_vec(),
            // Strings stay strings of the same length; an empty one stays empty.
            _ => vec![b'x'; bytes.len()],
        }
    }

    /// The same distance from the session's beginning. A time that cannot be used becomes its place among those, in the
    /// year 0.
    fn time(&mut self, time: DeviceTime) -> DeviceTime {
        if let Some(local) = time.civil() {
            return DeviceTime::from_civil(self.moved(local));
        }
        let met = self.unusable.iter().position(|one| *one == time);
        let place = met.unwrap_or_else(|| {
            self.unusable.push(time);
            self.unusable.len() - 1
        });
        let [a, b, c, d] = u32::try_from(place).unwrap_or(u32::MAX).to_le_bytes();
        DeviceTime::from_bytes([0, 0, a, b, c, d, 0])
    }

    fn moved(&self, local: civil::DateTime) -> civil::DateTime {
        Moment::from_civil(local, 0).plus_ms(self.shift_ms).civil(0)
    }
}

fn zeros(bytes: &[u8]) -> Vec<u8> {
    vec![0; bytes.len()]
}

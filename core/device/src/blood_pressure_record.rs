//! Blood Pressure Record (0x2B36): a stored measurement in one or more segments, with a check sum over all of them when
//! the cuff's feature says so. Blood Pressure Service 1.1, layout of the GATT Specification Supplement.
//!
//! Every segment has a header (bit 0 first, bit 1 last, bits 2–7 a counter), the number of the record and the
//! characteristic of which the record is a value. The check sum stands at the end of the last segment.

use crate::blood_pressure::{BloodPressureFeature, BloodPressureFrame};
use crate::bytes::{Cursor, DecodeError};
use crate::crc::crc16;
use crate::enhanced_blood_pressure::EnhancedBloodPressureFrame;
use reading::BloodPressure;

const FIRST: u8 = 0x01;
const LAST: u8 = 0x02;

/// The bytes before the part: header, number, characteristic.
const HEAD: usize = 5;

/// One packet of 0x2B36.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordSegment {
    /// It begins a record.
    pub first: bool,
    /// It ends a record.
    pub last: bool,
    /// Goes up by one from segment to segment, 63 is followed by 0.
    pub counter: u8,
    /// The number of the record; 65535 is followed by 0.
    pub sequence: u16,
    /// Of which characteristic the record is a value.
    pub recorded: u16,
    /// Some of the value; in the last segment with the check sum, if there is one.
    pub part: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for RecordSegment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordSegment({})", self.counter)
    }
}

impl RecordSegment {
    /// Reads a packet.
    ///
    /// # Errors
    /// [`DecodeError`] for a packet that ends within its head.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(packet);
        let header = cursor.u8("segmentation header")?;
        Ok(Self {
            first: header & FIRST != 0,
            last: header & LAST != 0,
            counter: header >> 2,
            sequence: cursor.u16("sequence number")?,
            recorded: cursor.u16("recorded characteristic")?,
            part: cursor.rest().to_vec(),
        })
    }

    /// Writes a packet; `None` when the counter is above 63.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if self.counter > 63 {
            return None;
        }
        let first = if self.first { FIRST } else { 0 };
        let last = if self.last { LAST } else { 0 };
        let mut packet = vec![first | last | self.counter << 2];
        packet.extend(self.sequence.to_le_bytes());
        packet.extend(self.recorded.to_le_bytes());
        packet.extend(&self.part);
        Some(packet)
    }

    /// Whether `next` is the segment after this one, of the same record.
    #[must_use]
    pub const fn is_continued_by(&self, next: &Self) -> bool {
        !self.last
            && !next.first
            && next.counter == (self.counter + 1) % 64
            && next.sequence == self.sequence
            && next.recorded == self.recorded
    }
}

/// Whether records end with a check sum: bit 6 of Blood Pressure Feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckSum {
    /// They do.
    Present,
    /// They do not.
    Absent,
}

impl CheckSum {
    /// As the cuff says.
    #[must_use]
    pub const fn of(feature: BloodPressureFeature) -> Self {
        if feature.has_crc() {
            Self::Present
        } else {
            Self::Absent
        }
    }
}

/// A stored measurement.
#[derive(Clone, PartialEq, Eq)]
pub struct BloodPressureRecord {
    /// Its number, by which it is asked for again.
    pub sequence: u16,
    /// Of which characteristic it is a value.
    pub recorded: u16,
    /// The value.
    pub value: Vec<u8>,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// A value of 0x2A35.
    Classic(BloodPressureFrame),
    /// A value of 0x2B34.
    Enhanced(EnhancedBloodPressureFrame),
}

impl Recorded {
    /// The values, in either layout.
    #[must_use]
    pub const fn values(&self) -> BloodPressure {
        match self {
            Self::Classic(frame) => frame.values(),
            Self::Enhanced(frame) => frame.values(),
        }
    }

    /// Bytes after the last field.
    #[must_use]
    pub fn extra(&self) -> &[u8] {
        match self {
            Self::Classic(frame) => &frame.extra,
            Self::Enhanced(frame) => &frame.fields.extra,
        }
    }
}

/// A measurement stays out of logs.
impl std::fmt::Debug for BloodPressureRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BloodPressureRecord({:04x})", self.recorded)
    }
}

impl BloodPressureRecord {
    /// Makes a record of all its packets.
    ///
    /// # Errors
    /// [`DecodeError`] of a packet; [`DecodeError::Packets`] when they are not all segments of one record in their
    /// order; [`DecodeError::Crc`] when the check sum does not fit.
    pub fn join<P: AsRef<[u8]>>(packets: &[P], check: CheckSum) -> Result<Self, DecodeError> {
        let segments: Vec<RecordSegment> = packets
            .iter()
            .map(|packet| RecordSegment::decode(packet.as_ref()))
            .collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Err(DecodeError::Packets);
        };
        let in_order = segments
            .iter()
            .zip(segments.iter().skip(1))
            .all(|(one, next)| one.is_continued_by(next));
        if !first.first || !last.last || !in_order {
            return Err(DecodeError::Packets);
        }
        let covered: Vec<&[u8]> = packets.iter().map(AsRef::as_ref).collect();
        let mut parts: Vec<&[u8]> = segments.iter().map(|one| one.part.as_slice()).collect();
        if let (CheckSum::Present, Some(part)) = (check, parts.last_mut()) {
            *part = without_check_sum(&covered.concat(), part)?;
        }
        Ok(Self {
            sequence: first.sequence,
            recorded: first.recorded,
            value: parts.concat(),
        })
    }

    /// Makes a record of all its packets where nothing says whether a check sum ends it: then its length tells. Two bytes
    /// behind the measurement are one, and must fit.
    ///
    /// # Errors
    /// As [`BloodPressureRecord::join`].
    pub fn join_by_length<P: AsRef<[u8]>>(packets: &[P]) -> Result<Self, DecodeError> {
        let plain = Self::join(packets, CheckSum::Absent)?;
        let behind = plain.measurement().map_or(0, |read| read.extra().len());
        if behind == 2 {
            return Self::join(packets, CheckSum::Present);
        }
        Ok(plain)
    }

    /// The record as one segment without a check sum, however long it is: the form in which it is kept, the same
    /// whatever the link made of it.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        let (sequence, recorded) = (self.sequence.to_le_bytes(), self.recorded.to_le_bytes());
        [&[FIRST | LAST], &sequence[..], &recorded, &self.value].concat()
    }

    /// Writes the packets of a record, each of at most `longest` bytes (the ATT MTU less three), as a simulated cuff
    /// does; the check sum is never torn. `None` when there is no room.
    #[must_use]
    pub fn encode(&self, longest: usize, check: CheckSum) -> Option<Vec<Vec<u8>>> {
        let sum = match check {
            CheckSum::Present => 2,
            CheckSum::Absent => 0,
        };
        let room = longest.checked_sub(HEAD).filter(|room| *room > sum)?;
        let mut parts: Vec<&[u8]> = self.value.chunks(room).collect();
        if parts.last().is_none_or(|last| last.len() + sum > room) {
            parts.push(&[]);
        }
        let mut packets = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let segment = RecordSegment {
                first: index == 0,
                last: index + 1 == parts.len(),
                counter: u8::try_from(index % 64).ok()?,
                sequence: self.sequence,
                recorded: self.recorded,
                part: part.to_vec(),
            };
            packets.push(segment.encode()?);
        }
        if let (CheckSum::Present, sum) = (check, crc16(&packets.concat())) {
            packets.last_mut()?.extend(sum.to_le_bytes());
        }
        Some(packets)
    }

    /// The measurement in it.
    ///
    /// # Errors
    /// [`DecodeError`] of the value; [`DecodeError::NotAReading`] for a stored intermediate pressure,
    /// [`DecodeError::NotSupported`] for a value of a characteristic that is no blood pressure.
    pub fn measurement(&self) -> Result<Recorded, DecodeError> {
        match self.recorded {
            0x2a35 => BloodPressureFrame::decode(&self.value).map(Recorded::Classic),
            0x2b34 => EnhancedBloodPressureFrame::decode(&self.value).map(Recorded::Enhanced),
            characteristic @ (0x2a36 | 0x2b35) => Err(DecodeError::NotAReading { characteristic }),
            characteristic => Err(DecodeError::NotSupported { characteristic }),
        }
    }
}

/// The last part without the check sum at its end, which covers `sent`: all packets as they came, without itself.
fn without_check_sum<'a>(sent: &[u8], part: &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let Some((part, _)) = part.split_last_chunk::<2>() else {
        return Err(DecodeError::Short {
            field: "check sum",
            need: sent.len() + 2 - part.len(),
            have: sent.len(),
        });
    };
    crate::crc::without_crc(sent)?;
    Ok(part)
}

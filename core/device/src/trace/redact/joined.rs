//! Values that come in segments: a health sensor's observations (0x2B8B, 0x2BDD) and a cuff's records (0x2B36). Each
//! segment is replaced when it comes, so that what has come of the value so far says what its bytes are.

use super::fields::{Field, fields};
use super::hide::Hidden;
use crate::blood_pressure_record::RecordSegment;
use crate::bytes::{Cursor, DecodeError};
use crate::crc::{with_crc, without_crc};
use crate::record::health_sensor as record;
use Field::{Hide, Keep};

/// How a value is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// The bytes in front of each piece; the first of them is the header.
    head: usize,
    /// The layout of the pieces together.
    layout: fn(&Value) -> Vec<Field>,
    /// A check sum may end it.
    check: bool,
}

/// Of a value that is longer, each piece is replaced by itself: no home device sends one.
const LONGEST: usize = 4_096;

pub(super) const OBSERVATION: Cut = Cut {
    head: 1,
    layout: |value| observation(&value.bytes),
    check: false,
};
/// With the number of the record in front.
pub(super) const KEPT_OBSERVATION: Cut = Cut {
    head: 1,
    layout: |value| {
        let (_, body) = value.bytes.split_at(value.bytes.len().min(4));
        [vec![Keep(4)], observation(body)].concat()
    },
    check: false,
};
pub(super) const RECORD: Cut = Cut {
    head: 5,
    layout: |value| match RecordSegment::decode(&value.head) {
        // What the cuff keeps and what it indicates are known to be the same: a date would be moved there only.
        Ok(of) if of.recorded == 0x2a35 => {
            let undated = |field| match field {
                Field::Date => Hide(7),
                other => other,
            };
            let layout = fields(0x2a35, &value.bytes).into_iter();
            layout.map(undated).collect()
        }
        Ok(of) => fields(of.recorded, &value.bytes),
        Err(_) => Vec::new(),
    },
    check: true,
};

/// What has come of a value.
#[derive(Default)]
pub(super) struct Value {
    /// Of its first segment.
    head: Vec<u8>,
    /// Its pieces.
    bytes: Vec<u8>,
}

/// The value under way.
pub(super) struct Joined {
    cut: Cut,
    value: Value,
    /// Its segments as they came, and as they were replaced.
    came: Vec<u8>,
    replaced: Vec<u8>,
    newest: Vec<u8>,
}

impl Joined {
    pub(super) fn of(cut: Cut) -> Self {
        Self {
            cut,
            value: Value::default(),
            came: Vec::new(),
            replaced: Vec::new(),
            newest: Vec::new(),
        }
    }

    /// Replaces a segment.
    pub(super) fn take(&mut self, segment: &[u8], hidden: &mut Hidden) -> Vec<u8> {
        let (head, piece) = segment.split_at(segment.len().min(self.cut.head));
        let header = head.first().copied().unwrap_or(0);
        // One that came twice is no longer one.
        let twice = self.newest == segment && !self.value.bytes.is_empty();
        if header & 1 == 1 && !twice {
            self.value = Value {
                head: head.to_vec(),
                bytes: Vec::new(),
            };
            (self.came, self.replaced) = (Vec::new(), Vec::new());
        }
        if twice {
            let length = self.value.bytes.len() - piece.len();
            self.value.bytes.truncate(length);
            self.came.truncate(self.came.len() - segment.len());
            self.replaced.truncate(self.replaced.len() - segment.len());
        }
        self.newest = segment.to_vec();
        self.value.bytes.extend(piece);
        self.came.extend(segment);
        if self.value.bytes.len() > LONGEST {
            return [head.to_vec(), hidden.hide(piece)].concat();
        }
        let check = self.cut.check && header & 2 == 2 && without_crc(&self.came).is_ok();
        let covered = self.value.bytes.len() - if check { 2 } else { 0 };
        let mut replaced = Vec::new();
        let mut rest = &self.value.bytes[..covered];
        for field in (self.cut.layout)(&self.value) {
            let (part, behind) = rest.split_at(field.length().min(rest.len()));
            rest = behind;
            match field {
                Keep(_) => replaced.extend(part),
                Field::Status => replaced.extend(hidden.status(part)),
                Field::NoClass => replaced.extend(part.iter().map(|_| 0)),
                Hide(_) | Field::Date => replaced.extend(hidden.hide(part)),
            }
        }
        replaced.extend(hidden.hide(rest));
        let from = self.value.bytes.len() - piece.len();
        let piece = replaced.get(from..).unwrap_or_default();
        let mut made = [head, piece].concat();
        if check {
            let all = with_crc([self.replaced.as_slice(), &made].concat());
            made.extend(&all[all.len() - 2..]);
        }
        self.replaced.extend(&made);
        made
    }
}

/// The layout of an observation, as far as it has come. Where it ends early, or holds what makes no reading, the rest is
/// of no layout.
fn observation(body: &[u8]) -> Vec<Field> {
    let mut layout = Vec::new();
    // Where it cannot be read on, what was laid out so far is all that is known of it.
    match observed(&mut Cursor::new(body), &mut layout) {
        Ok(()) | Err(_) => layout,
    }
}

/// More than a home device's observation has: what stands there is no length.
const MOST: u16 = 1_024;
const KNOWN_FLAGS: u16 = 0x03ff;

/// Keeps a code that is one of those that make a reading, or may still become one.
fn code<const N: usize>(
    cursor: &mut Cursor<'_>,
    known: impl Iterator<Item = [u8; N]>,
    layout: &mut Vec<Field>,
) -> Result<(), DecodeError> {
    let come = cursor.peek(N);
    if !known.into_iter().any(|one| one.starts_with(come)) {
        return Err(DecodeError::UnknownType);
    }
    layout.push(Keep(N));
    cursor.bytes(N, "code").map(drop)
}

fn kind(cursor: &mut Cursor<'_>, layout: &mut Vec<Field>) -> Result<(), DecodeError> {
    code(cursor, record::kinds().map(u32::to_le_bytes), layout)
}

fn observed(cursor: &mut Cursor<'_>, layout: &mut Vec<Field>) -> Result<(), DecodeError> {
    let come = cursor.peek(5);
    let number = |at: usize| Some(u16::from_le_bytes([*come.get(at)?, *come.get(at + 1)?]));
    let possible = matches!(come.first(), None | Some(1..=8 | 0xff))
        && number(1).is_none_or(|length| length <= MOST)
        && number(3).is_none_or(|flags| flags & !KNOWN_FLAGS == 0);
    if !possible {
        layout.push(Field::NoClass);
        return Err(DecodeError::UnknownType);
    }
    layout.push(Keep(5));
    let class = cursor.u8("class")?;
    let (_length, flags) = (cursor.u16("length")?, cursor.u16("flags")?);
    if flags & 0x01 != 0 {
        kind(cursor, layout)?;
    }
    let mut put = |bit: u16, fields: &[Field]| {
        let fields: &[Field] = if flags & bit == 0 { &[] } else { fields };
        layout.extend(fields);
        let length: usize = fields.iter().map(Field::length).sum();
        cursor.bytes(length, "field").map(drop)
    };
    // Flags and source decide; two moments are told apart by the count.
    put(0x02, &[Keep(1), Hide(6), Keep(1), Hide(1)])?;
    put(0x04, &[Hide(4)])?;
    put(0x08, &[Field::Status])?;
    put(0x10, &[Hide(4)])?;
    put(0x20, &[Keep(1)])?;
    for bit in [0x40, 0x80, 0x100] {
        if flags & bit != 0 {
            layout.push(Keep(1));
            let length = 4 * usize::from(cursor.u8("codes")?);
            layout.push(Hide(length));
            cursor.bytes(length, "codes")?;
        }
    }
    if flags & 0x200 != 0 {
        layout.push(Keep(1));
        for _ in 0..cursor.u8("items")? {
            layout.extend([Hide(4), Keep(2)]);
            cursor.u32("item type")?;
            let length = 1 + usize::from(cursor.u16("item length")?);
            layout.push(Hide(length));
            cursor.bytes(length, "item")?;
        }
    }
    valued(class, cursor, layout)
}

/// Only numbers make a reading, alone, as parts and in a bundle. What of another class there is makes none, whatever it
/// holds: nothing behind it decides.
fn valued(class: u8, cursor: &mut Cursor<'_>, layout: &mut Vec<Field>) -> Result<(), DecodeError> {
    match class {
        1 => {
            code(cursor, record::units().map(u16::to_le_bytes), layout)?;
            layout.push(Hide(4));
            cursor.bytes(4, "number").map(drop)
        }
        7 => {
            layout.push(Keep(1));
            for _ in 0..cursor.u8("parts")? {
                kind(cursor, layout)?;
                layout.push(Keep(1));
                match cursor.u8("part class")? {
                    1 => valued(1, cursor, layout)?,
                    _ => return Err(DecodeError::UnknownType),
                }
            }
            Ok(())
        }
        0xff => {
            layout.push(Keep(1));
            for _ in 0..cursor.u8("members")? {
                observed(cursor, layout)?;
            }
            Ok(())
        }
        _ => Err(DecodeError::UnknownType),
    }
}

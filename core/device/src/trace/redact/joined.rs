//! Values that come in segments: a health sensor's observations (0x2B8B, 0x2BDD) and a cuff's records (0x2B36). Each
//! segment is replaced when it comes, so that what has come of the value so far says what its bytes are.

use super::fields::{Field, fields};
use super::hide::Hidden;
use crate::blood_pressure_record::RecordSegment;
use crate::crc::{with_crc, without_crc};
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
    layout: |value| match value.head.first() {
        Some(_) => observation(&value.bytes),
        // Its beginning did not come.
        None => Vec::new(),
    },
    check: false,
};
/// With the number of the record in front.
pub(super) const KEPT_OBSERVATION: Cut = Cut {
    head: 1,
    layout: |value| match value.head.first() {
        Some(_) => {
            let body = value.bytes.get(4..).unwrap_or_default();
            [vec![Keep(4)], observation(body)].concat()
        }
        None => Vec::new(),
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

/// Flags of an observation that have a meaning: its type and its time are announced by the first two.
const KNOWN_FLAGS: u16 = 0x03ff;

/// The layout of an observation: the machine decides by the time at its head alone. What is observed goes, all of it.
fn observation(body: &[u8]) -> Vec<Field> {
    let flags = body.get(3..5).and_then(|flags| flags.try_into().ok());
    let flags = flags.map_or(0, u16::from_le_bytes);
    let mut layout = vec![Keep(5)];
    if flags & !KNOWN_FLAGS == 0 {
        layout.extend((flags & 0x01 != 0).then_some(Hide(4)));
        if flags & 0x02 != 0 {
            layout.extend([Keep(1), Hide(6), Keep(1), Hide(1)]);
        }
    }
    layout
}

//! Which bytes of a value the machine decides by, for values that come whole: the layouts of the GATT Specification
//! Supplement, as far as that goes.

/// Some bytes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Flags, a number of a record, a slot: as they are.
    Keep(usize),
    /// What was measured.
    Hide(usize),
    /// A Date Time, moved.
    Date,
}

impl Field {
    pub(super) const fn length(&self) -> usize {
        match self {
            Self::Keep(length) | Self::Hide(length) => *length,
            Self::Date => 7,
        }
    }
}

use Field::{Date, Hide, Keep};

/// The fields of a value by its flags, in their order. What lies behind them is hidden.
pub(super) fn fields(characteristic: u16, bytes: &[u8]) -> Vec<Field> {
    let flags = bytes.first().copied().unwrap_or(0);
    let has = |bit: u8, field: Field| (flags & bit != 0).then_some(field);
    let always: &[Field] = match characteristic {
        0x2a35 | 0x2a36 | 0x2b34 => &[Keep(1), Hide(2), Hide(2), Hide(2)],
        0x2a9d => &[Keep(1), Hide(2)],
        // Two packets are one record when both have the same share of fat.
        0x2a9c => &[Keep(2), Hide(2)],
        0x2a1c => &[Keep(1), Hide(4)],
        0x2a5e => &[Keep(1), Hide(2), Hide(2)],
        0x2a18 => &[Keep(3), Date],
        // A context belongs to a measurement by its sequence number.
        0x2a34 => &[Keep(3)],
        0x2a2b => &[Date],
        _ => &[],
    };
    let perhaps: &[Option<Field>] = match characteristic {
        0x2a35 | 0x2a36 => &[has(0x02, Date), has(0x04, Hide(2)), has(0x08, Keep(1))],
        0x2b34 => &[has(0x02, Hide(4)), has(0x04, Hide(2)), has(0x08, Keep(1))],
        0x2a9d | 0x2a9c => &[has(0x02, Date), has(0x04, Keep(1))],
        0x2a1c => &[has(0x02, Date)],
        0x2a5e => &[has(0x01, Date)],
        _ => &[],
    };
    let perhaps = perhaps.iter().copied().flatten();
    always.iter().copied().chain(perhaps).collect()
}

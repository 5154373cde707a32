//! Notifications to records and back: a record is cut into segments, each with a header byte (bit 0 first, bit 1 last,
//! bits 2-7 a counter modulo 64 that runs on from record to record for as long as the link is up).
//!
//! The joiner is a machine without I/O: a notification in, at most one record and one fault out. It never puts pieces
//! of two records together as far as the counter can tell; a loss of exactly 64 segments it cannot see, and the length
//! inside the record then decides. One joiner a characteristic, reset when the link ends.

use crate::bytes::{Cursor, DecodeError};

/// One notification of 0x2B8B or 0x2BDD.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The first one of its record.
    pub first: bool,
    /// The last one of its record.
    pub last: bool,
    /// 0 to 63.
    pub counter: u8,
    /// A piece of the record.
    pub piece: &'a [u8],
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment(no. {})", self.counter)
    }
}

impl<'a> Segment<'a> {
    /// Reads a notification.
    ///
    /// # Errors
    /// [`DecodeError`] when it has no header, or nothing behind it.
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let header = cursor.u8("segment header")?;
        let piece = cursor.rest();
        if piece.is_empty() {
            return Err(DecodeError::Short {
                field: "segment",
                need: 2,
                have: frame.len(),
            });
        }
        Ok(Self {
            first: header & 1 != 0,
            last: header & 2 != 0,
            counter: header >> 2,
            piece,
        })
    }

    /// The notification.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let header = u8::from(self.first) | u8::from(self.last) << 1 | self.counter << 2;
        [&[header], self.piece].concat()
    }
}

/// Cuts a record, as a simulated sensor does. `mtu` is what a notification may carry (the ATT MTU less three bytes); the
/// counter of the next record is given back.
#[must_use]
pub fn segments(record: &[u8], counter: u8, mtu: usize) -> (Vec<Vec<u8>>, u8) {
    let size = mtu.saturating_sub(1).max(1);
    let count = record.len().div_ceil(size);
    let mut counter = counter & 63;
    let cut = record.chunks(size).enumerate().map(|(at, piece)| {
        let segment = Segment {
            first: at == 0,
            last: at + 1 == count,
            counter,
            piece,
        };
        counter = (counter + 1) & 63;
        segment.encode()
    });
    let cut = cut.collect();
    (cut, counter)
}

/// Why what was under way is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinFault {
    /// A notification is missing.
    #[error("a part of the record was lost on the way")]
    Lost,
    /// A record begins inside another one, with nothing missing between.
    #[error("a record began inside another one: neither can be told from the other")]
    Interleaved,
    /// The record is longer than the joiner keeps.
    #[error("the record is longer than {limit} bytes")]
    TooLong {
        /// How much it keeps.
        limit: usize,
    },
    /// A notification without a header or a piece.
    #[error("a notification is empty")]
    Empty,
}

/// What one notification led to.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Joined {
    /// A whole record, without segment headers.
    pub record: Option<Vec<u8>>,
    /// A record that will not come; told once for each.
    pub fault: Option<JoinFault>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined")
            .field("record", &self.record.is_some())
            .field("fault", &self.fault)
            .finish()
    }
}

/// The longest body that its length field can name, with class, length and record number.
const LONGEST: usize = 65_535 + 3 + 4;

/// Joins the segments of one characteristic.
#[derive(Clone)]
pub struct SegmentJoiner {
    limit: usize,
    under_way: Option<Vec<u8>>,
    /// The last notification that was taken, to know it again when it comes twice.
    newest: Option<Vec<u8>>,
}

impl std::fmt::Debug for SegmentJoiner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentJoiner")
            .field("under_way", &self.under_way.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

impl Default for SegmentJoiner {
    fn default() -> Self {
        Self::new(LONGEST)
    }
}

impl SegmentJoiner {
    /// One that keeps at most `limit` bytes of a record.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            under_way: None,
            newest: None,
        }
    }

    /// Takes in a notification.
    pub fn feed(&mut self, notification: &[u8]) -> Joined {
        let Ok(segment) = Segment::decode(notification) else {
            // It has no counter, or no piece: what it stood for is missing.
            self.under_way = None;
            return Joined::fault(JoinFault::Empty);
        };
        if self.newest.as_deref() == Some(notification) {
            // The same header and the same piece: 64 segments cannot have passed without another one between.
            return Joined::default();
        }
        let follows = self.newest.as_ref().is_none_or(|newest| {
            let last = newest.first().map_or(0, |header| header >> 2);
            segment.counter == (last + 1) & 63
        });
        self.newest = Some(notification.to_vec());
        match (segment.first, self.under_way.take()) {
            (true, Some(_)) if follows => Joined::fault(JoinFault::Interleaved),
            (true, _) => {
                // Also where nothing is under way: a whole record may be missing.
                let begun = self.append(Vec::new(), &segment);
                Joined {
                    fault: begun.fault.or((!follows).then_some(JoinFault::Lost)),
                    ..begun
                }
            }
            (false, Some(record)) if follows => self.append(record, &segment),
            (false, Some(_)) => Joined::fault(JoinFault::Lost),
            // The rest of a record whose beginning is missing; told once, unless that was told already.
            (false, None) if !follows => Joined::fault(JoinFault::Lost),
            (false, None) => Joined::default(),
        }
    }

    fn append(&mut self, mut record: Vec<u8>, segment: &Segment<'_>) -> Joined {
        if record.len() + segment.piece.len() > self.limit {
            return Joined::fault(JoinFault::TooLong { limit: self.limit });
        }
        record.extend(segment.piece);
        if segment.last {
            return Joined {
                record: Some(record),
                fault: None,
            };
        }
        self.under_way = Some(record);
        Joined::default()
    }

    /// The link has ended: counters begin anew. Says whether a record was under way.
    pub fn reset(&mut self) -> bool {
        self.newest = None;
        self.under_way.take().is_some()
    }

    /// How many bytes are kept of a record that is under way.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.under_way.as_ref().map_or(0, Vec::len)
    }
}

impl Joined {
    fn fault(fault: JoinFault) -> Self {
        Self {
            record: None,
            fault: Some(fault),
        }
    }
}

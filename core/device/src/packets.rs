//! Packets to records: which packets of one characteristic belong together. Most records are one packet; a body
//! composition may be two, and a stored blood pressure as many as it needs.
//!
//! What comes in goes out, each packet exactly once and in order: a group that cannot be completed is handed on as it
//! is, and says when it is decoded what is wrong with it.

use crate::blood_pressure_record::RecordSegment;
use crate::body_composition::BodyCompositionFrame;

/// Gathers the packets of one characteristic of one connection.
pub struct PacketJoiner {
    characteristic: u16,
    held: Vec<Vec<u8>>,
}

/// A packet is a measurement: it stays out of logs.
impl std::fmt::Debug for PacketJoiner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (characteristic, held) = (self.characteristic, self.held.len());
        write!(f, "PacketJoiner({characteristic:04x}, {held} held)")
    }
}

impl PacketJoiner {
    /// For the packets of this characteristic.
    #[must_use]
    pub const fn new(characteristic: u16) -> Self {
        Self {
            characteristic,
            held: Vec::new(),
        }
    }

    /// Takes a packet, and gives the groups that are finished by it: none when more belongs to it, two when it shows
    /// that what was held stays incomplete and is itself complete.
    #[must_use]
    pub fn push(&mut self, packet: Vec<u8>) -> Vec<Vec<Vec<u8>>> {
        let mut done = Vec::new();
        if let Some(before) = self.held.last()
            && !continues(self.characteristic, before, &packet)
        {
            done.extend(self.end());
        }
        let waits = waits(self.characteristic, self.held.len(), &packet);
        self.held.push(packet);
        if !waits {
            done.extend(self.end());
        }
        done
    }

    /// Whether this packet is the newest one of a group that is not finished: then it was sent twice.
    pub(crate) fn has_just_taken(&self, packet: &[u8]) -> bool {
        self.held.last().is_some_and(|held| held == packet)
    }

    /// Gives what is held when nothing more will come.
    #[must_use]
    pub fn end(&mut self) -> Option<Vec<Vec<u8>>> {
        (!self.held.is_empty()).then(|| std::mem::take(&mut self.held))
    }
}

/// Whether this packet is one of several of its record. The same one twice in a row is then one that was sent twice: a
/// record holds no packet two times.
pub(crate) fn is_part(characteristic: u16, packet: &[u8]) -> bool {
    match characteristic {
        0x2a9c => BodyCompositionFrame::decode(packet).is_ok_and(|one| one.multiple_packet),
        0x2b36 => RecordSegment::decode(packet).is_ok(),
        _ => false,
    }
}

/// Whether `next` belongs to the record of the packet before it.
fn continues(characteristic: u16, before: &[u8], next: &[u8]) -> bool {
    match characteristic {
        0x2a9c => match [before, next].map(BodyCompositionFrame::decode) {
            [Ok(before), Ok(next)] => before.is_continued_by(&next),
            _ => false,
        },
        0x2b36 => match [before, next].map(RecordSegment::decode) {
            [Ok(before), Ok(next)] => before.is_continued_by(&next),
            _ => false,
        },
        _ => false,
    }
}

/// Whether more packets belong to the record of which this is the last so far, with `held` before it.
fn waits(characteristic: u16, held: usize, packet: &[u8]) -> bool {
    match characteristic {
        0x2a9c => {
            held == 0 && BodyCompositionFrame::decode(packet).is_ok_and(|one| one.multiple_packet)
        }
        // A segment without its beginning is waited for no longer: nothing can make it whole.
        0x2b36 => {
            RecordSegment::decode(packet).is_ok_and(|one| !one.last && (held > 0 || one.first))
        }
        _ => false,
    }
}

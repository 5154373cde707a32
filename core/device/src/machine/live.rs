//! What a device sends by itself, within a session: packets in, records out. A record of several packets is held until it
//! is whole; what stays half is given as it is when the next record begins or the link has ended.

use super::Session;
use crate::capture::has_own_key;
use crate::packets::{PacketJoiner, is_part};
use crate::radio::Attribute;
use reading::Moment;
use std::collections::BTreeMap;

/// The packets of one link that are no record yet.
#[derive(Default)]
pub(super) struct Live {
    joiners: BTreeMap<u16, PacketJoiner>,
    /// The newest packet that was one of several, to know it again when it is indicated twice.
    part: Option<(u16, Vec<u8>)>,
}

impl Live {
    /// The records that are finished by this packet; nothing at all when the packet was indicated before.
    fn take(&mut self, characteristic: u16, packet: Vec<u8>) -> Option<Vec<Vec<Vec<u8>>>> {
        if is_part(characteristic, &packet) {
            let part = Some((characteristic, packet.clone()));
            if self.part == part {
                return None;
            }
            self.part = part;
        }
        let joiner = self.joiners.entry(characteristic);
        let joiner = joiner.or_insert_with(|| PacketJoiner::new(characteristic));
        Some(joiner.push(packet))
    }

    /// What is still held, when nothing more will come.
    fn end(&mut self) -> Vec<(u16, Vec<Vec<u8>>)> {
        self.part = None;
        let held = std::mem::take(&mut self.joiners).into_iter();
        held.filter_map(|(characteristic, mut joiner)| Some((characteristic, joiner.end()?)))
            .collect()
    }
}

impl Session {
    /// A frame of a measurement.
    pub(super) fn measured(&mut self, attribute: Attribute, bytes: Vec<u8>, now: Moment) {
        let Some(characteristic) = attribute.characteristic.as_short() else {
            return;
        };
        self.last_record = Some(now);
        match self.live.take(characteristic, bytes) {
            None => self.repeated += 1,
            Some(records) => {
                for packets in records {
                    self.record(characteristic, packets, now);
                }
            }
        }
    }

    /// The same bytes with a usable time are the same record, indicated twice.
    fn record(&mut self, characteristic: u16, packets: Vec<Vec<u8>>, now: Moment) {
        if has_own_key(characteristic, &packets) {
            let frame = (characteristic, packets.concat());
            if self.seen_frames.contains(&frame) {
                self.repeated += 1;
                return;
            }
            self.seen_frames.push(frame);
        }
        self.deliver(characteristic, packets, now);
    }

    /// The link is gone, and the queue with it: what stayed half is given as it is.
    pub(super) fn end_live(&mut self, now: Moment) {
        for (characteristic, packets) in self.live.end() {
            self.record(characteristic, packets, now);
        }
    }
}

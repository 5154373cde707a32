//! What a device sends by itself, within a session: packets in, records out. A record of several packets is held until it
//! is whole; what stays half is given as it is when the next record begins or the link has ended.

use super::Session;
use crate::capture::has_own_key;
use crate::health_sensor::SegmentJoiner;
use crate::packets::{PacketJoiner, is_part};
use crate::radio::Attribute;
use crate::stored::intake::Intake;
use crate::stored::{StoredRecord, StoredService};
use reading::Moment;
use std::collections::BTreeMap;

/// The packets of one link that are no record yet.
pub(super) struct Live {
    joiners: BTreeMap<u16, PacketJoiner>,
    /// Measurements of a meter that cannot be asked for its records, until their contexts are there.
    meter: Intake,
    /// The observation of a sensor of which not all segments came.
    segments: SegmentJoiner,
    /// The newest packet that was one of several, to know it again when it is indicated twice.
    part: Option<(u16, Vec<u8>)>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            joiners: BTreeMap::new(),
            meter: Intake::new(StoredService::Glucose),
            segments: SegmentJoiner::default(),
            part: None,
        }
    }
}

/// A record of one characteristic, all packets.
type Whole = (u16, Vec<Vec<u8>>);

/// A measurement with its context, or either alone.
fn of_meter(record: StoredRecord) -> Whole {
    let packets = std::iter::once(record.bytes).chain(record.context);
    (record.characteristic, packets.collect())
}

impl Live {
    /// The records that are finished by this packet; nothing at all when the packet was indicated before.
    fn take(&mut self, characteristic: u16, packet: Vec<u8>) -> Option<Vec<Whole>> {
        if matches!(characteristic, 0x2a18 | 0x2a34) {
            let arrivals = self.meter.arrivals(characteristic, packet);
            let ready = arrivals.into_iter().flat_map(|one| self.meter.ready(one));
            return Some(ready.map(of_meter).collect());
        }
        if characteristic == 0x2b8b {
            let record = self.segments.feed(&packet).record.into_iter();
            return Some(
                record
                    .map(|record| (characteristic, vec![record]))
                    .collect(),
            );
        }
        if is_part(characteristic, &packet) {
            let part = Some((characteristic, packet.clone()));
            if self.part == part {
                return None;
            }
            self.part = part;
        }
        let joiner = self.joiners.entry(characteristic);
        let joiner = joiner.or_insert_with(|| PacketJoiner::new(characteristic));
        let whole = joiner.push(packet).into_iter();
        Some(whole.map(|packets| (characteristic, packets)).collect())
    }

    /// What is still held, when nothing more will come.
    fn end(&mut self) -> Vec<Whole> {
        self.part = None;
        let held = std::mem::take(&mut self.joiners).into_iter();
        let halves = held.filter_map(|(of, mut joiner)| Some((of, joiner.end()?)));
        let alone = self.meter.release().into_iter().map(of_meter);
        halves.chain(alone).collect()
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
                for (characteristic, packets) in records {
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

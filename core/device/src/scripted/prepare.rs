//! A device out of its script: texts become bytes, addresses and attributes, or the script is refused.

use super::memory::Kept;
use super::{CLOCK, Device, Frame, users};
use crate::radio::Attribute;
use crate::script::{ScriptError, ScriptedDevice, ScriptedRecord};
use crate::stored::RECORD_ACCESS;
use crate::uuid::Uuid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// The device with number `n` of its script.
pub(super) fn device(n: usize, script: ScriptedDevice) -> Result<Device, ScriptError> {
    let bad = |what| ScriptError::Text { device: n, what };
    let attribute = |text: &str| -> Option<Attribute> {
        let (service, characteristic) = text.split_once('/')?;
        Some(Attribute {
            service: service.parse().ok()?,
            characteristic: characteristic.parse().ok()?,
        })
    };
    let address = match &script.address {
        None => None,
        Some(text) => {
            let bytes = reading::from_hex(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            Some(bytes.ok_or_else(|| bad("address"))?)
        }
    };
    let mut values = BTreeMap::new();
    for (name, hex) in &script.values {
        let bytes = reading::from_hex(hex).map_err(|_| bad("values"))?;
        values.insert(attribute(name).ok_or_else(|| bad("values"))?, bytes);
    }
    let mut attributes: Vec<Attribute> = values.keys().copied().collect();
    for name in &script.more {
        attributes.push(attribute(name).ok_or_else(|| bad("more"))?);
    }
    let mut measurements = Vec::new();
    for name in &script.measurements {
        measurements.push(attribute(name).ok_or_else(|| bad("measurements"))?);
    }
    attributes.extend(&measurements);
    attributes.extend(script.clock_behind_s.map(|_| CLOCK));
    attributes.extend(script.users.as_ref().map(|_| users::CONTROL));
    let mut frames = VecDeque::new();
    for frame in &script.frames {
        let bytes = reading::from_hex(&frame.bytes).map_err(|_| bad("frames"))?;
        let of = match &frame.of {
            Some(name) => attribute(name).filter(|of| measurements.contains(of)),
            None => measurements.first().copied(),
        };
        let of = of.ok_or_else(|| bad("frames"))?;
        frames.extend((0..frame.times).map(|_| Frame {
            after: Duration::from_millis(frame.after_ms),
            of,
            bytes: bytes.clone(),
        }));
    }
    let kept = match &script.stored {
        None => None,
        Some(memory) => {
            let kept = memory.records.iter().map(record);
            let kept: Option<Vec<Kept>> = kept.collect();
            Some((memory.service, kept.ok_or_else(|| bad("stored"))?))
        }
    };
    if let Some((service, kept)) = &kept {
        let packets = kept.iter().flat_map(|one| &one.packets);
        let numbers = packets.map(|(number, _)| *number).chain([RECORD_ACCESS]);
        let all: BTreeSet<u16> = numbers.collect();
        let of = |number| Attribute {
            service: *service,
            characteristic: Uuid::short(number),
        };
        attributes.extend(
            all.into_iter()
                .map(of)
                .filter(|one| !measurements.contains(one)),
        );
    }
    Ok(Device {
        address,
        attributes,
        values,
        measurements,
        frames,
        kept,
        requests: 0,
        consented: false,
        clock_behind_ms: script.clock_behind_s.map(|s| s.saturating_mul(1000)),
        bonded: script.bonded,
        link: 0,
        subscribed: BTreeSet::new(),
        subscriptions: 0,
        script,
    })
}

fn record(record: &ScriptedRecord) -> Option<Kept> {
    let packet = |(of, bytes): &(String, String)| {
        let number = u16::from_str_radix(of, 16).ok()?;
        Some((number, reading::from_hex(bytes).ok()?))
    };
    Some(Kept {
        number: record.number,
        packets: record.packets.iter().map(packet).collect::<Option<_>>()?,
    })
}

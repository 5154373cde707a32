//! A record of a continuous glucose monitor (0x2AA7), and behind it, in any order, what makes it readable by itself: when
//! the sensor's session began (0x2AAA, of 9 bytes or 11) and what the sensor can do (0x2AA8, of 6 bytes), as they were
//! read in the same link.
//!
//! Its time is the session's beginning and its minutes. A minute names a record within its session only: without the
//! beginning it is none of its own.

use super::Record;
use crate::bytes::DecodeError;
use crate::cgm::{CgmCrc, CgmFeature, CgmFrame, CgmRecord, CgmSessionStart};
use reading::{DeviceTime, GlucoseCgm, Measurement};

pub(super) fn record(packets: &[Vec<u8>]) -> Result<Record, DecodeError> {
    let (record, beside) = packets.split_first().ok_or(DecodeError::Packets)?;
    let beside = Beside::of(beside)?;
    let [record] = CgmFrame::decode(record)?
        .records
        .try_into()
        .map_err(|_| DecodeError::Packets)?;
    let record = checked(record, beside.feature)?;
    let start = beside.start.map(|start| start.time);
    let status = record.status;
    let sample = beside.feature.map(|feature| feature.sample);
    let measurement = Measurement::GlucoseCgm(GlucoseCgm {
        concentration: Some(record.glucose),
        trend: record.trend,
        quality_percent: record.quality.and_then(|quality| quality.value()),
        time_offset_min: record.time_offset_min,
        status: status.is_present().then(|| status.bits()),
        sample_type: sample.map(|sample| sample.kind()),
        sample_location: sample.map(|sample| sample.location()),
    });
    let number = match start.filter(DeviceTime::is_usable) {
        Some(_) => record.time_offset_min.to_le_bytes().to_vec(),
        None => Vec::new(),
    };
    Ok(Record {
        shown_time: start.map(|start| shown(start, record.time_offset_min)),
        clock_fault: record.clock_fault(),
        number,
        ..Record::of(measurement, start, record.extra)
    })
}

/// The session's time so many minutes after it began.
pub(crate) fn shown(start: DeviceTime, minutes: u16) -> DeviceTime {
    let minutes = jiff::Span::new().minutes(i64::from(minutes));
    let shown = start
        .civil()
        .and_then(|start| start.checked_add(minutes).ok());
    shown.map_or(start, DeviceTime::from_civil)
}

/// What stands behind the record.
#[derive(Default)]
struct Beside {
    start: Option<CgmSessionStart>,
    feature: Option<CgmFeature>,
}

impl Beside {
    fn of(packets: &[Vec<u8>]) -> Result<Self, DecodeError> {
        let mut beside = Self::default();
        for packet in packets {
            let twice = match packet.len() {
                9 | 11 => beside
                    .start
                    .replace(CgmSessionStart::decode(packet)?)
                    .is_some(),
                6 => beside
                    .feature
                    .replace(CgmFeature::decode(packet)?)
                    .is_some(),
                _ => true,
            };
            if twice {
                return Err(DecodeError::Packets);
            }
        }
        Ok(beside)
    }
}

/// A record whose check sum does not fit is no record. Whether there is one is the feature's word; without it, the
/// record's length tells.
fn checked(record: CgmRecord, feature: Option<CgmFeature>) -> Result<CgmRecord, DecodeError> {
    match (feature.map(CgmFeature::has_crc), record.crc) {
        (Some(false), Some(CgmCrc::Wrong(sent))) => Ok(CgmRecord {
            crc: None,
            extra: [record.extra.as_slice(), &sent.to_le_bytes()].concat(),
            ..record
        }),
        (_, Some(CgmCrc::Wrong(_))) | (Some(true), None) => Err(DecodeError::Crc),
        _ => Ok(record),
    }
}

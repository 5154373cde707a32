//! What a session hands on, and a reading out of it.
//!
//! A record leaves the session the moment it arrives, raw, and is journalled at once. What else the session learns
//! (who the device is, what its clock shows) follows as [`SessionFacts`]; then [`to_reading`] puts both together.

use crate::bytes::DecodeError;
use crate::elapsed_time::ElapsedTime;
use crate::placement;
use crate::radio::DeviceHandle;
use crate::record::{self, Record};
use crate::user_plan::UserFacts;
use reading::{
    ClockReading, DeviceFacts, DeviceIdentity, DeviceSource, Doubt, Moment, Place, Reading,
    RecordFields, Source, TimeBasis, Timing, device_reading_id, number_in_front, time_of,
};
use serde::{Deserialize, Serialize};

/// The version of the decoder below; it goes up when the same bytes would be read differently.
pub const DECODER_VERSION: &str = "1";

/// One record as it arrived, before anything is made of it. Safe to write to the spool: it needs nothing else to be
/// kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedRecord {
    /// The device as the radio names it.
    pub device: DeviceHandle,
    /// The characteristic that carried it.
    pub characteristic: u16,
    /// The raw bytes, all packets.
    pub packets: Vec<Vec<u8>>,
    /// The phone's time when it arrived.
    pub arrived: Moment,
    /// The phone's offset from UTC then, in minutes.
    pub utc_offset_min: i16,
    /// Random, drawn once for the connection.
    pub connection: [u8; 16],
    /// Its number within the connection, from 0.
    pub ordinal: u32,
}

/// A frame is a measurement: it stays out of logs.
impl std::fmt::Debug for CapturedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "CapturedRecord({:04x}, no. {})",
            self.characteristic, self.ordinal
        )
    }
}

impl CapturedRecord {
    /// Why this cannot become a reading, if it cannot. It is kept and told all the same.
    #[must_use]
    pub fn fault(&self) -> Option<DecodeError> {
        record::read(self.characteristic, &self.packets).err()
    }
}

/// Whether a record says itself which it is: then the same bytes again are the same record.
pub(crate) fn has_own_key(characteristic: u16, packets: &[Vec<u8>]) -> bool {
    match characteristic {
        0x2b8b => record::health_sensor::has_own_key(packets),
        _ => record::read(characteristic, packets).is_ok_and(|record| record.has_own_key()),
    }
}

/// What a session learns about the device beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// What the device says about itself.
    pub device: DeviceFacts,
    /// Its clock, read before it was set.
    pub clock: Option<ClockReading>,
    /// Battery in percent.
    pub battery_percent: Option<u8>,
    /// Blood Pressure Feature, the bits as sent.
    pub feature: Option<u16>,
    /// Characteristics that its model sends with a layout of its own; the host fills them in from the table of models.
    #[serde(default)]
    pub own_layouts: Vec<u16>,
    /// Its users, where it keeps them apart.
    #[serde(default)]
    pub users: Option<UserFacts>,
    /// Whether all that the device offers was read: nothing more will follow in this session.
    pub complete: bool,
}

/// The identity under which a device's records stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Fixed when the device was paired; never changes its class.
    pub device: DeviceIdentity,
    /// Whether it stands in for one that could not be read in time.
    pub provisional: bool,
}

/// The identity that a device gets for good when it is paired: System ID, else serial number, else address.
#[must_use]
pub fn identity_at_pairing(facts: &DeviceFacts) -> Option<DeviceIdentity> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    DeviceIdentity::strongest(
        facts.system_id,
        &text(&facts.maker),
        &text(&facts.model),
        &text(&facts.serial),
        facts.address,
    )
}

/// Makes the reading of a record. Call it when the session's facts are complete or the session has ended; at the
/// latest 15 minutes after arrival, then with a provisional identity.
///
/// # Errors
/// [`DecodeError`] when the frame is none; the record stays in the journal as it is.
pub fn to_reading(
    record: &CapturedRecord,
    facts: &SessionFacts,
    identity: &Identity,
    install: [u8; 16],
) -> Result<Reading, DecodeError> {
    let characteristic = record.characteristic;
    if facts.own_layouts.contains(&characteristic) {
        return Err(DecodeError::OwnLayout { characteristic });
    }
    let read = record::read(characteristic, &record.packets)?;
    let place = Place {
        install,
        connection: record.connection,
        ordinal: record.ordinal,
    };
    let clock = facts.clock.as_ref();
    let (arrived, offset) = (record.arrived, record.utc_offset_min);
    let placed = read
        .elapsed
        .map(|time| placement::place(time, clock, arrived, offset));
    let (effective, basis) = match placed {
        _ if read.live => (arrived, TimeBasis::Live),
        Some(placed) => (placed.at, placed.basis),
        None => time_of(read.trusted_time(offset), arrived, offset, clock),
    };
    let coincident = placed.is_none_or(|placed| placed.coincident);
    let time_doubt = match placed {
        Some(placed) => placed.doubt,
        None => time_doubt(&read, offset, basis),
    };
    // A count of more than 48 bits has no nine bytes; it was read out of nine.
    let elapsed = read.elapsed.and_then(ElapsedTime::encode);
    let id = device_reading_id(&RecordFields {
        device: &identity.device,
        user_slot: read.measurement.user_slot(),
        kind: read.measurement.kind(),
        device_time: read.device_time,
        elapsed,
        clock_fault: read.clock_fault,
        record_number: Some(&read.number),
        packets: &record.packets,
        numbered: number_in_front(record.characteristic, elapsed),
        place: Some(place),
    })?;
    Ok(Reading {
        id,
        doubts: doubts(&read, time_doubt, identity.provisional),
        timing: Timing {
            effective,
            basis,
            utc_offset_min: record.utc_offset_min,
            arrived: record.arrived,
            device_time: read.device_time,
            elapsed,
            clock: facts.clock.clone().filter(|_| coincident),
        },
        source: Source::Device(Box::new(DeviceSource {
            identity: identity.device.clone(),
            facts: facts.device.clone(),
            characteristic: record.characteristic,
            packets: record.packets.clone(),
            decoder: DECODER_VERSION.to_owned(),
            record_number: read.number,
            clock_fault: read.clock_fault,
            extra: read.extra,
            place,
        })),
        measurement: read.measurement,
    })
}

fn doubts(read: &Record, time: Option<Doubt>, provisional: bool) -> Vec<Doubt> {
    let mut doubts = read.measurement.doubts();
    doubts.extend(&read.doubts);
    doubts.extend(time);
    doubts.extend(provisional.then_some(Doubt::IdentityProvisional));
    doubts.extend((!read.extra.is_empty()).then_some(Doubt::NotUnderstood));
    Doubt::in_order(doubts)
}

fn time_doubt(read: &Record, utc_offset_min: i16, basis: TimeBasis) -> Option<Doubt> {
    let trusted = read.trusted_time(utc_offset_min);
    let usable = trusted.is_some_and(|time| time.is_usable());
    match (read.device_time, basis) {
        (_, TimeBasis::Live) => None,
        (None, _) => Some(Doubt::NoDeviceTime),
        _ if !usable => Some(Doubt::DeviceTimeUnusable),
        (_, TimeBasis::Arrival) => Some(Doubt::DeviceTimeAhead),
        (_, TimeBasis::DeviceAsSent) => Some(Doubt::ClockNotRead),
        _ => None,
    }
}

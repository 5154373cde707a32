//! `ReadingId`: the same record read twice, by two phones, is one reading. Layout: `docs/formats/reading-id.md`.

use crate::identity::length;
use crate::{DeviceIdentity, DeviceTime, Kind, hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 over the fields of a record; written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReadingId(pub [u8; 32]);

/// Inputs that make no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 64 lower-case hex digits.
    #[error("a reading id is 64 lower-case hex digits")]
    Text,
    /// A System ID of all 00 or FF, or a serial number that is none.
    #[error("this identity is shared by many devices: use the next weaker class")]
    Identity,
    /// No bytes at all.
    #[error("a record without bytes has no id")]
    NoRecord,
    /// Neither a usable device time nor a record number, and no place in a connection either.
    #[error("a record without device time and record number needs its place in the connection")]
    NoPlace,
}

/// Where a record stood: needed for records that carry nothing of their own to tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The install that took the record.
    #[serde(with = "hex::fixed")]
    pub install: [u8; 16],
    /// Random, drawn once for each connection.
    #[serde(with = "hex::fixed")]
    pub connection: [u8; 16],
    /// Its number within that connection, from 0.
    pub ordinal: u32,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.ordinal)
    }
}

/// The fields of a record that a device sent.
#[derive(Debug, Clone, Copy)]
pub struct RecordFields<'a> {
    /// The identity that was fixed when the device was paired.
    pub device: &'a DeviceIdentity,
    /// User slot as sent; FF (unknown) counts as absent.
    pub user_slot: Option<u8>,
    /// What was measured.
    pub kind: Kind,
    /// The device's time as sent.
    pub device_time: Option<DeviceTime>,
    /// The device's time as sent where it is an Elapsed Time; it stands in the place of `device_time`.
    pub elapsed: Option<[u8; 9]>,
    /// Whether the device itself says that its time is wrong.
    pub clock_fault: bool,
    /// Sequence or record number as sent.
    pub record_number: Option<&'a [u8]>,
    /// All packets of the record, in order.
    pub packets: &'a [Vec<u8>],
    /// How many bytes stand in front of the first packet's record, and are no part of the id: [`number_in_front`].
    pub numbered: usize,
    /// Where the record stood; only used when it has nothing of its own.
    pub place: Option<Place>,
}

impl RecordFields<'_> {
    /// Whether the record carries a usable device time or a record number. Only such a record is recognised when it
    /// is read again; any other is never merged automatically.
    #[must_use]
    pub fn has_own_key(&self) -> bool {
        let usable = self.device_time.is_some_and(|time| time.is_usable());
        let time = (usable || self.elapsed.is_some()) && !self.clock_fault;
        time || self.record_number.is_some_and(|number| !number.is_empty())
    }
}

/// How many bytes of a record are its number in the device's memory: an observation of a Generic Health Sensor (0x2BDD)
/// with a time of its own is the same whether it was sent live or stands there, behind its number of four bytes.
#[must_use]
pub const fn number_in_front(characteristic: u16, elapsed: Option<[u8; 9]>) -> usize {
    match (characteristic, elapsed) {
        (0x2bdd, Some(_)) => 4,
        _ => 0,
    }
}

/// The id of a record that a device sent.
///
/// # Errors
/// [`IdError`] when the inputs cannot make one.
pub fn device_reading_id(record: &RecordFields<'_>) -> Result<ReadingId, IdError> {
    // The variants are public: what was built by hand is held to the same rule.
    match record.device {
        DeviceIdentity::SystemId(bytes) => DeviceIdentity::system_id(*bytes).map(drop),
        DeviceIdentity::Information {
            maker,
            model,
            serial,
        } => DeviceIdentity::information(maker, model, serial).map(drop),
        DeviceIdentity::Address(_) => Ok(()),
    }
    .map_err(|_| IdError::Identity)?;
    let raw = record.kind.id_packets(record.packets).concat();
    let raw = raw.get(record.numbered..).unwrap_or_default();
    if raw.is_empty() {
        return Err(IdError::NoRecord);
    }
    let slot = record.user_slot.filter(|slot| *slot != 0xff);
    let time = record.device_time.map(|time| time.bytes().to_vec());
    let time = record.elapsed.map(|time| time.to_vec()).or(time);
    let mut fields = Fields::new();
    fields.add(b"teleward/v1/reading");
    fields.add(&record.device.id_bytes());
    fields.add(slot.as_slice());
    fields.add(record.kind.name().as_bytes());
    fields.add(&time.unwrap_or_default());
    fields.add(record.record_number.unwrap_or_default());
    fields.add(raw);
    if !record.has_own_key() {
        let place = record.place.ok_or(IdError::NoPlace)?;
        fields.add(hex::to_hex(&place.install).as_bytes());
        fields.add(hex::to_hex(&place.connection).as_bytes());
        fields.add(&place.ordinal.to_be_bytes());
    }
    Ok(fields.finish())
}

/// The id of a reading that a person typed: the install and a draft id that was drawn when the form was opened, so
/// that pressing "save" twice makes one reading.
#[must_use]
pub fn typed_reading_id(install: &[u8; 16], draft: &[u8; 16]) -> ReadingId {
    let mut fields = Fields::new();
    fields.add(b"teleward/v1/reading");
    fields.add(format!("manual:{}", hex::to_hex(install)).as_bytes());
    fields.add(hex::to_hex(draft).as_bytes());
    fields.finish()
}

struct Fields(Sha256);

impl Fields {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn add(&mut self, field: &[u8]) {
        self.0.update(length(field));
        self.0.update(field);
    }

    fn finish(self) -> ReadingId {
        ReadingId(self.0.finalize().into())
    }
}

impl fmt::Display for ReadingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::to_hex(&self.0))
    }
}

impl fmt::Debug for ReadingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadingId({}…)", &hex::to_hex(&self.0)[..8])
    }
}

impl FromStr for ReadingId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        hex::array(text).map(Self).map_err(|_| IdError::Text)
    }
}

impl Serialize for ReadingId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReadingId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hex::parsed(from, Self::from_str)
    }
}

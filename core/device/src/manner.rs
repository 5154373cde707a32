//! How a session treats one device: what the table of models ([`QuirkTable`]) changes in its steps. A device that no row
//! knows is treated by the standard.

use crate::quirks::{Behaviour, Met, QuirkTable};
use crate::radio::Attribute;
use crate::uuid::Uuid;
use reading::{DeviceTime, Moment};
use serde::{Deserialize, Serialize};

/// After a session with a device that must not be connected to again at once, it is left alone for at least this long:
/// five times the pause that field projects give any device (our reasoning: the reports name no time).
const LEAVE_ALONE_MS: i64 = 10_000;
/// A table cannot make a patient wait for longer than this before anything happens.
const LONGEST_SETTLE_MS: i64 = 5_000;

/// What a session does otherwise for one device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// The pause between the link and the first question.
    pub settle_ms: i64,
    /// When to pair.
    pub pairing: PairingMoment,
    /// How its clock is set.
    pub clock: ClockManner,
    /// The least pause before it is bothered again.
    pub leave_alone_ms: i64,
}

/// When a device that is to be paired is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairingMoment {
    /// When it refuses something without.
    #[default]
    WhenAsked,
    /// Before anything is subscribed to or read.
    First,
}

/// How a clock is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockManner {
    /// After the records, when it was read and is wrong.
    #[default]
    Standard,
    /// At the first notification of Current Time, and only when it is wrong by more than this.
    FirstNotification {
        /// Milliseconds.
        wrong_by_ms: i64,
    },
    /// In a characteristic of the maker, after the records: 01, Date Time in UTC, the offset from UTC then in minutes
    /// as i16 (Contour Next; blessed-android, xDrip). It cannot be read.
    Vendor(Attribute),
}

impl Manner {
    /// What the table says for a device.
    #[must_use]
    pub fn of(table: &QuirkTable, met: &Met) -> Self {
        let mut manner = Self::default();
        for behaviour in table.behaviours(met) {
            match behaviour {
                Behaviour::Settle { ms } => {
                    manner.settle_ms = i64::from(*ms).min(LONGEST_SETTLE_MS);
                }
                Behaviour::BondFirst | Behaviour::BondRequired => {
                    manner.pairing = PairingMoment::First;
                }
                Behaviour::ClockAtFirstNotification { wrong_by_min } => {
                    manner.clock = ClockManner::FirstNotification {
                        wrong_by_ms: i64::from(*wrong_by_min) * 60_000,
                    };
                }
                Behaviour::VendorClock {
                    service,
                    characteristic,
                } => {
                    if let (Ok(service), Ok(characteristic)) =
                        (service.parse::<Uuid>(), characteristic.parse::<Uuid>())
                    {
                        manner.clock = ClockManner::Vendor(Attribute {
                            service,
                            characteristic,
                        });
                    }
                }
                Behaviour::NoInstantReconnect => manner.leave_alone_ms = LEAVE_ALONE_MS,
                _ => {}
            }
        }
        manner
    }
}

/// The characteristics that such a device sends with a layout of its own: their frames are kept and not read.
#[must_use]
pub fn own_layouts(table: &QuirkTable, met: &Met) -> Vec<u16> {
    table
        .behaviours(met)
        .filter_map(|behaviour| match behaviour {
            Behaviour::OwnLayout { characteristic } => u16::from_str_radix(characteristic, 16).ok(),
            _ => None,
        })
        .collect()
}

/// A time as Contour meters take it.
pub(crate) fn vendor_time(now: Moment, utc_offset_min: i16) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend(DeviceTime::from_civil(now.civil(0)).bytes());
    bytes.extend(utc_offset_min.to_le_bytes());
    bytes
}

//! The script of a [`ScriptedRadio`](crate::ScriptedRadio): JSON, described in `docs/radio-scripts.md` and below.

use crate::fault::RadioFault;
use crate::radio::DeviceHandle;
use crate::uuid::Uuid;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A whole script.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The offset from UTC at which the devices' clocks are set, in minutes.
    #[serde(default)]
    pub utc_offset_min: i16,
    /// How long the radio takes to begin to look.
    #[serde(default)]
    pub scan_ms: u64,
    /// What is near.
    pub devices: Vec<ScriptedDevice>,
}

/// One device.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedDevice {
    /// Its handle.
    pub device: DeviceHandle,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its address, 12 hex digits.
    #[serde(default)]
    pub address: Option<String>,
    /// What it names while it advertises.
    #[serde(default = "blood_pressure")]
    pub services: Vec<Uuid>,
    /// From when on it advertises.
    #[serde(default)]
    pub visible_from_ms: u64,
    /// For how long; for ever when absent.
    #[serde(default)]
    pub visible_for_ms: Option<u64>,
    /// What can be read.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// The characteristics that send `frames`.
    #[serde(default = "of_a_cuff")]
    pub measurements: Vec<String>,
    /// Characteristics that it has beyond `values`, its measurements and its clock; one listed twice is there twice.
    #[serde(default)]
    pub more: Vec<String>,
    /// How far its clock (Current Time) is behind; no clock when absent.
    #[serde(default)]
    pub clock_behind_s: Option<i64>,
    /// Whether it wants a bond before it lets anybody subscribe or read.
    #[serde(default)]
    pub needs_pairing: bool,
    /// Whether a bond exists at the start.
    #[serde(default)]
    pub bonded: bool,
    /// Whether it keeps subscriptions with its bond: with one, it sends as soon as a link is made, within the call to
    /// connect, and to a radio that was subscribed before that.
    #[serde(default)]
    pub keeps_subscription: bool,
    /// What it sends, each once, in the order given, after the subscription, or after the link of one that keeps it.
    #[serde(default)]
    pub frames: Vec<ScriptedFrame>,
    /// What it keeps and can be asked for, oldest first.
    #[serde(default)]
    pub stored: Option<ScriptedMemory>,
    /// The users that it keeps apart: it has a User Control Point (181c/2a9f) then.
    #[serde(default)]
    pub users: Option<ScriptedUsers>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<ScriptFault>,
}

/// A device's users.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedUsers {
    /// The code of each slot that is taken.
    #[serde(default)]
    pub codes: BTreeMap<u8, u16>,
    /// How many it has room for.
    pub room: u8,
    /// Whether it sends `frames` only after a consent.
    #[serde(default)]
    pub closed: bool,
    /// Whether it never answers.
    #[serde(default)]
    pub silent: bool,
}

/// Codes are secrets.
impl std::fmt::Debug for ScriptedUsers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScriptedUsers({} of {})", self.codes.len(), self.room)
    }
}

/// What a device keeps: it has a Record Access Control Point (0x2A52) then.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedMemory {
    /// The service that keeps it.
    pub service: Uuid,
    /// The records, oldest first.
    pub records: Vec<ScriptedRecord>,
}

/// Records are measurements: they stay out of logs.
impl std::fmt::Debug for ScriptedMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScriptedMemory({} records)", self.records.len())
    }
}

/// One record.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedRecord {
    /// The number by which it is asked for.
    pub number: u16,
    /// What is sent for it, in order: characteristic (four hex digits) and bytes.
    pub packets: Vec<(String, String)>,
}

/// A record is a measurement: it stays out of logs.
impl std::fmt::Debug for ScriptedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScriptedRecord({})", self.number)
    }
}

/// One frame of a measurement.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedFrame {
    /// How long after the subscription or the frame before.
    #[serde(default)]
    pub after_ms: u64,
    /// The characteristic that sends it; the first of the device's measurements when absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The bytes.
    pub bytes: String,
    /// How often it is indicated.
    #[serde(default = "once")]
    pub times: u32,
}

/// A frame holds a measurement: it stays out of logs.
impl std::fmt::Debug for ScriptedFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptedFrame")
    }
}

/// One fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ScriptFault {
    /// A call fails so many times, or is never answered when `fault` is absent.
    Call {
        /// `state` (never an answer), `scan`, `connect`, `discover`, `subscribe`, `read`, `write`, `pair` or `disconnect`.
        call: String,
        /// How.
        #[serde(default)]
        fault: Option<RadioFault>,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The link breaks so long after connecting, so many times.
    Drop {
        /// When.
        drop_after_ms: u64,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The adapter goes away so long after connecting, and comes back.
    Radio {
        /// When.
        radio_off_after_ms: u64,
        /// For how long.
        back_after_ms: u64,
    },
}

fn blood_pressure() -> Vec<Uuid> {
    vec![Uuid::BLOOD_PRESSURE]
}

fn of_a_cuff() -> Vec<String> {
    vec!["1810/2a35".to_owned()]
}

const fn once() -> u32 {
    1
}

/// A script that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not the JSON of a script.
    #[error("the script cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A text that is not what its member wants.
    #[error("device {device}: {what} is not well formed")]
    Text {
        /// The place of the device in the list, from 0.
        device: usize,
        /// Which member.
        what: &'static str,
    },
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] with what is wrong.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        Ok(serde_json::from_str(json)?)
    }
}

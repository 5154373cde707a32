//! What the host wants of one session, and how patient it is.

use crate::manner::Manner;
use crate::radio::DeviceHandle;
use crate::stored::StoredMark;
use crate::trace::TraceMode;
use crate::user_plan::UserPlan;
use reading::DeviceFacts;
use serde::{Deserialize, Serialize};

/// One session with one device.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The device, as the radio names it.
    pub device: DeviceHandle,
    /// Pair with it, or collect from one that is paired.
    pub goal: Goal,
    /// Whether a bond with it is known to exist: then a device that asks for pairing has lost it.
    pub bonded: bool,
    /// Whether the device was seen just now, so that it is connected to without a scan.
    pub seen: bool,
    /// What is known already, at least the address where the radio tells it. A device whose System ID, model or serial
    /// number is known is not asked again.
    pub known: Option<DeviceFacts>,
    /// The phone's offset from UTC, in minutes.
    pub utc_offset_min: i16,
    /// 16 random bytes, drawn for this session.
    pub connection: [u8; 16],
    /// Deadlines.
    pub pace: Pace,
    /// How far the device's stored records were taken before; what the last session with it gave.
    pub stored: StoredMark,
    /// What its model does otherwise than the standard.
    pub manner: Manner,
    /// Which of the device's users it is for, where it keeps them apart.
    pub user: UserPlan,
    /// What is written down of the session.
    pub trace: TraceMode,
}

impl Plan {
    /// A session that pairs.
    #[must_use]
    pub fn pair(device: DeviceHandle, utc_offset_min: i16, connection: [u8; 16]) -> Self {
        Self {
            device,
            goal: Goal::Pair,
            bonded: false,
            seen: false,
            known: None,
            utc_offset_min,
            connection,
            pace: Pace::default(),
            stored: StoredMark::default(),
            manner: Manner::default(),
            user: UserPlan::Unsaid,
            trace: TraceMode::Off,
        }
    }

    /// A session that collects from a device that was paired; `bonded` as the pairing's report said.
    #[must_use]
    pub fn collect(
        device: DeviceHandle,
        bonded: bool,
        known: DeviceFacts,
        utc_offset_min: i16,
        connection: [u8; 16],
    ) -> Self {
        let pair = Self::pair(device, utc_offset_min, connection);
        Self {
            goal: Goal::Collect,
            bonded,
            known: Some(known),
            ..pair
        }
    }
}

impl Plan {
    /// Whether what the pairing told is enough, so that the device is not asked again who it is.
    #[must_use]
    pub fn knows_identity(&self) -> bool {
        self.known.as_ref().is_some_and(|facts| {
            facts.system_id.is_some() || facts.model.is_some() || facts.serial.is_some()
        })
    }
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Get to know the device: done when its identity was read, with or without a reading.
    Pair,
    /// Take readings.
    Collect,
}

/// The deadlines of the steps, in milliseconds. The defaults come from projects that live with real cuffs
/// (blessed-android: 35 s connect guard; openScale: 2 s cool-down, pauses of 0.5–1.5 s).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// Looking for the device.
    pub scan_ms: i64,
    /// One attempt to connect.
    pub connect_ms: i64,
    /// How often to try.
    pub attempts: u32,
    /// Before another attempt.
    pub retry_pause_ms: i64,
    /// Listing what the device has.
    pub discover_ms: i64,
    /// One read, write or subscription.
    pub step_ms: i64,
    /// Pairing, with a person who looks for six digits.
    pub pair_ms: i64,
    /// Waiting for the first reading.
    pub first_record_ms: i64,
    /// After the last reading, for another one.
    pub quiet_ms: i64,
    /// After the link is gone, for what is still in the queue.
    pub drain_ms: i64,
    /// Disconnecting.
    pub disconnect_ms: i64,
    /// Before the device is bothered again.
    pub cool_down_ms: i64,
    /// The device's clock is set when it is off by more than this.
    pub clock_tolerance_ms: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            scan_ms: 60_000,
            connect_ms: 35_000,
            attempts: 2,
            retry_pause_ms: 500,
            discover_ms: 15_000,
            step_ms: 10_000,
            pair_ms: 60_000,
            first_record_ms: 30_000,
            quiet_ms: 3_000,
            drain_ms: 300,
            disconnect_ms: 5_000,
            cool_down_ms: 2_000,
            clock_tolerance_ms: 30_000,
        }
    }
}

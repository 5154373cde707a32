//! How a session ended: exactly one plain reason, with words for the patient and what to do next.

use crate::notice::Notice;
use serde::{Deserialize, Serialize};

/// Why a session ended. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Readings were taken, or the device was paired.
    Done,
    /// All went well, and there was no reading.
    NothingNew,
    /// Readings were taken, and the device ended the connection before it had been quiet for long enough: there may be
    /// more. Many cuffs always end it themselves.
    ClosedEarly,
    /// The device was not seen in time.
    NotFound,
    /// It was seen, and no connection came about.
    ConnectFailed,
    /// The connection broke before a reading came.
    LinkLost,
    /// The device stopped answering within a connection.
    NotAnswering,
    /// It was busy each time its stored records were asked for.
    DeviceBusy,
    /// It announced more stored records than it sent, again and again.
    RecordsMissing,
    /// It streams, and felt no pulse for long enough.
    NoPulse,
    /// It offers nothing that Teleward can read.
    NotSupported,
    /// It offers the same thing twice, and nobody can know which is meant.
    Ambiguous,
    /// It asks for pairing and does not let itself be paired now.
    PairingRefused,
    /// Pairing took too long, often because nobody typed the digits.
    PairingTimeout,
    /// The digits were wrong.
    PasskeyWrong,
    /// The device has forgotten us.
    BondLost,
    /// Bluetooth is switched off.
    BluetoothOff,
    /// There is no Bluetooth adapter, or it went away.
    RadioGone,
    /// The system does not let us use Bluetooth.
    NotAllowed,
    /// The radio failed for a reason of its own.
    RadioFailed,
    /// Stopped by the person or the system.
    Cancelled,
}

impl ReasonCode {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Done,
        Self::NothingNew,
        Self::ClosedEarly,
        Self::NotFound,
        Self::ConnectFailed,
        Self::LinkLost,
        Self::NotAnswering,
        Self::DeviceBusy,
        Self::RecordsMissing,
        Self::NoPulse,
        Self::NotSupported,
        Self::Ambiguous,
        Self::PairingRefused,
        Self::PairingTimeout,
        Self::PasskeyWrong,
        Self::BondLost,
        Self::BluetoothOff,
        Self::RadioGone,
        Self::NotAllowed,
        Self::RadioFailed,
        Self::Cancelled,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NothingNew => "nothing_new",
            Self::ClosedEarly => "closed_early",
            Self::NotFound => "not_found",
            Self::ConnectFailed => "connect_failed",
            Self::LinkLost => "link_lost",
            Self::NotAnswering => "not_answering",
            Self::DeviceBusy => "device_busy",
            Self::RecordsMissing => "records_missing",
            Self::NoPulse => "no_pulse",
            Self::NotSupported => "not_supported",
            Self::Ambiguous => "ambiguous",
            Self::PairingRefused => "pairing_refused",
            Self::PairingTimeout => "pairing_timeout",
            Self::PasskeyWrong => "passkey_wrong",
            Self::BondLost => "bond_lost",
            Self::BluetoothOff => "bluetooth_off",
            Self::RadioGone => "radio_gone",
            Self::NotAllowed => "not_allowed",
            Self::RadioFailed => "radio_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What happened, for the patient.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "All done.",
            Self::NothingNew => "Your device had no new reading.",
            Self::ClosedEarly => "Your reading has arrived. The device then ended the connection.",
            Self::NotFound => "Your device was not found.",
            Self::ConnectFailed => "Your device was seen, but the connection failed.",
            Self::LinkLost => "The connection broke off before a reading came.",
            Self::NotAnswering => "Your device stopped answering.",
            Self::DeviceBusy => "Your device is busy with something else.",
            Self::RecordsMissing => "Your device has more readings than it sent.",
            Self::NoPulse => "Your device did not feel a steady pulse.",
            Self::NotSupported => "This device does not work with Teleward.",
            Self::Ambiguous => "This device describes itself in a way that cannot be trusted.",
            Self::PairingRefused => "Your device did not accept the pairing.",
            Self::PairingTimeout => "The pairing was not finished in time.",
            Self::PasskeyWrong => "The digits did not match.",
            Self::BondLost => "Your device no longer knows this phone.",
            Self::BluetoothOff => "Bluetooth is switched off.",
            Self::RadioGone => "There is no Bluetooth here right now.",
            Self::NotAllowed => "Teleward may not use Bluetooth.",
            Self::RadioFailed => "Bluetooth reported a fault.",
            Self::Cancelled => "Stopped.",
        }
    }

    /// What to do next; empty when there is nothing to do.
    #[must_use]
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Done | Self::ClosedEarly | Self::Cancelled => "",
            Self::NothingNew => "Take a measurement, then press its Bluetooth button.",
            Self::NotFound => "Hold it near the phone, take a measurement and wait a moment.",
            Self::ConnectFailed | Self::LinkLost | Self::NotAnswering => {
                "Hold it near the phone and send the reading again. Nothing is lost."
            }
            Self::DeviceBusy => "Wait until it has finished, then send the readings again.",
            Self::RecordsMissing => "Hold it near the phone and send the readings again.",
            Self::NoPulse => "Moisten it, put it on firmly and sit still for a minute.",
            Self::NotSupported | Self::Ambiguous => "Ask your clinic which devices work.",
            Self::PairingRefused => {
                "Put the device into pairing mode (see its leaflet) and try again."
            }
            Self::PairingTimeout => "Try again and type the digits that the device shows.",
            Self::PasskeyWrong => "Try again with the digits that the device shows now.",
            Self::BondLost => {
                "Remove the device in the phone's Bluetooth settings, then pair it again here."
            }
            Self::BluetoothOff => "Switch Bluetooth on.",
            Self::RadioGone => "Check that Bluetooth is there and switched on.",
            Self::NotAllowed => "Allow Bluetooth for Teleward in the phone's settings.",
            Self::RadioFailed => "Switch Bluetooth off and on again.",
        }
    }

    /// Whether this, learned later, is the true cause of what was concluded before.
    #[must_use]
    pub const fn explains(self, earlier: Self) -> bool {
        // An adapter that is unplugged is switched off on its way out.
        matches!((self, earlier), (Self::RadioGone, Self::BluetoothOff))
            || matches!(
                self,
                Self::BluetoothOff | Self::RadioGone | Self::NotAllowed
            ) && matches!(
                earlier,
                Self::LinkLost
                    | Self::ClosedEarly
                    | Self::BondLost
                    | Self::ConnectFailed
                    | Self::NotAnswering
                    | Self::RadioFailed
            )
    }

    /// Whether the session did what it was for.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::NothingNew | Self::ClosedEarly)
    }
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// The one reason.
    pub reason: ReasonCode,
    /// How many records were handed on.
    pub records: u32,
    /// How many frames repeated one of them and were left out.
    pub repeated: u32,
    /// Whether the device and this phone now share a bond.
    pub bonded: bool,
    /// What was noticed about the device, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// For how many seconds the device is to be left alone: one that streams would be measured again at once, as long as
    /// it is worn.
    #[serde(default, skip_serializing_if = "is_none")]
    pub rest_s: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(seconds: &u32) -> bool {
    *seconds == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_name_and_words() {
        let mut codes: Vec<_> = ReasonCode::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ReasonCode::ALL.len());
        for reason in ReasonCode::ALL {
            let name = serde_json::to_string(&reason).unwrap();
            assert_eq!(name, format!("{:?}", reason.code()));
            assert!(!reason.words().is_empty());
        }
    }
}

//! What can go wrong with a call to a radio, and the one parser that makes sense of what platforms say in words.

use serde::{Deserialize, Serialize};

/// What went wrong with a call, in the few kinds that change what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RadioFault {
    /// The device wants a bond or encryption first (ATT 0x05, 0x08, 0x0C, 0x0F).
    #[error("the device asks for pairing first")]
    NeedsPairing,
    /// A bond exists on this side and the device does not know it (HCI 0x06).
    #[error("the device has forgotten the pairing")]
    KeyMissing,
    /// The device, or the person, said no to pairing.
    #[error("pairing was refused")]
    PairingRefused,
    /// Nobody answered while pairing.
    #[error("pairing took too long")]
    PairingTimeout,
    /// Wrong digits.
    #[error("the digits did not match")]
    PasskeyWrong,
    /// There is no link.
    #[error("the device is not connected")]
    NotConnected,
    /// The link came up and broke before the call to connect was through.
    #[error("the connection came about and broke at once")]
    BrokeOff,
    /// The device is not there.
    #[error("the device is not known or not near")]
    NotFound,
    /// The call took too long.
    #[error("no answer in time")]
    Timeout,
    /// Another call is under way; it may work a moment later.
    #[error("the radio is busy")]
    Busy,
    /// The device does not do this, or not with this characteristic.
    #[error("the device does not offer this")]
    NotSupported,
    /// Current Time, ATT 0x80: the device took the time and ignored some of its fields.
    #[error("some fields were ignored")]
    FieldsIgnored,
    /// Bluetooth is off.
    #[error("Bluetooth is switched off")]
    Off,
    /// There is no adapter.
    #[error("there is no Bluetooth adapter")]
    Missing,
    /// The system says no.
    #[error("the system does not allow the use of Bluetooth")]
    Denied,
    /// Anything else.
    #[error("the radio failed")]
    Other,
}

/// Texts of platforms, most telling first; all lower case. Sources: BlueZ `org.bluez.Error.*` and its GATT client
/// (`src/gatt-client.c`, "Operation failed with ATT error: 0x.."), Android `BluetoothGatt` statuses as btleplug 0.13
/// passes them on ("status: 5"), CoreBluetooth's CBATTError and CBError descriptions, WinRT `GattCommunicationStatus`.
const TEXTS: &[(&str, RadioFault)] = &[
    ("key missing", RadioFault::KeyMissing),
    ("keymissing", RadioFault::KeyMissing),
    ("peer removed pairing information", RadioFault::KeyMissing),
    (
        "authentication failed because the device removed",
        RadioFault::KeyMissing,
    ),
    ("authenticationcanceled", RadioFault::PairingRefused),
    ("authenticationrejected", RadioFault::PairingRefused),
    ("authenticationtimeout", RadioFault::PairingTimeout),
    ("authenticationfailed", RadioFault::PasskeyWrong),
    ("authentication failed", RadioFault::PasskeyWrong),
    ("authentication canceled", RadioFault::PairingRefused),
    ("authentication rejected", RadioFault::PairingRefused),
    ("authentication timeout", RadioFault::PairingTimeout),
    ("insufficient authentication", RadioFault::NeedsPairing),
    ("insufficient encryption", RadioFault::NeedsPairing),
    ("insufficient authorization", RadioFault::NeedsPairing),
    ("authentication is insufficient", RadioFault::NeedsPairing),
    ("encryption is insufficient", RadioFault::NeedsPairing),
    ("authorization is insufficient", RadioFault::NeedsPairing),
    ("not paired", RadioFault::NeedsPairing),
    ("notpermitted: not paired", RadioFault::NeedsPairing),
    ("gatt_insufficient", RadioFault::NeedsPairing),
    ("gatt_auth_fail", RadioFault::NeedsPairing),
    ("att error: 0x05", RadioFault::NeedsPairing),
    ("att error: 0x08", RadioFault::NeedsPairing),
    ("att error: 0x0c", RadioFault::NeedsPairing),
    ("att error: 0x0f", RadioFault::NeedsPairing),
    ("att error: 0x80", RadioFault::FieldsIgnored),
    ("not authorized", RadioFault::NeedsPairing),
    ("notauthorized", RadioFault::NeedsPairing),
    ("not authorised", RadioFault::NeedsPairing),
    ("le-connection-abort-by-local", RadioFault::NotConnected),
    ("connection-abort", RadioFault::NotConnected),
    ("connection abort", RadioFault::NotConnected),
    ("not connected", RadioFault::NotConnected),
    ("notconnected", RadioFault::NotConnected),
    ("disconnected", RadioFault::NotConnected),
    ("connection attempt failed", RadioFault::NotConnected),
    ("connectionattemptfailed", RadioFault::NotConnected),
    ("unreachable", RadioFault::NotConnected),
    ("peer device is not reachable", RadioFault::NotConnected),
    ("resource not ready", RadioFault::Off),
    ("error.notready", RadioFault::Off),
    ("powered off", RadioFault::Off),
    ("poweredoff", RadioFault::Off),
    ("no bluetooth adapters", RadioFault::Missing),
    ("no such adapter", RadioFault::Missing),
    ("serviceunknown", RadioFault::Missing),
    (
        "was not provided by any .service files",
        RadioFault::Missing,
    ),
    ("notavailable", RadioFault::NotSupported),
    ("permission", RadioFault::Denied),
    ("accessdenied", RadioFault::Denied),
    ("access denied", RadioFault::Denied),
    ("unauthorized", RadioFault::Denied),
    ("device not found", RadioFault::NotFound),
    ("devicenotfound", RadioFault::NotFound),
    ("unknownobject", RadioFault::NotFound),
    ("unknown object", RadioFault::NotFound),
    ("doesnotexist", RadioFault::NotFound),
    ("does not exist", RadioFault::NotFound),
    ("not found", RadioFault::NotSupported),
    ("inprogress", RadioFault::Busy),
    ("in progress", RadioFault::Busy),
    ("busy", RadioFault::Busy),
    ("notpermitted", RadioFault::NotSupported),
    ("not permitted", RadioFault::NotSupported),
    ("notsupported", RadioFault::NotSupported),
    ("not supported", RadioFault::NotSupported),
    ("timed out", RadioFault::Timeout),
    ("timedout", RadioFault::Timeout),
    ("timeout", RadioFault::Timeout),
    ("noreply", RadioFault::Timeout),
    ("did not receive a reply", RadioFault::Timeout),
];

/// Android's and others' bare numbers: GATT statuses 5, 8, 12, 15 and 137 (auth fail) ask for pairing.
const STATUSES: &[(u32, RadioFault)] = &[
    (5, RadioFault::NeedsPairing),
    (8, RadioFault::NeedsPairing),
    (12, RadioFault::NeedsPairing),
    (15, RadioFault::NeedsPairing),
    (137, RadioFault::NeedsPairing),
    (0x80, RadioFault::FieldsIgnored),
    (6, RadioFault::NotSupported),
    (133, RadioFault::NotConnected),
    (62, RadioFault::NotConnected),
    (19, RadioFault::NotConnected),
    (22, RadioFault::NotConnected),
];

impl RadioFault {
    /// Makes sense of what a platform says in words: the one place that does.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let text = text.to_lowercase();
        if let Some((_, fault)) = TEXTS.iter().find(|(part, _)| text.contains(part)) {
            return *fault;
        }
        let number = [
            "status: ",
            "status=",
            "status ",
            "protocol error: ",
            "error code: ",
        ]
        .iter()
        .find_map(|before| {
            let after = text.split(before).nth(1)?;
            let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u32>().ok()
        });
        STATUSES
            .iter()
            .find(|(status, _)| Some(*status) == number)
            .map_or(Self::Other, |(_, fault)| *fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEVICE-002: what a platform says in words becomes one of few kinds, the same for all platforms.
    #[test]
    fn texts_of_platforms_have_one_meaning() {
        for (text, fault) in [
            (
                "org.bluez.Error.NotPermitted: Not paired",
                RadioFault::NeedsPairing,
            ),
            (
                "org.bluez.Error.NotAuthorized: Operation Not Authorized",
                RadioFault::NeedsPairing,
            ),
            (
                "org.bluez.Error.Failed: Operation failed with ATT error: 0x0f",
                RadioFault::NeedsPairing,
            ),
            (
                "D-Bus error: Operation failed with ATT error: 0x05",
                RadioFault::NeedsPairing,
            ),
            (
                "Operation failed with ATT error: 0x80 (Application)",
                RadioFault::FieldsIgnored,
            ),
            (
                "org.bluez.Error.AuthenticationFailed: Authentication Failed",
                RadioFault::PasskeyWrong,
            ),
            (
                "org.bluez.Error.AuthenticationRejected",
                RadioFault::PairingRefused,
            ),
            (
                "org.bluez.Error.AuthenticationCanceled",
                RadioFault::PairingRefused,
            ),
            (
                "org.bluez.Error.AuthenticationTimeout",
                RadioFault::PairingTimeout,
            ),
            (
                "org.bluez.Error.Failed: le-connection-abort-by-local",
                RadioFault::NotConnected,
            ),
            (
                "org.bluez.Error.Failed: Not connected",
                RadioFault::NotConnected,
            ),
            (
                "org.bluez.Error.NotReady: Resource Not Ready",
                RadioFault::Off,
            ),
            ("org.bluez.Error.InProgress: In Progress", RadioFault::Busy),
            (
                "Did not receive a reply. Possible causes include…",
                RadioFault::Timeout,
            ),
            (
                "org.freedesktop.DBus.Error.ServiceUnknown",
                RadioFault::Missing,
            ),
            (
                "org.freedesktop.DBus.Error.UnknownObject",
                RadioFault::NotFound,
            ),
            (
                "Characteristic with UUID 2a35 not found.",
                RadioFault::NotSupported,
            ),
            (
                "onCharacteristicRead failed, status: 5",
                RadioFault::NeedsPairing,
            ),
            (
                "onDescriptorWrite failed, status: 137",
                RadioFault::NeedsPairing,
            ),
            ("GATT status=133", RadioFault::NotConnected),
            (
                "Error Domain=CBATTErrorDomain Code=15 \"Encryption is insufficient.\"",
                RadioFault::NeedsPairing,
            ),
            ("Peer removed pairing information", RadioFault::KeyMissing),
            (
                "GattCommunicationStatus Unreachable",
                RadioFault::NotConnected,
            ),
            ("ProtocolError(Protocol error: 5)", RadioFault::NeedsPairing),
            ("something new", RadioFault::Other),
            ("status: 99999999999", RadioFault::Other),
            ("", RadioFault::Other),
        ] {
            assert_eq!(RadioFault::from_text(text), fault, "{text}");
        }
    }
}

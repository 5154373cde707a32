//! Which device a record came from: fixed when the device is paired, and part of every `ReadingId`.

use crate::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The three classes of identity, strongest first. A device keeps the class that it was paired with for good, or the
/// same record would get another id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum DeviceIdentity {
    /// System ID (0x2A23), eight bytes as sent; never all 00 or all FF.
    SystemId([u8; 8]),
    /// Maker, model and serial number of the Device Information Service, as sent without trailing NUL and space.
    Information {
        /// Manufacturer Name String (0x2A29); may be empty.
        maker: String,
        /// Model Number String (0x2A24).
        model: String,
        /// Serial Number String (0x2A25).
        serial: String,
    },
    /// The address with which the device was bonded, most significant byte first.
    Address([u8; 6]),
}

/// What cannot tell one device from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// All 00 or all FF.
    #[error("a System ID of all 00 or FF identifies no device: use its serial number or address")]
    EmptySystemId,
    /// No model, no serial number, or one that stands for "none".
    #[error("a model and a serial number that is not all zeros are needed: use the address")]
    NoSerial,
    /// The text is not `sysid:`, `dis:` or `addr:` with its hex.
    #[error("not an identity of the form sysid:, dis: or addr: with lower-case hex")]
    Text,
}

impl DeviceIdentity {
    /// From a System ID.
    ///
    /// # Errors
    /// [`IdentityError::EmptySystemId`] when it is the one that makers leave in.
    pub fn system_id(bytes: [u8; 8]) -> Result<Self, IdentityError> {
        if bytes == [0; 8] || bytes == [0xff; 8] {
            return Err(IdentityError::EmptySystemId);
        }
        Ok(Self::SystemId(bytes))
    }

    /// From maker, model and serial number.
    ///
    /// # Errors
    /// [`IdentityError::NoSerial`] without a model or a serial number, or when that is nothing but zeros.
    pub fn information(maker: &str, model: &str, serial: &str) -> Result<Self, IdentityError> {
        let trim = |text: &str| text.trim_end_matches(['\0', ' ']).to_owned();
        let (maker, model, serial) = (trim(maker), trim(model), trim(serial));
        if model.is_empty() || serial.chars().all(|c| c == '0') {
            return Err(IdentityError::NoSerial);
        }
        Ok(Self::Information {
            maker,
            model,
            serial,
        })
    }

    /// The strongest of what is known, for a device that is being paired.
    #[must_use]
    pub fn strongest(
        system_id: Option<[u8; 8]>,
        maker: &str,
        model: &str,
        serial: &str,
        address: Option<[u8; 6]>,
    ) -> Option<Self> {
        system_id
            .and_then(|bytes| Self::system_id(bytes).ok())
            .or_else(|| Self::information(maker, model, serial).ok())
            .or_else(|| address.map(Self::Address))
    }

    /// The bytes that stand in a `ReadingId`.
    #[must_use]
    pub fn id_bytes(&self) -> Vec<u8> {
        match self {
            Self::SystemId(bytes) => [b"sysid:".as_slice(), bytes].concat(),
            Self::Information {
                maker,
                model,
                serial,
            } => {
                let mut bytes = b"dis:".to_vec();
                for text in [maker, model, serial] {
                    bytes.extend(length(text.as_bytes()));
                    bytes.extend(text.as_bytes());
                }
                bytes
            }
            Self::Address(bytes) => [b"addr:".as_slice(), bytes].concat(),
        }
    }
}

/// A length as it stands before a field: u32, big-endian.
pub(crate) fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// `sysid:`, `dis:` or `addr:` and the rest of [`DeviceIdentity::id_bytes`] in hex: one line, and exact.
impl fmt::Display for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.id_bytes();
        let name = match self {
            Self::SystemId(_) => "sysid:",
            Self::Information { .. } => "dis:",
            Self::Address(_) => "addr:",
        };
        write!(f, "{name}{}", hex::to_hex(&bytes[name.len()..]))
    }
}

/// A serial number is personal data: the class alone is enough for a log.
impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemId(_) => "DeviceIdentity(sysid)",
            Self::Information { .. } => "DeviceIdentity(dis)",
            Self::Address(_) => "DeviceIdentity(addr)",
        })
    }
}

impl FromStr for DeviceIdentity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let (name, rest) = text.split_once(':').ok_or(IdentityError::Text)?;
        match name {
            "sysid" => Self::system_id(hex::array(rest).map_err(|_| IdentityError::Text)?),
            "addr" => Ok(Self::Address(
                hex::array(rest).map_err(|_| IdentityError::Text)?,
            )),
            "dis" => {
                let bytes = hex::from_hex(rest).map_err(|_| IdentityError::Text)?;
                let mut left = bytes.as_slice();
                let mut next = || -> Option<String> {
                    let (size, rest) = left.split_first_chunk::<4>()?;
                    let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
                    let (field, rest) = rest.split_at_checked(size)?;
                    left = rest;
                    String::from_utf8(field.to_vec()).ok()
                };
                let fields = next().zip(next()).zip(next());
                let Some(((maker, model), serial)) = fields.filter(|_| left.is_empty()) else {
                    return Err(IdentityError::Text);
                };
                let identity = Self::information(&maker, &model, &serial)?;
                // Trailing blanks would have been cut: then it is not what we write.
                if identity.to_string() != text {
                    return Err(IdentityError::Text);
                }
                Ok(identity)
            }
            _ => Err(IdentityError::Text),
        }
    }
}

impl Serialize for DeviceIdentity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceIdentity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hex::parsed(from, Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_one_exact_line() {
        let identities = [
            DeviceIdentity::system_id([1, 2, 3, 4, 5, 6, 7, 8]).unwrap(),
            DeviceIdentity::information("Omron\0", "HEM-7361T ", "2021A0b").unwrap(),
            DeviceIdentity::Address([0xc4; 6]),
        ];
        for identity in identities {
            assert_eq!(identity.to_string().parse(), Ok(identity.clone()));
            assert!(!format!("{identity:?}").contains("2021"));
        }
        for bad in [
            "",
            "sysid:",
            "sysid:ffffffffffffffff",
            "addr:C4C4C4C4C4C4",
            "dis:00",
            "mac:00",
            "dis:",
        ] {
            assert!(bad.parse::<DeviceIdentity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_strongest_that_tells_devices_apart_is_chosen() {
        let address = Some([1, 2, 3, 4, 5, 6]);
        let named = |id: Option<DeviceIdentity>| id.map(|id| format!("{id:?}")).unwrap_or_default();
        let of = |sysid, serial: &str| {
            named(DeviceIdentity::strongest(sysid, "A", "B", serial, address))
        };
        assert_eq!(of(Some([7; 8]), "1"), "DeviceIdentity(sysid)");
        assert_eq!(of(Some([0; 8]), "1"), "DeviceIdentity(dis)");
        assert_eq!(of(Some([0xff; 8]), "0000"), "DeviceIdentity(addr)");
        assert_eq!(of(None, ""), "DeviceIdentity(addr)");
        assert_eq!(DeviceIdentity::strongest(None, "", "", "", None), None);
    }
}

//! UUIDs of services and characteristics: 128 bits, most of them made from a 16-bit number (Bluetooth Core, 3.B.2.5.1).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// A UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub u128);

/// 00000000-0000-1000-8000-00805F9B34FB.
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5f9b_34fb;

impl Uuid {
    /// Blood Pressure Service.
    pub const BLOOD_PRESSURE: Self = Self::short(0x1810);
    /// The Weight Scale service.
    pub const WEIGHT_SCALE: Self = Self::short(0x181d);
    /// The Body Composition service.
    pub const BODY_COMPOSITION: Self = Self::short(0x181b);
    /// The Continuous Glucose Monitoring service.
    pub const CONTINUOUS_GLUCOSE: Self = Self::short(0x181f);
    /// The Generic Health Sensor service.
    pub const HEALTH_SENSOR: Self = Self::short(0x1840);
    /// The Elapsed Time service; 0x1847 is Device Time.
    pub const ELAPSED_TIME_SERVICE: Self = Self::short(0x183f);
    /// Current Elapsed Time.
    pub const ELAPSED_TIME: Self = Self::short(0x2bf2);
    /// The Heart Rate service.
    pub const HEART_RATE: Self = Self::short(0x180d);
    /// The Health Thermometer service.
    pub const THERMOMETER: Self = Self::short(0x1809);
    /// The Glucose service.
    pub const GLUCOSE: Self = Self::short(0x1808);
    /// The Pulse Oximeter service.
    pub const PULSE_OXIMETER: Self = Self::short(0x1822);
    /// Device Information Service.
    pub const INFORMATION: Self = Self::short(0x180a);
    /// Battery Service.
    pub const BATTERY: Self = Self::short(0x180f);
    /// Current Time Service.
    pub const CURRENT_TIME_SERVICE: Self = Self::short(0x1805);
    /// Blood Pressure Measurement.
    pub const MEASUREMENT: Self = Self::short(0x2a35);
    /// Blood Pressure Feature.
    pub const FEATURE: Self = Self::short(0x2a49);
    /// Current Time.
    pub const CURRENT_TIME: Self = Self::short(0x2a2b);
    /// Date Time, which some cuffs have instead.
    pub const DATE_TIME: Self = Self::short(0x2a08);
    /// Battery Level.
    pub const BATTERY_LEVEL: Self = Self::short(0x2a19);

    /// From a 16-bit number.
    #[must_use]
    pub const fn short(number: u16) -> Self {
        Self(BASE | (number as u128) << 96)
    }

    /// The 16-bit number, when it is one.
    #[must_use]
    pub fn as_short(self) -> Option<u16> {
        let number = u16::try_from(self.0 >> 96).ok()?;
        (Self::short(number) == self).then_some(number)
    }
}

/// Four hex digits, or the long form.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_short() {
            Some(number) => write!(f, "{number:04x}"),
            None => {
                let hex = format!("{:032x}", self.0);
                let parts = [
                    &hex[..8],
                    &hex[8..12],
                    &hex[12..16],
                    &hex[16..20],
                    &hex[20..],
                ];
                f.write_str(&parts.join("-"))
            }
        }
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID of four hex digits or of the form 8-4-4-4-12")]
pub struct UuidError;

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        let hex = |text: &str| {
            let digits = text.bytes().all(|c| c.is_ascii_hexdigit());
            u128::from_str_radix(text, 16)
                .ok()
                .filter(|_| digits)
                .ok_or(UuidError)
        };
        match text.len() {
            4 => Ok(Self(BASE | hex(text)? << 96)),
            36 if text
                .match_indices('-')
                .map(|(at, _)| at)
                .eq([8, 13, 18, 23]) =>
            {
                hex(&text.replace('-', "")).map(Self)
            }
            _ => Err(UuidError),
        }
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_are_read_and_written() {
        assert_eq!("2a35".parse(), Ok(Uuid::MEASUREMENT));
        assert_eq!(
            "00002A35-0000-1000-8000-00805F9B34FB".parse(),
            Ok(Uuid::MEASUREMENT)
        );
        let own: Uuid = "ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b".parse().unwrap();
        assert_eq!(own.to_string(), "ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b");
        assert_eq!(own.as_short(), None);
        for bad in [
            "",
            "2a3",
            "+a35",
            "2a35-",
            "00002A35-0000-1000-8000_00805F9B34FB",
        ] {
            assert!(bad.parse::<Uuid>().is_err(), "{bad}");
        }
    }
}

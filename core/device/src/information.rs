//! The small characteristics that say what a device is: Device Information Service (0x180A) and Battery (0x180F).

use crate::bytes::{Cursor, DecodeError};

/// A string of the Device Information Service, made fit for a record: UTF-8, without control characters and outer
/// blanks, at most 128 characters. `None` when nothing is left.
#[must_use]
pub fn string(bytes: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .filter(|c| !c.is_control())
        .take(128)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// System ID (0x2A23): eight bytes, kept as sent.
///
/// # Errors
/// [`DecodeError`] when there are not eight.
pub fn system_id(bytes: &[u8]) -> Result<[u8; 8], DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let id = cursor.take("system id")?;
    cursor.end()?;
    Ok(id)
}

/// Battery Level (0x2A19) in percent; `None` above 100, which the standard reserves.
///
/// # Errors
/// [`DecodeError`] when there is not one byte.
pub fn battery_percent(bytes: &[u8]) -> Result<Option<u8>, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let level = cursor.u8("level")?;
    cursor.end()?;
    Ok((level <= 100).then_some(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_lose_what_a_record_cannot_hold() {
        assert_eq!(string(b"HEM-7361T\0\0"), Some("HEM-7361T".to_owned()));
        assert_eq!(string(b" A\x07B\xff "), Some("AB\u{fffd}".to_owned()));
        assert_eq!(string(b"\0 \0"), None);
    }

    #[test]
    fn lengths_are_held() {
        assert_eq!(
            system_id(&[1, 2, 3, 4, 5, 6, 7, 8]),
            Ok([1, 2, 3, 4, 5, 6, 7, 8])
        );
        assert!(system_id(&[1; 7]).is_err() && system_id(&[1; 9]).is_err());
        assert_eq!(battery_percent(&[100]), Ok(Some(100)));
        assert_eq!(battery_percent(&[101]), Ok(None));
        assert!(battery_percent(&[]).is_err());
    }
}

//! The E2E-CRC of CGM, Blood Pressure and other services: CRC-16/MCRF4XX (GATT Specification Supplement, 2.3): the
//! reflected polynomial 8408, start FFFF, nothing added at the end; sent low byte first behind what it covers.

use crate::bytes::DecodeError;

/// The check sum of some bytes.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0x8408
            } else {
                crc >> 1
            }
        })
    })
}

/// A frame with its check sum behind it.
#[must_use]
pub fn with_crc(mut frame: Vec<u8>) -> Vec<u8> {
    let crc = crc16(&frame);
    frame.extend(crc.to_le_bytes());
    frame
}

/// A frame without the check sum at its end.
///
/// # Errors
/// [`DecodeError::Short`] when there is no room for one, [`DecodeError::Crc`] when it does not fit.
pub fn without_crc(frame: &[u8]) -> Result<&[u8], DecodeError> {
    let Some((covered, crc)) = frame.split_last_chunk::<2>() else {
        return Err(DecodeError::Short {
            field: "check sum",
            need: 2,
            have: frame.len(),
        });
    };
    if crc16(covered) == u16::from_le_bytes(*crc) {
        Ok(covered)
    } else {
        Err(DecodeError::Crc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0x6f91);
        assert_eq!(crc16(b""), 0xffff);
    }

    #[test]
    fn a_changed_bit_is_found() {
        let sent = with_crc(vec![1, 2, 3]);
        assert_eq!(without_crc(&sent), Ok(&[1, 2, 3][..]));
        for bit in 0..sent.len() * 8 {
            let mut damaged = sent.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(without_crc(&damaged), Err(DecodeError::Crc), "bit {bit}");
        }
        assert_eq!(without_crc(&[0]).map_err(|e| e.code()), Err("short_frame"));
    }
}

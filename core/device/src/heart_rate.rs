//! Heart Rate Measurement (0x2A37): Heart Rate Service, layout of the GATT Specification Supplement.
//!
//! Energy is in kilojoule, as the service says; the supplement names the joule.

use crate::NotAValue;
use crate::bits::only_known;
use crate::bytes::{Cursor, DecodeError};

const WIDE: u8 = 0x01;
const CONTACT: u8 = 0x02;
const CONTACT_KNOWN: u8 = 0x04;
const ENERGY: u8 = 0x08;
const RR: u8 = 0x10;
const KNOWN: u8 = 0x1f;

/// A frame of 0x2A37.
#[derive(Clone, PartialEq, Eq)]
pub struct HeartRateFrame {
    /// Beats per minute; 0 when none are found.
    pub heart_rate: u16,
    /// Whether the sensor touches the skin; `None` when it cannot tell.
    pub contact: Option<bool>,
    /// Energy spent since it was last reset, in kilojoule; stays at 65535.
    pub energy_kj: Option<u16>,
    /// Times between beats in 1/1024 s, the oldest first; at least one, or the field is absent.
    pub rr_1024: Vec<u16>,
    /// Bytes after the last field; none behind times between beats, which reach to the end.
    pub extra: Vec<u8>,
}

/// A measurement stays out of logs.
impl std::fmt::Debug for HeartRateFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeartRateFrame")
    }
}

impl HeartRateFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`] for a frame that ends early or has reserved flags: what they announce would be guessed.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let flags = cursor.u8("flags")?;
        only_known(u32::from(flags), u32::from(KNOWN))?;
        let has = |bit| flags & bit != 0;
        let heart_rate = if has(WIDE) {
            cursor.u16("heart rate")?
        } else {
            u16::from(cursor.u8("heart rate")?)
        };
        let energy_kj = has(ENERGY).then(|| cursor.u16("energy")).transpose()?;
        let mut rr_1024 = Vec::new();
        if has(RR) {
            rr_1024.push(cursor.u16("time between beats")?);
            while cursor.left() > 0 {
                rr_1024.push(cursor.u16("time between beats")?);
            }
        }
        Ok(Self {
            heart_rate,
            contact: has(CONTACT_KNOWN).then(|| has(CONTACT)),
            energy_kj,
            rr_1024,
            extra: cursor.rest().to_vec(),
        })
    }

    /// Writes a frame, as a simulated strap does, the rate in one byte where it fits; `None` when bytes should follow
    /// times between beats, as whose end they would be read.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        if !self.rr_1024.is_empty() && !self.extra.is_empty() {
            return None;
        }
        let mut flags = 0;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        let narrow = u8::try_from(self.heart_rate).ok();
        set(WIDE, narrow.is_none());
        set(CONTACT_KNOWN, self.contact.is_some());
        set(CONTACT, self.contact == Some(true));
        set(ENERGY, self.energy_kj.is_some());
        set(RR, !self.rr_1024.is_empty());
        let mut frame = vec![flags];
        match narrow {
            Some(rate) => frame.push(rate),
            None => frame.extend(self.heart_rate.to_le_bytes()),
        }
        frame.extend(
            self.energy_kj
                .iter()
                .flat_map(|energy| energy.to_le_bytes()),
        );
        frame.extend(self.rr_1024.iter().flat_map(|rr| rr.to_le_bytes()));
        frame.extend(&self.extra);
        Some(frame)
    }

    /// The heart rate, when it is one. Straps send 0 for seconds until they feel a beat.
    ///
    /// # Errors
    /// [`NotAValue::NoPulse`].
    pub const fn value(&self) -> Result<u16, NotAValue> {
        match self.heart_rate {
            0 => Err(NotAValue::NoPulse),
            rate => Ok(rate),
        }
    }
}

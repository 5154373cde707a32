//! A cursor over little-endian bytes, and why a frame could not be read.

/// Why a frame is no frame of its characteristic. Holds no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the flags announce.
    #[error("the frame ends within {field}: {have} bytes, at least {need} needed")]
    Short {
        /// The field in which it ends.
        field: &'static str,
        /// How many bytes the frame must have at least.
        need: usize,
        /// How many it has.
        have: usize,
    },
    /// Flag bits to which the standard gives no meaning: what they announce cannot be read.
    #[error("reserved flag bits {bits:#04x} are set: the layout of this frame is not known")]
    ReservedFlags {
        /// The bits.
        bits: u32,
    },
    /// A frame of fixed length has more bytes than that.
    #[error("{extra} bytes more than this characteristic has")]
    TooLong {
        /// How many.
        extra: usize,
    },
    /// Nothing decodes this characteristic.
    #[error("characteristic {characteristic:04x} is not decoded by this version")]
    NotSupported {
        /// The characteristic.
        characteristic: u16,
    },
    /// An intermediate value, never a reading.
    #[error("characteristic {characteristic:04x} carries no readings")]
    NotAReading {
        /// The characteristic.
        characteristic: u16,
    },
    /// This model sends it with a layout of its own, which is not known: numbers read by the standard would be wrong.
    #[error("this model sends characteristic {characteristic:04x} with a layout of its own")]
    OwnLayout {
        /// The characteristic.
        characteristic: u16,
    },
    /// No packet at all, or more than one where a record is one packet.
    #[error("a record of this characteristic is exactly one packet")]
    Packets,
    /// It observes what nothing here knows, or things that are no one reading together.
    #[error("what this record observes is not known to this version as one reading")]
    UnknownType,
    /// A packet that belongs to the record did not come.
    #[error("another packet belongs to this record, and it did not come")]
    Incomplete,
    /// A field holds what the standard does not know there, and what follows depends on it.
    #[error(
        "the field {field} holds no value that the standard knows: the rest of the frame cannot be read"
    )]
    BadValue {
        /// The field.
        field: &'static str,
    },
    /// A request to a device stands where a device's answer is read.
    #[error("this is a request, which only a device receives: give what the device sent")]
    DeviceOnly,
    /// The check sum at the end does not fit the frame.
    #[error("the check sum (E2E-CRC) does not fit the frame: it was damaged on the way")]
    Crc,
    /// The contents make no id.
    #[error("the record has no id: {0}")]
    Id(#[from] reading::IdError),
}

impl DecodeError {
    /// Its stable name, as `teleward decode` prints it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Short { .. } => "short_frame",
            Self::ReservedFlags { .. } => "reserved_flags",
            Self::TooLong { .. } => "trailing_bytes",
            Self::NotSupported { .. } => "unknown_characteristic",
            Self::NotAReading { .. } => "not_a_reading",
            Self::OwnLayout { .. } => "own_layout",
            Self::Packets => "packets",
            Self::Incomplete => "incomplete",
            Self::UnknownType => "unknown_type",
            Self::BadValue { .. } => "bad_value",
            Self::DeviceOnly => "device_only",
            Self::Crc => "crc_mismatch",
            Self::Id(_) => "no_id",
        }
    }
}

/// Reads fields one after the other.
pub(crate) struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(frame: &'a [u8]) -> Self {
        Self { frame, at: 0 }
    }

    pub(crate) fn take<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let bytes = self.frame.get(self.at..self.at + N);
        let Some(bytes) = bytes.and_then(|bytes| bytes.try_into().ok()) else {
            return Err(DecodeError::Short {
                field,
                need: self.at + N,
                have: self.frame.len(),
            });
        };
        self.at += N;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.take::<1>(field).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.take(field).map(u16::from_le_bytes)
    }

    pub(crate) fn i8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        self.take(field).map(i8::from_le_bytes)
    }

    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.take(field).map(i16::from_le_bytes)
    }

    /// Three bytes, low first.
    pub(crate) fn u24(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let [low, middle, high] = self.take(field)?;
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.take(field).map(u32::from_le_bytes)
    }

    /// Six bytes, low first.
    pub(crate) fn u48(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let [a, b, c, d, e, f] = self.take(field)?;
        Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// As many bytes as a field before said.
    pub(crate) fn bytes(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let end = self.at.saturating_add(length);
        let Some(bytes) = self.frame.get(self.at..end) else {
            return Err(DecodeError::Short {
                field,
                need: end,
                have: self.frame.len(),
            });
        };
        self.at = end;
        Ok(bytes)
    }

    /// How many bytes are left.
    pub(crate) const fn left(&self) -> usize {
        self.frame.len() - self.at
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.frame.get(self.at..).unwrap_or_default()
    }

    /// Nothing must be left.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        match self.rest().len() {
            0 => Ok(()),
            extra => Err(DecodeError::TooLong { extra }),
        }
    }
}

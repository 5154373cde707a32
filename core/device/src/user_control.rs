//! User Control Point (0x2A9F), User Index (0x2A9A) and Database Change Increment (0x2A99): User Data Service. Scales
//! and cuffs for several people keep their users apart with it: a person is registered once with a code of four digits
//! and gets a slot; later the slot and the code are given to read what belongs to it.
//!
//! The code is a secret of the person: it is in no text that is made here.

use crate::bytes::{Cursor, DecodeError};

/// The code with which a person consents, 0 to 9999.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConsentCode(u16);

/// A secret stays out of logs.
impl std::fmt::Debug for ConsentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsentCode")
    }
}

impl ConsentCode {
    /// 0000: what stands for a code where none is to be told.
    pub(crate) const ZERO: Self = Self(0);

    /// `None` above 9999.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code <= 9999 { Some(Self(code)) } else { None }
    }

    /// The code itself, to be stored with the pairing and nowhere else.
    #[must_use]
    pub const fn expose(self) -> u16 {
        self.0
    }
}

/// What is asked of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRequest {
    /// Make a new user with this code (1); the answer names the slot.
    Register(ConsentCode),
    /// Let this session be that user (2).
    Consent {
        /// The slot.
        user_slot: u8,
        /// The code of its person.
        code: ConsentCode,
    },
    /// Delete what is stored of the present user (3).
    DeleteUserData,
    /// Send all users, in Registered User (4).
    ListUsers,
    /// Delete a user (5); FF deletes all.
    DeleteUser {
        /// The slot.
        user_slot: u8,
    },
}

/// What a device answers (20): how a request ended, and what it gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserResponse {
    /// The op code of the request, as sent.
    pub request: u8,
    /// How it ended.
    pub result: UserResult,
    /// What the answer holds more, as sent.
    pub parameter: Vec<u8>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserResult {
    /// 1: done.
    Success,
    /// 2: the device does not know this request.
    OpNotSupported,
    /// 3: the slot or the code is wrong.
    InvalidParameter,
    /// 4: it could not be done.
    Failed,
    /// 5: not without consent.
    NotAuthorised,
    /// A code to which the standard gives no meaning.
    Other(u8),
}

impl UserResult {
    /// From the code as sent.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Success,
            2 => Self::OpNotSupported,
            3 => Self::InvalidParameter,
            4 => Self::Failed,
            5 => Self::NotAuthorised,
            other => Self::Other(other),
        }
    }

    /// The code as sent.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 1,
            Self::OpNotSupported => 2,
            Self::InvalidParameter => 3,
            Self::Failed => 4,
            Self::NotAuthorised => 5,
            Self::Other(code) => code,
        }
    }
}

const REGISTER: u8 = 1;
const CONSENT: u8 = 2;
const DELETE_DATA: u8 = 3;
const LIST: u8 = 4;
const DELETE_USER: u8 = 5;
const RESPONSE: u8 = 0x20;

impl UserRequest {
    /// The op code, as a response names it.
    #[must_use]
    pub const fn op(&self) -> u8 {
        match self {
            Self::Register(_) => REGISTER,
            Self::Consent { .. } => CONSENT,
            Self::DeleteUserData => DELETE_DATA,
            Self::ListUsers => LIST,
            Self::DeleteUser { .. } => DELETE_USER,
        }
    }

    /// The bytes to write.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![self.op()];
        match self {
            Self::Register(code) => frame.extend(code.0.to_le_bytes()),
            Self::Consent { user_slot, code } => {
                frame.push(*user_slot);
                frame.extend(code.0.to_le_bytes());
            }
            Self::DeleteUser { user_slot } => frame.push(*user_slot),
            Self::DeleteUserData | Self::ListUsers => {}
        }
        frame
    }

    /// Reads what was written to a device, as a simulated device does.
    ///
    /// # Errors
    /// [`DecodeError`]; [`DecodeError::BadValue`] names the op code or the consent code for which a device has a
    /// result of its own. More bytes than the request has are an error: a device must not take a wrong request for the
    /// one that it begins like.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = match cursor.u8("op code")? {
            REGISTER => Self::Register(code(&mut cursor)?),
            CONSENT => Self::Consent {
                user_slot: cursor.u8("user")?,
                code: code(&mut cursor)?,
            },
            DELETE_DATA => Self::DeleteUserData,
            LIST => Self::ListUsers,
            DELETE_USER => Self::DeleteUser {
                user_slot: cursor.u8("user")?,
            },
            _ => return Err(OP),
        };
        cursor.end()?;
        Ok(read)
    }
}

const OP: DecodeError = DecodeError::BadValue { field: "op code" };

fn code(cursor: &mut Cursor<'_>) -> Result<ConsentCode, DecodeError> {
    ConsentCode::new(cursor.u16("consent code")?).ok_or(DecodeError::BadValue {
        field: "consent code",
    })
}

impl UserResponse {
    /// Reads what a device indicated; a request is [`DecodeError::DeviceOnly`].
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        match cursor.u8("op code")? {
            RESPONSE => {}
            REGISTER..=DELETE_USER => return Err(DecodeError::DeviceOnly),
            _ => return Err(OP),
        }
        let read = Self {
            request: cursor.u8("request op code")?,
            result: UserResult::from_code(cursor.u8("result")?),
            parameter: cursor.rest().to_vec(),
        };
        match (read.result, read.request, read.parameter.as_slice()) {
            // Registered, but as whom is not said: nothing could be asked of that user.
            (UserResult::Success, REGISTER, []) => Err(DecodeError::Short {
                field: "user",
                need: 4,
                have: frame.len(),
            }),
            _ => Ok(read),
        }
    }

    /// The bytes to indicate.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = vec![RESPONSE, self.request, self.result.code()];
        frame.extend(&self.parameter);
        frame
    }

    /// The slot that was made or deleted.
    #[must_use]
    pub fn user_slot(&self) -> Option<u8> {
        match (self.result, self.request) {
            (UserResult::Success, REGISTER | DELETE_USER) => self.parameter.first().copied(),
            _ => None,
        }
    }

    /// What the answer holds beyond [`UserResponse::user_slot`].
    #[must_use]
    pub fn extra(&self) -> &[u8] {
        let taken = usize::from(self.user_slot().is_some());
        self.parameter.get(taken..).unwrap_or_default()
    }
}

/// User Index (0x2A9A): the user of this session, FF unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserIndex(pub u8);

impl UserIndex {
    /// Reads the byte.
    ///
    /// # Errors
    /// [`DecodeError`] when there is not one.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let slot = cursor.u8("user")?;
        cursor.end()?;
        Ok(Self(slot))
    }

    /// The byte.
    #[must_use]
    pub const fn encode(self) -> [u8; 1] {
        [self.0]
    }
}

/// Database Change Increment (0x2A99): goes up whenever the data of the present user change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeIncrement(pub u32);

impl ChangeIncrement {
    /// Reads the four bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not four.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let increment = cursor.u32("increment")?;
        cursor.end()?;
        Ok(Self(increment))
    }

    /// The four bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }
}

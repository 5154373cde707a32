//! The users of a scripted device: a User Control Point that lists, registers and takes consent, and that keeps its readings
//! to those who agreed, if the script says so.

use super::{Device, LATENCY, ScriptedRadio};
use crate::radio::{Attribute, DeviceHandle, RadioEvent};
use crate::script::ScriptedUsers;
use crate::user_control::{UserRequest, UserResponse, UserResult};
use crate::uuid::Uuid;
use tokio::time::sleep;

pub(super) const CONTROL: Attribute = Attribute {
    service: Uuid::short(0x181c),
    characteristic: Uuid::short(0x2a9f),
};

/// What a device says to a request: nothing, when it is silent.
pub(super) struct Spoken {
    answer: Option<Vec<u8>>,
}

impl Device {
    pub(super) fn waits_for_consent(&self) -> bool {
        let users = self.script.users.as_ref();
        users.is_some_and(|users| users.closed) && !self.consented
    }

    /// `None` for what is no request to the users.
    pub(super) fn takes_user_request(&mut self, to: Attribute, bytes: &[u8]) -> Option<Spoken> {
        let users = self.script.users.as_mut().filter(|_| to == CONTROL)?;
        if users.silent {
            return Some(Spoken { answer: None });
        }
        let response = respond(users, bytes);
        self.consented |= response.result == UserResult::Success
            && matches!(UserRequest::decode(bytes), Ok(UserRequest::Consent { .. }));
        Some(Spoken {
            answer: Some(response.encode()),
        })
    }
}

fn respond(users: &mut ScriptedUsers, bytes: &[u8]) -> UserResponse {
    let (result, parameter) = match UserRequest::decode(bytes) {
        Ok(UserRequest::ListUsers) => {
            let count = u8::try_from(users.codes.len()).unwrap_or(u8::MAX);
            (UserResult::Success, vec![count])
        }
        Ok(UserRequest::Register(code)) => {
            let free = (1..=users.room).find(|slot| !users.codes.contains_key(slot));
            match free {
                Some(slot) => {
                    users.codes.insert(slot, code.expose());
                    (UserResult::Success, vec![slot])
                }
                None => (UserResult::Failed, Vec::new()),
            }
        }
        Ok(UserRequest::Consent { user_slot, code }) => {
            if users.codes.get(&user_slot) == Some(&code.expose()) {
                (UserResult::Success, Vec::new())
            } else {
                (UserResult::InvalidParameter, Vec::new())
            }
        }
        Ok(UserRequest::DeleteUserData | UserRequest::DeleteUser { .. }) => {
            (UserResult::NotAuthorised, Vec::new())
        }
        Err(_) => (UserResult::OpNotSupported, Vec::new()),
    };
    UserResponse {
        request: bytes.first().copied().unwrap_or(0),
        result,
        parameter,
    }
}

impl ScriptedRadio {
    /// Sends the answer, and after a consent what it had kept back.
    pub(super) fn answer_user(&self, device: &DeviceHandle, spoken: Spoken) {
        let Some(bytes) = spoken.answer else { return };
        let (radio, device) = (self.clone(), device.clone());
        tokio::spawn(async move {
            sleep(LATENCY).await;
            let heard = radio.lock().devices.get_mut(&device).and_then(|known| {
                let listens = known.is_linked() && known.subscribed.contains(&CONTROL);
                listens.then(|| {
                    known.subscriptions += 1;
                    known.subscriptions
                })
            });
            let Some(subscription) = heard else { return };
            radio.events.send(&RadioEvent::Value {
                device: device.clone(),
                attribute: CONTROL,
                bytes,
            });
            radio.send_frames(device, subscription);
        });
    }

    /// Gives a device's slot another code, as when it was reset.
    pub fn change_code(&self, device: &DeviceHandle, slot: u8, code: u16) {
        if let Some(users) = self
            .lock()
            .devices
            .get_mut(device)
            .and_then(|known| known.script.users.as_mut())
        {
            users.codes.insert(slot, code);
        }
    }
}

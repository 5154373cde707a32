//! The users of a device, within a session: agree to be the one whose code is remembered, or become a new one, after the
//! identity was read and before the records are asked for (User Data Service 1.1, section 3.8; the reference marks its
//! operations as not confirmed against the standard).
//!
//! Only what the host's plan says is done. Whatever comes of it, the session goes on: a reading matters more, and says whose
//! it is or that this is not known.

use super::{Session, State};
use crate::call::Call;
use crate::plan::Goal;
use crate::radio::Attribute;
use crate::user_control::{UserRequest, UserResponse, UserResult};
use crate::user_plan::{UserFacts, UserOutcome, UserPlan};
use crate::uuid::Uuid;
use reading::Moment;
use std::collections::VecDeque;

const CONTROL: Attribute = Attribute {
    service: Uuid::short(0x181c),
    characteristic: Uuid::short(0x2a9f),
};

/// What is still to be asked, in order; the first is under way once it is `sent`.
#[derive(Debug, Default)]
pub(super) struct Users {
    requests: VecDeque<UserRequest>,
    sent: bool,
    done: bool,
}

pub(super) fn is_control(attribute: Attribute) -> bool {
    attribute == CONTROL
}

impl Session {
    /// Whether the device keeps users apart: then there is something to ask, or at least to tell.
    pub(super) fn meets_users(&mut self, offers: impl Fn(Attribute) -> bool) {
        if !offers(CONTROL) {
            return;
        }
        self.facts.users = Some(UserFacts::default());
        self.users = Some(Users::default());
    }

    /// Begins with the users, or goes past them; false when there is nothing to do.
    pub(super) fn ask_users(&mut self, now: Moment) -> bool {
        let Some(users) = self.users.as_mut().filter(|users| !users.done) else {
            return false;
        };
        // Begun anew after a pairing on the way.
        users.sent = false;
        users.requests = match (self.plan.user, self.plan.goal) {
            (UserPlan::Consent { slot, code }, _) => [UserRequest::Consent {
                user_slot: slot,
                code,
            }]
            .into(),
            (UserPlan::Register { code }, _) => [UserRequest::Register(code)].into(),
            // How many there are is worth knowing once.
            (UserPlan::Unsaid, Goal::Pair) => [UserRequest::ListUsers].into(),
            (UserPlan::Unsaid, Goal::Collect) => VecDeque::new(),
        };
        if users.requests.is_empty() {
            users.done = true;
            return false;
        }
        let within = self.plan.pace.step_ms;
        self.run(State::Users, Call::Subscribe(CONTROL), within, now);
        true
    }

    /// The next request, or what follows when all are answered.
    pub(super) fn next_user_request(&mut self, now: Moment) {
        let next = self.users.as_mut().and_then(|users| {
            users.sent = true;
            users.requests.front().map(UserRequest::encode)
        });
        match next {
            Some(bytes) => {
                let call = Call::Write(CONTROL, bytes);
                self.run(State::Users, call, self.plan.pace.step_ms, now);
            }
            None => self.users_done(now),
        }
    }

    /// The write went through: the device's own answer follows.
    pub(super) fn user_request_written(&mut self, now: Moment) {
        self.wait(State::Users, self.plan.pace.step_ms, now);
    }

    /// No answer, or a platform that would not write.
    pub(super) fn users_failed(&mut self, outcome: UserOutcome, now: Moment) {
        // A user that was made stays made, whatever follows.
        if let Some(facts) = &mut self.facts.users
            && facts.outcome == UserOutcome::Unsaid
            && self.plan.user != UserPlan::Unsaid
        {
            facts.outcome = outcome;
        }
        self.users_done(now);
    }

    fn users_done(&mut self, now: Moment) {
        if let Some(users) = &mut self.users {
            users.done = true;
        }
        self.open_call = None;
        self.read_next(now);
    }

    /// Takes an answer of the control point; false when it is none.
    pub(super) fn takes_user_answer(&mut self, of: Attribute, bytes: &[u8], now: Moment) -> bool {
        if of != CONTROL {
            return false;
        }
        let (Some(users), Some(facts)) = (&mut self.users, &mut self.facts.users) else {
            return true;
        };
        let Ok(response) = UserResponse::decode(bytes) else {
            return true;
        };
        let asked = users.requests.front().filter(|asked| {
            users.sent && self.state == State::Users && asked.op() == response.request
        });
        let Some(asked) = asked.copied() else {
            return true;
        };
        users.requests.pop_front();
        let made = matches!(facts.outcome, UserOutcome::Registered(_));
        match (asked, response.result) {
            (UserRequest::ListUsers, UserResult::Success) => {
                facts.count = response.parameter.first().copied();
            }
            (UserRequest::Register(code), UserResult::Success) => {
                if let Some(slot) = response.user_slot() {
                    facts.outcome = UserOutcome::Registered(slot);
                    users.requests.push_back(UserRequest::Consent {
                        user_slot: slot,
                        code,
                    });
                }
            }
            (UserRequest::Register(_), _) => facts.outcome = UserOutcome::Refused,
            // The new user is not asked for a second time in the same breath.
            (UserRequest::Consent { .. }, _) if made => {}
            (UserRequest::Consent { user_slot, .. }, result) => {
                facts.outcome = match result {
                    UserResult::Success => UserOutcome::Consented(user_slot),
                    UserResult::InvalidParameter | UserResult::NotAuthorised => {
                        UserOutcome::Rejected(user_slot)
                    }
                    _ => UserOutcome::Refused,
                };
            }
            _ => {}
        }
        self.next_user_request(now);
        true
    }
}

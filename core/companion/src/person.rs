//! Whose a reading is: what the patient has said about a device's users, and what must be asked.
//!
//! In: a reading with the user that its device named, and the patient's answers. Out: a verdict for the reading, which never
//! holds it back: one that waits for an answer is sent at once with its doubt. A slot that nobody has answered for asks and
//! is never assigned; a device that did not say who measured is asked about each time (ADR 0031).

use crate::device_table::{self, Paired};
use crate::error::CompanionError;
use crate::journal::{self, Added, Owner};
use crate::request;
use crate::view::{Answer, Person, QuestionView, RequestId, UserChoice, Whose};
use device::{ConsentCode, DeviceHandle, UserFacts, UserOutcome, UserPlan};
use reading::{Doubt, Reading, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::rusqlite::{OptionalExtension as _, params};
use store::{RowKey, Tx};
use wire::Time;

/// "Unknown user", as devices send it (Blood Pressure Service 1.1.1, section 3.1.1.6).
const UNKNOWN: u8 = 0xff;
/// Readings that a question lists; the others are counted with them all the same.
const LISTED: u32 = 50;

/// What was said about a device's users; kept sealed with who the device is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct People {
    /// Whose each slot is.
    pub slots: BTreeMap<u8, Person>,
    /// It has named a user, or said that it does not know: it is one for several people.
    pub several: bool,
    /// The patient said that nobody else uses it.
    pub only_me: bool,
    /// The code of the patient's slot, where the device wants one (User Data Service).
    code: Option<(u8, Code)>,
    /// What the patient wants to be there, until a session has tried.
    wanted: Option<Wanted>,
}

/// A consent code: a secret that stands in no log.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Code(u16);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    New(Code),
    Slot(u8, Code),
}

/// What follows for one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Mine,
    SomebodyElses,
    /// The patient is asked: about a slot, or about readings of which the device did not say whose they are.
    Ask(Option<u8>),
}

impl People {
    /// Which of the device's users the next session is for.
    pub(crate) fn plan(&self) -> UserPlan {
        let known = self.code.map(|(slot, code)| Wanted::Slot(slot, code));
        let plan = match self.wanted.or(known) {
            Some(Wanted::New(code)) => {
                ConsentCode::new(code.0).map(|code| UserPlan::Register { code })
            }
            Some(Wanted::Slot(slot, code)) => {
                ConsentCode::new(code.0).map(|code| UserPlan::Consent { slot, code })
            }
            None => None,
        };
        plan.unwrap_or(UserPlan::Unsaid)
    }

    /// What the patient wants to be. `fresh` is a random code for a new user.
    pub(crate) fn want(&mut self, choice: UserChoice, fresh: u16) -> Result<(), CompanionError> {
        let wanted = match choice {
            UserChoice::New => Wanted::New(Code(fresh)),
            UserChoice::Existing { slot, code } if slot != UNKNOWN => {
                Wanted::Slot(slot, Code(code))
            }
            UserChoice::Existing { .. } => {
                return Err(CompanionError::input("a device has no user 255"));
            }
        };
        let (Wanted::New(code) | Wanted::Slot(_, code)) = wanted;
        if ConsentCode::new(code.0).is_none() {
            return Err(CompanionError::input(
                "a code has four digits: type it as the device shows it",
            ));
        }
        self.wanted = Some(wanted);
        Ok(())
    }

    /// Takes what came of a session that followed `plan`. A code that the device does not take is dropped; nothing is tried
    /// twice by itself, so that no second user is ever made.
    pub(crate) fn learnt(&mut self, plan: UserPlan, facts: UserFacts) {
        self.several = true;
        let code = match plan {
            UserPlan::Unsaid => return,
            UserPlan::Consent { code, .. } | UserPlan::Register { code } => Code(code.expose()),
        };
        let tried = self.plan() == plan;
        match facts.outcome {
            UserOutcome::Consented(slot) | UserOutcome::Registered(slot) => {
                self.slots.insert(slot, Person::Me);
                self.code = Some((slot, code));
            }
            UserOutcome::Rejected(slot) => {
                self.code = self.code.filter(|known| *known != (slot, code));
            }
            UserOutcome::Unsaid | UserOutcome::Refused | UserOutcome::NoAnswer => {}
        }
        if tried && facts.outcome != UserOutcome::Unsaid {
            self.wanted = None;
        }
    }

    /// What follows for a reading with this user, as sent.
    pub(crate) fn judge(&self, user: Option<u8>) -> Verdict {
        match user.filter(|slot| *slot != UNKNOWN) {
            Some(slot) => match self.slots.get(&slot) {
                Some(Person::Me) => Verdict::Mine,
                Some(Person::SomebodyElse) => Verdict::SomebodyElses,
                None => Verdict::Ask(Some(slot)),
            },
            None if self.only_me => Verdict::Mine,
            None if self.several || user.is_some() => Verdict::Ask(None),
            None => Verdict::Mine,
        }
    }
}

/// Enters a reading of a device with what is known about its users: `agreed` is the slot whose session it was. One that is somebody else's is kept and never sent.
pub(crate) fn enter(
    tx: &Tx<'_>,
    key: &RowKey,
    handle: &DeviceHandle,
    mut reading: Reading,
    agreed: Option<u8>,
    now: Time,
) -> Result<Added, CompanionError> {
    if matches!(reading.source, Source::Typed(_)) {
        return journal::add(tx, key, &reading, &Owner::PATIENT, now);
    }
    let device = device_table::id_of(handle);
    // A record that names nobody is of the user whose session it was.
    let user = reading.measurement.user_slot().or(agreed);
    let paired = device_table::get(tx, Some(key), &device)?;
    let people = paired.and_then(|paired| paired.who).map(|who| who.people);
    let several = user.is_some() || people.as_ref().is_some_and(|people| people.several);
    let verdict = people.clone().unwrap_or_default().judge(user);
    let whose = match verdict {
        Verdict::Mine => Whose::Mine,
        Verdict::SomebodyElses => Whose::SomebodyElses,
        Verdict::Ask(_) => Whose::Asked,
    };
    if whose == Whose::Asked {
        let doubts = reading.doubts.iter().copied();
        reading.doubts = Doubt::in_order(doubts.chain([Doubt::PossiblyNotMe]));
    }
    let owner = Owner {
        device: Some(&device),
        user: user.filter(|slot| *slot != UNKNOWN),
        whose,
    };
    let added = journal::add(tx, key, &reading, &owner, now)?;
    if added == Added::New {
        if let Some(people) = people.filter(|people| several && !people.several) {
            let several = People {
                several,
                ..people.clone()
            };
            device_table::set_people(tx, key, &device, &several)?;
        }
        if let Verdict::Ask(slot) = verdict {
            ask(tx, &device, slot, &reading, now)?;
        }
    }
    Ok(added)
}

/// Puts a reading under its question. What a device leaves open is asked anew with each reading: an answer is for the
/// readings that were shown with the question, and for no later one.
fn ask(
    tx: &Tx<'_>,
    device: &str,
    slot: Option<u8>,
    reading: &Reading,
    now: Time,
) -> Result<(), CompanionError> {
    let open = open_question(tx, device, slot)?;
    let question = match (open, slot) {
        (Some(open), Some(_)) => open,
        (before, _) => {
            let new = request::ask(tx, now)?;
            if let Some(before) = before {
                tx.execute(
                    "UPDATE reading SET question = ?2 WHERE question = ?1",
                    params![before.0, new.0],
                )?;
                tx.execute("DELETE FROM question WHERE request = ?1", [before.0])?;
                tx.execute("DELETE FROM request WHERE id = ?1", [before.0])?;
            }
            tx.execute(
                "INSERT INTO question(request, device, user_slot) VALUES (?1, ?2, ?3)",
                params![new.0, device, slot],
            )?;
            new
        }
    };
    tx.execute(
        "UPDATE reading SET question = ?2 WHERE id = ?1",
        params![reading.id.0, question.0],
    )?;
    Ok(())
}

fn open_question(
    tx: &Tx<'_>,
    device: &str,
    slot: Option<u8>,
) -> Result<Option<RequestId>, CompanionError> {
    Ok(tx
        .prepare_cached("SELECT request FROM question WHERE device = ?1 AND user_slot IS ?2")?
        .query_row(params![device, slot], |row| row.get(0).map(RequestId))
        .optional()?)
}

/// Takes an answer to a question that stands open: the readings under it are settled, a slot is remembered. Returns how many
/// readings that were.
pub(crate) fn answer(
    tx: &Tx<'_>,
    key: &RowKey,
    question: RequestId,
    answer: Answer,
    now: Time,
) -> Result<u32, CompanionError> {
    let asked = tx
        .query_row(
            "SELECT device, user_slot FROM question WHERE request = ?1",
            [question.0],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<u8>>(1)?)),
        )
        .optional()?;
    let (device, slot) = asked.ok_or(CompanionError::Unknown {
        what: "an open question with this number",
    })?;
    let mut people = people_of(tx, key, &device)?.unwrap_or_default();
    let settled = match answer {
        Answer::Me | Answer::SomebodyElse => {
            let person = match answer {
                Answer::SomebodyElse => Person::SomebodyElse,
                _ => Person::Me,
            };
            people.slots.extend(slot.map(|slot| (slot, person)));
            settle(tx, question, slot, person, now)?
        }
        Answer::OnlyMe => {
            people.only_me = true;
            let mut settled = 0;
            for (open, slot) in questions_of(tx, &device)? {
                people.slots.extend(slot.map(|slot| (slot, Person::Me)));
                settled += settle(tx, open, slot, Person::Me, now)?;
            }
            settled
        }
    };
    // A device that was forgotten meanwhile remembers nothing.
    device_table::set_people(tx, key, &device, &people)?;
    Ok(settled)
}

/// Says whose a slot is, from now on; a question about it that stands open is answered. What was settled before stays.
pub(crate) fn slot_is(
    tx: &Tx<'_>,
    key: &RowKey,
    device: &str,
    slot: u8,
    person: Person,
    now: Time,
) -> Result<u32, CompanionError> {
    if slot == UNKNOWN {
        return Err(CompanionError::input(
            "user 255 means that the device does not know who measured: answer for the reading",
        ));
    }
    let mut people = people_of(tx, key, device)?.ok_or(CompanionError::Unknown {
        what: "a paired device with this id",
    })?;
    people.slots.insert(slot, person);
    if person == Person::SomebodyElse {
        // Somebody else uses it after all.
        (people.several, people.only_me) = (true, false);
    }
    device_table::set_people(tx, key, device, &people)?;
    match open_question(tx, device, Some(slot))? {
        Some(open) => settle(tx, open, Some(slot), person, now),
        None => Ok(0),
    }
}

fn people_of(tx: &Tx<'_>, key: &RowKey, device: &str) -> Result<Option<People>, CompanionError> {
    let paired = device_table::get(tx, Some(key), device)?;
    Ok(paired.and_then(|paired| paired.who).map(|who| who.people))
}

fn questions_of(tx: &Tx<'_>, device: &str) -> Result<Vec<(RequestId, Option<u8>)>, CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT request, user_slot FROM question WHERE device = ?1 ORDER BY request",
    )?;
    let rows = rows.query_map([device], |row| Ok((RequestId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Settles all readings under a question, and closes it.
fn settle(
    tx: &Tx<'_>,
    question: RequestId,
    slot: Option<u8>,
    person: Person,
    now: Time,
) -> Result<u32, CompanionError> {
    let waiting = journal::asked_under(tx, question)?;
    for id in &waiting {
        journal::settle(tx, *id, person, slot, now)?;
    }
    close(tx, question, Some(person))?;
    Ok(u32::try_from(waiting.len()).unwrap_or(u32::MAX))
}

fn close(tx: &Tx<'_>, question: RequestId, person: Option<Person>) -> Result<(), CompanionError> {
    tx.execute("DELETE FROM question WHERE request = ?1", [question.0])?;
    request::answered(tx, question, person.map(Person::name))
}

/// Keeps what the patient wants to be on a device; its next session does it.
pub(crate) fn want(
    tx: &Tx<'_>,
    key: &RowKey,
    device: &str,
    choice: UserChoice,
    fresh: u16,
) -> Result<(), CompanionError> {
    let mut people = people_of(tx, key, device)?.ok_or(CompanionError::Unknown {
        what: "a paired device with this id",
    })?;
    people.want(choice, fresh)?;
    device_table::set_people(tx, key, device, &people)
}

/// Keeps what a session learnt of a device's users.
pub(crate) fn learnt(
    tx: &Tx<'_>,
    key: &RowKey,
    device: &str,
    plan: UserPlan,
    facts: UserFacts,
) -> Result<(), CompanionError> {
    let Some(before) = people_of(tx, key, device)? else {
        return Ok(());
    };
    let mut people = before.clone();
    people.learnt(plan, facts);
    if people == before {
        return Ok(());
    }
    device_table::set_people(tx, key, device, &people)
}

/// Closes questions under which no reading waits any more: each was answered by itself, or is past its time.
pub(crate) fn close_empty(tx: &Tx<'_>) -> Result<(), CompanionError> {
    let mut rows = tx.prepare_cached(
        "SELECT request FROM question WHERE NOT EXISTS (SELECT 1 FROM reading WHERE question = request)",
    )?;
    let rows = rows.query_map([], |row| row.get(0).map(RequestId))?;
    let empty: Vec<RequestId> = rows.collect::<Result<_, _>>()?;
    for question in empty {
        close(tx, question, None)?;
    }
    Ok(())
}

/// The questions that stand open; the name of a device only while the keys are at hand.
pub(crate) fn questions(
    tx: &Tx<'_>,
    key: Option<&RowKey>,
) -> Result<BTreeMap<RequestId, QuestionView>, CompanionError> {
    let mut rows = tx.prepare_cached("SELECT request, device, user_slot FROM question")?;
    let rows = rows.query_map([], |row| {
        Ok((
            RequestId(row.get(0)?),
            row.get::<_, String>(1)?,
            row.get::<_, Option<u8>>(2)?,
        ))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut questions = BTreeMap::new();
    for (id, device, user) in rows {
        let paired = device_table::get(tx, key, &device)?;
        let name = paired.as_ref().filter(|_| key.is_some()).map(name_of);
        let readings = journal::newest_under(tx, id, LISTED)?;
        let text = words(name.as_deref(), user, readings.len());
        let question = QuestionView {
            device: paired.map(|paired| paired.id),
            device_name: name,
            user,
            readings: readings.iter().map(ToString::to_string).collect(),
            text,
        };
        questions.insert(id, question);
    }
    Ok(questions)
}

fn name_of(paired: &Paired) -> String {
    device_table::view(paired).name
}

fn words(name: Option<&str>, user: Option<u8>, readings: usize) -> String {
    let device = name.map_or_else(|| "A device".to_owned(), |name| format!("Your {name}"));
    let what = if readings == 1 {
        "this reading"
    } else {
        "these readings"
    };
    match user {
        Some(slot) => {
            format!("{device} says that {what} came from its user {slot}. Is that you?")
        }
        None => format!("{device} did not say who took {what}. Was it you?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-COMPANION-050: a slot that was answered for is whose the patient said; any other one asks, and so does a device
    /// for several people that does not say who measured.
    #[test]
    fn what_was_not_answered_asks_and_is_never_assigned() {
        let none = People::default();
        let mut two = People {
            several: true,
            ..People::default()
        };
        two.slots
            .extend([(1, Person::Me), (2, Person::SomebodyElse)]);
        let only = People {
            only_me: true,
            ..two.clone()
        };
        for (people, user, verdict) in [
            (&none, None, Verdict::Mine),
            (&none, Some(0), Verdict::Ask(Some(0))),
            (&none, Some(1), Verdict::Ask(Some(1))),
            (&none, Some(0xff), Verdict::Ask(None)),
            (&two, Some(1), Verdict::Mine),
            (&two, Some(2), Verdict::SomebodyElses),
            (&two, Some(3), Verdict::Ask(Some(3))),
            (&two, Some(0xff), Verdict::Ask(None)),
            (&two, None, Verdict::Ask(None)),
            (&only, None, Verdict::Mine),
            (&only, Some(0xff), Verdict::Mine),
            (&only, Some(2), Verdict::SomebodyElses),
            (&only, Some(3), Verdict::Ask(Some(3))),
        ] {
            assert_eq!(people.judge(user), verdict, "{people:?} {user:?}");
        }
    }

    /// REQ-DEVICE-105: a registered slot is the patient's and its code is remembered; a rejected code is dropped; what was
    /// tried is not tried again by itself; no code is in any text.
    #[test]
    fn a_code_is_remembered_until_it_is_rejected() {
        let facts = |outcome| UserFacts {
            count: None,
            outcome,
        };
        let code = |code| ConsentCode::new(code).unwrap();
        let mut people = People::default();
        assert_eq!(people.plan(), UserPlan::Unsaid);
        people.want(UserChoice::New, 4660).unwrap();
        let register = people.plan();
        assert_eq!(register, UserPlan::Register { code: code(4660) });
        let mut full = people.clone();
        full.learnt(register, facts(UserOutcome::NoAnswer));
        assert_eq!(
            full.plan(),
            UserPlan::Unsaid,
            "perhaps it was made after all"
        );
        people.learnt(register, facts(UserOutcome::Registered(2)));
        assert_eq!(people.slots.get(&2), Some(&Person::Me));
        let consent = UserPlan::Consent {
            slot: 2,
            code: code(4660),
        };
        assert_eq!(people.plan(), consent);
        assert!(!format!("{people:?}").contains("4660"));
        let kept: People = serde_json::from_str(&serde_json::to_string(&people).unwrap()).unwrap();
        assert_eq!(kept, people);
        people.learnt(consent, facts(UserOutcome::Refused));
        assert_eq!(people.plan(), consent, "busy this time");
        people.learnt(consent, facts(UserOutcome::Rejected(2)));
        assert_eq!(people.plan(), UserPlan::Unsaid);
        for wrong in [
            UserChoice::Existing {
                slot: 1,
                code: 10_000,
            },
            UserChoice::Existing { slot: 255, code: 1 },
        ] {
            assert!(people.want(wrong, 0).is_err());
        }
        people
            .want(UserChoice::Existing { slot: 1, code: 7 }, 0)
            .unwrap();
        let other = people.plan();
        people.learnt(UserPlan::Unsaid, facts(UserOutcome::Unsaid));
        assert_eq!(
            people.plan(),
            other,
            "a session that began before says nothing of it"
        );
        people.learnt(other, facts(UserOutcome::Consented(1)));
        assert_eq!(people.plan(), other);
    }
}

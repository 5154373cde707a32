//! Whose a reading is, against a clinic in memory: what is asked, what is sent, what is said afterwards, and that all of it
//! comes to the same whatever the network, the clock and the process do meanwhile.

use super::Phone;
use crate::error::CompanionError;
use crate::input::Frame;
use crate::sim::Fate;
use crate::view::{
    Answer, Person, QuestionView, ReadingView, RequestId, RequestState, Stage, Topic, View, Whose,
};
use device::{DeviceHandle, SessionFacts};
use proptest::prelude::*;
use reading::Doubt;
use std::collections::BTreeMap;
use vault::Amends;
use wire::Hash;

/// A cuff's record of its own minute: 128/82, with the user that it names.
fn record(user: Option<u8>, minute: u16) -> Vec<u8> {
    let flags = if user.is_some() { 0x0a } else { 0x02 };
    let (day, hour) = (minute / 1440, minute / 60 % 24);
    let byte = |n: u16| u8::try_from(n).unwrap();
    let mut frame = vec![flags, 0x80, 0, 0x52, 0, 0x61, 0];
    frame.extend([
        0xea,
        0x07,
        9,
        byte(1 + day),
        byte(hour),
        byte(minute % 60),
        0,
    ]);
    frame.extend(user);
    frame
}

impl Phone {
    fn with_cuff() -> (Self, String) {
        let mut phone = Self::joined();
        let (handle, now) = (DeviceHandle("cuff".to_owned()), phone.now());
        let facts = SessionFacts {
            complete: true,
            ..SessionFacts::default()
        };
        let name = Some("cuff".to_owned());
        let id = phone
            .desk()
            .save_device(&handle, name, false, &facts, now)
            .unwrap();
        (phone, id)
    }

    fn measure(&mut self, device: &str, user: Option<u8>, minute: u16) -> String {
        let now = self.now();
        let frame = Frame {
            device: device.to_owned(),
            characteristic: 0x2a35,
            bytes: record(user, minute),
            received: now,
        };
        let submitted = self.desk().submit_frame(&frame, now).unwrap();
        self.gather();
        submitted.reading
    }

    fn questions(&mut self) -> Vec<(RequestId, QuestionView)> {
        let View::Requests(requests) = self.desk().view(Topic::Requests, 0).unwrap() else {
            unreachable!("requests were asked for")
        };
        requests
            .into_iter()
            .filter_map(|request| match request.state {
                RequestState::Asked { question } => Some((request.id, question)),
                _ => None,
            })
            .collect()
    }

    fn say(&mut self, question: RequestId, answer: Answer) -> Result<u32, CompanionError> {
        let now = self.now();
        let said = self.desk().answer(question, answer, now);
        self.gather();
        said
    }

    fn reading_is(&mut self, reading: &str, person: Person) {
        let now = self.now();
        self.desk().reading_is(reading, person, now).unwrap();
        self.gather();
    }

    fn reading(&mut self, id: &str) -> ReadingView {
        let mut history = self.history().into_iter();
        history.find(|reading| reading.id == id).unwrap()
    }

    /// What the clinic was told of a reading, oldest first.
    fn told(&self, id: &str) -> Vec<Amends> {
        let id: Hash = id.parse().unwrap();
        let of = self.world.said.keys().filter(|said| said.0 == id);
        of.map(|said| said.2).collect()
    }

    fn is_at_clinic(&self, id: &str) -> bool {
        let mut ids = self.world.readings.keys();
        ids.any(|known| known.to_string() == id)
    }

    fn doubts_at_clinic(&self, id: &str) -> Vec<Doubt> {
        let mut all = self.world.observed.values();
        let found = all.find(|reading| reading.id.to_string() == id);
        found.unwrap().doubts.clone()
    }
}

/// REQ-COMPANION-051: a slot that is new is sent at once with its doubt and asked about; the answer is remembered for that
/// slot of that device, and told about the readings that waited.
#[test]
fn a_new_slot_is_sent_with_its_doubt_and_asked_about() {
    let (mut phone, cuff) = Phone::with_cuff();
    let first = phone.measure(&cuff, Some(1), 0);
    let second = phone.measure(&cuff, Some(1), 1);
    phone.settle();
    for id in [&first, &second] {
        let reading = phone.reading(id);
        assert_eq!(
            (reading.whose, reading.stage),
            (Whose::Asked, Stage::AtTheClinic)
        );
        assert!(phone.doubts_at_clinic(id).contains(&Doubt::PossiblyNotMe));
    }
    let questions = phone.questions();
    let [(id, question)] = questions.as_slice() else {
        panic!("one question for one slot: {questions:?}")
    };
    assert_eq!(
        (question.user, &question.device),
        (Some(1), &Some(cuff.clone()))
    );
    assert_eq!(question.readings, [second.clone(), first.clone()]);
    assert!(question.text.contains("user 1"), "{}", question.text);
    let undismissed = phone.desk().dismiss(*id);
    assert!(matches!(undismissed, Err(CompanionError::Unknown { .. })));

    assert_eq!(phone.say(*id, Answer::Me), Ok(2));
    assert!(matches!(
        phone.say(*id, Answer::SomebodyElse),
        Err(CompanionError::Unknown { .. })
    ));
    phone.restart();
    let third = phone.measure(&cuff, Some(1), 2);
    phone.settle();
    assert!(phone.questions().is_empty());
    for id in [&first, &second] {
        assert_eq!(phone.told(id), [Amends::Me]);
        let reading = phone.reading(id);
        assert_eq!(reading.whose, Whose::Mine);
        assert!(reading.said_stored_at >= reading.said_at && reading.said_at.is_some());
    }
    assert_eq!(
        (phone.told(&third).len(), phone.reading(&third).whose),
        (0, Whose::Mine)
    );
    assert!(
        !phone
            .doubts_at_clinic(&third)
            .contains(&Doubt::PossiblyNotMe)
    );
}

/// REQ-COMPANION-052: a reading of a slot that is somebody else's stays here and is never sent; one that was sent before the
/// answer becomes void at the clinic, with its trace.
#[test]
fn somebody_elses_readings_stay_here() {
    let (mut phone, cuff) = Phone::with_cuff();
    let sent = phone.measure(&cuff, Some(2), 0);
    phone.settle();
    let question = phone.questions()[0].0;
    assert_eq!(phone.say(question, Answer::SomebodyElse), Ok(1));
    let kept = phone.measure(&cuff, Some(2), 1);
    let waiting = phone.queue().waiting;
    phone.settle();
    assert_eq!(waiting, 0, "what is not sent does not wait");
    assert_eq!(phone.told(&sent), [Amends::NotMe]);
    assert!(phone.is_at_clinic(&sent) && !phone.is_at_clinic(&kept));
    assert_eq!(phone.reading(&kept).stage, Stage::KeptHere);
    assert_eq!(phone.reading(&sent).stage, Stage::AtTheClinic);
    for id in [&sent, &kept] {
        assert_eq!(phone.reading(id).whose, Whose::SomebodyElses);
    }
    let View::Devices(devices) = phone.desk().view(Topic::Devices, 0).unwrap() else {
        unreachable!("devices were asked for")
    };
    let users: Vec<(u8, Person)> = devices[0]
        .users
        .iter()
        .map(|u| (u.slot, u.person))
        .collect();
    assert_eq!(users, [(2, Person::SomebodyElse)]);

    // The patient changes their mind about the slot: what comes is theirs; what was settled is told reading by reading.
    let now = phone.now();
    assert_eq!(phone.desk().slot_is(&cuff, 2, Person::Me, now), Ok(0));
    let mine = phone.measure(&cuff, Some(2), 2);
    phone.reading_is(&kept, Person::Me);
    phone.settle();
    assert!(phone.is_at_clinic(&mine) && phone.is_at_clinic(&kept));
    assert_eq!(phone.told(&kept), [Amends::Me]);
    assert_eq!(phone.reading(&sent).whose, Whose::SomebodyElses);
    assert!(matches!(
        phone.desk().slot_is(&cuff, 0xff, Person::Me, now),
        Err(CompanionError::BadInput { .. })
    ));
}

/// REQ-COMPANION-053: an answer that comes before the upload is enough: somebody else's reading never leaves the phone, and
/// the patient's own goes with the answer.
#[test]
fn an_answer_before_the_upload_is_in_time() {
    let (mut phone, cuff) = Phone::with_cuff();
    // Something is on its way, so that what follows waits unsealed.
    phone.take_reading();
    let (mine, theirs) = (
        phone.measure(&cuff, Some(1), 0),
        phone.measure(&cuff, Some(2), 1),
    );
    for (id, question) in phone.questions() {
        let answer = match question.user {
            Some(1) => Answer::Me,
            _ => Answer::SomebodyElse,
        };
        assert_eq!(phone.say(id, answer), Ok(1));
    }
    phone.settle();
    assert!(phone.is_at_clinic(&mine) && !phone.is_at_clinic(&theirs));
    assert_eq!(phone.told(&mine), [Amends::Me]);
    assert!(phone.told(&theirs).is_empty());
    // Said and taken back before anything was sent: nothing about it is sent either.
    phone.take_reading();
    let third = phone.measure(&cuff, Some(3), 2);
    phone.reading_is(&third, Person::Me);
    phone.reading_is(&third, Person::SomebodyElse);
    assert!(phone.questions().is_empty(), "its question is answered");
    phone.settle();
    assert!(!phone.is_at_clinic(&third) && phone.told(&third).is_empty());
}

/// REQ-COMPANION-054: a device that does not say who measured asks anew with each reading, and an answer is for the readings
/// that were shown; only the patient's word that nobody else uses it ends the asking.
#[test]
fn what_a_device_leaves_open_is_asked_each_time() {
    let (mut phone, cuff) = Phone::with_cuff();
    let plain = phone.measure(&cuff, None, 0);
    assert!(phone.questions().is_empty(), "a device for one person");
    let guest = phone.measure(&cuff, Some(0xff), 1);
    let shown = phone.questions()[0].0;
    let later = phone.measure(&cuff, None, 2);
    assert!(
        matches!(
            phone.say(shown, Answer::Me),
            Err(CompanionError::Unknown { .. })
        ),
        "the question has grown since it was shown"
    );
    let (question, view) = phone.questions().remove(0);
    assert_eq!(
        (view.user, view.readings),
        (None, vec![later.clone(), guest.clone()])
    );
    assert_eq!(phone.say(question, Answer::SomebodyElse), Ok(2));
    let again = phone.measure(&cuff, Some(0xff), 3);
    let slot = phone.measure(&cuff, Some(4), 4);
    assert_eq!(phone.questions().len(), 2, "nothing was remembered of that");
    let question = phone.questions()[0].0;
    assert_eq!(phone.say(question, Answer::OnlyMe), Ok(2));
    phone.measure(&cuff, Some(0xff), 5);
    phone.measure(&cuff, Some(4), 6);
    assert!(phone.questions().is_empty());
    phone.measure(&cuff, Some(5), 7);
    assert_eq!(phone.questions().len(), 1, "a new slot asks all the same");
    phone.settle();
    assert!(phone.told(&plain).is_empty());
    for id in [&again, &slot] {
        assert_eq!(phone.told(id), [Amends::Me]);
    }
    for id in [&guest, &later] {
        assert_eq!(phone.reading(id).whose, Whose::SomebodyElses);
    }
}

/// REQ-COMPANION-055: *it was not me* voids a reading and can be taken back; saying it twice is saying it once, each later
/// word has a later time whatever the clock does, and a refused letter is sealed again.
#[test]
fn it_was_not_me_can_be_said_and_taken_back() {
    let mut phone = Phone::joined();
    phone.take_reading();
    phone.settle();
    let id = phone.taken[0].clone();
    phone.world.refuse_next = 1;
    phone.reading_is(&id, Person::SomebodyElse);
    phone.reading_is(&id, Person::SomebodyElse);
    phone.settle();
    assert_eq!(phone.told(&id), [Amends::NotMe]);
    let reading = phone.reading(&id);
    assert_eq!(
        (reading.whose, reading.stage),
        (Whose::SomebodyElses, Stage::AtTheClinic)
    );
    assert!(
        reading.said_stored_at.is_some(),
        "refused once, and sealed again"
    );
    phone.clock -= 3 * 3_600_000;
    phone.reading_is(&id, Person::Me);
    phone.restart();
    phone.settle();
    assert_eq!(phone.told(&id), [Amends::NotMe, Amends::Me]);
    assert_eq!(phone.reading(&id).whose, Whose::Mine);
    let now = phone.now();
    let unknown = "ab".repeat(32);
    assert!(matches!(
        phone.desk().reading_is(&unknown, Person::Me, now),
        Err(CompanionError::Unknown { .. })
    ));
    assert!(matches!(
        phone.desk().reading_is("ab", Person::Me, now),
        Err(CompanionError::BadInput { .. })
    ));
    // A station that lost everything gets the statements again with the readings.
    phone.world.resend_everything(now);
    phone.settle();
    let mut letters = phone.world.said.values();
    assert!(letters.all(|envelopes| envelopes.len() == 2));
}

#[derive(Debug, Clone)]
enum Step {
    Measure(Option<u8>),
    Say(usize, Answer),
    Slot(u8, Person),
    Reading(usize, Person),
    Carry(usize, Fate),
    Station,
    Crash,
    Refuse,
    Tick(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let user = prop_oneof![Just(None), Just(Some(1)), Just(Some(2)), Just(Some(0xff))];
    let answer = prop_oneof![
        4 => Just(Answer::Me), 4 => Just(Answer::SomebodyElse), 1 => Just(Answer::OnlyMe),
    ];
    let person = || prop_oneof![Just(Person::Me), Just(Person::SomebodyElse)];
    let fate =
        prop_oneof![4 => Just(Fate::Good), 1 => Just(Fate::LostBefore), 2 => Just(Fate::LostAfter)];
    let time = prop_oneof![0..3_600_000_i64, Just(-40 * 24 * 3_600_000_i64)];
    prop_oneof![
        5 => user.prop_map(Step::Measure),
        3 => (0..3_usize, answer).prop_map(|(which, answer)| Step::Say(which, answer)),
        1 => (1..3_u8, person()).prop_map(|(slot, person)| Step::Slot(slot, person)),
        3 => (0..12_usize, person()).prop_map(|(which, person)| Step::Reading(which, person)),
        9 => (0..3_usize, fate).prop_map(|(which, fate)| Step::Carry(which, fate)),
        2 => Just(Step::Station),
        2 => Just(Step::Crash),
        1 => Just(Step::Refuse),
        2 => time.prop_map(Step::Tick),
    ]
}

/// What the patient has said, as a person would keep it on paper.
#[derive(Default)]
struct Paper {
    slots: BTreeMap<u8, Person>,
    several: bool,
    only_me: bool,
    readings: BTreeMap<String, (Option<u8>, Whose)>,
}

impl Paper {
    fn measured(&mut self, id: String, user: Option<u8>) {
        let slot = user.filter(|slot| *slot != 0xff);
        self.several |= user.is_some();
        let whose = match slot {
            Some(slot) => self.slots.get(&slot).map_or(Whose::Asked, |p| whose(*p)),
            None if self.several && !self.only_me => Whose::Asked,
            None => Whose::Mine,
        };
        self.readings.insert(id, (slot, whose));
    }

    /// Everything that is asked about and that this picks gets an answer.
    fn settle(&mut self, picks: impl Fn(Option<u8>) -> bool, person: Person) {
        for (slot, is) in self.readings.values_mut() {
            if *is == Whose::Asked && picks(*slot) {
                *is = whose(person);
            }
        }
    }
}

const fn whose(person: Person) -> Whose {
    match person {
        Person::Me => Whose::Mine,
        Person::SomebodyElse => Whose::SomebodyElses,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// REQ-COMPANION-056: under any interleaving of readings, answers, words about single readings, lost requests and answers,
    /// crashes, refusals and clocks set back, phone and clinic end with what the patient said: nothing that was not answered is
    /// assigned, and no reading counts as the patient's that the patient gave away.
    #[test]
    fn phone_and_clinic_end_with_what_the_patient_said(steps in proptest::collection::vec(step(), 0..50)) {
        let (mut phone, cuff) = Phone::with_cuff();
        let mut paper = Paper::default();
        let mut minute = 0;
        for step in steps {
            let now = phone.now();
            match step {
                Step::Measure(user) => {
                    let id = phone.measure(&cuff, user, minute);
                    minute += 1;
                    paper.measured(id, user);
                }
                Step::Say(which, answer) => {
                    let Some((id, question)) = phone.questions().into_iter().nth(which) else { continue };
                    prop_assert!(phone.say(id, answer).unwrap() > 0);
                    let user = question.user;
                    let person = if answer == Answer::SomebodyElse { Person::SomebodyElse } else { Person::Me };
                    if answer == Answer::OnlyMe {
                        paper.only_me = true;
                        let asked: Vec<u8> = paper.readings.values().filter(|(_, is)| *is == Whose::Asked).filter_map(|(slot, _)| *slot).collect();
                        paper.slots.extend(asked.into_iter().map(|slot| (slot, Person::Me)));
                        paper.settle(|_| true, person);
                    } else {
                        paper.slots.extend(user.map(|slot| (slot, person)));
                        paper.settle(|slot| slot == user, person);
                    }
                }
                Step::Slot(slot, person) => {
                    phone.desk().slot_is(&cuff, slot, person, now).unwrap();
                    phone.gather();
                    paper.slots.insert(slot, person);
                    if person == Person::SomebodyElse {
                        (paper.several, paper.only_me) = (true, false);
                    }
                    paper.settle(|of| of == Some(slot), person);
                }
                Step::Reading(which, person) => {
                    let Some(id) = paper.readings.keys().nth(which).cloned() else { continue };
                    phone.reading_is(&id, person);
                    paper.readings.get_mut(&id).unwrap().1 = whose(person);
                }
                Step::Carry(which, fate) => phone.answer(which, fate),
                Step::Station => phone.world.station_runs(now),
                Step::Crash => phone.restart(),
                Step::Refuse => phone.world.refuse_next = u32::from(phone.world.refused.is_empty()),
                Step::Tick(later) => phone.tick(later),
            }
        }
        phone.settle();
        phone.tick(25 * 3600 * 1000);
        phone.settle();
        let asked: usize = phone.questions().iter().map(|(_, question)| question.readings.len()).sum();
        prop_assert_eq!(asked, paper.readings.values().filter(|(_, is)| *is == Whose::Asked).count());
        for (id, (_, is)) in &paper.readings {
            let reading = phone.reading(id);
            prop_assert_eq!(reading.whose, *is);
            let newest = phone.told(id).last().copied();
            prop_assert_eq!(newest.is_some() && reading.stage != Stage::KeptHere, reading.said_stored_at.is_some());
            let doubted = phone.is_at_clinic(id) && phone.doubts_at_clinic(id).contains(&Doubt::PossiblyNotMe);
            match is {
                Whose::Mine => {
                    prop_assert!(phone.is_at_clinic(id));
                    prop_assert!(newest == Some(Amends::Me) || (newest.is_none() && !doubted));
                }
                Whose::Asked => prop_assert!(doubted && newest.is_none()),
                Whose::SomebodyElses => prop_assert!(!phone.is_at_clinic(id) || newest == Some(Amends::NotMe)),
            }
            prop_assert_eq!(reading.stage == Stage::KeptHere, !phone.is_at_clinic(id));
        }
        let queue = phone.queue();
        prop_assert_eq!((queue.waiting, queue.at_post_office, queue.stuck, queue.oldest), (0, 0, 0, None));
        prop_assert_eq!(&phone.world.findings, &Vec::<String>::new(), "the clinic sees a whole chain");
    }
}

//! The words of the findings: one sentence that says what happened, one that says what to do. No id and no value of a
//! reading stands in them; a patient's sentence never asks the patient to judge a technical thing.

use super::{Finding, Words};

impl Finding {
    pub(super) fn for_clinic(&self) -> Option<Words> {
        let words = |text: String, next_step| Some(Words { text, next_step });
        match self {
            Self::Gap { from, to, .. } => words(
                format!("{} from this phone {} not arrived; later ones have.", letters(*from, *to), have(*from, *to)),
                "The phone sends again by itself. If this is still open tomorrow, call the patient: readings may be missing.",
            ),
            Self::Fork { seq, .. } => words(
                format!("Two different letters number {seq} came with this phone's signature. Both are kept."),
                "Its keys may have been copied. Call the patient and replace the phone's link.",
            ),
            Self::BrokenChain { seq, .. } => words(
                format!("Letter number {seq} does not follow the letter before it that arrived here."),
                "The relay or a copy of the phone may be showing two histories. Call the patient and compare the latest readings.",
            ),
            Self::Copy { seq, .. } => words(
                format!("Letter number {seq} came a second time in another wrapping. It was counted once."),
                "Somebody who may read this mail has wrapped it again. Ask those who hold escrow or station keys.",
            ),
            Self::Replays { .. } => words(
                "The relay delivered the same letters again ten times or more today. Each was counted once.".into(),
                "Tell the relay's operator if it goes on.",
            ),
            Self::RosterBehind { stated, .. } => words(
                format!("This phone still uses the clinic's list number {stated}, though a newer one has been out for two days."),
                "Check that the relay serves the newest list; otherwise ask the patient to update the app.",
            ),
            Self::RosterFork { n } => words(
                format!("There are two different clinic lists with number {n}."),
                "The root key was used twice. Stop making lists and call your support before the next one.",
            ),
            Self::RosterRefused { .. } => words(
                "A list of clinic keys was offered that does not follow the one in use. It was not accepted.".into(),
                "If nobody at the clinic has just made a new list, tell the relay's operator.",
            ),
            Self::GotBeyondSent { seq, .. } => words(
                format!("This phone confirms letter number {seq}, which the station has not sent in this form."),
                "If the station was restored from a backup, this is expected once. Otherwise replace the phone's link.",
            ),
            Self::ClockOff { .. } => words(
                "This phone's clock is more than a quarter of an hour ahead.".into(),
                "Ask the patient to set date and time to automatic. Times of typed readings may be wrong.",
            ),
            Self::WaitingLong { reason, .. } => words(
                format!("A letter from this phone has waited a day to be read ({reason})."),
                "Check that the station holds the newest list and that the patient has joined. The letter is kept.",
            ),
            Self::Quarantined { reason, .. } => words(
                format!("A letter on this link was not accepted ({reason}). It is kept apart as evidence."),
                "The phone is asked to send its content again. If it happens again, call the patient.",
            ),
            Self::RefusedByPeer { reason, .. } => words(
                format!("The phone could not accept a letter from the station ({reason})."),
                "The station sends its content once more by itself.",
            ),
            Self::RefusedTwice { .. } => words(
                "The phone could not accept a letter, nor its second copy.".into(),
                "Call the patient; the app may need an update.",
            ),
            Self::UnreadableContent { kind, .. } => words(
                format!("This phone sent something of a kind that this station cannot read ({kind}). It is kept."),
                "Update the station.",
            ),
            Self::ForgedReceipt { .. } => words(
                "The relay answered with a receipt that is not its own. It does not count; the letter is sent again.".into(),
                "Tell the relay's operator. Nothing is lost.",
            ),
            Self::WrongBytes { .. } => words(
                "The relay handed out another file than the one it listed. It was not accepted.".into(),
                "Tell the relay's operator. The right file is asked for again.",
            ),
            Self::NotTaken { .. } => words(
                "The relay refuses a letter of this station for good. It is kept here, and the others go on.".into(),
                "It is tried again some hours later. If it stays, tell the relay's operator, and update the station.",
            ),
            Self::Withheld { .. } => words(
                "The relay lists a letter from this phone that it does not hand out.".into(),
                "Tell the relay's operator. It is asked for again when the relay lists it again; the phone keeps it until it has come.",
            ),
            Self::WrongList { .. } => words(
                "The relay's list of this phone's letters contradicts itself or an earlier one. What is in order was taken.".into(),
                "Tell the relay's operator. What is missing is looked for again by itself.",
            ),
            Self::RosterWithheld { n, .. } => words(
                format!("The relay no longer shows the clinic's list number {n}, which it had taken."),
                "If the relay has not just come back from a backup, tell its operator. Phones get new lists by mail too.",
            ),
            Self::Contested { .. } => words(
                "A second device tried to use this invite.".into(),
                "Call the patient. If the wrong device joined first, end its link and make a new invite.",
            ),
            Self::ClaimDiffers { .. } => words(
                "The device that claimed this invite is not the one that joined.".into(),
                "Do not confirm it. End the link and make a new invite.",
            ),
            Self::LateJoin { .. } => words(
                "A device joined more than a week after its invite had expired.".into(),
                "Call the patient, and allow it or make a new invite.",
            ),
            Self::WrongPerson { .. } => words(
                "The same measurement came under two patients.".into(),
                "Find out who used the device. The one who did not says so in the app (it was not me).",
            ),
            Self::ForeignAmendment { .. } => words(
                "This phone says whose a reading was that it did not send. It does not count.".into(),
                "If this stays, ask the patient what they did; if it was not they, replace the phone's link.",
            ),
            Self::NotHeard { since, .. } => words(
                format!("Not heard from this phone since {since}."),
                "Call the patient if it goes on: no news is not good news.",
            ),
            Self::CircleWrong { .. } | Self::RelayNotInRoster { .. } | Self::NoSignOfClinic { .. } => None,
        }
    }

    pub(super) fn for_patient(&self) -> Option<Words> {
        let words = |text: String, next_step| Some(Words { text, next_step });
        match self {
            Self::Gap { from, to, .. } => words(
                format!("{} from your clinic {} not arrived; later ones have.", letters(*from, *to), have(*from, *to)),
                "Nothing to do now. Call your clinic if this is still here tomorrow.",
            ),
            Self::Fork { .. } | Self::BrokenChain { .. } => words(
                "Two letters from your clinic contradict each other. Both are kept.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::Copy { .. } => words(
                "A letter from your clinic came twice in different wrappings. It was counted once.".into(),
                "Tell your clinic when you next speak to them.",
            ),
            Self::Replays { .. } => words(
                "The same letters were delivered again and again today. Each was counted once.".into(),
                "Tell your clinic if it goes on.",
            ),
            Self::RosterBehind { .. } => words(
                "Your clinic's station uses an older list of keys than your phone holds.".into(),
                "Tell your clinic when you next speak to them.",
            ),
            Self::RosterFork { .. } => words(
                "Two different lists of your clinic's keys are about. Only the first one counts here.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::RosterRefused { .. } => words(
                "A list of clinic keys was offered that does not follow the one in use. It was not accepted.".into(),
                "Tell your clinic. Your readings go on to the keys you already hold.",
            ),
            Self::GotBeyondSent { .. } => words(
                "An acknowledgement names a letter that this phone did not send. It was not believed, and nothing was deleted.".into(),
                "Tell your clinic.",
            ),
            Self::ClockOff { .. } => words(
                "Your clinic's clock and this phone's clock are far apart.".into(),
                "Set date and time to automatic.",
            ),
            Self::WaitingLong { .. } => words(
                "A letter from your clinic cannot be read yet, because something it refers to has not come for a day. It is kept.".into(),
                "Update the app, and tell your clinic if this stays.",
            ),
            Self::Quarantined { .. } => words(
                "A letter came that is not in order. It was not accepted.".into(),
                "Your clinic is told and sends it again. Call them if you are waiting for something.",
            ),
            Self::RefusedByPeer { .. } => words(
                "Your clinic could not accept a letter from this phone. It is sent again.".into(),
                "Nothing to do now.",
            ),
            Self::RefusedTwice { .. } => words(
                "Your clinic could not accept a letter, nor its second copy. The readings in it are kept on this phone.".into(),
                "Call your clinic.",
            ),
            Self::CircleWrong { .. } => words(
                "The list of your phones at the clinic contradicts an earlier one. The earlier one counts.".into(),
                "Call your clinic by the number you know.",
            ),
            Self::UnreadableContent { .. } => words(
                "Your clinic sent something that this version of the app cannot show. It is kept.".into(),
                "Update the app.",
            ),
            Self::ForgedReceipt { .. } => words(
                "The post office answered with a receipt that is not its own. It does not count; the letter is sent again.".into(),
                "Tell your clinic if it goes on. Nothing is lost.",
            ),
            Self::WrongBytes { .. } => words(
                "The post office handed out another letter than the one it listed. It was not accepted.".into(),
                "Tell your clinic if it goes on.",
            ),
            Self::NotTaken { .. } => words(
                "The post office refuses a letter of this phone. It is kept here, and the others go on.".into(),
                "It is tried again on another network and at the app's next start. If it stays, tell your clinic.",
            ),
            Self::Withheld { .. } => words(
                "The post office lists a letter for you that it does not hand out.".into(),
                "Tell your clinic if it goes on. The letter is asked for again.",
            ),
            Self::WrongList { .. } => words(
                "The post office's list of your letters contradicts itself or an earlier one. What is in order was taken.".into(),
                "Tell your clinic if it goes on. What is missing is looked for again.",
            ),
            Self::RelayNotInRoster { .. } => words(
                "The post office named in the invite is not in your clinic's own list.".into(),
                "Compare the check words with your clinic before you trust this link.",
            ),
            Self::Contested { .. } => words(
                "This invite was already used by another device.".into(),
                "Call your clinic and ask for a new one.",
            ),
            Self::NoSignOfClinic { since, .. } => words(
                format!("No sign from your clinic since {since}."),
                "If you feel unwell, call. Your readings are kept and sent when the connection is back.",
            ),
            Self::RosterWithheld { .. }
            | Self::ClaimDiffers { .. }
            | Self::LateJoin { .. }
            | Self::WrongPerson { .. }
            | Self::ForeignAmendment { .. }
            | Self::NotHeard { .. } => None,
        }
    }
}

fn letters(from: u64, to: u64) -> String {
    if from == to {
        format!("Letter number {from}")
    } else {
        format!("Letters number {from} to {to}")
    }
}

fn have(from: u64, to: u64) -> &'static str {
    if from == to { "has" } else { "have" }
}

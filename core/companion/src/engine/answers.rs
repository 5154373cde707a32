//! What a relay's answers do: each is one transaction, and says how its line goes on.

use super::{Answer, Engine, Purpose};
use crate::error::CompanionError;
use crate::link::{self, Link};
use crate::view::Topic;
use crate::{finding, mail, request};
use post::outbox::{self, Blame};
use post::{Event as CourierEvent, Line, Outcome, RelayError, inbox};
use vault::Finding;
use wire::api::{ErrorCode, Items};
use wire::{EnvelopeId, Time};

/// So many lists go by before the list is asked for from before what is missing.
const LISTS_BETWEEN: u32 = 5;
/// So many looks for what is missing go by before the whole list is asked for: only that finds a letter whose number the
/// relay had given to another file that was read.
const LOOKS_BETWEEN_WHOLE: u32 = 12;
/// Pages of one run at most: a relay that always promises more must not keep a phone busy.
const PAGES_AT_ONCE: u32 = 50;

impl Engine {
    pub(super) fn answered(
        &mut self,
        purpose: Purpose,
        answer: Result<Answer, RelayError>,
        now: Time,
    ) {
        let line = purpose.line();
        if line != Line::Live
            && !matches!(
                answer,
                Err(RelayError::Unreachable(_) | RelayError::NotARelay { .. })
            )
        {
            self.contact.reached_at = Some(now);
        }
        let told = match answer {
            Ok(answer) => self.told(purpose, answer, now),
            Err(why) => self.refused(purpose, &why, now),
        };
        match told {
            Ok(Next::GoOn) => self.go_on(line, now),
            Ok(Next::End) => self.end(line, Outcome::Finished, now),
            Ok(Next::Wait(why)) => self.fail(line, &why.to_string(), why.retry_after(), now),
            Err(error) => self.fail(line, &error.to_string(), None, now),
        }
    }

    fn told(
        &mut self,
        purpose: Purpose,
        answer: Answer,
        now: Time,
    ) -> Result<Next, CompanionError> {
        let wrong = Next::Wait(RelayError::BadAnswer("an answer to another question"));
        if self.contact.trouble.take().is_some() {
            self.changed(&[Topic::Status, Topic::Queue]);
        }
        match (purpose, answer) {
            (Purpose::Claim, Answer::Done) => {
                self.change_link(|tx, link| link::set_claimed(tx, link.up))?;
                fault::point("companion.claimed");
                Ok(Next::GoOn)
            }
            (Purpose::JoinRosters, Answer::Rosters(lines)) => {
                let before = self.newest_roster();
                self.feed_rosters(&lines, now)?;
                let enough = self
                    .link
                    .as_ref()
                    .is_some_and(|link| self.newest_roster() >= link.roster_at_least.max(1));
                if enough || self.newest_roster() > before {
                    return Ok(Next::GoOn);
                }
                Ok(Next::Wait(RelayError::BadAnswer(
                    "its rosters are older than the invite; asked again later",
                )))
            }
            (Purpose::Put(id), Answer::Receipt(text)) => self.receipt(id, &text, now),
            (Purpose::List { after }, Answer::Items(page)) => {
                self.listed(after, &page, now)?;
                Ok(Next::GoOn)
            }
            (Purpose::Get(entry), Answer::File(bytes)) => {
                self.db.write(|tx| inbox::fetched(tx, &entry, &bytes))?;
                self.contact.collected += 1;
                fault::point("companion.fetched");
                Ok(Next::GoOn)
            }
            (Purpose::Release { through }, Answer::Done) => {
                self.released = through;
                Ok(Next::End)
            }
            (Purpose::Rosters, Answer::Rosters(lines)) => {
                self.feed_rosters(&lines, now)?;
                Ok(Next::End)
            }
            (Purpose::Live, _) => {
                self.changed(&[Topic::Status]);
                Ok(Next::Wait(RelayError::Unreachable(post::Reach::CutOff)))
            }
            _ => Ok(wrong),
        }
    }

    fn refused(
        &mut self,
        purpose: Purpose,
        why: &RelayError,
        now: Time,
    ) -> Result<Next, CompanionError> {
        let jitter = self.next_jitter();
        match purpose {
            Purpose::Claim
                if matches!(why.code(), Some(ErrorCode::Contested | ErrorCode::Foreign)) =>
            {
                self.change_link(|tx, link| {
                    let text = if why.code() == Some(ErrorCode::Contested) {
                        why.to_string()
                    } else {
                        "the relay does not know this invite, or it has expired: ask the clinic for a new one".to_owned()
                    };
                    link::end(tx, link.up, &text)?;
                    request::fail(tx, link.request, "invite", &text)
                })?;
                self.changed(&Topic::ALL);
                Ok(Next::End)
            }
            Purpose::Put(id) => {
                let up = self.link.as_ref().map(|link| link.up);
                let blame = self.db.write(|tx| -> Result<Blame, CompanionError> {
                    let blame = outbox::not_taken(tx, id, why, now, jitter)?;
                    if let (Blame::File, Some(mailbox)) = (blame, up) {
                        finding::note(tx, &Finding::NotTaken { mailbox, id }, now)?;
                    }
                    Ok(blame)
                })?;
                match blame {
                    Blame::Line => Ok(Next::Wait(why.clone())),
                    Blame::Mailbox | Blame::File => {
                        self.changed(&[Topic::Status, Topic::Queue]);
                        Ok(Next::GoOn)
                    }
                }
            }
            Purpose::Get(entry) => {
                let (mailbox, id) = (entry.mailbox, entry.id);
                let line_waits = self.db.write(|tx| -> Result<bool, CompanionError> {
                    let fate = inbox::not_fetched(tx, &entry, why, now, jitter)?;
                    if matches!(why, RelayError::BadAnswer(_)) {
                        finding::note(tx, &Finding::WrongBytes { mailbox, id }, now)?;
                    }
                    if fate == inbox::NotFetched::GivenUp {
                        finding::note(tx, &Finding::Withheld { mailbox, id }, now)?;
                    }
                    Ok(fate == inbox::NotFetched::LineWaits)
                })?;
                Ok(if line_waits {
                    Next::Wait(why.clone())
                } else {
                    Next::GoOn
                })
            }
            Purpose::Live => {
                self.changed(&[Topic::Status]);
                Ok(Next::Wait(why.clone()))
            }
            // Nothing is read or sent the later for it: the next run asks again.
            Purpose::Release { .. } => Ok(Next::End),
            Purpose::List { .. } => {
                if let (RelayError::BadAnswer(_), Some(link)) = (why, &self.link) {
                    let found = Finding::WrongList { mailbox: link.down };
                    if self.db.write(|tx| finding::note(tx, &found, now))? {
                        self.changed(&[Topic::Status]);
                    }
                }
                Ok(Next::Wait(why.clone()))
            }
            Purpose::Claim | Purpose::JoinRosters | Purpose::Rosters => Ok(Next::Wait(why.clone())),
        }
    }

    fn receipt(&mut self, id: EnvelopeId, text: &str, now: Time) -> Result<Next, CompanionError> {
        let Some(link) = &self.link else {
            return Ok(Next::End);
        };
        let keys = link.rosters.receipt_keys();
        let kept = self.db.write(|tx| -> Result<bool, CompanionError> {
            match outbox::received(tx, id, text, &keys, now) {
                Ok(_) => {}
                Err(post::PostError::Receipt(_)) => {
                    finding::note(
                        tx,
                        &Finding::ForgedReceipt {
                            mailbox: link.up,
                            id,
                        },
                        now,
                    )?;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
            if link.join_id == Some(id) {
                request::done(tx, link.request, Some(&link.up.to_string()))?;
            }
            Ok(true)
        })?;
        fault::point("companion.received");
        self.changed(&Topic::ALL);
        if kept
            && self
                .link
                .as_ref()
                .is_some_and(|link| link.join_id == Some(id))
        {
            // The clinic's answer may come at any moment.
            for line in [Line::Live, Line::Collect] {
                self.courier.input(CourierEvent::Wanted(line), now);
            }
        }
        if kept {
            self.contact.handed_over += 1;
            Ok(Next::GoOn)
        } else {
            Ok(Next::Wait(RelayError::BadAnswer(
                "a receipt that does not count",
            )))
        }
    }

    fn listed(&mut self, after: u64, page: &Items, now: Time) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        let (down, url) = (link.down, link.relay_url());
        let again = self.db.write(|tx| -> Result<bool, CompanionError> {
            match inbox::listed(tx, down, &url, after, page, now)? {
                inbox::Listed::OtherRelay => Ok(true),
                inbox::Listed::Page {
                    replayed,
                    contradicts,
                    more,
                    ..
                } => {
                    if contradicts {
                        finding::note(tx, &Finding::WrongList { mailbox: down }, now)?;
                    }
                    mail::listed(tx, link, &replayed, now)?;
                    Ok(more)
                }
            }
        })?;
        self.pages += 1;
        self.list_again = again && self.pages < PAGES_AT_ONCE;
        self.reload_link()?;
        if again {
            Ok(())
        } else {
            self.look_for_missing()
        }
    }

    /// Now and then the list is asked for again from before whatever is missing: a relay that left a letter out, or would
    /// not give it, may do so later.
    fn look_for_missing(&mut self) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        self.lists += 1;
        if self.lists < LISTS_BETWEEN {
            return Ok(());
        }
        self.lists = 0;
        self.looks += 1;
        let gap = if self.looks.is_multiple_of(LOOKS_BETWEEN_WHOLE) {
            Some(None)
        } else {
            let mut positions = link.chain.kids().map(|kid| link.chain.positions(kid));
            let gap = positions.find(|at| !at.missing.is_empty());
            gap.map(|at| at.stored.map(|(_, id)| id))
        };
        let (down, url) = (link.down, link.relay_url());
        self.list_again = self
            .db
            .write(|tx| inbox::list_missing_again(tx, down, &url, gap))?;
        Ok(())
    }

    pub(super) fn consume(
        &mut self,
        entry: &inbox::Entry,
        bytes: Vec<u8>,
        now: Time,
    ) -> Result<(), CompanionError> {
        let Some((keys, link, own)) = self.ready() else {
            return Ok(());
        };
        let topics = self.db.write(|tx| {
            let topics = mail::consume(tx, keys, own, link, entry.id, bytes, now)?;
            inbox::consumed(tx, entry, now)?;
            Ok::<_, CompanionError>(topics)
        })?;
        fault::point("companion.consumed");
        self.after_mail(&topics, now)
    }

    /// Takes roster lines from wherever they came; new ones may release waiting mail.
    pub(crate) fn feed_rosters(&mut self, lines: &str, now: Time) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        if !self
            .db
            .write(|tx| link::feed_rosters(tx, link, lines, now))?
        {
            return Ok(());
        }
        fault::point("companion.rosters");
        self.reload_link()?;
        self.changed(&[Topic::Status]);
        self.try_waiting_mail(now)
    }

    /// After anything that may release waiting mail: a roster or a circle.
    fn try_waiting_mail(&mut self, now: Time) -> Result<(), CompanionError> {
        let Some((keys, link, own)) = self.ready() else {
            return Ok(());
        };
        let topics = self
            .db
            .write(|tx| mail::try_waiting(tx, keys, own, link, now))?;
        if topics.is_empty() {
            Ok(())
        } else {
            self.after_mail(&topics, now)
        }
    }

    fn after_mail(&mut self, topics: &[Topic], now: Time) -> Result<(), CompanionError> {
        let roster_before = self.newest_roster();
        let circle_before = self.link.as_ref().map(|link| link.circles.newest_n());
        self.reload_link()?;
        self.changed(topics);
        let circle_now = self.link.as_ref().map(|link| link.circles.newest_n());
        if self.newest_roster() != roster_before || circle_now != circle_before {
            self.try_waiting_mail(now)?;
        }
        let unknown_roster = self.db.read(mail::waits_for_roster)?;
        if unknown_roster {
            self.courier.input(CourierEvent::Wanted(Line::Rosters), now);
        }
        // An acknowledgement may have sent content back to be sealed again.
        self.courier.input(CourierEvent::Wanted(Line::Send), now);
        Ok(())
    }

    fn change_link(
        &mut self,
        change: impl FnOnce(&store::Tx<'_>, &Link) -> Result<(), CompanionError>,
    ) -> Result<(), CompanionError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        self.db.write(|tx| change(tx, link))?;
        self.changed(&[Topic::Status]);
        self.reload_link()
    }

    fn newest_roster(&self) -> u32 {
        self.link
            .as_ref()
            .and_then(|link| link.rosters.newest())
            .map_or(0, |held| held.roster.n)
    }

    /// Xorshift: spreading retries needs no secrecy.
    fn next_jitter(&mut self) -> u32 {
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 17;
        self.jitter ^= self.jitter << 5;
        self.jitter
    }
}

/// How a line's run goes on after an answer.
enum Next {
    GoOn,
    End,
    Wait(RelayError),
}

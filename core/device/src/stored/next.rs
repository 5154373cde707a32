//! What is asked next, decided from what is known. Nothing here is remembered between calls but in [`Known`], so that
//! the same question is reached again after silence, a busy device or an answer that changed the picture.

use super::holes::{Run, holes, newest};
use super::mark::Print;
use super::sync::{StoredSync, at_least};
use super::{StoredOutcome, StoredService};
use crate::record_access::{Bound, RecordResult, Span, Which};
use std::collections::BTreeSet;

/// A question to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// How many?
    Count(Which),
    /// Send them.
    Report(Which),
}

/// More missing runs than this are not asked for one by one: a CGM's minutes have a hole after each record.
const MOST_HOLES: usize = 8;

/// What was learned in this sync beside the records themselves.
#[derive(Default)]
pub(super) struct Known {
    /// Everything is fetched, not only what comes after the mark.
    all: bool,
    /// The number announced for what is fetched; `None` when it was not asked for or cannot be.
    pub(super) announced: Option<u32>,
    /// It was asked for, whatever the answer.
    counted: bool,
    /// It was asked for again after the fetch.
    recounted: bool,
    /// What is fetched was fetched once.
    fetched: bool,
    /// The last whole fetch brought the same as what had come before it.
    settled: bool,
    /// A run that the device says is not empty: to be asked for.
    wanted: Option<Run>,
    /// Runs that the device says are empty.
    empty: BTreeSet<Run>,
    /// Numbers whose context was asked for again.
    contexts: BTreeSet<u32>,
    /// The newest record was asked for; the print is what came.
    newest: Option<Option<Print>>,
    /// How often in a row something was asked for again and nothing new came.
    fruitless: u32,
    /// A record names its user: numbers may count for each user.
    pub(super) users: bool,
    no_counts: bool,
    no_ranges: bool,
    no_last: bool,
    /// The device knows neither "all" nor "from here on".
    ends: Option<End>,
    /// The device does not report and count in one request.
    pub(super) plain_reports: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Last,
    First,
    Both,
}

/// A number as a bound of its service.
pub(super) fn bound(service: StoredService, number: u32) -> Bound {
    match u16::try_from(number) {
        Ok(number) if service != StoredService::HealthSensor => Bound::Number(number),
        _ => Bound::RecordNumber(number),
    }
}

fn range(service: StoredService, (from, to): Run) -> Which {
    Which::Range(match (bound(service, from), bound(service, to)) {
        (Bound::Number(from), Bound::Number(to)) => Span::Number(from, to),
        _ => Span::RecordNumber(from, to),
    })
}

impl StoredSync {
    /// What was under way is asked from the start; what came and what the device can do stays known. Where numbers
    /// tell what is missing, only that is asked for.
    pub(super) fn begin_again(&mut self) {
        let by_number = !self.known.no_counts && !self.known.no_ranges;
        self.known.fetched &= by_number;
        self.known.fetched |= by_number && !self.seen.numbers.is_empty();
        self.look_again();
    }

    fn look_again(&mut self) {
        self.known.counted = false;
        self.known.recounted = false;
        self.known.wanted = None;
        self.known.newest = None;
        self.known.settled = false;
        self.known.empty.clear();
    }

    /// Everything is fetched from here on.
    fn widen(&mut self) {
        self.known.all = true;
        self.known.fetched = false;
        self.look_again();
    }

    /// The mark's record, where records have numbers and only what comes after it is fetched.
    fn start(&self) -> Option<(u32, Print)> {
        let newest = self.memory.newest()?;
        let number = newest.number()?;
        (!self.known.all).then_some((number, newest))
    }

    fn which(&self) -> Which {
        match self.start() {
            Some((number, _)) => at_least(self.service, number),
            None => Which::All,
        }
    }

    /// How many came of what is fetched.
    fn have(&self) -> usize {
        match self.start() {
            // What has no number could not be read, and may be one of them.
            Some((from, _)) => {
                let below = |print: &&Print| print.number().is_none_or(|number| number >= from);
                self.seen.prints.iter().filter(below).count()
            }
            None => self.seen.prints.len(),
        }
    }

    fn falls_short(&self) -> bool {
        let announced = self.known.announced.map(usize::try_from);
        announced.is_some_and(|announced| announced.is_ok_and(|n| self.have() < n))
    }

    pub(super) fn next(&mut self) -> Result<Ask, StoredOutcome> {
        if let Some(ask) = self.next_end()? {
            return Ok(ask);
        }
        let which = self.which();
        if !self.known.counted && !self.known.no_counts {
            return Ok(Ask::Count(which));
        }
        if !self.known.fetched {
            // Some devices answer a count with "none" and then with a number: what is there is asked for once.
            return Ok(Ask::Report(which));
        }
        if let Some(run) = self.known.wanted.take() {
            return Ok(Ask::Report(range(self.service, run)));
        }
        if self.known.fruitless > self.pace.rounds {
            return Err(StoredOutcome::Incomplete);
        }
        if self.is_another_memory() {
            self.widen();
            return self.next();
        }
        if let Some(ask) = self.missing() {
            return Ok(ask);
        }
        // Nothing is missing; if the mark's record is, then because the device does not have it.
        if self
            .start()
            .is_some_and(|(_, mark)| !self.seen.prints.contains(&mark))
        {
            self.widen();
            return self.next();
        }
        // What another user measured may have a number below the mark's.
        if self.known.users && self.start().is_some() {
            self.widen();
            return self.next();
        }
        if let Some(number) = self.missing_context() {
            self.known.contexts.insert(number);
            return Ok(Ask::Report(range(self.service, (number, number))));
        }
        match self.known.newest {
            None if !self.known.no_last && self.service.largest().is_some() => {
                Ok(Ask::Report(Which::Last))
            }
            _ => Err(StoredOutcome::Complete),
        }
    }

    /// A device that knows its first and last record only.
    fn next_end(&mut self) -> Result<Option<Ask>, StoredOutcome> {
        let Some(end) = self.known.ends else {
            return Ok(None);
        };
        Ok(Some(Ask::Report(match end {
            End::Last => Which::Last,
            End::First => Which::First,
            End::Both => return Err(StoredOutcome::EndsOnly),
        })))
    }

    /// The mark's number came with other bytes, or numbers have gone over the top: what is below the mark is new.
    fn is_another_memory(&self) -> bool {
        let Some((number, mark)) = self.start() else {
            return false;
        };
        let other = self.seen.numbers.get(&number).is_some_and(|p| *p != mark);
        let top = self
            .seen
            .numbers
            .last_key_value()
            .map(|(number, _)| *number);
        other || top.is_some() && top == self.service.largest()
    }

    /// What to ask for what is missing, or to be sure that nothing is.
    fn missing(&mut self) -> Option<Ask> {
        let Some(runs) = self.few_runs() else {
            return self.missing_by_count();
        };
        let open = runs.into_iter().find(|run| !self.known.empty.contains(run));
        if let Some(run) = open {
            let which = range(self.service, run);
            // "No records" says the same as a count of 0.
            return Some(if self.known.no_counts {
                Ask::Report(which)
            } else {
                Ask::Count(which)
            });
        }
        // Every run is empty. What has no number may have been counted and come damaged.
        if self.falls_short() {
            return self.missing_by_count();
        }
        None
    }

    /// The runs that did not come, where they can be asked for one by one.
    fn few_runs(&self) -> Option<Vec<Run>> {
        let runs = self.runs().filter(|_| !self.known.no_ranges);
        runs.filter(|runs| runs.len() <= MOST_HOLES)
    }

    /// Whether "nothing is missing" is the device's own word. Else the mark stays: the next sync reads the same again,
    /// and leaves out what is known.
    pub(super) fn is_proven(&self) -> bool {
        !self.known.no_counts || self.few_runs().is_some()
    }

    /// The runs that did not come, where records are numbered: between those that came, before the first where nothing
    /// says that it is the first, and behind the last as long as more are announced.
    fn runs(&self) -> Option<Vec<Run>> {
        let largest = self.service.largest()?;
        let from = self.start().map_or(0, |(number, _)| number);
        let last = self.seen.numbers.range(from..).next_back();
        let to = match last {
            Some((last, _)) if !self.falls_short() => *last,
            _ => largest,
        };
        let came = self.seen.numbers.range(from..).map(|(number, _)| *number);
        Some(holes(came, from, to))
    }

    /// Only the number of records tells whether some are missing.
    fn missing_by_count(&mut self) -> Option<Ask> {
        let which = self.which();
        if self.known.no_counts {
            // Two whole fetches that bring the same are all that can be known.
            return (!self.known.settled).then_some(Ask::Report(which));
        }
        if !self.known.recounted {
            return Some(Ask::Count(which));
        }
        self.falls_short().then_some(Ask::Report(which))
    }

    fn missing_context(&self) -> Option<u32> {
        let asked = |number: &u32| self.known.contexts.contains(number);
        let ranges = !self.known.no_ranges;
        self.intake.waiting().find(|n| ranges && !asked(n))
    }

    fn is_for_context(&self, span: Span) -> bool {
        let (from, to) = run_of(span);
        from == to && self.known.contexts.contains(&from)
    }

    /// An answer: so many records, or the end of a report.
    pub(super) fn learned(&mut self, ask: Ask, count: Option<u32>, brought: bool) {
        let which = self.which();
        match ask {
            Ask::Count(Which::Range(span)) => {
                let run = run_of(span);
                if count == Some(0) {
                    self.known.empty.insert(run);
                } else {
                    self.known.wanted = Some(run);
                }
            }
            Ask::Count(_) => {
                self.known.recounted = self.known.fetched;
                self.known.counted = true;
                self.known.announced = count;
            }
            Ask::Report(Which::Last) if self.known.ends.is_none() => {
                let last = self.seen.last.filter(|_| count != Some(0));
                self.known.newest = Some(last);
                if brought {
                    self.surprised();
                }
            }
            Ask::Report(Which::Range(span)) if self.is_for_context(span) => {}
            Ask::Report(asked) => {
                let whole = asked == which;
                let again = self.known.fetched || !whole;
                if let (Which::Range(span), Some(0)) = (asked, count) {
                    self.known.empty.insert(run_of(span));
                } else if brought {
                    self.known.fruitless = 0;
                } else if again {
                    self.known.fruitless += 1;
                }
                if whole {
                    self.known.fetched = true;
                    // "Success" without a record means that all of them were lost.
                    let same = again && !brought && self.have() > 0;
                    self.known.settled = same || count == Some(0);
                    self.known.recounted = false;
                    if let Some(sent) = count.filter(|_| self.known.no_counts) {
                        self.known.announced = Some(sent);
                    }
                }
                self.known.ends = match self.known.ends {
                    Some(End::Last) => Some(End::First),
                    Some(End::First) => Some(End::Both),
                    other => other,
                };
            }
        }
    }

    /// The newest record is one that had not come: measured just now, or what was fetched is not all.
    fn surprised(&mut self) {
        let number = self.seen.last.and_then(|print| print.number());
        match (self.start(), number) {
            (Some((from, _)), Some(number)) if number < from => self.widen(),
            _ => self.look_again(),
        }
    }

    /// The device does not do what was asked.
    pub(super) fn refused(&mut self, ask: Ask, result: RecordResult) -> Result<Ask, StoredOutcome> {
        let request = matches!(result, RecordResult::OpNotSupported);
        let which = self.which();
        match ask {
            Ask::Count(_) if request => self.known.no_counts = true,
            Ask::Report(_) if request => {
                if self.service != StoredService::HealthSensor || self.known.plain_reports {
                    return Err(StoredOutcome::NotSupported);
                }
                self.known.plain_reports = true;
            }
            Ask::Count(Which::Range(_)) | Ask::Report(Which::Range(_)) => {
                self.known.no_ranges = true;
            }
            Ask::Report(Which::Last) if self.known.ends.is_none() => self.known.no_last = true,
            _ if which != Which::All => self.widen(),
            Ask::Count(_) => self.known.no_counts = true,
            Ask::Report(_) => {
                self.known.ends = match self.known.ends {
                    None => Some(End::Last),
                    Some(End::Last) => Some(End::First),
                    Some(End::First | End::Both) => Some(End::Both),
                };
            }
        }
        self.next()
    }

    /// The newest record, when nothing is missing: the one that the device calls its last, else by number.
    pub(super) fn newest(&self) -> Option<Print> {
        if let Some(Some(last)) = self.known.newest {
            return Some(last);
        }
        let numbers: Vec<u32> = self.seen.numbers.keys().copied().collect();
        let newest = newest(&numbers, self.service.largest()?)?;
        self.seen.numbers.get(&newest).copied()
    }
}

const fn run_of(span: Span) -> Run {
    match span {
        Span::Number(from, to) => (from as u32, to as u32),
        Span::RecordNumber(from, to) => (from, to),
        Span::UserFacingTime(..) => (0, 0),
    }
}

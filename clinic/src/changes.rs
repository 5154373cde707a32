//! What has changed, told to every console that watches. Losing one is harmless: a console that fell behind is told to
//! read everything again.

use crate::mail::open::News;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// Changes that a slow console may fall behind.
const KEPT: usize = 256;

/// What to read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Topic {
    Readings,
    Links,
    Findings,
    Accounts,
    Devices,
    Status,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub revision: u64,
    pub patients: BTreeSet<String>,
    pub topics: BTreeSet<Topic>,
}

/// The bell.
#[derive(Debug)]
pub(crate) struct Changes {
    revision: AtomicU64,
    to: broadcast::Sender<Change>,
}

impl Default for Changes {
    fn default() -> Self {
        Self {
            revision: AtomicU64::new(0),
            to: broadcast::channel(KEPT).0,
        }
    }
}

impl Changes {
    /// Tells everybody who watches.
    pub(crate) fn tell(
        &self,
        patients: impl IntoIterator<Item = String>,
        topics: impl IntoIterator<Item = Topic>,
    ) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let change = Change {
            revision,
            patients: patients.into_iter().collect(),
            topics: topics.into_iter().collect(),
        };
        // nobody watching is as good
        let _watchers = self.to.send(change);
    }

    /// Tells what a letter changed.
    pub(crate) fn tell_news(&self, patient: Option<String>, news: News) {
        if news == News::default() {
            return;
        }
        let mut topics = vec![Topic::Status];
        topics.extend(news.readings.then_some(Topic::Readings));
        topics.extend(news.links.then_some(Topic::Links));
        topics.extend(news.findings.then_some(Topic::Findings));
        self.tell(patient, topics);
    }

    /// Watches from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Change> {
        self.to.subscribe()
    }

    /// The newest revision, for one who fell behind and must read everything.
    pub(crate) fn everything(&self) -> Change {
        Change {
            revision: self.revision.load(Ordering::Relaxed),
            patients: BTreeSet::new(),
            topics: [
                Topic::Readings,
                Topic::Links,
                Topic::Findings,
                Topic::Accounts,
                Topic::Devices,
                Topic::Status,
            ]
            .into(),
        }
    }
}

//! State is read, change is told: a revision that grows, and which topics changed since one.
//!
//! Any number of consumers, each with the revision it has seen. Nothing is queued, so nothing can be lost or pile up:
//! a consumer that was away learns at its next call which topics to read again.

use crate::view::Topic;
use tokio::sync::watch;

/// A point in the companion's history, valid within one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Pass this to the next call.
    pub revision: Revision,
    /// Topics to read again.
    pub topics: Vec<Topic>,
}

#[derive(Debug, Clone, Copy)]
struct Marks {
    newest: u64,
    by_topic: [u64; Topic::ALL.len()],
}

/// The writing side, held by the actor.
#[derive(Debug)]
pub(crate) struct ChangeLog(watch::Sender<Marks>);

/// The reading side, held by every handle.
#[derive(Debug, Clone)]
pub(crate) struct ChangeWatch(watch::Receiver<Marks>);

impl ChangeLog {
    pub(crate) fn new() -> (Self, ChangeWatch) {
        let (to, from) = watch::channel(Marks {
            newest: 1,
            by_topic: [1; Topic::ALL.len()],
        });
        (Self(to), ChangeWatch(from))
    }

    pub(crate) fn mark(&self, topics: &[Topic]) {
        if topics.is_empty() {
            return;
        }
        self.0.send_modify(|marks| {
            marks.newest += 1;
            for topic in topics {
                marks.by_topic[*topic as usize] = marks.newest;
            }
        });
    }
}

impl ChangeWatch {
    /// Waits until something changed after `after`. A revision from another process is behind everything.
    /// `None` when the companion is closed. Cancelling loses nothing.
    pub(crate) async fn next(&self, after: Revision) -> Option<Changes> {
        let mut watch = self.0.clone();
        let marks = *watch.wait_for(|marks| marks.newest != after.0).await.ok()?;
        let since = if after.0 > marks.newest { 0 } else { after.0 };
        let topics = Topic::ALL
            .into_iter()
            .filter(|topic| marks.by_topic[*topic as usize] > since)
            .collect();
        Some(Changes {
            revision: Revision(marks.newest),
            topics,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-COMPANION-001: two consumers each learn every change, and one that was away learns it late.
    #[tokio::test]
    async fn consumers_do_not_take_changes_from_each_other() {
        let (log, watch) = ChangeLog::new();
        let all = watch.next(Revision(0)).await.unwrap();
        assert_eq!(all.topics, Topic::ALL);
        log.mark(&[Topic::Queue]);
        for _ in 0..2 {
            let changes = watch.next(all.revision).await.unwrap();
            assert_eq!(changes.topics, [Topic::Queue]);
        }
        log.mark(&[Topic::Status, Topic::Devices]);
        let late = watch.next(all.revision).await.unwrap();
        assert_eq!(late.topics, [Topic::Status, Topic::Devices, Topic::Queue]);
        assert_eq!(
            watch.next(Revision(1000)).await.unwrap().topics,
            Topic::ALL,
            "a revision of another process"
        );
        drop(log);
        assert_eq!(watch.next(late.revision).await, None);
    }
}

//! The one writer: a thread that takes what many requests want written, and commits it together.
//!
//! One commit costs one fsync, whatever it holds. A job's answer goes out only after the commit that holds it. Each job
//! runs in a savepoint of its own, so that one that fails takes nothing with it.

use crate::{RelayError, schema};
use rusqlite::{Connection, Transaction};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Jobs in one commit at most.
const GROUP: usize = 256;

type Answer = Box<dyn FnOnce(Option<RelayError>) + Send>;
type Job = Box<dyn FnOnce(&Transaction<'_>) -> Answer + Send>;

/// The queue to the writer.
#[derive(Clone)]
pub struct Writer(SyncSender<Job>);

impl Writer {
    /// Starts the thread; it ends when every clone of the queue is gone. Jobs change what is held in memory before
    /// their commit; `repair` reads it back from the database after a commit that failed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        db: Connection,
        waiting: usize,
        repair: impl Fn(&Connection) -> Result<(), RelayError> + Send + 'static,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (to, jobs) = sync_channel(waiting);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(db, &jobs, repair))?;
        Ok((Self(to), thread))
    }

    /// Writes, and answers after the commit.
    ///
    /// # Errors
    /// [`RelayError::Busy`] when too much waits already, what `work` says, or those of SQLite.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, RelayError> + Send + 'static,
    ) -> Result<T, RelayError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let done = in_savepoint(tx, work);
            Box::new(move |failed: Option<RelayError>| {
                // whoever asked may have gone away; what was written stays
                let _gone = reply.send(failed.map_or(done, Err));
            })
        });
        match self.0.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(RelayError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(RelayError::Stopped),
        }
        answer.await.map_err(|_| RelayError::Stopped)?
    }
}

fn in_savepoint<T>(
    tx: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, RelayError>,
) -> Result<T, RelayError> {
    tx.prepare_cached("SAVEPOINT job")?.execute([])?;
    match work(tx) {
        Ok(value) => {
            tx.prepare_cached("RELEASE job")?.execute([])?;
            Ok(value)
        }
        Err(error) => {
            tx.prepare_cached("ROLLBACK TO job")?.execute([])?;
            tx.prepare_cached("RELEASE job")?.execute([])?;
            Err(error)
        }
    }
}

fn run(
    mut db: Connection,
    jobs: &Receiver<Job>,
    repair: impl Fn(&Connection) -> Result<(), RelayError>,
) {
    let mut in_step = true;
    while let Ok(first) = jobs.recv() {
        if !in_step {
            in_step = repair(&db).is_ok();
        }
        if !in_step {
            // dropped unanswered, which its asker reads as "busy": nothing is done on a memory that may be wrong
            tracing::error!("the database cannot be read back after a failed commit");
            continue;
        }
        let mut answers = Vec::new();
        let outcome = group(&mut db, first, jobs, &mut answers);
        let failed = outcome.err();
        if let Some(error) = &failed {
            tracing::error!(%error, "nothing of this commit was written");
            in_step = repair(&db).is_ok();
        }
        for answer in answers {
            answer(failed.clone());
        }
    }
}

fn group(
    db: &mut Connection,
    first: Job,
    jobs: &Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), RelayError> {
    let tx = schema::change(db)?;
    answers.push(first(&tx));
    while answers.len() < GROUP {
        let Ok(job) = jobs.try_recv() else { break };
        answers.push(job(&tx));
    }
    fault::point("relay.before_commit");
    tx.commit()?;
    fault::point("relay.after_commit");
    Ok(())
}

//! Commands whose outcome comes later, kept until a consumer has read and dismissed it; they outlive the process.

use crate::error::CompanionError;
use crate::view::{QuestionView, RequestId, RequestState, RequestView};
use std::collections::BTreeMap;
use store::Tx;
use store::rusqlite::params;
use wire::Time;

/// Dismissed by nobody, an outcome is kept so many at most; the oldest goes.
const KEPT: i64 = 200;

pub(crate) fn new(tx: &Tx<'_>, kind: &str, now: Time) -> Result<RequestId, CompanionError> {
    enter(tx, kind, "running", now)
}

/// A question to the patient: it stands until it is answered, and nobody dismisses it.
pub(crate) fn ask(tx: &Tx<'_>, now: Time) -> Result<RequestId, CompanionError> {
    enter(tx, "person", "asked", now)
}

fn enter(tx: &Tx<'_>, kind: &str, state: &str, now: Time) -> Result<RequestId, CompanionError> {
    tx.execute(
        "INSERT INTO request(kind, at, state) VALUES (?1, ?2, ?3)",
        params![kind, now.ms(), state],
    )?;
    let id = tx.last_insert_rowid();
    tx.execute(
        "DELETE FROM request WHERE state IN ('done', 'failed') AND id <= ?1",
        [id - KEPT],
    )?;
    Ok(RequestId(id))
}

/// The patient has answered a question.
pub(crate) fn answered(
    tx: &Tx<'_>,
    id: RequestId,
    answer: Option<&str>,
) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE request SET state = 'done', text = ?2 WHERE id = ?1 AND state = 'asked'",
        params![id.0, answer],
    )?;
    Ok(())
}

pub(crate) fn done(
    tx: &Tx<'_>,
    id: Option<RequestId>,
    result: Option<&str>,
) -> Result<(), CompanionError> {
    set(tx, id, "done", None, result)
}

pub(crate) fn fail(
    tx: &Tx<'_>,
    id: Option<RequestId>,
    code: &str,
    text: &str,
) -> Result<(), CompanionError> {
    set(tx, id, "failed", Some(code), Some(text))
}

/// Requests of an earlier process that only that process could finish.
pub(crate) fn fail_interrupted(tx: &Tx<'_>) -> Result<(), CompanionError> {
    tx.execute(
        "UPDATE request SET state = 'failed', code = 'interrupted', text = 'the app was closed meanwhile: try again'
         WHERE state = 'running' AND kind <> 'join'",
        [],
    )?;
    Ok(())
}

pub(crate) fn dismiss(tx: &Tx<'_>, id: RequestId) -> Result<(), CompanionError> {
    let gone = tx.execute(
        "DELETE FROM request WHERE id = ?1 AND state IN ('done', 'failed')",
        [id.0],
    )?;
    if gone == 1 {
        Ok(())
    } else {
        Err(CompanionError::Unknown {
            what: "a finished request with this number",
        })
    }
}

/// All of them, with the questions that stand open.
pub(crate) fn all(
    tx: &Tx<'_>,
    mut questions: BTreeMap<RequestId, QuestionView>,
) -> Result<Vec<RequestView>, CompanionError> {
    let mut rows =
        tx.prepare_cached("SELECT id, kind, at, state, code, text FROM request ORDER BY id")?;
    let rows = rows.query_map([], |row| {
        let id = RequestId(row.get(0)?);
        let (code, text): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        let state = match row.get::<_, String>(3)?.as_str() {
            "running" => RequestState::Running,
            "done" => RequestState::Done { result: text },
            "asked" => RequestState::Asked {
                question: questions.remove(&id).unwrap_or_default(),
            },
            _ => RequestState::Failed {
                code: code.unwrap_or_default(),
                text: text.unwrap_or_default(),
            },
        };
        Ok(RequestView {
            id,
            kind: row.get(1)?,
            at: Time::from_ms(row.get(2)?),
            state,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn set(
    tx: &Tx<'_>,
    id: Option<RequestId>,
    state: &str,
    code: Option<&str>,
    text: Option<&str>,
) -> Result<(), CompanionError> {
    if let Some(id) = id {
        tx.execute(
            "UPDATE request SET state = ?2, code = ?3, text = ?4 WHERE id = ?1 AND state = 'running'",
            params![id.0, state, code, text],
        )?;
    }
    Ok(())
}

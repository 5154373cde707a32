//! The newest sessions with devices, written down (`docs/formats/trace.md`): sealed like everything that is kept, and
//! bounded.
//!
//! A trace explains a fault; it is no record. While the keys are out of reach none is kept.

use crate::error::CompanionError;
use crate::view::TraceView;
use device::Trace;
use store::rusqlite::{OptionalExtension as _, params};
use store::{Place, RowKey, Tx};
use wire::Time;

/// So many are kept.
const MOST: u32 = 20;

fn place(row: &[u8; 8]) -> Place<'_> {
    Place {
        table: "trace",
        column: "sealed",
        row,
    }
}

/// Keeps a session's trace, and lets the oldest go.
pub(crate) fn keep(
    tx: &Tx<'_>,
    key: &RowKey,
    device: Option<&str>,
    reason: &str,
    trace: &Trace,
    now: Time,
) -> Result<(), CompanionError> {
    let newest: Option<i64> = tx.query_row("SELECT max(id) FROM trace", [], |row| row.get(0))?;
    let id = newest.unwrap_or(0) + 1;
    let sealed = key.seal(place(&id.to_be_bytes()), trace.text().as_bytes())?;
    tx.execute(
        "INSERT INTO trace(id, device, reason, at, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, device, reason, now.ms(), sealed],
    )?;
    tx.execute("DELETE FROM trace WHERE id <= ?1", [id - i64::from(MOST)])?;
    Ok(())
}

/// What is kept, newest first.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<TraceView>, CompanionError> {
    let mut rows =
        tx.prepare_cached("SELECT id, device, reason, at FROM trace ORDER BY id DESC")?;
    let rows = rows.query_map([], |row| {
        Ok(TraceView {
            id: row.get(0)?,
            device: row.get(1)?,
            reason: row.get(2)?,
            at: Time::from_ms(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One trace's text.
pub(crate) fn get(tx: &Tx<'_>, key: &RowKey, id: i64) -> Result<String, CompanionError> {
    let sealed: Option<Vec<u8>> = tx
        .query_row("SELECT sealed FROM trace WHERE id = ?1", [id], |row| {
            row.get(0)
        })
        .optional()?;
    let sealed = sealed.ok_or(CompanionError::Unknown {
        what: "a kept trace with this number",
    })?;
    let text = key.open(place(&id.to_be_bytes()), &sealed)?;
    String::from_utf8(text.to_vec())
        .map_err(|_| CompanionError::internal("a kept trace cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn the_oldest_go_and_none_stands_in_the_clear() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("install.db");
        let db = store::Database::open(&path, crate::SCHEMA).unwrap();
        let key = RowKey::new(&[7; 32]);
        let trace = trace().await;
        for n in 0..i64::from(MOST) + 5 {
            let at = Time::from_ms(n);
            db.write(|tx| keep(tx, &key, Some("d"), "done", &trace, at))
                .unwrap();
        }
        let kept = db.read(all).unwrap();
        let ids: Vec<i64> = kept.iter().map(|trace| trace.id).collect();
        assert_eq!(ids, (6..=25).rev().collect::<Vec<_>>());
        let newest = db.read(|tx| get(tx, &key, 25)).unwrap();
        assert_eq!(newest, trace.text());
        assert!(db.read(|tx| get(tx, &key, 5)).is_err(), "it went");
        drop(db);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let found = bytes.windows(16).any(|part| part == b"teleward/session");
            assert!(!found, "a trace stands in the clear");
        }
    }

    /// The trace of a session that is cancelled at once.
    async fn trace() -> Trace {
        let script = device::Script::parse(r#"{"devices": []}"#).unwrap();
        let now = reading::Moment::from_ms(0);
        let radio = device::ScriptedRadio::new(script, now).unwrap();
        let plan = device::Plan {
            trace: device::TraceMode::Full,
            ..device::Plan::pair(device::DeviceHandle("d".to_owned()), 0, [0; 16])
        };
        let (to, mut from) = tokio::sync::mpsc::unbounded_channel();
        device::run_session(Arc::new(radio), plan, now, to, std::future::ready(())).await;
        while let Some(event) = from.recv().await {
            if let device::SessionEvent::Trace(trace) = event {
                return trace;
            }
        }
        unreachable!("a trace was wanted")
    }
}

//! The table of device models, for administrators: which is in force, what a newer one changes, and its adoption.

use super::App;
use super::error::{ApiError, body};
use super::guard::Administrator;
use crate::changes::Topic;
use crate::device_tables::{self, MOST_BYTES, Table};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::Time;

/// A request's body in bytes at most: a table as a JSON string, in which a character may take two.
pub(super) const BODY: usize = 2 * MOST_BYTES + 1024;

/// `GET /api/devices/table`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Json<Value>, ApiError> {
    let newest = app
        .run(|station| station.db.read(device_tables::newest))
        .await?;
    let in_force = newest.map(|data| {
        json!({
            "n": data.n,
            "issued": device_tables::issued(&data.table).ok().flatten().map(|day| day.to_string()),
            "at": data.at,
            "adopted_by": data.adopted_by,
            "rows": data.table.get("rows"),
        })
    });
    Ok(Json(
        json!({ "as_of": Time::system(), "in_force": in_force }),
    ))
}

#[derive(Deserialize)]
struct Offered {
    /// The file's text.
    table: String,
}

/// `POST /api/devices/table/changes`: what a table would change. Nothing is kept.
pub(crate) async fn changes(
    State(app): State<Arc<App>>,
    _: Administrator,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let Offered { table } = body(&bytes)?;
    let check = app.check_table;
    let answer = app
        .run(move |station| {
            let table = Table::read(&table, check)?;
            let in_force = station.db.read(device_tables::newest)?;
            let changes = table.over(in_force.as_ref())?;
            Ok(json!({
                "over": in_force.map_or(0, |held| held.n),
                "issued": table.issued.map(|day| day.to_string()),
                "rows": table.rows,
                "changes": changes,
            }))
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize)]
struct Adopt {
    table: String,
    /// The number of the table in force whose changes were shown; 0 for none.
    over: u32,
}

/// `POST /api/devices/table`: adopts it in the name of whoever is signed in.
pub(crate) async fn adopt(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let Adopt { table, over } = body(&bytes)?;
    let check = app.check_table;
    let done = app
        .run(move |station| {
            let table = Table::read(&table, check)?;
            let now = Time::system();
            let done = station.db.write(|tx| {
                device_tables::adopt(tx, &station.keys.sign, &who.name, table, Some(over), now)
            })?;
            station.changes.tell([], [Topic::Devices]);
            station.to_send.notify_one();
            Ok(done)
        })
        .await?;
    Ok(Json(json!(done)))
}

//! How the clinic reads what can be said in two units, for administrators.

use super::App;
use super::error::{ApiError, body};
use super::guard::Administrator;
use crate::changes::Topic;
use crate::shown;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use reading::GlucoseUnit;
use serde::Deserialize;
use std::sync::Arc;
use wire::Time;

#[derive(Deserialize)]
struct Choose {
    glucose_unit: Option<GlucoseUnit>,
}

/// `POST /api/shown`
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    Administrator(who): Administrator,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let Choose { glucose_unit } = body(&bytes)?;
    app.run(move |station| {
        station
            .db
            .write(|tx| shown::set_glucose_unit(tx, glucose_unit, &who.account, Time::system()))?;
        station.changes.tell([], [Topic::Status]);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

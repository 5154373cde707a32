//! Errors as the console gets them: `{code, text}` with one of a few statuses. Names nothing clinical.

use crate::device_tables::TableRefused;
use crate::error::{ClinicError, No};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A refused or failed request.
#[derive(Debug)]
pub(crate) struct ApiError(ClinicError);

#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_start: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clinic: Option<&'a str>,
}

impl From<ClinicError> for ApiError {
    fn from(error: ClinicError) -> Self {
        Self(error)
    }
}

impl ApiError {
    pub(crate) fn no(kind: No, code: &'static str, text: &'static str) -> Self {
        Self(ClinicError::No { kind, code, text })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, text, retry_after) = match &self.0 {
            ClinicError::No { kind, code, text } => {
                let (status, wait) = match kind {
                    No::Bad => (StatusCode::BAD_REQUEST, None),
                    No::SignedOut => (StatusCode::UNAUTHORIZED, None),
                    No::Forbidden => (StatusCode::FORBIDDEN, None),
                    No::Unknown => (StatusCode::NOT_FOUND, None),
                    No::Conflict => (StatusCode::CONFLICT, None),
                    No::Gone => (StatusCode::GONE, None),
                    No::SlowDown(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(*wait)),
                };
                (status, *code, (*text).to_owned(), wait)
            }
            ClinicError::Table(refused) => {
                let (status, code) = match refused {
                    TableRefused::Unreadable(_) => (StatusCode::BAD_REQUEST, "no_table"),
                    TableRefused::Older { .. } => (StatusCode::CONFLICT, "older"),
                    TableRefused::Undated { .. } => (StatusCode::CONFLICT, "undated"),
                    TableRefused::Same => (StatusCode::CONFLICT, "same"),
                    TableRefused::Meanwhile => (StatusCode::CONFLICT, "meanwhile"),
                };
                (status, code, refused.to_string(), None)
            }
            ClinicError::Relay { source, .. } => (
                StatusCode::CONFLICT,
                "relay",
                format!("{source}. Nothing was changed; try again."),
                None,
            ),
            ClinicError::Store(store::StoreError::DiskFull) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "disk_full",
                self.0.to_string(),
                None,
            ),
            other => {
                tracing::error!(error = %other, "a request failed");
                let text = "The station could not do this. Its log says why.".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "failed", text, None)
            }
        };
        answer(
            status,
            &Body {
                code,
                text: &text,
                retry_after,
                first_start: None,
                clinic: None,
            },
        )
    }
}

fn answer(status: StatusCode, body: &Body<'_>) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = body.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// 401 of `GET /api/session`: whether nobody has ever signed in, and the clinic's name, which its patients know.
pub(crate) fn signed_out(first_start: bool, clinic: Option<&str>) -> Response {
    let text = "Sign in first.";
    answer(
        StatusCode::UNAUTHORIZED,
        &Body {
            code: "signed_out",
            text,
            retry_after: None,
            first_start: Some(first_start),
            clinic,
        },
    )
}

/// Anything under `/api/` that is none of the routes.
pub(crate) async fn unknown() -> ApiError {
    ClinicError::unknown().into()
}

/// Reads a body: strict JSON, nothing else.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    wire::json::parse(bytes).map_err(|_| {
        ApiError::no(
            No::Bad,
            "malformed",
            "The request is not the JSON that belongs here.",
        )
    })
}

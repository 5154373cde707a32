//! Who may ask: the host a request names, the header that foreign pages cannot set, the session behind the cookie; and
//! the headers of every answer.

use super::App;
use super::error::ApiError;
use crate::accounts::{self, Role, SignedIn};
use crate::error::No;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;
use std::sync::Arc;
use wire::Time;

/// The session's cookie.
pub(crate) const COOKIE: &str = "tw_session";
const OURS: HeaderName = HeaderName::from_static("x-teleward");
/// The console sends it with what somebody at it asked for; what a page asks by itself goes without.
const IN_USE: HeaderName = HeaderName::from_static("x-teleward-use");
/// Nothing but our own files; no inline script or style; no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
  connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Around every request.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if !host_is_ours(request.headers(), &app.public) {
        ApiError::no(
            No::Bad,
            "host",
            "This station does not answer by that name.",
        )
        .into_response()
    } else if !reads && request.headers().get(OURS).is_none_or(|value| value != "1") {
        ApiError::no(
            No::Forbidden,
            "csrf",
            "Only the console may ask for changes.",
        )
        .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if app.secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}

/// A page of another site that resolves to this address (DNS rebinding) names itself in `Host`. Addresses in digits and
/// `localhost` cannot be another site's name.
fn host_is_ours(headers: &HeaderMap, public: &str) -> bool {
    let Some(host) = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let ours = public.split("://").nth(1).unwrap_or_default();
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || host.eq_ignore_ascii_case(ours)
}

/// The session cookie's value.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
        .filter(|value| value.len() <= 64)
}

/// Somebody is signed in, perhaps with a password still to be set.
pub(crate) struct Anyone(pub SignedIn, pub String);
/// Somebody is signed in.
pub(crate) struct Who(pub SignedIn);
/// An administrator is signed in.
pub(crate) struct Administrator(pub SignedIn);

/// Who is behind this request's cookie now; notes its use when a person asks. A page that is left open asks again and
/// again by itself, and a session that it kept alive would never end.
pub(crate) async fn session(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, ApiError> {
    let Some(cookie) = cookie(headers).map(str::to_owned) else {
        return Ok(None);
    };
    let in_use = headers.contains_key(IN_USE);
    app.run(move |station| {
        let now = Time::system();
        let found = station.db.read(|tx| accounts::who(tx, &cookie, now))?;
        match found {
            Some((who, true)) if in_use => {
                station.db.write(|tx| accounts::touch(tx, &cookie, now))?;
                Ok(Some(who))
            }
            Some((who, _)) => Ok(Some(who)),
            None => Ok(None),
        }
    })
    .await
}

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let value = cookie(&parts.headers).map(str::to_owned);
        match (session(app, &parts.headers).await?, value) {
            (Some(who), Some(value)) => Ok(Self(who, value)),
            _ => Err(ApiError::no(No::SignedOut, "signed_out", "Sign in first.")),
        }
    }
}

impl FromRequestParts<Arc<App>> for Who {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Anyone(who, _) = Anyone::from_request_parts(parts, app).await?;
        if who.set_password {
            return Err(ApiError::no(
                No::Forbidden,
                "set_password",
                "Set a password first.",
            ));
        }
        Ok(Self(who))
    }
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Who(who) = Who::from_request_parts(parts, app).await?;
        if who.role != Role::Administrator {
            return Err(ApiError::no(
                No::Forbidden,
                "administrator",
                "Only an administrator may do this.",
            ));
        }
        Ok(Self(who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-CLINIC-006: a page that reaches the station by another site's name is refused.
    #[test]
    fn only_our_own_names_are_answered() {
        let with = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            host_is_ours(&headers, "https://console.clinic.example:8443")
        };
        for ours in [
            "127.0.0.1:80",
            "[::1]:80",
            "192.168.1.7",
            "localhost:1",
            "console.clinic.example:8443",
        ] {
            assert!(with(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8443",
            "127.0.0.1.evil.example",
            "console.clinic.example",
            "",
        ] {
            assert!(!with(foreign), "{foreign}");
        }
        assert!(!host_is_ours(&HeaderMap::new(), "http://127.0.0.1:1"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=b; tw_session=xyz; c=d"),
        );
        assert_eq!(cookie(&headers), Some("xyz"));
    }
}

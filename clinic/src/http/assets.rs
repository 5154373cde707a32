//! The console's built files, embedded by `build.rs`.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/console.rs"));
}

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Console not built</title>\
<h1>Console not built</h1><p>This station runs, but its console was not built into it. Run <code>cargo xtask console</code>, \
build again and restart the station.</p></html>";

/// Any path outside `/api/`: a file of that name, else the one page that the console is.
pub(crate) async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(bytes) = file(path) {
        // names under assets/ carry a hash of their content
        let cache = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        return with(StatusCode::OK, media(path), cache, bytes);
    }
    let looks_like_a_file = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'));
    match file("index.html") {
        _ if looks_like_a_file => with(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "no-cache",
            b"not found",
        ),
        Some(page) => with(StatusCode::OK, media("index.html"), "no-cache", page),
        None => with(
            StatusCode::OK,
            media("index.html"),
            "no-cache",
            NOT_BUILT.as_bytes(),
        ),
    }
}

fn file(path: &str) -> Option<&'static [u8]> {
    let at = embedded::FILES
        .binary_search_by(|(name, _)| (*name).cmp(path))
        .ok()?;
    embedded::FILES.get(at).map(|(_, bytes)| *bytes)
}

fn with(
    status: StatusCode,
    media: &'static str,
    cache: &'static str,
    bytes: &'static [u8],
) -> Response {
    let mut response = (status, bytes).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn media(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

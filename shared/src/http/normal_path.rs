//! Paths with too many slashes, as a base URL that ends in one makes them: the caller is sent to the
//! path that is meant, with its method, body and query.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::StatusCode;
use http::header::LOCATION;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What must not stand in a path as it is. A browser reads `\` as `/`, so `/\host` would lead to
/// another host.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The one path that ends in a slash.
const SOCKETS: &str = "/socket.io/";
/// The largest body that is read before the redirect, in bytes: more than any path accepts.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// The time limit for the whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// 308 to the normal path, if the request's is another.
pub async fn redirect(request: Request, next: Next) -> Response {
    match normal(request.uri().path()) {
        Some(path) => {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            let _ = tokio::time::timeout(BODY_TIMEOUT, drop_body(request.into_body())).await;
            (StatusCode::PERMANENT_REDIRECT, [(LOCATION, path + &query)]).into_response()
        }
        None => next.run(request).await,
    }
}

/// Reads a body to its end and keeps nothing: a client that is still sending would get to see a broken
/// connection instead of the answer.
async fn drop_body(body: Body) {
    let (mut chunks, mut seen) = (body.into_data_stream(), 0);
    while let Some(Ok(chunk)) = chunks.next().await {
        seen += chunk.len();
        if seen > MAX_BODY {
            return;
        }
    }
}

/// The path with one slash between its segments, and none at its end; `None` when it is that already.
/// It begins with exactly one, so it stays on this host.
fn normal(path: &str) -> Option<String> {
    // Clients of Socket.IO append this path to their base URL, and follow no redirects.
    if path == SOCKETS || path == "/" || !(path.ends_with('/') || path.contains("//")) {
        return None;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let joined = format!("/{}", segments.join("/"));
    Some(utf8_percent_encode(&joined, NOT_IN_PATHS).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_made_one_and_lead_nowhere_else() {
        for (path, expected) in [
            ("//api/v1/agents", "/api/v1/agents"),
            ("/api/v1/agents/", "/api/v1/agents"),
            ("///api//v1///agents///", "/api/v1/agents"),
            ("//", "/"),
            ("//evil.example/x", "/evil.example/x"),
            ("/\\evil.example/", "/%5Cevil.example"),
            ("//\\\\evil.example", "/%5C%5Cevil.example"),
            ("/a%2F/b%5C/", "/a%2F/b%5C"),
            ("/é/", "/%C3%A9"),
        ] {
            assert_eq!(normal(path).as_deref(), Some(expected), "{path}");
        }
        for path in ["/", "", "/api/v1/agents", "/a%2F%2Fb", "*"] {
            assert_eq!(normal(path), None, "{path}");
        }
    }
}

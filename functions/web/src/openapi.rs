//! `GET /api/openapi.json`: `docs/openapi.json`, compiled in (`make openapi` writes it).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

/// The document as JSON.
pub const TEXT: &str = include_str!("../../../docs/openapi.json");

/// The ETag of the document, and of the page that is rendered from it.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    (TEXT, include_str!("../../../web/templates/docs/page.html")).hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
});

/// This description of the API, as OpenAPI 3.1
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "Service",
    operation_id = "getOpenApi",
    responses((status = 200, body = Object, description = "The document that this page shows"))
)]
pub async fn document(headers: HeaderMap) -> Response {
    cached(&headers, || ([(CONTENT_TYPE, "application/json")], TEXT).into_response())
}

/// A response that changes only with the build: cached for five minutes, then revalidated by its ETag.
pub fn cached(headers: &HeaderMap, full: impl FnOnce() -> Response) -> Response {
    let seen = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = seen.split(',').any(|tag| tag.trim().trim_start_matches("W/") == *TAG);
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { full() };
    if response.status().is_success() || same {
        response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("public, max-age=300"));
        response.headers_mut().extend(TAG.parse().map(|tag| (ETAG, tag)));
    }
    response
}

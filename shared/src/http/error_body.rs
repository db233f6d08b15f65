//! Error responses: the one body that all of them have.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Error, FieldError};

/// The wire form of every error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error)]
pub struct ErrorBody<'a> {
    status_code: u16,
    /// Stable, for programs
    #[schema(example = "not_found")]
    code: &'a str,
    /// One sentence, for people
    message: String,
    /// Every bad field; on 400 only
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<Vec<FieldError>>,
    /// When the approval was consumed; of `already_consumed` only
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    consumed_at: Option<Timestamp>,
    /// The path that was called, with keys in it masked
    path: &'a str,
    timestamp: Timestamp,
    /// As in the header x-request-id; finds the call in the logs
    request_id: &'a str,
}

impl<'a> ErrorBody<'a> {
    /// The body for `error` in the response to one request.
    pub fn of(error: &'a Error, path: &'a str, timestamp: Timestamp, request_id: &'a str) -> Self {
        Self {
            status_code: error.status().as_u16(),
            code: error.code(),
            message: error.to_string(),
            errors: error.fields(),
            consumed_at: error.consumed_at(),
            path,
            timestamp,
            request_id,
        }
    }
}

/// Sets the status and attaches the error; the envelope writes the body, which names the request.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A response extension: this error was rendered already, as a page.
#[derive(Clone)]
pub struct Rendered(pub Error);

/// Our own error, or what the framework meant by a bare status.
pub(super) fn error_of(response: &Response) -> Option<Error> {
    if let Some(error) = response.extensions().get::<Error>() {
        return Some(error.clone());
    }
    // Our own pages and bodies are HTML and JSON; what the framework says is plain text or nothing.
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let bare = kind.is_empty() || kind.starts_with("text/plain");
    let failed = response.status().is_client_error() || response.status().is_server_error();
    (failed && bare).then(|| Error::of_framework(response.status()))
}

/// The error's body; headers that were set already (a 405's `Allow`) stay.
pub(super) fn with_body(bare: Response, error: &Error, path: &str, now: Timestamp, request_id: &str) -> Response {
    let body = ErrorBody::of(error, path, now, request_id);
    let mut response = (error.status(), axum::Json(body)).into_response();
    for (name, value) in bare.headers() {
        if *name != CONTENT_LENGTH && *name != CONTENT_TYPE {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
    }
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

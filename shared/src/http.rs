//! What surrounds every router: request ids, error bodies, one log line per request, its
//! bill, and the entry in the log that its user can read.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth;
use crate::call_log::Call;
use crate::clock::Timestamp;
use crate::error::{Error, FieldError};
use crate::ids;
use crate::meter::{self, Beside, Bill, Spent};
use crate::{cors, normal_path};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
    /// The path that was called
    path: &'a str,
    timestamp: Timestamp,
    /// As in the header x-request-id; finds the call in the logs
    request_id: &'a str,
}

impl<'a> ErrorBody<'a> {
    pub fn of(error: &'a Error, path: &'a str, timestamp: Timestamp, request_id: &'a str) -> Self {
        Self {
            status_code: error.status().as_u16(),
            code: error.code(),
            message: error.to_string(),
            errors: error.fields(),
            path,
            timestamp,
            request_id,
        }
    }
}

/// Routes, ready to be served: unknown paths answered, and `envelope` around everything. A
/// router's own middleware, which is given no state, finds the bucket and the hosts as extensions.
pub fn service(routes: Router<App>, app: App) -> Router {
    let routes = routes.fallback(async || Error::NotFound("path"));
    let routes = routes.layer(Extension(app.blobs.clone())).layer(Extension(app.site.clone()));
    let routes = routes.layer(from_fn(normal_path::redirect));
    let routes = routes.layer(from_fn_with_state(app.cors.clone(), cors::on_agents_api));
    routes.layer(from_fn_with_state(app.clone(), envelope)).with_state(app)
}

/// Runs a request under its bill, writes the error body, logs one line. The bill's sums travel
/// on as a response extension.
async fn envelope(State(app): State<App>, OriginalUri(uri): OriginalUri, request: Request, next: Next) -> Response {
    let now = app.clock.now();
    let id = ids::new_ulid(now);
    let request_id = id.to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)".into(), |route| route.as_str().to_owned());
    let (bill, began) = (Arc::new(Bill::default()), Instant::now());
    let (call, mut request) = Call::begin(request, uri.path(), id, now);

    let admitted = app.site.admit(&mut request);
    let presented = auth::presented(request.headers());
    let run = meter::billed_to(bill.clone(), async {
        match admitted {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    });
    let answered = app.store.limits().callers.in_turn(&presented, run);
    let mut response = answered.await.unwrap_or_else(Error::into_response);

    if let Some(Rendered(error)) = response.extensions().get() {
        log_cause(error, &request_id);
    } else if let Some(error) = &error_of(&response) {
        log_cause(error, &request_id);
        response = with_body(response, error, uri.path(), app.clock.now(), &request_id);
    }
    let spent = bill.spent();
    response = meter::billed_to(bill.clone(), kept_of(&app, &bill, call, response)).await;
    response.extensions_mut().insert(Beside(bill.clone()));
    finish(&mut response, &request_id, spent);
    tracing::info!(
        request_id,
        user = bill.user().map(|user| user.to_string()),
        %method,
        route,
        status = response.status().as_u16(),
        ms = began.elapsed().as_secs_f64() * 1000.0,
        dynamodb_calls = spent.calls,
        capacity_units = spent.capacity_units(),
        s3_calls = spent.blob_calls,
        "request"
    );
    response
}

/// Notes beside the request what its user can read of it later: the entry in the log, the counts.
async fn kept_of(app: &App, bill: &Bill, call: Option<Call>, response: Response) -> Response {
    if let Some((agent, tally)) = bill.tally(response.status().as_u16() < 400) {
        app.store.book(agent, tally);
    }
    match (call, bill.user()) {
        (Some(call), Some(user)) => call.end(app.store.clone(), user, response).await,
        _ => response,
    }
}

/// A response extension: this error was rendered already, as a page.
#[derive(Clone)]
pub struct Rendered(pub Error);

/// Our own error, or what the framework meant by a bare status.
fn error_of(response: &Response) -> Option<Error> {
    if let Some(error) = response.extensions().get::<Error>() {
        return Some(error.clone());
    }
    // Our own pages and bodies are HTML and JSON; what the framework says is plain text or nothing.
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let bare = kind.is_empty() || kind.starts_with("text/plain");
    let failed = response.status().is_client_error() || response.status().is_server_error();
    (failed && bare).then(|| Error::of_framework(response.status()))
}

fn log_cause(error: &Error, request_id: &str) {
    if let Error::Unavailable(cause) | Error::Internal(cause) = error {
        tracing::error!(request_id, code = error.code(), cause = cause.as_str(), "request failed");
    }
}

/// The error's body; headers that were set already (a 405's `Allow`) stay.
fn with_body(bare: Response, error: &Error, path: &str, now: Timestamp, request_id: &str) -> Response {
    let body = ErrorBody::of(error, path, now, request_id);
    let mut response = (error.status(), axum::Json(body)).into_response();
    for (name, value) in bare.headers() {
        if *name != http::header::CONTENT_LENGTH && *name != CONTENT_TYPE {
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

fn finish(response: &mut Response, request_id: &str, spent: Spent) {
    response.extensions_mut().insert(spent);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Pages have a policy of their own: with this one browsers withhold the origin of their forms.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
}

//! What surrounds every request: its id, its cost, its error body, one line in the service's log,
//! and the entry in the request log that its user can read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::header::{CACHE_CONTROL, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::http::app::App;
use crate::http::auth;
use crate::http::error_body::{Rendered, error_of, with_body};
use crate::http::origin;
use crate::ids;
use crate::request_log::{Actor, Call, masked_path};
use crate::telemetry::cost::{self, BackgroundTasks, CostTotals, RequestCost};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// For a year, this host alone: what else is below its name is not ours.
const ONLY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// In a response: the request is neither logged for its user nor counted. For a wait that timed out, because the
/// client only calls again: the whole chain of its calls is recorded as the one that ends it.
#[derive(Clone, Copy)]
pub struct Unrecorded;

impl IntoResponseParts for Unrecorded {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}

/// Runs a request, counts its cost, writes the error body and logs one line. The totals of its cost
/// go on as a response extension.
pub(super) async fn wrap(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let now = app.clock.now();
    let id = ids::new_ulid(now);
    let request_id = id.to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)".into(), |route| route.as_str().to_owned());
    let (request_cost, began) = (Arc::new(RequestCost::default()), Instant::now());
    let (call, request) = Call::begin(request, uri.path(), id, now);
    // A URI keeps the buffer alive that the whole head of its request was read into.
    let path = masked_path(uri.path());
    drop(uri);

    let response = run(&app, &request_cost, request, next).await;
    let response = render_error(response, &path, app.clock.now(), &request_id);
    let totals = request_cost.spent();
    let mut response = cost::with_cost(request_cost.clone(), record(&app, &request_cost, call, response)).await;
    response.extensions_mut().insert(BackgroundTasks(request_cost.clone()));
    finish(&mut response, &request_id, totals);
    tracing::info!(
        request_id,
        user = request_cost.user().map(|user| user.to_string()),
        %method,
        route,
        status = response.status().as_u16(),
        ms = began.elapsed().as_secs_f64() * 1000.0,
        dynamodb_calls = totals.calls,
        capacity_units = totals.capacity_units(),
        s3_calls = totals.blob_calls,
        "request"
    );
    response
}

/// Runs the handler in the caller's turn.
async fn run(app: &App, request_cost: &Arc<RequestCost>, mut request: Request, next: Next) -> Response {
    let routed = app.site.admit(&mut request);
    let credentials = auth::credential_hashes(request.headers());
    let is_https = origin::is_https(request.headers());
    // Boxed: it is held for as long as a request waits, and each future around it would have room for it twice.
    let handled = Box::pin(cost::with_cost(request_cost.clone(), async {
        match routed {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        }
    }));
    let handled = app.store.limits().callers.in_turn(&credentials, handled).await;
    let mut response = handled.unwrap_or_else(Error::into_response);
    if is_https {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, ONLY_HTTPS);
    }
    response
}

/// Records in the background what the user can read about the request later: statistics and the
/// request log.
async fn record(app: &App, cost: &RequestCost, call: Option<Call>, response: Response) -> Response {
    if response.extensions().get::<Unrecorded>().is_some() {
        return response;
    }
    if let Some((agent, delta)) = cost.stats_delta(response.status().as_u16() < 400) {
        app.store.agents().record_stats(agent, delta);
    }
    match (call, cost.user()) {
        (Some(call), Some(user)) => {
            let actor = Actor { user, name: cost.user_name(), key: cost.key() };
            call.end(app.store.clone(), actor, response).await
        }
        _ => response,
    }
}

/// Logs the error of a response and writes its body, unless it was rendered as a page already.
fn render_error(response: Response, path: &str, now: Timestamp, request_id: &str) -> Response {
    if let Some(Rendered(error)) = response.extensions().get() {
        log_cause(error, request_id);
        return response;
    }
    let Some(error) = error_of(&response) else { return response };
    log_cause(&error, request_id);
    with_body(response, &error, path, now, request_id)
}

fn log_cause(error: &Error, request_id: &str) {
    if let Error::Unavailable(cause) | Error::Internal(cause) = error {
        tracing::error!(request_id, code = error.code(), cause = cause.as_str(), "request failed");
    }
}

fn finish(response: &mut Response, request_id: &str, totals: CostTotals) {
    response.extensions_mut().insert(totals);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // No other site embeds what is here, but for shared files.
    headers.entry(CROSS_ORIGIN_RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    // Pages have a policy of their own: with this one browsers withhold the origin of their forms.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
}

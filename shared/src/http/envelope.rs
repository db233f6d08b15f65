//! What surrounds every request: its id, its cost, its error body, one line in the service's log,
//! and the entry in the request log that its user can read.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

use crate::error::Error;
use crate::http::app::App;
use crate::http::auth;
use crate::http::error_body::{Rendered, error_of, with_body};
use crate::ids;
use crate::request_log::Call;
use crate::telemetry::cost::{self, BackgroundTasks, CostTotals, RequestCost};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request under its bill, writes the error body, logs one line. The bill's sums travel
/// on as a response extension.
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
    let (bill, began) = (Arc::new(RequestCost::default()), Instant::now());
    let (call, mut request) = Call::begin(request, uri.path(), id, now);

    let admitted = app.site.admit(&mut request);
    let presented = auth::presented(request.headers());
    let run = cost::with_cost(bill.clone(), async {
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
    response = cost::with_cost(bill.clone(), kept_of(&app, &bill, call, response)).await;
    response.extensions_mut().insert(BackgroundTasks(bill.clone()));
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
async fn kept_of(app: &App, bill: &RequestCost, call: Option<Call>, response: Response) -> Response {
    if let Some((agent, tally)) = bill.tally(response.status().as_u16() < 400) {
        app.store.agents().record_stats(agent, tally);
    }
    match (call, bill.user()) {
        (Some(call), Some(user)) => call.end(app.store.clone(), user, response).await,
        _ => response,
    }
}

fn log_cause(error: &Error, request_id: &str) {
    if let Error::Unavailable(cause) | Error::Internal(cause) = error {
        tracing::error!(request_id, code = error.code(), cause = cause.as_str(), "request failed");
    }
}

fn finish(response: &mut Response, request_id: &str, spent: CostTotals) {
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

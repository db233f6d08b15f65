//! `GET /api/changes`: holds until a person's inbox shows something else, or time is up.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Query;
use shared::long_poll::{self, Holder, LongPoll, Next, Pace};
use shared::validation::{FromParams, Params};
use utoipa::ToSchema;

/// `GET /api/changes`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// The `sequence` that the caller knows; without one the answer comes at once.
    #[param(value_type = Option<u64>, example = 41)]
    since: Option<u64>,
    /// Milliseconds; absent, not a number, and nothing or less mean the longest possible (29,000).
    #[param(value_type = Option<f64>, example = 30000)]
    timeout: Option<Duration>,
}

impl FromParams for ChangesQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        let since = params.text("since").map(|text| text.parse());
        if let Some(Err(_)) = since {
            params.problem("since", "not_a_number", "since must be a whole number, nothing or more");
        }
        Some(Self { since: since.and_then(Result::ok), timeout: long_poll::timeout(params) })
    }
}

/// The version of what an inbox shows
#[derive(Serialize, ToSchema)]
pub struct Changes {
    /// Give it as `since` to wait for what comes next
    #[schema(example = 42)]
    sequence: u64,
}

/// Waits until the person's inbox shows something else
///
/// Answers at once when `sequence` is another than `since`, and otherwise as soon as it is, or when
/// the time is up, with the same.
#[utoipa::path(
    get,
    path = "/api/changes",
    tag = "Inbox",
    operation_id = "waitForChanges",
    params(ChangesQuery),
    responses((status = 200, body = Changes))
)]
pub async fn changes(
    State(app): State<App>,
    human: HumanCaller,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Changes>, Error> {
    let mut poll = LongPoll::begin(&app.long_polls, query.timeout);
    // After a restore it may be less than what the caller knows: that is a change, too.
    let (user, mut sequence) = app.store.inbox().version(&human).await?;
    if query.since == Some(sequence) {
        poll.acquire_slot(Holder::Person(user))?;
    }
    while query.since == Some(sequence) && matches!(poll.next(Pace::Inbox, || Duration::MAX).await, Next::Look) {
        if let Some(seen) = poll.tolerate_outage(app.store.inbox().poll_version(user, poll.is_final()).await)? {
            // A copy that lags behind has less, and that is none.
            sequence = sequence.max(seen);
        }
    }
    Ok(Json(Changes { sequence }))
}

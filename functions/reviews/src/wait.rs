//! `GET /api/v1/reviews/{id}/wait`: holds until the review is decided or time is up.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::envelope::Unrecorded;
use shared::http::extract::{PathId, Query, maybe_channel};
use shared::http::waits::{Patience, Waited};
use shared::ids::{MaybeChannel, MessageId};
use shared::models::Message;
use shared::validation::{FromParams, Params};
use utoipa::ToSchema;

/// `GET /api/v1/reviews/{id}/wait`.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// The agent's id.
    #[param(value_type = Option<String>)]
    channel: MaybeChannel,
    #[param(ignore)]
    patience: Patience,
}

impl FromParams for WaitQuery {
    fn from_params(params: &mut Params) -> Option<Self> {
        Some(Self { channel: maybe_channel(params), patience: Patience::from_params(params)? })
    }
}

/// How a wait ended
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Waited)]
pub struct WaitOut {
    /// `completed`, `expired`, `cancelled`, or `timeout`: then call again
    #[schema(example = "completed")]
    status: &'static str,
    message: Option<Message>,
    /// Only with `timeout`: how many milliseconds a patient client may sleep before it calls again
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    poll_after_ms: Option<u64>,
}

/// Waits for the answer to a review
///
/// Answers at once when the review is decided, and otherwise as soon as it is, or when the time is up. A call with
/// `patient=true` answers `timeout` at once when the review was asked more than a minute ago and nobody has it open.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/{id}/wait",
    tag = "Reviews",
    operation_id = "waitForReview",
    params(("id" = MessageId, Path), WaitQuery, Patience),
    responses((status = 200, body = WaitOut))
)]
pub async fn wait(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(query): Query<WaitQuery>,
) -> Result<Response, Error> {
    match app.wait_for_review(&agent, query.channel, id, query.patience).await? {
        Waited::Decided(message) => {
            // Boxed: the wait is held without it.
            let message = Box::pin(app.blobs.with_text(*message)).await?;
            let status = message.review.as_ref().ok_or(Error::NotFound("review"))?.status.word();
            Ok(Json(WaitOut { status, message: Some(message), poll_after_ms: None }).into_response())
        }
        Waited::TimedOut { poll_after } => {
            let poll_after_ms = Some(millis(poll_after));
            let timed_out = WaitOut { status: "timeout", message: None, poll_after_ms };
            Ok((Unrecorded, Json(timed_out)).into_response())
        }
    }
}

/// The number in `pollAfterMs`.
pub fn millis(poll_after: std::time::Duration) -> u64 {
    u64::try_from(poll_after.as_millis()).unwrap_or(u64::MAX)
}

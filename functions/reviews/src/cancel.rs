//! `POST /api/v1/reviews/{id}/cancel`

use axum::Json;
use axum::extract::State;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, MaybeJson, PathId, Query};
use shared::ids::MessageId;
use shared::models::{CancelReview, Message};

/// Withdraws a review
///
/// From then on it cannot be answered, and waits for it end. A repeat is 200. The body may be absent.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{id}/cancel",
    tag = "Reviews",
    operation_id = "cancelReview",
    params(("id" = MessageId, Path), MaybeInChannel),
    request_body = Option<CancelReview>,
    responses(
        (status = 200, body = Message),
        (status = 409, description = "`already_decided`: it was answered; `review_expired`")
    )
)]
pub async fn cancel(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
    MaybeJson(body): MaybeJson<CancelReview>,
) -> Result<Json<Message>, Error> {
    let message = app.cancel(&agent, channel, id, body).await?;
    Ok(Json(app.blobs.with_text(message).await?))
}

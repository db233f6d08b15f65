//! `POST /api/messages/{id}/viewing`

use axum::extract::State;
use http::StatusCode;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::MessageId;

/// Tells that somebody is about to answer a review
///
/// Waits for the review look more often for the next two seconds, and calls of patient clients hold for the next
/// twenty. Pages call it while the review is in front of somebody. A review that is decided stays as it is.
#[utoipa::path(
    post,
    path = "/api/messages/{id}/viewing",
    tag = "Inbox",
    operation_id = "recordViewing",
    params(("id" = MessageId, Path)),
    responses((status = 204))
)]
pub async fn viewing(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
) -> Result<StatusCode, Error> {
    app.store.reviews().record_sign(&human, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

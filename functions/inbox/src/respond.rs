//! `POST /api/messages/{id}/respond`

use axum::extract::State;
use http::StatusCode;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{Json, PathId};
use shared::ids::MessageId;
use shared::models::{Answer, Message, Surface};

/// Answers a review
///
/// Exactly one answer wins. One that the review does not offer is 400, and nothing is stored.
#[utoipa::path(
    post,
    path = "/api/messages/{id}/respond",
    tag = "Inbox",
    operation_id = "answerReview",
    params(("id" = MessageId, Path)),
    request_body = Answer,
    responses(
        (status = 201, body = Message),
        (status = 403, description = "`review_already_responded`, `review_expired` or `review_cancelled`")
    )
)]
pub async fn respond(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
    Json(answer): Json<Answer>,
) -> Result<(StatusCode, axum::Json<Message>), Error> {
    let message = app.answer(&human, id, answer, Surface::Api).await?;
    Ok((StatusCode::CREATED, axum::Json(app.blobs.with_text(message.for_humans()).await?)))
}

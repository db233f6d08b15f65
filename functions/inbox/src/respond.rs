//! `POST /api/messages/{id}/respond`

use axum::extract::State;
use http::StatusCode;
use shared::app::App;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::extract::{Json, PathId};
use shared::ids::MessageId;
use shared::models::{Answer, Message};

pub async fn respond(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
    Json(answer): Json<Answer>,
) -> Result<(StatusCode, axum::Json<Message>), Error> {
    let message = app.store.answer(&human, id, answer).await?;
    Ok((StatusCode::CREATED, axum::Json(app.blobs.with_text(message.for_humans()).await?)))
}

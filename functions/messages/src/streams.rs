//! `PATCH /api/v1/messages/streams/{streamId}` and `POST .../status`

use axum::extract::State;
use http::StatusCode;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{HashedJson, IdempotencyKey, Json, PathId};
use shared::models::{AddStatus, Message, StatusEvent, StreamId, UpdateStream};

/// Changes or ends a message that is still streaming
///
/// `text` is the whole text so far. Once ended, only the same may be said again.
#[utoipa::path(
    patch,
    path = "/api/v1/messages/streams/{streamId}",
    tag = "Messages",
    operation_id = "updateStream",
    params(("streamId" = String, Path, description = "The sender's own name of the stream", max_length = 256)),
    request_body = UpdateStream,
    responses(
        (status = 200, body = Message),
        (status = 409, description = "`stream_ended`: the stream is complete or aborted")
    )
)]
pub async fn update(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(stream): PathId<StreamId>,
    Json(update): Json<UpdateStream>,
) -> Result<axum::Json<Message>, Error> {
    let message = app.store.messages().update_stream(&agent, stream, update).await?;
    Ok(axum::Json(app.blobs.with_text(message).await?))
}

/// Says what the sender of a stream is doing
///
/// It may come before the message, which shows it among its `statusEvents`.
#[utoipa::path(
    post,
    path = "/api/v1/messages/streams/{streamId}/status",
    tag = "Messages",
    operation_id = "addStatusEvent",
    params(
        ("streamId" = String, Path, description = "The sender's own name of the stream", max_length = 256),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat: the same key gives the same event")
    ),
    request_body = AddStatus,
    responses(
        (status = 201, body = StatusEvent),
        (status = 409, description = "`stream_ended`: the stream is complete or aborted; `idempotency_conflict`: the key was used with another body")
    )
)]
pub async fn status(
    State(app): State<App>,
    agent: AgentCaller,
    key: IdempotencyKey,
    PathId(stream): PathId<StreamId>,
    HashedJson { body, hash }: HashedJson<AddStatus>,
) -> Result<(StatusCode, axum::Json<StatusEvent>), Error> {
    let event = app.store.messages().add_status(&agent, stream, body, key.of(|| hash)).await?;
    Ok((StatusCode::CREATED, axum::Json(event)))
}

//! `DELETE /api/v1/messages/{id}`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, PathId, Query};
use shared::ids::MessageId;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct DeletedMessage {
    #[schema(example = true)]
    deleted: bool,
}

/// Deletes a message with its files
///
/// A member of a chain of iterations is kept: 400.
#[utoipa::path(
    delete,
    path = "/api/v1/messages/{id}",
    tag = "Messages",
    operation_id = "deleteMessage",
    params(("id" = MessageId, Path), MaybeInChannel),
    responses((status = 200, body = DeletedMessage))
)]
pub async fn delete(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<DeletedMessage>, Error> {
    app.store.messages().delete(&agent, channel, id).await?;
    Ok(Json(DeletedMessage { deleted: true }))
}

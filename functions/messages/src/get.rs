//! `GET /api/v1/messages/{id}`

use axum::Json;
use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, PathId, Query};
use shared::ids::MessageId;
use shared::models::Message;

/// One message
#[utoipa::path(
    get,
    path = "/api/v1/messages/{id}",
    tag = "Messages",
    operation_id = "getMessage",
    params(("id" = MessageId, Path), MaybeInChannel),
    responses((status = 200, body = Message))
)]
pub async fn get(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<Message>, Error> {
    let message = app.store.messages().get(&agent, channel, id).await?;
    Ok(Json(app.blobs.with_text(message).await?))
}

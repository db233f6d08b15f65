//! `POST /api/v1/messages/{id}/ack`

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
pub struct Acknowledged {
    #[schema(example = true)]
    acknowledged: bool,
}

/// Tells that the agent has a message
///
/// Its `deliveryStatus` becomes `agent_received`.
#[utoipa::path(
    post,
    path = "/api/v1/messages/{id}/ack",
    tag = "Messages",
    operation_id = "acknowledgeMessage",
    params(("id" = MessageId, Path), MaybeInChannel),
    responses((status = 200, body = Acknowledged))
)]
pub async fn ack(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<Acknowledged>, Error> {
    app.store.messages().acknowledge(&agent, channel, id).await?;
    Ok(Json(Acknowledged { acknowledged: true }))
}

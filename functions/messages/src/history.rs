//! `GET /api/v1/messages/{id}/history`

use axum::Json;
use axum::extract::State;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, PathId, Query};
use shared::ids::MessageId;
use shared::models::History;

/// What happened to a message and its review
///
/// The same as people get. The history of a decided act can also be read after its message or its agent was deleted.
#[utoipa::path(
    get,
    path = "/api/v1/messages/{id}/history",
    tag = "Messages",
    operation_id = "getHistory",
    params(("id" = MessageId, Path), MaybeInChannel),
    responses((status = 200, body = History))
)]
pub async fn history(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<History>, Error> {
    app.store.messages().history(&agent, channel, id).await.map(Json)
}

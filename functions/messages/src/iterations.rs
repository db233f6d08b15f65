//! `GET /api/v1/messages/iterations/{id}`

use axum::Json;
use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, PathId, Query};
use shared::ids::MessageId;
use shared::models::Iterations;

/// A message and its revisions, in order
///
/// Any of them may be named. A message that was never revised is alone.
#[utoipa::path(
    get,
    path = "/api/v1/messages/iterations/{id}",
    tag = "Messages",
    operation_id = "listIterations",
    params(("id" = MessageId, Path), MaybeInChannel),
    responses((status = 200, body = Iterations))
)]
pub async fn iterations(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<Iterations>, Error> {
    let Iterations { group_id, iterations } = app.store.messages().iterations(&agent, channel, id).await?;
    Ok(Json(Iterations { group_id, iterations: app.blobs.with_texts(iterations).await? }))
}

//! `GET /api/messages/{id}/iterations`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{InChannel, PathId, Query};
use shared::ids::MessageId;
use shared::models::{Iterations, Message};

/// A message and its revisions, in order
///
/// Any of them may be named. A message that was never revised is alone.
#[utoipa::path(
    get,
    path = "/api/messages/{id}/iterations",
    tag = "Inbox",
    operation_id = "listIterationsAsPerson",
    params(("id" = MessageId, Path), InChannel),
    responses((status = 200, body = Iterations))
)]
pub async fn iterations(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
    Query(InChannel { channel }): Query<InChannel>,
) -> Result<Json<Iterations>, Error> {
    let Iterations { group_id, iterations } = app.store.messages().iterations(&human, channel, id).await?;
    let shown = iterations.into_iter().map(Message::for_humans).collect();
    Ok(Json(Iterations { group_id, iterations: app.blobs.with_texts(shown).await? }))
}

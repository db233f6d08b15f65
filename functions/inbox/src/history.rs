//! `GET /api/messages/{id}/history`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::{MaybeChannel, MessageId};
use shared::models::History;

/// What happened to a message and its review
///
/// Who created, saw, decided or cancelled it, when and where, and what was edited. When the message of a decided act is
/// deleted, its history is kept for 400 days, or as long as the deployment says.
#[utoipa::path(
    get,
    path = "/api/messages/{id}/history",
    tag = "Inbox",
    operation_id = "getHistoryAsPerson",
    params(("id" = MessageId, Path)),
    responses((status = 200, body = History))
)]
pub async fn history(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<History>, Error> {
    app.store.messages().history(&human, MaybeChannel::Absent, id).await.map(Json)
}

//! `GET /api/v1/files`

use axum::Json;
use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, Query};
use shared::models::Attachment;

/// Files, newest first
///
/// Of one channel, or without one of all that the key reaches.
/// An announced file is listed once its bytes are there.
#[utoipa::path(
    get,
    path = "/api/v1/files",
    tag = "Files",
    operation_id = "listFiles",
    params(MaybeInChannel),
    responses((status = 200, body = Vec<Attachment>))
)]
pub async fn list(
    State(app): State<App>,
    agent: AgentCaller,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<Vec<Attachment>>, Error> {
    Ok(Json(app.store.files().list_for_agent(&agent, channel).await?))
}

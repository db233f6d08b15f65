//! `GET /api/v1/reviews/pending`

use axum::Json;
use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{MaybeInChannel, Query};
use shared::models::Message;

/// Reviews that wait for an answer, newest first
///
/// Of one channel, or without one of all that the key reaches.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/pending",
    tag = "Reviews",
    operation_id = "listPendingReviews",
    params(MaybeInChannel),
    responses((status = 200, body = Vec<Message>))
)]
pub async fn pending(
    State(app): State<App>,
    agent: AgentCaller,
    Query(MaybeInChannel { channel }): Query<MaybeInChannel>,
) -> Result<Json<Vec<Message>>, Error> {
    let messages = app.store.reviews().list_pending(&agent, channel).await?;
    Ok(Json(app.blobs.with_texts(messages).await?))
}

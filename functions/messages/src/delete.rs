//! `DELETE /api/v1/messages/{id}`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::extract::{InChannel, PathId, Query};
use shared::ids::MessageId;

pub async fn delete(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<MessageId>,
    Query(InChannel { channel }): Query<InChannel>,
) -> Result<Json<Value>, Error> {
    app.store.delete_message(&agent, channel, id, &app.blobs).await?;
    Ok(Json(json!({ "deleted": true })))
}
